//! What reputation services send: DNS messages, and how a list is written in the settings.

use baleen::policy::reputation::DnsList;
use baleen::policy::reputation::dns::{Kind, Name, Reply, query, read};

use super::harness::Target;

pub(crate) const TARGET: Target =
    Target { name: "dns_answer", corpus: seeds, words: WORDS, run: answer };

const WORDS: &[&[u8]] = &[
    b"\xc0\x0c",
    b"\xc0\x1d",
    b"\x03bad\x01l\x07example\0",
    b"\0\x01\0\x01\0\0\0<\0\x04\x7f\0\0\x02",
    b"\0\x05\0\x01\0\0\0<\0\x02\xc0\x0c",
    b"\0\x10\0\x01\0\0\0<\0\x04\x03why",
    b"\xff\xff",
    b"l.example ",
    b"domains ",
    b"127.0.0.2=Drugs ",
    b"&8=Jobs ",
    b"*=Chats",
];

fn seeds() -> Vec<Vec<u8>> {
    let asked = Name::of("bad.l.example").expect("a good name");
    let mut seeds = vec![b"multi.example domains &8=Drugs 127.0.1.0/24=Jobs *=Chats".to_vec()];
    for (kind, record) in [(Kind::A, WORDS[3]), (Kind::A, WORDS[4]), (Kind::Txt, WORDS[5])] {
        let mut message = query(7, &asked, kind);
        message[2] = 0x81;
        message[7] = 1;
        message.extend_from_slice(b"\xc0\x0c");
        message.extend_from_slice(record);
        seeds.push(message);
    }
    seeds
}

/// Whatever comes is an answer to the question or is not, in bounded time and memory.
fn answer(input: &[u8]) {
    let asked = Name::of("bad.l.example").expect("a good name");
    for kind in [Kind::A, Kind::Txt] {
        if let Some(Reply::Records(records)) = read(input, 7, &asked, kind) {
            assert!(input.starts_with(b"\0\x07"), "another id");
            assert!(records.addresses.len() + records.texts.len() <= 64);
            assert!(records.texts.iter().all(|text| !text.contains(char::is_control)));
        }
        // The same records behind a good head.
        let mut message = query(7, &asked, kind);
        message[2] = 0x81;
        message[7] = 9;
        message.extend_from_slice(input);
        assert!(read(&message, 7, &asked, kind).is_some(), "it repeats the question");
        assert!(read(&message, 8, &asked, kind).is_none());
    }
    if let Ok(text) = std::str::from_utf8(input)
        && let Ok(list) = DnsList::parse(text)
    {
        assert!(!list.zone().is_empty() && list.zone().len() <= 180);
    }
}
