//! ar: libraries, and packages of Debian (deb(5)).
//!
//! `!<arch>\n`, then members: a header of 60 bytes, the bytes, and one more to an even number. Names of more than
//! 16 bytes are in a member of their own (`//`, System V and GNU) or in front of the bytes (`#1/`, BSD).
//!
//! Every member with bytes is handed on, the tables of symbols too: what another reader takes for a file
//! is not known. Absent on purpose: thin archives (`!<thin>`), which have no bytes of their members in them.

use super::member::{Label, Member};
use super::parts::{Gathered, hand_on_member, pass};
use super::{Progress, Step};
use crate::engine::unpack::walk::Walk;
use crate::engine::verdict::{Limit, Why};

/// An ar archive being read.
#[derive(Default)]
pub(in crate::engine) struct Ar {
    place: Place,
    gathered: Gathered,
    /// Names of more than 16 bytes.
    names: Vec<u8>,
    name: Vec<u8>,
    /// Bytes of the member that is read, and whether one follows it, that are left.
    left: u64,
    padding: u64,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Magic,
    Header,
    /// The table of long names.
    Names,
    /// The name in front of the bytes, of so many bytes.
    Name(usize),
    /// A member was described, which has yet to begin.
    Enter,
    /// The bytes of a member, whose beginning was said.
    Data,
    Padding,
}

impl Ar {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Reads the next part of what is around members. False when it needs more input for it.
    fn describe(&mut self, rest: &mut &[u8]) -> Result<bool, Why> {
        match self.place {
            Place::Magic => {
                let Some(magic) = self.gathered.fill(rest, MAGIC.len()) else { return Ok(false) };
                if magic != MAGIC {
                    return Err(Why::Broken("ar: not an ar archive"));
                }
                self.gathered.clear();
                self.place = Place::Header;
            }
            Place::Header => {
                let Some(header) = self.gathered.fill(rest, HEADER_BYTES) else {
                    return Ok(false);
                };
                let (name, size) = fields(header).ok_or(Why::Broken("ar: not a header"))?;
                let name = name.to_vec();
                self.gathered.clear();
                self.begin(name, size)?;
            }
            Place::Names => {
                let wanted = usize::try_from(self.left).unwrap_or(usize::MAX);
                let Some(names) = self.gathered.fill(rest, wanted) else { return Ok(false) };
                self.names = names.to_vec();
                self.gathered.clear();
                self.place = Place::Padding;
            }
            Place::Name(wanted) => {
                let Some(name) = self.gathered.fill(rest, wanted) else { return Ok(false) };
                self.name = until(name, 0).to_vec();
                self.gathered.clear();
                self.enter();
            }
            Place::Padding => {
                if !pass(rest, &mut self.padding) {
                    return Ok(false);
                }
                self.place = Place::Header;
            }
            Place::Enter | Place::Data => {}
        }
        Ok(true)
    }

    /// A header was read.
    fn begin(&mut self, name: Vec<u8>, size: u64) -> Result<(), Why> {
        (self.left, self.padding) = (size, size & 1);
        if name == b"//" {
            self.place = Place::Names;
            let is_long = size > NAMES_BYTES_MAX;
            return if is_long { Err(Why::Limit(Limit::MaxScanState)) } else { Ok(()) };
        }
        if let Some(length) = name.strip_prefix(b"#1/").and_then(decimal) {
            self.left = size.checked_sub(length).ok_or(Why::Broken("ar: the length of a name"))?;
            if length > NAMES_BYTES_MAX {
                return Err(Why::Limit(Limit::MaxScanState));
            }
            self.place = Place::Name(usize::try_from(length).unwrap_or(usize::MAX));
            return Ok(());
        }
        self.name = match name.strip_prefix(b"/").and_then(decimal) {
            Some(at) => self.long_name(at).unwrap_or(name),
            // System V and GNU end a name with a stroke, so that it may have spaces.
            None if name.len() > 1 && !name.starts_with(b"/") => until(&name, b'/').to_vec(),
            None => name,
        };
        self.enter();
        Ok(())
    }

    const fn enter(&mut self) {
        self.place = if self.left > 0 { Place::Enter } else { Place::Padding };
    }

    /// The name at this place in the table: up to the end of its line.
    fn long_name(&self, at: u64) -> Option<Vec<u8>> {
        let name = until(self.names.get(usize::try_from(at).ok()?..)?, b'\n');
        let name = name.strip_suffix(b"/").unwrap_or(name);
        (!name.is_empty()).then(|| name.to_vec())
    }
}

impl Walk for Ar {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0;
        let progress = loop {
            match self.place {
                Place::Enter => {
                    self.place = Place::Data;
                    break Progress::Begin;
                }
                Place::Data => {
                    let said;
                    (made, said) = hand_on_member(&mut rest, &mut self.left, output);
                    if self.left == 0 {
                        self.place = Place::Padding;
                    }
                    break said;
                }
                Place::Magic | Place::Header | Place::Names | Place::Name(_) | Place::Padding => {
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
        let name = std::mem::take(&mut self.name);
        Member { label: Label::named("ar", &name), size: Some(self.left), ..Member::default() }
    }

    fn finish(&self) -> Result<(), Why> {
        let is_between = match self.place {
            Place::Header => self.gathered.bytes().is_empty(),
            Place::Padding => true,
            Place::Magic | Place::Names | Place::Name(_) | Place::Enter | Place::Data => false,
        };
        if is_between { Ok(()) } else { Err(Why::Broken("ar: ends early")) }
    }
}

/// The name and the size in a header. `None` when it is none.
fn fields(header: &[u8]) -> Option<(&[u8], u64)> {
    let size = decimal(header.get(48..58)?)?;
    (header.get(58..)? == b"`\n").then_some((header.get(..16)?.trim_ascii_end(), size))
}

/// Digits, and spaces behind them.
fn decimal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field.trim_ascii_end()).ok()?;
    let is_number = text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

fn until(bytes: &[u8], end: u8) -> &[u8] {
    bytes.split(|byte| *byte == end).next().unwrap_or_default()
}

pub(super) const MAGIC: &[u8] = b"!<arch>\n";
const HEADER_BYTES: usize = 60;
/// A table of names is read up to this size; those of the largest libraries have a tenth of it.
const NAMES_BYTES_MAX: u64 = 1 << 20;
