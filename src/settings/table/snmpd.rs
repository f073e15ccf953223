//! `[SNMPD]`: the SNMP agent.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::common::{EXE_PATH, LOG, LOG_LEVEL, LOG_LEVELS, RUN_AS_USER, START};
use crate::settings::row::{
    address, addresses, choice, log_target, path, section, switch, text, user,
};

section! {
    "SNMPD", "The SNMP agent.";

    START_ROW: bool = switch("Start", "No"), NotYet, START;
    SNMP_VERSION: &'static str = choice("SnmpVersion", "V2c", &["V2c", "V3"]), NotYet, "The version spoken.";
    LISTEN_ADDRESS: Option<SocketAddr> = address("ListenAddress", "127.0.0.1:161"), NotYet, "Where managers ask.";
    TRAP_RECEIVER: Vec<SocketAddr> = addresses("TrapReceiver", ""), NotYet, "Who gets traps; empty: nobody.";
    V2C_COMMUNITY: String = text("V2cCommunity", "public"), NotYet, "The community of version 2c.";
    V3_ENGINE_ID: String = text("V3EngineId", ""), NotYet, "The engine's id in version 3; empty: made from the host.";
    V3_USER_NAME: String = text("V3UserName", "noAuthUser"), NotYet, "The user in version 3.";
    V3_AUTH: String = text("V3Auth", "None"), NotYet, "How a user of version 3 proves who it is.";
    V3_PRIVACY: String = text("V3Privacy", "None"), NotYet, "How version 3 encrypts.";
    LOG_LEVEL_ROW: &'static str = choice("LogLevel", "Notice", LOG_LEVELS), NotYet, LOG_LEVEL;
    LOG_ROW: String = log_target("Log", "Auto"), NotYet, LOG;
    EXE_PATH_ROW: Option<PathBuf> = path("ExePath", ""), NotYet, EXE_PATH;
    RUN_AS_USER_ROW: String = user("RunAsUser", "drweb"), NotYet, RUN_AS_USER;
}
