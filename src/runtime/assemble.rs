//! From files to the values in force: settings, lists, pages and the database become one [`Live`].
//!
//! The same for the start and for a reload: everything is built beside what is in force, and either
//! all of it is good or nothing changes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use crate::adaptation::page::Pages;
use crate::engine::Engine;
use crate::engine::database::{BuildOptions, DatabaseFacts, Image, Report};
use crate::engine::passwords::Passwords;
use crate::icap::{self, IsTag, ScanStatus};
use crate::observe::Event;
use crate::policy::{Networks, Policy};
use crate::settings::Settings;
use crate::settings::options::{ClamdService, EarlyResponse, Server, Unwanted};

use super::clock;
use super::configuration::{self, Configuration};
use super::database::{self, Plan};
use super::directory::{self, Directory};
use super::reputation::{Client, Cloud};
use super::script;
use super::trust::read_trust;
use super::workers::Threads;

/// The values in force: immutable, shared by all shards, swapped whole.
pub(super) struct Live {
    pub(super) engine: Arc<Engine>,
    pub(super) policy: Arc<Policy>,
    pub(super) hook: Option<Arc<script::Source>>,
    pub(super) pages: Pages,
    pub(super) icap: Arc<icap::Options>,
    pub(super) adaptation: crate::adaptation::Options,
    pub(super) server: Values,
    pub(super) clamd: ClamdService,
    /// Who may connect, and how.
    pub(super) access: Access,
    /// Who asks reputation services; the control thread puts it here. `None`: nobody is asked.
    pub(super) reputation: Option<Arc<Client>>,
    /// Who asks the directory for groups, in the same way.
    pub(super) directory: Option<Arc<directory::Client>>,
}

/// Who may connect, and how.
pub(super) struct Access {
    /// `AllowedClients`; the empty set: everybody.
    clients: Networks,
    /// `ProxyProtocolFrom`.
    pub(super) proxies: Networks,
    /// What ICAPS needs.
    pub(super) icaps: Option<Arc<rustls::ServerConfig>>,
}

impl Access {
    /// Whether a client may connect over the network.
    pub(super) fn admits(&self, client: Option<SocketAddr>) -> bool {
        self.clients.is_empty() || client.is_some_and(|client| self.clients.has(client.ip()))
    }
}

/// The numbers that connections read.
pub(super) struct Values {
    pub(super) connections_max: usize,
    pub(super) write_timeout: Duration,
    pub(super) scan_time: Option<Duration>,
    pub(super) early_response: bool,
    pub(super) stall_time: Option<Duration>,
    pub(super) hold_bytes_max: u64,
    pub(super) contact: String,
}

/// What a start or a reload has to work with.
pub(super) struct Assembled {
    pub(super) live: Live,
    pub(super) cloud: Option<Cloud>,
    pub(super) directory: Option<Directory>,
    pub(super) server: Server,
    pub(super) notes: Vec<Event>,
}

/// Reads and builds everything.
///
/// # Errors
///
/// A text that names every problem, for people.
pub(super) fn assemble(config: Option<&Path>) -> Result<Assembled, String> {
    let (findings, configuration) = configuration::read(config);
    let Some(Configuration { settings, policy, hook, pages, cloud, directory, icaps }) =
        configuration
    else {
        return Err(findings.texts().join("\n"));
    };
    let mut notes: Vec<Event> =
        findings.texts().into_iter().map(|text| Event::SettingsNote { text }).collect();
    let server = settings.server();
    let image = load_database(&server, &mut notes)?;
    let engine = Engine::new(Arc::new(image), settings.engine_limits());
    let engine = engine.with_alerts(settings.engine_alerts());
    let engine = Arc::new(engine.with_passwords(passwords(server.passwords.as_deref())?));
    let adaptation = settings.adaptation_options();
    let istag = IsTag::of(
        &engine.database().content.0,
        &policy_digest(&settings, &policy, hook.as_deref(), &adaptation),
    );
    let mut icap = settings.icap_options(istag);
    icap.scan_status = Some(scan_status(engine.database()));
    let values = Values {
        connections_max: usize::try_from(server.connections_max).unwrap_or(usize::MAX),
        write_timeout: icap.deadlines.body,
        scan_time: server.scan_time_max,
        early_response: server.early == EarlyResponse::Allow,
        stall_time: server.stall_time,
        hold_bytes_max: server.budgets.hold_bytes_max,
        contact: server.contact.clone(),
    };
    let clamd = settings.clamd_service();
    let icap = Arc::new(icap);
    let live = Live {
        engine,
        policy,
        hook,
        pages,
        icap,
        adaptation,
        server: values,
        clamd,
        access: Access {
            clients: server.allowed_clients.clone(),
            proxies: server.proxies.clone(),
            icaps,
        },
        reputation: None,
        directory: None,
    };
    Ok(Assembled { live, cloud, directory, server, notes })
}

/// Everything besides the database that changes an answer, for the ISTag.
fn policy_digest(
    settings: &Settings,
    policy: &Policy,
    hook: Option<&script::Source>,
    adaptation: &crate::adaptation::Options,
) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(policy.digest());
    digest.update(adaptation.digest());
    digest.update(hook.map_or("", |hook| hook.text.as_str()));
    let limits = settings.engine_limits();
    let alerts = settings.engine_alerts();
    digest.update(format!("{limits:?} {alerts:?}"));
    digest.finalize().into()
}

/// The passwords that are tried on encrypted members.
fn passwords(file: Option<&Path>) -> Result<Passwords, String> {
    let Some(file) = file else { return Ok(Passwords::default()) };
    let said = |why: String| format!("[ScanEngine] ArchivePasswords: {}: {why}", file.display());
    let text = std::fs::read(file).map_err(|error| said(error.to_string()))?;
    Passwords::read(&text).map_err(|fault| said(fault.to_string()))
}

fn load_database(server: &Server, notes: &mut Vec<Event>) -> Result<Image, String> {
    let options = BuildOptions {
        potentially_unwanted: server.unwanted == Unwanted::Detect,
        level: server.functionality_level,
        created_seconds: clock::unix_seconds(),
        version: None,
        links: server.links,
    };
    if server.database.is_empty() {
        notes.push(Event::DatabaseBuiltin);
    }
    let trust = read_trust(&server.trust, options.created_seconds)
        .map_err(|why| format!("[ScanEngine] DatabaseKeys, DatabaseCertificates: {why}"))?;
    let threads = server.database_threads.map(|count| usize::try_from(count).unwrap_or(1));
    let plan = Plan {
        names: &server.database,
        options,
        trust: Arc::new(trust),
        workers: Arc::new(Threads::new(threads)),
    };
    let loaded = database::load(&plan, &server.state_dir.join("image"))
        .map_err(|why| format!("[ScanEngine] DatabaseDir: {why}"))?;
    if let Some(report) = &loaded.report {
        notes.extend(unused_lines(report));
    }
    let facts = loaded.image.facts();
    notes.push(Event::DatabaseInForce {
        source: places(&server.database),
        signatures: facts.signatures(),
        version: facts.version.to_string(),
    });
    Ok(loaded.image)
}

/// Says what of the sources is not in force; `baleen db info` has the details.
fn unused_lines(report: &Report) -> Option<Event> {
    let totals = report.totals();
    let (bad, unsupported) = (totals.bad, totals.unsupported_count());
    (bad + unsupported > 0).then_some(Event::DatabasePartly { bad, unsupported })
}

fn places(paths: &[PathBuf]) -> String {
    if paths.is_empty() {
        return "the program itself".to_owned();
    }
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    names.join(", ")
}

/// The engine's state as Dr.Web's OPTIONS extension tells it.
fn scan_status(facts: &DatabaseFacts) -> ScanStatus {
    let built = UNIX_EPOCH + Duration::from_secs(facts.created_seconds);
    ScanStatus {
        core_engine: env!("CARGO_PKG_VERSION").into(),
        scan_engine: concat!("Baleen ", env!("CARGO_PKG_VERSION")).into(),
        status: "Ready".into(),
        database_timestamp: timestamp(built).into(),
        virus_records: facts.signatures(),
    }
}

/// `YYYY-Mon-DD HH:MM:SS`, cut out of an HTTP date.
fn timestamp(time: std::time::SystemTime) -> String {
    let date = httpdate::fmt_http_date(time);
    let mut words = date.split(' ').skip(1);
    let mut next = || words.next().unwrap_or_default();
    let (day, month, year, clock) = (next(), next(), next(), next());
    format!("{year}-{month}-{day} {clock}")
}
