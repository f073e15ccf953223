//! `[HTTPD]`: the control center.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::common::{EXE_PATH, LOG, LOG_LEVEL, LOG_LEVELS, RUN_AS_USER, START};
use crate::settings::row::{address, choice, log_target, path, section, switch, user};

section! {
    "HTTPD", "The control center.";

    ADMIN_LISTEN: Option<SocketAddr> = address("AdminListen", "127.0.0.1:4443"), NotYet,
        "Where browsers connect (HTTPS); empty: nowhere.";
    ADMIN_SSL_CERTIFICATE: Option<PathBuf> = path("AdminSslCertificate", ""), NotYet,
        "The certificate; empty: an own one is made.";
    ADMIN_SSL_KEY: Option<PathBuf> = path("AdminSslKey", ""), NotYet, "The certificate's private key.";
    ACCESS_LOG_PATH: Option<PathBuf> = path("AccessLogPath", ""), NotYet, "Where requests are logged; empty: nowhere.";
    START_ROW: bool = switch("Start", "Yes"), NotYet, START;
    LOG_LEVEL_ROW: &'static str = choice("LogLevel", "Notice", LOG_LEVELS), NotYet, LOG_LEVEL;
    LOG_ROW: String = log_target("Log", "Auto"), NotYet, LOG;
    EXE_PATH_ROW: Option<PathBuf> = path("ExePath", ""), NotYet, EXE_PATH;
    RUN_AS_USER_ROW: String = user("RunAsUser", "drweb"), NotYet, RUN_AS_USER;
}
