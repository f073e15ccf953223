//! Bytes become an instruction: prefixes, opcode, operands (Intel SDM volume 2, chapter 2 and appendix A).
//!
//! Of the two-byte opcodes those of the i686 are known. What has no meaning here still has its length, so
//! that whoever runs it can say that it is not supported.

use super::Trap;
use super::memory::Code;

/// How wide an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Byte,
    Word,
    Long,
}

/// The prefix of string instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    Once,
    /// `rep`, `repe`.
    WhileEqual,
    /// `repne`.
    WhileUnequal,
}

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instruction {
    /// The opcode; with 0x100 added those behind `0f`.
    pub(super) opcode: u16,
    /// Its length in bytes.
    pub(super) length: u8,
    pub(super) size: Size,
    pub(super) repeat: Repeat,
    /// The middle field of the byte behind the opcode.
    pub(super) register: u8,
    /// Its last field, when the operand is a register.
    pub(super) other: u8,
    pub(super) place: Option<Place>,
    pub(super) immediate: u32,
    /// The second number of `enter` and of far jumps.
    pub(super) second: u32,
    /// Whether addresses have 16 bits.
    pub(super) is_short: bool,
    /// Whether the segment is that of the thread.
    pub(super) is_thread: bool,
}

/// An operand in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) base: Option<u8>,
    pub(super) index: Option<u8>,
    /// What the index is shifted by.
    pub(super) scale: u8,
    pub(super) displacement: u32,
}

impl Size {
    pub(super) const fn mask(self) -> u32 {
        match self {
            Self::Byte => 0xff,
            Self::Word => 0xffff,
            Self::Long => u32::MAX,
        }
    }

    pub(super) const fn bits(self) -> u32 {
        match self {
            Self::Byte => 8,
            Self::Word => 16,
            Self::Long => 32,
        }
    }

    pub(super) const fn bytes(self) -> u32 {
        match self {
            Self::Byte => 1,
            Self::Word => 2,
            Self::Long => 4,
        }
    }

    pub(super) const fn sign(self) -> u32 {
        match self {
            Self::Byte => 0x80,
            Self::Word => 0x8000,
            Self::Long => 0x8000_0000,
        }
    }

    pub(super) const fn shift_to_top(self) -> u32 {
        match self {
            Self::Byte => 24,
            Self::Word => 16,
            Self::Long => 0,
        }
    }

    /// A number of this size as one of 32 bits with the same sign.
    pub(super) const fn extend(self, value: u32) -> u32 {
        let shift = self.shift_to_top();
        ((value << shift).cast_signed() >> shift).cast_unsigned()
    }
}

/// What follows the opcode and its operands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    Nothing,
    Byte,
    /// A byte that is extended by its sign.
    Signed,
    Word,
    /// As wide as the operands.
    Full,
    /// An address.
    Address,
    /// A number as wide as the operands, and a segment.
    Far,
    /// A word and a byte.
    Enter,
}

/// Reads bytes of an instruction.
struct Cursor<'a> {
    code: &'a Code,
    at: usize,
}

impl Cursor<'_> {
    fn byte(&mut self) -> Result<u8, Trap> {
        let byte = self.code.get(self.at).copied().ok_or(Trap::Invalid)?;
        self.at = self.at.wrapping_add(1);
        Ok(byte)
    }

    fn word(&mut self) -> Result<u32, Trap> {
        Ok(u32::from(u16::from_le_bytes([self.byte()?, self.byte()?])))
    }

    fn long(&mut self) -> Result<u32, Trap> {
        Ok(u32::from_le_bytes([self.byte()?, self.byte()?, self.byte()?, self.byte()?]))
    }

    fn signed(&mut self) -> Result<u32, Trap> {
        self.byte().map(|byte| Size::Byte.extend(byte.into()))
    }
}

impl Instruction {
    /// The first instruction of `code`.
    pub(super) fn decode(code: &Code) -> Result<Self, Trap> {
        let mut cursor = Cursor { code, at: 0 };
        let mut it = Self::none();
        let first = it.prefixes(&mut cursor)?;
        it.opcode = match first {
            0x0f => 0x100 | u16::from(cursor.byte()?),
            one => one.into(),
        };
        let is_wide = it.size;
        let (has_operands, mut tail) = form(it.opcode);
        if has_operands {
            it.operands(&mut cursor)?;
        }
        match (it.opcode, it.register) {
            (0xf6, 0 | 1) => tail = Tail::Byte,
            (0xf7, 0 | 1) => tail = Tail::Full,
            _ => {}
        }
        match tail {
            Tail::Nothing => {}
            Tail::Byte => it.immediate = cursor.byte()?.into(),
            Tail::Signed => it.immediate = cursor.signed()?,
            Tail::Word => it.immediate = cursor.word()?,
            Tail::Full | Tail::Far => {
                let is_word = is_wide == Size::Word;
                it.immediate = if is_word { cursor.word()? } else { cursor.long()? };
                if tail == Tail::Far {
                    it.second = cursor.word()?;
                }
            }
            Tail::Address => {
                it.immediate = if it.is_short { cursor.word()? } else { cursor.long()? };
            }
            Tail::Enter => {
                it.immediate = cursor.word()?;
                it.second = cursor.byte()?.into();
            }
        }
        if is_of_bytes(it.opcode) {
            it.size = Size::Byte;
        }
        it.length = u8::try_from(cursor.at).unwrap_or(u8::MAX);
        if it.length > LENGTH_MAX { Err(Trap::Invalid) } else { Ok(it) }
    }

    /// Nothing yet.
    pub(super) const fn none() -> Self {
        Self {
            opcode: 0,
            length: 0,
            size: Size::Long,
            repeat: Repeat::Once,
            register: 0,
            other: 0,
            place: None,
            immediate: 0,
            second: 0,
            is_short: false,
            is_thread: false,
        }
    }

    /// Reads the prefixes, and gives the byte behind them.
    fn prefixes(&mut self, cursor: &mut Cursor<'_>) -> Result<u8, Trap> {
        loop {
            match cursor.byte()? {
                0x26 | 0x2e | 0x36 | 0x3e | 0x65 => self.is_thread = false,
                0x64 => self.is_thread = true,
                0x66 => self.size = Size::Word,
                0x67 => self.is_short = true,
                0xf0 => {}
                0xf2 => self.repeat = Repeat::WhileUnequal,
                0xf3 => self.repeat = Repeat::WhileEqual,
                other => return Ok(other),
            }
        }
    }

    /// The byte behind the opcode, and what it asks for.
    fn operands(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Trap> {
        let fields = cursor.byte()?;
        self.register = (fields >> 3) & 7;
        self.other = fields & 7;
        let mode = fields >> 6;
        if mode == 3 {
            return Ok(());
        }
        self.place = Some(if self.is_short {
            short_place(self.other, mode, cursor)?
        } else {
            place(self.other, mode, cursor)?
        });
        Ok(())
    }
}

fn place(other: u8, mode: u8, cursor: &mut Cursor<'_>) -> Result<Place, Trap> {
    let mut place = Place { base: Some(other), index: None, scale: 0, displacement: 0 };
    if other == 4 {
        let fields = cursor.byte()?;
        place.base = Some(fields & 7);
        place.index = Some((fields >> 3) & 7).filter(|index| *index != 4);
        place.scale = fields >> 6;
    }
    match mode {
        0 if place.base == Some(5) => {
            place.base = None;
            place.displacement = cursor.long()?;
        }
        0 => {}
        1 => place.displacement = cursor.signed()?,
        _ => place.displacement = cursor.long()?,
    }
    Ok(place)
}

fn short_place(other: u8, mode: u8, cursor: &mut Cursor<'_>) -> Result<Place, Trap> {
    const BX: Option<u8> = Some(3);
    const BP: Option<u8> = Some(5);
    const SI: Option<u8> = Some(6);
    const DI: Option<u8> = Some(7);
    let (base, index) = match other {
        0 => (BX, SI),
        1 => (BX, DI),
        2 => (BP, SI),
        3 => (BP, DI),
        4 => (SI, None),
        5 => (DI, None),
        6 if mode == 0 => (None, None),
        6 => (BP, None),
        _ => (BX, None),
    };
    let displacement = match mode {
        0 if base.is_none() => cursor.word()?,
        0 => 0,
        1 => cursor.signed()?,
        _ => cursor.word()?,
    };
    Ok(Place { base, index, scale: 0, displacement })
}

/// Whether operands follow an opcode, and what else does.
const fn form(opcode: u16) -> (bool, Tail) {
    if opcode > 0xff {
        return form_behind_0f(opcode);
    }
    match opcode {
        0x00..=0x3f => match opcode & 7 {
            0..=3 => (true, Tail::Nothing),
            4 => (false, Tail::Byte),
            5 => (false, Tail::Full),
            _ => (false, Tail::Nothing),
        },
        0x69 | 0x81 | 0xc7 => (true, Tail::Full),
        0x6b | 0x83 => (true, Tail::Signed),
        0x80 | 0x82 | 0xc0 | 0xc1 | 0xc6 => (true, Tail::Byte),
        0x62
        | 0x63
        | 0x84..=0x8f
        | 0xc4
        | 0xc5
        | 0xd0..=0xd3
        | 0xd8..=0xdf
        | 0xf6
        | 0xf7
        | 0xfe
        | 0xff => (true, Tail::Nothing),
        0x68 | 0xa9 | 0xb8..=0xbf | 0xe8 | 0xe9 => (false, Tail::Full),
        0x6a | 0x70..=0x7f | 0xe0..=0xe3 | 0xeb => (false, Tail::Signed),
        0xa8 | 0xb0..=0xb7 | 0xcd | 0xd4 | 0xd5 | 0xe4..=0xe7 => (false, Tail::Byte),
        0x9a | 0xea => (false, Tail::Far),
        0xa0..=0xa3 => (false, Tail::Address),
        0xc2 | 0xca => (false, Tail::Word),
        0xc8 => (false, Tail::Enter),
        _ => (false, Tail::Nothing),
    }
}

const fn form_behind_0f(opcode: u16) -> (bool, Tail) {
    match opcode & 0xff {
        0x05..=0x0b | 0x0e | 0x30..=0x37 | 0x77 | 0xa0..=0xa2 | 0xa8..=0xaa | 0xc8..=0xcf => {
            (false, Tail::Nothing)
        }
        0x70..=0x73 | 0xa4 | 0xac | 0xba | 0xc2 | 0xc4..=0xc6 => (true, Tail::Byte),
        0x80..=0x8f => (false, Tail::Full),
        _ => (true, Tail::Nothing),
    }
}

/// Whether the operands are bytes, whatever a prefix says.
const fn is_of_bytes(opcode: u16) -> bool {
    match opcode {
        0x00..=0x3f => opcode & 7 < 6 && opcode & 1 == 0,
        0x80
        | 0x82
        | 0x84
        | 0x86
        | 0x88
        | 0x8a
        | 0xa0
        | 0xa2
        | 0xa4
        | 0xa6
        | 0xa8
        | 0xaa
        | 0xac
        | 0xae
        | 0xb0..=0xb7
        | 0xc0
        | 0xc6
        | 0xd0
        | 0xd2
        | 0xf6
        | 0xfe => true,
        0x190..=0x19f | 0x1b0 | 0x1c0 => true,
        _ => false,
    }
}

/// The processor refuses longer ones.
const LENGTH_MAX: u8 = 15;
