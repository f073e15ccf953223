//! The methods by which members are packed (APPNOTE 4.4.5), and what undoes them.

use super::deflate64::Deflate64;
use super::explode::Explode;
use super::header::Local;
use super::open::Open;
use super::reduce::Reduce;
use super::shrink::Shrink;
use crate::engine::unpack::inflate::{Inflate, Inflated, Outcome};
use crate::engine::unpack::parts::copy;
use crate::engine::unpack::{Coding, Pace, Progress, Step, bzip2, lzma, xz, zstd};
use crate::engine::verdict::Why;

/// A method that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    /// With a size from the header, as the next two.
    Shrink,
    /// By its number.
    Reduce(u16),
    Implode,
    Deflate,
    Deflate64,
    Bzip2,
    /// With a size from the header, or with a mark at its end.
    Lzma,
    Zstd,
    Xz,
}

/// A member being read.
pub(super) enum Codec {
    /// As it is, with a size that is known.
    Stored,
    /// As it is, up to what says its size.
    Open(Box<Open>),
    Inflate(Inflate),
    Deflate64(Box<Deflate64>),
    Shrink(Box<Shrink>),
    Reduce(Box<Reduce>),
    Explode(Box<Explode>),
    /// What is a file of its own elsewhere; it may end with any of its bytes, when nothing says so.
    File(File, End),
}

/// The coding of such a file.
pub(super) enum File {
    Bzip2(bzip2::Bzip2),
    Lzma(lzma::Lzma),
    Zstd(zstd::Zstd),
    Xz(xz::Xz),
}

/// How it is known where a file ends in a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Sized,
    /// It is over as soon as it can be.
    Found,
}

impl Method {
    /// Of a member.
    ///
    /// # Errors
    ///
    /// [`Why::Unsupported`] with the name of a method that cannot be undone, [`Why::Encrypted`] of the
    /// one that stands for another behind a cipher.
    pub(super) fn of(local: &Local) -> Result<Self, Why> {
        if local.is_encrypted() {
            return Err(Why::Encrypted);
        }
        Ok(match local.method {
            0 => Self::Stored,
            1 if local.plain.is_some() => Self::Shrink,
            method @ 2..=5 if local.plain.is_some() => Self::Reduce(method),
            6 if local.plain.is_some() => Self::Implode,
            8 => Self::Deflate,
            9 => Self::Deflate64,
            12 => Self::Bzip2,
            14 if local.has_end_mark() || local.plain.is_some() => Self::Lzma,
            20 | 93 => Self::Zstd,
            95 => Self::Xz,
            99 => return Err(Why::Encrypted),
            1 => return Err(Why::Unsupported("zip: shrink without a size")),
            2..=5 => return Err(Why::Unsupported("zip: reduce without a size")),
            6 => return Err(Why::Unsupported("zip: implode without a size")),
            10 => return Err(Why::Unsupported("zip: PKWARE DCL implode")),
            14 => return Err(Why::Unsupported("zip: lzma without a size or a mark at its end")),
            96 => return Err(Why::Unsupported("zip: jpeg")),
            97 => return Err(Why::Unsupported("zip: wavpack")),
            98 => return Err(Why::Unsupported("zip: ppmd")),
            _ => return Err(Why::Unsupported("zip: a method that has no name")),
        })
    }

    /// How many bytes of the member say how much memory it takes.
    pub(super) const fn front_bytes(self) -> usize {
        match self {
            Self::Lzma => LZMA_FRONT_BYTES,
            Self::Xz => XZ_FRONT_BYTES,
            Self::Stored
            | Self::Shrink
            | Self::Reduce(_)
            | Self::Implode
            | Self::Deflate
            | Self::Deflate64
            | Self::Bzip2
            | Self::Zstd => 0,
        }
    }

    /// The most memory that a member takes which begins with `front`, in bytes.
    pub(super) fn state_bytes(self, local: &Local, front: &[u8]) -> u64 {
        match self {
            Self::Stored => 4 << 10,
            // Of each code what it is made of, and the free ones.
            Self::Shrink => 80 << 10,
            // The window, and the followers of each byte.
            Self::Reduce(_) => 40 << 10,
            // The window, and the tables of three codes.
            Self::Implode => 16 << 10,
            Self::Deflate => Coding::Gzip.state_bytes(&[]),
            // The window, and the tables of two codes.
            Self::Deflate64 => 80 << 10,
            Self::Bzip2 => Coding::Bzip2.state_bytes(&[]),
            Self::Lzma => {
                let properties = lzma_properties(front).unwrap_or_default();
                let size = lzma_size(local).unwrap_or(u64::MAX);
                lzma::state_bytes(&[&properties[..], &size.to_le_bytes()].concat())
            }
            Self::Zstd => Coding::Zstd.state_bytes(&[]),
            Self::Xz => xz::state_bytes(front),
        }
    }
}

impl Codec {
    /// How dear the bytes of the member are.
    pub(super) const fn pace(&self) -> Pace {
        match self {
            Self::Stored | Self::Open(_) | Self::Inflate(_) | Self::File(File::Zstd(_), _) => {
                Pace::Quick
            }
            Self::Deflate64(_)
            | Self::Shrink(_)
            | Self::Reduce(_)
            | Self::Explode(_)
            | Self::File(File::Lzma(_) | File::Xz(_) | File::Bzip2(_), _) => Pace::Steady,
        }
    }

    /// Takes the memory for a member that begins with `front`, and says how many bytes of it were needed
    /// for that. `spare` is what the last member left.
    ///
    /// # Errors
    ///
    /// The reason for which it cannot be read.
    pub(super) fn of(
        local: &Local,
        front: &[u8],
        spare: Option<Inflate>,
    ) -> Result<(Self, usize), Why> {
        let end = if local.packed.is_some() { End::Sized } else { End::Found };
        let method = Method::of(local)?;
        let codec = match (method, end) {
            (Method::Stored, End::Sized) => Self::Stored,
            (Method::Stored, End::Found) => Self::Open(Box::default()),
            (Method::Deflate, _) => {
                Self::Inflate(spare.map_or_else(Inflate::new, |mut inflate| {
                    inflate.reset();
                    inflate
                }))
            }
            (Method::Shrink, _) => Self::Shrink(Box::new(Shrink::new(local.plain.unwrap_or(0)))),
            (Method::Reduce(number), _) => {
                Self::Reduce(Box::new(Reduce::new(number, local.plain.unwrap_or(0))))
            }
            (Method::Implode, _) => {
                let size = local.plain.unwrap_or(0);
                Self::Explode(Box::new(Explode::new(local.flags, size)))
            }
            (Method::Deflate64, _) => Self::Deflate64(Box::new(Deflate64::new())),
            (Method::Bzip2, _) => Self::File(File::Bzip2(bzip2::Bzip2::new()), end),
            (Method::Lzma, _) => {
                let properties = lzma_properties(front).ok_or(NOT_LZMA)?;
                let lzma = lzma::Lzma::raw(properties, lzma_size(local))?;
                return Ok((Self::File(File::Lzma(lzma), end), LZMA_FRONT_BYTES));
            }
            (Method::Zstd, _) => Self::File(File::Zstd(zstd::Zstd::new()?), end),
            (Method::Xz, _) => {
                Self::File(File::Xz(xz::Xz::new(method.state_bytes(local, front))), end)
            }
        };
        Ok((codec, 0))
    }

    /// Unpacks as much of the input as fits.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Inflated {
        match self {
            Self::Stored => {
                let count = copy(input, output);
                let outcome = if count == input.len() { Outcome::Hungry } else { Outcome::Full };
                Inflated { used: count, made: count, outcome }
            }
            Self::Open(open) => open.step(input, output),
            Self::Inflate(inflate) => inflate.step(input, output),
            Self::Deflate64(deflate64) => deflate64.step(input, output),
            Self::Shrink(shrink) => shrink.step(input, output),
            Self::Reduce(reduce) => reduce.step(input, output),
            Self::Explode(explode) => explode.step(input, output),
            Self::File(file, End::Sized) => file.step(input, output),
            Self::File(file, End::Found) => file.step_to_end(input, output),
        }
    }

    /// Whether a member whose size is known may end here.
    ///
    /// # Errors
    ///
    /// [`Why::Broken`] when it may not.
    pub(super) fn finish(&self) -> Result<(), Why> {
        match self {
            Self::Stored => Ok(()),
            Self::File(file, _) => file.finish(),
            Self::Open(_)
            | Self::Inflate(_)
            | Self::Deflate64(_)
            | Self::Shrink(_)
            | Self::Reduce(_)
            | Self::Explode(_) => Err(Why::Broken("zip: a member ends early")),
        }
    }
}

impl File {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Inflated {
        let Step { used, made, progress } = match self {
            Self::Bzip2(bzip2) => bzip2.step(input, output),
            Self::Lzma(lzma) => lzma.step(input, output),
            Self::Zstd(zstd) => zstd.step(input, output),
            Self::Xz(xz) => xz.step(input, output),
        };
        let outcome = match progress {
            Progress::Stopped(why) => Outcome::Stopped(why),
            Progress::Full => Outcome::Full,
            // A coding has no members.
            Progress::Hungry
            | Progress::Begin
            | Progress::Listed
            | Progress::End(_)
            | Progress::Missed(_) => Outcome::Hungry,
        };
        Inflated { used, made, outcome }
    }

    /// As [`File::step`], up to the first byte with which the file is whole. It is given the bytes one by one,
    /// as what follows its end would be taken for a part of it.
    fn step_to_end(&mut self, input: &[u8], output: &mut [u8]) -> Inflated {
        let (mut used, mut made) = (0_usize, 0_usize);
        let mut piece: &[u8] = &[];
        let outcome = loop {
            let room = output.get_mut(made..).unwrap_or_default();
            let moved = self.step(piece, room);
            used = used.saturating_add(moved.used);
            made = made.saturating_add(moved.made);
            match moved.outcome {
                Outcome::Hungry if self.finish().is_ok() => break Outcome::End,
                Outcome::Hungry => match input.get(used..).unwrap_or_default() {
                    [] => break Outcome::Hungry,
                    [byte, ..] => piece = std::slice::from_ref(byte),
                },
                other @ (Outcome::Full | Outcome::End | Outcome::Stopped(_)) => break other,
            }
        };
        Inflated { used, made, outcome }
    }

    fn finish(&self) -> Result<(), Why> {
        match self {
            Self::Bzip2(bzip2) => bzip2.finish(),
            Self::Lzma(lzma) => lzma.finish(),
            Self::Zstd(zstd) => zstd.finish(),
            Self::Xz(xz) => xz.finish(),
        }
    }
}

/// The properties behind the version of a program and their size (APPNOTE 5.8.8).
fn lzma_properties(front: &[u8]) -> Option<[u8; 5]> {
    match front {
        [_, _, 5, 0, properties @ ..] => properties.first_chunk().copied(),
        _ => None,
    }
}

/// Bytes that come out, where no mark says that they end.
const fn lzma_size(local: &Local) -> Option<u64> {
    if local.has_end_mark() { None } else { local.plain }
}

const LZMA_FRONT_BYTES: usize = 9;
/// A header of a stream, and that of a block with one filter and both sizes.
const XZ_FRONT_BYTES: usize = 48;
const NOT_LZMA: Why = Why::Broken("zip: not an lzma stream");
