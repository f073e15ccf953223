//! `[Root]`: the program as a whole.

use std::path::PathBuf;

use super::common::{LOG, LOG_LEVEL, LOG_LEVELS};
use crate::settings::row::{auto_integer, choice, log_target, path, section, switch, text};

section! {
    "Root", "The program as a whole.";

    DEFAULT_LOG_LEVEL: &'static str = choice("DefaultLogLevel", "Notice", LOG_LEVELS), Reload,
        "Verbosity of every component that does not set its own LogLevel.";
    STATE_DIR: Option<PathBuf> = path("StateDir", "./baleen-data"), Restart,
        "Where databases, compiled images, queues and held bodies are kept. A relative path counts from \
         the folder the program was started in.";
    SHARDS: Option<u64> = auto_integer("Shards", "Auto", 1, 1024), Restart,
        "Threads that scan, each with its own connections and memory. Auto: one for each core.";
    PIN_SHARDS: &'static str = choice("PinShards", "Auto", &["Auto", "On", "Off"]), Restart,
        "Whether each shard stays on a core of its own. Auto: when there is a core for each.";
    LOG_LEVEL_ROW: &'static str = choice("LogLevel", "Notice", LOG_LEVELS), NotYet, LOG_LEVEL;
    LOG_ROW: String = log_target("Log", "Auto"), NotYet, LOG;
    USE_CLOUD: bool = switch("UseCloud", "No"), Reload,
        "Whether the reputation services of [CloudD] are asked about addresses that local lists do not know. They \
         learn which sites are visited, so nobody is asked until the administrator says Yes.";
    PUBLIC_SOCKET_PATH: Option<PathBuf> = path("PublicSocketPath", ""), NotYet,
        "The unix socket for commands that everybody may give.";
    ADMIN_SOCKET_PATH: Option<PathBuf> = path("AdminSocketPath", ""), NotYet,
        "The unix socket for commands of administrators.";
    KEY_PATH: Option<PathBuf> = path("KeyPath", ""), NotYet, "The licence file.";
    VIRUS_BASE_DIR: Option<PathBuf> = path("VirusBaseDir", ""), NotYet,
        "Where databases are kept. Use DatabaseDir of [ScanEngine].";
    CACHE_DIR: Option<PathBuf> = path("CacheDir", ""), NotYet, "Where updates are downloaded to.";
    VAR_LIB_DIR: Option<PathBuf> = path("VarLibDir", ""), NotYet, "Where components keep their data. Use StateDir.";
    DWS_DIR: Option<PathBuf> = path("DwsDir", ""), NotYet, "Where the database of site categories is kept.";
    VERSION_DIR: Option<PathBuf> = path("VersionDir", ""), NotYet, "Where news of versions are kept.";
    CORE_ENGINE_PATH: Option<PathBuf> = path("CoreEnginePath", ""), NotYet,
        "The library of the scan engine. Baleen's engine is part of the program.";
    TEMP_DIR: Option<PathBuf> = path("TempDir", "/tmp"), NotYet, "Where short-lived files go.";
    RUN_DIR: Option<PathBuf> = path("RunDir", "/var/run"), NotYet, "Where sockets and process numbers go.";
    ADMIN_GROUP: String = text("AdminGroup", ""), NotYet, "The system group whose members are administrators.";
    TRUSTED_GROUP: String = text("TrustedGroup", "drweb"), NotYet, "The system group that components trust.";
    VERSION_NOTIFICATION: bool = switch("VersionNotification", "Yes"), NotYet,
        "Whether newer versions of the program are announced.";
    DEBUG_IPC: bool = switch("DebugIpc", "No"), NotYet,
        "Whether messages between components are logged at level Debug.";
}
