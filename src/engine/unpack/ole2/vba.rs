//! The source of macros (MS-OVBA): where it begins in which stream, and its decompression.

use super::tables::utf16;
use crate::engine::unpack::numbers::{le16, le32};

/// Where the source of a module lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Module {
    /// The stream's name, in small letters.
    pub(super) stream: String,
    /// Where in the stream its compressed source begins.
    pub(super) offset: u64,
}

/// The modules that the `dir` stream of a project names, given its decompressed bytes (2.3.4.2).
pub(super) fn modules(dir: &[u8]) -> Vec<Module> {
    let mut found = Vec::new();
    let mut stream: Option<String> = None;
    let mut rest = dir;
    while let (Some(id), Some(size)) = (le16(rest, 0), le32(rest, 2)) {
        // The version record says 4 and has 6 bytes.
        let size = if id == VERSION { 6 } else { usize::try_from(size).unwrap_or(usize::MAX) };
        let Some((data, after)) = rest.get(6..).and_then(|rest| rest.split_at_checked(size)) else {
            break;
        };
        match id {
            STREAM_NAME_UNICODE => stream = Some(utf16(data).to_lowercase()),
            STREAM_NAME => {
                stream = Some(String::from_utf8_lossy(data).to_lowercase());
            }
            OFFSET => {
                let offset = le32(data, 0).map(u64::from);
                if let (Some(stream), Some(offset)) = (stream.take(), offset)
                    && found.len() < MODULES_MAX
                {
                    found.push(Module { stream, offset });
                }
            }
            _ => {}
        }
        rest = after;
    }
    found
}

/// The bytes of a chunk with its header, given those two bytes; `None` when they are no header (2.4.1.1.5).
pub(super) fn chunk_bytes(header: [u8; 2]) -> Option<usize> {
    let header = u16::from_le_bytes(header);
    (header >> 12 & 7 == 3).then(|| usize::from(header & 0xfff).saturating_add(3))
}

/// Decompresses one chunk, which begins with its header, to at most [`CHUNK_PLAIN_BYTES`]. Damage ends it.
pub(super) fn decompress(chunk: &[u8], plain: &mut Vec<u8>) {
    plain.clear();
    let Some((header, mut rest)) = chunk.split_first_chunk::<2>() else { return };
    if header.last().is_some_and(|high| high & 0x80 == 0) {
        plain.extend_from_slice(rest.get(..CHUNK_PLAIN_BYTES).unwrap_or(rest));
        return;
    }
    while let Some((flags, after)) = rest.split_first() {
        rest = after;
        for bit in 0..8 {
            if plain.len() >= CHUNK_PLAIN_BYTES {
                return;
            }
            if flags >> bit & 1 == 0 {
                let Some((byte, after)) = rest.split_first() else { return };
                plain.push(*byte);
                rest = after;
            } else {
                let Some((token, after)) = rest.split_first_chunk() else { return };
                if !copy(u16::from_le_bytes(*token), plain) {
                    return;
                }
                rest = after;
            }
        }
    }
}

/// A copy token (2.4.1.3.19): the more there is, the more of its bits tell how far back.
fn copy(token: u16, plain: &mut Vec<u8>) -> bool {
    let length_bits = match plain.len() {
        0 => return false,
        1..=16 => 12,
        known => 16_u32
            .saturating_sub(usize::BITS.saturating_sub(known.saturating_sub(1).leading_zeros())),
    };
    let length = usize::from(token & !(u16::MAX << length_bits)).saturating_add(3);
    let back = usize::from(token >> length_bits).saturating_add(1);
    let Some(from) = plain.len().checked_sub(back) else { return false };
    let length = length.min(CHUNK_PLAIN_BYTES.saturating_sub(plain.len()));
    for at in from..from.saturating_add(length) {
        let Some(byte) = plain.get(at).copied() else { return false };
        plain.push(byte);
    }
    true
}

/// Decompresses a whole container that is at hand, up to a limit.
pub(super) fn decompress_all(container: &[u8], limit: usize) -> Vec<u8> {
    let mut all = Vec::new();
    let mut plain = Vec::new();
    let mut rest = container.strip_prefix(&[SIGNATURE]).unwrap_or_default();
    while let Some(bytes) = rest.first_chunk().and_then(|header| chunk_bytes(*header)) {
        let (chunk, after) = rest.split_at_checked(bytes).unwrap_or((rest, &[]));
        decompress(chunk, &mut plain);
        all.extend_from_slice(&plain);
        if all.len() >= limit {
            break;
        }
        rest = after;
    }
    all
}

/// The most a chunk decompresses to.
pub(super) const CHUNK_PLAIN_BYTES: usize = 4_096;
/// The header of a chunk, and twelve bits of length.
pub(super) const CHUNK_BYTES_MAX: usize = 4_098;
/// The first byte of a container.
pub(super) const SIGNATURE: u8 = 1;
/// Modules of one project that are obeyed; others are found by how their source begins.
const MODULES_MAX: usize = 4_096;
const VERSION: u16 = 0x0009;
const STREAM_NAME: u16 = 0x001a;
const STREAM_NAME_UNICODE: u16 = 0x0032;
const OFFSET: u16 = 0x0031;
