//! What an administrator configures: lists, what their answers mean, times and sizes.
//!
//! A list is written as its zone, what is asked there, and what its answers mean:
//!
//! ```text
//!   dbl.example.org
//!   multi.example.org domains &8=NotRecommended &16=InfectionSource
//!   zen.example.org addresses 127.0.0.2=NotRecommended 127.0.1.0/24=InfectionSource
//! ```
//!
//! | word | asked about |
//! | --- | --- |
//! | `domains` (when nothing is said) | the host's name, and its last three and last two labels |
//! | `hosts` | the host's name as it is |
//! | `addresses` | hosts that are IP addresses, reversed as RFC 5782 section 2 says |
//! | `urls` | SHA-256 of host and path, in base 32 |
//!
//! An answer is an address in 127.0.0.0/8. `127.0.0.2=Category` is for exactly that one, `/24` behind it for
//! a network, `&8=Category` for every answer whose last octet has that bit, `*=Category` for what is left.
//! A list without meanings puts everything it lists into `NotRecommended`.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::NoAnswer;
use crate::policy::{Categories, Category};

/// What services are asked, and how long their answers are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `DnsBlockLists`.
    pub lists: Vec<DnsList>,
    /// `Service`: whether there is one.
    pub service: Option<ServiceOptions>,
    /// `Timeout`: how long a request waits for an answer.
    pub time_max: Duration,
    /// `CacheSize`: answers kept. Costs about 200 bytes each, and as much again for paths.
    pub cache_entries_max: usize,
    /// `CacheTime`: how long an answer with categories is good at most.
    pub cache_time: Duration,
    /// `NegativeCacheTime`: how long it is good that nobody knows an address.
    pub negative_time: Duration,
}

/// What the HTTPS service is asked, and what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceOptions {
    /// `ServicePaths`: whether it learns paths, or hosts only.
    pub with_paths: bool,
    /// `ServiceCategories`: its words, in lower case, besides our own names of categories.
    pub names: Vec<(String, Category)>,
}

impl Options {
    /// Whether answers depend on paths.
    #[must_use]
    pub fn with_paths(&self) -> bool {
        self.service.as_ref().is_some_and(|service| service.with_paths)
            || self.lists.iter().any(|list| list.asks.urls)
    }

    /// Whether there is nobody to ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty() && self.service.is_none()
    }
}

/// A DNS block list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsList {
    /// In lower case.
    pub(super) zone: Box<str>,
    pub(super) asks: Asks,
    meanings: Vec<Meaning>,
}

/// What is asked in a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of words, any of which may be there")]
pub(super) struct Asks {
    pub(super) domains: bool,
    pub(super) hosts: bool,
    pub(super) addresses: bool,
    pub(super) urls: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Meaning {
    of: Of,
    category: Category,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// Bits of the answer, and which of them count.
    Network(u32, u32),
    /// A bit of the last octet.
    Bit(u8),
    /// Every answer that no other meaning fits.
    Rest,
}

impl DnsList {
    /// Its zone, in lower case.
    #[must_use]
    pub const fn zone(&self) -> &str {
        &self.zone
    }

    /// Reads a list as an administrator writes it.
    ///
    /// # Errors
    ///
    /// [`ListFault`] names the word that is wrong.
    pub fn parse(text: &str) -> Result<Self, ListFault> {
        let mut words = text.split_ascii_whitespace();
        let zone = words.next().unwrap_or_default();
        let zone = zone.strip_suffix('.').unwrap_or(zone).to_ascii_lowercase();
        let labels = zone.split('.').all(|label| (1..=63).contains(&label.len()));
        let letters =
            zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !labels || !letters || zone.len() > ZONE_BYTES_MAX {
            return Err(ListFault::Zone(zone.into()));
        }
        let mut list = Self { zone: zone.into(), asks: Asks::default(), meanings: Vec::new() };
        for word in words {
            match word.split_once('=') {
                Some((of, category)) => {
                    let category = Category::named(category)
                        .ok_or_else(|| ListFault::Category(category.into()))?;
                    let of = Of::parse(of).ok_or_else(|| ListFault::Answer(of.into()))?;
                    list.meanings.push(Meaning { of, category });
                }
                None => {
                    let asked = match &*word.to_ascii_lowercase() {
                        "domains" => &mut list.asks.domains,
                        "hosts" => &mut list.asks.hosts,
                        "addresses" => &mut list.asks.addresses,
                        "urls" => &mut list.asks.urls,
                        _ => return Err(ListFault::Word(word.into())),
                    };
                    *asked = true;
                }
            }
        }
        if list.asks == Asks::default() {
            list.asks.domains = true;
        }
        if list.meanings.is_empty() {
            list.meanings.push(Meaning { of: Of::Rest, category: Category::NotRecommended });
        }
        Ok(list)
    }

    /// What the answers of the list mean.
    ///
    /// # Errors
    ///
    /// [`NoAnswer::Refused`] for an answer that no block list gives: outside of 127.0.0.0/8 (whoever
    /// answers is not the list), 127.0.0.1 and 127.255.255.0/24 (how large lists say that they refuse).
    pub(super) fn categories(&self, answers: &[Ipv4Addr]) -> Result<Categories, NoAnswer> {
        let mut found = Categories::NONE;
        for answer in answers {
            let [first, second, third, last] = answer.octets();
            let is_refusal = (second, third) == (255, 255) || *answer == Ipv4Addr::LOCALHOST;
            if first != 127 || is_refusal {
                return Err(NoAnswer::Refused);
            }
            let fits = |meaning: &&Meaning| match meaning.of {
                Of::Network(bits, mask) => answer.to_bits() & mask == bits,
                Of::Bit(bit) => last & bit != 0,
                Of::Rest => false,
            };
            let named = self.meanings.iter().filter(fits).map(|meaning| meaning.category);
            let mut named: Categories = named.collect();
            if named.is_empty() {
                let rest = self.meanings.iter().filter(|meaning| meaning.of == Of::Rest);
                named = rest.map(|meaning| meaning.category).collect();
            }
            found = found.union(named);
        }
        Ok(found)
    }
}

impl Of {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Rest);
        }
        if let Some(bit) = text.strip_prefix('&') {
            let bit = bit.parse::<u8>().ok().filter(|bit| bit.is_power_of_two())?;
            return Some(Self::Bit(bit));
        }
        let (address, length) = text.split_once('/').unwrap_or((text, "32"));
        let address: Ipv4Addr = address.parse().ok()?;
        let length = length.parse::<u32>().ok().filter(|length| (8..=32).contains(length))?;
        let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length))?;
        let bits = address.to_bits();
        (bits & mask == bits && address.is_loopback()).then_some(Self::Network(bits, mask))
    }
}

/// What is wrong with a list as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListFault {
    /// This is no zone.
    Zone(Box<str>),
    /// This is none of the words that say what is asked.
    Word(Box<str>),
    /// This is no answer of a list.
    Answer(Box<str>),
    /// This is no category.
    Category(Box<str>),
}

impl fmt::Display for ListFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone(zone) => write!(out, "\"{zone}\" is no zone of the DNS"),
            Self::Word(word) => write!(
                out,
                "\"{word}\": expected domains, hosts, addresses, urls, or answer=category"
            ),
            Self::Answer(answer) => write!(
                out,
                "\"{answer}\" is no answer of a list: expected 127.a.b.c, 127.a.b.c/length, &bit or *"
            ),
            Self::Category(category) => write!(out, "there is no category \"{category}\""),
        }
    }
}

impl std::error::Error for ListFault {}

/// So that the hash of an address, or a reversed IPv6 address (64 bytes), fits in front of it.
const ZONE_BYTES_MAX: usize = 180;
