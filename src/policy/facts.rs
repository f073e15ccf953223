//! What a decision is made from: the facts about one message, borrowed from wherever they are.
//!
//! What is not known is said so and is in no set: a message without `X-Client-IP` is `not in` every
//! network and `in` none. Two facts come from services that have to be asked, and only when a rule
//! depends on them: the reputation of a site, and the groups of a user in a directory.
//!
//! Absent on purpose: the clock. The edge passes the local weekday and minute in.

use std::net::IpAddr;

use super::category::Categories;
use super::rules::week::{days, minute};
use super::threat::ThreatKind;
use super::url::UrlParts;

/// Everything that a rule can ask about a message before its body is seen.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// The HTTP method; empty where the request is not known.
    pub method: &'a [u8],
    /// The address; `None` where it cannot be read.
    pub url: Option<&'a UrlParts<'a>>,
    /// The address of the user's machine.
    pub client: Option<IpAddr>,
    /// The address of the origin server.
    pub server: Option<IpAddr>,
    /// The user as the proxy names him: `anna`, `anna@example.com` or `EXAMPLE\anna`; empty: not known.
    pub user: &'a str,
    /// The raw `Content-Type` of the head that goes with the body; empty: none.
    pub content_type: &'a [u8],
    /// `Content-Length` in bytes, where the message says it.
    pub size: Option<u64>,
    /// The local time of the week.
    pub moment: Moment,
    /// What the reputation service said.
    pub reputation: Reputation,
    /// What the directory said about the user.
    pub directory: Directory<'a>,
    /// Rules before this place were counted when the same message was decided about without an answer: the place of
    /// [`Asking`](super::Asking); 0: this is the first time.
    pub counted: usize,
}

impl Facts<'_> {
    /// A message of which nothing is known.
    pub const NOTHING: Self = Self {
        direction: Direction::Request,
        method: b"",
        url: None,
        client: None,
        server: None,
        user: "",
        content_type: b"",
        size: None,
        moment: Moment::START,
        reputation: Reputation::Unasked,
        directory: Directory::Unasked,
        counted: 0,
    };
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the user to a server.
    Request,
    /// From a server to the user.
    Response,
}

impl Direction {
    /// The word in rules.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// A minute of the week, in local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u16);

impl Moment {
    /// Monday, 00:00.
    pub const START: Self = Self(0);

    /// The minute `minute` (from 0 to 1439) of the weekday `weekday` (from 0, which is Monday, to 6). What is
    /// beyond wraps.
    #[must_use]
    pub const fn new(weekday: u8, minute: u16) -> Self {
        // At most 6 * 1440 + 1439, which fits.
        Self(
            (weekday as u16 % 7).wrapping_mul(MINUTES_OF_DAY).wrapping_add(minute % MINUTES_OF_DAY),
        )
    }

    /// So many minutes after Monday, 00:00. What is beyond the week wraps.
    #[must_use]
    pub const fn of_minute(minute: u16) -> Self {
        Self(minute % MINUTES_OF_WEEK)
    }

    /// Reads `Mon 09:00`, or a weekday alone, which is its first minute.
    ///
    /// # Errors
    ///
    /// A text for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (day, time) = text.trim().split_once(' ').unwrap_or_else(|| (text.trim(), "00:00"));
        let days = days(day)?;
        let weekday = u8::try_from(days.trailing_zeros()).unwrap_or_default();
        if days.count_ones() != 1 {
            return Err(format!("\"{day}\" is more than one day"));
        }
        let minute = minute(time.trim())?;
        if minute == MINUTES_OF_DAY {
            return Err("a day ends with 23:59".to_owned());
        }
        Ok(Self::new(weekday, minute))
    }

    /// Minutes since Monday, 00:00.
    #[must_use]
    pub const fn of_week(self) -> u16 {
        self.0
    }

    /// Minutes since midnight.
    #[must_use]
    pub const fn of_day(self) -> u16 {
        self.0 % MINUTES_OF_DAY
    }

    /// The weekday: 0 is Monday.
    #[must_use]
    pub const fn weekday(self) -> u16 {
        self.0 / MINUTES_OF_DAY
    }
}

/// What a reputation service said about a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reputation {
    /// It was not asked.
    Unasked,
    /// The site is in these categories.
    Known(Categories),
    /// It knows nothing about the site.
    Unknown,
    /// It did not answer in time.
    NoAnswer,
}

impl Reputation {
    /// The categories that it named.
    #[must_use]
    pub const fn categories(self) -> Categories {
        match self {
            Self::Known(categories) => categories,
            Self::Unasked | Self::Unknown | Self::NoAnswer => Categories::NONE,
        }
    }
}

/// What a directory said about the groups of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directory<'a> {
    /// It was not asked.
    Unasked,
    /// The user's groups.
    Groups(&'a [Box<str>]),
    /// It did not answer in time.
    NoAnswer,
}

/// A threat that a scan found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreatFact<'a> {
    /// Its kind.
    pub kind: ThreatKind,
    /// The signature's name.
    pub name: &'a str,
}

pub(super) const MINUTES_OF_DAY: u16 = 24 * 60;

pub(super) const MINUTES_OF_WEEK: u16 = 7 * MINUTES_OF_DAY;
