//! A Squid of its own for each test: unprivileged port, temporary folder, our block put in by
//! `baleen squid setup`.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::fixture::gateway::baleen;
use crate::fixture::program::Program;

/// A running Squid.
#[derive(Debug)]
pub(crate) struct Squid {
    program: Program,
    address: SocketAddr,
    folder: TempDir,
}

impl Squid {
    /// Starts it; with a gateway, `baleen squid setup` connects them.
    #[track_caller]
    pub(crate) fn start(gateway: Option<SocketAddr>) -> Self {
        Self::start_with(gateway, "")
    }

    /// As [`Squid::start`], with lines in front of the one that allows everything.
    #[track_caller]
    pub(crate) fn start_with(gateway: Option<SocketAddr>, lines: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let user = user_for_squid(folder.path());
        let address = free_address();
        let config = folder.path().join("squid.conf");
        fs::write(&config, configuration(address, folder.path(), user, lines))
            .expect("a writable folder");
        if let Some(gateway) = gateway {
            set_up(&config, gateway);
        }
        // In the foreground, and everything important on standard error.
        let mut program =
            Program::start(Command::new(program_path()).args(["-N", "-d", "1", "-f"]).arg(&config));
        // Squid says so a moment before it listens, so a connection is tried, too.
        let mut has_said = false;
        program.wait_for("Squid accepts connections", |line| {
            has_said |= line.contains("Accepting HTTP Socket connections");
            (has_said && TcpStream::connect(address).is_ok()).then_some(())
        });
        Self { program, address, folder }
    }

    /// Where browsers connect.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the log of ICAP transactions has these words: a transaction is logged after its answer.
    #[track_caller]
    pub(crate) fn wait_for_icap_log(&mut self, words: &str) {
        let path = self.folder.path().join("icap.log");
        let has = |log: String| log.contains(words).then_some(());
        self.program.wait_for(words, |_line| fs::read_to_string(&path).ok().and_then(has));
    }

    /// Ends Squid and looks through its logs; the value is the number of ICAP transactions.
    #[track_caller]
    pub(crate) fn stop_without_icap_errors(mut self) -> usize {
        self.program.terminate();
        let read = |name: &str| {
            fs::read_to_string(self.folder.path().join(name)).expect("Squid has written it")
        };
        let is_trouble = |line: &&str| {
            let about =
                line.contains("ICAP") || line.contains("Icap") || line.contains("adaptation");
            about
                && ["WARNING", "ERROR", "FATAL", "exception", "suspended", "down"]
                    .iter()
                    .any(|word| line.contains(word))
        };
        let cache_log = read("cache.log");
        let trouble: Vec<_> = cache_log.lines().filter(is_trouble).collect();
        assert!(trouble.is_empty(), "cache.log:\n{}", trouble.join("\n"));
        let icap_log = read("icap.log");
        let failed: Vec<_> = icap_log.lines().filter(|line| line.contains("ICAP_ERR")).collect();
        assert!(failed.is_empty(), "icap.log:\n{}", failed.join("\n"));
        icap_log.lines().filter(|line| !line.starts_with("ICAP_OPT")).count()
    }
}

#[track_caller]
fn set_up(config: &Path, gateway: SocketAddr) {
    let output = baleen()
        .args(["squid", "setup", "-y", "--squid-config"])
        .arg(config)
        .args([
            "--icapd-host",
            &gateway.ip().to_string(),
            "--icapd-port",
            &gateway.port().to_string(),
        ])
        .output()
        .expect("it was built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn configuration(address: SocketAddr, folder: &Path, user: Option<&str>, lines: &str) -> String {
    let folder = folder.display();
    let user = user.map_or_else(String::new, |user| format!("cache_effective_user {user}\n"));
    format!(
        "http_port {address}\n\
         {user}\
         visible_hostname squid.test\n\
         {lines}\
         http_access allow all\n\
         pid_filename {folder}/squid.pid\n\
         coredump_dir {folder}\n\
         cache_log {folder}/cache.log\n\
         access_log stdio:{folder}/access.log\n\
         logformat adaptation %icap::to %icap::Hs %icap::rm %ru %icap::<h{{X-Response-Info}}\n\
         icap_log stdio:{folder}/icap.log adaptation\n\
         netdb_filename none\n\
         pinger_enable off\n\
         cache deny all\n\
         shutdown_lifetime 0 seconds\n"
    )
}

/// Started by root, Squid becomes somebody else, who has to own the folder.
fn user_for_squid(folder: &Path) -> Option<&'static str> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("every machine has it");
    for name in ["proxy", "squid", "nobody"] {
        let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let found = fields.into_iter().find(|fields| fields.len() > 3 && fields[0] == name);
        if let Some(fields) = found {
            let number = |text: &str| text.parse().expect("a number");
            chown(folder, Some(number(fields[2])), Some(number(fields[3])))
                .expect("root may do this");
            return Some(name);
        }
    }
    panic!("no user for Squid: none of proxy, squid, nobody is in /etc/passwd");
}

/// Squid wants to be told its port. It is free now; who takes it in between makes Squid say so and end.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("loopback")
}

/// Asks every client for a name, and believes it.
pub(crate) const ASKS_FOR_USERS: &str = "\
    auth_param basic program /usr/lib/squid/basic_fake_auth\n\
    acl known proxy_auth REQUIRED\n\
    http_access deny !known\n";

/// Debian keeps it where an ordinary user's search path does not lead.
fn program_path() -> &'static str {
    ["/usr/sbin/squid", "/usr/local/sbin/squid"]
        .into_iter()
        .find(|path| Path::new(path).is_file())
        .unwrap_or("squid")
}
