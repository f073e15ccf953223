//! The prefix codes of a block: up to 258 symbols, with codes of up to 20 bits, the first bit being the highest.

use super::bits::Reader;

/// A code.
#[derive(Default)]
pub(super) struct Code {
    /// By the next [`FAST_BITS`] bits: the symbol, and in the high byte the length; 0 for a longer one.
    fast: Vec<u32>,
    /// For each length: where its codes end, in 32 bits, and the place of its first symbol less the number of
    /// its first code.
    ends: [u64; LENGTHS],
    places: [u32; LENGTHS],
    symbols: Vec<u16>,
}

/// What comes next.
pub(super) enum Next {
    Symbol(u16),
    /// Bits have to follow for it.
    Hungry,
    /// Bits that stand for nothing.
    Damaged,
}

impl Code {
    /// Of the lengths of all symbols, 1 to 20. Nothing when there are more codes than there is room for.
    pub(super) fn of(lengths: &[u8]) -> Option<Self> {
        let mut code = Self { fast: vec![0; 1 << FAST_BITS], ..Self::default() };
        let (mut next, mut place) = (0_u32, 0_u32);
        for length in 1..LENGTHS {
            let width = u32::try_from(length).ok()?;
            next = next.wrapping_shl(1);
            *code.places.get_mut(length)? = place.wrapping_sub(next);
            for (symbol, _) in
                (0_u16..).zip(lengths).filter(|(_, own)| usize::from(**own) == length)
            {
                code.symbols.push(symbol);
                code.sort(next, width, symbol);
                next = next.wrapping_add(1);
                place = place.wrapping_add(1);
            }
            let end = u64::from(next).wrapping_shl(32_u32.wrapping_sub(width));
            if end > 1 << 32 {
                return None;
            }
            *code.ends.get_mut(length)? = end;
        }
        Some(code)
    }

    /// Puts a short code in the fast table.
    fn sort(&mut self, code: u32, width: u32, symbol: u16) {
        let Some(free) = FAST_BITS.checked_sub(width) else { return };
        let at = usize::try_from(code.wrapping_shl(free)).unwrap_or(usize::MAX);
        let end = at.saturating_add(1_usize.wrapping_shl(free));
        if let Some(slots) = self.fast.get_mut(at..end) {
            slots.fill(u32::from(symbol) | width.wrapping_shl(16));
        }
    }

    #[inline]
    pub(super) fn read(&self, reader: &mut Reader<'_, '_>) -> Next {
        let (bits, count) = reader.peek();
        let index = usize::try_from(bits.wrapping_shr(32 - FAST_BITS)).unwrap_or(usize::MAX);
        let fast = self.fast.get(index).copied().unwrap_or(0);
        let found = match fast.wrapping_shr(16) {
            0 => self.find_long(bits),
            width => u16::try_from(fast & 0xffff).ok().map(|symbol| (symbol, width)),
        };
        match found {
            Some((symbol, width)) if width <= count => {
                reader.pass(width);
                Next::Symbol(symbol)
            }
            None if count >= LENGTH_MAX => Next::Damaged,
            Some(_) | None => Next::Hungry,
        }
    }

    fn find_long(&self, bits: u32) -> Option<(u16, u32)> {
        let mut ends = (0_u32..).zip(&self.ends).skip(1);
        let (width, _) = ends.find(|(_, end)| u64::from(bits) < **end)?;
        let code = bits.wrapping_shr(32_u32.wrapping_sub(width));
        let first = self.places.get(usize::try_from(width).ok()?)?;
        let place = usize::try_from(first.wrapping_add(code)).ok()?;
        Some((*self.symbols.get(place)?, width))
    }
}

/// The longest code that the format has room for.
pub(super) const LENGTH_MAX: u32 = 20;
const LENGTHS: usize = 21;
const FAST_BITS: u32 = 10;
