//! The regexes of an image, and where in a layer they are looked for. Nothing is compiled before it is
//! needed.

use std::collections::BTreeMap;
use std::fmt;

use super::flags::RegexFlags;
use super::row::Row;
use super::search::Search;

/// Where a match may begin: bytes from the start of the layer, both ends inclusive. A window of one
/// byte is an offset without a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// The offset.
    pub from: u64,
    /// The offset and its shift.
    pub to: u64,
}

/// What became of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// So many matches; at most 1 without the flag `g`.
    Count(u32),
    /// A limit was reached, so the count is not known. ClamAV takes it for 0.
    LimitReached,
}

/// The regexes of an image by number.
pub struct Shelf {
    /// Each regex once, however many numbers it has.
    rows: Box<[Row]>,
    /// By number, the row.
    numbers: Box<[usize]>,
}

impl Shelf {
    /// Takes regexes that were checked; the n-th gets the number n. Compiles nothing.
    pub fn new<P: Into<Box<[u8]>>>(regexes: impl IntoIterator<Item = (P, RegexFlags)>) -> Self {
        let mut known: BTreeMap<(Box<[u8]>, RegexFlags), usize> = BTreeMap::new();
        let mut rows = Vec::new();
        let numbers = regexes.into_iter().map(|(pattern, flags)| {
            let pattern: Box<[u8]> = pattern.into();
            let row = known.entry((pattern.clone(), flags)).or_insert(rows.len());
            if *row == rows.len() {
                rows.push(Row::new(pattern, flags));
            }
            *row
        });
        let numbers = numbers.collect();
        Self { rows: rows.into(), numbers }
    }

    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// What equal regexes of several numbers have in common; `None` for a number that the shelf does
    /// not have.
    #[must_use]
    pub fn row_of(&self, id: u32) -> Option<usize> {
        self.numbers.get(usize::try_from(id).ok()?).copied()
    }

    /// Counts the matches of a regex in the bytes of a layer.
    ///
    /// Without a window a match may begin anywhere. With one it begins inside; with a window of one
    /// byte and the flag `r` anywhere at or after it; with `e` it lies as a whole in the bytes from
    /// `from` up to, not including, `to`. For the regex the layer begins at `from`, and with `e` ends
    /// at `to`. A number that the shelf does not have matches nothing.
    #[must_use]
    pub fn count(&self, id: u32, bytes: &[u8], window: Option<Window>) -> Outcome {
        let row = self.row_of(id).and_then(|row| self.rows.get(row));
        let Some(row) = row else { return Outcome::Count(0) };
        let Some(place) = Place::of(row.flags(), bytes, window) else { return Outcome::Count(0) };
        Search::new(row, place).count()
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Shelf").field("len", &self.numbers.len()).finish_non_exhaustive()
    }
}

/// What is searched, and where a match may begin.
pub(super) struct Place<'b> {
    /// From the offset on: what is before it does not exist for the regex, as in clamscan.
    pub(super) bytes: &'b [u8],
    /// The last place where a match may begin.
    pub(super) last: usize,
    /// A match begins where the search does.
    pub(super) exact: bool,
}

impl<'b> Place<'b> {
    pub(super) fn of(flags: RegexFlags, bytes: &'b [u8], window: Option<Window>) -> Option<Self> {
        let is_anchored = flags.has(RegexFlags::ANCHORED);
        let Some(Window { from, to }) = window else {
            return Some(Self { bytes, last: bytes.len(), exact: is_anchored });
        };
        let bytes = bytes.get(usize::try_from(from).ok()?..)?;
        let shift = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        if flags.has(RegexFlags::ENCOMPASS) && shift > 0 {
            let inside = bytes.get(..shift).unwrap_or(bytes);
            return Some(Self { bytes: inside, last: inside.len(), exact: is_anchored });
        }
        let is_free = flags.has(RegexFlags::ROLLING) && shift == 0;
        let last = if is_free { bytes.len() } else { shift };
        Some(Self { bytes, last, exact: is_anchored || (shift == 0 && !is_free) })
    }
}
