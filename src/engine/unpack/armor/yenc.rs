//! yEnc (draft 1.3), from behind its first lines to `=yend`: each byte is shifted by 42, and four are escaped.
//!
//! Its bytes may be anything but NUL, line ends and `=`. What has a NUL, or begins a member of a zip, is no yEnc: a
//! reader of zips would find an archive there.

use super::Poured;
use crate::engine::verdict::Why;

/// The lines of a file.
#[derive(Debug)]
pub(in crate::engine::unpack) struct Yenc {
    is_line_start: bool,
    /// Behind `=`, and whether that begins a line.
    escape: Option<bool>,
    /// Bytes of the signature of a zip that were just seen.
    signature: usize,
    front: Front,
}

/// What may stand in front of the bytes: a line that tells which part of a file they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Front {
    /// Nothing came yet.
    Open,
    /// `=y` did.
    Keyword,
    /// That line did.
    Line,
    Over,
}

impl Yenc {
    pub(in crate::engine::unpack) const fn new() -> Self {
        Self { is_line_start: true, escape: None, signature: 0, front: Front::Open }
    }

    pub(in crate::engine::unpack) fn pour(&mut self, input: &[u8], output: &mut [u8]) -> Poured {
        let (mut used, mut made) = (0_usize, 0_usize);
        while let (Some(byte), Some(room)) = (input.get(used).copied(), output.get_mut(made)) {
            self.signature = match ZIP.get(self.signature) {
                Some(next) if *next == byte => self.signature.saturating_add(1),
                _ => usize::from(byte == b'P'),
            };
            if byte == 0 || self.signature == ZIP.len() {
                return Poured { used, made, end: Some(Err(DAMAGED)) };
            }
            match self.front {
                Front::Keyword if byte == b'p' => self.front = Front::Line,
                Front::Keyword => return Poured { used, made, end: Some(Ok(())) },
                Front::Line if matches!(byte, b'\r' | b'\n') => self.front = Front::Over,
                Front::Line | Front::Open | Front::Over => {}
            }
            used = used.saturating_add(1);
            if self.front == Front::Line {
                continue;
            }
            if let Some(is_at_start) = self.escape.take() {
                if is_at_start && byte == b'y' {
                    if self.front == Front::Open {
                        self.front = Front::Keyword;
                        continue;
                    }
                    return Poured { used, made, end: Some(Ok(())) };
                }
                self.front = Front::Over;
                *room = byte.wrapping_sub(42).wrapping_sub(64);
                made = made.saturating_add(1);
                continue;
            }
            match byte {
                b'\r' | b'\n' => self.is_line_start = true,
                b'=' => self.escape = Some(std::mem::take(&mut self.is_line_start)),
                _ => {
                    self.is_line_start = false;
                    self.front = Front::Over;
                    *room = byte.wrapping_sub(42);
                    made = made.saturating_add(1);
                }
            }
        }
        Poured { used, made, end: None }
    }
}

const ZIP: &[u8] = b"PK\x03\x04";
const DAMAGED: Why = Why::Broken("yEnc: bytes that it cannot have");
