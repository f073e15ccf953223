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

mod block;
mod html;
mod javascript;
mod script;
#[cfg(test)]
mod tests;

use block::{BLOCK, append, each, ends, spaces};
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

    fn take_all(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let Some((block, rest)) = bytes.split_first_chunk::<BLOCK>() {
            let normal = each(block, normal_of);
            // Nothing normal is below a space but what is dropped.
            let spaces = spaces(&normal);
            if ends(&normal, []) == spaces {
                let doubled = spaces & (spaces << 1 | u32::from(self.in_space));
                append_kept(&normal, !doubled & ALL, out);
                self.in_space = normal.last() == Some(&b' ');
            } else {
                self.take_some(normal, out);
            }
            bytes = rest;
        }
        bytes.iter().for_each(|byte| self.take(*byte, out));
    }

    /// Every byte is written, and kept or written over by the next.
    fn take_some(&mut self, normal: [u8; BLOCK], out: &mut Vec<u8>) {
        let (mut kept, mut count) = ([DROPPED; BLOCK], 0_usize);
        for byte in normal {
            if let Some(slot) = kept.get_mut(count) {
                *slot = byte;
            }
            let (is_dropped, is_space) = (byte == DROPPED, byte == b' ');
            count = count.saturating_add(usize::from(!is_dropped & !(is_space & self.in_space)));
            self.in_space = is_space | (self.in_space & is_dropped);
        }
        out.extend_from_slice(kept.get(..count).unwrap_or_default());
    }

    fn take(&mut self, byte: u8, out: &mut Vec<u8>) {
        let normal = normal_of(byte);
        if normal != DROPPED && !(normal == b' ' && self.in_space) {
            out.push(normal);
            self.in_space = normal == b' ';
        }
    }
}

/// Appends the bytes of a block whose bits are set: run by run, mostly one or two.
#[inline]
fn append_kept(block: &[u8; BLOCK], mut kept: u32, out: &mut Vec<u8>) {
    let mut twice = [DROPPED; 2 * BLOCK];
    if let Some(first) = twice.first_chunk_mut() {
        *first = *block;
    }
    while kept != 0 {
        let start = kept.trailing_zeros();
        let length = (!(kept >> start)).trailing_zeros();
        let from = twice.get(start as usize..).and_then(|rest| rest.first_chunk());
        append(from.unwrap_or(block), length as usize, out);
        kept &= (ALL << start << length) & ALL;
    }
}

/// What becomes of a byte.
#[inline]
const fn normal_of(byte: u8) -> u8 {
    let is_space = byte.wrapping_sub(0x09) < 5 || byte == b' ';
    let is_kept = byte.wrapping_sub(b'!') < 0x5f;
    let small = if byte.is_ascii_uppercase() { byte | 0x20 } else { byte };
    let kept = if is_kept { small } else { DROPPED };
    if is_space { b' ' } else { kept }
}

/// No normal byte.
const DROPPED: u8 = 0;

/// All bytes of a block.
const ALL: u32 = (1 << BLOCK) - 1;
