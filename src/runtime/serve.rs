//! The service as a process: start, signals, reload, stop. This is the control thread.
//!
//! ```text
//!   settings ─▶ assemble ─▶ bind ─▶ shards ─▶ wait: SIGHUP  ─▶ assemble beside, publish
//!                                                   SIGTERM ─▶ stop listening, drain, end
//!                                                   a shard ended ─▶ end: the supervisor starts us again
//! ```
//!
//! A reload is built here, beside the running shards; they see the new values at their next
//! request, and no request waits. A reload that fails leaves everything as it was.

use std::fmt;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_channel::Sender;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::observe::{Event, Level};
use crate::settings::options::{ListenSocket, LogLevel, PinShards, Server, VerdictCache};

use super::acceptor::{self, Listener};
use super::assemble::{Assembled, Live, assemble};
use super::clock;
use super::directory;
use super::executor::{NewShard, shut_down};
use super::heartbeat::{self, Pulse};
use super::journal::Journal;
use super::listening::Listening;
use super::live::{Graveyard, Publisher};
use super::placement::{places, processors};
use super::process;
use super::reputation::InForce;
use super::shard::{Message, Parts, run};
use super::side::SideThreads;
use super::spool::Spool;
use super::storage;
use super::traffic::Traffic;
use super::transport::{Door, Way};
use super::verdicts;
use super::{clamd, control};

/// Why the service did not start, or ended.
#[derive(Debug)]
pub enum ServeFault {
    /// The settings are refused; the text names every place.
    Settings(String),
    /// Something the system refuses: what was tried, and what it says.
    System(String),
    /// A shard ended by a defect of ours.
    ShardEnded,
}

impl fmt::Display for ServeFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(text) | Self::System(text) => out.write_str(text),
            Self::ShardEnded => out.write_str("a shard ended by a defect of ours"),
        }
    }
}

/// Runs the service until it is told to stop.
///
/// # Errors
///
/// [`ServeFault`] when it cannot start, or a shard dies.
pub fn serve(config: Option<&Path>) -> Result<(), ServeFault> {
    // First of all: how many connections there can be follows from it.
    process::raise_descriptors();
    let Assembled { mut live, cloud, directory, server, verdicts, notes } =
        assemble(config).map_err(ServeFault::Settings)?;
    let (journal, writer) =
        Journal::start(level(server.log_level)).map_err(|error| system("start the log", &error))?;
    for note in notes {
        journal.write(note);
    }
    process::try_executor().map_err(ServeFault::System)?;
    let mut reputation = InForce::new();
    live.reputation = reputation.renew(cloud, &journal).map_err(ServeFault::System)?;
    let mut in_force = directory::InForce::new();
    live.directory = in_force.renew(directory, &journal).map_err(ServeFault::System)?;
    let shared = shared_store(&verdicts, &journal)?;
    let mut service = Service::start(live, server, (verdicts, shared), config, journal)?;
    service.reputation = reputation;
    service.directory = in_force;
    let ended = service.control();
    writer.finish();
    ended
}

/// Starts to talk to the store that gateways share, where there is one.
fn shared_store(
    cache: &VerdictCache,
    journal: &Journal,
) -> Result<Option<Arc<verdicts::store::Store>>, ServeFault> {
    let Some(shared) = cache.shared.as_ref().filter(|_| cache.memory_bytes_max > 0) else {
        return Ok(None);
    };
    let options = verdicts::store::options(shared, cache.lifetime).map_err(ServeFault::Settings)?;
    let store = verdicts::store::Store::start(shared.place.clone(), options, journal.clone());
    store.map(Some).map_err(|error| system("start the thread for SharedCache", &error))
}

struct Service {
    config: Option<PathBuf>,
    server: Server,
    publisher: Arc<Publisher<Live>>,
    graveyard: Graveyard<Live>,
    journal: Journal,
    listeners: Vec<OwnedFd>,
    /// `ListenSocket`, until the service ends.
    socket_file: Option<clamd::SocketFile>,
    inboxes: Vec<Sender<Message>>,
    shards_running: usize,
    /// Of each shard.
    traffic: Box<[Arc<Traffic>]>,
    news: Receiver<News>,
    cut_off: Arc<AtomicUsize>,
    address_file: PathBuf,
    clamd: Option<clamd::Service>,
    reputation: InForce,
    directory: directory::InForce,
    /// What is remembered of verdicts, since the start.
    verdicts: VerdictCache,
    /// Where `baleen ctl` asks, until the service ends.
    control: Option<clamd::SocketFile>,
}

/// What the control thread waits for.
enum News {
    Signal(i32),
    /// A client with the right to do so asks for it.
    Reload,
    ShardEnded {
        whole: bool,
    },
}

impl Service {
    fn start(
        live: Live,
        server: Server,
        verdicts: (VerdictCache, Option<Arc<verdicts::store::Store>>),
        config: Option<&Path>,
        journal: Journal,
    ) -> Result<Self, ServeFault> {
        let allowed = processors();
        let wanted = server.shards.and_then(|shards| usize::try_from(shards).ok());
        let shards = wanted.unwrap_or(allowed.len()).max(1);
        let mut bound = Vec::new();
        let plain = server.listen.iter().map(|address| (*address, Door::tcp(None)));
        let special = server.listen_as.iter();
        let special = special.map(|(address, profile)| (*address, Door::tcp(Some(*profile))));
        let secured = server.listen_tls.iter().map(|address| (*address, Door::TLS));
        for (address, door) in plain.chain(special).chain(secured) {
            let listening = Listening::bind(address, shards)
                .map_err(|error| system(&format!("listen on {address}"), &error))?;
            bound.push((listening, door));
        }
        let spool_dir =
            server.budgets.spool_dir.clone().unwrap_or_else(|| server.state_dir.join("spool"));
        let spool = Spool::open(&spool_dir, server.budgets.spool_bytes_max).map_err(|error| {
            system(&format!("use the spool folder {}", spool_dir.display()), &error)
        })?;
        let side = SideThreads::start(SIDE_THREADS)
            .map_err(|error| system("start the side threads", &error))?;
        let (tell, news) = crossbeam_channel::bounded(NEWS_MAX);
        watch_signals(tell.clone())?;
        let addresses = places_of(&bound, &server);
        let mut service = Self {
            config: config.map(Path::to_owned),
            publisher: Publisher::new(live),
            graveyard: Graveyard::new(),
            listeners: Vec::new(),
            socket_file: None,
            inboxes: Vec::new(),
            shards_running: 0,
            traffic: (0..shards).map(|_| Arc::default()).collect(),
            news,
            cut_off: Arc::new(AtomicUsize::new(0)),
            address_file: server.state_dir.join("run").join("icap.addr"),
            clamd: None,
            reputation: InForce::new(),
            directory: directory::InForce::new(),
            control: None,
            verdicts: verdicts.0.clone(),
            journal,
            server,
        };
        let pinned = match service.server.pin_shards {
            PinShards::On => true,
            PinShards::Auto => shards <= allowed.len() && shards > 1,
            PinShards::Off => false,
        };
        let cpus = places(&allowed, shards, pinned);
        let (cache, shared) = verdicts;
        let memories =
            verdicts::parts(cache, shared.as_ref(), cpus.len(), &service.server.state_dir);
        service.start_shards(bound, (&cpus, memories), &Arc::new(side), &spool, &tell)?;
        service.start_clamd(&tell)?;
        service.start_control(&tell);
        service.announce(&addresses, shards)?;
        Ok(service)
    }

    /// Starts the clamd protocol where the settings ask for it. It counts as one more shard: the service
    /// ends when it has ended.
    fn start_clamd(&mut self, tell: &crossbeam_channel::Sender<News>) -> Result<(), ServeFault> {
        let Some(listening) = &self.server.clamd else { return Ok(()) };
        let ask = tell.clone();
        // With a full queue of news one more reload would change nothing.
        let reload = Box::new(move || drop(ask.try_send(News::Reload)));
        let (service, thread) = clamd::Service::start(
            listening,
            Arc::clone(&self.publisher),
            self.journal.clone(),
            Arc::clone(&self.cut_off),
            reload,
        )
        .map_err(|why| ServeFault::System(format!("[ClamD] cannot {why}")))?;
        self.clamd = Some(service);
        self.shards_running += 1;
        let tell = tell.clone();
        std::thread::Builder::new()
            .name("watch-clamd".to_owned())
            .spawn(move || {
                let whole = thread.join().is_ok();
                let _control_is_gone = tell.send(News::ShardEnded { whole });
            })
            .map_err(|error| system("watch the clamd threads", &error))?;
        Ok(())
    }

    /// Starts to answer `baleen ctl`.
    fn start_control(&mut self, tell: &crossbeam_channel::Sender<News>) {
        let ask = tell.clone();
        let reload = Box::new(move || ask.try_send(News::Reload).is_ok());
        let publisher = Arc::clone(&self.publisher);
        let desk = control::Desk { publisher, reload, traffic: self.traffic.clone() };
        let path = control::control_socket(&self.server.state_dir);
        match control::start(&path, desk) {
            Ok(file) => self.control = Some(file),
            // The gateway does its work without being asked about it.
            Err(error) => {
                let text = format!("baleen ctl cannot ask: {}: {error}", path.display());
                self.journal.write(Event::SettingsNote { text });
            }
        }
    }

    fn start_shards(
        &mut self,
        bound: Vec<(Listening, Door)>,
        (cpus, memories): (&[Option<usize>], Vec<verdicts::Parts>),
        side: &Arc<SideThreads>,
        spool: &Spool,
        tell: &crossbeam_channel::Sender<News>,
    ) -> Result<(), ServeFault> {
        let shards = cpus.len();
        let (inboxes, receivers): (Vec<_>, Vec<_>) =
            (0..shards).map(|_| async_channel::bounded(INBOX_MAX)).unzip();
        let loads: Arc<[AtomicUsize]> = (0..shards).map(|_| AtomicUsize::new(0)).collect();
        let pool_bytes = self.server.budgets.memory_bytes_max / shards as u64;
        let pulses: Vec<Arc<Pulse>> = (0..shards).map(|_| Arc::default()).collect();
        heartbeat::start(pulses.clone(), Arc::clone(&loads))
            .map_err(|error| system("start the heart", &error))?;
        let shards = receivers.into_iter().zip(cpus).zip(memories);
        for (index, ((inbox, cpu), verdicts)) in shards.enumerate() {
            let parts = Parts {
                index,
                inbox,
                loads: Arc::clone(&loads),
                publisher: Arc::clone(&self.publisher),
                journal: self.journal.clone(),
                side: Arc::clone(side),
                spool: spool.clone(),
                pool_bytes,
                cut_off: Arc::clone(&self.cut_off),
                pulse: Arc::clone(&pulses[index]),
                traffic: Arc::clone(&self.traffic[index]),
                verdicts,
            };
            let (name, pulse) = (format!("shard-{index}"), Arc::clone(&pulses[index]));
            let shard = NewShard::new(&name, *cpu);
            let thread = shard
                .spawn(pulse, move |spawner| run(spawner, parts))
                .map_err(|error| system(&format!("start shard {index}"), &error))?;
            self.shards_running += 1;
            let tell = tell.clone();
            std::thread::Builder::new()
                .name(format!("watch-{index}"))
                .spawn(move || {
                    let whole = thread.join().is_ok();
                    let _control_is_gone = tell.send(News::ShardEnded { whole });
                })
                .map_err(|error| system("watch a shard", &error))?;
        }
        let sockets = bound.into_iter().flat_map(|(listening, door)| {
            listening.sockets.into_iter().map(move |socket| Listener::Tcp(socket, door))
        });
        let local = self.listen_unix()?.map(Listener::Unix);
        for listener in sockets.chain(local) {
            let kept = listener.handle().map_err(|error| system("keep a socket", &error))?;
            self.listeners.push(kept);
            acceptor::start(listener, inboxes.clone(), Arc::clone(&loads))
                .map_err(|error| system("start an acceptor", &error))?;
        }
        self.inboxes = inboxes;
        Ok(())
    }

    /// Listens on `ListenSocket`.
    fn listen_unix(&mut self) -> Result<Option<UnixListener>, ServeFault> {
        let Some(ListenSocket { path, mode, group }) = &self.server.listen_socket else {
            return Ok(None);
        };
        let what = format!("listen on {}", path.display());
        let (listener, file) =
            clamd::listen_unix(path, *mode, group).map_err(|error| system(&what, &error))?;
        listener.set_nonblocking(false).map_err(|error| system(&what, &error))?;
        self.socket_file = Some(file);
        Ok(Some(listener))
    }

    /// Says where the service listens: in the log, and in a file for programs.
    fn announce(&self, addresses: &[String], shards: usize) -> Result<(), ServeFault> {
        let mut lines = String::new();
        for address in addresses {
            self.journal.write(Event::Listening { address: address.clone(), shards });
            lines.push_str(address);
            lines.push('\n');
        }
        let folder = self.server.state_dir.join("run");
        let written = std::fs::create_dir_all(&folder);
        let written = written.and_then(|()| match &self.clamd {
            None => Ok(()),
            Some(clamd) => {
                clamd.announce();
                let lines = clamd.addresses().join("\n") + "\n";
                storage::write_atomically(&folder.join(CLAMD_ADDRESSES), lines.as_bytes())
            }
        });
        written
            .and_then(|()| storage::write_atomically(&self.address_file, lines.as_bytes()))
            .map_err(|error| system("say where it listens", &error))
    }

    /// Waits for news until everything has ended.
    fn control(mut self) -> Result<(), ServeFault> {
        let mut stopping = false;
        let mut deadline = None;
        loop {
            // A shard that does not end by itself ends with the process.
            if deadline.is_some_and(|deadline| clock::now() >= deadline) {
                return Ok(());
            }
            match self.news.recv_timeout(SWEEP) {
                Ok(News::Signal(SIGHUP) | News::Reload) if !stopping => self.reload(),
                Ok(News::Signal(SIGTERM | SIGINT)) if !stopping => {
                    stopping = true;
                    deadline = clock::now().checked_add(DRAIN_TIME + END_TIME);
                    self.stop();
                }
                // Asked twice: now.
                Ok(News::Signal(SIGTERM | SIGINT)) => return Ok(()),
                Ok(News::Signal(_) | News::Reload) | Err(RecvTimeoutError::Timeout) => {}
                Ok(News::ShardEnded { whole }) => {
                    self.shards_running -= 1;
                    if !whole || !stopping {
                        return Err(ServeFault::ShardEnded);
                    }
                    if self.shards_running == 0 {
                        let cut_off = self.cut_off.load(Ordering::Relaxed);
                        self.journal.write(Event::Stopped { cut_off });
                        let _ignored = std::fs::remove_file(&self.address_file);
                        let clamd = self.address_file.with_file_name(CLAMD_ADDRESSES);
                        let _ignored = std::fs::remove_file(clamd);
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Err(ServeFault::ShardEnded),
            }
            self.graveyard.sweep();
        }
    }

    /// Builds what the settings say now, and puts it in force.
    fn reload(&mut self) {
        let begun = clock::now();
        match assemble(self.config.as_deref()) {
            Ok(Assembled { mut live, cloud, directory, server, notes, verdicts }) => {
                let reputation = self.reputation.renew(cloud, &self.journal);
                let renewed = reputation.and_then(|reputation| {
                    Ok((reputation, self.directory.renew(directory, &self.journal)?))
                });
                match renewed {
                    Ok((reputation, directory)) => {
                        live.reputation = reputation;
                        live.directory = directory;
                    }
                    Err(why) => {
                        self.journal.write(Event::ReloadRefused { why });
                        return;
                    }
                }
                // The sockets of TLS stay open until a restart, and so does what is spoken there.
                if live.access.icaps.is_none() {
                    live.access.icaps.clone_from(&self.publisher.current().access.icaps);
                }
                for note in notes {
                    self.journal.write(note);
                }
                let changed = restart_needed(&self.server, &server);
                for text in changed.into_iter().chain(memory_changed(&self.verdicts, &verdicts)) {
                    self.journal.write(Event::SettingsNote { text });
                }
                self.graveyard.bury(self.publisher.publish(live));
                let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                self.journal.write(Event::Reloaded { milliseconds });
            }
            Err(why) => self.journal.write(Event::ReloadRefused { why }),
        }
    }

    /// No new connections; what is under way is finished.
    fn stop(&mut self) {
        self.journal.write(Event::Draining);
        if let Some(clamd) = &mut self.clamd {
            clamd.stop();
        }
        for listener in &self.listeners {
            shut_down(listener);
        }
        for inbox in &self.inboxes {
            let _shard_is_gone = inbox.send_blocking(Message::Drain(DRAIN_TIME));
        }
    }
}

/// Where the service listens, as the log says it and programs read it: plain addresses first.
fn places_of(bound: &[(Listening, Door)], server: &Server) -> Vec<String> {
    let networks = bound.iter().map(|(listening, door)| match door.way {
        Way::Tls => format!("icaps://{}", listening.address),
        Way::Tcp | Way::Unix => listening.address.to_string(),
    });
    let local = server.listen_socket.iter().map(|socket| format!("unix:{}", socket.path.display()));
    networks.chain(local).collect()
}

/// What a reload cannot change, said rather than silently ignored.
/// Of what is remembered of verdicts only the times change while the service runs.
fn memory_changed(old: &VerdictCache, new: &VerdictCache) -> Option<String> {
    let is_same = old.memory_bytes_max == new.memory_bytes_max && old.shared == new.shared;
    let text = "[ICAPD] VerdictCache or SharedCache has changed; it takes effect at the next start";
    (!is_same).then(|| text.to_owned())
}

fn restart_needed(old: &Server, new: &Server) -> Vec<String> {
    let changed = [
        ("[ICAPD] ListenAddress", old.listen != new.listen),
        ("[ICAPD] ListenSocket", old.listen_socket != new.listen_socket),
        ("[ICAPD] TLSListenAddress", old.listen_tls != new.listen_tls),
        ("[ICAPD] ListenAs", old.listen_as != new.listen_as),
        ("[Root] Shards", old.shards != new.shards),
        ("[Root] PinShards", old.pin_shards != new.pin_shards),
        ("[Root] StateDir", old.state_dir != new.state_dir),
        ("[Root] DefaultLogLevel", old.log_level != new.log_level),
        ("[ICAPD] MemoryBudget", old.budgets.memory_bytes_max != new.budgets.memory_bytes_max),
        ("[ICAPD] SpoolDir", old.budgets.spool_dir != new.budgets.spool_dir),
        ("[ClamD] where and by how many it is served", old.clamd != new.clamd),
        ("[ICAPD] SpoolLimit", old.budgets.spool_bytes_max != new.budgets.spool_bytes_max),
    ];
    let said = |(name, _)| format!("{name} has changed; it takes effect at the next start");
    changed.into_iter().filter(|(_, changed)| *changed).map(said).collect()
}

fn watch_signals(tell: crossbeam_channel::Sender<News>) -> Result<(), ServeFault> {
    let mut signals = Signals::new([SIGHUP, SIGTERM, SIGINT])
        .map_err(|error| system("watch for signals", &error))?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                if tell.send(News::Signal(signal)).is_err() {
                    return;
                }
            }
        })
        .map_err(|error| system("watch for signals", &error))?;
    Ok(())
}

const fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Error => Level::Error,
        LogLevel::Warning => Level::Warning,
        LogLevel::Notice | LogLevel::Info => Level::Notice,
        LogLevel::Debug => Level::Debug,
    }
}

fn system(tried: &str, error: &std::io::Error) -> ServeFault {
    ServeFault::System(format!("cannot {tried}: {error}"))
}

/// The file beside the ICAP addresses that says where the clamd protocol is spoken.
const CLAMD_ADDRESSES: &str = "clamd.addr";

/// How often replaced values are looked at that nobody may use any more.
const SWEEP: Duration = Duration::from_secs(1);

/// How long requests under way may take to finish when the service stops.
const DRAIN_TIME: Duration = Duration::from_secs(30);

/// News waiting for the control thread; whoever has more waits.
const NEWS_MAX: usize = 64;

/// What a shard may take to end after its last connection.
const END_TIME: Duration = Duration::from_secs(3);

/// Messages waiting for one shard.
const INBOX_MAX: usize = 1_024;

/// Threads for spill files: one writes while another reads.
const SIDE_THREADS: usize = 2;
