//! The same signatures and files through clamscan and through our engine: the sets of (file, name)
//! are equal, but for the differences that are listed with their reason.
//!
//! Runs where `clamscan` is installed and says so where it is not. clamscan is asked in batches: one
//! database of many named signatures over many files, all matches reported. Signatures that our
//! loader counts as not supported yet are left out by name, and their number is asserted.

mod accepted;
mod benign;
mod carrier;
mod corpus;
mod executables;
mod expression;
mod feeding;
mod generator;
mod grammar;
mod left_out;
mod oracle;
mod pairs;
mod planting;
mod published;
mod regex_sample;
mod seeded;
mod subsignature;
