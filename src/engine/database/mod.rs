//! Databases: text formats in, one compiled image out.

pub mod signature;
