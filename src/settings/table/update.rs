//! `[Update]`: where updates come from and when.

use std::path::PathBuf;

use super::common::{
    DAY, EXE_PATH, HOUR, IDLE_TIME_LIMIT, LOG, LOG_LEVEL, LOG_LEVELS, MINUTE, RUN_AS_USER, SECOND,
};
use crate::settings::row::{
    Never, choice, integer, interval, log_target, path, paths, proxy, section, switch, user,
};

section! {
    "Update", "Updates of databases.";

    UPDATE_INTERVAL: Option<u64> = interval("UpdateInterval", "30m", MINUTE, 30 * DAY, Never::Unsaid), NotYet,
        "From the last successful contact to the next one.";
    RETRY_INTERVAL: Option<u64> = interval("RetryInterval", "3m", MINUTE, 30 * MINUTE, Never::Unsaid), NotYet,
        "How long to wait after a failure.";
    MAX_RETRIES: u64 = integer("MaxRetries", "3", 0, 1000), NotYet,
        "How often a failed update is tried again; 0: it waits for UpdateInterval.";
    NETWORK_TIMEOUT: Option<u64> = interval("NetworkTimeout", "1m", SECOND, HOUR, Never::Unsaid), NotYet,
        "How long the network may be silent.";
    PROXY: String = proxy("Proxy", ""), NotYet,
        "The proxy for updates, as host:port or user:password@host:port.";
    USE_LOCAL_CLOUD: bool = switch("UseLocalCloud", "No"), NotYet, "Get updates through the local cloud ([MeshD]).";
    EXCLUDED_FILES: Vec<PathBuf> = paths("ExcludedFiles", ""), NotYet, "Files that are never updated.";
    BASE_UPDATE_ENABLED: bool = switch("BaseUpdateEnabled", "Yes"), NotYet, "Update signatures.";
    DWS_UPDATE_ENABLED: bool = switch("DwsUpdateEnabled", "Yes"), NotYet, "Update categories of sites.";
    VERSION_UPDATE_ENABLED: bool = switch("VersionUpdateEnabled", "Yes"), NotYet, "Update news of versions.";
    BACKUP_DIR: Option<PathBuf> = path("BackupDir", ""), NotYet, "Where replaced files are kept.";
    MAX_BACKUPS: u64 = integer("MaxBackups", "0", 0, 1000), NotYet, "How many replaced sets are kept.";
    IDLE_TIME_LIMIT_ROW: Option<u64> = interval("IdleTimeLimit", "30s", 10 * SECOND, 30 * DAY, Never::None),
        NotYet, IDLE_TIME_LIMIT;
    LOG_LEVEL_ROW: &'static str = choice("LogLevel", "Notice", LOG_LEVELS), NotYet, LOG_LEVEL;
    LOG_ROW: String = log_target("Log", "Auto"), NotYet, LOG;
    EXE_PATH_ROW: Option<PathBuf> = path("ExePath", ""), NotYet, EXE_PATH;
    RUN_AS_USER_ROW: String = user("RunAsUser", "drweb"), NotYet, RUN_AS_USER;
}
