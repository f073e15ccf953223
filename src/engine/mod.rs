//! The streaming scan engine: bytes in, a verdict out, nothing read twice.
//!
//! ```text
//!   Engine ── start(Object) ──▶ Scan ── feed(bytes)… ── finish ──▶ Verdict
//!                                │
//!      ┌─────────────────────────┴─────────────────────────┐
//!      │ layer 0: the object as it came                    │   file_type   what is it
//!      │ type ─▶ digests ─▶ headers ─▶ matcher ─▶ text     │   digest      is it exactly that
//!      │   └─▶ decoder ─▶ window ─▶ layer 1: the same      │   matcher     does it contain that
//!      │                      └─▶ decoder ─▶ … layer n     │   unpack      what is inside
//!      └───────────────────────────────────────────────────┘
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | databases: text in, one image out | [`database`] |
//! | body patterns on a stream | [`matcher`] |
//! | expressions over their matches | [`logical`] |
//! | digests of whole layers | [`digest`] |
//! | what a layer is | `file_type`; entry point and sections: `executable` |
//! | codings and containers | [`unpack`] |
//! | normal text and HTML; the forms of a layer | `normalize`, `forms` |
//! | one layer, and what looks at it; objects in the middle of it | `layer`, `body`, `embedded` |
//! | the stack of layers, worked in slices | `scan` |
//! | the bytes of a layer until its end; regexes on them | [`spool`], [`regex`] |
//! | links of mails and pages | `links` |
//! | YARA rules; work that cannot be cut into slices | [`yara`], `deferred` |
//! | what was found; what it means | `harvest`, `findings`, [`verdict`] |
//! | what it may cost | [`limits`] |
//!
//! What a layer is matched against, by its type: signatures for target 0 always; those of its own
//! target on the bytes as they are; text once more as normal text, with targets 0 and 7. HTML is
//! matched with targets 0 and 3 on the bytes as they are, without comments, without tags, and with 7
//! as well in its scripts, printed again; mail with targets 0 and 4 on its bytes and 0 and 7 as normal
//! text; streams and macros of OLE2 files with targets 0 and 2. The inflated body of Flash
//! and members of archives that [`unpack`] does not name are **not yet** layers of their own:
//! their containers are matched as bytes, and what holds packed or encoded data is
//! `Unscanned(Unsupported)` instead of `Clean`.
//!
//! Objects in the middle of a layer are looked for by the patterns of a `.ftm`; without one none are.
//!
//! Trust: a detection is dropped when the layer it was made in, or one around it, has a trusted
//! digest. Where no trusted digest can fit, a detection is final at once.
//!
//! Order of calls: [`Engine::start`], [`Scan::feed`] until everything is taken or it says `decided`,
//! [`Scan::conclude`]. In between, work from [`Scan::deferred`] is run elsewhere and given back with
//! [`Scan::resume`]. [`Scan::expire`] when the caller's clock says so.
//!
//! Absent on purpose: clocks, files, threads, and what to do about a verdict.

pub mod alerts;
mod body;
pub mod database;
mod deferred;
pub mod digest;
mod embedded;
mod executable;
mod file_type;
mod findings;
mod forms;
mod harvest;
mod layer;
pub mod limits;
mod links;
pub mod logical;
pub mod matcher;
mod members;
mod normalize;
mod object;
pub mod passwords;
pub mod regex;
mod scan;
pub mod spool;
pub mod unpack;
pub mod verdict;
mod volume;
pub mod yara;

pub use deferred::{Deferred, Done};
pub use object::{Fed, Object};
pub use scan::{Ended, Engine, LayerReport, Layers, Remains, Scan};
pub use unpack::{ContentCodings, MediaType};
