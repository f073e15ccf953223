//! The porter: one thread that knows every connection, who waits for what, and until when.
//!
//! It accepts, waits for sockets with epoll, and hands a connection to the workers when something can be
//! done. It does nothing that takes time.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use crate::observe::Event;

use super::conversation::Conversation;
use super::sockets::Listener;
use super::workers::{Done, Work};
use super::{Back, DRAIN_TIME, Shared, Wait};
use crate::runtime::clock;

/// The thread's belongings.
pub(super) struct Porter {
    shared: Arc<Shared>,
    epoll: OwnedFd,
    listeners: Vec<Listener>,
    /// Whether epoll watches the listeners.
    is_accepting: bool,
    /// When to listen again after the system refused an accept.
    accept_again: Option<Instant>,
    /// Whether the limit was told about.
    is_full_told: bool,
    news: Receiver<Back>,
    seats: BTreeMap<u64, Seat>,
    deadlines: BTreeSet<(Instant, u64)>,
    connections_max: usize,
    opened: u64,
    drain_until: Option<Instant>,
    cut_off: Arc<AtomicUsize>,
}

/// Where a connection is.
enum Seat {
    /// With the workers; results of its jobs wait here.
    Away(Vec<Done>),
    /// Here, until something happens or the time comes.
    Here(Box<Conversation>, Option<Instant>),
}

impl Porter {
    pub(super) fn new(
        shared: Arc<Shared>,
        listeners: Vec<Listener>,
        news: Receiver<Back>,
        connections_max: usize,
        cut_off: Arc<AtomicUsize>,
    ) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &shared.wake, EventData::new_u64(WAKE), EventFlags::IN)?;
        let mut porter = Self {
            shared,
            epoll,
            listeners,
            is_accepting: false,
            accept_again: None,
            is_full_told: false,
            news,
            seats: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            connections_max: connections_max.max(1),
            opened: FIRST_TOKEN,
            drain_until: None,
            cut_off,
        };
        porter.listen()?;
        Ok(porter)
    }

    /// Works until the service has drained.
    pub(super) fn run(mut self) {
        let mut room = vec![MaybeUninit::<epoll::Event>::uninit(); EVENTS_MAX];
        loop {
            let timeout = self.timeout();
            let events = match epoll::wait(&self.epoll, &mut room[..], timeout.as_ref()) {
                Ok((events, _)) => &*events,
                // A signal; nothing has happened here.
                Err(_interrupted) => &[],
            };
            for event in events {
                match event.data.u64() {
                    WAKE => self.shared.wake.hush(),
                    listener if listener < FIRST_TOKEN => self.accept(listener),
                    token => {
                        let gone = EventFlags::HUP | EventFlags::ERR;
                        let flags = event.flags;
                        self.wake(token, flags.intersects(gone));
                    }
                }
            }
            while let Ok(back) = self.news.try_recv() {
                self.hear(back);
            }
            self.look_at_the_clock();
            if self.is_drained() {
                break;
            }
        }
        self.cut_off.fetch_add(self.seats.len(), Ordering::Relaxed);
        for _thread in 0..self.shared.slots.count() {
            self.shared.submit(Work::End);
        }
    }

    /// How long there is nothing to do unless something happens.
    fn timeout(&self) -> Option<Timespec> {
        let first = self.deadlines.first().map(|(deadline, _)| *deadline);
        let next = [first, self.accept_again, self.drain_until].into_iter().flatten().min()?;
        // Rounded up: a deadline must have passed when it is looked at.
        let time = next.saturating_duration_since(clock::now()) + Duration::from_millis(1);
        Timespec::try_from(time).ok()
    }

    fn accept(&mut self, listener: u64) {
        let index = usize::try_from(listener.saturating_sub(FIRST_LISTENER)).unwrap_or(usize::MAX);
        for _one in 0..ACCEPTS_MAX {
            if self.drain_until.is_some() || self.seats.len() >= self.connections_max {
                return self.pause();
            }
            let Some(accepted) = self.listeners.get(index).map(Listener::accept) else { return };
            match accepted {
                Ok(stream) => {
                    self.opened += 1;
                    let live = self.shared.publisher.current();
                    let conversation = Box::new(Conversation::new(self.opened, stream, &live));
                    self.seats.insert(self.opened, Seat::Away(Vec::new()));
                    self.shared.submit(Work::Turn(conversation));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The client went away before it was its turn.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_refused) => {
                    // Descriptors are used up, most likely: without a pause this would spin.
                    self.accept_again = clock::now().checked_add(ACCEPT_PAUSE);
                    return self.pause();
                }
            }
        }
    }

    /// Lets new connections wait in the kernel.
    fn pause(&mut self) {
        if self.is_accepting {
            self.is_accepting = false;
            for listener in &self.listeners {
                let _ignored = epoll::delete(&self.epoll, listener);
            }
        }
        let connections = self.seats.len();
        if connections >= self.connections_max && !self.is_full_told {
            self.is_full_told = true;
            self.shared.journal.write(Event::ClamdFull { connections });
        }
    }

    /// Takes new connections.
    fn listen(&mut self) -> Result<(), Errno> {
        for (listener, token) in self.listeners.iter().zip(FIRST_LISTENER..) {
            epoll::add(&self.epoll, listener, EventData::new_u64(token), EventFlags::IN)?;
        }
        self.is_accepting = true;
        Ok(())
    }

    fn hear(&mut self, back: Back) {
        match back {
            Back::Parked(conversation, wait) => self.park(conversation, wait),
            Back::Closed(token) => self.forget(token),
            Back::Done(done) => match self.seats.get_mut(&done.connection) {
                Some(Seat::Away(results)) => results.push(done),
                Some(Seat::Here(conversation, _)) => {
                    let token = done.connection;
                    conversation.add_result(done);
                    self.wake(token, false);
                }
                None => {}
            },
        }
    }

    fn park(&mut self, mut conversation: Box<Conversation>, wait: Wait) {
        let token = conversation.token();
        if let Some(Seat::Away(results)) = self.seats.get_mut(&token)
            && !results.is_empty()
        {
            for done in results.drain(..) {
                conversation.add_result(done);
            }
            return self.shared.submit(Work::Turn(conversation));
        }
        let is_unwanted = self.drain_until.is_some() && conversation.is_idle();
        let interest = match wait {
            Wait::Read => EventFlags::IN,
            Wait::Write => EventFlags::OUT,
            Wait::Jobs => EventFlags::empty(),
        };
        let (data, flags) = (EventData::new_u64(token), interest | EventFlags::ONESHOT);
        let watched = match epoll::modify(&self.epoll, &*conversation, data, flags) {
            // It waits for the first time.
            Err(Errno::NOENT) => epoll::add(&self.epoll, &*conversation, data, flags),
            watched => watched,
        };
        if watched.is_err() || is_unwanted {
            drop(conversation);
            return self.forget(token);
        }
        let deadline = conversation.deadline();
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, token));
        }
        self.seats.insert(token, Seat::Here(conversation, deadline));
    }

    /// A connection has something to do.
    fn wake(&mut self, token: u64, is_gone: bool) {
        let Some(seat) = self.seats.get_mut(&token) else { return };
        if let Seat::Here(..) = seat
            && let Seat::Here(mut conversation, deadline) =
                std::mem::replace(seat, Seat::Away(Vec::new()))
        {
            if let Some(deadline) = deadline {
                self.deadlines.remove(&(deadline, token));
            }
            conversation.is_hung_up |= is_gone;
            self.shared.submit(Work::Turn(conversation));
        }
    }

    fn forget(&mut self, token: u64) {
        self.seats.remove(&token);
        let has_room = self.seats.len() < self.connections_max;
        if has_room && self.accept_again.is_none() {
            self.resume();
        }
    }

    fn resume(&mut self) {
        if !self.is_accepting && self.drain_until.is_none() {
            self.is_full_told = false;
            if self.listen().is_err() {
                // As with a refused accept: the system has no memory for it now.
                self.accept_again = clock::now().checked_add(ACCEPT_PAUSE);
            }
        }
    }

    fn look_at_the_clock(&mut self) {
        let now = clock::now();
        while let Some((deadline, token)) = self.deadlines.first().copied()
            && deadline <= now
        {
            self.deadlines.remove(&(deadline, token));
            self.wake(token, false);
        }
        if self.accept_again.is_some_and(|again| again <= now) {
            self.accept_again = None;
            if self.seats.len() < self.connections_max {
                self.resume();
            }
        }
        if self.drain_until.is_none() && self.shared.draining.load(Ordering::Relaxed) {
            self.drain_until = now.checked_add(DRAIN_TIME);
            self.pause();
            // Who connects from now on is told by the system that nobody is there.
            self.listeners.clear();
            let idle: Vec<u64> = self
                .seats
                .iter()
                .filter(|(_, seat)| is_idle(seat))
                .map(|(token, _)| *token)
                .collect();
            for token in idle {
                self.forget(token);
            }
        }
    }

    fn is_drained(&self) -> bool {
        let is_over = |until: Instant| self.seats.is_empty() || clock::now() >= until;
        self.drain_until.is_some_and(is_over)
    }
}

fn is_idle(seat: &Seat) -> bool {
    matches!(seat, Seat::Here(conversation, _) if conversation.is_idle())
}

/// What epoll calls the bell.
const WAKE: u64 = 0;
/// What it calls the first listener; the others follow.
const FIRST_LISTENER: u64 = 1;
/// What it calls connections: larger than any listener.
pub(super) const FIRST_TOKEN: u64 = 1 << 32;

/// Events taken at a time.
const EVENTS_MAX: usize = 256;
/// Connections accepted before something else is looked at.
const ACCEPTS_MAX: usize = 64;
/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
