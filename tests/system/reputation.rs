//! Reputation against real servers: block lists of `rbldnsd`, and a service behind TLS with a certificate of
//! an authority that only this test knows.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::program::Program;
use crate::{Said, run};

/// A folder that servers with other rights may read.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    folder
}

/// A server with these zones (name, kind, content), and its port.
fn block_lists(folder: &Path, zones: &[(&str, &str, &str)]) -> (Program, u16) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = socket.local_addr().expect("bound").port();
    drop(socket);
    let mut words = vec!["exec /usr/sbin/rbldnsd -n".to_owned()];
    // It refuses to be root.
    if rustix::process::geteuid().is_root() {
        words.push("-u nobody".to_owned());
    }
    words.push(format!("-w {} -b 127.0.0.1/{port}", folder.display()));
    for (number, (name, kind, content)) in zones.iter().enumerate() {
        fs::write(folder.join(format!("zone{number}")), content).expect("a file");
        words.push(format!("{name}:{kind}:zone{number}"));
    }
    words.push("1>&2".to_owned());
    let mut program = Program::start(Command::new("sh").arg("-c").arg(words.join(" ")));
    program.wait_for("it has its zones", |line| line.contains("started").then_some(()));
    (program, port)
}

fn settings(folder: &Path, cloud: &str) -> String {
    let path = folder.join("baleen.conf");
    // Long, so that it counts only where a server is silent.
    let time = if cloud.contains("Timeout") { "" } else { "Timeout = 30s\n" };
    let text = format!("[Root]\nUseCloud = Yes\n[CloudD]\n{time}{cloud}\n");
    fs::write(&path, text).expect("a file");
    path.display().to_string()
}

fn ask(settings: &str, addresses: &[&str]) -> (Said, Vec<Value>) {
    let said = run(&[&["reputation", "--json", "--config", settings][..], addresses].concat());
    let rows = said.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let rows: Vec<Value> = rows.collect();
    assert_eq!(rows.len(), addresses.len(), "{said:?}");
    (said, rows)
}

#[test]
fn real_block_lists_are_asked_and_understood() {
    let folder = folder();
    let names = ":127.0.0.2:a name, see https://n.example/$\n.bad.example\nonly.example :127.0.0.8:gambling\n\
                 game.example :127.0.0.24:two bits\ntest\n";
    let addresses = ":127.0.0.4:an address\n127.0.0.2\n198.51.100.0/24\n";
    let six = ":127.0.0.2:six\n2001:db8:7::/48\n";
    let everything = ":127.0.0.2:sold\n.example\ninvalid\n";
    let zones = [
        ("n.example", "dnset", names),
        ("a.example", "ip4set", addresses),
        ("six.example", "ip6trie", six),
        ("dead.example", "dnset", everything),
    ];
    let (_server, port) = block_lists(folder.path(), &zones);
    let servers = format!("DnsServers = 127.0.0.1:{port}\n");
    let lists = "DnsBlockLists = n.example domains 127.0.0.2=Violence &8=Gambling &16=OnlineGames\n\
                 DnsBlockLists = a.example addresses *=InfectionSource, six.example addresses\n";
    let conf = settings(folder.path(), &(servers.clone() + lists));
    let (said, rows) = ask(
        &conf,
        &[
            "http://deep.www.bad.example/x",
            "only.example",
            "game.example",
            "http://198.51.100.7:8080/",
            "http://[2001:db8:7::1]/",
            "good.example",
            "203.0.113.7",
            "http://10.0.0.1/",
        ],
    );
    assert_eq!(said.code, 1, "{said:?}");
    for (row, answer, detail, source) in [
        (0, "listed", "Violence", "n.example: a name, see https://n.example/bad.example"),
        (1, "listed", "Gambling", "n.example: gambling"),
        (2, "listed", "Gambling, OnlineGames", "n.example: two bits"),
        (3, "listed", "InfectionSource", "a.example: an address"),
        (4, "listed", "NotRecommended", "six.example: six"),
        (5, "unknown", "", ""),
        (6, "unknown", "", ""),
        (7, "not asked", "", ""),
    ] {
        let found = [&rows[row]["answer"], &rows[row]["detail"], &rows[row]["source"]];
        assert_eq!(found, [answer, detail, source], "{said:?}");
    }
    let dead = settings(folder.path(), &format!("{servers}DnsBlockLists = dead.example\n"));
    let (said, rows) = ask(&dead, &["good.example"]);
    assert_eq!((said.code, &rows[0]["answer"]), (2, &Value::from("no answer")), "{said:?}");
    assert!(said.stderr.contains("dead.example lists the name that no list may"), "{said:?}");
}

#[test]
fn nobody_is_asked_without_the_administrators_yes() {
    let folder = folder();
    let path = folder.path().join("baleen.conf");
    fs::write(&path, "[CloudD]\nDnsBlockLists = n.example\nDnsServers = 127.0.0.1:9\n")
        .expect("a file");
    let said = run(&["reputation", "--config", path.to_str().expect("UTF-8"), "bad.example"]);
    assert_eq!((said.code, said.stderr.contains("UseCloud")), (2, true), "{said:?}");
}

/// Makes an authority and a certificate that it signed for 127.0.0.1.
pub(crate) fn certificates(folder: &Path) {
    let name = |file: &str| folder.join(file).display().to_string();
    fs::write(name("san"), "subjectAltName=IP:127.0.0.1\n").expect("a file");
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let authority = ["req", "-x509", "-days", "2", "-subj", "/CN=test authority"];
    let request = ["req", "-subj", "/CN=test service"];
    let sign = ["x509", "-req", "-days", "2", "-set_serial", "7"];
    for arguments in [
        [&authority[..], &key, &["-keyout", &name("ca.key"), "-out", &name("ca.pem")]].concat(),
        [&request[..], &key, &["-keyout", &name("key"), "-out", &name("csr")]].concat(),
        [
            &sign[..],
            &["-in", &name("csr"), "-CA", &name("ca.pem"), "-CAkey", &name("ca.key")],
            &["-extfile", &name("san"), "-out", &name("certificate")],
        ]
        .concat(),
    ] {
        let made = Command::new("openssl").args(&arguments).output();
        let made = made.expect("openssl; sh tests/run installs it");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
}

/// What the service does, by the path it is asked at.
const SERVICE: &str = r#"
import http.server, json, ssl, sys
folder = sys.argv[1]
KNOWN = {"bad.example": ["NotRecommended", "betting", "unheard-of"], "198.51.100.7": ["drugs"]}
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != "Bearer sesame":
            self.send_response(401); self.send_header("Content-Length", "0"); self.end_headers(); return
        if self.path == "/silent":
            import time; time.sleep(600)
        if self.path == "/cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"version\""); self.close_connection = True; return
        if self.path == "/garbage":
            self.wfile.write(b"SSH-2.0-Baleen\r\n\r\n"); self.close_connection = True; return
        if self.path == "/flood":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100000 + b"\r\n\r\n"); self.close_connection = True; return
        asked = json.loads(body)
        assert asked["version"] == 1 and self.headers["Content-Type"] == "application/json"
        answers = [{"id": u["id"], "categories": KNOWN.get(u["host"], []), "ttl": 60,
                    "reason": "path " + u.get("path", "-")} for u in asked["urls"]]
        text = json.dumps({"version": 1, "answers": answers, "more": None}).encode()
        self.send_response(200)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked"); self.end_headers()
            for at in range(0, len(text), 7):
                part = text[at:at + 7]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part)); self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(text))); self.end_headers()
            self.wfile.write(text)
        if self.path == "/closing":
            self.close_connection = True
    def log_message(self, *_):
        pass
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder + "/certificate", folder + "/key")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print("port", server.server_address[1], file=sys.stderr, flush=True)
server.serve_forever()
"#;

fn service(folder: &Path) -> (Program, u16) {
    certificates(folder);
    fs::write(folder.join("service.py"), SERVICE).expect("a file");
    fs::write(folder.join("token"), "sesame\n").expect("a file");
    let mut program =
        Program::start(Command::new("python3").arg(folder.join("service.py")).arg(folder));
    let port = program.wait_for("it listens", |line| line.strip_prefix("port ")?.parse().ok());
    (program, port)
}

#[test]
fn a_real_https_service_is_asked_with_its_token_and_understood() {
    let folder = folder();
    let (_server, port) = service(folder.path());
    let dir = folder.path().display();
    for path in ["/plain", "/chunked", "/closing"] {
        let conf = settings(
            folder.path(),
            &format!(
                "Service = https://127.0.0.1:{port}{path}\nServiceToken = {dir}/token\n\
             ServiceCertificates = {dir}/ca.pem\nServiceCategories = Betting=Gambling\n"
            ),
        );
        let (said, rows) = ask(
            &conf,
            &[
                "http://bad.example/a?secret",
                "good.example",
                "198.51.100.7",
                "http://bad.example/b",
            ],
        );
        assert_eq!(said.code, 1, "{said:?}");
        for (row, answer, detail, source) in [
            (0, "listed", "NotRecommended, Gambling", "Service: path /a"),
            (1, "unknown", "", ""),
            (2, "listed", "Drugs", "Service: path /"),
            (3, "listed", "NotRecommended, Gambling", "Service: path /b"),
        ] {
            let found = [&rows[row]["answer"], &rows[row]["detail"], &rows[row]["source"]];
            assert_eq!(found, [answer, detail, source], "{path} {said:?}");
        }
    }
}

#[test]
fn a_service_that_is_not_the_one_or_answers_nonsense_gives_no_answer() {
    let folder = folder();
    let (_server, port) = service(folder.path());
    let other = tempfile::tempdir().expect("a folder");
    certificates(other.path());
    let (dir, foreign) = (folder.path().display(), other.path().display());
    let token = format!("ServiceToken = {dir}/token\n");
    let own = format!("ServiceCertificates = {dir}/ca.pem\n");
    for (path, more, detail) in [
        (
            "/plain",
            format!("{token}ServiceCertificates = {foreign}/ca.pem\n"),
            "the service refused the question",
        ),
        ("/plain", own.clone(), "the service refused the question"),
        ("/cut", format!("{token}{own}"), "the service refused the question"),
        ("/garbage", format!("{token}{own}"), "the service refused the question"),
        ("/flood", format!("{token}{own}"), "the service refused the question"),
        ("/silent", format!("{token}{own}Timeout = 0.4s\n"), "no answer in time"),
    ] {
        let conf =
            settings(folder.path(), &format!("Service = https://127.0.0.1:{port}{path}\n{more}"));
        let (said, rows) = ask(&conf, &["bad.example"]);
        assert_eq!(
            (said.code, &rows[0]["answer"]),
            (2, &Value::from("no answer")),
            "{path} {said:?}"
        );
        assert_eq!(rows[0]["detail"], detail, "{path} {said:?}");
    }
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = folder();
    let dir = folder.path().display();
    fs::write(folder.path().join("empty"), "").expect("a file");
    for (line, want) in [
        ("ServiceToken = DIR/none", "DIR/none: error: cannot be read"),
        ("ServiceToken = DIR/empty", "DIR/empty: error: the first line has to be the token"),
        ("ServiceCertificates = DIR/empty", "no certificate can be used"),
    ] {
        let line = line.replace("DIR", &dir.to_string());
        let conf = settings(folder.path(), &format!("Service = https://a.example/\n{line}"));
        let said = run(&["check-config", &conf]);
        let want = want.replace("DIR", &dir.to_string());
        assert!(said.code > 0 && said.stdout.contains(&want), "{want}: {said:?}");
    }
}
