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

use crate::adaptation::credentials::{Passwords, SetAside};
use crate::adaptation::page::{self, Pages, TEMPLATE_NAMES, Template};
use crate::policy::{
    AdExpressions, Database, Groups, List, Policy, PolicyFault, RuleFault, RuleSource, rules,
};
use crate::settings::options::CategoryFiles;
use crate::settings::{Problem, Settings};

use super::directory::{self, Directory};
use super::reputation::Cloud;
use super::reputation::configuration::{self as cloud, CloudFault};
use super::script::{self, Rehearsal};
use super::transport::certificates::{self, CertificateFault};
use super::{categories, clock};

/// What a settings file amounts to.
#[derive(Debug)]
pub struct Configuration {
    /// The settings, complete with defaults.
    pub settings: Settings,
    /// Lists and rules.
    pub policy: Arc<Policy>,
    /// The script of `MessageHook`.
    pub hook: Option<Arc<script::Source>>,
    /// The block pages.
    pub pages: Pages,
    /// The reputation services that are asked.
    pub cloud: Option<Cloud>,
    /// What ICAPS needs, where it is spoken.
    pub icaps: Option<Arc<rustls::ServerConfig>>,
    /// The directory that is asked for groups.
    pub directory: Option<Directory>,
    /// Who clients may say they are, where they have to.
    pub clients: Option<Passwords>,
}

impl Configuration {
    /// Runs a script about a request that nobody made: the given one, by name and text, or that of the settings.
    ///
    /// # Errors
    ///
    /// A text for people.
    pub fn rehearse(
        &self,
        script: Option<(String, String)>,
        rehearsal: &Rehearsal,
    ) -> Result<script::Asked, String> {
        let source = match (script, &self.hook) {
            (Some((name, text)), _) => {
                let bounds = self.settings.hook_bounds();
                script::Source {
                    name,
                    text,
                    time_max: bounds.time_max,
                    memory_bytes_max: usize::try_from(bounds.memory_bytes_max)
                        .unwrap_or(usize::MAX),
                    config: self.settings.values_for_scripts(),
                }
            }
            (None, Some(source)) => script::Source::clone(source),
            (None, None) => {
                return Err("the settings name no script: MessageHook is empty".to_owned());
            }
        };
        let asked = rehearsal.run(&source, &self.policy, clock::thread_time());
        asked.map_err(|trouble| format!("{}: {trouble}", source.name))
    }
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
    let policy = findings.policy(&settings).map(Arc::new);
    let hook = policy.as_ref().and_then(|policy| findings.hook(&settings, policy));
    let pages = findings.pages(&settings);
    let cloud = findings.cloud(&settings);
    let icaps = findings.icaps(&settings);
    let directory = findings.directory(&settings);
    let clients = findings.clients(&settings);
    findings.usable = !findings.problems.iter().any(Problem::is_error)
        && !findings.files.iter().any(|found| found.error);
    let configuration = match (policy, pages) {
        (Some(policy), Some(pages)) if findings.usable => {
            Some(Configuration { settings, policy, hook, pages, cloud, directory, icaps, clients })
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
        options.reputation = settings.cloud().is_some();
        options.directory = settings.directory().is_some();
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
        for path in &files.trusted {
            self.add_list(&mut options.trusted, path);
        }
        for path in &files.ads {
            self.add_ads(&mut options.ads, path);
        }
        if let Some(path) = &files.groups {
            options.groups = self.groups(path);
        }
        options.rules = self.rules(options.rules);
        options.rule_files = self.rule_files(&options.rules);
        let database = self.categories(&settings.category_files());
        match Policy::compile(options) {
            Ok(policy) => Some(policy.with_database(database)),
            // Its text has the place, the line and a caret.
            Err(PolicyFault::Rule(fault)) => {
                let file = fault.source.to_string();
                self.files.push(FileFinding::of_rule(file, &fault));
                None
            }
            Err(fault) => {
                let file = self.file.clone();
                let message = fault.to_string();
                self.files.push(FileFinding { file, line: 0, column: 0, message, error: true });
                None
            }
        }
    }

    /// The rules with the files of rules among them read.
    fn rules(&mut self, sources: Vec<RuleSource>) -> Vec<RuleSource> {
        let mut read = Vec::with_capacity(sources.len());
        for source in sources {
            let Some(path) = source.text.strip_prefix('@') else {
                read.push(source);
                continue;
            };
            match read_bounded(Path::new(path)) {
                Ok(text) => read.push(RuleSource { name: path.into(), text }),
                Err(error) => self.cannot_read(Path::new(path), &error),
            }
        }
        read
    }

    /// The files that sets in rules name.
    fn rule_files(&mut self, sources: &[RuleSource]) -> rules::Files {
        let mut files = rules::Files::new();
        // What cannot be understood is said when the rules are compiled.
        let named = sources.iter().filter_map(|source| rules::named_files(source).ok()).flatten();
        for path in named {
            if files.contains_key(&path) {
                continue;
            }
            match read_bounded(Path::new(&*path)) {
                Ok(text) => {
                    files.insert(path, text);
                }
                Err(error) => self.cannot_read(Path::new(&*path), &error),
            }
        }
        files
    }

    fn groups(&mut self, path: &Path) -> String {
        let text = match read_bounded(path) {
            Ok(text) => text,
            Err(error) => {
                self.cannot_read(path, &error);
                return String::new();
            }
        };
        let file = path.display().to_string();
        let (_, faults) = Groups::read(&text);
        self.files.extend(faults.into_iter().map(|fault| FileFinding {
            file: file.clone(),
            line: fault.line,
            column: 0,
            message: fault.kind.to_string(),
            error: false,
        }));
        text
    }

    /// The script, tried out: one that cannot be used is an error.
    fn hook(&mut self, settings: &Settings, policy: &Arc<Policy>) -> Option<Arc<script::Source>> {
        let hook = settings.hook()?;
        let name = if hook.is_file() { hook.script.clone() } else { "MessageHook".to_owned() };
        let text = if hook.is_file() {
            match read_bounded(Path::new(&hook.script)) {
                Ok(text) => text,
                Err(error) => {
                    self.cannot_read(Path::new(&hook.script), &error);
                    return None;
                }
            }
        } else {
            hook.script.clone()
        };
        let source = script::Source {
            name: name.clone(),
            text,
            time_max: hook.time_max,
            memory_bytes_max: usize::try_from(hook.memory_bytes_max).unwrap_or(usize::MAX),
            config: settings.values_for_scripts(),
        };
        match script::try_out(&source, policy, clock::thread_time()) {
            Ok(()) => Some(Arc::new(source)),
            Err(trouble) => {
                let message = trouble.to_string();
                self.files.push(FileFinding {
                    file: name,
                    line: 0,
                    column: 0,
                    message,
                    error: true,
                });
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
            self.files.push(FileFinding { file, line: 0, column: 0, message, error: false });
        }
        cloud::read(settings.cloud()?).map_err(|why| self.cloud_fault(&why)).ok()
    }

    /// Certificate and key; what is not named at all was said with the settings.
    fn icaps(&mut self, settings: &Settings) -> Option<Arc<rustls::ServerConfig>> {
        let icaps = settings.server().icaps?;
        if self.problems.iter().any(Problem::is_error) {
            return None;
        }
        let read = certificates::read(&icaps);
        read.map_err(|CertificateFault { file, message }| {
            let file = file.display().to_string();
            self.files.push(FileFinding { file, line: 0, column: 0, message, error: true });
        })
        .ok()
    }

    /// The directory, with the files that its settings name.
    fn directory(&mut self, settings: &Settings) -> Option<Directory> {
        for (note, error) in settings.directory_notes() {
            let (file, message) = (self.file.clone(), format!("[LookupD] {note}"));
            self.files.push(FileFinding { file, line: 0, column: 0, message, error });
        }
        let directory = settings.directory()?;
        directory::configuration::read(directory).map_err(|why| self.cloud_fault(&why)).ok()
    }

    /// Names and passwords of clients. A line with a mistake is set aside.
    fn clients(&mut self, settings: &Settings) -> Option<Passwords> {
        let path = settings.client_passwords()?;
        let text = read_bounded(&path).map_err(|error| self.cannot_read(&path, &error)).ok()?;
        let (passwords, set_aside) = Passwords::read(&text);
        let file = path.display().to_string();
        self.files.extend(set_aside.into_iter().map(|SetAside { line, column, why }| {
            let message = format!("{why}; the line is set aside");
            FileFinding { file: file.clone(), line, column, message, error: false }
        }));
        Some(passwords)
    }

    fn cloud_fault(&mut self, CloudFault { file, message, unreadable }: &CloudFault) {
        self.unreadable |= unreadable;
        let file = file.display().to_string();
        let message = message.clone();
        self.files.push(FileFinding { file, line: 0, column: 0, message, error: true });
    }

    fn cannot_read(&mut self, path: &Path, error: &io::Error) {
        self.unreadable = true;
        let file = path.display().to_string();
        let message = format!("cannot be read: {error}");
        self.files.push(FileFinding { file, line: 0, column: 0, message, error: true });
    }
}

/// A text file that rules name.
fn read_bounded(path: &Path) -> io::Result<String> {
    let size = std::fs::metadata(path)?.len();
    if size > RULE_FILE_BYTES_MAX {
        let why = format!("{size} bytes, {RULE_FILE_BYTES_MAX} are allowed");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    std::fs::read_to_string(path)
}

impl FileFinding {
    /// A rule that cannot be used: its text begins with its own place.
    fn of_rule(file: String, fault: &RuleFault) -> Self {
        let line = usize::try_from(fault.line).unwrap_or_default();
        Self { file, line, column: fault.column, message: fault.to_string(), error: true }
    }

    fn text(&self) -> String {
        // A rule's text draws the line and a caret, and says where.
        if self.message.contains('\n') {
            return self.message.clone();
        }
        let place = match (self.line, self.column) {
            (0, _) => String::new(),
            (line, 0) => format!("{line}:"),
            (line, column) => format!("{line}:{column}:"),
        };
        let severity = if self.error { "error" } else { "warning" };
        format!("{}:{place} {severity}: {}", self.file, self.message)
    }
}

/// A file of rules, groups, or values of a set.
const RULE_FILE_BYTES_MAX: u64 = 64 << 20;

/// Where the settings are on an installed system.
pub const DEFAULT_FILE: &str = "/etc/baleen/baleen.conf";
