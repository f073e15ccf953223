//! The categories of sites, and the database that knows which site is in which.
//!
//! ```text
//!   lists ─▶ Reader ─▶ keys ─▶ Builder ─▶ image ─▶ mapped ─▶ Database ─▶ categories, reasons
//!   names of lists ─▶ Mapping ─▶ categories ─┘
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | the 17 categories, and sets of them | [`names`] |
//! | which list is about which of them | [`mapping`] |
//! | lines of lists in the forms in which they are published | [`lines`] |
//! | from lines to an image | [`build`] |
//! | what an image looks like | [`image`] |
//! | lookups | [`database`], `hash` |
//! | what an image knows of its lists | [`source`] |
//!
//! Absent on purpose: files and folders, which the edge reads; who is blocked for what.

pub mod build;
pub mod database;
mod hash;
pub mod image;
pub mod lines;
pub mod mapping;
pub mod names;
pub mod source;

pub use build::{BuildFault, Builder, ListInput, ListReport, PlacedFault, Written};
pub use database::{Database, Source};
pub use image::ImageFault;
pub use lines::Format;
pub use mapping::{Mapped, Mapping, MappingFault};
pub use names::{Categories, Category};
pub use source::{Counts, Hex, SourceFacts};
