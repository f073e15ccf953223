//! Decoders: coded bytes in, plain bytes out, through windows of a fixed size.
//!
//! ```text
//!   bytes of a layer ──▶ Decoder::step ──▶ at most one window of plain bytes ──▶ its child layer
//!                            │
//!                            └─▶ Progress: wants input · window is full · at its end · stopped, and why
//! ```
//!
//! | coding | standard | here |
//! | --- | --- | --- |
//! | `gzip`, `x-gzip`, plain `.gz` files | RFC 1952, members one after another | [`gzip`] |
//! | `deflate` | RFC 1950 in RFC 1951; raw RFC 1951 as some servers send it | [`deflate`] |
//! | `br` | RFC 7932 | [`brotli`] |
//! | `zstd` | RFC 8878, window as RFC 9659 asks | [`zstd`] |
//!
//! Order of calls: [`Decoder::step`] with the input that is there, again with what it did not use,
//! also with none as long as it says [`Progress::Full`]; at the end of the input [`Decoder::finish`]
//! says whether it may end there.
//!
//! Absent on purpose: the check sums (every byte a reader could get out was scanned, whatever the
//! sum says), and any budget: the scan counts what comes out and stops asking.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod brotli;
mod codings;
mod deflate;
mod gzip;
mod inflate;
#[cfg(test)]
mod tests;
mod zstd;

pub use codings::{Coding, ContentCodings, Unsupported};

use super::verdict::Why;

/// One decoder at work. The state of the large ones is on the heap.
pub(super) enum Decoder {
    Gzip(gzip::Gzip),
    Deflate(deflate::Deflate),
    Brotli(Box<brotli::Brotli>),
    Zstd(zstd::Zstd),
}

/// What one call of [`Decoder::step`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Bytes taken from the front of the input.
    pub(super) used: usize,
    /// Bytes written to the front of the output.
    pub(super) made: usize,
    /// What it needs next.
    pub(super) progress: Progress,
}

/// What a decoder needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More input: there is nothing to give out without it.
    Hungry,
    /// More room: it may have more to give out, even without input.
    Full,
    /// Nothing: it cannot go on, and what it gave out so far is all there is.
    Stopped(Why),
}

impl Decoder {
    /// A decoder for a coding.
    ///
    /// # Errors
    ///
    /// The reason when its library cannot give a context (no memory).
    pub(super) fn of(coding: Coding) -> Result<Self, Why> {
        Ok(match coding {
            Coding::Gzip => Self::Gzip(gzip::Gzip::new()),
            Coding::Deflate => Self::Deflate(deflate::Deflate::new()),
            Coding::Brotli => Self::Brotli(Box::new(brotli::Brotli::new())),
            Coding::Zstd => Self::Zstd(zstd::Zstd::new()?),
        })
    }

    /// Decodes as much of `input` as fits `output`.
    ///
    /// With input and room it makes progress, or is stopped.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let step = match self {
            Self::Gzip(gzip) => gzip.step(input, output),
            Self::Deflate(deflate) => deflate.step(input, output),
            Self::Brotli(brotli) => brotli.step(input, output),
            Self::Zstd(zstd) => zstd.step(input, output),
        };
        debug_assert!(step.used <= input.len() && step.made <= output.len());
        step
    }

    /// The input ends here: whether the coded stream may end here, too.
    ///
    /// # Errors
    ///
    /// [`Why::Broken`] when it ends in the middle of something.
    pub(super) fn finish(&self) -> Result<(), Why> {
        match self {
            Self::Gzip(gzip) => gzip.finish(),
            Self::Deflate(deflate) => deflate.finish(),
            Self::Brotli(brotli) => brotli.finish(),
            Self::Zstd(zstd) => zstd.finish(),
        }
    }
}

impl Coding {
    /// The most memory a decoder of this coding can take, in bytes. It is what `MaxScanState` counts.
    #[must_use]
    pub const fn state_bytes_max(self) -> u64 {
        match self {
            // A window of 32 KiB and the tables of two Huffman codes.
            Self::Gzip | Self::Deflate => 64 << 10,
            // A window of 16 MiB, twice while it grows from the half, and at most 1 MiB of code tables.
            Self::Brotli => 25 << 20,
            // A window of 8 MiB, and blocks of 128 KiB.
            Self::Zstd => 9 << 20,
        }
    }
}
