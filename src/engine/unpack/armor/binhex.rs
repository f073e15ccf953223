//! `BinHex` 4.0 (RFC 1741), from behind its first colon: six bits a letter, runs, then a header and two forks.
//!
//! ```text
//!   letters ─▶ bytes ─▶ runs undone ─▶ name · sizes · sum ┃ data fork · sum ┃ resource fork · sum
//! ```

use super::{NONE, Poured, values};
use crate::engine::verdict::Why;

/// A file that is read.
#[derive(Debug, Default)]
pub(in crate::engine::unpack) struct Binhex {
    bits: u32,
    /// How many of the low bits count.
    count: u32,
    /// The byte that a run repeats, and how often it still comes.
    last: u8,
    times: u8,
    /// A run was announced.
    is_run: bool,
    place: Place,
    header: Vec<u8>,
    /// Bytes of the fork that is read, then of the resource fork.
    left: u32,
    resource: u32,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Header,
    Data,
    /// The sum behind a fork: bytes to come, and whether the resource fork follows.
    Sum(u8, bool),
    Resource,
    End,
}

/// What is said between two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::unpack) enum Fork {
    Data,
    Resource,
}

impl Binhex {
    /// Reads on to the next fork that has bytes: how much of `input` was taken, and which one begins.
    /// Without one, the end of the file in case of `Some(Err)`.
    pub(in crate::engine::unpack) fn seek(&mut self, input: &[u8]) -> (usize, Sought) {
        let mut used = 0_usize;
        loop {
            match self.place {
                Place::Data if self.left > 0 => return (used, Sought::Fork(Fork::Data)),
                Place::Data => self.place = Place::Sum(2, true),
                Place::Resource if self.left > 0 => return (used, Sought::Fork(Fork::Resource)),
                Place::Resource => self.place = Place::Sum(2, false),
                Place::Sum(0, true) => {
                    self.left = self.resource;
                    self.place = Place::Resource;
                }
                Place::Sum(0, false) | Place::End => {
                    self.place = Place::End;
                    return (used, Sought::End(Ok(())));
                }
                Place::Header | Place::Sum(..) => {
                    let byte = match self.next(input, &mut used) {
                        Next::Byte(byte) => byte,
                        Next::Hungry => return (used, Sought::Hungry),
                        Next::Over => return (used, Sought::End(Err(SHORT))),
                    };
                    self.take(byte);
                }
            }
        }
    }

    /// The bytes of the fork that [`Binhex::seek`] found. It ends with its last byte.
    pub(in crate::engine::unpack) fn pour(&mut self, input: &[u8], output: &mut [u8]) -> Poured {
        let (mut used, mut made) = (0_usize, 0_usize);
        while self.left > 0 {
            let Some(room) = output.get_mut(made) else {
                return Poured { used, made, end: None };
            };
            match self.next(input, &mut used) {
                Next::Byte(byte) => *room = byte,
                Next::Hungry => return Poured { used, made, end: None },
                Next::Over => return Poured { used, made, end: Some(Err(SHORT)) },
            }
            made = made.saturating_add(1);
            self.left = self.left.saturating_sub(1);
        }
        Poured { used, made, end: Some(Ok(())) }
    }

    /// The name of the file.
    pub(in crate::engine::unpack) fn name(&self) -> &[u8] {
        let length = self.header.first().copied().map_or(0, usize::from);
        self.header.get(1..length.saturating_add(1)).unwrap_or_default()
    }

    /// Bytes that the fork is said to have.
    pub(in crate::engine::unpack) const fn size(&self) -> u32 {
        self.left
    }

    /// A byte that belongs to no fork.
    fn take(&mut self, byte: u8) {
        if let Place::Sum(left, is_first) = self.place {
            self.place = Place::Sum(left.saturating_sub(1), is_first);
            return;
        }
        self.header.push(byte);
        let name = self.header.first().copied().map_or(0, usize::from);
        let sizes = name.saturating_add(NAME_TO_SIZES);
        if self.header.len() < sizes.saturating_add(SIZES_BYTES) {
            return;
        }
        let size = |at: usize| {
            let bytes = self.header.get(at..).and_then(<[u8]>::first_chunk);
            bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
        };
        self.resource = size(sizes.saturating_add(4));
        self.left = size(sizes);
        self.place = Place::Data;
    }

    /// The next byte, with runs undone.
    fn next(&mut self, input: &[u8], used: &mut usize) -> Next {
        loop {
            if self.times > 0 {
                self.times = self.times.saturating_sub(1);
                return Next::Byte(self.last);
            }
            let Some(letter) = input.get(*used).copied() else { return Next::Hungry };
            let Some(value) = value(letter) else {
                if !matches!(letter, b'\r' | b'\n' | b' ' | b'\t') {
                    return Next::Over;
                }
                *used = used.saturating_add(1);
                continue;
            };
            *used = used.saturating_add(1);
            self.bits = self.bits.wrapping_shl(6) | u32::from(value);
            self.count = self.count.saturating_add(6);
            if self.count < 8 {
                continue;
            }
            self.count = self.count.saturating_sub(8);
            let [.., byte] = self.bits.wrapping_shr(self.count).to_be_bytes();
            match (std::mem::take(&mut self.is_run), byte) {
                (true, 0) => {
                    self.last = RUN;
                    return Next::Byte(RUN);
                }
                // The byte itself was given out.
                (true, times) => self.times = times.saturating_sub(1),
                (false, RUN) => self.is_run = true,
                (false, byte) => {
                    self.last = byte;
                    return Next::Byte(byte);
                }
            }
        }
    }
}

/// What [`Binhex::seek`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::unpack) enum Sought {
    Hungry,
    Fork(Fork),
    End(Result<(), Why>),
}

enum Next {
    Byte(u8),
    Hungry,
    Over,
}

fn value(letter: u8) -> Option<u8> {
    VALUES.get(usize::from(letter)).copied().filter(|value| *value != NONE)
}

const LETTERS: &[u8; 64] = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
const VALUES: [u8; 256] = values(LETTERS);
const RUN: u8 = 0x90;
/// Behind the name: a version, type and creator, flags; then the sizes, and a sum.
const NAME_TO_SIZES: usize = 1 + 1 + 4 + 4 + 2;
const SIZES_BYTES: usize = 4 + 4 + 2;
const SHORT: Why = Why::Broken("BinHex: ends early");
