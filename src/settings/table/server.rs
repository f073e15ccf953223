//! `[Server]`: links between servers. Neighbours themselves are kept in the state directory.

use std::net::SocketAddr;

use super::common::{LOG, LOG_LEVEL, LOG_LEVELS};
use crate::settings::row::{address, choice, log_target, section, text};

section! {
    "Server", "Links to other servers.";

    NAME: String = text("Name", ""), NotYet, "How neighbours call this server; empty: the computer's name.";
    LISTEN_ADDRESS: Option<SocketAddr> = address("ListenAddress", ""), NotYet,
        "Where neighbours connect; empty: none can.";
    LOG_LEVEL_ROW: &'static str = choice("LogLevel", "Notice", LOG_LEVELS), NotYet, LOG_LEVEL;
    LOG_ROW: String = log_target("Log", "Auto"), NotYet, LOG;
}
