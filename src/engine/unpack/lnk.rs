//! Shell links (MS-SHLLINK): what stands behind the link.
//!
//! A link is a header, a list of identifiers, what is known of the target, strings, and blocks up to one that is too
//! short to be one. Shells read no further; scripts and archives are hidden there, which the command of the link takes
//! out. Everything behind is one member. The command itself is matched in the bytes as they are.

use super::member::{Label, Member};
use super::numbers::{le16, le32};
use super::parts::{Gathered, hand_on, pass};
use super::{Progress, Step};
use crate::engine::unpack::walk::Walk;
use crate::engine::verdict::Why;

/// A link being read.
#[derive(Default)]
pub(in crate::engine) struct Link {
    place: Place,
    gathered: Gathered,
    flags: u32,
    /// Bytes of the part that are left.
    left: u64,
    /// Strings that were passed.
    strings: u32,
}

#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Header,
    Identifiers,
    Target,
    Strings,
    Blocks,
    /// Bytes are passed over, and then comes this.
    Pass(Then),
    /// After the last block.
    Behind,
    Rest,
}

/// What comes after something that is passed over.
#[derive(Clone, Copy)]
enum Then {
    Target,
    Strings,
    Blocks,
}

impl Link {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Reads the next part of the link, or its length. False when it needs more input for it.
    fn describe(&mut self, rest: &mut &[u8]) -> bool {
        let has = |flags: u32, bit: u32| flags.wrapping_shr(bit) & 1 == 1;
        let wanted = match self.place {
            Place::Header => HEADER_BYTES,
            Place::Identifiers if !has(self.flags, 0) => 0,
            Place::Target if !has(self.flags, 1) => 0,
            Place::Strings if self.strings >= STRINGS => 0,
            Place::Strings if !has(self.flags, self.strings.saturating_add(FIRST_STRING)) => 0,
            Place::Identifiers | Place::Strings => 2,
            Place::Target | Place::Blocks | Place::Pass(_) | Place::Behind | Place::Rest => 4,
        };
        let Some(bytes) = self.gathered.fill(rest, wanted) else { return false };
        let short = le16(bytes, 0).map_or(0, u64::from);
        let long = le32(bytes, 0).map_or(0, u64::from);
        let flags = le32(bytes, 20);
        self.gathered.clear();
        self.place = match self.place {
            Place::Header => {
                self.flags = flags.unwrap_or(0);
                Place::Identifiers
            }
            Place::Identifiers => {
                self.left = short;
                Place::Pass(Then::Target)
            }
            Place::Target => {
                self.left = long.saturating_sub(4);
                Place::Pass(Then::Strings)
            }
            Place::Strings if self.strings >= STRINGS => Place::Blocks,
            Place::Strings => {
                self.strings = self.strings.saturating_add(1);
                let width = if has(self.flags, 7) { 2 } else { 1 };
                self.left = short.saturating_mul(width);
                Place::Pass(Then::Strings)
            }
            Place::Blocks if long < 4 => Place::Behind,
            Place::Blocks => {
                self.left = long.saturating_sub(4);
                Place::Pass(Then::Blocks)
            }
            other @ (Place::Pass(_) | Place::Behind | Place::Rest) => other,
        };
        true
    }
}

impl Walk for Link {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0;
        let progress = loop {
            match self.place {
                Place::Behind => {
                    if rest.is_empty() {
                        break Progress::Hungry;
                    }
                    self.place = Place::Rest;
                    break Progress::Begin;
                }
                Place::Rest => {
                    let mut all = u64::MAX;
                    made = hand_on(&mut rest, &mut all, output);
                    break if rest.is_empty() { Progress::Hungry } else { Progress::Full };
                }
                Place::Pass(then) => {
                    if !pass(&mut rest, &mut self.left) {
                        break Progress::Hungry;
                    }
                    self.place = match then {
                        Then::Target => Place::Target,
                        Then::Strings => Place::Strings,
                        Then::Blocks => Place::Blocks,
                    };
                }
                Place::Header
                | Place::Identifiers
                | Place::Target
                | Place::Strings
                | Place::Blocks => {
                    if !self.describe(&mut rest) {
                        break Progress::Hungry;
                    }
                }
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    fn member(&mut self) -> Member {
        Member { label: Label::of("lnk-overlay"), ..Member::default() }
    }

    fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::Blocks if self.gathered.bytes().is_empty() => Ok(()),
            Place::Behind | Place::Rest => Ok(()),
            Place::Header
            | Place::Identifiers
            | Place::Target
            | Place::Strings
            | Place::Blocks
            | Place::Pass(_) => Err(Why::Broken("shell link: ends early")),
        }
    }
}

/// The first bytes of a link: the length of its header, and its class.
pub(super) const MAGIC: &[u8] = b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46";
const HEADER_BYTES: usize = 76;
/// The flag of the first of five strings, which follow each other.
const FIRST_STRING: u32 = 2;
const STRINGS: u32 = 5;
