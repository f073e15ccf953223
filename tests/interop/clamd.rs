//! The clamd protocol with clients that others wrote, clamdscan and pyclamd, and with bytes of our own
//! where those are too well behaved.

use std::array::from_fn;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::body;
use crate::fixture::gateway::baleen;
use crate::fixture::program::Program;

/// A service with a unix socket and an address, and files to scan.
struct Service {
    program: Program,
    network: String,
    folder: TempDir,
}

impl Service {
    /// Starts it with more lines for `[ClamD]`.
    #[track_caller]
    fn start(settings: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().display();
        let config = format!(
            "[Root]\nStateDir = {path}/state\nShards = 1\n[ICAPD]\nListenAddress = 127.0.0.1:0\n\
             [ClamD]\nListenSocket = {path}/clamd.sock\nListenAddress = 127.0.0.1:0\n{settings}\n"
        );
        let files = folder.path().join("files");
        fs::create_dir_all(files.join("deeper")).expect("a writable folder");
        for (name, bytes) in [
            ("eicar", body::eicar()),
            ("deeper/eicar", body::eicar()),
            ("clean", body::bytes(100_000)),
            ("empty", Vec::new()),
            // The header of a member is all that is needed to be taken for one.
            ("zip", [b"PK\x03\x04\x14\0\0\0\x08\0".as_slice(), &[0; 60]].concat()),
        ] {
            fs::write(files.join(name), bytes).expect("a writable folder");
        }
        fs::write(folder.path().join("baleen.conf"), config).expect("a writable folder");
        let config = folder.path().join("baleen.conf");
        let mut program = Program::start(baleen().arg("serve").arg("--config").arg(config));
        let written = folder.path().join("state/run/clamd.addr");
        let network = program.wait_for("it listens", |_line| {
            Some(fs::read_to_string(&written).ok()?.lines().next()?.to_owned())
        });
        let socket = folder.path().join("clamd.sock");
        let client = format!("LocalSocket {}\n", socket.display());
        fs::write(folder.path().join("unix.conf"), client).expect("a writable folder");
        let (host, port) = network.split_once(':').expect("an address");
        let client = format!("TCPAddr {host}\nTCPSocket {port}\n");
        fs::write(folder.path().join("tcp.conf"), client).expect("a writable folder");
        Self { program, network, folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join("files").join(name).display().to_string()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("clamd.sock")
    }

    /// What clamdscan prints and its exit code.
    #[track_caller]
    fn clamdscan(&self, config: &str, arguments: &[&str]) -> (i32, String) {
        let output = Command::new("clamdscan")
            .arg(format!("--config-file={}", self.folder.path().join(config).display()))
            .arg("--no-summary")
            .args(arguments)
            .output()
            .expect("sh tests/run installs clamdscan");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().expect("an exit code"), String::from_utf8_lossy(&said).into_owned())
    }

    #[track_caller]
    fn connect(&self) -> UnixStream {
        connect(&self.socket())
    }

    /// Sends these bytes and gives all that comes back.
    #[track_caller]
    fn ask(&self, bytes: &[u8]) -> String {
        ask(&self.socket(), bytes)
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.program.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), signal).expect("it runs");
    }

    #[track_caller]
    fn stop(mut self) {
        assert!(self.program.terminate().success(), "it ends in order");
        assert!(!self.socket().exists(), "and takes its socket along");
    }
}

#[track_caller]
fn connect(socket: &Path) -> UnixStream {
    let stream = UnixStream::connect(socket).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

/// Sends these bytes and gives all that comes back.
#[track_caller]
fn ask(socket: &Path, bytes: &[u8]) -> String {
    let mut stream = connect(socket);
    stream.write_all(bytes).expect("it reads");
    heard(&mut stream)
}

/// Everything until the end.
#[track_caller]
fn heard(stream: &mut UnixStream) -> String {
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("it answers and closes");
    said
}

/// A stream in chunks of this size, with the command before it.
fn stream_of(bytes: &[u8], chunk: usize) -> Vec<u8> {
    let mut sent = b"zINSTREAM\0".to_vec();
    for piece in bytes.chunks(chunk) {
        let length = u32::try_from(piece.len()).expect("a small chunk");
        sent.extend_from_slice(&length.to_be_bytes());
        sent.extend_from_slice(piece);
    }
    sent.extend_from_slice(&[0; 4]);
    sent
}

#[test]
fn clamdscan_finds_what_is_there_in_every_way_it_knows() {
    let service = Service::start("");
    let ways: [&[&str]; 8] = [
        &[],
        &["--stream"],
        &["--fdpass"],
        &["--multiscan"],
        &["--multiscan", "--stream"],
        &["--multiscan", "--fdpass"],
        &["--allmatch"],
        &["--allmatch", "--fdpass"],
    ];
    for way in ways {
        for (name, code, ending) in [
            ("eicar", 1, " FOUND\n"),
            ("clean", 0, ": OK\n"),
            ("empty", 0, ": OK\n"),
            ("zip", 2, " ERROR\n"),
        ] {
            let file = service.file(name);
            let (exit, said) = service.clamdscan("unix.conf", &[way, &[&file]].concat());
            let is_right = said.starts_with(&format!("{file}: ")) && said.ends_with(ending);
            assert!(exit == code && is_right, "{way:?} {name}: {exit} {said}");
        }
        let (exit, said) = service.clamdscan("unix.conf", &[way, &[&service.file("")]].concat());
        let found = said.lines().filter(|line| line.ends_with(" FOUND")).count();
        assert_eq!((exit, found), (1, 2), "{way:?}: {said}");
    }
    // In the protocol's own words: one ends with what it finds first, the other does not.
    for (command, count) in [("SCAN", 1), ("CONTSCAN", 2), ("MULTISCAN", 2), ("ALLMATCHSCAN", 1)] {
        let said = service.ask(format!("z{command} {}\0", service.file("")).as_bytes());
        assert_eq!(said.matches(" FOUND\0").count(), count, "{command}: {said}");
    }
    let said = service.ask(format!("zCONTSCAN {}\0", service.file("deeper/../clean")).as_bytes());
    assert!(said.ends_with("deeper/../clean: OK\0"), "{said}");
    let link = service.folder.path().join("files/link");
    std::os::unix::fs::symlink("/etc/passwd", &link).expect("a link");
    let said = service.ask(format!("nSCAN {}\n", link.display()).as_bytes());
    assert!(said.ends_with(": Symbolic links are not followed. ERROR\n"), "{said}");
    service.stop();
}

#[test]
fn clamdscan_is_answered_over_the_network_but_may_name_no_paths_there() {
    let service = Service::start("");
    let (exit, said) = service.clamdscan("tcp.conf", &["--stream", &service.file("eicar")]);
    assert!(exit == 1 && said.ends_with(" FOUND\n"), "{exit} {said}");
    let (exit, said) = service.clamdscan("tcp.conf", &[&service.file("eicar")]);
    assert!(exit == 2 && said.contains("clients of the network. ERROR"), "{exit} {said}");
    service.stop();
    let service = Service::start("NetworkPaths = Yes");
    let (exit, said) = service.clamdscan("tcp.conf", &[&service.file("eicar")]);
    assert!(exit == 1 && said.ends_with(" FOUND\n"), "{exit} {said}");
    service.stop();
}

#[test]
fn clamdscan_asks_for_the_state_and_for_a_reload() {
    let mut service = Service::start("");
    assert_eq!(service.clamdscan("unix.conf", &["--ping", "1"]), (0, "PONG\n".to_owned()));
    let (exit, version) = service.clamdscan("tcp.conf", &["--version"]);
    let start = format!("Baleen {}/", env!("CARGO_PKG_VERSION"));
    assert!(exit == 0 && version.starts_with(&start), "{version}");
    assert_eq!(version.split('/').count(), 3, "{version}");
    assert_eq!(service.clamdscan("unix.conf", &["--reload"]).0, 0);
    service.program.wait_for("it reloads", |line| line.contains("reloaded in").then_some(()));
    // Monitoring says no more than this and waits.
    assert_eq!(service.ask(b"PING"), "PONG\n");
    let stats = service.ask(b"zSTATS\0");
    assert!(stats.starts_with("POOLS: 1\n\nSTATE: VALID PRIMARY\nTHREADS: live "), "{stats}");
    assert!(stats.ends_with("\nEND\0") && !stats.contains("pools_used 0.000M"), "{stats}");
    for command in [&b"zSHUTDOWN\0"[..], b"SHUTDOWN\n", b"\xff\xfe\n", b"GET / HTTP/1.1\r\n\r\n"] {
        let said = service.ask(command);
        assert_eq!(said.trim_end_matches(['\n', '\0']), "UNKNOWN COMMAND");
    }
    service.stop();
}

#[test]
fn what_could_not_be_scanned_is_found_where_the_settings_say_so() {
    let service = Service::start("Unchecked = Found");
    let (exit, said) = service.clamdscan("unix.conf", &["--stream", &service.file("zip")]);
    assert!(exit == 1 && said.ends_with(": Heuristics.Broken FOUND\n"), "{exit} {said}");
    service.stop();
}

#[test]
fn pyclamd_scans_with_it() {
    let service = Service::start("StreamMaxLength = 1MB");
    let (host, port) = service.network.split_once(':').expect("an address");
    let output = Command::new("/usr/bin/python3")
        .args(["-c", SCRIPT, &service.socket().display().to_string(), host, port])
        .arg(service.file(""))
        .output()
        .expect("sh tests/run installs python3-pyclamd");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "all is well\n", "{words}");
    service.stop();
}

#[test]
fn a_hundred_streams_at_once_get_a_verdict_each() {
    let service = Service::start("MaxThreads = 2");
    let streams: [(Vec<u8>, &str); 2] = from_fn(|index| {
        let mut bytes = body::bytes(300_000);
        let ending = if index == 0 { ": OK\0" } else { " FOUND\0" };
        if index == 1 {
            bytes = body::eicar();
        }
        (bytes, ending)
    });
    let socket = &service.socket();
    std::thread::scope(|scope| {
        for number in 0..100 {
            let (bytes, ending) = &streams[number % 2];
            scope.spawn(move || {
                let said = ask(socket, &stream_of(bytes, 1 + number * 997));
                assert!(said.starts_with("stream: ") && said.ends_with(ending), "{number}: {said}");
            });
        }
    });
    service.stop();
}

#[test]
fn a_stream_over_the_limit_is_an_error_that_arrives() {
    let service = Service::start("StreamMaxLength = 1MB");
    let limit = "INSTREAM size limit exceeded. ERROR\0";
    assert_eq!(service.ask(&stream_of(&body::bytes(1 << 20), 60_000)), "stream: OK\0");
    // Far more than the sockets hold: it is read to the end, so that the answer can be read.
    assert_eq!(service.ask(&stream_of(&body::bytes(20 << 20), 60_000)), limit);
    assert_eq!(service.ask(b"zINSTREAM\0\xff\xff\xff\xff"), limit);
    let big = service.file("big");
    fs::write(&big, body::bytes(2 << 20)).expect("a writable folder");
    let (exit, said) = service.clamdscan("unix.conf", &["--stream", &big]);
    assert!(exit == 2 && said.contains("size limit exceeded. ERROR"), "{exit} {said}");
    service.stop();
}

#[test]
fn half_closed_clients_get_what_they_asked_for_and_half_streams_get_nothing() {
    let service = Service::start("");
    let whole = stream_of(&body::eicar(), 10);
    let session = b"zIDSESSION\0zPING\0zPING\0".to_vec();
    let talks = [
        (&whole[..], "stream: Eicar-Test-Signature.UNOFFICIAL FOUND\0"),
        (&whole[..whole.len() - 4], ""),
        (&session, "1: PONG\x002: PONG\0"),
        (b"PING", "PONG\n"),
    ];
    for (bytes, answer) in talks {
        let mut stream = service.connect();
        stream.write_all(bytes).expect("it reads");
        stream.shutdown(Shutdown::Write).expect("a socket");
        assert_eq!(heard(&mut stream), answer, "{}", bytes.escape_ascii());
    }
    service.stop();
}

#[test]
fn a_session_answers_each_command_by_its_number() {
    let service = Service::start("");
    let mut bytes = b"zIDSESSION\0".to_vec();
    for _round in 0..50 {
        bytes.extend_from_slice(format!("zSCAN {}\0", service.file("eicar")).as_bytes());
        bytes.extend_from_slice(&stream_of(&body::bytes(70_000), 9_000));
        bytes.extend_from_slice(b"zPING\0");
        bytes.extend_from_slice(format!("zSCAN {}\0", service.file("zip")).as_bytes());
    }
    bytes.extend_from_slice(b"zEND\0");
    let mut stream = service.connect();
    let mut reader = stream.try_clone().expect("a socket");
    let said = std::thread::scope(|scope| {
        let said = scope.spawn(move || heard(&mut reader));
        stream.write_all(&bytes).expect("it reads");
        said.join().expect("it was heard")
    });
    let mut replies: Vec<(usize, &str)> = said
        .split_terminator('\0')
        .map(|reply| reply.split_once(": ").expect("a number"))
        .map(|(number, reply)| (number.parse().expect("a number"), reply))
        .collect();
    replies.sort_unstable();
    assert_eq!(replies.len(), 200);
    for (index, (number, reply)) in replies.into_iter().enumerate() {
        let ending = [" FOUND", "stream: OK", "PONG", " ERROR"][index % 4];
        assert!(number == index + 1 && reply.ends_with(ending), "{number}: {reply}");
    }
    service.stop();
}

#[test]
fn slow_clients_hold_no_thread_and_are_ended_at_their_deadline() {
    let service = Service::start("MaxThreads = 1\nReadTimeout = 1h\nCommandReadTimeout = 0.2s");
    let half = stream_of(&body::eicar(), 1_000);
    let slow: Vec<_> = (0..50)
        .map(|_| {
            let mut stream = service.connect();
            stream.write_all(&half[..40]).expect("it reads");
            stream
        })
        .collect();
    let (exit, said) = service.clamdscan("unix.conf", &["--stream", &service.file("eicar")]);
    assert!(exit == 1 && said.ends_with(" FOUND\n"), "{exit} {said}");
    for start in [&b"zPIN"[..], b"", b"zFILDES\0"] {
        assert_eq!(service.ask(start), "COMMAND READ TIMED OUT\n");
    }
    for mut stream in slow {
        stream.write_all(&half[40..]).expect("it still reads");
        assert!(heard(&mut stream).ends_with(" FOUND\0"), "slow is not wrong");
    }
    service.stop();
}

#[test]
fn beyond_the_limit_connections_wait_for_their_turn() {
    let mut service = Service::start("MaxConnections = 2");
    let first = service.connect();
    let second = service.connect();
    for mut stream in [&first, &second] {
        stream.write_all(b"zIDSESSION\0zPING\0").expect("it reads");
        let mut answer = [0; 8];
        stream.read_exact(&mut answer).expect("it answers");
        assert_eq!(&answer, b"1: PONG\0");
    }
    let mut third = service.connect();
    third.write_all(b"zPING\0").expect("the kernel takes it");
    service.program.wait_for("it is full", |line| line.contains("new ones wait").then_some(()));
    drop(first);
    assert_eq!(heard(&mut third), "PONG\0");
    drop(second);
    service.stop();
}

#[test]
fn a_stop_finishes_the_stream_that_is_under_way() {
    let mut service = Service::start("");
    let bytes = stream_of(&body::eicar(), 1_000);
    let mut idle = service.connect();
    idle.write_all(b"zIDSESSION\0zPING\0").expect("it reads");
    let mut busy = service.connect();
    busy.write_all(&bytes[..50]).expect("it reads");
    let mut answer = [0; 8];
    idle.read_exact(&mut answer).expect("it answers");
    // Accepted in order: the second one is being served, too, once this one is.
    assert_eq!(service.ask(b"zPING\0"), "PONG\0");
    service.signal(Signal::TERM);
    service.program.wait_for("it stops", |line| line.contains("stopping: ").then_some(()));
    assert_eq!(heard(&mut idle), "", "nothing was under way");
    busy.write_all(&bytes[50..]).expect("it still reads");
    assert!(heard(&mut busy).ends_with(" FOUND\0"));
    service.program.wait_for("it has stopped", |line| {
        line.contains("stopped; 0 connections were cut off").then_some(())
    });
    assert!(UnixStream::connect(service.socket()).is_err(), "nobody listens any more");
    assert!(TcpStream::connect(&service.network).is_err(), "nobody listens any more");
}

#[test]
fn a_place_that_is_taken_is_said_at_the_start() {
    let service = Service::start("");
    let config = service.folder.path().join("second.conf");
    let first = fs::read_to_string(service.folder.path().join("baleen.conf")).expect("it is there");
    fs::write(&config, first.replace("/state", "/state2")).expect("a writable folder");
    let output = baleen().arg("serve").arg("--config").arg(&config).output().expect("it was built");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("clamd.sock: another program answers there"), "{words}");
    assert_eq!(service.ask(b"zPING\0"), "PONG\0", "the first one is not disturbed");
    service.stop();
}

const SCRIPT: &str = r#"
import io, sys
import pyclamd

unix, host, port, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
for client in (pyclamd.ClamdUnixSocket(unix), pyclamd.ClamdNetworkSocket(host, port)):
    assert client.ping()
    assert client.version().startswith("Baleen "), client.version()
    assert client.stats().startswith("POOLS: 1"), client.stats()
    assert client.reload() == "RELOADING"
    assert client.scan_stream(b"harmless") is None
    assert client.scan_stream(client.EICAR())["stream"][0] == "FOUND"
    try:
        client.scan_stream(io.BytesIO(b"x" * 3000000))
        raise AssertionError("over the limit")
    except (pyclamd.BufferTooLongError, pyclamd.ConnectionError):
        pass
client = pyclamd.ClamdUnixSocket(unix)
eicar = folder + "eicar"
assert client.scan_file(eicar)[eicar][0] == "FOUND", client.scan_file(eicar)
assert client.scan_file(folder + "clean") is None
assert client.scan_file(folder + "zip")[folder + "zip"][0] == "ERROR"
for everything in (client.contscan_file(folder), client.multiscan_file(folder)):
    found = sorted(name for name, what in everything.items() if what[0] == "FOUND")
    assert found == [folder + "deeper/eicar", eicar], everything
assert client.allmatchscan(eicar)[eicar][0][0] == "FOUND"
print("all is well")
"#;

/// Reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
