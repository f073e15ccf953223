//! The documents of the HTTPS service, version 1.
//!
//! Asked by POST, `Content-Type: application/json`, up to [`BATCH_MAX`] addresses at once:
//!
//! ```text
//!   {"version": 1, "urls": [{"id": 0, "host": "www.example.com", "path": "/a/b"}, …]}
//! ```
//!
//! Answered by status 200 with:
//!
//! ```text
//!   {"version": 1, "answers": [{"id": 0, "categories": ["Gambling"], "ttl": 3600, "reason": "…"}, …]}
//! ```
//!
//! `host` is a name in lower case or an IP address; `path` begins with `/`, has no query, and is missing when
//! the administrator does not want it told. Every `id` has to be answered; `categories` may be empty: then
//! nobody knows the address. Categories have our names, in either spelling, or those of `ServiceCategories`;
//! others are passed over. `ttl` (seconds) and `reason` may be missing. Fields that are not named here are
//! ignored, on both sides.

use serde::{Deserialize, Serialize};

use super::options::ServiceOptions;
use super::question::Question;
use crate::policy::{Categories, Category};

#[derive(Serialize)]
struct Request {
    version: u32,
    urls: Vec<Asked>,
}

#[derive(Serialize)]
struct Asked {
    id: usize,
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    version: u32,
    answers: Vec<Answered>,
}

#[derive(Deserialize)]
struct Answered {
    id: usize,
    categories: Vec<String>,
    #[serde(default)]
    ttl: Option<u64>,
    #[serde(default)]
    reason: String,
}

/// What the service says about one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) categories: Categories,
    pub(super) ttl_s: Option<u64>,
    pub(super) reason: String,
}

/// The document that asks; the ids are places in the list.
pub(super) fn request(questions: &[&Question], options: &ServiceOptions) -> Vec<u8> {
    let urls = questions.iter().enumerate().map(|(id, question)| Asked {
        id,
        host: question.host(),
        path: options.with_paths.then(|| question.path().to_owned()),
    });
    let request = Request { version: VERSION, urls: urls.collect() };
    // Strings and numbers always have a JSON form.
    serde_json::to_vec(&request).unwrap_or_default()
}

/// Reads the document that answers: one place for each question, empty where it says nothing of it. `None`:
/// it is no such document.
pub(super) fn read(
    body: &[u8],
    count: usize,
    options: &ServiceOptions,
) -> Option<Vec<Option<Said>>> {
    let response: Response = serde_json::from_slice(body).ok()?;
    (response.version == VERSION).then_some(())?;
    let mut all = vec![None; count];
    for answered in response.answers {
        if let Some(place @ None) = all.get_mut(answered.id) {
            let named = answered.categories.iter().filter_map(|name| category(name, options));
            let visible = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
            *place = Some(Said {
                categories: named.collect(),
                ttl_s: answered.ttl,
                reason: answered.reason.chars().take(REASON_CHARS_MAX).map(visible).collect(),
            });
        }
    }
    Some(all)
}

fn category(name: &str, options: &ServiceOptions) -> Option<Category> {
    let named = options.names.iter().find(|(word, _)| word.eq_ignore_ascii_case(name));
    named.map(|(_, category)| *category).or_else(|| Category::named(name))
}

const VERSION: u32 = 1;

/// Addresses in one document.
pub const BATCH_MAX: usize = 64;

/// Of a service's reason, so much is kept for the log.
const REASON_CHARS_MAX: usize = 300;
