//! The boundaries that are open, and the lines that may be one (RFC 2046 section 5.1.1).
//!
//! A boundary counts for as long as it may: behind its closing line, too, because not every reader stops
//! there, and behind a line of a mailbox that begins another mail. It is forgotten when one around it is met.

use super::line_end;

/// Boundaries, from the outermost inwards.
#[derive(Debug, Default)]
pub(super) struct Frames {
    open: Vec<Frame>,
}

/// One of them.
#[derive(Debug)]
struct Frame {
    /// With their two dashes: those that were told, mostly one. Where there is none, the first line that may be one
    /// is it.
    boundaries: Vec<Vec<u8>>,
    /// Whether a part without a type is a mail.
    is_digest: bool,
}

/// What the line at the front of some bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Nothing of interest.
    Other,
    /// More bytes have to be seen.
    More,
    /// A part begins behind so many bytes, in a multipart that is a digest or not.
    Part(usize, bool),
    /// The parts end; so many bytes belong to that.
    Close(usize),
}

impl Frames {
    pub(super) const fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Opens a multipart with these boundaries. False when there are too many, or one is too long.
    pub(super) fn push(&mut self, boundaries: &[Vec<u8>], is_digest: bool) -> bool {
        let short = boundaries.iter().filter(|boundary| boundary.len() <= BOUNDARY_BYTES_MAX);
        let kept: Vec<_> = short
            .take(READINGS_MAX)
            .map(|boundary| [b"--", boundary.as_slice()].concat())
            .collect();
        if self.open.len() >= BOUNDARIES_MAX || (kept.is_empty() && !boundaries.is_empty()) {
            return false;
        }
        let is_all = kept.len() == boundaries.len();
        self.open.push(Frame { boundaries: kept, is_digest });
        is_all
    }

    /// Another mail begins: of the boundaries that are open some are kept. Says whether that are all.
    pub(super) fn begin_mail(&mut self) -> bool {
        let too_many = self.open.len().saturating_sub(KEPT_MAX);
        self.open.drain(..too_many);
        too_many == 0
    }

    /// What the line that begins `bytes` is.
    pub(super) fn line(&mut self, bytes: &[u8], is_over: bool) -> Line {
        let is_dashed = bytes.iter().zip(b"--").all(|(a, b)| a == b);
        if self.open.is_empty() || !is_dashed {
            return Line::Other;
        }
        if bytes.len() < 2 {
            return if is_over { Line::Other } else { Line::More };
        }
        if !self.open.iter().any(|frame| frame.agrees(bytes)) {
            return Line::Other;
        }
        let window = bytes.get(..LINE_BYTES_MAX).unwrap_or(bytes);
        let end = memchr::memchr2(b'\r', b'\n', window);
        let (length, with_end) = match end {
            Some(end) => match line_end(bytes, end, is_over) {
                Some(length) => (end, end.saturating_add(length)),
                None => return Line::More,
            },
            None if window.len() == LINE_BYTES_MAX => (LINE_BYTES_MAX, LINE_BYTES_MAX),
            None if is_over => (bytes.len(), bytes.len()),
            None => return Line::More,
        };
        let line = bytes.get(..length).unwrap_or(bytes);
        self.adopt(line);
        self.matched(line.trim_ascii_end(), with_end)
    }

    /// The first line with two dashes is the boundary of a multipart that told none.
    fn adopt(&mut self, line: &[u8]) {
        let line = line.trim_ascii_end();
        if let Some(frame) = self.open.last_mut()
            && frame.boundaries.is_empty()
            && line.len() > 2
            && line.len() <= BOUNDARY_BYTES_MAX
        {
            frame.boundaries.push(line.to_vec());
        }
    }

    /// The boundary that a line is, or else the longest that it begins with.
    fn matched(&mut self, line: &[u8], with_end: usize) -> Line {
        let known = || {
            let frames = self.open.iter().enumerate().rev();
            frames.flat_map(|(at, frame)| {
                frame.boundaries.iter().map(move |boundary| (at, boundary.as_slice()))
            })
        };
        let exact = known().find_map(|(at, boundary)| match line.strip_prefix(boundary)? {
            b"" => Some((at, false, with_end)),
            b"--" => Some((at, true, with_end)),
            _ => None,
        });
        let begun = || {
            let fitting = known().filter(|(_, boundary)| line.starts_with(boundary));
            let (at, boundary) = fitting.max_by_key(|(_, boundary)| boundary.len())?;
            let is_close = line.get(boundary.len()..).is_some_and(|rest| rest.starts_with(b"--"));
            // What follows it is looked at, whatever it is.
            let taken = boundary.len().saturating_add(usize::from(is_close).saturating_mul(2));
            Some((at, is_close, taken))
        };
        let Some((at, is_close, taken)) = exact.or_else(begun) else { return Line::Other };
        self.open.truncate(at.saturating_add(1));
        let is_digest = self.open.last().is_some_and(|frame| frame.is_digest);
        if is_close { Line::Close(taken) } else { Line::Part(taken, is_digest) }
    }
}

impl Frame {
    /// Whether a line that begins so may be this one.
    fn agrees(&self, bytes: &[u8]) -> bool {
        let agrees = |boundary: &Vec<u8>| bytes.iter().zip(boundary).all(|(a, b)| a == b);
        self.boundaries.is_empty() || self.boundaries.iter().any(agrees)
    }
}

/// Multiparts inside each other, each with one boundary: mail programs make four.
pub(in crate::engine::unpack) const BOUNDARIES_MAX: usize = 100;
/// Boundaries that one header may tell.
const READINGS_MAX: usize = 8;
/// Boundaries of earlier mails of a mailbox that are looked for.
const KEPT_MAX: usize = 50;
/// RFC 2046 allows 70 bytes.
pub(in crate::engine::unpack) const BOUNDARY_BYTES_MAX: usize = 1_024;
/// A boundary with its dashes and spaces.
const LINE_BYTES_MAX: usize = 2 * BOUNDARY_BYTES_MAX;
