//! One link against the lists.

use std::fmt;
use std::sync::{Arc, OnceLock};

use regex::bytes::Regex;
use sha2::{Digest as _, Sha256};

use super::table::{Class, LinksFault, RegexUse, Table};
use super::url::Place;
use super::{LinkFinding, ere};

/// The expressions of one image, each compiled when it is first needed.
#[derive(Clone, Default)]
pub(in crate::engine) struct Regexes(Arc<[OnceLock<Option<Regex>>]>);

impl fmt::Debug for Regexes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Regexes").field("count", &self.0.len()).finish()
    }
}

/// The lists of an image.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Lists<'image> {
    table: Table<'image>,
    regexes: &'image Regexes,
}

impl<'image> Lists<'image> {
    /// Looks at every row of a section, and makes room for its expressions.
    ///
    /// # Errors
    ///
    /// [`LinksFault`] says which rule of the layout is broken.
    pub(in crate::engine) fn check(section: &[u8]) -> Result<Regexes, LinksFault> {
        if section.is_empty() {
            return Ok(Regexes::default());
        }
        let table = Table::open(section).ok_or(LinksFault::Header)?;
        table.check()?;
        Ok(Regexes(table.regexes.iter().map(|_| OnceLock::new()).collect()))
    }

    /// Views a section that was checked; `None` when it has no lists.
    pub(in crate::engine) fn open(section: &'image [u8], regexes: &'image Regexes) -> Option<Self> {
        Table::open(section).map(|table| Self { table, regexes })
    }

    /// Whether pages are looked at, too.
    pub(in crate::engine) const fn in_pages(&self) -> bool {
        self.table.in_pages()
    }

    /// What is wrong with a target.
    pub(super) fn target(&self, target: &[u8]) -> Option<LinkFinding> {
        let place = Place::of(target)?;
        if place.is_cloaked && self.table.cloaked() {
            return Some(LinkFinding::Cloaked);
        }
        if self.table.digests.is_empty() {
            return None;
        }
        let mut worst = None;
        for expression in place.expressions() {
            let digest: [u8; 32] = Sha256::digest(&expression).into();
            let at = self.table.digests.partition_point(|row| row.digest < digest);
            let rows = self.table.digests.get(at..).unwrap_or_default();
            for row in rows.iter().take_while(|row| row.digest == digest) {
                match row.class() {
                    Some(Class::Allowed) | None => return None,
                    Some(class) => worst = worst.or(Some(LinkFinding::Listed(class))),
                }
            }
        }
        worst
    }

    /// What is wrong with a target and what is shown for it.
    pub(super) fn pair(&self, target: &[u8], shown: &[u8]) -> Option<LinkFinding> {
        let real = Place::of(target)?;
        let last = shown.split(u8::is_ascii_whitespace).rfind(|word| !word.is_empty());
        let whole = Place::of(shown);
        let found = whole.as_ref().and_then(|place| self.places(&real, place));
        found.or_else(|| {
            let last = Place::of(last?)?;
            if Some(&last) == whole.as_ref() { None } else { self.places(&real, &last) }
        })
    }

    fn places(&self, real: &Place, shown: &Place) -> Option<LinkFinding> {
        if real.registered() == shown.registered() {
            let is_spoof = shown.scheme == Some("https") && real.scheme == Some("http");
            let is_finding = is_spoof && self.table.ssl() && self.is_imitated(real, shown);
            return is_finding.then_some(LinkFinding::SslSpoof);
        }
        let is_wrong = self.is_imitated(real, shown) && !self.is_allowed(real, shown);
        is_wrong.then_some(LinkFinding::SpoofedDomain)
    }

    fn is_imitated(&self, real: &Place, shown: &Place) -> bool {
        let mut suffixes = shown.suffixes().into_iter();
        suffixes.any(|suffix| self.has_domain(suffix))
            || self.matches(RegexUse::Imitated, &pair(real, shown))
    }

    fn has_domain(&self, name: &str) -> bool {
        let found = self.table.domains.binary_search_by(|row| {
            // Checked when the image was opened.
            self.table.text(*row).unwrap_or_default().cmp(name)
        });
        found.is_ok()
    }

    fn is_allowed(&self, real: &Place, shown: &Place) -> bool {
        let shown_suffixes = shown.suffixes();
        let is_pair = real.suffixes().into_iter().any(|real| {
            shown_suffixes.iter().any(|shown| {
                let wanted = (real, *shown);
                let found = self
                    .table
                    .pairs
                    .binary_search_by(|row| self.table.pair(row).unwrap_or_default().cmp(&wanted));
                found.is_ok()
            })
        });
        is_pair
            || self.matches(RegexUse::AllowedPair, &pair(real, shown))
            || self.matches(RegexUse::AllowedReal, &real.short())
    }

    fn matches(&self, purpose: RegexUse, subject: &str) -> bool {
        (0..self.table.regexes.len()).any(|index| {
            let Some((used, written)) = self.table.regex(index) else { return false };
            let Some(cell) = self.regexes.0.get(index) else { return false };
            used == purpose
                && cell
                    .get_or_init(|| ere::compile(written))
                    .as_ref()
                    .is_some_and(|regex| regex.is_match(subject.as_bytes()))
        })
    }
}

/// The subject of expressions about pairs.
fn pair(real: &Place, shown: &Place) -> String {
    format!("{}:{}", real.short(), shown.short())
}
