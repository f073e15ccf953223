//! How dear the bytes of an unpacker are, so that a slice of a scan is as short with one as with another.
//!
//! A unit of work is what looking at a byte costs, some nanoseconds. The paces are those of the worst input:
//! LZMA of what cannot be packed is ten times as slow as of what can, `PPMd` takes microseconds for a byte
//! that it has never seen in its context.

/// What is to be expected of an unpacker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum Pace {
    /// About as fast as the bytes that come out are looked at.
    #[default]
    Quick,
    /// A bit of the input at a time: LZMA, and prefix codes by code of our own.
    Steady,
    /// A model for each byte.
    Slowest,
}

impl Pace {
    /// Units of work for a byte that was given out.
    pub(in crate::engine) const fn units(self) -> u64 {
        match self {
            Self::Quick => 1,
            Self::Steady => 8,
            Self::Slowest => 256,
        }
    }

    /// Units of work of a step that only read.
    pub(in crate::engine) const fn reading_units(self) -> u64 {
        match self {
            Self::Quick => 4 << 10,
            Self::Steady | Self::Slowest => STEP_UNITS,
        }
    }

    /// Bytes that one step may give out.
    pub(in crate::engine) const fn room(self) -> usize {
        match self {
            Self::Quick => usize::MAX,
            Self::Steady => 4 << 10,
            Self::Slowest => 128,
        }
    }
}

/// Half of a slice.
const STEP_UNITS: u64 = 32 << 10;
