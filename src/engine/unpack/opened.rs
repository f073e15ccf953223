//! A container all of whose bytes are there: its members are found through tables that lie anywhere.
//!
//! Each step reads at most a few tables or fills one window, so that a scan of a large container is cut
//! into slices like any other. Every offset and length in it is somebody's word.

use super::ole2::Ole2;
use super::packed::Packed;
use super::pdf::Pdf;
use super::{Member, Step, Whole};
use crate::engine::spool::Spool;

/// A container that is open.
pub(in crate::engine) struct Opened {
    spool: Spool,
    reader: Reader,
}

/// What reads it. A reader is given all bytes of the container at each step.
enum Reader {
    Ole2(Ole2),
    Pdf(Pdf),
    Packed(Box<Packed>),
}

impl Opened {
    pub(super) fn new(whole: Whole, spool: Spool) -> Self {
        let reader = match whole {
            Whole::Ole2 => Reader::Ole2(Ole2::new()),
            Whole::Pdf => Reader::Pdf(Pdf::new()),
            Whole::Packed(suspect) => Reader::Packed(Box::new(Packed::new(suspect))),
        };
        Self { spool, reader }
    }

    /// As [`super::Unpacker::step`] without input. [`super::Progress::Hungry`] says that nothing is left.
    pub(super) fn step(&mut self, output: &mut [u8]) -> Step {
        let bytes = self.spool.bytes().unwrap_or_default();
        let (made, progress) = match &mut self.reader {
            Reader::Ole2(ole2) => ole2.step(bytes, output),
            Reader::Pdf(pdf) => pdf.step(bytes, output),
            Reader::Packed(packed) => packed.step(bytes, output),
        };
        Step { used: 0, made, progress }
    }

    pub(super) fn member(&self) -> Member {
        match &self.reader {
            Reader::Ole2(ole2) => ole2.member(),
            Reader::Pdf(pdf) => pdf.member(),
            Reader::Packed(packed) => packed.member(),
        }
    }

    /// Gives the bytes back.
    pub(in crate::engine) fn close(self) -> Spool {
        self.spool
    }
}
