//! What reputation services know about addresses.

use std::fmt;

use super::Categories;

/// What the reputation services say about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is in these categories; at least one.
    Categories(Categories),
    /// Every service that was asked answered, and none knows it.
    Unknown,
    /// It could not be asked to the end, and nothing was found before.
    NoAnswer(NoAnswer),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoAnswer {
    /// No service is configured, or `UseCloud` is off.
    Off,
    /// Too many questions are waiting.
    Busy,
    /// No answer came in time.
    Time,
    /// The services failed too often and are left alone for a while.
    Broken,
    /// A service answered with something that is no answer.
    Refused,
    /// The service has ended.
    Ended,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Off => "not asked",
            Self::Busy => "too many questions are waiting",
            Self::Time => "no answer in time",
            Self::Broken => "left alone after failures",
            Self::Refused => "the service refused the question",
            Self::Ended => "the service has ended",
        })
    }
}
