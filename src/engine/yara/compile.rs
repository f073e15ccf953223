//! From loaded rules to groups, atoms and the section.
//!
//! A group is a scanner of boreal: it cannot switch rules off, so what runs together is compiled
//! together. Rules that refer to each other stay together, and so does a file with a global rule.
//! Rules with the same stage share groups; those that wait for strings are spread over several.

use std::collections::BTreeMap;

use boreal::compiler::{Compiler, CompilerParams};

use super::atom::Atom;
use super::collection::{Collection, File, Rule, Stage};
use super::section::{Parts, Row};
use crate::engine::database::signature::BodySignature;

/// What goes into an image.
#[derive(Debug, Default)]
pub(in crate::engine) struct Compiled {
    /// The section; empty without rules.
    pub(in crate::engine) section: Vec<u8>,
    /// Patterns for the matcher; the n-th is atom n.
    pub(in crate::engine) atoms: Vec<BodySignature>,
    /// Rules that were taken when they were read and cannot be compiled now: file, and name.
    pub(in crate::engine) lost: Vec<(Box<str>, String)>,
}

impl Collection {
    /// Compiles everything. Memory: the texts and one group at a time beside the section.
    pub(in crate::engine) fn compile(self) -> Compiled {
        let mut compiled = Compiled::default();
        if self.files.iter().all(|file| file.rules.is_empty()) {
            return compiled;
        }
        let mut parts = Parts::default();
        let mut atoms: BTreeMap<Atom, Vec<u32>> = BTreeMap::new();
        for group in self.groups() {
            let number = u32::try_from(parts.groups.len()).unwrap_or(u32::MAX);
            let mut scanner = Builder::new();
            for (file, rule) in group {
                let Some((place, file)) = self.files.get(file).map(|found| (file, found)) else {
                    continue;
                };
                let Some(rule) = file.rules.get(rule) else { continue };
                let namespace = format!("{place}:{}", file.name);
                if !scanner.add(&namespace, file, rule) {
                    compiled.lost.push((file.name.clone(), rule.name.clone()));
                    continue;
                }
                if rule.is_private {
                    continue;
                }
                let row = u32::try_from(parts.rows.len()).unwrap_or(u32::MAX);
                let name = format!("{namespace}:{}", rule.name);
                let size_max = rule.gate.size_max;
                parts.rows.push(Row { group: number, size_max, name });
                for atom in rule.gate.atoms.iter().flatten() {
                    atoms.entry(atom.clone()).or_default().push(row);
                }
                if rule.gate.atoms.is_none() {
                    always(&mut atoms).push(row);
                }
            }
            parts.groups.push(scanner.bytes().into());
        }
        // The entry without bytes comes first: the rules that always run, and no pattern.
        always(&mut atoms);
        parts.ends.push(0);
        for (atom, rows) in atoms {
            parts.links.extend(&rows);
            parts.ends.push(u32::try_from(parts.links.len()).unwrap_or(u32::MAX));
            if !atom.bytes.is_empty() {
                compiled.atoms.push(atom.signature());
            }
        }
        compiled.section = parts.write();
        compiled
    }

    /// Rules by file and number, group by group; inside a group in their order.
    fn groups(&self) -> Vec<Vec<(usize, usize)>> {
        let total: usize = self.files.iter().map(|file| file.rules.len()).sum();
        let rules_max = total.div_ceil(STRING_GROUPS_MAX).max(RULES_MIN);
        let mut groups: Vec<Vec<(usize, usize)>> = Vec::new();
        let mut open: BTreeMap<Stage, Vec<(usize, usize)>> = BTreeMap::new();
        for (number, file) in self.files.iter().enumerate() {
            for (stage, members) in components(file) {
                let group = open.entry(stage).or_default();
                group.extend(members.into_iter().map(|rule| (number, rule)));
                if stage == Stage::String && group.len() >= rules_max {
                    groups.push(std::mem::take(group));
                }
            }
        }
        groups.extend(open.into_values().filter(|group| !group.is_empty()));
        for group in &mut groups {
            group.sort_unstable();
        }
        groups
    }
}

fn always(atoms: &mut BTreeMap<Atom, Vec<u32>>) -> &mut Vec<u32> {
    let nothing = Atom { bytes: Vec::new(), caseless: false, at: None };
    atoms.entry(nothing).or_default()
}

/// Rules that have to stay together, with the latest stage of those that are reported.
fn components(file: &File) -> Vec<(Stage, Vec<usize>)> {
    let mut root: Vec<usize> = (0..file.rules.len()).collect();
    let has_global = file.rules.iter().any(|rule| rule.is_global);
    for (index, rule) in file.rules.iter().enumerate() {
        let first = has_global.then_some(0);
        for other in rule.needs.iter().copied().chain(first) {
            let (one, two) = (find(&root, index), find(&root, other));
            if let Some(parent) = root.get_mut(one.max(two)) {
                *parent = one.min(two);
            }
        }
    }
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for index in 0..file.rules.len() {
        members.entry(find(&root, index)).or_default().push(index);
    }
    let stage = |rules: &[usize]| {
        let rules = rules.iter().filter_map(|rule| file.rules.get(*rule));
        let reported = rules.filter(|rule| !rule.is_private);
        reported.map(Rule::stage).max().unwrap_or(Stage::String)
    };
    members.into_values().map(|rules| (stage(&rules), rules)).collect()
}

fn find(root: &[usize], mut index: usize) -> usize {
    while let Some(parent) = root.get(index).filter(|parent| **parent != index) {
        index = *parent;
    }
    index
}

/// A group while it is compiled.
struct Builder {
    compiler: Compiler,
    imported: Vec<(String, String)>,
}

impl Builder {
    fn new() -> Self {
        let mut compiler = Compiler::new();
        compiler.set_params(CompilerParams::default().disable_includes(true));
        Self { compiler, imported: Vec::new() }
    }

    /// Adds a rule, with the modules of its file that its text names.
    fn add(&mut self, namespace: &str, file: &File, rule: &Rule) -> bool {
        for module in file.imports.iter().filter(|module| rule.text.contains(module.as_str())) {
            let import = (namespace.to_owned(), module.clone());
            if !self.imported.contains(&import) {
                let text = format!("import \"{module}\"");
                let _added = self.compiler.add_rules_str_in_namespace(text, namespace);
                self.imported.push(import);
            }
        }
        self.compiler.add_rules_str_in_namespace(&rule.text, namespace).is_ok()
    }

    fn bytes(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Memory takes everything.
        let _written = self.compiler.finalize().to_bytes(&mut bytes);
        bytes
    }
}

/// Groups of rules that wait for strings.
const STRING_GROUPS_MAX: usize = 24;
/// Fewer rules are not worth a group of their own.
const RULES_MIN: usize = 64;
