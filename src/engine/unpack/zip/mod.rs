//! zip (PKWARE APPNOTE 6.3.10), by what stands in front of each member, and the directory checked at its end.
//!
//! ```text
//!   ░░░ ┃ header · member · descriptor ┃ header · member ┃ ░░ ┃ line · line · … ┃ end ┃ ░░░
//!    │            │                                       │          │            └▶ compared with what
//!    │            └▶ a layer each                         │          └▶ kept         was met
//!    └─ what belongs to nothing is searched for the next record, and so is what follows damage
//! ```
//!
//! | APPNOTE | here |
//! | --- | --- |
//! | 4.3.7 to 4.3.16 records | [`header`] |
//! | 4.4.5 methods | [`codec`] |
//! | 5.1 shrunk, 5.2 reduced members | [`shrink`], [`reduce`] |
//! | 5.3 imploded members, deflate64, and what they share | [`explode`], [`deflate64`]; [`huffman`], [`window`](super::lz::window) |
//! | 4.3.9 data descriptors behind members that are stored | [`open`] |
//! | 6.1 encrypted members, AE-x | [`lock`] |
//! | 4.3.12 what the directory says | [`directory`] |
//! | (ECMA-376) office documents, by the names of parts | [`office`] |
//!
//! Most readers go by the directory, which comes last; here members are looked at as they come. Both are
//! the same in an archive that is right. Where the directory names something that was not met, or that
//! was met in another form, the archive is not clean; members that it does not name are looked at.
//!
//! A zip may also be carried at the end of something else: a program that unpacks itself, a script, a
//! picture. There a header is believed only when all of it can be one, and what is wrong is said only
//! when an end of a directory is where a reader would find it. Otherwise it was no archive.
//!
//! Absent on purpose: check sums, times, rights, comments (an archive in a comment is found), archives
//! of several volumes.

mod ahead;
mod codec;
pub(super) mod deflate64;
mod directory;
mod explode;
mod header;
mod huffman;
mod lock;
mod office;
mod open;
mod reduce;
mod shrink;

use crate::engine::unpack::walk::Walk;
use ahead::{Ahead, Input};
use codec::{Codec, Method};
use directory::{Directory, Facts};
use header::{Central, DESCRIPTOR_BYTES_MAX, End, Local, Record, descriptor_bytes, descriptor_sum};
use lock::{Lock, Trial, Unlocked};
use office::Office;

use memchr::memmem;

use super::inflate::{Inflate, Outcome};
use super::member::{Label, Member};
use super::parts::wide;
use super::{Pace, Progress, Step};
use crate::engine::passwords::Passwords;
use crate::engine::verdict::Why;

/// A zip being read.
pub(in crate::engine) struct Zip {
    setting: Setting,
    place: Place,
    ahead: Ahead,
    /// Bytes of the layer that were taken.
    read: u64,
    /// What stands in front of the member that is read.
    local: Local,
    /// Bytes of it that are left, when that is known.
    left: Option<u64>,
    /// Bytes of it that were taken and given out.
    packed: u64,
    plain: u64,
    codec: Option<Codec>,
    /// What the last deflated member left.
    spare: Option<Inflate>,
    /// What the directory says of a member, until it was told.
    listed: Option<Member>,
    /// Passwords, and the member that one of them fits.
    trial: Trial,
    unlocked: Option<(Lock, Box<Unlocked>)>,
    directory: Directory,
    office: Office,
    /// What the member that is read tells of the archive.
    kind: Option<&'static str>,
    /// Where the end of a directory ended that no member came after.
    end: Option<u64>,
    /// The first thing that could not be seen, in an archive that is carried.
    withheld: Option<Why>,
}

/// What the bytes are that the archive is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    /// Nothing else.
    Alone,
    /// Something of another type.
    Carried,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A record should begin here.
    Record,
    /// A record may begin anywhere.
    Search,
    /// This record.
    In(Record),
    /// A member was described, which has yet to begin; some of its bytes say what memory it takes.
    Enter,
    /// Passwords are tried on a member that was described.
    Locked(Lock),
    /// The bytes of a member, whose beginning was said.
    Data,
    /// What is left of a member that is over.
    Rest,
    /// What tells that the password was right.
    Seal,
    /// The sizes behind a member.
    Descriptor,
}

impl Zip {
    /// A layer that is an archive.
    pub(super) fn new(passwords: &Passwords) -> Self {
        Self::of(Setting::Alone, Place::Record, passwords)
    }

    /// A layer of another type that may have one in it.
    pub(super) fn carried(passwords: &Passwords) -> Self {
        Self::of(Setting::Carried, Place::Search, passwords)
    }

    fn of(setting: Setting, place: Place, passwords: &Passwords) -> Self {
        Self {
            setting,
            place,
            ahead: Ahead::default(),
            read: 0,
            local: Local::default(),
            left: None,
            packed: 0,
            plain: 0,
            codec: None,
            spare: None,
            listed: None,
            trial: Trial::new(passwords.clone()),
            unlocked: None,
            directory: Directory::default(),
            office: Office::default(),
            kind: None,
            end: None,
            withheld: None,
        }
    }

    /// As [`Zip::step`], up to where the next record is searched for.
    pub(super) fn step_inside(&mut self, bytes: &[u8], output: &mut [u8]) -> Step {
        self.walk(bytes, output, true)
    }

    /// Whether the next record is searched for: what is read belongs to nothing.
    pub(super) fn is_searching(&self) -> bool {
        self.place == Place::Search
    }

    /// Searches for the next record only. Says how many bytes that took: all, or those up to what may be one.
    pub(super) fn search_in(&mut self, bytes: &[u8]) -> usize {
        let mut input = Input { rest: bytes, at: self.read };
        let _found = self.search(&mut input);
        self.read = input.at;
        bytes.len().saturating_sub(input.rest.len())
    }

    /// These bytes belong to something else, which no record begins in; one may begin with the last of them.
    pub(super) fn pass_by(&mut self, bytes: &[u8]) {
        self.read = self.read.saturating_add(wide(bytes.len()));
        self.ahead.remember(bytes, SIGNATURE_BYTES.saturating_sub(1));
    }

    /// Gives back what was read and belongs to nothing.
    pub(super) fn give_back(&mut self) -> Vec<u8> {
        let bytes = self.ahead.take();
        self.read = self.read.saturating_sub(wide(bytes.len()));
        bytes
    }

    fn walk(&mut self, bytes: &[u8], output: &mut [u8], is_inside: bool) -> Step {
        let mut input = Input { rest: bytes, at: self.read };
        let mut made = 0;
        let progress = loop {
            if is_inside && self.is_searching() {
                break Progress::Hungry;
            }
            let said = match self.place {
                Place::Record => self.expect(&mut input),
                Place::Search => self.search(&mut input),
                Place::In(record) => self.take(record, &mut input),
                Place::Enter => self.enter(&mut input),
                Place::Data => {
                    let said;
                    (said, made) = self.unpack(&mut input, output);
                    Some(said)
                }
                Place::Locked(lock) => self.unlock(lock, &mut input),
                Place::Rest => self.pass(&mut input),
                Place::Seal => self.check_seal(&mut input),
                Place::Descriptor => self.describe(&mut input),
            };
            if let Some(said) = said {
                break said;
            }
        };
        self.read = input.at;
        Step { used: bytes.len().saturating_sub(input.rest.len()), made, progress }
    }

    /// A record begins here, or there is something else in front of the next one.
    fn expect(&mut self, input: &mut Input<'_>) -> Option<Progress> {
        let Some(bytes) = self.ahead.fill(input, SIGNATURE_BYTES) else {
            return Some(Progress::Hungry);
        };
        self.place = Record::of(bytes).map_or(Place::Search, Place::In);
        None
    }

    /// Looks for the next record.
    fn search(&mut self, input: &mut Input<'_>) -> Option<Progress> {
        while self.ahead.seek(input) {
            let Some(bytes) = self.ahead.fill(input, SIGNATURE_BYTES) else { break };
            let found = match Record::of(bytes) {
                None => None,
                Some(record) => match self.ahead.fill(input, record.fixed_bytes()) {
                    None => break,
                    Some(fixed) => record.is_plausible(fixed).then_some(record),
                },
            };
            if let Some(record) = found {
                self.place = Place::In(record);
                return None;
            }
            self.ahead.drop(1);
        }
        Some(Progress::Hungry)
    }

    /// Reads a record, and says what has to be said of it.
    fn take(&mut self, record: Record, input: &mut Input<'_>) -> Option<Progress> {
        let Some(fixed) = self.ahead.fill(input, record.fixed_bytes()) else {
            return Some(Progress::Hungry);
        };
        let total = record.total_bytes(fixed);
        if self.ahead.fill(input, total).is_none() {
            return Some(Progress::Hungry);
        }
        let from = self.ahead.at(input);
        let until = from.saturating_add(wide(total));
        let bytes = self.ahead.bytes().get(..total).unwrap_or_default();
        if self.setting == Setting::Carried && record == Record::Local && hides_another(bytes) {
            self.ahead.drop(1);
            self.place = Place::Search;
            return None;
        }
        self.place = Place::Record;
        let wrong = match record {
            Record::Local => {
                self.local = Local::of(bytes);
                self.begin(from)
            }
            Record::Central => {
                self.listed = Central::listed(bytes);
                self.directory.read(Central::of(bytes), from, until)
            }
            // A program that reads archives has these bytes in it, too.
            Record::End if self.setting == Setting::Carried && self.directory.is_empty() => {
                self.place = Place::Search;
                None
            }
            Record::End => {
                self.place = Place::Search;
                self.end = Some(until);
                let end = End::of(bytes);
                self.directory.conclude(end, from)
            }
            Record::End64 => {
                self.directory.read_long(End::of_64(bytes), from);
                None
            }
            Record::Locator => None,
            Record::Signature => {
                self.directory.extend(from, until);
                None
            }
        };
        self.ahead.drop(total);
        match wrong {
            Some(why) => self.miss(why),
            None => self.listed.is_some().then_some(Progress::Listed),
        }
    }

    /// A member was described by what stands at `at`. Says what is wrong with that.
    fn begin(&mut self, at: u64) -> Option<Why> {
        let local = &self.local;
        if self.setting == Setting::Alone {
            self.kind = self.office.meet(&local.name).or(self.kind);
        }
        self.end = None;
        self.packed = 0;
        self.plain = 0;
        if local.packed.is_none() && local.is_folder() {
            // Nobody writes bytes for it, and not everybody the sizes that are promised.
            self.local.packed = Some(0);
            self.local.plain = Some(0);
        }
        let local = &self.local;
        self.place = match local.packed {
            // A folder, or an empty file.
            Some(0) if local.has_descriptor() => Place::Descriptor,
            Some(0) => Place::Record,
            Some(_) | None => Place::Enter,
        };
        self.left = local.packed;
        self.directory.meet(Facts {
            at,
            packed: local.packed,
            plain: local.plain,
            name: Facts::digest(&local.name),
            method: local.method,
            flags: local.flags,
        })
    }

    /// Begins the member that was described.
    fn enter(&mut self, input: &mut Input<'_>) -> Option<Progress> {
        if let Some(lock) = Lock::of(&self.local).filter(|lock| self.may_open(*lock)) {
            self.trial.begin();
            self.place = Place::Locked(lock);
            return None;
        }
        let method = Method::of(&self.local);
        let front = method.map_or(0, Method::front_bytes);
        let front =
            usize::try_from(self.left.unwrap_or(u64::MAX)).map_or(front, |it| it.min(front));
        if self.ahead.fill(input, front).is_none() {
            return Some(Progress::Hungry);
        }
        self.begin_member(method)
    }

    fn begin_member(&mut self, method: Result<Method, Why>) -> Option<Progress> {
        self.place = match (method, self.left, self.setting) {
            (Ok(_), ..) => Place::Data,
            (Err(_), Some(_), Setting::Alone) => Place::Rest,
            // Where it is not certain that this is a member, its size may hide another one.
            (Err(_), ..) => Place::Search,
        };
        match (method, self.setting) {
            (Err(why), Setting::Carried) => self.miss(why),
            (Err(_), Setting::Alone) | (Ok(_), _) => Some(Progress::Begin),
        }
    }

    /// Whether passwords are to be tried on the member that was described.
    fn may_open(&self, lock: Lock) -> bool {
        let least = wide(lock.front_bytes().saturating_add(lock.back_bytes()));
        self.trial.is_worth() && self.left.is_some_and(|left| left >= least)
    }

    /// Tries the next password on the member that was described.
    fn unlock(&mut self, lock: Lock, input: &mut Input<'_>) -> Option<Progress> {
        let Some(front) = self.ahead.fill(input, lock.front_bytes()) else {
            return Some(Progress::Hungry);
        };
        let front = front.to_vec();
        let opened = match self.trial.attempt(lock, &self.local, &front) {
            Some(None) => return Some(Progress::Full),
            Some(Some(opened)) => Some((opened, self.local.unlocked())),
            None => None,
        };
        // A method whose memory depends on what is behind the cipher stays locked.
        let opened = opened
            .filter(|(_, local)| Method::of(local).is_ok_and(|method| method.front_bytes() == 0));
        if let Some((opened, local)) = opened {
            self.ahead.drop(front.len());
            let locked = wide(front.len().saturating_add(lock.back_bytes()));
            self.left = self.left.map(|left| left.saturating_sub(locked));
            self.local = local;
            self.unlocked = Some((lock, Box::new(opened)));
        }
        self.begin_member(Method::of(&self.local))
    }

    /// As [`Zip::unpack`] for a member that a password has opened.
    fn unpack_locked(&mut self, input: &mut Input<'_>, output: &mut [u8]) -> (Progress, usize) {
        let mut codec = match self.codec.take().map_or_else(|| self.open(), Ok) {
            Ok(codec) => codec,
            Err(why) => return (self.leave(Err(why)), 0),
        };
        let mut made = 0_usize;
        let said = loop {
            let is_ahead = self.ahead.len() > 0;
            let source = if is_ahead { self.ahead.bytes() } else { input.rest };
            let most = self.left.and_then(|left| usize::try_from(left).ok()).unwrap_or(usize::MAX);
            let Some((_, unlocked)) = &mut self.unlocked else { break Progress::Full };
            let filled = unlocked.fill(source.get(..most).unwrap_or(source));
            let room = output.get_mut(made..).unwrap_or_default();
            let step = codec.step(unlocked.plain(), room);
            unlocked.moved(step.used, room.get(..step.made).unwrap_or_default());
            let is_empty = unlocked.plain().is_empty();
            made = made.saturating_add(step.made);
            if is_ahead {
                self.ahead.drop(filled);
            } else {
                input.skip(filled);
            }
            self.left = self.left.map(|left| left.saturating_sub(wide(filled)));
            match step.outcome {
                Outcome::Hungry if is_empty && self.left == Some(0) => {
                    let fate = codec.finish();
                    self.close(codec);
                    return (self.leave(fate), made);
                }
                Outcome::End | Outcome::Stopped(_) => {
                    let fate =
                        if let Outcome::Stopped(why) = step.outcome { Err(why) } else { Ok(()) };
                    self.close(codec);
                    return (self.leave(fate), made);
                }
                Outcome::Full => break Progress::Full,
                Outcome::Hungry
                    if filled == 0 && input.rest.is_empty() && self.ahead.len() == 0 =>
                {
                    break Progress::Hungry;
                }
                Outcome::Hungry => {}
            }
        };
        self.codec = Some(codec);
        (said, made)
    }

    /// The bytes of a member that a password has opened are over: whether it was the right one.
    fn check_seal(&mut self, input: &mut Input<'_>) -> Option<Progress> {
        let behind = self.unlocked.as_ref().map_or(0, |(lock, _)| lock.back_bytes());
        let Some(code) = self.ahead.fill(input, behind) else {
            return Some(Progress::Hungry);
        };
        let code = code.to_vec();
        self.place = if self.local.has_descriptor() { Place::Descriptor } else { Place::Record };
        let is_said_behind = behind == 0 && self.local.has_descriptor();
        let (_, unlocked) = self.unlocked.take_if(|_| !is_said_behind)?;
        self.ahead.drop(behind);
        match unlocked.finish(&code, None) {
            Ok(()) => None,
            Err(why) => self.miss(why),
        }
    }

    /// Unpacks the member that is read. Says how many bytes that were.
    fn unpack(&mut self, input: &mut Input<'_>, output: &mut [u8]) -> (Progress, usize) {
        if self.unlocked.is_some() {
            return self.unpack_locked(input, output);
        }
        let mut codec = match self.codec.take() {
            Some(codec) => codec,
            None => match self.open() {
                Ok(codec) => codec,
                Err(why) => return (self.leave(Err(why)), 0),
            },
        };
        let is_ahead = self.ahead.len() > 0;
        let source = if is_ahead { self.ahead.bytes() } else { input.rest };
        let most = self.left.and_then(|left| usize::try_from(left).ok()).unwrap_or(usize::MAX);
        let piece = source.get(..most).unwrap_or(source);
        let step = codec.step(piece, output);
        if is_ahead {
            self.ahead.drop(step.used);
        } else {
            input.skip(step.used);
        }
        self.packed = self.packed.saturating_add(wide(step.used));
        self.plain = self.plain.saturating_add(wide(step.made));
        self.left = self.left.map(|left| left.saturating_sub(wide(step.used)));
        let said = match step.outcome {
            Outcome::Hungry if self.left == Some(0) => {
                let fate = codec.finish();
                self.close(codec);
                self.leave(fate)
            }
            Outcome::End => {
                self.close(codec);
                self.leave(Ok(()))
            }
            Outcome::Stopped(why) => {
                self.close(codec);
                self.leave(Err(why))
            }
            Outcome::Hungry if !is_ahead => {
                self.codec = Some(codec);
                Progress::Hungry
            }
            // What was read ahead is used up: the input is next.
            Outcome::Hungry | Outcome::Full => {
                self.codec = Some(codec);
                Progress::Full
            }
        };
        (said, step.made)
    }

    /// Takes the memory for the member that is read.
    fn open(&mut self) -> Result<Codec, Why> {
        let (codec, used) = Codec::of(&self.local, self.ahead.bytes(), self.spare.take())?;
        self.ahead.drop(used);
        self.packed = wide(used);
        self.left = self.left.map(|left| left.saturating_sub(wide(used)));
        Ok(codec)
    }

    /// Keeps what is of use later.
    fn close(&mut self, codec: Codec) {
        match codec {
            Codec::Inflate(inflate) => self.spare = Some(inflate),
            Codec::Open(open) => {
                let behind = open.behind();
                self.packed = self.packed.saturating_sub(wide(behind.len()));
                self.ahead.put_back(behind);
            }
            Codec::Stored
            | Codec::Deflate64(_)
            | Codec::Shrink(_)
            | Codec::Reduce(_)
            | Codec::Explode(_)
            | Codec::File(..) => {}
        }
    }

    /// The member that is read is over.
    fn leave(&mut self, mut fate: Result<(), Why>) -> Progress {
        if fate.is_err()
            && let Some((lock, _)) = self.unlocked.take()
        {
            // Nonsense is what a wrong password gives.
            fate = Err(Why::Encrypted);
            self.left = self.left.map(|left| left.saturating_add(wide(lock.back_bytes())));
        }
        self.place = match (self.left, fate, self.setting) {
            // It may have been no member: what its size covers may be the archive that readers open.
            (Some(_), Err(_), Setting::Carried) | (None, Err(_), _) => Place::Search,
            (Some(_), ..) => Place::Rest,
            (None, Ok(()), _) => Place::Descriptor,
        };
        if self.local.packed.is_none() && fate.is_ok() {
            self.directory.measure(self.packed, self.plain);
        }
        match (fate, self.setting) {
            (Err(why), Setting::Carried) => {
                self.withheld.get_or_insert(why);
                Progress::End(Ok(()))
            }
            (fate, _) => Progress::End(fate),
        }
    }

    /// Passes over what is left of a member.
    fn pass(&mut self, input: &mut Input<'_>) -> Option<Progress> {
        let mut left = self.left.unwrap_or(0);
        let is_over = self.ahead.pass(&mut left) || input.pass(&mut left);
        self.left = Some(left);
        if !is_over {
            return Some(Progress::Hungry);
        }
        self.place = match () {
            () if self.unlocked.is_some() => Place::Seal,
            () if self.local.has_descriptor() => Place::Descriptor,
            () => Place::Record,
        };
        None
    }

    /// Passes over the sizes behind a member. Some writers say that they come, and they do not.
    fn describe(&mut self, input: &mut Input<'_>) -> Option<Progress> {
        let Some(bytes) = self.ahead.fill(input, DESCRIPTOR_BYTES_MAX) else {
            return Some(Progress::Hungry);
        };
        let packed = self.local.packed.unwrap_or(self.packed);
        let plain = self.local.plain.unwrap_or(self.plain);
        let length = descriptor_bytes(bytes, packed, plain).unwrap_or(0);
        let sum = descriptor_sum(bytes);
        self.ahead.drop(length);
        self.place = Place::Record;
        let (_, unlocked) = self.unlocked.take()?;
        match unlocked.finish(&[], (length > 0).then_some(sum)) {
            Ok(()) => None,
            Err(why) => self.miss(why),
        }
    }

    /// Something cannot be seen: says so, or keeps it until it is known that this is an archive.
    fn miss(&mut self, why: Why) -> Option<Progress> {
        match self.setting {
            Setting::Alone => Some(Progress::Missed(why)),
            Setting::Carried => {
                self.withheld.get_or_insert(why);
                None
            }
        }
    }
}

impl Walk for Zip {
    fn step(&mut self, bytes: &[u8], output: &mut [u8]) -> Step {
        self.walk(bytes, output, false)
    }

    fn pace(&self) -> Pace {
        self.codec.as_ref().map_or(Pace::Quick, Codec::pace)
    }

    fn member(&mut self) -> Member {
        if let Some(listed) = self.listed.take() {
            return listed;
        }
        let method = Method::of(&self.local);
        let state_bytes =
            method.map_or(0, |method| method.state_bytes(&self.local, self.ahead.bytes()));
        Member {
            label: Label::named("zip", &self.local.name),
            size: self.local.plain,
            packed: self.local.packed,
            sum: self.local.sum(),
            is_encrypted: self.unlocked.is_some() || self.local.is_encrypted(),
            state_bytes: state_bytes.saturating_add(self.directory.state_bytes()),
            closed: method.err(),
            around: self.kind.take(),
            ..Member::default()
        }
    }

    /// What looked like a record and is longer than all that is left may have been none: what else begins in
    /// those bytes is read.
    fn end(&mut self) -> bool {
        let is_open = matches!(self.place, Place::In(_) | Place::Search | Place::Record);
        if self.setting == Setting::Alone || !is_open {
            return false;
        }
        let bytes = self.ahead.bytes();
        let behind = bytes.get(1..).unwrap_or_default();
        let begins = memmem::find_iter(behind, b"PK").map(|at| at.saturating_add(1));
        let next =
            begins.into_iter().find(|at| is_whole_record(bytes.get(*at..).unwrap_or_default()));
        self.ahead.drop(next.unwrap_or(bytes.len()));
        self.place = Place::Search;
        next.is_some()
    }

    fn pass_over(&mut self) -> bool {
        self.place = if self.left.is_some() { Place::Rest } else { Place::Search };
        true
    }

    fn finish(&self) -> Result<(), Why> {
        match (self.setting, self.end) {
            (Setting::Alone, Some(_)) => Ok(()),
            (Setting::Alone, None) => Err(ENDS_EARLY),
            // Readers look for the end of a directory in front of a comment, which has a length of 16 bits.
            (Setting::Carried, Some(end))
                if self.read.saturating_sub(end) <= u64::from(u16::MAX) =>
            {
                self.withheld.map_or(Ok(()), Err)
            }
            (Setting::Carried, _) => Ok(()),
        }
    }
}

/// Whether bytes begin with a record that is all there.
fn is_whole_record(bytes: &[u8]) -> bool {
    Record::of(bytes).is_some_and(|record| {
        let fixed = bytes.get(..record.fixed_bytes());
        fixed.is_some_and(|fixed| {
            record.is_plausible(fixed) && record.total_bytes(fixed) <= bytes.len()
        })
    })
}

/// Whether another record begins inside of one: names do not look so, and what does may be the archive that
/// readers open.
fn hides_another(record: &[u8]) -> bool {
    let behind = record.get(1..).unwrap_or_default();
    let mut begins = memmem::find_iter(behind, b"PK");
    begins.any(|at| Record::of(behind.get(at..).unwrap_or_default()).is_some())
}

const SIGNATURE_BYTES: usize = 4;
const ENDS_EARLY: Why = Why::Broken("zip: ends early");
/// Members of one archive, folders and empty ones included, that are kept to be compared with its
/// directory: beyond that nothing is, and the archive is not clean. Costs 2 × 56 × this in bytes, 14 MiB,
/// of which what members are read with is counted for `MaxScanState`.
pub(in crate::engine::unpack) const MEMBERS_MAX: usize = 1 << 17;
