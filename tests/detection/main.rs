//! Samples to verdicts. Every sample is fed in many ways of cutting it, and the verdict is the same.
//!
//! Nothing here is harmful: the EICAR test file is put together at run time, everything else is made
//! by the tests.

mod archives;
mod cabinets;
mod codings;
mod containers;
mod digests;
mod forms;
mod kit;
mod layers;
mod limits;
mod normal_text;
mod office;
mod old_archives;
mod regexes;
mod seven_zips;
mod streams;
mod trust;
mod zips;
