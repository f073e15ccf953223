//! tar in all its dialects: V7, ustar and pax (POSIX.1-2017, `pax`), GNU.
//!
//! Blocks of 512 bytes: a header, the member's bytes, padding to the next block. Members that say
//! something about the next one (a long name, a pax record with its size) are read and obeyed, as every
//! reader does; the others that are no files have no bytes. Two blocks of zeros end the archive, but what
//! follows may be another one (`tar -A`, `cat`): a header there is believed. What follows and is no header is not
//! taken.
//!
//! A sparse member is handed on as it is stored, and the holes that a reader would fill in are said to
//! be missing. Absent on purpose: owners, modes, times, and global pax records, which name no sizes.

use super::carried::Ends;
use super::member::{Label, Member};
use super::parts::{Gathered, hand_on_member, pass};
use super::{Progress, Step};
use crate::engine::unpack::walk::Walk;
use crate::engine::verdict::{Limit, Why};

/// A tar being read.
#[derive(Default)]
pub(in crate::engine) struct Tar {
    place: Place,
    gathered: Gathered,
    /// Said about the member that comes next.
    next: Next,
    /// Bytes of the member that is read, and of the padding behind it, that are left.
    left: u64,
    padding: u64,
    has_header: bool,
}

/// What a member says about the one behind it.
#[derive(Default)]
struct Next {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    is_sparse: bool,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Header,
    /// More blocks of the map of a sparse member.
    Map,
    /// A member that says something about the next one.
    Extension(Extension),
    /// A member was described, which has yet to begin.
    Enter,
    /// The bytes of a member, whose beginning was said.
    Data,
    Padding,
    /// What follows the two zero blocks is no archive.
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extension {
    LongName,
    Pax,
    /// A long link name, a global record: passed over.
    Other,
}

impl Tar {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Between members, after at least one: what is no header is not part of the archive.
    fn is_behind(&self) -> bool {
        self.has_header && self.next.name.is_none() && self.next.size.is_none()
    }

    /// A header was read. Says what has to be said of it.
    fn begin(&mut self, header: Header) -> Option<Progress> {
        let extension = match header.kind {
            b'L' => Some(Extension::LongName),
            b'x' | b'X' => Some(Extension::Pax),
            b'K' | b'g' => Some(Extension::Other),
            _ => None,
        };
        let size = match extension {
            None => self.next.size.unwrap_or(header.size),
            Some(_) => header.size,
        };
        self.padding = padding(size);
        self.left = size;
        if let Some(kind) = extension {
            self.place = Place::Extension(kind);
            let is_long = size > EXTENSION_BYTES_MAX;
            return is_long.then_some(Progress::Stopped(Why::Limit(Limit::MaxScanState)));
        }
        if matches!(header.kind, b'1'..=b'6') {
            // Links, devices and folders have no bytes, whatever is said of their size.
            self.next = Next::default();
            return None;
        }
        self.next.name.get_or_insert(header.name);
        self.next.is_sparse |= header.kind == b'S';
        let has_map = header.kind == b'S' && header.has_more_map;
        self.place = if has_map { Place::Map } else { Place::Enter };
        None
    }

    /// Begins the member that was described. Says what has to be said of it.
    fn enter(&mut self) -> Option<Progress> {
        if std::mem::take(&mut self.next.is_sparse) {
            return Some(Progress::Missed(SPARSE));
        }
        if self.left == 0 {
            self.place = Place::Padding;
            self.next = Next::default();
            return None;
        }
        self.place = Place::Data;
        Some(Progress::Begin)
    }
}

impl Walk for Tar {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0;
        let progress = loop {
            match self.place {
                Place::Header => {
                    let Some(block) = self.gathered.fill(&mut rest, BLOCK_BYTES) else {
                        break Progress::Hungry;
                    };
                    let header = Header::of(block);
                    if header.is_err() && self.is_behind() {
                        self.place = Place::End;
                        continue;
                    }
                    self.gathered.clear();
                    match header {
                        Ok(Some(header)) => {
                            self.has_header = true;
                            if let Some(said) = self.begin(header) {
                                break said;
                            }
                        }
                        Ok(None) => {}
                        Err(why) => break Progress::Stopped(why),
                    }
                }
                Place::Map => {
                    let Some(block) = self.gathered.fill(&mut rest, BLOCK_BYTES) else {
                        break Progress::Hungry;
                    };
                    let is_more = block.get(MAP_GOES_ON_AT).is_some_and(|flag| *flag != 0);
                    self.gathered.clear();
                    if !is_more {
                        self.place = Place::Enter;
                    }
                }
                Place::Enter => {
                    if let Some(said) = self.enter() {
                        break said;
                    }
                }
                Place::Extension(kind) => {
                    let wanted = usize::try_from(self.left).unwrap_or(usize::MAX);
                    let Some(bytes) = self.gathered.fill(&mut rest, wanted) else {
                        break Progress::Hungry;
                    };
                    self.next.take(kind, bytes);
                    self.gathered.clear();
                    self.place = Place::Padding;
                }
                Place::Data => {
                    let said;
                    (made, said) = hand_on_member(&mut rest, &mut self.left, output);
                    if self.left == 0 {
                        self.place = Place::Padding;
                    }
                    break said;
                }
                Place::Padding => {
                    if !pass(&mut rest, &mut self.padding) {
                        break Progress::Hungry;
                    }
                    self.place = Place::Header;
                }
                Place::End => break Progress::Hungry,
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    fn member(&mut self) -> Member {
        let name = self.next.name.take().unwrap_or_default();
        self.next = Next::default();
        Member { label: Label::named("tar", &name), size: Some(self.left), ..Member::default() }
    }

    fn finish(&self) -> Result<(), Why> {
        let is_between = match self.place {
            Place::Header => self.gathered.bytes().iter().all(|byte| *byte == 0),
            Place::Padding | Place::End => true,
            Place::Map | Place::Extension(_) | Place::Enter | Place::Data => false,
        };
        if is_between && self.has_header { Ok(()) } else { Err(ENDS_EARLY) }
    }
}

impl Ends for Tar {
    fn is_over(&self) -> bool {
        matches!(self.place, Place::End)
    }

    fn give_back(&mut self) -> Vec<u8> {
        let back = self.gathered.bytes().to_vec();
        self.gathered.clear();
        back
    }
}

impl Next {
    fn take(&mut self, kind: Extension, bytes: &[u8]) {
        match kind {
            Extension::LongName => self.name = Some(until_zero(bytes).to_vec()),
            Extension::Pax => records(bytes, |key, value| match key {
                b"path" | b"GNU.sparse.name" => self.name = Some(value.to_vec()),
                b"size" => self.size = decimal(value),
                _ => self.is_sparse |= key.starts_with(b"GNU.sparse."),
            }),
            Extension::Other => {}
        }
    }
}

/// What of a header is needed.
struct Header {
    name: Vec<u8>,
    size: u64,
    kind: u8,
    has_more_map: bool,
}

impl Header {
    /// `None` for a block of zeros.
    fn of(block: &[u8]) -> Result<Option<Self>, Why> {
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if !has_right_sum(block) {
            return Err(Why::Broken("tar: not a header"));
        }
        let size = field(block, 124, 12);
        let size = number(size).ok_or(Why::Broken("tar: the size of a member"))?;
        Ok(Some(Self {
            name: name(block),
            size,
            kind: field(block, 156, 1).first().copied().unwrap_or(0),
            has_more_map: field(block, 482, 1) != [0],
        }))
    }
}

/// The name in a header. Of a ustar header it may have two parts.
fn name(block: &[u8]) -> Vec<u8> {
    let name = until_zero(field(block, 0, 100));
    let prefix = until_zero(field(block, 345, 155));
    // GNU headers keep other things there.
    let is_posix = field(block, 257, 8) == b"ustar\x0000";
    if is_posix && !prefix.is_empty() { [prefix, b"/", name].concat() } else { name.to_vec() }
}

/// Whether the block is a header of a tar: its sum of bytes is in it, counted with or without signs.
pub(in crate::engine) fn has_right_sum(block: &[u8]) -> bool {
    let (Some(before), Some(after)) = (block.get(..148), block.get(156..BLOCK_BYTES)) else {
        return false;
    };
    let Some(said) = octal(field(block, 148, 8)) else { return false };
    let bytes = || before.iter().chain(b"        ").chain(after);
    let unsigned: u64 = bytes().map(|byte| u64::from(*byte)).sum();
    let signed: i64 = bytes().map(|byte| i64::from(byte.cast_signed())).sum();
    said == unsigned || i64::try_from(said) == Ok(signed)
}

fn field(block: &[u8], at: usize, length: usize) -> &[u8] {
    block.get(at..at.saturating_add(length)).unwrap_or_default()
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Octal digits, or with the highest bit set a number of 95 bits.
fn number(field: &[u8]) -> Option<u64> {
    match field.split_first() {
        Some((0x80, low)) => {
            let (high, low) = low.split_at_checked(low.len().checked_sub(8)?)?;
            let is_small = high.iter().all(|byte| *byte == 0);
            let low = low.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
            low.filter(|_| is_small)
        }
        _ => octal(field),
    }
}

/// Octal digits between spaces, ended by a space or a zero; none are 0.
fn octal(field: &[u8]) -> Option<u64> {
    let digits = until_zero(field).trim_ascii();
    let text = std::str::from_utf8(digits).ok()?;
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

fn decimal(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Calls `take` with each record of a pax header: `LENGTH KEY=VALUE\n`. What is no record ends them.
fn records(mut bytes: &[u8], mut take: impl FnMut(&[u8], &[u8])) {
    while let Some(space) = bytes.iter().position(|byte| *byte == b' ')
        && let Some(length) = decimal(bytes.get(..space).unwrap_or_default())
        && let Ok(length) = usize::try_from(length)
        && let Some((record, rest)) = bytes.split_at_checked(length)
        && let Some(pair) =
            record.get(space.saturating_add(1)..).and_then(|it| it.strip_suffix(b"\n"))
        && let Some(equals) = pair.iter().position(|byte| *byte == b'=')
        && let Some((key, value)) = pair.split_at_checked(equals)
    {
        take(key, value.get(1..).unwrap_or_default());
        bytes = rest;
    }
}

/// Bytes up to the next block.
const fn padding(size: u64) -> u64 {
    size.wrapping_neg() & BLOCK_MASK
}

const BLOCK_BYTES: usize = 512;
const BLOCK_MASK: u64 = BLOCK_BYTES as u64 - 1;
/// Of a block of a sparse map: whether another one follows.
const MAP_GOES_ON_AT: usize = 504;
/// Names and pax records are read up to this size; nothing real comes near.
const EXTENSION_BYTES_MAX: u64 = 1 << 20;
const SPARSE: Why = Why::Unsupported("sparse member of a tar");
const ENDS_EARLY: Why = Why::Broken("tar: ends early");
