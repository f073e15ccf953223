//! Packed programs: the program inside is brought out, once for all packers, by letting the loader that
//! the packer put in front of it do its work on a machine of our own.
//!
//! ```text
//!   program ─▶ Suspect (first kilobyte) ─▶ kept ─┬─▶ upx: its blocks are known, and decompressed
//!                                                └─▶ run: loaded, executed up to a limit ─▶ memory
//!                                                          │
//!              layer `unpacked` ◀── rebuild: headers, sections ◀──┘   layers `pe` ◀── programs in memory
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | does it look packed | [`signs`] |
//! | headers as the loader reads them | [`headers`] |
//! | the processor | [`machine`] |
//! | the system around it | [`windows`] |
//! | loading, running | [`run`] |
//! | files of UPX, without running anything | [`upx`] |
//! | a file made of memory | [`rebuild`] |
//!
//! Limits, each named where it is: instructions, memory of the program and what it asks for, exceptions in
//! exceptions, calls, programs inside. At a limit what is in memory is given out as it is.
//!
//! A program that looks packed and is not runs until its first call of the system, and gives nothing. One
//! that has the marks of a packer and does not come out is not scanned, and says so.
//!
//! Absent on purpose: programs of 64 bits other than those of UPX; those for DOS; protectors.

mod headers;
mod machine;
mod rebuild;
mod run;
mod signs;
#[cfg(test)]
mod tests;
mod upx;
mod windows;

use self::headers::Headers;
use self::rebuild::Rebuilt;
use self::run::{Run, Unpacked};
use self::signs::Format;
pub(in crate::engine) use self::signs::Suspect;
use self::upx::Upx;
use super::{Label, Member, Progress};
use crate::engine::verdict::Why;

/// A packed program being read.
pub(super) struct Packed {
    suspect: Suspect,
    place: Place,
    /// What lies in memory, and is given out from.
    stretches: Vec<(u32, Vec<u8>)>,
    /// What is given out now.
    gift: Gift,
    /// Why nothing, or not all, came out.
    fate: Result<(), Why>,
    /// How far memory was searched for programs: a stretch, and a place in it.
    searched: (usize, usize),
    found: usize,
}

/// A member.
#[derive(Default)]
struct Gift {
    label: Label,
    rebuilt: Rebuilt,
    stretch: usize,
    state_bytes: u64,
}

enum Place {
    Start,
    /// A member has begun, which is being brought out.
    Upx(Box<Upx>),
    Running(Box<Run>),
    /// Its bytes are given out.
    Giving,
    /// Programs in memory are looked for.
    Searching,
    Over,
}

impl Packed {
    pub(super) fn new(suspect: Suspect) -> Self {
        Self {
            suspect,
            place: Place::Start,
            stretches: Vec::new(),
            gift: Gift::default(),
            fate: Ok(()),
            searched: (0, 0),
            found: 0,
        }
    }

    /// The next step, given all of the file: bytes made, and what there is to say.
    pub(super) fn step(&mut self, file: &[u8], output: &mut [u8]) -> (usize, Progress) {
        match std::mem::replace(&mut self.place, Place::Over) {
            Place::Start => (0, self.begin(file)),
            Place::Upx(mut upx) => {
                self.place = match upx.step(file) {
                    Ok(None) => Place::Upx(upx),
                    Ok(Some((image, rebuilt))) => {
                        self.stretches = vec![(0, image)];
                        self.gift.rebuilt = rebuilt;
                        Place::Giving
                    }
                    // Not as UPX writes it: its loader may know how.
                    Err(why) => self.run_instead(file, why),
                };
                (0, Progress::Full)
            }
            Place::Running(mut run) => {
                self.place = if run.step(file) {
                    self.take(run.end(), file);
                    Place::Giving
                } else {
                    Place::Running(run)
                };
                (0, Progress::Full)
            }
            Place::Giving => {
                let image = self.stretches.get(self.gift.stretch);
                let image = image.map(|(_, bytes)| bytes.as_slice()).unwrap_or_default();
                let made = self.gift.rebuilt.read(image, output);
                if made > 0 || output.is_empty() {
                    self.place = Place::Giving;
                    return (made, Progress::Full);
                }
                self.place = Place::Searching;
                (0, Progress::End(std::mem::replace(&mut self.fate, Ok(()))))
            }
            Place::Searching => (0, self.search(file)),
            Place::Over => (0, Progress::Hungry),
        }
    }

    /// The member that has just begun.
    pub(super) fn member(&self) -> Member {
        Member {
            label: self.gift.label.clone(),
            size: None,
            state_bytes: self.gift.state_bytes,
            ..Member::default()
        }
    }

    /// Decides how it is brought out.
    fn begin(&mut self, file: &[u8]) -> Progress {
        self.gift.label = Label::of("unpacked");
        let headers = match self.suspect.format {
            Format::Windows => Headers::of(file),
            Format::Elf => None,
        };
        let upx = match self.suspect.format {
            Format::Windows => headers.as_ref().and_then(|headers| Upx::of_windows(headers, file)),
            Format::Elf => Upx::of_elf(file),
        };
        if let Some(upx) = upx {
            self.gift.state_bytes = upx.state_bytes();
            let run = headers.as_ref().and_then(Run::state_bytes).unwrap_or(0);
            self.gift.state_bytes = self.gift.state_bytes.max(run);
            self.place = Place::Upx(Box::new(upx));
            return Progress::Begin;
        }
        match headers.and_then(|headers| Some((Run::state_bytes(&headers)?, headers))) {
            Some((state_bytes, headers)) => {
                self.gift.state_bytes = state_bytes;
                self.place = Place::Running(Box::new(Run::new(headers, file)));
                Progress::Begin
            }
            None => match self.suspect.packer {
                Some(packer) => Progress::Missed(Why::Unsupported(packer)),
                None => Progress::Full,
            },
        }
    }

    /// UPX's own way did not work.
    fn run_instead(&mut self, file: &[u8], why: Why) -> Place {
        let headers = match self.suspect.format {
            Format::Windows => Headers::of(file),
            Format::Elf => None,
        };
        match headers.filter(|headers| Run::state_bytes(headers).is_some()) {
            Some(headers) => Place::Running(Box::new(Run::new(headers, file))),
            None => {
                if self.suspect.is_certain() {
                    self.fate = Err(why);
                }
                Place::Giving
            }
        }
    }

    /// The program has run: what of it is given out.
    fn take(&mut self, unpacked: Unpacked, file: &[u8]) {
        let Unpacked { headers, stretches, entry, written } = unpacked;
        let is_out = entry.is_some_and(|(_, is_elsewhere)| is_elsewhere);
        if let (false, Some(packer)) = (is_out, self.suspect.packer) {
            self.fate = Err(Why::Unsupported(packer));
        }
        if entry.is_none() && written < WRITTEN_MIN {
            return;
        }
        // Without an entry point in a section it is no program that could be packed.
        let is_inside = |at: u32| self.fate.is_ok() && headers.section_of(at).is_some();
        let entry = entry.map(|(entry, _)| entry).filter(|at| is_inside(*at)).unwrap_or(0);
        let image = stretches.first().map(|(_, bytes)| bytes.as_slice()).unwrap_or_default();
        if let Some(rebuilt) = Rebuilt::program(&headers, file, image, entry) {
            self.gift.rebuilt = rebuilt;
            self.stretches = stretches;
        }
    }

    /// Looks for the next program in memory, in some of it.
    fn search(&mut self, file: &[u8]) -> Progress {
        let (stretch, at) = self.searched;
        let Some((_, bytes)) = self.stretches.get(stretch) else { return Progress::Hungry };
        if self.found >= INNER_MAX {
            return Progress::Hungry;
        }
        self.place = Place::Searching;
        let until = at.saturating_add(SEARCHED_PER_STEP).min(bytes.len());
        let window = bytes.get(at..until.saturating_add(1).min(bytes.len())).unwrap_or_default();
        let Some(found) = memchr::memmem::find(window, b"MZ") else {
            self.searched = if until == bytes.len() {
                (stretch.saturating_add(1), 0)
            } else {
                (stretch, until)
            };
            return Progress::Full;
        };
        let found = at.saturating_add(found);
        self.searched = (stretch, found.saturating_add(2));
        let rest = bytes.get(found..).unwrap_or_default();
        // At the front of the first one are the headers of the program itself.
        let length = rebuild::inner(rest).filter(|_| (stretch, found) != (0, 0));
        // Some loaders read their own file.
        let length = length.filter(|length| rest.get(..*length) != file.get(..*length));
        let Some(length) = length else { return Progress::Full };
        self.found = self.found.saturating_add(1);
        self.gift = Gift {
            label: Label::named("pe", found.to_string().as_bytes()),
            rebuilt: Rebuilt::plain(found..found.saturating_add(length)),
            stretch,
            state_bytes: 0,
        };
        self.place = Place::Giving;
        Progress::Begin
    }
}

/// What has written less, and has run nothing of it, has unpacked nothing.
const WRITTEN_MIN: u64 = 512;
/// Programs in memory that are given out.
const INNER_MAX: usize = 16;
/// Bytes of memory that one step searches.
const SEARCHED_PER_STEP: usize = 64 << 10;
