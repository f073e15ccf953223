//! Prefix codes by the lengths of their codes, the first bit of a code being the highest: those of LHA, ARJ, RAR,
//! LZX and ALZ.

use super::Packed;
use super::bits::Bits;

/// A prefix code.
#[derive(Clone, Default)]
pub(in crate::engine::unpack) struct Prefix {
    /// By the next [`FAST_BITS`] bits: a symbol and the length of its code, or nothing for a longer one.
    fast: Vec<(u16, u8)>,
    /// For each length: where its codes end, in [`LENGTH_MAX`] bits, and the place of their first symbol less
    /// the number of its code.
    ends: [u32; LENGTH_MAX + 1],
    places: [u32; LENGTH_MAX + 1],
    symbols: Vec<u16>,
    /// Of a code of one symbol: no bits stand for it.
    only: Option<u16>,
}

impl Prefix {
    /// Of the lengths of all symbols; 0 for one that has no code. Nothing when there are more codes than the
    /// lengths have room for, or none. There may be fewer.
    pub(in crate::engine::unpack) fn of(lengths: &[u8]) -> Option<Self> {
        let mut counts = [0_u32; LENGTH_MAX + 1];
        for length in lengths.iter().filter(|length| **length > 0) {
            let count = counts.get_mut(usize::from(*length))?;
            *count = count.wrapping_add(1);
        }
        let mut code = Self::default();
        let (mut next, mut place) = (0_u32, 0_u32);
        let rows = counts.iter().zip(&mut code.ends).zip(&mut code.places);
        for (length, ((count, end), first)) in (0_u32..).zip(rows) {
            next = next.wrapping_shl(1);
            *first = place.wrapping_sub(next);
            next = next.wrapping_add(*count);
            place = place.wrapping_add(*count);
            let rest = LENGTH_MAX_BITS.wrapping_sub(length);
            *end = next.wrapping_shl(rest);
            if *end > 1 << LENGTH_MAX {
                return None;
            }
        }
        if place == 0 {
            return None;
        }
        code.sort(lengths, &counts)?;
        Some(code)
    }

    /// As [`Prefix::of`], but a code of no symbols is one that is never read.
    pub(in crate::engine::unpack) fn of_any(lengths: &[u8]) -> Option<Self> {
        if lengths.iter().all(|length| *length == 0) {
            Some(Self::default())
        } else {
            Self::of(lengths)
        }
    }

    /// Of a symbol that needs no bits.
    pub(in crate::engine::unpack) fn only(symbol: u16) -> Self {
        Self { only: Some(symbol), ..Self::default() }
    }

    /// Puts the symbols in the order of their codes, and the short ones in the fast table.
    fn sort(&mut self, lengths: &[u8], counts: &[u32]) -> Option<()> {
        let mut nexts = [0_usize; LENGTH_MAX + 1];
        let mut place = 0_usize;
        for (slot, count) in nexts.iter_mut().zip(counts) {
            *slot = place;
            place = place.wrapping_add(usize::try_from(*count).ok()?);
        }
        self.symbols = vec![0; place];
        for (symbol, length) in (0_u16..).zip(lengths).filter(|(_, length)| **length > 0) {
            let next = nexts.get_mut(usize::from(*length))?;
            *self.symbols.get_mut(*next)? = symbol;
            *next = next.wrapping_add(1);
        }
        self.fast = vec![(0, 0); 1 << FAST_BITS];
        let (mut at, mut symbols) = (0_usize, self.symbols.iter());
        for (length, count) in (0_u8..).zip(counts).take(FAST_WIDTH + 1) {
            let width = 1_usize.wrapping_shl(FAST_BITS.wrapping_sub(u32::from(length)));
            for symbol in symbols.by_ref().take(usize::try_from(*count).ok()?) {
                let slots = self.fast.get_mut(at..at.wrapping_add(width))?;
                slots.fill((*symbol, length));
                at = at.wrapping_add(width);
            }
        }
        Some(())
    }

    /// The next symbol. Nothing for bits that stand for none.
    pub(in crate::engine::unpack) fn read(
        &self,
        bits: &mut Bits,
        packed: &mut Packed<'_>,
    ) -> Option<u16> {
        self.read_counted(bits, packed).map(|(symbol, _)| symbol)
    }

    /// As [`Prefix::read`], with the number of bits.
    pub(in crate::engine::unpack) fn read_counted(
        &self,
        bits: &mut Bits,
        packed: &mut Packed<'_>,
    ) -> Option<(u16, u8)> {
        if let Some(symbol) = self.only {
            return Some((symbol, 0));
        }
        let next = bits.peek(LENGTH_MAX_BITS, packed);
        let index = usize::try_from(next.wrapping_shr(LENGTH_MAX_BITS.wrapping_sub(FAST_BITS)));
        let (symbol, length) = match self.fast.get(index.unwrap_or(usize::MAX)) {
            None => return None,
            Some((_, 0)) => self.find_long(next)?,
            Some(found) => *found,
        };
        bits.pass(u32::from(length));
        Some((symbol, length))
    }

    fn find_long(&self, next: u32) -> Option<(u16, u8)> {
        let mut ends = (0_u8..).zip(&self.ends).skip(FAST_WIDTH);
        let (length, _) = ends.find(|(_, end)| next < **end)?;
        let code = next.wrapping_shr(LENGTH_MAX_BITS.wrapping_sub(u32::from(length)));
        let first = self.places.get(usize::from(length))?;
        let place = usize::try_from(first.wrapping_add(code)).ok()?;
        Some((*self.symbols.get(place)?, length))
    }
}

/// LZX and LHA have codes of up to 16 bits.
const LENGTH_MAX: usize = 16;
const LENGTH_MAX_BITS: u32 = 16;
/// Most codes are not longer.
const FAST_BITS: u32 = 10;
const FAST_WIDTH: usize = 10;
