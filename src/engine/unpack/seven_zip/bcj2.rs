//! BCJ2: the targets of calls and jumps of x86 code are in streams of their own, and which of them were
//! moved there is in a third one, behind a range coder.

use super::folder::{ENDS_EARLY, Got, Source};
use crate::engine::verdict::Why;

/// Four streams on their way back to one.
pub(super) struct Bcj2 {
    /// Code, targets of calls, targets of jumps, the range coder.
    sources: [Source; 4],
    /// Bytes that have still to come out, and that came out.
    left: u64,
    total: u32,
    last: u8,
    range: u32,
    code: u32,
    has_begun: bool,
    /// By what a jump is: any of 256 bytes in front of a call, a jump, a conditional one.
    chances: [u16; 258],
    /// A target that is not all given out.
    target: [u8; 4],
    given: usize,
}

impl Bcj2 {
    pub(super) const fn new(sources: [Source; 4], size: u64) -> Self {
        Self {
            sources,
            left: size,
            total: 0,
            last: 0,
            range: u32::MAX,
            code: 0,
            has_begun: false,
            chances: [1 << 10; 258],
            target: [0; 4],
            given: 4,
        }
    }

    pub(super) fn read(&mut self, file: &[u8], output: &mut [u8]) -> Result<Got, Why> {
        if self.left == 0 {
            return Ok(Got::End);
        }
        for source in &mut self.sources {
            if !source.is_dry && source.bytes().len() < UNIT_BYTES {
                source.fill(file)?;
                return Ok(Got::Later);
            }
        }
        if !self.has_begun {
            self.has_begun = true;
            for _ in 0..5 {
                self.code = self.code.wrapping_shl(8) | u32::from(self.byte(RANGE)?);
            }
        }
        let mut made = 0_usize;
        for slot in output {
            if self.left == 0 || !self.may_go_on() {
                break;
            }
            *slot = self.next()?;
            made = made.saturating_add(1);
            self.left = self.left.saturating_sub(1);
            self.total = self.total.wrapping_add(1);
        }
        Ok(if made == 0 { Got::Later } else { Got::Bytes(made) })
    }

    /// Whether every stream has enough for a byte, or has ended.
    fn may_go_on(&self) -> bool {
        self.sources.iter().all(|source| source.is_dry || source.bytes().len() >= UNIT_BYTES)
    }

    fn next(&mut self) -> Result<u8, Why> {
        if let Some(byte) = self.target.get(self.given) {
            self.given = self.given.saturating_add(1);
            return Ok(*byte);
        }
        let byte = self.byte(CODE)?;
        let before = std::mem::replace(&mut self.last, byte);
        let chance = match (before, byte) {
            (_, 0xe8) => usize::from(before),
            (_, 0xe9) => 256,
            (0x0f, 0x80..=0x8f) => 257,
            _ => return Ok(byte),
        };
        if self.is_moved(chance)? {
            let stream = if byte == 0xe8 { CALLS } else { JUMPS };
            let mut target = 0_u32;
            for _ in 0..4 {
                target = target.wrapping_shl(8) | u32::from(self.byte(stream)?);
            }
            // Counted from behind the target, which is behind this byte.
            let relative = target.wrapping_sub(self.total.wrapping_add(5));
            self.target = relative.to_le_bytes();
            self.given = 0;
            self.last = self.target[3];
        }
        Ok(byte)
    }

    fn is_moved(&mut self, chance: usize) -> Result<bool, Why> {
        if self.range < 1 << 24 {
            self.range = self.range.wrapping_shl(8);
            self.code = self.code.wrapping_shl(8) | u32::from(self.byte(RANGE)?);
        }
        let Some(chance) = self.chances.get_mut(chance) else { return Err(ENDS_EARLY) };
        let bound = self.range.wrapping_shr(11).wrapping_mul(u32::from(*chance));
        let is_moved = self.code >= bound;
        if is_moved {
            self.range = self.range.wrapping_sub(bound);
            self.code = self.code.wrapping_sub(bound);
            *chance = chance.wrapping_sub(chance.wrapping_shr(5));
        } else {
            self.range = bound;
            let rest = 2_048_u16.wrapping_sub(*chance);
            *chance = chance.wrapping_add(rest.wrapping_shr(5));
        }
        Ok(is_moved)
    }

    fn byte(&mut self, stream: usize) -> Result<u8, Why> {
        let source = self.sources.get_mut(stream).ok_or(ENDS_EARLY)?;
        let byte = *source.bytes().first().ok_or(ENDS_EARLY)?;
        source.take(1);
        Ok(byte)
    }
}

const CODE: usize = 0;
const CALLS: usize = 1;
const JUMPS: usize = 2;
const RANGE: usize = 3;
/// What one byte takes of a stream at most, and the front of the range coder.
const UNIT_BYTES: usize = 8;
