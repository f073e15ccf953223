//! What the request of a transaction leaves for its response: `SharedHeader`.
//!
//! A proxy that knows about shared names (Squid: `adaptation_masterx_shared_names`) takes this field from the answer
//! to REQMOD and puts it into the ICAP head of the same transaction's RESPMOD. So both have one name in the
//! log, and what rules have changed about the request holds for the response as well.
//!
//! ```text
//!   X-Baleen-Context: 1-2048;9f86d081884c7d65;1.0.40.0.3.0
//!                     id     epoch            state, in hexadecimal
//! ```
//!
//! The *epoch* is the front of the ISTag. The state names rules, groups and plans by their numbers, so it counts only
//! under the policy that it is from. Nothing is read but what is written here, to the letter: anything else, and
//! a field that stands twice, counts as none, and never as a fault.
//!
//! It is trusted as everything in an ICAP head is: who can send one can say `SET scan = No`, as he can leave out the
//! request altogether. Users cannot: the messages that they write are inside. So only proxies may connect
//! (`AllowedClients`, TLS), and clients that are no proxies are neither told nor believed.
//!
//! Absent on purpose: that the address is on the white list. It is found out again.

use std::fmt::Write as _;

use super::decision::Decision;
use crate::icap::{Ahead, Extra, IsTag, Method, Request};
use crate::policy::{Policy, State};

/// What the request of a response has left for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bequest {
    /// The name of the transaction: a shard and a count.
    pub id: (u64, u64),
    /// What rules have changed, where it is from the policy in force.
    pub state: Option<State>,
}

impl Bequest {
    /// Reads what a response comes with in the field `name`.
    #[must_use]
    pub fn of(request: &Request, name: &str, policy: &Policy, istag: &IsTag) -> Option<Self> {
        let may_be = request.method() == Method::Respmod && request.ahead() == Ahead::May;
        let value = request.single_field(name).filter(|_| may_be)?;
        Self::decode(value, policy, istag)
    }

    /// Reads a value. `None` for anything that [`encode`] does not write.
    #[must_use]
    pub fn decode(value: &[u8], policy: &Policy, istag: &IsTag) -> Option<Self> {
        let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= VALUE_BYTES_MAX)?;
        let mut parts = text.split(';');
        let (id, epoch, words) = (parts.next()?, parts.next()?, parts.next()?);
        let (shard, count) = id.split_once('-')?;
        let id = (shard.parse().ok()?, count.parse().ok()?);
        let mut read = words.split('.').map(|word| u64::from_str_radix(word, 16));
        let mut state = [0; State::WORDS];
        for slot in &mut state {
            *slot = read.next()?.ok()?;
        }
        // Signs, zeros in front, capitals, and whatever follows: only one text says it.
        if epoch.len() != IsTag::EPOCH_BYTES || written(id, epoch, &state) != text {
            return None;
        }
        let is_known = epoch == istag.epoch();
        let state = if is_known { Some(policy.state_of(state)?) } else { None };
        Some(Self { id, state })
    }
}

/// The value for a transaction of this name and state.
#[must_use]
pub fn encode(id: (u64, u64), state: &State, istag: &IsTag) -> String {
    written(id, istag.epoch(), &state.words())
}

/// Adds the field to the answer of a request that goes on, where its response can come with it.
pub fn share(
    request: &Request,
    name: &str,
    value: impl FnOnce() -> String,
    decision: &Decision,
    extra: &mut Extra,
) {
    let goes_on = matches!(decision, Decision::Unmodified(_) | Decision::AskForAll);
    if goes_on && request.method() == Method::Reqmod && request.ahead() == Ahead::May {
        extra.field(name, &value());
    }
}

fn written(id: (u64, u64), epoch: &str, words: &[u64; State::WORDS]) -> String {
    let mut text = String::with_capacity(VALUE_BYTES_MAX);
    let (shard, count) = id;
    // Writing to a string cannot fail.
    let _infallible = write!(text, "{shard}-{count};{epoch}");
    for (place, word) in words.iter().enumerate() {
        let _infallible = write!(text, "{}{word:x}", if place == 0 { ';' } else { '.' });
    }
    text
}

/// Two numbers of 20 digits at most, the epoch, and a state at its fullest: 1, 8, 8, 16, 5 and 5 digits.
pub(super) const VALUE_BYTES_MAX: usize = 120;

const _: () = assert!(
    20 + 1 + 20 + 1 + IsTag::EPOCH_BYTES + 1 + (1 + 8 + 8 + 16 + 5 + 5) + (State::WORDS - 1)
        <= VALUE_BYTES_MAX,
    "every value fits"
);
