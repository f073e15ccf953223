//! The decoders of codings, one at work at a time in a layer.

use super::{
    Coding, Pace, Step, armor, brotli, bzip2, compress, deflate, expand, flash, gzip, lz4, lzip,
    lzma, xz, zstd,
};
use crate::engine::verdict::Why;

/// One decoder at work. The state of the large ones is on the heap.
pub(in crate::engine) enum Decoder {
    Gzip(gzip::Gzip),
    Deflate(deflate::Deflate),
    Brotli(Box<brotli::Brotli>),
    Zstd(zstd::Zstd),
    Bzip2(bzip2::Bzip2),
    Xz(xz::Xz),
    Lzma(lzma::Lzma),
    Lzip(lzip::Lzip),
    Lz4(lz4::Lz4),
    Compress(compress::Compress),
    Transfer(armor::Undo),
    Expand(expand::Expand),
    Flash(flash::Flash),
}

impl Decoder {
    /// A decoder for a coding, which takes no more than `state_bytes` of memory ([`Coding::state_bytes`]).
    ///
    /// # Errors
    ///
    /// The reason when its library cannot give a context (no memory).
    pub(in crate::engine) fn of(coding: Coding, state_bytes: u64) -> Result<Self, Why> {
        Ok(match coding {
            Coding::Gzip => Self::Gzip(gzip::Gzip::new()),
            Coding::Deflate => Self::Deflate(deflate::Deflate::new()),
            Coding::Brotli => Self::Brotli(Box::new(brotli::Brotli::new())),
            Coding::Zstd => Self::Zstd(zstd::Zstd::new()?),
            Coding::Bzip2 => Self::Bzip2(bzip2::Bzip2::new()),
            Coding::Xz => Self::Xz(xz::Xz::new(state_bytes)),
            Coding::Lzma => Self::Lzma(lzma::Lzma::new(state_bytes)),
            Coding::Lzip => Self::Lzip(lzip::Lzip::new(state_bytes)),
            Coding::Lz4 => Self::Lz4(lz4::Lz4::new()),
            Coding::Compress => Self::Compress(compress::Compress::new()),
            Coding::Base64 => Self::Transfer(armor::Undo::of(Some(armor::Transfer::Base64))),
            Coding::Quoted => Self::Transfer(armor::Undo::of(Some(armor::Transfer::Quoted))),
            Coding::Szdd => Self::Expand(expand::Expand::new()),
            Coding::Flash => Self::Flash(flash::Flash::new()),
        })
    }

    /// As [`super::Unpacker::step`].
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        match self {
            Self::Gzip(gzip) => gzip.step(input, output),
            Self::Deflate(deflate) => deflate.step(input, output),
            Self::Brotli(brotli) => brotli.step(input, output),
            Self::Zstd(zstd) => zstd.step(input, output),
            Self::Bzip2(bzip2) => bzip2.step(input, output),
            Self::Xz(xz) => xz.step(input, output),
            Self::Lzma(lzma) => lzma.step(input, output),
            Self::Lzip(lzip) => lzip.step(input, output),
            Self::Lz4(lz4) => lz4.step(input, output),
            Self::Compress(compress) => compress.step(input, output),
            Self::Transfer(undo) => undo.step(input, output),
            Self::Expand(expand) => expand.step(input, output),
            Self::Flash(flash) => flash.step(input, output),
        }
    }

    /// As [`super::Unpacker::pace`].
    pub(super) const fn pace(&self) -> Pace {
        match self {
            Self::Gzip(_)
            | Self::Deflate(_)
            | Self::Brotli(_)
            | Self::Zstd(_)
            | Self::Lz4(_)
            | Self::Compress(_)
            | Self::Transfer(_) => Pace::Quick,
            // Of Flash, what is packed by LZMA.
            Self::Xz(_)
            | Self::Lzma(_)
            | Self::Lzip(_)
            | Self::Bzip2(_)
            | Self::Expand(_)
            | Self::Flash(_) => Pace::Steady,
        }
    }

    /// As [`super::Unpacker::finish`].
    pub(super) fn finish(&self) -> Result<(), Why> {
        match self {
            Self::Gzip(gzip) => gzip.finish(),
            Self::Deflate(deflate) => deflate.finish(),
            Self::Brotli(brotli) => brotli.finish(),
            Self::Zstd(zstd) => zstd.finish(),
            Self::Bzip2(bzip2) => bzip2.finish(),
            Self::Xz(xz) => xz.finish(),
            Self::Lzma(lzma) => lzma.finish(),
            Self::Lzip(lzip) => lzip.finish(),
            Self::Lz4(lz4) => lz4.finish(),
            Self::Compress(compress) => compress.finish(),
            Self::Transfer(_) => Ok(()),
            Self::Expand(expand) => expand.finish(),
            Self::Flash(flash) => flash.finish(),
        }
    }
}

impl Coding {
    /// The most memory that a decoder for a layer with this head can take, in bytes. It is what
    /// `MaxScanState` counts.
    pub(in crate::engine) fn state_bytes(self, head: &[u8]) -> u64 {
        match self {
            // A window of 32 KiB and the tables of two Huffman codes.
            Self::Gzip | Self::Deflate => 64 << 10,
            // A window of 16 MiB, twice while it grows from the half, and at most 1 MiB of code tables.
            Self::Brotli => 25 << 20,
            // A window of 8 MiB, and blocks of 128 KiB.
            Self::Zstd => 9 << 20,
            // Four bytes for each of a block of 900 kB, and the tables.
            Self::Bzip2 => 4 << 20,
            Self::Xz => xz::state_bytes(head),
            Self::Lzma => lzma::state_bytes(head),
            Self::Lzip => lzip::state_bytes(head),
            // A window of 64 KiB.
            Self::Lz4 => 64 << 10,
            // Four bytes for each of 65,536 codes.
            Self::Compress => 256 << 10,
            Self::Base64 | Self::Quoted => 0,
            // A window of 4 KiB.
            Self::Szdd => 8 << 10,
            Self::Flash => flash::state_bytes(head),
        }
    }
}
