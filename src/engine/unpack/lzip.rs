//! lzip (draft-diaz-lzip): members one after another, each an LZMA stream that ends by its mark.
//!
//! A member is `LZIP`, a version, a byte for the dictionary, the stream, and its sum and sizes. Zero bytes
//! after a member are padding, as in [`gzip`](super::gzip); any other bytes that are no member end the
//! file with a reason. The sum of the bytes is not checked, the sizes are (by the library): damage to them
//! is told after all bytes came out.

use liblzma::stream::{IGNORE_CHECK, Stream};

use super::inflate::Outcome;
use super::lzma::{CORE_BYTES, Core};
use super::parts::Gathered;
use super::{Progress, Step};
use crate::engine::verdict::{Limit, Why};

/// An lzip file being read.
pub(in crate::engine) struct Lzip {
    place: Place,
    header: Gathered,
    /// Whether a whole member was read: what follows may be anything.
    has_member: bool,
    /// The most memory that a member may take, in bytes.
    state_bytes_max: u64,
}

enum Place {
    Header,
    Body(Core),
    /// After a member: another one, padding, or the end.
    Between,
}

impl Lzip {
    /// Members that need more than `state_bytes_max` of memory are not read.
    pub(super) fn new(state_bytes_max: u64) -> Self {
        Self {
            place: Place::Header,
            header: Gathered::default(),
            has_member: false,
            state_bytes_max,
        }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0_usize;
        let progress = loop {
            match &mut self.place {
                Place::Between => match rest.split_first() {
                    None => break Progress::Hungry,
                    Some((0, after)) => rest = after,
                    Some(_) => self.place = Place::Header,
                },
                Place::Header => {
                    let is_whole = self.header.fill(&mut rest, HEADER_BYTES).is_some();
                    if !self.header.agrees_with(MAGIC) {
                        break Progress::Stopped(self.no_member());
                    }
                    if !is_whole {
                        break Progress::Hungry;
                    }
                    match begin(self.header.bytes(), self.state_bytes_max) {
                        Ok(core) => self.place = Place::Body(core),
                        Err(why) => break Progress::Stopped(why),
                    }
                    self.header.clear();
                    // Taking its memory is dear, and a member may have few bytes.
                    break Progress::Full;
                }
                Place::Body(core) => {
                    let room = output.get_mut(made..).unwrap_or_default();
                    let unpacked = core.step(rest, room, DAMAGED);
                    rest = rest.get(unpacked.used..).unwrap_or_default();
                    made = made.saturating_add(unpacked.made);
                    match unpacked.outcome {
                        Outcome::Hungry => break Progress::Hungry,
                        Outcome::Full => break Progress::Full,
                        Outcome::Stopped(why) => break Progress::Stopped(why),
                        Outcome::End => {
                            self.has_member = true;
                            self.place = Place::Between;
                        }
                    }
                }
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    /// Whether the file may end here.
    pub(super) const fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::Between => Ok(()),
            Place::Header | Place::Body(_) => Err(Why::Broken("lzip: ends early")),
        }
    }

    const fn no_member(&self) -> Why {
        Why::Broken(match self.has_member {
            true => "lzip: bytes after the last member",
            false => "lzip: not an lzip file",
        })
    }
}

/// Begins to read what follows a header, when no more than `state_bytes_max` are needed for it.
fn begin(header: &[u8], state_bytes_max: u64) -> Result<Core, Why> {
    if !matches!(header.get(4), Some(0 | 1)) {
        return Err(Why::Unsupported("lzip of another version"));
    }
    let needed = state_bytes(header);
    if needed > state_bytes_max {
        return Err(Why::Limit(Limit::MaxScanState));
    }
    let mut core = Core::of(Stream::new_lzip_decoder(needed, IGNORE_CHECK))?;
    core.take_header(header, DAMAGED)?;
    Ok(core)
}

/// The memory that a member with this header takes, in bytes, or more: `lzip` asks for as much as a member has
/// bytes, and without options for no more than this, so one of a few bytes says nothing of the next.
pub(super) fn state_bytes(header: &[u8]) -> u64 {
    // Five bits of exponent; of this, so many sixteenths less.
    let coded = header.get(5).copied().unwrap_or_default();
    let whole = 1_u64.wrapping_shl(u32::from(coded & 0x1f));
    let less = (whole / 16).saturating_mul(u64::from(coded.wrapping_shr(5)));
    whole.saturating_sub(less).max(DICTIONARY_BYTES_USUAL).saturating_add(CORE_BYTES)
}

const MAGIC: &[u8] = b"LZIP";
const DICTIONARY_BYTES_USUAL: u64 = 8 << 20;
const HEADER_BYTES: usize = 6;
const DAMAGED: &str = "lzip: damaged";
