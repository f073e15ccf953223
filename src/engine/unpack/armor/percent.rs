//! `data:` addresses without base64 (RFC 2397): percent-escapes, up to the end of the address.

use super::{Poured, hex, is_control};

/// The rest of an address.
#[derive(Debug)]
pub(in crate::engine::unpack) struct Percent {
    /// What ends it, where it stands between two of something.
    closing: Option<u8>,
    /// What is open of an escape.
    escape: Escape,
}

#[derive(Clone, Copy, Debug)]
enum Escape {
    None,
    Percent,
    Digit(u8),
    /// This is given out next.
    Owed(u8),
}

impl Percent {
    pub(in crate::engine::unpack) const fn new(closing: Option<u8>) -> Self {
        Self { closing, escape: Escape::None }
    }

    pub(in crate::engine::unpack) fn pour(&mut self, input: &[u8], output: &mut [u8]) -> Poured {
        let (mut used, mut made) = (0_usize, 0_usize);
        while let (Some(byte), Some(room)) = (input.get(used).copied(), output.get_mut(made)) {
            let (is_taken, out) = match self.escape {
                Escape::None if self.is_end(byte) => {
                    return Poured { used, made, end: Some(Ok(())) };
                }
                Escape::None if byte == b'%' => {
                    self.escape = Escape::Percent;
                    (true, None)
                }
                Escape::None => (true, Some(byte)),
                Escape::Percent if hex(byte).is_some() => {
                    self.escape = Escape::Digit(byte);
                    (true, None)
                }
                Escape::Percent => {
                    self.escape = Escape::None;
                    (false, Some(b'%'))
                }
                Escape::Digit(high) => match (hex(high), hex(byte)) {
                    (Some(high), Some(low)) => {
                        self.escape = Escape::None;
                        (true, Some(high.wrapping_shl(4) | low))
                    }
                    _ => {
                        self.escape = Escape::Owed(high);
                        (false, Some(b'%'))
                    }
                },
                Escape::Owed(owed) => {
                    self.escape = Escape::None;
                    (false, Some(owed))
                }
            };
            used = used.saturating_add(usize::from(is_taken));
            if let Some(out) = out {
                *room = out;
                made = made.saturating_add(1);
            }
        }
        Poured { used, made, end: None }
    }

    const fn is_end(&self, byte: u8) -> bool {
        match self.closing {
            _ if is_control(byte) => true,
            Some(closing) => byte == closing,
            None => {
                matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'<' | b'>' | b'"' | b'\'' | b')')
            }
        }
    }
}
