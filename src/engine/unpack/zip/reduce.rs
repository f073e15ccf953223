//! Reduce (APPNOTE 5.2, methods 2 to 5), as PKZIP 0.9 wrote it.
//!
//! In front, for each byte, those that often follow it. Then bytes, each as it is or by its number among the followers of
//! the one before; and of these, each that follows a mark is a part of a reference. There is no mark at the end, so a
//! member whose size is not known cannot be read. A reference beyond the first byte is to zeros.

use super::huffman::Bits;
use crate::engine::unpack::inflate::{Inflated, Outcome};
use crate::engine::unpack::lz::window::{Room, Window, run};

/// A stream being read.
pub(super) struct Reduce {
    bits: Bits,
    place: Place,
    /// Bytes that will have come out at the end.
    size: u64,
    /// Bits of a length that stand beside those of a distance.
    length_width: u32,
    followers: Vec<Vec<u8>>,
    /// The byte before.
    last: u8,
    window: Window,
}

/// What the next bit belongs to.
#[derive(Clone, Copy)]
enum Place {
    /// How many followers the byte has which is one less than this.
    Count(usize),
    /// So many of them are left.
    Follower(usize, u32),
    Byte(Item),
    /// Whether the byte is as it is.
    Plain(Item),
    /// It is; or it has such a number.
    Whole(Item),
    Number(Item),
    Copy(u32, u32),
}

/// What a byte is.
#[derive(Clone, Copy)]
enum Item {
    First,
    /// Behind the mark.
    Marked,
    /// More of a length, behind what else there is of a reference.
    Length(u8),
    Distance(u8, u32),
}

impl Reduce {
    /// For a member of this size, by this method.
    pub(super) fn new(method: u16, size: u64) -> Self {
        Self {
            bits: Bits::default(),
            place: Place::Count(256),
            size,
            length_width: 9_u32.saturating_sub(u32::from(method)),
            followers: vec![Vec::new(); 256],
            last: 0,
            window: Window::new(WINDOW_WIDTH),
        }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Inflated {
        run(input, output, |rest, room| {
            self.place = self.advance(rest, room)?;
            Ok(())
        })
    }

    /// One step of the format: where the next bit belongs, or why it goes no further now.
    fn advance(&mut self, rest: &mut &[u8], room: &mut Room<'_>) -> Result<Place, Outcome> {
        match self.place {
            Place::Count(behind) => Ok(match behind.checked_sub(1) {
                None => Place::Byte(Item::First),
                Some(byte) => Place::Follower(byte, self.bits.take(6, rest)?),
            }),
            Place::Follower(byte, left) => Ok(match left.checked_sub(1) {
                None => Place::Count(byte),
                Some(left) => {
                    let follower = self.bits.take(8, rest)?.to_le_bytes()[0];
                    if let Some(followers) = self.followers.get_mut(byte) {
                        followers.push(follower);
                    }
                    Place::Follower(byte, left)
                }
            }),
            Place::Byte(_) if self.window.total() >= self.size => Err(Outcome::End),
            Place::Byte(item) => {
                room.check()?;
                Ok(if self.width() == 0 { Place::Whole(item) } else { Place::Plain(item) })
            }
            Place::Plain(item) => {
                let is_plain = self.bits.take(1, rest)? == 1;
                Ok(if is_plain { Place::Whole(item) } else { Place::Number(item) })
            }
            Place::Whole(item) => {
                let byte = self.bits.take(8, rest)?.to_le_bytes()[0];
                Ok(self.take(item, byte, room))
            }
            Place::Number(item) => {
                let number = usize::try_from(self.bits.take(self.width(), rest)?).unwrap_or(0);
                let followers = self.followers.get(usize::from(self.last));
                // One that there is not is a zero.
                let byte = followers.and_then(|all| all.get(number)).copied().unwrap_or(0);
                Ok(self.take(item, byte, room))
            }
            Place::Copy(length, distance) => {
                let left = self.size.saturating_sub(self.window.total());
                let length = u32::try_from(left).map_or(length, |left| length.min(left));
                match self.window.copy(length, distance, room) {
                    0 => Ok(Place::Byte(Item::First)),
                    left => {
                        self.place = Place::Copy(left, distance);
                        Err(Outcome::Full)
                    }
                }
            }
        }
    }

    /// Bits of the number of a follower; none when the byte before has no followers.
    fn width(&self) -> u32 {
        match self.followers.get(usize::from(self.last)).map_or(0, Vec::len) {
            0 => 0,
            1 | 2 => 1,
            count => count.saturating_sub(1).checked_ilog2().map_or(1, |log| log.saturating_add(1)),
        }
    }

    /// A byte was read, for which there is room.
    fn take(&mut self, item: Item, byte: u8, room: &mut Room<'_>) -> Place {
        self.last = byte;
        let mask = 1_u32.wrapping_shl(self.length_width).wrapping_sub(1);
        let parts = |first: u8| {
            let first = u32::from(first);
            (first & mask, first.wrapping_shr(self.length_width))
        };
        match item {
            Item::First if byte == MARK => Place::Byte(Item::Marked),
            Item::First => {
                self.window.put(byte, room);
                Place::Byte(Item::First)
            }
            Item::Marked if byte == 0 => {
                self.window.put(MARK, room);
                Place::Byte(Item::First)
            }
            Item::Marked => match parts(byte) {
                (length, _) if length == mask => Place::Byte(Item::Length(byte)),
                (length, _) => Place::Byte(Item::Distance(byte, length)),
            },
            Item::Length(first) => {
                let length = mask.saturating_add(u32::from(byte));
                Place::Byte(Item::Distance(first, length))
            }
            Item::Distance(first, length) => {
                let distance = parts(first).1.wrapping_shl(8) | u32::from(byte);
                Place::Copy(length.saturating_add(3), distance.saturating_add(1))
            }
        }
    }
}

const MARK: u8 = 144;
/// The greatest distance is 4,096.
const WINDOW_WIDTH: u32 = 13;
