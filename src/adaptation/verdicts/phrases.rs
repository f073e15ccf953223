//! Reasons as texts that live as long as the program, for verdicts that were not made in it.
//!
//! The engine's reasons are texts of its own, a few hundred of them. One that is read from a file or a store
//! has to become such a text again. Each different one is kept once, in a place that is written once and never
//! again; when all places are taken, a general word stands for the rest. Only what carries a checksum or a
//! code of authentication gets here, so the places are enough for every reason of every version in use.

use std::sync::OnceLock;

/// The text, kept.
pub(super) fn kept(text: &str) -> &'static str {
    for place in &PLACES {
        let kept = place.get_or_init(|| text.into());
        if **kept == *text {
            return kept;
        }
    }
    OTHER
}

static PLACES: [OnceLock<Box<str>>; PLACES_COUNT] = [const { OnceLock::new() }; PLACES_COUNT];

/// Several times as many as the engine has reasons.
const PLACES_COUNT: usize = 1024;

/// For everything beyond that.
pub(super) const OTHER: &str = "as an earlier scan said";
