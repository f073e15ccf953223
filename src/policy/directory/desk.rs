//! What is known of users, and which servers may be asked: shared by all who ask.

use std::sync::Arc;
use std::time::Instant;

use super::session::Found;
use super::{Answer, Membership, Options};
use crate::policy::reputation::breaker::{Breaker, Change};
use crate::policy::reputation::cache::Cache;

/// Answers that are still good, and the breaker of each server.
#[derive(Debug)]
pub struct Desk {
    options: Arc<Options>,
    cache: Cache<Membership>,
    servers: Vec<Breaker>,
}

impl Desk {
    /// A desk that knows nothing yet.
    #[must_use]
    pub fn new(options: Arc<Options>) -> Self {
        Self {
            cache: Cache::new(options.cache_entries_max),
            servers: vec![Breaker::new(); options.servers.len()],
            options,
        }
    }

    /// What is known of a user. His name counts letter by letter: what stands for one person and what for two
    /// is the directory's to say.
    pub fn known(&mut self, user: &str, now: Instant) -> Option<Membership> {
        let found = self.cache.get(user, now)?;
        Some(Membership { is_cached: true, ..found })
    }

    /// Whether this server may be asked now. Whoever gets a yes says what came of it.
    pub fn may_ask(&mut self, server: usize, now: Instant) -> bool {
        self.servers.get_mut(server).is_some_and(|breaker| breaker.may_ask(now))
    }

    /// The server answered.
    pub fn succeeded(&mut self, server: usize) -> Option<Change> {
        self.servers.get_mut(server)?.succeeded()
    }

    /// The server did not answer.
    pub fn failed(&mut self, server: usize, now: Instant) -> Option<Change> {
        self.servers.get_mut(server)?.failed(now)
    }

    /// Keeps what a server said.
    pub fn keep(&mut self, user: &str, server: usize, found: Found, now: Instant) -> Membership {
        let is_negative = found.groups.is_empty();
        let time = if is_negative { self.options.negative_time } else { self.options.cache_time };
        let server = self.options.servers.get(server).map(ToString::to_string);
        let answer = match found.dn {
            None => Answer::NoUser,
            Some(dn) => Answer::Groups { dn: dn.into(), groups: found.groups.into() },
        };
        let membership = Membership {
            answer,
            server: server.unwrap_or_default().into(),
            until: now.checked_add(time),
            is_cached: false,
        };
        self.cache.put(user, &membership, now);
        membership
    }
}
