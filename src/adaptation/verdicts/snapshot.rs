//! A table as a file, so that a restart begins warm.
//!
//! ```text
//!   magic "baleen.v" · format u32 · epoch 32 · saved u64 · count u32
//!   count times: kind u8 · key 32 · born u64 · value
//!      kind 0 verdict   value: a settled verdict
//!      kind 1 promise   value: the content's key, 32
//!      kind 2 broken    value: 0, or 1 and the validator, 32 · a settled verdict that is not clean
//!   SHA-256 over everything before
//! ```
//!
//! Numbers are little-endian. A file is taken whole or not at all: one that is damaged, of another format
//! or of another epoch gives a [`Fault`] that says so, and the table stays as it was. The checksum finds accidents;
//! the file lies in the state directory, where nobody else may write.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::key::{ContentKey, Epoch, PromiseKey, SiteKey, Validator};
use super::news::{Broken, Fact};
use super::settled::{self, Settled, take_array, take_byte, take_u64};
use super::table::Table;

impl Table {
    /// Everything that is still good, in at most `bytes_max` bytes: broken downloads, verdicts, then promises,
    /// the newest of each. Empty where not even the frame fits.
    #[must_use]
    pub fn save(&self, now: u64, bytes_max: usize) -> Vec<u8> {
        let room = bytes_max.saturating_sub(SUM_BYTES);
        if room < HEAD_BYTES {
            return Vec::new();
        }
        let mut out = Vec::new();
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(self.epoch().as_bytes());
        out.extend_from_slice(&now.to_le_bytes());
        out.extend_from_slice(&0_u32.to_le_bytes());
        let mut count = 0_u32;
        for (fact, born) in self.facts(now) {
            let before = out.len();
            put(&fact, born, &mut out);
            if out.len() > room {
                out.truncate(before);
                break;
            }
            count = count.saturating_add(1);
        }
        if let Some(place) = out.get_mut(COUNT_AT..HEAD_BYTES) {
            place.copy_from_slice(&count.to_le_bytes());
        }
        let sum = Sha256::digest(&out);
        out.extend_from_slice(&sum);
        out
    }

    /// Takes what [`Table::save`] wrote, and tells how many entries that were. What is too old by now is left out.
    ///
    /// # Errors
    ///
    /// [`Fault`], and then nothing was taken.
    pub fn load(&mut self, bytes: &[u8], now: u64) -> Result<usize, Fault> {
        let facts = read(bytes, self.epoch())?;
        // The newest come first in the file and have to come last into the table.
        Ok(self.restore(facts.into_iter().rev(), now))
    }
}

fn put(fact: &Fact, born: u64, out: &mut Vec<u8>) {
    let mut head = |kind: u8, key: &[u8; 32]| {
        out.push(kind);
        out.extend_from_slice(key);
        out.extend_from_slice(&born.to_le_bytes());
    };
    match fact {
        Fact::Verdict(key, settled) => {
            head(0, key.as_bytes());
            settled.encode(out);
        }
        Fact::Promise(key, content) => {
            head(1, key.as_bytes());
            out.extend_from_slice(content.as_bytes());
        }
        Fact::Broken(key, broken) => {
            head(2, key.as_bytes());
            out.push(u8::from(broken.validator().is_some()));
            if let Some(validator) = broken.validator() {
                out.extend_from_slice(validator.as_bytes());
            }
            broken.found().encode(out);
        }
    }
}

fn read(bytes: &[u8], epoch: &Epoch) -> Result<Vec<(Fact, u64)>, Fault> {
    let end = bytes.len().checked_sub(SUM_BYTES).filter(|end| *end >= HEAD_BYTES);
    let (content, sum) = end.and_then(|end| bytes.split_at_checked(end)).ok_or(Fault::Short)?;
    let mut rest = content;
    let cut = |_| Fault::Short;
    if take_array::<8>(&mut rest).map_err(cut)? != *MAGIC {
        return Err(Fault::Magic);
    }
    let format = u32::from_le_bytes(take_array(&mut rest).map_err(cut)?);
    if format != FORMAT {
        return Err(Fault::Format(format));
    }
    if *Sha256::digest(content) != *sum {
        return Err(Fault::Checksum);
    }
    if take_array(&mut rest).map_err(cut)? != *epoch.as_bytes() {
        return Err(Fault::Epoch);
    }
    let _saved = take_u64(&mut rest).map_err(cut)?;
    let count = u32::from_le_bytes(take_array(&mut rest).map_err(cut)?);
    let mut facts = Vec::new();
    for number in 0..count {
        let fact = entry(&mut rest).map_err(|what| Fault::Entry { number, what })?;
        facts.push(fact);
    }
    if rest.is_empty() { Ok(facts) } else { Err(Fault::Rest(rest.len())) }
}

fn entry(bytes: &mut &[u8]) -> Result<(Fact, u64), &'static str> {
    let kind = take_byte(bytes)?;
    let key = take_array(bytes)?;
    let born = take_u64(bytes)?;
    let fact = match kind {
        0 => Fact::Verdict(ContentKey::from_bytes(key), Settled::decode(bytes)?),
        1 => {
            let content = ContentKey::from_bytes(take_array(bytes)?);
            Fact::Promise(PromiseKey::from_bytes(key), content)
        }
        2 => {
            let validator = match take_byte(bytes)? {
                0 => None,
                1 => Some(Validator::from_bytes(take_array(bytes)?)),
                _ => return Err("a validator is neither there nor not there"),
            };
            let broken = Broken::settled(Settled::decode(bytes)?, validator);
            Fact::Broken(SiteKey::from_bytes(key), broken.ok_or("a broken download is clean")?)
        }
        _ => return Err("it is of no known kind"),
    };
    Ok((fact, born))
}

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is too short to be one.
    Short,
    /// It does not begin as one.
    Magic,
    /// It has another format than this program writes.
    Format(u32),
    /// Its checksum does not fit its bytes.
    Checksum,
    /// It was written under another database, or other limits.
    Epoch,
    /// An entry cannot be.
    Entry {
        /// Which one, counted from 0.
        number: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// So many bytes follow the last entry.
    Rest(usize),
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => out.write_str("it is too short for saved verdicts"),
            Self::Magic => out.write_str("it holds no saved verdicts"),
            Self::Format(format) => {
                write!(out, "its format is {format}, and this program knows {FORMAT}")
            }
            Self::Checksum => out.write_str("its checksum does not fit: it is damaged"),
            Self::Epoch => out.write_str("it was saved under another database or other settings"),
            Self::Entry { number, what } => write!(out, "entry {number}: {what}"),
            Self::Rest(count) => write!(out, "{count} bytes follow the last entry"),
        }
    }
}

impl std::error::Error for Fault {}

const MAGIC: &[u8; 8] = b"baleen.v";
/// Changes with the layout of an entry.
const FORMAT: u32 = 1;
/// Where the number of entries stands.
const COUNT_AT: usize = 8 + 4 + 32 + 8;
const HEAD_BYTES: usize = COUNT_AT + 4;
const SUM_BYTES: usize = 32;

/// Bytes of the longest entry, for whoever chooses a limit.
pub const ENTRY_BYTES_MAX: usize = 1 + 32 + 8 + 1 + 32 + settled::BYTES_MAX;
