//! Settings as meant: what each room and the edge receive.
//!
//! No room reads [`Settings`](super::Settings); each gets the values of its own `Options`. What belongs
//! to no room below, because it is about sockets, memory and files, is [`Server`].

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::clamd;
use crate::engine::database::LinkOptions;
use crate::policy::{Networks, directory, reputation};

use super::address::{ServiceUrl, StorePlace};

/// What the edge needs to run the ICAP service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `[Root] DefaultLogLevel`.
    pub log_level: LogLevel,
    /// `[Root] StateDir`.
    pub state_dir: PathBuf,
    /// `[Root] Shards`; `None`: as many as there are cores.
    pub shards: Option<u32>,
    /// `[Root] PinShards`.
    pub pin_shards: PinShards,
    /// `[ICAPD] ListenAddress`; at least one.
    pub listen: Vec<SocketAddr>,
    /// `[ICAPD] ListenAs`: more addresses, with the names of their profiles.
    pub listen_as: Vec<(SocketAddr, &'static str)>,
    /// `[ICAPD] ListenSocket`, with its mode and group.
    pub listen_socket: Option<ListenSocket>,
    /// `[ICAPD] TLSListenAddress`.
    pub listen_tls: Vec<SocketAddr>,
    /// What ICAPS needs; `None`: it is not spoken.
    pub icaps: Option<Icaps>,
    /// `[ICAPD] AllowedClients`; the empty set: everybody.
    pub allowed_clients: Networks,
    /// `[ICAPD] ProxyProtocolFrom`.
    pub proxies: Networks,
    /// `[ICAPD] MaxConnections`: connections accepted at once.
    pub connections_max: u32,
    /// `[ICAPD] ScanTimeout`: how long the engine may work on one object; `None`: no limit.
    pub scan_time_max: Option<Duration>,
    /// `[ICAPD] AllowEarlyResponse`.
    pub early: EarlyResponse,
    /// `StallTimeout`: a pause of a held download after which its head is sent ahead; `None`: never.
    pub stall_time: Option<Duration>,
    /// How much may be held.
    pub budgets: Budgets,
    /// `[ICAPD] TemplatesDir`; `None`: the embedded pages.
    pub templates_dir: Option<PathBuf>,
    /// `[ICAPD] Hostmaster`: whom a blocked user can ask; empty: nobody is named.
    pub contact: String,
    /// `[ScanEngine] DatabaseDir`: files and folders; empty: only the EICAR test signature.
    pub database: Vec<PathBuf>,
    /// `[ScanEngine] ArchivePasswords`.
    pub passwords: Option<PathBuf>,
    /// `[ScanEngine] DetectPUA`.
    pub unwanted: Unwanted,
    /// `[ScanEngine] PhishingScanPages`, `PhishingAlwaysBlockSSLMismatch`, `PhishingAlwaysBlockCloak`.
    pub links: LinkOptions,
    /// `[ScanEngine] FunctionalityLevel`: signatures for other levels are set aside.
    pub functionality_level: u32,
    /// Whose containers are believed.
    pub trust: DatabaseTrust,
    /// `[ScanEngine] DatabaseThreads`; `None`: one for each core.
    pub database_threads: Option<u32>,
    /// `[ClamD]`: where the clamd protocol is spoken; `None`: nowhere.
    pub clamd: Option<ClamdListening>,
}

/// A unix socket to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenSocket {
    /// Where.
    pub path: PathBuf,
    /// Its mode, as the system counts it.
    pub mode: u32,
    /// Its group; empty: as it comes.
    pub group: String,
}

/// Certificate, key, and whose clients are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icaps {
    /// `[ICAPD] TLSCertificate`; never empty where `TLSListenAddress` is set.
    pub certificate: PathBuf,
    /// `[ICAPD] TLSKey`; the same.
    pub key: PathBuf,
    /// `[ICAPD] TLSClientCertificates`.
    pub clients: ClientCertificates,
    /// `[ICAPD] TLSClientCA`; never empty where certificates of clients are looked at.
    pub authorities: PathBuf,
}

/// Whether a proxy shows a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// It is not asked for one.
    Off,
    /// It may.
    Optional,
    /// It has to.
    Required,
}

/// Reputation services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// What is asked, and how long answers are good.
    pub reputation: reputation::Options,
    /// `DnsServers`; empty: those of the system.
    pub servers: Vec<SocketAddr>,
    /// `Service`.
    pub service: Option<ServiceUrl>,
    /// `ServiceToken`.
    pub token: Option<PathBuf>,
    /// `ServiceCertificates`; empty: those of the system.
    pub certificates: Vec<PathBuf>,
}

/// A directory that knows the groups of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// What is asked, and how long answers are good; without the password.
    pub directory: directory::Options,
    /// `LdapPasswordFile`.
    pub password: Option<PathBuf>,
    /// `LdapCheckCertificate`.
    pub check: CertificateCheck,
    /// `LdapCertificates`; empty: those of the system.
    pub certificates: Vec<PathBuf>,
    /// `LdapConnections`.
    pub connections: usize,
    /// `IdleTimeLimit`; `None`: connections are kept.
    pub idle_time: Option<Duration>,
    /// `DebugLibldap`: whether every question is logged.
    pub debug: bool,
}

/// What becomes of a server whose certificate is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateCheck {
    /// It is not used.
    Refuse,
    /// It is used, and the log says so.
    Allow,
    /// It is used.
    Ignore,
}

/// Where and by how many threads the clamd protocol is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClamdListening {
    /// `ListenSocket`.
    pub socket: Option<PathBuf>,
    /// `ListenSocketMode`, as the system counts it.
    pub socket_mode: u32,
    /// `ListenSocketGroup`; empty: as it comes.
    pub socket_group: String,
    /// `ListenAddress`.
    pub addresses: Vec<SocketAddr>,
    /// `MaxThreads`; `None`: two for each core.
    pub threads: Option<u32>,
    /// `MaxConnections`: served at once.
    pub connections_max: u32,
}

/// How clients of the clamd protocol are served; a reload may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClamdService {
    /// What each connection is held to.
    pub protocol: clamd::Options,
    /// `NetworkPaths`: whether clients of the network may name paths.
    pub network_paths: bool,
    /// `ScanTimeout`: how long the engine may work on one object; `None`: no limit.
    pub scan_time_max: Option<Duration>,
    /// `MaxDirectoryRecursion`.
    pub directories_max: u32,
}

/// Whose containers are believed, besides ClamAV's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseTrust {
    /// `[ScanEngine] DatabaseKeys`: files with public keys.
    pub keys: Vec<PathBuf>,
    /// `[ScanEngine] DatabaseCertificates`: files, and folders of them.
    pub certificates: Vec<PathBuf>,
    /// `[ScanEngine] AllowUnsignedDatabase`: whether `.cud` is loaded.
    pub unsigned: bool,
}

/// Verdicts that are known already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictCache {
    /// `VerdictCache`: bytes of memory over all shards; 0: none.
    pub memory_bytes_max: u64,
    /// `VerdictLifetime`: how long verdicts and promises are good.
    pub lifetime: Duration,
    /// `RetryBlockTime`: how long the retry of a broken download is refused; `None`: never.
    pub block_time: Option<Duration>,
    /// `SharedCache`; `None`: there is none.
    pub shared: Option<SharedCache>,
}

/// A store that several gateways share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedCache {
    /// Where it is.
    pub place: StorePlace,
    /// `SharedCachePasswordFile`.
    pub password: Option<PathBuf>,
    /// `SharedCacheKeyFile`.
    pub key: PathBuf,
    /// `SharedCacheTimeout`: how long a message waits for it.
    pub time_max: Duration,
}

/// Limits on what is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// `HoldLimit`: bytes of one message held back until its verdict.
    pub hold_bytes_max: u64,
    /// `MemoryBudget`: bytes of held messages in memory, over all shards.
    pub memory_bytes_max: u64,
    /// `SpoolDir`: where held messages go when the memory is full; `None`: `spool` in the state directory.
    pub spool_dir: Option<PathBuf>,
    /// `SpoolLimit`: bytes of held messages on disk, over all shards; 0: none.
    pub spool_bytes_max: u64,
}

/// List files that the edge reads and adds to the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFiles {
    /// Named in `BlackList`.
    pub black: Vec<PathBuf>,
    /// Named in `WhiteList`.
    pub white: Vec<PathBuf>,
    /// Named in `RangeSites`.
    pub ranges: Vec<PathBuf>,
    /// Named in `TrustedValidators`.
    pub trusted: Vec<PathBuf>,
    /// Named in `AdList`: regular expressions.
    pub ads: Vec<PathBuf>,
    /// `[LookupD] Groups`.
    pub groups: Option<PathBuf>,
}

/// The script of `MessageHook`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its text, or the path of its file.
    pub script: String,
    /// `MessageHookTimeout`: how long it may run for one message.
    pub time_max: Duration,
    /// `MessageHookMemory`: bytes of it on each shard.
    pub memory_bytes_max: u64,
}

impl Hook {
    /// Whether the setting names a file: a text has blanks or parentheses, a path of a script hardly.
    #[must_use]
    pub fn is_file(&self) -> bool {
        !self.script.contains(['\n', '(', ' '])
    }
}

/// Where the database of categories comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CategoryFiles {
    /// `CategoryDatabase`: an image or a folder of lists.
    pub database: Option<PathBuf>,
    /// `CategoryMapping`: which list is about which category.
    pub mapping: Option<PathBuf>,
    /// What is used without `CategoryDatabase`, if it is there.
    pub default: PathBuf,
    /// Where compiled images are kept.
    pub images: PathBuf,
}

/// How much is logged; each level includes those above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something should be looked at.
    Warning,
    /// What an administrator wants to know.
    Notice,
    /// Every transaction.
    Info,
    /// For finding faults.
    Debug,
}

/// Whether an answer may begin before the whole request has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlyResponse {
    /// As soon as it is certain.
    Allow,
    /// Only after the last byte.
    Forbid,
}

/// Whether a shard stays on its core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinShards {
    /// Yes, when there is a core for each shard.
    Auto,
    /// Yes.
    On,
    /// No: the kernel moves them.
    Off,
}

/// Whether signatures of potentially unwanted applications are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwanted {
    /// Loaded: what they find is `Riskware` or a nearer kind.
    Detect,
    /// Left out.
    Ignore,
}
