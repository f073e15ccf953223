//! The bytes of the DIGESTS section: twelve descriptors, then the columns of each table.
//!
//! ```text
//!   Directory   12 × Descriptor, in the order of `ORDER`
//!   per table   digests   rows × N bytes       sorted, equal ones by their name's number
//!               names     rows × 1..4 bytes    the number of the name
//!               sizes     rows × 1..4 bytes    an index into `distinct`; its length stands for `*`
//!               distinct  distinct × u32       the exact sizes, sorted, each once
//!               lines     lines × 64 bytes     aligned to 64: what a lookup reads first
//!
//!   line        start     u32                  its first row
//!               count     u8                   its rows, or 255: more than it has marks for
//!               marks     59 × u8              the next eight bits of each of its rows
//! ```
//!
//! Every integer is little endian and, but for the lines, unaligned. A digest is a fraction between zero and
//! one; times the number of lines it is the number of its line, and behind the point begins its mark. So
//! one cache line tells that a digest is not there, or which row to compare: 36 rows a line are 1.8
//! bytes a row, and seven of eight strangers are told from their line alone. The two narrow columns
//! are as wide as the largest value in them needs: with millions of digests that is three bytes each.

use zerocopy::little_endian::U64;

use crate::engine::database::signature::Subject;

use super::Kind;

/// Where one table lies in the section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descriptor {
    /// Of the first column, from the start of the section.
    pub offset: u64,
    /// Digests in the table.
    pub rows: u64,
    /// Lines of the index.
    pub lines: u64,
    /// Of the first line, from the start of the section.
    pub lines_at: u64,
    /// Exact sizes, each counted once.
    pub distinct: u64,
    /// Rows of any size.
    pub any: u64,
    /// Bytes of a name's number.
    pub name_bytes: u64,
    /// Bytes of a size's index.
    pub size_bytes: u64,
}

/// A descriptor in the section: its fields in their order. Plain words, because what zerocopy's
/// derives write for a structure has names outside of ASCII, which the lint table refuses.
pub(super) type DescriptorBytes = [U64; 8];

/// The descriptors of all tables.
pub(super) type Directory = [DescriptorBytes; TABLES];

impl Descriptor {
    pub(super) fn to_bytes(self) -> DescriptorBytes {
        let Self { offset, rows, lines, lines_at, distinct, any, name_bytes, size_bytes } = self;
        [offset, rows, lines, lines_at, distinct, any, name_bytes, size_bytes].map(U64::new)
    }

    pub(super) fn from_bytes(bytes: &DescriptorBytes) -> Self {
        let [offset, rows, lines, lines_at, distinct, any, name_bytes, size_bytes] =
            bytes.map(U64::get);
        Self { offset, rows, lines, lines_at, distinct, any, name_bytes, size_bytes }
    }
}

/// Four subjects, each with three kinds: the tables in the order of their descriptors.
pub(super) const TABLES: usize = Subject::ALL.len() * Kind::ALL.len();

/// Stands for `*` while rows are collected; no line can name this size (A2.1: 2^32 - 2 is the
/// largest).
pub(super) const ANY_SIZE: u32 = u32::MAX;

/// One line of the index.
pub(super) type Line = [u8; LINE_BYTES];

/// A cache line.
pub(super) const LINE_BYTES: usize = 64;

/// Rows that a line has marks for.
pub(super) const MARKS_MAX: usize = LINE_BYTES - 5;

/// Stands for the count of a line with more rows than marks: they are searched by halving.
pub(super) const CROWDED: u8 = u8::MAX;

/// The parts of a line: its first row, its count, its marks.
pub(super) const fn parts_of(line: &Line) -> (u32, u8, &[u8; MARKS_MAX]) {
    let [a, b, c, d, count, ..] = *line;
    let [_, _, _, _, _, marks @ ..] = line;
    (u32::from_le_bytes([a, b, c, d]), count, marks)
}

/// The line of a digest that begins with `head`, and its mark there.
pub(super) fn place_of(head: u64, lines: usize) -> (usize, u8) {
    let product = u128::from(head).wrapping_mul(lines as u128).to_be_bytes();
    let (line, behind) = product.split_at(8);
    let line = line.first_chunk().map_or(0, |line| u64::from_be_bytes(*line));
    (usize::try_from(line).unwrap_or(usize::MAX), behind.first().copied().unwrap_or_default())
}

/// The first eight bytes of a digest as a number that sorts as they do.
pub(super) fn head_of(digest: &[u8]) -> u64 {
    digest.first_chunk().map_or(0, |head| u64::from_be_bytes(*head))
}

/// The bytes that every number up to `largest` fits into.
pub(super) const fn width_of(largest: u32) -> usize {
    match largest {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xff_ffff => 3,
        _ => 4,
    }
}

/// A value of a narrow column.
pub(super) fn narrow_at(column: &[u8], width: usize, row: usize) -> Option<u32> {
    let start = row.checked_mul(width)?;
    let bytes = column.get(start..start.checked_add(width)?)?;
    let mut word = [0; 4];
    word.get_mut(..width)?.copy_from_slice(bytes);
    Some(u32::from_le_bytes(word))
}

/// The largest value of a narrow column (0 in an empty one), and how often `wanted` is in it.
pub(super) fn largest_of(column: &[u8], width: usize, wanted: u32) -> (u32, u64) {
    match width {
        1 => largest_in::<1>(column, wanted),
        2 => largest_in::<2>(column, wanted),
        3 => largest_in::<3>(column, wanted),
        _ => largest_in::<4>(column, wanted),
    }
}

fn largest_in<const W: usize>(column: &[u8], wanted: u32) -> (u32, u64) {
    let (values, _) = column.as_chunks::<W>();
    values.iter().fold((0, 0_u64), |(largest, count), value| {
        let mut word = [0; 4];
        for (to, from) in word.iter_mut().zip(value) {
            *to = *from;
        }
        let value = u32::from_le_bytes(word);
        (largest.max(value), count.wrapping_add(u64::from(value == wanted)))
    })
}
