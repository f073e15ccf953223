//! The HTTP coding `deflate`: RFC 1950 as it was meant, RFC 1951 as many servers send it.
//!
//! The first two bytes tell: a zlib header names method 8, a window of at most 32 KiB, no dictionary,
//! and is a multiple of 31. A raw stream that looks like one by chance fails to decode and is answered
//! as broken, never as clean.

use super::inflate::{Inflate, Outcome};
use super::{Progress, Step};
use crate::engine::verdict::Why;

/// A `deflate` body being read.
pub(in crate::engine) struct Deflate {
    inflate: Inflate,
    place: Place,
}

#[derive(Clone, Copy)]
enum Place {
    /// Nothing was read.
    Start,
    /// The first byte was read, the second tells what they are.
    Second(u8),
    /// The two bytes belong to a raw stream, which has yet to be given so many of them.
    Replay([u8; 2], u8),
    /// The deflate stream; with a zlib header it is followed by a check sum.
    Body(Framing),
    /// So many bytes of the check sum are left.
    Trailer(u8),
    /// After everything.
    End,
}

#[derive(Clone, Copy)]
enum Framing {
    Zlib,
    Raw,
}

impl Deflate {
    pub(super) fn new() -> Self {
        Self { inflate: Inflate::new(), place: Place::Start }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0_usize;
        let progress = loop {
            let room = output.get_mut(made..).unwrap_or_default();
            match self.place {
                Place::Body(framing) => {
                    let inflated = self.inflate.step(rest, room);
                    rest = rest.get(inflated.used..).unwrap_or_default();
                    made = made.saturating_add(inflated.made);
                    match inflated.outcome {
                        Outcome::Hungry => break Progress::Hungry,
                        Outcome::Full => break Progress::Full,
                        Outcome::Stopped(why) => break Progress::Stopped(why),
                        Outcome::End => self.place = after(framing),
                    }
                }
                Place::Replay(head, left) => {
                    let from = head.len().saturating_sub(usize::from(left));
                    let inflated = self.inflate.step(head.get(from..).unwrap_or_default(), room);
                    made = made.saturating_add(inflated.made);
                    let used = u8::try_from(inflated.used).unwrap_or(left);
                    let left = left.saturating_sub(used);
                    match inflated.outcome {
                        Outcome::Full if left > 0 => {
                            self.place = Place::Replay(head, left);
                            break Progress::Full;
                        }
                        Outcome::Hungry | Outcome::Full => self.place = Place::Body(Framing::Raw),
                        Outcome::End if left > 0 => break Progress::Stopped(TRAILING),
                        Outcome::End => self.place = Place::End,
                        Outcome::Stopped(why) => break Progress::Stopped(why),
                    }
                }
                Place::Start | Place::Second(_) | Place::Trailer(_) | Place::End => {
                    let Some((&byte, later)) = rest.split_first() else {
                        break Progress::Hungry;
                    };
                    match take(self.place, byte) {
                        Ok(place) => self.place = place,
                        Err(why) => break Progress::Stopped(why),
                    }
                    rest = later;
                }
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    /// Whether the stream may end here.
    pub(super) const fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::End => Ok(()),
            Place::Start
            | Place::Second(_)
            | Place::Replay(..)
            | Place::Body(_)
            | Place::Trailer(_) => Err(Why::Broken("deflate: ends early")),
        }
    }
}

/// One byte outside the deflate stream.
const fn take(place: Place, byte: u8) -> Result<Place, Why> {
    Ok(match place {
        Place::Start => Place::Second(byte),
        Place::Second(first) if is_zlib(first, byte) => Place::Body(Framing::Zlib),
        Place::Second(first) => Place::Replay([first, byte], 2),
        Place::Trailer(left) if left > 1 => Place::Trailer(left.saturating_sub(1)),
        Place::Trailer(_) => Place::End,
        Place::End | Place::Replay(..) | Place::Body(_) => return Err(TRAILING),
    })
}

const fn after(framing: Framing) -> Place {
    match framing {
        Framing::Zlib => Place::Trailer(4),
        Framing::Raw => Place::End,
    }
}

/// RFC 1950 section 2.2: method 8, window at most 32 KiB, no dictionary, check bits.
const fn is_zlib(first: u8, second: u8) -> bool {
    first & 0x0f == 8
        && first >> 4 <= 7
        && second & 0x20 == 0
        && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

const TRAILING: Why = Why::Broken("deflate: bytes after the end");
