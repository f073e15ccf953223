//! The rendered wire is what RFC 3507 says, and an original knows its own bytes.

use std::sync::Arc;

use super::{Body, Method, Shape, Template};
use crate::content::eicar;
use crate::judge::{Block, Content, Form, HeadMatch, NoContent};
use crate::size::BodySize;

fn shape(preview: Option<usize>) -> Shape {
    Shape {
        method: Method::Respmod,
        uri: "icap://h/respmod".to_owned(),
        host: "h".to_owned(),
        preview,
        allow_204: true,
        close: false,
        fields: Vec::new(),
        chunk_bytes: 4_096,
        hold_last: None,
        form: Form::Any,
        block: Block::Told,
    }
}

fn body(bytes: usize) -> Body {
    let payload: Vec<u8> = (0..bytes).map(|at| b'a' + u8::try_from(at % 23).unwrap()).collect();
    Body {
        size: BodySize::Bytes(bytes),
        payload: payload.into(),
        content: Content::Clean,
        stamp_at: Some(0),
        media_type: "text/plain",
    }
}

/// The whole wire of a request, and the part up to where it waits.
fn wire(template: &Template, stamp: Option<u64>) -> (String, String) {
    let mut front = Vec::new();
    template.stamp_into(&mut front, stamp);
    let waits = template.wait_at.unwrap_or(front.len());
    let until = String::from_utf8(front[..waits].to_vec()).unwrap();
    for index in 0..template.piece_count() {
        front.extend_from_slice(template.piece(index));
    }
    (String::from_utf8(front).unwrap(), until)
}

/// What follows the HTTP response head.
fn body_of(wire: &str) -> &str {
    let response = wire.find("HTTP/1.1 2").unwrap();
    let end = wire[response..].find("\r\n\r\n").unwrap();
    &wire[response + end + 4..]
}

#[test]
fn a_small_body_is_one_chunk_and_has_no_pieces() {
    let template = Template::new(&shape(None), &body(5));
    assert_eq!(body_of(&wire(&template, None).0), "5\r\nabcde\r\n0\r\n\r\n");
    assert_eq!(template.piece_count(), 0);
    let empty = Template::new(&shape(None), &body(0));
    assert_eq!(body_of(&wire(&empty, None).0), "0\r\n\r\n");
}

#[test]
fn offsets_name_the_parts() {
    let (wire, _) = wire(&Template::new(&shape(None), &body(5)), None);
    let heads = &wire[wire.find("\r\n\r\n").unwrap() + 4..];
    let list = wire.split("Encapsulated: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let offsets: Vec<usize> =
        list.split(", ").map(|part| part.split_once('=').unwrap().1.parse().unwrap()).collect();
    assert_eq!(offsets[0], 0);
    assert!(heads[offsets[1]..].starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(heads[offsets[2]..].starts_with("5\r\n"));
}

#[test]
fn a_body_that_fits_the_preview_ends_with_ieof() {
    for (bytes, want) in [(5, "5\r\nabcde\r\n0; ieof\r\n\r\n"), (0, "0; ieof\r\n\r\n")] {
        let template = Template::new(&shape(Some(5)), &body(bytes));
        assert_eq!(body_of(&wire(&template, None).0), want);
        assert_eq!(template.wait_at, None);
    }
}

#[test]
fn a_longer_body_waits_behind_its_preview() {
    let template = Template::new(&shape(Some(4)), &body(6));
    let (whole, until) = wire(&template, None);
    assert_eq!(body_of(&until), "4\r\nabcd\r\n0\r\n\r\n");
    assert_eq!(body_of(&whole), "4\r\nabcd\r\n0\r\n\r\n2\r\nef\r\n0\r\n\r\n");
    let none_yet = Template::new(&shape(Some(0)), &body(2));
    assert_eq!(body_of(&wire(&none_yet, None).0), "0\r\n\r\n2\r\nab\r\n0\r\n\r\n");
}

#[test]
fn large_bodies_are_cut_into_chunks_at_every_size() {
    for preview in [None, Some(0), Some(1_024)] {
        for bytes in [1_023, 1_024, 1_025, 2_048, 4_096, 4_097, 5_120, 9_000, 12_288] {
            let sent = body(bytes);
            let (whole, _) = wire(&Template::new(&shape(preview), &sent), None);
            let mut payload = Vec::new();
            let mut rest = body_of(&whole);
            while let Some((size, behind)) = rest.split_once("\r\n") {
                let size = usize::from_str_radix(size.split(';').next().unwrap(), 16).unwrap();
                assert!(size <= 4_096);
                payload.extend_from_slice(&behind.as_bytes()[..size]);
                rest = &behind[size + 2..];
            }
            assert_eq!(&payload[..], &sent.payload[..], "{preview:?} {bytes}");
            assert!(whole.ends_with("0\r\n\r\n") || whole.ends_with("0; ieof\r\n\r\n"));
        }
    }
}

#[test]
fn the_end_of_a_body_can_be_kept_back() {
    // In the last chunk, at its beginning, in the one before; longer than the body; all but the front.
    for (hold, held) in [(5, 5), (100, 100), (4_196, 4_196), (20_000, 0), (7_268, 7_268)] {
        let shape = Shape { hold_last: Some(hold), ..shape(None) };
        let template = Template::new(&shape, &body(8_292));
        let plain = Template::new(&Shape { hold_last: None, ..shape }, &body(8_292));
        assert_eq!(wire(&template, None), wire(&plain, None), "the wire is the same");
        let front = template.front.len();
        let before =
            template.hold_at.map_or(8_292, |piece| template.payload_until(front, piece, 0));
        assert_eq!(8_292 - before, held, "{hold}");
    }
}

#[test]
fn stamps_make_url_and_body_unique_and_keep_the_length() {
    for preview in [None, Some(0), Some(8), Some(1_024)] {
        for bytes in [1, 16, 40, 3_000] {
            let template = Template::new(&shape(preview), &body(bytes));
            let [first, second, blank] =
                [Some(1), Some(2), None].map(|stamp| wire(&template, stamp).0);
            assert_eq!(first.len(), blank.len());
            assert_ne!(first, second);
            assert_ne!(body_of(&first), body_of(&second), "{preview:?} {bytes}");
        }
    }
}

#[test]
fn an_original_has_its_own_bytes_and_no_others() {
    for preview in [None, Some(0), Some(100)] {
        let sent = body(9_000);
        let template = Template::new(&shape(preview), &sent);
        let mut front = Vec::new();
        template.stamp_into(&mut front, Some(77));
        let original = template.original(&front);
        let mut stamped = sent.payload.to_vec();
        let digits = super::hex(super::mix(77));
        stamped[..16].copy_from_slice(&digits);
        for cut in [1, 16, 99, 100, 1_023, 1_025, 9_000] {
            for (index, part) in stamped.chunks(cut).enumerate() {
                assert!(original.has(index * cut, part), "{preview:?} {cut} {index}");
            }
        }
        assert!(!original.has(0, &sent.payload), "the stamp counts");
        assert!(!original.has(1, &stamped[..8_000]), "the place counts");
        assert!(!original.has(8_999, b"xy"), "the end counts");
    }
}

#[test]
fn payload_is_counted_up_to_any_place_of_the_wire() {
    let template = Template::new(&shape(Some(100)), &body(9_000));
    let waits = template.wait_at.unwrap();
    assert_eq!(template.payload_until(0, 0, 0), 0);
    assert_eq!(template.payload_until(waits, 0, 0), 100);
    let front = template.front.len();
    assert_eq!(template.payload_until(front, 0, 0), 1_124);
    assert_eq!(template.payload_until(front, 0, 10), 1_134);
    assert_eq!(template.payload_until(front, template.piece_count(), 0), 9_000);
}

#[test]
fn heads_may_gain_fields_and_lose_none() {
    let template = Template::new(&shape(None), &body(5));
    let mut front = Vec::new();
    template.stamp_into(&mut front, None);
    let original = template.original(&front);
    let head = String::from_utf8(original.head.to_vec()).unwrap();
    let check = |head: &str| original.compare_head(head.as_bytes());
    assert_eq!(check(&head), HeadMatch::Exact);
    let added = head.replace("Server: load\r\n", "Via: ICAP/1.0 x\r\nServer: load\r\n");
    assert_eq!(check(&added), HeadMatch::Added);
    assert_eq!(check(&head.replace("Server: load\r\n", "")), HeadMatch::Different);
    assert_eq!(check(&format!("X: y\r\n{head}")), HeadMatch::Different);
    assert_eq!(check(&head.replace("200 OK", "403 No")), HeadMatch::Different);
}

#[test]
fn an_infected_body_begins_with_the_test_string() {
    let infected = body(100).infect();
    assert_eq!(infected.payload.len(), 100);
    assert_eq!(&infected.payload[..68], &eicar()[..]);
    assert_eq!(&body(1).infect().payload[..], &eicar()[..]);
    for preview in [None, Some(0), Some(30), Some(1_024)] {
        let template = Template::new(&shape(preview), &infected);
        let mut front = Vec::new();
        template.stamp_into(&mut front, Some(5));
        assert!(template.original(&front).has(0, &eicar()), "{preview:?}: stamped over");
    }
}

#[test]
fn a_message_without_a_body_has_no_chunk() {
    let none = Body { size: BodySize::None, payload: Arc::new([]), ..body(0) };
    let mut reqmod = shape(Some(1_024));
    reqmod.method = Method::Reqmod;
    reqmod.allow_204 = false;
    let template = Template::new(&reqmod, &none);
    let (wire, _) = wire(&template, None);
    assert!(wire.contains("Preview: 0\r\n"));
    assert!(wire.contains("null-body="));
    assert!(wire.ends_with("Accept: */*\r\n\r\n"));
    assert_eq!(template.expected.no_content, NoContent::InPreview);
}
