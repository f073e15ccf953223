//! The chunked coding: what is data, what an echo sends, what is refused, however the bytes are cut.

use proptest::prelude::*;

use crate::http::chunked::{Decoder, End, Fault, Limits, Mode, Step};

const LIMITS: Limits = Limits { extension_bytes_max: 32, trailer_bytes_max: 40 };

const PREVIEW: Mode = Mode::Preview { bytes_max: 1000 };

/// Everything a body amounts to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Read {
    wire: Vec<u8>,
    data: Vec<u8>,
    trailer: Vec<u8>,
    end: Option<End>,
    rest: Vec<u8>,
}

/// What holds for every step.
fn check_ranges(step: &Step) {
    assert!(step.bytes > 0, "every call gets on");
    assert!(step.wire.end <= step.bytes && step.trailer.end <= step.bytes);
    assert!(
        step.data.is_empty()
            || (step.wire.start <= step.data.start && step.data.end <= step.wire.end)
    );
}

/// Reads `input` in pieces of these lengths, the last one as often as needed.
fn read(mode: Mode, input: &[u8], pieces: &[usize]) -> Result<Read, (Read, Fault)> {
    let mut decoder = Decoder::new(mode, LIMITS);
    let mut read = Read::default();
    let mut rest = input;
    let mut lengths = pieces.iter().copied().chain(std::iter::repeat(*pieces.last().unwrap_or(&1)));
    while !rest.is_empty() && read.end.is_none() {
        let length = lengths.next().unwrap_or(1).clamp(1, rest.len());
        let mut piece = &rest[..length];
        while !piece.is_empty() && read.end.is_none() {
            let step = decoder.decode(piece).map_err(|fault| (read.clone(), fault))?;
            check_ranges(&step);
            read.wire.extend_from_slice(&piece[step.wire]);
            read.data.extend_from_slice(&piece[step.data]);
            read.trailer.extend_from_slice(&piece[step.trailer]);
            read.end = step.end;
            piece = &piece[step.bytes..];
            rest = &rest[step.bytes..];
        }
    }
    read.rest = rest.to_vec();
    Ok(read)
}

/// Checks what `input` amounts to, whole and byte by byte: `wire | data | trailer | end | rest`.
#[track_caller]
fn check(mode: Mode, input: &str, want: &str) {
    for pieces in [&[usize::MAX][..], &[1], &[2], &[3, 1, 5]] {
        let said = match read(mode, input.as_bytes(), pieces) {
            Ok(read) => {
                let text = |bytes: &[u8]| {
                    String::from_utf8_lossy(bytes).replace('\r', "").replace('\n', "/")
                };
                let parts = [text(&read.wire), text(&read.data), text(&read.trailer)].join(" | ");
                format!("{parts} | {:?} | {}", read.end, text(&read.rest))
            }
            Err((_, fault)) => fault.to_string(),
        };
        assert_eq!(said, want, "{input:?} in pieces of {pieces:?}");
    }
}

#[test]
fn a_body_is_read_to_its_last_chunk() {
    check(Mode::Body, "0\r\n\r\n", "0// |  |  | Some(Last) | ");
    check(Mode::Body, "3\r\nabc\r\n0\r\n\r\n", "3/abc/0// | abc |  | Some(Last) | ");
    check(
        Mode::Body,
        "3\r\nabc\r\n002\r\nde\r\n00\r\n\r\nNEXT",
        "3/abc/002/de/00// | abcde |  | Some(Last) | NEXT",
    );
    check(Mode::Body, "a\r\n0123456789\r\n", "a/0123456789/ | 0123456789 |  | None | ");
}

#[test]
fn extensions_are_cut_out() {
    check(Mode::Body, "3;a=b\r\nabc\r\n0 ; c\r\n\r\n", "3/abc/0// | abc |  | Some(Last) | ");
    check(
        Mode::Body,
        "3;a=\"x;\\\"y\"\r\nabc\r\n0;ieof\r\n\r\n",
        "3/abc/0// | abc |  | Some(Last) | ",
    );
    check(Mode::Body, "3 \t\r\nabc\r\n0\r\n\r\n", "3/abc/0// | abc |  | Some(Last) | ");
}

#[test]
fn trailers_belong_to_the_wire() {
    check(Mode::Body, "0\r\nA: b\r\nC:\r\n\r\n", "0/A: b/C:// |  | A: b/C:/ | Some(Last) | ");
}

#[test]
fn a_preview_ends_without_leaving_a_trace() {
    check(PREVIEW, "0\r\n\r\n", " |  |  | Some(Preview) | ");
    check(PREVIEW, "3\r\nabc\r\n0\r\n\r\nNEXT", "3/abc/ | abc |  | Some(Preview) | NEXT");
    check(PREVIEW, "0003;x\r\nabc\r\n000;x\r\n\r\n", "3/abc/ | abc |  | Some(Preview) | ");
    check(
        PREVIEW,
        "10\r\n0123456789abcdef\r\n0\r\n\r\n",
        "10/0123456789abcdef/ | 0123456789abcdef |  | Some(Preview) | ",
    );
}

#[test]
fn ieof_ends_preview_and_body() {
    check(PREVIEW, "0; ieof\r\n\r\n", " |  |  | Some(Ieof) | ");
    check(PREVIEW, "1\r\na\r\n0 ;x;IEOF ; y=ieof\r\n\r\n", "1/a/ | a |  | Some(Ieof) | ");
    check(PREVIEW, "0;ieof\r\nA: b\r\n\r\n", " |  | A: b/ | Some(Ieof) | ");
    for other in [
        "0;ieo\r\n\r\n",
        "0;ieoff\r\n\r\n",
        "0;ieof=1\r\n\r\n",
        "0;ieof =1\r\n\r\n",
        "0;x=ieof\r\n\r\n",
        "0;x=\";ieof;\"\r\n\r\n",
    ] {
        check(PREVIEW, other, " |  |  | Some(Preview) | ");
    }
    check(PREVIEW, "1;ieof\r\na\r\n0\r\n\r\n", "1/a/ | a |  | Some(Preview) | ");
}

#[test]
fn every_fault_of_a_size_line_has_its_name() {
    check(Mode::Body, "x", "chunk size: expected a hex digit, found byte 0x78");
    check(Mode::Body, "\r\n", "chunk size: expected a hex digit, found byte 0x0d");
    check(Mode::Body, "0x1\r\n", "chunk size: expected a hex digit, found byte 0x78");
    check(Mode::Body, "00000000000000001\r\n", "chunk size: more than 16 digits");
    check(Mode::Body, "1\rx", "chunk size: the line does not end with CR LF");
    for extension in [";\r\n", ";a b\r\n", ";a=\"b\r\n", ";a\nb", ";=b\r\n", ";a\0", " b\r\n"] {
        check(
            Mode::Body,
            &format!("1{extension}"),
            "chunk extension: expected `;name` or `;name=value`",
        );
    }
    check(
        Mode::Body,
        "1;a23456789012345678901234567890123\r\n",
        "chunk extension: longer than 32 bytes",
    );
    check(Mode::Body, "1\r\na\r\nffffffffffffffff\r\n", "chunk sizes add up to more than 64 bits");
    check(PREVIEW, "3e9\r\n", "preview: longer than the announced 1000 bytes");
}

#[test]
fn every_fault_after_a_size_line_has_its_name() {
    check(Mode::Body, "1\r\nab", "chunk data: not followed by CR LF");
    check(Mode::Body, "1\r\na\r\r", "chunk data: not followed by CR LF");
    check(PREVIEW, "0\r\nA", "preview: its zero chunk is not followed by an empty line");
    check(Mode::Body, "0\r\nA\r\n", "trailer: expected `name: value` lines and an empty line");
    let long = "0\r\nA: 01234567890123456789012345678901234567890\r\n";
    check(Mode::Body, long, "trailer: longer than 40 bytes");
}

#[test]
fn what_stands_before_a_fault_is_delivered_however_it_was_cut() {
    for pieces in [&[usize::MAX][..], &[1], &[4]] {
        let (before, fault) = read(Mode::Body, b"3\r\nabc\r\n2\r\ndex", pieces).unwrap_err();
        assert_eq!((before.wire.as_slice(), fault), (&b"3\r\nabc\r\n2\r\nde"[..], Fault::ChunkEnd));
    }
}

#[test]
fn a_fault_is_final() {
    let mut decoder = Decoder::new(Mode::Body, LIMITS);
    assert_eq!(decoder.decode(b"x"), Err(Fault::Size { found: b'x' }));
    assert_eq!(decoder.decode(b"0\r\n\r\n"), Err(Fault::Size { found: b'x' }));
}

#[test]
fn preview_and_rest_joined_are_one_body() {
    let mut decoder = Decoder::new(PREVIEW, LIMITS);
    let first = decoder.decode(b"3\r\nabc\r\n").unwrap();
    assert_eq!(decoder.decode(b"0\r\n\r\n").unwrap().end, Some(End::Preview));
    decoder.resume();
    let second = decoder.decode(b"0\r\n\r\n").unwrap();
    assert_eq!(
        (first.wire, second.wire, second.end, decoder.total()),
        (0..8, 0..5, Some(End::Last), 3)
    );
}

#[test]
fn a_large_chunk_is_one_step() {
    let mut input = b"10000\r\n".to_vec();
    input.resize(input.len() + 0x10000, b'x');
    input.extend_from_slice(b"\r\n0\r\n\r\n");
    let mut decoder = Decoder::new(Mode::Body, LIMITS);
    let step = decoder.decode(&input).unwrap();
    assert_eq!((step.bytes, step.data, step.wire), (0x10009, 7..0x10007, 0..0x10009));
}

/// Bytes that come near a chunked body.
fn nearly_chunked() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"3\r\nabc\r\n".to_vec()),
        2 => Just(b"0;ieof\r\n".to_vec()),
        2 => Just(b"0\r\n".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        1 => Just(b"A: b\r\n".to_vec()),
        1 => Just(b"2 ; x = \"y\\\"\"\r\nde\r\n".to_vec()),
        3 => proptest::sample::select(b"0123aF;= \t\"\\\r\nieof:xX\0".to_vec()).prop_map(|byte| vec![byte]),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn how_the_input_is_cut_changes_nothing(
        input in nearly_chunked(),
        pieces in proptest::collection::vec(1_usize..9, 1..20),
        is_preview in any::<bool>(),
    ) {
        let mode = if is_preview { PREVIEW } else { Mode::Body };
        let whole = read(mode, &input, &[usize::MAX]);
        prop_assert_eq!(&read(mode, &input, &pieces), &whole);
        prop_assert_eq!(&read(mode, &input, &[1]), &whole);
    }

    #[test]
    fn what_is_echoed_is_a_chunked_body_with_the_same_data(input in nearly_chunked()) {
        if let Ok(first) = read(Mode::Body, &input, &[usize::MAX]) {
            let second = read(Mode::Body, &first.wire, &[usize::MAX]).expect("an echo is well formed");
            prop_assert_eq!((&second.data, &second.trailer, second.end), (&first.data, &first.trailer, first.end));
            prop_assert_eq!(&second.wire, &first.wire);
        }
    }
}
