//! Samples to verdicts. Every sample is fed in many ways of cutting it, and the verdict is the same.
//!
//! Nothing here is harmful: the EICAR test file is put together at run time, everything else is made
//! by the tests.

mod alerts;
mod archives;
mod behind;
mod cabinets;
mod carried;
mod carriers;
mod codings;
mod containers;
mod digests;
mod discs;
mod disks;
mod forms;
mod kit;
mod layers;
mod limits;
mod mails;
mod members;
mod normal_text;
mod office;
mod old_archives;
mod passwords;
mod rars;
mod regexes;
mod reports;
mod seven_zips;
mod streams;
mod trust;
mod zips;
