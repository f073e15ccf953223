//! Ten thousand messages of all kinds, and not one ICAP error in Squid's logs.

use std::fmt::Write as _;
use std::fs;

use tempfile::TempDir;

use crate::{Path, body};

/// A kind of message: what curl is told, and the status and length that must come back.
struct Kind {
    path: &'static str,
    arguments: &'static str,
    want: fn(&str) -> bool,
}

/// The mix: mostly small and clean, as traffic is, with everything else in between.
const KINDS: [Kind; 10] = [
    Kind { path: "/size/0", arguments: "", want: |said| said == "200 0" },
    Kind { path: "/size/1", arguments: "", want: |said| said == "200 1" },
    Kind { path: "/size/2000", arguments: "", want: |said| said == "200 2000" },
    Kind { path: "/size/65537", arguments: "", want: |said| said == "200 65537" },
    Kind { path: "/chunked/9000", arguments: "", want: |said| said == "200 9000" },
    Kind { path: "/no-content", arguments: "", want: |said| said == "204 0" },
    Kind {
        path: "/etag",
        arguments: "header = \"If-None-Match: \\\"baleen\\\"\"\n",
        want: |said| said == "304 0",
    },
    Kind { path: "/size/3000", arguments: "head\n", want: |said| said == "200 0" },
    Kind {
        path: "/upload",
        arguments: "data-binary = \"harmless\"\n",
        want: |said| said.starts_with("200 "),
    },
    Kind { path: "/eicar", arguments: "", want: |said| said.starts_with("403 ") },
];

#[test]
fn ten_thousand_mixed_transactions_leave_no_icap_error() {
    let path = Path::open("");
    let folder = TempDir::new().expect("a temporary folder");
    let lists: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let list = folder.path().join(client.to_string());
            fs::write(&list, transfers(&path, client)).expect("a writable folder");
            list
        })
        .collect();
    let curls: Vec<_> = lists.iter().map(|list| (path.curl(), list)).collect();
    std::thread::scope(|scope| {
        for (client, (curl, list)) in curls.into_iter().enumerate() {
            scope.spawn(move || check(client, &curl.work_off(list)));
        }
    });
    // After all that, bytes are still bytes.
    path.curl().fetch(&path.origin.url("/size/1000000")).must_be_whole(1_000_000);
    assert_eq!(
        path.origin.uploads(),
        u32::try_from(TRANSFERS / KINDS.len()).expect("a small number")
    );
    let transactions = path.close_without_icap_errors();
    // Each message is asked about twice: on its way up, and the answer on its way down.
    assert!(transactions >= 2 * TRANSFERS, "Squid asked about {transactions} messages");
}

/// The kind of a client's n-th transfer: every client begins somewhere else.
const fn kind(client: usize, number: usize) -> &'static Kind {
    &KINDS[(client * 3 + number) % KINDS.len()]
}

/// curl's list of one client's transfers.
fn transfers(path: &Path, client: usize) -> String {
    let mut list = String::new();
    let proxy = path.squid.address();
    for number in 0..TRANSFERS / CLIENTS {
        let kind = kind(client, number);
        let url = path.origin.url(kind.path);
        let next = if number == 0 { "" } else { "next\n" };
        // After «next» curl has forgotten everything that it was told before.
        write!(
            list,
            "{next}proxy = \"http://{proxy}\"\nnoproxy = \"\"\nsilent\nmax-time = 300\nurl = \"{url}\"\n\
             output = \"/dev/null\"\nwrite-out = \"%{{http_code}} %{{size_download}}\\n\"\n{}",
            kind.arguments
        )
        .expect("a String takes everything");
    }
    list
}

#[track_caller]
fn check(client: usize, said: &str) {
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), TRANSFERS / CLIENTS, "client {client} has had every answer");
    for (number, line) in lines.iter().enumerate() {
        let kind = kind(client, number);
        assert!((kind.want)(line), "client {client}, transfer {number}, {}: «{line}»", kind.path);
    }
}

#[test]
fn the_mix_is_made_of_what_the_origin_has() {
    // The digest that uploads are compared with is the one of an empty body here: known from outside.
    assert_eq!(body::digest(0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(TRANSFERS % (CLIENTS * KINDS.len()), 0, "every client has every kind equally often");
}

const CLIENTS: usize = 4;
const TRANSFERS: usize = 10_000;
