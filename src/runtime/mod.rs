//! The edge: files here; sockets, clocks and threads by the room's owner.

pub mod storage;
