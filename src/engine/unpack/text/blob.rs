//! Something encoded in a text: the member, or the members, that come out of it.
//!
//! A member begins when there is enough of it, so that what is too small leaves no trace.

use crate::engine::unpack::armor::Poured;
use crate::engine::unpack::armor::binhex::{Binhex, Fork, Sought};
use crate::engine::unpack::armor::inline::Inline;
use crate::engine::unpack::armor::percent::Percent;
use crate::engine::unpack::armor::uu::Uu;
use crate::engine::unpack::armor::yenc::Yenc;
use crate::engine::unpack::parts::copy;
use crate::engine::unpack::{Label, Member};
use crate::engine::verdict::Why;

/// What is being decoded.
pub(super) struct Blob {
    pub(super) armor: Armor,
    label: Label,
    /// Fewer bytes are no member.
    least: usize,
    /// Bytes in front of the input that have to be decoded, too.
    owed: Vec<u8>,
    /// Decoded bytes that were not given out.
    front: Vec<u8>,
    place: Place,
}

/// How it is written.
pub(super) enum Armor {
    Inline(Inline),
    Percent(Percent),
    Uu(Uu),
    Yenc(Yenc),
    Binhex(Binhex),
}

/// Where in a member it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// None has begun.
    Before,
    /// One has.
    Inside,
    /// All of it is decoded.
    Last(Result<(), Why>),
    Over,
}

/// What there is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Hungry,
    Full,
    Begin,
    End(Result<(), Why>),
    /// Nothing: it goes on.
    Go,
    /// The text goes on.
    Over,
}

impl Blob {
    pub(super) fn new(armor: Armor, label: Label, least: usize) -> Box<Self> {
        let (owed, front) = (Vec::new(), Vec::new());
        Box::new(Self { armor, label, least, owed, front, place: Place::Before })
    }

    /// A run of letters, which were read.
    pub(super) fn of_run(letters: Vec<u8>) -> Box<Self> {
        let mut blob = Self::new(Armor::Inline(Inline::new(false)), Label::of("base64"), 1);
        blob.owed = letters;
        blob
    }

    pub(super) fn member(&mut self) -> Member {
        let (label, size) = match &self.armor {
            Armor::Binhex(binhex) => {
                (Label::named("binhex", binhex.name()), Some(u64::from(binhex.size())))
            }
            Armor::Inline(_) | Armor::Percent(_) | Armor::Uu(_) | Armor::Yenc(_) => {
                (std::mem::take(&mut self.label), None)
            }
        };
        Member { label, size, is_inline: true, ..Member::default() }
    }

    /// What was taken and does not belong to it.
    pub(super) fn leftover(&self) -> &[u8] {
        match &self.armor {
            Armor::Inline(inline) => inline.leftover(),
            Armor::Percent(_) | Armor::Uu(_) | Armor::Yenc(_) | Armor::Binhex(_) => &[],
        }
    }

    /// Takes from `source`, makes bytes of the member, and says what there is to say.
    pub(super) fn pour(
        &mut self,
        source: &[u8],
        output: &mut [u8],
        is_last: bool,
    ) -> (usize, usize, Said) {
        match self.place {
            Place::Over => (0, 0, Said::Over),
            Place::Last(_) | Place::Inside if !self.front.is_empty() => {
                let made = copy(&self.front, output);
                self.front.drain(..made);
                (0, made, if self.front.is_empty() { Said::Go } else { Said::Full })
            }
            Place::Last(fate) => {
                self.place = Place::Over;
                (0, 0, Said::End(fate))
            }
            Place::Before => self.before(source, is_last),
            Place::Inside => self.inside(source, output, is_last),
        }
    }

    /// Collects what a member needs at least.
    fn before(&mut self, source: &[u8], is_last: bool) -> (usize, usize, Said) {
        if let Armor::Binhex(binhex) = &mut self.armor {
            let (used, sought) = binhex.seek(source);
            return match sought {
                Sought::Fork(Fork::Data | Fork::Resource) => {
                    self.place = Place::Inside;
                    (used, 0, Said::Begin)
                }
                Sought::Hungry if !is_last => (used, 0, Said::Hungry),
                Sought::Hungry | Sought::End(_) => (used, 0, Said::Over),
            };
        }
        let mut room = [0; LEAST_MAX];
        let missing = self.least.saturating_sub(self.front.len());
        let poured = self.decode(source, room.get_mut(..missing).unwrap_or_default(), is_last);
        self.front.extend_from_slice(room.get(..poured.made).unwrap_or_default());
        let said = if self.front.len() >= self.least {
            self.place = poured.end.map_or(Place::Inside, Place::Last);
            Said::Begin
        } else if poured.end.is_some() || (is_last && poured.used == source.len()) {
            Said::Over
        } else {
            Said::Hungry
        };
        (poured.used, 0, said)
    }

    fn inside(&mut self, source: &[u8], output: &mut [u8], is_last: bool) -> (usize, usize, Said) {
        let poured = self.decode(source, output, is_last);
        let has_room = poured.made < output.len();
        let said = match poured.end {
            Some(fate) if matches!(self.armor, Armor::Binhex(_)) => {
                self.place = if fate.is_ok() { Place::Before } else { Place::Over };
                Said::End(fate)
            }
            Some(fate) => {
                self.place = Place::Last(fate);
                Said::Go
            }
            None if !has_room => Said::Full,
            None if is_last => {
                let is_short = matches!(self.armor, Armor::Binhex(_));
                self.place = Place::Last(if is_short { Err(SHORT) } else { Ok(()) });
                Said::Go
            }
            None => Said::Hungry,
        };
        (poured.used, poured.made, said)
    }

    fn decode(&mut self, source: &[u8], output: &mut [u8], is_last: bool) -> Poured {
        let mut first = 0_usize;
        if !self.owed.is_empty() {
            let owed = std::mem::take(&mut self.owed);
            let poured = self.undo(&owed, output, false);
            self.owed = owed.get(poured.used..).unwrap_or_default().to_vec();
            if !self.owed.is_empty() || poured.end.is_some() {
                return Poured { used: 0, ..poured };
            }
            first = poured.made;
        }
        let room = output.get_mut(first..).unwrap_or_default();
        let poured = self.undo(source, room, is_last);
        Poured { made: poured.made.saturating_add(first), ..poured }
    }

    fn undo(&mut self, source: &[u8], output: &mut [u8], is_last: bool) -> Poured {
        match &mut self.armor {
            Armor::Inline(inline) => inline.pour(source, output, is_last),
            Armor::Percent(percent) => percent.pour(source, output),
            Armor::Uu(uu) => uu.pour(source, output),
            Armor::Yenc(yenc) => yenc.pour(source, output),
            Armor::Binhex(binhex) => binhex.pour(source, output),
        }
    }
}

/// The most that a member may be asked to have at least.
const LEAST_MAX: usize = 64;
const SHORT: Why = Why::Broken("BinHex: ends early");
