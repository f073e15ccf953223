//! Asking reputation services: the edge around [`policy::reputation`](crate::policy::reputation).
//!
//! ```text
//!   shard ─ front cache ─ Client ── Asked (bounded) ──▶ desk thread: Desk, DNS sockets
//!     ▲                                │ Batch (bounded)  ▲
//!     └────────── Opinion ─────────────┤                  │ bell, results
//!                                      └▶ https threads ──┘
//! ```
//!
//! The threads are no shards and run at a lower priority. A shard never waits longer than `Timeout`, whatever
//! they do; with a full queue it does not wait at all. A reload that changes nothing here keeps the threads
//! and what they know; the threads of old settings end when the last request with those settings has ended.

#![forbid(unsafe_code)]

pub(super) mod configuration;
mod connection;
mod dns;
pub(super) mod https;
mod worker;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Sender;
use futures_lite::FutureExt as _;
use rustix::event::{EventfdFlags, eventfd};

use crate::observe::Level;
use crate::policy::reputation::cache::Cache;
use crate::policy::reputation::{NoAnswer, Opinion, Options, Question};
use crate::settings::address::ServiceUrl;

use super::clock;
use super::executor::pause;
use super::journal::Journal;
use worker::Worker;

/// What is asked, and how, with everything that was read from files.
#[derive(Clone, PartialEq, Eq)]
pub struct Cloud {
    /// What is asked.
    pub options: Options,
    /// Resolvers for block lists.
    pub servers: Vec<SocketAddr>,
    /// The HTTPS service.
    pub service: Option<Service>,
}

/// The HTTPS service.
#[derive(Clone, PartialEq, Eq)]
pub struct Service {
    /// Where it is.
    pub url: ServiceUrl,
    /// The token it wants.
    pub token: Option<String>,
    /// Certificates (PEM) that its own has to be signed by.
    pub roots: Vec<u8>,
}

impl std::fmt::Debug for Cloud {
    /// Without the token.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let service = self.service.as_ref().map(|service| &service.url);
        out.debug_struct("Cloud")
            .field("options", &self.options)
            .field("servers", &self.servers)
            .field("service", &service)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Service {
    /// Without the token.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Service").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A question on its way to the desk.
pub(super) struct Asked {
    question: Question,
    answer: async_channel::Sender<Opinion>,
}

/// Whoever may ask. The threads end when the last one is gone.
pub(super) struct Client {
    cloud: Cloud,
    questions: Option<Sender<Asked>>,
    bell: Arc<OwnedFd>,
}

impl Client {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// What cannot be started, or what is wrong with the certificates, in words.
    pub(super) fn start(cloud: Cloud, journal: &Journal) -> Result<Arc<Self>, String> {
        let failed = |error: std::io::Error| format!("start the reputation threads: {error}");
        let flags = EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC;
        let bell = Arc::new(eventfd(0, flags).map_err(|error| failed(error.into()))?);
        let (questions, asked) = crossbeam_channel::bounded(QUESTIONS_MAX);
        let worker = Worker::new(&cloud, asked, Arc::clone(&bell), journal.clone())?;
        std::thread::Builder::new()
            .name("reputation".to_owned())
            .spawn(move || {
                // Beside the shards, not in their way; where the system refuses it, as they are.
                let _refused = rustix::process::nice(NICE);
                worker.run();
            })
            .map_err(failed)?;
        Ok(Arc::new(Self { cloud, questions: Some(questions), bell }))
    }

    /// Asks, and waits for the desk.
    async fn ask(&self, question: Question) -> Opinion {
        let (answer, waiting) = async_channel::bounded(1);
        let Some(questions) = &self.questions else { return Opinion::none(NoAnswer::Ended) };
        match questions.try_send(Asked { question, answer }) {
            Ok(()) => {}
            Err(crossbeam_channel::TrySendError::Full(_)) => return Opinion::none(NoAnswer::Busy),
            Err(crossbeam_channel::TrySendError::Disconnected(_)) => {
                return Opinion::none(NoAnswer::Ended);
            }
        }
        ring(&self.bell);
        waiting.recv().await.unwrap_or_else(|_closed| Opinion::none(NoAnswer::Ended))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.questions = None;
        ring(&self.bell);
    }
}

/// Wakes the thread that waits for this bell.
pub(super) fn ring(bell: &OwnedFd) {
    // It can only fail because it rings already.
    let _full = rustix::io::write(bell, &1_u64.to_ne_bytes());
}

/// What one shard remembers of answers, so that what everybody asks for costs no way to another thread.
pub(super) struct Front {
    known: RefCell<Known>,
}

struct Known {
    /// Whose answers these are; kept alive, so that no other can have its address.
    client: Option<Arc<Client>>,
    cache: Cache<Opinion>,
}

impl Front {
    pub(super) const fn new() -> Self {
        Self { known: RefCell::new(Known { client: None, cache: Cache::new(FRONT_ENTRIES) }) }
    }

    /// What the services say about a host and path in canonical form, in time.
    pub(super) async fn ask(
        &self,
        client: Option<&Arc<Client>>,
        host: &str,
        path: &str,
    ) -> Opinion {
        let Some(client) = client else {
            // Answers of settings that are gone hold their threads.
            self.forget(None);
            return Opinion::none(NoAnswer::Off);
        };
        // What nobody outside can know is not asked.
        let Some(question) = Question::of(host, path) else { return Opinion::unknown() };
        let key = question.key(client.cloud.options.with_paths());
        self.forget(Some(client));
        if let Some(opinion) = self.known.borrow_mut().cache.get(&key, clock::now()) {
            return opinion;
        }
        let time_max = client.cloud.options.time_max.saturating_add(GRACE);
        let too_late = async {
            pause(time_max).await;
            Opinion::none(NoAnswer::Time)
        };
        let opinion = client.ask(question).or(too_late).await;
        let mut known = self.known.borrow_mut();
        if known.client.as_ref().is_some_and(|current| Arc::ptr_eq(current, client)) {
            known.cache.put(&key, &opinion, clock::now());
        }
        opinion
    }

    /// Forgets the answers of other settings.
    fn forget(&self, client: Option<&Arc<Client>>) {
        let mut known = self.known.borrow_mut();
        let is_same = match (&known.client, client) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !is_same {
            *known = Known { client: client.cloned(), cache: Cache::new(FRONT_ENTRIES) };
        }
    }
}

/// Asks once, outside of the service: what the command line shows.
///
/// # Errors
///
/// As the service's start: threads, certificates.
pub fn ask_once(cloud: Cloud, addresses: &[(String, String)]) -> Result<Vec<Told>, String> {
    let (journal, writer) = Journal::start(Level::Warning).map_err(|error| error.to_string())?;
    let client = Client::start(cloud, &journal)?;
    drop(journal);
    let mut told = Vec::new();
    for (host, path) in addresses {
        let begun = clock::now();
        let (opinion, is_asked) = match Question::of(host, path) {
            Some(question) => (futures_lite::future::block_on(client.ask(question)), true),
            None => (Opinion::unknown(), false),
        };
        told.push(Told { opinion, is_asked, time: begun.elapsed() });
    }
    drop(client);
    writer.finish();
    Ok(told)
}

/// What the services said about one address.
#[derive(Clone, Debug)]
pub struct Told {
    /// What they know.
    pub opinion: Opinion,
    /// Whether they were asked: what nobody outside can know is not.
    pub is_asked: bool,
    /// How long it took.
    pub time: Duration,
}

/// The services in force, for the control thread.
pub(super) struct InForce {
    client: Option<Arc<Client>>,
}

impl InForce {
    pub(super) const fn new() -> Self {
        Self { client: None }
    }

    /// The client for these settings: the one in force, if they are the same.
    ///
    /// # Errors
    ///
    /// As [`Client::start`]; then what was in force stays so.
    pub(super) fn renew(
        &mut self,
        cloud: Option<Cloud>,
        journal: &Journal,
    ) -> Result<Option<Arc<Client>>, String> {
        let is_same = match (&self.client, &cloud) {
            (Some(client), Some(cloud)) => client.cloud == *cloud,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !is_same {
            self.client = cloud.map(|cloud| Client::start(cloud, journal)).transpose()?;
        }
        Ok(self.client.clone())
    }
}

/// Questions on their way to the desk at most; beyond it a request goes on without an answer.
const QUESTIONS_MAX: usize = 1024;

/// Answers that each shard remembers: about 2 MiB.
const FRONT_ENTRIES: usize = 8192;

/// What a shard waits beyond `Timeout`, for the desk to say that it is over.
const GRACE: Duration = Duration::from_millis(50);

/// How much the threads give way.
const NICE: i32 = 5;

#[cfg(test)]
mod tests;
