//! The promises of the policy room.

mod category;
mod host;
mod list;
mod mime;
mod threat;
mod url;
