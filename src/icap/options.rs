//! What the owner decides once for a connection: services, limits, deadlines, and what OPTIONS tells.
//!
//! The core reads no settings; it is handed this value and keeps it, shared, until
//! [`super::Connection::set_options`] brings another. The types hold what is checked already:
//! a [`Transfer`] that breaks RFC 3507 section 4.10.2 cannot be made.

use std::num::NonZeroU64;
use std::time::Duration;

use super::{Authentication, IsTag, Method, Profile, Transfer, UsernameCoding};

/// Everything a connection needs to know beforehand.
#[derive(Clone, Debug)]
pub struct Options {
    /// How strictly clients are read.
    pub profile: Profile,
    /// Whether clients have to say who they are.
    pub authentication: Authentication,
    /// The services, looked up in this order.
    pub services: Vec<Service>,
    /// The tag of every answer.
    pub istag: IsTag,
    /// What input may take.
    pub limits: Limits,
    /// How long input may take.
    pub deadlines: Deadlines,
    /// How user names are written.
    pub username: UsernameCoding,
    /// What OPTIONS answers tell.
    pub advertised: Advertised,
    /// The engine's state, told on OPTIONS with `DrWeb-Get-Scan-Status: Yes`.
    pub scan_status: Option<ScanStatus>,
    /// Requests on one connection, after which it closes politely; `None` is no limit.
    pub requests_max: Option<NonZeroU64>,
}

impl Options {
    /// The built-in services with default limits, in the profile `squid`.
    #[must_use]
    pub fn new(istag: IsTag) -> Self {
        Self {
            profile: Profile::SQUID,
            authentication: Authentication::Off,
            services: Service::built_in(),
            istag,
            limits: Limits::default(),
            deadlines: Deadlines::default(),
            username: UsernameCoding::Detect,
            advertised: Advertised::default(),
            scan_status: None,
            requests_max: None,
        }
    }
}

/// One service: its paths, its methods, and whether it scans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The path without its first `/`, compared byte by byte after percent-decoding.
    pub path: Box<str>,
    /// The methods it offers besides OPTIONS.
    pub methods: Methods,
    /// What it does with a message.
    pub kind: ServiceKind,
}

/// Which methods a service offers (RFC 3507 section 4.10.2: one for each URI where possible).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    /// REQMOD only.
    Reqmod,
    /// RESPMOD only.
    Respmod,
    /// Both, for the paths that other servers made customary.
    Both,
}

/// What a service does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceKind {
    /// Policy and scan.
    Scan,
    /// Sends everything back unmodified: for tests of a client. It never scans.
    Echo,
}

impl Service {
    /// A service at `path`.
    #[must_use]
    pub fn new(path: &str, methods: Methods, kind: ServiceKind) -> Self {
        Self { path: path.into(), methods, kind }
    }

    /// `/reqmod`, `/respmod`, the paths customary with other servers, and `/echo`.
    #[must_use]
    pub fn built_in() -> Vec<Self> {
        let aliases = ["avscan", "virus_scan", "squidclamav", "srv_clamav"];
        let own = [
            Self::new("reqmod", Methods::Reqmod, ServiceKind::Scan),
            Self::new("respmod", Methods::Respmod, ServiceKind::Scan),
            Self::new("echo", Methods::Both, ServiceKind::Echo),
        ];
        let customary = aliases.map(|path| Self::new(path, Methods::Both, ServiceKind::Scan));
        own.into_iter().chain(customary).collect()
    }
}

impl Methods {
    /// Whether `method` is offered; OPTIONS always is.
    #[must_use]
    pub const fn offer(self, method: Method) -> bool {
        match (self, method) {
            (Self::Both, _)
            | (_, Method::Options)
            | (Self::Reqmod, Method::Reqmod)
            | (Self::Respmod, Method::Respmod) => true,
            (Self::Reqmod, Method::Respmod) | (Self::Respmod, Method::Reqmod) => false,
        }
    }

    /// As in the `Methods` field.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reqmod => "REQMOD",
            Self::Respmod => "RESPMOD",
            Self::Both => "REQMOD, RESPMOD",
        }
    }
}

/// What OPTIONS answers tell besides methods and tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// The `Service` text; control characters are not sent.
    pub service: Box<str>,
    /// The `Service-ID` (and, for Squid, `ServiceId`) token.
    pub service_id: Option<Box<str>>,
    /// Wanted bytes of preview; `None` asks for whole bodies at once.
    pub preview_bytes: Option<u32>,
    /// Seconds until the client should ask again; `None` is for ever, but Squid then asks every 60 s.
    pub options_ttl_s: Option<u32>,
    /// Connections a client may open. Squid divides the number by its workers.
    pub connections_max: Option<u32>,
    /// Whether `Allow: 204` is sent.
    pub no_content: NoContent,
    /// Which file name extensions are previewed, ignored, or sent whole.
    pub transfer: Transfer,
    /// The same for services that see responses only: a request has to be seen for its address, a response whose
    /// type passes unscanned need not be.
    pub transfer_responses: Transfer,
}

impl Advertised {
    /// The lists for a service with these methods.
    #[must_use]
    pub const fn transfer_of(&self, methods: Methods) -> &Transfer {
        match methods {
            Methods::Respmod => &self.transfer_responses,
            Methods::Reqmod | Methods::Both => &self.transfer,
        }
    }
}

/// Whether OPTIONS offers 204 outside previews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoContent {
    /// `Allow: 204` is sent, and a request that allows 204 gets it.
    Offer,
    /// Unmodified messages outside previews are sent back in full.
    Withhold,
}

impl Default for Advertised {
    fn default() -> Self {
        Self {
            service: "Baleen".into(),
            service_id: Some("baleen".into()),
            preview_bytes: Some(4096),
            options_ttl_s: Some(3600),
            connections_max: None,
            no_content: NoContent::Offer,
            transfer: Transfer::preview_all(),
            transfer_responses: Transfer::preview_all(),
        }
    }
}

/// The engine's state in the words of Dr.Web's OPTIONS extension. The texts are ready for the wire;
/// control characters in them are not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanStatus {
    /// `DrWeb-Core-Engine`: version of the engine.
    pub core_engine: Box<str>,
    /// `DrWeb-Scan-Engine`: version of the program.
    pub scan_engine: Box<str>,
    /// `DrWeb-Scan-Status`: one word or a short sentence.
    pub status: Box<str>,
    /// `DrWeb-Database-Timestamp`: when the database was built, beginning `YYYY-Mon-DD`.
    pub database_timestamp: Box<str>,
    /// `DrWeb-Virus-Records`: number of signatures.
    pub virus_records: u64,
}

/// What input may take. Each connection that is not idle holds at most the sum of the heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one ICAP head. Beyond: 413, and the connection closes.
    pub icap_head_bytes_max: usize,
    /// Fields of one ICAP head. Beyond: 413, and the connection closes.
    pub icap_fields_max: usize,
    /// Bytes of one encapsulated HTTP head (two per connection). Beyond: 413, and the connection closes.
    pub http_head_bytes_max: usize,
    /// Fields of one encapsulated HTTP head. Beyond: 413, and the connection closes.
    pub http_fields_max: usize,
    /// Bytes of extensions on one chunk; they are skipped. Beyond: 400, and the connection closes.
    pub chunk_extension_bytes_max: usize,
    /// Bytes of trailer fields of one body, held only if they came with `ieof`. Beyond: 400, and the connection closes.
    pub trailer_bytes_max: usize,
    /// Bytes read and thrown away after an early answer. Beyond: the connection closes.
    pub drain_bytes_max: u64,
    /// Bytes of memory each buffer keeps from one request to the next; a larger one is given back. Costs
    /// up to four times that for each connection that grew so far, until the owner calls
    /// [`super::Connection::release_memory`].
    pub retained_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            icap_head_bytes_max: 32 << 10,
            icap_fields_max: 256,
            // Squid sends heads up to 64 KiB (reply_header_max_size).
            http_head_bytes_max: 128 << 10,
            http_fields_max: 1024,
            chunk_extension_bytes_max: 1 << 10,
            trailer_bytes_max: 16 << 10,
            drain_bytes_max: 64 << 20,
            retained_bytes: 64 << 10,
        }
    }
}

/// How long input may take. The owner applies them only while it waits for the client: not while it
/// does not read because its own buffers are full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Without a request: the connection closes. Long, because Squid keeps its connections and a
    /// close that races with a request costs a retry.
    pub idle: Duration,
    /// From the first byte of a request to the last of its heads: 408.
    pub head: Duration,
    /// From there to the end of the preview: 408.
    pub preview: Duration,
    /// For each further [`Deadlines::body_progress_bytes`] of a body: 408.
    pub body: Duration,
    /// How many bytes must arrive within [`Deadlines::body`]; at least 1.
    pub body_progress_bytes: u64,
    /// For the rest of a body after an early answer: the connection closes.
    pub drain: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(3600),
            head: Duration::from_secs(30),
            preview: Duration::from_secs(60),
            body: Duration::from_secs(300),
            body_progress_bytes: 1,
            drain: Duration::from_secs(30),
        }
    }
}
