//! Archives that something else carries: behind the program that unpacks them, for the most part.
//!
//! A zip is walked where it lies ([`zip`](super::zip)). Another archive begins a layer of its own, of all bytes
//! from its first to the last: 7z, RAR, cabinets, ARJ, LHA, installers of NSIS ([`find`]).
//!
//! Of several only the first begins a layer. The others are found in that one: behind the end of an archive it is
//! looked for another ([`Behind`], [`Carried::behind`]), as `cabextract` does, and the programs that carry
//! several and take any of them. In documents whose members lie in pieces it is looked for in what is of no member
//! ([`strays`]).

mod find;
mod strays;

pub(super) use self::find::Finder;
pub(super) use self::strays::Strays;
pub(in crate::engine) use self::strays::Watch;
use super::numbers::{le32, le64};
use super::parts::{at_most, hand_on, wide};
use super::walk::Walk;
use super::zip::Zip;
use super::{Label, Member, Pace, Progress, Step, Whole};
use crate::engine::passwords::Passwords;
use crate::engine::verdict::Why;

/// Looks for archives in bytes of any kind.
pub(in crate::engine) struct Carried {
    zip: Zip,
    /// Whether the zip is inside a member, or one of its members begins.
    is_inside: bool,
    begins: bool,
    finder: Finder,
    place: Place,
    front: Front,
    /// So many bytes are looked at at once: few behind a member, as another one is near.
    reach: usize,
}

#[derive(Clone, Copy)]
enum Place {
    Looking,
    /// An archive has begun, of whose front so many bytes were handed on.
    Handing(usize),
}

/// What stands in front of the bytes in which archives other than zips are looked for.
enum Front {
    Nothing,
    /// Nothing: the bytes are those of a zip.
    Zip,
    /// The header of an archive, as far as it came, which says how long that is.
    Header(Whole, Vec<u8>),
    /// So many bytes of an archive.
    Bytes(u64),
}

impl Carried {
    pub(super) fn new(passwords: &Passwords) -> Self {
        Self {
            zip: Zip::carried(passwords),
            is_inside: false,
            begins: false,
            finder: Finder::default(),
            place: Place::Looking,
            front: Front::Nothing,
            reach: REACH_BYTES_MIN,
        }
    }

    /// In a zip: between its members, and behind them.
    pub(super) fn between(passwords: &Passwords) -> Self {
        Self { zip: Zip::new(passwords), front: Front::Zip, ..Self::new(passwords) }
    }

    /// In bytes that begin with an archive: behind its end, as its header tells that. A zip is looked for in all of
    /// them.
    pub(super) fn behind(whole: Whole, passwords: &Passwords) -> Self {
        Self { front: Front::Header(whole, Vec::new()), ..Self::new(passwords) }
    }

    /// So many bytes are in front of those in which archives are looked for.
    fn passed(&self, length: usize) -> usize {
        match &self.front {
            Front::Nothing | Front::Zip => 0,
            Front::Header(_, header) => length.min(HEADER_BYTES.saturating_sub(header.len())),
            Front::Bytes(left) => at_most(length, *left),
        }
    }

    /// Bytes in front of those were read.
    fn pass(&mut self, bytes: &[u8]) {
        match &mut self.front {
            Front::Nothing | Front::Zip => {}
            Front::Header(whole, header) => {
                header.extend_from_slice(bytes);
                if header.len() >= HEADER_BYTES {
                    let left = length(*whole, header).saturating_sub(wide(header.len()));
                    self.front = Front::Bytes(left);
                }
            }
            Front::Bytes(left) => *left = left.saturating_sub(wide(bytes.len())),
        }
        if matches!(self.front, Front::Bytes(0)) {
            self.front = Front::Nothing;
        }
    }

    /// Walks a zip in what stands in front.
    fn pass_by(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let step = self.zip.step(input, output);
        if matches!(step.progress, Progress::End(_)) {
            self.is_inside = false;
        }
        self.begins = step.progress == Progress::Begin;
        self.pass(input.get(..step.used).unwrap_or_default());
        step
    }

    /// Walks a zip, and looks for archives between its members.
    fn look(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let passed = self.passed(input.len());
        if passed > 0 && self.is_inside {
            return self.pass_by(input, output);
        }
        if passed > 0 {
            let step = self.pass_by(input.get(..passed).unwrap_or_default(), output);
            let is_dry = step.used == passed && step.progress == Progress::Hungry;
            if !is_dry || passed == input.len() {
                return step;
            }
            let rest = self.look(input.get(passed..).unwrap_or_default(), output);
            return Step { used: rest.used.saturating_add(passed), ..rest };
        }
        let found = if self.is_inside { None } else { Some(self.finder.find(input)) };
        let until = found.as_ref().map_or(input.len(), |found| found.until);
        let step = self.zip.step(input.get(..until).unwrap_or_default(), output);
        if matches!(step.progress, Progress::End(_)) {
            self.is_inside = false;
        }
        self.begins = step.progress == Progress::Begin;
        match found {
            None => self.finder.restart(),
            Some(found) if step.used == until => {
                let is_archive = self.finder.take(found);
                if is_archive && step.progress == Progress::Hungry {
                    self.place = Place::Handing(0);
                    return Step { progress: Progress::Begin, ..step };
                }
                if is_archive {
                    // It lies in a zip, which is walked.
                    self.finder.restart();
                }
            }
            Some(_) => self.finder.pass(input.get(..step.used).unwrap_or_default()),
        }
        step
    }
}

impl Walk for Carried {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        match self.place {
            Place::Looking => {
                let mut used = 0_usize;
                loop {
                    let rest = input.get(used..).unwrap_or_default();
                    let reach = if self.is_inside { rest.len() } else { self.reach };
                    let piece = rest.get(..reach).unwrap_or(rest);
                    let step = self.look(piece, output);
                    used = used.saturating_add(step.used);
                    if step.progress != Progress::Hungry {
                        self.reach = REACH_BYTES_MIN;
                        return Step { used, ..step };
                    }
                    self.reach = self.reach.saturating_mul(2).min(REACH_BYTES_MAX);
                    if used == input.len() || step.made > 0 || step.used == 0 {
                        return Step { used, ..step };
                    }
                }
            }
            Place::Handing(given) => {
                let (step, given) = hand(self.finder.held(), given, input, output);
                self.place = Place::Handing(given);
                step
            }
        }
    }

    fn member(&mut self) -> Member {
        if matches!(self.place, Place::Handing(_)) {
            return archive();
        }
        let member = self.zip.member();
        // What is listed does not begin.
        self.is_inside |= self.begins && member.closed.is_none();
        self.begins = false;
        member
    }

    fn pace(&self) -> Pace {
        self.zip.pace()
    }

    fn end(&mut self) -> bool {
        matches!(self.place, Place::Looking) && self.zip.end()
    }

    fn pass_over(&mut self) -> bool {
        self.is_inside = false;
        self.zip.pass_over()
    }

    fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::Looking => self.zip.finish(),
            // A zip that has not ended by then is damaged; that of something else is in what is handed on.
            Place::Handing(_) if matches!(self.front, Front::Zip) => self.zip.finish(),
            Place::Handing(_) => Ok(()),
        }
    }
}

/// The member that an archive is which was found.
pub(super) fn archive() -> Member {
    Member { label: Label::of("sfx"), ..Member::default() }
}

/// Hands on an archive to its last byte: its `front`, of which `given` bytes were, and all that comes. Says how many
/// bytes of the front were handed on now.
pub(super) fn hand(front: &[u8], given: usize, input: &[u8], output: &mut [u8]) -> (Step, usize) {
    let (mut rest, mut all) = (input, u64::MAX);
    let mut front = front.get(given..).unwrap_or_default();
    let mut made = hand_on(&mut front, &mut all, output);
    let given = given.saturating_add(made);
    let room = output.get_mut(made..).unwrap_or_default();
    made = made.saturating_add(hand_on(&mut rest, &mut all, room));
    let is_over = front.is_empty() && rest.is_empty();
    let progress = if is_over { Progress::Hungry } else { Progress::Full };
    (Step { used: input.len().saturating_sub(rest.len()), made, progress }, given)
}

/// How long an archive is, by its front.
fn length(whole: Whole, header: &[u8]) -> u64 {
    let long = |at: usize| le32(header, at).map(u64::from);
    let length = match whole {
        Whole::SevenZip => le64(header, 12)
            .zip(le64(header, 20))
            .map(|(at, size)| at.saturating_add(size).saturating_add(32)),
        Whole::Cab => long(8),
        Whole::Nsis => long(24),
        Whole::Ole2
        | Whole::Pdf
        | Whole::Chm
        | Whole::Disk
        | Whole::Storage
        | Whole::Sis
        | Whole::Dmg
        | Whole::Packed(_)
        | Whole::Xar
        | Whole::Stray
        | Whole::Again(_) => None,
    };
    length.unwrap_or(u64::MAX)
}

/// A walker, and behind the end of what it walks, whatever is there.
pub(super) struct Behind<W> {
    walker: W,
    carried: Carried,
    /// What the walker read behind the end, and was not looked at yet.
    ahead: Vec<u8>,
}

/// A walker that knows the end of what it walks.
pub(super) trait Ends: Walk {
    /// Whether it was met: what follows is not taken.
    fn is_over(&self) -> bool;

    /// What it took all the same, once it is over.
    fn give_back(&mut self) -> Vec<u8> {
        Vec::new()
    }
}

impl<W: Ends> Behind<W> {
    pub(super) fn new(walker: W, passwords: &Passwords) -> Self {
        Self { walker, carried: Carried::new(passwords), ahead: Vec::new() }
    }
}

impl<W: Ends> Walk for Behind<W> {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut used = 0_usize;
        if !self.walker.is_over() {
            let step = self.walker.step(input, output);
            if step.progress != Progress::Hungry || !self.walker.is_over() {
                return step;
            }
            used = step.used;
            self.ahead = self.walker.give_back();
        }
        if !self.ahead.is_empty() {
            let step = self.carried.step(&self.ahead, output);
            self.ahead.drain(..step.used);
            match step.progress {
                Progress::Hungry if step.made == 0 => {}
                Progress::Hungry => return Step { used, progress: Progress::Full, ..step },
                Progress::Full
                | Progress::Begin
                | Progress::End(_)
                | Progress::Listed
                | Progress::Missed(_)
                | Progress::Stopped(_) => return Step { used, ..step },
            }
        }
        let step = self.carried.step(input.get(used..).unwrap_or_default(), output);
        Step { used: used.saturating_add(step.used), ..step }
    }

    fn member(&mut self) -> Member {
        if self.walker.is_over() { self.carried.member() } else { self.walker.member() }
    }

    fn end(&mut self) -> bool {
        if self.walker.is_over() { self.carried.end() } else { self.walker.end() }
    }

    fn pass_over(&mut self) -> bool {
        if self.walker.is_over() { self.carried.pass_over() } else { self.walker.pass_over() }
    }

    fn finish(&self) -> Result<(), Why> {
        if self.walker.is_over() { self.carried.finish() } else { self.walker.finish() }
    }
}

const REACH_BYTES_MIN: usize = 256;
const REACH_BYTES_MAX: usize = 16 << 10;
/// So much of the front of any archive tells how long it is.
const HEADER_BYTES: usize = 32;
