//! The real curl, as a browser would go through the proxy.

use std::io::Read as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use crate::body::{self, Received};

/// A curl that is being told what to do.
#[derive(Debug)]
pub(crate) struct Curl {
    command: Command,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// The status code; of the last message, if there were several.
    pub(crate) status: u16,
    /// All heads, as they came.
    pub(crate) heads: String,
    /// The body.
    pub(crate) body: Received,
    /// curl's own exit code: 0 when the transfer was complete.
    pub(crate) code: i32,
}

impl Curl {
    /// Through this proxy, with a limit of time that only a failing test reaches.
    pub(crate) fn through(proxy: SocketAddr) -> Self {
        let mut command = Command::new("curl");
        let proxy = format!("http://{proxy}");
        // «-q» first: no settings of whoever runs the test. The answer to «Expect» is not the subject.
        command.args([
            "-q",
            "-sS",
            "--max-time",
            "900",
            "--proxy",
            &proxy,
            "--noproxy",
            "",
            "-H",
            "Expect:",
        ]);
        Self { command }
    }

    /// More arguments.
    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Fetches a URL.
    #[track_caller]
    pub(crate) fn fetch(mut self, url: &str) -> Fetched {
        let heads = tempfile::NamedTempFile::new().expect("a temporary file");
        self.command.arg("--dump-header").arg(heads.path()).arg(url);
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sh tests/run installs curl");
        let body = body::read(&mut child.stdout.take().expect("piped")).expect("a pipe");
        let mut words = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut words).expect("UTF-8");
        let code = child.wait().expect("a child of ours").code().expect("it was not killed");
        let heads = std::fs::read_to_string(heads.path()).expect("heads are ASCII");
        let last = heads.lines().rfind(|line| line.starts_with("HTTP/"));
        let status =
            last.and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let status =
            status.unwrap_or_else(|| panic!("{url}: no answer; curl says ({code}): {words}"));
        Fetched { status, heads, body, code }
    }

    /// Works off a list of transfers, and gives back what curl wrote about them.
    #[track_caller]
    pub(crate) fn work_off(mut self, list: &std::path::Path) -> String {
        let output =
            self.command.arg("--config").arg(list).output().expect("sh tests/run installs curl");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "curl ended with {}: {words}", output.status);
        String::from_utf8(output.stdout).expect("ASCII")
    }

    /// The command itself, for a transfer that will be broken off.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }
}

impl Fetched {
    /// The body as text.
    pub(crate) fn page(&self) -> String {
        String::from_utf8_lossy(&self.body.front).into_owned()
    }

    /// It must have been blocked: 403, complete, and the page names the threat.
    #[track_caller]
    pub(crate) fn must_be_blocked(&self) {
        let page = self.page();
        assert_eq!((self.status, self.code), (403, 0), "{}\n{page}", self.heads);
        assert!(page.to_ascii_lowercase().contains("eicar"), "the page names the threat:\n{page}");
        assert!(
            !self.heads.to_ascii_lowercase().contains("x-squid-error"),
            "the page is ours:\n{}",
            self.heads
        );
    }

    /// It must have arrived as it was made.
    #[track_caller]
    pub(crate) fn must_be_whole(&self, length: u64) {
        assert_eq!((self.status, self.code), (200, 0), "{}\n{}", self.heads, self.page());
        assert_eq!(self.body.length, length);
        assert_eq!(self.body.digest, body::digest(length), "every byte of {length} arrives");
    }
}
