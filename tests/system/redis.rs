//! The shared store for real: `redis-server`, on a socket that only this test knows.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use baleen::adaptation::verdicts::second::value::{Foul, VALUE_BYTES_MAX, seal};
use baleen::adaptation::verdicts::second::{
    Absence, Answer, Connection, Fault, Options, Refusal, Secret,
};
use baleen::adaptation::verdicts::{ContentKey, Settled};
use baleen::engine::verdict::{Detection, Limit, Verdict, Why};

use crate::fixture::program::Program;

/// A running server.
struct Redis {
    program: Program,
    /// Dropped last: the server writes there until it has ended.
    folder: TempDir,
}

impl Redis {
    #[track_caller]
    fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("s");
        let mut command = Command::new("/usr/bin/redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--databases", "4"]);
        command.arg("--unixsocket").arg(&socket).arg("--dir").arg(folder.path()).args(more);
        let mut program = Program::start(&mut command);
        // It writes its log to its standard output, so it is asked instead.
        program.wait_for("it listens", |_| UnixStream::connect(&socket).ok().map(drop));
        Self { program, folder }
    }

    fn connect(&self, options: Options) -> Client {
        let stream = UnixStream::connect(self.folder.path().join("s")).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let begun = now();
        Client { core: Connection::new(Arc::new(options), begun), stream, begun }
    }

    /// What the server says to a command of the administrator's, as `redis-cli` shows it.
    #[track_caller]
    fn said(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut child = Command::new("/usr/bin/redis-cli")
            .arg("-s")
            .arg(self.folder.path().join("s"))
            .args(arguments)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("redis-cli; sh tests/run installs it");
        child.stdin.take().expect("piped").write_all(input).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

/// The core, driven over a blocking socket. Its time stands still, so nothing depends on how busy the machine is.
struct Client {
    core: Connection,
    stream: UnixStream,
    begun: Instant,
}

impl Client {
    /// Sends what there is to send, and reads until `is_done`, or until the connection is over.
    #[track_caller]
    fn drive(&mut self, is_done: impl Fn(&Connection) -> bool) {
        while self.core.fault().is_none() {
            if let Some(bytes) = self.core.poll_output()
                && self.stream.write_all(&bytes).is_err()
            {
                return self.core.handle_end();
            }
            if is_done(&self.core) {
                return;
            }
            let mut window = [0; 512];
            match self.stream.read(&mut window) {
                Ok(0) => self.core.handle_end(),
                Ok(count) => self.core.handle_bytes(&window[..count], self.begun, SECONDS),
                Err(fault) if fault.kind() == ErrorKind::ConnectionReset => self.core.handle_end(),
                Err(fault) => panic!("{fault}"),
            }
        }
    }

    #[track_caller]
    fn ready(mut self) -> Self {
        self.drive(Connection::is_ready);
        assert_eq!(self.core.fault(), None);
        self
    }

    /// Stores a verdict and waits until that is done.
    #[track_caller]
    fn put(&mut self, key: &ContentKey, settled: &Settled, born: u64) -> Option<Refusal> {
        assert!(self.core.put(key, settled, born, (self.begun, SECONDS)));
        self.drive(|core| core.poll_deadline().is_none());
        match self.core.poll_answer() {
            Some(Answer::Refused(refusal)) => Some(refusal),
            None => None,
            Some(other) => panic!("{other:?}"),
        }
    }

    /// Asks for a verdict and waits for the answer.
    #[track_caller]
    #[expect(
        clippy::panic_in_result_fn,
        reason = "what is missing is told; what is wrong fails the test"
    )]
    fn get(&mut self, key: &ContentKey) -> Result<Settled, Absence> {
        let asked = self.core.get(key, self.begun).expect("room");
        self.drive(|core| core.poll_deadline().is_none());
        loop {
            match self.core.poll_answer().expect("every question has an answer") {
                Answer::Found { ticket, settled, .. } if ticket == asked => return Ok(settled),
                Answer::Absent { ticket, why } if ticket == asked => return Err(why),
                Answer::Refused(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a core needs some instant; no test depends on which"
)]
fn now() -> Instant {
    Instant::now()
}

fn options() -> Options {
    Options {
        secret: secret("a secret of this test"),
        password: None,
        database: 0,
        in_flight_max: 64,
        time_max: Duration::from_millis(20),
        lifetime_s: 1000,
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes()).expect("long enough")
}

fn key(number: u8) -> ContentKey {
    ContentKey::from_bytes([number; 32])
}

fn name(number: u8) -> String {
    format!("baleen:v1:{}", format!("{number:02x}").repeat(32))
}

fn all_settled() -> Vec<Settled> {
    let found = Detection { name: "Eicar-Ä".into(), path: "zip:a\"b".into(), offset: 7 };
    [
        Verdict::Clean,
        Verdict::Infected(found),
        Verdict::Unscanned(Why::Encrypted),
        Verdict::Unscanned(Why::Broken("cut off")),
        Verdict::Unscanned(Why::Limit(Limit::MaxFiles)),
    ]
    .map(|verdict| Settled::of(&verdict).expect("it stays"))
    .to_vec()
}

#[test]
fn verdicts_are_shared_by_those_who_share_the_secret() {
    let redis = Redis::start(&[]);
    let mut one = redis.connect(options()).ready();
    let mut other = redis.connect(options()).ready();
    assert_eq!(one.get(&key(0)), Err(Absence::Unknown));
    for (number, settled) in (0..).zip(all_settled()) {
        assert_eq!(one.put(&key(number), &settled, SECONDS), None);
        assert_eq!(other.get(&key(number)), Ok(settled));
    }
    // Many at once, in one row.
    let asked: Vec<_> =
        (0..40).map(|number| other.core.get(&key(number), other.begun).expect("room")).collect();
    other.drive(|core| core.poll_deadline().is_none());
    for (number, want) in asked.into_iter().enumerate() {
        let settled = match other.core.poll_answer().expect("an answer for each") {
            Answer::Found { ticket, settled, .. } if ticket == want => Some(settled),
            Answer::Absent { ticket, why: Absence::Unknown } if ticket == want => None,
            answer => panic!("{answer:?}"),
        };
        assert_eq!(settled, all_settled().get(number).cloned());
    }
    let mut stranger =
        redis.connect(Options { secret: secret("the secret of others"), ..options() }).ready();
    assert_eq!(stranger.get(&key(0)), Err(Absence::Foul(Foul::Code)));
    assert_eq!(stranger.put(&key(0), &Settled::Clean, SECONDS), None);
    assert_eq!(one.get(&key(0)), Err(Absence::Foul(Foul::Code)), "a good code of another secret");
    assert_eq!(one.core.counts().foul, 1);
}

#[test]
fn password_and_database_are_those_of_the_settings() {
    let redis = Redis::start(&["--requirepass", "open sesame"]);
    let with = |password: Option<&str>, database| Options {
        password: password.map(Into::into),
        database,
        ..options()
    };
    let mut good = redis.connect(with(Some("open sesame"), 3)).ready();
    assert_eq!(good.put(&key(1), &Settled::Clean, SECONDS), None);
    assert_eq!(good.get(&key(1)), Ok(Settled::Clean));
    let mut elsewhere = redis.connect(with(Some("open sesame"), 0)).ready();
    assert_eq!(elsewhere.get(&key(1)), Err(Absence::Unknown), "another database");
    for (options, code) in [
        (with(Some("wrong"), 0), "WRONGPASS"),
        (with(Some("open sesame"), 4), "ERR"),
        (with(None, 1), "NOAUTH"),
    ] {
        let mut refused = redis.connect(options);
        refused.drive(Connection::is_ready);
        assert_eq!(refused.core.fault(), Some(Fault::Refused), "{code}");
        let Some(Answer::Refused(refusal)) = refused.core.poll_answer() else { panic!("{code}") };
        assert_eq!(*refusal.code, *code, "{refusal:?}");
    }
    let mut silent = redis.connect(with(None, 0)).ready();
    assert_eq!(silent.get(&key(1)), Err(Absence::Refused), "NOAUTH is no verdict");
}

#[test]
fn what_somebody_else_wrote_counts_for_nothing() {
    let redis = Redis::start(&[]);
    let mut client = redis.connect(options()).ready();
    let write = |number: u8, value: &[u8]| {
        assert_eq!(redis.said(&["-x", "SET", &name(number)], value), "OK");
    };
    write(1, b"clean");
    assert_eq!(client.get(&key(1)), Err(Absence::Foul(Foul::Short)));
    write(1, &[0; 42]);
    assert_eq!(client.get(&key(1)), Err(Absence::Foul(Foul::Code)));
    // The value of a clean object in the place of another one.
    write(2, &seal(&options().secret, &key(3), &Settled::Clean, SECONDS));
    assert_eq!(client.get(&key(2)), Err(Absence::Foul(Foul::Code)));
    write(2, &seal(&options().secret, &key(2), &Settled::Clean, SECONDS));
    assert_eq!(client.get(&key(2)), Ok(Settled::Clean), "this is how it is written");
    // Brought back by somebody, after its time.
    write(2, &seal(&options().secret, &key(2), &Settled::Clean, SECONDS - 1000));
    assert_eq!(client.get(&key(2)), Err(Absence::Foul(Foul::Old)));
    assert_eq!(redis.said(&["LPUSH", &name(4), "x"], b""), "1");
    assert_eq!(client.get(&key(4)), Err(Absence::Refused), "WRONGTYPE");
    assert_eq!(client.core.counts().foul, 4);
    // Longer than anything that we write: it is not even read.
    write(5, &vec![b'x'; VALUE_BYTES_MAX]);
    assert_eq!(client.get(&key(5)), Err(Absence::Foul(Foul::Code)), "as long as ours may be");
    write(5, &vec![b'x'; 5_000_000]);
    assert_eq!(client.get(&key(5)), Err(Absence::Gone));
    assert_eq!(client.core.fault(), Some(Fault::TooLong(5_000_000)));
}

#[test]
fn a_verdict_is_kept_for_the_rest_of_its_time() {
    let redis = Redis::start(&[]);
    let mut client = redis.connect(options()).ready();
    assert_eq!(client.put(&key(1), &Settled::Clean, SECONDS - 990), None);
    let left: u64 = redis.said(&["TTL", &name(1)], b"").parse().expect("seconds");
    assert!((1..=10).contains(&left), "{left}");
    assert_eq!(client.get(&key(1)), Ok(Settled::Clean));
    // The server's own end of that time, brought about without waiting for it.
    assert_eq!(redis.said(&["PEXPIRE", &name(1), "1"], b""), "1");
    let is_gone = |_| redis.said(&["EXISTS", &name(1)], b"") == "0";
    assert!((0..1000).any(is_gone), "each question takes longer than the time that is left");
    assert_eq!(client.get(&key(1)), Err(Absence::Unknown));
    assert!(!client.core.put(&key(1), &Settled::Clean, SECONDS - 1000, (client.begun, SECONDS)));
}

#[test]
fn a_server_that_is_full_or_gone_costs_verdicts_and_makes_none() {
    let mut redis = Redis::start(&["--maxmemory", "1"]);
    let mut client = redis.connect(options()).ready();
    let refusal = client.put(&key(1), &Settled::Clean, SECONDS).expect("it is full");
    assert_eq!(*refusal.code, *"OOM", "{refusal:?}");
    assert_eq!(client.get(&key(1)), Err(Absence::Unknown));
    let asked: Vec<_> =
        (0..3).map(|number| client.core.get(&key(number), client.begun).expect("room")).collect();
    assert!(redis.program.terminate().success());
    client.drive(|core| core.poll_deadline().is_none());
    assert_eq!(client.core.fault(), Some(Fault::Closed));
    for want in asked {
        let answer = client.core.poll_answer();
        assert_eq!(answer, Some(Answer::Absent { ticket: want, why: Absence::Gone }));
    }
    assert!(client.core.get(&key(1), client.begun).is_none());
}

/// The time of all verdicts of this test.
const SECONDS: u64 = 1_800_000_000;
/// Reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(60);
