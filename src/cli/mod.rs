//! Front page to be written by the room's owner.

pub mod check_config;
