//! The streaming scan engine.

pub mod database;
pub mod digest;
mod executable;
pub mod limits;
pub mod matcher;
mod object;
pub mod unpack;
pub mod verdict;

pub use object::{Fed, Object};
pub use unpack::ContentCodings;
