//! The table of one shard: verdicts, promises and broken downloads of one epoch.
//!
//! | kind | key | value | share of the memory |
//! | --- | --- | --- | --- |
//! | verdict | [`ContentKey`] | [`Settled`] | what the others leave |
//! | promise | [`PromiseKey`] | the [`ContentKey`] that was seen there | 5/16 |
//! | broken | [`SiteKey`] | [`Broken`] | 1/16 |
//!
//! Each kind has its own room, so that a flood of one cannot drive out the others. A fact of another epoch is
//! never taken, and with another epoch everything is forgotten: what was scanned by another database says
//! nothing. Time is in seconds, coarse, and may stand still or go back; then entries live longer by that much.

use super::key::{ContentKey, Epoch, PromiseKey, SiteKey, Validator};
use super::news::{Broken, Fact, News};
use super::settled::Settled;
use super::sieve::{Sieve, Weighed};

/// What a table is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory, everything counted; 0: nothing is kept. About 130 bytes for an entry.
    pub bytes_max: usize,
    /// Seconds for which verdicts and promises are good.
    pub lifetime_s: u64,
    /// Seconds for which the retry of a broken download is refused; 0: never.
    pub block_s: u64,
}

/// What is in a table, and what became of the questions to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Verdicts in it.
    pub verdicts: usize,
    /// Promises in it.
    pub promises: usize,
    /// Broken downloads in it.
    pub broken: usize,
    /// Bytes in use.
    pub bytes: usize,
    /// Questions for a verdict that had an answer.
    pub hits: u64,
    /// Questions for a verdict that had none.
    pub misses: u64,
    /// Entries taken away to make room.
    pub evicted: u64,
    /// News of another epoch, or too old.
    pub unheard: u64,
}

impl Weighed for Settled {
    fn heap_bytes(&self) -> usize {
        Self::heap_bytes(self)
    }
}

impl Weighed for ContentKey {
    fn heap_bytes(&self) -> usize {
        0
    }
}

impl Weighed for Broken {
    fn heap_bytes(&self) -> usize {
        self.found().heap_bytes()
    }
}

/// A table.
pub struct Table {
    limits: Limits,
    epoch: Epoch,
    verdicts: Sieve<Settled>,
    promises: Sieve<ContentKey>,
    broken: Sieve<Broken>,
    hits: u64,
    misses: u64,
    unheard: u64,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Table")
            .field("epoch", &self.epoch)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

impl Table {
    /// An empty table. The seed should be a random number that strangers do not know.
    #[must_use]
    pub fn new(limits: Limits, epoch: Epoch, seed: u64) -> Self {
        let share = limits.bytes_max / 16;
        let promises = share.saturating_mul(5);
        let verdicts = limits.bytes_max.saturating_sub(promises).saturating_sub(share);
        Self {
            limits,
            epoch,
            verdicts: Sieve::new(verdicts, seed),
            promises: Sieve::new(promises, seed.rotate_left(16)),
            broken: Sieve::new(share, seed.rotate_left(48)),
            hits: 0,
            misses: 0,
            unheard: 0,
        }
    }

    /// The epoch of everything in it.
    #[must_use]
    pub const fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Another engine from now on. With the same epoch nothing changes.
    pub fn turn(&mut self, epoch: Epoch) {
        if self.epoch == epoch {
            return;
        }
        self.epoch = epoch;
        self.verdicts.clear();
        self.promises.clear();
        self.broken.clear();
    }

    /// Other lifetimes from now on, for what is in it, too. The memory stays as it is.
    pub const fn set_lifetimes(&mut self, lifetime_s: u64, block_s: u64) {
        self.limits.lifetime_s = lifetime_s;
        self.limits.block_s = block_s;
    }

    /// The verdict about this content.
    pub fn verdict(&mut self, key: &ContentKey, now: u64) -> Option<Settled> {
        let found = young(&mut self.verdicts, key.as_bytes(), self.limits.lifetime_s, now).cloned();
        let count = if found.is_some() { &mut self.hits } else { &mut self.misses };
        *count = count.saturating_add(1);
        found
    }

    /// The content that was seen where this is promised.
    pub fn promised(&mut self, key: &PromiseKey, now: u64) -> Option<ContentKey> {
        young(&mut self.promises, key.as_bytes(), self.limits.lifetime_s, now).copied()
    }

    /// Whether an answer of this address ended broken a short time ago. For a request nothing but the address
    /// is known, and it decides; a response with another strong validator is another object.
    pub fn blocked(
        &mut self,
        site: &SiteKey,
        validator: Option<&Validator>,
        now: u64,
    ) -> Option<&Broken> {
        let found = young(&mut self.broken, site.as_bytes(), self.limits.block_s, now)?;
        found.is_about(validator).then_some(found)
    }

    /// Takes a fact that belongs to `epoch`: that of the scan which made it, not the one that is in force now. The
    /// news for other shards, where it is new and was kept.
    pub fn learn(&mut self, fact: Fact, epoch: &Epoch, now: u64) -> Option<News> {
        if *epoch != self.epoch {
            return None;
        }
        let is_new = self.take(fact.clone(), now, now);
        is_new.then_some(News { epoch: self.epoch, fact, born: now })
    }

    /// Takes what another shard learned.
    pub fn hear(&mut self, news: &News, now: u64) {
        if news.epoch == self.epoch {
            self.take(news.fact.clone(), news.born.min(now), now);
        } else {
            self.unheard = self.unheard.saturating_add(1);
        }
    }

    /// What is in it.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            verdicts: self.verdicts.len(),
            promises: self.promises.len(),
            broken: self.broken.len(),
            bytes: self
                .verdicts
                .bytes()
                .saturating_add(self.promises.bytes())
                .saturating_add(self.broken.bytes()),
            hits: self.hits,
            misses: self.misses,
            evicted: self
                .verdicts
                .evicted()
                .saturating_add(self.promises.evicted())
                .saturating_add(self.broken.evicted()),
            unheard: self.unheard,
        }
    }

    /// Everything in it that is still good, each kind newest first.
    pub(super) fn facts(&self, now: u64) -> impl Iterator<Item = (Fact, u64)> {
        let Limits { lifetime_s, block_s, .. } = self.limits;
        let broken = self.broken.iter().filter(move |(.., born)| is_young(*born, block_s, now));
        let broken = broken.map(|(key, broken, born)| {
            (Fact::Broken(SiteKey::from_bytes(*key), broken.clone()), born)
        });
        let good = move |born: u64| is_young(born, lifetime_s, now);
        let verdicts = self.verdicts.iter().filter(move |(.., born)| good(*born));
        let verdicts = verdicts.map(|(key, settled, born)| {
            (Fact::Verdict(ContentKey::from_bytes(*key), settled.clone()), born)
        });
        let promises = self.promises.iter().filter(move |(.., born)| good(*born));
        let promises = promises.map(|(key, content, born)| {
            (Fact::Promise(PromiseKey::from_bytes(*key), *content), born)
        });
        broken.chain(verdicts).chain(promises)
    }

    /// Takes what was saved, oldest first; how many of it. What is too old by now is nobody's news.
    pub(super) fn restore(&mut self, facts: impl Iterator<Item = (Fact, u64)>, now: u64) -> usize {
        let unheard = self.unheard;
        let take = |count: usize, (fact, born): (Fact, u64)| {
            count.saturating_add(usize::from(self.take(fact, born.min(now), now)))
        };
        let count = facts.fold(0, take);
        self.unheard = unheard;
        count
    }

    /// Takes a fact of our epoch; whether it was new, and kept.
    fn take(&mut self, fact: Fact, born: u64, now: u64) -> bool {
        let life = match &fact {
            Fact::Broken(..) => self.limits.block_s,
            Fact::Verdict(..) | Fact::Promise(..) => self.limits.lifetime_s,
        };
        if !is_young(born, life, now) {
            self.unheard = self.unheard.saturating_add(1);
            return false;
        }
        let times = (born, life, now);
        match fact {
            // The worse one stays, whichever came first.
            Fact::Verdict(key, settled) => {
                let beats = |old: &Settled, _| settled.weight() > old.weight();
                let key = *key.as_bytes();
                let stays = meets(&mut self.verdicts, &key, times, beats);
                !stays && self.verdicts.put(key, settled, born)
            }
            // The later one stays.
            Fact::Promise(key, content) => {
                let beats = |old: &ContentKey, at| *old != content && born >= at;
                let key = *key.as_bytes();
                let stays = meets(&mut self.promises, &key, times, beats);
                !stays && self.promises.put(key, content, born)
            }
            Fact::Broken(key, broken) => {
                let beats = |old: &Broken, at| *old != broken && born >= at;
                let key = *key.as_bytes();
                let stays = meets(&mut self.broken, &key, times, beats);
                !stays && self.broken.put(key, broken, born)
            }
        }
    }
}

/// Whether what is there already stays: it is good, and the comer does not beat it, knowing when it was made. The
/// comer then only makes it younger.
fn meets<V: Weighed>(
    sieve: &mut Sieve<V>,
    key: &[u8; 32],
    (born, life, now): (u64, u64, u64),
    beats: impl Fn(&V, u64) -> bool,
) -> bool {
    let stays = sieve.peek(key).is_some_and(|(old, at)| is_young(at, life, now) && !beats(old, at));
    if stays {
        sieve.renew(key, born);
    }
    stays
}

/// The entry, if it is still good; else it is forgotten.
fn young<'s, V: Weighed>(
    sieve: &'s mut Sieve<V>,
    key: &[u8; 32],
    life: u64,
    now: u64,
) -> Option<&'s V> {
    let (_, born) = sieve.peek(key)?;
    if !is_young(born, life, now) {
        sieve.remove(key);
        return None;
    }
    sieve.get(key).map(|(value, _)| value)
}

const fn is_young(born: u64, life: u64, now: u64) -> bool {
    now.saturating_sub(born) < life
}
