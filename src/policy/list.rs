//! The lines of a black or white list, as people write them.
//!
//! An entry is a host, which stands for itself and everything below it, or a host with a path, which
//! stands for the addresses that begin with it. `example.com`, `.example.com`, `*.example.com` and
//! `http://example.com:8080/` are the same entry: scheme and port do not limit it. A path has to
//! match up to a border: `example.com/ad` is `…/ad`, `…/ad/x` and `…/ad?x`, but not `…/adventure`.
//! An entry may be an IP address (IPv6 with or without brackets).
//!
//! Absent on purpose: networks (`10.0.0.0/8`), regular expressions, and names with a wildcard inside.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::host::{Host, HostFault};
use super::path::{CanonicalPath, PathScratch, is_border};
use super::table::Key;
use super::url::{Scheme, UrlFault, UrlParts};

/// Entries that were read and found good, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    pub(super) entries: Vec<ListEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListEntry {
    /// The host's sort key.
    pub(super) key: Box<[u8]>,
    /// The canonical path; empty for the whole host.
    pub(super) path: Box<[u8]>,
}

pub use super::path::{PATH_BORDERS_MAX, PATH_BYTES_MAX};

impl List {
    /// Adds one entry.
    ///
    /// # Errors
    ///
    /// [`EntryFault`] says what is wrong with it; the list is then unchanged.
    pub fn add(&mut self, text: &str) -> Result<(), EntryFault> {
        let text = text.trim();
        let text = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
        if text.contains('*') {
            return Err(EntryFault::Wildcard);
        }
        let url = parts_of_entry(text)?;
        let mut scratch = PathScratch::new();
        let path = entry_path(url.path, &mut scratch)?;
        if self.entries.len() >= ENTRIES_MAX {
            return Err(EntryFault::TooMany);
        }
        self.entries
            .push(ListEntry { key: Key::of(&url.host).as_bytes().into(), path: path.into() });
        Ok(())
    }

    /// Adds the lines of a list file: one entry a line, empty lines and those that begin with `#` or
    /// `;` left out. Bad lines are set aside and returned; the others are in.
    pub fn add_file(&mut self, text: &str) -> Vec<LineFault> {
        let mut faults = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Err(fault) = self.add(line) {
                faults.push(LineFault { line: index.saturating_add(1), fault });
                if faults.len() >= LINE_FAULTS_MAX {
                    break;
                }
            }
        }
        faults
    }

    /// Adds the entries of another list.
    pub fn append(&mut self, mut other: Self) {
        self.entries.append(&mut other.entries);
    }

    /// How many entries were added, duplicates included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The address of an entry without its leading wildcard.
pub(super) fn parts_of_entry(text: &str) -> Result<UrlParts<'_>, EntryFault> {
    let behind_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    if behind_scheme.split(['/', '?']).next().is_some_and(|host| host.contains('*')) {
        return Err(EntryFault::Wildcard);
    }
    if is_network(text) {
        return Err(EntryFault::Network);
    }
    parts(text)
}

/// The canonical path of an entry; empty for the whole host, which is also what a lone `/` means: every
/// address of it has at least that path.
pub(super) fn entry_path<'s>(
    raw: &[u8],
    scratch: &'s mut PathScratch,
) -> Result<&'s [u8], EntryFault> {
    let path = CanonicalPath::of(raw, scratch);
    let bytes = path.as_bytes();
    let borders = bytes.iter().filter(|&&byte| is_border(byte)).count();
    if !path.is_complete() || bytes.len() > PATH_BYTES_MAX || borders > PATH_BORDERS_MAX {
        return Err(EntryFault::PathTooLong);
    }
    Ok(if bytes == b"/" { &[] } else { bytes })
}

fn parts(text: &str) -> Result<UrlParts<'_>, EntryFault> {
    if text.contains("://") {
        return UrlParts::strict(b"GET", text.as_bytes(), None).map_err(EntryFault::Url);
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        let host = Host::parse(format!("[{text}]").as_bytes()).map_err(EntryFault::Host)?;
        return Ok(UrlParts { scheme: Scheme::Http, host, port: None, path: b"" });
    }
    let end = text.find(['/', '?']).unwrap_or(text.len());
    let (authority, path) = text.split_at_checked(end).unwrap_or((text, ""));
    let url = UrlParts::strict(b"CONNECT", authority.as_bytes(), None).map_err(EntryFault::Url)?;
    Ok(UrlParts { scheme: Scheme::Http, path: path.as_bytes(), ..url })
}

/// Whether this is an address and a number of bits, which would else be read as a host and a path.
fn is_network(text: &str) -> bool {
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    let is_number = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
    is_number && address.parse::<IpAddr>().is_ok()
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryFault {
    /// It is no address.
    Url(UrlFault),
    /// Its host is none.
    Host(HostFault),
    /// A `*` anywhere but in front.
    Wildcard,
    /// An IP network.
    Network,
    /// The path is longer, or has more parts, than is compared.
    PathTooLong,
    /// The list is full.
    TooMany,
}

impl fmt::Display for EntryFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(fault) => fault.fmt(out),
            Self::Host(fault) => fault.fmt(out),
            Self::Wildcard => out.write_str("a '*' can only stand in front, as in *.example.com"),
            Self::Network => {
                out.write_str("an IP network cannot be listed: list addresses one by one")
            }
            Self::PathTooLong => {
                write!(
                    out,
                    "a path can have {PATH_BYTES_MAX} bytes and {PATH_BORDERS_MAX} parts at most"
                )
            }
            Self::TooMany => write!(out, "a list can have {ENTRIES_MAX} entries at most"),
        }
    }
}

impl std::error::Error for EntryFault {}

/// A line of a list file that was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineFault {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: EntryFault,
}

/// A list in memory: about 60 bytes an entry while it is read, 24 and its text when compiled.
pub const ENTRIES_MAX: usize = 8 << 20;

/// A file that is no list at all is given up after so many bad lines.
pub const LINE_FAULTS_MAX: usize = 1000;
