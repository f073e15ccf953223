//! RFC 1952: members, one after another, give one stream of bytes.
//!
//! Zero bytes after a member are padding (tapes, block devices) and are passed over, as every reader
//! does. Any other bytes after the last member end the stream with a reason: what came out before was
//! scanned, and the bytes themselves were scanned as part of the coded layer.

use super::inflate::{Inflate, Outcome};
use super::{Progress, Step};
use crate::engine::verdict::Why;

/// A gzip stream being read.
pub(in crate::engine) struct Gzip {
    inflate: Inflate,
    place: Place,
    /// Whether a whole member was read: what follows may be anything.
    has_member: bool,
    flags: u8,
}

/// The part of a member that the next byte belongs to.
#[derive(Clone, Copy)]
enum Place {
    /// Byte 0 to 9 of the fixed header.
    Fixed(u8),
    /// The low byte of the extra field's length is next.
    ExtraLow,
    /// The high byte of it is next.
    ExtraHigh(u8),
    /// So many bytes of the extra field are left.
    Extra(u16),
    /// The file's name, ended by a zero.
    Name,
    /// A comment, ended by a zero.
    Comment,
    /// So many bytes of the header's check sum are left.
    HeaderSum(u8),
    /// The deflate stream.
    Body,
    /// So many bytes of check sum and length are left.
    Trailer(u8),
    /// After a member: another one, padding, or the end.
    Between,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { inflate: Inflate::new(), place: Place::Fixed(0), has_member: false, flags: 0 }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut room = output;
        let (mut made, room_bytes) = (0_usize, room.len());
        let progress = loop {
            if let Place::Body = self.place {
                let inflated = self.inflate.step(rest, room);
                rest = rest.get(inflated.used..).unwrap_or_default();
                room = std::mem::take(&mut room).get_mut(inflated.made..).unwrap_or_default();
                made = room_bytes.saturating_sub(room.len());
                match inflated.outcome {
                    Outcome::Hungry => break Progress::Hungry,
                    Outcome::Full => break Progress::Full,
                    Outcome::Stopped(why) => break Progress::Stopped(why),
                    Outcome::End => self.place = Place::Trailer(8),
                }
            } else {
                let Some((&byte, after)) = rest.split_first() else {
                    break Progress::Hungry;
                };
                match self.take(byte) {
                    Ok(place) => self.place = place,
                    Err(why) => break Progress::Stopped(why),
                }
                rest = after;
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    /// Whether the stream may end here.
    pub(super) fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::Between => Ok(()),
            Place::Fixed(_)
            | Place::ExtraLow
            | Place::ExtraHigh(_)
            | Place::Extra(_)
            | Place::Name
            | Place::Comment
            | Place::HeaderSum(_)
            | Place::Body
            | Place::Trailer(_) => Err(Why::Broken("gzip: ends early")),
        }
    }

    /// One byte outside a deflate stream: where the next one belongs.
    fn take(&mut self, byte: u8) -> Result<Place, Why> {
        Ok(match self.place {
            Place::Between if byte == 0 => Place::Between,
            Place::Between => self.fixed(0, byte)?,
            Place::Fixed(index) => self.fixed(index, byte)?,
            Place::ExtraLow => Place::ExtraHigh(byte),
            Place::ExtraHigh(low) => match u16::from_le_bytes([low, byte]) {
                0 => self.after_extra(),
                left => Place::Extra(left),
            },
            Place::Extra(left) if left > 1 => Place::Extra(left.saturating_sub(1)),
            Place::Extra(_) => self.after_extra(),
            Place::Name if byte == 0 => self.after_name(),
            Place::Name => Place::Name,
            Place::Comment if byte == 0 => self.after_comment(),
            Place::Comment => Place::Comment,
            Place::HeaderSum(left) if left > 1 => Place::HeaderSum(left.saturating_sub(1)),
            Place::HeaderSum(_) | Place::Body => Place::Body,
            Place::Trailer(left) if left > 1 => Place::Trailer(left.saturating_sub(1)),
            Place::Trailer(_) => {
                self.has_member = true;
                self.inflate.reset();
                Place::Between
            }
        })
    }

    /// Byte `index` of the ten that begin a member: magic, method, flags, time, hints, system.
    fn fixed(&mut self, index: u8, byte: u8) -> Result<Place, Why> {
        let wanted = match index {
            0 => Some(0x1f),
            1 => Some(0x8b),
            2 => Some(8),
            _ => None,
        };
        match wanted {
            Some(value) if value != byte && self.has_member => {
                return Err(Why::Broken("gzip: bytes after the last member"));
            }
            Some(value) if value != byte => return Err(Why::Broken("gzip: not a gzip stream")),
            Some(_) | None => {}
        }
        if index == 3 {
            self.flags = byte;
        }
        Ok(match index {
            9 if self.flags & FLAG_EXTRA != 0 => Place::ExtraLow,
            9 => self.after_extra(),
            0..=8 | 10.. => Place::Fixed(index.saturating_add(1)),
        })
    }

    const fn after_extra(&self) -> Place {
        if self.flags & FLAG_NAME != 0 { Place::Name } else { self.after_name() }
    }

    const fn after_name(&self) -> Place {
        if self.flags & FLAG_COMMENT != 0 { Place::Comment } else { self.after_comment() }
    }

    const fn after_comment(&self) -> Place {
        if self.flags & FLAG_HEADER_SUM != 0 { Place::HeaderSum(2) } else { Place::Body }
    }
}

const FLAG_HEADER_SUM: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;
