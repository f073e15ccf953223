//! A container all of whose bytes are there: its members are found through tables that lie anywhere.
//!
//! Each step reads at most a few tables or fills one window, so that a scan of a large container is cut
//! into slices like any other. Every offset and length in it is somebody's word.
//!
//! What a document has that is of no member may be an archive, which is looked for at the end ([`Strays`]). Of what
//! is an archive itself, or is known by its end, the layer's other walker finds it.

use super::again::Again;
use super::cab::Cab;
use super::carried::Strays;
use super::chm::Chm;
use super::disk::Disk;
use super::dmg::Dmg;
use super::nsis::Nsis;
use super::ole2::Ole2;
use super::packed::Packed;
use super::pdf::Pdf;
use super::seven_zip::SevenZip;
use super::sis::Sis;
use super::xar::Xar;
use super::{Member, Pace, Progress, Step, Whole};
use crate::engine::passwords::Passwords;
use crate::engine::spool::Spool;

/// A container that is open.
pub(in crate::engine) struct Opened {
    whole: Whole,
    spool: Spool,
    reader: Reader,
    strays: Strays,
}

/// What reads it. A reader is given all bytes of the container at each step.
enum Reader {
    Ole2(Ole2),
    Pdf(Pdf),
    SevenZip(Box<SevenZip>),
    Cab(Box<Cab>),
    Chm(Box<Chm>),
    Disk(Disk),
    Sis(Sis),
    Dmg(Dmg),
    Packed(Box<Packed>),
    Nsis(Box<Nsis>),
    Again(Again),
    Xar(Xar),
    /// Nothing but an archive that is to be handed on.
    Stray,
}

impl Opened {
    pub(super) fn new(whole: Whole, spool: Spool, passwords: &Passwords) -> Self {
        let reader = match whole {
            Whole::Ole2 => Reader::Ole2(Ole2::new()),
            Whole::Pdf => Reader::Pdf(Pdf::new(passwords)),
            Whole::SevenZip => Reader::SevenZip(Box::new(SevenZip::new(passwords))),
            Whole::Cab => Reader::Cab(Box::default()),
            Whole::Chm => Reader::Chm(Box::default()),
            Whole::Disk => Reader::Disk(Disk::new()),
            Whole::Storage => Reader::Disk(Disk::storage()),
            Whole::Sis => Reader::Sis(Sis::new()),
            Whole::Dmg => Reader::Dmg(Dmg::new()),
            Whole::Packed(suspect) => Reader::Packed(Box::new(Packed::new(suspect))),
            Whole::Nsis => Reader::Nsis(Box::default()),
            Whole::Again(kind) => Reader::Again(Again::new(kind)),
            Whole::Xar => Reader::Xar(Xar::default()),
            Whole::Stray => Reader::Stray,
        };
        Self { whole, spool, reader, strays: Strays::default() }
    }

    /// As [`super::Unpacker::step`] without input. [`super::Progress::Hungry`] says that nothing is left.
    pub(super) fn step(&mut self, output: &mut [u8]) -> Step {
        let bytes = self.spool.bytes().unwrap_or_default();
        if self.strays.has_begun() {
            let reader = &self.reader;
            let (made, progress) = self.strays.step(bytes, output, |place| reader.has(place));
            return Step { used: 0, made, progress };
        }
        let (made, progress) = match &mut self.reader {
            Reader::Ole2(ole2) => ole2.step(bytes, output),
            Reader::Pdf(pdf) => pdf.step(bytes, output),
            Reader::SevenZip(archive) => archive.step(bytes, output),
            Reader::Cab(cab) => cab.step(bytes, output),
            Reader::Chm(chm) => chm.step(bytes, output),
            Reader::Disk(disk) => disk.step(bytes, output),
            Reader::Sis(sis) => sis.step(bytes, output),
            Reader::Dmg(dmg) => dmg.step(bytes, output),
            Reader::Packed(packed) => packed.step(bytes, output),
            Reader::Nsis(nsis) => nsis.step(bytes, output),
            Reader::Again(again) => again.step(bytes, output),
            Reader::Xar(xar) => xar.step(bytes, output),
            Reader::Stray => (0, Progress::Hungry),
        };
        if progress == Progress::Hungry && self.reader.may_have_strays() {
            self.strays.begin();
            return Step { used: 0, made, progress: Progress::Full };
        }
        Step { used: 0, made, progress }
    }

    /// As [`super::Unpacker::pace`].
    pub(super) fn pace(&self) -> Pace {
        match &self.reader {
            Reader::Ole2(_)
            | Reader::Pdf(_)
            | Reader::Disk(_)
            | Reader::Sis(_)
            | Reader::Stray
            | Reader::Again(_) => Pace::Quick,
            Reader::SevenZip(archive) => archive.pace(),
            // Instructions of a machine, and bits.
            Reader::Cab(_)
            | Reader::Chm(_)
            | Reader::Dmg(_)
            | Reader::Packed(_)
            | Reader::Xar(_)
            | Reader::Nsis(_) => Pace::Steady,
        }
    }

    pub(super) fn member(&self) -> Member {
        if let Some(stray) = self.strays.member() {
            return stray;
        }
        match &self.reader {
            Reader::Ole2(ole2) => ole2.member(),
            Reader::Pdf(pdf) => pdf.member(),
            Reader::SevenZip(archive) => archive.member(),
            Reader::Cab(cab) => cab.member(),
            Reader::Chm(chm) => chm.member(),
            Reader::Disk(disk) => disk.member(),
            Reader::Sis(sis) => sis.member(),
            Reader::Dmg(dmg) => dmg.member(),
            Reader::Packed(packed) => packed.member(),
            Reader::Nsis(nsis) => nsis.member(),
            Reader::Again(again) => again.member(),
            Reader::Xar(xar) => xar.member(),
            Reader::Stray => Member::default(),
        }
    }

    /// As [`super::Unpacker::pass_over`].
    pub(super) fn pass_over(&mut self) -> bool {
        if self.strays.has_begun() {
            return false;
        }
        match &mut self.reader {
            Reader::Ole2(_)
            | Reader::Pdf(_)
            | Reader::Nsis(_)
            | Reader::Disk(_)
            | Reader::Sis(_)
            | Reader::Dmg(_)
            | Reader::Packed(_)
            | Reader::Xar(_)
            | Reader::Stray
            | Reader::Again(_) => false,
            Reader::SevenZip(archive) => archive.pass_over(),
            Reader::Cab(cab) => cab.pass_over(),
            Reader::Chm(chm) => chm.pass_over(),
        }
    }

    /// Gives the bytes back, and says as what they were opened.
    pub(in crate::engine) fn close(self) -> (Whole, Spool) {
        (self.whole, self.spool)
    }
}

impl Reader {
    /// Whether archives are looked for in what is of no member.
    const fn may_have_strays(&self) -> bool {
        match self {
            Self::Ole2(_) | Self::Chm(_) | Self::Sis(_) | Self::Xar(_) | Self::Stray => true,
            Self::Disk(disk) => disk.is_storage(),
            Self::Pdf(_)
            | Self::SevenZip(_)
            | Self::Cab(_)
            | Self::Dmg(_)
            | Self::Packed(_)
            | Self::Again(_)
            | Self::Nsis(_) => false,
        }
    }

    /// Whether a byte is one of a member, as it lies there.
    fn has(&self, place: u64) -> bool {
        match self {
            Self::Ole2(ole2) => ole2.has(place),
            Self::Chm(chm) => chm.has(place),
            Self::Sis(sis) => sis.has(place),
            Self::Disk(disk) => disk.has(place),
            Self::Xar(xar) => xar.has(place),
            Self::Pdf(_)
            | Self::SevenZip(_)
            | Self::Cab(_)
            | Self::Dmg(_)
            | Self::Packed(_)
            | Self::Again(_)
            | Self::Nsis(_)
            | Self::Stray => false,
        }
    }
}
