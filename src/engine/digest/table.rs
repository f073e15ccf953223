//! One table of digests of one length: a view into the section.
//!
//! A lookup touches the bucket index, then one or two cache lines of digests, and only on a hit the
//! column of names and sizes.

use zerocopy::FromBytes;
use zerocopy::little_endian::U32;

use crate::engine::database::signature::NameId;

use super::layout::{ANY_SIZE, BITS_MAX, Descriptor, bucket_of};
use super::rows::head_of;
use super::tables::TablesFault;

/// The columns of one table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a, const N: usize> {
    bits: u32,
    any: u64,
    buckets: &'a [U32],
    digests: &'a [[u8; N]],
    /// Name and size.
    labels: &'a [[U32; 2]],
    distinct: &'a [U32],
}

impl<'a, const N: usize> Table<'a, N> {
    pub(super) const EMPTY: Self =
        Self { bits: 0, any: 0, buckets: &[], digests: &[], labels: &[], distinct: &[] };

    /// Finds the columns. Constant time: nothing in them is read.
    pub(super) fn open(section: &'a [u8], of: &Descriptor) -> Result<Self, TablesFault> {
        let bits = u32::try_from(of.bits).unwrap_or(u32::MAX);
        if bits > BITS_MAX {
            return Err(TablesFault::Bits(of.bits));
        }
        let short = TablesFault::Short;
        let index = |word: u64| usize::try_from(word).map_err(|_| short);
        let rest = section.get(index(of.offset)?..).ok_or(short)?;
        let rows = index(of.rows)?;
        let buckets =
            1_usize.checked_shl(bits).and_then(|count| count.checked_add(1)).ok_or(short)?;
        let (buckets, rest) = column::<U32>(rest, buckets)?;
        let (digests, rest) = column::<[u8; N]>(rest, rows)?;
        let (labels, rest) = column::<[U32; 2]>(rest, rows)?;
        let (distinct, _) = column::<U32>(rest, index(of.distinct)?)?;
        Ok(Self { bits, any: of.any, buckets, digests, labels, distinct })
    }

    /// Reads every column once: what a lookup relies on holds afterwards.
    pub(super) fn check(&self, names: u32) -> Result<(), TablesFault> {
        let rows = u32::try_from(self.digests.len()).map_err(|_| TablesFault::Short)?;
        if !self.buckets.is_sorted()
            || self.buckets.first().is_none_or(|first| first.get() != 0)
            || self.buckets.last().is_none_or(|last| last.get() != rows)
        {
            return Err(TablesFault::Buckets);
        }
        if !self.digests.is_sorted() || !self.rows_are_in_their_buckets() {
            return Err(TablesFault::Order);
        }
        if let Some([name, _]) = self.labels.iter().find(|[name, _]| name.get() >= names) {
            return Err(TablesFault::Name(name.get()));
        }
        let sizes = || self.labels.iter().map(|[_, size]| size.get());
        let any = sizes().filter(|size| *size == ANY_SIZE);
        if !self.distinct.is_sorted_by(|a, b| a < b) || any.count() as u64 != self.any {
            return Err(TablesFault::Sizes);
        }
        let known = |size| size == ANY_SIZE || self.has_size(size);
        if sizes().all(known) { Ok(()) } else { Err(TablesFault::Sizes) }
    }

    fn rows_are_in_their_buckets(&self) -> bool {
        let bounds = self.buckets.iter().zip(self.buckets.iter().skip(1));
        bounds.zip(0_u32..).all(|((from, to), bucket)| {
            self.digests.get(from.get() as usize..to.get() as usize).is_some_and(|rows| {
                rows.iter().all(|digest| bucket_of(head_of(digest), self.bits) == bucket)
            })
        })
    }

    /// Whether an object of this size can have a digest in the table; `None`: of some size.
    pub(super) fn can_matter(&self, size: Option<u64>) -> bool {
        if self.any > 0 {
            return true;
        }
        match size {
            None => !self.digests.is_empty(),
            Some(size) => u32::try_from(size).is_ok_and(|size| self.has_size(size)),
        }
    }

    /// Whether an object of this size or a larger one can have a digest in the table.
    pub(super) fn can_matter_from(&self, size: u64) -> bool {
        self.any > 0 || self.distinct.last().is_some_and(|largest| u64::from(largest.get()) >= size)
    }

    fn has_size(&self, size: u32) -> bool {
        self.distinct.binary_search_by_key(&size, |entry| entry.get()).is_ok()
    }

    /// The first row, in the order of the sources, with this digest and this size or any size.
    pub(super) fn lookup(&self, digest: &[u8; N], size: u64) -> Option<(NameId, Option<u32>)> {
        let bucket = bucket_of(head_of(digest), self.bits) as usize;
        let from = self.buckets.get(bucket)?.get() as usize;
        let to = self.buckets.get(bucket.checked_add(1)?)?.get() as usize;
        let rows = self.digests.get(from..to)?;
        // Buckets hold a handful of rows unless somebody made digests with a common head; halving
        // bounds that case, too.
        let first = rows.partition_point(|row| row < digest);
        let equal = rows.iter().skip(first).take_while(|row| *row == digest);
        let start = from.checked_add(first)?;
        equal.zip(start..).find_map(|(_, row)| {
            let [name, wanted] = self.labels.get(row)?;
            let name = NameId(name.get());
            match wanted.get() {
                ANY_SIZE => Some((name, None)),
                exact if u64::from(exact) == size => Some((name, Some(exact))),
                _ => None,
            }
        })
    }

    /// Digests in the table.
    pub(super) const fn rows(&self) -> usize {
        self.digests.len()
    }
}

/// Splits a column of `count` values off the front.
fn column<T>(bytes: &[u8], count: usize) -> Result<(&[T], &[u8]), TablesFault>
where
    T: FromBytes + zerocopy::Immutable + zerocopy::KnownLayout + zerocopy::Unaligned,
{
    <[T]>::ref_from_prefix_with_elems(bytes, count).map_err(|_| TablesFault::Short)
}
