//! uuencode (POSIX.1-2017, `uuencode`), from behind its `begin` line: lines that tell how many bytes they
//! stand for, up to an empty one or one that is none.
//!
//! Spaces at the end of a line may have been lost on the way; they are zeros, and added.

use super::Poured;

/// The lines of a file.
#[derive(Debug, Default)]
pub(in crate::engine::unpack) struct Uu {
    place: Place,
    bits: u32,
    /// How many of the low bits count.
    count: u32,
    /// Bytes of the line that are to come.
    left: u8,
}

/// What the next byte is.
#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// How many bytes the line has.
    #[default]
    Length,
    Letters,
    /// The line was short.
    Missing,
    /// Behind the letters: a check sum, some letters too many.
    Rest(u8),
}

impl Uu {
    pub(in crate::engine::unpack) fn pour(&mut self, input: &[u8], output: &mut [u8]) -> Poured {
        let (mut used, mut made) = (0_usize, 0_usize);
        let over = |used, made| Poured { used, made, end: Some(Ok(())) };
        loop {
            if let (Place::Missing, Some(room)) = (self.place, output.get_mut(made)) {
                if self.left > 0 {
                    *room = self.byte(0).unwrap_or(0);
                    made = made.saturating_add(1);
                    self.left = self.left.saturating_sub(1);
                    continue;
                }
                self.place = Place::Length;
            }
            let Some(byte) = input.get(used).copied() else { break };
            let is_line_end = matches!(byte, b'\r' | b'\n');
            match self.place {
                Place::Missing => break,
                Place::Length => match byte {
                    b'\r' | b'\n' => {}
                    b'!'..=b'_' => {
                        self.left = byte.wrapping_sub(b' ');
                        self.count = 0;
                        self.place = Place::Letters;
                    }
                    _ => return over(used, made),
                },
                Place::Letters if is_line_end => {
                    self.place = Place::Missing;
                    continue;
                }
                Place::Letters => {
                    if !matches!(byte, b' '..=b'`') {
                        return over(used, made);
                    }
                    let Some(room) = output.get_mut(made) else { break };
                    if let Some(out) = self.byte(byte.wrapping_sub(b' ') & 0x3f) {
                        *room = out;
                        made = made.saturating_add(1);
                        self.left = self.left.saturating_sub(1);
                    }
                    if self.left == 0 {
                        self.place = Place::Rest(0);
                    }
                }
                Place::Rest(_) if is_line_end => self.place = Place::Length,
                Place::Rest(count) => {
                    if count >= REST_MAX || !matches!(byte, b' '..=b'~') {
                        return over(used, made);
                    }
                    self.place = Place::Rest(count.saturating_add(1));
                }
            }
            used = used.saturating_add(1);
        }
        Poured { used, made, end: None }
    }

    /// Six more bits. Says what they complete.
    fn byte(&mut self, value: u8) -> Option<u8> {
        self.bits = self.bits.wrapping_shl(6) | u32::from(value);
        self.count = self.count.saturating_add(6);
        if self.count < 8 && !matches!(self.place, Place::Missing) {
            return None;
        }
        if self.count < 8 {
            self.bits = self.bits.wrapping_shl(6);
            self.count = self.count.saturating_add(6);
        }
        self.count = self.count.saturating_sub(8);
        let [.., byte] = self.bits.wrapping_shr(self.count).to_be_bytes();
        Some(byte)
    }
}

/// Letters behind those that a line needs.
const REST_MAX: u8 = 8;
