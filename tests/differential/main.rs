//! The same signatures and files through clamscan and through our engine: the sets of (file, name)
//! are equal, but for the differences that are listed with their reason.
//!
//! Runs where `clamscan` is installed and says so where it is not. clamscan is asked in batches: one
//! database of many named signatures over many files, all matches reported.

mod accepted;
mod corpus;
mod executables;
mod generator;
mod oracle;
mod published;
mod seeded;
