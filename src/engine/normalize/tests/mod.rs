//! Normal text, and which bytes are text at all.

mod html;

use proptest::prelude::{ProptestConfig, prop, proptest};

use super::script::ByteOrder;
use super::{Normalizer, Script};

fn normal(script: Script, text: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    Normalizer::new(script).feed(text, &mut whole);
    let mut normalizer = Normalizer::new(script);
    let mut cut = Vec::new();
    for byte in text {
        normalizer.feed(&[*byte], &mut cut);
    }
    assert_eq!(whole, cut, "a cut changed the text");
    whole
}

fn wide(text: &str, order: ByteOrder) -> Vec<u8> {
    let units = text.encode_utf16().map(|unit| match order {
        ByteOrder::Little => unit.to_le_bytes(),
        ByteOrder::Big => unit.to_be_bytes(),
    });
    units.flatten().collect()
}

#[test]
fn white_space_case_and_controls_are_made_one() {
    let normal = |text: &[u8]| normal(Script::Bytes, text);
    assert_eq!(normal(b"HELLO \t\r\n\x0b\x0c World"), b"hello world");
    assert_eq!(normal(b" a\x01\x1b b\xe9\x80c "), b" a bc ");
    // DEL stays, as clamscan 1.4.6 keeps it.
    assert_eq!(normal(b"A\x7f\x7fB"), b"a\x7f\x7fb");
    assert_eq!(normal(b"a \x01 b"), b"a b");
    assert_eq!(normal(b"@[`{~!"), b"@[`{~!");
    assert_eq!(normal(b""), b"");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Single bytes go one by one: blocks of them are written as they are.
    #[test]
    fn blocks_are_written_as_their_bytes_are(
        pieces in prop::collection::vec((0..6_usize, 1..20_usize), 0..40),
    ) {
        // Words, runs of white space, controls, bytes beyond ASCII.
        let kinds: [&[u8]; 6] = [b"Word", b" ", b"\t\r\n", b"\x01", b"\xe9\x80", b" a\0 "];
        let text: Vec<u8> = pieces
            .iter()
            .flat_map(|(kind, length)| kinds[*kind].iter().copied().cycle().take(*length))
            .collect();
        normal(Script::Bytes, &text);
    }
}

#[test]
fn wide_text_is_narrowed_first() {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let text = wide("\u{feff}Wide \u{e9}\u{4e00} TEXT", order);
        assert_eq!(Script::of(&text), Some(Script::Wide(order)));
        assert_eq!(normal(Script::Wide(order), &text), b"wide text");
    }
}

#[test]
fn text_is_told_from_data() {
    assert_eq!(Script::of(b"plain\r\n\x1b[1m text \xe9"), Some(Script::Bytes));
    assert_eq!(Script::of(b""), None);
    assert_eq!(Script::of(b"a\0b"), None);
    assert_eq!(Script::of(b"a\x02b"), None);
    let unmarked = wide("no mark here", ByteOrder::Little);
    assert_eq!(Script::of(&unmarked), Some(Script::Wide(ByteOrder::Little)));
    assert_eq!(Script::of(b"a\0b\0"), None, "too short to believe without a mark");
    assert_eq!(Script::of(b"\xff\xfe\0\0a\0\0\0"), None, "UTF-32 is not UTF-16");
}

#[test]
fn a_byte_that_no_text_has_does_not_make_data_of_it() {
    // clamscan 1.4.6 calls all of them text.
    for text in [
        &b"some plain text kkkkkk  l\x009\0n\0s\0 \0      "[..],
        b"some plain text \0kkkk",
        b"some plain text \x01 and more",
    ] {
        assert_eq!(Script::of(text), None);
        assert_eq!(Script::of_marred(text), Some(Script::Bytes), "{text:?}");
    }
    // These are data for it, too: a unit is a control.
    assert_eq!(Script::of_marred(b"some plain tex\0\0 and so on"), None);
    assert_eq!(Script::of_marred(b"some plain text\0\x01 and so"), Some(Script::Bytes));
    assert_eq!(Script::of_marred(b"some plain tex\0\x01 and so on"), None);
    // And these for us: not one half is ASCII.
    assert_eq!(Script::of_marred(b"text\xe9\xe9\xe9\xe9\xe9\0\xe9"), None);
    assert_eq!(Script::of_marred(b"a\0b"), None, "too short to believe");
    assert_eq!(Script::of_marred(b""), None);
}

#[test]
fn random_data_is_not_taken_for_wide_text() {
    let mut seed = 7_u64;
    for _ in 0..2_000 {
        let noise: Vec<u8> = (0..600)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                seed.to_be_bytes()[0]
            })
            .collect();
        assert_eq!(Script::of(&noise), None);
        assert_eq!(Script::of_marred(&noise), None);
    }
}
