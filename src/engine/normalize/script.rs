//! How the characters of a text are written: a byte each, or two.

/// How text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Script {
    /// ASCII, ISO 8859, UTF-8: ASCII characters are bytes.
    Bytes,
    /// UTF-16.
    Wide(ByteOrder),
}

/// Which half of a 16-bit unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum ByteOrder {
    /// The low one.
    Little,
    /// The high one.
    Big,
}

impl Script {
    /// The script of a text that begins with `head`; `None` when it is not text.
    pub(in crate::engine) fn of(head: &[u8]) -> Option<Self> {
        if head.is_empty() {
            return None;
        }
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let marked = head.strip_prefix(order.mark());
            let is_text = match marked {
                Some(rest) => units(rest, order).all(is_wide_text),
                None => head.len() >= UNMARKED_BYTES_MIN && units(head, order).all(is_wide_ascii),
            };
            if is_text {
                return Some(Self::Wide(order));
            }
        }
        // Piece by piece without a branch for each byte: this is asked of the head of every object.
        let is_all_text = |piece: &[u8]| piece.iter().fold(true, |all, &byte| all & is_text(byte));
        head.chunks(PIECE_BYTES).all(is_all_text).then_some(Self::Bytes)
    }

    /// The script of a text in which some bytes are not those of a text: ASCII for at least one half,
    /// and no pair of bytes, read as a unit of UTF-16 with the high half first, a control.
    ///
    /// ClamAV asks for nothing but the second, which four fifths of all random data fulfil. Of such
    /// data the half that is ASCII is too small by a tenth.
    pub(in crate::engine) fn of_marred(head: &[u8]) -> Option<Self> {
        // In pieces that can be summed up in a byte, without a branch for each.
        let ascii_in = |piece: &[u8]| {
            piece.iter().fold(0_u8, |sum, &byte| {
                sum.wrapping_add(u8::from(byte.is_ascii() & is_text(byte)))
            })
        };
        let ascii: usize = head.chunks(PIECE_BYTES).map(|piece| usize::from(ascii_in(piece))).sum();
        // A byte order mark would stand in the first unit: ClamAV does not look at it.
        let rest = head.get(2..)?;
        let is_marred = head.len() >= UNMARKED_BYTES_MIN
            && head.len().saturating_sub(ascii) <= head.len() / 2
            && units(rest, ByteOrder::Big).all(|code| code >= 0x80 || is_wide_ascii(code));
        is_marred.then_some(Self::Bytes)
    }

    /// `head` with a byte for each character; what is not ASCII becomes 0xFF.
    pub(in crate::engine) fn narrow(self, head: &[u8]) -> Vec<u8> {
        match self {
            Self::Bytes => head.to_vec(),
            Self::Wide(order) => {
                head.as_chunks::<2>().0.iter().map(|&unit| order.narrow(unit)).collect()
            }
        }
    }
}

impl ByteOrder {
    /// The ASCII character of a unit, 0xFF for any other.
    pub(super) const fn narrow(self, unit: [u8; 2]) -> u8 {
        let code = self.code(unit);
        if code < 0x80 { code.to_be_bytes()[1] } else { 0xff }
    }

    pub(super) const fn code(self, unit: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(unit),
            Self::Big => u16::from_be_bytes(unit),
        }
    }

    const fn mark(self) -> &'static [u8] {
        match self {
            Self::Little => b"\xff\xfe",
            Self::Big => b"\xfe\xff",
        }
    }
}

fn units(bytes: &[u8], order: ByteOrder) -> impl Iterator<Item = u16> {
    let (units, _) = bytes.as_chunks::<2>();
    units.iter().map(move |&unit| order.code(unit))
}

/// No controls, no noncharacters: what follows a byte order mark in a text.
fn is_wide_text(code: u16) -> bool {
    code < 0xfffe && u8::try_from(code).map_or(true, is_text)
}

fn is_wide_ascii(code: u16) -> bool {
    code < 0x80 && u8::try_from(code).is_ok_and(is_text)
}

/// Bytes of text in any 8-bit script: printable, white space, bell, backspace, escape.
const fn is_text(byte: u8) -> bool {
    matches!(byte, 0x07..=0x0d | 0x1b | 0x20..=0x7e | 0x80..)
}

/// Bytes that are looked at together.
const PIECE_BYTES: usize = 64;

/// Without a mark, so many bytes of nothing but ASCII in 16 bits: chance does not write them.
const UNMARKED_BYTES_MIN: usize = 8;
