//! The seam to regular expressions: what an evaluation asks.
//!
//! At the end of a layer signatures are evaluated with [`Ask`], which only notes whether a regular
//! expression would have to be looked for. If so they are evaluated once more where that may take
//! long, with a [`Search`] over the whole of the layer. The rows that are asked for are those of
//! [`Logical::regexes`](super::Logical::regexes).

/// A regular expression whose trigger is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Its row in the image.
    pub(crate) row: u32,
    /// The first and the last position at which a match may begin; `None` for any.
    pub(crate) window: Option<(u64, u64)>,
}

/// Looks for regular expressions in a layer that has ended.
pub(crate) trait Search {
    /// So many matches, one at most without the flag `g`; `None` when that cannot be said.
    fn count(&mut self, wanted: Wanted) -> Option<u32>;
}

/// Looks for nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ask {
    /// Whether something would have to be looked for.
    pub(crate) is_wanted: bool,
}

impl Search for Ask {
    fn count(&mut self, _: Wanted) -> Option<u32> {
        self.is_wanted = true;
        None
    }
}
