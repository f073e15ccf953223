//! Passwords that are tried on a folder: nothing in an archive says whether one is right.
//!
//! So the front of what the folder becomes is made with each key: other bytes than those of a packed stream are
//! damaged soon, a file that ends in the front has a sum, and what fills up the last block of AES is zero. What
//! passes that by chance has another sum at its end, and stays encrypted.

use flate2::Crc;

use super::coder;
use super::folder::{Got, Node};
use super::header::{Coder, Folder, Streams};
use super::state_bytes;
use crate::engine::passwords::Passwords;
use crate::engine::unpack::cbc::{BLOCK_BYTES, Block, Chain};
use crate::engine::unpack::key::{Key, Making, Turns};
use crate::engine::unpack::numbers::part;
use crate::engine::unpack::parts::{at_most, wide};

/// How AES is set up for a coder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lock {
    power: u32,
    salt: Vec<u8>,
    iv: Block,
}

/// The trial of passwords on one folder after another.
#[derive(Default)]
pub(super) struct Unlock {
    turns: Turns,
    /// The key that fitted last, and what it was made with.
    known: Option<(Lock, Key)>,
    is_known_tried: bool,
    making: Option<Making>,
    probe: Option<Probe>,
}

/// The front of a folder, made with a key.
struct Probe {
    key: Key,
    node: Node,
    made: u64,
    wanted: u64,
    /// Of the first file, as far as it was made.
    sum: Crc,
}

/// What is known of the first file of a folder: its size and its sum.
pub(super) type First = (u64, Option<u32>);

impl Lock {
    /// Of a coder; `None` when its properties are none.
    pub(super) fn of(coder: &Coder) -> Option<Self> {
        let (first, second, rest) = match &*coder.properties {
            [first] if first & 0xc0 == 0 => (*first, 0, &[][..]),
            [first, second, rest @ ..] => (*first, *second, rest),
            _ => return None,
        };
        let has = |shift: u32| usize::from(first.wrapping_shr(shift) & 1);
        let salt_bytes = has(7).saturating_add(usize::from(second.wrapping_shr(4)));
        let iv_bytes = has(6).saturating_add(usize::from(second & 15));
        let (salt, iv) = rest.split_at_checked(salt_bytes)?;
        let mut own = Block::default();
        own.get_mut(..iv_bytes)?.copy_from_slice(iv.get(..iv_bytes)?);
        Some(Self { power: u32::from(first & 0x3f), salt: salt.to_vec(), iv: own })
    }

    pub(super) const fn iv(&self) -> Block {
        self.iv
    }

    /// Whether the same password makes the same key.
    fn is_like(&self, other: &Self) -> bool {
        (self.power, &self.salt) == (other.power, &other.salt)
    }

    /// Of a folder, all of whose locks one key opens.
    fn of_folder(folder: &Folder) -> Option<Self> {
        let mut locks =
            folder.coders.iter().filter(|coder| coder.method == coder::AES).map(Self::of);
        let first = locks.next()??;
        locks.all(|lock| lock.is_some_and(|lock| lock.is_like(&first))).then_some(first)
    }
}

impl Unlock {
    pub(super) fn new(passwords: &Passwords) -> Self {
        Self { turns: Turns::new(passwords), ..Self::default() }
    }

    /// Whether it is worth trying. After some folders that no password opens it is not.
    pub(super) fn is_worth(&self) -> bool {
        self.turns.is_worth()
    }

    /// Goes on with a folder. Says once it is over which key opens it, if one does.
    pub(super) fn step(
        &mut self,
        file: &[u8],
        (streams, folder): (&Streams, &Folder),
        first: First,
    ) -> Option<Option<Key>> {
        let Some(lock) = Lock::of_folder(folder) else { return self.end(None) };
        let wanted = wanted(folder, first);
        if let Some(probe) = &mut self.probe {
            let is_right = probe.step(file, first)?;
            let key = probe.key;
            self.probe = None;
            if !is_right {
                return None;
            }
            self.known = Some((lock, key));
            return self.end(Some(key));
        }
        if let Some(making) = &mut self.making {
            let made = making.step()?;
            self.making = None;
            self.probe = Probe::new(file, (streams, folder), &lock, (made.key, wanted));
            return None;
        }
        if !std::mem::replace(&mut self.is_known_tried, true)
            && let Some((known, key)) = &self.known
            && known.is_like(&lock)
        {
            self.probe = Probe::new(file, (streams, folder), &lock, (*key, wanted));
            return None;
        }
        let Some(password) = self.turns.next() else { return self.end(None) };
        let making = Making::seven_zip(password, &lock.salt, lock.power);
        // To make a byte of the front costs less than to hash sixteen.
        let blocks = |making: &Making| making.blocks().saturating_add(wanted / 4);
        self.making = making.filter(|making| self.turns.pay(blocks(making)));
        if self.making.is_none() { self.end(None) } else { None }
    }

    /// Ready for the next folder.
    fn end(&mut self, key: Option<Key>) -> Option<Option<Key>> {
        self.is_known_tried = false;
        self.turns.end(key.is_some());
        Some(key)
    }
}

impl Probe {
    /// Takes the memory to make the front of a folder. `None` when the key is wrong, or that is too much.
    fn new(
        file: &[u8],
        (streams, folder): (&Streams, &Folder),
        lock: &Lock,
        (key, wanted): (Key, u64),
    ) -> Option<Self> {
        // Packed bytes may be more than what comes out.
        let most = wanted.saturating_mul(2).saturating_add(64 << 10);
        if state_bytes(folder, most) > STATE_BYTES_MAX
            || !is_filled_up(file, (streams, folder), lock, &key)
        {
            return None;
        }
        let node = Node::of(streams, folder, Some(&key), most).ok()?;
        Some(Self { key, node, made: 0, wanted, sum: Crc::new() })
    }

    /// Makes more of the front. Says once it is there whether it may be right.
    fn step(&mut self, file: &[u8], (size, sum): First) -> Option<bool> {
        let left = self.wanted.saturating_sub(self.made);
        if left > 0 {
            let mut room = [0; PIECE_BYTES];
            let room = room.get_mut(..at_most(PIECE_BYTES, left)).unwrap_or_default();
            let made = match self.node.read(file, room) {
                Ok(Got::Bytes(made)) => made,
                Ok(Got::Later) => 0,
                Ok(Got::End) | Err(_) => return Some(false),
            };
            let of_first = at_most(made, size.saturating_sub(self.made));
            self.sum.update(room.get(..of_first).unwrap_or_default());
            self.made = self.made.saturating_add(wide(made));
            return None;
        }
        let is_all = self.made >= size;
        Some(sum.filter(|_| is_all).is_none_or(|sum| self.sum.sum() == sum))
    }
}

/// How much of a folder has to be made to see whether a key is right: a little, when other bytes than those of packed
/// streams are damaged; or else all of the first file.
fn wanted(folder: &Folder, (size, _): First) -> u64 {
    let may_fail = folder.coders.iter().any(|coder| coder::may_fail(coder.method));
    if may_fail { folder.size().min(PROBE_BYTES) } else { size.max(1).min(folder.size()) }
}

/// Whether the last block of a folder of one packed stream is filled up with zeros.
fn is_filled_up(
    file: &[u8],
    (streams, folder): (&Streams, &Folder),
    lock: &Lock,
    key: &Key,
) -> bool {
    let filler = || {
        let [packed] = folder.packed.as_slice() else { return None };
        let (at, size) = *streams.packs.get(folder.pack)?;
        // The coder that takes the stream, and the output that it has as its only one.
        let mut input = 0_u64;
        let locked = folder.coders.iter().position(|coder| {
            let own = input..input.saturating_add(coder.inputs);
            input = own.end;
            own.contains(packed) && coder.method == coder::AES
        })?;
        let filled = size.checked_sub(*folder.sizes.get(locked)?)?;
        let filled = usize::try_from(filled).ok().filter(|filled| *filled < BLOCK_BYTES)?;
        let block = wide(BLOCK_BYTES);
        let last: &Block =
            part(file, at.checked_add(size)?.checked_sub(block)?, block)?.first_chunk()?;
        let before = match size.checked_sub(block)? {
            0 => lock.iv,
            _ => {
                let from = at.checked_add(size)?.checked_sub(block.saturating_mul(2))?;
                *part(file, from, block)?.first_chunk()?
            }
        };
        let mut chain = Chain::new(crate::engine::unpack::cbc::Key::of(key)?, before);
        let plain = chain.next(*last);
        let kept = BLOCK_BYTES.checked_sub(filled)?;
        Some(plain.get(kept..)?.iter().all(|byte| *byte == 0))
    };
    filler().unwrap_or(true)
}

/// What is made of a folder to see whether a key is right.
const PROBE_BYTES: u64 = 16 << 10;
/// What one step makes of it.
const PIECE_BYTES: usize = 4 << 10;
/// The memory that this may take.
const STATE_BYTES_MAX: u64 = 40 << 20;
