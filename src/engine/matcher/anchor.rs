//! Which piece of a part the filter looks for.
//!
//! A part is found by a window of fixed bytes, the rarest in ordinary traffic ([`GramCounts`]): never a
//! common head, never a run of zeros where anything else is there. The longer the part, the cheaper its
//! family: eight-byte grams at every fourth position for parts with eleven fixed bytes in a row (the
//! window then holds a gram at each of the four residues), down to pairs of bytes at every position. Half of the
//! cost of a pass is the number of probes for each byte, so longer strides come first.
//! Grams that many parts share make long chains, so a gram costs more with every part that took it.
//!
//! Beside the gram an entry carries a check: eight masked bytes elsewhere in the part, the most telling
//! ones, compared before the part is touched.

#![forbid(unsafe_code)]

use super::grams::{GramCounts, binary_information};
use super::hash;
use crate::engine::database::signature::{Part, Unit};
use ahash::{AHashMap, RandomState};

/// Patterns that share a gram length and a stride.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum FamilyKind {
    /// Eight bytes; every fourth position, or every one in very large sets.
    Long,
    /// Four bytes, every fourth position.
    Middle,
    /// Eight bytes at the edge of a run of one byte, every position.
    Edge,
    /// Four bytes, every second position.
    Short,
    /// Two bytes, every position.
    Pair,
}

impl FamilyKind {
    pub(super) const ALL: [Self; 5] =
        [Self::Long, Self::Middle, Self::Edge, Self::Short, Self::Pair];

    pub(super) const fn gram_bytes(self) -> u8 {
        match self {
            Self::Long | Self::Edge => 8,
            Self::Middle | Self::Short => 4,
            Self::Pair => 2,
        }
    }
}

/// Which families a set uses; decided once for the whole set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    long_stride: u8,
    middle: Middle,
    /// Whether there are parts for the two last families: a pass for a few common grams does not pay.
    short: bool,
    pair: bool,
}

/// Where parts with seven to ten fixed bytes in a row go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Middle {
    /// A family of their own.
    Own,
    /// To the short ones: a probe more for every fourth position would cost more than it saves.
    WithShort,
}

impl Plan {
    /// Plans for parts with these longest runs of fixed bytes.
    pub(super) fn of(runs: &[usize]) -> Self {
        let long = runs.iter().filter(|run| **run >= 11).count();
        let middle = runs.iter().filter(|run| (7..11).contains(*run)).count();
        let short = runs.iter().any(|run| (5..7).contains(run));
        let pair = runs.iter().any(|run| (2..5).contains(run));
        Self {
            long_stride: if long > STRIDE_PARTS_MAX { 1 } else { 4 },
            short,
            pair,
            middle: if short && middle <= MIDDLE_WITH_SHORT_MAX {
                Middle::WithShort
            } else {
                Middle::Own
            },
        }
    }

    pub(super) const fn stride(self, kind: FamilyKind) -> u8 {
        match kind {
            FamilyKind::Long => self.long_stride,
            FamilyKind::Middle => 4,
            FamilyKind::Short => 2,
            FamilyKind::Edge | FamilyKind::Pair => 1,
        }
    }

    const fn uses(self, kind: FamilyKind) -> bool {
        match kind {
            FamilyKind::Long | FamilyKind::Middle | FamilyKind::Edge => true,
            FamilyKind::Short => self.short,
            FamilyKind::Pair => self.pair,
        }
    }

    fn family(self, run: usize) -> Option<FamilyKind> {
        match run {
            0 | 1 => None,
            2..=4 => Some(FamilyKind::Pair),
            5 | 6 => Some(FamilyKind::Short),
            _ if run >= 7 + usize::from(self.long_stride) => Some(FamilyKind::Long),
            _ => match self.middle {
                Middle::Own => Some(FamilyKind::Middle),
                Middle::WithShort => Some(FamilyKind::Short),
            },
        }
    }
}

/// A window of fixed bytes, as the filter wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) family: FamilyKind,
    /// The unit that the window begins with: the program runs backwards and forwards from here.
    pub(super) unit: usize,
    /// One gram for each residue of the stride; the n-th lies n bytes after the anchor.
    pub(super) grams: Vec<u64>,
    pub(super) check: Check,
}

/// Eight masked bytes, so many bytes after (before, when negative) the anchor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) value: u64,
    pub(super) mask: u64,
    pub(super) from_anchor: i16,
}

/// Chooses anchors one after the other; the order of the calls is part of the result.
#[derive(Debug)]
pub(super) struct Chooser<'t> {
    training: &'t GramCounts,
    plan: Plan,
    taken: AHashMap<(FamilyKind, u64), u32>,
}

impl<'t> Chooser<'t> {
    pub(super) fn new(training: &'t GramCounts, plan: Plan) -> Self {
        Self { training, plan, taken: AHashMap::with_hasher(RandomState::with_seeds(1, 2, 3, 4)) }
    }

    /// The anchor of a part; `None` when it has no two fixed bytes in a row.
    ///
    /// The family is the one for parts of its length, unless every window there holds a common gram (runs
    /// of zeros with a little between them) and a gram of another family is much rarer: one at the edge of
    /// such a run first, which is looked for where a run ends and not all along it.
    pub(super) fn choose(&mut self, part: &Part) -> Option<Anchor> {
        let family = self.plan.family(longest_run(&part.units))?;
        let runs = runs(&part.units);
        let mut best = self.rarest(family, &runs)?;
        for other in [FamilyKind::Edge, FamilyKind::Short, FamilyKind::Pair] {
            if best.cost > COMMON
                && other > family
                && self.plan.uses(other)
                && let Some(window) = self
                    .rarest(other, &runs)
                    .filter(|window| window.cost.saturating_mul(4) < best.cost)
            {
                best = window;
            }
        }
        let grams: Vec<u64> =
            best.bytes.windows(usize::from(best.family.gram_bytes())).map(gram_value).collect();
        for gram in &grams {
            *self.taken.entry((best.family, *gram)).or_default() += 1;
        }
        let check = check(&part.units, best.unit, best.bytes.len());
        Some(Anchor { family: best.family, unit: best.unit, grams, check })
    }

    /// The window of a family that is expected to cost least.
    fn rarest<'r>(&self, family: FamilyKind, runs: &'r [(usize, Vec<u8>)]) -> Option<Window<'r>> {
        let gram_bytes = usize::from(family.gram_bytes());
        let grams_count = usize::from(self.plan.stride(family));
        let mut best: Option<Window<'r>> = None;
        for (unit, run) in runs {
            let costs: Vec<u64> =
                run.windows(gram_bytes).map(|gram| self.cost(family, gram)).collect();
            let windows = run.windows(gram_bytes + grams_count - 1);
            for (index, (bytes, costs)) in windows.zip(costs.windows(grams_count)).enumerate() {
                if family == FamilyKind::Edge && !hash::is_edge(gram_value(bytes)) {
                    continue;
                }
                let cost = costs.iter().fold(0, |sum: u64, one| sum.saturating_add(*one));
                if best.as_ref().is_none_or(|best| cost < best.cost) {
                    best = Some(Window { cost, family, unit: unit + index, bytes });
                }
            }
        }
        best
    }

    /// What a gram is expected to cost: how often it comes, times the entries then looked at.
    fn cost(&self, family: FamilyKind, gram: &[u8]) -> u64 {
        let taken = u64::from(self.taken.get(&(family, gram_value(gram))).copied().unwrap_or(0));
        // A run comes at every position of itself, and files are full of runs.
        let rate = if gram.iter().all(|byte| gram.first() == Some(byte)) {
            RUN_RATE
        } else {
            self.training.rate(gram)
        };
        rate.saturating_mul(1 + taken).saturating_add(taken)
    }
}

/// Where a part might be anchored.
#[derive(Debug)]
struct Window<'r> {
    cost: u64,
    family: FamilyKind,
    unit: usize,
    bytes: &'r [u8],
}

/// The longest run of fixed bytes.
pub(super) fn longest_run(units: &[Unit]) -> usize {
    runs(units).iter().map(|(_, run)| run.len()).max().unwrap_or(0)
}

/// A gram as the number that is hashed: little endian.
pub(super) fn gram_value(gram: &[u8]) -> u64 {
    gram.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// The runs of fixed bytes, each with the index of its first unit.
fn runs(units: &[Unit]) -> Vec<(usize, Vec<u8>)> {
    let mut runs: Vec<(usize, Vec<u8>)> = Vec::new();
    for (index, unit) in units.iter().enumerate() {
        let Unit::Byte { value, mask: 0xFF } = unit else {
            continue;
        };
        match runs.last_mut() {
            Some((start, run)) if *start + run.len() == index => run.push(*value),
            Some(_) | None => runs.push((index, vec![*value])),
        }
    }
    runs
}

/// The most telling eight bytes around the anchor, outside its window where there is enough outside.
fn check(units: &[Unit], anchor: usize, window: usize) -> Check {
    let (before, after) = units.split_at(anchor);
    let single = |unit: &&Unit| matches!(unit, Unit::Byte { .. });
    let before = before.iter().rev().take_while(single).take(CHECK_REACH).count();
    let after = after.iter().take_while(single).take(CHECK_REACH + window).count();
    let around = &units[anchor - before..anchor + after];
    let mut best = (0, Check::default());
    let mut best_outside = best;
    for start in 0..around.len().saturating_sub(7).max(1) {
        let eight = &around[start..around.len().min(start + 8)];
        let told: u32 = eight.iter().map(information).sum();
        let Ok(from_anchor) =
            i16::try_from(start).and_then(|start| Ok(start - i16::try_from(before)?))
        else {
            continue;
        };
        let candidate = (told, Check { from_anchor, ..masked(eight) });
        let outside = start + eight.len() <= before || start >= before + window;
        let nearer = |than: &(u32, Check)| {
            told > than.0 || told == than.0 && from_anchor.abs() < than.1.from_anchor.abs()
        };
        if nearer(&best) {
            best = candidate;
        }
        if outside && nearer(&best_outside) {
            best_outside = candidate;
        }
    }
    if best_outside.0 >= OUTSIDE_MIN { best_outside.1 } else { best.1 }
}

const fn information(unit: &Unit) -> u32 {
    match unit {
        Unit::Byte { value, mask: 0xFF } => binary_information(*value),
        Unit::Byte { mask: 0, .. }
        | Unit::Choice { .. }
        | Unit::Skip { .. }
        | Unit::Boundary(_) => 0,
        Unit::Byte { .. } => 48,
    }
}

fn masked(units: &[Unit]) -> Check {
    let mut check = Check::default();
    for (index, unit) in units.iter().enumerate() {
        if let Unit::Byte { value, mask } = unit {
            check.value |= u64::from(value & mask) << (8 * index);
            check.mask |= u64::from(*mask) << (8 * index);
        }
    }
    check
}

/// Above so many long parts four grams each fill the bitmap faster than three probes in four save time.
const STRIDE_PARTS_MAX: usize = 1 << 17;

/// A gram that comes more often than this in 2^30 bytes (once in 16 KiB) is common.
const COMMON: u64 = 1 << 16;

/// What a run of one byte counts for, so that a part is anchored there when it is nothing else: 64 times
/// as often as there are bytes.
const RUN_RATE: u64 = 1 << 36;

/// Up to so many middle parts join the short ones.
const MIDDLE_WITH_SHORT_MAX: usize = 4_096;

/// How far from the anchor the check may lie, in bytes.
pub(super) const CHECK_REACH: usize = 64;

/// The least that a check outside the window must tell, in sixteenths of a bit, to be preferred.
const OUTSIDE_MIN: u32 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn part(bytes: &[u8]) -> Part {
        let units = bytes
            .iter()
            .map(|&value| Unit::Byte { value, mask: if value == b'?' { 0 } else { 0xFF } })
            .collect();
        Part { left: None, units, right: None }
    }

    fn anchor(bytes: &[u8]) -> Option<(FamilyKind, usize)> {
        let part = part(bytes);
        let plan = Plan { long_stride: 4, middle: Middle::Own, short: true, pair: true };
        Chooser::new(&GramCounts::new(), plan)
            .choose(&part)
            .map(|anchor| (anchor.family, anchor.unit))
    }

    #[test]
    fn the_anchor_is_the_rare_piece_and_never_the_common_head() {
        // Four of its eight bytes are zeros: as rare as the rarest four in it.
        assert_eq!(
            anchor(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xD3\x91\xB7\x5E\xA2\xCC\x97\xDA\x6B\xB1\x9D")
                .unwrap(),
            (FamilyKind::Long, 12)
        );
        assert_eq!(
            anchor(b"\0\0\0\0\0\0\0?\xD3\x91\xB7\x5E\xA2\xCC\x97").unwrap(),
            (FamilyKind::Middle, 8)
        );
        assert_eq!(anchor(b"ab?abcde").unwrap(), (FamilyKind::Short, 3));
        assert_eq!(anchor(b"ab?\xD3\x91").unwrap(), (FamilyKind::Pair, 3));
        assert_eq!(anchor(b"a?b"), None);
    }

    #[test]
    fn parts_with_a_gram_in_common_are_told_to_take_another() {
        let plan = Plan { long_stride: 4, middle: Middle::Own, short: true, pair: true };
        let training = GramCounts::new();
        let mut chooser = Chooser::new(&training, plan);
        let twice = b"\xD3\x91\xB7\x5E\xA1?\xD3\x91\xB7\x5F\xA1";
        let first = chooser.choose(&part(twice)).unwrap().unit;
        assert_ne!(chooser.choose(&part(twice)).unwrap().unit, first);
    }

    #[test]
    fn the_check_tells_the_most_and_lies_outside_the_window() {
        let part = part(b"\xD3\x91\xB7\x5E\xA2\xCC\x97\xDA\x6B\xB1\x9D\0\0\0\0\0\0\0\0\x9A\x8C\x7E\x6F\x5D\x9B\x8F\x7A");
        let check = check(&part.units, 0, 11);
        assert_eq!((check.from_anchor, check.mask), (19, u64::MAX));
        assert_eq!(check.value.to_le_bytes(), *b"\x9A\x8C\x7E\x6F\x5D\x9B\x8F\x7A");
    }
}
