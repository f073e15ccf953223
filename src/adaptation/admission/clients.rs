//! Who uses how much of a shard: scans under way, and work done lately, of each client.
//!
//! A fixed table. What a client did is forgotten by half each [`HALF_LIFE_US`], so an idle client's entry is soon
//! free for another one. While all [`CLIENTS_MAX`] entries are in use, every further client shares one more entry
//! with the others: together they are treated as one client.
//!
//! A scan under way counts as much as the average scan took, so that a client that begins a hundred at once has
//! used its share before the first one ends. The fair share is the average over clients that use anything; who
//! uses more than [`SHARE_NUMERATOR`]/[`SHARE_DENOMINATOR`] of it, and one scan more, is heavy. One client
//! alone never is: there is nobody to be fair to.

use std::net::IpAddr;

use ahash::{AHashMap, RandomState};

/// Whom a request counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client([u8; 16]);

impl Client {
    /// Those of whom nothing is known: they are one client.
    pub const UNKNOWN: Self = Self([0; 16]);

    /// The client with this address: an IPv4 address; of an IPv6 address the network of 64 bits, for one host has
    /// all of it to choose from.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().octets()),
            IpAddr::V6(address) => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                Self(network.to_be_bytes())
            }
        }
    }

    /// The end client of a request: who the proxy says it is for, otherwise who connected.
    #[must_use]
    pub fn behind(subject: Option<IpAddr>, connection: Option<IpAddr>) -> Self {
        subject.or(connection).map_or(Self::UNKNOWN, Self::of)
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    client: Client,
    /// Work done, as of `at_us`.
    work_us: u64,
    at_us: u64,
    under_way: u32,
}

impl Entry {
    const fn of(client: Client, now_us: u64) -> Self {
        Self { client, work_us: 0, at_us: now_us, under_way: 0 }
    }

    const fn work(&self, now_us: u64) -> u64 {
        decayed(self.work_us, now_us.saturating_sub(self.at_us))
    }

    fn usage(&self, now_us: u64, scan_us: u64) -> u64 {
        let begun = u64::from(self.under_way).saturating_mul(scan_us);
        self.work(now_us).saturating_add(begun)
    }

    const fn is_idle(&self, now_us: u64) -> bool {
        self.under_way == 0 && self.work(now_us) < FORGOTTEN_US
    }
}

/// The table.
#[derive(Debug)]
pub(super) struct Clients {
    /// The first entry is the one that is shared.
    entries: Vec<Entry>,
    places: AHashMap<Client, usize>,
    /// Where the search for an idle entry goes on.
    hand: usize,
    /// What a scan takes on the average.
    scan_us: u64,
    /// Grows when tickets are forgotten, so that one that turns up later counts no more.
    age: u64,
    under_way: u64,
    surveyed: Survey,
}

/// What all clients use together, as of `at_us`.
#[derive(Clone, Copy, Debug, Default)]
struct Survey {
    at_us: Option<u64>,
    /// Usage up to this is light; `None`: all usage is.
    light_us_max: Option<u64>,
    has_heavy: bool,
}

impl Clients {
    pub(super) fn new(seed: u64) -> Self {
        let hasher = RandomState::with_seeds(seed, seed.rotate_left(16), !seed, 4);
        let mut entries = Vec::with_capacity(CLIENTS_MAX.saturating_add(1));
        entries.push(Entry::of(Client::UNKNOWN, 0));
        Self {
            entries,
            places: AHashMap::with_capacity_and_hasher(CLIENTS_MAX, hasher),
            hand: 0,
            scan_us: SCAN_US_ASSUMED,
            age: 0,
            under_way: 0,
            surveyed: Survey::default(),
        }
    }

    /// The client's place: its own, a new one, that of an idle client, or the shared one.
    pub(super) fn place(&mut self, client: Client, now_us: u64) -> usize {
        if let Some(&place) = self.places.get(&client) {
            return place;
        }
        let Some(place) = self.free_place(now_us) else { return SHARED };
        self.places.insert(client, place);
        let entry = Entry::of(client, now_us);
        match self.entries.get_mut(place) {
            Some(old) => *old = entry,
            None => self.entries.push(entry),
        }
        place
    }

    fn free_place(&mut self, now_us: u64) -> Option<usize> {
        if self.entries.len() <= CLIENTS_MAX {
            return Some(self.entries.len());
        }
        for _look in 0..LOOKS_MAX {
            self.hand = if self.hand >= CLIENTS_MAX { 1 } else { self.hand.saturating_add(1) };
            let idle = self.entries.get(self.hand).filter(|entry| entry.is_idle(now_us));
            if let Some(client) = idle.map(|entry| entry.client) {
                self.places.remove(&client);
                return Some(self.hand);
            }
        }
        None
    }

    /// Looks at all clients, if the last time is long enough ago.
    pub(super) fn survey(&mut self, now_us: u64) {
        let is_fresh = |at: u64| now_us.saturating_sub(at) < SURVEY_US;
        if self.surveyed.at_us.is_some_and(is_fresh) {
            return;
        }
        let usages = || self.entries.iter().map(|entry| entry.usage(now_us, self.scan_us));
        let (mut total, mut count) = (0_u64, 0_u64);
        for usage in usages().filter(|usage| *usage >= FORGOTTEN_US) {
            total = total.saturating_add(usage);
            count = count.saturating_add(1);
        }
        let share = total.checked_div(count).unwrap_or_default();
        let light_us_max = (count > 1).then(|| {
            let most = share.saturating_mul(SHARE_NUMERATOR) / SHARE_DENOMINATOR;
            most.saturating_add(self.scan_us)
        });
        let has_heavy = light_us_max.is_some_and(|most| usages().any(|usage| usage > most));
        self.surveyed = Survey { at_us: Some(now_us), light_us_max, has_heavy };
    }

    /// Whether this client uses more than a fair share, by the last survey.
    pub(super) fn is_heavy(&self, place: usize, now_us: u64) -> bool {
        let usage = self.entries.get(place).map(|entry| entry.usage(now_us, self.scan_us));
        match (usage, self.surveyed.light_us_max) {
            (Some(usage), Some(most)) => usage > most,
            (None, _) | (_, None) => false,
        }
    }

    /// Whether anybody did.
    pub(super) const fn has_heavy(&self) -> bool {
        self.surveyed.has_heavy
    }

    /// A scan begins: what [`Clients::done`] needs to know.
    pub(super) fn begin(&mut self, place: usize, now_us: u64) -> (usize, u64) {
        if let Some(entry) = self.entries.get_mut(place) {
            entry.work_us = entry.work(now_us);
            entry.at_us = entry.at_us.max(now_us);
            entry.under_way = entry.under_way.saturating_add(1);
            self.under_way = self.under_way.saturating_add(1);
        }
        (place, self.age)
    }

    /// A scan has ended.
    pub(super) fn done(&mut self, place: usize, age: u64, work_us: u64, now_us: u64) {
        let Some(entry) = self.entries.get_mut(place).filter(|_| age == self.age) else { return };
        let work = work_us.min(WORK_US_MAX);
        entry.work_us = entry.work(now_us).saturating_add(work).min(WORK_US_MAX);
        entry.at_us = entry.at_us.max(now_us);
        entry.under_way = entry.under_way.saturating_sub(1);
        self.under_way = self.under_way.saturating_sub(1);
        let kept = self.scan_us.saturating_sub(self.scan_us / SMOOTHING);
        self.scan_us = kept.saturating_add(work / SMOOTHING).max(1);
    }

    /// No scan is under way: tickets that are out are lost.
    pub(super) fn forget_lost(&mut self) {
        if self.under_way > 0 {
            self.under_way = 0;
            self.age = self.age.saturating_add(1);
            for entry in &mut self.entries {
                entry.under_way = 0;
            }
        }
    }

    pub(super) const fn under_way(&self) -> u64 {
        self.under_way
    }
}

/// What is left of `work` after `elapsed_us`: half of it after each half-life, a straight line between.
const fn decayed(work: u64, elapsed_us: u64) -> u64 {
    let halvings = elapsed_us / HALF_LIFE_US;
    if halvings >= u64::BITS as u64 {
        return 0;
    }
    let work = work >> halvings;
    // `WORK_US_MAX` keeps the product within 64 bits.
    let lost = work.saturating_mul(elapsed_us % HALF_LIFE_US) / (2 * HALF_LIFE_US);
    work.saturating_sub(lost)
}

/// Clients told from each other on one shard; all further ones are one client. Costs about 80 bytes each.
pub const CLIENTS_MAX: usize = 1024;

/// After this many microseconds half of a client's work is forgotten. Shorter forgives a greedy client between two
/// downloads; longer blames one for what is over.
pub const HALF_LIFE_US: u64 = 1 << 20;

/// A client that uses up to this much of an average client's usage is light.
const SHARE_NUMERATOR: u64 = 3;
const SHARE_DENOMINATOR: u64 = 2;

/// Usage below this is none, in microseconds.
const FORGOTTEN_US: u64 = 100;

/// A scan's work before any was seen.
const SCAN_US_ASSUMED: u64 = 1000;

/// One in so many parts of the average is the last scan.
const SMOOTHING: u64 = 16;

/// More work of one client is not told from this much: twelve days.
const WORK_US_MAX: u64 = 1 << 40;

/// How long a survey counts. It looks at every entry, which takes a few microseconds.
const SURVEY_US: u64 = 10_000;

/// Entries looked at for an idle one before a client gets the shared one.
const LOOKS_MAX: usize = 16;

/// The place of those who found no other.
const SHARED: usize = 0;

const _: () = assert!(WORK_US_MAX.checked_mul(HALF_LIFE_US).is_some());
