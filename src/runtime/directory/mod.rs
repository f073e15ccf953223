//! Asking a directory for groups: the edge around [`policy::directory`](crate::policy::directory).
//!
//! ```text
//!   shard ─ front cache ─ Client ── Asked (bounded) ──▶ asking threads: a desk and a connection each
//!     ▲                                                     │
//!     └────────────────────── Membership ◀──────────────────┘
//! ```
//!
//! The threads are no shards and run at a lower priority. A shard never waits longer than `LdapTimeout`,
//! whatever they do; with a full queue it does not wait at all. A reload that changes nothing here keeps the
//! threads and what they know; the threads of old settings end when the last request with those settings has.

#![forbid(unsafe_code)]

mod asker;
mod certificate;
pub(super) mod configuration;
mod link;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};
use futures_lite::FutureExt as _;

use crate::observe::Level;
use crate::policy::directory::session::filters;
use crate::policy::directory::{Answer, Desk, Failure, FailureKind, Membership, Options, is_name};
use crate::policy::reputation::cache::Cache;
use crate::settings::options::CertificateCheck;

use super::clock;
use super::executor::pause;
use super::journal::Journal;
use asker::Asker;

/// What is asked, and how, with everything that was read from files.
#[derive(Clone, PartialEq, Eq)]
pub struct Directory {
    /// What is asked, the password included.
    pub options: Arc<Options>,
    /// What becomes of a server whose certificate is not trusted.
    pub check: CertificateCheck,
    /// Certificates (PEM) that those of the servers have to be signed by; empty: TLS is not used.
    pub roots: Vec<u8>,
    /// Threads that ask.
    pub connections: usize,
    /// How long an unused connection is kept.
    pub idle_time: Option<Duration>,
    /// Whether every question is logged.
    pub debug: bool,
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Directory").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A question on its way to a thread.
pub(super) struct Asked {
    user: Box<str>,
    end: Instant,
    answer: async_channel::Sender<Membership>,
}

/// Whoever may ask. The threads end when the last one is gone.
pub(super) struct Client {
    directory: Directory,
    /// To each thread; whose questions are about the same users.
    questions: Vec<Sender<Asked>>,
}

impl Client {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// What cannot be started, or what is wrong with the certificates, in words.
    pub(super) fn start(directory: Directory, journal: &Journal) -> Result<Arc<Self>, String> {
        let tls = certificate::tls(&directory)?.map(|(tls, doubts)| (Arc::new(tls), doubts));
        let mut questions = Vec::with_capacity(directory.connections);
        let share = directory.options.cache_entries_max.div_ceil(directory.connections.max(1));
        for number in 0..directory.connections {
            let options =
                Options { cache_entries_max: share, ..Options::clone(&directory.options) };
            let desk = Desk::new(Arc::new(options));
            let asker = Asker::new(&directory, tls.clone(), desk, journal.clone());
            let (question, asked) = crossbeam_channel::bounded(QUESTIONS_MAX);
            questions.push(question);
            std::thread::Builder::new()
                .name(format!("directory-{number}"))
                .spawn(move || {
                    // Beside the shards, not in their way; where the system refuses it, as they are.
                    let _refused = rustix::process::nice(NICE);
                    asker.run(&asked);
                })
                .map_err(|error| format!("start the directory threads: {error}"))?;
        }
        Ok(Arc::new(Self { directory, questions }))
    }

    /// Hands a question to its thread; the answer comes there.
    ///
    /// # Errors
    ///
    /// Why it is not even asked.
    fn send(&self, user: &str) -> Result<async_channel::Receiver<Membership>, FailureKind> {
        // Nobody is called that; what the rules make of it is the same as of a server that is down.
        if !is_name(user) {
            return Err(FailureKind::Name);
        }
        let (answer, waiting) = async_channel::bounded(1);
        let now = clock::now();
        let end = now.checked_add(self.directory.options.time_max).unwrap_or(now);
        let hash = ahash::RandomState::with_seeds(1, 2, 3, 4).hash_one(user);
        let threads = u64::try_from(self.questions.len()).unwrap_or(1).max(1);
        let thread = usize::try_from(hash % threads).unwrap_or_default();
        let questions = self.questions.get(thread).ok_or(FailureKind::Ended)?;
        match questions.try_send(Asked { user: user.into(), end, answer }) {
            Ok(()) => Ok(waiting),
            Err(TrySendError::Full(_)) => Err(FailureKind::Busy),
            Err(TrySendError::Disconnected(_)) => Err(FailureKind::Ended),
        }
    }

    /// Asks, and waits for the answer, but never longer than a question may take.
    async fn ask(&self, user: &str) -> Membership {
        let waiting = match self.send(user) {
            Ok(waiting) => waiting,
            Err(kind) => return none(kind),
        };
        let time_max = self.directory.options.time_max.saturating_add(GRACE);
        let too_late = async {
            pause(time_max).await;
            none(FailureKind::Time)
        };
        let answered = async { waiting.recv().await.unwrap_or_else(|_| none(FailureKind::Ended)) };
        answered.or(too_late).await
    }

    /// Asks from a thread that may wait: as long as questions before this one take, each for its own time.
    pub(super) fn ask_here(&self, user: &str) -> Membership {
        match self.send(user) {
            Ok(waiting) => futures_lite::future::block_on(waiting.recv())
                .unwrap_or_else(|_| none(FailureKind::Ended)),
            Err(kind) => none(kind),
        }
    }
}

fn none(kind: FailureKind) -> Membership {
    Membership::none(Failure::new(kind, ""))
}

/// What one shard remembers, so that a user who is known costs no way to another thread.
pub(super) struct Front {
    known: RefCell<Known>,
}

struct Known {
    /// Whose answers these are; kept alive, so that no other can have its address.
    client: Option<Arc<Client>>,
    cache: Cache<Membership>,
}

impl Front {
    pub(super) const fn new() -> Self {
        Self { known: RefCell::new(Known { client: None, cache: Cache::new(FRONT_ENTRIES) }) }
    }

    /// What the directory says about a user, in time.
    pub(super) async fn ask(&self, client: Option<&Arc<Client>>, user: &str) -> Membership {
        {
            let mut known = self.known.borrow_mut();
            // Answers of other settings are forgotten, and their threads let go.
            if known.client.as_ref().map(Arc::as_ptr) != client.map(Arc::as_ptr) {
                *known = Known { client: client.cloned(), cache: Cache::new(FRONT_ENTRIES) };
            }
            if let Some(membership) = known.cache.get(user, clock::now()) {
                return Membership { is_cached: true, ..membership };
            }
        }
        let Some(client) = client else { return none(FailureKind::Off) };
        let membership = client.ask(user).await;
        let mut known = self.known.borrow_mut();
        if known.client.as_ref().is_some_and(|current| Arc::ptr_eq(current, client)) {
            known.cache.put(user, &membership, clock::now());
        }
        membership
    }
}

/// Asks once, outside of the service: what the command line shows.
///
/// # Errors
///
/// As the service's start: threads, certificates.
pub fn ask_once(directory: Directory, users: &[String]) -> Result<Vec<Told>, String> {
    let (journal, writer) = Journal::start(Level::Warning).map_err(|error| error.to_string())?;
    let options = Arc::clone(&directory.options);
    let client = Client::start(Directory { connections: 1, ..directory }, &journal)?;
    drop(journal);
    let told = users.iter().map(|user| {
        let begun = clock::now();
        let membership = client.ask_here(user);
        let dn = match &membership.answer {
            Answer::Groups { dn, .. } => dn.to_string(),
            Answer::NoUser | Answer::NoAnswer(_) => String::new(),
        };
        let (user_filter, group_filter) = filters(&options, user, &dn);
        let group_filter = group_filter.filter(|_| !dn.is_empty());
        Told { membership, user_filter, group_filter, time: begun.elapsed() }
    });
    let told = told.collect();
    drop(client);
    writer.finish();
    Ok(told)
}

/// What the directory said about one user.
#[derive(Clone, Debug)]
pub struct Told {
    /// What it knows.
    pub membership: Membership,
    /// The filter that was to find the user.
    pub user_filter: String,
    /// The filter that was to find his groups; `None`: none was sent.
    pub group_filter: Option<String>,
    /// How long it took.
    pub time: Duration,
}

/// The directory in force, for the control thread.
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
        directory: Option<Directory>,
        journal: &Journal,
    ) -> Result<Option<Arc<Client>>, String> {
        if self.client.as_ref().map(|client| &client.directory) != directory.as_ref() {
            self.client =
                directory.map(|directory| Client::start(directory, journal)).transpose()?;
        }
        Ok(self.client.clone())
    }
}

/// Questions that wait at most; beyond it a request goes on without an answer.
const QUESTIONS_MAX: usize = 1024;

/// Users that each shard remembers.
const FRONT_ENTRIES: usize = 1024;

/// What a shard waits beyond `LdapTimeout`, for the thread to say why there is no answer.
const GRACE: Duration = Duration::from_millis(50);

/// How much the threads give way.
const NICE: i32 = 5;
