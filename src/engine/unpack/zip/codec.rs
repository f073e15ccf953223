//! The methods by which members are packed (APPNOTE 4.4.5), and what undoes them.

use super::open::Open;
use crate::engine::unpack::inflate::{Inflate, Inflated, Outcome};
use crate::engine::unpack::{Coding, Progress, zstd};
use crate::engine::verdict::Why;

/// A method that can be undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Method {
    #[default]
    Stored,
    Deflate,
    Zstd,
}

impl Method {
    /// Of a number.
    ///
    /// # Errors
    ///
    /// [`Why::Unsupported`] with the name of one that cannot be undone, [`Why::Encrypted`] of the one
    /// that stands for another behind a cipher.
    pub(super) const fn of(number: u16) -> Result<Self, Why> {
        Ok(match number {
            0 => Self::Stored,
            8 => Self::Deflate,
            20 | 93 => Self::Zstd,
            99 => return Err(Why::Encrypted),
            1 => return Err(Why::Unsupported("zip: shrink")),
            2..=5 => return Err(Why::Unsupported("zip: reduce")),
            6 => return Err(Why::Unsupported("zip: implode")),
            10 => return Err(Why::Unsupported("zip: PKWARE DCL implode")),
            96 => return Err(Why::Unsupported("zip: jpeg")),
            97 => return Err(Why::Unsupported("zip: wavpack")),
            98 => return Err(Why::Unsupported("zip: ppmd")),
            _ => return Err(Why::Unsupported("zip: a method that has no name")),
        })
    }

    /// The most memory that it takes, in bytes.
    pub(super) fn state_bytes(self) -> u64 {
        match self {
            Self::Stored => 4 << 10,
            Self::Deflate => Coding::Gzip.state_bytes(&[]),
            Self::Zstd => Coding::Zstd.state_bytes(&[]),
        }
    }

    /// Whether what is packed by it says itself where it ends.
    pub(super) const fn ends_itself(self) -> bool {
        match self {
            Self::Stored | Self::Deflate => true,
            Self::Zstd => false,
        }
    }
}

/// A member being read.
pub(super) enum Codec {
    /// As it is, with a size that is known.
    Stored,
    /// As it is, up to what says its size.
    Open(Box<Open>),
    Inflate(Inflate),
    Zstd(zstd::Zstd),
}

impl Codec {
    /// Takes the memory for a method. `is_sized` says whether the member's size in the archive is known,
    /// `spare` is what the last member left.
    ///
    /// # Errors
    ///
    /// The reason when there is no memory.
    pub(super) fn of(method: Method, is_sized: bool, spare: Option<Inflate>) -> Result<Self, Why> {
        Ok(match method {
            Method::Stored if is_sized => Self::Stored,
            Method::Stored => Self::Open(Box::default()),
            Method::Deflate => Self::Inflate(spare.map_or_else(Inflate::new, |mut inflate| {
                inflate.reset();
                inflate
            })),
            Method::Zstd => Self::Zstd(zstd::Zstd::new()?),
        })
    }

    /// Unpacks as much of the input as fits.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Inflated {
        match self {
            Self::Stored => {
                let count = input.len().min(output.len());
                for (to, from) in output.iter_mut().zip(input) {
                    *to = *from;
                }
                let outcome = if count == input.len() { Outcome::Hungry } else { Outcome::Full };
                Inflated { used: count, made: count, outcome }
            }
            Self::Open(open) => open.step(input, output),
            Self::Inflate(inflate) => inflate.step(input, output),
            Self::Zstd(zstd) => {
                let step = zstd.step(input, output);
                let outcome = match step.progress {
                    Progress::Stopped(why) => Outcome::Stopped(why),
                    Progress::Full => Outcome::Full,
                    Progress::Hungry | Progress::Begin | Progress::End(_) | Progress::Missed(_) => {
                        Outcome::Hungry
                    }
                };
                Inflated { used: step.used, made: step.made, outcome }
            }
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
            Self::Open(_) | Self::Inflate(_) => Err(Why::Broken("zip: a member ends early")),
            Self::Zstd(zstd) => zstd.finish(),
        }
    }
}
