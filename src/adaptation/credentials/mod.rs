//! Which names and passwords clients have, and how often that is found out.
//!
//! ```text
//!   icap::Claim ─▶ Desk::ask ─┬─ Right, Wrong: found out before
//!                             ├─ Verify ─▶ Passwords::verify on a side thread ─▶ Desk::found
//!                             ├─ Wait: somebody is finding out just now
//!                             └─ TooMany: as wrong, without finding out
//! ```
//!
//! A comparison takes memory and tens of milliseconds, on purpose (Argon2id, RFC 9106), so a shard never makes
//! one itself, and makes each one once: what was right and what was wrong is remembered as a digest of the
//! credentials. Comparisons are limited by number at a time and in a second, so that guessing costs the one who
//! guesses.
//!
//! Absent on purpose: the file, the clock, the side threads; and passwords in anything that can be printed.

mod desk;
mod passwords;

pub use desk::{
    ACCEPTED_MAX, AT_ONCE_MAX, Asked, BURST, Desk, PER_SECOND, REFUSED_MAX, VERIFY_US_MAX,
};
pub use passwords::{NAMES_MAX, Passwords, SALT_BYTES, SetAside, line};
