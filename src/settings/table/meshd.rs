//! `[MeshD]`: the local cloud of hosts that share updates, scanning and URL checks.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::common::{DAY, EXE_PATH, IDLE_TIME_LIMIT, LOG, LOG_LEVEL, LOG_LEVELS, SECOND};
use crate::settings::address::Uplink;
use crate::settings::row::{
    Never, address, choice, integer, interval, log_target, path, section, switch, uplinks,
};

section! {
    "MeshD", "The local cloud: hosts that share updates, scanning and URL checks.";

    LISTEN_ADDRESS: Option<SocketAddr> = address("ListenAddress", "0.0.0.0:7090"), NotYet,
        "Where other hosts connect; empty: no host is served.";
    UPDATE_CHANNEL: bool = switch("UpdateChannel", "On"), NotYet, "Serve updates, and get them.";
    UPDATE_UPLINK: Vec<Uplink> = uplinks("UpdateUplink", ""), NotYet,
        "Who provides updates: host:port, udp://:18008 (search on the network) or srv://name@domain.";
    ENGINE_CHANNEL: bool = switch("EngineChannel", "On"), NotYet, "Serve scanning, and get it.";
    ENGINE_UPLINK: Vec<Uplink> = uplinks("EngineUplink", ""), NotYet, "Who scans for this host, as UpdateUplink.";
    URL_CHANNEL: bool = switch("UrlChannel", "On"), NotYet, "Serve URL checks, and get them.";
    URL_UPLINK: Vec<Uplink> = uplinks("UrlUplink", ""), NotYet, "Who checks URLs for this host, as UpdateUplink.";
    FILE_CHANNEL: bool = switch("FileChannel", "On"), NotYet,
        "The name exists; scanning for others is EngineChannel.";
    FILE_UPLINK: Vec<Uplink> = uplinks("FileUplink", ""), NotYet,
        "The name exists; scanning by others is EngineUplink.";
    IDLE_TIME_LIMIT_ROW: Option<u64> = interval("IdleTimeLimit", "30s", 10 * SECOND, 30 * DAY, Never::None),
        NotYet, IDLE_TIME_LIMIT;
    DISCOVERY_RESPONDER_PORT: u64 = integer("DiscoveryResponderPort", "18008", 1, 65_535), NotYet,
        "The UDP port on which searches are answered.";
    DNS_RESOLVER_CONF_PATH: Option<PathBuf> = path("DnsResolverConfPath", "/etc/resolv.conf"), NotYet,
        "Where the resolver's servers and domains are named.";
    LOG_LEVEL_ROW: &'static str = choice("LogLevel", "Notice", LOG_LEVELS), NotYet, LOG_LEVEL;
    LOG_ROW: String = log_target("Log", "Auto"), NotYet, LOG;
    EXE_PATH_ROW: Option<PathBuf> = path("ExePath", ""), NotYet, EXE_PATH;
    DEBUG_SSH: bool = switch("DebugSsh", "No"), NotYet, "Log SSH messages at level Debug.";
    UPDATE_DEBUG_IPC: bool = switch("UpdateDebugIpc", "No"), NotYet, "Log messages about updates at level Debug.";
    ENGINE_DEBUG_IPC: bool = switch("EngineDebugIpc", "No"), NotYet, "Log messages about scanning at level Debug.";
    URL_DEBUG_IPC: bool = switch("UrlDebugIpc", "No"), NotYet, "Log messages about URL checks at level Debug.";
    FILE_DEBUG_IPC: bool = switch("FileDebugIpc", "No"), NotYet, "Log messages about files at level Debug.";
}
