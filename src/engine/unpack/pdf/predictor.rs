//! Predictors (ISO 32000-1, 7.4.4.4): rows of which only the differences were packed, as PNG and TIFF do it.
//!
//! Tables of references and streams of objects have them, and so may anything. TIFF's are undone for samples
//! of 8 and 16 bits.

use super::super::parts::copy;
use super::dictionary::Parameters;
use crate::engine::verdict::{Limit, Why};

/// Rows being put together.
pub(super) struct Predictor {
    is_png: bool,
    /// Bytes from a sample to the one left of it.
    step: usize,
    /// Bytes of a sample, for TIFF.
    width: usize,
    row: Vec<u8>,
    before: Vec<u8>,
    /// Of PNG: the kind of the row, which stands before it.
    kind: Option<u8>,
    /// Bytes of the row that are there.
    count: usize,
    /// Bytes of the row that were handed out, once it is put together.
    given: Option<usize>,
}

impl Predictor {
    /// `None` when nothing was predicted.
    pub(super) fn new(parameters: &Parameters) -> Result<Option<Self>, Why> {
        let is_png = match parameters.predictor {
            0 | 1 => return Ok(None),
            2 => false,
            10..=15 => true,
            _ => return Err(UNKNOWN),
        };
        let bits = parameters.bits.saturating_mul(parameters.colors);
        let row = bits.saturating_mul(parameters.columns).div_ceil(8);
        if row == 0 || row > ROW_BYTES_MAX {
            return Err(Why::Limit(Limit::MaxScanState));
        }
        if !is_png && !matches!(parameters.bits, 8 | 16) {
            return Err(UNKNOWN);
        }
        let bytes = |count: u64| usize::try_from(count).map_err(|_| UNKNOWN);
        let row = bytes(row)?;
        Ok(Some(Self {
            is_png,
            step: bytes(bits.div_ceil(8))?.max(1),
            width: bytes(parameters.bits.div_ceil(8))?,
            row: vec![0; row],
            before: vec![0; row],
            kind: None,
            count: 0,
            given: None,
        }))
    }

    /// Memory for rows, in bytes.
    pub(super) fn state_bytes(&self) -> u64 {
        u64::try_from(self.row.len()).unwrap_or(u64::MAX).saturating_mul(2)
    }

    /// Bytes taken, and bytes made.
    pub(super) fn pour(&mut self, input: &[u8], output: &mut [u8]) -> (usize, usize) {
        let (mut used, mut made) = (0_usize, 0_usize);
        loop {
            if self.given.is_some() {
                made = made.saturating_add(self.give(output.get_mut(made..).unwrap_or_default()));
                if self.given.is_some() {
                    return (used, made);
                }
            }
            let rest = input.get(used..).unwrap_or_default();
            if self.is_png && self.kind.is_none() {
                let Some(kind) = rest.first() else { return (used, made) };
                self.kind = Some(*kind);
                used = used.saturating_add(1);
                continue;
            }
            let count = copy(rest, self.row.get_mut(self.count..).unwrap_or_default());
            used = used.saturating_add(count);
            self.count = self.count.saturating_add(count);
            if self.count < self.row.len() {
                return (used, made);
            }
            self.finish_row();
        }
    }

    /// Nothing more comes: bytes made of what is there of the last row.
    pub(super) fn flush(&mut self, output: &mut [u8]) -> usize {
        if self.given.is_none() && self.count > 0 {
            self.row.truncate(self.count);
            self.finish_row();
        }
        self.give(output)
    }

    fn give(&mut self, output: &mut [u8]) -> usize {
        let Some(given) = self.given else { return 0 };
        let ready = self.before.get(given..self.row.len()).unwrap_or_default();
        let count = copy(ready, output);
        let given = given.saturating_add(count);
        self.given = (given < self.row.len()).then_some(given);
        if self.given.is_none() {
            self.count = 0;
        }
        count
    }

    /// Puts the row together. It is the one before from now on.
    fn finish_row(&mut self) {
        let kind = self.kind.take().unwrap_or(0);
        for at in 0..self.row.len() {
            let left_at = at.checked_sub(self.step);
            let left = left_at.and_then(|at| self.row.get(at)).copied().unwrap_or(0);
            let above = self.before.get(at).copied().unwrap_or(0);
            let corner = left_at.and_then(|at| self.before.get(at)).copied().unwrap_or(0);
            let guess = match (self.is_png, kind) {
                (false, _) => {
                    if self.width == 2 {
                        continue;
                    }
                    left
                }
                (true, 1) => left,
                (true, 2) => above,
                (true, 3) => left.midpoint(above),
                (true, 4) => paeth(left, above, corner),
                (true, _) => 0,
            };
            if let Some(byte) = self.row.get_mut(at) {
                *byte = byte.wrapping_add(guess);
            }
        }
        if !self.is_png && self.width == 2 {
            self.add_wide();
        }
        let before = self.before.get_mut(..self.row.len()).unwrap_or_default();
        before.copy_from_slice(&self.row);
        self.given = Some(0);
    }

    /// Samples of 16 bits, the higher byte first.
    fn add_wide(&mut self) {
        let read = |row: &[u8], at: usize| {
            let pair = row.get(at..).and_then(<[u8]>::first_chunk).copied();
            pair.map(u16::from_be_bytes)
        };
        for at in (self.step..self.row.len()).step_by(2) {
            let left = read(&self.row, at.saturating_sub(self.step));
            let (Some(left), Some(here)) = (left, read(&self.row, at)) else { return };
            let sum = left.wrapping_add(here).to_be_bytes();
            copy(&sum, self.row.get_mut(at..).unwrap_or_default());
        }
    }
}

/// The neighbour that is nearest to what the three of them promise (PNG, 9.4).
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let wide = i16::from;
    let promise = wide(left).saturating_add(wide(above)).saturating_sub(wide(corner));
    let distance = |value: u8| promise.abs_diff(wide(value));
    if distance(left) <= distance(above) && distance(left) <= distance(corner) {
        left
    } else if distance(above) <= distance(corner) {
        above
    } else {
        corner
    }
}

const ROW_BYTES_MAX: u64 = 1 << 20;
const UNKNOWN: Why = Why::Unsupported("PDF: a predictor");
