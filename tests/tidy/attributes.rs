//! Where unsafe code may be, what a door plate must carry, and that no test is switched off.

use crate::complaint::Complaint;
use crate::source::{Source, tokens};

/// Folders in which unsafe code is at home.
const UNSAFE_FOLDERS: &[&str] = &["src/engine/matcher/simd/"];
/// Single files: mapping a file into memory cannot be had without, nor an allocator that counts.
const UNSAFE_FILES: &[&str] = &["src/runtime/storage.rs", "src/runtime/executor/stream.rs"];
/// At most one file of this folder may hold the recycled buffers, with their uninitialised memory.
const POOL_FOLDER: &str = "src/runtime/";

/// Rooms whose input is written by strangers: a slip there must not be a panic.
const HOSTILE: &[&str] = &[
    "src/http",
    "src/icap",
    "src/engine/database",
    "src/engine/unpack",
    "src/engine/normalize",
    "src/policy",
    "src/clamd",
    "src/settings/parse",
];
const HOSTILE_LINTS: &[&str] = &[
    "clippy::indexing_slicing",
    "clippy::arithmetic_side_effects",
    "clippy::wildcard_enum_match_arm",
    "clippy::expect_used",
    "clippy::panic",
    "clippy::unreachable",
];

/// Unsafe code outside the rooms that may have it.
pub(crate) fn check_unsafe(source: &Source) -> Vec<Complaint> {
    if may_be_unsafe(&source.path) || is_pool(&source.path) {
        return Vec::new();
    }
    unsafe_lines(source)
        .map(|line| Complaint {
            path: source.path.clone(),
            line,
            what: "unsafe code outside its rooms".to_owned(),
            way_out: "find the safe way: rustix for system calls, zerocopy for views of bytes, a slice for a pointer; \
                      vector code goes to src/engine/matcher/simd/",
        })
        .collect()
}

/// More than one buffer pool with unsafe code.
pub(crate) fn check_pools(sources: &[Source]) -> Vec<Complaint> {
    let pools = sources
        .iter()
        .filter(|source| is_pool(&source.path) && unsafe_lines(source).next().is_some());
    pools
        .skip(1)
        .map(|source| Complaint {
            path: source.path.clone(),
            line: 0,
            what: "a second buffer pool with unsafe code".to_owned(),
            way_out: "one file holds the recycled buffers; use it, or move it",
        })
        .collect()
}

/// Door plates without the attributes of their room.
pub(crate) fn check_plates(sources: &[Source]) -> Vec<Complaint> {
    sources.iter().flat_map(|source| plate(source, sources)).collect()
}

fn plate(source: &Source, sources: &[Source]) -> Vec<Complaint> {
    let complain =
        |what: String, way_out| Complaint { path: source.path.clone(), line: 0, what, way_out };
    let mut complaints = Vec::new();
    let Some(room) = room_of_plate(&source.path) else {
        return complaints;
    };
    if needs_forbid(room) && !forbids_unsafe(room, sources) {
        complaints.push(complain(
            "the plate does not forbid unsafe code".to_owned(),
            "put #![forbid(unsafe_code)] below the front page",
        ));
    }
    if HOSTILE.contains(&room) {
        let denied = inner_attribute(&source.code, "deny");
        let missing: Vec<_> =
            HOSTILE_LINTS.iter().filter(|lint| !denied.contains(*lint)).copied().collect();
        if !missing.is_empty() {
            complaints.push(complain(
                format!("strangers write this room's input, and its plate does not deny {}", missing.join(", ")),
                "put the whole set into #![deny(…)] below the front page; it is in tests/tidy/attributes.rs",
            ));
        }
    }
    complaints
}

/// The room whose plate a file is: `src/icap` for `src/icap/mod.rs` and `src/icap.rs`.
fn room_of_plate(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("src/")?;
    if let Some(room) = path.strip_suffix("/mod.rs") {
        return Some(room);
    }
    let room = path.strip_suffix(".rs")?;
    let is_single = !rest.contains('/') && rest != "lib.rs" && rest != "main.rs";
    (is_single || HOSTILE.contains(&room)).then_some(room)
}

/// `forbid` cannot be undone further in: rooms with an unsafe room inside go without.
fn needs_forbid(room: &str) -> bool {
    let has_inside = |path: &str| path.starts_with(&format!("{room}/"));
    let is_inside = UNSAFE_FOLDERS.iter().any(|folder| format!("{room}/").starts_with(folder));
    !is_inside
        && !UNSAFE_FOLDERS.iter().any(|folder| has_inside(folder))
        && !UNSAFE_FILES.iter().any(|file| has_inside(file))
}

/// Whether this plate or one further out forbids it.
fn forbids_unsafe(room: &str, sources: &[Source]) -> bool {
    let mut room = room;
    loop {
        let here = [format!("{room}/mod.rs"), format!("{room}.rs")];
        let mut plates = sources.iter().filter(|source| here.contains(&source.path));
        if plates.any(|plate| inner_attribute(&plate.code, "forbid").contains("unsafe_code")) {
            return true;
        }
        match room.rsplit_once('/') {
            Some((outer, _)) => room = outer,
            None => return false,
        }
    }
}

/// The contents of all inner attributes of this kind.
fn inner_attribute(code: &str, kind: &str) -> String {
    let start = format!("#![{kind}(");
    code.split(start.as_str()).skip(1).filter_map(|rest| rest.split(']').next()).collect()
}

/// `#[ignore]` in any form.
pub(crate) fn check_ignored(source: &Source) -> Vec<Complaint> {
    let tokens = tokens(&source.code);
    let is_ignored = |window: &&[(usize, &str)]| window[0].1 == "[" && window[1].1 == "ignore";
    tokens
        .windows(2)
        .filter(is_ignored)
        .map(|window| Complaint {
            path: source.path.clone(),
            line: window[0].0,
            what: "a test that is switched off".to_owned(),
            way_out: "repair it, or let it assert today's behaviour and say that this is a known gap",
        })
        .collect()
}

fn may_be_unsafe(path: &str) -> bool {
    UNSAFE_FOLDERS.iter().any(|folder| path.starts_with(folder)) || UNSAFE_FILES.contains(&path)
}

fn is_pool(path: &str) -> bool {
    let name = path.strip_prefix(POOL_FOLDER).unwrap_or("");
    name.contains("buffer") || name.contains("pool")
}

fn unsafe_lines(source: &Source) -> impl Iterator<Item = usize> {
    tokens(&source.code).into_iter().filter(|token| token.1 == "unsafe").map(|token| token.0)
}

#[cfg(test)]
mod canaries {
    use super::{check_ignored, check_plates, check_pools, check_unsafe};
    use crate::complaint::{must_pass, must_refuse};
    use crate::source::Source;

    const BLOCK: &str = "fn f() { unsafe { g() } }";
    const HOSTILE_SET: &str = "#![forbid(unsafe_code)]\n#![deny(clippy::indexing_slicing, \
        clippy::arithmetic_side_effects, clippy::wildcard_enum_match_arm, clippy::expect_used, clippy::panic, \
        clippy::unreachable)]\n";

    #[test]
    fn unsafe_code_is_refused_outside_its_rooms() {
        must_refuse(&check_unsafe(&Source::new("src/icap/x.rs", BLOCK)), "unsafe code");
        must_refuse(&check_unsafe(&Source::new("src/runtime/shard.rs", BLOCK)), "unsafe code");
        must_refuse(
            &check_unsafe(&Source::new("tests/system/x.rs", "unsafe extern \"C\" {}")),
            "unsafe code",
        );
        must_pass(&check_unsafe(&Source::new("src/engine/matcher/simd/x86.rs", BLOCK)));
        must_pass(&check_unsafe(&Source::new("src/runtime/storage.rs", BLOCK)));
        must_pass(&check_unsafe(&Source::new(
            "src/icap/x.rs",
            "#![forbid(unsafe_code)] // unsafe\n",
        )));
    }

    #[test]
    fn a_second_pool_is_refused() {
        let one = Source::new("src/runtime/buffer.rs", BLOCK);
        let two = Source::new("src/runtime/pool.rs", BLOCK);
        must_pass(&check_pools(std::slice::from_ref(&one)));
        must_refuse(&check_pools(&[one, two]), "second buffer pool");
    }

    #[test]
    fn plates_without_their_attributes_are_refused() {
        let refused =
            |path, text, words| must_refuse(&check_plates(&[Source::new(path, text)]), words);
        refused("src/cli/mod.rs", "//! x\n", "does not forbid");
        refused("src/engine/digest/mod.rs", "// #![forbid(unsafe_code)]\n", "does not forbid");
        refused("src/icap/mod.rs", "#![forbid(unsafe_code)]\n", "clippy::panic");
        refused(
            "src/policy/mod.rs",
            "#![forbid(unsafe_code)]\n#![deny(clippy::panic)]\n",
            "clippy::unreachable",
        );
    }

    #[test]
    fn plates_with_their_attributes_pass() {
        let inner = Source::new("src/cli/squid/mod.rs", "//! x\n");
        let outer = Source::new("src/cli/mod.rs", "//! x\n#![forbid(unsafe_code)]\n");
        must_pass(&check_plates(&[outer, inner]));
        must_pass(&check_plates(&[Source::new("src/icap/mod.rs", HOSTILE_SET)]));
        for open in [
            "src/engine/mod.rs",
            "src/engine/matcher/mod.rs",
            "src/engine/matcher/simd/mod.rs",
            "src/runtime/mod.rs",
        ] {
            must_pass(&check_plates(&[Source::new(open, "//! x\n")]));
        }
    }

    #[test]
    fn a_test_that_is_switched_off_is_refused() {
        must_refuse(
            &check_ignored(&Source::new("tests/a.rs", "#[test]\n#[ignore = \"later\"]\nfn f() {}")),
            "switched off",
        );
        must_pass(&check_ignored(&Source::new("tests/a.rs", "fn f() { let ignore = [ignored]; }")));
    }
}
