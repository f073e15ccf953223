//! The promises of the adaptation room.

mod admission;
mod begin;
mod bequest;
mod credentials;
mod decision;
mod headers;
mod hostile;
mod page;
mod release;
mod remarks;
mod verdicts;

use std::sync::Arc;
use std::time::Instant;

use crate::engine::verdict::Detection;
use crate::icap::{Connection, Event, IsTag, Options};

/// A connection that has read the heads of this ICAP request, given with `\n` for line ends; `Encapsulated` and
/// the empty line are added. `parts` are the encapsulated heads, and what follows is the body.
fn connection(line: &str, parts: &[(&str, &str)], body: Option<&str>) -> Connection {
    let wire = |text: &str| text.replace('\n', "\r\n");
    let mut heads = String::new();
    let mut places = Vec::new();
    for (name, head) in parts {
        places.push(format!("{name}={}", heads.len()));
        heads.push_str(&wire(head));
        heads.push_str("\r\n");
    }
    let kind = match body {
        None => "null-body",
        Some(_) if line.starts_with("RESPMOD") => "res-body",
        Some(_) => "req-body",
    };
    places.push(format!("{kind}={}", heads.len()));
    let body =
        body.map_or(String::new(), |body| format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()));
    let bytes = format!("{}Encapsulated: {}\r\n\r\n{heads}{body}", wire(line), places.join(", "));
    let mut connection = Connection::new(Arc::new(Options::new(IsTag::of(b"", b""))), now());
    let taken = connection.handle_bytes(bytes.as_bytes(), now());
    assert_eq!(taken.event, Some(Event::Request), "{bytes}");
    connection
}

#[expect(
    clippy::disallowed_methods,
    reason = "a core needs some instant; no test depends on which"
)]
fn now() -> Instant {
    Instant::now()
}

fn detection(name: &str, path: &str) -> Detection {
    Detection { name: name.into(), path: path.into(), offset: 0 }
}
