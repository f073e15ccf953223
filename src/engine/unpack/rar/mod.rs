//! RAR archives: those of RAR 1.5 to 4, and of RAR 5 and 7, as streams of headers with members behind them.
//!
//! | member | here |
//! | --- | --- |
//! | as it is | any version |
//! | packed by RAR 2.9 to 4 | [`three`]: LZ and `PPMd`, with the filters that RAR writes ([`program`]) |
//! | packed by RAR 5 and 7 | [`five`] |
//! | encrypted | of RAR 5 when a password of the list opens it ([`unlock`]); else said, by its name where headers are clear |
//! | begun in the volume before, or going on in the next | said; of the latter what is here is seen |
//!
//! Members of a solid archive are unpacked one after another in the window of those before; when one of
//! them was not, those behind it cannot be. Folders and links have no bytes. Comments and streams of NTFS are
//! members, too.
//!
//! Absent on purpose: sums, times, owners, recovery records, the list for quick opening (a copy of the
//! headers). Packed by RAR 1.5 and 2.0, and filters that are programs of their own: both say so.

mod filters;
mod five;
mod header;
mod output;
mod program;
mod three;
mod unlock;

use self::five::Five;
use self::header::{FRONT_BYTES, Header, Kind, Packing};
use self::three::Three;
use self::unlock::{Trial, Unlocked};
use super::carried::Ends;
use super::cbc::BLOCK_BYTES;
use super::inflate::Outcome;
use super::key::Key;
use super::lz::member::{Sized, Stored};
use super::lz::window::Room;
use super::lz::{Packed, Unpack};
use super::parts::{Gathered, pass};
use super::{Label, Member, Pace, Progress, Step};
use crate::engine::passwords::Passwords;
use crate::engine::unpack::walk::Walk;
use crate::engine::verdict::Why;

/// An archive being read.
#[expect(
    clippy::struct_excessive_bools,
    reason = "what the headers said, which does not depend on each other"
)]
pub(in crate::engine) struct Rar {
    place: Place,
    gathered: Gathered,
    is_new: bool,
    header: Header,
    has_header: bool,
    /// Whether the archive said that its members are packed as one.
    is_solid: bool,
    member: Sized,
    codec: Codec,
    /// Whether the window holds all that a solid member may refer to.
    is_whole: bool,
    /// Bytes behind a header that are passed over.
    left: u64,
    trial: Trial,
    /// The key of all headers that follow.
    headers: Option<Key>,
    /// What decrypts the member.
    unlocked: Option<Unlocked>,
}

/// What the next byte belongs to.
#[derive(Clone, Copy)]
enum Place {
    Mark,
    Front,
    Header(usize),
    /// Passwords are tried on all headers that follow.
    LockedHeaders,
    /// Passwords are tried on the member that was described.
    Locked,
    /// A member was described, which has yet to begin.
    Enter,
    SetUp,
    Data,
    /// Behind the last byte of a member that others refer to.
    Drain,
    Rest,
    Skip,
    End,
}

/// What undoes a packing. The window of the last member stays for a solid one.
enum Codec {
    None,
    /// With the width of its window.
    Three(Box<Three>, u32),
    Five(Box<Five>, u32),
}

impl Rar {
    pub(super) fn new(passwords: &Passwords) -> Self {
        Self {
            trial: Trial::new(passwords),
            headers: None,
            unlocked: None,
            place: Place::Mark,
            gathered: Gathered::default(),
            is_new: false,
            header: Header::default(),
            has_header: false,
            is_solid: false,
            member: Sized::default(),
            codec: Codec::None,
            is_whole: false,
            left: 0,
        }
    }

    /// The memory that the member takes: a window, what waits for a filter, and a model of any size that RAR 3
    /// writes. A model fills its memory by no more than so much for each byte.
    fn state_bytes(&self) -> u64 {
        let plain = match self.header.plain {
            Some(plain) if !self.is_solid => plain,
            Some(_) | None => u64::MAX,
        };
        let window = |bytes: u64| {
            let width = self.width(bytes);
            let window = width.map_or(u64::MAX, |width| 1_u64.wrapping_shl(width));
            let waiting = plain.saturating_mul(2).min(output::OUTPUT_BYTES);
            window.saturating_add(waiting).saturating_add(STATE_BYTES)
        };
        match self.header.packing {
            Packing::Stored | Packing::Other(_) => STATE_BYTES,
            Packing::Three => {
                let model = plain.saturating_mul(MODEL_BYTES_PER_BYTE).min(MODEL_BYTES_MAX);
                window(1 << three::WINDOW_WIDTH).saturating_add(model)
            }
            Packing::Five { window: bytes, .. } => window(bytes),
        }
    }

    /// Bytes of a member.
    fn data(&mut self, rest: &mut &[u8], output: &mut [u8]) -> (usize, Progress) {
        let is_packed = self.header.packing != Packing::Stored;
        let (made, said) = self.unpack(is_packed, rest, output);
        let Progress::End(fate) = said else { return (made, said) };
        let is_service = self.header.kind == Kind::Service;
        if fate.is_err() || is_service {
            self.is_whole &= !is_packed;
        }
        self.place =
            if self.is_solid && self.is_whole && is_packed { Place::Drain } else { Place::Rest };
        let is_cut = self.header.goes_on && matches!(fate, Ok(()) | Err(MEMBER_ENDS_EARLY));
        let fate = if is_cut { Err(IN_NEXT) } else { fate };
        (made, Progress::End(fate))
    }

    /// Unpacks some of a member, which may have to be decrypted first.
    fn unpack(
        &mut self,
        is_packed: bool,
        rest: &mut &[u8],
        output: &mut [u8],
    ) -> (usize, Progress) {
        let Self { member, codec, unlocked, .. } = self;
        let mut step = |rest: &mut &[u8], output: &mut [u8]| match is_packed {
            true => member.step(codec, rest, output, MEMBER_ENDS_EARLY),
            false => member.step(&mut Stored, rest, output, MEMBER_ENDS_EARLY),
        };
        let Some(unlocked) = unlocked else { return step(rest, output) };
        loop {
            unlocked.fill(rest);
            let mut plain = unlocked.plain();
            let before = plain.len();
            let (made, said) = step(&mut plain, output);
            let used = before.saturating_sub(plain.len());
            unlocked.used(used);
            let goes_on = said == Progress::Hungry && !rest.is_empty() && unlocked.left() > 0;
            match made {
                0 if goes_on => {}
                _ if goes_on => return (made, Progress::Full),
                _ => return (made, said),
            }
        }
    }

    /// Reads to the end of a member for the sake of those that refer to it. False when it needs more input for it, or
    /// that was enough.
    fn drain(&mut self, rest: &mut &[u8]) -> Result<bool, Why> {
        let Some(unlocked) = &mut self.unlocked else {
            return self.member.drain(&mut self.codec, rest);
        };
        unlocked.fill(rest);
        let mut plain = unlocked.plain();
        let before = plain.len();
        let done = self.member.drain(&mut self.codec, &mut plain);
        let used = before.saturating_sub(plain.len());
        unlocked.used(used);
        done
    }

    /// The bytes of a header, which has so many, in front of which its first block stands when it is encrypted.
    fn plain_header(&self, bytes: &[u8]) -> Result<Vec<u8>, Why> {
        match &self.headers {
            None => Ok(bytes.to_vec()),
            Some(key) => unlock::header(key, bytes).ok_or(header::NOT_A_HEADER),
        }
    }

    /// Reads the next part of what is around members. False when it needs more input for it.
    fn describe(&mut self, rest: &mut &[u8]) -> Result<bool, Why> {
        match self.place {
            Place::Mark => {
                let Some(mark) = self.gathered.fill(rest, MARK.len()) else { return Ok(false) };
                if mark == MARK {
                    self.gathered.clear();
                    self.place = Place::Front;
                    return Ok(true);
                }
                let Some(mark) = self.gathered.fill(rest, NEW_MARK.len()) else { return Ok(false) };
                if mark != NEW_MARK {
                    return Err(Why::Broken("RAR: not an archive"));
                }
                self.is_new = true;
                self.gathered.clear();
                self.place = Place::Front;
            }
            Place::Front => {
                let wanted = if self.headers.is_some() { 2 * BLOCK_BYTES } else { FRONT_BYTES };
                if self.gathered.fill(rest, wanted).is_none() {
                    return Ok(false);
                }
                let front = self.plain_header(self.gathered.bytes())?;
                let length = if self.is_new { header::new_length } else { header::old_length };
                let length = length(front.get(..FRONT_BYTES).unwrap_or_default())?;
                self.place = Place::Header(match self.headers {
                    None => length,
                    Some(_) => length.next_multiple_of(BLOCK_BYTES).saturating_add(BLOCK_BYTES),
                });
            }
            Place::Header(length) => {
                if self.gathered.fill(rest, length).is_none() {
                    return Ok(false);
                }
                let mut bytes = self.plain_header(self.gathered.bytes())?;
                if self.headers.is_some() {
                    // Behind it is what fills up the last block.
                    bytes.truncate(header::new_length(&bytes)?);
                }
                self.header = if self.is_new { header::new(&bytes) } else { header::old(&bytes) }?;
                self.gathered.clear();
                self.settle()?;
            }
            Place::Rest => {
                if let Some(unlocked) = self.unlocked.take() {
                    self.member.packed = unlocked.left();
                }
                if !self.member.pass(rest) {
                    return Ok(false);
                }
                self.place = Place::Front;
            }
            Place::Skip => {
                if !pass(rest, &mut self.left) {
                    return Ok(false);
                }
                self.place = Place::Front;
            }
            Place::LockedHeaders
            | Place::Locked
            | Place::Enter
            | Place::SetUp
            | Place::Data
            | Place::Drain
            | Place::End => {}
        }
        Ok(true)
    }

    /// What follows a header.
    fn settle(&mut self) -> Result<(), Why> {
        let is_first = !std::mem::replace(&mut self.has_header, true);
        self.left = self.header.packed;
        self.place = Place::Skip;
        match self.header.kind {
            Kind::Archive { is_solid } => self.is_solid = is_solid,
            Kind::Locked if self.may_be_tried() => self.place = Place::LockedHeaders,
            Kind::Locked => return Err(Why::Encrypted),
            _ if is_first => return Err(header::NOT_A_HEADER),
            Kind::End => self.place = Place::End,
            Kind::File | Kind::Service if self.header.plain != Some(0) => {
                match self.header.plain {
                    Some(plain) => self.member.begin(self.header.packed, plain),
                    None => self.member.begin_open(self.header.packed),
                }
                self.place = if self.may_be_tried() { Place::Locked } else { Place::Enter };
            }
            Kind::File | Kind::Service | Kind::Other => {}
        }
        Ok(())
    }

    /// Whether passwords are to be tried on what the header describes.
    fn may_be_tried(&self) -> bool {
        self.header.lock.is_some() && self.trial.is_worth() && !self.header.has_begun_before
    }

    /// Tries a password on what the header describes.
    fn unlock(&mut self) -> Progress {
        let lock = self.header.lock.clone().unwrap_or_default();
        let is_of_headers = matches!(self.place, Place::LockedHeaders);
        let Some(key) = self.trial.step(&lock) else { return Progress::Full };
        if is_of_headers {
            self.headers = key;
            self.place = Place::Skip;
            return if key.is_some() { Progress::Full } else { Progress::Stopped(Why::Encrypted) };
        }
        let packed = self.header.packed;
        self.unlocked = key.and_then(|key| Unlocked::new(&key, &lock, packed));
        if self.unlocked.is_some() {
            // What is no whole block at the end is nothing.
            self.member.packed = packed & !15;
        }
        self.place = Place::Enter;
        Progress::Full
    }

    /// Why a member is not read, if so.
    fn refusal(&self) -> Option<Why> {
        let header = &self.header;
        match header.packing {
            _ if header.is_locked && self.unlocked.is_none() => Some(Why::Encrypted),
            _ if header.has_begun_before => {
                Some(Why::Unsupported("RAR: a member that began in another volume"))
            }
            Packing::Other(why) => Some(why),
            Packing::Three | Packing::Five { .. } if header.is_solid && !self.is_whole => {
                Some(Why::Broken("RAR: solid, behind a member that was not read"))
            }
            Packing::Stored | Packing::Three | Packing::Five { .. } => None,
        }
    }

    /// Makes the decoder ready. It has its memory from a member before, or takes it.
    fn set_up(&mut self) {
        let is_solid = self.header.is_solid && self.header.kind == Kind::File;
        match self.header.packing {
            // It leaves no trace in the window of others.
            Packing::Stored | Packing::Other(_) => return,
            Packing::Three => {
                let width = self.width(1 << three::WINDOW_WIDTH).unwrap_or(WIDTH_MIN);
                let is_enough = matches!(&self.codec, Codec::Three(_, own) if *own >= width);
                if !is_enough {
                    let most = u32::try_from(MODEL_BYTES_MAX).unwrap_or(u32::MAX);
                    self.codec = Codec::Three(Box::new(Three::new(width, most)), width);
                }
                if let Codec::Three(three, _) = &mut self.codec {
                    three.begin(is_solid);
                }
            }
            Packing::Five { window, is_seven } => {
                let width = self.width(window).unwrap_or(WIDTH_MIN);
                let is_enough = matches!(&self.codec, Codec::Five(_, own) if *own >= width);
                if !is_enough {
                    self.codec = Codec::Five(Box::new(Five::new(width)), width);
                }
                if let Codec::Five(five, _) = &mut self.codec {
                    five.begin(is_solid, is_seven);
                }
            }
        }
        self.is_whole = true;
    }

    /// The width of a window that is enough for a member: one that nothing refers to needs no larger one than
    /// itself.
    fn width(&self, window: u64) -> Option<u32> {
        let needed = match self.header.plain {
            Some(plain) if !self.is_solid => window.min(plain),
            Some(_) | None => window,
        };
        let width = needed.max(1).checked_next_power_of_two()?.trailing_zeros();
        Some(width.max(WIDTH_MIN))
    }
}

impl Walk for Rar {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0_usize;
        let progress = loop {
            match self.place {
                Place::LockedHeaders | Place::Locked => break self.unlock(),
                Place::Enter => {
                    let is_closed = self.refusal().is_some();
                    self.place = if is_closed { Place::Rest } else { Place::SetUp };
                    if is_closed && self.header.kind == Kind::File {
                        self.is_whole = false;
                    }
                    break Progress::Begin;
                }
                Place::SetUp => {
                    self.set_up();
                    self.place = Place::Data;
                    break Progress::Full;
                }
                Place::Data => {
                    let said;
                    (made, said) = self.data(&mut rest, output);
                    break said;
                }
                Place::Drain => {
                    self.place = match self.drain(&mut rest) {
                        Ok(true) => Place::Rest,
                        Ok(false) if self.member.packed > 0 && rest.is_empty() => {
                            break Progress::Hungry;
                        }
                        Ok(false) => break Progress::Full,
                        Err(_) => {
                            self.is_whole = false;
                            Place::Rest
                        }
                    };
                }
                Place::End => break Progress::Hungry,
                Place::Mark | Place::Front | Place::Header(_) | Place::Rest | Place::Skip => {
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
        match &self.codec {
            Codec::Three(three, _) => three.pace(),
            Codec::None | Codec::Five(..) => Pace::Steady,
        }
    }

    fn member(&mut self) -> Member {
        let mut name = self.header.name.clone();
        for letter in &mut name {
            if *letter == b'\\' {
                *letter = b'/';
            }
        }
        Member {
            label: Label::named("rar", &name),
            size: self.header.plain,
            state_bytes: self.state_bytes(),
            is_encrypted: self.header.is_locked,
            closed: self.refusal(),
            ..Member::default()
        }
    }

    fn pass_over(&mut self) -> bool {
        self.place = Place::Rest;
        self.is_whole = false;
        true
    }

    fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::End => Ok(()),
            Place::Front if self.has_header && self.gathered.bytes().is_empty() => Ok(()),
            Place::Rest if self.member.packed == 0 => Ok(()),
            Place::Skip if self.left == 0 => Ok(()),
            Place::Mark
            | Place::Front
            | Place::Header(_)
            | Place::LockedHeaders
            | Place::Locked
            | Place::Enter
            | Place::SetUp
            | Place::Data
            | Place::Drain
            | Place::Rest
            | Place::Skip => Err(ENDS_EARLY),
        }
    }
}

impl Ends for Rar {
    fn is_over(&self) -> bool {
        matches!(self.place, Place::End)
    }
}

impl Unpack for Codec {
    fn run(&mut self, packed: &mut Packed<'_>, room: &mut Room<'_>) -> Outcome {
        match self {
            Self::None => Outcome::End,
            Self::Three(three, _) => three.run(packed, room),
            Self::Five(five, _) => five.run(packed, room),
        }
    }
}

const MARK: &[u8] = b"Rar!\x1a\x07\0";
const NEW_MARK: &[u8] = b"Rar!\x1a\x07\x01\0";
/// The least window of RAR 5.
const WIDTH_MIN: u32 = 17;
/// What a model takes for a byte at most: two units in each of the longest contexts.
const MODEL_BYTES_PER_BYTE: u64 = 1_536;
/// RAR 3 writes no larger models.
const MODEL_BYTES_MAX: u64 = 32 << 20;
/// What is held of packed bytes, and of codes.
const STATE_BYTES: u64 = 128 << 10;
const ENDS_EARLY: Why = Why::Broken("RAR: ends early");
const DAMAGED: Why = Why::Broken("RAR: a damaged member");
const MEMBER_ENDS_EARLY: Why = Why::Broken("RAR: a member ends early");
const IN_NEXT: Why = Why::Unsupported("RAR: a member that ends in another volume");
