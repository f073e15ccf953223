//! Who may name whom: the table of the house, top floor last.
//!
//! The compiler would allow any room to name any other; this is what makes a folder a room.

use crate::complaint::Complaint;
use crate::source::{Source, tokens};

/// A room, and the rooms below it that it may name. `stdx` has tools that no room owns.
const ROOMS: &[(&str, &[&str])] = &[
    ("stdx", &[]),
    ("http", &[]),
    ("icap", &["http"]),
    ("engine", &[]),
    ("policy", &[]),
    ("clamd", &["engine"]),
    ("adaptation", &["icap", "http", "policy", "engine"]),
    ("mesh", &["engine", "policy"]),
    ("link", &[]),
    ("update", &["engine"]),
    (
        "settings",
        &["http", "icap", "engine", "policy", "clamd", "adaptation", "mesh", "link", "update"],
    ),
    (
        "observe",
        &["http", "icap", "engine", "policy", "adaptation", "mesh", "link", "update", "settings"],
    ),
    ("control", &["settings", "observe"]),
    ("runtime", BELOW_RUNTIME),
    ("cli", BELOW_CLI),
    ("main", &["cli"]),
];

const BELOW_RUNTIME: &[&str] = &[
    "http",
    "icap",
    "engine",
    "policy",
    "clamd",
    "adaptation",
    "mesh",
    "link",
    "update",
    "settings",
    "observe",
    "control",
];
const BELOW_CLI: &[&str] = &[
    "http",
    "icap",
    "engine",
    "policy",
    "clamd",
    "adaptation",
    "mesh",
    "link",
    "update",
    "settings",
    "observe",
    "control",
    "runtime",
];

/// Rooms that get the engine's values (verdicts, limits, objects), but may not make it work.
const VALUES_OF_ENGINE_ONLY: &[&str] = &["clamd", "adaptation", "mesh", "settings", "observe"];
/// What makes the engine work.
const WORKS_OF_ENGINE: &[&str] = &["matcher", "digest", "scan", "Scan", "Engine"];

const WAY_OUT: &str = "rooms look down, never up (design 2): take the value as a parameter, or move what both need into \
                       the lower room; a new room gets a row in tests/tidy/rooms.rs";

/// Looks for names of rooms that this room may not name.
pub(crate) fn check(source: &Source) -> Vec<Complaint> {
    let Some(room) = source.room() else {
        return Vec::new();
    };
    let complain =
        |line, what| Complaint { path: source.path.clone(), line, what, way_out: WAY_OUT };
    let Some((_, below)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![complain(0, format!("`{room}` is not a room of this house"))];
    };
    let mut complaints = Vec::new();
    for (line, path) in named_paths(&source.product) {
        let mut parts = path.iter();
        let Some(named) = parts.next() else { continue };
        let is_room = ROOMS.iter().any(|(name, _)| name == named);
        if is_room && *named != room && *named != "stdx" && !below.contains(named) {
            complaints.push(complain(line, format!("`{room}` names the room `{named}`")));
        }
        let is_work = parts.next().is_some_and(|second| WORKS_OF_ENGINE.contains(second));
        if *named == "engine" && is_work && VALUES_OF_ENGINE_ONLY.contains(&room) {
            complaints.push(complain(line, format!("`{room}` may name values of `engine` only")));
        }
    }
    complaints
}

/// Every path after `crate::` (in the library) or `baleen::` (in `main`): first and second part.
/// Groups in braces are opened.
fn named_paths(code: &str) -> Vec<(usize, Vec<&str>)> {
    let tokens = tokens(code);
    let mut paths = Vec::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        let is_start = matches!(pair[0].1, "crate" | "baleen") && pair[1].1 == "::";
        if is_start {
            open_group(&tokens[at + 2..], &[], &mut paths);
        }
    }
    paths
}

/// Reads one path or group; what follows after a group is of no interest.
fn open_group<'a>(
    tokens: &[(usize, &'a str)],
    front: &[&'a str],
    paths: &mut Vec<(usize, Vec<&'a str>)>,
) {
    let Some((line, first)) = tokens.first().copied() else {
        return;
    };
    if first != "{" {
        let path = [front, &[first]].concat();
        let goes_on = path.len() < 2 && tokens.get(1).is_some_and(|next| next.1 == "::");
        match tokens.get(2) {
            Some(_) if goes_on => open_group(&tokens[2..], &path, paths),
            Some(_) | None => paths.push((line, path)),
        }
        return;
    }
    let mut depth = 0_usize;
    for (at, (_, token)) in tokens.iter().enumerate() {
        match *token {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return;
        }
        if depth == 1
            && matches!(*token, "{" | ",")
            && tokens.get(at + 1).is_some_and(|next| next.1 != "}")
        {
            open_group(&tokens[at + 1..], front, paths);
        }
    }
}

#[cfg(test)]
mod canaries {
    use super::{ROOMS, check};
    use crate::complaint::{must_pass, must_refuse};
    use crate::source::Source;

    fn said(path: &str, text: &str) -> Vec<crate::complaint::Complaint> {
        check(&Source::new(path, text))
    }

    #[test]
    fn looking_up_is_refused_however_it_is_written() {
        must_refuse(
            &said("src/icap/x.rs", "use crate::policy::Url;"),
            "`icap` names the room `policy`",
        );
        must_refuse(
            &said("src/icap/x.rs", "use crate::{http, runtime::Clock};"),
            "`icap` names the room `runtime`",
        );
        must_refuse(
            &said("src/icap/x.rs", "use crate::{http::{a, b}, cli};"),
            "`icap` names the room `cli`",
        );
        must_refuse(
            &said("src/http/x.rs", "fn f() { crate::icap::g() }"),
            "`http` names the room `icap`",
        );
        must_refuse(&said("src/runtime/x.rs", "use crate::cli;"), "`runtime` names the room `cli`");
        must_refuse(
            &said("src/main.rs", "fn main() { baleen::runtime::run() }"),
            "`main` names the room `runtime`",
        );
    }

    #[test]
    fn the_works_of_the_engine_are_refused_where_values_are_enough() {
        must_refuse(
            &said("src/adaptation/x.rs", "use crate::engine::{Verdict, Scan};"),
            "values of `engine` only",
        );
        must_refuse(
            &said("src/adaptation/x.rs", "use crate::engine::matcher::Hit;"),
            "values of `engine` only",
        );
    }

    #[test]
    fn an_unknown_room_is_refused() {
        must_refuse(&said("src/stuff/mod.rs", ""), "`stuff` is not a room");
    }

    #[test]
    fn looking_down_passes() {
        must_pass(&said(
            "src/icap/x.rs",
            "use crate::http::RequestHead; use crate::icap::Fault; // crate::policy",
        ));
        must_pass(&said("src/adaptation/x.rs", "use crate::engine::{Verdict, verdict::Why};"));
        must_pass(&said("src/http/x.rs", "#[cfg(test)]\nmod tests { use crate::icap; }"));
        must_pass(&said("src/cli/x.rs", "use crate::{engine::Scan, runtime::{a, b}};"));
    }

    #[test]
    fn the_table_has_no_way_round_in_a_circle() {
        for (at, (room, below)) in ROOMS.iter().enumerate() {
            let known: Vec<_> = ROOMS[..at].iter().map(|(name, _)| *name).collect();
            assert!(
                below.iter().all(|name| known.contains(name)),
                "{room} names a room that is not below it"
            );
        }
    }
}
