//! Block pages: what a user sees in place of a message.
//!
//! ```text
//!   Cause ──▶ template name ──▶ own template, if given ──▶ embedded one ──▶ Rendered
//!   facts ──▶ variables (escaped by the template engine)                    head + body
//!   Accept, Sec-Fetch-Dest ──▶ page, JSON, text, or a stand-in for a part of a page
//!   Accept-Language ──▶ words
//! ```
//!
//! Template names are those of Dr.Web 6.0: `ERR_ACCESS_DENIED` for threats and forbidden types,
//! `ERR_DOWNLOAD_BLOCK` for addresses that are not wanted, `ERR_FAILED_CHECK` for what could not be
//! checked. A template is Jinja; it may extend `base.html`, which may be the administrator's, too.
//! Everything from outside is escaped in every template, whatever its name, so no address, user or threat
//! name becomes markup. Variables:
//!
//! | variable | meaning |
//! | --- | --- |
//! | `lang` | the page's language: `en`, `de`, `ru` or `es` |
//! | `title`, `lead`, `advice` | headline, what happened, what to do |
//! | `reason` | `threat`, `unchecked`, `black-list`, `type`, `category`, `advertisement`, `rule`, `hook` or `policy-unchecked` |
//! | `category`, `category_name` | the category as in the settings, and in the page's language |
//! | `threat`, `place` | the threat's name; where in an archive it is |
//! | `detail` | why it could not be checked, the list's entry, the type, or the words of a rule |
//! | `url`, `user` | as the client sent them; may be empty |
//! | `time`, `request_id` | when, and the name in the log |
//! | `contact` | whom to ask; may be empty |
//! | `labels` | the words `address`, `user`, `threat`, `category`, `place`, `detail`, `time`, `request`, `contact` |
//!
//! A template that fails while it is rendered, runs too long or grows too large is replaced by the
//! embedded one: a page is always there. Programs that prefer JSON get the same facts as JSON; parts of
//! pages (pictures, scripts, style sheets) get next to nothing.
//!
//! An answer to CONNECT never has a status of success, whatever `BlockStatus` says: the client would take
//! it for a tunnel. Browsers do not show the page of a refused tunnel, but a proxy that bumps the
//! connection can, so it is a whole page all the same.
//!
//! Absent on purpose: reading template files (the edge does), scripts, pictures, anything loaded.

mod form;
mod negotiate;
mod sample;
mod template;
mod text;
mod variables;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use super::decision::Cause;
use crate::http::RequestHead;
use crate::icap::Request;
use crate::policy::Category;
use form::Form;
pub use sample::{REASONS, sample};
use template::{BASE, embedded, own_key, program_key, template_name};
pub use template::{TEMPLATE_NAMES, Template, TemplateFault};
pub use text::LANGUAGE_TAGS;
use text::{LANGUAGES, Language};
use variables::{Variables, context};

/// What a page says.
#[derive(Clone, Copy, Debug)]
pub struct PageFacts<'a> {
    /// Why the message is blocked.
    pub cause: &'a Cause,
    /// The request's method; empty where it is not known.
    pub method: &'a [u8],
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
    /// `Sec-Fetch-Dest` of the request: for what a browser asks.
    pub destination: Option<&'a [u8]>,
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
            method: http.map(RequestHead::method).unwrap_or_default(),
            url: http.map(RequestHead::target).unwrap_or_default(),
            host: field("Host").unwrap_or_default(),
            user: &request.subject().user,
            time,
            request_id,
            contact,
            accept: field("Accept"),
            accept_language: field("Accept-Language"),
            destination: field("Sec-Fetch-Dest"),
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

/// `BlockStatus`: the status of a page's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// 403: programs see that they were refused, and nothing keeps the page as the content.
    #[default]
    Forbidden,
    /// 200: for clients that show no page of an error. Programs take the page for the content.
    Ok,
    /// 451 (RFC 7725): blocked for legal reasons.
    Legal,
}

/// What pages are compiled from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The administrator's templates.
    pub templates: Vec<Template>,
    /// `ReportLanguages`: tags of the languages that pages may be in, the default first; what is no
    /// language of the program is ignored. Empty: all, English first.
    pub languages: Vec<String>,
    /// `BlockStatus`.
    pub status: Status,
}

/// The compiled templates: immutable, shared by all shards.
#[derive(Clone, Debug)]
pub struct Pages {
    environment: Environment<'static>,
    languages: Vec<&'static Language>,
    status: Status,
}

impl Pages {
    /// Compiles the embedded templates and the administrator's, and renders each of the latter once for
    /// every reason it is for.
    ///
    /// # Errors
    ///
    /// [`TemplateFault`] names the template, the line and what is wrong.
    pub fn compile(options: Options) -> Result<Self, TemplateFault> {
        let Options { templates, languages, status } = options;
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        for (key, text) in embedded() {
            environment
                .add_template_owned(key.clone(), text)
                .map_err(|error| TemplateFault::of(&key, &error))?;
        }
        let mut offered: Vec<_> = languages.iter().filter_map(|tag| Language::named(tag)).collect();
        if offered.is_empty() {
            offered = LANGUAGES.to_vec();
        }
        let mut pages = Self { environment, languages: offered, status };
        for template in &templates {
            pages.add(template)?;
        }
        for template in &templates {
            pages.try_out(template)?;
        }
        Ok(pages)
    }

    fn add(&mut self, template: &Template) -> Result<(), TemplateFault> {
        let refuse = |message| TemplateFault { template: template.path(), line: None, message };
        let is_page = TEMPLATE_NAMES.contains(&template.name.as_str());
        if !is_page || (template.language.is_some() && template.name == BASE) {
            let names = TEMPLATE_NAMES.join(", ");
            return Err(refuse(format!("there is no such page: expected one of {names}")));
        }
        if let Some(tag) = &template.language
            && Language::named(tag).is_none()
        {
            let tags = LANGUAGE_TAGS.join(", ");
            return Err(refuse(format!("there is no such language: expected one of {tags}")));
        }
        let key = template.key();
        self.environment
            .add_template_owned(key, template.text.clone())
            .map_err(|error| TemplateFault::of(&template.path(), &error))
    }

    /// Renders a template for every reason it is for: a fault is found before somebody is blocked.
    fn try_out(&self, template: &Template) -> Result<(), TemplateFault> {
        let tag = template.language.as_deref();
        let language = tag.and_then(Language::named).unwrap_or_else(|| self.default_language());
        for cause in REASONS.iter().filter_map(|reason| sample(reason, Category::Gambling, None)) {
            let name = template_name(&cause);
            let key = match template.name.as_str() {
                BASE => name.to_owned(),
                own if own == name => template.key(),
                _ => continue,
            };
            let variables = Variables::of(&sample_facts(&cause), language);
            let rendered = self
                .environment
                .get_template(&key)
                .and_then(|template| template.render(context(&variables, language)));
            let body = rendered.map_err(|error| {
                let path =
                    if error.name() == Some(BASE) { BASE.to_owned() } else { template.path() };
                TemplateFault::of(&path, &error)
            })?;
            if body.len() > BODY_BYTES_MAX {
                let message =
                    format!("the page has {} bytes, {BODY_BYTES_MAX} are allowed", body.len());
                return Err(TemplateFault { template: template.path(), line: None, message });
            }
        }
        Ok(())
    }

    /// Renders the page for a blocked message.
    #[must_use]
    pub fn render(&self, facts: &PageFacts<'_>) -> Rendered {
        let language = Language::choose(&self.languages, facts.accept_language);
        let variables = Variables::of(facts, language);
        let form = Form::of(facts.accept, facts.destination);
        let body = match form {
            Form::Html => {
                let context = context(&variables, language);
                self.html(template_name(facts.cause), language, &context).into_bytes()
            }
            Form::Json => {
                serde_json::to_vec(&variables).unwrap_or_else(|_| LAST_RESORT_JSON.into())
            }
            Form::Text => variables.text(&language.labels).into_bytes(),
            Form::Image => form::picture(facts.cause).to_vec(),
            Form::Style | Form::Script => {
                form::comment(language.message(facts.cause).title, facts.request_id)
            }
        };
        let head = self.head(facts, form.media_type(facts.cause), language, body.len());
        let body = if facts.method == b"HEAD" { Vec::new() } else { body };
        Rendered { head, body }
    }

    fn html(&self, name: &str, language: &Language, context: &Value) -> String {
        let tries = [
            own_key(Some(language.tag), name),
            own_key(None, name),
            name.to_owned(),
            program_key(name),
        ];
        let mut pages = tries
            .iter()
            .filter_map(|key| self.environment.get_template(key).ok()?.render(context).ok());
        // The administrator's and the embedded template can only fail together if the program is broken.
        pages
            .find(|page| page.len() <= BODY_BYTES_MAX)
            .unwrap_or_else(|| LAST_RESORT_HTML.to_owned())
    }

    /// The language that a client gets which wants none.
    fn default_language(&self) -> &'static Language {
        Language::choose(&self.languages, None)
    }

    /// The tags of the languages in force, the default first.
    pub fn languages(&self) -> impl Iterator<Item = &'static str> {
        self.languages.iter().map(|language| language.tag)
    }

    /// The administrator's template that the page for this cause is made with in this language, by its
    /// place below `TemplatesDir`; `None`: the embedded one.
    #[must_use]
    pub fn own_template(&self, cause: &Cause, language: &str) -> Option<String> {
        let name = template_name(cause);
        let keys = [own_key(Some(language), name), own_key(None, name)];
        let key = keys.iter().find(|key| self.environment.get_template(key).is_ok())?;
        key.strip_prefix("own/").map(str::to_owned)
    }

    /// Status line and fields. Nothing of the replaced message stays: no coding, no validator, no ranges.
    fn head(
        &self,
        facts: &PageFacts<'_>,
        media_type: &str,
        language: &Language,
        body_bytes: usize,
    ) -> Vec<u8> {
        let status = match self.status {
            Status::Ok if facts.method != b"CONNECT" => "200 OK",
            Status::Legal => "451 Unavailable For Legal Reasons",
            Status::Ok | Status::Forbidden => "403 Forbidden",
        };
        let is_date = facts.time.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let date = if is_date && !facts.time.is_empty() {
            format!("Date: {}\r\n", facts.time)
        } else {
            String::new()
        };
        format!(
            "HTTP/1.1 {status}\r\n\
             {date}\
             Server: Baleen\r\n\
             Content-Type: {media_type}\r\n\
             Content-Length: {body_bytes}\r\n\
             Content-Language: {}\r\n\
             Cache-Control: no-store\r\n\
             Vary: Accept, Accept-Language, Sec-Fetch-Dest\r\n\
             X-Content-Type-Options: nosniff\r\n\
             Referrer-Policy: no-referrer\r\n\
             Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'\r\n\
             \r\n",
            language.tag
        )
        .into_bytes()
    }
}

/// The name of the template for a cause: one of [`TEMPLATE_NAMES`].
#[must_use]
pub const fn template_of(cause: &Cause) -> &'static str {
    template_name(cause)
}

/// The name of a language in itself; `None` for a tag that is none of [`LANGUAGE_TAGS`].
#[must_use]
pub fn language_name(tag: &str) -> Option<&'static str> {
    Language::named(tag).map(|language| language.name)
}

/// Facts of a request that never was: to try templates with, and for previews.
#[must_use]
pub const fn sample_facts(cause: &Cause) -> PageFacts<'_> {
    PageFacts {
        cause,
        method: b"GET",
        url: b"http://www.example.com/path?query=1",
        host: b"www.example.com",
        user: "user",
        time: "Thu, 01 Jan 1970 00:00:00 GMT",
        request_id: "0-1",
        contact: "help@example.com",
        accept: None,
        accept_language: None,
        destination: None,
    }
}

const LAST_RESORT_HTML: &str = "<!doctype html><html lang=\"en\"><title>Blocked</title><h1>This page was blocked</h1></html>\n";

const LAST_RESORT_JSON: &[u8] = b"{\"reason\":\"blocked\"}";

/// Steps of the template engine; the embedded pages take some hundreds.
const FUEL: u64 = 100_000;

/// A page of text has some KiB. It is copied once for each blocked message.
const BODY_BYTES_MAX: usize = 256 << 10;
