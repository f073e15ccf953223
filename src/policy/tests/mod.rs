//! The promises of the policy room.

#![expect(clippy::arithmetic_side_effects, reason = "a test that overflows has failed")]
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not expected fails")]

mod ads;
mod category;
mod database;
mod decide;
mod host;
mod list;
mod mime;
mod naive;
mod path;
mod rules;
mod screen;
mod threat;
mod url;
