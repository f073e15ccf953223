//! Before the first byte: what a message needs, from what is known about it.
//!
//! | whole body in hand | its verdict | promise | verdict of what is promised | site is trusted | |
//! | --- | --- | --- | --- | --- | --- |
//! | yes | known | | | | [`Expectation::Known`]: that verdict |
//! | yes | not known | | | | [`Expectation::Scan`] |
//! | no | | none | | | [`Expectation::Scan`] |
//! | no | | there | not known | | [`Expectation::Scan`] |
//! | no | | there | infected | | [`Expectation::Scan`]: it is found again, long before the end |
//! | no | | there | clean | yes | [`Expectation::Known`]: clean |
//! | no | | there | clean | no | [`Expectation::Bet`] |
//! | no | | there | unscanned | | [`Expectation::Bet`] |
//!
//! A bet saves the scan and nothing else: the body is held as ever while it is digested, and at its end
//! [`Table::verdict`] is asked for the digest that it really has. Where that knows nothing, the body that was held
//! is scanned. So a server that lies about its validators, a bug, or an entry that was thrown away
//! meanwhile, costs time and never a verdict.
//!
//! Only for sites that the administrator trusts (`TrustedValidators`) is a promise believed without its body, and
//! only the promise that something is clean: such a body need not be sent at all.

use super::key::{ContentKey, PromiseKey};
use super::settled::Settled;
use super::table::Table;

/// What is known of a message before its body is scanned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// The key of the whole body, where the preview held all of it.
    pub content: Option<ContentKey>,
    /// What the heads promise.
    pub promise: Option<PromiseKey>,
}

/// What the message needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// A scan.
    Scan,
    /// A digest first: hold the body, and scan what was held where the digest is not known in the end. This is the
    /// content that is expected.
    Bet(ContentKey),
    /// Nothing: this is the verdict.
    Known(Settled),
}

/// Decides.
pub fn expect(table: &mut Table, keys: Keys, trusted: bool, now: u64) -> Expectation {
    if let Some(content) = keys.content {
        return table.verdict(&content, now).map_or(Expectation::Scan, Expectation::Known);
    }
    let Some(content) = keys.promise.and_then(|promise| table.promised(&promise, now)) else {
        return Expectation::Scan;
    };
    match table.verdict(&content, now) {
        Some(Settled::Clean) if trusted => Expectation::Known(Settled::Clean),
        Some(Settled::Clean | Settled::Unscanned(_)) => Expectation::Bet(content),
        Some(Settled::Infected(_)) | None => Expectation::Scan,
    }
}
