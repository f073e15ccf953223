//! The promises of the policy room.

mod ads;
mod category;
mod database;
mod host;
mod list;
mod mime;
mod path;
mod url;
