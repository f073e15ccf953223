//! The ways a chunked body can be broken, each with its sentence.
//!
//! RFC 9112 section 7.1. After any of them the place of the next message is unknown.

use std::fmt;

use super::DIGITS_MAX;

/// How a chunked body is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A size line holds this byte where a hex digit or the end of the size is due.
    Size {
        /// The byte.
        found: u8,
    },
    /// A size has more than sixteen digits.
    SizeTooLong,
    /// A size line does not end with CR LF.
    SizeLine,
    /// A chunk extension is not `;name` or `;name=value`, or a control character stands in it.
    Extension,
    /// The extensions of one chunk are longer than `max` bytes.
    ExtensionTooLong {
        /// The limit in bytes.
        max: usize,
    },
    /// The data of a chunk is not followed by CR LF.
    ChunkEnd,
    /// The preview is longer than `max` bytes.
    PreviewTooLong {
        /// The size the client announced.
        max: u64,
    },
    /// The zero chunk that ends a preview is not followed by an empty line.
    PreviewEnd,
    /// A trailer line is not `name: value`, or the trailer does not end with an empty line.
    Trailer,
    /// The trailer is longer than `max` bytes.
    TrailerTooLong {
        /// The limit in bytes.
        max: usize,
    },
    /// The chunks together announce more than 2^64 bytes.
    TooLarge,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size { found } => {
                write!(out, "chunk size: expected a hex digit, found byte {found:#04x}")
            }
            Self::SizeTooLong => write!(out, "chunk size: more than {DIGITS_MAX} digits"),
            Self::SizeLine => out.write_str("chunk size: the line does not end with CR LF"),
            Self::Extension => out.write_str("chunk extension: expected `;name` or `;name=value`"),
            Self::ExtensionTooLong { max } => {
                write!(out, "chunk extension: longer than {max} bytes")
            }
            Self::ChunkEnd => out.write_str("chunk data: not followed by CR LF"),
            Self::PreviewEnd => {
                out.write_str("preview: its zero chunk is not followed by an empty line")
            }
            Self::Trailer => {
                out.write_str("trailer: expected `name: value` lines and an empty line")
            }
            Self::TrailerTooLong { max } => write!(out, "trailer: longer than {max} bytes"),
            Self::PreviewTooLong { max } => {
                write!(out, "preview: longer than the announced {max} bytes")
            }
            Self::TooLarge => out.write_str("chunk sizes add up to more than 64 bits"),
        }
    }
}
