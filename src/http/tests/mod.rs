//! The promises of this room, as tables of text.
