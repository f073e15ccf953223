//! Every setting, declared once.

#![forbid(unsafe_code)]

pub mod options;
