//! The promises of this room, as tables of text, and two oracles: `httparse` for heads, one long read
//! for chunks that arrive in pieces.

mod chunks;
mod heads;
