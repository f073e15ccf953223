//! Character references: `&amp;`, `&#38;`, `&#x26;`.
//!
//! As clamscan 1.4.6 reads them: names as they are written, with their `;`; a number may end with any
//! other byte, of its value the low byte counts then. Values have 16 bits.

use super::entities::code_of;

/// A reference that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference {
    kind: Kind,
    /// What was read of it, `&` included.
    text: [u8; TEXT_BYTES],
    length: usize,
    value: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A name, or nothing yet.
    Name,
    /// After `&#`.
    Number,
    Decimal,
    Hex,
}

/// What the next byte made of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes on.
    More,
    /// It is a character; the byte was its end.
    Code(u16),
    /// It is this byte as it stands; the next byte belongs to what follows.
    Byte(u8),
    /// It was none. Whether the next byte was the `;` behind it.
    Nothing { is_closed: bool },
}

impl Reference {
    /// After `&`.
    pub(super) fn new() -> Self {
        let mut text = [0; TEXT_BYTES];
        if let Some(first) = text.first_mut() {
            *first = b'&';
        }
        Self { kind: Kind::Name, text, length: 1, value: 0 }
    }

    /// What stands there when it is no reference: nothing of a number.
    pub(super) fn written(&self) -> &[u8] {
        match self.kind {
            Kind::Name => self.text.get(..self.length).unwrap_or_default(),
            Kind::Number | Kind::Decimal | Kind::Hex => &[],
        }
    }

    /// Takes the next byte.
    pub(super) fn step(&mut self, byte: u8) -> Step {
        match self.kind {
            Kind::Name => self.name(byte),
            Kind::Number if matches!(byte, b'x' | b'X') => {
                self.kind = Kind::Hex;
                Step::More
            }
            Kind::Number | Kind::Decimal => {
                self.kind = Kind::Decimal;
                self.number(byte, 10)
            }
            Kind::Hex => self.number(byte, 16),
        }
    }

    fn name(&mut self, byte: u8) -> Step {
        match byte {
            b'#' if self.length == 1 => {
                self.kind = Kind::Number;
                Step::More
            }
            b';' => {
                let name = self.text.get(1..self.length).unwrap_or_default();
                code_of(name).map_or(Step::Nothing { is_closed: true }, Step::Code)
            }
            _ if byte.is_ascii_alphanumeric() && self.length < TEXT_BYTES => {
                if let Some(slot) = self.text.get_mut(self.length) {
                    *slot = byte;
                }
                self.length = self.length.saturating_add(1);
                Step::More
            }
            _ => Step::Nothing { is_closed: false },
        }
    }

    fn number(&mut self, byte: u8, base: u16) -> Step {
        let digit =
            char::from(byte).to_digit(u32::from(base)).and_then(|digit| u16::try_from(digit).ok());
        match digit {
            Some(digit) => {
                self.value = self.value.wrapping_mul(base).wrapping_add(digit);
                Step::More
            }
            None if byte == b';' => Step::Code(self.value),
            None => Step::Byte(self.value.to_le_bytes()[0]),
        }
    }
}

/// `&` and a name. The longest that means something has eight letters; a longer run than this is text.
pub(super) const TEXT_BYTES: usize = 64;
