//! The packing of RAR 2.9 to 4: LZ symbols behind four prefix codes, or `PPMd`, in turns; and filters.

use super::output::Output;
use super::program::{Programs, Said};
use super::{DAMAGED, MEMBER_ENDS_EARLY};
use crate::engine::unpack::Pace;
use crate::engine::unpack::inflate::Outcome;
use crate::engine::unpack::lz::bits::{AsBytes, Bits};
use crate::engine::unpack::lz::prefix::Prefix;
use crate::engine::unpack::lz::window::Room;
use crate::engine::unpack::lz::{Bytes as _, Packed, UNIT_BYTES, Unpack};
use crate::engine::unpack::ppmd::{Model, Range, Style};
use crate::engine::verdict::{Limit, Why};

/// A stream being read, or several that are packed as one.
pub(super) struct Three {
    output: Output,
    bits: Bits,
    has_codes: bool,
    /// Lengths of the codes, to which those of the next block are differences.
    lengths: Vec<u8>,
    symbols: Prefix,
    distances: Prefix,
    low_distances: Prefix,
    repeats: Prefix,
    recent: [u32; 4],
    last_length: u32,
    last_low: u32,
    low_repeats: u32,
    model: Option<Box<Model>>,
    range: Option<Range>,
    model_bytes_max: u32,
    escape: u8,
    programs: Programs,
    /// A filter in an LZ block that is being read.
    program: Option<Program>,
    /// An escape in a `PPMd` block, and what was read behind it.
    escaped: Vec<u8>,
    is_over: bool,
    fault: Option<Why>,
    /// Base and width of each distance symbol.
    slots: Vec<(u32, u32)>,
}

impl Three {
    /// How dear the next bytes are.
    pub(super) const fn pace(&self) -> Pace {
        if self.range.is_some() { Pace::Slowest } else { Pace::Steady }
    }

    /// With a window of 2 to the power of `width` bytes, and a model of at most so many.
    pub(super) fn new(width: u32, model_bytes_max: u32) -> Self {
        let mut slots = Vec::new();
        let mut base = 0_u32;
        for (width, count) in
            (0_u32..).zip([4, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 14, 0, 12])
        {
            for _ in 0..count {
                slots.push((base, width));
                base = base.wrapping_add(1_u32.wrapping_shl(width));
            }
        }
        Self {
            output: Output::new(width),
            bits: Bits::default(),
            has_codes: false,
            lengths: vec![0; SYMBOLS.iter().sum()],
            symbols: Prefix::default(),
            distances: Prefix::default(),
            low_distances: Prefix::default(),
            repeats: Prefix::default(),
            recent: [0; 4],
            last_length: 0,
            last_low: 0,
            low_repeats: 0,
            model: None,
            range: None,
            model_bytes_max,
            escape: 2,
            programs: Programs::default(),
            program: None,
            escaped: Vec::new(),
            is_over: false,
            fault: None,
            slots,
        }
    }

    /// For the next member.
    pub(super) fn begin(&mut self, is_solid: bool) {
        self.bits = Bits::default();
        let was_modelled = self.range.take().is_some();
        self.output.begin();
        self.is_over = false;
        self.fault = None;
        self.program = None;
        self.escaped.clear();
        if !is_solid {
            self.output.forget();
            self.has_codes = false;
            self.lengths.fill(0);
            self.recent = [0; 4];
            self.last_length = 0;
            self.model = None;
            self.escape = 2;
            self.programs.clear();
        } else if was_modelled {
            // The model goes on, behind a front of its own.
            self.has_codes = false;
        }
    }

    /// The codes of a block, or the front of a `PPMd` one.
    fn read_codes(&mut self, packed: &mut Packed<'_>) -> Result<(), Why> {
        self.bits.align();
        self.range = None;
        if self.bits.peek(1, packed) == 1 {
            return self.begin_model(packed);
        }
        self.bits.pass(1);
        self.last_low = 0;
        self.low_repeats = 0;
        if !self.bits.flag(packed) {
            self.lengths.fill(0);
        }
        let code = self.code_of_lengths(packed).ok_or(DAMAGED)?;
        let mut at = 0_usize;
        while at < self.lengths.len() {
            let symbol = code.read(&mut self.bits, packed).ok_or(DAMAGED)?;
            let before = at.checked_sub(1).and_then(|at| self.lengths.get(at)).copied();
            let (value, count) = match symbol {
                0..=15 => {
                    if let Some(slot) = self.lengths.get_mut(at) {
                        *slot = slot.wrapping_add(symbol.to_le_bytes()[0]) & 15;
                    }
                    at = at.saturating_add(1);
                    continue;
                }
                16 => (before.ok_or(DAMAGED)?, self.bits.take(3, packed).wrapping_add(3)),
                17 => (before.ok_or(DAMAGED)?, self.bits.take(7, packed).wrapping_add(11)),
                18 => (0, self.bits.take(3, packed).wrapping_add(3)),
                _ => (0, self.bits.take(7, packed).wrapping_add(11)),
            };
            let count = usize::try_from(count).unwrap_or(0);
            let end = at.saturating_add(count).min(self.lengths.len());
            if let Some(slots) = self.lengths.get_mut(at..end) {
                slots.fill(value);
            }
            at = end;
        }
        let mut rest = &self.lengths[..];
        let codes = SYMBOLS.map(|size| {
            let (own, behind) = rest.split_at_checked(size)?;
            rest = behind;
            Prefix::of_any(own)
        });
        let [symbols, distances, low_distances, repeats] = codes;
        self.symbols = symbols.ok_or(DAMAGED)?;
        self.distances = distances.ok_or(DAMAGED)?;
        self.low_distances = low_distances.ok_or(DAMAGED)?;
        self.repeats = repeats.ok_or(DAMAGED)?;
        self.has_codes = true;
        Ok(())
    }

    fn code_of_lengths(&mut self, packed: &mut Packed<'_>) -> Option<Prefix> {
        let mut lengths: Vec<u8> = Vec::new();
        while lengths.len() < 20 {
            let length = self.bits.take(4, packed).to_le_bytes()[0];
            let zeros = if length == 15 { self.bits.take(4, packed) } else { 0 };
            if zeros == 0 {
                lengths.push(length);
            } else {
                let more = usize::try_from(zeros).unwrap_or(0).saturating_add(2);
                lengths.resize(lengths.len().saturating_add(more).min(20), 0);
            }
        }
        Prefix::of(&lengths)
    }

    fn begin_model(&mut self, packed: &mut Packed<'_>) -> Result<(), Why> {
        let mut bytes = AsBytes { bits: &mut self.bits, packed };
        let mut next = || bytes.next().ok_or(MEMBER_ENDS_EARLY);
        let flags = next()?;
        let is_new = flags & 0x20 != 0;
        let memory = if is_new { next()? } else { 0 };
        if flags & 0x40 != 0 {
            self.escape = next()?;
        }
        if is_new {
            let order = u32::from(flags & 0x1f).wrapping_add(1);
            let order = if order > 16 {
                order.wrapping_sub(16).wrapping_mul(3).wrapping_add(16)
            } else {
                order
            };
            if order == 1 {
                return Err(DAMAGED);
            }
            let memory = u32::from(memory).wrapping_add(1).wrapping_shl(20);
            if memory > self.model_bytes_max {
                return Err(Why::Limit(Limit::MaxScanState));
            }
            self.model = None;
            self.model = Some(Box::new(Model::new(order, memory)));
        }
        if self.model.is_none() {
            return Err(DAMAGED);
        }
        self.range = Some(Range::new(Style::Rar, &mut bytes).ok_or(MEMBER_ENDS_EARLY)?);
        self.has_codes = true;
        Ok(())
    }

    /// A symbol of an LZ block, and what belongs to it.
    fn item(&mut self, packed: &mut Packed<'_>) -> Result<(), Why> {
        let symbol = self.symbols.read(&mut self.bits, packed).ok_or(DAMAGED)?;
        self.check()?;
        match symbol {
            0..=255 => self.output.put(symbol.to_le_bytes()[0]),
            256 => {
                // One bit for another block, two for another member.
                if self.bits.flag(packed) {
                    self.has_codes = false;
                } else {
                    self.has_codes = !self.bits.flag(packed);
                    self.is_over = true;
                }
            }
            257 => return self.begin_program(packed),
            258 if self.last_length == 0 => {}
            258 => return self.copy(self.last_length, self.recent[0]),
            259..=262 => {
                let place = usize::from(symbol.wrapping_sub(259));
                let recent = self.recent.get_mut(..=place).ok_or(DAMAGED)?;
                recent.rotate_right(1);
                let slot = self.repeats.read(&mut self.bits, packed).ok_or(DAMAGED)?;
                self.last_length = self.length(slot, packed).wrapping_add(2);
                return self.copy(self.last_length, self.recent[0]);
            }
            263..=270 => {
                let (base, width) = short_distance(symbol.wrapping_sub(263));
                let distance = base.wrapping_add(self.bits.take(width, packed)).wrapping_add(1);
                self.recent.rotate_right(1);
                self.recent[0] = distance;
                self.last_length = 2;
                return self.copy(2, distance);
            }
            _ => {
                let length = self.length(symbol.wrapping_sub(271), packed).wrapping_add(3);
                let distance = self.distance(packed)?;
                let more =
                    u32::from(distance >= 0x2000).wrapping_add(u32::from(distance >= 0x4_0000));
                self.recent.rotate_right(1);
                self.recent[0] = distance;
                self.last_length = length.wrapping_add(more);
                return self.copy(self.last_length, distance);
            }
        }
        self.check()
    }

    fn distance(&mut self, packed: &mut Packed<'_>) -> Result<u32, Why> {
        let slot = self.distances.read(&mut self.bits, packed).ok_or(DAMAGED)?;
        let (base, width) = *self.slots.get(usize::from(slot)).ok_or(DAMAGED)?;
        let base = base.wrapping_add(1);
        if slot <= 9 {
            return Ok(base.wrapping_add(self.bits.take(width, packed)));
        }
        let high = self.bits.take(width.saturating_sub(4), packed).wrapping_shl(4);
        if self.low_repeats > 0 {
            self.low_repeats = self.low_repeats.saturating_sub(1);
        } else {
            match self.low_distances.read(&mut self.bits, packed).ok_or(DAMAGED)? {
                16 => self.low_repeats = 15,
                low => self.last_low = u32::from(low),
            }
        }
        Ok(base.wrapping_add(high).wrapping_add(self.last_low))
    }

    fn length(&mut self, slot: u16, packed: &mut Packed<'_>) -> u32 {
        let slot = u32::from(slot);
        match slot {
            0..=7 => slot,
            _ => {
                let width = (slot / 4).wrapping_sub(1);
                (4 | slot & 3).wrapping_shl(width).wrapping_add(self.bits.take(width, packed))
            }
        }
    }

    fn copy(&mut self, length: u32, distance: u32) -> Result<(), Why> {
        self.check()?;
        let length = usize::try_from(length).unwrap_or(0);
        self.output.copy(length, u64::from(distance));
        Ok(())
    }

    const fn check(&self) -> Result<(), Why> {
        if self.bits.is_over() { Err(MEMBER_ENDS_EARLY) } else { Ok(()) }
    }

    /// The front of a filter in an LZ block.
    fn begin_program(&mut self, packed: &mut Packed<'_>) -> Result<(), Why> {
        let first = self.bits.take(8, packed).to_le_bytes()[0];
        let left = match first & 7 {
            6 => self.bits.take(8, packed).wrapping_add(7),
            7 => self.bits.take(16, packed),
            length => u32::from(length).wrapping_add(1),
        };
        self.program = Some(Program { first, left, bytes: Vec::new() });
        self.check()
    }

    /// A byte of a filter in an LZ block.
    fn program(&mut self, packed: &mut Packed<'_>) -> Result<(), Why> {
        let Some(program) = &mut self.program else { return Err(DAMAGED) };
        if let Some(left) = program.left.checked_sub(1) {
            program.left = left;
            program.bytes.push(self.bits.take(8, packed).to_le_bytes()[0]);
            return self.check();
        }
        let first = program.first;
        let bytes = std::mem::take(&mut program.bytes);
        self.program = None;
        self.add_program(first, &bytes)
    }

    fn add_program(&mut self, first: u8, bytes: &[u8]) -> Result<(), Why> {
        match self.programs.read(first, bytes).ok_or(DAMAGED)? {
            Said::Filter(kind, ahead, length) => self.output.filter(kind, ahead, length),
            Said::Other => {
                return Err(Why::Unsupported("RAR: a filter that is a program of its own"));
            }
        }
        if self.output.is_damaged { Err(DAMAGED) } else { Ok(()) }
    }

    /// A byte of a `PPMd` block, or one of what stands behind an escape.
    fn modelled(&mut self, packed: &mut Packed<'_>) -> Result<(), Why> {
        let byte = self.next_modelled(packed)?;
        if self.escaped.is_empty() && byte != self.escape {
            self.output.put(byte);
            return Ok(());
        }
        self.escaped.push(byte);
        // The escape itself is the first.
        let Some((_, behind)) = self.escaped.split_first() else { return Ok(()) };
        if behind.len() < escaped_length(behind) {
            return Ok(());
        }
        let behind = behind.to_vec();
        self.escaped.clear();
        match &behind[..] {
            [0] => self.has_codes = false,
            [2] => self.is_over = true,
            [3, first, rest @ ..] => {
                let skipped = match first & 7 {
                    6 => 1,
                    7 => 2,
                    _ => 0,
                };
                return self.add_program(*first, rest.get(skipped..).unwrap_or_default());
            }
            [4, high, middle, low, length] => {
                let distance = u32::from_be_bytes([0, *high, *middle, *low]);
                return self.copy(u32::from(*length).wrapping_add(32), distance.wrapping_add(2));
            }
            [5, length] => return self.copy(u32::from(*length).wrapping_add(4), 1),
            _ => self.output.put(self.escape),
        }
        Ok(())
    }

    fn next_modelled(&mut self, packed: &mut Packed<'_>) -> Result<u8, Why> {
        let (Some(model), Some(range)) = (&mut self.model, &mut self.range) else {
            return Err(DAMAGED);
        };
        let mut bytes = AsBytes { bits: &mut self.bits, packed };
        let next = model.next(range, &mut bytes);
        if range.is_over() {
            return Err(MEMBER_ENDS_EARLY);
        }
        next.ok().flatten().ok_or(DAMAGED)
    }
}

impl Unpack for Three {
    fn run(&mut self, packed: &mut Packed<'_>, room: &mut Room<'_>) -> Outcome {
        for _ in 0..BATCHES_PER_STEP {
            self.output.give(room);
            if room.check().is_err() {
                return Outcome::Full;
            }
            if self.is_over {
                return self.fault.map_or(Outcome::End, Outcome::Stopped);
            }
            let enough = self.output.waiting().saturating_add(BATCH_BYTES);
            while self.output.waiting() < enough && !self.is_over {
                if !packed.has(UNIT_BYTES) {
                    self.output.give(room);
                    return if room.check().is_err() { Outcome::Full } else { Outcome::Hungry };
                }
                let done = match (self.has_codes, &self.range) {
                    (_, None) if self.program.is_some() => self.program(packed),
                    (false, _) => self.read_codes(packed),
                    (true, Some(_)) => self.modelled(packed),
                    (true, None) => self.item(packed),
                };
                if let Err(why) = done.and_then(|()| self.check()) {
                    self.fault = Some(why);
                    self.is_over = true;
                }
            }
            if self.is_over {
                self.output.end();
                if self.output.is_damaged {
                    self.fault.get_or_insert(DAMAGED);
                }
            }
        }
        Outcome::Full
    }
}

/// The description of a filter, as far as it was read.
struct Program {
    first: u8,
    left: u32,
    bytes: Vec<u8>,
}

/// How many bytes stand behind an escape that begin like this.
fn escaped_length(behind: &[u8]) -> usize {
    match behind {
        [4, ..] => 5,
        [5, ..] => 2,
        [3] => 2,
        [3, first, rest @ ..] => match (first & 7, rest) {
            (6, [length, ..]) => usize::from(*length).saturating_add(10),
            (7, [high, low, ..]) => {
                usize::from(u16::from_be_bytes([*high, *low])).saturating_add(4)
            }
            (6 | 7, _) => rest.len().saturating_add(3),
            (length, _) => usize::from(length).saturating_add(3),
        },
        _ => 1,
    }
}

/// Distances of matches of two bytes.
const fn short_distance(slot: u16) -> (u32, u32) {
    match slot {
        0 => (0, 2),
        1 => (4, 2),
        2 => (8, 3),
        3 => (16, 4),
        4 => (32, 5),
        5 => (64, 6),
        6 => (128, 6),
        _ => (192, 6),
    }
}

/// How many symbols each code has: bytes and lengths, distances, their low bits, lengths of repeated matches.
const SYMBOLS: [usize; 4] = [299, 60, 17, 28];
/// RAR 3 refers no further back.
pub(super) const WINDOW_WIDTH: u32 = 22;
const BATCH_BYTES: usize = 4 << 10;
const BATCHES_PER_STEP: u32 = 16;
