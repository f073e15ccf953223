//! The categories of sites, and the database that knows which site is in which.
//!
//! | what | where |
//! | --- | --- |
//! | the 17 categories, and sets of them | [`names`] |

pub mod names;

pub use names::{Categories, Category};
