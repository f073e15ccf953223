//! Cabinets (MS-CAB): stored, MSZIP, Quantum and LZX, with reserved areas, alone or one of a set.
//!
//! Files lie one behind another in what comes out of a folder, which is unpacked once, a block at a step. Of
//! a file that began in another cabinet of a set nothing can be seen here, of one that ends in another what
//! is here: both are said. Bytes of a folder that no file has are not given out, as by no other program.
//!
//! Absent on purpose: sums, times and attributes.

mod folder;
mod tables;

use self::folder::Blocks;
use self::tables::{Cabinet, ENDS_EARLY, File, string};
use super::lz::frames::Frames;
use super::parts::wide;
use super::{Label, Member, Progress, numbers};
use crate::engine::verdict::Why;

/// A cabinet being read.
#[derive(Default)]
pub(super) struct Cab {
    place: Place,
    cabinet: Cabinet,
    /// The file that is next.
    index: usize,
    /// The folder at work.
    folder: usize,
    blocks: Option<Blocks>,
    frames: Frames,
    file: Option<File>,
    name: Vec<u8>,
    /// Where the next byte of the file lies in the folder, and how many are left.
    at: u64,
    left: u64,
}

#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Header,
    /// What is told of the files is read.
    Tables,
    Files,
    Inside,
    Over,
}

impl Cab {
    /// The next step, given all of the file: bytes made, and what there is to say.
    pub(super) fn step(&mut self, cabinet: &[u8], output: &mut [u8]) -> (usize, Progress) {
        match self.place {
            Place::Header => match Cabinet::read(cabinet) {
                Ok(read) => {
                    self.cabinet = read;
                    self.folder = usize::MAX;
                    self.place = Place::Tables;
                    (0, Progress::Full)
                }
                Err(why) => (0, Progress::Stopped(why)),
            },
            Place::Tables => match self.cabinet.read_files(cabinet) {
                Ok(true) => (0, Progress::Full),
                Ok(false) => {
                    self.place = Place::Files;
                    (0, Progress::Full)
                }
                Err(why) => (0, Progress::Stopped(why)),
            },
            Place::Files => (0, self.find_file(cabinet)),
            Place::Inside => self.inside(cabinet, output),
            Place::Over => (0, Progress::Hungry),
        }
    }

    /// The member that has just begun.
    pub(super) fn member(&self) -> Member {
        let folder = self.file.and_then(|file| self.cabinet.folders.get(file.folder));
        Member {
            label: Label::named("cab", &self.name),
            size: Some(self.left),
            state_bytes: folder.map_or(0, |folder| folder::state_bytes(folder.method)),
            closed: self.refusal(),
            ..Member::default()
        }
    }

    /// There is no memory for the member that has just begun.
    pub(super) fn pass_over(&mut self) -> bool {
        self.place = Place::Files;
        true
    }

    fn find_file(&mut self, cabinet: &[u8]) -> Progress {
        for _ in 0..FILES_PER_STEP {
            let Some(file) = self.cabinet.files.get(self.index).copied() else {
                self.place = Place::Over;
                // Whoever looks for archives behind a cabinet goes by what it says.
                let is_longer = numbers::le32(cabinet, 8)
                    .is_some_and(|told| u64::from(told) > wide(cabinet.len()));
                return if is_longer { Progress::Missed(ENDS_EARLY) } else { Progress::Full };
            };
            self.index = self.index.saturating_add(1);
            if file.size == 0 {
                continue;
            }
            self.name = string(cabinet, file.name).to_vec();
            for letter in &mut self.name {
                if *letter == b'\\' {
                    *letter = b'/';
                }
            }
            self.file = Some(file);
            self.at = file.place;
            self.left = file.size;
            self.place = if self.refusal().is_some() { Place::Files } else { Place::Inside };
            return Progress::Begin;
        }
        Progress::Full
    }

    /// Why the file that was found cannot be unpacked, if so.
    fn refusal(&self) -> Option<Why> {
        let file = self.file?;
        if file.folder == 0 && self.cabinet.is_continued {
            return Some(Why::Unsupported("cab: a file that began in another cabinet"));
        }
        match self.cabinet.folders.get(file.folder) {
            None => Some(Why::Broken("cab: a file without a folder")),
            Some(folder) => folder::refusal(folder.method),
        }
    }

    fn inside(&mut self, cabinet: &[u8], output: &mut [u8]) -> (usize, Progress) {
        if self.left == 0 {
            self.place = Place::Files;
            return (0, Progress::End(Ok(())));
        }
        if let Err(why) = self.set_up() {
            return (0, self.fail(why));
        }
        let made = self.frames.give(self.at, self.left, output);
        if made > 0 || (output.is_empty() && self.at < self.frames.end()) {
            self.at = self.at.saturating_add(wide(made));
            self.left = self.left.saturating_sub(wide(made));
            return (made, Progress::Full);
        }
        if let Some(why) = self.frames.fault {
            return (0, self.fail(why));
        }
        self.frames.advance();
        let next = match &mut self.blocks {
            Some(blocks) => blocks.next(cabinet, &mut self.frames.frame),
            None => Ok(false),
        };
        let goes_on = self.file.is_some_and(|file| file.goes_on);
        self.frames.fault = match next {
            Ok(true) => None,
            Ok(false) if goes_on => Some(GOES_ON),
            Ok(false) => Some(Why::Broken("cab: a file ends early")),
            Err(why) => Some(why),
        };
        (0, Progress::Full)
    }

    /// Makes the folder of the file ready, or begins it anew for a file that lies in front of what was read.
    fn set_up(&mut self) -> Result<(), Why> {
        let Some(file) = self.file else { return Ok(()) };
        let is_other = self.folder != file.folder;
        if !is_other && self.frames.may_read(self.at) {
            return Ok(());
        }
        if is_other {
            self.frames.reset();
        } else if !self.frames.restart() {
            return Err(Why::Broken("cab: files that overlap"));
        }
        self.folder = file.folder;
        self.blocks = None;
        let folder = self.cabinet.folders.get(file.folder).copied();
        let folder = folder.ok_or(ENDS_EARLY)?;
        self.blocks = Some(Blocks::new(folder, self.cabinet.block_reserve)?);
        Ok(())
    }

    /// The file goes no further; others of the folder may lie in front of what cannot be unpacked.
    fn fail(&mut self, why: Why) -> Progress {
        self.place = Place::Files;
        Progress::End(Err(why))
    }
}

/// Whether a layer begins with the header of a cabinet.
pub(super) fn is_front(head: &[u8]) -> bool {
    head.starts_with(b"MSCF") && numbers::le16(head, 24) == Some(0x0103)
}

/// Files without contents that one step passes over.
const FILES_PER_STEP: usize = 256;
const GOES_ON: Why = Why::Unsupported("cab: a file that ends in another cabinet");
