//! ARJ archives, as the program of Robert Jung writes them: methods 0 to 4, volumes, long comments.
//!
//! A header of the archive, then one in front of each member: a mark, a size, the fields, a name and a comment,
//! a sum, and fields of their own size behind it, which are passed over. A header of no size is the end.
//!
//! Absent on purpose: sums, times and attributes. Of a member that began in another volume nothing can be
//! seen, of one that ends in another what is here.

mod fastest;

use self::fastest::Fastest;
use super::carried::Ends;
use super::inflate::Outcome;
use super::lz::lh::Lh;
use super::lz::member::{Sized, Stored};
use super::lz::window::Room;
use super::lz::{Packed, Unpack};
use super::parts::Gathered;
use super::{Label, Member, Pace, Progress, Step};
use crate::engine::unpack::walk::Walk;
use crate::engine::verdict::Why;

/// An archive being read.
pub(in crate::engine) struct Arj {
    place: Place,
    gathered: Gathered,
    header: Header,
    member: Sized,
    codec: Codec,
    has_begun: bool,
}

/// What the next byte belongs to.
#[derive(Clone, Copy)]
enum Place {
    Front,
    /// So many bytes of fields and their sum.
    Header(usize),
    FieldSize,
    /// So many bytes of another field and its sum.
    Field(usize),
    Enter,
    SetUp,
    Data,
    Rest,
    End,
}

/// What of a header is needed.
#[derive(Default)]
struct Header {
    name: Vec<u8>,
    flags: u8,
    method: u8,
    kind: u8,
    packed: u32,
    plain: u32,
}

enum Codec {
    Stored(Stored),
    Packed(Box<Lh>),
    Fastest(Box<Fastest>),
}

impl Arj {
    pub(super) fn new() -> Self {
        Self {
            place: Place::Front,
            gathered: Gathered::default(),
            header: Header::default(),
            member: Sized::default(),
            codec: Codec::Stored(Stored),
            has_begun: false,
        }
    }

    /// Reads the next part of what is around members. False when it needs more input for it.
    fn describe(&mut self, rest: &mut &[u8]) -> Result<bool, Why> {
        match self.place {
            Place::Front => {
                let Some(front) = self.gathered.fill(rest, 4) else { return Ok(false) };
                let &[0x60, 0xea, low, high] = front else { return Err(NOT_A_HEADER) };
                let size = usize::from(u16::from_le_bytes([low, high]));
                self.gathered.clear();
                if size > HEADER_BYTES_MAX {
                    return Err(NOT_A_HEADER);
                }
                self.place = match size {
                    0 => Place::End,
                    size => Place::Header(size.saturating_add(SUM_BYTES)),
                };
            }
            Place::Header(size) => {
                let Some(bytes) = self.gathered.fill(rest, size) else { return Ok(false) };
                self.header = Header::read(bytes)?;
                self.gathered.clear();
                self.place = Place::FieldSize;
            }
            Place::FieldSize => {
                let Some(size) = self.gathered.fill(rest, 2) else { return Ok(false) };
                let size = size.first_chunk().map_or(0, |size| u16::from_le_bytes(*size));
                self.gathered.clear();
                match usize::from(size) {
                    0 => self.settle(),
                    size => self.place = Place::Field(size.saturating_add(SUM_BYTES)),
                }
            }
            Place::Field(size) => {
                if self.gathered.fill(rest, size).is_none() {
                    return Ok(false);
                }
                self.gathered.clear();
                self.place = Place::FieldSize;
            }
            Place::Rest => {
                if !self.member.pass(rest) {
                    return Ok(false);
                }
                self.place = Place::Front;
            }
            Place::Enter | Place::SetUp | Place::Data | Place::End => {}
        }
        Ok(true)
    }

    /// What follows a header.
    fn settle(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true) {
            // The header of the archive has nothing behind it.
            self.place = Place::Front;
            return;
        }
        if self.header.method == 0 {
            // There are readers that give out all of it, whatever size is said.
            self.header.plain = self.header.plain.max(self.header.packed);
        }
        self.member.begin(self.header.packed.into(), self.header.plain.into());
        let is_empty = self.header.kind == FOLDER || self.header.plain == 0;
        self.place = if is_empty { Place::Rest } else { Place::Enter };
    }

    fn refusal(&self) -> Option<Why> {
        match self.header.method {
            _ if self.header.flags & IS_LOCKED != 0 => Some(Why::Encrypted),
            _ if self.header.flags & HAS_BEGUN_BEFORE != 0 => {
                Some(Why::Unsupported("ARJ: a member that began in another volume"))
            }
            0..=4 => None,
            _ => Some(Why::Unsupported("ARJ: a method that is not known")),
        }
    }
}

impl Walk for Arj {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0_usize;
        let progress = loop {
            match self.place {
                Place::Enter => {
                    self.place = if self.refusal().is_some() { Place::Rest } else { Place::SetUp };
                    break Progress::Begin;
                }
                Place::SetUp => {
                    self.codec = Codec::of(self.header.method);
                    self.place = Place::Data;
                    break Progress::Full;
                }
                Place::Data => {
                    let ends_early =
                        if self.header.flags & GOES_ON != 0 { IN_NEXT } else { ENDS_EARLY };
                    let said;
                    (made, said) = self.member.step(&mut self.codec, &mut rest, output, ends_early);
                    if let Progress::End(fate) = said {
                        self.codec = Codec::Stored(Stored);
                        self.place = Place::Rest;
                        let goes_on = fate.is_ok() && self.header.flags & GOES_ON != 0;
                        break Progress::End(if goes_on { Err(IN_NEXT) } else { fate });
                    }
                    break said;
                }
                Place::End => break Progress::Hungry,
                Place::Front
                | Place::Header(_)
                | Place::FieldSize
                | Place::Field(_)
                | Place::Rest => match self.describe(&mut rest) {
                    Ok(true) => {}
                    Ok(false) => break Progress::Hungry,
                    Err(why) => break Progress::Stopped(why),
                },
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    fn pace(&self) -> Pace {
        Pace::Steady
    }

    fn member(&mut self) -> Member {
        Member {
            label: Label::named("arj", &self.header.name),
            size: Some(self.header.plain.into()),
            state_bytes: STATE_BYTES,
            closed: self.refusal(),
            ..Member::default()
        }
    }

    fn pass_over(&mut self) -> bool {
        self.place = Place::Rest;
        true
    }

    fn finish(&self) -> Result<(), Why> {
        if matches!(self.place, Place::End) { Ok(()) } else { Err(ENDS_EARLY) }
    }
}

impl Ends for Arj {
    fn is_over(&self) -> bool {
        matches!(self.place, Place::End)
    }
}

impl Header {
    /// Of the fields behind the size.
    fn read(bytes: &[u8]) -> Result<Self, Why> {
        let byte = |at: usize| bytes.get(at).copied().ok_or(NOT_A_HEADER);
        let long = |at: usize| {
            let field = bytes.get(at..).and_then(|rest| rest.first_chunk());
            field.map(|field| u32::from_le_bytes(*field)).ok_or(NOT_A_HEADER)
        };
        let rest = bytes.get(usize::from(byte(0)?)..).ok_or(NOT_A_HEADER)?;
        let name = rest.split(|byte| *byte == 0).next().unwrap_or_default();
        let mut name = name.to_vec();
        for letter in &mut name {
            if *letter == b'\\' {
                *letter = b'/';
            }
        }
        Ok(Self {
            name,
            flags: byte(4)?,
            method: byte(5)?,
            kind: byte(6)?,
            packed: long(12)?,
            plain: long(16)?,
        })
    }
}

impl Codec {
    /// Takes the memory for a member.
    fn of(method: u8) -> Self {
        match method {
            0 => Self::Stored(Stored),
            4 => Self::Fastest(Box::new(Fastest::new())),
            _ => Self::Packed(Box::new(Lh::new(15, (17, 5), (DAMAGED, ENDS_EARLY)))),
        }
    }
}

impl Unpack for Codec {
    fn run(&mut self, packed: &mut Packed<'_>, room: &mut Room<'_>) -> Outcome {
        match self {
            Self::Stored(stored) => stored.run(packed, room),
            Self::Packed(lh) => lh.run(packed, room),
            Self::Fastest(fastest) => fastest.run(packed, room),
        }
    }
}

/// The program itself writes no longer ones.
const HEADER_BYTES_MAX: usize = 2_600;
const SUM_BYTES: usize = 4;
/// Labels and comments have no contents; with some, readers take them for files.
const FOLDER: u8 = 3;
const IS_LOCKED: u8 = 1;
const GOES_ON: u8 = 4;
const HAS_BEGUN_BEFORE: u8 = 8;
/// The window, the tables of two codes, and packed bytes that wait.
const STATE_BYTES: u64 = 128 << 10;
const NOT_A_HEADER: Why = Why::Broken("ARJ: not a header");
const DAMAGED: Why = Why::Broken("ARJ: a damaged member");
const ENDS_EARLY: Why = Why::Broken("ARJ: ends early");
const IN_NEXT: Why = Why::Unsupported("ARJ: a member that ends in another volume");
