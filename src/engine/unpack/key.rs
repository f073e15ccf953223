//! Keys that are made of passwords, in steps: archivers make that take long, so that it is no fun to try many.
//!
//! | archive | key |
//! | --- | --- |
//! | 7z | SHA-256 over salt, password and a counter, up to 2^24 times one after another |
//! | RAR 5 | PBKDF2 (RFC 8018) with HMAC-SHA-256, up to 2^24 rounds, and a check behind 32 more |

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::parts::wide;
use crate::engine::passwords::Passwords;

/// The passwords of a list in turns, from the one that was tried last: what is locked in one archive has one
/// password for the most part.
#[derive(Default)]
pub(super) struct Turns {
    passwords: Passwords,
    last: usize,
    /// Those that were tried on what is locked now.
    tried: usize,
    failures: u32,
}

impl Turns {
    pub(super) fn new(passwords: &Passwords) -> Self {
        Self { passwords: passwords.clone(), ..Self::default() }
    }

    /// Whether it is worth trying. After some locks that no password opens it is not.
    pub(super) fn is_worth(&self) -> bool {
        !self.passwords.is_empty() && self.failures < FAILURES_MAX
    }

    /// The next password; nothing when all were tried.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        if self.tried >= self.passwords.len() {
            return None;
        }
        if self.tried > 0 {
            self.last = self.last.saturating_add(1);
        }
        self.tried = self.tried.saturating_add(1);
        let at = self.last.checked_rem(self.passwords.len()).unwrap_or_default();
        Some(self.passwords.get(at))
    }

    /// As [`Passwords::pay`].
    pub(super) fn pay(&self, blocks: u64) -> bool {
        self.passwords.pay(blocks)
    }

    /// One of them opened the lock, or none did. Ready for the next lock.
    pub(super) fn end(&mut self, is_open: bool) {
        self.tried = 0;
        self.failures = self.failures.saturating_add(u32::from(!is_open));
    }
}

/// A key.
pub(super) type Key = [u8; 32];

/// A key that is being made.
pub(super) enum Making {
    SevenZip {
        digest: Box<Sha256>,
        /// The salt and the password.
        front: Vec<u8>,
        next: u64,
        rounds: u64,
    },
    Rar {
        mac: Box<Hmac<Sha256>>,
        last: Key,
        sum: Key,
        key: Key,
        next: u64,
        rounds: u64,
    },
    /// There was nothing to be done.
    Ready(Key),
}

/// A key, and what tells whether it is the right one, where that is known.
pub(super) struct Made {
    pub(super) key: Key,
    pub(super) check: [u8; 8],
}

impl Making {
    /// As 7-Zip does; `None` for a number of rounds that it refuses.
    pub(super) fn seven_zip(password: &[u8], salt: &[u8], power: u32) -> Option<Self> {
        let text = String::from_utf8_lossy(password);
        let mut front = salt.to_vec();
        front.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        match power {
            0..=POWER_MAX => {
                let rounds = 1_u64.wrapping_shl(power);
                Some(Self::SevenZip { digest: Box::default(), front, next: 0, rounds })
            }
            POWER_NONE => {
                front.resize(32, 0);
                front.first_chunk().copied().map(Self::Ready)
            }
            _ => None,
        }
    }

    /// As RAR 5 does; `None` for a number of rounds that it refuses.
    pub(super) fn rar(password: &[u8], salt: &[u8], power: u32) -> Option<Self> {
        if power > POWER_MAX {
            return None;
        }
        let mac = Hmac::<Sha256>::new_from_slice(password).ok()?;
        let first = mac.clone().chain_update(salt).chain_update([0, 0, 0, 1]).finalize();
        let first: Key = first.into_bytes().into();
        let rounds = 1_u64.wrapping_shl(power);
        let mac = Box::new(mac);
        Some(Self::Rar { mac, last: first, sum: first, key: first, next: 1, rounds })
    }

    /// Blocks of 64 bytes that are hashed for it.
    pub(super) fn blocks(&self) -> u64 {
        match self {
            Self::SevenZip { front, rounds, .. } => {
                let bytes = wide(front.len()).saturating_add(8).saturating_mul(*rounds);
                bytes.div_ceil(64)
            }
            Self::Rar { rounds, .. } => rounds.saturating_add(CHECK_ROUNDS).saturating_mul(2),
            Self::Ready(_) => 1,
        }
    }

    /// Goes on for a while. Gives the key once it is there.
    pub(super) fn step(&mut self) -> Option<Made> {
        match self {
            Self::SevenZip { digest, front, next, rounds } => {
                let each = wide(front.len()).saturating_add(8);
                let count = (SLICE_BLOCKS * 64).checked_div(each).unwrap_or(1).max(1);
                let until = next.saturating_add(count).min(*rounds);
                for round in *next..until {
                    digest.update(&*front);
                    digest.update(round.to_le_bytes());
                }
                *next = until;
                let is_over = *next == *rounds;
                is_over.then(|| Made { key: digest.clone().finalize().into(), check: [0; 8] })
            }
            Self::Rar { mac, last, sum, key, next, rounds } => {
                let all = rounds.saturating_add(CHECK_ROUNDS);
                let until = next.saturating_add(SLICE_BLOCKS / 2).min(all);
                if *next == *rounds {
                    *key = *sum;
                }
                for round in *next..until {
                    *last = mac.as_ref().clone().chain_update(*last).finalize().into_bytes().into();
                    for (to, byte) in sum.iter_mut().zip(*last) {
                        *to ^= byte;
                    }
                    if round.saturating_add(1) == *rounds {
                        *key = *sum;
                    }
                }
                *next = until;
                (*next == all).then(|| Made { key: *key, check: folded(sum) })
            }
            Self::Ready(key) => Some(Made { key: *key, check: [0; 8] }),
        }
    }
}

/// The check of RAR: every eighth byte in one.
fn folded(bytes: &Key) -> [u8; 8] {
    let mut check = [0; 8];
    for chunk in bytes.chunks_exact(8) {
        for (to, byte) in check.iter_mut().zip(chunk) {
            *to ^= byte;
        }
    }
    check
}

/// Powers of two of rounds that both programs allow.
const POWER_MAX: u32 = 24;
/// Of 7z: the password is the key.
const POWER_NONE: u32 = 0x3f;
/// Rounds behind those of the key, sixteen of them for the sums of files.
const CHECK_ROUNDS: u64 = 32;
/// What one step hashes.
const SLICE_BLOCKS: u64 = 128;
/// Locks of an archive that no password opens, before the others are not tried any more.
const FAILURES_MAX: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn made(mut making: Making) -> Made {
        loop {
            if let Some(made) = making.step() {
                return made;
            }
        }
    }

    #[test]
    fn keys_do_not_depend_on_the_steps() {
        let mut digest = Sha256::new();
        for round in 0_u64..1 << 12 {
            digest.update(b"salta\0\xe4\0");
            digest.update(round.to_le_bytes());
        }
        let making = Making::seven_zip("aä".as_bytes(), b"salt", 12).expect("few rounds");
        assert_eq!(making.blocks(), (16 << 12) / 64);
        assert_eq!(made(making).key[..], digest.finalize()[..]);
        let plain = Making::seven_zip(b"ab", b"", 0x3f).expect("none at all");
        assert_eq!(made(plain).key[..5], *b"a\0b\0\0");
        for power in [0, 1, 6, 9] {
            let making = Making::rar(b"word", b"salt", power).expect("few rounds");
            let made = made(making);
            let (mut key, mut check) = ([0; 32], [0; 32]);
            pbkdf2::pbkdf2_hmac::<Sha256>(b"word", b"salt", 1 << power, &mut key);
            pbkdf2::pbkdf2_hmac::<Sha256>(b"word", b"salt", (1 << power) + 32, &mut check);
            assert_eq!((made.key, made.check), (key, folded(&check)), "2^{power} rounds");
        }
        assert!(Making::rar(b"", b"", 25).is_none() && Making::seven_zip(b"", b"", 25).is_none());
    }
}
