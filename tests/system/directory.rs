//! Groups from a real directory: `slapd`, with TLS by an authority that only this test knows.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::gateway::{Gateway, baleen};
use crate::fixture::program::Program;
use crate::reputation::certificates;
use crate::{Said, run};

/// A running server with people and groups.
struct Slapd {
    program: Program,
    plain: u16,
    tls: u16,
    /// Dropped last: the server writes there until it has ended.
    folder: TempDir,
}

impl Slapd {
    /// Starts it, with a certificate for 127.0.0.1 where TLS is wanted.
    #[track_caller]
    fn start(with_tls: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path();
        fs::create_dir(dir.join("db")).expect("a folder");
        let shown = dir.display();
        let mut conf = CONFIGURATION.replace("DIR", &shown.to_string());
        if with_tls {
            certificates(dir);
            conf = format!(
                "TLSCACertificateFile {shown}/ca.pem\nTLSCertificateFile {shown}/certificate\n\
                 TLSCertificateKeyFile {shown}/key\nTLSVerifyClient never\n{conf}"
            );
        }
        let (conf_file, ldif) = (dir.join("slapd.conf"), dir.join("people.ldif"));
        fs::write(&conf_file, conf).expect("a file");
        fs::write(&ldif, PEOPLE).expect("a file");
        fs::write(dir.join("password"), "lesen\n").expect("a file");
        let loaded = Command::new("/usr/sbin/slapadd")
            .args([Path::new("-f"), &conf_file, Path::new("-l"), &ldif])
            .output()
            .expect("slapadd; sh tests/run installs it");
        assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
        let (plain, tls) = (free_port(), free_port());
        let mut places = format!("ldap://127.0.0.1:{plain}");
        if with_tls {
            places.push_str(&format!(" ldaps://127.0.0.1:{tls}"));
        }
        let mut command = Command::new("/usr/sbin/slapd");
        command.arg("-f").arg(&conf_file).args(["-h", &places, "-d", "stats"]);
        let mut program = Program::start(&mut command);
        // It says so a moment before it does.
        let mut has_said = false;
        program.wait_for("it listens", |line| {
            has_said |= line.contains("slapd starting");
            let ports = [Some(plain), with_tls.then_some(tls)];
            let mut ports = ports.into_iter().flatten();
            let listens = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
            (has_said && ports.all(listens)).then_some(())
        });
        Self { program, plain, tls, folder }
    }

    /// `[LookupD]` for this server; `LdapTimeout` is long, so that it counts only where nobody answers.
    fn settings(&self, more: &str) -> String {
        let time = if more.contains("LdapTimeout") { "" } else { "LdapTimeout = 30s\n" };
        let servers = if more.contains("LdapServers") {
            String::new()
        } else {
            format!("LdapServers = ldap://127.0.0.1:{}\n", self.plain)
        };
        let base = if more.contains("LdapBase") { "" } else { "LdapBase = dc=x\n" };
        let folder = self.folder.path().display();
        let secret = if more.contains("LdapPasswordFile") {
            String::new()
        } else {
            format!("LdapPasswordFile = {folder}/password\n")
        };
        format!(
            "[LookupD]\n{time}{servers}{base}LdapBindDn = cn=reader,dc=x\n{secret}{}\n",
            more.replace("DIR", &folder.to_string())
        )
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("bound").port()
}

const CONFIGURATION: &str = r#"
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile DIR/pid
database mdb
suffix "dc=x"
rootdn "cn=admin,dc=x"
directory DIR/db
maxsize 16777216
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=reader,dc=x" read by * none
"#;

/// `memberOf` of carla is kept in her entry, as in Active Directory; the groups of the others are found by their members.
const PEOPLE: &str = "\
dn: dc=x
objectClass: dcObject
objectClass: organization
o: x
dc: x

dn: cn=reader,dc=x
objectClass: person
objectClass: simpleSecurityObject
cn: reader
sn: reader
userPassword: lesen

dn: ou=people,dc=x
objectClass: organizationalUnit
ou: people

dn: uid=anna,ou=people,dc=x
objectClass: inetOrgPerson
uid: anna
cn: Anna
sn: A

dn: uid=bert,ou=people,dc=x
objectClass: inetOrgPerson
uid: bert
cn: Bert
sn: B

dn: uid=carla,ou=people,dc=x
objectClass: inetOrgPerson
uid: carla
cn: Carla
sn: C
memberOf: cn=Night Shift,ou=groups,dc=x

dn:: dWlkPWrDtnJnLG91PXBlb3BsZSxkYz14
objectClass: inetOrgPerson
uid:: asO2cmc=
cn: Joerg
sn: J

dn: ou=groups,dc=x
objectClass: organizationalUnit
ou: groups

dn: cn=staff,ou=groups,dc=x
objectClass: groupOfNames
cn: staff
member: uid=anna,ou=people,dc=x
member:: dWlkPWrDtnJnLG91PXBlb3BsZSxkYz14
";

/// Asks about users without a service: the exit code, an object for each, and all that was said.
#[track_caller]
fn groups(settings: &str, users: &[&str]) -> (i32, Vec<Value>, Said) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("baleen.conf");
    fs::write(&path, settings).expect("a file");
    let conf = path.display().to_string();
    let said = run(&[&["policy", "groups", "--json", "--config", &conf][..], users].concat());
    let rows = said.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    (said.code, rows.collect(), said)
}

#[test]
fn users_are_found_with_their_groups_whatever_they_are_called() {
    let slapd = Slapd::start(false);
    let users = [
        "anna",
        "EXAMPLE\\anna",
        "bert",
        "carla",
        "jörg",
        "*",
        "*)(uid=*",
        "nobody",
        "x/uid=bert,ou=people,dc=x",
    ];
    let (code, rows, said) = groups(&slapd.settings("DebugLibldap = Yes"), &users);
    assert_eq!((code, rows.len()), (1, users.len()), "{said:?}");
    let staff = "[\"cn=staff,ou=groups,dc=x\",\"staff\"]";
    for (row, answer, groups) in [
        (0, "user", staff),
        (1, "user", staff),
        (2, "user", "[]"),
        (3, "user", "[\"Night Shift\",\"cn=Night Shift,ou=groups,dc=x\"]"),
        (4, "user", staff),
        (5, "no user", "[]"),
        (6, "no user", "[]"),
        (7, "no user", "[]"),
        (8, "user", "[]"),
    ] {
        let found = (&rows[row]["answer"], rows[row]["groups"].to_string());
        assert_eq!(found, (&answer.into(), groups.to_owned()), "{} {said:?}", users[row]);
    }
    let filter = rows[6]["user_filter"].as_str().expect("a text");
    assert!(filter.contains("(uid=\\2a\\29\\28uid=\\2a)"), "{filter}");
    assert_eq!(rows[8]["dn"], "uid=bert,ou=people,dc=x");
}

#[test]
fn tls_is_spoken_with_whom_it_should_and_nobody_else() {
    let slapd = Slapd::start(true);
    let foreign = tempfile::tempdir().expect("a folder");
    certificates(foreign.path());
    let own = "LdapCertificates = DIR/ca.pem\n".to_owned();
    let other = format!("LdapCertificates = {}/ca.pem\n", foreign.path().display());
    let ldaps = format!("LdapServers = ldaps://127.0.0.1:{}\n", slapd.tls);
    let start = "LdapStartTls = Yes\n".to_owned();
    for way in [&ldaps, &start] {
        for check in ["", "LdapCheckCertificate = Try\n"] {
            let (code, rows, said) =
                groups(&slapd.settings(&format!("{way}{own}{check}")), &["anna"]);
            assert_eq!((code, &rows[0]["answer"]), (0, &"user".into()), "{way} {said:?}");
            let (code, rows, said) =
                groups(&slapd.settings(&format!("{way}{other}{check}")), &["anna"]);
            let detail = rows[0]["detail"].to_string();
            assert!(code == 2 && detail.contains("certificate is not trusted"), "{way} {said:?}");
        }
        let allow = format!("{way}{other}LdapCheckCertificate = Allow\n");
        let (code, _, said) = groups(&slapd.settings(&allow), &["anna"]);
        assert!(code == 0 && said.stderr.contains("certificate is not trusted"), "{said:?}");
        let ignore = format!("{way}{other}LdapCheckCertificate = No\n");
        assert_eq!(groups(&slapd.settings(&ignore), &["anna"]).0, 0, "{way}");
    }
    // Not the same as its address.
    let named = format!("LdapServers = ldaps://localhost:{}\n{own}", slapd.tls);
    let (code, rows, said) = groups(&slapd.settings(&named), &["anna"]);
    let detail = rows[0]["detail"].to_string();
    assert!(code == 2 && detail.contains("certificate is not trusted"), "{said:?}");
    let plain = Slapd::start(false);
    let (code, rows, said) = groups(&plain.settings(&format!("{start}{other}")), &["anna"]);
    let detail = rows[0]["detail"].to_string();
    assert!(code == 2 && detail.contains("StartTLS refused"), "{said:?}");
}

#[test]
fn what_goes_wrong_is_told_apart() {
    let slapd = Slapd::start(false);
    let wrong = slapd.folder.path().join("wrong");
    fs::write(&wrong, "falsch\n").expect("a file");
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let silent = (silent.local_addr().expect("bound").port(), silent);
    let gone = free_port();
    for (more, word) in [
        ("LdapPasswordFile = DIR/wrong".to_owned(), "bind refused: "),
        ("LdapBase = dc=y".to_owned(), "the base does not exist"),
        (format!("LdapServers = ldap://127.0.0.1:{gone}"), "cannot connect"),
        (
            format!("LdapServers = ldap://127.0.0.1:{}\nLdapTimeout = 0.3s", silent.0),
            "no answer in time",
        ),
        ("LdapUserFilter = (&(uid=*)(!(cn=%u)))".to_owned(), "several users"),
    ] {
        let (code, rows, said) = groups(&slapd.settings(&more), &["anna"]);
        let detail = rows[0]["detail"].to_string();
        assert!(code == 2 && detail.contains(word), "{more}: {said:?}");
    }
    // The second server answers where the first is not there, or says nothing.
    for first in [gone, silent.0] {
        let servers = format!(
            "LdapTimeout = 6s\nLdapServers = ldap://127.0.0.1:{first}, ldap://127.0.0.1:{}",
            slapd.plain
        );
        let (code, rows, said) = groups(&slapd.settings(&servers), &["anna"]);
        assert_eq!(code, 0, "{said:?}");
        assert_eq!(rows[0]["server"], format!("ldap://127.0.0.1:{}", slapd.plain));
    }
    for (settings, word) in [
        ("[LookupD]\nLdapBase = dc=x\n", "LdapServers"),
        ("[LookupD]\nLdapServers = ldap://h\nLdapBindDn = cn=a\n", "LdapPasswordFile"),
        ("[LookupD]\nLdapServers = ldap://h\nLdapUserFilter = (uid=x)\n", "LdapUserFilter"),
        ("[LookupD]\nLdapServers = ldap://h\nLdapUserFilter = (uid=%u\n", ") behind a condition"),
        ("[LookupD]\nLdapServers = http://h\n", "ldaps://host"),
    ] {
        let (code, _, said) = groups(settings, &["anna"]);
        assert!(code == 2 && said.stderr.contains(word), "{settings}: {said:?}");
    }
}

const RULES: &str = "RuleSet1 = user in \"LDAP@staff\", url_host in (staff.test) : BLOCK as \"not for staff\"\n\
                     RuleSet2 = user_group in (\"night shift\"), url_host in (day.test) : BLOCK\n";

#[test]
fn rules_decide_by_the_groups_and_say_where_they_are_from() {
    let slapd = Slapd::start(false);
    let gateway = Gateway::start(&format!("{RULES}{}", slapd.settings("")));
    for (user, url, blocked) in [
        ("anna", "http://staff.test/", true),
        ("bert", "http://staff.test/", false),
        ("*)(uid=*", "http://staff.test/", false),
        ("jörg", "http://staff.test/", true),
        ("carla", "http://day.test/", true),
        ("anna", "http://day.test/", false),
    ] {
        let answer = reqmod(&gateway, user, url);
        let want = if blocked { "HTTP/1.1 403 " } else { "ICAP/1.0 204 " };
        assert!(answer.contains(want), "{user} {url}: {answer}");
    }
    let (code, text) = ctl(&gateway, &["url-check", "staff.test", "--user", "anna"]);
    assert_eq!(code, 1, "{text}");
    let server = format!("ldap://127.0.0.1:{}", slapd.plain);
    assert!(text.contains(&format!("about anna: staff ({server}, known before)")), "{text}");
    let (code, json) = ctl(&gateway, &["url-check", "staff.test", "--user", "new", "--json"]);
    let said: Value = serde_json::from_str(&json).expect("JSON");
    let step = &said["steps"][0];
    assert_eq!(
        (code, &step["step"], &step["cached"]),
        (0, &"directory".into(), &false.into()),
        "{json}"
    );
    let conf = gateway.config().display().to_string();
    let explain = ["policy", "explain", "staff.test", "--config", &conf, "--user", "anna"];
    let offline = run(&explain);
    assert!(offline.stdout.contains("it depends on groups"), "{offline:?}");
    let asked = run(&[&explain[..], &["--ask"]].concat());
    assert!(asked.code == 1 && asked.stdout.contains(&format!("staff ({server})")), "{asked:?}");
    assert!(gateway.stop().success());
}

#[test]
fn a_directory_that_is_gone_is_left_alone_and_nobody_is_taken_for_no_member() {
    let mut slapd = Slapd::start(false);
    // One thread, which so sees every failure.
    let settings = slapd.settings("LdapConnections = 1");
    let passing = Gateway::start(&format!("{RULES}{settings}"));
    let blocking = Gateway::start(&format!("BlockUnanswered = Yes\n{RULES}{settings}"));
    for gateway in [&passing, &blocking] {
        assert!(reqmod(gateway, "anna", "http://staff.test/").contains(" 403 "));
    }
    assert!(slapd.program.terminate().success());
    for gateway in [&passing, &blocking] {
        let answer = reqmod(gateway, "anna", "http://staff.test/");
        assert!(answer.contains("not for staff") || answer.contains(" 403 "), "known: {answer}");
    }
    let answer = reqmod(&passing, "jörg", "http://staff.test/");
    assert!(answer.contains("ICAP/1.0 204 "), "the rule does not apply: {answer}");
    let answer = reqmod(&blocking, "jörg", "http://staff.test/");
    assert!(answer.contains("HTTP/1.1 403 "), "BlockUnanswered: {answer}");
    let (code, text) = ctl(&blocking, &["url-check", "staff.test", "--user", "bert"]);
    assert!(code == 1 && text.contains("cannot connect") && text.contains("no answer"), "{text}");
    let (_, text) = ctl(&passing, &["url-check", "staff.test", "--user", "bert"]);
    assert!(text.contains("not known: user in"), "{text}");
    let mut said = String::new();
    for number in 0..6 {
        said = ctl(&passing, &["url-check", "staff.test", "--user", &format!("u{number}")]).1;
    }
    assert!(said.contains("left alone after failures"), "{said}");
    assert!(passing.stop().success() && blocking.stop().success());
}

/// What the gateway answers to a request of this user.
#[track_caller]
fn reqmod(gateway: &Gateway, user: &str, url: &str) -> String {
    let mut stream = TcpStream::connect(gateway.icap()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let host = gateway.icap();
    let http = format!("GET {url} HTTP/1.1\r\nHost: x\r\n\r\n");
    let request = format!(
        "REQMOD icap://{host}/reqmod ICAP/1.0\r\nHost: {host}\r\nAllow: 204\r\nConnection: close\r\n\
         X-Client-Username: {user}\r\nEncapsulated: req-hdr=0, null-body={}\r\n\r\n{http}",
        http.len()
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers and closes");
    answer
}

/// The exit code of `baleen ctl`, and what was said on both outputs.
fn ctl(gateway: &Gateway, arguments: &[&str]) -> (i32, String) {
    let output = baleen().arg("ctl").args(arguments).arg("--config").arg(gateway.config()).output();
    let output = output.expect("it was built");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().expect("it was not killed"), String::from_utf8_lossy(&said).into_owned())
}

/// Reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
