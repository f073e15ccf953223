//! A compiled condition: what it looks at, and the set it looks into.

#![expect(clippy::wildcard_enum_match_arm, reason = "what is not about time is not")]

use regex::bytes::RegexSet;

use super::network::Networks;
use super::week::Week;
use super::words::Words;
use crate::policy::category::Categories;
use crate::policy::facts::Moment;
use crate::policy::mime::Pattern;
use crate::policy::threat::ThreatKinds;

/// A condition of a rule.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Condition {
    pub(in crate::policy) negated: bool,
    pub(in crate::policy) test: Test,
    /// As written, for the explanation.
    pub(in crate::policy) text: Box<str>,
}

/// What a condition looks at.
#[derive(Clone, Debug)]
pub(in crate::policy) enum Test {
    /// One of these directions.
    Direction {
        request: bool,
        response: bool,
    },
    /// A bit for each protocol.
    Protocol(u8),
    /// A bit for each weekday.
    Weekday(u8),
    Week(Week),
    /// Minutes of the day that are later, or earlier, than this one.
    TimeAfter(u16),
    TimeBefore(u16),
    Size(SizeTest),
    Method(Words),
    Client(Networks),
    Server(Networks),
    /// An own set of sites, by its number in the index, and lists of the settings.
    Sites {
        set: Option<u16>,
        lists: Lists,
    },
    User {
        names: Words,
        groups: Members,
    },
    Domain(Words),
    /// Groups by name: those added by rules, the group file's, the directory's.
    Group {
        names: Words,
        groups: Members,
    },
    Type(Box<[Pattern]>),
    Category {
        named: Categories,
        blocked: bool,
    },
    ThreatKind {
        named: ThreatKinds,
        blocked: bool,
    },
    Threat(Words),
    Matches {
        subject: Subject,
        patterns: RegexSet,
    },
}

/// The lists of the settings that a set contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub(in crate::policy) struct Lists {
    pub(in crate::policy) black: bool,
    pub(in crate::policy) white: bool,
    pub(in crate::policy) ads: bool,
}

/// Groups that a set contains.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct Members {
    /// Of the group file, by place, sorted.
    pub(in crate::policy) file: Box<[u32]>,
    /// Of the directory, by name.
    pub(in crate::policy) directory: Words,
    /// Those that rules add, by number.
    pub(in crate::policy) added: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum SizeTest {
    Greater(u64),
    Less(u64),
    Equal(u64),
}

/// What a regular expression is tried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Subject {
    Url,
    Host,
    Method,
    User,
    Domain,
    Type,
    Threat,
}

impl Test {
    /// Cheap tests come first; those that may need an answer from elsewhere last.
    pub(super) const fn cost(&self) -> u8 {
        match self {
            Self::Direction { .. } | Self::Protocol(_) | Self::Weekday(_) => 0,
            Self::Week(_) | Self::TimeAfter(_) | Self::TimeBefore(_) | Self::Size(_) => 1,
            Self::ThreatKind { .. } => 2,
            Self::Sites { .. } => 3,
            Self::Method(_) | Self::Client(_) | Self::Server(_) | Self::Domain(_) => 4,
            Self::User { groups, .. } => {
                if groups.asks() {
                    9
                } else {
                    5
                }
            }
            Self::Type(_) | Self::Threat(_) => 6,
            Self::Matches { .. } => 7,
            Self::Category { .. } => 8,
            Self::Group { .. } => 9,
        }
    }

    pub(in crate::policy) const fn is_of_threat(&self) -> bool {
        match self {
            Self::ThreatKind { .. } | Self::Threat(_) => true,
            Self::Matches { subject, .. } => matches!(subject, Subject::Threat),
            Self::Direction { .. }
            | Self::Protocol(_)
            | Self::Weekday(_)
            | Self::Week(_)
            | Self::TimeAfter(_)
            | Self::TimeBefore(_)
            | Self::Size(_)
            | Self::Method(_)
            | Self::Client(_)
            | Self::Server(_)
            | Self::Sites { .. }
            | Self::User { .. }
            | Self::Domain(_)
            | Self::Group { .. }
            | Self::Type(_)
            | Self::Category { .. } => false,
        }
    }

    /// Whether the groups of a user in a directory matter.
    pub(super) const fn asks_directory(&self) -> bool {
        let asks = matches!(self, Self::User { groups, .. } if groups.asks());
        asks || matches!(self, Self::Group { .. })
    }

    /// Whether the categories of the site matter.
    pub(super) const fn looks_at_category(&self) -> bool {
        matches!(self, Self::Category { .. })
    }

    /// Whether it looks at the address.
    pub(super) const fn looks_at_url(&self) -> bool {
        matches!(
            self,
            Self::Sites { .. }
                | Self::Category { .. }
                | Self::Protocol(_)
                | Self::Matches { subject: Subject::Url | Subject::Host, .. }
        )
    }

    /// Whether it holds at a moment; `None` where it does not look at the clock.
    pub(in crate::policy) fn holds_at(&self, moment: Moment) -> Option<bool> {
        match self {
            Self::Weekday(days) => Some(days & (1 << moment.weekday()) != 0),
            Self::Week(week) => Some(week.has(moment)),
            Self::TimeAfter(minute) => Some(moment.of_day() > *minute),
            Self::TimeBefore(minute) => Some(moment.of_day() < *minute),
            _ => None,
        }
    }

    /// Whether it looks at the clock.
    pub(super) const fn looks_at_time(&self) -> bool {
        matches!(self, Self::Weekday(_) | Self::Week(_) | Self::TimeAfter(_) | Self::TimeBefore(_))
    }
}

impl Members {
    /// Whether a directory has to be asked for some of them.
    pub(super) const fn asks(&self) -> bool {
        !self.directory.is_empty()
    }
}
