//! Tests of databases: tables of lines, round trips, hostile images, real sets.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking, and its inputs are its own"
)]

mod body_lines;
mod clamscan;
mod digest_lines;
mod images;
mod lists;
mod logical_lines;
mod names;
mod patterns;
mod real_sets;
mod reports;

use super::line::{LineFault, Read};

/// What a line was read as: the text of `render`, or why not, with the column.
fn outcome<T>(read: Result<Read<T>, LineFault>, render: impl Fn(&T) -> String) -> String {
    match read {
        Ok(Read::Signature(signature)) => render(&signature),
        Ok(Read::ByLevel) => "another level".to_owned(),
        Ok(Read::Unsupported(reason)) => format!("not yet: {reason}"),
        Err(fault) => format!("column {}: {}", fault.at + 1, fault.refusal),
    }
}
