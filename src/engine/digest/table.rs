//! One table of digests of one length: a view into the section.
//!
//! A lookup touches the bucket index, then one or two cache lines of digests, and only on a hit the
//! columns of names and sizes.

use zerocopy::FromBytes;
use zerocopy::little_endian::U32;

use crate::engine::database::signature::NameId;

use super::layout::{BITS_MAX, Descriptor, bucket_of, head_of, largest_of, narrow_at};
use super::tables::TablesFault;

/// The columns of one table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a, const N: usize> {
    bits: u32,
    any: u64,
    buckets: &'a [U32],
    digests: &'a [[u8; N]],
    names: &'a [u8],
    name_bytes: usize,
    sizes: &'a [u8],
    size_bytes: usize,
    distinct: &'a [U32],
}

impl<'a, const N: usize> Table<'a, N> {
    pub(super) const EMPTY: Self = Self {
        bits: 0,
        any: 0,
        buckets: &[],
        digests: &[],
        names: &[],
        name_bytes: 1,
        sizes: &[],
        size_bytes: 1,
        distinct: &[],
    };

    /// Finds the columns. Constant time: nothing in them is read.
    pub(super) fn open(section: &'a [u8], of: &Descriptor) -> Result<Self, TablesFault> {
        let bits = u32::try_from(of.bits).unwrap_or(u32::MAX);
        if bits > BITS_MAX {
            return Err(TablesFault::Bits(of.bits));
        }
        let short = TablesFault::Short;
        let index = |word: u64| usize::try_from(word).map_err(|_| short);
        let width = |word: u64| match index(word)? {
            width @ 1..=4 => Ok(width),
            _ => Err(TablesFault::Width(word)),
        };
        let rest = section.get(index(of.offset)?..).ok_or(short)?;
        let (rows, name_bytes, size_bytes) =
            (index(of.rows)?, width(of.name_bytes)?, width(of.size_bytes)?);
        let narrow = |rest: &'a [u8], width: usize| {
            rows.checked_mul(width).and_then(|bytes| rest.split_at_checked(bytes)).ok_or(short)
        };
        let buckets =
            1_usize.checked_shl(bits).and_then(|count| count.checked_add(1)).ok_or(short)?;
        let (digests, rest) = column::<[u8; N]>(rest, rows)?;
        let (names, rest) = narrow(rest, name_bytes)?;
        let (sizes, rest) = narrow(rest, size_bytes)?;
        let (buckets, rest) = column::<U32>(rest, buckets)?;
        let (distinct, _) = column::<U32>(rest, index(of.distinct)?)?;
        let any = of.any;
        Ok(Self { bits, any, buckets, digests, names, name_bytes, sizes, size_bytes, distinct })
    }

    /// In how many pieces [`Table::check_piece`] reads the table.
    pub(super) const fn pieces(&self) -> usize {
        COLUMN_PIECES.saturating_add(self.row_pieces())
    }

    /// Reads one piece of the columns, from its start to its end: what a lookup relies on holds when
    /// all of them are good.
    pub(super) fn check_piece(&self, piece: usize, names: u32) -> Result<(), TablesFault> {
        match piece {
            0 => self.check_buckets(),
            1 => self.check_names(names),
            2 => self.check_sizes(),
            _ => self.check_rows(piece.saturating_sub(COLUMN_PIECES)),
        }
    }

    const fn row_pieces(&self) -> usize {
        self.digests.len().div_ceil(PIECE_ROWS)
    }

    fn check_buckets(&self) -> Result<(), TablesFault> {
        let rows = u32::try_from(self.digests.len()).map_err(|_| TablesFault::Short)?;
        let is_whole = self.buckets.is_sorted_by_key(|start| start.get())
            && self.buckets.first().is_some_and(|first| first.get() == 0)
            && self.buckets.last().is_some_and(|last| last.get() == rows);
        is_whole.then_some(()).ok_or(TablesFault::Buckets)
    }

    fn check_names(&self, names: u32) -> Result<(), TablesFault> {
        let (largest, _) = largest_of(self.names, self.name_bytes, 0);
        if !self.digests.is_empty() && largest >= names {
            return Err(TablesFault::Name(largest));
        }
        Ok(())
    }

    fn check_sizes(&self) -> Result<(), TablesFault> {
        let any_index = u32::try_from(self.distinct.len()).map_err(|_| TablesFault::Sizes)?;
        let (largest, any) = largest_of(self.sizes, self.size_bytes, any_index);
        let is_sorted = self.distinct.is_sorted_by(|a, b| a < b);
        if is_sorted && largest <= any_index && any == self.any {
            Ok(())
        } else {
            Err(TablesFault::Sizes)
        }
    }

    /// Whether so many rows, and the first one behind them, are in order, and as large a share of the
    /// buckets holds what belongs there.
    fn check_rows(&self, piece: usize) -> Result<(), TablesFault> {
        let from = piece.saturating_mul(PIECE_ROWS).min(self.digests.len());
        let to = from.saturating_add(PIECE_ROWS).saturating_add(1).min(self.digests.len());
        let is_in_order = self.digests.get(from..to).is_some_and(is_sorted);
        let buckets = self.buckets.len().div_ceil(self.row_pieces().max(1));
        let is_good =
            is_in_order && self.are_in_their_buckets(piece.saturating_mul(buckets), buckets);
        is_good.then_some(()).ok_or(TablesFault::Order)
    }

    /// The digests are sorted, so the first and the last of a bucket speak for all of it.
    fn are_in_their_buckets(&self, from: usize, count: usize) -> bool {
        let bounds = self.buckets.iter().zip(self.buckets.iter().skip(1));
        bounds.zip(0_u32..).skip(from).take(count).all(|((from, to), bucket)| {
            let rows = self.digests.get(from.get() as usize..to.get() as usize);
            rows.is_some_and(|rows| {
                let ends = [rows.first(), rows.last()];
                let is_here = |digest: &[u8; N]| bucket_of(head_of(digest), self.bits) == bucket;
                ends.into_iter().flatten().all(is_here)
            })
        })
    }

    /// Whether a subject of this size can have a digest in the table; `None`: of some size.
    pub(super) fn can_matter(&self, size: Option<u64>) -> bool {
        if self.any > 0 {
            return true;
        }
        match size {
            None => !self.digests.is_empty(),
            Some(size) => u32::try_from(size).is_ok_and(|size| self.has_size(size)),
        }
    }

    /// Whether a subject of this size or a larger one can have a digest in the table.
    pub(super) fn can_matter_from(&self, size: u64) -> bool {
        self.any > 0 || self.distinct.last().is_some_and(|largest| u64::from(largest.get()) >= size)
    }

    fn has_size(&self, size: u32) -> bool {
        self.distinct.binary_search_by_key(&size, |entry| entry.get()).is_ok()
    }

    /// The first row with this digest and this size or any size.
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
            let name = NameId(narrow_at(self.names, self.name_bytes, row)?);
            let wanted = narrow_at(self.sizes, self.size_bytes, row)? as usize;
            match self.distinct.get(wanted) {
                None => Some((name, None)),
                Some(exact) if u64::from(exact.get()) == size => Some((name, Some(exact.get()))),
                Some(_) => None,
            }
        })
    }

    /// Digests in the table.
    pub(super) const fn rows(&self) -> usize {
        self.digests.len()
    }
}

/// Whether digests are sorted. The first eight bytes decide nearly always, as one number.
fn is_sorted<const N: usize>(digests: &[[u8; N]]) -> bool {
    let head = |digest: &[u8; N]| digest.first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
    let pairs = digests.iter().zip(digests.iter().skip(1));
    pairs.into_iter().all(|(one, next)| {
        let (first, second) = (head(one), head(next));
        first < second || (first == second && one <= next)
    })
}

/// Pieces before those of rows: buckets, names, sizes.
const COLUMN_PIECES: usize = 3;

/// Rows of a piece: a tenth of a millisecond.
const PIECE_ROWS: usize = 1 << 16;

/// Splits a column of `count` values off the front.
fn column<T>(bytes: &[u8], count: usize) -> Result<(&[T], &[u8]), TablesFault>
where
    T: FromBytes + zerocopy::Immutable + zerocopy::KnownLayout + zerocopy::Unaligned,
{
    <[T]>::ref_from_prefix_with_elems(bytes, count).map_err(|_| TablesFault::Short)
}
