//! The promises of the policy room.
