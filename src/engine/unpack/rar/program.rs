//! The filters of RAR 3: each comes as a program for a machine of its own. RAR writes six of them, which are known
//! by their sums; another one is not run.

use flate2::Crc;

use super::filters::Kind;

/// Programs of a member, and how long the last block of each was.
#[derive(Default)]
pub(super) struct Programs {
    known: Vec<Program>,
    last: usize,
}

#[derive(Clone, Copy)]
struct Program {
    what: What,
    block: u32,
}

#[derive(Clone, Copy)]
enum What {
    Calls,
    CallsAndJumps,
    Itanium,
    Delta,
    Pixels,
    Sound,
    Other,
}

/// What a stream says of a filter.
pub(super) enum Said {
    /// Where its block begins, from the next byte on, and how long it is.
    Filter(Kind, u64, usize),
    /// A program that is none of those of RAR.
    Other,
}

/// Numbers in a filter's description.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    is_over: bool,
}

impl Programs {
    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.last = 0;
    }

    /// Reads a description, in front of which its first byte was. Nothing when it cannot be.
    pub(super) fn read(&mut self, first: u8, bytes: &[u8]) -> Option<Said> {
        let mut fields = Fields { bytes, at: 0, is_over: false };
        let mut index = self.last;
        if first & 0x80 != 0 {
            index = match usize::try_from(fields.number()).ok()?.checked_sub(1) {
                Some(index) => index,
                None => {
                    self.clear();
                    0
                }
            };
        }
        if index > self.known.len() || index >= PROGRAMS_MAX {
            return None;
        }
        self.last = index;
        let mut start = fields.number();
        if first & 0x40 != 0 {
            start = start.wrapping_add(258);
        }
        let block = match first & 0x20 {
            0 => self.known.get(index).map_or(0, |program| program.block),
            _ => fields.number(),
        };
        let mut registers = [0_u32; 7];
        if first & 0x10 != 0 {
            let mask = fields.bits(7);
            for (at, register) in (0_u32..).zip(&mut registers) {
                if mask.wrapping_shr(at) & 1 != 0 {
                    *register = fields.number();
                }
            }
        }
        if index == self.known.len() {
            let size = usize::try_from(fields.number()).ok()?;
            let code: Vec<u8> =
                (0..size.min(PROGRAM_BYTES_MAX)).map(|_| fields.bits(8).to_le_bytes()[0]).collect();
            if size == 0 || size > PROGRAM_BYTES_MAX || fields.is_over {
                return None;
            }
            self.known.push(Program { what: What::of(&code), block });
        }
        if fields.is_over {
            return None;
        }
        let program = self.known.get_mut(index)?;
        program.block = block;
        let value = |at: usize| registers.get(at).and_then(|value| usize::try_from(*value).ok());
        let kind = match program.what {
            What::Calls => Kind::Calls { has_jumps: false, is_round: false },
            What::CallsAndJumps => Kind::Calls { has_jumps: true, is_round: false },
            What::Itanium => Kind::Itanium,
            What::Delta => Kind::Delta { channels: value(0)? },
            What::Sound => Kind::Sound { channels: value(0)? },
            What::Pixels => Kind::Pixels { width: value(0)?, position: value(1)? },
            What::Other => return Some(Said::Other),
        };
        Some(Said::Filter(kind, u64::from(start), usize::try_from(block).ok()?))
    }
}

impl What {
    fn of(code: &[u8]) -> Self {
        let mut sum = Crc::new();
        sum.update(code);
        match (code.len(), sum.sum()) {
            (53, 0xad57_6887) => Self::Calls,
            (57, 0x3cd7_e57e) => Self::CallsAndJumps,
            (120, 0x3769_893f) => Self::Itanium,
            (29, 0x0e06_077d) => Self::Delta,
            (149, 0x1c2c_5dc8) => Self::Pixels,
            (216, 0xbc85_e701) => Self::Sound,
            _ => Self::Other,
        }
    }
}

impl Fields<'_> {
    fn bits(&mut self, width: u32) -> u32 {
        let mut value = 0;
        for _ in 0..width {
            let byte = self.bytes.get(self.at / 8);
            self.is_over |= byte.is_none();
            let shift = u32::try_from(self.at % 8).unwrap_or(0);
            let bit = byte.map_or(0, |byte| byte.wrapping_shl(shift) & 0x80);
            value = value << 1 | u32::from(bit != 0);
            self.at = self.at.saturating_add(1);
        }
        value
    }

    /// A number of four bits, eight, sixteen or thirty-two; or of eight with ones above.
    fn number(&mut self) -> u32 {
        match self.bits(2) {
            0 => self.bits(4),
            1 => match self.bits(4) {
                0 => 0xffff_ff00 | self.bits(8),
                high => high.wrapping_shl(4) | self.bits(4),
            },
            2 => self.bits(16),
            _ => {
                let high = self.bits(16);
                high.wrapping_shl(16) | self.bits(16)
            }
        }
    }
}

const PROGRAMS_MAX: usize = 1_024;
const PROGRAM_BYTES_MAX: usize = 0xffff;
