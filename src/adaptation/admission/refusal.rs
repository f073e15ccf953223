//! What a refused request is answered.
//!
//! | `OverloadAnswer` | client | answer |
//! | --- | --- | --- |
//! | 503 | most | 503 Service Overloaded; the body is drained within limits, the connection goes on |
//! | 503 | with a third state besides clean and infected (Nextcloud) | 500 with `X-Error-Code` |
//! | Pass | all | the message goes on unchecked, is marked as such, and is an event |
//!
//! To Squid a 503 is a failed transaction: with `bypass=1` the message goes on unchecked while Squid still has all
//! of it, otherwise the user gets an error page; ten failures in a row suspend the service.

use crate::adaptation::{Cause, Decision, Passed};
use crate::engine::verdict::Why;
use crate::icap::{Fault, Unscannable};

/// `OverloadAnswer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverloadAnswer {
    /// 503: the client decides what to do about it.
    Unavailable,
    /// The message goes on unchecked, whatever `BlockUnchecked` says.
    Pass,
}

/// How to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// By [`crate::icap::Connection::answer_fault`].
    Fault(Fault),
    /// As with a scan that said so.
    Decision(Decision),
}

/// The answer to a request that is refused, for a client that is told about unchecked messages in this way.
#[must_use]
pub fn refusal(answer: OverloadAnswer, unscannable: Unscannable) -> Refusal {
    match (answer, unscannable) {
        (OverloadAnswer::Pass, Unscannable::Page | Unscannable::ServerError) => {
            Refusal::Decision(Decision::Unmodified(Passed::Unchecked(Why::Busy)))
        }
        (OverloadAnswer::Unavailable, Unscannable::ServerError) => {
            Refusal::Decision(Decision::Block(Box::new(Cause::Unchecked(Why::Busy))))
        }
        (OverloadAnswer::Unavailable, Unscannable::Page) => Refusal::Fault(Fault::Overloaded),
    }
}
