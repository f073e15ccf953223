//! A thread that asks: one question after another, servers in order, a connection to each that is kept.
//!
//! Every thread has a desk of its own: the questions about one user always come to the same one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use rustls::ClientConfig;

use crate::observe::{DirectoryState, Event};
use crate::policy::directory::session::filters;
use crate::policy::directory::{Answer, Desk, Failure, FailureKind, Found, Membership};
use crate::policy::reputation::breaker::Change;

use super::super::clock;
use super::super::journal::Journal;
use super::certificate::Doubts;
use super::link::Link;
use super::{Asked, Directory};

/// What the thread owns.
pub(super) struct Asker {
    directory: Directory,
    tls: Option<(Arc<ClientConfig>, Doubts)>,
    desk: Desk,
    journal: Journal,
    /// A place for each server.
    links: Vec<Option<Link>>,
}

impl Asker {
    pub(super) fn new(
        directory: &Directory,
        tls: Option<(Arc<ClientConfig>, Doubts)>,
        desk: Desk,
        journal: Journal,
    ) -> Self {
        let links = directory.options.servers.iter().map(|_| None).collect();
        Self { directory: directory.clone(), tls, desk, journal, links }
    }

    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, questions: &Receiver<Asked>) {
        loop {
            let asked = match self.idle_end() {
                None => questions.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(end) => questions.recv_deadline(end),
            };
            match asked {
                Ok(Asked { user, end, answer }) => {
                    let membership = self.ask(&user, end);
                    // Whoever asked may be gone.
                    drop(answer.try_send(membership));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.close_idle();
        }
        for link in std::mem::take(&mut self.links).into_iter().flatten() {
            link.close(after(FAREWELL));
        }
    }

    /// When the first connection has been idle for too long.
    fn idle_end(&self) -> Option<Instant> {
        let time = self.directory.idle_time?;
        let used = self.links.iter().flatten().map(|link| link.used).min()?;
        used.checked_add(time)
    }

    fn close_idle(&mut self) {
        let Some(time) = self.directory.idle_time else { return };
        let now = clock::now();
        for place in &mut self.links {
            let is_over = |link: &mut Link| now.saturating_duration_since(link.used) >= time;
            if let Some(link) = place.take_if(is_over) {
                link.close(after(FAREWELL));
            }
        }
    }

    /// What the directory says about a user, in time.
    fn ask(&mut self, user: &str, end: Instant) -> Membership {
        let now = clock::now();
        if now >= end {
            return Membership::none(Failure::new(FailureKind::Busy, ""));
        }
        let known = self.desk.known(user, now);
        let membership = known.unwrap_or_else(|| self.ask_servers(user, end));
        if self.directory.debug {
            let dn = match &membership.answer {
                Answer::Groups { dn, .. } => dn,
                Answer::NoUser | Answer::NoAnswer(_) => "",
            };
            let (of_user, of_groups) = filters(&self.directory.options, user, dn);
            let asked = match of_groups.filter(|_| !dn.is_empty()) {
                Some(of_groups) => format!("{of_user}, {of_groups}"),
                None => of_user,
            };
            let answer = membership.to_string();
            self.journal.write(Event::DirectoryAsked { user: user.to_owned(), asked, answer });
        }
        membership
    }

    fn ask_servers(&mut self, user: &str, end: Instant) -> Membership {
        let count = self.links.len();
        let mut kind = FailureKind::LeftAlone;
        let mut said: Vec<String> = Vec::new();
        for server in 0..count {
            let now = clock::now();
            let name = self.directory.options.servers[server].to_string();
            if now >= end {
                kind = FailureKind::Time;
                said.push(format!("{name}: no time is left"));
                continue;
            }
            if !self.desk.may_ask(server, now) {
                said.push(if count == 1 {
                    name
                } else {
                    format!("{name}: {}", FailureKind::LeftAlone)
                });
                continue;
            }
            // Each that may follow gets as much.
            let share = u32::try_from(count - server).unwrap_or(u32::MAX);
            let time = end.saturating_duration_since(now) / share;
            match self.ask_server(server, user, after(time)) {
                Ok(found) => {
                    let change = self.desk.succeeded(server);
                    self.tell(change, &name, "");
                    return self.desk.keep(user, server, found, clock::now());
                }
                Err(why) if !why.kind.is_of_server() => {
                    let change = self.desk.succeeded(server);
                    self.tell(change, &name, "");
                    let detail = format!("{}, says {name}", why.detail);
                    return Membership::none(Failure::new(why.kind, &detail));
                }
                Err(why) => {
                    let change = self.desk.failed(server, clock::now());
                    self.tell(change, &name, &why.to_string());
                    kind = why.kind;
                    // Of one server the kind stands in front of everything.
                    let text = if count == 1 { why.detail.to_string() } else { why.to_string() };
                    let colon = if text.is_empty() { "" } else { ": " };
                    said.push(format!("{name}{colon}{text}"));
                }
            }
        }
        let detail = said.join("; ");
        Membership::none(Failure::new(kind, &detail))
    }

    /// Asks one server: over the connection that is kept, or over a new one.
    fn ask_server(&mut self, server: usize, user: &str, end: Instant) -> Result<Found, Failure> {
        let options = Arc::clone(&self.directory.options);
        let named = &options.servers[server];
        let tls = self.tls.as_ref().map(|(tls, _)| tls);
        if let Some(mut link) = self.links[server].take() {
            match link.ask(user, named, tls, end) {
                // The server may close a connection at any time between two questions.
                Err(why) if why.kind == FailureKind::Connect => {}
                Err(why) if why.kind == FailureKind::Protocol => {}
                result => {
                    keep(&mut self.links[server], link);
                    return result;
                }
            }
        }
        let mut link = Link::open(named, tls, &options, end)?;
        let result = link.ask(user, named, tls, end);
        self.tell_doubts(&named.to_string());
        keep(&mut self.links[server], link);
        result
    }

    fn tell(&self, change: Option<Change>, server: &str, why: &str) {
        let Some(change) = change else { return };
        let (server, why) = (server.to_owned(), why.to_owned());
        let state = match change {
            Change::Opened => DirectoryState::Down { why },
            Change::Closed => DirectoryState::Back,
        };
        self.journal.write(Event::Directory { server, state });
    }

    fn tell_doubts(&self, server: &str) {
        let Some((_, doubts)) = &self.tls else { return };
        if let Some(why) = doubts.swap(None) {
            let state = DirectoryState::Untrusted { why: why.to_string() };
            self.journal.write(Event::Directory { server: server.to_owned(), state });
        }
    }
}

/// Keeps a connection that may be used again.
fn keep(place: &mut Option<Link>, mut link: Link) {
    if link.is_ready() {
        link.used = clock::now();
        *place = Some(link);
    }
}

fn after(time: Duration) -> Instant {
    let now = clock::now();
    now.checked_add(time).unwrap_or(now)
}

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_millis(200);
