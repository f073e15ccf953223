//! The contract of the script hook: what a script is told, and what its answer means.
//!
//! A script defines `message_hook(ctx)` and returns `"pass"` or `"block"`. Everything else, an error and a
//! broken limit included, is no answer: then the message counts as unchecked and `BlockUnchecked` decides.
//! The script is asked after the rules, and only about messages that no rule passed or blocked: about
//! requests, and about responses when their heads are known. It never replaces the scan.
//!
//! Absent on purpose: the script itself. The edge runs it.

use std::fmt;

/// What the script said about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HookAnswer {
    /// It goes on.
    Pass,
    /// It is blocked.
    Block,
    /// Neither: an error, another value, or a broken limit.
    Failed,
    /// The script broke its limits too often and is not asked any more.
    Disabled,
}

impl HookAnswer {
    /// The answer that a returned text means.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        match text {
            b"pass" => Self::Pass,
            b"block" => Self::Block,
            _ => Self::Failed,
        }
    }
}

impl fmt::Display for HookAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Pass => "pass",
            Self::Block => "block",
            Self::Failed => "failed",
            Self::Disabled => "switched off",
        })
    }
}

/// Whether there is a script, and what it said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hook {
    /// There is none.
    Absent,
    /// It was not asked yet.
    Unasked,
    /// It was asked.
    Answered(HookAnswer),
}
