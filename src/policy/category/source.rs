//! What an image knows of the lists it was made from.

use serde::Serialize;

use super::names::Categories;

/// One list, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceFacts {
    /// Its name: `ut1/gambling/domains`.
    pub name: Box<str>,
    /// What its entries are in; empty: the list is left out on purpose.
    #[serde(serialize_with = "as_text")]
    pub categories: Categories,
    /// SHA-256 of its bytes.
    #[serde(serialize_with = "as_hex")]
    pub sha256: [u8; 32],
    /// Lines, with comments and empty ones.
    pub lines: u64,
    /// Entries that were taken, doubles included.
    pub loaded: u64,
    /// Lines that were set aside.
    pub bad: u64,
}

fn as_text<S: serde::Serializer>(categories: &Categories, out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(categories.iter().map(super::names::Category::name))
}

fn as_hex<S: serde::Serializer>(digest: &[u8; 32], out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&format_args!("{}", Hex(digest)))
}

/// A digest as people write it.
#[derive(Clone, Copy, Debug)]
pub struct Hex<'d>(pub &'d [u8; 32]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// How many entries of each kind there are, doubles merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Host names, each with everything below it.
    pub hosts: u64,
    /// IP addresses.
    pub addresses: u64,
    /// Hosts and addresses with a port.
    pub ports: u64,
    /// Hosts with a path.
    pub paths: u64,
    /// Paths on any host.
    pub paths_anywhere: u64,
    /// Regular expressions.
    pub expressions: u64,
}

impl Counts {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.hosts
            .saturating_add(self.addresses)
            .saturating_add(self.ports)
            .saturating_add(self.paths)
            .saturating_add(self.paths_anywhere)
            .saturating_add(self.expressions)
    }
}
