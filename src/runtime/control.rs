//! The socket of `baleen ctl`: a thread of its own that answers one request after another.
//!
//! Who may connect is the file system's to say: the socket is made with mode 0600 before anybody can see it.
//! A client that does not send or take its line in time is left alone. Nothing here touches a shard: what is
//! in force is read as the shards read it.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::assemble::Live;
use super::clamd::{SocketFile, listen_unix};
use super::clock::{self, local_moment};
use super::live::Publisher;
use super::traffic::{self, Traffic};
use crate::control::{REQUEST_BYTES_MAX, Request, UrlCheck, refusal};
use crate::policy::directory::Membership;
use crate::policy::{Asked, Moment, Question};

/// What the answers are made from.
pub(super) struct Desk {
    pub(super) publisher: Arc<Publisher<Live>>,
    /// Asks for a reload; false when too many wait.
    pub(super) reload: Box<dyn Fn() -> bool + Send>,
    /// Of each shard.
    pub(super) traffic: Box<[Arc<Traffic>]>,
}

/// Where the socket is in a folder of state.
#[must_use]
pub fn control_socket(state_dir: &Path) -> PathBuf {
    state_dir.join("run").join("control.sock")
}

/// Starts to listen. The socket is there until the value is dropped.
pub(super) fn start(path: &Path, desk: Desk) -> io::Result<SocketFile> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let (listener, file) = listen_unix(path, MODE, "")?;
    listener.set_nonblocking(false)?;
    thread::Builder::new().name("control".to_owned()).spawn(move || serve(&listener, &desk))?;
    Ok(file)
}

fn serve(listener: &UnixListener, desk: &Desk) {
    for stream in listener.incoming() {
        match stream {
            // Whoever went away needs no answer.
            Ok(stream) => drop(answer(&stream, desk)),
            // No descriptors, for instance: they come back.
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn answer(stream: &UnixStream, desk: &Desk) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    let line = read_line(stream, PATIENCE)?;
    let said = Request::read(line.trim_ascii_end()).and_then(|request| desk.answer(&request));
    let text = said.map_or_else(|why| refusal(&why), |value| value.to_string());
    write_line(stream, text + "\n", PATIENCE)
}

/// A line, or what there is of it at the end of the stream. All of it has to come in this time: who sends a byte now
/// and then keeps the others waiting no longer.
fn read_line(mut stream: &UnixStream, time: Duration) -> io::Result<Vec<u8>> {
    let begun = clock::now();
    let mut line = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        stream.set_read_timeout(Some(left(begun, time)?))?;
        let count = stream.read(&mut buffer)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        let end = bytes.iter().position(|byte| *byte == b'\n');
        line.extend_from_slice(bytes.get(..end.unwrap_or(count)).unwrap_or_default());
        if end.is_some() || count == 0 || line.len() > REQUEST_BYTES_MAX {
            return Ok(line);
        }
    }
}

/// Sends a text that has to be taken in this time.
fn write_line(mut stream: &UnixStream, text: String, time: Duration) -> io::Result<()> {
    let begun = clock::now();
    let bytes = text.into_bytes();
    let mut sent = 0;
    while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
        stream.set_write_timeout(Some(left(begun, time)?))?;
        match stream.write(rest)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => sent += count,
        }
    }
    Ok(())
}

/// What is left of a time.
fn left(begun: Instant, time: Duration) -> io::Result<Duration> {
    let left = time.checked_sub(begun.elapsed()).filter(|left| !left.is_zero());
    left.ok_or_else(|| io::ErrorKind::TimedOut.into())
}

impl Desk {
    fn answer(&self, request: &Request) -> Result<Value, String> {
        let live = self.publisher.current();
        match request {
            Request::UrlCheck(check) => url_check(&live, check),
            Request::Rules => Ok(rules(&live)),
            Request::Status => Ok(self.status(&live)),
            Request::Reload => match (self.reload)() {
                true => Ok(json!({ "reload": "asked for; the log says what came of it" })),
                false => Err("too much is waiting; try again".to_owned()),
            },
        }
    }

    fn status(&self, live: &Live) -> Value {
        let database = live.engine.database();
        let (black, white) = live.policy.entry_counts();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "process": std::process::id(),
            "shards": self.traffic.len(),
            "bytes": traffic::sums(&self.traffic, live.engine.kept_bytes()),
            "database": { "version": database.version, "created": database.created_seconds },
            "policy": {
                "black": black,
                "white": white,
                "rules": live.policy.rules().views().len(),
                "script": live.hook.is_some(),
            },
        })
    }
}

fn url_check(live: &Live, check: &UrlCheck) -> Result<Value, String> {
    let moment = check.time.as_deref().map_or_else(|| Ok(local_moment()), Moment::parse)?;
    let groups = check.groups.iter().map(|group| Box::from(group.as_str()));
    let mut asked = Asked {
        url: check.url.clone(),
        user: check.user.clone(),
        membership: (!check.groups.is_empty()).then(|| Membership::given(groups.collect())),
        client: check.client,
        moment,
        ..Asked::default()
    };
    let told = live.policy.tell(&asked, live.adaptation.blocked_threats);
    let mut told = told.map_err(|fault| format!("{}: {fault}", check.url))?;
    if let Some(asking) = told.asking.filter(|asking| asking.question == Question::Groups)
        && let Some(directory) = &live.directory
    {
        asked.counted = asking.place;
        // As for a message; and it is said what came of it.
        asked.membership = Some(directory.ask_here(&check.user));
        told = live
            .policy
            .tell(&asked, live.adaptation.blocked_threats)
            .map_err(|fault| format!("{}: {fault}", check.url))?;
    }
    let mut text = told.story.text(false);
    let mut blocked = told.blocked;
    if live.hook.is_some() && blocked == Some(false) {
        blocked = None;
        text.push_str("the script of MessageHook is asked next, which may block it\n");
    }
    Ok(json!({
        "url": check.url, "blocked": blocked, "steps": told.story.steps, "text": text
    }))
}

fn rules(live: &Live) -> Value {
    let views = live.policy.rules().views();
    let rows = views.iter().map(|view| json!({ "number": view.number, "hits": view.hits }));
    json!({ "rules": rows.collect::<Vec<_>>(), "text": live.policy.rules().show(true) })
}

/// Only whoever runs the service, and root.
const MODE: u32 = 0o600;
/// How long one client may keep the next one waiting: once with its request, once with the answer.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_sends_a_byte_now_and_then_is_not_waited_for() {
        let (mut client, service) = UnixStream::pair().expect("a pair");
        let feeding = thread::Builder::new().spawn(move || {
            // It ends when the other end is closed.
            while client.write_all(b"x").is_ok() {
                thread::park_timeout(Duration::from_millis(5));
            }
        });
        let read = read_line(&service, Duration::from_millis(200));
        let kind = read.expect_err("no line came").kind();
        assert!(matches!(kind, io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock), "{kind}");
        drop(service);
        feeding.expect("a thread").join().expect("it ends");
    }

    #[test]
    fn a_client_that_takes_nothing_is_not_waited_for() {
        let (_client, service) = UnixStream::pair().expect("a pair");
        let sent = write_line(&service, "x".repeat(8 << 20), Duration::from_millis(100));
        let kind = sent.expect_err("nobody reads").kind();
        assert!(matches!(kind, io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock), "{kind}");
    }

    #[test]
    fn a_line_ends_where_it_ends_and_is_bounded() {
        let (mut client, service) = UnixStream::pair().expect("a pair");
        client.write_all(b"one\ntwo").expect("room");
        assert_eq!(read_line(&service, PATIENCE).expect("a line"), b"one");
        let (client, service) = UnixStream::pair().expect("a pair");
        drop(client);
        assert_eq!(read_line(&service, PATIENCE).expect("nothing"), b"");
    }
}
