//! Baleen: a gateway scanner. A proxy hands it messages over ICAP (RFC 3507); it scans the bytes
//! while they flow and has its verdict when the last byte arrives.
//!
//! The code is a house. A folder is a room; you may look down, never up.
//!
//! ```text
//!   cli, main          the command line
//!   runtime            the edge: sockets, clocks, files, threads, executors
//!   control            what an administrator asks of the running service
//!   observe            events and numbers: one table each
//!   settings           the settings file → typed options of each room
//!   adaptation         one HTTP message: policy, then scan, then answer
//!   policy             who may see what: pure decisions
//!   icap   clamd       RFC 3507 without a socket · the clamd protocol without a socket
//!   http   engine      HTTP heads and chunked coding · the streaming scan engine
//! ```
//!
//! Invariants:
//!
//! 1. The verdict does not depend on how bytes were cut into chunks.
//! 2. Clean, infected and unscanned are never mixed up, and a limit is never a silent clean.
//! 3. Everything that input can drive is bounded.
//! 4. The same input, settings and seed give the same outputs in the same order.
//! 5. A panic inside one scan is caught in one place, answers as unscanned, and is an event.
//! 6. Shards share only immutable values and bounded mailboxes.
//!
//! Absent on purpose: a clock, a socket, a file or a thread anywhere below `runtime`.

pub mod adaptation;
pub mod clamd;
pub mod cli;
pub mod control;
pub mod engine;
pub mod http;
pub mod icap;
pub mod observe;
pub mod policy;
pub mod runtime;
pub mod settings;
