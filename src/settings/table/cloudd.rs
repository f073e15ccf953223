//! `[CloudD]`: reputation services.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::common::{
    DAY, EXE_PATH, FIXED_SOCKET_PATH, IDLE_TIME_LIMIT, LOG, LOG_LEVEL, LOG_LEVELS, RUN_AS_USER,
    SECOND,
};
use crate::policy::Category;
use crate::policy::reputation::DnsList;
use crate::settings::address::ServiceUrl;
use crate::settings::row::{
    Never, addresses, category_names, choice, dns_lists, integer, interval, log_target, path,
    paths, section, service, switch, user,
};

section! {
    "CloudD", "Reputation services, asked when UseCloud of [Root] is Yes.";

    DNS_BLOCK_LISTS: Vec<DnsList> = dns_lists("DnsBlockLists", ""), Reload,
        "DNS block lists (RFC 5782): \"zone\", or \"zone what answer=category ...\". What is asked: domains (the \
         host's name, its last three and its last two labels; when nothing is said), hosts (the name only), \
         addresses (hosts that are IP addresses), urls (SHA-256 of host and path in base 32). Answers: \
         127.0.0.2=Gambling, 127.0.1.0/24=NotRecommended for a network, &8=InfectionSource for a bit of the last \
         number, *=NotRecommended for the rest; without any, all that is listed is NotRecommended.";
    DNS_SERVERS: Vec<SocketAddr> = addresses("DnsServers", ""), Reload,
        "Resolvers for the block lists, as IP:port. Empty: those of /etc/resolv.conf. Large public resolvers are \
         refused by most lists: use one of your own.";
    SERVICE: Option<ServiceUrl> = service("Service", ""), Reload,
        "A reputation service, as https://host/path; the manual has its documents.";
    SERVICE_TOKEN: Option<PathBuf> = path("ServiceToken", ""), Reload,
        "A file with the token that the service wants (Authorization: Bearer).";
    SERVICE_CERTIFICATES: Vec<PathBuf> = paths("ServiceCertificates", ""), Reload,
        "Files with the certificates (PEM) that the service's own has to be signed by. Empty: those of the system.";
    SERVICE_PATHS: bool = switch("ServicePaths", "Yes"), Reload,
        "Tell the service paths, too, not only hosts. Queries are never told to anybody.";
    SERVICE_CATEGORIES: Vec<(String, Category)> = category_names("ServiceCategories", ""), Reload,
        "Words of the service for our categories: betting=Gambling. Our own names need not be listed.";
    TIMEOUT: Option<u64> = interval("Timeout", "1s", 50, 30 * SECOND, Never::Unsaid), Reload,
        "How long a request waits for an answer. Then BlockUnanswered of [ICAPD] decides.";
    CACHE_SIZE: u64 = integer("CacheSize", "65536", 0, 10_000_000), Reload,
        "How many answers are kept; each takes about 200 bytes, and more with a path.";
    CACHE_TIME: Option<u64> = interval("CacheTime", "1h", SECOND, 30 * DAY, Never::Unsaid), Reload,
        "How long an answer with categories is kept at most; the service may say less.";
    NEGATIVE_CACHE_TIME: Option<u64> = interval("NegativeCacheTime", "5m", SECOND, DAY, Never::Unsaid), Reload,
        "How long it is kept that nobody knows an address.";

    LOG_LEVEL_ROW: &'static str = choice("LogLevel", "Notice", LOG_LEVELS), NotYet, LOG_LEVEL;
    LOG_ROW: String = log_target("Log", "Auto"), NotYet, LOG;
    EXE_PATH_ROW: Option<PathBuf> = path("ExePath", ""), NotYet, EXE_PATH;
    RUN_AS_USER_ROW: String = user("RunAsUser", "drweb"), NotYet, RUN_AS_USER;
    IDLE_TIME_LIMIT_ROW: Option<u64> = interval("IdleTimeLimit", "30s", 10 * SECOND, 30 * DAY, Never::None),
        NotYet, IDLE_TIME_LIMIT;
    FIXED_SOCKET_PATH_ROW: Option<PathBuf> = path("FixedSocketPath", ""), NotYet, FIXED_SOCKET_PATH;
    PERSISTENT_CACHE: bool = switch("PersistentCache", "Off"), NotYet, "Keep answers on disk.";
    DEBUG_SDK: bool = switch("DebugSdk", "No"), NotYet, "Log questions and answers at level Debug.";
}
