//! The edge: the only room with sockets, clocks, files, threads and executors.
//!
//! ```text
//!  control thread (serve): settings → values in force → shards; signals: reload, drain
//!        │ publishes Arc<Live>                     │ Message (bounded inbox)
//!        ▼                                         ▼
//!  shard 0: executor ─ accept ─ connection … connection        shard 1: …
//!                                   │ Input: one buffer of the pool, parsed and scanned in place
//!                                   │ Held:  buffers that wait for the verdict, then a spool file
//!                                   ▼
//!                         icap::Connection · Exchange (policy, scan, answer)
//!
//!  side threads: blocking file work        journal thread: events to the log
//! ```
//!
//! | duty | file |
//! | --- | --- |
//! | the process: start, signals, reload, stop | `serve` `assemble` `process` `listening` `placement` |
//! | a shard and its connections | `acceptor` `shard` `connection` `exchange` `asking` `scanning` |
//! | a scan, its time, its panics | `guarded` |
//! | bytes | `pool` `input` `held` `spool` `outgoing` `traffic` |
//! | the script of `MessageHook`, one machine a shard | `script/` |
//! | files | `configuration` `database` `categories` `kept` `storage` `trust` |
//! | work on several cores beside the data plane | `workers` |
//! | reputation services: threads of their own | `reputation/` |
//! | groups of users from a directory: threads of their own | `directory/` |
//! | what is shared | `live` (values, swapped whole) `journal` (events out) |
//! | the clamd protocol: threads of its own | `clamd/` |
//! | the control socket | `control` |
//! | the executor, behind one thin file | `executor` `heartbeat` `side` |
//!
//! Invariants: a buffer belongs to one connection of one shard; nothing that changes is shared; the
//! data plane waits for nobody but its own sockets and, for spilled bodies, the disk.

#![expect(clippy::disallowed_methods, reason = "the edge owns clock, files and threads")]

mod acceptor;
mod admitting;
mod asking;
mod assemble;
pub mod categories;
mod claims;
mod clamd;
pub(crate) mod clock;
pub mod configuration;
mod connection;
mod control;
pub mod database;
pub mod directory;
mod exchange;
mod executor;
mod guarded;
mod heartbeat;
mod held;
mod input;
mod journal;
mod kept;
mod listening;
mod live;
mod outgoing;
mod placement;
mod pool;
mod process;
mod releasing;
pub mod reputation;
mod scanning;
pub mod script;
mod seat;
mod serve;
mod shard;
mod side;
mod spool;
pub mod storage;
mod timed;
mod traffic;
mod transport;
mod trust;
mod verdicts;
mod workers;

pub use clock::{local_moment, unix_seconds};
pub use control::control_socket;
pub use process::{DESCRIPTORS_BESIDE, peak_memory_bytes};
pub use serve::{ServeFault, serve};
pub use trust::read_trust;
pub use workers::Threads;
