//! The hash of passwords that documents of revision 6 have (ISO 32000-2, algorithm 2.B), a round at a step; and the one of
//! revision 5, which is over at once.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::engine::unpack::parts::wide;

/// A hash that is being made.
#[derive(Debug)]
pub(super) struct Hardened {
    password: Vec<u8>,
    key: Vec<u8>,
    round: u32,
    is_over: bool,
}

impl Hardened {
    pub(super) fn new(password: &[u8], salt: &[u8], is_simple: bool) -> Self {
        let password = password.get(..PASSWORD_BYTES_MAX).unwrap_or(password);
        let key = Sha256::new().chain_update(password).chain_update(salt).finalize().to_vec();
        Self { password: password.to_vec(), key, round: 0, is_over: is_simple }
    }

    /// About how many blocks of 64 bytes are hashed, and encrypted, for one.
    pub(super) fn blocks(password: &[u8]) -> u64 {
        wide(password.len()).saturating_add(64).saturating_mul(ROUNDS_MEAN)
    }

    /// Goes on for a round. Gives the hash once it is there.
    pub(super) fn step(&mut self) -> Option<[u8; 32]> {
        if !self.is_over {
            // Of that many rounds none comes: the last one ends by chance.
            self.is_over = self.next().is_none_or(|is_over| is_over) || self.round >= ROUNDS_MAX;
        }
        self.key.first_chunk().filter(|_| self.is_over).copied()
    }

    /// A round. Says whether it was the last one.
    fn next(&mut self) -> Option<bool> {
        let mut coded = [self.password.as_slice(), &self.key].concat().repeat(64);
        let cipher = Aes128::new_from_slice(self.key.get(..16)?).ok()?;
        let mut before: [u8; 16] = self.key.get(16..32)?.try_into().ok()?;
        for chunk in coded.chunks_exact_mut(16) {
            for (to, mask) in chunk.iter_mut().zip(before) {
                *to ^= mask;
            }
            let mut block = aes::Block::from(<[u8; 16]>::try_from(&*chunk).ok()?);
            cipher.encrypt_block(&mut block);
            chunk.copy_from_slice(&block);
            before = block.into();
        }
        let sum: u32 = coded.get(..16)?.iter().map(|byte| u32::from(*byte)).sum();
        self.key = match sum.checked_rem(3)? {
            0 => Sha256::digest(&coded).to_vec(),
            1 => Sha384::digest(&coded).to_vec(),
            _ => Sha512::digest(&coded).to_vec(),
        };
        let round = self.round;
        self.round = round.saturating_add(1);
        Some(round >= 63 && u32::from(*coded.last()?) <= round.saturating_sub(31))
    }
}

/// As much of a password as counts.
const PASSWORD_BYTES_MAX: usize = 127;
/// There are 64 of them at least, and seldom more than 80.
const ROUNDS_MEAN: u64 = 80;
/// It is over after less than three hundred.
const ROUNDS_MAX: u32 = 512;
