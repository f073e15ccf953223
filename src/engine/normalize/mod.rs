//! Normal forms of text and HTML: what targets 7 and 3 are matched against, and target 0 once more.
//!
//! ```text
//!   bytes of a text layer ──▶ Script: two bytes to one ──▶ white space, case, controls ──▶ matcher
//! ```
//!
//! `clamav.md` A9.3: control bytes that are not white space and bytes from 0x80 on go, each run of
//! white space becomes one space, `A` to `Z` become small. A stream transform with two bytes of
//! state; a layer of any size goes through it.
//!
//! HTML has forms of its own: `html`, and `javascript` for the scripts in it.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod html;
mod javascript;
mod script;
#[cfg(test)]
mod tests;

pub(super) use html::{Forms, Html, Link, LinkKind};
pub(super) use script::{ByteOrder, Script};

/// Normalises one text layer.
#[derive(Debug)]
pub(super) struct Normalizer {
    script: Script,
    /// The first half of a 16-bit unit whose second half has not come.
    half: Option<u8>,
    /// The last byte given out was the space of a run that may go on.
    in_space: bool,
}

impl Normalizer {
    pub(super) const fn new(script: Script) -> Self {
        Self { script, half: None, in_space: false }
    }

    /// Appends the normal form of `bytes` to `out`: at most as many.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match self.script {
            Script::Bytes => {
                for &byte in bytes {
                    self.take(byte, out);
                }
            }
            Script::Wide(order) => {
                for &byte in bytes {
                    match self.half.take() {
                        None => self.half = Some(byte),
                        Some(first) => self.take(order.narrow([first, byte]), out),
                    }
                }
            }
        }
    }

    #[inline]
    fn take(&mut self, byte: u8, out: &mut Vec<u8>) {
        match class_of(byte) {
            Class::Kept => {
                self.in_space = false;
                out.push(byte.to_ascii_lowercase());
            }
            Class::Space if !self.in_space => {
                self.in_space = true;
                out.push(b' ');
            }
            Class::Space | Class::Dropped => {}
        }
    }
}

/// What becomes of a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Kept,
    Space,
    Dropped,
}

/// The compiler makes two range checks of it: this loop sees every byte of every text.
#[inline]
const fn class_of(byte: u8) -> Class {
    match byte {
        0x09..=0x0d | 0x20 => Class::Space,
        0x21..=0x7f => Class::Kept,
        _ => Class::Dropped,
    }
}
