//! One file of rules: each rule is compiled on its own to see whether it can be, and analysed.

use std::ops::Range;
use std::panic::AssertUnwindSafe;

use ahash::{AHashMap, RandomState};
use boreal::compiler::{AddRuleError, Compiler, CompilerParams};
use boreal_parser::file::YaraFileComponent;

use super::atom::StringAtoms;
use super::collection::{Collection, File, Rule};
use super::condition::Condition;
use super::gate::Gate;
use super::split::{Item, split};

/// What became of a piece of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Fate {
    /// A rule that can be used.
    Loaded,
    /// A rule whose name is on an ignore list.
    Ignored,
    /// It needs a variable that only the command line of yara gives.
    Variable,
    /// It needs a module that is not there.
    Module,
    /// It is not valid: a place in the file, in bytes, and why.
    Bad {
        /// From the start of the file.
        at: usize,
        /// What is wrong.
        text: Box<str>,
    },
}

impl Collection {
    /// Reads a file; says what became of each of its pieces, in their order.
    ///
    /// `is_ignored` is asked with the name of a rule and its text.
    pub(in crate::engine) fn add_file(
        &mut self,
        name: &str,
        text: &[u8],
        is_ignored: &dyn Fn(&str, &[u8]) -> bool,
    ) -> Vec<Fate> {
        let mut reader = Reader::new(name);
        let mut fates = Vec::new();
        for item in split(text) {
            fates.extend(reader.item(text, &item, is_ignored));
        }
        reader.close();
        self.files.push(reader.file);
        fates
    }
}

struct Reader {
    compiler: Compiler,
    file: File,
    /// Rules by name.
    index: AHashMap<String, usize>,
    /// Rules that are valid and cannot be used, and why: others may need them.
    lost: AHashMap<String, Fate>,
    /// Modules that are imported and not there.
    missing: Vec<String>,
}

/// What boreal or the parser says about a rule.
struct Fault {
    range: Range<usize>,
    message: String,
}

impl Reader {
    fn new(name: &str) -> Self {
        let mut compiler = Compiler::new();
        compiler
            .set_params(CompilerParams::default().compute_statistics(true).disable_includes(true));
        let map = || RandomState::with_seeds(1, 2, 3, 4);
        Self {
            compiler,
            file: File { name: name.into(), imports: Vec::new(), rules: Vec::new() },
            index: AHashMap::with_hasher(map()),
            lost: AHashMap::with_hasher(map()),
            missing: Vec::new(),
        }
    }

    /// A global rule has to be true for every other one of the file.
    fn close(&mut self) {
        let is_global = |rule: &&Rule| rule.is_global;
        if !self.file.rules.iter().any(|rule| rule.is_global) {
            return;
        }
        let globals = self.file.rules.iter().filter(is_global);
        let common = Gate::all(globals.map(|rule| rule.gate.clone()));
        for rule in &mut self.file.rules {
            rule.gate = Gate::all([rule.gate.clone(), common.clone()]);
        }
    }

    fn item(
        &mut self,
        text: &[u8],
        item: &Item,
        is_ignored: &dyn Fn(&str, &[u8]) -> bool,
    ) -> Option<Fate> {
        let bad = |at: usize, text: &str| Some(Fate::Bad { at, text: text.into() });
        match item {
            Item::Import(_, name) => {
                self.import(&String::from_utf8_lossy(text.get(name.clone()).unwrap_or_default()));
                None
            }
            Item::Include(range) => bad(range.start, "include: other files are not read"),
            Item::Other(range) => bad(range.start, "a rule or an import is expected here"),
            Item::Rule(range) => {
                let bytes = text.get(range.clone()).unwrap_or_default();
                // What is not UTF-8 is mostly a name in a comment; in a string it would matter.
                let rule = String::from_utf8_lossy(bytes);
                let fate = self.rule(&rule, bytes, is_ignored);
                Some(match fate {
                    Ok(fate) => fate,
                    Err(fault) => {
                        let at = range.start.saturating_add(fault.range.start.min(bytes.len()));
                        Fate::Bad { at, text: fault.message.into() }
                    }
                })
            }
        }
    }

    fn import(&mut self, name: &str) {
        let is_there = self.compiler.available_modules().any(|module| module == name);
        let list = if is_there { &mut self.file.imports } else { &mut self.missing };
        if list.iter().any(|known| known == name) {
            return;
        }
        list.push(name.to_owned());
        if is_there {
            // It is there, so this cannot fail; if it did, the rules that need it would say so.
            let _added = self.compiler.add_rules_str(format!("import \"{name}\""));
        }
    }

    fn rule(
        &mut self,
        text: &str,
        bytes: &[u8],
        is_ignored: &dyn Fn(&str, &[u8]) -> bool,
    ) -> Result<Fate, Fault> {
        let parsed = parse(text)?;
        for string in &parsed.variables {
            if text.get(string.span.clone()).is_some_and(|text| text.contains('\u{fffd}')) {
                let message = "a string that is not UTF-8: write it in hex".to_owned();
                return Err(Fault { range: string.span.clone(), message });
            }
        }
        let compiler = &mut self.compiler;
        let added = std::panic::catch_unwind(AssertUnwindSafe(|| compiler.add_rules_str(text)));
        let status = match added {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => {
                let fate = self.refused(text, fault(&error));
                if let Ok(lost) = &fate {
                    self.lost.insert(parsed.name, lost.clone());
                }
                return fate;
            }
            Err(_panic) => {
                let message = "the compiler of rules failed on it".to_owned();
                return Err(Fault { range: parsed.name_span, message });
            }
        };
        let strings: Vec<StringAtoms> = status
            .statistics()
            .flat_map(|statistics| &statistics.strings)
            .zip(&parsed.variables)
            .map(|(compiled, declared)| StringAtoms::of(declared, compiled))
            .collect();
        let is_hidden = is_ignored(&parsed.name, bytes);
        let gate = self.gate(&parsed.condition, &strings, strings.len() == parsed.variables.len());
        let needs = self.needs(&parsed.name, text);
        let number = self.file.rules.len();
        self.index.entry(parsed.name.clone()).or_insert(number);
        // An ignored rule stays for the rules that refer to it.
        let is_private = parsed.is_private || is_hidden;
        let prefix = if is_hidden && !parsed.is_private { "private " } else { "" };
        self.file.rules.push(Rule {
            name: parsed.name,
            text: format!("{prefix}{text}"),
            gate,
            needs,
            is_global: parsed.is_global,
            is_private,
        });
        Ok(if is_hidden { Fate::Ignored } else { Fate::Loaded })
    }

    fn gate(
        &self,
        condition: &boreal_parser::expression::Expression,
        strings: &[StringAtoms],
        is_whole: bool,
    ) -> Gate {
        if !is_whole {
            return Gate::OPEN;
        }
        let rules = |name: &str, is_start: bool| -> Vec<Gate> {
            if is_start {
                let all = self.file.rules.iter();
                let named = all.filter(|rule| rule.name.starts_with(name));
                return named.map(|rule| rule.gate.clone()).collect();
            }
            let rule = self.index.get(name).and_then(|index| self.file.rules.get(*index));
            rule.map(|rule| rule.gate.clone()).into_iter().collect()
        };
        Condition::new(strings, &rules).truth(condition)
    }

    /// Rules whose names occur in the text as words, or as the start of one before a star.
    fn needs(&self, own: &str, text: &str) -> Vec<usize> {
        let mut needs = Vec::new();
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let mut rest = text;
        while let Some(start) = rest.find(is_word) {
            let tail = rest.get(start..).unwrap_or_default();
            let end = tail.find(|letter| !is_word(letter)).unwrap_or(tail.len());
            let (word, after) = tail.split_at(end);
            if after.starts_with('*') {
                let all = self.file.rules.iter().enumerate();
                needs.extend(all.filter(|(_, rule)| rule.name.starts_with(word)).map(|one| one.0));
            } else if word != own {
                needs.extend(self.index.get(word));
            }
            rest = after;
        }
        needs.sort_unstable();
        needs.dedup();
        needs
    }

    /// A rule that boreal does not take.
    fn refused(&self, text: &str, fault: Fault) -> Result<Fate, Fault> {
        if !fault.message.contains("unknown identifier")
            && !fault.message.contains("unknown import")
        {
            return Err(fault);
        }
        let tail = text.get(fault.range.start..).unwrap_or_default();
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let name = tail.split(|letter| !is_word(letter)).next().unwrap_or_default();
        if self.missing.iter().any(|module| module == name) || MODULES.contains(&name) {
            return Ok(Fate::Module);
        }
        if VARIABLES.contains(&name) {
            return Ok(Fate::Variable);
        }
        self.lost.get(name).cloned().ok_or(fault)
    }
}

fn parse(text: &str) -> Result<boreal_parser::rule::Rule, Fault> {
    let parsed = std::panic::catch_unwind(|| boreal_parser::parse(text));
    let whole = || 0..0;
    let file = match parsed {
        Ok(Ok(file)) => file,
        Ok(Err(error)) => {
            let diagnostic = error.to_diagnostic();
            let label = diagnostic.labels.first();
            let range = label.map_or_else(whole, |label| label.range.clone());
            return Err(Fault { range, message: diagnostic.message });
        }
        Err(_panic) => {
            return Err(Fault { range: whole(), message: "the parser of rules failed".to_owned() });
        }
    };
    let mut components = file.components.into_iter();
    match (components.next(), components.next()) {
        (Some(YaraFileComponent::Rule(rule)), None) => Ok(*rule),
        (Some(_) | None, Some(_) | None) => {
            Err(Fault { range: whole(), message: "one rule is expected".to_owned() })
        }
    }
}

fn fault(error: &AddRuleError) -> Fault {
    let diagnostic = error.to_diagnostic();
    let range = diagnostic.labels.first().map_or(0..0, |label| label.range.clone());
    Fault { range, message: diagnostic.message }
}

/// Variables that scanners of file systems give to their rules.
const VARIABLES: [&str; 8] = [
    "filename",
    "filepath",
    "extension",
    "filetype",
    "owner",
    "file_type",
    "file_path",
    "file_name",
];

/// Modules of other programs, for rules that forgot to import them.
const MODULES: [&str; 6] = ["cuckoo", "magic", "console", "androguard", "vt", "lnk"];
