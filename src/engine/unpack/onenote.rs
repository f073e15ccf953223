//! Sections of `OneNote` (MS-ONESTORE): the files that are embedded in them.
//!
//! Each is a `FileDataStoreObject` (2.6.13): a GUID, the length, twelve bytes, the file. They are found by the GUID,
//! wherever they stand, so what no table leads to is seen as well. Absent on purpose: pages, whose text is in the
//! bytes as they are; names, which stand in the tables.

use super::member::{Label, Member};
use super::parts::{Gathered, hand_on_member};
use super::{Progress, Step};
use crate::engine::unpack::walk::Walk;
use crate::engine::verdict::Why;

/// A section being read.
#[derive(Default)]
pub(in crate::engine) struct OneNote {
    place: Place,
    /// The bytes before that may begin a GUID.
    tail: Vec<u8>,
    header: Gathered,
    left: u64,
    count: u64,
}

#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Between,
    Header,
    Enter,
    Data,
}

impl OneNote {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Passes over everything up to a GUID and the GUID. False when there is none in the input.
    fn search(&mut self, rest: &mut &[u8]) -> bool {
        // One that began before.
        let before = self.tail.len();
        let joined = rest.get(..GUID.len().saturating_sub(1)).unwrap_or(rest);
        self.tail.extend_from_slice(joined);
        if let Some(at) = memchr::memmem::find(&self.tail, GUID)
            && at < before
        {
            let used = at.saturating_add(GUID.len()).saturating_sub(before);
            *rest = rest.get(used..).unwrap_or_default();
            self.tail.clear();
            return true;
        }
        if let Some(at) = memchr::memmem::find(rest, GUID) {
            *rest = rest.get(at.saturating_add(GUID.len())..).unwrap_or_default();
            self.tail.clear();
            return true;
        }
        self.tail.extend_from_slice(rest.get(joined.len()..).unwrap_or_default());
        let gone = self.tail.len().saturating_sub(GUID.len().saturating_sub(1));
        self.tail.drain(..gone);
        *rest = &[];
        false
    }
}

impl Walk for OneNote {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0;
        let progress = loop {
            match self.place {
                Place::Between => {
                    if !self.search(&mut rest) {
                        break Progress::Hungry;
                    }
                    self.place = Place::Header;
                }
                Place::Header => {
                    let Some(header) = self.header.fill(&mut rest, HEADER_BYTES) else {
                        break Progress::Hungry;
                    };
                    let length = header.first_chunk().copied().map_or(0, u64::from_le_bytes);
                    self.header.clear();
                    self.left = length;
                    self.place = if length == 0 { Place::Between } else { Place::Enter };
                }
                Place::Enter => {
                    self.count = self.count.saturating_add(1);
                    self.place = Place::Data;
                    break Progress::Begin;
                }
                Place::Data => {
                    let said;
                    (made, said) = hand_on_member(&mut rest, &mut self.left, output);
                    if self.left == 0 {
                        self.place = Place::Between;
                    }
                    break said;
                }
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    fn member(&mut self) -> Member {
        let label = Label::named("onenote", self.count.to_string().as_bytes());
        Member { label, size: Some(self.left), ..Member::default() }
    }

    fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::Between => Ok(()),
            Place::Header | Place::Enter | Place::Data => {
                Err(Why::Broken("OneNote: a file ends early"))
            }
        }
    }
}

/// Whether a section that begins so is packed in the other way (MS-ONESTORE 2.8), as servers hand it out: its files
/// have no marks of their own there.
pub(super) fn is_other_packaging(head: &[u8]) -> bool {
    head.starts_with(MAGIC) && head.get(48..).is_some_and(|format| format.starts_with(OTHER))
}

/// `{638DE92F-A6D4-4BC1-9A36-B3FC2511A5B7}`.
const OTHER: &[u8] = b"\x2f\xe9\x8d\x63\xd4\xa6\xc1\x4b\x9a\x36\xb3\xfc\x25\x11\xa5\xb7";
/// The first bytes of a section.
pub(super) const MAGIC: &[u8] = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3";
/// `{BDE316E7-2665-4511-A4C4-8D4D0B7A9EAC}`.
const GUID: &[u8] = b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac";
/// The length and what nobody uses.
const HEADER_BYTES: usize = 20;
