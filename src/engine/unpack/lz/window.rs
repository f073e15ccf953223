//! What has come out of a stream that repeats itself, as far back as it may refer to.

use crate::engine::unpack::inflate::{Inflated, Outcome};

/// The last bytes that came out. Their number is a power of two.
pub(in crate::engine::unpack) struct Window {
    bytes: Box<[u8]>,
    /// Where the next byte goes.
    at: usize,
    /// Bytes that came out.
    total: u64,
}

/// Room for what comes out in one call.
pub(in crate::engine::unpack) struct Room<'a> {
    pub(in crate::engine::unpack) output: &'a mut [u8],
    pub(in crate::engine::unpack) made: usize,
}

/// Takes one step of a format after another, until one says why it goes no further now.
pub(in crate::engine::unpack) fn run(
    input: &[u8],
    output: &mut [u8],
    mut advance: impl FnMut(&mut &[u8], &mut Room<'_>) -> Result<(), Outcome>,
) -> Inflated {
    let mut rest = input;
    let mut room = Room { output, made: 0 };
    let outcome = loop {
        if let Err(outcome) = advance(&mut rest, &mut room) {
            break outcome;
        }
    };
    Inflated { used: input.len().saturating_sub(rest.len()), made: room.made, outcome }
}

impl Window {
    /// Of 2 to the power of `width` bytes.
    pub(in crate::engine::unpack) fn new(width: u32) -> Self {
        Self::filled(width, 0)
    }

    /// As [`Window::new`], with another byte in front of the first.
    pub(in crate::engine::unpack) fn filled(width: u32, byte: u8) -> Self {
        let bytes = vec![byte; 1_usize.wrapping_shl(width)].into_boxed_slice();
        Self { bytes, at: 0, total: 0 }
    }

    /// With these bytes, the next of which is the first to go. Their number is a power of two.
    pub(in crate::engine::unpack) fn of(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into(), at: 0, total: 0 }
    }

    pub(in crate::engine::unpack) const fn total(&self) -> u64 {
        self.total
    }

    /// Gives a byte out. There is room for it.
    pub(in crate::engine::unpack) fn put(&mut self, byte: u8, room: &mut Room<'_>) {
        if let Some(slot) = self.bytes.get_mut(self.at) {
            *slot = byte;
        }
        self.at = self.at.wrapping_add(1) & self.mask();
        self.total = self.total.saturating_add(1);
        if let Some(slot) = room.output.get_mut(room.made) {
            *slot = byte;
        }
        room.made = room.made.saturating_add(1);
    }

    /// Gives up to `length` bytes out again that came out `distance` bytes ago. Says how many are left.
    pub(in crate::engine::unpack) fn copy(
        &mut self,
        length: u32,
        distance: u32,
        room: &mut Room<'_>,
    ) -> u32 {
        let back = usize::try_from(distance).unwrap_or(0);
        let mut left = length;
        while left > 0 && room.check().is_ok() {
            let from = self.at.wrapping_sub(back) & self.mask();
            let byte = self.bytes.get(from).copied().unwrap_or(0);
            self.put(byte, room);
            left = left.saturating_sub(1);
        }
        left
    }

    const fn mask(&self) -> usize {
        self.bytes.len().saturating_sub(1)
    }
}

impl Room<'_> {
    /// Whether there is room for a byte.
    pub(in crate::engine::unpack) const fn check(&self) -> Result<(), Outcome> {
        if self.made < self.output.len() { Ok(()) } else { Err(Outcome::Full) }
    }
}
