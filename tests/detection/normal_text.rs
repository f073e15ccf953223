//! Text: its bytes, and its normal form.

use baleen::engine::Object;
use baleen::engine::limits::Limits;

use crate::kit::{check_clean, check_infected, coded, engine, gzip};

const LINES: &str = "Normal:7:*:68656c6c6f20776f726c64\n";

#[test]
fn text_is_matched_in_its_normal_form() {
    let engine = engine(&[("a.ndb", LINES)], Limits::default());
    let text = b"Some TEXT.\r\nHELLO \t\n  World\xe9 and more";
    check_infected(&engine, &Object::default(), text, "Normal.UNOFFICIAL", "text");
    check_infected(&engine, &coded("gzip"), &gzip(text), "Normal.UNOFFICIAL", "gzip>text");
    check_clean(&engine, &Object::default(), b"helloworld is not hello-world");
}

#[test]
fn patterns_for_every_layer_see_bytes_and_normal_text() {
    let lines = "Any:0:*:68656c6c6f20776f726c64\n";
    let engine = engine(&[("a.ndb", lines)], Limits::default());
    check_infected(&engine, &Object::default(), b"it says hello world", "Any.UNOFFICIAL", "");
    check_infected(&engine, &Object::default(), b"it says HELLO  WORLD", "Any.UNOFFICIAL", "text");
    // Data is not normalised.
    check_clean(&engine, &Object::default(), b"\0\0\0\0it says HELLO  WORLD");
}

#[test]
fn patterns_for_text_do_not_see_its_bytes() {
    let lines = "Upper:7:*:48454c4c4f\n";
    let engine = engine(&[("a.ndb", lines)], Limits::default());
    check_clean(&engine, &Object::default(), b"HELLO HELLO HELLO");
}

#[test]
fn wide_text_is_text() {
    let engine = engine(&[("a.ndb", LINES)], Limits::default());
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let text = "\u{feff}\u{433}\u{434} HELLO \u{e9} World";
    check_infected(&engine, &Object::default(), &wide(text), "Normal.UNOFFICIAL", "text");
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    check_infected(&engine, &Object::default(), &big, "Normal.UNOFFICIAL", "text");
    let unmarked = "no mark, but HELLO   WORLD";
    check_infected(&engine, &Object::default(), &wide(unmarked), "Normal.UNOFFICIAL", "text");
}

#[test]
fn html_is_matched_raw_and_in_its_forms() {
    let lines = "Raw:3:*:48656c6c6f20576f726c64\nNormal:3:*:68656c6c6f20776f726c64\n";
    let engine = engine(&[("a.ndb", lines)], Limits::default());
    let page = |text: &str| format!("<!DOCTYPE html><html><body>{text}</body></html>").into_bytes();
    check_infected(&engine, &Object::default(), &page("Hello World"), "Raw.UNOFFICIAL", "");
    check_infected(
        &engine,
        &Object::default(),
        &page("HELLO\nWORLD"),
        "Normal.UNOFFICIAL",
        "no-comment",
    );
    check_clean(&engine, &Object::default(), b"plain text: HELLO World");
}

#[test]
fn a_long_text_is_normalised_to_its_end() {
    let engine = engine(&[("a.ndb", LINES)], Limits::default());
    let mut text = b"Lorem  IPSUM \r\n".repeat(20_000);
    check_clean(&engine, &Object::default(), &text);
    text.extend_from_slice(b"HeLLo\x0b\x0cWORLD");
    check_infected(&engine, &Object::default(), &text, "Normal.UNOFFICIAL", "text");
}
