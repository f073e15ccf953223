//! Every section and every setting. A row is declared in the file of its section and nowhere else.

pub mod clamd;
pub mod cloudd;
pub mod httpd;
pub mod icapd;
pub mod lookupd;
pub mod meshd;
pub mod root;
pub mod scan_engine;
pub mod server;
pub mod snmpd;
pub mod statd;
pub mod update;
pub mod urlcheck;

use super::row::{Row, Section};

/// The sections in the order of the sample file.
pub static SECTIONS: [&Section; 13] = [
    &root::SECTION,
    &icapd::SECTION,
    &scan_engine::SECTION,
    &clamd::SECTION,
    &urlcheck::SECTION,
    &cloudd::SECTION,
    &lookupd::SECTION,
    &meshd::SECTION,
    &update::SECTION,
    &server::SECTION,
    &httpd::SECTION,
    &statd::SECTION,
    &snmpd::SECTION,
];

/// The section with this name, in any case.
#[must_use]
pub fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().copied().find(|section| section.name.eq_ignore_ascii_case(name))
}

/// The row with this name in a section, in any case.
#[must_use]
pub fn row(section: &Section, key: &str) -> Option<&'static Row> {
    section.rows.iter().copied().find(|row| row.key.eq_ignore_ascii_case(key))
}

/// The same for an entry, whose name may have a number behind it: `RuleSet20`. The number is 0 without one.
pub(super) fn numbered_row(section: &Section, key: &str) -> Option<(&'static Row, u32)> {
    if let Some(row) = row(section, key) {
        return Some((row, 0));
    }
    let name = key.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let digits = key.get(name.len()..).filter(|digits| digits.len() <= NUMBER_DIGITS_MAX)?;
    let row = row(section, name).filter(|row| row.kind.is_numbered())?;
    Some((row, digits.parse().ok()?))
}

/// Digits of a number behind a name.
const NUMBER_DIGITS_MAX: usize = 6;

/// Meanings of the parameters that every component has (Dr.Web's common parameters).
mod common {
    pub(super) const LOG_LEVEL: &str =
        "Verbosity of this component; unset, DefaultLogLevel of [Root] counts.";
    pub(super) const LOG: &str =
        "Where this component logs: Auto, Stderr[:ShowTimestamp], Syslog[:facility] or a file.";
    pub(super) const EXE_PATH: &str =
        "The program of this component. Baleen is one program, so nothing is started from it.";
    pub(super) const RUN_AS_USER: &str = "The user this component runs as.";
    pub(super) const IDLE_TIME_LIMIT: &str = "How long this component stays after its last work, from 10s to 30d; None keeps it for ever.";
    pub(super) const FIXED_SOCKET_PATH: &str =
        "A socket on which one instance is always ready; IdleTimeLimit then has no effect.";
    pub(super) const START: &str = "Whether this component runs.";
    pub(super) const LOG_LEVELS: &[&str] = &["Debug", "Info", "Notice", "Warning", "Error"];
    pub(super) const SECOND: u64 = 1000;
    pub(super) const MINUTE: u64 = 60 * SECOND;
    pub(super) const HOUR: u64 = 60 * MINUTE;
    pub(super) const DAY: u64 = 24 * HOUR;
}
