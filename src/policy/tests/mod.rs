//! The promises of the policy room.

mod category;
mod decide;
mod host;
mod list;
mod mime;
mod rules;
mod threat;
mod url;
