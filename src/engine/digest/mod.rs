//! Digests of whole objects: which ones are worth computing, computing them, looking them up.
//!
//! ```text
//!   build time   Rows ──────────────▶ DIGESTS section of the image
//!                                          │ Tables::open, Tables::check
//!   scan time    size ─▶ Tables::needs ─▶ Running ─▶ bytes … ─▶ Computed ─▶ Tables::lookup
//! ```
//!
//! There are twelve tables: MD5, SHA-1 and SHA-256, each for four subjects: what is bad as a whole
//! ([`Purpose::Detect`]), what is trusted ([`Purpose::Trust`]), sections of executables (`sections`
//! hashes those whose size is in a table) and lists of imports. The order of calls for one layer: [`Tables::needs`] with
//! the layer's size if it is known, [`Running::new`] with what is needed, `update` with every byte,
//! `finish` at the end of the layer, [`Tables::lookup`] for each computed digest.
//!
//! Trust is a question that is asked only after something was detected, but a digest cannot be
//! computed afterwards: [`Needs`] keeps the two apart so that the scan can decide what it pays for.
//!
//! Absent on purpose: what a section or a list of imports is, which `executable` knows; and names,
//! which the image keeps: an [`Entry`] carries a [`NameId`](crate::engine::database::signature::NameId).
//!
//! [`Purpose::Detect`]: crate::engine::database::signature::Purpose::Detect
//! [`Purpose::Trust`]: crate::engine::database::signature::Purpose::Trust

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod kinds;
mod layout;
mod rows;
mod running;
mod sections;
mod table;
mod tables;
#[cfg(test)]
mod tests;

pub use kinds::{Kind, Kinds, Needs};
pub use rows::Rows;
pub use running::{Computed, Running};
pub(in crate::engine) use sections::{Sections, Stretch};
pub use tables::{Entry, Tables, TablesFault};
