//! The promises of the policy room.

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
mod threat;
mod url;
