//! TLS, the unix socket and the PROXY protocol, with `openssl`, `haproxy` and c-icap's client at the other end.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::fixture::gateway::Gateway;
use crate::fixture::program::Program;

const OPTIONS: &str = "OPTIONS icap://gateway/respmod ICAP/1.0\r\nHost: gateway\r\n\r\n";
const EICAR: &str =
    concat!("X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-", "STANDARD-ANTIVIRUS-TEST-FILE!$H+H*");

/// A CA, a server and a client that it signed, made by OpenSSL.
struct Authority {
    folder: TempDir,
}

impl Authority {
    #[track_caller]
    fn new() -> Self {
        let authority = Self { folder: TempDir::new().expect("a temporary folder") };
        let (key, ca) = (authority.path("ca.key"), authority.path("ca.pem"));
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=Test CA",
            "-keyout",
            &key,
            "-out",
            &ca,
        ]);
        authority.sign("server", "Gateway One");
        authority.sign("client", "Proxy");
        authority
    }

    /// A key and a certificate for this machine under a name, in place of those that are there.
    #[track_caller]
    fn sign(&self, name: &str, common: &str) {
        let file = |extension: &str| self.path(&format!("{name}.{extension}"));
        openssl(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            &format!("/CN={common}"),
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            &file("key"),
            "-out",
            &file("csr"),
        ]);
        openssl(&[
            "x509",
            "-req",
            "-in",
            &file("csr"),
            "-CA",
            &self.path("ca.pem"),
            "-CAkey",
            &self.path("ca.key"),
            "-CAcreateserial",
            "-days",
            "2",
            "-copy_extensions",
            "copy",
            "-out",
            &file("pem"),
        ]);
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    /// The lines of the settings for ICAPS.
    fn settings(&self, more: &str) -> String {
        let (certificate, key) = (self.path("server.pem"), self.path("server.key"));
        format!(
            "TLSListenAddress = 127.0.0.1:0\nTLSCertificate = {certificate}\nTLSKey = {key}\n{more}\n"
        )
    }

    /// `openssl s_client` for this gateway, which insists on its certificate.
    fn client(&self, gateway: &Gateway, more: &[&str]) -> Command {
        let mut command = Command::new("openssl");
        command.args([
            "s_client",
            "-connect",
            &icaps(gateway).to_string(),
            "-CAfile",
            &self.path("ca.pem"),
        ]);
        command.args(["-verify_return_error", "-verify_ip", "127.0.0.1"]).args(more);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

#[track_caller]
fn openssl(arguments: &[&str]) {
    let output =
        Command::new("openssl").args(arguments).output().expect("sh tests/run installs it");
    assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
}

/// Every place where the gateway listens, as it says.
#[track_caller]
fn places(gateway: &Gateway) -> Vec<String> {
    let file = gateway.config().with_file_name("state").join("run/icap.addr");
    let text = fs::read_to_string(file).expect("it was written before the start was over");
    text.lines().map(str::to_owned).collect()
}

/// Waits until its log has these words.
#[track_caller]
fn logged(gateway: &mut Gateway, words: &str) -> String {
    gateway.program.wait_for(words, |line| line.contains(words).then(|| line.to_owned()))
}

/// Has it read its settings again; what it says to that begins so.
#[track_caller]
fn reload(gateway: &mut Gateway, words: &str) -> String {
    let pid = i32::try_from(gateway.program.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process id"), Signal::HUP).expect("a child of ours");
    logged(gateway, words)
}

/// Where the gateway speaks TLS.
#[track_caller]
fn icaps(gateway: &Gateway) -> SocketAddr {
    let places = places(gateway);
    let found = places.iter().find_map(|place| place.strip_prefix("icaps://"));
    found.and_then(|address| address.parse().ok()).expect("it said so")
}

/// Lets OpenSSL send these words and read until the other end closes.
#[track_caller]
fn say(command: &mut Command, words: &str) -> Output {
    let mut child = command.spawn().expect("sh tests/run installs it");
    let mut stdin = child.stdin.take().expect("piped");
    // One that was not let in may be gone already.
    let _sent = stdin.write_all(words.as_bytes());
    let output = child.wait_with_output().expect("a child of ours");
    drop(stdin);
    output
}

fn closing(request: &str) -> String {
    request.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
}

/// A RESPMOD request with a body.
fn respmod(body: &str) -> String {
    let (get, ok) = (
        "GET http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
    );
    format!(
        "RESPMOD icap://gateway/respmod ICAP/1.0\r\nHost: gateway\r\nConnection: close\r\n\
         Encapsulated: req-hdr=0, res-hdr={}, res-body={}\r\n\r\n{get}{ok}{:x}\r\n{body}\r\n0\r\n\r\n",
        get.len(),
        get.len() + ok.len(),
        body.len()
    )
}

/// An open conversation over OpenSSL.
struct Conversation {
    child: Child,
    words: BufReader<ChildStdout>,
}

impl Conversation {
    #[track_caller]
    fn open(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::null()).spawn().expect("sh tests/run installs it");
        let words = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, words }
    }

    /// Sends a request without a body and reads the head of its answer.
    #[track_caller]
    fn ask(&mut self, request: &str) -> String {
        let stdin = self.child.stdin.as_mut().expect("piped");
        stdin.write_all(request.as_bytes()).and_then(|()| stdin.flush()).expect("it is there");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = self.words.read_line(&mut head).expect("text");
            assert!(read > 0, "the conversation ended in the middle: {head}");
        }
        head
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn openssl_speaks_icaps_in_each_version_and_comes_back_to_its_session() {
    let authority = Authority::new();
    let gateway = Gateway::start(&authority.settings(""));
    let session = authority.path("session");
    for version in ["-tls1_2", "-tls1_3"] {
        let first = ["-quiet", version, "-sess_out", &session];
        let clean = say(&mut authority.client(&gateway, &first), &respmod("harmless"));
        let clean = String::from_utf8_lossy(&clean.stdout).into_owned();
        assert!(clean.starts_with("ICAP/1.0 200") && clean.contains("\r\nharmless\r\n"), "{clean}");
        let again = [version, "-ign_eof", "-sess_in", &session];
        let blocked = say(&mut authority.client(&gateway, &again), &respmod(EICAR));
        let blocked = String::from_utf8_lossy(&blocked.stdout).into_owned();
        assert!(blocked.contains("\nReused, "), "{version}: the ticket is good: {blocked}");
        assert!(blocked.contains("HTTP/1.1 403"), "{version}: {blocked}");
    }
    // Plain words at this door are no hello.
    let mut plain = TcpStream::connect(icaps(&gateway)).expect("it listens");
    plain.write_all(OPTIONS.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    // An alert and the end, or a reset.
    let _ended = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"ICAP"), "{answer:?}");
    assert!(gateway.stop().success());
}

#[test]
fn a_renewed_certificate_is_in_force_after_a_reload_and_nobody_is_cut_off() {
    let authority = Authority::new();
    let mut gateway = Gateway::start(&authority.settings(""));
    let session = authority.path("session");
    let mut open = Conversation::open(authority.client(&gateway, &["-quiet"]));
    assert!(open.ask(OPTIONS).starts_with("ICAP/1.0 200"));
    let subject = |gateway: &Gateway, more: &[&str]| {
        let more = [&["-ign_eof"], more].concat();
        let said = say(&mut authority.client(gateway, &more), &closing(OPTIONS));
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    assert!(subject(&gateway, &["-sess_out", &session]).contains("Gateway One"));
    authority.sign("server", "Gateway Two");
    reload(&mut gateway, "reloaded in");
    assert!(open.ask(OPTIONS).starts_with("ICAP/1.0 200"), "the connection goes on");
    assert!(subject(&gateway, &[]).contains("Gateway Two"));
    assert!(subject(&gateway, &["-sess_in", &session]).contains("\nReused, "), "tickets stay good");
    // A certificate that cannot be used changes nothing.
    fs::write(authority.path("server.key"), "no key").expect("a writable folder");
    let said = reload(&mut gateway, "reload refused");
    assert!(said.contains("server.key"), "{said}");
    assert!(open.ask(OPTIONS).starts_with("ICAP/1.0 200"));
    assert!(subject(&gateway, &[]).contains("Gateway Two"));
    drop(open);
    assert!(gateway.stop().success());
}

/// Whoever looks whether a port is open leaves like this. It ends at once: a shard that waited for more in a circle
/// would serve nobody else.
#[test]
fn a_client_that_leaves_within_the_handshake_is_let_go() {
    let authority = Authority::new();
    let mut gateway = Gateway::start(&authority.settings(""));
    for hello in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut client = TcpStream::connect(icaps(&gateway)).expect("it listens");
        client.write_all(hello).expect("it reads");
        client.shutdown(std::net::Shutdown::Write).expect("connected");
        let mut answer = Vec::new();
        // It may be closed with what it has not read, which is a reset.
        let _closed = client.read_to_end(&mut answer);
        let told = logged(&mut gateway, "was not let in");
        assert!(told.contains("no TLS: ") && !told.contains("timed out"), "{told}");
    }
}

#[test]
fn clients_without_a_certificate_are_refused_where_one_is_required() {
    let authority = Authority::new();
    let more =
        format!("TLSClientCertificates = Required\nTLSClientCA = {}", authority.path("ca.pem"));
    let mut gateway = Gateway::start(&authority.settings(&more));
    let without = say(&mut authority.client(&gateway, &["-quiet"]), &closing(OPTIONS));
    assert!(!String::from_utf8_lossy(&without.stdout).contains("ICAP/1.0"));
    logged(&mut gateway, "was not let in: no TLS");
    let (certificate, key) = (authority.path("client.pem"), authority.path("client.key"));
    let shown = ["-quiet", "-cert", &certificate, "-key", &key];
    let with = say(&mut authority.client(&gateway, &shown), &closing(OPTIONS));
    assert!(String::from_utf8_lossy(&with.stdout).starts_with("ICAP/1.0 200"));
    let stranger = Authority::new();
    let (certificate, key) = (stranger.path("client.pem"), stranger.path("client.key"));
    let shown = ["-quiet", "-cert", &certificate, "-key", &key];
    let other = say(&mut authority.client(&gateway, &shown), &closing(OPTIONS));
    assert!(!String::from_utf8_lossy(&other.stdout).contains("ICAP/1.0"));
    assert!(gateway.stop().success());
}

/// Changes a line of the settings.
#[track_caller]
fn rewrite(gateway: &Gateway, old: &str, new: &str) {
    let text = fs::read_to_string(gateway.config()).expect("its settings");
    assert!(text.contains(old), "{text}");
    fs::write(gateway.config(), text.replace(old, new)).expect("a writable folder");
}

#[test]
fn a_ticket_is_no_way_around_a_certificate_that_is_demanded_since() {
    let authority = Authority::new();
    let more = format!("TLSClientCertificates = Off\nTLSClientCA = {}", authority.path("ca.pem"));
    let mut gateway = Gateway::start(&authority.settings(&more));
    let session = authority.path("session");
    let first = ["-quiet", "-sess_out", &session];
    let said = say(&mut authority.client(&gateway, &first), &respmod("harmless"));
    assert!(String::from_utf8_lossy(&said.stdout).starts_with("ICAP/1.0 200"));
    rewrite(&gateway, "TLSClientCertificates = Off", "TLSClientCertificates = Required");
    reload(&mut gateway, "reloaded in");
    let again = ["-quiet", "-sess_in", &session];
    let said = say(&mut authority.client(&gateway, &again), &respmod("harmless"));
    assert!(!String::from_utf8_lossy(&said.stdout).contains("ICAP/1.0"), "{said:?}");
    assert!(gateway.stop().success());
}

#[test]
fn what_takes_a_restart_goes_on_until_then() {
    let authority = Authority::new();
    let settings = authority.settings("ListenAs = 127.0.0.1:0 rspamd");
    let mut gateway = Gateway::start(&settings);
    let special: SocketAddr = places(&gateway)[1].parse().expect("the one of ListenAs");
    let before = asked_from("127.0.0.1", special);
    rewrite(&gateway, "ListenAs = 127.0.0.1:0 rspamd", "");
    rewrite(&gateway, "TLSListenAddress = 127.0.0.1:0", "");
    reload(&mut gateway, "reloaded in");
    let said = say(&mut authority.client(&gateway, &["-quiet"]), &respmod("harmless"));
    assert!(String::from_utf8_lossy(&said.stdout).starts_with("ICAP/1.0 200"), "{said:?}");
    let fields = |answer: &[u8]| {
        let lines = String::from_utf8_lossy(answer).into_owned();
        lines
            .lines()
            .filter(|line| !line.starts_with("ISTag"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        fields(&asked_from("127.0.0.1", special)),
        fields(&before),
        "the profile is the same"
    );
    assert!(gateway.stop().success());
}

/// `haproxy` between a port of its own and a gateway.
struct Balancer {
    program: Program,
    address: SocketAddr,
    _folder: TempDir,
}

impl Balancer {
    /// `server` is what it is told about the gateway.
    #[track_caller]
    fn start(server: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let address = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr());
        let address = address.expect("loopback");
        let config = folder.path().join("haproxy.cfg");
        let text = format!(
            "defaults\n mode tcp\n timeout connect 10s\n timeout client 60s\n timeout server 60s\n\
             listen icap\n bind {address}\n server gateway {server}\n"
        );
        fs::write(&config, text).expect("a writable folder");
        let mut program = Program::start(Command::new("haproxy").arg("-db").arg("-f").arg(&config));
        program.wait_for("HAProxy listens", |_line| TcpStream::connect(address).ok());
        Self { program, address, _folder: folder }
    }
}

/// c-icap's client sends a file and keeps what comes back.
#[track_caller]
fn c_icap_client(address: SocketAddr, file: &Path) -> (String, Vec<u8>) {
    // It refuses a file that is there.
    let folder = TempDir::new().expect("a temporary folder");
    let back = folder.path().join("back");
    let output = Command::new("c-icap-client")
        .args([
            "-i",
            &address.ip().to_string(),
            "-p",
            &address.port().to_string(),
            "-s",
            "respmod",
            "-v",
        ])
        .args(["-no204", "-f"])
        .arg(file)
        .arg("-o")
        .arg(&back)
        .output()
        .expect("sh tests/run installs it");
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    (said, fs::read(back).unwrap_or_default())
}

/// Bytes that do not repeat soon, longer than any buffer on the way.
fn large_file(folder: &Path) -> (PathBuf, Vec<u8>) {
    let bytes: Vec<u8> =
        (0_u32..1 << 20).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let file = folder.join("large.bin");
    fs::write(&file, &bytes).expect("a writable folder");
    (file, bytes)
}

#[test]
fn large_bodies_come_back_whole_through_tls_and_the_unix_socket() {
    let authority = Authority::new();
    let socket = authority.path("icap.sock");
    let gateway = Gateway::start(&authority.settings(&format!("ListenSocket = {socket}")));
    let (file, bytes) = large_file(authority.folder.path());
    let ca = authority.path("ca.pem");
    let over_tls = format!("{} ssl verify required ca-file {ca}", icaps(&gateway));
    for server in [over_tls, format!("unix@{socket}")] {
        let balancer = Balancer::start(&server);
        let (said, back) = c_icap_client(balancer.address, &file);
        assert!(
            back == bytes,
            "{server}: {} bytes came back of {}: {said}",
            back.len(),
            bytes.len()
        );
        drop(balancer.program);
    }
    assert!(places(&gateway).contains(&format!("unix:{socket}")));
    assert!(gateway.stop().success());
    assert!(!Path::new(&socket).exists(), "the socket goes with the service");
}

/// What a client with this address of its own is answered.
#[track_caller]
fn asked_from(source: &str, server: SocketAddr) -> Vec<u8> {
    let socket =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    let source: SocketAddr = format!("{source}:0").parse().expect("an address");
    socket.bind(&source.into()).expect("all of 127.0.0.0/8 is this machine");
    socket.connect(&server.into()).expect("it listens");
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let mut answer = Vec::new();
    // Who is refused may be reset while he still writes.
    let _asked = stream
        .write_all(closing(OPTIONS).as_bytes())
        .and_then(|()| stream.read_to_end(&mut answer));
    answer
}

#[test]
fn only_allowed_clients_are_let_in_behind_a_balancer_too() {
    let mut gateway = Gateway::start("AllowedClients = 127.0.0.2, 10.0.0.0/8");
    assert!(asked_from("127.0.0.2", gateway.icap()).starts_with(b"ICAP/1.0 200"));
    assert_eq!(asked_from("127.0.0.3", gateway.icap()), b"");
    logged(&mut gateway, "was not let in: AllowedClients does not have this address");
    assert!(gateway.stop().success());

    let mut gateway = Gateway::start("AllowedClients = 127.0.0.2\nProxyProtocolFrom = 127.0.0.1\n");
    let balancer = Balancer::start(&format!("{} send-proxy-v2", gateway.icap()));
    assert!(asked_from("127.0.0.2", balancer.address).starts_with(b"ICAP/1.0 200"));
    assert_eq!(asked_from("127.0.0.3", balancer.address), b"");
    // The one behind HAProxy.
    logged(&mut gateway, "127.0.0.3:");
    // Without a header, and with one from somebody who is not believed.
    assert_eq!(asked_from("127.0.0.1", gateway.icap()), b"");
    logged(&mut gateway, "does not begin with a PROXY header");
    assert!(
        asked_from("127.0.0.2", gateway.icap()).starts_with(b"ICAP/1.0 200"),
        "no header, none wanted"
    );
    drop(balancer.program);
    assert!(gateway.stop().success());
}
