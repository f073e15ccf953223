//! Block pages: what a user sees in place of a message.
//!
//! ```text
//!   Cause ──▶ template name ──▶ own template, if given ──▶ embedded one ──▶ Rendered
//!   facts ──▶ variables (escaped by the template engine)                    head + body
//! ```
//!
//! Template names are those of Dr.Web 6.0: `ERR_ACCESS_DENIED` for threats and forbidden types,
//! `ERR_DOWNLOAD_BLOCK` for addresses that are not wanted, `ERR_FAILED_CHECK` for what could not be checked. A template is
//! Jinja; it may extend `base.html`. Everything from outside is escaped in every template, whatever its
//! name, so no address, user or threat name becomes markup. Variables:
//!
//! | variable | meaning |
//! | --- | --- |
//! | `lang` | the page's language, `en` |
//! | `title`, `lead`, `advice` | headline, what happened, what to do |
//! | `reason` | `threat`, `unchecked`, `black-list`, `type`, `category`, `advertisement`, `rule`, `hook` or `policy-unchecked` |
//! | `threat`, `place` | the threat's name; where in an archive it is |
//! | `detail` | why it could not be checked, the list's entry, or the type |
//! | `url`, `user` | as the client sent them; may be empty |
//! | `time`, `request_id` | when, and the name in the log |
//! | `contact` | whom to ask; may be empty |
//! | `labels` | the words `address`, `user`, `threat`, `place`, `detail`, `time`, `request`, `contact` |
//!
//! A template that fails while it is rendered, runs too long or grows too large is replaced by the
//! embedded one: a page is always there. Programs that ask for JSON get the same facts as JSON.
//!
//! Absent on purpose: reading template files (the edge does), scripts, pictures, anything loaded.

mod negotiate;
mod text;
mod variables;

use std::fmt;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use super::decision::Cause;
use crate::http::RequestHead;
use crate::icap::Request;
use negotiate::wants_json;
use text::Language;
use variables::{Variables, context};

/// What a page says.
#[derive(Clone, Copy, Debug)]
pub struct PageFacts<'a> {
    /// Why the message is blocked.
    pub cause: &'a Cause,
    /// The request's target as the client sent it; empty where it is not known.
    pub url: &'a [u8],
    /// The request's `Host`, shown in front of a target that is only a path.
    pub host: &'a [u8],
    /// The user behind the proxy; empty where it is not known.
    pub user: &'a str,
    /// When, as an HTTP date (RFC 9110 section 5.6.7): it is also the page's `Date`.
    pub time: &'a str,
    /// Names this transaction in the log.
    pub request_id: &'a str,
    /// Whom to ask; empty: nobody is named.
    pub contact: &'a str,
    /// `Accept` of the request: programs that ask for JSON get it.
    pub accept: Option<&'a [u8]>,
    /// `Accept-Language` of the request.
    pub accept_language: Option<&'a [u8]>,
    /// Whether the request was HEAD: then the page has its head only.
    pub is_head: bool,
}

impl<'a> PageFacts<'a> {
    /// What an ICAP request says about a page; the time, the id and the contact are the edge's.
    #[must_use]
    pub fn of(
        request: &'a Request,
        cause: &'a Cause,
        time: &'a str,
        request_id: &'a str,
        contact: &'a str,
    ) -> Self {
        let http = request.http_request();
        let field = |name| http.and_then(|head| head.field(name));
        Self {
            cause,
            url: http.map(RequestHead::target).unwrap_or_default(),
            host: field("Host").unwrap_or_default(),
            user: &request.subject().user,
            time,
            request_id,
            contact,
            accept: field("Accept"),
            accept_language: field("Accept-Language"),
            is_head: http.is_some_and(|head| head.method() == b"HEAD"),
        }
    }
}

/// A page as an HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Status line and fields, the empty line included.
    pub head: Vec<u8>,
    /// The body; empty for HEAD.
    pub body: Vec<u8>,
}

/// A template of the administrator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its file name: one of [`TEMPLATE_NAMES`].
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The compiled templates: immutable, shared by all shards.
#[derive(Clone, Debug)]
pub struct Pages {
    environment: Environment<'static>,
}

impl Pages {
    /// Compiles the embedded templates and the administrator's, and renders each of the latter once.
    ///
    /// # Errors
    ///
    /// [`TemplateFault`] names the template, the line and what is wrong.
    pub fn compile(own: Vec<Template>) -> Result<Self, TemplateFault> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        for (name, text) in EMBEDDED {
            environment
                .add_template(name, text)
                .map_err(|error| TemplateFault::of(name, &error))?;
        }
        let mut pages = Self { environment };
        for template in own {
            pages.add(template)?;
        }
        Ok(pages)
    }

    fn add(&mut self, template: Template) -> Result<(), TemplateFault> {
        let Template { name, text } = template;
        if !TEMPLATE_NAMES.contains(&name.as_str()) {
            let message =
                format!("there is no such page: expected one of {}", TEMPLATE_NAMES.join(", "));
            return Err(TemplateFault { template: name, line: None, message });
        }
        let key = own_name(&name);
        self.environment
            .add_template_owned(key.clone(), text)
            .map_err(|error| TemplateFault::of(&name, &error))?;
        let language = Language::choose(None);
        let context = context(&Variables::sample(language), language);
        let rendered =
            self.environment.get_template(&key).and_then(|template| template.render(&context));
        match rendered {
            Ok(body) if body.len() > BODY_BYTES_MAX => {
                let message =
                    format!("the page has {} bytes, {BODY_BYTES_MAX} are allowed", body.len());
                Err(TemplateFault { template: name, line: None, message })
            }
            Ok(_) => Ok(()),
            Err(error) => Err(TemplateFault::of(&name, &error)),
        }
    }

    /// Renders the page for a blocked message.
    #[must_use]
    pub fn render(&self, facts: &PageFacts<'_>) -> Rendered {
        let language = Language::choose(facts.accept_language);
        let variables = Variables::of(facts, language);
        let json = wants_json(facts.accept);
        let (media_type, body) = if json {
            (
                "application/json",
                serde_json::to_string(&variables).unwrap_or_else(|_| LAST_RESORT_JSON.to_owned()),
            )
        } else {
            (
                "text/html; charset=utf-8",
                self.html(template_name(facts.cause), &context(&variables, language)),
            )
        };
        let head = head(facts, media_type, language, body.len());
        let body = if facts.is_head { Vec::new() } else { body.into_bytes() };
        Rendered { head, body }
    }

    fn html(&self, name: &str, context: &Value) -> String {
        let tries = [own_name(name), name.to_owned()];
        let mut pages = tries
            .iter()
            .filter_map(|key| self.environment.get_template(key).ok()?.render(context).ok());
        // Both the administrator's and the embedded template can only fail together if the program is broken.
        pages
            .find(|page| page.len() <= BODY_BYTES_MAX)
            .unwrap_or_else(|| LAST_RESORT_HTML.to_owned())
    }
}

/// The template for a cause.
const fn template_name(cause: &Cause) -> &'static str {
    match cause {
        Cause::Threat(_) | Cause::Type(_) => "ERR_ACCESS_DENIED.html",
        Cause::BlackList(_)
        | Cause::Category { .. }
        | Cause::Advertisement(_)
        | Cause::Rule { .. }
        | Cause::Hook => "ERR_DOWNLOAD_BLOCK.html",
        Cause::Unchecked(_) | Cause::PolicyUnchecked(_) => "ERR_FAILED_CHECK.html",
    }
}

/// Where an administrator's template is kept beside the embedded one.
fn own_name(name: &str) -> String {
    format!("own/{name}")
}

/// Status line and fields. Nothing of the replaced message stays: no coding, no validator, no ranges.
fn head(
    facts: &PageFacts<'_>,
    media_type: &str,
    language: &Language,
    body_bytes: usize,
) -> Vec<u8> {
    let date =
        if facts.time.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !facts.time.is_empty() {
            format!("Date: {}\r\n", facts.time)
        } else {
            String::new()
        };
    format!(
        "HTTP/1.1 403 Forbidden\r\n\
         {date}\
         Server: Baleen\r\n\
         Content-Type: {media_type}\r\n\
         Content-Length: {body_bytes}\r\n\
         Content-Language: {}\r\n\
         Cache-Control: no-store\r\n\
         Vary: Accept, Accept-Language\r\n\
         X-Content-Type-Options: nosniff\r\n\
         Referrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'\r\n\
         \r\n",
        language.tag
    )
    .into_bytes()
}

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFault {
    /// Its file name.
    pub template: String,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl TemplateFault {
    fn of(name: &str, error: &minijinja::Error) -> Self {
        let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        Self {
            template: name.to_owned(),
            line: error.line(),
            message: format!("{}{detail}", error.kind()),
        }
    }
}

impl fmt::Display for TemplateFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}:{line}: {}", self.template, self.message),
            None => write!(out, "{}: {}", self.template, self.message),
        }
    }
}

impl std::error::Error for TemplateFault {}

/// The files that an administrator can put into `TemplatesDir`.
pub const TEMPLATE_NAMES: [&str; 3] =
    ["ERR_ACCESS_DENIED.html", "ERR_DOWNLOAD_BLOCK.html", "ERR_FAILED_CHECK.html"];

static EMBEDDED: [(&str, &str); 4] = [
    ("base.html", include_str!("templates/base.html")),
    ("ERR_ACCESS_DENIED.html", include_str!("templates/ERR_ACCESS_DENIED.html")),
    ("ERR_DOWNLOAD_BLOCK.html", include_str!("templates/ERR_DOWNLOAD_BLOCK.html")),
    ("ERR_FAILED_CHECK.html", include_str!("templates/ERR_FAILED_CHECK.html")),
];

const LAST_RESORT_HTML: &str = "<!doctype html><html lang=\"en\"><title>Blocked</title><h1>This page was blocked</h1></html>\n";

const LAST_RESORT_JSON: &str = "{\"reason\":\"blocked\"}";

/// Steps of the template engine; the embedded pages take some hundreds.
const FUEL: u64 = 100_000;

/// A page of text has some KiB. It is copied once for each blocked message.
const BODY_BYTES_MAX: usize = 256 << 10;
