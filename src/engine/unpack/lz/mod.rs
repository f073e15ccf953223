//! What the decoders of archivers share: packed bytes whose number is known, bits with the highest first,
//! prefix codes, and the window of what came out.
//!
//! A decoder here reads packed bytes of which it is said whether more will come. It begins a unit of its
//! format (a symbol, a table of codes) only when as many bytes are at hand as the largest unit takes, or no
//! more will come. So it never has to stop in the middle of one, and what it does is the same however the
//! input was cut. Bits behind the last byte read as zeros, and using them is damage.

pub(super) mod bits;
pub(super) mod frames;
pub(super) mod lh;
pub(super) mod lzx;
pub(super) mod member;
pub(super) mod prefix;
pub(super) mod quantum;
pub(super) mod window;

use self::window::Room;
use super::inflate::Outcome;
use super::parts::{at_most, wide};

/// Packed bytes that are at hand.
pub(super) struct Packed<'a> {
    pub(super) rest: &'a [u8],
    /// Whether no more will come.
    pub(super) is_last: bool,
}

/// A decoder of a member whose packed size is known.
pub(super) trait Unpack {
    /// Goes on until the room is full, or the packed bytes are too few, or the member ends.
    fn run(&mut self, packed: &mut Packed<'_>, room: &mut Room<'_>) -> Outcome;
}

/// Packed bytes on their way from the pieces of an input to a decoder.
#[derive(Default)]
pub(super) struct Feed {
    kept: Vec<u8>,
    /// How many of them were used.
    at: usize,
}

/// Where bytes come from, one by one.
pub(super) trait Bytes {
    /// The next byte; nothing when there is none.
    fn next(&mut self) -> Option<u8>;
}

impl Bytes for Packed<'_> {
    fn next(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }
}

impl Packed<'_> {
    /// Whether a unit of at most so many bytes may be begun.
    pub(super) const fn has(&self, count: usize) -> bool {
        self.is_last || self.rest.len() >= count
    }
}

impl Feed {
    /// Gives a decoder up to `left` bytes of `rest`. Says how many bytes it made.
    pub(super) fn step(
        &mut self,
        decoder: &mut impl Unpack,
        (rest, left): (&mut &[u8], &mut u64),
        output: &mut [u8],
    ) -> (usize, Outcome) {
        let mut room = Room { output, made: 0 };
        loop {
            self.fill(rest, left);
            let kept = self.kept.get(self.at..).unwrap_or_default();
            let mut packed = Packed { rest: kept, is_last: *left == 0 };
            let outcome = decoder.run(&mut packed, &mut room);
            let unused = packed.rest.len();
            let was_used = kept.len() > unused;
            self.at = self.kept.len().saturating_sub(unused);
            match outcome {
                Outcome::Hungry if !rest.is_empty() && was_used => {}
                outcome
                @ (Outcome::Hungry | Outcome::Full | Outcome::End | Outcome::Stopped(_)) => {
                    return (room.made, outcome);
                }
            }
        }
    }

    /// Takes what there is room for.
    fn fill(&mut self, rest: &mut &[u8], left: &mut u64) {
        if self.at >= FEED_BYTES / 2 || self.at == self.kept.len() {
            self.kept.drain(..self.at);
            self.at = 0;
        }
        let room = FEED_BYTES.saturating_sub(self.kept.len());
        let count = at_most(rest.len().min(room), *left);
        if let Some((taken, after)) = rest.split_at_checked(count) {
            self.kept.extend_from_slice(taken);
            *rest = after;
            *left = left.saturating_sub(wide(count));
        }
    }

    /// Ready for the next member.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.at = 0;
    }
}

/// Twice what the largest unit of any of the formats takes.
const FEED_BYTES: usize = 16 << 10;
/// No unit is larger: the codes of a block of RAR.
pub(super) const UNIT_BYTES: usize = 4 << 10;
const _: () = assert!(FEED_BYTES >= 2 * UNIT_BYTES);
