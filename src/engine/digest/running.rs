//! Digests while they are being computed.
//!
//! SHA-1 and SHA-256 use the processor's instructions where it has them (the crates look at run
//! time); MD5 has none. Each byte is read once per wanted digest, in pieces that fit the first-level
//! cache, so that the second and third digest find the bytes there.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::engine::database::signature::Digest;

use super::{Kind, Kinds};

/// The digests of one layer, fed in pieces of any length.
///
/// About 350 bytes; nothing on the heap.
#[derive(Clone, Debug)]
pub struct Running {
    md5: Option<Md5>,
    sha1: Option<Sha1>,
    sha256: Option<Sha256>,
}

impl Running {
    /// Starts the wanted digests. With none wanted, `update` costs nothing.
    #[must_use]
    pub fn new(wanted: Kinds) -> Self {
        Self {
            md5: wanted.contains(Kind::Md5).then(Md5::new),
            sha1: wanted.contains(Kind::Sha1).then(Sha1::new),
            sha256: wanted.contains(Kind::Sha256).then(Sha256::new),
        }
    }

    /// Gives up the digests that are not wanted any more.
    pub fn keep(&mut self, wanted: Kinds) {
        self.md5.take_if(|_| !wanted.contains(Kind::Md5));
        self.sha1.take_if(|_| !wanted.contains(Kind::Sha1));
        self.sha256.take_if(|_| !wanted.contains(Kind::Sha256));
    }

    /// The next bytes of the layer.
    pub fn update(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE_BYTES) {
            if let Some(md5) = &mut self.md5 {
                md5.update(piece);
            }
            if let Some(sha1) = &mut self.sha1 {
                sha1.update(piece);
            }
            if let Some(sha256) = &mut self.sha256 {
                sha256.update(piece);
            }
        }
    }

    /// The layer is over.
    #[must_use]
    pub fn finish(self) -> Computed {
        Computed {
            md5: self.md5.map(|state| Digest::Md5(state.finalize().into())),
            sha1: self.sha1.map(|state| Digest::Sha1(state.finalize().into())),
            sha256: self.sha256.map(|state| Digest::Sha256(state.finalize().into())),
        }
    }
}

/// What was computed of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Computed {
    md5: Option<Digest>,
    sha1: Option<Digest>,
    sha256: Option<Digest>,
}

impl Computed {
    /// The digest of a kind, if it was wanted.
    #[must_use]
    pub const fn get(&self, kind: Kind) -> Option<&Digest> {
        match kind {
            Kind::Md5 => self.md5.as_ref(),
            Kind::Sha1 => self.sha1.as_ref(),
            Kind::Sha256 => self.sha256.as_ref(),
        }
    }

    /// Every digest that was wanted, MD5 first.
    pub fn iter(&self) -> impl Iterator<Item = &Digest> {
        Kind::ALL.into_iter().filter_map(|kind| self.get(kind))
    }
}

/// Half of the smallest first-level data cache in use: what the first digest read, the next finds there.
const PIECE_BYTES: usize = 16 << 10;
