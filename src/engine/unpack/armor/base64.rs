//! base64 as it is in mails (RFC 2045 section 6.8): what is no letter is passed over, as mail clients do.
//!
//! `=` ends a group of letters, and another group may follow: some writers put encoded files one behind
//! another, and not every reader stops at the first.

use super::{NONE, values};

/// The letters that are not decoded yet.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Base64 {
    bits: u32,
    /// How many of the low bits count: 0, 2, 4 or 6.
    count: u32,
}

impl Base64 {
    /// Says how much of `input` was taken and how much of `output` was written.
    pub(in crate::engine::unpack) fn pour(
        &mut self,
        input: &[u8],
        output: &mut [u8],
    ) -> (usize, usize) {
        let (mut used, mut made) = (0_usize, 0_usize);
        loop {
            if self.count == 0 {
                let (more, out) = groups(
                    input.get(used..).unwrap_or_default(),
                    output.get_mut(made..).unwrap_or_default(),
                );
                used = used.saturating_add(more);
                made = made.saturating_add(out);
            }
            let Some(byte) = input.get(used) else { break };
            match value(*byte) {
                Some(value) if self.count == 0 => self.first(value),
                Some(value) => {
                    let Some(room) = output.get_mut(made) else { break };
                    *room = self.next(value);
                    made = made.saturating_add(1);
                }
                None if *byte == b'=' => self.pad(),
                None => {}
            }
            used = used.saturating_add(1);
        }
        (used, made)
    }

    /// The first letter of a group gives no byte yet.
    const fn first(&mut self, value: u8) {
        self.bits = value as u32;
        self.count = 6;
    }

    /// Each other letter gives one.
    fn next(&mut self, value: u8) -> u8 {
        self.bits = self.bits.wrapping_shl(6) | u32::from(value);
        self.count = self.count.saturating_sub(2);
        let [.., byte] = self.bits.wrapping_shr(self.count).to_be_bytes();
        byte
    }

    /// A letter. Says what it completes.
    pub(in crate::engine::unpack) fn letter(&mut self, value: u8) -> Option<u8> {
        if self.count == 0 {
            self.first(value);
            return None;
        }
        Some(self.next(value))
    }

    /// The group ends here.
    pub(in crate::engine::unpack) const fn pad(&mut self) {
        self.bits = 0;
        self.count = 0;
    }

    /// Letters of the group that is open.
    pub(in crate::engine::unpack) const fn open_letters(&self) -> usize {
        match self.count {
            6 => 1,
            4 => 2,
            2 => 3,
            _ => 0,
        }
    }
}

/// Decodes whole groups of four letters, up to anything else. Says how many bytes went in and came out.
fn groups(input: &[u8], output: &mut [u8]) -> (usize, usize) {
    let mut count = 0_usize;
    for (letters, room) in input.chunks_exact(4).zip(output.chunks_exact_mut(3)) {
        let mut bits = 0_u32;
        let mut all = 0_u8;
        for letter in letters {
            let value = VALUES.get(usize::from(*letter)).copied().unwrap_or(NONE);
            all |= value;
            bits = bits.wrapping_shl(6) | u32::from(value & 0x3f);
        }
        if all > 0x3f {
            break;
        }
        let [_, bytes @ ..] = bits.to_be_bytes();
        room.copy_from_slice(&bytes);
        count = count.saturating_add(1);
    }
    (count.saturating_mul(4), count.saturating_mul(3))
}

/// The six bits that a letter stands for.
pub(in crate::engine::unpack) fn value(letter: u8) -> Option<u8> {
    VALUES.get(usize::from(letter)).copied().filter(|value| *value != NONE)
}

const VALUES: [u8; 256] =
    values(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
