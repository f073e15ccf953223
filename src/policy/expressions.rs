//! Many regular expressions over one address, for the price of a search for their literals.
//!
//! ```text
//!   expression ─▶ syntax tree ─▶ literals, one of which has to be there ─┬─ some ─▶ guarded
//!                                                                        └─ none ─▶ asked always
//!   address ─▶ lower case, canonical ─▶ any literal there? ─▶ only then the guarded ones
//! ```
//!
//! Expressions are those of the crate `regex`: linear time whatever they say, no look-around, no
//! references backwards; POSIX classes are known, bytes are compared, case does not count. They see
//! `host/path?query` in canonical form (`policy::path`), or, when they name a scheme (`://` or `^http`),
//! `scheme://host/path?query`. User information, ports and fragments are not there.
//!
//! Almost no address contains a literal; then nothing is allocated. Where one does, the automaton works
//! in memory of its own, which it keeps.

use std::fmt;

use regex_automata::meta::{Config, Regex};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::host::HOST_BYTES_MAX;
use super::path::{CanonicalPath, PATH_BYTES_MAX};
use super::url::{Scheme, UrlParts};

/// Compiled expressions, numbered in the order in which they were given.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    /// Over `host/path?query`.
    bare: Group,
    /// Over `scheme://host/path?query`.
    whole: Group,
}

#[derive(Debug, Default)]
struct Group {
    /// Expressions one of whose literals has to be there, and what looks for the literals.
    guarded: Option<(Prefilter, Many)>,
    /// The others.
    always: Option<Many>,
}

#[derive(Debug)]
struct Many {
    regex: Regex,
    /// The number of each among all.
    numbers: Vec<usize>,
}

impl Expressions {
    /// Whether an expression can be used; gives back what [`compile`](Self::compile) will need of it.
    pub(super) fn check(text: &str) -> Result<(), ExpressionFault> {
        parse(text).map(drop)
    }

    /// Compiles expressions, each of which was found good by [`check`](Self::check).
    pub(super) fn compile<'t>(
        texts: impl Iterator<Item = &'t str>,
    ) -> Result<Self, ExpressionFault> {
        let (mut bare, mut whole) = (Gathered::default(), Gathered::default());
        for (number, text) in texts.enumerate() {
            if number >= EXPRESSIONS_MAX {
                return Err(ExpressionFault::TooMany);
            }
            let hir = parse(text)?;
            let group = if names_a_scheme(text) { &mut whole } else { &mut bare };
            group.add(number, hir);
        }
        Ok(Self { bare: bare.compile()?, whole: whole.compile()? })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bare.is_empty() && self.whole.is_empty()
    }

    /// The number of an expression that fits.
    pub(super) fn find(&self, subject: &Subject) -> Option<usize> {
        self.bare.find(subject.bare()).or_else(|| self.whole.find(subject.whole()))
    }

    /// Gives the number of every expression that fits.
    pub(super) fn each(&self, subject: &Subject, give: &mut dyn FnMut(usize)) {
        self.bare.each(subject.bare(), give);
        self.whole.each(subject.whole(), give);
    }
}

impl Group {
    const fn is_empty(&self) -> bool {
        self.guarded.is_none() && self.always.is_none()
    }

    /// What has to be asked about this text.
    fn asked(&self, text: &[u8]) -> impl Iterator<Item = &Many> {
        let guarded = self.guarded.as_ref().filter(|(literals, _)| {
            let span = regex_automata::Span { start: 0, end: text.len() };
            literals.find(text, span).is_some()
        });
        guarded.map(|(_, many)| many).into_iter().chain(&self.always)
    }

    fn find(&self, text: &[u8]) -> Option<usize> {
        self.asked(text).find_map(|many| {
            let found = many.regex.search_half(&Input::new(text).earliest(true))?;
            many.numbers.get(found.pattern().as_usize()).copied()
        })
    }

    fn each(&self, text: &[u8], give: &mut dyn FnMut(usize)) {
        for many in self.asked(text) {
            let input = Input::new(text);
            if many.regex.is_match(input.clone()) {
                let mut found = PatternSet::new(many.regex.pattern_len());
                many.regex.which_overlapping_matches(&input, &mut found);
                let numbers =
                    found.iter().filter_map(|pattern| many.numbers.get(pattern.as_usize()));
                numbers.copied().for_each(&mut *give);
            }
        }
    }
}

/// Expressions of one group on their way.
#[derive(Default)]
struct Gathered {
    guarded: (Vec<Hir>, Vec<usize>),
    literals: Vec<Vec<u8>>,
    always: (Vec<Hir>, Vec<usize>),
}

impl Gathered {
    fn add(&mut self, number: usize, hir: Hir) {
        let list = match required(&hir) {
            Some(literals) if is_telling(&literals) => {
                self.literals.extend(literals);
                &mut self.guarded
            }
            Some(_) | None => &mut self.always,
        };
        list.0.push(hir);
        list.1.push(number);
    }

    fn compile(mut self) -> Result<Group, ExpressionFault> {
        self.literals.sort_unstable();
        self.literals.dedup();
        let prefilter = Prefilter::new(MatchKind::LeftmostFirst, &self.literals);
        if prefilter.is_none() {
            self.always.0.append(&mut self.guarded.0);
            self.always.1.append(&mut self.guarded.1);
        }
        let guarded = match prefilter {
            Some(prefilter) => many(self.guarded)?.map(|many| (prefilter, many)),
            None => None,
        };
        Ok(Group { guarded, always: many(self.always)? })
    }
}

fn many((trees, numbers): (Vec<Hir>, Vec<usize>)) -> Result<Option<Many>, ExpressionFault> {
    if trees.is_empty() {
        return Ok(None);
    }
    let config = Config::new()
        .match_kind(MatchKind::All)
        .utf8_empty(false)
        .nfa_size_limit(Some(AUTOMATON_BYTES_MAX))
        .hybrid_cache_capacity(CACHE_BYTES);
    let regex = Regex::builder().configure(config).build_many_from_hir(&trees);
    let regex = regex.map_err(|_| ExpressionFault::TooLarge)?;
    Ok(Some(Many { regex, numbers }))
}

fn parse(text: &str) -> Result<Hir, ExpressionFault> {
    if text.len() > EXPRESSION_BYTES_MAX {
        return Err(ExpressionFault::TooLong);
    }
    let config = syntax::Config::new()
        .case_insensitive(true)
        .unicode(false)
        .utf8(false)
        .nest_limit(NESTING_MAX);
    let hir = syntax::parse_with(text, &config).map_err(|fault| syntax_fault(&fault))?;
    if hir.properties().minimum_len() == Some(0) {
        return Err(ExpressionFault::FitsAll);
    }
    // Alone it has to be small, so that a handful cannot use up the room of all.
    let alone = Config::new().nfa_size_limit(Some(AUTOMATON_ALONE_BYTES_MAX)).utf8_empty(false);
    let compiled = Regex::builder().configure(alone).build_from_hir(&hir);
    compiled.map(|_| hir).map_err(|_| ExpressionFault::TooLarge)
}

fn syntax_fault(fault: &regex_syntax::Error) -> ExpressionFault {
    let (column, what) = match fault {
        regex_syntax::Error::Parse(fault) => (fault.span().start.column, fault.kind().to_string()),
        regex_syntax::Error::Translate(fault) => {
            (fault.span().start.column, fault.kind().to_string())
        }
        _ => (1, fault.to_string()),
    };
    ExpressionFault::Syntax { column, what: what.into() }
}

fn names_a_scheme(text: &str) -> bool {
    text.contains("://") || text.starts_with("^http") || text.starts_with("^(http")
}

/// Literals of which one has to be in every text that fits; `None` when nothing can be said.
fn required(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(_) | HirKind::Class(_) => exact(hir).map(|literal| vec![literal]),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Repetition(_) => None,
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(required(part)?);
                if all.len() > LITERALS_MAX {
                    return None;
                }
            }
            Some(all)
        }
        HirKind::Concat(parts) => {
            let mut best: Option<Vec<Vec<u8>>> = None;
            let mut run = Vec::new();
            for part in parts {
                if let Some(literal) = exact(part) {
                    run.extend(literal);
                    continue;
                }
                keep_better(&mut best, Some(vec![std::mem::take(&mut run)]));
                keep_better(&mut best, required(part));
            }
            keep_better(&mut best, Some(vec![run]));
            best
        }
    }
}

/// The one text that a tree stands for, in lower case.
fn exact(hir: &Hir) -> Option<Vec<u8>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(literal.0.to_ascii_lowercase()),
        HirKind::Class(Class::Bytes(class)) => {
            let mut bytes = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            let first = bytes.next()?.to_ascii_lowercase();
            bytes.all(|byte| byte.to_ascii_lowercase() == first).then(|| vec![first])
        }
        HirKind::Capture(capture) => exact(&capture.sub),
        HirKind::Empty
        | HirKind::Class(Class::Unicode(_))
        | HirKind::Look(_)
        | HirKind::Repetition(_)
        | HirKind::Concat(_)
        | HirKind::Alternation(_) => None,
    }
}

fn keep_better(best: &mut Option<Vec<Vec<u8>>>, other: Option<Vec<Vec<u8>>>) {
    let Some(other) = other else { return };
    let length = |literals: &[Vec<u8>]| literals.iter().map(Vec::len).min().unwrap_or(0);
    let is_better = match best {
        Some(best) => length(&other) > length(best),
        None => length(&other) > 0,
    };
    if is_better {
        *best = Some(other);
    }
}

/// Whether few addresses have one of them.
fn is_telling(literals: &[Vec<u8>]) -> bool {
    literals.iter().all(|literal| literal.len() >= LITERAL_BYTES_MIN)
}

/// An address as expressions see it.
pub(super) struct Subject {
    bytes: [u8; SUBJECT_BYTES_MAX],
    host_at: usize,
    length: usize,
}

impl Subject {
    /// Of an address whose canonical path is `path`.
    pub(super) fn of(url: &UrlParts<'_>, path: &CanonicalPath<'_>) -> Self {
        let mut subject = Self { bytes: [0; SUBJECT_BYTES_MAX], host_at: 0, length: 0 };
        subject.push(match url.scheme {
            Scheme::Http => b"http://",
            Scheme::Https | Scheme::Tunnel => b"https://",
            Scheme::Ftp => b"ftp://",
            Scheme::Other => b"other://",
        });
        subject.host_at = subject.length;
        let is_long = url.host.is_address() && url.host.as_bytes().contains(&b':');
        subject.push(if is_long { b"[" } else { b"" });
        subject.push(url.host.as_bytes());
        subject.push(if is_long { b"]" } else { b"" });
        subject.push(path.as_bytes());
        subject
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length.saturating_add(bytes.len());
        if let Some(slots) = self.bytes.get_mut(self.length..end) {
            slots.copy_from_slice(bytes);
            self.length = end;
        }
    }

    pub(super) fn whole(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn bare(&self) -> &[u8] {
        self.bytes.get(self.host_at..self.length).unwrap_or_default()
    }
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpressionFault {
    /// It is no expression.
    Syntax {
        /// Where, counted from 1.
        column: usize,
        /// What is wrong there.
        what: Box<str>,
    },
    /// It fits the empty text, so it would fit every address.
    FitsAll,
    /// It is longer than [`EXPRESSION_BYTES_MAX`].
    TooLong,
    /// Its automaton, or that of all together, is too large.
    TooLarge,
    /// There are more than [`EXPRESSIONS_MAX`].
    TooMany,
}

impl ExpressionFault {
    /// Where in the expression, counted from 1.
    #[must_use]
    pub const fn column(&self) -> usize {
        match self {
            Self::Syntax { column, .. } => *column,
            Self::FitsAll | Self::TooLong | Self::TooLarge | Self::TooMany => 1,
        }
    }
}

impl fmt::Display for ExpressionFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { what, .. } => out.write_str(what),
            Self::FitsAll => {
                out.write_str("the expression fits the empty text: it would fit every address")
            }
            Self::TooLong => {
                write!(out, "an expression can have {EXPRESSION_BYTES_MAX} bytes at most")
            }
            Self::TooLarge => out.write_str("the expression needs too large an automaton"),
            Self::TooMany => write!(out, "{EXPRESSIONS_MAX} expressions are allowed"),
        }
    }
}

impl std::error::Error for ExpressionFault {}

/// Expressions of one set.
pub const EXPRESSIONS_MAX: usize = 10_000;

/// Bytes of one expression.
pub const EXPRESSION_BYTES_MAX: usize = 2048;

/// Parentheses inside each other.
const NESTING_MAX: u32 = 50;

/// Alternatives of one expression that are looked for as literals.
const LITERALS_MAX: usize = 256;

/// Shorter literals are in too many addresses.
const LITERAL_BYTES_MIN: usize = 3;

/// The automaton of one expression: `\w{1000}` does not fit.
const AUTOMATON_ALONE_BYTES_MAX: usize = 1 << 20;

/// The automaton of all expressions of a group.
const AUTOMATON_BYTES_MAX: usize = 64 << 20;

/// What each thread may keep of the automaton's states.
const CACHE_BYTES: usize = 2 << 20;

/// Scheme, host in brackets, path.
const SUBJECT_BYTES_MAX: usize = 8_usize
    .saturating_add(HOST_BYTES_MAX)
    .saturating_add(2)
    .saturating_add(PATH_BYTES_MAX)
    .saturating_add(1);
