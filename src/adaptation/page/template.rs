//! Templates: the embedded ones, the administrator's, and why one cannot be used.

use std::fmt;

use crate::adaptation::decision::Cause;

/// A template of the administrator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The language it is for, one of [`super::LANGUAGE_TAGS`]; `None`: for all that have none of their own.
    pub language: Option<String>,
    /// Its file name: one of [`TEMPLATE_NAMES`].
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Template {
    /// Its place below `TemplatesDir`.
    pub(super) fn path(&self) -> String {
        match &self.language {
            Some(language) => format!("{language}/{}", self.name),
            None => self.name.clone(),
        }
    }

    /// Where it is kept beside the embedded ones.
    pub(super) fn key(&self) -> String {
        own_key(self.language.as_deref(), &self.name)
    }
}

/// Where an administrator's template is kept. The base stands in the place of the embedded one, which
/// stays in force under its other name.
pub(super) fn own_key(language: Option<&str>, name: &str) -> String {
    match language {
        Some(language) => format!("own/{language}/{name}"),
        None if name == BASE => BASE.to_owned(),
        None => format!("own/{name}"),
    }
}

/// Where an embedded template is kept that no administrator's file can change.
pub(super) fn program_key(name: &str) -> String {
    format!("program/{name}")
}

/// The embedded templates with their keys: each once so that it extends the base in force, and once so
/// that it extends the embedded one.
pub(super) fn embedded() -> impl Iterator<Item = (String, String)> {
    EMBEDDED.iter().flat_map(|&(name, text)| {
        let firm = text.replace("\"base.html\"", "\"program/base.html\"");
        [(name.to_owned(), text.to_owned()), (program_key(name), firm)]
    })
}

/// The template for a cause.
pub(super) const fn template_name(cause: &Cause) -> &'static str {
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

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFault {
    /// Its place below `TemplatesDir`.
    pub template: String,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl TemplateFault {
    pub(super) fn of(path: &str, error: &minijinja::Error) -> Self {
        let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        Self {
            template: path.to_owned(),
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

/// The template that the others extend.
pub(super) const BASE: &str = "base.html";

/// The files that an administrator can put into `TemplatesDir` and its folders of languages;
/// `base.html` only beside them.
pub const TEMPLATE_NAMES: [&str; 4] =
    [BASE, "ERR_ACCESS_DENIED.html", "ERR_DOWNLOAD_BLOCK.html", "ERR_FAILED_CHECK.html"];

static EMBEDDED: [(&str, &str); 4] = [
    (BASE, include_str!("templates/base.html")),
    ("ERR_ACCESS_DENIED.html", include_str!("templates/ERR_ACCESS_DENIED.html")),
    ("ERR_DOWNLOAD_BLOCK.html", include_str!("templates/ERR_DOWNLOAD_BLOCK.html")),
    ("ERR_FAILED_CHECK.html", include_str!("templates/ERR_FAILED_CHECK.html")),
];
