//! What stands in front of the symbols of a block: a unit at a time, for a header has thousands.

use super::super::code::LENGTH_MAX;
use super::super::{BLOCK, BLOCK_OF_NSIS, END, END_OF_NSIS};
use super::{Blocks, CODES_MAX, Code, Damaged, Reader, Stage, Style, Symbols};

impl Blocks {
    /// The next unit in front of the symbols: the stage behind it. Nothing when it is not all there.
    pub(super) fn read_header(
        &mut self,
        reader: &mut Reader<'_, '_>,
    ) -> Result<Option<Stage>, Damaged> {
        Ok(Some(match self.stage {
            Stage::Mark => return self.read_mark(reader),
            Stage::Header => {
                let width = if self.style == Style::File { 57 } else { 24 };
                if !reader.has(width) {
                    return Ok(None);
                }
                if self.style == Style::File {
                    reader.pass(32);
                    self.is_randomised = reader.take(1) == Some(1);
                }
                self.first_row = reader.take(24).unwrap_or(0);
                Stage::Groups
            }
            Stage::Groups => {
                let Some(groups) = reader.take(16) else { return Ok(None) };
                self.groups = groups;
                self.front.clear();
                Stage::Group(0)
            }
            Stage::Group(16) => Stage::Counts,
            Stage::Group(group) => {
                if is_set(self.groups, group) {
                    let Some(bytes) = reader.take(16) else { return Ok(None) };
                    let first = group.wrapping_mul(16);
                    let all = (0..16).filter(|at| is_set(bytes, *at));
                    self.front
                        .extend(all.filter_map(|at| u8::try_from(first.wrapping_add(at)).ok()));
                }
                Stage::Group(group.wrapping_add(1))
            }
            Stage::Counts => {
                let Some(counts) = reader.take(18) else { return Ok(None) };
                self.codes_wanted = usize::try_from(counts.wrapping_shr(15)).unwrap_or(0);
                self.selectors_wanted = counts & 0x7fff;
                let is_right = (2..=CODES_MAX).contains(&self.codes_wanted);
                if self.front.is_empty() || !is_right || self.selectors_wanted == 0 {
                    return Err(Damaged);
                }
                self.selectors.clear();
                self.order = [0, 1, 2, 3, 4, 5];
                Stage::Selector(0)
            }
            Stage::Selector(ones) => return self.read_selector(ones, reader),
            Stage::Length(code) => {
                let Some(first) = reader.take(5) else { return Ok(None) };
                self.lengths.clear();
                Stage::Delta(code, first)
            }
            Stage::Delta(code, length) => return self.read_length(code, length, reader),
            Stage::Sum => {
                // Which nobody looks at.
                if self.style == Style::File && reader.take(32).is_none() {
                    return Ok(None);
                }
                reader.align();
                Stage::Over
            }
            other @ (Stage::Symbols | Stage::Sort(_) | Stage::Bytes | Stage::Over) => other,
        }))
    }

    fn read_mark(&self, reader: &mut Reader<'_, '_>) -> Result<Option<Stage>, Damaged> {
        let (block, end) = match self.style {
            Style::File => (BLOCK, END),
            Style::Nsis => (BLOCK_OF_NSIS, END_OF_NSIS),
        };
        let width = if self.style == Style::File { 48 } else { 8 };
        if !reader.has(width) {
            return Ok(None);
        }
        let mut mark = [0; 6];
        let mark = mark.get_mut(..block.len()).unwrap_or_default();
        for byte in &mut *mark {
            *byte = reader.take(8).and_then(|byte| u8::try_from(byte).ok()).unwrap_or(0);
        }
        match () {
            () if *mark == *block => Ok(Some(Stage::Header)),
            () if *mark == *end => Ok(Some(Stage::Sum)),
            () => Err(Damaged),
        }
    }

    fn read_selector(
        &mut self,
        mut ones: u32,
        reader: &mut Reader<'_, '_>,
    ) -> Result<Option<Stage>, Damaged> {
        loop {
            let Some(bit) = reader.take(1) else {
                self.stage = Stage::Selector(ones);
                return Ok(None);
            };
            if bit == 0 {
                break;
            }
            ones = ones.wrapping_add(1);
            if usize::try_from(ones).is_ok_and(|ones| ones >= self.codes_wanted) {
                return Err(Damaged);
            }
        }
        let place = usize::try_from(ones).unwrap_or(0);
        if let Some(moved) = self.order.get_mut(..=place) {
            moved.rotate_right(1);
        }
        // More than a block has symbols for are read and not used.
        if self.selectors.len() < SELECTORS_MAX {
            self.selectors.extend(self.order.first());
        }
        self.selectors_wanted = self.selectors_wanted.saturating_sub(1);
        if self.selectors_wanted > 0 {
            return Ok(Some(Stage::Selector(0)));
        }
        self.codes.clear();
        Ok(Some(Stage::Length(0)))
    }

    /// The length of the next symbol of a code, of which it differs by steps from the one before.
    fn read_length(
        &mut self,
        code: usize,
        mut length: u32,
        reader: &mut Reader<'_, '_>,
    ) -> Result<Option<Stage>, Damaged> {
        for _ in 0..DELTAS_PER_LENGTH {
            if !(1..=LENGTH_MAX).contains(&length) {
                return Err(Damaged);
            }
            let (bits, count) = reader.peek();
            let is_last = bits.wrapping_shr(31) == 0;
            if count < if is_last { 1 } else { 2 } {
                self.stage = Stage::Delta(code, length);
                return Ok(None);
            }
            if is_last {
                reader.pass(1);
                self.lengths.push(u8::try_from(length).unwrap_or(0));
                return self.end_length(code, length);
            }
            let is_less = bits.wrapping_shr(30) & 1 == 1;
            length = if is_less { length.wrapping_sub(1) } else { length.wrapping_add(1) };
            reader.pass(2);
        }
        Err(Damaged)
    }

    fn end_length(&mut self, code: usize, length: u32) -> Result<Option<Stage>, Damaged> {
        // Two symbols for runs, one for each byte but the first, one for the end.
        if self.lengths.len() < self.front.len().saturating_add(2) {
            return Ok(Some(Stage::Delta(code, length)));
        }
        self.codes.push(Code::of(&self.lengths).ok_or(Damaged)?);
        let next = code.saturating_add(1);
        if next < self.codes_wanted {
            return Ok(Some(Stage::Length(next)));
        }
        self.table.clear();
        self.counts.clear();
        self.counts.resize(256, 0);
        self.symbols = Symbols { digit: 1, selector: usize::MAX, ..Symbols::default() };
        Ok(Some(Stage::Symbols))
    }
}

/// Whether a bit of 16 is set, the first being the highest.
const fn is_set(bits: u32, at: u32) -> bool {
    bits.wrapping_shr(15_u32.saturating_sub(at)) & 1 == 1
}

/// As many as a block of 900,000 bytes has use for.
const SELECTORS_MAX: usize = 18_002;
/// A length that goes up and down for longer than this was written to hold a reader up.
const DELTAS_PER_LENGTH: usize = 4_096;
