//! Path and query of an address in one canonical form, so that an entry needs to know one spelling only.
//!
//! Undone: percent-encoding (nested up to four times, also as `%u002f`), overlong UTF-8 of ASCII
//! (`%c0%af`), backslashes, doubled slashes, `.` and `..` (also behind a `;`, as Tomcat reads them), tabs and
//! line ends that browsers drop, letter case, `+` for a blank in a query, the fragment. The path part ends at
//! the first `?` that is written as such; segments and slashes are a matter of the path part only.
//!
//! Case does not count, as in squidGuard and on half of the servers of the world: an entry that has to
//! tell `/Ad` from `/ad` cannot be written. What is behind [`PATH_BYTES_MAX`] canonical bytes cannot matter
//! to any entry and is not kept, but dot segments behind it still take away what they follow.
//!
//! Nothing is allocated: the caller lends the room. The work is linear in the raw address.

use memchr::memchr;

use super::broken::ROUNDS_MAX;
use super::host::hex;

/// Room for one canonical path.
#[derive(Clone, Debug)]
pub struct PathScratch {
    bytes: [u8; PATH_BYTES_MAX.saturating_add(1)],
}

impl PathScratch {
    /// Empty room.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; PATH_BYTES_MAX.saturating_add(1)] }
    }
}

/// The start of an address behind its host in canonical form, as long as an entry can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanonicalPath<'s> {
    bytes: &'s [u8],
    /// Where the query begins; the length without one.
    query_at: usize,
    complete: bool,
}

impl<'s> CanonicalPath<'s> {
    /// Makes the canonical form of a raw path and query.
    #[must_use]
    pub fn of(raw: &[u8], scratch: &'s mut PathScratch) -> Self {
        let raw = raw.trim_ascii();
        let raw = raw.get(..memchr(b'#', raw).unwrap_or(raw.len())).unwrap_or_default();
        let query_at = memchr(b'?', raw).unwrap_or(raw.len());
        let (path, query) = raw.split_at_checked(query_at).unwrap_or((raw, b""));
        let mut writer = Writer::new(&mut scratch.bytes);
        each_decoded(path, &mut |byte| writer.path_byte(byte));
        writer.end_segment(false);
        let query_at = writer.length;
        if !query.is_empty() {
            each_decoded(query, &mut |byte| writer.query_byte(byte));
        }
        let (length, capacity) = (writer.length, scratch.bytes.len());
        let bytes = scratch.bytes.get(..length.min(capacity)).unwrap_or_default();
        Self { bytes, query_at: query_at.min(bytes.len()), complete: length <= capacity }
    }

    /// A raw path that is its own canonical form: most are, and then nothing is copied.
    fn plain(raw: &'s [u8]) -> Option<Self> {
        if raw.is_empty() {
            return Some(Self { bytes: b"/", query_at: 1, complete: true });
        }
        if raw.first() != Some(&b'/') || raw.len() > PATH_BYTES_MAX {
            return None;
        }
        let mut query_at = None;
        let mut before = 0;
        for (at, &byte) in raw.iter().enumerate() {
            let is_plain = match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'=' | b'&' | b'~' | b',' | b':' => true,
                // Doubled slashes and dot segments are a matter of the path part only.
                b'/' | b'.' => query_at.is_some() || before != b'/',
                b'?' => {
                    query_at = query_at.or(Some(at));
                    true
                }
                _ => false,
            };
            if !is_plain {
                return None;
            }
            before = byte;
        }
        Some(Self { bytes: raw, query_at: query_at.unwrap_or(raw.len()), complete: true })
    }

    /// The canonical bytes; they begin with `/`.
    #[must_use]
    pub const fn as_bytes(&self) -> &'s [u8] {
        self.bytes
    }

    /// Whether that is all of it.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// How long the part before the query is.
    pub(super) const fn query_at(&self) -> usize {
        self.query_at
    }

    /// Where every prefix ends that ends at a border, shortest first.
    pub(super) fn prefix_ends(&self) -> impl Iterator<Item = usize> + use<'s> {
        let (path, complete) = (self.bytes, self.complete);
        // Behind the last border that an entry can have, nothing can match but the whole.
        let mut borders = 0_usize;
        (1..=path.len()).filter(move |&end| {
            let before = path.get(end.wrapping_sub(1)).copied().is_some_and(is_border);
            let after = path.get(end).copied().map_or(complete, is_border);
            borders = borders.saturating_add(usize::from(before));
            (before || after) && borders <= PATH_BORDERS_MAX
        })
    }

    /// Every prefix that ends at a border, shortest first.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = &'s [u8]> + use<'s> {
        let path = self.bytes;
        self.prefix_ends().filter_map(move |end| path.get(..end))
    }
}

/// A canonical path that is made when it is first needed, and once.
#[derive(Debug)]
pub(super) struct LazyPath<'r> {
    raw: &'r [u8],
    made: Option<Made<'r>>,
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack, and nothing may be allocated"
)]
enum Made<'r> {
    /// It is canonical as it was sent.
    Plain(CanonicalPath<'r>),
    Written {
        scratch: PathScratch,
        length: usize,
        query_at: usize,
        complete: bool,
    },
}

impl<'r> LazyPath<'r> {
    pub(super) const fn new(raw: &'r [u8]) -> Self {
        Self { raw, made: None }
    }

    pub(super) fn get(&mut self) -> CanonicalPath<'_> {
        let raw = self.raw;
        match self.made.get_or_insert_with(|| Made::of(raw)) {
            Made::Plain(path) => *path,
            Made::Written { scratch, length, query_at, complete } => CanonicalPath {
                bytes: scratch.bytes.get(..*length).unwrap_or_default(),
                query_at: *query_at,
                complete: *complete,
            },
        }
    }
}

impl<'r> Made<'r> {
    fn of(raw: &'r [u8]) -> Self {
        if let Some(path) = CanonicalPath::plain(raw) {
            return Self::Plain(path);
        }
        let mut scratch = PathScratch::new();
        let path = CanonicalPath::of(raw, &mut scratch);
        let (length, query_at, complete) = (path.bytes.len(), path.query_at, path.complete);
        Self::Written { scratch, length, query_at, complete }
    }
}

/// Whether a path can end or begin a part at this byte. The zero byte ends a path for many programs.
pub(super) const fn is_border(byte: u8) -> bool {
    matches!(byte, b'/' | b'?' | b'&' | b'=' | b';' | b'#' | 0)
}

/// Writes a path as it is read. All positions are those in a path of any length; what is behind the
/// room is counted and dropped.
struct Writer<'s> {
    out: &'s mut [u8],
    length: usize,
    /// Where the last segment begins.
    segment_at: usize,
    /// How many segments begin behind the room; the last one is among them.
    buried: usize,
    segment: Segment,
    /// The first byte of what may be overlong.
    lead: Option<u8>,
}

/// What the last segment is so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment {
    Empty,
    Dot,
    DotDot,
    /// One or two dots, and a parameter.
    DotParameter,
    DotDotParameter,
    Name,
}

impl<'s> Writer<'s> {
    fn new(out: &'s mut [u8]) -> Self {
        let mut writer =
            Self { out, length: 0, segment_at: 1, buried: 0, segment: Segment::Empty, lead: None };
        writer.put(b'/');
        writer
    }

    fn put(&mut self, byte: u8) {
        if let Some(slot) = self.out.get_mut(self.length) {
            *slot = byte.to_ascii_lowercase();
        }
        self.length = self.length.saturating_add(1);
    }

    /// Joins two bytes that stand for one of ASCII; others are given on as they are.
    fn joined(&mut self, byte: u8, give: fn(&mut Self, u8)) {
        match (self.lead.take(), byte) {
            (Some(lead), 0x80..=0xbf) => return give(self, ((lead & 1) << 6) | (byte & 0x3f)),
            (Some(lead), _) => give(self, lead),
            (None, _) => {}
        }
        if matches!(byte, 0xc0 | 0xc1) {
            self.lead = Some(byte);
        } else {
            give(self, byte);
        }
    }

    fn path_byte(&mut self, byte: u8) {
        self.joined(byte, Self::path_sign);
    }

    fn query_byte(&mut self, byte: u8) {
        self.joined(byte, |writer, byte| writer.put(if byte == b'+' { b' ' } else { byte }));
    }

    fn path_sign(&mut self, byte: u8) {
        if matches!(byte, b'/' | b'\\') {
            self.end_segment(true);
            return;
        }
        self.segment = match (self.segment, byte) {
            (Segment::Empty, b'.') => Segment::Dot,
            (Segment::Dot, b'.') => Segment::DotDot,
            (Segment::Dot, b';') => Segment::DotParameter,
            (Segment::DotDot, b';') => Segment::DotDotParameter,
            (same @ (Segment::DotParameter | Segment::DotDotParameter), _) => same,
            (Segment::Empty | Segment::Dot | Segment::DotDot | Segment::Name, _) => Segment::Name,
        };
        self.put(byte);
    }

    fn end_segment(&mut self, by_slash: bool) {
        if let Some(lead) = self.lead.take() {
            self.path_sign(lead);
        }
        match self.segment {
            Segment::Empty => {}
            Segment::Dot | Segment::DotParameter => self.length = self.segment_at,
            Segment::DotDot | Segment::DotDotParameter => self.drop_segment(),
            Segment::Name if by_slash => {
                self.put(b'/');
                self.segment_at = self.length;
                self.buried = self.buried.saturating_add(usize::from(self.length > self.out.len()));
            }
            Segment::Name => {}
        }
        self.segment = Segment::Empty;
    }

    /// Takes away the last segment, which is `..`, and the one before it.
    fn drop_segment(&mut self) {
        if self.buried > 1 {
            self.buried = self.buried.saturating_sub(1);
            // Where the one before begins is not known, only that there is no room for it.
            self.segment_at = self.out.len().saturating_add(1);
        } else {
            let end = match self.buried {
                0 => self.segment_at.saturating_sub(1),
                _ => self.out.len(),
            };
            let kept = self.out.get(..end).unwrap_or_default();
            let slash = kept.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
            self.segment_at = slash.saturating_add(1);
            self.buried = 0;
        }
        self.length = self.segment_at;
    }
}

/// Gives every byte of a raw text with percent-encoding undone.
fn each_decoded(raw: &[u8], give: &mut impl FnMut(u8)) {
    let bytes = raw.iter().copied().filter(|byte| !matches!(byte, b'\t' | b'\r' | b'\n'));
    const { assert!(ROUNDS_MAX == 4) };
    if memchr(b'%', raw).is_none() {
        bytes.for_each(give);
    } else if raw.len() <= PATH_BYTES_MAX {
        let mut room = [0; PATH_BYTES_MAX];
        let length = room.iter_mut().zip(bytes).map(|(slot, byte)| *slot = byte).count();
        let mut text = room.get_mut(..length).unwrap_or_default();
        for _round in 0..ROUNDS_MAX {
            let Some(first) = memchr(b'%', text) else { break };
            let length = undo(text, first);
            text = std::mem::take(&mut text).get_mut(..length).unwrap_or_default();
        }
        text.iter().copied().for_each(give);
    } else {
        let decoded = Percent::of(Percent::of(Percent::of(Percent::of(bytes))));
        decoded.for_each(give);
    }
}

/// Undoes percent-encoding once, in place, from the first `%` on; says how long the text is now.
fn undo(text: &mut [u8], first: usize) -> usize {
    let (mut from, mut to) = (first, first);
    while let Some(rest) = text.get(from..)
        && let Some(&byte) = rest.first()
    {
        let (byte, length) = match rest {
            [b'%', b'u' | b'U', b'0', b'0', high, low, ..] => {
                digits(*high, *low).map_or((byte, 1), |byte| (byte, AHEAD_BYTES))
            }
            [b'%', high, low, ..] => digits(*high, *low).map_or((byte, 1), |byte| (byte, 3)),
            _ => (byte, 1),
        };
        if let Some(slot) = text.get_mut(to) {
            *slot = byte;
        }
        from = from.saturating_add(length);
        to = to.saturating_add(1);
    }
    to
}

/// Undoes percent-encoding once. A `%` without its digits stands for itself.
struct Percent<I> {
    inner: I,
    /// Bytes that were read ahead.
    ahead: [u8; AHEAD_BYTES],
    count: usize,
}

impl<I: Iterator<Item = u8>> Percent<I> {
    const fn of(inner: I) -> Self {
        Self { inner, ahead: [0; AHEAD_BYTES], count: 0 }
    }

    /// The next bytes, as many as there are.
    fn peek(&mut self, count: usize) -> &[u8] {
        while self.count < count {
            let (Some(byte), Some(slot)) = (self.inner.next(), self.ahead.get_mut(self.count))
            else {
                break;
            };
            *slot = byte;
            self.count = self.count.saturating_add(1);
        }
        self.ahead.get(..self.count).unwrap_or_default()
    }

    fn skip_bytes(&mut self, count: usize) {
        let count = count.min(self.count);
        self.ahead.copy_within(count..self.count, 0);
        self.count = self.count.saturating_sub(count);
    }
}

impl<I: Iterator<Item = u8>> Iterator for Percent<I> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let first = match self.peek(1) {
            [first, ..] => *first,
            [] => return None,
        };
        let (byte, length) = match first {
            b'%' => match self.peek(3) {
                [_, b'u' | b'U', ..] => match self.peek(AHEAD_BYTES) {
                    [_, _, b'0', b'0', high, low] => (digits(*high, *low), AHEAD_BYTES),
                    _ => (None, 0),
                },
                [_, high, low, ..] => (digits(*high, *low), 3),
                _ => (None, 0),
            },
            _ => (None, 0),
        };
        let (byte, length) = byte.map_or((first, 1), |byte| (byte, length));
        self.skip_bytes(length);
        Some(byte)
    }
}

fn digits(high: u8, low: u8) -> Option<u8> {
    hex(high).zip(hex(low)).map(|(high, low)| (high << 4) | low)
}

/// `%uXXXX`.
const AHEAD_BYTES: usize = 6;

/// Bytes of a path that are compared; an entry cannot be longer, so nothing behind them can matter.
pub const PATH_BYTES_MAX: usize = 1024;

/// Borders between the parts of an entry's path; bounds the work of one lookup.
pub const PATH_BORDERS_MAX: usize = 64;
