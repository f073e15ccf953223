//! The flags behind a regex: `/regex/flags`.

/// Which of `g i s m x A E U r e` are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegexFlags {
    bits: u16,
}

impl RegexFlags {
    /// No flag.
    pub const NONE: Self = Self { bits: 0 };
    /// `g`: every match counts; without it the count is at most 1.
    pub const GLOBAL: Self = Self { bits: 1 };
    /// `i`: upper and lower case are alike.
    pub const CASELESS: Self = Self { bits: 1 << 1 };
    /// `s`: a dot is any byte, the end of a line included.
    pub const DOT_ALL: Self = Self { bits: 1 << 2 };
    /// `m`: `^` and `$` also at lines.
    pub const MULTI_LINE: Self = Self { bits: 1 << 3 };
    /// `x`: white space and comments in the regex mean nothing.
    pub const EXTENDED: Self = Self { bits: 1 << 4 };
    /// `A`: a match begins where the search does.
    pub const ANCHORED: Self = Self { bits: 1 << 5 };
    /// `E`: `$` only at the very end, not before a last end of line.
    pub const DOLLAR_END: Self = Self { bits: 1 << 6 };
    /// `U`: quantifiers take as little as they can.
    pub const UNGREEDY: Self = Self { bits: 1 << 7 };
    /// `r`: with an offset without a shift, anywhere at or after it.
    pub const ROLLING: Self = Self { bits: 1 << 8 };
    /// `e`: with an offset and a shift, the whole match lies inside of them.
    pub const ENCOMPASS: Self = Self { bits: 1 << 9 };

    const LETTERS: [(u8, Self); 10] = [
        (b'g', Self::GLOBAL),
        (b'i', Self::CASELESS),
        (b's', Self::DOT_ALL),
        (b'm', Self::MULTI_LINE),
        (b'x', Self::EXTENDED),
        (b'A', Self::ANCHORED),
        (b'E', Self::DOLLAR_END),
        (b'U', Self::UNGREEDY),
        (b'r', Self::ROLLING),
        (b'e', Self::ENCOMPASS),
    ];

    /// Reads letters; a letter may come again.
    ///
    /// # Errors
    ///
    /// The place of the first byte that is no flag, from 0.
    pub fn parse(letters: &[u8]) -> Result<Self, usize> {
        let mut flags = Self::NONE;
        for (at, letter) in letters.iter().enumerate() {
            let row = Self::LETTERS.iter().find(|row| row.0 == *letter).ok_or(at)?;
            flags = flags.with(row.1);
        }
        Ok(flags)
    }

    /// These and those.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self { bits: self.bits | other.bits }
    }

    /// These but not those.
    #[must_use]
    pub(super) const fn without(self, other: Self) -> Self {
        Self { bits: self.bits & !other.bits }
    }

    /// Whether all of those are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.bits & other.bits == other.bits
    }

    /// As a number, for a row of an image.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.bits
    }

    /// From a row of an image; `None` when a bit is set that means nothing.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits >> Self::LETTERS.len() == 0 { Some(Self { bits }) } else { None }
    }
}
