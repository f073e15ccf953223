//! RC4, and AES with its blocks chained, over bytes that come in pieces.

use super::super::cbc::Key;
use super::super::parts::copy;

/// What decrypts a stream or a string.
pub(super) enum Cipher {
    Rc4(Box<Rc4>),
    Aes(Box<Aes>),
}

/// RC4.
pub(super) struct Rc4 {
    state: [u8; 256],
    at: u8,
    other: u8,
}

/// AES in CBC: a block to start with, the blocks, and between 1 and 16 bytes of padding that say how many they are.
pub(super) struct Aes {
    key: Key,
    /// The coded block before, once there is one.
    before: Option<[u8; 16]>,
    gathered: [u8; 16],
    count: usize,
    /// The last block that was decrypted: it may end in padding.
    held: Option<[u8; 16]>,
    /// What is to be handed out.
    ready: [u8; 16],
    from: usize,
    to: usize,
}

impl Cipher {
    /// `None` for a key of another size.
    pub(super) fn aes(key: &[u8]) -> Option<Self> {
        Key::of(key).map(|key| Self::Aes(Box::new(Aes::new(key))))
    }

    /// Bytes taken, and bytes made.
    pub(super) fn pour(&mut self, input: &[u8], output: &mut [u8]) -> (usize, usize) {
        match self {
            Self::Rc4(rc4) => {
                let count = copy(input, output);
                rc4.apply(output.get_mut(..count).unwrap_or_default());
                (count, count)
            }
            Self::Aes(aes) => aes.pour(input, output),
        }
    }

    /// Nothing more comes: bytes made of what was held back. 0 when that was all.
    pub(super) fn flush(&mut self, output: &mut [u8]) -> usize {
        match self {
            Self::Rc4(_) => 0,
            Self::Aes(aes) => aes.flush(output),
        }
    }
}

impl Rc4 {
    pub(super) fn new(key: &[u8]) -> Self {
        let mut state = [0; 256];
        for (slot, value) in state.iter_mut().zip(0_u8..=255) {
            *slot = value;
        }
        let mut other = 0_u8;
        for (at, byte) in (0..state.len()).zip(key.iter().cycle()) {
            let here = state.get(at).copied().unwrap_or(0);
            other = other.wrapping_add(here).wrapping_add(*byte);
            state.swap(at, usize::from(other));
        }
        Self { state, at: 0, other: 0 }
    }

    pub(super) fn apply(&mut self, bytes: &mut [u8]) {
        let value = |state: &[u8; 256], at: u8| state.get(usize::from(at)).copied().unwrap_or(0);
        for byte in bytes {
            self.at = self.at.wrapping_add(1);
            self.other = self.other.wrapping_add(value(&self.state, self.at));
            self.state.swap(usize::from(self.at), usize::from(self.other));
            let sum = value(&self.state, self.at).wrapping_add(value(&self.state, self.other));
            *byte ^= value(&self.state, sum);
        }
    }
}

impl Aes {
    const fn new(key: Key) -> Self {
        Self {
            key,
            before: None,
            gathered: [0; 16],
            count: 0,
            held: None,
            ready: [0; 16],
            from: 0,
            to: 0,
        }
    }

    fn pour(&mut self, input: &[u8], output: &mut [u8]) -> (usize, usize) {
        let (mut used, mut made) = (0_usize, 0_usize);
        loop {
            made = made.saturating_add(self.give(output.get_mut(made..).unwrap_or_default()));
            if self.from < self.to {
                return (used, made);
            }
            let room = self.gathered.get_mut(self.count..).unwrap_or_default();
            let count = copy(input.get(used..).unwrap_or_default(), room);
            used = used.saturating_add(count);
            self.count = self.count.saturating_add(count);
            if self.count < self.gathered.len() {
                return (used, made);
            }
            self.count = 0;
            let coded = self.gathered;
            if let Some(before) = self.before.replace(coded) {
                let plain = self.key.decrypt(coded, before);
                if let Some(held) = self.held.replace(plain) {
                    (self.ready, self.from, self.to) = (held, 0, held.len());
                }
            }
        }
    }

    /// Hands out what is ready.
    fn give(&mut self, output: &mut [u8]) -> usize {
        let count = copy(self.ready.get(self.from..self.to).unwrap_or_default(), output);
        self.from = self.from.saturating_add(count);
        count
    }

    fn flush(&mut self, output: &mut [u8]) -> usize {
        if self.from == self.to
            && let Some(held) = self.held.take()
        {
            let padding = held.last().map_or(0, |byte| usize::from(*byte));
            let kept = held.len().checked_sub(padding).filter(|kept| *kept < held.len());
            (self.ready, self.from, self.to) = (held, 0, kept.unwrap_or(held.len()));
        }
        self.give(output)
    }
}
