//! The filter's tables at build time: how large, hashed how, and filled.
//!
//! Salt and factor of the hashes are chosen among a few so that runs of one byte (zeros, spaces, FF) do
//! not pass by chance: ordinary files are full of them, and one unlucky bit would make every zero a
//! candidate.

#![forbid(unsafe_code)]

use super::anchor::FamilyKind;
use super::compile::narrow;
use super::hash;
use super::image::{
    BUCKETS_LOG2_MAX, Entry, Family, PAIR_WORDS_LOG2, SIEVE_LOG2_MAX, SIEVE_LOG2_MIN,
    SIEVE_OF_THREES_LOG2_MAX, WORDS_LOG2_MAX, WORDS_LOG2_MIN,
};
use super::simd::{FOLD, PAIR_SIEVE_WORDS, Shape};
use zerocopy::FromZeros;
use zerocopy::little_endian::U32;

/// Sizes and hashes of a family with these grams, and its buckets' number. The rest is zero.
pub(super) fn shape(kind: FamilyKind, fold: bool, rows: &[Entry]) -> Family {
    let mut family = Family::new_zeroed();
    family.gram_bytes = kind.gram_bytes();
    family.fold = fold.into();
    family.buckets_log2 = rows.len().next_power_of_two().ilog2().min(BUCKETS_LOG2_MAX).into();
    let mut best: Option<(u32, Family)> = None;
    for factor in FACTORS {
        let tried = Family { factor: factor.into(), ..family };
        let passing = Filled::new(&tried, kind, rows.iter()).note_runs();
        if best.as_ref().is_none_or(|(fewest, _)| passing < *fewest) {
            best = Some((passing, tried));
        }
        // Pairs are not hashed; and nothing is better than nothing.
        if passing == 0 || kind == FamilyKind::Pair {
            break;
        }
    }
    best.map_or(family, |(_, best)| best)
}

/// The filter of a family that has some of the grams, with the bytes of which a run passes.
pub(super) fn fill<'r>(
    shape: &Family,
    kind: FamilyKind,
    rows: impl Iterator<Item = &'r Entry> + Clone,
) -> Filled {
    let mut filled = Filled::new(shape, kind, rows);
    filled.note_runs();
    filled
}

/// A family with its words.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) family: Family,
    sieve: Vec<u32>,
    words: Vec<u32>,
}

impl Filled {
    fn new<'r>(
        shape: &Family,
        kind: FamilyKind,
        rows: impl Iterator<Item = &'r Entry> + Clone,
    ) -> Self {
        let log2 = rows.clone().count().next_power_of_two().ilog2();
        let (sieve_log2, words_log2) = match kind {
            FamilyKind::Six => (log2 + 2, log2.saturating_sub(1)),
            FamilyKind::Three => ((log2 + 5).min(SIEVE_OF_THREES_LOG2_MAX), log2),
            FamilyKind::Pair => return Self::of_pairs(shape, rows.map(|row| row.gram.get())),
        };
        let mut filled = Self::empty(
            shape,
            sieve_log2.clamp(SIEVE_LOG2_MIN, SIEVE_LOG2_MAX),
            words_log2.clamp(WORDS_LOG2_MIN, WORDS_LOG2_MAX),
        );
        rows.for_each(|row| filled.add(row.gram.get()));
        filled
    }

    /// Pairs have a bit each, and a sieve of another kind.
    fn of_pairs(shape: &Family, pairs: impl Iterator<Item = u64> + Clone) -> Self {
        let mut filled = Self::empty(shape, PAIR_SIEVE_WORDS.ilog2(), PAIR_WORDS_LOG2);
        filled.sieve.copy_from_slice(&pair_sieve(pairs.clone()));
        pairs.for_each(|pair| filled.add(pair));
        filled
    }

    fn empty(shape: &Family, sieve_log2: u32, words_log2: u32) -> Self {
        let family =
            Family { sieve_log2: sieve_log2.into(), words_log2: words_log2.into(), ..*shape };
        Self { family, sieve: vec![0; 1 << sieve_log2], words: vec![0; 1 << words_log2] }
    }

    fn add(&mut self, gram: u64) {
        let (word, bits) = self.place(gram);
        self.words[word] |= bits;
        let log2 = self.family.sieve_log2.get();
        match Shape::of(self.family.gram_bytes) {
            // Every way in which the gram may lie in a window, with what it says of that window.
            Shape::Sixes => {
                for step in 0..3 {
                    let window = gram << (8 * step);
                    let middle = hash::middle(four_bytes(window >> 16), self.salt());
                    let (known, grams) = hash::sieve_bits(window, middle);
                    let bits = known | grams[step];
                    self.sieve[hash::sieve_word(middle, log2) as usize] |= bits;
                }
            }
            Shape::Threes => {
                for step in 0..2 {
                    let window = four_bytes(gram << (8 * step));
                    let middle = hash::middle_pair(window >> 8 & 0xFFFF, self.salt());
                    let bits = hash::sieve_bits_of_threes(window, middle)[step];
                    self.sieve[hash::sieve_word(middle, log2) as usize] |= bits;
                }
            }
            Shape::Pairs => {}
        }
    }

    fn salt(&self) -> u32 {
        self.family.salt()
    }

    /// Notes the bytes of which a run passes; the answer is how bad that is, with those that only pass
    /// the sieve.
    fn note_runs(&mut self) -> u32 {
        let mut passing = 0;
        for byte in 0..=u8::MAX {
            let folded = if self.family.fold != 0 { byte & FOLD } else { byte };
            let run = u64::from_le_bytes([folded; 8]);
            let gram = run >> (64 - 8 * u32::from(self.family.gram_bytes));
            let (word, bits) = self.place(gram);
            let known = self.words[word] & bits == bits;
            let common = matches!(byte, 0 | 0x20 | 0x90 | 0xCC | 0xFF);
            let weight = if common { 16 } else { 1 };
            passing += weight * (u32::from(self.sieve_stops(run)) + 2 * u32::from(known));
            if known {
                self.family.runs[usize::from(byte / 8)] |= 1 << (byte % 8);
            }
        }
        passing
    }

    fn sieve_stops(&self, run: u64) -> bool {
        let log2 = self.family.sieve_log2.get();
        let words = |middle: u32| self.sieve[hash::sieve_word(middle, log2) as usize];
        match Shape::of(self.family.gram_bytes) {
            Shape::Sixes => {
                let middle = hash::middle(four_bytes(run), self.salt());
                let (known, [low, mixed, high]) = hash::sieve_bits(run, middle);
                words(middle) & known != 0 && words(middle) & (low | mixed | high) != 0
            }
            Shape::Threes => {
                let middle = hash::middle_pair(four_bytes(run) & 0xFFFF, self.salt());
                let [before, after] = hash::sieve_bits_of_threes(four_bytes(run), middle);
                words(middle) & (before | after) != 0
            }
            Shape::Pairs => false,
        }
    }

    /// The word and the bits of a gram in the bitmap; pairs have a bit each.
    fn place(&self, gram: u64) -> (usize, u32) {
        if self.family.gram_bytes == 2 {
            return (index(gram >> 5), 1 << (gram & 31));
        }
        let product = hash::product(gram, self.family.factor.get());
        let word = hash::word(product, self.family.words_log2.get());
        (index(word), hash::bits(product))
    }

    /// Appends the words, and says so in the family.
    pub(super) fn append(mut self, sieve: &mut Vec<U32>, words: &mut Vec<U32>) -> Family {
        self.family.sieve_start = narrow(sieve.len()).into();
        sieve.extend(self.sieve.into_iter().map(U32::new));
        self.family.words_start = narrow(words.len()).into();
        words.extend(self.words.into_iter().map(U32::new));
        self.family
    }
}

/// Appends the family's buckets and entries; the answer is the most entries of one gram.
pub(super) fn sort_into_buckets(
    family: &Family,
    mut rows: Vec<Entry>,
    buckets: &mut Vec<U32>,
    entries: &mut Vec<Entry>,
) -> u32 {
    let bucket_of = |entry: &Entry| {
        let product = hash::product(entry.gram.get(), family.factor.get());
        hash::bucket(product, family.buckets_log2.get())
    };
    rows.sort_by_cached_key(|entry| (bucket_of(entry), entry.gram.get(), entry.content.get()));
    let chain = |same: &[Entry]| same.len();
    let longest = rows.chunk_by(|one, other| one.gram == other.gram).map(chain).max().unwrap_or(0);
    let mut next = 0;
    for bucket in 0..1_u64 << family.buckets_log2.get() {
        buckets.push(narrow(entries.len() + next).into());
        while rows.get(next).is_some_and(|entry| bucket_of(entry) == bucket) {
            next += 1;
        }
    }
    entries.append(&mut rows);
    buckets.push(narrow(entries.len()).into());
    narrow(longest)
}

/// The sieve of some pairs, in eight groups. Each pair, in their order, joins the group that lets the
/// fewest other pairs through with it.
pub(super) fn pair_sieve(pairs: impl Iterator<Item = u64>) -> [u32; PAIR_SIEVE_WORDS] {
    // For each group and each of the four halves the values that it has, one bit each.
    let mut groups = [[0_u16; 4]; 8];
    let passing = |group: &[u16; 4]| group.iter().map(|half| half.count_ones()).product::<u32>();
    for pair in pairs {
        let halves = [0, 4, 8, 12].map(|shift| 1_u16 << (pair >> shift & 15));
        let with = |group: &[u16; 4]| std::array::from_fn(|half| group[half] | halves[half]);
        let more = |group: &&mut [u16; 4]| passing(&with(group)) - passing(group);
        if let Some(group) = groups.iter_mut().min_by_key(more) {
            *group = with(group);
        }
    }
    let mut table = [0_u32; PAIR_SIEVE_WORDS];
    for (index, word) in table.iter_mut().enumerate() {
        let (half, first) = (index / 4, index % 4 * 4);
        let byte = |value: usize| {
            let has = |group: &[u16; 4]| u8::from(group[half] >> value & 1 != 0);
            groups.iter().rev().fold(0, |bits, group| bits << 1 | has(group))
        };
        *word = u32::from_le_bytes([0, 1, 2, 3].map(|at| byte(first + at)));
    }
    table
}

/// The lower half.
fn four_bytes(value: u64) -> u32 {
    u32::try_from(value & 0xFFFF_FFFF).unwrap_or(0)
}

fn index(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Odd numbers without a pattern, from the fractional parts of square roots.
const FACTORS: [u64; 6] = [
    0x6A09_E667_F3BC_C909,
    0xBB67_AE85_84CA_A73B,
    0x3C6E_F372_FE94_F82B,
    0xA54F_F53A_5F1D_36F1,
    0x510E_527F_ADE6_82D1,
    0x9B05_688C_2B3E_6C1F,
];
