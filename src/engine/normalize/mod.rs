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
            Script::Bytes => self.take_all(bytes, out),
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

    /// Every byte is written, and kept or written over by the next: a branch for each would be guessed
    /// wrong at every end of a word.
    fn take_all(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start.saturating_add(bytes.len()), 0);
        let room = out.get_mut(start..).unwrap_or_default();
        let (mut count, mut in_space) = (0_usize, self.in_space);
        for &byte in bytes {
            let normal = NORMAL.get(usize::from(byte)).copied().unwrap_or(DROPPED);
            if let Some(slot) = room.get_mut(count) {
                *slot = normal;
            }
            let is_space = normal == b' ';
            let is_kept = (normal != DROPPED) & !(is_space & in_space);
            in_space = is_space | (in_space & (normal == DROPPED));
            count = count.saturating_add(usize::from(is_kept));
        }
        self.in_space = in_space;
        out.truncate(start.saturating_add(count));
    }

    fn take(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.take_all(&[byte], out);
    }
}

/// What becomes of each byte.
static NORMAL: [u8; 256] = {
    let mut all = [DROPPED; 256];
    let mut rest: &mut [u8] = &mut all;
    let mut byte = 0_u8;
    while let Some((normal, after)) = rest.split_first_mut() {
        *normal = match byte {
            0x09..=0x0d | b' ' => b' ',
            b'!'..=0x7f => byte.to_ascii_lowercase(),
            _ => DROPPED,
        };
        rest = after;
        byte = byte.wrapping_add(1);
    }
    all
};

/// No normal byte.
const DROPPED: u8 = 0;
