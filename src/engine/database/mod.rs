//! Databases: signatures as text in, one compiled image out.
//!
//! ```text
//!  files ─▶ Sources::add_file ─▶ build ─▶ bytes ─▶ Image::open ─▶ matcher, digests, facts, names
//!               │ line by line     │                  │ everything is checked here, once
//!               ▼                  ▼                  ▼
//!            Report            content digest     ImageFault
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | which file goes to which loader | [`mod@format`] |
//! | lines, fields, names | `line`, `fields` |
//! | body patterns: text → [`signature`] → text | `pattern`, `offset`, [`render`] |
//! | digests of files, sections, imports | `digest_line` |
//! | magic numbers of file types | `type_line` |
//! | logical signatures | `logical_line` |
//! | lists about links | `link_line` |
//! | formats that are checked and do nothing yet | `unused_line` |
//! | ignore lists | `ignore` |
//! | signed containers: verified, then loaded | [`container`], `members` |
//! | the lines of a file on several cores | `parallel`, [`workers`] |
//! | what was loaded and what was not, and why | [`report`] |
//! | the compiled image | [`image`] |
//! | the database used when none is configured | [`builtin`] |
//!
//! Three promises. *Nothing is dropped silently*: a line is loaded, or it is counted under a reason
//! in the [`Report`]. *One bad line costs one line*: it is set aside with its place, what was found
//! and what is allowed; the rest loads. *The order is the caller's*: the same files in the same
//! order make the same image but for the time of building, and the same content digest.
//!
//! Order of calls: ignore lists have to be added before the files they speak about
//! ([`format::loading_order`] sorts names so); then [`build()`].
//!
//! To add a format: a row in [`format::Format`], a reader beside `digest_line`, a call in
//! `sources`, a table of lines in `tests`.
//!
//! Absent on purpose: files, clocks and threads (bytes and times are passed in); the meaning of a
//! signature, which belongs to the matcher and the digest tables.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod body_line;
mod build;
pub mod builtin;
pub mod container;
mod digest_line;
pub mod facts;
mod fingerprint;
pub mod format;
mod ignore;
pub mod image;
mod line;
mod link_line;
mod logical_line;
mod member_line;
mod members;
mod names;
mod offset;
mod origin;
mod parallel;
mod pattern;
pub mod render;
pub mod report;
pub mod signature;
mod sources;
#[cfg(test)]
mod tests;
mod type_line;
mod unused_line;
pub mod workers;

pub use super::file_type::TypesFault;
pub use super::links::LinksFault;
pub use build::{BuildOptions, Built, LinkOptions, Progress, Written, build, build_into};
pub use builtin::builtin_sources;
pub use facts::{ContainerFacts, DatabaseFacts, DigestCounts, Sha256, SourceFacts};
pub use fingerprint::fingerprint;
pub use image::{Image, ImageFault, OffsetKind, PatternKind, SignatureView, Sink};
pub use report::{BadLine, FileReport, NotRead, Report, Totals, Unsupported};
pub use sources::Sources;
pub use workers::{Alone, Workers};

#[cfg(test)]
pub(in crate::engine) use logical_line::expression_of;
