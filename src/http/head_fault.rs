//! The ways a message head can be broken, each with its sentence and, where there is one, its byte.
//!
//! RFC 9112 sections 2 to 5. Offsets count from the first byte of the head.

use std::fmt;

/// Which rule a head breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFault {
    /// Longer than `max` bytes.
    TooLong {
        /// The limit in bytes.
        max: usize,
    },
    /// More than `max` lines after the start line.
    TooManyFields {
        /// The limit in lines.
        max: usize,
    },
    /// The first line is empty, or is no request or status line.
    StartLine,
    /// The bytes end before the blank line.
    NoBlankLine,
    /// Bytes follow the blank line, from this one on.
    AfterBlankLine {
        /// Offset of the first byte too many.
        at: usize,
    },
    /// A line ends with LF alone where CR LF is required.
    LineEnd {
        /// Offset of the LF.
        at: usize,
    },
    /// A NUL, or a CR that ends no line.
    Byte {
        /// Offset of the byte.
        at: usize,
    },
    /// A line that begins with a blank where none may.
    Fold {
        /// Offset of the line.
        at: usize,
    },
    /// A line that is not `name: value`.
    Field {
        /// Offset of the line.
        at: usize,
    },
}

impl fmt::Display for HeadFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { max } => write!(out, "the head is longer than {max} bytes"),
            Self::TooManyFields { max } => write!(out, "the head has more than {max} fields"),
            Self::StartLine => out.write_str("the first line is no start line"),
            Self::NoBlankLine => out.write_str("the head ends without a blank line"),
            Self::AfterBlankLine { at } => write!(out, "byte {at}: bytes follow the blank line"),
            Self::LineEnd { at } => write!(out, "byte {at}: a line ends with LF alone"),
            Self::Byte { at } => write!(out, "byte {at}: NUL or CR within a line"),
            Self::Fold { at } => write!(out, "byte {at}: a folded line"),
            Self::Field { at } => write!(out, "byte {at}: expected `name: value`"),
        }
    }
}
