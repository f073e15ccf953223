//! What `COMPRESS.EXE` of DOS and Windows made, to be expanded by `EXPAND.EXE`: SZDD, its form of `QBasic`, and KWAJ.
//!
//! A header, and LZSS with a window of 4 KiB that holds spaces at first: a byte of eight marks, then a byte for
//! each one that is set, and a place and a length for each that is not. There is no end but that of the file,
//! and the size that the header tells. KWAJ may also be as it is, or with all bits turned.
//!
//! Absent on purpose: the other two methods of KWAJ (LZ with Huffman codes, MSZIP), of which no file is known
//! outside of the setup of two programs of 1993.

use super::parts::{Gathered, pass};
use super::{Progress, Step};
use crate::engine::verdict::Why;

/// A file being expanded.
pub(in crate::engine) struct Expand {
    place: Place,
    gathered: Gathered,
    method: Method,
    window: Box<[u8; WINDOW_BYTES]>,
    at: usize,
    marks: u8,
    /// Bytes that have still to come out, when that is known.
    left: Option<u64>,
}

#[derive(Clone, Copy)]
enum Place {
    Header,
    /// So many bytes in front of the contents are left.
    Skip(u64),
    /// So many marks are left of the last eight.
    Marks(u8),
    Byte(u8),
    /// The low byte of a match.
    Low(u8),
    /// Behind the low byte.
    High(u8, u8),
    /// A match: from where, how many bytes are left.
    Copy(u8, usize, u8),
    Plain,
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Packed,
    Plain,
    Turned,
}

impl Expand {
    pub(super) fn new() -> Self {
        Self {
            place: Place::Header,
            gathered: Gathered::default(),
            method: Method::Packed,
            window: Box::new([b' '; WINDOW_BYTES]),
            at: 0,
            marks: 0,
            left: None,
        }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0_usize;
        let progress = loop {
            if self.left == Some(0) && !matches!(self.place, Place::Header | Place::Skip(_)) {
                self.place = Place::End;
            }
            match self.place {
                Place::Header => {
                    if self.gathered.fill(&mut rest, QBASIC_HEADER_BYTES).is_none() {
                        break Progress::Hungry;
                    }
                    let is_short = self.gathered.bytes().starts_with(QBASIC);
                    if !is_short && self.gathered.fill(&mut rest, HEADER_BYTES).is_none() {
                        break Progress::Hungry;
                    }
                    match self.begin() {
                        Ok(place) => self.place = place,
                        Err(why) => break Progress::Stopped(why),
                    }
                }
                Place::Skip(mut left) => {
                    if !pass(&mut rest, &mut left) {
                        self.place = Place::Skip(left);
                        break Progress::Hungry;
                    }
                    self.place = match self.method {
                        Method::Packed => Place::Marks(0),
                        Method::Plain | Method::Turned => Place::Plain,
                    };
                }
                Place::Copy(marks, from, left) => {
                    let Some(slot) = output.get_mut(made) else { break Progress::Full };
                    *slot = self.window.get(from & WINDOW_MASK).copied().unwrap_or(b' ');
                    self.keep(*slot);
                    made = made.saturating_add(1);
                    self.place = match left.saturating_sub(1) {
                        0 => Place::Marks(marks),
                        left => Place::Copy(marks, from.wrapping_add(1), left),
                    };
                }
                Place::Byte(_) | Place::Plain if made == output.len() => break Progress::Full,
                Place::End => break self.end(rest),
                Place::Marks(_)
                | Place::Byte(_)
                | Place::Low(_)
                | Place::High(..)
                | Place::Plain => {
                    if let Place::Marks(marks @ 1..) = self.place {
                        self.place = self.marked(marks);
                        continue;
                    }
                    let Some((byte, after)) = rest.split_first() else { break Progress::Hungry };
                    rest = after;
                    if let Some(byte) = self.take(*byte)
                        && let Some(slot) = output.get_mut(made)
                    {
                        *slot = byte;
                        made = made.saturating_add(1);
                    }
                }
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    /// Whether the file may end here. One whose size is not known ends with a whole item.
    pub(super) const fn finish(&self) -> Result<(), Why> {
        match (self.place, self.left) {
            (Place::End, _)
            | (Place::Marks(_) | Place::Byte(_) | Place::Low(_) | Place::Plain, None) => Ok(()),
            _ => Err(Why::Broken("expand: ends early")),
        }
    }

    /// Reads the header.
    fn begin(&mut self) -> Result<Place, Why> {
        let header = self.gathered.bytes();
        let long = |at: usize| header.get(at..).and_then(|bytes| bytes.first_chunk());
        let size = |at: usize| long(at).map(|bytes| u64::from(u32::from_le_bytes(*bytes)));
        let short = |at: usize| header.get(at..).and_then(|bytes| bytes.first_chunk());
        let short = |at: usize| short(at).map_or(0, |bytes| u16::from_le_bytes(*bytes));
        if header.starts_with(SZDD) {
            if header.get(8) != Some(&b'A') {
                return Err(Why::Unsupported("SZDD of another method"));
            }
            (self.left, self.at) = (size(10), WINDOW_BYTES.wrapping_sub(16));
            return Ok(Place::Marks(0));
        }
        if header.starts_with(QBASIC) {
            (self.left, self.at) = (size(8), WINDOW_BYTES.wrapping_sub(18));
            return Ok(Place::Marks(0));
        }
        if !header.starts_with(KWAJ) {
            return Err(Why::Broken("expand: not a header"));
        }
        self.at = WINDOW_BYTES.wrapping_sub(18);
        self.method = match short(8) {
            0 => Method::Plain,
            1 => Method::Turned,
            2 => Method::Packed,
            _ => return Err(Why::Unsupported("KWAJ with Huffman codes or MSZIP")),
        };
        let skipped = u64::from(short(10)).checked_sub(14);
        Ok(Place::Skip(skipped.ok_or(Why::Broken("expand: not a header"))?))
    }

    /// Takes a byte of the contents. Gives the one that comes out, if one does.
    fn take(&mut self, byte: u8) -> Option<u8> {
        match self.place {
            Place::Marks(_) => {
                self.marks = byte;
                self.place = self.marked(8);
                None
            }
            Place::Byte(marks) => {
                self.keep(byte);
                self.place = Place::Marks(marks);
                Some(byte)
            }
            Place::Low(marks) => {
                self.place = Place::High(marks, byte);
                None
            }
            Place::High(marks, low) => {
                let from = usize::from(low) | usize::from(byte & 0xf0).wrapping_shl(4);
                self.place = Place::Copy(marks, from, (byte & 0x0f).wrapping_add(3));
                None
            }
            Place::Plain => {
                let byte = if self.method == Method::Turned { !byte } else { byte };
                self.left = self.left.map(|left| left.saturating_sub(1));
                Some(byte)
            }
            Place::Header | Place::Skip(_) | Place::Copy(..) | Place::End => None,
        }
    }

    /// What the next of so many marks says.
    const fn marked(&mut self, marks: u8) -> Place {
        let is_byte = self.marks & 1 == 1;
        self.marks = self.marks.wrapping_shr(1);
        let left = marks.wrapping_sub(1);
        if is_byte { Place::Byte(left) } else { Place::Low(left) }
    }

    fn keep(&mut self, byte: u8) {
        if let Some(slot) = self.window.get_mut(self.at) {
            *slot = byte;
        }
        self.at = self.at.wrapping_add(1) & WINDOW_MASK;
        self.left = self.left.map(|left| left.saturating_sub(1));
    }

    const fn end(&self, rest: &[u8]) -> Progress {
        match rest {
            [] => Progress::Hungry,
            _ => Progress::Stopped(Why::Broken("expand: bytes after the end")),
        }
    }
}

/// Whether these are the first bytes of a KWAJ file.
pub(super) fn is_front(head: &[u8]) -> bool {
    head.starts_with(KWAJ) || head.starts_with(QBASIC)
}

const SZDD: &[u8] = b"SZDD\x88\xf0\x27\x33";
const QBASIC: &[u8] = b"SZ \x88\xf0\x27\x33\xd1";
const KWAJ: &[u8] = b"KWAJ\x88\xf0\x27\xd1";
const HEADER_BYTES: usize = 14;
const QBASIC_HEADER_BYTES: usize = 12;
const WINDOW_BYTES: usize = 4 << 10;
const WINDOW_MASK: usize = WINDOW_BYTES - 1;
