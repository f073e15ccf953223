//! Encrypted members, where a password of the administrator's list fits: APPNOTE 6.1 and `WinZip`'s AE-1 and AE-2.
//!
//! ```text
//!   traditional:  ┃ 12 bytes: the last one is a check ┃ cipher text ┃
//!   AE-x:         ┃ salt · 2 bytes: a check ┃ cipher text ┃ 10 bytes of HMAC-SHA1 ┃
//! ```
//!
//! A check of one or two bytes fits by chance. So what was read is compared at its end with the sum of the
//! plain bytes, or the code of the packed ones: with the wrong password the member stays encrypted.
//!
//! Absent on purpose: PKWARE's strong encryption (APPNOTE 7), encrypted directories, and members whose size
//! is said behind them.

use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use aes::{Aes128, Aes192, Aes256, Block};
use flate2::Crc;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use super::header::{AES_METHOD, Local};
use crate::engine::passwords::Passwords;
use crate::engine::verdict::Why;

/// How a member is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// The cipher of PKZIP.
    Traditional,
    /// AES in counter mode, with a key of so many bytes.
    Aes { key_bytes: usize },
}

/// A member that is being unlocked.
pub(super) struct Unlocked {
    cipher: Cipher,
    /// Plain bytes of the cipher that the codec did not take yet.
    plain: Vec<u8>,
    taken: usize,
    check: Check,
}

enum Cipher {
    Traditional(Keys),
    Aes(Box<Counter>),
}

/// What tells that the password was right.
enum Check {
    /// CRC-32 of what comes out, and what it has to be; nothing when that is said behind the member.
    Sum(Crc, Option<u32>),
    /// The code of what goes in.
    Code(Box<Hmac<Sha1>>),
}

impl Lock {
    /// Of a member; nothing when it is not locked in a way that a password opens here.
    pub(super) fn of(local: &Local) -> Option<Self> {
        if !local.is_simply_encrypted() || local.packed.is_none() {
            return None;
        }
        match (local.method, local.aes) {
            (AES_METHOD, Some((1, _))) => Some(Self::Aes { key_bytes: 16 }),
            (AES_METHOD, Some((2, _))) => Some(Self::Aes { key_bytes: 24 }),
            (AES_METHOD, Some((3, _))) => Some(Self::Aes { key_bytes: 32 }),
            (AES_METHOD, _) => None,
            _ => Some(Self::Traditional),
        }
    }

    /// Bytes in front of the cipher text.
    pub(super) const fn front_bytes(self) -> usize {
        match self {
            Self::Traditional => 12,
            Self::Aes { key_bytes } => (key_bytes / 2).saturating_add(CHECK_BYTES),
        }
    }

    /// Bytes behind it.
    pub(super) const fn back_bytes(self) -> usize {
        match self {
            Self::Traditional => 0,
            Self::Aes { .. } => CODE_BYTES,
        }
    }

    /// Tries a password on what stands in front of the member.
    pub(super) fn open(self, password: &[u8], local: &Local, front: &[u8]) -> Option<Unlocked> {
        let (cipher, check) = match self {
            Self::Traditional => {
                let mut keys = Keys::of(password);
                let mut head = front.to_vec();
                keys.decrypt(&mut head);
                if head.last() != Some(&local.check_byte()) {
                    return None;
                }
                (Cipher::Traditional(keys), Check::Sum(Crc::new(), local.sum()))
            }
            Self::Aes { key_bytes } => {
                let (salt, check) = front.split_at_checked(key_bytes / 2)?;
                let mut keys = vec![0; key_bytes.saturating_mul(2).saturating_add(CHECK_BYTES)];
                pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, ROUNDS, &mut keys);
                let (key, rest) = keys.split_at_checked(key_bytes)?;
                let (code, own) = rest.split_at_checked(key_bytes)?;
                if own != check {
                    return None;
                }
                let code = Hmac::<Sha1>::new_from_slice(code).ok()?;
                (Cipher::Aes(Box::new(Counter::of(key)?)), Check::Code(Box::new(code)))
            }
        };
        Some(Unlocked { cipher, plain: Vec::new(), taken: 0, check })
    }
}

impl Unlocked {
    /// Takes bytes of the member, when those it has are used up. Says how many.
    pub(super) fn fill(&mut self, input: &[u8]) -> usize {
        if self.taken < self.plain.len() {
            return 0;
        }
        let piece = input.get(..PIECE_BYTES).unwrap_or(input);
        if let Check::Code(code) = &mut self.check {
            code.update(piece);
        }
        self.plain.clear();
        self.plain.extend_from_slice(piece);
        self.taken = 0;
        match &mut self.cipher {
            Cipher::Traditional(keys) => keys.decrypt(&mut self.plain),
            Cipher::Aes(counter) => counter.decrypt(&mut self.plain),
        }
        piece.len()
    }

    /// What the codec is to read.
    pub(super) fn plain(&self) -> &[u8] {
        self.plain.get(self.taken..).unwrap_or_default()
    }

    /// The codec took so many of them, and gave these out.
    pub(super) fn moved(&mut self, used: usize, made: &[u8]) {
        self.taken = self.taken.saturating_add(used);
        if let Check::Sum(sum, _) = &mut self.check {
            sum.update(made);
        }
    }

    /// The member is over, and this is behind its cipher text, or in its descriptor.
    ///
    /// # Errors
    ///
    /// [`Why::Encrypted`] when the password was not the right one.
    pub(super) fn finish(self, code: &[u8], said_behind: Option<u32>) -> Result<(), Why> {
        let is_right = match self.check {
            Check::Sum(sum, wanted) => wanted.or(said_behind) == Some(sum.sum()),
            Check::Code(own) => own.verify_truncated_left(code).is_ok(),
        };
        if is_right { Ok(()) } else { Err(Why::Encrypted) }
    }
}

/// The cipher of PKZIP (APPNOTE 6.1.5): three words, moved on by each plain byte.
struct Keys([u32; 3]);

impl Keys {
    fn of(password: &[u8]) -> Self {
        let mut keys = Self([0x1234_5678, 0x2345_6789, 0x3456_7890]);
        password.iter().for_each(|byte| keys.update(*byte));
        keys
    }

    fn update(&mut self, plain: u8) {
        let [first, second, third] = self.0;
        let first = crc_step(first, plain);
        let second = second.wrapping_add(first & 0xff).wrapping_mul(134_775_813).wrapping_add(1);
        let [.., top] = second.to_le_bytes();
        self.0 = [first, second, crc_step(third, top)];
    }

    fn decrypt(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            let [_, _, third] = self.0;
            let word = (third | 2) & 0xffff;
            let [_, mask, ..] = word.wrapping_mul(word ^ 1).to_le_bytes();
            *byte ^= mask;
            self.update(*byte);
        }
    }
}

/// CRC-32 moved on by a byte, without the inversions at both ends.
fn crc_step(crc: u32, byte: u8) -> u32 {
    let [low, ..] = crc.to_le_bytes();
    let row = CRC_TABLE.get(usize::from(low ^ byte)).copied().unwrap_or_default();
    (crc >> 8) ^ row
}

/// AES in counter mode as `WinZip` has it: the counter is little endian and begins at 1.
struct Counter {
    cipher: Aes,
    count: u128,
    block: Block,
    /// Bytes of the block that were used.
    used: usize,
}

enum Aes {
    Short(Aes128),
    Middle(Aes192),
    Long(Aes256),
}

impl Counter {
    fn of(key: &[u8]) -> Option<Self> {
        let cipher = match key.len() {
            16 => Aes::Short(Aes128::new_from_slice(key).ok()?),
            24 => Aes::Middle(Aes192::new_from_slice(key).ok()?),
            _ => Aes::Long(Aes256::new_from_slice(key).ok()?),
        };
        Some(Self { cipher, count: 0, block: Block::default(), used: BLOCK_BYTES })
    }

    fn decrypt(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.used >= BLOCK_BYTES {
                self.next_block();
            }
            *byte ^= self.block.get(self.used).copied().unwrap_or_default();
            self.used = self.used.saturating_add(1);
        }
    }

    fn next_block(&mut self) {
        self.count = self.count.wrapping_add(1);
        self.block = self.count.to_le_bytes().into();
        match &self.cipher {
            Aes::Short(cipher) => cipher.encrypt_block(&mut self.block),
            Aes::Middle(cipher) => cipher.encrypt_block(&mut self.block),
            Aes::Long(cipher) => cipher.encrypt_block(&mut self.block),
        }
        self.used = 0;
    }
}

/// Passwords still to be tried on the members of one archive.
#[derive(Default)]
pub(super) struct Trial {
    passwords: Passwords,
    /// The one that fitted last.
    last: usize,
    /// The next one to be tried on this member, counted from `last`.
    next: usize,
    /// Members that no password fits.
    failures: u32,
}

impl Trial {
    pub(super) fn new(passwords: Passwords) -> Self {
        Self { passwords, ..Self::default() }
    }

    /// Whether it is worth trying. After some members that no password fits it is not.
    pub(super) fn is_worth(&self) -> bool {
        !self.passwords.is_empty() && self.failures < FAILURES_MAX
    }

    /// Another member begins.
    pub(super) const fn begin(&mut self) {
        self.next = 0;
    }

    /// Tries the next password: one at a time, as a key of AES costs half a millisecond. Nothing when all
    /// were tried.
    pub(super) fn attempt(
        &mut self,
        lock: Lock,
        local: &Local,
        front: &[u8],
    ) -> Option<Option<Unlocked>> {
        let count = self.passwords.len();
        if self.next >= count {
            self.failures = self.failures.saturating_add(1);
            return None;
        }
        // The one that fitted last costs nothing: it is as many as there are members.
        let is_paid = match lock {
            Lock::Aes { .. } => self.next == 0 || self.passwords.pay(AES_BLOCKS),
            Lock::Traditional => true,
        };
        if !is_paid {
            self.failures = FAILURES_MAX;
            return None;
        }
        let at = self.last.saturating_add(self.next).checked_rem(count).unwrap_or_default();
        self.next = self.next.saturating_add(1);
        let opened = lock.open(self.passwords.get(at), local, front);
        if opened.is_some() {
            self.last = at;
        }
        Some(opened)
    }
}

const CHECK_BYTES: usize = 2;
const CODE_BYTES: usize = 10;
const BLOCK_BYTES: usize = 16;
/// Of PBKDF2, as `WinZip` has it.
const ROUNDS: u32 = 1_000;
/// Blocks that are hashed for a key at most: two for each round, in four parts.
const AES_BLOCKS: u64 = 8_000;
/// What is decrypted at a time.
const PIECE_BYTES: usize = 4 << 10;
/// Members of an archive that no password fits, before the others are not tried any more: one has the
/// same password as its neighbours.
const FAILURES_MAX: u32 = 4;

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "below 256; there is no From in a const"
        )]
        let mut row = at as u32;
        let mut bit = 0;
        while bit < 8 {
            row = if row & 1 == 1 { (row >> 1) ^ 0xedb8_8320 } else { row >> 1 };
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "below 256, when this is compiled")]
        {
            table[at] = row;
        }
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::passwords::KEY_BLOCKS_MAX;

    #[test]
    fn keys_beyond_what_an_object_may_cost_are_not_made() {
        let list = Passwords::read(b"one\ntwo\nthree").expect("a good list");
        assert!(list.pay(KEY_BLOCKS_MAX - AES_BLOCKS), "one is left");
        let (mut trial, lock) = (Trial::new(list), Lock::Aes { key_bytes: 32 });
        trial.begin();
        let mut attempt = || trial.attempt(lock, &Local::default(), &[0; 18]);
        assert!(matches!(attempt(), Some(None)), "the first costs nothing");
        assert!(matches!(attempt(), Some(None)) && attempt().is_none());
        assert!(!trial.is_worth());
    }
}
