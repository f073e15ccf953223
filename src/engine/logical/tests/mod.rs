//! Tests of logical signatures: expressions against an oracle, constructs as tables of lines and
//! bytes, random sets against a naive reference, hostile sections.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking, and its inputs are its own"
)]

mod compares;
mod constructs;
mod enough;
mod expressions;
mod handlers;
mod kit;
mod reference;
mod seam;
mod sections;
