//! What may leave of a body before its verdict.
//!
//! ```text
//!   profile ─▶ fragment ─▶ rule ─▶ request ─▶ StreamTypes ─▶ TailTypes ─▶ Release ─▶ TailSize, TrickleDelay
//!   hold       hold        as said  hold      tail, rolling   tail        tail        hold until they begin
//! ```
//!
//! The first that has something to say decides; [`Chosen`] is its name for the log. There are two ways. *Hold*:
//! nothing leaves, and what is blocked becomes a page. *Tail*: what was scanned leaves as it comes, all but the last
//! of the body, which waits for the verdict; what is blocked then ends broken, so that nobody has a whole
//! file. A body that is held can turn to tail when it has become long ([`ReleasePlan::tail_from`]), or
//! trickle when it takes long ([`Trickle`]): both give up the page for somebody who would give up waiting.
//!
//! A rule that says `SET release = Hold` means it: that body is held whatever its size, type and time.
//!
//! A *request* with a body is an upload. It is held: a slow upload is an upload, a broken one may be half
//! a record in somebody's database, and nobody watches its progress. A rule may still say otherwise.
//!
//! A client that is no proxy asks for a verdict about a body that it has ([`Ahead::Never`]): it is never answered
//! ahead, whatever rules say. A piece of an object that will be blocked unless something worse is found in it is
//! held as well: it would only be begun to be broken off.
//!
//! Absent on purpose: buffers and sending, which are the edge's; how large the tail is; what happens to a
//! detection when a part has left (`Released` in [`super::decision`]). None of this is in the ISTag: it
//! says when an answer begins, and a proxy that keeps an answer keeps the same one.

use std::borrow::Cow;
use std::time::Duration;

use super::begin::{Fragment, Message};
use super::{Options, Unchecked};
use crate::icap::Ahead;
use crate::policy::{Direction, Policy, RuledRelease, State};

pub use super::rolling::{Rolling, Windows};
pub use crate::policy::Release as Way;

/// What the administrator decided about bodies that no type and no rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseOptions {
    /// `Release`.
    pub way: Way,
    /// `TailSize`: a longer body is released by tail; `None`: none is for its length.
    pub tail_bytes: Option<u64>,
    /// `TrickleDelay` and `TrickleInterval`; `None`: nothing trickles.
    pub trickle: Option<Trickle>,
}

impl Default for ReleaseOptions {
    /// Held up to 64 MiB and half a minute.
    fn default() -> Self {
        Self {
            way: Way::Hold,
            tail_bytes: Some(64 << 20),
            trickle: Some(Trickle {
                delay: Duration::from_secs(30),
                interval: Duration::from_secs(10),
            }),
        }
    }
}

/// A little of a body that is held for long, so that neither the user nor the programs between give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trickle {
    /// How long a body is held before the first piece.
    pub delay: Duration,
    /// How long it takes from one piece to the next.
    pub interval: Duration,
}

impl Trickle {
    /// How many pieces, of a buffer each, may have left of a body that is held for so long. What leaves has been
    /// scanned, and is never of the tail.
    #[must_use]
    pub fn pieces(&self, held: Duration) -> u64 {
        let Some(over) = held.checked_sub(self.delay) else { return 0 };
        let interval = self.interval.max(INTERVAL_MIN);
        let more = over.as_millis().checked_div(interval.as_millis()).unwrap_or_default();
        u64::try_from(more).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// How long to wait for the next piece after having held for so long: never zero.
    #[must_use]
    pub fn next(&self, held: Duration) -> Duration {
        let interval = self.interval.max(INTERVAL_MIN);
        let left = match u32::try_from(self.pieces(held)) {
            Ok(0) => self.delay.saturating_sub(held),
            Ok(pieces) => {
                self.delay.saturating_add(interval.saturating_mul(pieces)).saturating_sub(held)
            }
            // A body that has been held for centuries.
            Err(_) => interval,
        };
        left.max(INTERVAL_MIN)
    }
}

/// What may leave of one body before its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleasePlan {
    /// How it begins.
    pub way: Way,
    /// The body has no end: it is scanned in windows ([`Rolling`]). Only under [`Way::Tail`].
    pub is_endless: bool,
    /// A body that has become longer than so many bytes turns from hold to tail.
    pub tail_from: Option<u64>,
    /// A body that is held for long trickles.
    pub trickle: Option<Trickle>,
    /// What said so.
    pub chosen: Chosen,
}

/// The step that chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// The client is no proxy.
    Profile,
    /// It is a piece of an object, and those are blocked.
    Fragment,
    /// The rule at this place, counted from 0: `SET release`.
    Rule(u16),
    /// It is an upload.
    Request,
    /// Its type, and that it has no length: `StreamTypes`, or the fields of radio stations.
    StreamTypes,
    /// Its type: `TailTypes`.
    TailTypes,
    /// Its length: `TailSize`.
    TailSize,
    /// The same ended broken a short time ago: `RetryBlockTime`.
    Retry,
    /// Nothing else: `Release`.
    Release,
}

/// Why an answer begins before its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Early {
    /// Its way is tail.
    Way,
    /// The body was held and has become long.
    Grown,
    /// The body has been held for long. Only pieces of it leave.
    Slow,
    /// The proxy stalls (`StallTimeout`).
    Stalled,
}

impl ReleasePlan {
    const HOLD: Self = Self {
        way: Way::Hold,
        is_endless: false,
        tail_from: None,
        trickle: None,
        chosen: Chosen::Release,
    };

    const fn hold(chosen: Chosen) -> Self {
        Self { chosen, ..Self::HOLD }
    }

    const fn tail(chosen: Chosen, is_endless: bool) -> Self {
        Self { way: Way::Tail, is_endless, chosen, ..Self::HOLD }
    }

    /// The same ended broken a short time ago: it is held to its end, and what is blocked becomes a page.
    /// What the client, a rule, or a body without an end demands stays.
    pub const fn hold_back(&mut self) {
        let stays = matches!(self.chosen, Chosen::Profile | Chosen::Rule(_) | Chosen::Fragment);
        if !stays && !self.is_endless {
            *self = Self::hold(Chosen::Retry);
        }
    }

    /// What lets the answer begin, now that so many bytes of the body have arrived, and it has been held for so long;
    /// `None`: nothing leaves yet. What began with [`Early::Slow`] asks again: the body may grow.
    #[must_use]
    pub fn early(&self, body_bytes: u64, held: Duration) -> Option<Early> {
        if self.way == Way::Tail {
            return Some(Early::Way);
        }
        if self.tail_from.is_some_and(|limit| body_bytes > limit) {
            return Some(Early::Grown);
        }
        self.trickle.filter(|trickle| held >= trickle.delay).map(|_| Early::Slow)
    }

    /// The step by which something left before the verdict, for events.
    #[must_use]
    pub fn reason(&self, early: Early) -> Cow<'static, str> {
        match early {
            Early::Way => self.chosen.name(),
            Early::Grown => Chosen::TailSize.name(),
            Early::Slow => "TrickleDelay".into(),
            Early::Stalled => "StallTimeout".into(),
        }
    }
}

impl Chosen {
    /// The name in events: of a setting where it is one.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Rule(place) => {
                return Cow::Owned(format!("rule {}", u32::from(place).saturating_add(1)));
            }
            Self::Profile => "Profile",
            Self::Fragment => "BlockFragments",
            Self::Request => "request",
            Self::StreamTypes => "StreamTypes",
            Self::TailTypes => "TailTypes",
            Self::TailSize => "TailSize",
            Self::Retry => "RetryBlockTime",
            Self::Release => "Release",
        })
    }
}

/// What may leave of a body that is scanned.
pub(super) fn plan(
    message: &Message<'_>,
    state: State,
    fragment: Option<Fragment>,
    policy: &Policy,
    options: &Options,
) -> ReleasePlan {
    if message.ahead == Ahead::Never {
        return ReleasePlan::hold(Chosen::Profile);
    }
    if fragment == Some(Fragment::Judged) && options.fragments == Unchecked::Block {
        return ReleasePlan::hold(Chosen::Fragment);
    }
    let mime = message.content_type.unwrap_or_default();
    let length = message.content_length;
    let is_upload = message.direction == Direction::Request;
    let may_be_endless = !is_upload && length.is_none();
    let is_endless = may_be_endless && (message.is_radio || policy.is_stream_type(mime));
    if let Some(RuledRelease { way, rule }) = state.release {
        // A rule that says Hold means it: no size and no time turns it around.
        return match way {
            Way::Hold => ReleasePlan::hold(Chosen::Rule(rule)),
            Way::Tail => ReleasePlan::tail(Chosen::Rule(rule), is_endless),
        };
    }
    if is_upload {
        return ReleasePlan::hold(Chosen::Request);
    }
    if is_endless {
        return ReleasePlan::tail(Chosen::StreamTypes, true);
    }
    if policy.is_tail_type(mime) {
        return ReleasePlan::tail(Chosen::TailTypes, false);
    }
    let ReleaseOptions { way, tail_bytes, trickle } = options.release;
    if way == Way::Tail {
        return ReleasePlan::tail(Chosen::Release, false);
    }
    // Who says that his body is longer need not be right: then it is over before its tail is.
    if length.zip(tail_bytes).is_some_and(|(length, limit)| length > limit) {
        return ReleasePlan::tail(Chosen::TailSize, false);
    }
    ReleasePlan { tail_from: tail_bytes, trickle, ..ReleasePlan::HOLD }
}

/// Fields of radio stations (Shoutcast, Icecast): any of them says that the body is one.
pub(super) const RADIO_FIELDS: [&str; 4] = ["icy-name", "icy-metaint", "icy-br", "icy-genre"];

/// The settings say a second at least; anything above zero keeps the sums meaningful.
const INTERVAL_MIN: Duration = Duration::from_millis(1);
