//! The promises of this room, as tables of text. Whole conversations are in `tests/conversation`, the rules of
//! RFC 3507 in `tests/conformance`.

mod cutting;
mod faults;
mod parsing;
mod verbs;
