//! Which piece of a part the filter looks for.
//!
//! A part is found by a gram of fixed bytes, the rarest in ordinary traffic ([`GramCounts`]): never a
//! common head, never a run of zeros where anything else is there. The longer the part, the cheaper its
//! family: six bytes cost a look at every third position, three bytes at every second, pairs at every one.
//! Grams that many parts share make long chains, so a gram costs more with every part that took it.
//!
//! In a set with parts that ignore case all grams are taken without it, and so is what is scanned: then
//! a letter of either case is as good as a fixed byte, and there is still one pass for all.
//!
//! Beside the gram an entry carries a check: eight masked bytes elsewhere in the part, the most telling
//! ones, compared before the part is touched.

#![forbid(unsafe_code)]

use super::grams::{GramCounts, World, binary_information};
use super::simd::FOLD;
use crate::engine::database::signature::{Part, Unit};
use ahash::{AHashMap, RandomState};

/// Patterns that share a gram length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum FamilyKind {
    /// Six bytes.
    Six,
    /// Three bytes.
    Three,
    /// Two bytes.
    Pair,
}

impl FamilyKind {
    pub(super) const ALL: [Self; 3] = [Self::Six, Self::Three, Self::Pair];

    pub(super) const fn gram_bytes(self) -> u8 {
        match self {
            Self::Six => 6,
            Self::Three => 3,
            Self::Pair => 2,
        }
    }

    /// The family of a part with a run of so many bytes.
    const fn of(run: usize) -> Option<Self> {
        match run {
            0 | 1 => None,
            2 => Some(Self::Pair),
            3..=5 => Some(Self::Three),
            _ => Some(Self::Six),
        }
    }
}

/// A run of fixed bytes, as the filter wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) family: FamilyKind,
    /// The unit that the gram begins with: the program runs backwards and forwards from here.
    pub(super) unit: usize,
    /// As it is looked up: without case in a set that ignores it.
    pub(super) gram: u64,
    /// How often it is expected in 2^30 bytes of traffic.
    pub(super) rate: u64,
    pub(super) check: Check,
}

impl Anchor {
    /// Whether it may be looked for everywhere, though what it belongs to may only follow.
    pub(super) fn is_rare(&self) -> bool {
        self.family != FamilyKind::Pair && self.rate <= RARE_RATE
    }

    /// Whether to look at a few given positions is cheaper than to look for it everywhere.
    pub(super) fn is_common(&self) -> bool {
        self.family == FamilyKind::Three || self.rate >= RUN_RATE
    }
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
    fold: bool,
    taken: AHashMap<u64, u32>,
    /// What the part that is looked at is looked for in.
    world: World,
    /// Kept for its memory.
    rates: Vec<u64>,
}

impl<'t> Chooser<'t> {
    /// `fold` when any part of the set ignores case.
    pub(super) fn new(training: &'t GramCounts, fold: bool) -> Self {
        let taken = AHashMap::with_hasher(RandomState::with_seeds(1, 2, 3, 4));
        Self { training, fold, taken, world: World::All, rates: Vec::new() }
    }

    /// The anchor of a part; `None` when it has no two fixed bytes in a row.
    ///
    /// The family is the one for parts of its length, unless all that it finds there is a run of one byte
    /// and there are three other bytes in a row.
    pub(super) fn choose(&mut self, part: &Part, world: World) -> Option<Anchor> {
        self.world = world;
        let runs = self.runs(&part.units);
        let family = FamilyKind::of(runs.iter().map(|(_, run)| run.len()).max()?)?;
        let mut best = self.rarest(family, &runs)?;
        if family == FamilyKind::Six
            && is_run(best.bytes)
            && let Some(other) = self.rarest(FamilyKind::Three, &runs)
            && !is_run(other.bytes)
        {
            best = other;
        }
        let gram = self.gram(best.bytes);
        *self.taken.entry(key(best.family, gram)).or_default() += 1;
        let check = check(&part.units, best.unit, best.bytes.len());
        Some(Anchor { family: best.family, unit: best.unit, gram, rate: best.rate, check })
    }

    /// The window of a family that is expected to cost least.
    fn rarest<'r>(
        &mut self,
        family: FamilyKind,
        runs: &'r [(usize, Vec<u8>)],
    ) -> Option<Window<'r>> {
        let mut best: Option<Window<'r>> = None;
        let gram_bytes = usize::from(family.gram_bytes());
        for (unit, run) in runs {
            if run.len() < gram_bytes {
                continue;
            }
            let mut rates = std::mem::take(&mut self.rates);
            self.rate_all(family, run, &mut rates);
            for (index, bytes) in run.windows(gram_bytes).enumerate() {
                let (rate, sieved) = gram_rate(family, &rates[index..]);
                let rate = match bytes {
                    [a, b, c] => rate.max(self.over_cases([*a, *b, *c], GramCounts::triple_rate)),
                    _ => rate,
                };
                // A run comes at every position of itself, and files are full of runs.
                let rate = if is_run(bytes) { RUN_RATE } else { rate };
                let alone = rate.saturating_mul(ENTRY_COST).saturating_add(sieved);
                if best.as_ref().is_some_and(|best| alone >= best.cost) {
                    continue;
                }
                let taken = self.taken.get(&key(family, self.gram(bytes))).copied().unwrap_or(0);
                let again = rate.saturating_mul(ENTRY_COST).saturating_add(1);
                let cost = alone.saturating_add(again.saturating_mul(taken.into()));
                if best.as_ref().is_none_or(|best| cost < best.cost) {
                    best = Some(Window { cost, rate, family, unit: unit + index, bytes });
                }
            }
            self.rates = rates;
        }
        best
    }

    /// The rates of the middles that a family sieves, at every position of a run.
    fn rate_all(&self, family: FamilyKind, run: &[u8], rates: &mut Vec<u64>) {
        rates.clear();
        match family {
            FamilyKind::Six => rates.extend(run.array_windows().map(|quad: &[u8; 4]| {
                self.over_cases(*quad, |quad| self.training.quad_rate(quad, self.world))
            })),
            FamilyKind::Three | FamilyKind::Pair => {
                rates.extend(run.array_windows().map(|pair: &[u8; 2]| {
                    self.over_cases(*pair, |pair| self.training.pair_rate(pair, self.world))
                }));
            }
        }
    }

    /// The sum over what is looked up as the same: as it is, in lower case, and in upper case.
    fn over_cases<const N: usize>(&self, bytes: [u8; N], rate: impl Fn([u8; N]) -> u64) -> u64 {
        if !self.fold {
            return rate(bytes);
        }
        let (lower, upper) = (bytes.map(|byte| byte | !FOLD), bytes.map(|byte| byte & FOLD));
        let own = if bytes == lower || bytes == upper { 0 } else { rate(bytes) };
        own.saturating_add(rate(lower)).saturating_add(rate(upper))
    }

    /// The bytes as the number that is looked up: little endian.
    fn gram(&self, bytes: &[u8]) -> u64 {
        let mask = if self.fold { FOLD } else { 0xFF };
        bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(byte & mask))
    }

    /// The runs of bytes that a gram may have, each with the index of its first unit. A choice between
    /// both cases of a letter, `(61|41)`, is as good as a letter of either.
    fn runs(&self, units: &[Unit]) -> Vec<(usize, Vec<u8>)> {
        let least = if self.fold { FOLD } else { 0xFF };
        let mut runs: Vec<(usize, Vec<u8>)> = Vec::new();
        for (index, unit) in units.iter().enumerate() {
            let Some((value, _)) = one_byte(unit).filter(|(_, mask)| mask & least == least) else {
                continue;
            };
            match runs.last_mut() {
                Some((start, run)) if *start + run.len() == index => run.push(value),
                Some(_) | None => runs.push((index, vec![value])),
            }
        }
        runs
    }
}

/// Where a part might be anchored.
#[derive(Debug)]
struct Window<'r> {
    cost: u64,
    rate: u64,
    family: FamilyKind,
    unit: usize,
    bytes: &'r [u8],
}

/// How often a gram is expected whose middles have these rates, and how often the sieve stops for it.
fn gram_rate(family: FamilyKind, rates: &[u64]) -> (u64, u64) {
    let at = |index: usize| rates.get(index).copied().unwrap_or(u64::MAX);
    match family {
        FamilyKind::Six => {
            let (first, second, third) = (at(0), at(1), at(2));
            let sum = first.saturating_add(second).saturating_add(third);
            (first.min(second).min(third), sum)
        }
        FamilyKind::Three => {
            let (first, second) = (at(0), at(1));
            // As if the second pair did not depend on the first but for the byte that they share.
            let both = (u128::from(first) * u128::from(second)) >> SHARED_BITS;
            let rate = u64::try_from(both).unwrap_or(u64::MAX);
            (rate.clamp(1, first.min(second)), first.saturating_add(second))
        }
        FamilyKind::Pair => (at(0), 0),
    }
}

/// Whether a part ignores the case of any letter at its top level, where a gram may lie.
pub(super) fn ignores_case(units: &[Unit]) -> bool {
    units.iter().any(|unit| matches!(unit, Unit::Byte { mask: FOLD, .. }))
}

fn key(family: FamilyKind, gram: u64) -> u64 {
    gram | u64::from(family.gram_bytes()) << 56
}

fn is_run(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| bytes.first() == Some(byte))
}

/// The most telling eight bytes around the anchor, outside its window where there is enough outside.
fn check(units: &[Unit], anchor: usize, window: usize) -> Check {
    let (before, after) = units.split_at(anchor);
    let single = |unit: &&Unit| one_byte(unit).is_some();
    let before = before.iter().rev().take_while(single).take(CHECK_REACH).count();
    let after = after.iter().take_while(single).take(CHECK_REACH + window).count();
    let around = &units[anchor - before..anchor + after];
    let tells: Vec<u32> = around.iter().map(information).collect();
    let mut told: u32 = tells.iter().take(8).sum();
    let (mut best, mut best_outside) = (None, None);
    for start in 0..around.len().saturating_sub(7).max(1) {
        if start > 0 {
            told = told + tells[start + 7] - tells[start - 1];
        }
        let end = around.len().min(start + 8);
        let choice = (told, start.abs_diff(before), start);
        let better = |than: &Option<(u32, usize, usize)>| {
            than.is_none_or(|than| told > than.0 || told == than.0 && choice.1 < than.1)
        };
        if better(&best) {
            best = Some(choice);
        }
        if (end <= before || start >= before + window) && better(&best_outside) {
            best_outside = Some(choice);
        }
    }
    let Some((_, _, start)) = best_outside.filter(|(told, ..)| *told >= OUTSIDE_MIN).or(best)
    else {
        return Check::default();
    };
    let from_anchor = i16::try_from(start)
        .and_then(|start| Ok(start - i16::try_from(before)?))
        .unwrap_or_default();
    Check { from_anchor, ..masked(&around[start..around.len().min(start + 8)]) }
}

fn information(unit: &Unit) -> u32 {
    match one_byte(unit) {
        Some((value, 0xFF)) => binary_information(value).into(),
        Some((value, FOLD)) => u32::from(binary_information(value)) - 16,
        Some((_, mask)) => 12 * mask.count_ones(),
        None => 0,
    }
}

/// A value and a mask that every byte has which a unit of one byte takes.
fn one_byte(unit: &Unit) -> Option<(u8, u8)> {
    match unit {
        Unit::Byte { value, mask } => Some((value & mask, *mask)),
        Unit::Choice { negated: false, choices } => {
            let mut bytes = choices.iter().map(|choice| match &choice[..] {
                [Unit::Byte { value, mask }] => Some((*value, *mask)),
                _ => None,
            });
            let (first, mut common) = bytes.next()??;
            for one in bytes {
                let (value, mask) = one?;
                common &= mask & !(value ^ first);
            }
            Some((first & common, common))
        }
        Unit::Choice { negated: true, .. } | Unit::Skip { .. } | Unit::Boundary(_) => None,
    }
}

/// The first eight bytes of a part, as far as they have a place.
pub(super) fn head_of(units: &[Unit]) -> Check {
    let known = units.iter().take(8).take_while(|unit| one_byte(unit).is_some()).count();
    masked(&units[..known])
}

fn masked(units: &[Unit]) -> Check {
    let mut check = Check::default();
    for (index, unit) in units.iter().enumerate() {
        if let Some((value, mask)) = one_byte(unit) {
            check.value |= u64::from(value) << (8 * index);
            check.mask |= u64::from(mask) << (8 * index);
        }
    }
    check
}

/// An entry that is looked at costs as much as so many places at which the sieve stops for nothing.
const ENTRY_COST: u64 = 8;

/// What a run of one byte counts for, so that a part is anchored there when it is nothing else: 64 times
/// as often as there are bytes.
const RUN_RATE: u64 = 1 << 36;

/// Once in 512 bytes: to look at such a place costs less, spread over all bytes, than one more sieve.
const RARE_RATE: u64 = 1 << 21;

/// log2 of how often a byte in the middle of three comes in 2^30 bytes.
const SHARED_BITS: u32 = 24;

/// How far from the anchor the check may lie, in bytes.
const CHECK_REACH: usize = 64;

/// The least that a check outside the window must tell, in sixteenths of a bit, to be preferred.
const OUTSIDE_MIN: u32 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn part(bytes: &[u8], mask: u8) -> Part {
        let unit = |&value: &u8| match value {
            b'?' => Unit::Byte { value: 0, mask: 0 },
            _ if value.is_ascii_alphabetic() => Unit::Byte { value: value & mask, mask },
            _ => Unit::Byte { value, mask: 0xFF },
        };
        Part { left: None, units: bytes.iter().map(unit).collect(), right: None }
    }

    fn anchor(bytes: &[u8]) -> Option<(FamilyKind, usize)> {
        let anchor = Chooser::new(&GramCounts::new(), false).choose(&part(bytes, 0xFF), World::All);
        anchor.map(|anchor| (anchor.family, anchor.unit))
    }

    #[test]
    fn the_anchor_is_the_rare_piece_and_never_the_common_head() {
        assert_eq!(
            anchor(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xD3\x91\xB7\x5E\xA2\xCC").unwrap(),
            (FamilyKind::Six, 16)
        );
        assert_eq!(
            anchor(b"\0\0\0\0\0\0\0?\xD3\x91\xB7\x5E").unwrap(),
            (FamilyKind::Three, 8),
            "a run is the last resort"
        );
        assert_eq!(anchor(b"ab?abcd\xB7").unwrap(), (FamilyKind::Three, 5));
        assert_eq!(anchor(b"ab?\xD3\x91").unwrap(), (FamilyKind::Pair, 3));
        assert_eq!(anchor(b"a?b"), None);
    }

    #[test]
    fn letters_of_either_case_are_as_good_as_fixed_bytes() {
        let training = GramCounts::new();
        let mut chooser = Chooser::new(&training, true);
        let either = chooser.choose(&part(b"Payload.EXE", FOLD), World::Text).unwrap();
        assert_eq!(either.family, FamilyKind::Six);
        let exact = Chooser::new(&training, true).choose(&part(b"payload.exe", 0xFF), World::Text);
        assert_eq!(exact.map(|exact| exact.gram), Some(either.gram));
        // Without folding only the point and what else is no letter could be taken.
        assert_eq!(
            Chooser::new(&training, false).choose(&part(b"abc.def", FOLD), World::All),
            None
        );
    }

    #[test]
    fn a_choice_between_the_cases_of_a_letter_is_a_letter_of_either() {
        let byte = |value| vec![Unit::Byte { value, mask: 0xFF }];
        let both = |letter: u8| Unit::Choice {
            negated: false,
            choices: vec![byte(letter), byte(letter.to_ascii_uppercase())].into(),
        };
        let units: Vec<Unit> = b"payload".iter().map(|letter| both(*letter)).collect();
        let part = Part { left: None, units, right: None };
        let training = GramCounts::new();
        let anchor = Chooser::new(&training, true).choose(&part, World::Text).unwrap();
        assert_eq!(anchor.family, FamilyKind::Six);
        assert_eq!(Chooser::new(&training, false).choose(&part, World::Text), None);
    }

    #[test]
    fn words_of_pages_are_no_anchors_of_what_is_looked_for_in_pages() {
        let training = GramCounts::new();
        for (part, rare) in [(&b"stylesheet-xqz"[..], b"xqz"), (b"function zqk", b"zqk")] {
            let units = |bytes: &[u8]| {
                bytes.iter().map(|&value| Unit::Byte { value, mask: 0xFF }).collect()
            };
            let whole = Part { left: None, units: units(part), right: None };
            let anchor = Chooser::new(&training, true).choose(&whole, World::Text).unwrap();
            let last = anchor.unit + usize::from(anchor.family.gram_bytes());
            assert!(last > part.len() - rare.len(), "{anchor:?}");
        }
    }

    #[test]
    fn parts_with_a_gram_in_common_are_told_to_take_another() {
        let training = GramCounts::new();
        let mut chooser = Chooser::new(&training, false);
        let twice = b"\xD3\x91\xB7\xB5\xA1\xA3?\xD3\x91\xB7\xB6\xA1\xA3";
        let first = chooser.choose(&part(twice, 0xFF), World::All).unwrap().unit;
        assert_ne!(chooser.choose(&part(twice, 0xFF), World::All).unwrap().unit, first);
    }

    #[test]
    fn the_check_tells_the_most_and_lies_outside_the_window() {
        let part =
            part(b"\xD3\x91\xB7\x5E\xA2\xCC\0\0\0\0\0\0\0\0\x9A\x8C\x7E\x6F\x5D\x9B\x8F\x7A", 0xFF);
        let check = check(&part.units, 0, 6);
        assert_eq!((check.from_anchor, check.mask), (14, u64::MAX));
        assert_eq!(check.value.to_le_bytes(), *b"\x9A\x8C\x7E\x6F\x5D\x9B\x8F\x7A");
    }
}
