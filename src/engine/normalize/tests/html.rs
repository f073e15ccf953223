//! HTML in its forms, beside what clamscan 1.4.6 writes.

use proptest::prelude::{ProptestConfig, prop, proptest};

use super::super::html::{Forms, Html, Link, LinkKind};
use super::super::{ByteOrder, Script};
use super::wide;

/// The forms of a page, after checking that no cut changes them.
fn forms(script: Script, page: &[u8]) -> Forms {
    let whole = in_pieces(script, page, usize::MAX);
    for piece in [1, 2, 3, 7, 64, 1_000] {
        let cut = in_pieces(script, page, piece);
        assert_eq!(cut.no_comment, whole.no_comment, "in pieces of {piece}");
        assert_eq!(cut.no_tags, whole.no_tags, "in pieces of {piece}");
        assert_eq!(cut.script, whole.script, "in pieces of {piece}");
        assert_eq!(cut.links, whole.links, "in pieces of {piece}");
    }
    whole
}

fn in_pieces(script: Script, page: &[u8], piece: usize) -> Forms {
    let (mut html, mut out) = (Html::new(script), Forms::default());
    for piece in page.chunks(piece) {
        html.feed(piece, &mut out);
    }
    html.finish(&mut out);
    out
}

fn shown(form: &[u8]) -> String {
    form.escape_ascii().to_string().replace("\\\"", "\"").replace("\\'", "'").replace("\\\\", "\\")
}

/// Each row: a page, what clamscan writes without comments and without tags, and what is written here
/// (`=` where that is the same), bytes beyond ASCII as `\xNN`. Why the differences are wanted:
///
/// * clamscan repeats or loses bytes beyond ASCII, loses values in single quotes with two spaces in
///   them and a `&` at the very end, and takes what stands in an end tag of a script for text;
/// * it drops the content of `data:` addresses and decodes JScript.Encode (absent here);
/// * `<script/>` begins a script in every browser; a value in quotes ends at its quote.
#[test]
fn pages_are_written_as_the_table_says() {
    for row in include_str!("html.txt").lines() {
        let mut columns = row.split('\t');
        let mut column = || columns.next().expect("five columns");
        let (page, clam_comment, clam_tags) = (column(), column(), column());
        let (no_comment, no_tags) = (column(), column());
        let or =
            |ours: &'static str, clamscan: &'static str| if ours == "=" { clamscan } else { ours };
        let forms = forms(Script::Bytes, &unescaped(page));
        assert_eq!(shown(&forms.no_comment), or(no_comment, clam_comment), "no comment: {page}");
        assert_eq!(shown(&forms.no_tags), or(no_tags, clam_tags), "no tags: {page}");
    }
}

/// The same for scripts. clamscan loses the last word of what `eval` runs.
#[test]
fn scripts_are_printed_as_the_table_says() {
    for row in include_str!("script.txt").lines() {
        let mut columns = row.split('\t');
        let mut column = || columns.next().expect("three columns");
        let (script, clamscan, ours) = (column(), column(), column());
        let page = [b"<html><script>", &*unescaped(script), b"</script>"].concat();
        let printed = if ours == "=" { clamscan } else { ours };
        let forms = forms(Script::Bytes, &page);
        assert_eq!(shown(&forms.script), format!("<script>{printed}</script>"), "{script}");
    }
}

/// `\n`, `\t`, `\r` and `\xNN`.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let (byte, length) = match (byte, after) {
            (b'\\', [b'n', ..]) => (b'\n', 1),
            (b'\\', [b't', ..]) => (b'\t', 1),
            (b'\\', [b'r', ..]) => (b'\r', 1),
            (b'\\', [b'\\', ..]) => (b'\\', 1),
            (b'\\', [b'x', high, low, ..]) => {
                let digits = [*high, *low];
                let text = str::from_utf8(&digits).expect("digits");
                (u8::from_str_radix(text, 16).expect("hexadecimal"), 3)
            }
            _ => (byte, 0),
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
    bytes
}

/// Pieces of pages, so that random rows of them reach every state, with runs of every length.
const PIECES: [&[u8]; 44] = [
    b"<",
    b">",
    b"<a ",
    b"</a>",
    b"<b>",
    b"</",
    b"<!--",
    b"-->",
    b"<!",
    b"<script>",
    b"</script>",
    b"<style>",
    b"</style>",
    b"<scr",
    b"ipt>",
    b"href=",
    b"src",
    b"<img ",
    b"<form action=",
    b"\"",
    b"'",
    b"=",
    b"/",
    b" ",
    b"  ",
    b"\n",
    b"\t \r\n",
    b"&",
    b"&amp;",
    b"&#65;",
    b"&#x4e00",
    b";",
    b"\0",
    b"\x01",
    b"\x7f",
    b"\xe9\x80",
    b"A",
    b"Word",
    b"several words in a row, with single spaces",
    b"SIXTEEN__letters",
    b"fifteen__letter",
    b"two\tkinds\nof space",
    b"a  b",
    b"x = 'y' + \"z\"",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Single bytes go through the tokeniser one by one: what runs of them are written as.
    #[test]
    fn runs_are_written_as_their_bytes_are(row in prop::collection::vec(0..PIECES.len(), 0..120)) {
        let page: Vec<u8> = row.iter().flat_map(|piece| PIECES[*piece]).copied().collect();
        forms(Script::Bytes, &page);
    }
}

/// Every byte beside every kind of run, at every place of a block.
#[test]
fn every_byte_ends_a_run_as_it_does_alone() {
    let starts: [&[u8]; 8] =
        [b"", b"<p>", b"<name", b"<a name", b"<a b=\"", b"<a href='", b"<a href=", b"<script>"];
    for start in starts {
        for byte in 0..=u8::MAX {
            for length in [0, 1, 7, 14, 15, 16, 17, 31] {
                let run = b"Aword that is Long, with more and More words in it"[..length].to_vec();
                let page = [start, &run, &[byte], b"And what Follows is Longer than a block is. >"];
                let page = page.concat();
                let (whole, single) = (
                    in_pieces(Script::Bytes, &page, usize::MAX),
                    in_pieces(Script::Bytes, &page, 1),
                );
                let said = page.escape_ascii();
                assert_eq!(whole.no_comment, single.no_comment, "{said}");
                assert_eq!(whole.no_tags, single.no_tags, "{said}");
                assert_eq!(whole.script, single.script, "{said}");
                assert_eq!(whole.links, single.links, "{said}");
            }
        }
    }
}

#[test]
fn wide_pages_are_written_in_ascii() {
    let page = "<HTML>A\u{e9}\u{4e00}<b title=\"\u{20ac}X\">\u{416}</b><!\u{416}>";
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let forms = forms(Script::Wide(order), &wide(&format!("\u{feff}{page}"), order));
        let expected = "<html>a\\xe9&#x4e00;<b title=\"&#x20ac;x\">&#x0416;</b>";
        assert_eq!(shown(&forms.no_comment), expected);
        assert_eq!(shown(&forms.no_tags), " a ");
    }
}

#[test]
fn links_have_a_target_and_the_text_that_is_seen() {
    let page =
        b"<a title=x HREF=\"HTTP://Bank.example/?a=1&amp;b\">My <b>BANK</b> &amp; you</a> no \
        <form action=/go>Fields<img src='I.png'></form><a href=last>open<img src=J.png>";
    let link = |kind, target: &[u8], text: &[u8]| Link {
        kind,
        target: target.to_vec(),
        text: text.to_vec(),
        around: None,
    };
    let found = forms(Script::Bytes, page).links;
    let around = Some(b"last".to_vec());
    assert_eq!(
        found,
        [
            link(LinkKind::Anchor, b"HTTP://Bank.example/?a=1&b", b"my bank you "),
            link(LinkKind::Form, b"/go", b""),
            link(LinkKind::Image, b"I.png", b""),
            link(LinkKind::FormEnd, b"", b""),
            Link { around, ..link(LinkKind::Image, b"J.png", b"") },
            link(LinkKind::Anchor, b"last", b"open "),
        ]
    );
}

/// Nothing is kept of a tag, a comment or a value that never ends but what the bounds say.
#[test]
fn hostile_pages_are_bounded() {
    let many = 1 << 20;
    let starts: [&[u8]; 7] =
        [b"<a href=\"", b"<a href=", b"<!--", b"<style>", b"<script>", b"<a href=x>", b"<"];
    for start in starts {
        let page = [start, &b"aB".repeat(many / 2)].concat();
        let (mut html, mut out) = (Html::new(Script::Bytes), Forms::default());
        for piece in page.chunks(4_096) {
            html.feed(piece, &mut out);
            let written = out.no_comment.len() + out.no_tags.len();
            assert!(written <= 3 * piece.len() && out.script.len() <= 2 << 16, "{start:?}");
            out = Forms::default();
        }
        html.finish(&mut out);
        assert!(out.links.iter().all(|link| link.target.len() + link.text.len() <= 4_096));
    }
    // Brackets, functions and references without end.
    for unit in [&b"function a(){"[..], b"eval(\"", b"a.", b"'+'", b"/*", b"/["] {
        let script = [b"<script>", &*unit.repeat(40_000), b"</script>"].concat();
        forms_once(&script);
    }
    forms_once(&[b"<p>", &*b"&#".repeat(100_000), b"x"].concat());
}

fn forms_once(page: &[u8]) {
    let (whole, cut) =
        (in_pieces(Script::Bytes, page, usize::MAX), in_pieces(Script::Bytes, page, 4_093));
    assert!(whole.no_comment == cut.no_comment && whole.script == cut.script);
}
