//! Blocks of bzip2, each undone in steps: symbols, sorting back, bytes.
//!
//! ```text
//!   header: bytes that occur, selectors, lengths of codes
//!     └▶ symbols ─▶ runs of the first byte, moves to the front ─▶ table: the last bytes of sorted rows
//!                      └▶ sort: for each row the row that follows ─▶ bytes ─▶ runs of four and a count
//! ```
//!
//! A block of 900,000 bytes takes some 30 milliseconds. No step does more than [`SYMBOLS_PER_STEP`] or
//! [`ROWS_PER_STEP`] of it.

mod bytes;
mod header;
mod random;

use self::bytes::Output;
use self::random::DISTANCES;
use super::Style;
use super::bits::Reader;
use super::code::{Code, Next};
use crate::engine::unpack::inflate::Outcome;
use crate::engine::verdict::Why;

/// The blocks of a stream.
pub(super) struct Blocks {
    style: Style,
    stage: Stage,
    /// Rows that a block may have.
    rows_max: usize,
    is_randomised: bool,
    first_row: u32,
    /// Which of 16 groups of bytes occur.
    groups: u32,
    /// The bytes that occur, the one that came last at the front.
    front: Vec<u8>,
    codes_wanted: usize,
    selectors_wanted: u32,
    selectors: Vec<u8>,
    /// Codes that selectors stand for, the one that came last at the front.
    order: [u8; CODES_MAX],
    lengths: Vec<u8>,
    codes: Vec<Code>,
    symbols: Symbols,
    /// Row by row: the byte in the low 8 bits; when they are sorted, the row that follows above it.
    table: Vec<u32>,
    /// For each byte how many rows end with it, then where its next row is.
    counts: Vec<u32>,
    bytes: Output,
}

/// What is read or done next.
#[derive(Clone, Copy)]
enum Stage {
    Mark,
    Header,
    Groups,
    /// The bytes of this group.
    Group(u32),
    Counts,
    /// A selector, of which so many bits were ones.
    Selector(u32),
    /// The first length of this code.
    Length(usize),
    /// The next length of this code; what it is so far.
    Delta(usize, u32),
    Symbols,
    Sort(usize),
    Bytes,
    /// The sum behind the last block.
    Sum,
    Over,
}

/// Symbols being read.
#[derive(Default)]
struct Symbols {
    /// The selector in force; the one before the first in front of it.
    selector: usize,
    left: u32,
    /// A run of the byte at the front: its length so far, and what its next digit counts for.
    run: u32,
    digit: u32,
}

impl Blocks {
    /// With blocks of so many bytes at most.
    pub(super) fn new(style: Style, rows_max: usize) -> Self {
        Self {
            style,
            stage: Stage::Mark,
            rows_max,
            is_randomised: false,
            first_row: 0,
            groups: 0,
            front: Vec::new(),
            codes_wanted: 0,
            selectors_wanted: 0,
            selectors: Vec::new(),
            order: [0; CODES_MAX],
            lengths: Vec::new(),
            codes: Vec::new(),
            symbols: Symbols::default(),
            table: Vec::new(),
            counts: Vec::new(),
            bytes: Output::default(),
        }
    }

    /// Goes on for a step. [`Outcome::Full`] without a full `output` says that it does not wait for input.
    pub(super) fn run(
        &mut self,
        reader: &mut Reader<'_, '_>,
        output: &mut [u8],
    ) -> (usize, Outcome) {
        loop {
            let next = match self.stage {
                Stage::Symbols => match self.read_symbols(reader) {
                    Ok(Some(stage)) => Ok(Some(stage)),
                    Ok(None) => return (0, Outcome::Full),
                    Err(outcome) => return (0, outcome),
                },
                Stage::Sort(from) => {
                    self.stage = self.sort(from);
                    return (0, Outcome::Full);
                }
                Stage::Bytes => {
                    let made = self.bytes.give(&self.table, output);
                    if self.bytes.is_more() {
                        return (made, Outcome::Full);
                    }
                    self.stage = Stage::Mark;
                    if made > 0 {
                        return (made, Outcome::Full);
                    }
                    Ok(Some(Stage::Mark))
                }
                Stage::Over => return (0, Outcome::End),
                Stage::Mark
                | Stage::Header
                | Stage::Groups
                | Stage::Group(_)
                | Stage::Counts
                | Stage::Selector(_)
                | Stage::Length(_)
                | Stage::Delta(..)
                | Stage::Sum => self.read_header(reader),
            };
            match next {
                Ok(Some(stage)) => self.stage = stage,
                Ok(None) => return (0, Outcome::Hungry),
                Err(Damaged) => return (0, DAMAGED),
            }
        }
    }

    /// Symbols up to the end of the block: the stage behind it. Nothing when as many were read as one step may.
    fn read_symbols(&mut self, reader: &mut Reader<'_, '_>) -> Result<Option<Stage>, Outcome> {
        let end = u16::try_from(self.front.len()).unwrap_or(u16::MAX).saturating_add(1);
        for _ in 0..SYMBOLS_PER_STEP {
            if self.symbols.left == 0 && !self.next_code() {
                return Err(DAMAGED);
            }
            let selector = self.selectors.get(self.symbols.selector);
            let code = selector.and_then(|code| self.codes.get(usize::from(*code)));
            let symbol = match code.map(|code| code.read(reader)) {
                Some(Next::Symbol(symbol)) => symbol,
                Some(Next::Hungry) => return Err(Outcome::Hungry),
                Some(Next::Damaged) | None => return Err(DAMAGED),
            };
            self.symbols.left = self.symbols.left.saturating_sub(1);
            if symbol <= 1 {
                let digit = self.symbols.digit;
                if digit > RUN_MAX {
                    return Err(DAMAGED);
                }
                let count = digit.wrapping_shl(u32::from(symbol));
                self.symbols.run = self.symbols.run.wrapping_add(count);
                self.symbols.digit = digit.wrapping_shl(1);
                continue;
            }
            self.end_run()?;
            if symbol == end {
                return self.begin_sort().map(Some);
            }
            let place = usize::from(symbol).saturating_sub(1);
            let byte = self.front.get(place).copied().unwrap_or(0);
            if let Some(moved) = self.front.get_mut(..=place) {
                moved.copy_within(..place, 1);
            }
            if let Some(first) = self.front.first_mut() {
                *first = byte;
            }
            self.add_rows(byte, 1)?;
        }
        Ok(None)
    }

    /// Goes on to the code of the next fifty symbols.
    fn next_code(&mut self) -> bool {
        self.symbols.selector = self.symbols.selector.wrapping_add(1);
        self.symbols.left = SYMBOLS_PER_CODE;
        self.symbols.selector < self.selectors.len()
    }

    fn end_run(&mut self) -> Result<(), Outcome> {
        let run = std::mem::take(&mut self.symbols.run);
        self.symbols.digit = 1;
        if run == 0 {
            return Ok(());
        }
        let byte = self.front.first().copied().unwrap_or(0);
        self.add_rows(byte, usize::try_from(run).unwrap_or(usize::MAX))
    }

    #[inline]
    fn add_rows(&mut self, byte: u8, count: usize) -> Result<(), Outcome> {
        let rows = self.table.len().saturating_add(count);
        if rows > self.rows_max {
            return Err(DAMAGED);
        }
        if let Some(slot) = self.counts.get_mut(usize::from(byte)) {
            *slot = slot.wrapping_add(u32::try_from(count).unwrap_or(0));
        }
        if rows > self.table.capacity() {
            // A short stream takes little, a longer one all that it may.
            let room = if rows <= SMALL_ROWS { SMALL_ROWS } else { self.rows_max };
            self.table.reserve_exact(room.saturating_sub(self.table.len()));
        }
        if count == 1 {
            self.table.push(u32::from(byte));
        } else {
            self.table.resize(rows, u32::from(byte));
        }
        Ok(())
    }

    /// All rows are there: where those of each byte begin.
    fn begin_sort(&mut self) -> Result<Stage, Outcome> {
        let first = usize::try_from(self.first_row).unwrap_or(usize::MAX);
        if first >= self.table.len() {
            return Err(DAMAGED);
        }
        let mut next = 0_u32;
        for slot in &mut self.counts {
            let count = std::mem::replace(slot, next);
            next = next.wrapping_add(count);
        }
        Ok(Stage::Sort(0))
    }

    /// Notes for some rows which one they follow.
    fn sort(&mut self, from: usize) -> Stage {
        let end = from.saturating_add(ROWS_PER_STEP).min(self.table.len());
        for (row, number) in (from..end).zip(u32::try_from(from).unwrap_or(0)..) {
            let byte = self.table.get(row).copied().unwrap_or(0) & 0xff;
            let Some(place) = usize::try_from(byte).ok().and_then(|at| self.counts.get_mut(at))
            else {
                continue;
            };
            let at = usize::try_from(*place).unwrap_or(usize::MAX);
            *place = place.wrapping_add(1);
            if let Some(slot) = self.table.get_mut(at) {
                *slot |= number.wrapping_shl(8);
            }
        }
        if end < self.table.len() {
            return Stage::Sort(end);
        }
        let first = usize::try_from(self.first_row).unwrap_or(0);
        let row = self.table.get(first).copied().unwrap_or(0).wrapping_shr(8);
        let distances = self.is_randomised.then_some(&DISTANCES[..]);
        self.bytes = Output::new(self.table.len(), row, distances);
        Stage::Bytes
    }
}

/// The block cannot be one.
struct Damaged;

const DAMAGED: Outcome = Outcome::Stopped(Why::Broken(super::DAMAGED));
const CODES_MAX: usize = 6;
const SYMBOLS_PER_CODE: u32 = 50;
/// What the next digit of a run may count for: a block is shorter.
const RUN_MAX: u32 = 1 << 20;
const SMALL_ROWS: usize = 16 << 10;
const SYMBOLS_PER_STEP: usize = 4_096;
const ROWS_PER_STEP: usize = 16 << 10;
