//! Bounded storage under keys that are digests, with SIEVE as replacement (Zhang and others, NSDI 2024).
//!
//! ```text
//!   newest ─ ○ ─ ● ─ ○ ─ ○ ─ ● ─ ○ ─ oldest      ● was asked for since the hand passed
//!                        ▲ hand, moves to the newest, begins again at the oldest
//! ```
//!
//! What is asked for stays where it is; the hand takes away the first entry that nobody asked for. A flood of
//! things that are seen once so goes through the new end and leaves the rest alone.
//!
//! All of it is constant work: the index is open addressing, at most half full, and entries move back when
//! one is removed, so there are no tombstones and nothing is ever rebuilt. The hand skips at most
//! [`STEPS_MAX`] entries. Memory for the slots is asked for once, and touched when it is used.

use ahash::RandomState;

/// What a value takes outside of its slot.
pub(super) trait Weighed {
    /// In bytes.
    fn heap_bytes(&self) -> usize;
}

/// The storage.
pub(super) struct Sieve<V> {
    slots: Vec<Slot<V>>,
    /// Slot plus one; 0: free. Its length is a power of two.
    index: Box<[u32]>,
    hash: RandomState,
    /// The first of the free slots, chained by `older`.
    free: Option<u32>,
    newest: Option<u32>,
    oldest: Option<u32>,
    hand: Option<u32>,
    entries: usize,
    entries_max: usize,
    bytes: usize,
    bytes_max: usize,
    evicted: u64,
}

struct Slot<V> {
    key: [u8; 32],
    /// `None`: the slot is free.
    value: Option<V>,
    born: u64,
    newer: Option<u32>,
    older: Option<u32>,
    visited: bool,
}

impl<V: Weighed> Sieve<V> {
    /// Empty storage for so many bytes, everything counted. The seed keeps strangers from choosing keys that
    /// meet in the index.
    pub(super) fn new(bytes_max: usize, seed: u64) -> Self {
        let entries_max =
            bytes_max.checked_div(Self::ENTRY_BYTES).unwrap_or_default().min(ENTRIES_MAX);
        let places = entries_max.saturating_mul(2).next_power_of_two();
        Self {
            slots: Vec::with_capacity(entries_max),
            index: vec![0; places].into(),
            hash: RandomState::with_seeds(seed, !seed, seed.rotate_left(32), 0x5eed),
            free: None,
            newest: None,
            oldest: None,
            hand: None,
            entries: 0,
            entries_max,
            bytes: 0,
            bytes_max,
            evicted: 0,
        }
    }

    /// A slot, and its share of the index, which is at least a quarter full when the storage is.
    const ENTRY_BYTES: usize = size_of::<Slot<V>>() + 4 * size_of::<u32>();

    pub(super) const fn len(&self) -> usize {
        self.entries
    }

    /// Bytes in use: slots with their share of the index, and what values hold.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Entries that were taken away to make room.
    pub(super) const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.index.fill(0);
        (self.free, self.newest, self.oldest, self.hand) = (None, None, None, None);
        (self.entries, self.bytes) = (0, 0);
    }

    /// The value and when it was made; it counts as asked for.
    pub(super) fn get(&mut self, key: &[u8; 32]) -> Option<(&V, u64)> {
        let (_, slot) = self.find(key)?;
        let slot = self.slot_mut(slot)?;
        slot.visited = true;
        Some((slot.value.as_ref()?, slot.born))
    }

    /// The same without a trace.
    pub(super) fn peek(&self, key: &[u8; 32]) -> Option<(&V, u64)> {
        let (_, slot) = self.find(key)?;
        let slot = self.slot(slot)?;
        Some((slot.value.as_ref()?, slot.born))
    }

    /// Makes an entry as young as this, if it is older.
    pub(super) fn renew(&mut self, key: &[u8; 32], born: u64) {
        if let Some(slot) = self.find(key).and_then(|(_, slot)| self.slot_mut(slot)) {
            slot.born = slot.born.max(born);
        }
    }

    /// All entries, newest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8; 32], &V, u64)> {
        let mut next = self.newest;
        let mut left = self.entries;
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let slot = self.slot(next?)?;
            next = slot.older;
            Some((&slot.key, slot.value.as_ref()?, slot.born))
        })
    }

    /// Keeps a value, in place of one under the same key, and takes others away where room is needed. Whether it
    /// was kept: one that is larger than all the room is not.
    pub(super) fn put(&mut self, key: [u8; 32], value: V, born: u64) -> bool {
        let bytes = Self::ENTRY_BYTES.saturating_add(value.heap_bytes());
        if bytes > self.bytes_max || self.entries_max == 0 {
            return false;
        }
        self.remove(&key);
        while self.entries >= self.entries_max || self.bytes.saturating_add(bytes) > self.bytes_max
        {
            if !self.evict() {
                return false;
            }
        }
        let slot = Slot { key, value: Some(value), born, newer: None, older: None, visited: false };
        let Some(at) = self.place(slot) else { return false };
        self.enter_index(&key, at);
        self.link_newest(at);
        self.entries = self.entries.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        true
    }

    /// Forgets an entry.
    pub(super) fn remove(&mut self, key: &[u8; 32]) {
        let Some((place, at)) = self.find(key) else { return };
        self.leave_index(place);
        self.unlink(at);
        let free = self.free;
        let Some(slot) = self.slot_mut(at) else { return };
        let heap = slot.value.take().map_or(0, |value| value.heap_bytes());
        slot.older = free;
        self.free = Some(at);
        self.entries = self.entries.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(Self::ENTRY_BYTES.saturating_add(heap));
    }

    /// Takes away what the hand finds; `false`: there is nothing.
    fn evict(&mut self) -> bool {
        let mut at = self.hand.or(self.oldest);
        for _ in 0..STEPS_MAX {
            let oldest = self.oldest;
            let Some(slot) = at.and_then(|at| self.slot_mut(at)) else { return false };
            if !slot.visited {
                break;
            }
            slot.visited = false;
            at = slot.newer.or(oldest);
        }
        // With the hand on it, taking it away moves the hand on.
        self.hand = at;
        let Some(key) = at.and_then(|at| self.slot(at)).map(|slot| slot.key) else { return false };
        self.remove(&key);
        self.evicted = self.evicted.saturating_add(1);
        true
    }

    fn slot(&self, at: u32) -> Option<&Slot<V>> {
        self.slots.get(usize::try_from(at).ok()?)
    }

    fn slot_mut(&mut self, at: u32) -> Option<&mut Slot<V>> {
        self.slots.get_mut(usize::try_from(at).ok()?)
    }

    /// Puts a slot where one is free.
    fn place(&mut self, slot: Slot<V>) -> Option<u32> {
        if let Some(at) = self.free {
            let place = self.slot_mut(at)?;
            let next = std::mem::replace(place, slot).older;
            self.free = next;
            return Some(at);
        }
        let at = u32::try_from(self.slots.len()).ok()?;
        self.slots.push(slot);
        Some(at)
    }

    fn link_newest(&mut self, at: u32) {
        let before = self.newest.replace(at);
        if let Some(slot) = self.slot_mut(at) {
            slot.older = before;
        }
        match before.and_then(|before| self.slot_mut(before)) {
            Some(slot) => slot.newer = Some(at),
            None => self.oldest = Some(at),
        }
    }

    fn unlink(&mut self, at: u32) {
        let Some((newer, older)) = self.slot(at).map(|slot| (slot.newer, slot.older)) else {
            return;
        };
        match newer.and_then(|newer| self.slot_mut(newer)) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
        match older.and_then(|older| self.slot_mut(older)) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
        if self.hand == Some(at) {
            self.hand = newer;
        }
    }

    /// Where a key would like to be in the index.
    fn home(&self, key: &[u8; 32]) -> usize {
        // The mask takes the low bits, whatever the width of the machine.
        usize::try_from(self.hash.hash_one(key) & u64::from(u32::MAX)).unwrap_or_default()
            & self.mask()
    }

    fn mask(&self) -> usize {
        self.index.len().wrapping_sub(1)
    }

    /// Its place in the index, and its slot. At most half of the places are taken, so a free one ends the search.
    fn find(&self, key: &[u8; 32]) -> Option<(usize, u32)> {
        let mut place = self.home(key);
        loop {
            let at = self.index.get(place)?.checked_sub(1)?;
            if self.slot(at)?.key == *key {
                return Some((place, at));
            }
            place = place.wrapping_add(1) & self.mask();
        }
    }

    fn enter_index(&mut self, key: &[u8; 32], at: u32) {
        let mask = self.mask();
        let mut place = self.home(key);
        while let Some(taken) = self.index.get_mut(place) {
            if *taken == 0 {
                *taken = at.saturating_add(1);
                return;
            }
            place = place.wrapping_add(1) & mask;
        }
    }

    /// Frees a place: entries behind it that are not at home move back into the hole.
    fn leave_index(&mut self, place: usize) {
        let mask = self.mask();
        let (mut hole, mut next) = (place, place.wrapping_add(1) & mask);
        while let Some(at) = self.index.get(next).and_then(|taken| taken.checked_sub(1)) {
            let home = self.slot(at).map_or(next, |slot| self.home(&slot.key));
            if next.wrapping_sub(home) & mask >= next.wrapping_sub(hole) & mask {
                self.set_index(hole, at.saturating_add(1));
                hole = next;
            }
            next = next.wrapping_add(1) & mask;
        }
        self.set_index(hole, 0);
    }

    fn set_index(&mut self, place: usize, value: u32) {
        if let Some(taken) = self.index.get_mut(place) {
            *taken = value;
        }
    }
}

/// How many entries the hand may skip for one that comes; then the next one goes, asked for or not.
const STEPS_MAX: usize = 64;

/// So that a slot has a number.
const ENTRIES_MAX: usize = 1 << 28;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may count")]
mod tests {
    use super::{STEPS_MAX, Sieve, Weighed};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    impl Weighed for u16 {
        fn heap_bytes(&self) -> usize {
            usize::from(*self)
        }
    }

    fn key(number: u8) -> [u8; 32] {
        [number; 32]
    }

    fn sieve(entries: usize) -> Sieve<u16> {
        Sieve::new(Sieve::<u16>::ENTRY_BYTES.saturating_mul(entries), 7)
    }

    /// Everything that has to be true of it at any time.
    fn check(sieve: &Sieve<u16>) {
        let keys: Vec<_> = sieve.iter().map(|(key, value, _)| (*key, *value)).collect();
        assert_eq!(keys.len(), sieve.entries);
        let heap: usize = keys.iter().map(|(_, value)| usize::from(*value)).sum();
        assert_eq!(sieve.bytes, keys.len() * Sieve::<u16>::ENTRY_BYTES + heap);
        assert!(sieve.bytes <= sieve.bytes_max && sieve.entries <= sieve.entries_max);
        assert_eq!(sieve.index.iter().filter(|taken| **taken != 0).count(), keys.len());
        assert!(sieve.slots.len() <= sieve.entries_max, "a free slot is used before a new one");
        for (key, value) in &keys {
            assert_eq!(sieve.peek(key).map(|(found, _)| *found), Some(*value));
        }
        let ends = [sieve.newest, sieve.oldest].map(|end| end.is_some());
        assert_eq!(ends, [!keys.is_empty(); 2]);
        assert!(sieve.hand.is_none_or(|hand| sieve.slot(hand).is_some_and(|s| s.value.is_some())));
    }

    #[test]
    fn a_flood_of_what_is_seen_once_leaves_what_is_asked_for() {
        let mut sieve = sieve(8);
        for number in 0..4 {
            assert!(sieve.put(key(number), 0, 0));
            assert!(sieve.get(&key(number)).is_some());
        }
        for number in 10..200 {
            assert!(sieve.put(key(number), 0, 0));
            check(&sieve);
            // Asked for again now and then.
            if number % 16 == 0 {
                (0..4).for_each(|number| assert!(sieve.get(&key(number)).is_some()));
            }
        }
        for number in 0..4 {
            assert!(sieve.peek(&key(number)).is_some(), "{number}");
        }
        assert_eq!((sieve.len(), sieve.evicted()), (8, 186));
    }

    #[test]
    fn the_oldest_goes_that_nobody_asked_for() {
        let mut sieve = sieve(3);
        (0..3).for_each(|number| assert!(sieve.put(key(number), 0, 0)));
        assert!(sieve.get(&key(0)).is_some());
        assert!(sieve.put(key(3), 0, 0));
        let left: Vec<u8> = sieve.iter().map(|(key, ..)| key[0]).collect();
        assert_eq!(left, [3, 2, 0]);
        // The hand goes on from there; it does not begin again at the oldest.
        assert!(sieve.put(key(4), 0, 0));
        let left: Vec<u8> = sieve.iter().map(|(key, ..)| key[0]).collect();
        assert_eq!(left, [4, 3, 0]);
    }

    #[test]
    fn one_comer_costs_a_bounded_number_of_steps() {
        let count = u8::try_from(STEPS_MAX + 20).expect("a few");
        let mut sieve = sieve(usize::from(count));
        for number in 0..count {
            assert!(sieve.put(key(number), 0, 0) && sieve.get(&key(number)).is_some());
        }
        assert!(sieve.put(key(count), 0, 0));
        check(&sieve);
        let still = sieve.slots.iter().filter(|slot| slot.visited).count();
        assert_eq!(still, 19, "64 of 84 were passed, and the 65th went although it was asked for");
    }

    #[test]
    fn room_for_none_keeps_none() {
        for bytes in [0, 1, Sieve::<u16>::ENTRY_BYTES - 1] {
            let mut sieve: Sieve<u16> = Sieve::new(bytes, 1);
            assert!(!sieve.put(key(1), 0, 0) && sieve.peek(&key(1)).is_none());
        }
        let mut sieve = sieve(1);
        assert!(!sieve.put(key(1), 1, 0), "one byte too large");
        assert!(sieve.put(key(1), 0, 5));
        assert_eq!(sieve.get(&key(1)), Some((&0, 5)));
    }

    proptest! {
        /// Whatever is done to it, it holds together, and what it gives is what was put there last.
        #[test]
        fn it_is_a_bounded_map(
            entries in 1_usize..12,
            steps in prop::collection::vec((0_u8..4, 0_u8..24, 0_u16..300), 1..120),
        ) {
            let mut sieve = sieve(entries);
            let mut model: BTreeMap<u8, (u16, u64)> = BTreeMap::new();
            for (time, (what, number, value)) in steps.into_iter().enumerate() {
                let time = u64::try_from(time).expect("small");
                match what {
                    0 | 1 => {
                        let kept = sieve.put(key(number), value, time);
                        if kept {
                            model.insert(number, (value, time));
                            prop_assert!(sieve.peek(&key(number)).is_some(), "the newest is there");
                        }
                    }
                    2 => {
                        let found = sieve.get(&key(number)).map(|(value, born)| (*value, born));
                        prop_assert!(found.is_none() || found == model.get(&number).copied());
                    }
                    _ => {
                        sieve.remove(&key(number));
                        model.remove(&number);
                        prop_assert!(sieve.peek(&key(number)).is_none());
                    }
                }
                check(&sieve);
            }
            sieve.clear();
            check(&sieve);
        }
    }
}
