//! A store that several gateways share: Valkey or Redis, as the second level behind the tables of the shards.
//!
//! ```text
//!   Table: unknown ─▶ Connection::get ─▶ GET baleen:v1:<key> ─▶ value ─▶ code and age fit? ─▶ Answer::Found
//!   scan: settled  ─▶ Connection::put ─▶ SET baleen:v1:<key> <value> EX <lifetime>
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | replies as bytes (RESP2) | [`resp`] |
//! | one connection: questions in a row, deadlines, answers | [`connection`] |
//! | what is stored, and why nobody can forge it | [`value`] |
//! | leaving a store alone that fails, and saying things once | [`health`] |
//!
//! Nobody ever waits for the store longer than its deadline, and whatever goes wrong there, the answer is that
//! nothing is known: then the body is scanned. Only verdicts are shared, by content; promises and broken
//! downloads stay in the gateway that saw them.
//!
//! Absent on purpose: RESP3, clusters (`-MOVED` is told, not followed), TLS: a unix socket, or a network of one's
//! own; what is stored cannot be forged, but keys can be seen.

pub mod connection;
pub mod health;
pub mod resp;
pub mod value;

pub use connection::{Absence, Answer, Connection, Counts, Options, Ticket};
pub use health::{Health, Refusal};
pub use resp::Fault;
pub use value::{Secret, SecretFault};
