//! The boundaries `(B)`, `(L)`, `(W)`: which bytes count, at the edges of a part and inside it.
//!
//! `clamav.md` A3.3, and A5.4 for the wide `(W)`, found by asking clamscan 1.4.6: it fails only beside a
//! 16-bit unit that is an ASCII letter or digit, wherever units begin. At an edge a boundary looks and takes nothing, and the start and the end of the
//! layer count as one; in the middle it takes bytes: one, or two for a CR LF. A lone CR ends no line. A
//! negation is the plain opposite, so that at the start or the end of a layer it never holds.

#![forbid(unsafe_code)]

use crate::engine::database::signature::{Edge, EdgeKind};

/// Whether the edge holds before `at`. Index 0 of `bytes` is the start of the layer when `at` is 0.
pub(super) fn holds_before(edge: Edge, bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|index| bytes.get(index)).copied();
    let plain = before.is_none_or(|byte| match edge.kind {
        EdgeKind::Word => ends_word_left(byte),
        EdgeKind::Line => byte == b'\n',
        EdgeKind::NonAlphanumeric => !byte.is_ascii_alphanumeric(),
        EdgeKind::WideNonAlphanumeric => {
            let low = at.checked_sub(2).and_then(|index| bytes.get(index));
            byte != 0 || !low.is_some_and(u8::is_ascii_alphanumeric)
        }
    });
    plain != edge.negated
}

/// Whether the edge holds after a part that ends at `at`. The end of `bytes` is the end of the layer when `at` reaches it.
pub(super) fn holds_after(edge: Edge, bytes: &[u8], at: usize) -> bool {
    let plain = bytes.get(at).is_none_or(|&byte| match edge.kind {
        EdgeKind::Word => ends_word_right(byte),
        EdgeKind::Line => line_end_bytes(bytes, at).is_some(),
        EdgeKind::NonAlphanumeric => !byte.is_ascii_alphanumeric(),
        // Half a unit at the end of the layer counts as a whole one.
        EdgeKind::WideNonAlphanumeric => {
            let high = at.checked_add(1).and_then(|index| bytes.get(index)).copied();
            !byte.is_ascii_alphanumeric() || high.is_some_and(|high| high != 0)
        }
    });
    plain != edge.negated
}

/// The bytes that a boundary in the middle takes at `at`, if it holds there.
pub(super) fn taken_at(edge: Edge, bytes: &[u8], at: usize) -> Option<usize> {
    let byte = *bytes.get(at)?;
    let taken = match edge.kind {
        EdgeKind::Word => (ends_word_left(byte) || ends_word_right(byte)).then_some(1),
        EdgeKind::Line => line_end_bytes(bytes, at),
        EdgeKind::NonAlphanumeric | EdgeKind::WideNonAlphanumeric => {
            (!byte.is_ascii_alphanumeric()).then_some(1)
        }
    };
    if edge.negated { taken.is_none().then_some(1) } else { taken }
}

/// Bytes after the end of a part that an edge may look at.
pub(super) const fn look_after(edge: Option<Edge>) -> u32 {
    match edge {
        None => 0,
        Some(Edge { kind: EdgeKind::Line | EdgeKind::WideNonAlphanumeric, .. }) => 2,
        Some(Edge { kind: EdgeKind::Word | EdgeKind::NonAlphanumeric, .. }) => 1,
    }
}

/// Bytes before the start of a part that an edge may look at.
pub(super) const LOOK_BEFORE: u32 = 2;

/// The edge as one byte, `0` for none.
pub(super) const fn encode(edge: Option<Edge>) -> u8 {
    let Some(Edge { kind, negated }) = edge else {
        return 0;
    };
    let kind = match kind {
        EdgeKind::Word => 1,
        EdgeKind::Line => 2,
        EdgeKind::NonAlphanumeric => 3,
        EdgeKind::WideNonAlphanumeric => 4,
    };
    if negated { kind | NEGATED } else { kind }
}

/// The edge that [`encode`] wrote. An unknown byte is no edge; [`is_code`] refuses it before.
pub(super) const fn decode(code: u8) -> Option<Edge> {
    let kind = match code & !NEGATED {
        1 => EdgeKind::Word,
        2 => EdgeKind::Line,
        3 => EdgeKind::NonAlphanumeric,
        4 => EdgeKind::WideNonAlphanumeric,
        _ => return None,
    };
    Some(Edge { kind, negated: code & NEGATED != 0 })
}

/// Whether [`encode`] can have written this byte.
pub(super) const fn is_code(code: u8) -> bool {
    code == 0 || decode(code).is_some()
}

const NEGATED: u8 = 0x80;

fn line_end_bytes(bytes: &[u8], at: usize) -> Option<usize> {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\n'), _) => Some(1),
        (Some(b'\r'), Some(b'\n')) => Some(2),
        _ => None,
    }
}

const fn ends_word_left(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/' | b'<' | b'@' | b'_')
}

const fn ends_word_right(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b' ' | b'"' | b'\'' | b'-' | b'/' | b'=' | b'>' | b'_')
}
