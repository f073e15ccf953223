//! Properties of a message or an attachment in TNEF (MS-OXTNEF 2.1.3.4): a list of types, ids and values.
//!
//! Values of a fixed size are passed over; those with a length are told, and the bytes are for the caller
//! to take.

use crate::engine::unpack::parts::{Gathered, pass};

/// The list while it is read.
#[derive(Debug, Default)]
pub(super) struct Properties {
    place: Place,
    gathered: Gathered,
    /// Properties that are to come.
    count: u32,
    kind: u16,
    id: u16,
    /// Values of the property that are to come.
    values: u32,
    /// Bytes to be passed over.
    skipped: u64,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Count,
    Property,
    /// The name of one that has no number: a set, and how it is named.
    Name,
    /// The length of a name in letters.
    NameLength,
    /// How many values there are.
    Values,
    /// The length of a value.
    Length,
    /// The kind of an object.
    ObjectKind(u32),
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The body in RTF, packed.
    Rtf,
    /// The body in HTML.
    Html,
    /// Something embedded.
    Object,
    /// Any other bytes, or text.
    Other,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Hungry,
    /// A value of so many bytes. It is passed over, unless it is taken over.
    Value(Kind, u32),
    End,
    Damaged,
}

impl Properties {
    /// The next value, from the front of `rest`.
    pub(super) fn next(&mut self, rest: &mut &[u8]) -> Found {
        loop {
            if !pass(rest, &mut self.skipped) {
                return Found::Hungry;
            }
            if self.place == Place::Property && self.count == 0 {
                return Found::End;
            }
            let wanted = match self.place {
                Place::Count
                | Place::Property
                | Place::NameLength
                | Place::Values
                | Place::Length => 4,
                Place::Name => 20,
                Place::ObjectKind(_) => 16,
            };
            let Some(bytes) = self.gathered.fill(rest, wanted) else { return Found::Hungry };
            let last = bytes.get(wanted.saturating_sub(4)..).and_then(<[u8]>::first_chunk);
            let number = last.map_or(0, |bytes| u32::from_le_bytes(*bytes));
            self.gathered.clear();
            if let Some(found) = self.take(number) {
                return found;
            }
        }
    }

    /// The bytes of the value are taken by somebody else: only what fills up its last word is left.
    pub(super) fn take_over(&mut self, length: u32) {
        self.skipped = self.skipped.saturating_sub(u64::from(length));
    }

    fn take(&mut self, number: u32) -> Option<Found> {
        match self.place {
            Place::Count => {
                self.count = number;
                self.place = Place::Property;
            }
            Place::Property => {
                self.count = self.count.saturating_sub(1);
                let [kind_low, kind_high, id_low, id_high] = number.to_le_bytes();
                self.kind = u16::from_le_bytes([kind_low, kind_high]);
                self.id = u16::from_le_bytes([id_low, id_high]);
                if self.id >= NAMED_FROM {
                    self.place = Place::Name;
                } else {
                    return self.enter();
                }
            }
            Place::Name if number == 0 => {
                self.skipped = 4;
                return self.enter();
            }
            Place::Name => self.place = Place::NameLength,
            Place::NameLength => {
                self.skipped = padded(number);
                return self.enter();
            }
            Place::Values => {
                self.values = number;
                match fixed_bytes(self.kind) {
                    Some(size) => {
                        self.skipped = u64::from(number).saturating_mul(size);
                        self.place = Place::Property;
                    }
                    None => self.behind_value(),
                }
            }
            Place::Length if self.kind & VALUE_KIND == OBJECT && number >= 16 => {
                self.place = Place::ObjectKind(number.saturating_sub(16));
            }
            Place::Length => return Some(self.value(number)),
            Place::ObjectKind(length) => return Some(self.value(length)),
        }
        None
    }

    /// A value of so many bytes begins.
    fn value(&mut self, length: u32) -> Found {
        self.values = self.values.saturating_sub(1);
        self.skipped = padded(length);
        self.behind_value();
        let kind = match (self.id, self.kind & VALUE_KIND) {
            (RTF_COMPRESSED, _) => Kind::Rtf,
            (BODY_HTML, _) => Kind::Html,
            (_, OBJECT) => Kind::Object,
            _ => Kind::Other,
        };
        Found::Value(kind, length)
    }

    /// The value of a property that is known begins.
    fn enter(&mut self) -> Option<Found> {
        let is_many = self.kind & MANY != 0;
        match fixed_bytes(self.kind) {
            Some(_) if is_many => self.place = Place::Values,
            Some(size) => {
                self.skipped = self.skipped.saturating_add(size);
                self.place = Place::Property;
            }
            None if is_known(self.kind) => self.place = Place::Values,
            None => return Some(Found::Damaged),
        }
        None
    }

    const fn behind_value(&mut self) {
        self.place = if self.values > 0 { Place::Length } else { Place::Property };
    }
}

/// Bytes that a value of this kind always has, filled up to whole words.
const fn fixed_bytes(kind: u16) -> Option<u64> {
    match kind & VALUE_KIND {
        0x01 => Some(0),
        0x02..=0x04 | 0x0a | 0x0b => Some(4),
        0x05..=0x07 | 0x14 | 0x40 => Some(8),
        0x48 => Some(16),
        _ => None,
    }
}

/// Whether a value of this kind has a length: an object, text of both kinds, bytes.
const fn is_known(kind: u16) -> bool {
    matches!(kind & VALUE_KIND, OBJECT | 0x1e | 0x1f | 0x102)
}

/// With what fills it up to whole words.
fn padded(length: u32) -> u64 {
    u64::from(length).saturating_add(3) & !3
}

/// Several values.
const MANY: u16 = 0x1000;
const VALUE_KIND: u16 = 0x0fff;
const OBJECT: u16 = 0x0d;
/// Ids from here on have names.
const NAMED_FROM: u16 = 0x8000;
const RTF_COMPRESSED: u16 = 0x1009;
const BODY_HTML: u16 = 0x1013;
