//! The seam to regular expressions: what an evaluation asks, and the one place to join an engine.
//!
//! **To join** `engine::regex`: give [`refusal`] the check of a pattern and its flags (a line with a
//! good one is then loaded, with a bad one set aside); implement [`Search`] over its shelf and the
//! spool of the form, and hand that to [`State::finish`](super::State::finish) where
//! [`NoSearch`] is handed now. The rows for the shelf are [`Logical::regexes`](super::Logical::regexes);
//! a [`Wanted::row`] is a place in them.

use super::value::Regex;
use crate::engine::database::report::Unsupported;

/// A regular expression whose trigger is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted<'image> {
    /// Its row in the image.
    pub(crate) row: u32,
    /// As written.
    pub(crate) pattern: &'image [u8],
    /// The letters of its flags.
    pub(crate) flags: &'image [u8],
    /// The first and the last position at which a match may begin; `None` for any.
    pub(crate) window: Option<(u64, u64)>,
}

/// Looks for regular expressions in a layer that has ended.
pub(crate) trait Search {
    /// So many matches, one at most without the flag `g`; `None` when that cannot be said.
    fn count(&mut self, wanted: Wanted<'_>) -> Option<u32>;
}

/// Nothing can be said of any regular expression.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoSearch;

impl Search for NoSearch {
    fn count(&mut self, _: Wanted<'_>) -> Option<u32> {
        None
    }
}

/// Why a signature with this regular expression cannot be loaded; `None` when it can.
pub(crate) const fn refusal(_: &Regex) -> Option<Unsupported> {
    Some(Unsupported::Regex)
}
