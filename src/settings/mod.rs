//! Every setting, declared once; the settings file, and what each room receives from it.
//!
//! ```text
//!   text ──▶ Document ──▶ rows of table/ ──▶ Settings ──▶ options of each room, Server
//!            lines,        "did you mean",   (as typed)    (as meant)
//!            positions     types, ranges
//!                              │
//!                              ▼
//!                           Problem: file:line:column, the line, a caret, the remedy
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | lines and positions; nothing is lost | [`text`] |
//! | a setting's row, its type and default | [`row`], [`table`] |
//! | from text to typed values | [`value`], [`address`], `list`, `quantity` |
//! | problems and how they look | [`problem`] |
//! | sample file and manual, made from the rows | [`manual`] |
//! | what the rooms and the edge receive | [`options`], `resolve` |
//!
//! To add a setting: a line in its section's file in `table/`, and a line in `resolve` where it is read.
//!
//! Absent on purpose: reading files (the edge reads the settings, and the list files they name).

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

use std::collections::BTreeMap;

pub mod address;
mod answer;
mod list;
pub mod manual;
pub mod options;
mod overload;
pub mod problem;
mod quantity;
mod read;
mod resolve;
pub mod row;
pub mod table;
pub mod text;
pub mod value;

#[cfg(test)]
mod tests;

pub use problem::{Code, Problem, Severity};

use row::{Row, Setting};
use value::Value;

/// The settings as typed; what is not set has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    set: BTreeMap<Name, Value>,
}

/// Section and key, spelled as in the row.
type Name = (&'static str, &'static str);

impl Settings {
    /// Reads a settings file. The settings are complete in any case, with defaults in place of what is
    /// wrong; they are to be used only when no problem [is an error](Problem::is_error).
    #[must_use]
    pub fn parse(text: &str) -> (Self, Vec<Problem>) {
        read::read(text)
    }

    /// The value of a setting: as set, or its default.
    #[must_use]
    pub fn get<T: Default>(&self, setting: &Setting<T>) -> T {
        let row = setting.row();
        let value = self.value(row);
        let found = value.and_then(|value| (setting.read)(&value));
        // Constructors tie kind and reader, and a test reads every default.
        debug_assert!(found.is_some(), "[{}] {} has no readable value", row.section, row.key);
        found.unwrap_or_default()
    }

    /// The value of a row: as set, or its default.
    #[must_use]
    pub fn value(&self, row: &Row) -> Option<Value> {
        self.set
            .get(&(row.section, row.key))
            .cloned()
            .or_else(|| value::parse(row.kind, row.default).ok().flatten())
    }

    /// Whether the file sets this row.
    #[must_use]
    pub fn is_set(&self, row: &Row) -> bool {
        self.set.contains_key(&(row.section, row.key))
    }
}
