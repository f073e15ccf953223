//! The desk's thread: questions in, sockets and batches out, never blocked by either.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};

use crate::observe::{Event, ReputationState};
use crate::policy::reputation::desk::News;
use crate::policy::reputation::{Desk, NoAnswer, Output};

use super::super::clock;
use super::super::journal::Journal;
use super::dns::Sockets;
use super::https::{self, Batch, Outcome};
use super::{Asked, Cloud};

/// What the thread owns.
pub(super) struct Worker {
    desk: Desk<async_channel::Sender<crate::policy::reputation::Opinion>>,
    questions: Receiver<Asked>,
    sockets: Sockets,
    batches: Option<Sender<Batch>>,
    outcomes: Receiver<Outcome>,
    bell: Arc<OwnedFd>,
    journal: Journal,
}

impl Worker {
    /// Starts the threads of the HTTPS service, where there is one.
    pub(super) fn new(
        cloud: &Cloud,
        questions: Receiver<Asked>,
        bell: Arc<OwnedFd>,
        journal: Journal,
    ) -> Result<Self, String> {
        let (outcome, outcomes) = crossbeam_channel::bounded(BATCHES_MAX);
        let batches = match &cloud.service {
            None => None,
            Some(service) => Some(https::start(service, &outcome, &bell)?),
        };
        let sockets = Sockets::new(cloud.servers.clone())
            .map_err(|error| format!("open /dev/urandom: {error}"))?;
        let desk = Desk::new(cloud.options.clone());
        Ok(Self { desk, questions, sockets, batches, outcomes, bell, journal })
    }

    /// Works until nobody can ask any more.
    pub(super) fn run(mut self) {
        loop {
            let now = clock::now();
            self.desk.handle_deadline(now);
            for (id, result) in self.sockets.take_done() {
                self.desk.handle_lookup(id, result, now);
            }
            while let Ok(Outcome { id, result }) = self.outcomes.try_recv() {
                self.desk.handle_batch(id, result, now);
            }
            for _ in 0..QUESTIONS_AT_ONCE {
                match self.questions.try_recv() {
                    Ok(Asked { question, answer }) => {
                        self.desk.handle_question(answer, question, now);
                    }
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            self.carry_out();
            let until = match (self.desk.poll_deadline(), self.sockets.deadline()) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            let is_busy = !self.questions.is_empty() || self.sockets.has_done();
            let now = clock::now();
            let time = until.map_or(IDLE, |until| until.saturating_duration_since(now));
            self.sockets.wait(&self.bell, if is_busy { Duration::ZERO } else { time });
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.desk.poll_output() {
            match output {
                // Whoever asked may be gone.
                Output::Answer { asker, opinion } => drop(asker.try_send(opinion)),
                Output::Lookup { id, name, kind, end } => {
                    self.sockets.ask(id, name, kind, end);
                }
                Output::Batch { id, body, end } => {
                    let batch = Batch { id, body, end };
                    let refused = match &self.batches {
                        None => Some(NoAnswer::Off),
                        Some(batches) => match batches.try_send(batch) {
                            Ok(()) => None,
                            // One that should be over is still with the service.
                            Err(TrySendError::Full(_)) => Some(NoAnswer::Busy),
                            Err(TrySendError::Disconnected(_)) => Some(NoAnswer::Ended),
                        },
                    };
                    if let Some(why) = refused {
                        self.desk.handle_batch(id, Err(why), clock::now());
                    }
                }
                Output::News(news) => {
                    let (service, state) = match news {
                        News::Down(service) => (service, ReputationState::Down),
                        News::Back(service) => (service, ReputationState::Back),
                        News::ListsEverything(zone) => (zone, ReputationState::ListsEverything),
                    };
                    self.journal.write(Event::Reputation { service: service.into(), state });
                }
            }
        }
    }
}

/// Batches and their outcomes under way: as many as the desk sends at once.
pub(super) const BATCHES_MAX: usize = crate::policy::reputation::desk::BATCHES_MAX;

/// Questions taken before the sockets are looked at again.
const QUESTIONS_AT_ONCE: usize = 64;

/// How long nothing may happen before the thread looks around all the same.
const IDLE: Duration = Duration::from_secs(60);
