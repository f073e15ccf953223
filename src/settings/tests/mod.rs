//! The promises of the settings room.
