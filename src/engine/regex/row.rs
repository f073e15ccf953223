//! One regex, and all that is made of it when it is first needed.
//!
//! | regex | count |
//! | --- | --- |
//! | without bytes that every match has | 0, for all |
//! | exact as an automaton | by the automaton; by PCRE2 when that has too many states |
//! | an automaton matches at least as much | 0 without a match of it; else by PCRE2, from its matches on |
//! | no automaton | by PCRE2 |

use std::sync::OnceLock;

use memchr::memmem::Finder;
use pcre2::bytes::Regex;
use regex_syntax::hir::{Hir, HirKind};

use super::automaton::Automaton;
use super::flags::RegexFlags;
use super::grammar::Regular;
use super::translate::{STEPS_MAX, as_pcre2_reads_it, compile, compile_here};

pub(super) struct Row {
    pattern: Box<[u8]>,
    flags: RegexFlags,
    fast: OnceLock<Fast>,
    /// `None` inside when it cannot be compiled: only in an image that was not made by this program.
    few: OnceLock<Option<Regex>>,
    /// For one place, each with more steps than the one before.
    here: [OnceLock<Option<Regex>>; STEPS.len()],
}

/// What needs no steps.
#[derive(Default)]
pub(super) struct Fast {
    /// Bytes that every match has in it.
    needle: Option<Finder<'static>>,
    automaton: Option<Automaton>,
    is_exact: bool,
}

impl Row {
    pub(super) fn new(pattern: Box<[u8]>, flags: RegexFlags) -> Self {
        Self {
            pattern,
            flags,
            fast: OnceLock::new(),
            few: OnceLock::new(),
            here: Default::default(),
        }
    }

    pub(super) const fn flags(&self) -> RegexFlags {
        self.flags
    }

    pub(super) fn fast(&self) -> &Fast {
        self.fast.get_or_init(|| Fast::of(&self.pattern, self.flags))
    }

    /// PCRE2 with few steps for each place.
    pub(super) fn few(&self) -> Option<&Regex> {
        let [steps, ..] = STEPS;
        let few = || compile(&self.pattern, self.flags, steps).ok();
        self.few.get_or_init(few).as_ref()
    }

    /// PCRE2 for one place, with the steps of [`STEPS`] in that place. A regex that cannot be put
    /// into a group is searched for as it is: a match that begins here comes before every other one.
    pub(super) fn here(&self, rung: usize) -> Option<&Regex> {
        let (slot, steps) = (self.here.get(rung)?, *STEPS.get(rung)?);
        let whole = || {
            let here = compile_here(&self.pattern, self.flags, steps);
            here.or_else(|| compile(&self.pattern, self.flags, steps).ok())
        };
        slot.get_or_init(whole).as_ref()
    }
}

impl Fast {
    pub(super) fn of(pattern: &[u8], flags: RegexFlags) -> Self {
        let Some(text) = as_pcre2_reads_it(pattern, flags) else { return Self::default() };
        for counts_max in [u32::MAX, COUNTS_MAX] {
            let Ok(Regular { hir, is_exact }) = Regular::of(&text, flags, counts_max) else {
                break;
            };
            let needle = needle(&hir).filter(|needle| needle.len() >= NEEDLE_BYTES_MIN);
            let needle = needle.map(|needle| Finder::new(&needle).into_owned());
            if let Some(automaton) = Automaton::of(hir) {
                return Self { needle, automaton: Some(automaton), is_exact };
            }
        }
        Self::default()
    }

    /// Whether there can be a match in these bytes at all, as far as one look can tell.
    pub(super) fn may_match(&self, bytes: &[u8]) -> bool {
        self.needle.as_ref().is_none_or(|needle| needle.find(bytes).is_some())
    }

    /// It says all that PCRE2 would.
    pub(super) fn exact(&self) -> Option<&Automaton> {
        self.automaton.as_ref().filter(|_| self.is_exact)
    }

    /// It matches wherever PCRE2 does, and perhaps elsewhere.
    pub(super) fn loose(&self) -> Option<&Automaton> {
        self.automaton.as_ref().filter(|_| !self.is_exact)
    }
}

/// The longest bytes that every match has.
fn needle(hir: &Hir) -> Option<&[u8]> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(&literal.0),
        HirKind::Concat(subs) => subs.iter().filter_map(needle).max_by_key(|bytes| bytes.len()),
        HirKind::Repetition(repetition) if repetition.min > 0 => needle(&repetition.sub),
        HirKind::Capture(capture) => needle(&capture.sub),
        HirKind::Empty
        | HirKind::Class(_)
        | HirKind::Look(_)
        | HirKind::Repetition(_)
        | HirKind::Alternation(_) => None,
    }
}

/// Steps for a place: plenty for all but nested repetitions; more; ClamAV's; some tenths of a second.
pub(super) const STEPS: [u32; 4] = [1_000, 10_000, STEPS_MAX, 20_000_000];

/// Of a regex that is too large for an automaton, counts above this are taken for any number.
const COUNTS_MAX: u32 = 16;

/// Shorter ones are everywhere.
const NEEDLE_BYTES_MIN: usize = 2;
