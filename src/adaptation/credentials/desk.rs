//! What is known about credentials already, and how often something new is found out: one desk for each shard.
//!
//! It holds SHA-256 digests, never a password. What was wrong lies apart from what was right, so a flood of wrong
//! passwords pushes out only its like. While the flood lasts, whoever is known stays known; who comes anew may
//! be told that he is not.

use crate::icap::ClaimAnswer;

/// The desk of one shard.
#[derive(Debug)]
pub struct Desk {
    accepted: Ring,
    refused: Ring,
    /// What is being found out, and since when, in microseconds.
    asked: Vec<(Digest, u64)>,
    /// Comparisons that may be begun now, in millionths.
    credit: u64,
    at_us: u64,
}

/// What becomes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It was found out before.
    Known(ClaimAnswer),
    /// Find it out by [`super::Passwords::verify`], and tell [`Desk::found`], whatever comes of it.
    Verify,
    /// It is being found out, or too much else is: ask again in a few milliseconds.
    Wait,
    /// Too much had to be found out in the last second: answer as if it were wrong.
    TooMany,
}

type Digest = [u8; 32];

/// The last digests of one kind.
#[derive(Debug)]
struct Ring {
    digests: Vec<Digest>,
    max: usize,
    next: usize,
}

impl Ring {
    fn new(max: usize) -> Self {
        Self { digests: Vec::with_capacity(max), max, next: 0 }
    }

    /// Looks at every byte of every digest: its time tells nothing.
    fn has(&self, digest: &Digest) -> bool {
        let found = self.digests.iter().fold(0_u8, |found, known| {
            let pairs = known.iter().zip(digest);
            let differs = pairs.fold(0, |all, (left, right)| all | (left ^ right));
            found | u8::from(std::hint::black_box(differs) == 0)
        });
        found != 0
    }

    fn add(&mut self, digest: Digest) {
        if self.has(&digest) {
            return;
        }
        match self.digests.get_mut(self.next) {
            Some(oldest) => *oldest = digest,
            None => self.digests.push(digest),
        }
        self.next = self.next.saturating_add(1).checked_rem(self.max).unwrap_or_default();
    }
}

impl Desk {
    /// Nothing is known yet. Make a new one when the file of passwords changes: what was right may be so no
    /// longer.
    #[must_use]
    pub fn new(now_us: u64) -> Self {
        Self {
            accepted: Ring::new(ACCEPTED_MAX),
            refused: Ring::new(REFUSED_MAX),
            asked: Vec::with_capacity(AT_ONCE_MAX),
            credit: BURST.saturating_mul(MILLION),
            at_us: now_us,
        }
    }

    /// A client claims something with this digest. `now_us`: microseconds from any beginning.
    pub fn ask(&mut self, digest: &Digest, now_us: u64) -> Asked {
        self.earn(now_us);
        if self.accepted.has(digest) {
            return Asked::Known(ClaimAnswer::Right);
        }
        if self.refused.has(digest) {
            return Asked::Known(ClaimAnswer::Wrong);
        }
        self.asked.retain(|(_, since)| now_us.saturating_sub(*since) < VERIFY_US_MAX);
        let is_asked = self.asked.iter().any(|(known, _)| known == digest);
        if is_asked || self.asked.len() >= AT_ONCE_MAX {
            return Asked::Wait;
        }
        let Some(credit) = self.credit.checked_sub(MILLION) else { return Asked::TooMany };
        self.credit = credit;
        self.asked.push((*digest, now_us));
        Asked::Verify
    }

    /// What came of [`Asked::Verify`]; `None`: it could not be found out, and is not remembered.
    pub fn found(&mut self, digest: &Digest, answer: Option<ClaimAnswer>) {
        self.asked.retain(|(known, _)| known != digest);
        match answer {
            Some(ClaimAnswer::Right) => self.accepted.add(*digest),
            Some(ClaimAnswer::Wrong) => self.refused.add(*digest),
            None => {}
        }
    }

    fn earn(&mut self, now_us: u64) {
        let earned = now_us.saturating_sub(self.at_us).saturating_mul(PER_SECOND);
        self.credit = self.credit.saturating_add(earned).min(BURST.saturating_mul(MILLION));
        self.at_us = self.at_us.max(now_us);
    }
}

/// Credentials remembered as right. More clients than this are found out anew now and then. Costs 32 bytes each.
pub const ACCEPTED_MAX: usize = 256;

/// Credentials remembered as wrong. Costs 32 bytes each.
pub const REFUSED_MAX: usize = 1024;

/// Comparisons at once for one shard: each takes 19 MiB.
pub const AT_ONCE_MAX: usize = 2;

/// Comparisons in a second for one shard, on the average. More lets somebody guess faster; fewer makes new clients
/// wait while somebody does.
pub const PER_SECOND: u64 = 5;

/// Comparisons that may follow each other at once, after a time without any.
pub const BURST: u64 = 20;

/// A comparison that takes longer, in microseconds, was lost with its connection, and is begun anew.
pub const VERIFY_US_MAX: u64 = 60_000_000;

const MILLION: u64 = 1_000_000;
