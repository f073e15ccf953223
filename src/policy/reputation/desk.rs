//! Questions, services and answers, as a state machine: who asks gives questions, results and the time, and
//! carries out what [`Desk::poll_output`] says.
//!
//! ```text
//!   handle_question ─┬─ kept ────────────────────────────────────────────▶ Answer
//!                    ├─ asked already: waits with the first
//!                    └─ flight ─▶ Lookup … handle_lookup ─┐
//!                              └▶ Batch  … handle_batch  ─┴─ all in, or too late ─▶ Answer
//! ```
//!
//! A flight ends when everything that was asked for it is answered, for a site may be in several categories.
//! What was found counts even if another service failed; that nobody knows an address only counts when nobody
//! failed. Nothing is retried here: [`super::lookup`] does that for DNS, and the next request for the rest.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::breaker::{Breaker, Change};
use super::cache::Cache;
use super::dns::{self, Name, Records};
use super::names::{self, Kind};
use super::options::Options;
use super::service::{self, BATCH_MAX};
use super::{Answer, NoAnswer, Opinion, Question};
use crate::policy::Categories;

/// The state machine. `T` is whoever waits for an answer.
#[derive(Debug)]
pub struct Desk<T> {
    options: Arc<Options>,
    with_paths: bool,
    cache: Cache<Opinion>,
    flights: BTreeMap<u64, Flight<T>>,
    keys: BTreeMap<String, u64>,
    lists: Vec<ListState>,
    service: Breaker,
    lookups: BTreeMap<u64, Pending>,
    batches: BTreeMap<u64, Vec<u64>>,
    queue: VecDeque<u64>,
    outputs: VecDeque<Output<T>>,
    askers: usize,
    last_id: u64,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Output<T> {
    /// This is the answer.
    Answer {
        /// Who asked.
        asker: T,
        /// What is known.
        opinion: Opinion,
    },
    /// Ask the DNS; the result comes by [`Desk::handle_lookup`].
    Lookup {
        /// Names the lookup.
        id: u64,
        /// What is asked for.
        name: Name,
        /// Which records.
        kind: dns::Kind,
        /// When it is too late.
        end: Instant,
    },
    /// Ask the service; the result comes by [`Desk::handle_batch`].
    Batch {
        /// Names the batch.
        id: u64,
        /// The document.
        body: Vec<u8>,
        /// When it is too late.
        end: Instant,
    },
    /// For the log.
    News(News),
}

/// What an administrator wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A service failed several times in a row and is left alone for a while: its zone, or `Service`.
    Down(Box<str>),
    /// It answers again.
    Back(Box<str>),
    /// A list lists what no list may: it is not used for an hour.
    ListsEverything(Box<str>),
}

#[derive(Debug)]
struct Flight<T> {
    question: Question,
    key: String,
    askers: Vec<T>,
    end: Instant,
    /// Lookups and batches that are still out.
    open: usize,
    categories: Categories,
    failed: Option<NoAnswer>,
    ttl: Duration,
    /// Who found something, and why.
    sources: Vec<(usize, String)>,
    /// Found by lists that have not proved yet that they do not list everything.
    unproven: Vec<Hit>,
}

#[derive(Clone, Debug)]
struct Hit {
    list: usize,
    name: Name,
    categories: Categories,
    ttl_s: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct ListState {
    breaker: Breaker,
    health: Health,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Unproven,
    Proven { until: Instant },
    ListsEverything { until: Instant },
}

/// What a lookup is for.
#[derive(Debug)]
struct Pending {
    flight: u64,
    list: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    Listed(Kind, Name),
    Proof,
    Reason,
}

impl<T> Desk<T> {
    /// A desk that knows nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let list = ListState { breaker: Breaker::new(), health: Health::Unproven };
        Self {
            with_paths: options.with_paths(),
            cache: Cache::new(options.cache_entries_max),
            flights: BTreeMap::new(),
            keys: BTreeMap::new(),
            lists: vec![list; options.lists.len()],
            service: Breaker::new(),
            lookups: BTreeMap::new(),
            batches: BTreeMap::new(),
            queue: VecDeque::new(),
            outputs: VecDeque::new(),
            askers: 0,
            last_id: 0,
            options: Arc::new(options),
        }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output<T>> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_deadline`] is due.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Instant> {
        // Every flight has the same time, so the eldest is the first to be too late.
        self.flights.first_key_value().map(|(_, flight)| flight.end)
    }

    /// Somebody asks.
    pub fn handle_question(&mut self, asker: T, question: Question, now: Instant) {
        let key = question.key(self.with_paths);
        if let Some(opinion) = self.cache.get(&key, now) {
            self.outputs.push_back(Output::Answer { asker, opinion });
            return;
        }
        let is_full = self.askers >= ASKERS_MAX
            || self.flights.len() >= FLIGHTS_MAX
            || self.lookups.len() >= LOOKUPS_MAX;
        let known = self.keys.get(&key).copied();
        if is_full && (known.is_none() || self.askers >= ASKERS_MAX) {
            let opinion = Opinion::none(NoAnswer::Busy);
            self.outputs.push_back(Output::Answer { asker, opinion });
            return;
        }
        self.askers = self.askers.saturating_add(1);
        if let Some(flight) = known.and_then(|id| self.flights.get_mut(&id)) {
            flight.askers.push(asker);
            return;
        }
        let id = self.fresh_id();
        self.keys.insert(key.clone(), id);
        let flight = Flight {
            question,
            key,
            askers: vec![asker],
            end: now.checked_add(self.options.time_max).unwrap_or(now),
            open: 0,
            categories: Categories::NONE,
            failed: None,
            ttl: self.options.cache_time,
            sources: Vec::new(),
            unproven: Vec::new(),
        };
        self.flights.insert(id, flight);
        self.ask_lists(id, now);
        self.ask_service(id, now);
        self.settle(id, now);
    }

    /// The DNS has answered, or has not.
    pub fn handle_lookup(&mut self, id: u64, result: Result<Records, NoAnswer>, now: Instant) {
        let Some(Pending { flight, list, what }) = self.lookups.remove(&id) else { return };
        if let Some(waiting) = self.flights.get_mut(&flight) {
            waiting.open = waiting.open.saturating_sub(1);
        }
        match what {
            What::Listed(kind, name) => self.listed(flight, list, (kind, name), result, now),
            What::Proof => self.proved(flight, list, result.as_ref(), now),
            What::Reason => {
                let text = result.ok().and_then(|records| records.texts.into_iter().next());
                let found = self.flights.get_mut(&flight).map(|flight| &mut flight.sources);
                let source = found.and_then(|all| all.iter_mut().find(|(one, _)| *one == list));
                if let (Some(text), Some((_, source))) = (text, source) {
                    source.push_str(": ");
                    source.push_str(&text);
                }
            }
        }
        self.settle(flight, now);
    }

    /// The service has answered, or has not.
    pub fn handle_batch(&mut self, id: u64, result: Result<Vec<u8>, NoAnswer>, now: Instant) {
        let Some(flights) = self.batches.remove(&id) else { return };
        let options = self.options.service.clone().unwrap_or_default();
        let read = result.and_then(|body| {
            service::read(&body, flights.len(), &options).ok_or(NoAnswer::Refused)
        });
        let changed = match &read {
            Ok(_) => self.service.succeeded(),
            Err(_) => self.service.failed(now),
        };
        self.tell(changed, SERVICE);
        let mut answers = read.as_ref().ok().into_iter().flatten();
        let why = read.as_ref().err().copied().unwrap_or(NoAnswer::Refused);
        for id in flights {
            let said = answers.next().and_then(Option::as_ref);
            if let Some(flight) = self.flights.get_mut(&id) {
                flight.open = flight.open.saturating_sub(1);
                match said {
                    Some(said) if said.categories.is_empty() => {}
                    Some(said) => {
                        flight.categories = flight.categories.union(said.categories);
                        if let Some(ttl_s) = said.ttl_s {
                            flight.ttl = flight.ttl.min(Duration::from_secs(ttl_s));
                        }
                        let colon = if said.reason.is_empty() { "" } else { ": " };
                        flight
                            .sources
                            .push((usize::MAX, format!("{SERVICE}{colon}{}", said.reason)));
                    }
                    None => flight.fail(why),
                }
            }
            self.settle(id, now);
        }
        self.pump(now);
    }

    /// A deadline may have passed.
    pub fn handle_deadline(&mut self, now: Instant) {
        while let Some((&id, flight)) = self.flights.iter_mut().next()
            && now >= flight.end
        {
            flight.open = 0;
            flight.fail(NoAnswer::Time);
            self.queue.retain(|queued| *queued != id);
            self.settle(id, now);
        }
    }

    /// What a list said about a name.
    fn listed(
        &mut self,
        id: u64,
        list: usize,
        (kind, name): (Kind, Name),
        result: Result<Records, NoAnswer>,
        now: Instant,
    ) {
        let options = Arc::clone(&self.options);
        let Some(asked) = options.lists.get(list) else { return };
        let read = result.and_then(|records| {
            let categories = asked.categories(&records.addresses)?;
            Ok((categories, records.ttl_s))
        });
        self.count(list, read.is_ok(), now);
        match read {
            Ok((categories, _)) if categories.is_empty() => {}
            Ok((categories, ttl_s)) => {
                let hit = Hit { list, name, categories, ttl_s };
                let is_proven = self.lists.get(list).is_some_and(
                    |state| matches!(state.health, Health::Proven { until } if now < until),
                );
                if is_proven {
                    self.accept(id, hit);
                } else if let Some(flight) = self.flights.get_mut(&id) {
                    let is_asked = flight.unproven.iter().any(|before| before.list == list);
                    flight.unproven.push(hit);
                    let proof = names::never_listed(asked, kind).filter(|_| !is_asked);
                    if let Some(proof) = proof {
                        self.look_up(id, list, What::Proof, (proof, dns::Kind::A));
                    }
                }
            }
            Err(why) => self.fail(id, why),
        }
    }

    /// What a list said about the name that it must not list.
    fn proved(&mut self, id: u64, list: usize, result: Result<&Records, &NoAnswer>, now: Instant) {
        let lists_everything = result.is_ok_and(|records| !records.addresses.is_empty());
        let until = now.checked_add(PROOF_TIME).unwrap_or(now);
        if let (Some(state), true) = (self.lists.get_mut(list), result.is_ok()) {
            state.health = if lists_everything {
                Health::ListsEverything { until }
            } else {
                Health::Proven { until }
            };
        }
        let Some(flight) = self.flights.get_mut(&id) else { return };
        let (hits, others) = flight.unproven.drain(..).partition(|hit| hit.list == list);
        let hits: Vec<Hit> = hits;
        flight.unproven = others;
        if lists_everything {
            flight.fail(NoAnswer::Refused);
            let zone = self.options.lists.get(list).map(|list| list.zone.clone());
            self.outputs.push_back(Output::News(News::ListsEverything(zone.unwrap_or_default())));
        } else {
            // A list that said nothing to this is believed for now: it answered just before.
            for hit in hits {
                self.accept(id, hit);
            }
        }
    }

    /// A hit counts; the list is asked why.
    fn accept(&mut self, id: u64, hit: Hit) {
        let zone = self.options.lists.get(hit.list).map(|list| list.zone.to_string());
        let Some(flight) = self.flights.get_mut(&id) else { return };
        flight.categories = flight.categories.union(hit.categories);
        if let Some(ttl_s) = hit.ttl_s {
            flight.ttl = flight.ttl.min(Duration::from_secs(u64::from(ttl_s)));
        }
        if flight.sources.iter().all(|(list, _)| *list != hit.list) {
            flight.sources.push((hit.list, zone.unwrap_or_default()));
            self.look_up(id, hit.list, What::Reason, (hit.name, dns::Kind::Txt));
        }
    }

    fn ask_lists(&mut self, id: u64, now: Instant) {
        let Some(flight) = self.flights.get(&id) else { return };
        let question = flight.question.clone();
        for list in 0..self.lists.len() {
            let Some(asked) = self.options.lists.get(list) else { continue };
            let names = names::names(asked, &question);
            let Some(state) = self.lists.get_mut(list).filter(|_| !names.is_empty()) else {
                continue;
            };
            if matches!(state.health, Health::ListsEverything { until } if now < until)
                || !state.breaker.may_ask(now)
            {
                self.fail(id, NoAnswer::Broken);
                continue;
            }
            for (kind, name) in names {
                self.look_up(id, list, What::Listed(kind, name.clone()), (name, dns::Kind::A));
            }
        }
    }

    fn ask_service(&mut self, id: u64, now: Instant) {
        if self.options.service.is_none() {
            return;
        }
        if !self.service.may_ask(now) {
            self.fail(id, NoAnswer::Broken);
            return;
        }
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.open = flight.open.saturating_add(1);
            self.queue.push_back(id);
        }
        self.pump(now);
    }

    /// Sends what waits for the service, as long as it may be asked: while batches are out, questions collect.
    fn pump(&mut self, now: Instant) {
        let Some(options) = &self.options.service else { return };
        while self.batches.len() < BATCHES_MAX && !self.queue.is_empty() {
            let count = self.queue.len().min(BATCH_MAX);
            let ids: Vec<u64> = self.queue.drain(..count).collect();
            let asked: Vec<_> = ids.iter().filter_map(|id| self.flights.get(id)).collect();
            // Whoever is queued has not been answered, so the places in both lists are the same.
            debug_assert_eq!(asked.len(), ids.len());
            let questions: Vec<&Question> = asked.iter().map(|flight| &flight.question).collect();
            let body = service::request(&questions, options);
            let end = asked.iter().map(|flight| flight.end).max().unwrap_or(now);
            self.last_id = self.last_id.saturating_add(1);
            let id = self.last_id;
            self.batches.insert(id, ids);
            self.outputs.push_back(Output::Batch { id, body, end });
        }
    }

    fn look_up(&mut self, id: u64, list: usize, what: What, (name, kind): (Name, dns::Kind)) {
        let Some(flight) = self.flights.get_mut(&id) else { return };
        flight.open = flight.open.saturating_add(1);
        let end = flight.end;
        self.last_id = self.last_id.saturating_add(1);
        let lookup = self.last_id;
        self.lookups.insert(lookup, Pending { flight: id, list, what });
        self.outputs.push_back(Output::Lookup { id: lookup, name, kind, end });
    }

    /// Answers those who wait for a flight, if everything is in.
    fn settle(&mut self, id: u64, now: Instant) {
        if self.flights.get(&id).is_none_or(|flight| flight.open > 0) {
            return;
        }
        let Some(flight) = self.flights.remove(&id) else { return };
        self.keys.remove(&flight.key);
        self.askers = self.askers.saturating_sub(flight.askers.len());
        let (answer, time) = if !flight.categories.is_empty() {
            // Part of the truth is kept for a short time only.
            let time =
                if flight.failed.is_none() { flight.ttl } else { flight.ttl.min(PARTLY_TIME) };
            (Answer::Categories(flight.categories), Some(time.max(TIME_MIN)))
        } else if let Some(why) = flight.failed {
            (Answer::NoAnswer(why), None)
        } else {
            (Answer::Unknown, Some(self.options.negative_time))
        };
        let sources: Vec<String> = flight.sources.into_iter().map(|(_, source)| source).collect();
        let opinion = Opinion {
            answer,
            source: Arc::from(sources.join("; ")),
            until: time.and_then(|time| now.checked_add(time)),
        };
        self.cache.put(&flight.key, &opinion, now);
        for asker in flight.askers {
            self.outputs.push_back(Output::Answer { asker, opinion: opinion.clone() });
        }
    }

    fn fail(&mut self, id: u64, why: NoAnswer) {
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.fail(why);
        }
    }

    /// Counts an answer or a failure of a list.
    fn count(&mut self, list: usize, answered: bool, now: Instant) {
        let Some(state) = self.lists.get_mut(list) else { return };
        let changed = if answered { state.breaker.succeeded() } else { state.breaker.failed(now) };
        let zone = self.options.lists.get(list).map(|list| list.zone.clone());
        self.tell(changed, &zone.unwrap_or_default());
    }

    fn tell(&mut self, changed: Option<Change>, service: &str) {
        self.outputs.extend(changed.map(|changed| {
            Output::News(match changed {
                Change::Opened => News::Down(service.into()),
                Change::Closed => News::Back(service.into()),
            })
        }));
    }

    const fn fresh_id(&mut self) -> u64 {
        self.last_id = self.last_id.saturating_add(1);
        self.last_id
    }
}

impl<T> Flight<T> {
    /// The first reason is the one that is told.
    fn fail(&mut self, why: NoAnswer) {
        self.failed.get_or_insert(why);
    }
}

/// How the HTTPS service is called in sources and in the log.
const SERVICE: &str = "Service";

/// Questions that are asked at once.
pub const FLIGHTS_MAX: usize = 512;

/// Who waits for them at most.
pub const ASKERS_MAX: usize = 4096;

/// Lookups that are out before new questions are turned away. Each is a socket.
pub const LOOKUPS_MAX: usize = 1024;

/// Documents that are with the service at once.
pub const BATCHES_MAX: usize = 2;

/// How long it counts that a list does not list everything, or does.
const PROOF_TIME: Duration = Duration::from_secs(3600);

/// How long an answer is kept of which a part is missing.
const PARTLY_TIME: Duration = Duration::from_secs(30);

/// Every answer is good for a page with its parts.
const TIME_MIN: Duration = Duration::from_secs(1);
