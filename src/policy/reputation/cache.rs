//! Answers that are still good: bounded, by host, host and path, or user.
//!
//! Clock replacement: a hand goes round the slots and takes the first that was not used since it came by
//! last, or whose time is over. A flood of new names so pushes out other names that were asked once, and
//! not those that everybody asks for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// What can be kept: whatever knows how long it is good.
pub trait Kept: Clone {
    /// Until when; `None`: it is not to be kept.
    fn until(&self) -> Option<Instant>;
}

/// The answers.
#[derive(Clone, Debug)]
pub struct Cache<V> {
    places: BTreeMap<Arc<str>, usize>,
    slots: Vec<Slot<V>>,
    hand: usize,
    entries_max: usize,
}

#[derive(Clone, Debug)]
struct Slot<V> {
    key: Arc<str>,
    answer: V,
    until: Instant,
    used: bool,
}

impl<V: Kept> Cache<V> {
    /// An empty one for so many answers; 0: nothing is kept.
    #[must_use]
    pub const fn new(entries_max: usize) -> Self {
        Self { places: BTreeMap::new(), slots: Vec::new(), hand: 0, entries_max }
    }

    /// The answer under this key that is still good.
    pub fn get(&mut self, key: &str, now: Instant) -> Option<V> {
        let slot = self.places.get(key).and_then(|place| self.slots.get_mut(*place))?;
        if now >= slot.until {
            return None;
        }
        slot.used = true;
        Some(slot.answer.clone())
    }

    /// Keeps an answer, if it is to be kept; in the place of another when all are taken.
    pub fn put(&mut self, key: &str, answer: &V, now: Instant) {
        let Some(until) = answer.until().filter(|until| *until > now && self.entries_max > 0)
        else {
            return;
        };
        let answer = answer.clone();
        if let Some(slot) = self.places.get(key).and_then(|place| self.slots.get_mut(*place)) {
            *slot = Slot { answer, until, key: Arc::clone(&slot.key), used: slot.used };
            return;
        }
        let key: Arc<str> = Arc::from(key);
        let fresh = Slot { key: Arc::clone(&key), answer, until, used: false };
        if self.slots.len() < self.entries_max {
            self.places.insert(key, self.slots.len());
            self.slots.push(fresh);
            return;
        }
        let place = self.victim(now);
        if let Some(slot) = self.slots.get_mut(place) {
            self.places.remove(&slot.key);
            *slot = fresh;
            self.places.insert(key, place);
        }
    }

    /// Answers kept, good or not.
    #[must_use]
    pub fn entry_count(&self) -> usize {
        self.slots.len()
    }

    /// The place to be taken: found in at most two rounds, for the first clears every mark.
    fn victim(&mut self, now: Instant) -> usize {
        for _ in 0..self.slots.len().saturating_mul(2) {
            let place = self.hand;
            self.hand = place.saturating_add(1);
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            if let Some(slot) = self.slots.get_mut(place) {
                if !slot.used || now >= slot.until {
                    return place;
                }
                slot.used = false;
            }
        }
        self.hand
    }
}
