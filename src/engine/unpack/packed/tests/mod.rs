//! What comes out of packed programs: of those that real packers wrote, and of small ones made here.
#![expect(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod carriers;
mod made;
mod upxs;
