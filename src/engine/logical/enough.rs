//! How many matches of a part are enough: what the matcher need not look for.
//!
//! Most subsignatures only have to match at all. One that is compared with a number has to be counted to
//! one more than the number; what a byte comparison or a macro stands beside is needed wherever it is.

use super::image::{self, SignatureRow, range};
use super::program::{Meaning, walk};
use super::value::Test;
use super::wake::Tables;
use crate::engine::matcher::HITS_MAX;

/// For each part.
pub(super) fn matches(tables: &Tables<'_>) -> Vec<u32> {
    let mut parts = Parts { enough: vec![1; tables.parts.len()] };
    for signature in tables.signatures {
        parts.read(tables, signature);
    }
    for compare in tables.compares {
        parts.raise(tables, (compare.members_start, compare.members_end), HITS_MAX);
    }
    for one in tables.macros {
        parts.raise(tables, (one.before_start, one.before_end), HITS_MAX);
        parts.raise(tables, (one.group_start, one.group_end), HITS_MAX);
    }
    parts.enough
}

type Members = (zerocopy::little_endian::U32, zerocopy::little_endian::U32);

struct Parts {
    enough: Vec<u32>,
}

impl Parts {
    fn read(&mut self, tables: &Tables<'_>, signature: &SignatureRow) {
        let subs = range(tables.sub_ids, signature.subs_start, signature.subs_end);
        let subs = || {
            let ids = subs.unwrap_or_default().iter();
            ids.filter_map(|id| tables.subs.get(id.get() as usize))
        };
        let mut counts = Counts { enough: [0; 64] };
        let triggers = subs().filter(|sub| sub.kind == image::REGEX);
        let triggers = triggers.filter_map(|sub| tables.regexes.get(sub.start.get() as usize));
        let triggers = triggers.map(|regex| (regex.trigger_start, regex.trigger_end));
        let own = (signature.program_start, signature.program_end);
        for (start, end) in triggers.chain([own]) {
            let _counted =
                walk(range(tables.programs, start, end).unwrap_or_default(), &mut counts);
        }
        for (sub, enough) in subs().zip(counts.enough) {
            if sub.kind == image::PATTERNS {
                self.raise(tables, (sub.start, sub.end), enough);
            }
        }
    }

    fn raise(&mut self, tables: &Tables<'_>, (start, end): Members, enough: u32) {
        for part in range(tables.members, start, end).unwrap_or_default() {
            if let Some(known) = self.enough.get_mut(part.get() as usize) {
                *known = enough.max(*known).min(HITS_MAX);
            }
        }
    }
}

/// How far an expression counts each subsignature; its parts are sets of them, one bit each.
struct Counts {
    enough: [u32; 64],
}

impl Counts {
    fn raise(&mut self, subs: u64, test: Option<Test>) -> u64 {
        let enough = test.map_or(1, |test| u32::from(test.value).saturating_add(1));
        for (id, known) in self.enough.iter_mut().enumerate() {
            if subs >> id & 1 != 0 {
                *known = enough.max(*known);
            }
        }
        subs
    }
}

impl Meaning for Counts {
    type Value = u64;

    fn count(&mut self, id: u8, test: Option<Test>) -> u64 {
        self.raise(1_u64.checked_shl(id.into()).unwrap_or(0), test)
    }

    fn both(&mut self, first: u64, second: u64) -> u64 {
        first | second
    }

    fn either(&mut self, first: u64, second: u64) -> u64 {
        first | second
    }

    fn block(&mut self, inner: u64, test: Test, _distinct: u8) -> u64 {
        self.raise(inner, Some(test))
    }
}
