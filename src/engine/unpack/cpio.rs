//! cpio in all its dialects: "new" ASCII with and without sums, old ASCII (POSIX.1-1990 `cpio`), and the
//! binary one of PDP-11 and of little-endian machines.
//!
//! A header, a name and the member's bytes, the last two padded to the dialect's alignment. A member named
//! `TRAILER!!!` ends the archive. Zero bytes follow, or another archive, or, in the first file systems of Linux,
//! something packed: what is no header there is a member without a name, up to the end.
//!
//! Every member with bytes is handed on, whatever its mode says. Absent on purpose: owners, modes, times, sums,
//! and links (the dialects keep the bytes with one of the names).

use super::member::{Label, Member};
use super::parts::{Gathered, hand_on, hand_on_member, pass};
use super::{Progress, Step};
use crate::engine::unpack::walk::Walk;
use crate::engine::verdict::{Limit, Why};

/// A cpio archive being read.
#[derive(Default)]
pub(in crate::engine) struct Cpio {
    place: Place,
    gathered: Gathered,
    header: Header,
    name: Vec<u8>,
    /// Bytes of the member that is read, and of the padding behind it, that are left.
    left: u64,
    padding: u64,
    /// Whether a trailer was the last that was read.
    has_trailer: bool,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Magic,
    Header(Dialect),
    Name,
    /// A member was described, which has yet to begin.
    Enter,
    /// The bytes of a member, whose beginning was said.
    Data,
    Padding,
    /// After the trailer: zeros, or anything.
    After,
    /// What follows the trailer has yet to begin.
    EnterRest,
    /// It has begun; so many bytes of what was taken for a magic number were handed on.
    Rest(usize),
}

/// How numbers are written.
#[derive(Clone, Copy)]
enum Dialect {
    New,
    Old,
    Little,
    Big,
}

/// What of a header is needed.
#[derive(Clone, Copy, Default)]
struct Header {
    bytes: u64,
    name_bytes: u64,
    size: u64,
    /// What header and name together, and the member's bytes, are padded to a multiple of.
    alignment: u64,
}

impl Cpio {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Reads the next part of what is around members. False when it needs more input for it.
    fn describe(&mut self, rest: &mut &[u8]) -> Result<bool, Why> {
        match self.place {
            Place::Magic => {
                let Some(magic) = self.gathered.fill(rest, MAGIC_BYTES) else { return Ok(false) };
                self.place = match Dialect::of(magic) {
                    Some(dialect) => Place::Header(dialect),
                    None if self.has_trailer => Place::EnterRest,
                    None => return Err(Why::Broken("cpio: not a header")),
                };
            }
            Place::Header(dialect) => {
                let wanted = dialect.header_bytes();
                let Some(header) = self.gathered.fill(rest, wanted) else { return Ok(false) };
                self.header =
                    Header::of(dialect, header).ok_or(Why::Broken("cpio: a number in a header"))?;
                self.gathered.clear();
                self.has_trailer = false;
                self.place = Place::Name;
            }
            Place::Name => {
                let Header { bytes, name_bytes, size, alignment } = self.header;
                if name_bytes > NAME_BYTES_MAX {
                    return Err(Why::Limit(Limit::MaxScanState));
                }
                let padding = to_multiple(bytes.saturating_add(name_bytes), alignment);
                let wanted = usize::try_from(name_bytes.saturating_add(padding));
                let wanted = wanted.unwrap_or(usize::MAX);
                let Some(name) = self.gathered.fill(rest, wanted) else { return Ok(false) };
                let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
                self.name = name.to_vec();
                self.gathered.clear();
                self.left = size;
                self.padding = to_multiple(size, alignment);
                self.has_trailer = self.name == TRAILER;
                self.place = match () {
                    () if self.has_trailer => Place::After,
                    () if size > 0 => Place::Enter,
                    () => Place::Magic,
                };
            }
            Place::Padding => {
                if !pass(rest, &mut self.padding) {
                    return Ok(false);
                }
                self.place = Place::Magic;
            }
            Place::After => match rest.split_first() {
                None => return Ok(false),
                Some((0, after)) => *rest = after,
                Some(_) => self.place = Place::Magic,
            },
            Place::Enter | Place::Data | Place::EnterRest | Place::Rest(_) => {}
        }
        Ok(true)
    }
}

impl Walk for Cpio {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0_usize;
        let progress = loop {
            match self.place {
                Place::Enter => {
                    self.place = Place::Data;
                    break Progress::Begin;
                }
                Place::EnterRest => {
                    self.place = Place::Rest(0);
                    break Progress::Begin;
                }
                Place::Data => {
                    let said;
                    (made, said) = hand_on_member(&mut rest, &mut self.left, output);
                    if self.left == 0 {
                        self.place = Place::Padding;
                    }
                    break said;
                }
                Place::Rest(given) => {
                    let mut kept = self.gathered.bytes().get(given..).unwrap_or_default();
                    let mut all = u64::MAX;
                    made = hand_on(&mut kept, &mut all, output);
                    self.place = Place::Rest(given.saturating_add(made));
                    let is_all = kept.is_empty();
                    let room = output.get_mut(made..).unwrap_or_default();
                    made = made.saturating_add(hand_on(&mut rest, &mut all, room));
                    let is_over = is_all && rest.is_empty();
                    break if is_over { Progress::Hungry } else { Progress::Full };
                }
                Place::Magic | Place::Header(_) | Place::Name | Place::Padding | Place::After => {
                    match self.describe(&mut rest) {
                        Ok(true) => {}
                        Ok(false) => break Progress::Hungry,
                        Err(why) => break Progress::Stopped(why),
                    }
                }
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    fn member(&mut self) -> Member {
        let name = std::mem::take(&mut self.name);
        match self.place {
            Place::Rest(_) => Member { label: Label::of("cpio"), ..Member::default() },
            Place::Magic
            | Place::Header(_)
            | Place::Name
            | Place::Enter
            | Place::Data
            | Place::Padding
            | Place::After
            | Place::EnterRest => Member {
                label: Label::named("cpio", &name),
                size: Some(self.left),
                ..Member::default()
            },
        }
    }

    fn finish(&self) -> Result<(), Why> {
        let is_over = match self.place {
            Place::After | Place::EnterRest | Place::Rest(_) => true,
            Place::Magic => self.has_trailer,
            Place::Header(_) | Place::Name | Place::Enter | Place::Data | Place::Padding => false,
        };
        if is_over { Ok(()) } else { Err(Why::Broken("cpio: ends early")) }
    }
}

impl Dialect {
    /// Of the first bytes of a header.
    fn of(magic: &[u8]) -> Option<Self> {
        match magic {
            b"070701" | b"070702" => Some(Self::New),
            b"070707" => Some(Self::Old),
            [0xc7, 0x71, ..] => Some(Self::Little),
            [0x71, 0xc7, ..] => Some(Self::Big),
            _ => None,
        }
    }

    const fn header_bytes(self) -> usize {
        match self {
            Self::New => 110,
            Self::Old => 76,
            Self::Little | Self::Big => 26,
        }
    }
}

impl Header {
    /// `None` when a number in it is none.
    fn of(dialect: Dialect, header: &[u8]) -> Option<Self> {
        let field = |at: usize, length: usize| header.get(at..at.saturating_add(length));
        let text = |at, length, base| {
            let text = std::str::from_utf8(field(at, length)?).ok()?;
            // What else Rust takes for a number.
            let is_number = text.bytes().all(|digit| digit.is_ascii_hexdigit());
            u64::from_str_radix(text, base).ok().filter(|_| is_number)
        };
        let word = |at: usize| {
            let bytes = *field(at, 2)?.first_chunk()?;
            Some(u64::from(match dialect {
                Dialect::Big => u16::from_be_bytes(bytes),
                Dialect::Little | Dialect::New | Dialect::Old => u16::from_le_bytes(bytes),
            }))
        };
        let bytes = u64::try_from(dialect.header_bytes()).ok()?;
        let (name_bytes, size, alignment) = match dialect {
            Dialect::New => (text(94, 8, 16)?, text(54, 8, 16)?, 4),
            Dialect::Old => (text(59, 6, 8)?, text(65, 11, 8)?, 1),
            // Of the two words of a size the high one is first, in both orders of bytes.
            Dialect::Little | Dialect::Big => (word(20)?, word(22)? << 16 | word(24)?, 2),
        };
        Some(Self { bytes, name_bytes, size, alignment })
    }
}

/// Bytes up to the next multiple of a power of two.
const fn to_multiple(length: u64, alignment: u64) -> u64 {
    length.wrapping_neg() & alignment.wrapping_sub(1)
}

const MAGIC_BYTES: usize = 6;
const TRAILER: &[u8] = b"TRAILER!!!";
/// No system has names that come near.
const NAME_BYTES_MAX: u64 = 64 << 10;
