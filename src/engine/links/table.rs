//! The LINKS section: lists as rows that are looked up in place.
//!
//! ```text
//!   switches, counts ┃ domains ┃ pairs ┃ expressions ┃ digests ┃ texts
//! ```
//!
//! Domains, pairs and digests are sorted; expressions are kept as they were written.

use std::fmt;

use crate::engine::database::LinkOptions;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// What a digest of an address says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(in crate::engine) enum Class {
    /// `S`
    Malware = 0,
    /// `S1`
    Blocked = 1,
    /// `S2`
    Phishing = 2,
    /// `S:W`
    Allowed = 3,
}

impl Class {
    const ALL: [Self; 4] = [Self::Malware, Self::Blocked, Self::Phishing, Self::Allowed];

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| *class as u8 == number)
    }
}

/// What an expression is matched against, and what that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::engine) enum RegexUse {
    /// `R`: a pair that is to be looked at.
    Imitated = 0,
    /// `X`: a pair that is right.
    AllowedPair = 1,
    /// `Y`: a target that is right.
    AllowedReal = 2,
}

impl RegexUse {
    const ALL: [Self; 3] = [Self::Imitated, Self::AllowedPair, Self::AllowedReal];

    fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|one| *one as u32 == number)
    }
}

/// The rows of the lists while they are put together.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct LinkRows {
    /// What is looked at, and for what.
    pub(in crate::engine) options: LinkOptions,
    /// `H`, in lower case.
    pub(in crate::engine) domains: Vec<Box<str>>,
    /// `M`, real and shown, in lower case.
    pub(in crate::engine) pairs: Vec<(Box<str>, Box<str>)>,
    /// `R`, `X` and `Y`.
    pub(in crate::engine) regexes: Vec<(RegexUse, Box<str>)>,
    /// `S`.
    pub(in crate::engine) digests: Vec<([u8; 32], Class)>,
}

/// Where a text lies.
pub(super) type TextBytes = [U32; 2];
/// Use and text.
pub(super) type RegexBytes = [U32; 3];

/// The digest of an address.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct DigestBytes {
    pub(super) digest: [u8; 32],
    class: u8,
}

impl DigestBytes {
    pub(super) fn class(&self) -> Option<Class> {
        Class::from_number(self.class)
    }
}

/// Switches, then the number of each kind of rows.
type Header = [U32; 5];

/// The section, viewed in place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'image> {
    switches: u32,
    pub(super) domains: &'image [TextBytes],
    pub(super) pairs: &'image [[TextBytes; 2]],
    pub(super) regexes: &'image [RegexBytes],
    pub(super) digests: &'image [DigestBytes],
    texts: &'image [u8],
}

/// Which rule of the layout a LINKS section breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinksFault {
    /// It is shorter than its counts say, or has other switches.
    Header,
    /// A text is not one, or rows are not in order.
    Row(&'static str),
}

impl fmt::Display for LinksFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => out.write_str("it is not as long as its header says"),
            Self::Row(list) => write!(out, "the list of {list} is not valid"),
        }
    }
}

impl LinkRows {
    /// Whether there is nothing to look for.
    fn is_empty(&self) -> bool {
        let is_empty = self.domains.is_empty() && self.digests.is_empty();
        is_empty
            && self.regexes.is_empty()
            && self.pairs.is_empty()
            && !self.options.ssl
            && !self.options.cloaked
    }

    /// The bytes of the section; none when there is nothing to look for.
    pub(in crate::engine) fn compile(mut self) -> Vec<u8> {
        if self.is_empty() {
            return Vec::new();
        }
        self.domains.sort_unstable();
        self.domains.dedup();
        self.pairs.sort_unstable();
        self.pairs.dedup();
        self.digests.sort_unstable();
        self.digests.dedup();
        let LinkOptions { in_pages, ssl, cloaked } = self.options;
        let switches = u32::from(in_pages) | u32::from(ssl) << 1 | u32::from(cloaked) << 2;
        let count = |length: usize| U32::new(u32::try_from(length).unwrap_or(u32::MAX));
        let header: Header = [
            U32::new(switches),
            count(self.domains.len()),
            count(self.pairs.len()),
            count(self.regexes.len()),
            count(self.digests.len()),
        ];
        let mut section = header.as_bytes().to_vec();
        let mut texts = Vec::new();
        let mut text = |text: &str| -> TextBytes {
            let row = [count(texts.len()), count(text.len())];
            texts.extend_from_slice(text.as_bytes());
            row
        };
        for domain in &self.domains {
            section.extend_from_slice(text(domain).as_bytes());
        }
        for (real, shown) in &self.pairs {
            section.extend_from_slice([text(real), text(shown)].as_bytes());
        }
        for (purpose, regex) in &self.regexes {
            let [from, length] = text(regex);
            section.extend_from_slice([U32::new(*purpose as u32), from, length].as_bytes());
        }
        for (digest, class) in &self.digests {
            let row = DigestBytes { digest: *digest, class: *class as u8 };
            section.extend_from_slice(row.as_bytes());
        }
        section.extend_from_slice(&texts);
        section
    }
}

impl<'image> Table<'image> {
    /// Views a section that is not empty.
    pub(super) fn open(section: &'image [u8]) -> Option<Self> {
        let (header, rest) = Header::read_from_prefix(section).ok()?;
        let [switches, domains, pairs, regexes, digests] = header.map(U32::get);
        let count = |count: u32| usize::try_from(count).ok();
        let (domains, rest) =
            <[TextBytes]>::ref_from_prefix_with_elems(rest, count(domains)?).ok()?;
        let (pairs, rest) =
            <[[TextBytes; 2]]>::ref_from_prefix_with_elems(rest, count(pairs)?).ok()?;
        let (regexes, rest) =
            <[RegexBytes]>::ref_from_prefix_with_elems(rest, count(regexes)?).ok()?;
        let (digests, texts) =
            <[DigestBytes]>::ref_from_prefix_with_elems(rest, count(digests)?).ok()?;
        (switches < 8).then_some(Self { switches, domains, pairs, regexes, digests, texts })
    }

    pub(super) fn check(&self) -> Result<(), LinksFault> {
        let domains: Option<Vec<&str>> = self.domains.iter().map(|row| self.text(*row)).collect();
        if !domains.is_some_and(|domains| domains.is_sorted()) {
            return Err(LinksFault::Row("domains"));
        }
        let pairs: Option<Vec<_>> = self.pairs.iter().map(|row| self.pair(row)).collect();
        if !pairs.is_some_and(|pairs| pairs.is_sorted()) {
            return Err(LinksFault::Row("pairs"));
        }
        if !(0..self.regexes.len()).all(|index| self.regex(index).is_some()) {
            return Err(LinksFault::Row("expressions"));
        }
        let digests = self.digests.iter().map(|row| row.class().map(|class| (row.digest, class)));
        let digests: Option<Vec<_>> = digests.collect();
        if !digests.is_some_and(|digests| digests.is_sorted()) {
            return Err(LinksFault::Row("digests"));
        }
        Ok(())
    }

    pub(super) fn text(&self, [from, length]: TextBytes) -> Option<&'image str> {
        let from = usize::try_from(from.get()).ok()?;
        let to = from.checked_add(usize::try_from(length.get()).ok()?)?;
        str::from_utf8(self.texts.get(from..to)?).ok()
    }

    pub(super) fn pair(
        &self,
        [real, shown]: &[TextBytes; 2],
    ) -> Option<(&'image str, &'image str)> {
        Some((self.text(*real)?, self.text(*shown)?))
    }

    pub(super) fn regex(&self, index: usize) -> Option<(RegexUse, &'image str)> {
        let [purpose, from, length] = self.regexes.get(index)?;
        Some((RegexUse::from_number(purpose.get())?, self.text([*from, *length])?))
    }

    pub(super) const fn in_pages(&self) -> bool {
        self.switches & 1 != 0
    }

    pub(super) const fn ssl(&self) -> bool {
        self.switches & 2 != 0
    }

    pub(super) const fn cloaked(&self) -> bool {
        self.switches & 4 != 0
    }
}
