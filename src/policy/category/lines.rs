//! Lines of lists, in the forms in which lists are published.
//!
//! | form | line |
//! | --- | --- |
//! | squidGuard, UT1: `domains`, `urls` | a host or an address, with a path or without |
//! | a plain list; a trail file of maltrail | the same, `10.0.0.1:81`, `http://…`, or a path for all hosts |
//! | a hosts file | `0.0.0.0 host host …` |
//! | CSV | one of these in a column: `domain`, `host`, `url`, `ip` by its heading, else the first |
//! | squidGuard, UT1: `expressions` | a regular expression |
//!
//! Behind `#` at the start of a line, or behind a blank, stands a comment. All but expressions are
//! one grammar, so a list may mix them. What would stand for far more than anybody meant is set aside: a
//! name without a dot (a whole top-level domain), a short path for all hosts.

use std::fmt;

use super::database::{PORT_BYTES_MAX, port_text};
use crate::policy::expressions::{ExpressionFault, Expressions};
use crate::policy::host::Host;
use crate::policy::list::{self, EntryFault};
use crate::policy::path::PathScratch;

/// The form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Hosts, addresses, paths: plain lists, squidGuard's `domains` and `urls`, hosts files, trails.
    Sites,
    /// A column of a table.
    Csv,
    /// Regular expressions.
    Expressions,
}

impl Format {
    /// The form of a list by the name of its file; `None` for files beside lists that are none.
    #[must_use]
    pub fn of(file: &str) -> Option<Self> {
        let name = file.to_ascii_lowercase();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        match (&*name, extension) {
            ("expressions", _) => Some(Self::Expressions),
            (_, "csv") => Some(Self::Csv),
            ("usage" | "global_usage" | "readme" | "license" | "copying" | "categories", _)
            | ("very_restrictive_expression" | "mapping.conf", _)
            | (_, "md" | "db" | "gz" | "xz" | "bz2" | "zst" | "zip" | "tar" | "tgz" | "image") => {
                None
            }
            _ if name.starts_with('.') => None,
            _ => Some(Self::Sites),
        }
    }
}

/// What a line is about.
#[derive(Clone, Debug)]
pub(super) enum Key<'l> {
    /// A host or an address.
    Host(Host),
    /// The same with a port: `:` and its digits.
    Port(Host, &'l [u8]),
    /// The same with a canonical path.
    Path(Host, &'l [u8]),
    /// A canonical path, on any host.
    PathAnywhere(&'l [u8]),
    /// A regular expression.
    Expression(&'l str),
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListLine {
    /// It has entries.
    Entries,
    /// It is empty, a comment, a heading, or about the machine itself.
    Skipped,
}

/// Reads the lines of one list.
#[derive(Debug)]
pub(super) struct Reader {
    format: Format,
    /// Of a table; `None` before its first line.
    column: Option<usize>,
    scratch: PathScratch,
}

impl Reader {
    pub(super) const fn new(format: Format) -> Self {
        Self { format, column: None, scratch: PathScratch::new() }
    }

    /// Gives what a line says; or the column, counted from 1, of what is wrong.
    pub(super) fn line(
        &mut self,
        raw: &[u8],
        give: &mut dyn FnMut(Key<'_>),
    ) -> Result<ListLine, (usize, LineFault)> {
        if raw.len() > LINE_BYTES_MAX {
            return Err((1, LineFault::TooLong));
        }
        let text = std::str::from_utf8(raw)
            .map_err(|fault| (fault.valid_up_to().saturating_add(1), LineFault::NoText))?;
        let text = text.trim_start_matches('\u{feff}').trim_end();
        let trimmed = text.trim_start();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            return Ok(ListLine::Skipped);
        }
        let at = text.len().saturating_sub(trimmed.len());
        let placed = |(column, fault): (usize, LineFault)| (column.saturating_add(at), fault);
        match self.format {
            Format::Expressions => {
                Expressions::check(trimmed)
                    .map_err(|fault| placed((fault.column(), LineFault::Expression(fault))))?;
                give(Key::Expression(trimmed));
                Ok(ListLine::Entries)
            }
            Format::Csv => self.row(trimmed, give).map_err(placed),
            Format::Sites => self.words(trimmed, give).map_err(placed),
        }
    }

    /// A line of a table.
    fn row(
        &mut self,
        text: &str,
        give: &mut dyn FnMut(Key<'_>),
    ) -> Result<ListLine, (usize, LineFault)> {
        let column = match self.column {
            Some(column) => column,
            None => {
                let named = cells(text).position(|(_, cell)| {
                    HEADINGS.iter().any(|heading| cell.eq_ignore_ascii_case(heading))
                });
                self.column = Some(named.unwrap_or(0));
                if named.is_some() {
                    return Ok(ListLine::Skipped);
                }
                0
            }
        };
        let (at, cell) = cells(text).nth(column).ok_or((1, LineFault::NoColumn))?;
        self.site(cell, give).map_err(|fault| (at.saturating_add(1), fault))?;
        Ok(ListLine::Entries)
    }

    /// One site; or an address that leads nowhere and the hosts that are sent there.
    fn words(
        &mut self,
        text: &str,
        give: &mut dyn FnMut(Key<'_>),
    ) -> Result<ListLine, (usize, LineFault)> {
        let text = text.split_once([' ', '\t']).map_or(text, |_| {
            let comment = text.find(" #").or_else(|| text.find("\t#")).unwrap_or(text.len());
            text.get(..comment).unwrap_or(text).trim_end()
        });
        let Some((first, rest)) = text.split_once([' ', '\t']) else {
            self.site(text, give).map_err(|fault| (1, fault))?;
            return Ok(ListLine::Entries);
        };
        if !leads_nowhere(first) {
            return Err((first.len().saturating_add(2), LineFault::Blank));
        }
        let mut outcome = ListLine::Skipped;
        let mut at = first.len().saturating_add(2);
        for word in rest.split([' ', '\t']) {
            if !word.is_empty() && !is_own_name(word) {
                self.site(word, give).map_err(|fault| (at, fault))?;
                outcome = ListLine::Entries;
            }
            at = at.saturating_add(word.len()).saturating_add(1);
        }
        Ok(outcome)
    }

    fn site(&mut self, text: &str, give: &mut dyn FnMut(Key<'_>)) -> Result<(), LineFault> {
        let text = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
        if text.starts_with('/') {
            let path = list::entry_path(text.as_bytes(), &mut self.scratch);
            let path = path.map_err(LineFault::Entry)?;
            if path.len() < PATH_ANYWHERE_BYTES_MIN {
                return Err(LineFault::ShortPath);
            }
            give(Key::PathAnywhere(path));
            return Ok(());
        }
        let url = list::parts_of_entry(text).map_err(LineFault::Entry)?;
        let host = url.host;
        if !host.is_address() && !host.as_bytes().contains(&b'.') {
            return Err(LineFault::NoDot);
        }
        let path = list::entry_path(url.path, &mut self.scratch).map_err(LineFault::Entry)?;
        // Port 0 stands for any in lists that need one; that of the scheme is not worth writing.
        let says_nothing =
            url.port == Some(0) || text.contains("://") && url.port == url.scheme.default_port();
        match url.port.filter(|_| !says_nothing) {
            _ if !path.is_empty() => give(Key::Path(host, path)),
            Some(port) => give(Key::Port(host, port_text(port, &mut [0; PORT_BYTES_MAX]))),
            None => give(Key::Host(host)),
        }
        Ok(())
    }
}

/// The cells of a line and where they begin: separated by commas or semicolons, perhaps in quotes.
fn cells(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut quoted = false;
    let mut begin = 0_usize;
    let end = std::iter::once((text.len(), ','));
    text.char_indices().chain(end).filter_map(move |(at, sign)| {
        if sign == '"' {
            quoted = !quoted;
        }
        let is_end = at == text.len() || !quoted && matches!(sign, ',' | ';');
        is_end.then(|| {
            let cell = text.get(begin..at).unwrap_or_default();
            let place = begin;
            begin = at.saturating_add(1);
            (place, cell.trim().trim_matches('"').trim())
        })
    })
}

/// An address to which hosts files send what is to be blocked.
fn leads_nowhere(word: &str) -> bool {
    matches!(word, "0.0.0.0" | "::" | "::1" | "::0" | "255.255.255.255" | "fe80::1%lo0")
        || word.starts_with("127.")
}

/// Names that hosts files give to the machine itself and its networks.
fn is_own_name(word: &str) -> bool {
    const NAMES: [&str; 6] =
        ["localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0", "127.0.0.1"];
    NAMES.iter().any(|name| word.eq_ignore_ascii_case(name)) || word.starts_with("ip6-")
}

/// Why a line was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LineFault {
    /// Longer than [`LINE_BYTES_MAX`].
    TooLong,
    /// Not UTF-8.
    NoText,
    /// A blank where no hosts file has one.
    Blank,
    /// The table has no such column in this line.
    NoColumn,
    /// A whole top-level domain.
    NoDot,
    /// A path for all hosts that is too short.
    ShortPath,
    /// No host or address.
    Entry(EntryFault),
    /// No expression.
    Expression(ExpressionFault),
}

impl fmt::Display for LineFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(out, "the line is longer than {LINE_BYTES_MAX} bytes"),
            Self::NoText => out.write_str("the line is no UTF-8"),
            Self::Blank => out.write_str(
                "a blank: an entry is one word, unless the first is 0.0.0.0 or the like",
            ),
            Self::NoColumn => out.write_str("the line has too few columns"),
            Self::NoDot => {
                out.write_str("a name without a dot would stand for a whole top-level domain")
            }
            Self::ShortPath => write!(
                out,
                "a path for all hosts needs {PATH_ANYWHERE_BYTES_MIN} bytes: shorter ones are everywhere"
            ),
            Self::Entry(fault) => fault.fmt(out),
            Self::Expression(fault) => fault.fmt(out),
        }
    }
}

/// Headings of the column that is read.
const HEADINGS: [&str; 9] =
    ["domain", "host", "hostname", "fqdn", "site", "url", "ip", "address", "dst_ip"];

/// A line of a list.
pub(super) const LINE_BYTES_MAX: usize = 8192;

/// Paths for all hosts are compared whole, but `/a.php` is still on every second server.
const PATH_ANYWHERE_BYTES_MIN: usize = 8;
