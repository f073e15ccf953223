//! Types of content whose bodies may leave before their verdict, and the words for how.
//!
//! Two lists of the settings, in the patterns of MIME rules. `TailTypes` are types whose receivers cannot wait for
//! the whole, films for instance. `StreamTypes` are types of which some bodies have no end: without
//! `Content-Length`, one of them is taken for such a stream. Both trust what the sender says about the type, as
//! a MIME rule does; what leaves has been scanned all the same, except that the whole is never seen at once.
//!
//! Absent on purpose: sizes, times, profiles; [`crate::adaptation::release`] puts all of it together.

use super::PolicyFault;
use super::mime::{Pattern, RULES_MAX};

/// What may leave of a body before its verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Release {
    /// Nothing: what is blocked is answered with a page.
    #[default]
    Hold,
    /// Everything that has been scanned but the last of it: what is blocked ends broken.
    Tail,
}

impl Release {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Hold, Self::Tail];

    /// The word in settings and rules.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hold => "Hold",
            Self::Tail => "Tail",
        }
    }

    /// Reads the word, in any case.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|release| word.eq_ignore_ascii_case(release.name()))
    }
}

/// `StreamTypes` as they are by default.
///
/// | types | why |
/// | --- | --- |
/// | `text/event-stream` | events that a page waits for, and answers of language models, word by word |
/// | `multipart/x-mixed-replace` | cameras: one picture after the other |
/// | `application/x-ndjson`, `application/stream+json` | the same as events, as lines of JSON |
/// | `audio/*` and `application/ogg` as named | radio as Icecast and Shoutcast send it |
/// | `video/*` as named | television: transport streams, Flash video over HTTP, Icecast's `WebM` and Ogg |
///
/// Not `audio/*` and `video/*` as such: `video/mp4` has its index at one of its ends and is no stream, nor are
/// `audio/wav` and `audio/flac`; and no `application/octet-stream`, which is anything.
pub const STREAM_TYPES: &str = "text/event-stream, multipart/x-mixed-replace, application/x-ndjson, \
     application/stream+json, audio/mpeg, audio/aac, audio/aacp, audio/ogg, audio/webm, application/ogg, \
     video/mp2t, video/x-flv, video/ogg, video/webm";

/// [`STREAM_TYPES`] as patterns.
pub(super) fn stream_types() -> Vec<Pattern> {
    STREAM_TYPES.split(", ").filter_map(|text| Pattern::parse(text).ok()).collect()
}

/// Some types of content.
#[derive(Clone, Debug, Default)]
pub(super) struct Types(Box<[Pattern]>);

impl Types {
    pub(super) fn compile(list: &'static str, patterns: Vec<Pattern>) -> Result<Self, PolicyFault> {
        if patterns.len() > RULES_MAX {
            return Err(PolicyFault::TooManyTypes { list, count: patterns.len() });
        }
        Ok(Self(patterns.into()))
    }

    /// Whether a raw `Content-Type` is one of them; parameters do not count.
    pub(super) fn has(&self, content_type: &[u8]) -> bool {
        let mime = super::mime::bare(content_type);
        self.0.iter().any(|pattern| pattern.fits(mime))
    }
}
