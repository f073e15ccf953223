//! `[ScanEngine]`: the database and the limits of a scan. The limits have the names of the ClamAV world.

use std::path::PathBuf;

use super::common::{
    DAY, EXE_PATH, FIXED_SOCKET_PATH, IDLE_TIME_LIMIT, LOG, LOG_LEVEL, LOG_LEVELS, RUN_AS_USER,
    SECOND,
};
use crate::settings::row::{
    Never, auto_integer, choice, integer, interval, log_target, path, paths, section, size, switch,
    user,
};

section! {
    "ScanEngine", "The scan engine and its database.";

    DATABASE_DIR: Vec<PathBuf> = paths("DatabaseDir", ""), Reload,
        "Files and folders of signatures; several by commas or lines. Empty: only the EICAR test \
         signature, to try the way through a proxy.";
    DATABASE_KEYS: Vec<PathBuf> = paths("DatabaseKeys", ""), Reload,
        "Files with public keys for signed containers, besides ClamAV's own: for a private mirror that \
         signs. A line is: container, list or patch; modulus; exponent; in decimal digits.";
    DATABASE_CERTIFICATES: Vec<PathBuf> = paths("DatabaseCertificates", ""), Reload,
        "Certificates (.crt, .pem, .cer, .der), or folders of them, at which the external signatures of \
         containers (.sign) end. Without any they are not checked; with some, a bad one refuses its container.";
    ALLOW_UNSIGNED_DATABASE: bool = switch("AllowUnsignedDatabase", "No"), Reload,
        "Load containers that nobody signed (.cud).";
    DATABASE_THREADS: Option<u64> = auto_integer("DatabaseThreads", "Auto", 1, 256), Reload,
        "Threads that read, compile and check databases, at the start and at a reload. Auto: one for each core.";
    MAX_SCAN_SIZE: u64 = size("MaxScanSize", "16GB", 1 << 20, 1 << 50), Reload,
        "Bytes scanned for one object with everything inside it; what is beyond is unchecked.";
    MAX_FILE_SIZE: u64 = size("MaxFileSize", "8GB", 1 << 20, 1 << 50), Reload,
        "Bytes of one object or of one file inside it; what is larger is unchecked.";
    MAX_RECURSION: u64 = integer("MaxRecursion", "17", 1, 64), Reload,
        "Files inside each other, the outer one included; what is deeper is unchecked.";
    MAX_FILES: u64 = integer("MaxFiles", "10000", 1, 100_000_000), Reload,
        "Files inside one object; what comes after is unchecked.";
    MAX_SCAN_STATE: u64 = size("MaxScanState", "128MB", 32 << 20, 1 << 40), Reload,
        "Memory that the decoders of one object may take at a time; what needs more is unchecked. A file made \
         by xz -9 needs 65 MB.";
    MAX_DEFERRED_SIZE: u64 = size("MaxDeferredSize", "32MB", 1 << 10, 1 << 40), Reload,
        "Bytes of one file kept for regexes and YARA rules, which need all of it; what is larger is unchecked \
         when one of them would have to look at it.";
    MAX_WHOLE_SIZE: u64 = size("MaxWholeSize", "128MB", 1 << 10, 1 << 40), Reload,
        "Bytes of one container that can only be opened when all of it is there (OLE2 and PDF documents); what is \
         larger is unchecked.";
    DEFERRED_MEMORY: u64 = size("DeferredMemory", "512MB", 1 << 20, 1 << 44), Reload,
        "Memory for the files of both kinds over all scans at a time.";
    ARCHIVE_PASSWORDS: Option<PathBuf> = path("ArchivePasswords", ""), Reload,
        "A file of passwords, one on each line, at most 64, which are tried on encrypted members of zip archives.";
    ALERT_ENCRYPTED_ARCHIVE: bool = switch("AlertEncryptedArchive", "No"), Reload,
        "Report archives with encrypted members as Heuristics.Encrypted. No: they are unchecked.";
    ALERT_ENCRYPTED_DOC: bool = switch("AlertEncryptedDoc", "No"), Reload,
        "Report encrypted documents as Heuristics.Encrypted. No: they are unchecked.";
    ALERT_EXCEEDS_MAX: bool = switch("AlertExceedsMax", "No"), Reload,
        "Report what reaches a limit as Heuristics.Limits.Exceeded. No: it is unchecked.";
    ALERT_BROKEN: bool = switch("AlertBroken", "No"), Reload,
        "Report damaged containers as Heuristics.Broken. No: they are unchecked.";
    ALERT_OLE2_MACROS: bool = switch("AlertOLE2Macros", "No"), Reload,
        "Report every document with macros as Heuristics.OLE2.ContainsMacros.";
    DETECT_PUA: bool = switch("DetectPUA", "No"), Reload,
        "Load the signatures of potentially unwanted applications. No, as clamscan does.";
    PHISHING_SCAN_PAGES: bool = switch("PhishingScanPages", "No"), Reload,
        "Compare the links of web pages with the lists of the database (.pdb, .wdb, .gdb), too. No: those of \
         mails only, as ClamAV does.";
    PHISHING_ALWAYS_BLOCK_SSL_MISMATCH: bool = switch("PhishingAlwaysBlockSSLMismatch", "No"), Reload,
        "Report links that show https and lead to http, whatever the lists say.";
    PHISHING_ALWAYS_BLOCK_CLOAK: bool = switch("PhishingAlwaysBlockCloak", "No"), Reload,
        "Report links that hide where they lead, whatever the lists say.";
    FUNCTIONALITY_LEVEL: u64 = integer("FunctionalityLevel", "214", 1, 999), Reload,
        "The level of the ClamAV engine that signatures are meant for; 214 is ClamAV 1.4. Signatures for \
         other levels are set aside.";

    LOG_LEVEL_ROW: &'static str = choice("LogLevel", "Notice", LOG_LEVELS), NotYet, LOG_LEVEL;
    LOG_ROW: String = log_target("Log", "Auto"), NotYet, LOG;
    EXE_PATH_ROW: Option<PathBuf> = path("ExePath", ""), NotYet, EXE_PATH;
    RUN_AS_USER_ROW: String = user("RunAsUser", "drweb"), NotYet, RUN_AS_USER;
    IDLE_TIME_LIMIT_ROW: Option<u64> = interval("IdleTimeLimit", "1h", 10 * SECOND, 30 * DAY, Never::None),
        NotYet, IDLE_TIME_LIMIT;
    FIXED_SOCKET_PATH_ROW: Option<PathBuf> = path("FixedSocketPath", ""), NotYet, FIXED_SOCKET_PATH;
    MAX_FORKS: u64 = integer("MaxForks", "8", 1, 1024), NotYet,
        "Processes that scan. Use Shards of [Root].";
    MAX_FORKS_PER_FILE: u64 = integer("MaxForksPerFile", "1", 1, 1024), NotYet,
        "Processes that scan one object.";
    WATCHDOG_INTERVAL: Option<u64> = interval("WatchdogInterval", "1.5s", 100, DAY, Never::Unsaid), NotYet,
        "How often scans are checked for hanging.";
    BUFFERED_IO: bool = switch("BufferedIo", "Off"), NotYet, "Read files through a buffer.";
}
