//! Which third-party crate belongs to which room, and which may not be there at all.
//!
//! A dependency enters with a row. The row says who may name it, so that the day it has to be replaced
//! is a day in one room.

use crate::complaint::Complaint;
use crate::source::{Source, tokens};

/// Every room, and programs outside `src`.
const ANYWHERE: &[&str] = &["*"];

/// Crate as in Cargo.toml, and the rooms that may name it. `perf` is the load generator.
const CRATES: &[(&str, &[&str])] = &[
    ("aes", &["engine"]),
    ("aho-corasick", &["engine"]),
    ("ahash", ANYWHERE),
    ("arc-swap", &["runtime"]),
    ("argon2", &["adaptation"]),
    ("async-channel", &["runtime"]),
    ("boreal", &["engine"]),
    ("boreal-parser", &["engine"]),
    ("brotli-decompressor", &["engine"]),
    ("clap", &["cli", "main", "perf"]),
    ("cms", &["engine"]),
    ("crossbeam-channel", &["runtime", "cli"]),
    ("der", &["engine"]),
    ("flate2", &["engine"]),
    ("futures-lite", &["runtime"]),
    ("glommio", &["runtime", "cli"]),
    ("hdrhistogram", &["observe", "runtime", "perf"]),
    ("hmac", &["engine", "adaptation"]),
    ("httpdate", &["runtime"]),
    ("idna", &["policy"]),
    ("indicatif", &["cli"]),
    ("jiff", &["runtime"]),
    ("liblzma", &["engine"]),
    ("md-5", &["engine"]),
    ("memchr", &["http", "icap", "engine", "policy", "perf"]),
    ("memmap2", &["runtime", "cli"]),
    ("mimalloc", &["main", "perf"]),
    ("minijinja", &["adaptation"]),
    ("mlua", &["runtime"]),
    ("num-bigint", &["engine"]),
    ("pbkdf2", &["engine"]),
    ("pcre2", &["engine"]),
    ("regex", &["engine", "policy", "runtime"]),
    ("regex-automata", &["engine", "policy"]),
    ("regex-syntax", &["engine", "policy"]),
    ("rustix", &["runtime", "cli", "perf"]),
    ("rustls", &["runtime"]),
    ("serde", ANYWHERE),
    (
        "serde_json",
        &["engine", "policy", "adaptation", "observe", "control", "runtime", "cli", "perf"],
    ),
    ("sha1", &["engine"]),
    ("sha2", &["icap", "engine", "policy", "adaptation", "update", "settings", "runtime", "cli"]),
    ("signal-hook", &["runtime"]),
    ("socket2", &["runtime", "perf"]),
    ("strsim", &["settings", "policy"]),
    ("tar", &["engine"]),
    ("tracing", &["runtime", "cli"]),
    ("tracing-subscriber", &["runtime", "cli"]),
    ("weezl", &["engine"]),
    ("x509-cert", &["engine"]),
    ("zerocopy", &["engine", "policy"]),
    ("zstd", &["engine"]),
];

/// Crates that may not be anywhere in the graph, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("ring", "one TLS provider, aws-lc-rs: choose the features of the crate that brings ring"),
    (
        "openssl-sys",
        "one TLS provider, aws-lc-rs: choose the rustls features of the crate that brings OpenSSL",
    ),
    (
        "native-tls",
        "one TLS provider, aws-lc-rs: choose the rustls features of the crate that brings it",
    ),
    (
        "rsa",
        "its private-key operations leak timing (RUSTSEC-2023-0071): choose the aws-lc-rs feature",
    ),
];

/// Forbidden crates that are in the lock file and still in nobody's build, and the only package that may name
/// them there: Cargo writes down an optional dependency as soon as another feature mentions it weakly
/// (`ring?/alloc`). Whoever really asks for ring (rustls with its feature `ring`) names it, too.
const WEAK: &[(&str, &str)] = &[("ring", "rustls-webpki")];

/// Looks for crates that this room may not name.
pub(crate) fn check(source: &Source) -> Vec<Complaint> {
    let place = match source.path.split('/').next() {
        Some("perf") => "perf",
        _ => match source.room() {
            Some(room) => room,
            None => return Vec::new(),
        },
    };
    let mut complaints = Vec::new();
    for (name, rooms) in CRATES {
        if rooms.contains(&"*") || rooms.contains(&place) {
            continue;
        }
        let code_name = in_code(name);
        for line in lines_naming(&source.product, &code_name) {
            complaints.push(Complaint {
                path: source.path.clone(),
                line,
                what: format!("`{place}` names the crate `{name}`, which belongs to {}", rooms.join(", ")),
                way_out: "ask a room that may name it, by a value; or give the crate another room in \
                          tests/tidy/crates.rs, with the reason in the commit",
            });
        }
    }
    complaints
}

/// Every dependency must have its row, and every row its dependency.
pub(crate) fn check_manifest(manifest: &str) -> Vec<Complaint> {
    let complain = |what| Complaint {
        path: "Cargo.toml".to_owned(),
        line: 0,
        what,
        way_out: "tests/tidy/crates.rs has one row for each dependency: add or remove it",
    };
    let mut is_dependency = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_dependency = line.trim() == "[dependencies]";
        } else if let Some((name, _)) = line.split_once('=').filter(|_| is_dependency) {
            names.push(name.trim());
        }
    }
    let without_row = names.iter().filter(|name| CRATES.iter().all(|(row, _)| row != *name));
    let without_use = CRATES.iter().filter(|(row, _)| !names.contains(row));
    without_row
        .map(|name| complain(format!("`{name}` has no row")))
        .chain(
            without_use.map(|(row, _)| complain(format!("the row of `{row}` has no dependency"))),
        )
        .collect()
}

/// No forbidden crate may be in the lock file.
pub(crate) fn check_lock(lock: &str) -> Vec<Complaint> {
    let packages: Vec<_> = lock.split("[[package]]").skip(1).map(Package::of).collect();
    let is_weak = |name: &str| {
        let mut users = packages.iter().filter(|package| package.needs.contains(&name)).peekable();
        users.peek().is_some() && users.all(|user| WEAK.contains(&(name, user.name)))
    };
    FORBIDDEN
        .iter()
        .filter(|(name, _)| packages.iter().any(|package| package.name == *name))
        .filter(|(name, _)| !is_weak(name))
        .map(|(name, way_out)| Complaint {
            path: "Cargo.lock".to_owned(),
            line: 0,
            what: format!("`{name}` is in the graph (see who brings it: cargo tree -i {name})"),
            way_out,
        })
        .collect()
}

/// An entry of the lock file.
struct Package<'l> {
    name: &'l str,
    needs: Vec<&'l str>,
}

impl<'l> Package<'l> {
    fn of(entry: &'l str) -> Self {
        let mut lines = entry.lines().map(str::trim);
        let name = lines.find_map(|line| line.strip_prefix("name = "));
        let needs = lines.skip_while(|line| *line != "dependencies = [").skip(1);
        let needs = needs.take_while(|line| *line != "]").filter_map(|line| {
            // A version stands behind the name where there are several.
            line.trim_matches(['"', ',']).split(' ').next()
        });
        Self { name: name.unwrap_or_default().trim_matches('"'), needs: needs.collect() }
    }
}

/// The library's name in code: `md-5` is the one whose library has another name.
fn in_code(name: &str) -> String {
    if name == "md-5" { "md5".to_owned() } else { name.replace('-', "_") }
}

/// Lines where a path begins with this name.
fn lines_naming(code: &str, name: &str) -> Vec<usize> {
    let tokens = tokens(code);
    let named = |at: usize| {
        let before = at.checked_sub(1).map_or("", |at| tokens[at].1);
        let after = tokens.get(at + 1).map_or("", |token| token.1);
        // `x::md5` and `.md5` are names of our own; `use md5;` and `md5::` are the crate.
        tokens[at].1 == name
            && before != "."
            && !is_inner(&tokens, at)
            && (after == "::" || before == "use")
    };
    (0..tokens.len()).filter(|at| named(*at)).map(|at| tokens[at].0).collect()
}

/// Whether the name is a later part of a path. A leading `::` makes it the first part.
fn is_inner(tokens: &[(usize, &str)], at: usize) -> bool {
    let is_word =
        |token: &str| token.starts_with(|sign: char| sign.is_alphanumeric() || sign == '_');
    at >= 2 && tokens[at - 1].1 == "::" && is_word(tokens[at - 2].1) && tokens[at - 2].1 != "use"
}

#[cfg(test)]
mod canaries {
    use super::{check, check_lock, check_manifest};
    use crate::complaint::{must_pass, must_refuse};
    use crate::source::Source;

    fn said(path: &str, text: &str) -> Vec<crate::complaint::Complaint> {
        check(&Source::new(path, text))
    }

    #[test]
    fn a_crate_in_a_foreign_room_is_refused() {
        must_refuse(
            &said("src/icap/x.rs", "use glommio::Task;"),
            "`icap` names the crate `glommio`",
        );
        must_refuse(
            &said("src/policy/x.rs", "fn f() { ::rustix::fs::open() }"),
            "the crate `rustix`",
        );
        must_refuse(&said("src/policy/x.rs", "use md5::Digest;"), "the crate `md-5`");
        must_refuse(&said("src/policy/x.rs", "use tracing;"), "the crate `tracing`");
        must_refuse(&said("perf/load/x.rs", "use minijinja::Environment;"), "`perf` names");
    }

    #[test]
    fn a_crate_at_home_and_a_name_of_our_own_pass() {
        must_pass(&said("src/runtime/x.rs", "use glommio::Task;"));
        must_pass(&said("src/engine/x.rs", "use flate2::Decompress;"));
        must_pass(&said("src/policy/x.rs", "use super::md5::Table; x.md5(); // use glommio::Task"));
        must_pass(&said("src/policy/x.rs", "#[cfg(test)]\nmod tests { use flate2::Compress; }"));
    }

    #[test]
    fn a_dependency_without_a_row_is_refused() {
        must_refuse(&check_manifest("[dependencies]\nleft-pad = \"1\"\n"), "`left-pad` has no row");
        must_refuse(&check_manifest("[dependencies]\n"), "the row of `ahash` has no dependency");
    }

    #[test]
    fn a_forbidden_crate_is_refused() {
        must_refuse(&check_lock("[[package]]\nname = \"ring\"\n"), "`ring` is in the graph");
        must_refuse(&check_lock("[[package]]\nname = \"rsa\"\n"), "`rsa` is in the graph");
        must_pass(&check_lock("[[package]]\nname = \"ring-buffer\"\n"));
        let ring = "[[package]]\nname = \"ring\"\n\n";
        let user = |name: &str| {
            format!(
                "[[package]]\nname = \"{name}\"\ndependencies = [\n \"a\",\n \"ring 0.17.14\",\n]\n"
            )
        };
        must_pass(&check_lock(&format!("{ring}{}", user("rustls-webpki"))));
        let both = format!("{ring}{}\n{}", user("rustls-webpki"), user("rustls"));
        must_refuse(&check_lock(&both), "`ring` is in the graph");
    }
}
