//! `[URLCheck]`: categories of sites.

use std::path::PathBuf;

use super::common::{
    DAY, EXE_PATH, FIXED_SOCKET_PATH, IDLE_TIME_LIMIT, LOG, LOG_LEVEL, LOG_LEVELS, RUN_AS_USER,
    SECOND,
};
use crate::settings::row::{Never, choice, interval, log_target, path, section, user};

section! {
    "URLCheck", "Categories of sites.";

    CATEGORY_DATABASE: Option<PathBuf> = path("CategoryDatabase", ""), Reload,
        "The database of categories: an image that baleen categories build made, or a folder of lists (UT1, \
         squidGuard, plain lists, hosts files, CSV, maltrail), which is compiled when it has changed. Empty: \
         the folder or image categories in StateDir, if there is one.";
    CATEGORY_MAPPING: Option<PathBuf> = path("CategoryMapping", ""), Reload,
        "Which list is about which category, one a line: list category = category[, category], or - to \
         leave the list out. These rows come before the built-in ones, which know UT1, maltrail and blackbook.";
    LOG_LEVEL_ROW: &'static str = choice("LogLevel", "Notice", LOG_LEVELS), NotYet, LOG_LEVEL;
    LOG_ROW: String = log_target("Log", "Auto"), NotYet, LOG;
    EXE_PATH_ROW: Option<PathBuf> = path("ExePath", ""), NotYet, EXE_PATH;
    RUN_AS_USER_ROW: String = user("RunAsUser", "drweb"), NotYet, RUN_AS_USER;
    IDLE_TIME_LIMIT_ROW: Option<u64> = interval("IdleTimeLimit", "30s", 10 * SECOND, 30 * DAY, Never::None),
        NotYet, IDLE_TIME_LIMIT;
    FIXED_SOCKET_PATH_ROW: Option<PathBuf> = path("FixedSocketPath", ""), NotYet, FIXED_SOCKET_PATH;
}
