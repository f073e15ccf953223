//! The bytes of the DIGESTS section: six descriptors, then the columns of each table.
//!
//! ```text
//!   Directory   6 × Descriptor, in the order of `ORDER`
//!   per table   buckets   (2^bits + 1) × u32   index of the first row of each bucket
//!               digests   rows × N bytes       sorted, equal ones in the order of the sources
//!               labels    rows × (u32, u32)    name and size, `ANY_SIZE` for `*`
//!               distinct  distinct × u32       the exact sizes, sorted, each once
//! ```
//!
//! The columns follow each other without padding: every integer is little endian and unaligned.
//! A bucket is the rows whose digest begins with the same `bits` bits.

use zerocopy::little_endian::U64;

use crate::engine::database::signature::Purpose;

use super::Kind;

/// Where one table lies in the section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descriptor {
    /// Of the first column, from the start of the section.
    pub offset: u64,
    /// Digests in the table.
    pub rows: u64,
    /// Bits of a digest that choose its bucket.
    pub bits: u64,
    /// Exact sizes, each counted once.
    pub distinct: u64,
    /// Rows of any size.
    pub any: u64,
}

/// A descriptor in the section: its fields in their order. Plain words, because what zerocopy's
/// derives write for a structure has names outside of ASCII, which the lint table refuses.
pub(super) type DescriptorBytes = [U64; 5];

/// The descriptors of all tables.
pub(super) type Directory = [DescriptorBytes; ORDER.len()];

impl Descriptor {
    pub(super) fn to_bytes(self) -> DescriptorBytes {
        [self.offset, self.rows, self.bits, self.distinct, self.any].map(U64::new)
    }

    pub(super) fn from_bytes(bytes: &DescriptorBytes) -> Self {
        let [offset, rows, bits, distinct, any] = bytes.map(U64::get);
        Self { offset, rows, bits, distinct, any }
    }
}

/// The tables in the order of their descriptors.
pub(super) const ORDER: [(Kind, Purpose); 6] = [
    (Kind::Md5, Purpose::Detect),
    (Kind::Md5, Purpose::Trust),
    (Kind::Sha1, Purpose::Detect),
    (Kind::Sha1, Purpose::Trust),
    (Kind::Sha256, Purpose::Detect),
    (Kind::Sha256, Purpose::Trust),
];

/// Stands for `*`; no line can name this size (A2.1: 2^32 - 2 is the largest).
pub(super) const ANY_SIZE: u32 = u32::MAX;

/// The widest bucket index: 2^24 buckets serve a hundred million digests with 64 MiB of index.
pub(super) const BITS_MAX: u32 = 24;

/// The bucket of a digest that begins with `head`.
pub(super) const fn bucket_of(head: u32, bits: u32) -> u32 {
    match head.checked_shr(32_u32.saturating_sub(bits)) {
        Some(bucket) => bucket,
        // No bits choose: a table with a single bucket.
        None => 0,
    }
}
