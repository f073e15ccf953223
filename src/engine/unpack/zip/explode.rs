//! Implode (APPNOTE 5.3, method 6), as PKZIP 1 wrote it.
//!
//! Two or three codes, then bytes and references until as many came out as the header says: there is no
//! mark at the end, so a member whose size is not known cannot be read. A reference beyond the first byte
//! is to zeros. The codes are those of RFC 1951 with all bits turned.

use super::huffman::{Bits, Code};
use crate::engine::unpack::inflate::{Inflated, Outcome};
use crate::engine::unpack::lz::window::{Room, Window, run};
use crate::engine::verdict::Why;

/// A stream being read.
pub(super) struct Explode {
    bits: Bits,
    place: Place,
    /// Bytes that will have come out at the end.
    size: u64,
    /// Low bits of a distance, as they are.
    distance_width: u32,
    /// The least length of a reference.
    least: u32,
    literals: Option<Code>,
    lengths: Code,
    distances: Code,
    /// Lengths of the code that is read.
    read: Vec<u8>,
    window: Window,
}

/// The codes in front of the stream.
#[derive(Clone, Copy)]
enum Table {
    Literals,
    Lengths,
    Distances,
}

/// What the next bit belongs to.
#[derive(Clone, Copy)]
enum Place {
    /// How many bytes a code has.
    Front(Table),
    /// So many bytes of it are left.
    Groups(Table, u32),
    Item,
    Literal,
    DistanceLow,
    /// Behind the low bits of a distance.
    DistanceHigh(u32),
    /// Behind a distance.
    Length(u32),
    /// Behind a distance and the greatest length.
    LengthMore(u32),
    /// Bytes to copy, and from how far back.
    Copy(u32, u32),
}

impl Explode {
    /// For a member of this size, with the flags of its header.
    pub(super) fn new(flags: u16, size: u64) -> Self {
        let has_literals = flags & HAS_LITERALS != 0;
        Self {
            bits: Bits::default(),
            place: Place::Front(if has_literals { Table::Literals } else { Table::Lengths }),
            size,
            distance_width: if flags & HAS_LARGE_WINDOW != 0 { 7 } else { 6 },
            least: if has_literals { 3 } else { 2 },
            literals: None,
            lengths: Code::default(),
            distances: Code::default(),
            read: Vec::new(),
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
            Place::Front(table) => {
                self.read.clear();
                Ok(Place::Groups(table, self.bits.take(8, rest)?.saturating_add(1)))
            }
            Place::Groups(table, 0) => self.keep(table),
            Place::Groups(table, left) => {
                let group = self.bits.take(8, rest)?.to_le_bytes()[0];
                let whole =
                    self.read.len().saturating_add(usize::from(group >> 4)).saturating_add(1);
                self.read.resize(whole, (group & 15).saturating_add(1));
                Ok(Place::Groups(table, left.saturating_sub(1)))
            }
            Place::Item if self.window.total() >= self.size => Err(Outcome::End),
            Place::Item => {
                room.check()?;
                let is_literal = self.bits.take(1, rest)? == 1;
                Ok(if is_literal { Place::Literal } else { Place::DistanceLow })
            }
            Place::Literal => {
                room.check()?;
                let byte = match &self.literals {
                    Some(code) => u32::from(self.bits.turned_symbol(code, rest)?),
                    None => self.bits.take(8, rest)?,
                };
                self.window.put(byte.to_le_bytes()[0], room);
                Ok(Place::Item)
            }
            Place::DistanceLow => {
                Ok(Place::DistanceHigh(self.bits.take(self.distance_width, rest)?))
            }
            Place::DistanceHigh(low) => {
                let high = u32::from(self.bits.turned_symbol(&self.distances, rest)?);
                let distance = high.wrapping_shl(self.distance_width) | low;
                Ok(Place::Length(distance.saturating_add(1)))
            }
            Place::Length(distance) => {
                let symbol = u32::from(self.bits.turned_symbol(&self.lengths, rest)?);
                Ok(match symbol {
                    LENGTH_GREATEST => Place::LengthMore(distance),
                    _ => Place::Copy(self.least.saturating_add(symbol), distance),
                })
            }
            Place::LengthMore(distance) => {
                let more = self.bits.take(8, rest)?;
                let length = self.least.saturating_add(LENGTH_GREATEST).saturating_add(more);
                Ok(Place::Copy(length, distance))
            }
            Place::Copy(length, distance) => {
                let left = self.size.saturating_sub(self.window.total());
                let length = u32::try_from(left).map_or(length, |left| length.min(left));
                match self.window.copy(length, distance, room) {
                    0 => Ok(Place::Item),
                    left => {
                        self.place = Place::Copy(left, distance);
                        Err(Outcome::Full)
                    }
                }
            }
        }
    }

    /// A code was read.
    fn keep(&mut self, table: Table) -> Result<Place, Outcome> {
        let wanted = if matches!(table, Table::Literals) { 256 } else { 64 };
        let code = Code::of(&self.read).filter(|_| self.read.len() == wanted).ok_or(DAMAGED)?;
        Ok(match table {
            Table::Literals => {
                self.literals = Some(code);
                Place::Front(Table::Lengths)
            }
            Table::Lengths => {
                self.lengths = code;
                Place::Front(Table::Distances)
            }
            Table::Distances => {
                self.distances = code;
                Place::Item
            }
        })
    }
}

/// APPNOTE 4.4.4.
const HAS_LARGE_WINDOW: u16 = 1 << 1;
const HAS_LITERALS: u16 = 1 << 2;
const LENGTH_GREATEST: u32 = 63;
const WINDOW_WIDTH: u32 = 13;
const DAMAGED: Outcome = Outcome::Stopped(Why::Broken("zip: not an imploded member"));
