//! From lines to settings: names are looked up, values read, and everything wrong is said in one run.

use std::collections::BTreeMap;

use super::address::StorePlace;
use super::problem::{Code, Problem, Severity};
use super::row::{Effect, Kind, Row, Section};
use super::table::{self, SECTIONS, icapd};
use super::text::{Document, Form, Line, Span};
use super::value::{self, Value, ValueFault};
use super::{Name, Settings};

/// Reads a whole file.
pub(super) fn read(text: &str) -> (Settings, Vec<Problem>) {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("the file has {} bytes, {TEXT_BYTES_MAX} are allowed", text.len());
        let problem = Problem::of_file(Code::TooMuch, message)
            .remedy("put long lists into files of their own: BlackList = @/path/to/file");
        return (Settings::default(), vec![problem]);
    }
    let mut reader = Reader::default();
    for line in &Document::parse(text).lines {
        reader.line(line);
        if reader.problems.len() >= PROBLEMS_MAX {
            let message = format!(
                "there are {PROBLEMS_MAX} problems or more; the rest of the file was not read"
            );
            reader.problems.push(Problem::of_file(Code::TooMuch, message));
            break;
        }
    }
    reader.check_together();
    (reader.settings, reader.problems)
}

#[derive(Default)]
struct Reader<'t> {
    settings: Settings,
    problems: Vec<Problem>,
    section: Place,
    /// Where each setting stands: its line and key.
    places: BTreeMap<Name, (Line<'t>, Span)>,
    /// The section whose settings were named last.
    named: &'static str,
}

/// Where the reader is.
#[derive(Clone, Copy, Default)]
enum Place {
    /// Before the first section.
    #[default]
    Start,
    /// In a section.
    Section(&'static Section),
    /// In a section that does not exist, which has been said.
    Nowhere,
}

impl<'t> Reader<'t> {
    fn line(&mut self, line: &Line<'t>) {
        match line.form {
            Form::Empty | Form::Comment => {}
            Form::Fault { at, expected } => {
                let problem = Problem::at(line, at, Code::Syntax, format!("expected {expected}"));
                self.problems.push(problem);
            }
            Form::Section(name) => self.enter(line, name),
            Form::Entry { key, value } => match self.section {
                Place::Start => {
                    let message =
                        format!("\"{}\" stands before the first section", key.of(line.text));
                    let problem = Problem::at(line, key, Code::NoSection, message);
                    self.problems.push(match homes(key.of(line.text)).as_slice() {
                        [] => problem.remedy("begin with a section, as in [ICAPD]"),
                        found => problem.remedy(format!("put it below {}", found.join(" or "))),
                    });
                }
                Place::Nowhere => {}
                Place::Section(section) => self.entry(line, section, key, value),
            },
        }
    }

    fn enter(&mut self, line: &Line<'_>, name: Span) {
        if let Some(section) = table::section(name.of(line.text)) {
            self.section = Place::Section(section);
            return;
        }
        self.section = Place::Nowhere;
        let names: Vec<&str> = SECTIONS.iter().map(|section| section.name).collect();
        let message = format!("there is no section [{}]", name.of(line.text));
        let mut problem = Problem::at(line, name, Code::UnknownSection, message);
        if let Some(near) = nearest(name.of(line.text), &names) {
            problem = problem.remedy(format!("did you mean [{near}]?"));
        }
        self.problems.push(problem.remedy(format!("sections are {}", names.join(", "))));
    }

    fn entry(&mut self, line: &Line<'t>, section: &'static Section, key: Span, value: Span) {
        let Some((row, number)) = table::numbered_row(section, key.of(line.text)) else {
            self.unknown(line, section, key);
            return;
        };
        // A proxy's value may hold a password, which is not for terminals and logs.
        let masked = if row.kind == Kind::Proxy { mask(line.text, value) } else { String::new() };
        let shown = Line { text: if masked.is_empty() { line.text } else { &masked }, ..*line };
        let name = (row.section, row.key);
        if let Some((first, _)) = self.places.get(&name)
            && !row.kind.is_list()
        {
            let message = format!(
                "{} is set twice: on line {} and on line {}",
                row.key, first.number, line.number
            );
            let problem = Problem::at(&shown, key, Code::Duplicate, message);
            self.problems.push(problem.remedy("remove one of the two lines"));
            return;
        }
        self.places.insert(name, (*line, key));
        match value::parse(row.kind, value.of(line.text)) {
            Ok(found) => {
                self.keep(name, number, value, numbered(found, number));
                if row.effect == Effect::NotYet {
                    let message = format!("{}: accepted; not in effect in this version", row.key);
                    self.problems.push(Problem::at(&shown, key, Code::NotInEffect, message));
                }
            }
            Err(fault) => self.problems.push(wrong(&shown, row, value, fault)),
        }
    }

    fn unknown(&mut self, line: &Line<'_>, section: &Section, key: Span) {
        let text = key.of(line.text);
        let names: Vec<&str> = section.rows.iter().map(|row| row.key).collect();
        let message = format!("[{}] has no setting \"{text}\"", section.name);
        let problem = Problem::at(line, key, Code::UnknownSetting, message);
        let homes = homes(text);
        let problem = if !homes.is_empty() {
            problem.remedy(format!("{text} is a setting of {}", homes.join(" and ")))
        } else if let Some(near) = nearest(text, &names) {
            problem.remedy(format!("did you mean {near}?"))
        } else if self.named == section.name {
            problem
        } else {
            // All names once are a help; all names each time are a wall.
            self.named = section.name;
            problem.remedy(format!("[{}] knows {}", section.name, names.join(", ")))
        };
        self.problems.push(problem);
    }

    fn keep(&mut self, name: Name, number: u32, span: Span, found: Option<Value>) {
        match (found, self.settings.set.get_mut(&name)) {
            // An empty line takes back the rules with its number only.
            (Some(Value::Rules(more)), Some(Value::Rules(before))) if more.is_empty() => {
                before.retain(|rule| rule.number != number);
            }
            // An empty line in a list takes back what stands above it.
            (Some(value), Some(before)) if span.length > 0 => value::append(before, value),
            (Some(value), _) => {
                self.settings.set.insert(name, value);
            }
            (None, _) => {
                self.settings.set.remove(&name);
            }
        }
    }

    /// What `TLSListenAddress` needs.
    fn check_tls(&mut self) {
        if self.settings.get(&icapd::TLS_LISTEN_ADDRESS).is_empty() {
            return;
        }
        let is_asked = self.settings.get(&icapd::TLS_CLIENT_CERTIFICATES) != "Off";
        let needed = [
            (&icapd::TLS_CERTIFICATE, true, "TLSListenAddress needs a certificate"),
            (&icapd::TLS_KEY, true, "TLSListenAddress needs the key of its certificate"),
            (&icapd::TLS_CLIENT_CA, is_asked, "TLSClientCertificates needs to know who signs them"),
        ];
        for (setting, is_needed, message) in needed {
            if is_needed && self.settings.get(setting).is_none() {
                let problem = self.about(setting.row(), Severity::Error, message);
                let remedy = format!("name a file: {} = /path/to/file.pem", setting.row().key);
                self.problems.push(problem.remedy(&remedy));
            }
        }
    }

    /// What `SharedCache` needs.
    fn check_shared_cache(&mut self) {
        let place = self.settings.get(&icapd::SHARED_CACHE);
        let has_key = self.settings.get(&icapd::SHARED_CACHE_KEY_FILE).is_some();
        let row = icapd::SHARED_CACHE.row();
        if place.trim().is_empty() {
            if has_key || self.settings.get(&icapd::SHARED_CACHE_PASSWORD_FILE).is_some() {
                let row = if has_key {
                    icapd::SHARED_CACHE_KEY_FILE.row()
                } else {
                    icapd::SHARED_CACHE_PASSWORD_FILE.row()
                };
                let problem = self.about(row, Severity::Warning, "of no use without SharedCache");
                self.problems.push(problem);
            }
            return;
        }
        if let Err(fault) = StorePlace::parse(place.trim()) {
            let problem = self.about(row, Severity::Error, &fault);
            self.problems.push(problem);
        }
        if !has_key {
            let message = "without a key whoever can write to it could make malware clean";
            let problem = self.about(row, Severity::Error, message);
            let remedy = "name a file with a secret: SharedCacheKeyFile = /path/to/file";
            self.problems.push(problem.remedy(remedy));
        }
        if self.settings.get(&icapd::VERDICT_CACHE) == 0 {
            let message = "of no use while VerdictCache is 0";
            let problem = self.about(row, Severity::Warning, message);
            self.problems.push(problem);
        }
    }

    /// Rules about several settings at once.
    fn check_together(&mut self) {
        let listen = self.settings.get(&icapd::LISTEN_ADDRESS);
        if listen.is_empty() {
            let problem =
                self.about(icapd::LISTEN_ADDRESS.row(), Severity::Error, "no proxy could connect");
            self.problems
                .push(problem.remedy("name an address, as in ListenAddress = 127.0.0.1:1344"));
        }
        let mut sorted = listen;
        sorted.sort_unstable();
        let twice = sorted.windows(2).find_map(|pair| match pair {
            [one, other] if one == other => Some(*one),
            _ => None,
        });
        if let Some(address) = twice {
            let message = format!("{address} is listed twice");
            let problem = self.about(icapd::LISTEN_ADDRESS.row(), Severity::Error, &message);
            self.problems.push(problem);
        }
        self.check_tls();
        self.check_shared_cache();
        let held = self.settings.get(&icapd::HOLD_LIMIT);
        let room = self
            .settings
            .get(&icapd::MEMORY_BUDGET)
            .saturating_add(self.settings.get(&icapd::SPOOL_LIMIT));
        if held > room {
            let message = "more than MemoryBudget and SpoolLimit together";
            let problem = self.about(icapd::HOLD_LIMIT.row(), Severity::Warning, message);
            self.problems
                .push(problem.remedy(
                    "a message of that size can never be held: it will count as unchecked",
                ));
        }
        self.problems.sort_by_key(
            |problem| {
                if problem.line == 0 { u32::MAX } else { problem.line }
            },
        );
    }

    /// A problem with what a setting says together with others, where it says it.
    fn about(&self, row: &Row, severity: Severity, message: &str) -> Problem {
        let message = format!("{}: {message}", row.key);
        match self.places.get(&(row.section, row.key)) {
            Some((line, key)) => {
                Problem { severity, ..Problem::at(line, *key, Code::Conflict, message) }
            }
            None => Problem {
                severity,
                ..Problem::of_file(Code::Conflict, format!("[{}] {message}", row.section))
            },
        }
    }
}

/// Rules with the number behind their setting's name.
fn numbered(found: Option<Value>, number: u32) -> Option<Value> {
    match found {
        Some(Value::Rules(mut rules)) => {
            rules.iter_mut().for_each(|rule| rule.number = number);
            Some(Value::Rules(rules))
        }
        other => other,
    }
}

/// A line with the letters of its value hidden; carets still fit below it.
fn mask(line: &str, value: Span) -> String {
    let end = value.start.saturating_add(value.length);
    let hide = |(at, letter): (usize, char)| {
        if (value.start..end).contains(&at) { '*' } else { letter }
    };
    line.char_indices().map(hide).collect()
}

/// The sections that have this setting, in brackets.
fn homes(key: &str) -> Vec<String> {
    let with_key = SECTIONS.iter().filter(|section| table::row(section, key).is_some());
    with_key.map(|section| format!("[{}]", section.name)).collect()
}

/// The name that was probably meant.
fn nearest<'n>(text: &str, names: &[&'n str]) -> Option<&'n str> {
    let text = text.to_lowercase();
    // Two swapped letters count as one mistake; a third of the letters may be wrong.
    let distance = |name: &str| strsim::damerau_levenshtein(&text, &name.to_lowercase());
    let best = names.iter().min_by_key(|name| distance(name))?;
    (distance(best).saturating_mul(3) <= text.chars().count().max(best.len())).then_some(best)
}

fn wrong(line: &Line<'_>, row: &Row, value: Span, fault: ValueFault) -> Problem {
    let at = if fault.at.length == 0 { value } else { fault.at.moved(value.start) };
    let code = if fault.out_of_range { Code::Range } else { Code::Value };
    let problem = Problem::at(line, at, code, format!("{}: {}", row.key, fault.message));
    let problem = match fault.remedy {
        Some(remedy) => problem.remedy(remedy),
        None => problem,
    };
    if row.default.is_empty() {
        return problem;
    }
    problem.remedy(format!("the default is {}", row.default))
}

/// A settings file of people has some KiB; lists of sites belong into files of their own.
const TEXT_BYTES_MAX: usize = 4 << 20;

/// After so many problems the file is hardly a settings file.
const PROBLEMS_MAX: usize = 200;
