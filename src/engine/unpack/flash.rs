//! Packed Flash (SWF File Format Specification 19, chapter 2): `CWS` with zlib, `ZWS` with LZMA.
//!
//! What comes out is the film as it would stand without packing, `FWS` and its version and length in front, as
//! signatures for Flash are written. The length says where an LZMA stream ends; zlib knows itself.

use super::deflate::Deflate;
use super::lzma::{self, Lzma};
use super::parts::{Gathered, copy};
use super::{Progress, Step};
use crate::engine::verdict::Why;

/// A packed film being read.
pub(in crate::engine) struct Flash {
    place: Place,
    header: Gathered,
    /// The header of what comes out.
    plain: [u8; HEADER_BYTES],
    given: usize,
}

enum Place {
    Header,
    Zlib(Box<Deflate>),
    Lzma(Box<Lzma>),
}

impl Flash {
    pub(super) fn new() -> Self {
        let header = Gathered::default();
        Self { place: Place::Header, header, plain: [0; HEADER_BYTES], given: 0 }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        if matches!(self.place, Place::Header) {
            match self.begin(&mut rest) {
                Ok(true) => {}
                Ok(false) => {
                    return Step { used: input.len(), made: 0, progress: Progress::Hungry };
                }
                Err(why) => {
                    let used = input.len().saturating_sub(rest.len());
                    return Step { used, made: 0, progress: Progress::Stopped(why) };
                }
            }
        }
        let made = copy(self.plain.get(self.given..).unwrap_or_default(), output);
        self.given = self.given.saturating_add(made);
        let room = output.get_mut(made..).unwrap_or_default();
        let before = input.len().saturating_sub(rest.len());
        if self.given < self.plain.len() {
            return Step { used: before, made, progress: Progress::Full };
        }
        let step = match &mut self.place {
            Place::Header => Step { used: 0, made: 0, progress: Progress::Hungry },
            Place::Zlib(deflate) => deflate.step(rest, room),
            Place::Lzma(lzma) => lzma.step(rest, room),
        };
        Step {
            used: before.saturating_add(step.used),
            made: made.saturating_add(step.made),
            progress: step.progress,
        }
    }

    /// Whether the film may end here.
    pub(super) const fn finish(&self) -> Result<(), Why> {
        match &self.place {
            Place::Header => Err(Why::Broken("Flash: ends early")),
            Place::Zlib(deflate) => deflate.finish(),
            Place::Lzma(lzma) => lzma.finish(),
        }
    }

    /// Reads the header. False when it needs more input for that.
    fn begin(&mut self, rest: &mut &[u8]) -> Result<bool, Why> {
        let Some(front) = self.header.fill(rest, HEADER_BYTES) else { return Ok(false) };
        let front: [u8; HEADER_BYTES] = front.try_into().map_err(|_| NO_FILM)?;
        let [kind, _, _, version, length @ ..] = front;
        self.place = match kind {
            b'C' => Place::Zlib(Box::new(Deflate::new())),
            b'Z' => {
                let Some(all) = self.header.fill(rest, LZMA_HEADER_BYTES) else { return Ok(false) };
                let properties = all.last_chunk().ok_or(NO_FILM)?;
                let size = u64::from(u32::from_le_bytes(length));
                let size = size.saturating_sub(HEADER_BYTES_WIDE);
                Place::Lzma(Box::new(Lzma::raw(*properties, Some(size))?))
            }
            _ => return Err(NO_FILM),
        };
        let [a, b, c, d] = length;
        self.plain = [b'F', b'W', b'S', version, a, b, c, d];
        self.header.clear();
        Ok(true)
    }
}

/// The most memory that a film with this head takes, in bytes.
pub(super) fn state_bytes(head: &[u8]) -> u64 {
    let properties = head.get(..LZMA_HEADER_BYTES).filter(|_| head.starts_with(b"Z"));
    match properties.and_then(<[u8]>::last_chunk::<{ lzma::PROPERTIES_BYTES }>) {
        Some(properties) => {
            let size = head.get(4..8).and_then(<[u8]>::first_chunk).copied();
            let size = size.map_or(u64::MAX, |size| u64::from(u32::from_le_bytes(size)));
            lzma::state_bytes(&[&properties[..], &size.to_le_bytes()].concat())
        }
        None => super::Coding::Deflate.state_bytes(head),
    }
}

const HEADER_BYTES: usize = 8;
const HEADER_BYTES_WIDE: u64 = 8;
/// The packed length and the properties follow.
const LZMA_HEADER_BYTES: usize = HEADER_BYTES + 4 + lzma::PROPERTIES_BYTES;
const NO_FILM: Why = Why::Broken("Flash: not a packed film");
