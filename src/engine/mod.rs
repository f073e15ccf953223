//! The streaming scan engine.

pub mod database;
pub mod digest;
pub mod limits;
pub mod matcher;
pub mod verdict;
