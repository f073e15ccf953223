//! The chunked coding, read in place: no byte of body data is copied or looked at.
//!
//! RFC 9112 section 7.1, with what RFC 3507 section 4.5 adds: a preview ends with a zero chunk that is
//! not the end of the body, unless that chunk carries the extension `ieof`.
//!
//! [`Decoder::decode`] returns ranges into the slice it was given. `wire` is what an echo sends:
//! framing included, chunk extensions cut out, and of a preview's last chunk nothing at all, so that the
//! wire bytes of preview and rest joined together are again one chunked body. In a preview leading
//! zeros of a size are cut as well: until the line is complete they might be the terminator.
//!
//! ```text
//!   1a ;x="y" CR LF <26 bytes> CR LF
//!   ──        ─────────────────────     wire (two steps: the extension lies between them)
//!                   ──────────          data
//! ```
//!
//! Everything is exact: sizes are one to sixteen hex digits, lines end with CR LF, nothing is guessed.
//! Whoever reads a chunk differently from the sender reads the next request differently too.

mod fault;

use std::ops::Range;

pub use fault::Fault;

use super::is_token_byte;

/// Reads one chunked body. Holds positions only; memory does not depend on the input.
#[derive(Clone, Debug)]
pub struct Decoder {
    mode: Mode,
    limits: Limits,
    state: State,
    /// Size of the chunk whose line is being read, later bytes of it that are missing.
    left: u64,
    digits: u8,
    ieof: bool,
    extension_bytes: usize,
    trailer_bytes: usize,
    total: u64,
    /// A fault that was found; it is reported once everything before it was.
    fault: Option<Fault>,
}

/// What a zero chunk means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The end of the body.
    Body,
    /// The end of the preview, and of the body if it says `ieof`.
    Preview {
        /// Bytes of data a preview may hold; `u64::MAX` is no limit.
        bytes_max: u64,
    },
}

/// Limits of what surrounds the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of extensions on one chunk; they are skipped, so the cost is time only.
    pub extension_bytes_max: usize,
    /// Bytes of trailer fields of one body.
    pub trailer_bytes_max: usize,
}

/// What one call found, as ranges into the slice given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Bytes consumed from the front.
    pub bytes: usize,
    /// Bytes to keep for an echo.
    pub wire: Range<usize>,
    /// Payload; lies within `wire`.
    pub data: Range<usize>,
    /// Trailer fields with their line ends. Outside a preview they lie within `wire`.
    pub trailer: Range<usize>,
    /// What ended with these bytes.
    pub end: Option<End>,
}

/// What a zero chunk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The body, by an ordinary last chunk.
    Last,
    /// The body, within the preview, by `0; ieof`.
    Ieof,
    /// The preview; the body may go on.
    Preview,
}

/// Whether the next byte still belongs to the same step.
enum Progress {
    GoOn,
    Stop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size,
    Extension(Extension),
    SizeLf,
    Data,
    DataCr,
    DataLf,
    PreviewCr,
    PreviewLf,
    TrailerLine,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
    Done,
}

/// Where in `;name=value` the reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    /// Blanks between the size and the first `;`.
    Before,
    /// Blanks after `;`.
    NameStart,
    /// In the name, which so far equals this many letters of `ieof`; more than four: another name.
    Name(u8),
    /// Blanks after the name.
    AfterName {
        is_ieof: bool,
    },
    Value,
    Quoted,
    QuotedPair,
}

impl Decoder {
    /// A decoder at the beginning of a body or preview.
    #[must_use]
    pub const fn new(mode: Mode, limits: Limits) -> Self {
        Self {
            mode,
            limits,
            state: State::Size,
            left: 0,
            digits: 0,
            ieof: false,
            extension_bytes: 0,
            trailer_bytes: 0,
            total: 0,
            fault: None,
        }
    }

    /// After the end of a preview: the rest of the same body follows. [`Decoder::total`] goes on counting.
    pub const fn resume(&mut self) {
        let total = self.total;
        *self = Self::new(Mode::Body, self.limits);
        self.total = total;
    }

    /// Whether a zero chunk ends a preview.
    #[must_use]
    pub const fn is_preview(&self) -> bool {
        matches!(self.mode, Mode::Preview { .. })
    }

    /// Bytes of payload announced so far.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Reads on, as far as one contiguous `wire` range and one `data` range reach: at most one chunk.
    ///
    /// Constant work for the data, linear in the framing. With `bytes` less than `input.len()` call
    /// again with the rest, unless an end was reported.
    ///
    /// # Errors
    ///
    /// [`Fault`], once everything before it has been delivered, and from then on with every call: the
    /// body cannot be read on, and where the next message begins is unknown.
    pub fn decode(&mut self, input: &[u8]) -> Result<Step, Fault> {
        let mut step = Step::default();
        while self.fault.is_none()
            && let Some(&byte) = input.get(step.bytes)
        {
            match self.take_byte(byte, input.len(), &mut step) {
                Ok(Progress::GoOn) => {}
                Ok(Progress::Stop) => break,
                Err(fault) => self.fault = Some(fault),
            }
        }
        // What stands before a fault is delivered first: the outcome may not depend on how input was cut.
        match self.fault {
            Some(fault) if step.bytes == 0 => Err(fault),
            Some(_) | None => Ok(step),
        }
    }

    fn take_byte(
        &mut self,
        byte: u8,
        input_bytes: usize,
        step: &mut Step,
    ) -> Result<Progress, Fault> {
        let is_kept = match self.state {
            State::Size if !step.data.is_empty() => return Ok(Progress::Stop),
            State::Size => self.size(byte)?,
            State::Extension(at) => self.extension(at, byte)?,
            State::SizeLf => self.size_line_end(byte)?,
            State::Data => {
                self.data(input_bytes, step);
                return Ok(Progress::GoOn);
            }
            State::DataCr => self.expect(byte, b'\r', State::DataLf, Fault::ChunkEnd)?,
            State::DataLf => self.expect(byte, b'\n', State::Size, Fault::ChunkEnd)?,
            State::PreviewCr => self.expect(byte, b'\r', State::PreviewLf, Fault::PreviewEnd)?,
            State::PreviewLf => self.expect(byte, b'\n', State::Done, Fault::PreviewEnd)?,
            State::TrailerLine | State::TrailerName | State::TrailerValue | State::TrailerLf => {
                self.trailer(byte, step)?
            }
            State::EndLf => self.expect(byte, b'\n', State::Done, Fault::Trailer)?,
            State::Done => return Ok(Progress::Stop),
        };
        // What is kept after a byte that is cut out belongs to the next step.
        let is_gap = !is_kept && !step.wire.is_empty();
        if is_kept {
            keep(&mut step.wire, step.bytes, 1);
        }
        step.bytes = step.bytes.saturating_add(1);
        if self.state == State::Done {
            step.end = Some(self.end());
        }
        Ok(if is_gap || step.end.is_some() { Progress::Stop } else { Progress::GoOn })
    }

    const fn end(&self) -> End {
        match (self.mode, self.ieof) {
            (Mode::Body, _) => End::Last,
            (Mode::Preview { .. }, true) => End::Ieof,
            (Mode::Preview { .. }, false) => End::Preview,
        }
    }

    /// In a preview, nothing of a line is kept before its first digit above zero.
    fn is_line_kept(&self) -> bool {
        self.mode == Mode::Body || self.left != 0
    }

    fn size(&mut self, byte: u8) -> Result<bool, Fault> {
        let digit = match byte {
            b'0'..=b'9' => byte.wrapping_sub(b'0'),
            b'a'..=b'f' => byte.wrapping_sub(b'a').wrapping_add(10),
            b'A'..=b'F' => byte.wrapping_sub(b'A').wrapping_add(10),
            b'\r' | b';' | b' ' | b'\t' if self.digits > 0 => return Ok(self.after_size(byte)),
            _ => return Err(Fault::Size { found: byte }),
        };
        self.digits = self.digits.saturating_add(1);
        if self.digits > DIGITS_MAX {
            return Err(Fault::SizeTooLong);
        }
        self.left = (self.left << 4) | u64::from(digit);
        Ok(self.is_line_kept())
    }

    fn after_size(&mut self, byte: u8) -> bool {
        self.extension_bytes = 1;
        match byte {
            b'\r' => {
                self.state = State::SizeLf;
                self.is_line_kept()
            }
            b';' => {
                self.state = State::Extension(Extension::NameStart);
                false
            }
            _ => {
                self.state = State::Extension(Extension::Before);
                false
            }
        }
    }

    fn extension(&mut self, at: Extension, byte: u8) -> Result<bool, Fault> {
        let is_text = byte == b'\t' || (byte >= b' ' && byte != 0x7f);
        let ends_line = byte == b'\r' && !matches!(at, Extension::Quoted | Extension::QuotedPair);
        // A `;` announces a name.
        if (!is_text && !ends_line) || (ends_line && at == Extension::NameStart) {
            return Err(Fault::Extension);
        }
        let is_named_ieof =
            matches!(at, Extension::Name(4) | Extension::AfterName { is_ieof: true });
        if is_named_ieof && matches!(byte, b';' | b'\r') {
            self.ieof = true;
        }
        if ends_line {
            self.state = State::SizeLf;
            return Ok(self.is_line_kept());
        }
        self.extension_bytes = self.extension_bytes.saturating_add(1);
        if self.extension_bytes > self.limits.extension_bytes_max {
            return Err(Fault::ExtensionTooLong { max: self.limits.extension_bytes_max });
        }
        self.state = State::Extension(at.next(byte)?);
        Ok(false)
    }

    fn size_line_end(&mut self, byte: u8) -> Result<bool, Fault> {
        let is_kept = self.is_line_kept();
        self.expect(byte, b'\n', State::Data, Fault::SizeLine)?;
        self.digits = 0;
        if self.left > 0 {
            // An `ieof` on a chunk with data is an unknown extension like any other.
            self.ieof = false;
            self.total = self.total.checked_add(self.left).ok_or(Fault::TooLarge)?;
            if let Mode::Preview { bytes_max } = self.mode
                && self.total > bytes_max
            {
                return Err(Fault::PreviewTooLong { max: bytes_max });
            }
        } else if self.is_preview() && !self.ieof {
            self.state = State::PreviewCr;
        } else {
            self.state = State::TrailerLine;
        }
        Ok(is_kept)
    }

    /// Takes as much of the chunk's data as there is.
    fn data(&mut self, end: usize, step: &mut Step) {
        let available = end.saturating_sub(step.bytes);
        let length = usize::try_from(self.left).map_or(available, |left| left.min(available));
        keep(&mut step.wire, step.bytes, length);
        step.data = step.bytes..step.bytes.saturating_add(length);
        step.bytes = step.data.end;
        self.left = self.left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        if self.left == 0 {
            self.state = State::DataCr;
        }
    }

    fn trailer(&mut self, byte: u8, step: &mut Step) -> Result<bool, Fault> {
        let is_kept = self.mode == Mode::Body;
        self.state = match (self.state, byte) {
            (State::TrailerLine, b'\r') => {
                self.state = State::EndLf;
                return Ok(is_kept);
            }
            (State::TrailerLine | State::TrailerName, byte) if is_token_byte(byte) => {
                State::TrailerName
            }
            (State::TrailerName, b':') => State::TrailerValue,
            (State::TrailerValue, b'\r') => State::TrailerLf,
            (State::TrailerValue, byte) if byte != b'\n' && byte != 0 => State::TrailerValue,
            (State::TrailerLf, b'\n') => State::TrailerLine,
            _ => return Err(Fault::Trailer),
        };
        self.trailer_bytes = self.trailer_bytes.saturating_add(1);
        if self.trailer_bytes > self.limits.trailer_bytes_max {
            return Err(Fault::TrailerTooLong { max: self.limits.trailer_bytes_max });
        }
        // Trailer bytes are consecutive and end the body, so the range never has a gap.
        keep(&mut step.trailer, step.bytes, 1);
        Ok(is_kept)
    }

    fn expect(&mut self, found: u8, wanted: u8, next: State, fault: Fault) -> Result<bool, Fault> {
        if found != wanted {
            return Err(fault);
        }
        self.state = next;
        Ok(matches!(next, State::DataLf | State::Size | State::Data) || self.mode == Mode::Body)
    }
}

impl Extension {
    fn next(self, byte: u8) -> Result<Self, Fault> {
        let is_blank = matches!(byte, b' ' | b'\t');
        Ok(match (self, byte) {
            (Self::Before | Self::AfterName { .. } | Self::Name(_) | Self::Value, b';') => {
                Self::NameStart
            }
            (Self::Before, _) if is_blank => Self::Before,
            (Self::NameStart, _) if is_blank => Self::NameStart,
            (Self::NameStart, _) if is_token_byte(byte) => Self::Name(match_ieof(0, byte)),
            (Self::Name(matched), _) if is_token_byte(byte) => {
                Self::Name(match_ieof(matched, byte))
            }
            (Self::Name(matched), _) if is_blank => Self::AfterName { is_ieof: matched == 4 },
            (Self::AfterName { is_ieof }, _) if is_blank => Self::AfterName { is_ieof },
            (Self::Name(_) | Self::AfterName { .. }, b'=') => Self::Value,
            (Self::Value, b'"') => Self::Quoted,
            (Self::Value, _) => Self::Value,
            (Self::Quoted, b'"') => Self::Value,
            (Self::Quoted, b'\\') => Self::QuotedPair,
            (Self::Quoted | Self::QuotedPair, _) => Self::Quoted,
            (Self::Before | Self::NameStart | Self::Name(_) | Self::AfterName { .. }, _) => {
                return Err(Fault::Extension);
            }
        })
    }
}

/// How many letters of `ieof` a name equals after one more byte; 5 once it differs.
fn match_ieof(matched: u8, byte: u8) -> u8 {
    match (matched, byte.to_ascii_lowercase()) {
        (0, b'i') => 1,
        (1, b'e') => 2,
        (2, b'o') => 3,
        (3, b'f') => 4,
        _ => 5,
    }
}

/// Extends `range` by `length` bytes at `at`, which is where it ends.
fn keep(range: &mut Range<usize>, at: usize, length: usize) {
    if range.start == range.end {
        *range = at..at;
    }
    debug_assert!(range.end == at, "a step keeps one contiguous range");
    range.end = at.saturating_add(length);
}

/// Sixteen digits are 64 bits; more could only be leading zeros, which no sender writes in good faith.
const DIGITS_MAX: u8 = 16;
