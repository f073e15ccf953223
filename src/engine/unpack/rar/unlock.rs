//! Members and headers of RAR 5 that are encrypted, where a password of the administrator's list fits.
//!
//! A check of eight bytes, made with the key, stands beside the salt: it tells the right password. Archives without it
//! stay encrypted, and so do those of RAR 4 and before, which have none.

use crate::engine::passwords::Passwords;
use crate::engine::unpack::cbc::{self, BLOCK_BYTES, Block, Chain};
use crate::engine::unpack::key::{Key, Making, Turns};
use crate::engine::unpack::parts::{at_most, wide};

/// How something is locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lock {
    pub(super) power: u32,
    pub(super) salt: Block,
    pub(super) iv: Block,
    pub(super) check: [u8; 8],
}

/// Passwords that are tried on the members of one archive.
#[derive(Default)]
pub(super) struct Trial {
    turns: Turns,
    /// The key that fitted last, and what it opened.
    known: Option<(Lock, Key)>,
    making: Option<Making>,
}

/// Encrypted bytes of a member on their way to a decoder.
pub(super) struct Unlocked {
    chain: Chain,
    /// Encrypted bytes that are still to be taken.
    left: u64,
    /// Those of a block that was not complete.
    coded: Vec<u8>,
    plain: Vec<u8>,
    at: usize,
}

impl Trial {
    pub(super) fn new(passwords: &Passwords) -> Self {
        Self { turns: Turns::new(passwords), ..Self::default() }
    }

    /// Whether it is worth trying. After some members that no password opens it is not.
    pub(super) fn is_worth(&self) -> bool {
        self.turns.is_worth()
    }

    /// Goes on with a lock. Says once it is over which key opens it, if one does.
    pub(super) fn step(&mut self, lock: &Lock) -> Option<Option<Key>> {
        if let Some(making) = &mut self.making {
            let made = making.step()?;
            self.making = None;
            if made.check != lock.check {
                return None;
            }
            self.known = Some((lock.clone(), made.key));
            return self.end(Some(made.key));
        }
        if let Some((known, key)) = &self.known
            && (known.power, known.salt, known.check) == (lock.power, lock.salt, lock.check)
        {
            let key = *key;
            return self.end(Some(key));
        }
        let Some(password) = self.turns.next() else { return self.end(None) };
        let making = Making::rar(password, &lock.salt, lock.power);
        self.making = making.filter(|making| self.turns.pay(making.blocks()));
        if self.making.is_none() { self.end(None) } else { None }
    }

    /// Ready for the next lock.
    fn end(&mut self, key: Option<Key>) -> Option<Option<Key>> {
        self.turns.end(key.is_some());
        Some(key)
    }
}

impl Unlocked {
    /// For so many encrypted bytes.
    pub(super) fn new(key: &Key, lock: &Lock, left: u64) -> Option<Self> {
        let chain = Chain::new(cbc::Key::of(key)?, lock.iv);
        Some(Self { chain, left, coded: Vec::new(), plain: Vec::new(), at: 0 })
    }

    /// Takes more of the input, when what there was is used up. Whether there is something then.
    pub(super) fn fill(&mut self, rest: &mut &[u8]) -> bool {
        if self.at >= self.plain.len() {
            let most = at_most(PIECE_BYTES.saturating_sub(self.coded.len()), self.left);
            let (taken, after) = rest.split_at_checked(most).unwrap_or((rest, &[]));
            self.coded.extend_from_slice(taken);
            self.left = self.left.saturating_sub(wide(taken.len()));
            *rest = after;
            let whole = self.coded.len() & !(BLOCK_BYTES.saturating_sub(1));
            self.plain.clear();
            self.plain.extend(self.coded.drain(..whole));
            self.chain.decrypt(&mut self.plain);
            self.at = 0;
        }
        self.at < self.plain.len()
    }

    pub(super) fn plain(&self) -> &[u8] {
        self.plain.get(self.at..).unwrap_or_default()
    }

    /// So many of them were used.
    pub(super) fn used(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    /// Encrypted bytes that are still to be taken.
    pub(super) const fn left(&self) -> u64 {
        self.left
    }
}

/// Decrypts a header, in front of which stands the block that it begins behind. Bytes that are no whole block stay.
pub(super) fn header(key: &Key, bytes: &[u8]) -> Option<Vec<u8>> {
    let (before, coded) = bytes.split_first_chunk::<BLOCK_BYTES>()?;
    let mut plain = coded.to_vec();
    Chain::new(cbc::Key::of(key)?, *before).decrypt(&mut plain);
    Some(plain)
}

/// What is decrypted at a time.
const PIECE_BYTES: usize = 4 << 10;
