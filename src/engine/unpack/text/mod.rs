//! Text: what is written in it as text and is none, and an archive that it may carry.
//!
//! ```text
//!   …<img src="data:image/png;base64,iVBORw0…">…begin 644 a.exe…{"file":"TVqQAAMAAAA…"}…PK␃␄…
//!             └▶ data:image/png                 └▶ uuencode:a.exe  └▶ base64            └▶ zip:…
//! ```
//!
//! | in a text | what begins it |
//! | --- | --- |
//! | addresses with their data in them (RFC 2397), in base64 or not | `data:`, `;base64,` |
//! | base64 of any other kind: strings of JSON, the data of XML, mails in a text | a run of 60 letters |
//! | uuencode, base64 of POSIX `uuencode -m` | a line with `begin` |
//! | yEnc, each part by itself | a line with `=ybegin` |
//! | `BinHex` 4.0: both forks | the line in front of it |
//! | a zip | its records, as [`zip`](super::zip) finds them |
//! | any other archive | its header, as [`carried`] finds it: all that follows is one layer |
//!
//! What is written as text has no control bytes, so no zip begins in it; and while a zip is read its bytes
//! are the zip's. A run of hexadecimal digits alone is a digest, up to [`DOUBT_LETTERS`].
//!
//! Fewer than [`DATA_BYTES_MIN`] bytes of data are no layer, nor fewer than [`IMAGE_BYTES_MIN`] of an address that says
//! that it is an image made of points: pages have those in thousands, to leave room or to count readers. Nothing
//! runs such bytes as anything but an image; the test file that all scanners know has 68. Layers of this
//! kind count less for `MaxFiles` than others ([`Member::is_inline`]).
//!
//! Absent on purpose: character references in addresses, and strings that a script puts together.

mod blob;
mod find;

use crate::engine::unpack::walk::Walk;
use blob::{Armor, Blob, Said};
use find::{Finder, Found, RUN_LETTERS, is_hex, is_plausible, is_type};

use super::armor::inline::Inline;
use super::armor::percent::Percent;
use super::armor::uu::Uu;
use super::armor::yenc::Yenc;
use super::armor::{binhex::Binhex, is_control};
use super::carried;
use super::member::{Label, Member};
use super::zip::Zip;
use super::{Progress, Step};
use crate::engine::passwords::Passwords;
use crate::engine::verdict::Why;

/// A text being read.
pub(in crate::engine) struct Text {
    zip: Zip,
    finder: Finder,
    archives: carried::Finder,
    place: Place,
    /// Bytes that were taken and have to be looked at once more, before the input.
    ahead: Vec<u8>,
    is_over: bool,
}

/// What the next byte belongs to.
enum Place {
    /// The text; or the zip, when that reads one.
    Search,
    /// What may announce something.
    Lead(Lead, Vec<u8>),
    /// A run of digits, which may go on with letters.
    Doubt(Vec<u8>),
    Blob(Box<Blob>),
    /// An archive has begun, of whose front so many bytes were handed on.
    Archive(usize),
}

/// What is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    /// A `data:` address, and the byte in front of it.
    Data(Option<u8>),
    /// A line that began with `begin`, or `=ybegin`.
    Begin(bool),
    /// The colon in front of `BinHex`.
    Binhex,
}

/// What a lead turns out to be.
enum Turn {
    More,
    None,
    Blob(Box<Blob>),
}

/// What a part of a step did: bytes used and made, and what has to be said.
type Did = (usize, usize, Option<Progress>);

impl Text {
    pub(super) fn new(passwords: &Passwords) -> Self {
        Self {
            zip: Zip::carried(passwords),
            finder: Finder::default(),
            archives: carried::Finder::default(),
            place: Place::Search,
            ahead: Vec::new(),
            is_over: false,
        }
    }

    fn work(&mut self, source: &[u8], output: &mut [u8], is_last: bool) -> Did {
        match &mut self.place {
            Place::Search if !self.zip.is_searching() => {
                let step = self.zip.step_inside(source, output);
                let is_back = self.zip.is_searching();
                if is_back {
                    // What it read behind the archive is text.
                    self.ahead = self.zip.give_back();
                    self.finder.restart(None);
                    self.archives.restart();
                }
                let goes_on = is_back && step.progress == Progress::Hungry;
                (step.used, step.made, (!goes_on).then_some(step.progress))
            }
            Place::Search => self.search(source),
            Place::Lead(lead, bytes) => {
                let (used, turn) = gather(*lead, bytes, source, is_last);
                self.turn(turn);
                let is_hungry = used == source.len() && matches!(self.place, Place::Lead(..));
                (used, 0, is_hungry.then_some(Progress::Hungry))
            }
            Place::Doubt(_) => self.doubt(source, is_last),
            Place::Blob(_) => self.pour(source, output, is_last),
            Place::Archive(given) => {
                let (step, given) = carried::hand(self.archives.held(), *given, source, output);
                self.place = Place::Archive(given);
                (step.used, step.made, Some(step.progress))
            }
        }
    }

    /// Looks for the next thing.
    fn search(&mut self, source: &[u8]) -> Did {
        if source.is_empty() {
            return (0, 0, Some(Progress::Hungry));
        }
        let block = source.get(..BLOCK_BYTES).unwrap_or(source);
        let archive = self.archives.find(block);
        let block = block.get(..archive.until).unwrap_or(block);
        let (end, found) = self.finder.find(block);
        let used = self.zip.search_in(block.get(..end).unwrap_or(block));
        self.finder.pass(block.get(..used).unwrap_or(block));
        if used < archive.until {
            self.archives.pass(block.get(..used).unwrap_or(block));
        } else if self.archives.take(archive) && self.zip.is_searching() {
            self.place = Place::Archive(0);
            return (used, 0, Some(Progress::Begin));
        }
        if let (Some(found), true) = (found, self.zip.is_searching()) {
            self.place = match found {
                Found::Data => Place::Lead(Lead::Data(self.finder.before(5)), Vec::new()),
                Found::Base64 => {
                    let armor = Armor::Inline(Inline::new(false));
                    Place::Blob(Blob::new(armor, Label::of("data"), DATA_BYTES_MIN))
                }
                Found::Begin => {
                    Place::Lead(Lead::Begin(self.finder.before(5) == Some(b'y')), Vec::new())
                }
                Found::Binhex => Place::Lead(Lead::Binhex, Vec::new()),
                Found::Run => {
                    let run = self.finder.run().to_vec();
                    let before = self.finder.before(RUN_LETTERS);
                    match () {
                        () if !is_plausible(&run, before) => {
                            self.finder.restart(run.last().copied());
                            Place::Search
                        }
                        () if is_hex(&run) => Place::Doubt(run),
                        () => Place::Blob(Blob::of_run(run)),
                    }
                }
            };
        }
        (used, 0, None)
    }

    /// A run of digits goes on.
    fn doubt(&mut self, source: &[u8], is_last: bool) -> Did {
        self.archives.restart();
        let Place::Doubt(run) = &mut self.place else { return (0, 0, None) };
        let room = DOUBT_LETTERS.saturating_sub(run.len());
        let front = source.get(..room).unwrap_or(source);
        let count = front.iter().position(|byte| !byte.is_ascii_hexdigit());
        let digits = front.get(..count.unwrap_or(front.len())).unwrap_or(front);
        run.extend_from_slice(digits);
        self.zip.pass_by(digits);
        let used = digits.len();
        let next = match (source.get(used), run.len() >= DOUBT_LETTERS) {
            (_, true) => true,
            (Some(byte), false) => super::armor::inline::letter(*byte).is_some(),
            (None, false) if is_last => false,
            (None, false) => return (used, 0, Some(Progress::Hungry)),
        };
        let last = run.last().copied();
        self.place =
            if next { Place::Blob(Blob::of_run(std::mem::take(run))) } else { Place::Search };
        self.finder.restart(last);
        (used, 0, None)
    }

    /// What a lead turned out to be.
    fn turn(&mut self, turn: Turn) {
        let Place::Lead(_, bytes) = &mut self.place else { return };
        match turn {
            Turn::More => {}
            Turn::None => {
                // They belong to the text.
                self.ahead = std::mem::take(bytes);
                self.place = Place::Search;
            }
            Turn::Blob(blob) => {
                self.zip.pass_by(bytes);
                self.archives.restart();
                self.place = Place::Blob(blob);
            }
        }
    }

    /// The next bytes of something encoded.
    fn pour(&mut self, source: &[u8], output: &mut [u8], is_last: bool) -> Did {
        self.archives.restart();
        let Place::Blob(blob) = &mut self.place else { return (0, 0, None) };
        let (used, made, said) = blob.pour(source, output, is_last);
        let taken = source.get(..used).unwrap_or(source);
        self.zip.pass_by(taken);
        let progress = match said {
            Said::Begin => Some(Progress::Begin),
            Said::End(fate) => Some(Progress::End(fate)),
            Said::Full => Some(Progress::Full),
            Said::Hungry => Some(Progress::Hungry),
            Said::Go => None,
            Said::Over => {
                self.ahead = blob.leftover().to_vec();
                self.finder.restart(taken.last().copied());
                self.place = Place::Search;
                None
            }
        };
        (used, made, progress)
    }
}

impl Walk for Text {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0_usize;
        let progress = loop {
            let kept = std::mem::take(&mut self.ahead);
            let is_ahead = !kept.is_empty();
            let source = if is_ahead { kept.as_slice() } else { rest };
            let is_last = self.is_over && (!is_ahead || rest.is_empty());
            let room = output.get_mut(made..).unwrap_or_default();
            let (used, out, said) = self.work(source, room, is_last);
            made = made.saturating_add(out);
            if is_ahead {
                self.ahead.extend_from_slice(kept.get(used..).unwrap_or_default());
            } else {
                rest = rest.get(used..).unwrap_or_default();
            }
            match said {
                // What comes behind the bytes that were kept.
                Some(Progress::Hungry)
                    if !self.ahead.is_empty() || (is_ahead && !rest.is_empty()) => {}
                Some(said) => break said,
                None => {}
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    fn end(&mut self) -> bool {
        let was_over = std::mem::replace(&mut self.is_over, true);
        if !matches!(self.place, Place::Search) {
            return !was_over;
        }
        if self.zip.is_searching() || !self.zip.end() {
            return false;
        }
        // What looked like a member was none: what follows is read again.
        self.ahead = self.zip.give_back();
        self.finder.restart(None);
        true
    }

    fn member(&mut self) -> Member {
        match &mut self.place {
            Place::Blob(blob) => blob.member(),
            Place::Archive(_) => carried::archive(),
            Place::Search | Place::Lead(..) | Place::Doubt(_) => self.zip.member(),
        }
    }

    fn pass_over(&mut self) -> bool {
        matches!(self.place, Place::Search) && self.zip.pass_over()
    }

    fn finish(&self) -> Result<(), Why> {
        self.zip.finish()
    }
}

/// Reads on in a lead. Says how much of `source` that took, and what it turns out to be.
fn gather(lead: Lead, bytes: &mut Vec<u8>, source: &[u8], is_last: bool) -> (usize, Turn) {
    let mut used = 0_usize;
    for byte in source {
        used = used.saturating_add(1);
        bytes.push(*byte);
        let turn = match lead {
            Lead::Data(before) => data(before, bytes, *byte),
            Lead::Begin(is_y) => begin(is_y, bytes, *byte),
            Lead::Binhex => match byte {
                b':' => {
                    Turn::Blob(Blob::new(Armor::Binhex(Binhex::default()), Label::of("binhex"), 1))
                }
                b'\r' | b'\n' | b' ' | b'\t' if bytes.len() < LEAD_BYTES_MAX => Turn::More,
                _ => Turn::None,
            },
        };
        if !matches!(turn, Turn::More) {
            return (used, turn);
        }
    }
    (used, if is_last { Turn::None } else { Turn::More })
}

/// The type of a `data:` address, up to its comma.
fn data(before: Option<u8>, bytes: &[u8], byte: u8) -> Turn {
    if byte != b',' {
        let goes_on = is_type(byte) && bytes.len() < TYPE_BYTES_MAX;
        return if goes_on { Turn::More } else { Turn::None };
    }
    let said = bytes.strip_suffix(b",").unwrap_or(bytes).trim_ascii();
    let mark = said.len().saturating_sub(b";base64".len());
    let coding = said.get(mark..).unwrap_or_default();
    let closing = match before {
        Some(quote @ (b'"' | b'\'' | b'`')) => Some(quote),
        Some(b'(') => Some(b')'),
        Some(_) | None => None,
    };
    let is_quoted = closing.is_some();
    let (armor, kind) = match coding.eq_ignore_ascii_case(b";base64") {
        true => (Armor::Inline(Inline::new(is_quoted)), said.get(..mark).unwrap_or_default()),
        // A word and a colon are in many texts; an address has a type, or nothing.
        false if said.is_empty() || said.contains(&b'/') || said.starts_with(b";") => {
            (Armor::Percent(Percent::new(closing)), said)
        }
        false => return Turn::None,
    };
    let small = kind.to_ascii_lowercase();
    let is_image = small.starts_with(b"image/") && !small.starts_with(b"image/svg");
    let least = if is_image { IMAGE_BYTES_MIN } else { DATA_BYTES_MIN };
    let label = if kind.is_empty() { Label::of("data") } else { Label::named("data", kind) };
    Turn::Blob(Blob::new(armor, label, least))
}

/// The rest of a line that began with `begin`: a mode and a name, or a name among other things.
fn begin(is_y: bool, line: &[u8], byte: u8) -> Turn {
    if !matches!(byte, b'\r' | b'\n') {
        let goes_on = line.len() < LEAD_BYTES_MAX && !is_control(byte);
        let is_right = match line.first() {
            Some(b'-') => !is_y && b"-base64 ".iter().zip(line).all(|(a, b)| a == b),
            first => first == Some(&b' '),
        };
        return if goes_on && is_right { Turn::More } else { Turn::None };
    }
    let line = line.trim_ascii_end();
    if is_y {
        let name =
            memchr::memmem::find(line, b" name=").and_then(|at| line.get(at.saturating_add(6)..));
        let label = Label::named("yenc", name.unwrap_or_default());
        return Turn::Blob(Blob::new(Armor::Yenc(Yenc::new()), label, DATA_BYTES_MIN));
    }
    let (is_base64, rest) = match line.strip_prefix(b"-base64") {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let mut words = rest.splitn(3, |byte| *byte == b' ').skip(1);
    let (mode, name) = (words.next().unwrap_or_default(), words.next());
    let is_mode = matches!(mode.len(), 3..=5) && mode.iter().all(u8::is_ascii_digit);
    match name {
        Some(name) if is_mode && is_base64 => Turn::Blob(Blob::new(
            Armor::Inline(Inline::new(true)),
            Label::named("base64", name),
            DATA_BYTES_MIN,
        )),
        Some(name) if is_mode => Turn::Blob(Blob::new(
            Armor::Uu(Uu::default()),
            Label::named("uuencode", name),
            DATA_BYTES_MIN,
        )),
        Some(_) | None => Turn::None,
    }
}

/// Less data than this is no layer, in bytes.
const DATA_BYTES_MIN: usize = 16;
/// Nor is less than this of an image made of points.
const IMAGE_BYTES_MIN: usize = 64;
/// A line that announces something is no longer, nor a type.
const LEAD_BYTES_MAX: usize = 1_024;
const TYPE_BYTES_MAX: usize = 128;
/// So many digits are no digest.
const DOUBT_LETTERS: usize = 512;
/// What is searched at a time: after each find the search begins anew.
const BLOCK_BYTES: usize = 4 << 10;
