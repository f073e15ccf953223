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
use crate::adaptation::verdicts::Epoch;
use crate::adaptation::{self, Remarks, ThreatKinds};
use crate::adaptation::{admission, credentials};
use crate::engine::Engine;
use crate::engine::database::{BuildOptions, DatabaseFacts, Image, Report};
use crate::engine::passwords::Passwords;
use crate::icap::{self, Authentication, IsTag, ScanStatus};
use crate::observe::Event;
use crate::policy::{Networks, Policy};
use crate::settings::Settings;
use crate::settings::options::{ClamdService, EarlyResponse, Server, Unwanted, VerdictCache};

use super::clock;
use super::configuration::{self, Configuration};
use super::database::{self, Plan};
use super::directory::{self, Directory};
use super::process;
use super::reputation::{Client, Cloud};
use super::script;
use super::trust::read_trust;
use super::workers::Threads;

/// The values in force: immutable, shared by all shards, swapped whole.
pub(super) struct Live {
    pub(super) engine: Arc<Engine>,
    /// Everything that a verdict depends on besides the object.
    pub(super) epoch: Epoch,
    pub(super) policy: Arc<Policy>,
    pub(super) hook: Option<Arc<script::Source>>,
    pub(super) pages: Pages,
    /// For clients of the listeners without a profile of their own.
    pub(super) icap: Arc<icap::Options>,
    /// For those of the others, one for each profile that there is.
    pub(super) icap_as: Vec<Arc<icap::Options>>,
    /// What answers say besides the verdict.
    pub(super) remarks: Remarks,
    pub(super) adaptation: adaptation::Options,
    pub(super) server: Values,
    pub(super) clamd: ClamdService,
    /// Who may connect, and how.
    pub(super) access: Access,
    /// Of clients that have to say who they are.
    pub(super) passwords: Arc<credentials::Passwords>,
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

impl Live {
    /// Whether each threat is blocked, whatever it is and whoever asks.
    pub(super) fn blocks_every_threat(&self) -> bool {
        self.adaptation.blocked_threats == ThreatKinds::ALL && !self.policy.judges_threats()
    }

    /// What connections of a listener need that has this profile, or none of its own.
    pub(super) fn icap_of(&self, profile: Option<&'static str>) -> &Arc<icap::Options> {
        let is_it = |options: &&Arc<icap::Options>| Some(options.profile.name) == profile;
        self.icap_as.iter().find(is_it).unwrap_or(&self.icap)
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
    /// `VerdictLifetime` and `RetryBlockTime`, in seconds; 0 seconds: nobody is refused.
    pub(super) verdict_times: (u64, u64),
    /// What becomes of requests when there is too much to do.
    pub(super) admission: admission::Options,
}

/// What a start or a reload has to work with.
pub(super) struct Assembled {
    pub(super) live: Live,
    pub(super) cloud: Option<Cloud>,
    pub(super) directory: Option<Directory>,
    pub(super) server: Server,
    pub(super) verdicts: VerdictCache,
    pub(super) notes: Vec<Event>,
}

/// Reads and builds everything.
///
/// # Errors
///
/// A text that names every problem, for people.
pub(super) fn assemble(config: Option<&Path>) -> Result<Assembled, String> {
    let (findings, configuration) = configuration::read(config);
    let Some(Configuration { settings, policy, hook, pages, cloud, directory, icaps, clients }) =
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
    let (passwords, words) = passwords(server.passwords.as_deref())?;
    let engine = Arc::new(engine.with_passwords(passwords));
    let adaptation_options = settings.adaptation_options();
    let epoch = epoch(&settings, &engine, &policy, &words);
    let remarks = settings.remarks();
    let istag = IsTag::of(
        &engine.database().content.0,
        &policy_digest(&settings, &policy, hook.as_deref(), &adaptation_options, &remarks),
    );
    let connections_max = capacity(&server, &mut notes);
    let is_watched = hook.is_some() || remarks.scanned.is_some() || remarks.unchecked.is_some();
    let transfer =
        adaptation::transfer::lists(&policy, settings.ignores_passed_types(), is_watched);
    let status = scan_status(engine.database());
    let authentication =
        if clients.is_some() { Authentication::Basic } else { Authentication::Off };
    let complete = |mut icap: icap::Options| {
        icap.authentication = authentication;
        icap.scan_status = Some(status.clone());
        icap.advertised.connections_max = Some(connections_max);
        icap.advertised.transfer_responses = transfer.clone();
        Arc::new(icap)
    };
    let icap = complete(settings.icap_options(istag));
    // All there are: listeners keep theirs until a restart, whatever the settings say by then.
    let profiles = icap::Profile::ALL.iter();
    let icap_as =
        profiles.map(|profile| complete(settings.icap_options_as(profile.name, istag))).collect();
    let values = values(&settings, &server, &icap, connections_max);
    let clamd = settings.clamd_service();
    let live = Live {
        engine,
        epoch,
        policy,
        hook,
        pages,
        icap,
        icap_as,
        remarks,
        adaptation: adaptation_options,
        server: values,
        clamd,
        access: Access {
            clients: server.allowed_clients.clone(),
            proxies: server.proxies.clone(),
            icaps,
        },
        passwords: Arc::new(clients.unwrap_or_default()),
        reputation: None,
        directory: None,
    };
    let verdicts = settings.verdict_cache();
    Ok(Assembled { live, cloud, directory, server, verdicts, notes })
}

/// Everything that a verdict depends on besides the object.
fn epoch(settings: &Settings, engine: &Engine, policy: &Policy, passwords: &[u8]) -> Epoch {
    let server = settings.server();
    let budgets = format!("{:?} {:?}", settings.engine_limits(), settings.engine_alerts());
    let loaded = format!("{:?} {} {:?}", server.unwanted, server.functionality_level, server.links);
    Epoch::of(&[
        env!("CARGO_PKG_VERSION").as_bytes(),
        &engine.database().content.0,
        budgets.as_bytes(),
        loaded.as_bytes(),
        passwords,
        &[settings.adaptation_options().blocked_threats.bits(), u8::from(policy.judges_threats())],
    ])
}

/// The numbers that connections read.
fn values(
    settings: &Settings,
    server: &Server,
    icap: &icap::Options,
    connections_max: u32,
) -> Values {
    let verdicts = settings.verdict_cache();
    Values {
        connections_max: usize::try_from(connections_max).unwrap_or(usize::MAX),
        write_timeout: icap.deadlines.body,
        scan_time: server.scan_time_max,
        early_response: server.early == EarlyResponse::Allow,
        stall_time: server.stall_time,
        hold_bytes_max: server.budgets.hold_bytes_max,
        contact: server.contact.clone(),
        verdict_times: (
            verdicts.lifetime.as_secs(),
            verdicts.block_time.map_or(0, |time| time.as_secs()),
        ),
        admission: settings.admission_options(),
    }
}

/// How many connections there can be: as many as are wanted, or as the system has descriptors for. Each
/// may hold a second one, of a message that does not fit into memory.
fn capacity(server: &Server, notes: &mut Vec<Event>) -> u32 {
    let wanted = server.connections_max;
    let clamd = server.clamd.as_ref().map_or(0, |clamd| u64::from(clamd.connections_max));
    let possible =
        process::descriptors().saturating_sub(process::DESCRIPTORS_BESIDE).saturating_sub(clamd);
    let possible = u32::try_from(possible).unwrap_or(u32::MAX).max(CONNECTIONS_MIN);
    if possible < wanted {
        let text = format!(
            "[ICAPD] MaxConnections: {wanted} are wanted, the limit of open files allows {possible}; more with \
             LimitNOFILE in the unit or ulimit -n"
        );
        notes.push(Event::SettingsNote { text });
    }
    wanted.min(possible)
}

/// Everything besides the database that changes an answer, for the ISTag.
fn policy_digest(
    settings: &Settings,
    policy: &Policy,
    hook: Option<&script::Source>,
    adaptation: &adaptation::Options,
    remarks: &Remarks,
) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(policy.digest());
    digest.update(adaptation.digest());
    if *remarks != Remarks::default() {
        digest.update(format!("{remarks:?}"));
    }
    digest.update(hook.map_or("", |hook| hook.text.as_str()));
    let limits = settings.engine_limits();
    let alerts = settings.engine_alerts();
    digest.update(format!("{limits:?} {alerts:?}"));
    digest.finalize().into()
}

/// The passwords that are tried on encrypted members, and the text that they are from.
fn passwords(file: Option<&Path>) -> Result<(Passwords, Vec<u8>), String> {
    let Some(file) = file else { return Ok((Passwords::default(), Vec::new())) };
    let said = |why: String| format!("[ScanEngine] ArchivePasswords: {}: {why}", file.display());
    let text = std::fs::read(file).map_err(|error| said(error.to_string()))?;
    let passwords = Passwords::read(&text).map_err(|fault| said(fault.to_string()))?;
    Ok((passwords, text))
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

/// Fewer are of no use to anybody.
const CONNECTIONS_MIN: u32 = 16;

/// `YYYY-Mon-DD HH:MM:SS`, cut out of an HTTP date.
fn timestamp(time: std::time::SystemTime) -> String {
    let date = httpdate::fmt_http_date(time);
    let mut words = date.split(' ').skip(1);
    let mut next = || words.next().unwrap_or_default();
    let (day, month, year, clock) = (next(), next(), next(), next());
    format!("{year}-{month}-{day} {clock}")
}
