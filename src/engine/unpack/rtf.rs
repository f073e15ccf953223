//! RTF (Rich Text Format 1.9.1): the objects and pictures that stand in it as digits.
//!
//! ```text
//!   {\object\objemb{\*\objclass Word.Document.8}{\*\objdata 0105000002…d0cf11e0…}{\result …}}
//!                                                          └─ header ─┴─ native data ─┴─ presentation
//! ```
//!
//! Digits are read as Word reads them: whatever is no digit is passed over, groups inside count unless they
//! are destinations of their own, words of control do not, and bytes behind `\bin` stand as they are. Of an
//! object (MS-OLEDS 2.2) the header is passed over; its native data is a member, or when its class is
//! `Package` the file in it, and what follows is one, too. An object without such a header is handed on as
//! it is, from where a compound file begins in its front.
//!
//! Absent on purpose: the text, in which no signature is looked for but in the bytes as they are.

use crate::engine::unpack::walk::Walk;
use std::collections::VecDeque;

use super::member::{Label, Member};
use super::numbers::le32;
use super::package::Packed;
use super::parts::{hand_on, pass};
use super::{Progress, Step};
use crate::engine::verdict::Why;

/// An RTF document being read.
#[derive(Default)]
pub(in crate::engine) struct Rtf {
    lexer: Lexer,
    /// What was read of an object, and how much of that was handed on.
    given: usize,
    /// What the object is made of, once its header is there.
    parts: Option<VecDeque<Part>>,
    is_inside: bool,
    /// What could not be seen and was not told yet.
    missed: Option<Why>,
}

/// A part of an object: a member, or bytes that are passed over.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    label: Option<Label>,
    /// [`OPEN`] or a little less: up to the end of the object.
    left: u64,
}

/// What text in a group is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Text {
    #[default]
    Plain,
    /// The digits of something.
    Digits,
}

/// What digits are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Object,
    Picture,
    Store,
}

/// Whether an object has ended whose last bytes are to be handed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Ended {
    #[default]
    No,
    Yes,
    /// Another one has begun where it did.
    AtNext(Kind),
}

/// Reads groups, words and digits.
#[derive(Default)]
struct Lexer {
    place: Place,
    /// One for each open group, up to a depth at which nobody nests.
    groups: Vec<Text>,
    /// Groups beyond that depth.
    deeper: u64,
    /// The word of control that is read, cut.
    word: Vec<u8>,
    number: Option<u64>,
    is_negative: bool,
    /// `\*` came before.
    is_ignorable: bool,
    /// What the digits are of that were read last.
    kind: Option<Kind>,
    /// The number of groups around the object that is read.
    object: Option<usize>,
    ended: Ended,
    high: Option<u8>,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Text,
    Slash,
    Word,
    Number,
    /// So many letters of `\'hh` are left.
    Letter(u8),
    /// So many bytes as they are.
    Binary(u64),
}

impl Rtf {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Hands on what was read of an object. `None` when more has to be read first.
    fn drain(&mut self, output: &mut [u8]) -> Option<(usize, Progress)> {
        loop {
            let mut ready = self.lexer.bytes.get(self.given..).unwrap_or_default();
            let length = ready.len();
            let has_ended = self.lexer.has_ended();
            let Some(parts) = self.parts.as_mut() else {
                // Without a plan there were no digits at all.
                if has_ended {
                    self.next_object();
                }
                return None;
            };
            let part = parts.front_mut().filter(|part| part.left > 0 && length > 0);
            let Some(part) = part else {
                let is_over = parts.front().is_some_and(|part| part.left == 0);
                if is_over || has_ended {
                    let is_whole =
                        parts.pop_front().is_none_or(|part| part.left == 0 || is_open(part.left));
                    let was_inside = std::mem::take(&mut self.is_inside);
                    if length == 0 && has_ended {
                        self.next_object();
                    }
                    match was_inside {
                        true => {
                            return Some((
                                0,
                                Progress::End(if is_whole { Ok(()) } else { Err(ENDS_EARLY) }),
                            ));
                        }
                        false => continue,
                    }
                }
                self.lexer.bytes.clear();
                self.given = 0;
                return None;
            };
            if part.label.is_none() {
                pass(&mut ready, &mut part.left);
                self.given = self.given.saturating_add(length.saturating_sub(ready.len()));
                continue;
            }
            if !std::mem::replace(&mut self.is_inside, true) {
                return Some((0, Progress::Begin));
            }
            let made = hand_on(&mut ready, &mut part.left, output);
            self.given = self.given.saturating_add(made);
            return Some((made, Progress::Full));
        }
    }

    fn next_object(&mut self) {
        self.parts = None;
        self.given = 0;
        self.lexer.bytes.clear();
        self.lexer.high = None;
        if let Ended::AtNext(kind) = std::mem::take(&mut self.lexer.ended) {
            self.lexer.begin_object(kind);
        }
    }

    /// What the object is made of, when that is known by now.
    fn plan(&self) -> Option<VecDeque<Part>> {
        let bytes = &self.lexer.bytes;
        if bytes.is_empty() {
            return None;
        }
        let all = |what| Some(VecDeque::from([Part { label: Some(Label::of(what)), left: OPEN }]));
        match self.lexer.kind? {
            Kind::Picture => all("rtf-picture"),
            Kind::Store => all("rtf-store"),
            Kind::Object => {
                let head = bytes.get(..HEADER_BYTES_MAX).unwrap_or(bytes);
                let planned = with_header(head);
                let is_known = planned.is_some();
                let is_all = head.len() == HEADER_BYTES_MAX || self.lexer.has_ended();
                planned
                    .or_else(|| is_all.then(|| without_header(head)))
                    .filter(|_| is_known || is_all)
            }
        }
    }
}

impl Walk for Rtf {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0;
        let progress = loop {
            if let Some(why) = self.missed.take() {
                break Progress::Missed(why);
            }
            if let Some((count, said)) = self.drain(output) {
                made = count;
                break said;
            }
            if rest.is_empty() && !self.lexer.has_ended() {
                break Progress::Hungry;
            }
            self.lexer.read(&mut rest);
            if self.parts.is_none() {
                self.parts = self.plan();
                let head = self.lexer.bytes.get(..HEADER_BYTES_MAX);
                let is_long = |head: &[u8]| {
                    matches!(le32(head, 4), Some(1..=3)) && with_header(head).is_none()
                };
                if self.parts.is_some()
                    && self.lexer.kind == Some(Kind::Object)
                    && head.is_some_and(is_long)
                {
                    self.missed = Some(Why::Broken("RTF: an object with a long header"));
                }
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    fn member(&mut self) -> Member {
        let part = self.parts.as_ref().and_then(VecDeque::front);
        Member {
            label: part.and_then(|part| part.label.clone()).unwrap_or_default(),
            size: part.map(|part| part.left).filter(|left| !is_open(*left)),
            ..Member::default()
        }
    }

    fn finish(&self) -> Result<(), Why> {
        if self.lexer.object.is_some() { Err(ENDS_EARLY) } else { Ok(()) }
    }
}

/// The parts of an object with a header (MS-OLEDS 2.2.4 and 2.2.5); `None` when it has none, or not all of it
/// is there.
fn with_header(head: &[u8]) -> Option<VecDeque<Part>> {
    if !matches!(le32(head, 4)?, 1..=3) {
        return None;
    }
    let mut at = 8_usize;
    let mut class = &b""[..];
    for index in 0..3 {
        let length = usize::try_from(le32(head, at)?).ok()?;
        at = at.checked_add(4)?;
        let name = head.get(at..at.checked_add(length)?)?;
        if index == 0 {
            class = name.split(|byte| *byte == 0).next().unwrap_or_default();
        }
        at = at.checked_add(length)?;
    }
    let size = le32(head, at)?;
    at = at.checked_add(4)?;
    let native = head.get(at..)?;
    let skipped =
        |count: usize| Part { label: None, left: u64::try_from(count).unwrap_or(u64::MAX) };
    let rest = Part { label: Some(Label::of("rtf-presentation")), left: OPEN };
    if class.eq_ignore_ascii_case(b"Package") {
        let packed = Packed::read(native)?;
        let file = Part { label: Some(Label::named("rtf", packed.name)), left: packed.size.into() };
        return Some(VecDeque::from([skipped(at.checked_add(packed.from)?), file, rest]));
    }
    let object = Part { label: Some(Label::named("rtf", class)), left: size.into() };
    Some(VecDeque::from([skipped(at), object, rest]))
}

/// The parts of something else: what comes before a compound file, and the file.
fn without_header(head: &[u8]) -> VecDeque<Part> {
    let part = |left| Part { label: Some(Label::of("rtf-object")), left };
    match memchr::memmem::find(head, OLE2) {
        Some(at @ 1..) => VecDeque::from([part(u64::try_from(at).unwrap_or(u64::MAX)), part(OPEN)]),
        Some(_) | None => VecDeque::from([part(OPEN)]),
    }
}

/// Whether a part goes up to the end of the object.
const fn is_open(left: u64) -> bool {
    left > OPEN / 2
}

impl Lexer {
    fn has_ended(&self) -> bool {
        self.ended != Ended::No
    }

    /// Reads up to the end of an object, or until it has many bytes of one, or all of the input.
    fn read(&mut self, rest: &mut &[u8]) {
        while !self.has_ended() && self.bytes.len() < BYTES_MAX {
            if let Place::Binary(left) = &mut self.place {
                let is_digits = self.groups.last() == Some(&Text::Digits);
                let room = BYTES_MAX.saturating_sub(self.bytes.len());
                let mut piece = rest.get(..room).filter(|_| is_digits).unwrap_or(rest);
                let before = piece;
                let is_over = pass(&mut piece, left);
                let count = before.len().saturating_sub(piece.len());
                *rest = rest.get(count..).unwrap_or_default();
                if is_digits {
                    self.bytes.extend_from_slice(before.get(..count).unwrap_or_default());
                }
                if is_over {
                    self.place = Place::Text;
                } else if rest.is_empty() {
                    return;
                }
                continue;
            }
            if matches!(self.place, Place::Text) && self.groups.last() != Some(&Text::Digits) {
                let next = memchr::memchr3(b'{', b'}', b'\\', rest).unwrap_or(rest.len());
                *rest = rest.get(next..).unwrap_or_default();
            }
            let Some((byte, after)) = rest.split_first() else { return };
            if self.take(*byte) {
                *rest = after;
            }
        }
    }

    /// Takes a byte. False when it has to be taken again, as what came before has ended.
    fn take(&mut self, byte: u8) -> bool {
        match self.place {
            Place::Text => self.text(byte),
            Place::Slash => match byte {
                b'a'..=b'z' | b'A'..=b'Z' => {
                    self.word.clear();
                    self.number = None;
                    self.is_negative = false;
                    self.place = Place::Word;
                    return false;
                }
                b'\'' => self.place = Place::Letter(2),
                _ => {
                    self.is_ignorable |= byte == b'*';
                    self.place = Place::Text;
                }
            },
            Place::Word => match byte {
                b'a'..=b'z' | b'A'..=b'Z' => {
                    if self.word.len() < WORD_BYTES_MAX {
                        self.word.push(byte);
                    }
                }
                b'-' => {
                    self.is_negative = true;
                    self.place = Place::Number;
                }
                _ => {
                    self.place = Place::Number;
                    return false;
                }
            },
            Place::Number => {
                if byte.is_ascii_digit() {
                    let number = self.number.unwrap_or(0).saturating_mul(10);
                    self.number = Some(number.saturating_add(u64::from(byte & 15)));
                } else {
                    self.place = Place::Text;
                    self.obey();
                    return byte == b' ';
                }
            }
            Place::Letter(left) => {
                self.place = match left {
                    2 => Place::Letter(1),
                    _ => Place::Text,
                };
            }
            Place::Binary(_) => return false,
        }
        true
    }

    fn text(&mut self, byte: u8) {
        match byte {
            b'{' => {
                self.is_ignorable = false;
                if self.groups.len() < GROUPS_MAX {
                    let text = self.groups.last().copied().unwrap_or_default();
                    self.groups.push(text);
                } else {
                    self.deeper = self.deeper.saturating_add(1);
                }
            }
            b'}' => {
                if let Some(deeper) = self.deeper.checked_sub(1) {
                    self.deeper = deeper;
                } else {
                    self.groups.pop();
                }
                if self.object.is_some_and(|depth| self.groups.len() < depth) {
                    self.end_object();
                }
            }
            b'\\' => self.place = Place::Slash,
            _ => {
                let digit =
                    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                if let (Some(digit), Some(Text::Digits)) = (digit, self.groups.last()) {
                    match self.high.take() {
                        None => self.high = Some(digit),
                        Some(high) => self.bytes.push(high << 4 | digit),
                    }
                }
            }
        }
    }

    /// Does what the word of control says.
    fn obey(&mut self) {
        let is_ignorable = std::mem::take(&mut self.is_ignorable);
        let kind = match self.word.as_slice() {
            b"objdata" => Kind::Object,
            b"pict" => Kind::Picture,
            b"datastore" => Kind::Store,
            b"bin" => {
                // More than a document can have is what no reader obeys.
                let count = self.number.filter(|count| *count <= BINARY_BYTES_MAX);
                self.place = Place::Binary(count.filter(|_| !self.is_negative).unwrap_or(0));
                return;
            }
            word => {
                if (is_ignorable || DESTINATIONS.contains(&word))
                    && let Some(text) = self.groups.last_mut()
                {
                    *text = Text::Plain;
                }
                return;
            }
        };
        if self.object.is_some() {
            self.end_object();
            // What follows belongs to the next one.
            self.ended = Ended::AtNext(kind);
            return;
        }
        self.begin_object(kind);
    }

    fn begin_object(&mut self, kind: Kind) {
        if let Some(text) = self.groups.last_mut() {
            *text = Text::Digits;
        } else {
            self.groups.push(Text::Digits);
        }
        self.kind = Some(kind);
        self.object = Some(self.groups.len());
    }

    fn end_object(&mut self) {
        self.object = None;
        self.ended = Ended::Yes;
    }
}

/// Destinations that need no `\*`: what stands in them is not part of what is around them.
const DESTINATIONS: [&[u8]; 16] = [
    b"fonttbl",
    b"colortbl",
    b"stylesheet",
    b"info",
    b"title",
    b"author",
    b"operator",
    b"subject",
    b"keywords",
    b"comment",
    b"doccomm",
    b"objclass",
    b"objname",
    b"result",
    b"header",
    b"footer",
];
/// More bytes than there are.
const OPEN: u64 = 1 << 63;
const WORD_BYTES_MAX: usize = 32;
const GROUPS_MAX: usize = 4_096;
const BINARY_BYTES_MAX: u64 = 0x7fff_ffff;
/// What tells the parts of an object.
const HEADER_BYTES_MAX: usize = 2_048;
/// Bytes of an object that are read before they are handed on.
const BYTES_MAX: usize = 4_096;
const _: () = assert!(HEADER_BYTES_MAX <= BYTES_MAX);
const OLE2: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const ENDS_EARLY: Why = Why::Broken("RTF: an object ends early");
