//! TNEF (MS-OXTNEF): what Outlook sends as `winmail.dat`. Attributes, one after another, and properties in some of them.
//!
//! ```text
//!   signature · key ┃ level · id · length · bytes · sum ┃ …
//!                              ├─▶ attAttachData: a file, named by the attAttachTitle in front of it
//!                              ├─▶ attBody: the text
//!                              └─▶ attMsgProps, attAttachment: properties (MS-OXCDATA)
//!                                    ├─▶ the body as HTML, or as RTF, which is unpacked (`lzfu`)
//!                                    └─▶ objects and other long values: embedded messages, documents
//! ```
//!
//! Absent on purpose: the sums, and what is said of recipients and times.

mod lzfu;
mod properties;

use crate::engine::unpack::walk::Walk;
use lzfu::Lzfu;
use properties::{Found, Properties};

use super::member::{Label, Member};
use super::parts::{Gathered, hand_on_member, pass, wide};
use super::{Progress, Step};
use crate::engine::verdict::Why;

/// A TNEF stream being read.
#[derive(Default)]
pub(in crate::engine) struct Tnef {
    place: Place,
    gathered: Gathered,
    /// Bytes of the attribute that are left.
    left: u64,
    /// Of those, bytes of the value that is read, and bytes in front of it that are no part of it.
    value: u64,
    /// The title of the attachment that is described.
    title: Vec<u8>,
    label: Label,
    properties: Properties,
    lzfu: Option<Box<Lzfu>>,
    /// Whether the attributes of an attachment have its data.
    has_attribute: bool,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Front,
    Attribute,
    Title,
    /// A member was described, which has yet to begin.
    Enter,
    /// The bytes of a member, whose beginning was said.
    Value,
    /// The same, of a body that is packed.
    Packed,
    Properties,
    /// What is left of an attribute.
    Rest,
    Sum,
}

impl Tnef {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Reads on in what describes something. False when it wants more.
    fn describe(&mut self, rest: &mut &[u8]) -> Result<bool, Why> {
        let wanted = match self.place {
            Place::Front => FRONT_BYTES,
            Place::Title => usize::try_from(self.left).unwrap_or(usize::MAX),
            Place::Sum => SUM_BYTES,
            Place::Attribute
            | Place::Enter
            | Place::Value
            | Place::Packed
            | Place::Properties
            | Place::Rest => ATTRIBUTE_BYTES,
        };
        let Some(bytes) = self.gathered.fill(rest, wanted) else { return Ok(false) };
        match self.place {
            Place::Front if !bytes.starts_with(MAGIC) => return Err(Why::Broken("TNEF: not one")),
            Place::Front | Place::Sum => {
                self.gathered.clear();
                self.place = Place::Attribute;
            }
            Place::Title => {
                self.title = bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
                self.gathered.clear();
                self.left = 0;
                self.place = Place::Sum;
            }
            Place::Attribute
            | Place::Enter
            | Place::Value
            | Place::Packed
            | Place::Properties
            | Place::Rest => {
                let word = |at: usize| {
                    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
                    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
                };
                let (level, id, length) =
                    (bytes.first().copied().unwrap_or_default(), word(1), word(5));
                self.gathered.clear();
                if !matches!(level, 1 | 2) {
                    return Err(Why::Broken("TNEF: not an attribute"));
                }
                self.left = u64::from(length);
                self.begin(id);
            }
        }
        Ok(true)
    }

    /// An attribute begins.
    fn begin(&mut self, id: u32) {
        self.value = self.left;
        self.has_attribute = true;
        // The upper half is a type, which not every reader looks at.
        self.place = match id & 0xffff {
            _ if self.left == 0 => Place::Sum,
            ATTACH_TITLE if self.left <= TITLE_BYTES_MAX => Place::Title,
            ATTACH_REND_DATA => {
                self.title.clear();
                Place::Rest
            }
            ATTACH_DATA | ATTACH_META_FILE => {
                self.label = self.named(b"");
                Place::Enter
            }
            BODY => {
                self.label = Label::named("tnef", b"body");
                Place::Enter
            }
            MESSAGE_PROPERTIES | ATTACHMENT => {
                self.properties = Properties::default();
                self.has_attribute = false;
                Place::Properties
            }
            _ => Place::Rest,
        };
    }

    /// Reads on in a list of properties, to the next one that is a member.
    fn look(&mut self, rest: &mut &[u8]) -> Option<Progress> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let mut piece = rest.get(..most).unwrap_or(rest);
        let before = piece.len();
        let found = self.properties.next(&mut piece);
        let used = before.saturating_sub(piece.len());
        *rest = rest.get(used..).unwrap_or_default();
        self.left = self.left.saturating_sub(wide(used));
        let is_damaged = match found {
            Found::Hungry if self.left == 0 => {
                self.place = Place::Sum;
                false
            }
            Found::Hungry => return Some(Progress::Hungry),
            Found::End | Found::Damaged => {
                self.place = Place::Rest;
                found == Found::Damaged
            }
            Found::Value(kind, length) => self.begin_value(kind, length),
        };
        is_damaged.then_some(Progress::Missed(DAMAGED))
    }

    /// A value of a property begins, after its length. Says whether it is longer than the attribute.
    fn begin_value(&mut self, kind: properties::Kind, length: u32) -> bool {
        let is_long = u64::from(length) > self.left;
        self.value = u64::from(length).min(self.left);
        self.lzfu = None;
        if self.value < VALUE_BYTES_MIN {
            return is_long;
        }
        self.label = match kind {
            properties::Kind::Rtf => {
                self.lzfu = Some(Box::new(Lzfu::new()));
                Label::named("tnef", b"body.rtf")
            }
            properties::Kind::Html => Label::named("tnef", b"body.html"),
            properties::Kind::Object | properties::Kind::Other => self.named(b""),
        };
        self.properties.take_over(length);
        self.place = Place::Enter;
        is_long
    }

    fn named(&self, other: &[u8]) -> Label {
        let name = if self.title.is_empty() { other } else { &self.title };
        if name.is_empty() { Label::of("tnef") } else { Label::named("tnef", name) }
    }

    /// What follows a value.
    const fn behind(&self) -> Place {
        if self.has_attribute { Place::Sum } else { Place::Properties }
    }

    /// Unpacks a body.
    fn unpack(&mut self, rest: &mut &[u8], output: &mut [u8]) -> (usize, Progress) {
        let most = usize::try_from(self.value).unwrap_or(usize::MAX);
        let piece = rest.get(..most).unwrap_or(rest);
        let Some(lzfu) = &mut self.lzfu else { return (0, Progress::Full) };
        let (used, made) = lzfu.pour(piece, output);
        *rest = rest.get(used..).unwrap_or_default();
        self.value = self.value.saturating_sub(wide(used));
        self.left = self.left.saturating_sub(wide(used));
        if self.value > 0 || lzfu.has_more() {
            let is_hungry = rest.is_empty() && !lzfu.has_more();
            return (made, if is_hungry { Progress::Hungry } else { Progress::Full });
        }
        let fate = lzfu.fate();
        self.lzfu = None;
        self.place = self.behind();
        (made, Progress::End(fate))
    }
}

impl Walk for Tnef {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0_usize;
        let progress = loop {
            match self.place {
                Place::Front | Place::Attribute | Place::Title | Place::Sum => {
                    match self.describe(&mut rest) {
                        Ok(true) => {}
                        Ok(false) => break Progress::Hungry,
                        Err(why) => break Progress::Stopped(why),
                    }
                }
                Place::Enter => {
                    self.place = if self.lzfu.is_some() { Place::Packed } else { Place::Value };
                    break Progress::Begin;
                }
                Place::Value => {
                    let before = self.value;
                    let said;
                    (made, said) = hand_on_member(&mut rest, &mut self.value, output);
                    self.left = self.left.saturating_sub(before.saturating_sub(self.value));
                    if self.value == 0 {
                        self.place = self.behind();
                    }
                    break said;
                }
                Place::Packed => {
                    let said;
                    (made, said) = self.unpack(&mut rest, output);
                    break said;
                }
                Place::Properties => {
                    if let Some(said) = self.look(&mut rest) {
                        break said;
                    }
                }
                Place::Rest => {
                    if !pass(&mut rest, &mut self.left) {
                        break Progress::Hungry;
                    }
                    self.place = Place::Sum;
                }
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    fn member(&mut self) -> Member {
        let size = self.lzfu.is_none().then_some(self.value);
        let state_bytes = if self.lzfu.is_some() { lzfu::STATE_BYTES } else { 0 };
        Member { label: std::mem::take(&mut self.label), size, state_bytes, ..Member::default() }
    }

    fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::Attribute if self.gathered.bytes().iter().all(|byte| *byte == 0) => Ok(()),
            // The last sum is often not there.
            Place::Sum => Ok(()),
            Place::Front
            | Place::Attribute
            | Place::Title
            | Place::Enter
            | Place::Value
            | Place::Packed
            | Place::Properties
            | Place::Rest => Err(Why::Broken("TNEF: ends early")),
        }
    }
}

const MAGIC: &[u8] = b"\x78\x9f\x3e\x22";
const FRONT_BYTES: usize = 6;
/// Level, id and length.
const ATTRIBUTE_BYTES: usize = 9;
const SUM_BYTES: usize = 2;
/// MS-OXTNEF 2.1.3.2, without their types.
const BODY: u32 = 0x800c;
const MESSAGE_PROPERTIES: u32 = 0x9003;
const ATTACH_REND_DATA: u32 = 0x9002;
const ATTACHMENT: u32 = 0x9005;
const ATTACH_DATA: u32 = 0x800f;
const ATTACH_META_FILE: u32 = 0x8011;
const ATTACH_TITLE: u32 = 0x8010;
/// Longer titles are none.
const TITLE_BYTES_MAX: u64 = 4 << 10;
/// Shorter values of properties are numbers and names, which were looked at as they are.
const VALUE_BYTES_MIN: u64 = 64;
const DAMAGED: Why = Why::Broken("TNEF: properties");
