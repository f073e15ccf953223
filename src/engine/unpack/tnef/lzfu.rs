//! RTF as messages have it (MS-OXRTFCP): references into the last 4 KiB, which begin with words that RTF often has.

use crate::engine::unpack::parts::copy;
use crate::engine::verdict::Why;

/// A body being unpacked.
#[derive(Debug)]
pub(super) struct Lzfu {
    header: Vec<u8>,
    window: Vec<u8>,
    /// Where the next byte goes.
    at: usize,
    /// What the next items are, the lowest bit first, and how many of these bits are left.
    flags: u8,
    items: u8,
    /// The first byte of a reference.
    high: Option<u8>,
    /// What is left of one: where from, and how many bytes.
    from: usize,
    length: usize,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Header,
    Packed,
    /// Nothing was packed.
    Plain,
    /// The reference that ends it was read, or the header is none.
    Over,
    Damaged,
}

impl Lzfu {
    pub(super) fn new() -> Self {
        let mut window = vec![b' '; WINDOW_BYTES];
        copy(WORDS, &mut window);
        Self {
            header: Vec::new(),
            window,
            at: WORDS.len(),
            flags: 0,
            items: 0,
            high: None,
            from: 0,
            length: 0,
            place: Place::Header,
        }
    }

    /// Says how much of `input` was taken and how much of `output` was written.
    pub(super) fn pour(&mut self, input: &[u8], output: &mut [u8]) -> (usize, usize) {
        let (mut used, mut made) = (0_usize, 0_usize);
        loop {
            if self.length > 0 {
                let Some(room) = output.get_mut(made) else { break };
                let byte = self.window.get(self.from).copied().unwrap_or_default();
                self.from = self.from.wrapping_add(1) & WINDOW_MASK;
                self.length = self.length.saturating_sub(1);
                *room = self.put(byte);
                made = made.saturating_add(1);
                continue;
            }
            let Some(byte) = input.get(used).copied() else { break };
            let is_literal = self.items > 0 && self.flags & 1 == 0 && self.place == Place::Packed;
            if is_literal || self.place == Place::Plain {
                let Some(room) = output.get_mut(made) else { break };
                *room = self.put(byte);
                made = made.saturating_add(1);
                self.next_item();
            } else {
                self.take(byte);
            }
            used = used.saturating_add(1);
        }
        (used, made)
    }

    /// Whether it may give out more without input.
    pub(super) const fn has_more(&self) -> bool {
        self.length > 0
    }

    /// Whether it was all right.
    pub(super) const fn fate(&self) -> Result<(), Why> {
        match self.place {
            Place::Packed | Place::Plain | Place::Over => Ok(()),
            Place::Header | Place::Damaged => Err(Why::Broken("TNEF: packed RTF")),
        }
    }

    fn take(&mut self, byte: u8) {
        match self.place {
            Place::Header => {
                self.header.push(byte);
                if self.header.len() == HEADER_BYTES {
                    self.place = match self.header.get(8..12) {
                        Some(b"LZFu") => Place::Packed,
                        Some(b"MELA") => Place::Plain,
                        _ => Place::Damaged,
                    };
                }
            }
            Place::Packed if self.items == 0 => {
                self.flags = byte;
                self.items = 8;
            }
            Place::Packed => match self.high.take() {
                None => self.high = Some(byte),
                Some(high) => {
                    let reference = u16::from_be_bytes([high, byte]);
                    self.from = usize::from(reference.wrapping_shr(4));
                    if self.from == self.at {
                        self.place = Place::Over;
                        return;
                    }
                    self.length = usize::from(reference & 0xf).saturating_add(2);
                    self.next_item();
                }
            },
            Place::Plain | Place::Over | Place::Damaged => {}
        }
    }

    fn put(&mut self, byte: u8) -> u8 {
        if let Some(slot) = self.window.get_mut(self.at) {
            *slot = byte;
        }
        self.at = self.at.wrapping_add(1) & WINDOW_MASK;
        byte
    }

    const fn next_item(&mut self) {
        self.flags = self.flags.wrapping_shr(1);
        self.items = self.items.saturating_sub(1);
    }
}

/// What one takes of memory.
pub(super) const STATE_BYTES: u64 = 4 << 10;
const WINDOW_BYTES: usize = 1 << 12;
const WINDOW_MASK: usize = WINDOW_BYTES - 1;
const HEADER_BYTES: usize = 16;
/// MS-OXRTFCP 2.1.2.1.
const WORDS: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \
\\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\
\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

const _: () = assert!(WORDS.len() == 207);
