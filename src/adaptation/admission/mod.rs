//! Admission: which body is scanned now, and which is refused, when there is more to do than can be done.
//!
//! ```text
//!   Asked (who, is it a scan) ┐
//!   Gauges (delay, room)      ├─▶ begin ─┬─ Admit(Ticket) ─▶ … scan … ─▶ done(Ticket, work)
//!   Standing, Clients         ┘          └─ Refuse(Why) ─▶ refusal: 503, 500, or on its way unchecked
//! ```
//!
//! | question | who answers it |
//! | --- | --- |
//! | is a queue only long, or does it stand? | `standing`: the idea of `CoDel` (RFC 8289) |
//! | who uses more than a fair share? | `clients`: scans under way and recent work of each client |
//! | is there room for another body? | memory, spool and `MaxScans`: hard limits |
//! | what is a refused client told? | [`refusal()`] |
//!
//! Order of a decision: no room refuses everybody; while room is scarce or the queue stands, who uses more than a
//! fair share is refused; while the queue stands and nobody does, whatever has waited longer than
//! [`DEADLINE_DELAYS`] times `OverloadDelay` is refused, for its client will hardly wait for it any more. A
//! client that uses less than its share is refused by nothing but the hard limits and, among its equals, by age.
//!
//! One value for each shard. The caller brings time and gauges, so the same calls give the same answers.
//!
//! Absent on purpose: the clock, the queue itself, and OPTIONS: proxies suspend a service whose OPTIONS fails, so
//! it is never refused, and neither is what has no body to scan.

mod clients;
mod refusal;
mod standing;

use std::num::{NonZeroU32, NonZeroU64};

use crate::icap::{self, Method, ServiceKind};

pub use clients::{CLIENTS_MAX, Client, HALF_LIFE_US};
pub use refusal::{OverloadAnswer, Refusal, refusal};
pub use standing::{CEILING_DELAYS, INTERVAL_DELAYS, REMEMBERED_DELAYS};

use clients::Clients;
use standing::Standing;

/// What the administrator decided about overload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// `OverloadAnswer`: what a refused request is answered.
    pub answer: OverloadAnswer,
    /// `OverloadDelay`, in microseconds: how long ready work may wait for the shard. `None`: delay refuses
    /// nobody.
    pub delay_us_max: Option<NonZeroU64>,
    /// `MaxScans`: scans under way on a shard. `None`: only memory limits them.
    pub scans_max: Option<NonZeroU32>,
    /// `FairShare`: whether clients are told from each other.
    pub share: Share,
}

/// Whether clients are told from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Who uses more than a fair share is refused first.
    Fair,
    /// All are alike.
    Alike,
}

impl Default for Options {
    /// 503, 0.1 s, no limit on scans but memory, fair shares.
    fn default() -> Self {
        Self {
            answer: OverloadAnswer::Unavailable,
            delay_us_max: NonZeroU64::new(100_000),
            scans_max: None,
            share: Share::Fair,
        }
    }
}

/// The state of a shard when a request begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Now, in microseconds from any beginning; never smaller than before.
    pub now_us: u64,
    /// How long ready work waited for this shard lately, smoothed, in microseconds.
    pub delay_us: u64,
    /// How long the oldest work waits that is ready now, in microseconds; 0: none does.
    pub oldest_us: u64,
    /// How long this request has waited since it could have begun, in microseconds. Where it is not known: the
    /// smoothed delay.
    pub waited_us: u64,
    /// Receive buffers on loan.
    pub buffers_lent: u64,
    /// Receive buffers that may be on loan. 0: not known, and never refused for.
    pub buffers_max: u64,
    /// Bytes in the spool.
    pub spool_bytes: u64,
    /// Bytes that the spool may hold; 0: there is none.
    pub spool_bytes_max: u64,
    /// Scans under way on this shard: tickets that are out.
    pub scans: u32,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A body is to be received and scanned.
    Scan,
    /// Nothing that overload is about: OPTIONS, no body, or a service that only echoes.
    Nothing,
}

impl Asked {
    /// What this request asks for.
    #[must_use]
    pub fn by(request: &icap::Request) -> Self {
        match (request.method(), request.kind(), request.has_body()) {
            (Method::Reqmod | Method::Respmod, ServiceKind::Scan, true) => Self::Scan,
            (Method::Options, _, _) | (_, ServiceKind::Echo, _) | (_, _, false) => Self::Nothing,
        }
    }
}

/// The answer to a request that wants to begin.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// It begins.
    Admit(Ticket),
    /// It does not.
    Refuse(Why),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// Neither memory nor the spool has room for another body.
    Memory,
    /// `MaxScans` are under way.
    Scans,
    /// Its client uses more than a fair share of a shard that has too much to do.
    Share,
    /// The shard has too much to do, and this request has waited too long already.
    Age,
}

impl Why {
    /// Every reason, for counters.
    pub const ALL: [Self; 4] = [Self::Memory, Self::Scans, Self::Share, Self::Age];

    /// One word, for numbers and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Scans => "scans",
            Self::Share => "share",
            Self::Age => "age",
        }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Memory => "no memory is left for another body",
            Self::Scans => "MaxScans scans are under way",
            Self::Share => "its client uses more than a fair share of a busy shard",
            Self::Age => "it waited too long for a busy shard",
        })
    }
}

/// The right to one scan. Has to be given back by [`Admission::done`], whatever becomes of the scan: the owner is
/// the connection, which has one request at a time and so at most one ticket, and gives it back when it is
/// dropped, too. One that is lost all the same counts against its client until the shard has no scan under way.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a ticket that is not given back counts against its client"]
pub struct Ticket {
    /// The client's place, and the age of the table in which it is one.
    place: Option<(usize, u64)>,
}

impl Ticket {
    /// For what is never refused and never counted.
    const NOTHING: Self = Self { place: None };
}

/// The admission of one shard.
#[derive(Debug)]
pub struct Admission {
    options: Options,
    standing: Standing,
    clients: Clients,
}

/// Whether there is room for another body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Plenty,
    Scarce,
    None(Why),
}

impl Admission {
    /// Allocates everything it will ever need: about 90 KiB. `seed` should be drawn at random: who knows it can
    /// choose addresses that make the table slow.
    #[must_use]
    pub fn new(options: Options, seed: u64) -> Self {
        Self { options, standing: Standing::default(), clients: Clients::new(seed) }
    }

    /// Other options, from now on; what is known about clients stays.
    pub const fn set_options(&mut self, options: Options) {
        self.options = options;
    }

    /// A request of `client` wants to begin.
    pub fn begin(&mut self, asked: Asked, client: Client, gauges: &Gauges) -> Decision {
        if asked == Asked::Nothing {
            return Decision::Admit(Ticket::NOTHING);
        }
        let delay = self.options.delay_us_max.map(NonZeroU64::get);
        let stands = delay.is_some_and(|delay| self.standing.look(delay, gauges));
        if gauges.scans == 0 {
            self.clients.forget_lost();
        }
        let room = self.room(gauges);
        if let Room::None(why) = room {
            return Decision::Refuse(why);
        }
        let place = self.clients.place(client, gauges.now_us);
        let is_pressed = stands || room == Room::Scarce;
        if is_pressed && self.options.share == Share::Fair {
            self.clients.survey(gauges.now_us);
            if self.clients.is_heavy(place, gauges.now_us) {
                return Decision::Refuse(Why::Share);
            }
        }
        let somebody_pays = self.options.share == Share::Fair && self.clients.has_heavy();
        let deadline = delay.map(|delay| delay.saturating_mul(DEADLINE_DELAYS));
        if stands && !somebody_pays && deadline.is_some_and(|most| gauges.waited_us > most) {
            return Decision::Refuse(Why::Age);
        }
        Decision::Admit(Ticket { place: Some(self.clients.begin(place, gauges.now_us)) })
    }

    /// A scan has ended, or will never begin. `work_us`: the time of the shard it took, in microseconds.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket that is given back is gone")]
    pub fn done(&mut self, ticket: Ticket, work_us: u64, now_us: u64) {
        if let Some((place, age)) = ticket.place {
            self.clients.done(place, age, work_us, now_us);
        }
    }

    /// Whether the queue stood when it was looked at last: for numbers.
    #[must_use]
    pub const fn is_overloaded(&self) -> bool {
        self.standing.stands()
    }

    /// Scans under way as tickets count them: for numbers, and to see that none is lost.
    #[must_use]
    pub fn tickets(&self) -> u64 {
        self.clients.under_way()
    }

    fn room(&self, gauges: &Gauges) -> Room {
        let buffers_tight =
            gauges.buffers_max > 0 && gauges.buffers_lent >= scarce_from(gauges.buffers_max);
        let spool_left = gauges.spool_bytes_max.saturating_sub(gauges.spool_bytes);
        let buffers_gone = gauges.buffers_max > 0 && gauges.buffers_lent >= gauges.buffers_max;
        if buffers_gone && spool_left < BODY_BYTES {
            return Room::None(Why::Memory);
        }
        let scans = u64::from(gauges.scans);
        let scans_max = self.options.scans_max.map(|max| u64::from(max.get()));
        if scans_max.is_some_and(|max| scans >= max) {
            return Room::None(Why::Scans);
        }
        let spool_scarce =
            gauges.spool_bytes >= scarce_from(gauges.spool_bytes_max) || spool_left < BODY_BYTES;
        let scans_scarce = scans_max.is_some_and(|max| scans >= scarce_from(max));
        if (buffers_tight && spool_scarce) || scans_scarce { Room::Scarce } else { Room::Plenty }
    }
}

/// Three quarters, where the pool begins to move bodies to the spool: the last one is for light clients.
const fn scarce_from(max: u64) -> u64 {
    max.saturating_sub(max / 4)
}

/// Room for one more body, in bytes: most are smaller, and one that is not finds the limit of its own.
pub const BODY_BYTES: u64 = 1 << 20;

/// How many times `OverloadDelay` a request may have waited while the queue stands. Smaller refuses what would
/// still have been in time; larger serves what nobody waits for.
pub const DEADLINE_DELAYS: u64 = 5;
