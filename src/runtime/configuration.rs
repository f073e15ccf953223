//! The settings file and everything it names, read and compiled: what `serve`, a reload and
//! `check-config` have in common.
//!
//! ```text
//!   baleen.conf ─▶ Settings ─┬─▶ list files, categories ─▶ Policy ┐
//!                            └─▶ templates ─────────────▶ Pages  ┴─▶ Configuration
//!         problems, with places ────────────────────────▶ Findings
//! ```

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::adaptation::page::{Pages, TEMPLATE_NAMES, Template};
use crate::policy::{AdExpressions, Database, List, Policy};
use crate::settings::options::CategoryFiles;
use crate::settings::{Problem, Settings};

use super::categories;

/// What a settings file amounts to.
#[derive(Debug)]
pub struct Configuration {
    /// The settings, complete with defaults.
    pub settings: Settings,
    /// Lists and rules.
    pub policy: Policy,
    /// The block pages.
    pub pages: Pages,
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
    /// 0: the whole line.
    column: usize,
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
            findings.files.push(FileFinding { file, line: 0, column: 0, message, error: false });
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
    findings.usable = !findings.problems.iter().any(Problem::is_error)
        && !findings.files.iter().any(|found| found.error);
    let configuration = match (policy, pages) {
        (Some(policy), Some(pages)) if findings.usable => {
            Some(Configuration { settings, policy, pages })
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

    /// The lists with their files, the rules, and the database of categories.
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
        for path in &files.ads {
            self.add_ads(&mut options.ads, path);
        }
        let database = self.categories(&settings.category_files());
        match Policy::compile(options) {
            Ok(policy) => Some(policy.with_database(database)),
            Err(fault) => {
                let file = self.file.clone();
                let message = fault.to_string();
                self.files.push(FileFinding { file, line: 0, column: 0, message, error: true });
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
                    column: 0,
                    message: fault.fault.to_string(),
                    error: false,
                }));
            }
            Err(error) => self.cannot_read(path, &error),
        }
    }

    fn add_ads(&mut self, ads: &mut AdExpressions, path: &Path) {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let file = path.display().to_string();
                self.files.extend(ads.add_file(&text).into_iter().map(|bad| FileFinding {
                    file: file.clone(),
                    line: bad.line,
                    column: bad.column,
                    message: bad.fault.to_string(),
                    error: false,
                }));
            }
            Err(error) => self.cannot_read(path, &error),
        }
    }

    /// The database of categories. One that cannot be used is an error: without it, whole categories would
    /// no longer be blocked, and nobody would notice.
    fn categories(&mut self, files: &CategoryFiles) -> Option<Arc<Database>> {
        let (mapping, faults) = match categories::mapping(files.mapping.as_deref()) {
            Ok(mapping) => mapping,
            Err(message) => {
                self.categories_finding(message, true);
                self.unreadable = true;
                return None;
            }
        };
        for fault in faults {
            let file = files.mapping.as_deref().unwrap_or_else(|| Path::new(""));
            let (file, message) = (file.display().to_string(), fault.what);
            let (line, column) = (fault.line, fault.column);
            self.files.push(FileFinding { file, line, column, message, error: false });
        }
        match categories::load(files, &mapping) {
            Ok(None) => None,
            Ok(Some(loaded)) => {
                if let Some(built) = &loaded.built {
                    self.category_lists(built);
                }
                Some(loaded.database)
            }
            Err(message) => {
                self.categories_finding(message, true);
                None
            }
        }
    }

    fn category_lists(&mut self, built: &categories::Built) {
        for list in &built.lists {
            if let Some(first) = list.faults.first() {
                let message = format!(
                    "{} lines are set aside; the first at {}:{}: {}",
                    list.bad, first.line, first.column, first.reason
                );
                let file = list.name.clone();
                self.files.push(FileFinding { file, line: 0, column: 0, message, error: false });
            }
        }
        if !built.unknown.is_empty() {
            let message = format!(
                "lists without a row in the mapping are not used: {}",
                built.unknown.join(", ")
            );
            self.categories_finding(message, false);
        }
    }

    fn categories_finding(&mut self, message: String, error: bool) {
        let file = "[URLCheck] CategoryDatabase".to_owned();
        self.files.push(FileFinding { file, line: 0, column: 0, message, error });
    }

    fn pages(&mut self, settings: &Settings) -> Option<Pages> {
        let own = match settings.server().templates_dir {
            Some(dir) => self.templates(&dir),
            None => Vec::new(),
        };
        match Pages::compile(own) {
            Ok(pages) => Some(pages),
            Err(fault) => {
                let dir = settings.server().templates_dir.unwrap_or_default();
                let file = dir.join(&fault.template).display().to_string();
                let line = fault.line.unwrap_or_default();
                self.files.push(FileFinding {
                    file,
                    line,
                    column: 0,
                    message: fault.message,
                    error: true,
                });
                None
            }
        }
    }

    fn templates(&mut self, dir: &Path) -> Vec<Template> {
        let mut own = Vec::new();
        for name in TEMPLATE_NAMES {
            let path = dir.join(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => own.push(Template { name: name.to_owned(), text }),
                Err(error) if error.kind() == io::ErrorKind::NotFound && dir.is_dir() => {}
                Err(error) => self.cannot_read(&path, &error),
            }
        }
        own
    }

    fn cannot_read(&mut self, path: &Path, error: &io::Error) {
        self.unreadable = true;
        let file = path.display().to_string();
        let message = format!("cannot be read: {error}");
        self.files.push(FileFinding { file, line: 0, column: 0, message, error: true });
    }
}

impl FileFinding {
    fn text(&self) -> String {
        let place = match (self.line, self.column) {
            (0, _) => String::new(),
            (line, 0) => format!("{line}:"),
            (line, column) => format!("{line}:{column}:"),
        };
        let severity = if self.error { "error" } else { "warning" };
        format!("{}:{place} {severity}: {}", self.file, self.message)
    }
}

/// Where the settings are on an installed system.
pub const DEFAULT_FILE: &str = "/etc/baleen/baleen.conf";
