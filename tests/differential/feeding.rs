//! The same bytes to the engine in several ways: whole, cut, as a chunked body through the decoder
//! that reads bodies of HTTP messages. What is found may not depend on the way.

use std::collections::BTreeSet;
use std::sync::Arc;

use baleen::engine::verdict::Verdict;
use baleen::engine::{Engine, Object, Scan};
use baleen::http::chunked::{Decoder, End, Limits, Mode};

/// What one scan said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Names as reported.
    pub(crate) names: BTreeSet<String>,
    /// Something could not be looked at. Only a scan without findings says so.
    pub(crate) is_unscanned: bool,
}

/// How the bytes come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Whole,
    /// In pieces of so many bytes.
    Pieces(usize),
    /// As a chunked body, read in pieces of so many bytes.
    Chunked(usize),
}

/// Scans `bytes` as they come.
pub(crate) fn scan(engine: &Arc<Engine>, bytes: &[u8], way: Way) -> Said {
    let mut scan = engine.start_all(Object::default());
    match way {
        Way::Whole => feed(&mut scan, bytes),
        Way::Pieces(length) => bytes.chunks(length).for_each(|piece| feed(&mut scan, piece)),
        Way::Chunked(length) => {
            let body = chunked(bytes);
            let limits = Limits { extension_bytes_max: 64, trailer_bytes_max: 64 };
            let mut decoder = Decoder::new(Mode::Body, limits);
            let mut has_ended = false;
            for mut piece in body.chunks(length) {
                while !piece.is_empty() && !has_ended {
                    let step = decoder.decode(piece).expect("a valid body");
                    feed(&mut scan, &piece[step.data]);
                    has_ended = matches!(step.end, Some(End::Last));
                    piece = &piece[step.bytes..];
                }
            }
            assert!(has_ended, "the body has an end");
        }
    }
    let (verdict, found) = scan.finish_all();
    let names = found.into_iter().map(|found| found.name.into()).collect();
    Said { names, is_unscanned: matches!(verdict, Verdict::Unscanned(_)) }
}

fn feed(scan: &mut Scan, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let fed = scan.feed(bytes);
        bytes = &bytes[fed.consumed..];
    }
}

/// Chunks of growing lengths, some with an extension.
fn chunked(bytes: &[u8]) -> Vec<u8> {
    let (mut made, mut rest, mut length) = (Vec::new(), bytes, 1);
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(length.min(rest.len()));
        let extension = if length % 3 == 0 { ";a=b" } else { "" };
        made.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
        made.extend_from_slice(chunk);
        made.extend_from_slice(b"\r\n");
        (rest, length) = (after, length * 2 + 1);
    }
    made.extend_from_slice(b"0\r\n\r\n");
    made
}
