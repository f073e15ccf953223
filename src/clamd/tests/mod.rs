//! The promises of the clamd room.
