//! Whether clients are who they claim to be: the edge around [`credentials`](crate::adaptation::credentials).
//!
//! A comparison costs tens of milliseconds on purpose, so a side thread makes it, and what came of it is remembered
//! by the shard.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::adaptation::credentials::{Asked, Desk, Passwords};
use crate::icap::{Claim, ClaimAnswer};

use super::clock;
use super::executor::pause;
use super::shard::Live;
use super::side::SideThreads;

/// What one shard knows about clients.
pub(super) struct Claims {
    start: Instant,
    desk: RefCell<(Arc<Passwords>, Desk)>,
}

impl Claims {
    /// Nothing is known yet.
    pub(super) fn new(live: &Live) -> Self {
        let desk = (Arc::clone(&live.passwords), Desk::new(0));
        Self { start: clock::now(), desk: RefCell::new(desk) }
    }

    /// Whether a claim is true: at once where that is known.
    pub(super) async fn answer(
        &self,
        claim: &Claim,
        live: &Live,
        side: &SideThreads,
    ) -> ClaimAnswer {
        for look in 0..LOOKS_MAX {
            match self.ask(&claim.digest, live) {
                Asked::Known(answer) => return answer,
                Asked::TooMany => return ClaimAnswer::Wrong,
                Asked::Wait => pause(LOOK_AFTER * (1 + look / 8).min(20)).await,
                Asked::Verify => {
                    let passwords = Arc::clone(&live.passwords);
                    let (name, password) = (claim.name.clone(), claim.password.clone());
                    let found = side.run(move || passwords.verify(&name, &password)).await;
                    let answer = found.ok().map(|is_right| {
                        if is_right { ClaimAnswer::Right } else { ClaimAnswer::Wrong }
                    });
                    self.tell(&live.passwords, &claim.digest, answer);
                    return answer.unwrap_or(ClaimAnswer::Wrong);
                }
            }
        }
        ClaimAnswer::Wrong
    }

    /// What came of a comparison with these passwords, if they are still those in force.
    fn tell(&self, passwords: &Arc<Passwords>, digest: &[u8; 32], answer: Option<ClaimAnswer>) {
        let mut desk = self.desk.borrow_mut();
        if Arc::ptr_eq(&desk.0, passwords) || *desk.0 == **passwords {
            desk.1.found(digest, answer);
        }
    }

    fn ask(&self, digest: &[u8; 32], live: &Live) -> Asked {
        let now_us = clock::now().saturating_duration_since(self.start).as_micros();
        let now_us = u64::try_from(now_us).unwrap_or(u64::MAX);
        let mut desk = self.desk.borrow_mut();
        if !Arc::ptr_eq(&desk.0, &live.passwords) && *desk.0 != *live.passwords {
            // What was right may be so no longer.
            *desk = (Arc::clone(&live.passwords), Desk::new(now_us));
        }
        desk.1.ask(digest, now_us)
    }
}

/// How long to wait at first where somebody else finds out, or too many do; twenty times as long in the end.
const LOOK_AFTER: Duration = Duration::from_millis(10);

/// Looks after which the client is told that it is not right: about half a minute.
const LOOKS_MAX: u32 = 230;
