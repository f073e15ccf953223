//! The verdicts that a shard remembers: asked before a scan, told after it, shared with the other shards.
//!
//! ```text
//!   heads ─▶ recall ─▶ Recall ── bet: digest, no scan ──┬─ the digest is known: its verdict
//!                        │                              └─ it is not: what was held is scanned
//!                        └────── scan, and digest beside it where the same was promised before
//!                                                          └─▶ learned ─▶ News ─▶ other shards
//! ```
//!
//! A digest costs as much as a scan of plain bytes. So one is made only of what was promised before: an object
//! that comes once costs a look-up and nothing else.
//!
//! Where a `SharedCache` is set, a digest that no shard knows is asked there, for at most its time ([`store`]).

#![forbid(unsafe_code)]

mod seen;
pub(super) mod store;

use std::cell::RefCell;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};

use self::seen::Seen;
use crate::adaptation::release::Way;
use crate::adaptation::verdicts::{
    Broken, ContentKey, Epoch, Expectation, Fact, Fingerprint, Keys, Limits, News, PromiseKey,
    Settled, SiteKey, Table, Validator, expect,
};
use crate::adaptation::{Message, ScanPlan};
use crate::engine::verdict::Verdict;
use crate::icap::{Method, Request};
use crate::settings::options::VerdictCache;

use super::clock;
use super::journal::Journal;
use super::shard::Live;
use super::storage::write_atomically;

/// What one shard needs to remember; may move to its thread.
pub(super) struct Parts {
    cache: Arc<VerdictCache>,
    bytes_max: usize,
    news: Receiver<News>,
    others: Vec<Sender<News>>,
    /// Where the first shard keeps its table from one start to the next; others only read it.
    file: PathBuf,
    is_first: bool,
    shared: Option<Arc<store::Store>>,
}

/// Makes the parts of all shards.
pub(super) fn parts(
    cache: VerdictCache,
    shared: Option<&Arc<store::Store>>,
    shards: usize,
    state: &Path,
) -> Vec<Parts> {
    let cache = Arc::new(cache);
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..shards).map(|_| crossbeam_channel::bounded(NEWS_MAX)).unzip();
    let bytes = cache.memory_bytes_max / shards.max(1) as u64;
    let others = |index: usize| {
        let all = senders.iter().enumerate().filter(|(other, _)| *other != index);
        all.map(|(_, sender)| sender.clone()).collect()
    };
    let shards = receivers.into_iter().enumerate();
    shards
        .map(|(index, news)| Parts {
            cache: Arc::clone(&cache),
            bytes_max: usize::try_from(bytes).unwrap_or(usize::MAX),
            news,
            others: others(index),
            file: state.join("verdicts"),
            is_first: index == 0,
            shared: shared.cloned(),
        })
        .collect()
}

/// The memory of one shard.
pub(super) struct Front {
    /// `None`: nothing is remembered.
    table: Option<RefCell<Table>>,
    seen: RefCell<Seen>,
    news: Receiver<News>,
    others: Vec<Sender<News>>,
    file: Option<PathBuf>,
    shared: Option<Arc<store::Store>>,
}

/// What is known about the body of one message, and what is to be learned from it.
pub(super) struct Recall {
    epoch: Epoch,
    promise: Option<PromiseKey>,
    validator: Option<Validator>,
    fingerprint: Option<Fingerprint>,
    is_bet: bool,
    key: Option<ContentKey>,
    /// The verdict was known, and is not younger for having been used.
    is_known: bool,
}

/// What there is to say before the first byte of a body.
pub(super) enum Recalled {
    /// This is the verdict.
    Known(Verdict),
    /// It has to be looked at.
    Look(Box<Recall>),
}

impl Front {
    /// Takes over what the last run of the service has kept.
    pub(super) fn open(parts: Parts, epoch: Epoch, journal: &Journal) -> Self {
        let Parts { cache, bytes_max, news, others, file, is_first, shared } = parts;
        let limits = Limits {
            bytes_max,
            lifetime_s: cache.lifetime.as_secs(),
            block_s: cache.block_time.map_or(0, |time| time.as_secs()),
        };
        let mut table = (bytes_max > 0)
            .then(|| Table::new(limits, epoch, RandomState::new().build_hasher().finish()));
        if let Some(table) = &mut table
            && let Ok(bytes) = std::fs::read(&file)
            && let Err(fault) = table.load(&bytes, clock::unix_seconds())
            && is_first
        {
            let text = format!("{}: {fault}; nothing of it is used", file.display());
            journal.write(crate::observe::Event::SettingsNote { text });
        }
        Self {
            table: table.map(RefCell::new),
            seen: RefCell::default(),
            news,
            others,
            file: is_first.then_some(file),
            shared,
        }
    }

    /// Keeps what is known for the next start. The shard serves nobody any more.
    pub(super) fn close(&self) {
        if let (Some(table), Some(file)) = (&self.table, &self.file) {
            let bytes = table.borrow().save(clock::unix_seconds(), FILE_BYTES_MAX);
            // It is a help for the next start, which can do without.
            let _ignored = write_atomically(file, &bytes);
        }
    }

    /// What is known of a body that is to be scanned.
    pub(super) fn recall(
        &self,
        plan: &mut ScanPlan<'_>,
        request: &Request,
        live: &Live,
    ) -> Recalled {
        let message = Message::of(request);
        let validator = request
            .http_response()
            .filter(|_| request.method() == Method::Respmod)
            .and_then(Validator::of);
        let mut recall = Recall {
            epoch: live.epoch,
            promise: None,
            validator,
            fingerprint: None,
            is_bet: false,
            key: None,
            is_known: false,
        };
        self.turn(live);
        let Some(mut table) = self.table(live) else { return Recalled::Look(Box::new(recall)) };
        let now = clock::unix_seconds();
        let url = message.url();
        let site = url.as_ref().and_then(SiteKey::of);
        if let Some(site) = site
            && table.blocked(&site, recall.validator.as_ref(), now).is_some()
        {
            // It ended broken a short time ago. Held to its end, it can be answered with a page.
            plan.release.hold_back();
        }
        let Some(promise) = PromiseKey::of(request, &message).filter(|_| plan.fragment.is_none())
        else {
            return Recalled::Look(Box::new(recall));
        };
        recall.promise = Some(promise);
        let trusted = url.as_ref().is_some_and(|url| live.policy.trusts_validators(url));
        let keys = Keys { content: None, promise: Some(promise) };
        let is_short = plan.content_length.is_some_and(|length| length <= BET_BYTES_MAX);
        match expect(&mut table, keys, trusted, now) {
            Expectation::Known(settled) => return Recalled::Known(settled.verdict()),
            Expectation::Bet(_) if is_short && plan.release.way == Way::Hold => {
                recall.fingerprint = Fingerprint::of(&live.epoch, plan);
                recall.is_bet = recall.fingerprint.is_some();
            }
            Expectation::Scan | Expectation::Bet(_) => {
                let is_known = self.seen.borrow_mut().meet(&promise);
                if is_known && is_short {
                    recall.fingerprint = Fingerprint::of(&live.epoch, plan);
                }
            }
        }
        Recalled::Look(Box::new(recall))
    }

    /// Whether the answer to this request ended broken a short time ago: what was found then.
    pub(super) fn broken(&self, request: &Request, live: &Live) -> Option<Verdict> {
        self.turn(live);
        let mut table = self.table(live)?;
        let message = Message::of(request);
        if message.request_line?.0 != b"GET" {
            return None;
        }
        let site = SiteKey::of(&message.url()?)?;
        let broken = table.blocked(&site, None, clock::unix_seconds())?;
        Some(broken.found().verdict())
    }

    /// The verdict about a body whose last byte has come, where the digest that it really has is known.
    pub(super) async fn look_up(&self, recall: &mut Recall, live: &Live) -> Option<Verdict> {
        let key = recall.fingerprint.take()?.finish()?;
        recall.key = Some(key);
        if recall.epoch != live.epoch {
            return None;
        }
        let known = self.table(live)?.verdict(&key, clock::unix_seconds());
        recall.is_known = true;
        if let Some(settled) = known {
            return Some(settled.verdict());
        }
        let asked = match self.shared.as_ref() {
            Some(shared) => shared.ask(&key).await,
            None => None,
        };
        let Some(settled) = asked else {
            recall.is_known = false;
            return None;
        };
        self.learn(Fact::Verdict(key, settled.clone()), recall, live);
        Some(settled.verdict())
    }

    /// A body was scanned to its end.
    pub(super) fn learned(&self, recall: &Recall, verdict: &Verdict, live: &Live) {
        let (Some(key), Some(settled)) = (recall.key, Settled::of(verdict)) else { return };
        if !recall.is_known {
            if let Some(shared) = &self.shared {
                shared.tell(&key, &settled);
            }
            self.learn(Fact::Verdict(key, settled), recall, live);
        }
        if let Some(promise) = recall.promise {
            self.learn(Fact::Promise(promise, key), recall, live);
        }
    }

    /// An answer ended broken for this.
    pub(super) fn ended_broken(
        &self,
        recall: &Recall,
        verdict: &Verdict,
        request: &Request,
        live: &Live,
    ) {
        let message = Message::of(request);
        // What a page sends elsewhere must not take that address away from others.
        let is_fetched = request.method() == Method::Respmod
            && message.request_line.is_some_and(|(method, _)| method == b"GET");
        let site = message.url().as_ref().and_then(SiteKey::of).filter(|_| is_fetched);
        if let (Some(site), Some(broken)) = (site, Broken::of(verdict, recall.validator)) {
            self.learn(Fact::Broken(site, broken), recall, live);
        }
    }

    fn learn(&self, fact: Fact, recall: &Recall, live: &Live) {
        let Some(mut table) = self.table(live) else { return };
        if let Some(news) = table.learn(fact, &recall.epoch, clock::unix_seconds()) {
            for other in &self.others {
                // A shard that does not hear of it scans once more.
                let _full = other.try_send(news.clone());
            }
        }
    }

    /// A request begins, with the values in force: what is of another engine is forgotten.
    fn turn(&self, live: &Live) {
        if let Some(table) = &self.table {
            table.borrow_mut().turn(live.epoch);
        }
    }

    /// The table, with what the others have told; `None` for a request that began under another engine.
    fn table(&self, live: &Live) -> Option<std::cell::RefMut<'_, Table>> {
        let mut table = self.table.as_ref()?.borrow_mut();
        if *table.epoch() != live.epoch {
            return None;
        }
        let (lifetime_s, block_s) = live.server.verdict_times;
        table.set_lifetimes(lifetime_s, block_s);
        let now = clock::unix_seconds();
        for news in self.news.try_iter().take(NEWS_AT_ONCE) {
            table.hear(&news, now);
        }
        Some(table)
    }
}

impl Recall {
    /// Whether nothing is scanned as long as nothing speaks against it.
    pub(super) const fn is_bet(&self) -> bool {
        self.is_bet
    }

    /// The bet is off: the body is scanned, and still digested.
    pub(super) const fn call_off(&mut self) {
        self.is_bet = false;
    }

    /// The next bytes of the body.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some(fingerprint) = &mut self.fingerprint {
            fingerprint.update(bytes);
        }
    }
}

/// News that wait for a shard.
const NEWS_MAX: usize = 1 << 10;

/// News that a message takes the time to hear.
const NEWS_AT_ONCE: usize = 64;

/// Longer bodies are not digested: of what is held for a bet everything may have to be scanned behind its last byte.
const BET_BYTES_MAX: u64 = 64 << 20;

/// The file that is kept from one start to the next.
const FILE_BYTES_MAX: usize = 64 << 20;
