//! AES with its blocks chained (NIST SP 800-38A 6.2), as archives and documents are encrypted with it.

use aes::cipher::{BlockCipherDecrypt as _, KeyInit as _};
use aes::{Aes128, Aes256};

/// A block.
pub(super) type Block = [u8; BLOCK_BYTES];

/// What decrypts blocks.
pub(super) enum Key {
    Small(Box<Aes128>),
    Large(Box<Aes256>),
}

/// Blocks, each of which depends on the one before it.
pub(super) struct Chain {
    key: Key,
    before: Block,
}

impl Key {
    /// Of 16 or 32 bytes; `None` for one of another length.
    pub(super) fn of(key: &[u8]) -> Option<Self> {
        match key.len() {
            16 => Some(Self::Small(Box::new(Aes128::new_from_slice(key).ok()?))),
            32 => Some(Self::Large(Box::new(Aes256::new_from_slice(key).ok()?))),
            _ => None,
        }
    }

    /// Decrypts a block that follows another one.
    pub(super) fn decrypt(&self, coded: Block, before: Block) -> Block {
        let mut block = aes::Block::from(coded);
        match self {
            Self::Small(key) => key.decrypt_block(&mut block),
            Self::Large(key) => key.decrypt_block(&mut block),
        }
        let mut plain: Block = block.into();
        for (byte, mask) in plain.iter_mut().zip(before) {
            *byte ^= mask;
        }
        plain
    }
}

impl Chain {
    /// Begins behind a block that is known.
    pub(super) const fn new(key: Key, before: Block) -> Self {
        Self { key, before }
    }

    /// Decrypts the next block.
    pub(super) fn next(&mut self, coded: Block) -> Block {
        let plain = self.key.decrypt(coded, self.before);
        self.before = coded;
        plain
    }

    /// Decrypts whole blocks in place; what is no whole block at the end stays as it is.
    pub(super) fn decrypt(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_exact_mut(BLOCK_BYTES) {
            if let Some(block) = chunk.first_chunk_mut::<BLOCK_BYTES>() {
                *block = self.next(*block);
            }
        }
    }
}

pub(super) const BLOCK_BYTES: usize = 16;
