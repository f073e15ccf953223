//! The filter's tables at build time: how large, hashed how, and filled.
//!
//! The factor of the hash is chosen among a few so that runs of one byte (zeros, spaces, FF) do not
//! pass the bitmap by chance: ordinary files are full of them, and one unlucky bit would make every
//! zero a candidate.

#![forbid(unsafe_code)]

use super::anchor::FamilyKind;
use super::compile::narrow;
use super::hash;
use super::image::{
    BUCKETS_LOG2_MAX, Entry, Family, PAIR_WORDS_LOG2, WORDS_LOG2_MAX, WORDS_LOG2_MIN,
};
use zerocopy::FromZeros;
use zerocopy::little_endian::U32;

/// Sizes, factor and passing runs of a family with these grams; the rest is zero.
pub(super) fn shape(kind: FamilyKind, rows: &[(u64, Entry)]) -> Family {
    let log2 = rows.len().next_power_of_two().ilog2();
    let mut family = Family::new_zeroed();
    family.gram_bytes = kind.gram_bytes();
    family.edges = u8::from(kind == FamilyKind::Edge);
    family.words_log2 = match kind {
        FamilyKind::Pair => PAIR_WORDS_LOG2.into(),
        FamilyKind::Long | FamilyKind::Middle | FamilyKind::Edge | FamilyKind::Short => {
            log2.clamp(WORDS_LOG2_MIN, WORDS_LOG2_MAX).into()
        }
    };
    family.buckets_log2 = log2.min(BUCKETS_LOG2_MAX).into();
    let mut fewest = u32::MAX;
    for factor in FACTORS {
        let tried = Family { factor: factor.into(), ..family };
        let runs = passing_runs(&tried, rows);
        let passing = runs.iter().map(|byte| byte.count_ones()).sum();
        if passing < fewest {
            fewest = passing;
            family = Family { runs, ..tried };
        }
    }
    family
}

/// Appends the family's words to all words.
pub(super) fn fill(family: &Family, rows: &[(u64, Entry)], words: &mut Vec<U32>) {
    words.extend(filled(family, rows).into_iter().map(U32::new));
}

/// Appends the family's buckets and entries; the answer is the most entries of one bucket.
pub(super) fn sort_into_buckets(
    family: &Family,
    mut rows: Vec<(u64, Entry)>,
    buckets: &mut Vec<U32>,
    entries: &mut Vec<Entry>,
) -> u32 {
    let bucket_of = |gram: u64| {
        hash::bucket(hash::product(gram, family.factor.get()), family.buckets_log2.get())
    };
    rows.sort_by_key(|(gram, entry)| {
        (bucket_of(*gram), *gram, entry.content.get(), entry.back.get())
    });
    let mut rows = rows.into_iter().peekable();
    let mut longest = 0;
    for bucket in 0..1_u64 << family.buckets_log2.get() {
        let start = entries.len();
        buckets.push(narrow(start).into());
        while let Some((_, entry)) = rows.next_if(|(gram, _)| bucket_of(*gram) == bucket) {
            entries.push(entry);
        }
        longest = longest.max(entries.len() - start);
    }
    buckets.push(narrow(entries.len()).into());
    narrow(longest)
}

fn filled(family: &Family, rows: &[(u64, Entry)]) -> Vec<u32> {
    let mut words = vec![0_u32; 1 << family.words_log2.get()];
    for (gram, _) in rows {
        let (word, bits) = place(family, *gram);
        words[word] |= bits;
    }
    words
}

fn passing_runs(family: &Family, rows: &[(u64, Entry)]) -> [u8; 32] {
    let words = filled(family, rows);
    let mut runs = [0; 32];
    if family.edges != 0 {
        return runs;
    }
    for byte in 0..=u8::MAX {
        let (word, bits) = place(family, run_gram(byte, family.gram_bytes));
        if words[word] & bits == bits {
            runs[usize::from(byte / 8)] |= 1 << (byte % 8);
        }
    }
    runs
}

/// The word and the bits of a gram; pairs have a bit each.
fn place(family: &Family, gram: u64) -> (usize, u32) {
    if family.gram_bytes == 2 {
        return (index(gram >> 5), 1 << (gram & 31));
    }
    let product = hash::product(gram, family.factor.get());
    (index(hash::word(product, family.words_log2.get())), hash::bits(product))
}

/// A gram of one byte repeated.
fn run_gram(byte: u8, gram_bytes: u8) -> u64 {
    u64::from_le_bytes([byte; 8]) >> (64 - 8 * u32::from(gram_bytes))
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
