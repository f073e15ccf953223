//! Mails, mailboxes, web pages with all that belongs to them, and the bodies of HTTP that have parts.
//!
//! ```text
//!   From …            one line of a mailbox            RFC 4155
//!   header            fields, some of several lines    RFC 5322
//!   text              preamble
//!   --boundary        a part: header, body             RFC 2046; form-data RFC 7578, byteranges RFC 9110 section 14.6
//!     --inner         parts of the part
//!   --boundary--      the end; an epilogue
//! ```
//!
//! Parts are members, decoded as their headers say (RFC 2045). A part that is a mail is a member, which is
//! walked as one; parts of parts are told by the boundaries that are open ([`frames`]). What is between the
//! parts is a member as well, when it may hold something.
//!
//! Readers of mails differ, so what may be read in two ways is looked at in both:
//!
//! | two readings | here |
//! | --- | --- |
//! | several types, boundaries, encodings | [`field`]: all boundaries; a part of two encodings as it is, and decoded inside |
//! | a line that begins with a boundary and goes on | RFC 2046 calls it one; what follows is looked at |
//! | parts behind the closing line, or after a `From ` line | parts |
//! | lines that are no field inside a header | passed over when a field follows; else the body begins with them |
//! | something else at the front of a part in base64 or quoted-printable | as it is, and decoded inside |
//! | something else further behind in one | not clean |
//! | base64, uuencode and the like in the text of a part | by [`text`](super::text), inside the part |
//!
//! Absent on purpose: what is signed or encrypted in CMS (S/MIME) is not opened, and so not clean; mails in
//! several parts (`message/partial`) cannot be.

mod field;
mod frames;
mod part;
mod sort;

use crate::engine::unpack::walk::Walk;
use field::Section;
pub(in crate::engine::unpack) use field::parameters;
pub(in crate::engine::unpack) use frames::BOUNDARY_BYTES_MAX;
use frames::{Frames, Line};
use part::Part;
pub(in crate::engine) use sort::front_boundary;

use super::armor::is_control;
use super::member::Member;
use super::parts::wide;
use super::{Progress, Step};
use crate::engine::verdict::{Limit, Why};

/// A mail, or anything else with parts, being read.
pub(in crate::engine) struct Mime {
    /// `mail`, or what else a member is taken out of.
    what: &'static str,
    input: Input,
    place: Place,
    frames: Frames,
    /// Whether lines begin other mails.
    is_mailbox: bool,
    head: Head,
    part: Part,
    /// Whether the next byte begins a line, and bytes that are known to be of the part.
    is_line_start: bool,
    known: usize,
    /// What could not be seen and was not told yet.
    missed: Vec<Why>,
}

/// Bytes that were taken and are not done with, from `at` on.
#[derive(Default)]
struct Input {
    bytes: Vec<u8>,
    at: usize,
    is_over: bool,
}

/// A header while it is read.
#[derive(Default)]
struct Head {
    section: Section,
    /// The last field, when it says something.
    field: Vec<u8>,
    is_kept: bool,
    bytes: u64,
    /// Whether a part without a type is a mail.
    is_digest: bool,
    /// Lines that are no fields.
    junk: Vec<u8>,
    junk_lines: u32,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A line of a header.
    Header,
    /// The rest of a line that is too long to be kept.
    LongLine,
    /// The body of a part: what it begins with tells how it is read.
    Front,
    Body,
}

/// What to do next.
enum Turn {
    /// Go on.
    Go,
    /// There are too few bytes.
    More,
    Say(Progress),
}

impl Mime {
    /// A mail or a mailbox.
    pub(super) fn mail() -> Self {
        Self::of("mail", Place::Header)
    }

    /// Parts with this boundary; an empty one is told by the first line that may be one.
    pub(super) fn multipart(boundary: &[u8]) -> Self {
        let mut mime = Self::of("multipart", Place::Body);
        let known = if boundary.is_empty() { Vec::new() } else { vec![boundary.to_vec()] };
        mime.push_frames(&known, false);
        mime
    }

    fn of(what: &'static str, place: Place) -> Self {
        Self {
            what,
            input: Input::default(),
            place,
            frames: Frames::default(),
            is_mailbox: false,
            head: Head::default(),
            part: Part::gap(what),
            is_line_start: true,
            known: 0,
            missed: Vec::new(),
        }
    }

    /// Takes more of the input.
    fn fill(&mut self, rest: &mut &[u8]) {
        self.input.bytes.drain(..self.input.at.min(self.input.bytes.len()));
        self.input.at = 0;
        let room = BUFFER_BYTES.saturating_sub(self.input.bytes.len());
        let (taken, left) = rest.split_at_checked(room).unwrap_or((rest, &[]));
        self.input.bytes.extend_from_slice(taken);
        *rest = left;
    }

    fn bytes(&self) -> &[u8] {
        self.input.bytes.get(self.input.at..).unwrap_or_default()
    }

    fn skip(&mut self, count: usize) {
        self.input.at = self.input.at.saturating_add(count);
    }

    /// The next line of a header.
    fn header(&mut self) -> Turn {
        let bytes = self.input.bytes.get(self.input.at..).unwrap_or_default();
        if bytes.is_empty() {
            return if self.input.is_over { self.end_header() } else { Turn::More };
        }
        match self.frames.line(bytes, self.input.is_over) {
            Line::Other => {}
            Line::More => return Turn::More,
            // The part has no body; or what seemed to be its header is one.
            Line::Part(..) | Line::Close(_) => return self.end_header(),
        }
        let window = bytes.get(..LINE_BYTES_MAX).unwrap_or(bytes);
        let (length, with_end) = match memchr::memchr2(b'\r', b'\n', window) {
            Some(end) => match line_end(bytes, end, self.input.is_over) {
                Some(length) => (end, end.saturating_add(length)),
                None => return Turn::More,
            },
            None if window.len() < LINE_BYTES_MAX && !self.input.is_over => return Turn::More,
            None => (window.len(), window.len()),
        };
        let line = window.get(..length).unwrap_or_default().to_vec();
        self.head.bytes = self.head.bytes.saturating_add(wide(with_end));
        if self.head.bytes > HEADER_BYTES_MAX {
            self.missed.push(Why::Limit(Limit::MaxScanState));
            return self.end_header();
        }
        if line.is_empty() {
            if self.head.section.has_fields {
                self.head.junk.clear();
                self.skip(with_end);
            } else if self.head.junk.is_empty() {
                // Empty lines in front of a mail are no end of its header.
                self.skip(with_end);
                return if self.is_first() { Turn::Go } else { self.end_header() };
            }
            return self.end_header();
        }
        let is_field = self.take_line(&line, with_end);
        if is_field && with_end == length && !self.input.is_over {
            self.place = Place::LongLine;
        }
        if is_field || self.head.junk_lines <= JUNK_LINES_MAX {
            Turn::Go
        } else {
            self.end_header()
        }
    }

    /// Whether nothing but empty lines came so far.
    fn is_first(&self) -> bool {
        self.frames.is_empty() && !self.is_mailbox && !self.head.section.has_fields
    }

    /// Takes a line of a header, which is not empty. False when it is none.
    fn take_line(&mut self, line: &[u8], with_end: usize) -> bool {
        let is_folded = matches!(line.first(), Some(b' ' | b'\t')) && self.head.section.has_fields;
        let is_strange = line.iter().any(|byte| is_control(*byte));
        let is_from = line.starts_with(b"From ") && !self.head.section.has_fields;
        if is_from && !is_strange {
            self.is_mailbox |= self.what == "mail" && is_postmark(line);
        } else if is_folded && !is_strange && self.head.junk.is_empty() {
            self.keep(line);
        } else if !is_strange && is_field(line) {
            self.head.junk.clear();
            self.head.junk_lines = 0;
            self.close_field();
            self.head.section.has_fields = true;
            self.head.is_kept =
                line.get(..8).is_some_and(|it| it.eq_ignore_ascii_case(b"content-"));
            self.keep(line);
        } else {
            let whole = self.bytes().get(..with_end).unwrap_or_default().to_vec();
            self.head.junk.extend_from_slice(&whole);
            self.head.junk_lines = self.head.junk_lines.saturating_add(1);
            if is_strange || !self.head.section.has_fields {
                self.head.junk_lines = JUNK_LINES_MAX.saturating_add(1);
            }
            self.skip(with_end);
            return false;
        }
        self.skip(with_end);
        true
    }

    /// Keeps a line of a field that says something.
    fn keep(&mut self, line: &[u8]) {
        if !self.head.is_kept {
            return;
        }
        if self.head.field.len().saturating_add(line.len()) > FIELD_BYTES_MAX {
            self.missed.push(Why::Limit(Limit::MaxScanState));
            self.head.is_kept = false;
            return;
        }
        self.head.field.extend_from_slice(line);
    }

    fn close_field(&mut self) {
        if !self.head.field.is_empty() {
            let field = std::mem::take(&mut self.head.field);
            self.head.section.take(&field);
        }
    }

    /// Reads on to the end of a line.
    fn long_line(&mut self) -> Turn {
        let bytes = self.bytes().to_vec();
        if bytes.is_empty() && !self.input.is_over {
            return Turn::More;
        }
        let end = memchr::memchr2(b'\r', b'\n', &bytes);
        let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        let with_end = match end {
            None => bytes.len(),
            Some(end) => match line_end(&bytes, end, self.input.is_over) {
                Some(length) => end.saturating_add(length),
                None if end == 0 => return Turn::More,
                None => end,
            },
        };
        self.head.bytes = self.head.bytes.saturating_add(wide(with_end));
        let is_strange = line.iter().any(|byte| is_control(*byte));
        if self.head.bytes > HEADER_BYTES_MAX || is_strange {
            self.missed.push(match is_strange {
                true => Why::Broken("mail: other bytes than a header has"),
                false => Why::Limit(Limit::MaxScanState),
            });
            return self.end_header();
        }
        self.keep(line);
        self.skip(with_end);
        if end.is_some_and(|end| with_end > end) || self.input.is_over {
            self.place = Place::Header;
        }
        Turn::Go
    }

    /// The header is over: what it says decides how the body is read.
    fn end_header(&mut self) -> Turn {
        self.close_field();
        self.head.is_kept = false;
        self.head.bytes = 0;
        self.head.junk_lines = 0;
        if !self.head.junk.is_empty() {
            // It is the beginning of the body.
            let junk = std::mem::take(&mut self.head.junk);
            let at = self.input.at.min(self.input.bytes.len());
            self.input.bytes.splice(..at, junk);
            self.input.at = 0;
        }
        let section = std::mem::take(&mut self.head.section);
        self.sort(section);
        self.is_line_start = true;
        self.known = 0;
        Turn::Go
    }

    /// The next bytes of a body.
    fn body(&mut self, output: &mut [u8], made: &mut usize) -> Turn {
        if self.part.has_begun() && self.part.has_front() {
            let room = output.get_mut(*made..).unwrap_or_default();
            *made = made.saturating_add(self.part.give_front(room));
            return if self.part.has_front() { Turn::Say(Progress::Full) } else { Turn::Go };
        }
        if self.known == 0 {
            let (line, before) = self.next_line();
            match line {
                Line::Other => self.known = before,
                Line::More => return Turn::More,
                Line::Part(length, is_digest) => return self.turn(before, length, Some(is_digest)),
                Line::Close(length) => return self.turn(before, length, None),
            }
            if before == 0 {
                // Nothing is left.
                return self.end_part().map_or(Turn::More, Turn::Say);
            }
            self.is_line_start = false;
        }
        let until = self.input.at.saturating_add(self.known);
        let bytes = self.input.bytes.get(self.input.at..until).unwrap_or_default();
        if !self.part.has_begun() {
            let (used, has_begun) = self.part.begin(bytes);
            self.use_up(used);
            return if has_begun { Turn::Say(Progress::Begin) } else { Turn::Go };
        }
        let room = output.get_mut(*made..).unwrap_or_default();
        let is_full = room.is_empty();
        let (used, out) = self.part.pour(bytes, room);
        *made = made.saturating_add(out);
        self.use_up(used);
        if let Some(why) = self.part.fault() {
            self.missed.push(why);
        }
        match is_full && used == 0 {
            true => Turn::Say(Progress::Full),
            false => Turn::Go,
        }
    }

    fn use_up(&mut self, count: usize) {
        self.skip(count);
        self.known = self.known.saturating_sub(count);
    }

    /// A boundary was met: the part ends, and then the line is taken.
    fn turn(&mut self, before: usize, length: usize, is_digest: Option<bool>) -> Turn {
        if let Some(said) = self.end_part() {
            return Turn::Say(said);
        }
        self.skip(before.saturating_add(length));
        self.is_line_start = true;
        if let Some(is_digest) = is_digest {
            self.head.is_digest = is_digest;
            self.place = Place::Header;
        } else {
            self.part = Part::gap(self.what);
        }
        Turn::Go
    }

    /// The part that is read ends; what has to be said of that.
    fn end_part(&mut self) -> Option<Progress> {
        let has_begun = self.part.has_begun();
        self.part = Part::gap(self.what);
        has_begun.then_some(Progress::End(Ok(())))
    }

    /// What comes next: so many bytes of the part; or a boundary, behind so many bytes of a line end.
    fn next_line(&mut self) -> (Line, usize) {
        let bytes = self.input.bytes.get(self.input.at..).unwrap_or_default();
        let all = bytes.len();
        if self.is_line_start {
            let mut found = self.frames.line(bytes, self.input.is_over);
            if self.is_mailbox && found == Line::Other {
                found = postmark(bytes, self.input.is_over);
                if matches!(found, Line::Part(..)) {
                    return self.next_mail(0);
                }
            }
            if found != Line::Other {
                return (found, 0);
            }
        }
        if (self.frames.is_empty() && !self.is_mailbox) || all == 0 {
            let more = all == 0 && !self.input.is_over;
            return (if more { Line::More } else { Line::Other }, all);
        }
        let mut from = 0_usize;
        while let Some(end) = memchr::memchr2(b'\r', b'\n', bytes.get(from..).unwrap_or_default()) {
            let end = from.saturating_add(end);
            let before = |line: Line| match (line, end) {
                (Line::More, 1..) => (Line::Other, end),
                (line, 1..) if line != Line::Other => (Line::Other, end),
                (line, _) => (line, 0),
            };
            let Some(length) = line_end(bytes, end, self.input.is_over) else {
                return before(Line::More);
            };
            let start = end.saturating_add(length);
            let next = bytes.get(start..).unwrap_or_default();
            from = start;
            if next.is_empty() && !self.input.is_over {
                return before(Line::More);
            }
            let found = self.frames.line(next, self.input.is_over);
            if found != Line::Other {
                let is_here = end == 0 && found != Line::More;
                return if is_here { (found, start) } else { before(found) };
            }
            if self.is_mailbox {
                let found = postmark(next, self.input.is_over);
                if found != Line::Other {
                    let is_here = end == 0 && found != Line::More;
                    return if is_here { self.next_mail(start) } else { before(found) };
                }
            }
        }
        (Line::Other, all)
    }

    /// A line of a mailbox begins another mail, behind so many bytes of a line end.
    fn next_mail(&mut self, before: usize) -> (Line, usize) {
        if !self.part.has_begun() && !self.frames.begin_mail() {
            self.missed.push(Why::Broken("mail: boundaries of many mails without their ends"));
        }
        // The line itself is read with the header.
        (Line::Part(0, false), before)
    }

    /// Opens a multipart.
    fn push_frames(&mut self, boundaries: &[Vec<u8>], is_digest: bool) {
        if !self.frames.push(boundaries, is_digest) {
            self.missed.push(Why::Limit(Limit::MaxRecursion));
        }
    }
}

impl Walk for Mime {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0_usize;
        let progress = loop {
            if let Some(why) = self.missed.pop() {
                break Progress::Missed(why);
            }
            let turn = match self.place {
                Place::Header => self.header(),
                Place::LongLine => self.long_line(),
                Place::Front => self.front(),
                Place::Body => self.body(output, &mut made),
            };
            match turn {
                Turn::Go => {}
                Turn::Say(progress) => break progress,
                Turn::More if rest.is_empty() => break Progress::Hungry,
                Turn::More => self.fill(&mut rest),
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    fn end(&mut self) -> bool {
        !std::mem::replace(&mut self.input.is_over, true)
    }

    fn member(&mut self) -> Member {
        self.part.member()
    }
}

/// How long the line end at `at` is: carriage returns and a line feed, or one carriage return. `None` when that is not
/// known yet.
fn line_end(bytes: &[u8], at: usize, is_over: bool) -> Option<usize> {
    let rest = bytes.get(at..).unwrap_or_default();
    let returns = rest.iter().take(RETURNS_MAX).take_while(|byte| **byte == b'\r').count();
    match rest.get(returns) {
        Some(b'\n') => Some(returns.saturating_add(1)),
        None if !is_over && returns < RETURNS_MAX => None,
        Some(_) | None => Some(1),
    }
}

/// Whether a line of a header begins a field.
fn is_field(line: &[u8]) -> bool {
    let colon = memchr::memchr(b':', line).unwrap_or(0);
    let name = line.get(..colon).unwrap_or_default().trim_ascii_end();
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

/// Whether a line that begins with `From ` is one of a mailbox: it has a time.
fn is_postmark(line: &[u8]) -> bool {
    line.windows(6).any(|window| match window {
        [b' ', a, b, b':', c, d] => [a, b, c, d].iter().all(|digit| digit.is_ascii_digit()),
        _ => false,
    })
}

/// Whether `bytes` begin with a line that begins another mail of a mailbox.
fn postmark(bytes: &[u8], is_over: bool) -> Line {
    let agrees = bytes.iter().zip(b"From ").all(|(a, b)| a == b);
    if !agrees || (is_over && bytes.len() < POSTMARK_BYTES_MIN) {
        return Line::Other;
    }
    let window = bytes.get(..POSTMARK_BYTES_MAX).unwrap_or(bytes);
    match memchr::memchr2(b'\r', b'\n', window) {
        None if window.len() == POSTMARK_BYTES_MAX => Line::Other,
        None if !is_over => Line::More,
        end => {
            let line = window.get(..end.unwrap_or(window.len())).unwrap_or(window);
            // A header takes the same lines, so that reading goes on behind it.
            let is_text = !line.iter().any(|byte| is_control(*byte));
            if is_text && is_postmark(line) { Line::Part(0, false) } else { Line::Other }
        }
    }
}

/// What is kept of the input to find boundaries and fields in.
const BUFFER_BYTES: usize = 16 << 10;
/// A line of a header up to here is kept as one.
const LINE_BYTES_MAX: usize = 4 << 10;
/// Fields, folded lines and all.
const FIELD_BYTES_MAX: usize = 64 << 10;
/// The header of one part: clients and servers accept less.
const HEADER_BYTES_MAX: u64 = 1 << 20;
/// Lines inside a header that are no fields.
const JUNK_LINES_MAX: u32 = 8;
/// Carriage returns in front of a line feed.
const RETURNS_MAX: usize = 8;
const POSTMARK_BYTES_MIN: usize = 16;
const POSTMARK_BYTES_MAX: usize = 512;

const _: () =
    assert!(BUFFER_BYTES > 4 * LINE_BYTES_MAX - 1 && LINE_BYTES_MAX > 2 * BOUNDARY_BYTES_MAX);
