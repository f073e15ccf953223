//! What every decoder promises: the same bytes however input and output are cut, and all of them.
#![expect(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use super::base64::Base64;
use super::binhex::{Binhex, Sought};
use super::inline::Inline;
use super::percent::Percent;
use super::quoted::Quoted;
use super::uu::Uu;
use super::yenc::Yenc;
use super::{Poured, Undo};
use crate::engine::verdict::Why;

/// What comes out, how many bytes of `input` belong to it, and how it ended.
type Came = (Vec<u8>, usize, Option<Result<(), Why>>);

/// One step of a decoder.
type Decode<'a> = &'a mut dyn FnMut(&[u8], &mut [u8], bool) -> Poured;

fn pour(decode: Decode<'_>, input: &[u8], piece: usize, room: usize) -> Came {
    let (mut out, mut at, mut idle) = (Vec::new(), 0, 0);
    loop {
        let end = at + piece.min(input.len() - at);
        let mut window = vec![0; room];
        let poured = decode(&input[at..end], &mut window, end == input.len());
        out.extend_from_slice(&window[..poured.made]);
        at += poured.used;
        idle = if poured.used + poured.made > 0 { 0 } else { idle + 1 };
        if poured.end.is_some() || (at == input.len() && poured.made < room) || idle > 3 {
            return (out, at, poured.end);
        }
    }
}

/// Decodes in many ways, checks that all agree, and says what came out.
#[track_caller]
fn check<D>(
    make: impl Fn() -> D,
    run: fn(&mut D, &[u8], &mut [u8], bool) -> Poured,
    input: &[u8],
) -> Came {
    let decode = |piece, room| {
        let mut decoder = make();
        pour(&mut |bytes, out, over| run(&mut decoder, bytes, out, over), input, piece, room)
    };
    let whole = decode(usize::MAX, 4_096);
    for piece in [1, 2, 3, 5, 61, usize::MAX] {
        for room in [1, 2, 3, 7, 4_096] {
            assert_eq!(decode(piece, room), whole, "{piece} in, {room} out");
        }
    }
    whole
}

fn undo(undo: &mut Undo, input: &[u8], output: &mut [u8], _: bool) -> Poured {
    let (used, made) = undo.pour(input, output);
    Poured { used, made, end: None }
}

fn base64(input: &[u8]) -> Vec<u8> {
    check(|| Undo::Base64(Base64::default()), undo, input).0
}

fn quoted(input: &[u8]) -> Vec<u8> {
    check(|| Undo::Quoted(Quoted::default()), undo, input).0
}

fn inline(input: &[u8], is_quoted: bool) -> (Vec<u8>, usize) {
    let (out, used, end) = check(|| Inline::new(is_quoted), Inline::pour, input);
    assert!(end.is_some() || used == input.len());
    (out, used)
}

#[test]
fn base64_of_mails_is_read_as_mail_programs_do() {
    assert_eq!(base64(b"SGVsbG8sIHdvcmxkIQ=="), b"Hello, world!");
    assert_eq!(base64(b"SGVs\r\nbG8s\n IHd*v!cm\0xkIQ"), b"Hello, world!");
    assert_eq!(base64(b"SGk=SGk=\r\nSGkh"), b"HiHiHi!");
    assert_eq!(base64(b"++//"), [0xfb, 0xef, 0xff]);
    assert_eq!((base64(b"=").len(), base64(b"S").len(), base64(b"--__").len()), (0, 0, 0));
}

#[test]
fn quoted_printable_is_read_with_what_is_none() {
    assert_eq!(quoted(b"a=3Db=\r\nc=0A=\nd=e9"), b"a=bc\nd\xe9");
    assert_eq!(quoted(b"100=% =4x ==41 =  \r\nend=\rx"), b"100=% =4x =A endx");
    assert_eq!(quoted(b"tail="), b"tail");
}

#[test]
fn base64_inside_a_text_ends_with_the_first_byte_that_is_none() {
    assert_eq!(inline(b"SGVsbG8=\", more", false), (b"Hello".to_vec(), 8));
    assert_eq!(inline(b"SGVs\\nbG8\\u003d\"", false).0, b"Hello");
    assert_eq!(inline(b"\\/\\u002b8-_%2F%2bA'", false).0, inline(b"/+8-_/+A", true).0);
    // Lines go on as long as they are lines of base64.
    assert_eq!(inline(b"SGVs\r\n  bG8h\n</data>", false).0, b"Hello!");
    assert_eq!(inline(b"SGVs\nbG8h words follow", false).0, b"Hel");
    assert_eq!(inline(b"SGVs bG8h\"", true).0, b"Hello!");
    assert_eq!(inline(b"SGVs bG8h\"", false), (b"Hel".to_vec(), 5));
    assert_eq!(inline(b"SGVs\n-----END", false).0, b"Hel");
    assert_eq!(inline(b"SGVs\nbG8h", false).0, b"Hello!");
    assert_eq!(inline(b"SGVs\\x62", false).0, b"Hel");
    let long = [b"SGVs\n", &b"bG8h".repeat(40)[..], b" and"].concat();
    assert_eq!(inline(&long, false).0.len(), 3 + 40 * 3);
}

#[test]
fn escapes_of_addresses_are_undone_up_to_their_end() {
    let percent = |input: &[u8], closing| {
        let (out, used, end) =
            check(|| Percent::new(closing), |it: &mut Percent, a, b, _| it.pour(a, b), input);
        assert_eq!(end.is_some(), used < input.len());
        (out, used)
    };
    assert_eq!(percent(b"%3Ca%3e 50%\"x", Some(b'"')), (b"<a> 50%".to_vec(), 11));
    assert_eq!(percent(b"a%zb%4 more", None), (b"a%zb%4".to_vec(), 6));
    assert_eq!(percent(b"%41\x01", Some(b'"')), (b"A".to_vec(), 3));
}

#[test]
fn uuencode_is_read_with_the_spaces_that_got_lost() {
    let uu = |input: &[u8]| check(Uu::default, |it: &mut Uu, a, b, _| it.pour(a, b), input);
    // Of Python's binascii.
    let whole = b"%2&5L;&\\ \n#(2$A\n`\nend\n";
    assert_eq!(uu(whole), (b"Hello!!!".to_vec(), 16, Some(Ok(()))));
    assert_eq!(uu(b"#    \nend").0, [0; 3]);
    assert_eq!(uu(b"#\n#0\nend").0, [0, 0, 0, 0x40, 0, 0]);
    assert_eq!(uu(b"%2&5L;&\\ *\nend").0, b"Hello", "a check sum");
    assert_eq!(uu(b"%2&\x01PK").1, 3, "bytes that no text has end it");
    assert_eq!(uu(b"%2&5L;&\\ 0123456789"), (b"Hello".to_vec(), 16, Some(Ok(()))));
}

#[test]
fn yenc_is_read_to_its_last_line_and_hides_no_zip() {
    let yenc = |input: &[u8]| check(Yenc::new, |it: &mut Yenc, a, b, _| it.pour(a, b), input);
    let coded: Vec<u8> = b"Hello".iter().map(|byte| byte.wrapping_add(42)).collect();
    let body = [&coded[..], b"=\x7d=@\r\n", &coded, b"\r\n=yend size=12\r\n"].concat();
    let (out, used, end) = yenc(&body);
    assert_eq!(out.len(), 12);
    assert_eq!((&out[..5], &out[7..]), (&b"Hello"[..], &b"Hello"[..]));
    assert_eq!((out[5], out[6]), (0x7d_u8.wrapping_sub(106), 0x40_u8.wrapping_sub(106)));
    assert_eq!((used, end), (body.len() - b"end size=12\r\n".len(), Some(Ok(()))));
    let part = [b"=ypart begin=1 end=5\r\n", &coded[..], b"\r\n=yend"].concat();
    assert_eq!(yenc(&part).0, b"Hello");
    for bad in [&b"abc\0def"[..], b"abPK\x03\x04def"] {
        assert!(matches!(yenc(bad).2, Some(Err(Why::Broken(_)))));
    }
}

#[test]
fn both_forks_of_binhex_come_out() {
    // "a", no type, flags 0; data fork "Hi" + 0x90 + three times "z"; resource fork "R".
    let mut plain = b"\x01a\0TEXTttxt\0\0\0\0\0\x06\0\0\0\x01\0\0".to_vec();
    plain.extend_from_slice(b"Hi\x90\0z\x90\x03\0\0R\0\0");
    let letters = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
    let bits: Vec<u8> =
        plain.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)).collect();
    let coded: Vec<u8> = bits
        .chunks(6)
        .map(|bits| bits.iter().fold(0, |sum, bit| sum << 1 | bit) << (6 - bits.len()))
        .map(|value: u8| letters[usize::from(value)])
        .collect();
    let coded = [&coded[..30], b"\r\n", &coded[30..], b":"].concat();
    for piece in [1, 2, 7, usize::MAX] {
        for room in [1, 2, 100] {
            let mut binhex = Binhex::default();
            let (mut at, mut forks) = (0, Vec::new());
            loop {
                let upto = |at: usize| &coded[at..at + piece.min(coded.len() - at)];
                let (used, sought) = binhex.seek(upto(at));
                at += used;
                match sought {
                    Sought::Hungry => assert!(at < coded.len()),
                    Sought::End(end) => {
                        assert_eq!(end, Ok(()));
                        break;
                    }
                    Sought::Fork(_) => {
                        assert_eq!(binhex.name(), b"a");
                        let mut fork = Vec::new();
                        loop {
                            let mut window = vec![0; room];
                            let poured = binhex.pour(upto(at), &mut window);
                            at += poured.used;
                            fork.extend_from_slice(&window[..poured.made]);
                            if poured.end.is_some() {
                                break;
                            }
                        }
                        forks.push(fork);
                    }
                }
            }
            assert_eq!(forks, [b"Hi\x90zzz".to_vec(), b"R".to_vec()]);
        }
    }
}
