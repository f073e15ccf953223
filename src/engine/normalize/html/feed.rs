//! The way of bytes through the tokeniser, byte by byte: what ends the runs of [`super::runs`], and all
//! there is where a page comes in pieces shorter than a block.

use super::reference::{Reference, Step, TEXT_BYTES};
use super::{Forms, Html, State, is_space};
use crate::engine::normalize::script::Script;

impl Html {
    /// Reads the next bytes of the page and appends to its forms.
    pub(in crate::engine) fn feed(&mut self, bytes: &[u8], out: &mut Forms) {
        match self.script {
            Script::Bytes => self.narrow(bytes, out),
            Script::Wide(order) => {
                for &byte in bytes {
                    match self.half.take() {
                        None => self.half = Some(byte),
                        Some(first) => match order.code([first, byte]) {
                            BYTE_ORDER_MARK => {}
                            code @ 0x80.. => self.wide(code, out),
                            code => self.step(code.to_le_bytes()[0], out),
                        },
                    }
                }
            }
        }
    }

    /// A character beyond ASCII of a page in 16 bits: written as the reference for it would be.
    fn wide(&mut self, code: u16, out: &mut Forms) {
        self.end_reference(out);
        match self.state {
            State::Comment => {}
            State::Text | State::Value(_) | State::Script | State::Style => {
                self.character(code, out);
            }
            State::Open | State::Name | State::Gap | State::Attribute | State::Before => {
                self.step(NO_ASCII, out);
            }
        }
    }

    /// What has begun as a reference is none, and what follows it is not its end.
    pub(super) fn end_reference(&mut self, out: &mut Forms) {
        if let Some(reference) = self.reference.take() {
            self.put_back(&reference, out);
        }
    }

    fn put_back(&mut self, reference: &Reference, out: &mut Forms) {
        let written = reference.written();
        self.decoded(&Small::of(written), written, out);
    }

    /// Runs and what ends them in turns: no run goes on with the byte that ended it.
    fn narrow(&mut self, bytes: &[u8], out: &mut Forms) {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            if self.reference.is_some() || byte == 0 {
                self.step(byte, out);
                rest = after;
                continue;
            }
            let run = self.run(rest, out);
            rest = rest.get(run..).unwrap_or_default();
            if let Some((&byte, after)) = rest.split_first()
                && byte != 0
            {
                if self.state == State::Script {
                    self.keep_script(&[byte], out);
                }
                self.plain(byte, out);
                rest = after;
            }
        }
    }

    fn step(&mut self, byte: u8, out: &mut Forms) {
        if byte == 0 {
            return;
        }
        if self.state == State::Script {
            self.keep_script(&[byte], out);
        }
        if let Some(mut reference) = self.reference.take() {
            match reference.step(byte) {
                Step::More => {
                    self.reference = Some(reference);
                    return;
                }
                Step::Code(code) => return self.character(code, out),
                Step::Byte(value) => self.decoded(&[value], &[value], out),
                Step::Nothing { is_closed } => {
                    self.put_back(&reference, out);
                    if is_closed {
                        return self.decoded(b";", b";", out);
                    }
                }
            }
        }
        self.plain(byte, out);
    }

    /// A byte that belongs to no reference.
    #[inline]
    fn plain(&mut self, byte: u8, out: &mut Forms) {
        match self.state {
            State::Text => self.text(byte, out),
            State::Open => self.open(byte, out),
            State::Comment => {
                if byte == b'>' {
                    self.state = State::Text;
                    self.is_after_tag = true;
                }
            }
            State::Name => self.name(byte, out),
            State::Gap => self.between(byte, out),
            State::Attribute => self.attribute(byte, out),
            State::Before => self.before(byte, out),
            State::Value(quote) => self.value(quote, byte, out),
            State::Script | State::Style => self.raw(byte, out),
        }
    }

    /// A byte outside of tags.
    fn text(&mut self, byte: u8, out: &mut Forms) {
        match byte {
            b'<' => {
                self.plain_space(out);
                self.state = State::Open;
            }
            _ if is_space(byte) => {
                self.is_space_due |= !self.is_after_tag;
                self.plain_space(out);
            }
            b'&' => {
                self.write_space(out);
                self.reference = Some(Reference::new());
            }
            _ => {
                self.write_space(out);
                let small = byte.to_ascii_lowercase();
                out.no_comment.push(small);
                if byte < 0x20 {
                    self.plain_space(out);
                } else {
                    out.no_tags.push(small);
                    self.is_plain_space = false;
                    self.show(&[small]);
                }
            }
        }
    }

    /// A byte after `<`.
    fn open(&mut self, byte: u8, out: &mut Forms) {
        match byte {
            b'!' => self.state = State::Comment,
            _ if is_space(byte) => {}
            _ => {
                self.write_space(out);
                out.no_comment.push(b'<');
                self.begin_tag();
                self.name(byte, out);
            }
        }
    }

    fn write_space(&mut self, out: &mut Forms) {
        if self.is_space_due {
            out.no_comment.push(b' ');
        }
        self.is_space_due = false;
        self.is_after_tag = false;
    }

    fn plain_space(&mut self, out: &mut Forms) {
        if !self.is_plain_space {
            out.no_tags.push(b' ');
            self.show(b" ");
        }
        self.is_plain_space = true;
    }

    /// A character by its number: a byte where one has room for it, else the one way of writing it.
    fn character(&mut self, code: u16, out: &mut Forms) {
        match u8::try_from(code) {
            Ok(byte @ ..=0xfe) => self.decoded(&[byte.to_ascii_lowercase()], &[byte], out),
            Ok(_) | Err(_) => {
                let digit = |shift: u32| {
                    let digit = u32::from(code) >> shift & 0xf;
                    char::from_digit(digit, 16)
                        .and_then(|sign| u8::try_from(sign).ok())
                        .unwrap_or(b'0')
                };
                let text = [b'&', b'#', b'x', digit(12), digit(8), digit(4), digit(0), b';'];
                self.decoded(&text, &text, out);
            }
        }
    }

    /// What a reference stands for, or what it was when it is none: as it is written, and as it is in a
    /// target. In the text without tags a space stands for it, as clamscan has it.
    fn decoded(&mut self, small: &[u8], text: &[u8], out: &mut Forms) {
        if self.state == State::Text {
            self.write_space(out);
            self.plain_space(out);
        }
        out.no_comment.extend_from_slice(small);
        if matches!(self.state, State::Value(_)) {
            text.iter().for_each(|byte| self.record(*byte));
        }
    }
}

/// A few bytes in lower case.
struct Small {
    bytes: [u8; TEXT_BYTES],
    length: usize,
}

impl Small {
    fn of(text: &[u8]) -> Self {
        let mut bytes = [0; TEXT_BYTES];
        bytes.iter_mut().zip(text).for_each(|(to, from)| *to = from.to_ascii_lowercase());
        Self { bytes, length: text.len().min(TEXT_BYTES) }
    }
}

impl std::ops::Deref for Small {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

const BYTE_ORDER_MARK: u16 = 0xfeff;
/// What stands for a character beyond ASCII in a name.
const NO_ASCII: u8 = 0xff;
