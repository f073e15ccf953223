//! The memory of a `PPMd` model: units of twelve bytes from a fixed piece, in lists of free blocks.
//!
//! Which block is given out decides when the memory is used up, and with that when the model begins anew: the
//! order of everything here is part of the format. Places are numbers, 0 is none; one outside of the memory
//! reads as zeros.

/// The piece of memory. Contexts grow down from `high`, blocks of states up from `low`, texts up from the
/// front, single units are taken from behind the texts when all else is used up.
pub(super) struct Memory {
    bytes: Vec<u8>,
    free: [u32; INDEXES],
    pub(super) text: u32,
    pub(super) units: u32,
    low: u32,
    high: u32,
    /// So many failures until free blocks are joined again.
    until_joined: u8,
    size: u32,
}

impl Memory {
    /// Of `size` bytes, all of which come from the system as they are used.
    pub(super) fn new(size: u32) -> Self {
        let whole = wide(size).saturating_add(wide(2 * UNIT));
        Self {
            bytes: vec![0; whole],
            free: [0; INDEXES],
            text: 0,
            units: 0,
            low: 0,
            high: 0,
            until_joined: 0,
            size,
        }
    }

    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        self.free = [0; INDEXES];
        self.text = UNIT;
        self.high = UNIT.wrapping_add(self.size);
        let units = (self.size / 8 / UNIT).wrapping_mul(7).wrapping_mul(UNIT);
        self.low = self.high.wrapping_sub(units);
        self.units = self.low;
        self.until_joined = 0;
    }

    pub(super) fn byte(&self, at: u32) -> u8 {
        self.bytes.get(wide(at)).copied().unwrap_or(0)
    }

    pub(super) fn short(&self, at: u32) -> u16 {
        let field = self.bytes.get(wide(at)..).and_then(|bytes| bytes.first_chunk());
        field.map_or(0, |field| u16::from_le_bytes(*field))
    }

    pub(super) fn long(&self, at: u32) -> u32 {
        let field = self.bytes.get(wide(at)..).and_then(|bytes| bytes.first_chunk());
        field.map_or(0, |field| u32::from_le_bytes(*field))
    }

    pub(super) fn set_byte(&mut self, at: u32, value: u8) {
        if let Some(slot) = self.bytes.get_mut(wide(at)) {
            *slot = value;
        }
    }

    pub(super) fn set_short(&mut self, at: u32, value: u16) {
        if let Some(slot) = self.bytes.get_mut(wide(at)..).and_then(|bytes| bytes.first_chunk_mut())
        {
            *slot = value.to_le_bytes();
        }
    }

    pub(super) fn set_long(&mut self, at: u32, value: u32) {
        if let Some(slot) = self.bytes.get_mut(wide(at)..).and_then(|bytes| bytes.first_chunk_mut())
        {
            *slot = value.to_le_bytes();
        }
    }

    /// Copies so many bytes, which do not overlap unless they move up by one state.
    pub(super) fn copy(&mut self, from: u32, to: u32, count: u32) {
        let (from, to, count) = (wide(from), wide(to), wide(count));
        let end = from.saturating_add(count);
        if end <= self.bytes.len() && to.saturating_add(count) <= self.bytes.len() {
            self.bytes.copy_within(from..end, to);
        }
    }

    /// A context of one unit.
    pub(super) fn context(&mut self) -> Option<u32> {
        if self.high != self.low {
            self.high = self.high.wrapping_sub(UNIT);
            return Some(self.high);
        }
        self.take(0).or_else(|| self.rare(0))
    }

    /// A block for so many states at least, by the number of units that they fill.
    pub(super) fn block(&mut self, units: u32) -> Option<u32> {
        let index = index_of(units);
        if let Some(block) = self.take(index) {
            return Some(block);
        }
        let bytes = units_of(index).wrapping_mul(UNIT);
        if bytes <= self.high.wrapping_sub(self.low) {
            let block = self.low;
            self.low = self.low.wrapping_add(bytes);
            return Some(block);
        }
        self.rare(index)
    }

    /// A block that is larger by one unit, with what is in the old one.
    pub(super) fn enlarge(&mut self, block: u32, units: u32) -> Option<u32> {
        let old = index_of(units);
        if old == index_of(units.wrapping_add(1)) {
            return Some(block);
        }
        let larger = self.block(units.wrapping_add(1))?;
        self.copy(block, larger, units.wrapping_mul(UNIT));
        self.give(block, old);
        Some(larger)
    }

    /// A smaller block, with what of the old one it has room for.
    pub(super) fn shrink(&mut self, block: u32, units: u32, fewer: u32) -> u32 {
        let (old, new) = (index_of(units), index_of(fewer));
        if old == new {
            return block;
        }
        if let Some(smaller) = self.take(new) {
            self.copy(block, smaller, fewer.wrapping_mul(UNIT));
            self.give(block, old);
            return smaller;
        }
        self.split(block, old, new);
        block
    }

    /// Gives a block of so many units back.
    pub(super) fn release(&mut self, block: u32, units: u32) {
        self.give(block, index_of(units));
    }

    fn give(&mut self, block: u32, index: usize) {
        if let Some(first) = self.free.get_mut(index) {
            let next = std::mem::replace(first, block);
            self.set_long(block, next);
        }
    }

    fn take(&mut self, index: usize) -> Option<u32> {
        let block = self.free.get(index).copied().filter(|block| *block != 0)?;
        let next = self.long(block);
        *self.free.get_mut(index)? = next;
        Some(block)
    }

    /// Keeps the front of a block, and gives back what is behind it.
    fn split(&mut self, block: u32, old: usize, new: usize) {
        let units = units_of(old).wrapping_sub(units_of(new));
        let rest = block.wrapping_add(units_of(new).wrapping_mul(UNIT));
        self.give_units(rest, units);
    }

    /// Gives back so many units, at most 128, as one block or two.
    fn give_units(&mut self, block: u32, units: u32) {
        let index = index_of(units);
        if units_of(index) == units {
            self.give(block, index);
            return;
        }
        let index = index.wrapping_sub(1);
        let front = units_of(index);
        let rest = units.wrapping_sub(front);
        let behind = block.wrapping_add(front.wrapping_mul(UNIT));
        self.give(behind, wide(rest.wrapping_sub(1)));
        self.give(block, index);
    }

    /// A block when its list is empty: joined, or cut from a larger one, or taken from behind the texts.
    fn rare(&mut self, index: usize) -> Option<u32> {
        if self.until_joined == 0 {
            self.join();
            if let Some(block) = self.take(index) {
                return Some(block);
            }
        }
        let larger = (index.wrapping_add(1)..INDEXES)
            .find(|larger| self.free.get(*larger).is_some_and(|first| *first != 0));
        match larger {
            Some(larger) => {
                let block = self.take(larger)?;
                self.split(block, larger, index);
                Some(block)
            }
            None => {
                let bytes = units_of(index).wrapping_mul(UNIT);
                self.until_joined = self.until_joined.wrapping_sub(1);
                if self.units.wrapping_sub(self.text) > bytes {
                    self.units = self.units.wrapping_sub(bytes);
                    Some(self.units)
                } else {
                    None
                }
            }
        }
    }

    /// Joins free blocks that lie side by side, and sorts them into their lists again.
    ///
    /// While it works, a free block is: 0, its units (each 16 bits), the next and the previous of all.
    fn join(&mut self) {
        let head = UNIT.wrapping_add(self.size);
        self.until_joined = 255;
        let mut last = head;
        for index in 0..INDEXES {
            let units = u16::try_from(units_of(index)).unwrap_or(0);
            let mut block = self.free.get_mut(index).map_or(0, std::mem::take);
            while block != 0 {
                let next = self.long(block);
                self.set_long(block.wrapping_add(NEXT), last);
                self.set_long(last.wrapping_add(PREVIOUS), block);
                last = block;
                self.set_short(block, 0);
                self.set_short(block.wrapping_add(UNITS), units);
                block = next;
            }
        }
        self.set_short(head, 1);
        self.set_long(head.wrapping_add(NEXT), last);
        self.set_long(last.wrapping_add(PREVIOUS), head);
        if self.low != self.high {
            self.set_short(self.low, 1);
        }
        let mut block = last;
        while block != head {
            self.absorb(block);
            block = self.long(block.wrapping_add(NEXT));
        }
        let mut block = self.long(head.wrapping_add(NEXT));
        while block != head {
            let next = self.long(block.wrapping_add(NEXT));
            let mut units = u32::from(self.short(block.wrapping_add(UNITS)));
            let mut at = block;
            while units > 128 {
                self.give(at, INDEXES - 1);
                units = units.wrapping_sub(128);
                at = at.wrapping_add(128 * UNIT);
            }
            self.give_units(at, units);
            block = next;
        }
    }

    /// Joins a free block with all free blocks behind it.
    fn absorb(&mut self, block: u32) {
        let mut units = u32::from(self.short(block.wrapping_add(UNITS)));
        loop {
            let behind = block.wrapping_add(units.wrapping_mul(UNIT));
            units = units.wrapping_add(u32::from(self.short(behind.wrapping_add(UNITS))));
            let is_free = self.short(behind) == 0;
            let Some(count) = u16::try_from(units).ok().filter(|_| is_free) else { return };
            let next = self.long(behind.wrapping_add(NEXT));
            let previous = self.long(behind.wrapping_add(PREVIOUS));
            self.set_long(previous.wrapping_add(NEXT), next);
            self.set_long(next.wrapping_add(PREVIOUS), previous);
            self.set_short(block.wrapping_add(UNITS), count);
        }
    }
}

/// The list of blocks with room for so many units, of 1 to 128: four steps each of one, two and three units, then steps
/// of four.
const fn index_of(units: u32) -> usize {
    wide(match units {
        0..=4 => units.saturating_sub(1),
        5..=12 => units.wrapping_sub(4).div_ceil(2).wrapping_add(3),
        13..=24 => units.wrapping_sub(12).div_ceil(3).wrapping_add(7),
        _ => units.wrapping_sub(24).div_ceil(4).wrapping_add(11),
    })
}

/// How many units the blocks of a list have.
const fn units_of(index: usize) -> u32 {
    let units = match index {
        0..=3 => index.wrapping_add(1),
        4..=7 => index.wrapping_sub(3).wrapping_mul(2).wrapping_add(4),
        8..=11 => index.wrapping_sub(7).wrapping_mul(3).wrapping_add(12),
        _ => index.wrapping_sub(11).wrapping_mul(4).wrapping_add(24),
    };
    let bytes = units.to_le_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

const fn wide(at: u32) -> usize {
    at as usize
}

const INDEXES: usize = 38;
/// Bytes of a unit: a context, or two states.
pub(super) const UNIT: u32 = 12;
/// Of a free block, while blocks are joined.
const UNITS: u32 = 2;
const NEXT: u32 = 4;
const PREVIOUS: u32 = 8;
