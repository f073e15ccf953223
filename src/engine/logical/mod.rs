//! Logical signatures: expressions over the matches of many patterns in one layer.
//!
//! ```text
//!   LogicalSignature… ──▶ Collector ──▶ patterns for the matcher, LOGICAL section
//!                                                 │ Logical::open, check
//!   hits of parts ──▶ State::hit ──▶ counts       ▼
//!                       │            State::decide, at each settling: what is certain already
//!                       ▼            State::finish, at the end: everything else
//!                  bytes beside matches
//! ```
//!
//! | `clamav.md` | where |
//! | --- | --- |
//! | A5.3 expressions | `program`; which parts they need: `need`, `wake` |
//! | A5.2 conditions | `condition`, `layer_type` |
//! | A5.5 regular expressions | `search`: the seam to an engine |
//! | A5.6 byte comparisons | `compare`, `history` |
//! | A5.8 evaluation | `state`, `judge`; how many matches it asks for: `enough` |
//!
//! A layer without hits costs nothing. A hit costs a count. A signature is looked at when the part
//! that it is listed under was seen, then when a part was seen that it still waits for, and at the end;
//! signatures that may be true without any hit are looked at at the end of every layer of their target.
//!
//! Where something could not be counted (a table was full, a byte lies too far back, a regular
//! expression could not be run), the answer is a range, and a signature that hangs on it makes the
//! layer undecided, which is not clean.
//!
//! Order of calls, for each form of a layer: [`State::new`]; [`State::push`] for its bytes as they
//! come; [`State::hit`] for each hit of a part, in their order, then [`State::decide`], whenever the
//! layer is settled; [`State::finish`] when it ended whole.
//!
//! Absent on purpose: names and verdicts; icons, which the loader counts as not supported.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod compare;
mod compile;
mod condition;
mod enough;
mod history;
mod image;
mod judge;
pub(crate) mod layer_type;
mod need;
mod pool;
pub(crate) mod program;
pub(crate) mod search;
mod state;
#[cfg(test)]
mod tests;
pub(crate) mod value;
mod wake;

pub(crate) use compile::Collector;
pub use image::LogicalFault;
use image::Tables;
pub(crate) use layer_type::LayerType;
pub(crate) use search::{Ask, Search, Wanted};
pub(crate) use state::{Finding, State};

use super::database::signature::{NameId, Target};
use super::matcher::{LayerFacts, TargetSet};

/// A compiled set, viewed in place.
#[derive(Clone, Copy, Debug)]
pub struct Logical<'image> {
    tables: Tables<'image>,
}

/// What is known of the layer that a form belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'f> {
    /// Of the form.
    pub(crate) layer: &'f LayerFacts,
    /// The types of the layers around, the outermost first.
    pub(crate) around: &'f [LayerType],
}

impl<'image> Logical<'image> {
    /// Views a section. Looks at the header and the lengths only; see [`Logical::check`].
    ///
    /// # Errors
    ///
    /// [`LogicalFault`] says which rule of the layout is broken.
    pub fn open(bytes: &'image [u8]) -> Result<Self, LogicalFault> {
        Ok(Self { tables: Tables::open(bytes)? })
    }

    /// Looks at every index and every program: `names` is how many names the image around has,
    /// `parts` how many parts its matcher reports. An image from outside is checked once.
    ///
    /// # Errors
    ///
    /// [`LogicalFault`] says which rule of the layout is broken.
    pub fn check(&self, names: u32, parts: usize) -> Result<(), LogicalFault> {
        self.tables.check(names, parts)
    }

    /// Signatures.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.tables.signatures.len()
    }

    /// The name of a signature; `None` when there is no such signature.
    #[must_use]
    pub fn name(&self, signature: u32) -> Option<NameId> {
        self.tables.signatures.get(signature as usize).map(|row| NameId(row.name.get()))
    }

    /// What follows from a signature that is true of a layer, besides or instead of its being reported;
    /// `None` for nearly all of them.
    pub(crate) fn handler(&self, signature: u32) -> Option<Handler> {
        self.handler_of(self.tables.signatures.get(signature as usize)?)
    }

    fn handler_of(&self, row: &image::SignatureRow) -> Option<Handler> {
        let condition = self.tables.conditions.get(row.condition.get() as usize)?;
        (condition.has & image::HAS_HANDLER != 0).then(|| Handler {
            layer_type: LayerType(condition.handler),
            repeats: row.target == Target::Any as u8
                && condition.has & image::HAS_CONTAINER == 0
                && condition.types_start == condition.types_end,
        })
    }

    /// Pattern and flags of each regular expression, in the order of their rows.
    pub fn regexes(&self) -> impl Iterator<Item = (&'image [u8], &'image [u8])> + use<'image> {
        let tables = self.tables;
        tables.regexes.iter().map(move |row| tables.regex_text(row))
    }

    /// The layers all of whose bytes may be asked for at their end, by a regular expression or because
    /// they are looked at again; nothing without any.
    #[must_use]
    pub fn kept(&self) -> Option<TargetSet> {
        let tables = &self.tables;
        let has_regex = |row: &&image::SignatureRow| {
            let ids = image::range(tables.sub_ids, row.subs_start, row.subs_end);
            let mut subs = ids.unwrap_or_default().iter();
            subs.any(|id| {
                let sub = tables.subs.get(id.get() as usize);
                sub.is_some_and(|sub| sub.kind == image::REGEX)
            })
        };
        let is_kept = |row: &&image::SignatureRow| has_regex(row) || self.handler_of(row).is_some();
        let targets =
            tables.signatures.iter().filter(is_kept).filter_map(|row| {
                Target::ALL.into_iter().find(|target| *target as u8 == row.target)
            });
        targets.fold(None, |set, target| Some(set.unwrap_or(TargetSet::NONE).with(target)))
    }

    /// Figures, for bounds in tests and for people.
    #[must_use]
    pub fn facts(&self) -> LogicalFacts {
        let wakes =
            |row: &image::PartRow| row.wakes_end.get().saturating_sub(row.wakes_start.get());
        LogicalFacts {
            signatures_count: self.tables.signatures.len(),
            parts_count: self.tables.parts.len(),
            subsignatures_count: self.tables.sub_ids.len(),
            wakes_max: self.tables.parts.iter().map(wakes).max().unwrap_or(0),
            always_count: self.tables.always.len(),
            history_bytes: self.tables.header.history.get(),
        }
    }
}

/// `HandlerType`: the layer is to be looked at again, as another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handler {
    pub(crate) layer_type: LayerType,
    /// The signature is true of the layer that is looked at again, too, whatever its type, and reported there.
    pub(crate) repeats: bool,
}

/// Figures of a compiled set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogicalFacts {
    /// Signatures.
    pub signatures_count: usize,
    /// Distinct patterns.
    pub parts_count: usize,
    /// Rows in the lists of subsignatures; equal lists are kept once.
    pub subsignatures_count: usize,
    /// The most signatures that one part wakes.
    pub wakes_max: u32,
    /// Signatures that may be true without any match.
    pub always_count: usize,
    /// Bytes of a layer that are kept for byte comparisons.
    pub history_bytes: u32,
}
