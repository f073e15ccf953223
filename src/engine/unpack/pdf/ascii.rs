//! The filters that make text of bytes, and the one for runs (ISO 32000-1, 7.4.2 to 7.4.5).

use super::filter::Poured;
use super::token::is_space;

/// Two digits for each byte, to `>`.
#[derive(Default)]
pub(super) struct Hex {
    high: Option<u8>,
}

impl Hex {
    pub(super) fn pour(&mut self, input: &[u8], output: &mut [u8]) -> Poured {
        let (mut used, mut made) = (0_usize, 0_usize);
        for byte in input {
            let Some(room) = output.get_mut(made) else { break };
            used = used.saturating_add(1);
            let digit = match char::from(*byte).to_digit(16) {
                Some(digit) => u8::try_from(digit).unwrap_or(0),
                None if *byte == b'>' => {
                    if let Some(high) = self.high.take() {
                        *room = high << 4;
                        made = made.saturating_add(1);
                    }
                    return Poured { used, made, end: Some(Ok(())) };
                }
                // Viewers pass over what is no digit.
                None => continue,
            };
            match self.high.take() {
                None => self.high = Some(digit),
                Some(high) => {
                    *room = high << 4 | digit;
                    made = made.saturating_add(1);
                }
            }
        }
        Poured { used, made, end: None }
    }
}

/// Five letters for each four bytes, `z` for four zeros, to `~`.
#[derive(Default)]
pub(super) struct Base85 {
    letters: [u8; 5],
    count: usize,
    /// Bytes of the last group that found no room, and how many were given.
    group: [u8; 4],
    given: usize,
    length: usize,
    is_over: bool,
}

impl Base85 {
    pub(super) fn pour(&mut self, input: &[u8], output: &mut [u8]) -> Poured {
        let (mut used, mut made) = (0_usize, 0_usize);
        loop {
            while self.given < self.length {
                let (Some(room), Some(byte)) = (output.get_mut(made), self.group.get(self.given))
                else {
                    return Poured { used, made, end: None };
                };
                *room = *byte;
                made = made.saturating_add(1);
                self.given = self.given.saturating_add(1);
            }
            if self.is_over {
                return Poured { used, made, end: Some(Ok(())) };
            }
            let Some(byte) = input.get(used) else { return Poured { used, made, end: None } };
            used = used.saturating_add(1);
            match byte {
                b'z' if self.count == 0 => self.ready([0; 4], 4),
                b'!'..=b'u' => self.letter(byte.saturating_sub(b'!')),
                b'~' => {
                    self.is_over = true;
                    // A last group of fewer letters stands for one byte less than letters.
                    let length = self.count.saturating_sub(1);
                    while self.count > 0 {
                        self.letter(84);
                    }
                    self.length = length;
                }
                byte if is_space(*byte) => {}
                _ => {}
            }
        }
    }

    fn letter(&mut self, value: u8) {
        if let Some(slot) = self.letters.get_mut(self.count) {
            *slot = value;
        }
        self.count = self.count.saturating_add(1);
        if self.count >= self.letters.len() {
            let number = self.letters.iter().fold(0_u32, |number, letter| {
                number.wrapping_mul(85).wrapping_add(u32::from(*letter))
            });
            self.ready(number.to_be_bytes(), 4);
        }
    }

    const fn ready(&mut self, group: [u8; 4], length: usize) {
        self.group = group;
        self.given = 0;
        self.length = length;
        self.count = 0;
    }
}

/// A length, then bytes or one byte to repeat; 128 ends it.
#[derive(Default)]
pub(super) struct Runs {
    place: Run,
}

#[derive(Clone, Copy, Default)]
enum Run {
    #[default]
    Length,
    /// So many bytes follow.
    Copy(usize),
    /// So many times the next byte.
    Next(usize),
    Repeat(usize, u8),
}

impl Runs {
    pub(super) fn pour(&mut self, input: &[u8], output: &mut [u8]) -> Poured {
        let (mut used, mut made) = (0_usize, 0_usize);
        loop {
            if let Run::Repeat(left, byte) = self.place {
                let Some(room) = output.get_mut(made) else { break };
                *room = byte;
                made = made.saturating_add(1);
                self.place = match left.saturating_sub(1) {
                    0 => Run::Length,
                    left => Run::Repeat(left, byte),
                };
                continue;
            }
            let Some(byte) = input.get(used).copied() else { break };
            match self.place {
                Run::Length => {
                    self.place = match byte {
                        128 => {
                            let used = used.saturating_add(1);
                            return Poured { used, made, end: Some(Ok(())) };
                        }
                        0..128 => Run::Copy(usize::from(byte).saturating_add(1)),
                        129.. => Run::Next(257_usize.saturating_sub(usize::from(byte))),
                    };
                }
                Run::Copy(left) => {
                    let Some(room) = output.get_mut(made) else { break };
                    *room = byte;
                    made = made.saturating_add(1);
                    self.place = match left.saturating_sub(1) {
                        0 => Run::Length,
                        left => Run::Copy(left),
                    };
                }
                Run::Next(count) => self.place = Run::Repeat(count, byte),
                Run::Repeat(..) => {}
            }
            used = used.saturating_add(1);
        }
        Poured { used, made, end: None }
    }
}
