//! LHA archives (`.lzh`, `.lha`), with headers of the levels 0 to 3, and those of `LArc`.
//!
//! | method | what |
//! | --- | --- |
//! | lh0, lz4 | as it is |
//! | lh1 | LZSS with adaptive Huffman codes ([`dynamic`]) |
//! | lh4, lh5, lh6, lh7, lhx | LZSS with static ones ([`lh`](super::lz::lh)) |
//! | lzs, lz5 | LZSS without codes ([`larc`]) |
//! | lhd | a folder |
//!
//! Absent on purpose: sums, times and attributes; lh2, lh3 and those of `PMarc`, which hardly anybody ever used
//! and which say so.

mod dynamic;
mod header;
mod larc;

use self::dynamic::Dynamic;
use self::header::{FRONT_BYTES, Header, LARGE_FRONT_BYTES};
use self::larc::{Lz5, Lzs};
use super::carried::Ends;
use super::inflate::Outcome;
use super::lz::lh::Lh;
use super::lz::member::{Sized, Stored};
use super::lz::window::Room;
use super::lz::{Packed, Unpack};
use super::parts::Gathered;
use super::{Label, Member, Pace, Progress, Step};
use crate::engine::unpack::walk::Walk;
use crate::engine::verdict::{Limit, Why};

/// An archive being read.
pub(in crate::engine) struct Lha {
    place: Place,
    gathered: Gathered,
    header: Header,
    member: Sized,
    codec: Codec,
    has_member: bool,
}

/// What the next byte belongs to.
#[derive(Clone, Copy)]
enum Place {
    Front,
    Header(usize),
    /// A field behind a header of level 1.
    Field,
    /// A member was described, which has yet to begin.
    Enter,
    /// It has, and its decoder has yet to be set up.
    SetUp,
    Data,
    Rest,
    End,
}

/// What undoes a method.
enum Codec {
    Stored(Stored),
    Static(Box<Lh>),
    Dynamic(Box<Dynamic>),
    Lzs(Box<Lzs>),
    Lz5(Box<Lz5>),
}

impl Lha {
    pub(super) fn new() -> Self {
        Self {
            place: Place::Front,
            gathered: Gathered::default(),
            header: Header::default(),
            member: Sized::default(),
            codec: Codec::Stored(Stored),
            has_member: false,
        }
    }

    /// Reads the next part of what is around members. False when it needs more input for it.
    fn describe(&mut self, rest: &mut &[u8]) -> Result<bool, Why> {
        match self.place {
            Place::Front => {
                if self.has_member && self.is_end(rest) {
                    self.place = Place::End;
                    return Ok(true);
                }
                let Some(front) = self.gathered.fill(rest, FRONT_BYTES) else { return Ok(false) };
                let mut length = header::length(front)?;
                if length.is_none() {
                    let Some(front) = self.gathered.fill(rest, LARGE_FRONT_BYTES) else {
                        return Ok(false);
                    };
                    length = header::length(front)?;
                }
                match length {
                    Some(length) if length <= HEADER_BYTES_MAX => {
                        self.place = Place::Header(length);
                    }
                    _ => return Err(Why::Limit(Limit::MaxScanState)),
                }
            }
            Place::Header(length) => {
                let Some(bytes) = self.gathered.fill(rest, length) else { return Ok(false) };
                self.header = Header::read(bytes)?;
                self.gathered.clear();
                self.has_member = true;
                self.settle();
            }
            Place::Field => {
                let Some(field) = self.gathered.fill(rest, self.header.next) else {
                    return Ok(false);
                };
                self.header.take_next(field);
                self.gathered.clear();
                self.settle();
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

    /// Whether the archive ends here: with a zero, which may also be the low byte of the size of a header of level 2.
    fn is_end(&mut self, rest: &mut &[u8]) -> bool {
        let first = self.gathered.bytes().first().or_else(|| rest.first());
        if first != Some(&0) {
            return false;
        }
        let Some(front) = self.gathered.fill(rest, FRONT_BYTES) else { return false };
        !matches!(front, [_, _, b'-', _, _, _, b'-', .., 2])
    }

    /// What follows a header or a field.
    fn settle(&mut self) {
        if self.header.next > 2 {
            self.place = Place::Field;
            return;
        }
        if matches!(&self.header.method, b"-lh0-" | b"-lz4-" | b"-pm0-") {
            // There are readers that give out all of it, whatever size is said.
            self.header.plain = self.header.plain.max(self.header.packed);
        }
        self.member.begin(self.header.packed, self.header.plain);
        let is_empty = self.header.method == *b"-lhd-" || self.header.plain == 0;
        self.place = if is_empty { Place::Rest } else { Place::Enter };
    }

    fn refusal(&self) -> Option<Why> {
        match &self.header.method {
            b"-lh0-" | b"-lz4-" | b"-lh1-" | b"-lh4-" | b"-lh5-" | b"-lh6-" | b"-lh7-"
            | b"-lhx-" | b"-lzs-" | b"-lz5-" | b"-pm0-" => None,
            _ => Some(Why::Unsupported("LHA: a method that is not known")),
        }
    }
}

impl Walk for Lha {
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
                    let said;
                    (made, said) = self.member.step(&mut self.codec, &mut rest, output, ENDS_EARLY);
                    if let Progress::End(fate) = said {
                        self.codec = Codec::Stored(Stored);
                        self.place = Place::Rest;
                        break Progress::End(fate);
                    }
                    break said;
                }
                Place::End => break Progress::Hungry,
                Place::Front | Place::Header(_) | Place::Field | Place::Rest => {
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

    fn pace(&self) -> Pace {
        Pace::Steady
    }

    fn member(&mut self) -> Member {
        Member {
            label: Label::named("lha", &self.header.path()),
            size: Some(self.header.plain),
            state_bytes: match self.header.method {
                [_, b'l', b'h', b'x', _] => (1 << 20) + STATE_BYTES,
                _ => (64 << 10) + STATE_BYTES,
            },
            closed: self.refusal(),
            ..Member::default()
        }
    }

    fn pass_over(&mut self) -> bool {
        self.place = Place::Rest;
        true
    }

    fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::End => Ok(()),
            Place::Front if self.has_member && matches!(self.gathered.bytes(), [] | [0, ..]) => {
                Ok(())
            }
            Place::Rest if self.member.packed == 0 => Ok(()),
            Place::Front
            | Place::Header(_)
            | Place::Field
            | Place::Enter
            | Place::SetUp
            | Place::Data
            | Place::Rest => Err(ENDS_EARLY),
        }
    }
}

impl Ends for Lha {
    fn is_over(&self) -> bool {
        matches!(self.place, Place::End)
    }

    fn give_back(&mut self) -> Vec<u8> {
        let back = self.gathered.bytes().get(1..).unwrap_or_default().to_vec();
        self.gathered.clear();
        back
    }
}

impl Codec {
    /// Takes the memory for a member.
    fn of(method: [u8; 5]) -> Self {
        let lh = |width, distances| {
            Self::Static(Box::new(Lh::new(width, distances, (DAMAGED, ENDS_EARLY))))
        };
        match &method {
            b"-lh1-" => Self::Dynamic(Box::new(Dynamic::new())),
            b"-lh4-" | b"-lh5-" => lh(14, (14, 4)),
            b"-lh6-" => lh(16, (16, 5)),
            b"-lh7-" => lh(17, (17, 5)),
            b"-lhx-" => lh(20, (20, 5)),
            b"-lzs-" => Self::Lzs(Box::new(Lzs::new())),
            b"-lz5-" => Self::Lz5(Box::new(Lz5::new())),
            _ => Self::Stored(Stored),
        }
    }
}

impl Unpack for Codec {
    fn run(&mut self, packed: &mut Packed<'_>, room: &mut Room<'_>) -> Outcome {
        match self {
            Self::Stored(stored) => stored.run(packed, room),
            Self::Static(lh) => lh.run(packed, room),
            Self::Dynamic(dynamic) => dynamic.run(packed, room),
            Self::Lzs(lzs) => lzs.run(packed, room),
            Self::Lz5(lz5) => lz5.run(packed, room),
        }
    }
}

/// No header comes near.
const HEADER_BYTES_MAX: usize = 64 << 10;
/// What a decoder takes beside its window.
const STATE_BYTES: u64 = 64 << 10;
const DAMAGED: Why = Why::Broken("LHA: a damaged member");
const ENDS_EARLY: Why = Why::Broken("LHA: ends early");
