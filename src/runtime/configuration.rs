//! The settings file and everything it names, read and compiled: what `serve`, a reload and
//! `check-config` have in common.
//!
//! ```text
//!   baleen.conf ─▶ Settings ─┬─▶ list files ─▶ Policy ┐
//!                            └─▶ templates  ─▶ Pages  ┴─▶ Configuration
//!         problems, with places ────────────────────────▶ Findings
//! ```

use std::io;
use std::path::Path;

use serde::Serialize;

use crate::adaptation::page::{self, Pages, TEMPLATE_NAMES, Template};
use crate::policy::{List, Policy};
use crate::settings::{Problem, Settings};

use super::reputation::Cloud;
use super::reputation::configuration::{self as cloud, CloudFault};

/// What a settings file amounts to.
#[derive(Debug)]
pub struct Configuration {
    /// The settings, complete with defaults.
    pub settings: Settings,
    /// Lists and rules.
    pub policy: Policy,
    /// The block pages.
    pub pages: Pages,
    /// The reputation services that are asked.
    pub cloud: Option<Cloud>,
}

/// Everything that is to be said about a file.
#[derive(Debug, Serialize)]
pub struct Findings {
    file: String,
    usable: bool,
    problems: Vec<Problem>,
    /// Files that the settings name, and what is wrong with them.
    files: Vec<FileFinding>,
    #[serde(skip)]
    unreadable: bool,
}

/// Something wrong with a file that the settings name.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct FileFinding {
    file: String,
    /// 0: the whole file.
    line: usize,
    message: String,
    error: bool,
}

/// Reads a settings file with all it names. `None` stands for [`DEFAULT_FILE`], which may be missing:
/// then the embedded defaults are in force. There is a configuration exactly when the findings are usable.
#[must_use]
pub fn read(file: Option<&Path>) -> (Findings, Option<Configuration>) {
    let path = file.unwrap_or_else(|| Path::new(DEFAULT_FILE));
    let mut findings = Findings {
        file: path.display().to_string(),
        usable: false,
        problems: Vec::new(),
        files: Vec::new(),
        unreadable: false,
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        // A file that nobody asked for may be missing.
        Err(error) if file.is_none() && error.kind() == io::ErrorKind::NotFound => {
            let message = "there is no such file; the defaults are in force".to_owned();
            let file = findings.file.clone();
            findings.files.push(FileFinding { file, line: 0, message, error: false });
            String::new()
        }
        Err(error) => {
            findings.cannot_read(path, &error);
            return (findings, None);
        }
    };
    let (settings, problems) = Settings::parse(&text);
    findings.problems = problems;
    let policy = findings.policy(&settings);
    let pages = findings.pages(&settings);
    let cloud = findings.cloud(&settings);
    findings.usable = !findings.problems.iter().any(Problem::is_error)
        && !findings.files.iter().any(|found| found.error);
    let configuration = match (policy, pages) {
        (Some(policy), Some(pages)) if findings.usable => {
            Some(Configuration { settings, policy, pages, cloud })
        }
        _ => None,
    };
    (findings, configuration)
}

impl Findings {
    /// Whether a service may run with it.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.usable
    }

    /// Whether something could not even be read.
    #[must_use]
    pub const fn is_unreadable(&self) -> bool {
        self.unreadable
    }

    /// Notes, warnings and errors, one text each.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let problems = self.problems.iter().map(|problem| problem.render(&self.file));
        problems.chain(self.files.iter().map(FileFinding::text)).collect()
    }

    /// All of it, as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        // Strings and numbers always have a JSON form.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The lists with their files, and the rules.
    fn policy(&mut self, settings: &Settings) -> Option<Policy> {
        let mut options = settings.policy_options();
        let files = settings.list_files();
        for path in &files.black {
            self.add_list(&mut options.black, path);
        }
        for path in &files.white {
            self.add_list(&mut options.white, path);
        }
        for path in &files.ranges {
            self.add_list(&mut options.ranges, path);
        }
        match Policy::compile(options) {
            Ok(policy) => Some(policy),
            Err(fault) => {
                let file = self.file.clone();
                let message = fault.to_string();
                self.files.push(FileFinding { file, line: 0, message, error: true });
                None
            }
        }
    }

    fn add_list(&mut self, list: &mut List, path: &Path) {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let file = path.display().to_string();
                // A bad line is set aside and the rest is used, so it does not stop the service.
                self.files.extend(list.add_file(&text).into_iter().map(|fault| FileFinding {
                    file: file.clone(),
                    line: fault.line,
                    message: fault.fault.to_string(),
                    error: false,
                }));
            }
            Err(error) => self.cannot_read(path, &error),
        }
    }

    fn pages(&mut self, settings: &Settings) -> Option<Pages> {
        let dir = settings.server().templates_dir;
        let options = page::Options {
            templates: dir.as_deref().map(|dir| self.templates(dir)).unwrap_or_default(),
            ..settings.page_options()
        };
        match Pages::compile(options) {
            Ok(pages) => Some(pages),
            Err(fault) => {
                let file = dir.unwrap_or_default().join(&fault.template).display().to_string();
                let line = fault.line.unwrap_or_default();
                self.files.push(FileFinding { file, line, message: fault.message, error: true });
                None
            }
        }
    }

    /// The administrator's templates: those in the folder, and those in its folders of languages.
    fn templates(&mut self, dir: &Path) -> Vec<Template> {
        let mut own = Vec::new();
        let folders = std::iter::once(None).chain(page::LANGUAGE_TAGS.map(Some));
        for (language, name) in folders.flat_map(|folder| TEMPLATE_NAMES.map(|name| (folder, name)))
        {
            let path = dir.join(language.unwrap_or_default()).join(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => own.push(Template {
                    language: language.map(str::to_owned),
                    name: name.to_owned(),
                    text,
                }),
                Err(error) if error.kind() == io::ErrorKind::NotFound && dir.is_dir() => {}
                Err(error) => self.cannot_read(&path, &error),
            }
        }
        own
    }

    /// The reputation services, with the files that they name.
    fn cloud(&mut self, settings: &Settings) -> Option<Cloud> {
        if let Some(note) = settings.cloud_note() {
            let file = self.file.clone();
            let message = note.to_owned();
            self.files.push(FileFinding { file, line: 0, message, error: false });
        }
        cloud::read(settings.cloud()?).map_err(|why| self.cloud_fault(&why)).ok()
    }

    fn cloud_fault(&mut self, CloudFault { file, message, unreadable }: &CloudFault) {
        self.unreadable |= unreadable;
        let file = file.display().to_string();
        self.files.push(FileFinding { file, line: 0, message: message.clone(), error: true });
    }

    fn cannot_read(&mut self, path: &Path, error: &io::Error) {
        self.unreadable = true;
        let file = path.display().to_string();
        let message = format!("cannot be read: {error}");
        self.files.push(FileFinding { file, line: 0, message, error: true });
    }
}

impl FileFinding {
    fn text(&self) -> String {
        let place = if self.line == 0 { String::new() } else { format!("{}:", self.line) };
        let severity = if self.error { "error" } else { "warning" };
        format!("{}:{place} {severity}: {}", self.file, self.message)
    }
}

/// Where the settings are on an installed system.
pub const DEFAULT_FILE: &str = "/etc/baleen/baleen.conf";
