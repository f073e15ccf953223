//! One table of digests of one length: a view into the section.
//!
//! A lookup touches one line of the index, which tells most strangers; then the digest it points to, and
//! only on a hit the columns of names and sizes.

use zerocopy::FromBytes;
use zerocopy::little_endian::U32;

use crate::engine::database::signature::NameId;

use super::layout::{
    CROWDED, Descriptor, Line, MARKS_MAX, head_of, largest_of, narrow_at, parts_of, place_of,
};
use super::tables::TablesFault;

/// The columns of one table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a, const N: usize> {
    any: u64,
    lines: &'a [Line],
    digests: &'a [[u8; N]],
    names: &'a [u8],
    name_bytes: usize,
    sizes: &'a [u8],
    size_bytes: usize,
    distinct: &'a [U32],
}

impl<'a, const N: usize> Table<'a, N> {
    pub(super) const EMPTY: Self = Self {
        any: 0,
        lines: &[],
        digests: &[],
        names: &[],
        name_bytes: 1,
        sizes: &[],
        size_bytes: 1,
        distinct: &[],
    };

    /// Finds the columns. Constant time: nothing in them is read.
    pub(super) fn open(section: &'a [u8], of: &Descriptor) -> Result<Self, TablesFault> {
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
        let (digests, rest) = column::<[u8; N]>(rest, rows)?;
        let (names, rest) = narrow(rest, name_bytes)?;
        let (sizes, rest) = narrow(rest, size_bytes)?;
        let (distinct, _) = column::<U32>(rest, index(of.distinct)?)?;
        let rest = section.get(index(of.lines_at)?..).ok_or(short)?;
        let (lines, _) = column::<Line>(rest, index(of.lines)?)?;
        let any = of.any;
        Ok(Self { any, lines, digests, names, name_bytes, sizes, size_bytes, distinct })
    }

    /// In how many pieces [`Table::check_piece`] reads the table.
    pub(super) fn pieces(&self) -> usize {
        COLUMN_PIECES.saturating_add(self.row_pieces())
    }

    /// Reads one piece of the columns, from its start to its end: what a lookup relies on holds when
    /// all of them are good.
    pub(super) fn check_piece(&self, piece: usize, names: u32) -> Result<(), TablesFault> {
        match piece {
            0 => self.check_names(names),
            1 => self.check_sizes(),
            _ => self.check_rows(piece.saturating_sub(COLUMN_PIECES)),
        }
    }

    /// One at least: a table without rows has lines to be checked, or should have none.
    fn row_pieces(&self) -> usize {
        self.digests.len().div_ceil(PIECE_ROWS).max(1)
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
    /// lines says what is true.
    fn check_rows(&self, piece: usize) -> Result<(), TablesFault> {
        let from = piece.saturating_mul(PIECE_ROWS).min(self.digests.len());
        let to = from.saturating_add(PIECE_ROWS).saturating_add(1).min(self.digests.len());
        if !self.digests.get(from..to).is_some_and(is_sorted) {
            return Err(TablesFault::Order);
        }
        let share = self.lines.len().div_ceil(self.row_pieces());
        let first = piece.saturating_mul(share);
        let mut lines = (first..self.lines.len()).take(share);
        let is_whole = !self.lines.is_empty() || self.digests.is_empty();
        let is_good = is_whole && lines.all(|line| self.is_line_good(line).unwrap_or(false));
        is_good.then_some(()).ok_or(TablesFault::Lines)
    }

    /// Whether a line begins where the one before ends, and marks exactly its rows.
    fn is_line_good(&self, line: usize) -> Option<bool> {
        let (start, count, marks) = parts_of(self.lines.get(line)?);
        let rows = self.digests.get(start as usize..self.end_of(line))?;
        let is_here = |row: &[u8; N]| place_of(head_of(row), self.lines.len()).0 == line;
        let is_marked = if count == CROWDED {
            // They are sorted, so the first and the last speak for all of them.
            let ends = [rows.first(), rows.last()];
            rows.len() > MARKS_MAX && ends.into_iter().flatten().all(is_here)
        } else {
            let marked = rows.iter().zip(marks);
            let mut places =
                marked.map(|(row, mark)| (place_of(head_of(row), self.lines.len()), *mark));
            rows.len() == usize::from(count) && places.all(|(place, mark)| place == (line, mark))
        };
        Some(is_marked && (line > 0 || start == 0))
    }

    /// The row behind the last one of a line.
    fn end_of(&self, line: usize) -> usize {
        let next = line.checked_add(1).and_then(|next| self.lines.get(next));
        next.map_or(self.digests.len(), |next| parts_of(next).0 as usize)
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
        let (from, to) = self.candidates(digest)?;
        let rows = self.digests.get(from..to)?;
        // One, unless somebody made digests with a common head; halving bounds that case, too.
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

    /// The rows that may have a digest: where they begin and end.
    fn candidates(&self, digest: &[u8; N]) -> Option<(usize, usize)> {
        let (line, mark) = place_of(head_of(digest), self.lines.len());
        let (start, count, marks) = parts_of(self.lines.get(line)?);
        let start = start as usize;
        // The count of a crowded line is more than it has marks.
        let Some(marks) = marks.get(..usize::from(count)) else {
            return Some((start, self.end_of(line)));
        };
        // Rows are sorted, and so are their marks.
        let first = memchr::memchr(mark, marks)?;
        let equal = marks.iter().skip(first).take_while(|other| **other == mark).count();
        let from = start.checked_add(first)?;
        Some((from, from.checked_add(equal)?))
    }

    /// Digests in the table.
    pub(super) const fn rows(&self) -> usize {
        self.digests.len()
    }
}

/// Whether digests are sorted. The first eight bytes decide nearly always, as one number.
fn is_sorted<const N: usize>(digests: &[[u8; N]]) -> bool {
    let pairs = digests.iter().zip(digests.iter().skip(1));
    pairs.into_iter().all(|(one, next)| {
        let (first, second) = (head_of(one), head_of(next));
        first < second || (first == second && one <= next)
    })
}

/// Pieces before those of rows: names, sizes.
const COLUMN_PIECES: usize = 2;

/// Rows of a piece: a tenth of a millisecond.
const PIECE_ROWS: usize = 1 << 16;

/// Splits a column of `count` values off the front.
fn column<T>(bytes: &[u8], count: usize) -> Result<(&[T], &[u8]), TablesFault>
where
    T: FromBytes + zerocopy::Immutable + zerocopy::KnownLayout + zerocopy::Unaligned,
{
    <[T]>::ref_from_prefix_with_elems(bytes, count).map_err(|_| TablesFault::Short)
}
