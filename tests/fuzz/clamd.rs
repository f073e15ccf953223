//! The clamd protocol under fuzz: whole and byte by byte it asks for the same and says the same.

use std::time::Instant;

use baleen::clamd::{Connection, Event, Options, Tag};

use crate::harness::Target;

pub(crate) const TARGET: Target =
    Target { name: "clamd", corpus: conversations, words: WORDS, run: connection };

const WORDS: &[&[u8]] = &[
    b"zPING\0",
    b"nVERSION\n",
    b"zIDSESSION\0",
    b"zEND\0",
    b"zINSTREAM\0\0\0\0\x03abc\0\0\0\0",
    b"\0\0\0\0",
    b"\0\0\x01\0",
    b"\xff\xff\xff\xff",
    b"zFILDES\0x",
    b"SCAN /a\n",
    b"zMULTISCAN /b\0",
    b"\r\n",
];

fn conversations() -> Vec<Vec<u8>> {
    vec![
        b"PING\n".to_vec(),
        b"zINSTREAM\0\0\0\0\x05hello\0\0\0\x01!\0\0\0\0".to_vec(),
        b"nIDSESSION\nnPING\nnSCAN /a b\nnINSTREAM\n\0\0\0\x02xy\0\0\0\0nFILDES\nxnSTATS\nnEND\n"
            .to_vec(),
        b"zIDSESSION\0zFILDES\0xzVERSIONCOMMANDS\0zRELOAD\0zPING\0".to_vec(),
        [b"zALLMATCHSCAN /".as_slice(), &[b'a'; 5_000], b"\0"].concat(),
    ]
}

/// What was asked, the bytes of streams, and what was said.
#[derive(Debug, Default, PartialEq)]
struct Talk {
    asked: Vec<(Tag, Event)>,
    streamed: Vec<u8>,
    said: Vec<u8>,
}

fn connection(input: &[u8]) {
    assert_eq!(talk(input, usize::MAX), talk(input, 1), "it depends on the cutting");
}

fn talk(input: &[u8], piece: usize) -> Talk {
    let now = Instant::now();
    let options = Options { stream_bytes_max: 1_000, ..Options::default() };
    let mut core = Connection::new(options, now);
    let mut talk = Talk::default();
    for cut in input.chunks(piece.min(input.len().max(1))) {
        let mut rest = cut;
        while !rest.is_empty() {
            let taken = core.handle_bytes(rest, now);
            assert!(taken.bytes > 0, "bytes are always taken: all is answered at once");
            answer(&mut core, taken.event, rest, &mut talk, now);
            rest = &rest[taken.bytes..];
        }
    }
    let last = core.handle_end(now);
    answer(&mut core, last, &[], &mut talk, now);
    talk.said.extend_from_slice(core.output());
    core.sent(usize::MAX);
    assert!(core.is_over(), "after the end nothing is open");
    talk
}

fn answer(
    core: &mut Connection,
    event: Option<Event>,
    bytes: &[u8],
    talk: &mut Talk,
    now: Instant,
) {
    match event {
        Some(Event::StreamData(range)) => talk.streamed.extend_from_slice(&bytes[range]),
        Some(event @ (Event::Command(tag, _) | Event::StreamEnd(tag) | Event::Descriptor(tag))) => {
            core.answer(tag, b"answer");
            core.finish(now);
            talk.asked.push((tag, event));
        }
        Some(Event::StreamBegin(_) | Event::StreamDropped) | None => {}
    }
}
