//! The promises of the policy room.

mod host;
mod list;
mod mime;
mod url;
