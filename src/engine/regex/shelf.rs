//! The regexes of an image, compiled when they are first needed.
//!
//! PCRE2 counts its steps anew for each place where a match may begin, so ClamAV's limit of 100,000
//! is no limit of the whole: a crafted layer of some megabytes could take hours. Here the first
//! search may take [`STEPS_FEW`] for each place; only where that is not enough, places are tried one
//! by one with the full limit, at most [`COSTLY_PLACES_MAX`] of them for one count, and of those at most
//! [`DEEP_PLACES_MAX`] with more than ClamAV's.

use std::fmt;
use std::sync::OnceLock;

use pcre2::bytes::Regex;

use super::flags::RegexFlags;
use super::translate::{STEPS_MAX, compile, compile_here};

/// Where a match may begin: bytes from the start of the layer, both ends inclusive. A window of one
/// byte is an offset without a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    rows: Box<[Row]>,
}

struct Row {
    pattern: Box<[u8]>,
    flags: RegexFlags,
    /// `None` inside when it cannot be compiled: only in an image that was not made by this program.
    few: OnceLock<Option<Regex>>,
    here_few: OnceLock<Option<Regex>>,
    here: OnceLock<Option<Regex>>,
    here_deep: OnceLock<Option<Regex>>,
}

impl Shelf {
    /// Takes regexes that were checked; the n-th gets the number n. Compiles nothing.
    pub fn new<P: Into<Box<[u8]>>>(rows: impl IntoIterator<Item = (P, RegexFlags)>) -> Self {
        let row = |(pattern, flags): (P, RegexFlags)| Row {
            pattern: pattern.into(),
            flags,
            few: OnceLock::new(),
            here_few: OnceLock::new(),
            here: OnceLock::new(),
            here_deep: OnceLock::new(),
        };
        Self { rows: rows.into_iter().map(row).collect() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Counts the matches of a regex in the bytes of a layer.
    ///
    /// Without a window a match may begin anywhere. With one it begins inside; with a window of one
    /// byte and the flag `r` anywhere at or after it; with `e` it lies as a whole in the bytes from
    /// `from` up to, not including, `to`. For the regex the layer begins at `from`, and with `e` ends
    /// at `to`. A number that the shelf does not have matches nothing.
    #[must_use]
    pub fn count(&self, id: u32, bytes: &[u8], window: Option<Window>) -> Outcome {
        let row = usize::try_from(id).ok().and_then(|index| self.rows.get(index));
        let Some(row) = row else { return Outcome::Count(0) };
        let Some(place) = Place::of(row.flags, bytes, window) else { return Outcome::Count(0) };
        Search { row, place, costly: 0, deep: 0 }.count()
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Shelf").field("len", &self.rows.len()).finish_non_exhaustive()
    }
}

/// What is searched, and where a match may begin.
struct Place<'b> {
    /// From the offset on: what is before it does not exist for the regex, as in clamscan.
    bytes: &'b [u8],
    /// The last place where a match may begin.
    last: usize,
    /// A match begins where the search does.
    exact: bool,
}

impl<'b> Place<'b> {
    fn of(flags: RegexFlags, bytes: &'b [u8], window: Option<Window>) -> Option<Self> {
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

struct Search<'r, 'b> {
    row: &'r Row,
    place: Place<'b>,
    /// Places that were tried with the full limit.
    costly: u32,
    /// Places that were tried with more.
    deep: u32,
}

/// A step of a search hit its limit.
struct Limited;

impl Search<'_, '_> {
    fn count(mut self) -> Outcome {
        let is_global = self.row.flags.has(RegexFlags::GLOBAL);
        let mut count = 0_u32;
        let mut at = 0;
        loop {
            match self.next(at) {
                Err(Limited) => return Outcome::LimitReached,
                Ok(Some((start, end))) if self.place.exact || start <= self.place.last => {
                    count = count.saturating_add(1);
                    // As clamscan: a match of no bytes is the last one.
                    if !is_global || end <= start {
                        return Outcome::Count(count);
                    }
                    at = end;
                }
                Ok(Some(_) | None) => return Outcome::Count(count),
            }
        }
    }

    /// The next match at or after `at`; exactly there when the place is exact.
    fn next(&mut self, mut at: usize) -> Result<Option<(usize, usize)>, Limited> {
        if self.place.exact {
            return self.here(at);
        }
        let regex =
            self.row.few.get_or_init(|| compile(&self.row.pattern, self.row.flags, STEPS_FEW).ok());
        let Some(regex) = regex else { return Err(Limited) };
        // After a place that was too much for the search, so many are tried one by one before it may
        // go on; more each time, so that it does not pass over the same bytes again and again.
        let mut single = PLACES_FIRST;
        while at <= self.place.last && at <= self.place.bytes.len() {
            if let Ok(found) = regex.find_at(self.place.bytes, at) {
                return Ok(found.map(|found| (found.start(), found.end())));
            }
            for _ in 0..single {
                if at > self.place.last || at > self.place.bytes.len() {
                    return Ok(None);
                }
                if let Some(found) = self.here(at)? {
                    return Ok(Some(found));
                }
                at = at.saturating_add(1);
            }
            single = single.saturating_mul(2);
        }
        Ok(None)
    }

    /// A match that begins at `at`.
    fn here(&mut self, at: usize) -> Result<Option<(usize, usize)>, Limited> {
        let Row { pattern, flags, here_few, here, here_deep, .. } = self.row;
        let few = here_few.get_or_init(|| compile_here(pattern, *flags, STEPS_FEW));
        let tried = few.as_ref().map(|regex| regex.find_at(self.place.bytes, at));
        if let Some(Ok(found)) = tried {
            return Ok(found.map(|found| (found.start(), found.end())));
        }
        self.costly = self.costly.saturating_add(1);
        if self.costly > COSTLY_PLACES_MAX {
            return Err(Limited);
        }
        // A regex that cannot be put into a group is searched for as it is: a match that begins
        // here comes before every other one.
        let whole = |steps| {
            compile_here(pattern, *flags, steps).or_else(|| compile(pattern, *flags, steps).ok())
        };
        let full = here.get_or_init(|| whole(STEPS_MAX)).as_ref().ok_or(Limited)?;
        if let Ok(found) = self.begins(full, at) {
            return Ok(found);
        }
        // ClamAV stops here and sees no match. Pages that are just long get there, so a few places
        // may take more before the layer counts as not scanned.
        self.deep = self.deep.saturating_add(1);
        if self.deep > DEEP_PLACES_MAX {
            return Err(Limited);
        }
        let deep = here_deep.get_or_init(|| whole(STEPS_DEEP)).as_ref().ok_or(Limited)?;
        self.begins(deep, at)
    }

    fn begins(&self, regex: &Regex, at: usize) -> Result<Option<(usize, usize)>, Limited> {
        let found = regex.find_at(self.place.bytes, at).map_err(|_limit| Limited)?;
        Ok(found.map(|found| (found.start(), found.end())).filter(|(start, _)| *start == at))
    }
}

/// Steps for a place in the first search: plenty for all but nested repetitions.
const STEPS_FEW: u32 = 1_000;

/// Places tried with the full limit in one count: together at most some seconds.
const COSTLY_PLACES_MAX: u32 = 1_000;

/// Steps for a place where ClamAV's limit is not enough: some tenths of a second.
const STEPS_DEEP: u32 = 20_000_000;

/// Places of one count that may take so many.
const DEEP_PLACES_MAX: u32 = 8;

/// Places tried one by one after the first one that was too much.
const PLACES_FIRST: usize = 64;
