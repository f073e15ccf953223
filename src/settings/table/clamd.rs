//! `[ClamD]`: the protocol of clamd, for mail servers and file shares.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::common::{DAY, EXE_PATH, HOUR, LOG, LOG_LEVEL, LOG_LEVELS, RUN_AS_USER, SECOND, START};
use crate::settings::row::{
    Never, addresses, auto_integer, choice, integer, interval, log_target, path, section, size,
    switch, text, user,
};

section! {
    "ClamD", "The clamd protocol, for mail servers and file shares; off until told where.";

    START_ROW: bool = switch("Start", "Yes"), Restart, START;
    LISTEN_SOCKET: Option<PathBuf> = path("ListenSocket", ""), Restart,
        "The unix socket on which clients connect; empty: none. A socket that a dead process left behind \
         is replaced; one on which somebody answers is not.";
    LISTEN_SOCKET_MODE: &'static str = choice("ListenSocketMode", "660", &["600", "660", "666"]), Restart,
        "Who may connect to ListenSocket: its mode. Whoever may connect can have every file scanned that \
         this service may read.";
    LISTEN_SOCKET_GROUP: String = text("ListenSocketGroup", ""), Restart,
        "The group of ListenSocket, by name or number; empty: the group of this service.";
    LISTEN_ADDRESS: Vec<SocketAddr> = addresses("ListenAddress", ""), Restart,
        "Where clients connect over the network, as IP:port; several by commas or lines; empty: nowhere. \
         The protocol knows neither encryption nor passwords: loopback or a closed network only.";
    NETWORK_PATHS: bool = switch("NetworkPaths", "No"), Reload,
        "Whether clients of ListenAddress may have paths of this machine scanned (SCAN, CONTSCAN, \
         MULTISCAN, ALLMATCHSCAN). No: they send what is to be scanned (INSTREAM).";
    MAX_THREADS: Option<u64> = auto_integer("MaxThreads", "Auto", 1, 256), Restart,
        "Threads that scan for clients of this protocol. Auto: two for each core. A client that waits, \
         or is waited for, needs none.";
    MAX_CONNECTIONS: u64 = integer("MaxConnections", "1024", 1, 100_000), Restart,
        "Connections served at once; more wait until one ends.";
    STREAM_MAX_LENGTH: u64 = size("StreamMaxLength", "8GB", 1, 1 << 50), Reload,
        "Bytes of one stream (INSTREAM); a longer one is answered with an ERROR. Streams are scanned as they \
         come and kept nowhere. MaxFileSize and MaxScanSize of [ScanEngine] count besides.";
    SCAN_TIMEOUT: Option<u64> = interval("ScanTimeout", "2m", 100, HOUR, Never::Zero), Reload,
        "How long the engine may work on one object; waiting for its bytes does not count. 0: no limit.";
    COMMAND_READ_TIMEOUT: Option<u64> = interval("CommandReadTimeout", "30s", 100, HOUR, Never::Unsaid), Reload,
        "How long a command may take from its first byte to its last, and the first command of a connection to come.";
    READ_TIMEOUT: Option<u64> = interval("ReadTimeout", "2m", 100, HOUR, Never::Unsaid), Reload,
        "How long a stream, or a client that is to read its replies, may pause.";
    STREAM_TIMEOUT: Option<u64> = interval("StreamTimeout", "1h", SECOND, DAY, Never::Unsaid), Reload,
        "How long a stream may take from its first byte to its last.";
    IDLE_TIMEOUT: Option<u64> = interval("IdleTimeout", "2m", 100, 30 * DAY, Never::Unsaid), Reload,
        "How long a session (IDSESSION) is kept while nothing happens in it.";
    MAX_DIRECTORY_RECURSION: u64 = integer("MaxDirectoryRecursion", "15", 1, 128), Reload,
        "Directories inside each other that are looked into, the one that was named included; a deeper \
         one is answered with an ERROR.";
    UNCHECKED: &'static str = choice("Unchecked", "Error", &["Error", "Found"]), Reload,
        "What is answered about an object that could not be scanned to its end: encrypted, damaged, beyond \
         a limit, out of time, of an unknown kind. Error: an ERROR with the reason; mail filters keep the \
         message and try again, until they give up. Found: as a threat whose name begins with Heuristics., \
         so that they reject or quarantine it at once. It is never answered as OK.";

    LOG_LEVEL_ROW: &'static str = choice("LogLevel", "Notice", LOG_LEVELS), NotYet, LOG_LEVEL;
    LOG_ROW: String = log_target("Log", "Auto"), NotYet, LOG;
    EXE_PATH_ROW: Option<PathBuf> = path("ExePath", ""), NotYet, EXE_PATH;
    RUN_AS_USER_ROW: String = user("RunAsUser", "drweb"), NotYet, RUN_AS_USER;
}
