//! rpm packages (LSB 5.0, "Package File Format"): a lead, a signature, a header, and the payload.
//!
//! The payload is a packed cpio archive; it is one member here, up to the end of the file, and what it is its
//! own first bytes tell. Nothing of the two headers is read but how long they are, so they have no limit.
//!
//! Absent on purpose: packages of before 1997 (version 1 and 2, or a signature of another kind), which no
//! `rpm` of today installs, and the digests in the header.

use super::member::{Label, Member};
use super::parts::{Gathered, hand_on, pass};
use super::{Progress, Step};
use crate::engine::unpack::walk::Walk;
use crate::engine::verdict::Why;

/// An rpm package being read.
#[derive(Default)]
pub(in crate::engine) struct Rpm {
    place: Place,
    gathered: Gathered,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Lead,
    /// The front of a header.
    Front(Part),
    /// So many bytes of a header.
    Header(Part, u64),
    /// The payload has yet to begin.
    Enter,
    Payload,
}

#[derive(Clone, Copy)]
enum Part {
    Signature,
    Header,
}

impl Rpm {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Reads the next part of what is in front of the payload. False when it needs more input for it.
    fn describe(&mut self, rest: &mut &[u8]) -> Result<bool, Why> {
        match &mut self.place {
            Place::Lead => {
                let Some(lead) = self.gathered.fill(rest, LEAD_BYTES) else { return Ok(false) };
                if !lead.starts_with(MAGIC) {
                    return Err(Why::Broken("rpm: not an rpm package"));
                }
                let version = lead.get(4).copied().unwrap_or_default();
                if version < 3 || lead.get(78..80) != Some(&SIGNATURE_IS_HEADER) {
                    return Err(Why::Unsupported("rpm package of before 1997"));
                }
                self.gathered.clear();
                self.place = Place::Front(Part::Signature);
            }
            Place::Front(part) => {
                let Some(front) = self.gathered.fill(rest, FRONT_BYTES) else { return Ok(false) };
                let length = length(front).ok_or(Why::Broken("rpm: not a header"))?;
                self.place = Place::Header(
                    *part,
                    match part {
                        // A multiple of eight, so that the header behind it begins at one.
                        Part::Signature => length.next_multiple_of(8),
                        Part::Header => length,
                    },
                );
                self.gathered.clear();
            }
            Place::Header(part, left) => {
                if !pass(rest, left) {
                    return Ok(false);
                }
                self.place = match part {
                    Part::Signature => Place::Front(Part::Header),
                    Part::Header => Place::Enter,
                };
            }
            Place::Enter | Place::Payload => {}
        }
        Ok(true)
    }
}

impl Walk for Rpm {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0;
        let progress = loop {
            match self.place {
                Place::Enter => {
                    self.place = Place::Payload;
                    break Progress::Begin;
                }
                Place::Payload => {
                    let mut all = u64::MAX;
                    made = hand_on(&mut rest, &mut all, output);
                    break if rest.is_empty() { Progress::Hungry } else { Progress::Full };
                }
                Place::Lead | Place::Front(_) | Place::Header(..) => {
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

    fn member(&mut self) -> Member {
        Member { label: Label::of("rpm"), ..Member::default() }
    }

    fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::Enter | Place::Payload => Ok(()),
            Place::Lead | Place::Front(_) | Place::Header(..) => {
                Err(Why::Broken("rpm: ends early"))
            }
        }
    }
}

/// How many bytes follow the front of a header. `None` when it is none.
fn length(front: &[u8]) -> Option<u64> {
    let rest = front.strip_prefix(HEADER_MAGIC)?.get(4..)?;
    let (entries, rest) = rest.split_first_chunk()?;
    let entries = u64::from(u32::from_be_bytes(*entries));
    let bytes = u64::from(u32::from_be_bytes(*rest.first_chunk()?));
    Some(entries.saturating_mul(ENTRY_BYTES).saturating_add(bytes))
}

pub(super) const MAGIC: &[u8] = b"\xed\xab\xee\xdb";
const LEAD_BYTES: usize = 96;
const SIGNATURE_IS_HEADER: [u8; 2] = [0, 5];
const HEADER_MAGIC: &[u8] = b"\x8e\xad\xe8\x01";
/// Magic, four bytes that are not used, the number of entries, the bytes of their values.
const FRONT_BYTES: usize = 16;
const ENTRY_BYTES: u64 = 16;
