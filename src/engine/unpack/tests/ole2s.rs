//! Compound files, made here byte by byte: what a reader finds, and what nobody ought to write.

use super::walk::{Walk, Walked, check_opened};
use crate::engine::unpack::Whole::Ole2;
use crate::engine::verdict::Why;

/// A compound file of sectors of 512 bytes: a header, the table of sectors, the directory, then streams
/// of whole sectors, none in the mini stream.
pub(super) fn file(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut fat = vec![0xffff_fffd_u32, 0xffff_fffe];
    let mut entries = vec![entry("Root Entry", 5, 0xffff_fffe, 0)];
    // Sector 0 is the table, 1 to n the directory.
    let directory = (streams.len() + 1).div_ceil(4);
    for at in 1..directory {
        fat[at] = u32::try_from(at + 1).expect("small");
        fat.push(0xffff_fffe);
    }
    let mut data = Vec::new();
    for (name, bytes) in streams {
        let start = u32::try_from(fat.len()).expect("small");
        entries.push(entry(name, 2, start, bytes.len()));
        for at in 1..bytes.len().div_ceil(512) {
            fat.push(start + u32::try_from(at).expect("small"));
        }
        fat.push(0xffff_fffe);
        data.extend_from_slice(bytes);
        data.resize(data.len().next_multiple_of(512), 0);
    }
    assert!(fat.len() <= 128, "one sector of table");
    let mut out = header(1);
    fat.resize(128, 0xffff_ffff);
    out.extend(fat.iter().flat_map(|next| next.to_le_bytes()));
    let mut list: Vec<u8> = entries.concat();
    list.resize(directory * 512, 0);
    out.extend(list);
    out.extend(data);
    out
}

/// All streams in sectors: none is small.
fn header(directory: u32) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    header[30..32].copy_from_slice(&9_u16.to_le_bytes());
    header[32..34].copy_from_slice(&6_u16.to_le_bytes());
    header[48..52].copy_from_slice(&directory.to_le_bytes());
    header[60..64].copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
    header[68..72].copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
    header[76..512].fill(0xff);
    header[76..80].fill(0);
    header
}

fn entry(name: &str, kind: u8, start: u32, size: usize) -> Vec<u8> {
    let mut entry = vec![0; 128];
    let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    entry[..units.len()].copy_from_slice(&units);
    entry[64..66].copy_from_slice(&u16::try_from(units.len() + 2).expect("short").to_le_bytes());
    entry[66] = kind;
    entry[116..120].copy_from_slice(&start.to_le_bytes());
    entry[120..124].copy_from_slice(&u32::try_from(size).expect("small").to_le_bytes());
    entry
}

/// A container of MS-OVBA whose chunks hold plain bytes.
fn literal(plain: &[u8]) -> Vec<u8> {
    let mut out = vec![1];
    for chunk in plain.chunks(4_096) {
        let mut coded = Vec::new();
        for eight in chunk.chunks(8) {
            coded.push(0);
            coded.extend_from_slice(eight);
        }
        let header = u16::try_from(coded.len() - 1).expect("one chunk") | 0xb000;
        out.extend(header.to_le_bytes());
        out.extend(coded);
    }
    out
}

fn record(id: u16, data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len()).expect("small").to_le_bytes();
    [&id.to_le_bytes()[..], &size, data].concat()
}

/// What came out, without the streams that are there to be read by the engine.
fn named<'a>(walked: &'a Walked, what: &str) -> Vec<(&'a str, &'a [u8])> {
    let members = walked.members.iter().filter(|member| member.label.starts_with(what));
    members.map(|member| (member.label.as_str(), member.bytes.as_slice())).collect()
}

#[test]
fn every_stream_comes_out() {
    let big: Vec<u8> = (0..40_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    let names = ["a", "b", "c", "d", "e"];
    let streams: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, &big[..7_000])).collect();
    let walked = check_opened(Ole2, &file(&streams));
    let wanted: Vec<Walk> =
        names.iter().map(|name| Walk::whole(&format!("ole2:{name}"), &big[..7_000])).collect();
    assert_eq!((walked.members, walked.missed, walked.end), (wanted, vec![], Ok(())));
}

/// The examples of MS-OVBA section 3.2.
#[test]
fn the_source_of_macros_is_decompressed() {
    let vectors: [(&[u8], &[u8]); 3] = [
        (
            b"\x01\x19\xb0\x00abcdefgh\x00ijklmnop\x00qrstuv.",
            b"abcdefghijklmnopqrstuv.",
        ),
        (
            b"\x01\x2f\xb0\x00#aaabcde\x82f\x00paghij\x018\x08akl\x000mnop\x06q\x02p\x04\x10rstuv\x10wxyz\x00<",
            b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa",
        ),
        (b"\x01\x03\xb0\x02a\x45\x00", &[b'a'; 73]),
    ];
    for (coded, plain) in vectors {
        let dir = [
            record(0x0009, &[0; 4]),
            vec![0; 2],
            record(0x001a, b"Module1"),
            record(0x0032, &utf16("Module1")),
            record(0x0031, &5_u32.to_le_bytes()),
        ];
        let module = [b"cache", coded].concat();
        let dir = literal(&dir.concat());
        let walked = check_opened(Ole2, &file(&[("Module1", &module), ("DIR", &dir)]));
        assert_eq!(named(&walked, "vba"), [("vba:Module1", plain)]);
        assert_eq!((walked.missed.as_slice(), walked.end), (&[][..], Ok(())));
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_module_that_nothing_names_is_found_by_how_it_begins() {
    let source = b"Attribute VB_Name = \"x\"\r\nSub Auto_Open()\r\n";
    // As Word writes it: nine letters that are not compressed, then a space that is.
    let mut coded = literal(source);
    assert_eq!(&coded[3..13], b"\0Attribut\0");
    coded.splice(0..0, *b"some cache");
    let walked = check_opened(Ole2, &file(&[("x", &coded)]));
    assert_eq!(named(&walked, "vba"), [("vba:x", &source[..])]);
}

#[test]
fn an_attached_file_comes_out_with_its_name() {
    let inside = b"MZ and more";
    let mut native = vec![0; 6];
    native.extend_from_slice(b"tool.exe\0C:\\tool.exe\0\0\0\x03\0");
    native.extend_from_slice(&4_u32.to_le_bytes());
    native.extend_from_slice(b"tmp\0");
    native.extend_from_slice(&u32::try_from(inside.len()).expect("small").to_le_bytes());
    native.extend_from_slice(inside);
    native.extend_from_slice(b"and what follows");
    let walked = check_opened(Ole2, &file(&[("\u{1}Ole10Native", &native)]));
    assert_eq!(named(&walked, "ole10native"), [("ole10native:tool.exe", &inside[..])]);
}

#[test]
fn encrypted_documents_say_so() {
    let word = [&[0xec, 0xa5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1][..], &[0; 100]].concat();
    let excel = b"\x09\x08\x04\0\0\x06\x05\0\x2f\0\x02\0\0\0".to_vec();
    for (name, bytes) in
        [("WordDocument", word), ("Workbook", excel), ("EncryptedPackage", vec![1; 9])]
    {
        let walked = check_opened(Ole2, &file(&[(name, &bytes)]));
        assert_eq!((walked.missed, walked.end), (vec![Why::Encrypted], Ok(())), "{name}");
    }
    let plain = b"\x09\x08\x04\0\0\x06\x05\0\x2e\0\x02\0\0\0";
    assert_eq!(check_opened(Ole2, &file(&[("Workbook", plain)])).missed, []);
}

#[test]
fn damage_is_said_and_loops_end() {
    let whole = file(&[("a", &[1; 2_000]), ("b", &[2; 700])]);
    let early = Some(Err(Why::Broken("OLE2: a stream ends early")));
    let cut = check_opened(Ole2, &whole[..whole.len() - 1_500]);
    assert_eq!(cut.members.iter().map(|member| member.fate).collect::<Vec<_>>(), [early, early]);
    // The second sector of the first stream is followed by itself: it is read as often as fits.
    let mut looped = whole.clone();
    let next = 512 + 4 * 3;
    looped[next..next + 4].copy_from_slice(&3_u32.to_le_bytes());
    assert_eq!(check_opened(Ole2, &looped).members.len(), 2);
    // As is the directory.
    let mut looped = whole.clone();
    looped[516..520].copy_from_slice(&1_u32.to_le_bytes());
    assert!(check_opened(Ole2, &looped).members.len() >= 2);
    let mut bare = whole;
    bare[30] = 40;
    assert_eq!(check_opened(Ole2, &bare).end, Err(Why::Broken("OLE2: header")));
    assert_eq!(check_opened(Ole2, &bare[..20]).end, Err(Why::Broken("OLE2: header")));
}

/// `Binary.icon` in the units of installers, and the mark of a table in front.
#[test]
fn names_of_installers_are_readable() {
    let number = |letter: u8| match letter {
        b'0'..=b'9' => u32::from(letter - b'0'),
        b'A'..=b'Z' => u32::from(letter - b'A') + 10,
        b'a'..=b'z' => u32::from(letter - b'a') + 36,
        b'.' => 62,
        _ => 63,
    };
    let mut name = String::from('\u{4840}');
    for pair in b"Binary.icon".chunks(2) {
        let unit = match pair {
            [first, second] => 0x3800 + number(*first) + (number(*second) << 6),
            _ => 0x4800 + number(pair[0]),
        };
        name.push(char::from_u32(unit).expect("no surrogate"));
    }
    let walked = check_opened(Ole2, &file(&[(&name, &[1; 700]), ("Plain\u{5}", &[2; 700])]));
    let labels: Vec<_> = walked.members.iter().map(|it| it.label.as_str()).collect();
    assert_eq!(labels, ["ole2:!Binary.icon", "ole2:Plain\\u{5}"]);
}

/// A record of a workbook.
fn biff(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("short").to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body].concat()
}

fn begin(kind: u8) -> Vec<u8> {
    biff(0x809, &[0, 6, kind, 0, 0, 0, 0, 0])
}

fn sheet_of(kind: u8, name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).expect("short");
    biff(0x85, &[&[0, 0, 0, 0, 2, kind, length, 0], name.as_bytes()].concat())
}

fn formula_at(row: u8, tokens: &[u8]) -> Vec<u8> {
    let mut body = vec![row, 0, 1, 0];
    body.resize(20, 0);
    body.extend(u16::try_from(tokens.len()).expect("short").to_le_bytes());
    body.extend_from_slice(tokens);
    biff(6, &body)
}

#[test]
fn macros_of_excel_4_are_printed() {
    let name = [&[0x20, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], b"\0\x01", b"\x3a\0\0\0\0\0\0"];
    let wide: Vec<u8> = "cmd ü".encode_utf16().flat_map(u16::to_le_bytes).collect();
    // EXEC("calc"&CHAR(46)&"exe"); -(1+R2C3)%; FORMULA(TRUE,1.5); IF with the jumps that it has.
    let exec = b"\x17\x04\0calc\x1e\x2e\0\x41\x6f\0\x08\x17\x03\0exe\x08\x42\x01\x6e\0";
    let minus = b"\x1e\x01\0\x44\x01\0\x02\xc0\x03\x15\x13\x14";
    let put = b"\x1d\x01\x1f\0\0\0\0\0\0\xf8\x3f\x42\x02\x60\x80";
    let when =
        b"\x1d\0\x19\x02\x07\0\x1e\x01\0\x19\x08\x05\0\x1e\x02\0\x19\x08\x03\0\x42\x03\x01\0";
    let choose = b"\x19\x04\x01\0\x01\0\x02\0\x16\x16\x42\x02\x64\0\x19\x10\0\0";
    let own = b"\x23\x07\0\0\0\x17\x01\0a\x25\0\0\x01\0\0\0\x01\0\x42\x03\xff\0";
    let text = [&[5, 0, 1][..], &wide].concat();
    let globals = [
        begin(5),
        biff(0x31, &[7; 300]),
        sheet_of(0, "Sheet1"),
        sheet_of(1, "Macro1"),
        biff(0x18, &name.concat()),
        biff(0x0a, b""),
    ];
    let plain = [begin(0x10), formula_at(0, exec), biff(0x0a, b"")];
    let macros = [
        begin(0x40),
        formula_at(0, exec),
        formula_at(1, minus),
        biff(0x207, &text),
        formula_at(2, put),
        formula_at(3, when),
        formula_at(4, choose),
        formula_at(5, own),
        formula_at(6, b"\x1e\x05\0\xff\x1e\x06\0"),
        biff(0x204, b"\x07\0\x01\0\0\0\x02\0\0ab"),
        biff(0x0a, b""),
    ];
    let wanted = "SHEET Sheet1 sheet very hidden\n\
        SHEET Macro1 macro very hidden\n\
        NAME Auto_Open =SHEET0!R1C1\n\
        R1C2 =EXEC(\"calc\"&CHAR(46)&\"exe\")\n\
        R2C2 =-(1+R2C3)%\n\
        R2C2 \"cmd ü\"\n\
        R3C2 =FORMULA(TRUE,1.5)\n\
        R4C2 =IF(FALSE,1,2)\n\
        R5C2 =SUM(CHOOSE(,))\n\
        R6C2 =NAME7(\"a\",R1C1:R2C2)\n\
        R7C2 =5\n\
        R8C2 \"ab\"\n";
    let book = [globals.concat(), plain.concat(), macros.concat()].concat();
    let walked = check_opened(Ole2, &file(&[("Workbook", &book)]));
    assert_eq!(named(&walked, "xlm"), [("xlm", wanted.as_bytes())]);
    assert_eq!((walked.missed.as_slice(), walked.end), (&[][..], Ok(())));
    // Without a macro sheet nothing is printed; a stream that is cut ends.
    let quiet = [begin(5), sheet_of(0, "Sheet1"), biff(0x0a, b""), plain.concat()].concat();
    let walked = check_opened(Ole2, &file(&[("Workbook", &quiet)]));
    assert_eq!(named(&walked, "xlm"), []);
    for cut in 1..book.len() {
        let walked = Walked::of_opened(Ole2, &file(&[("Workbook", &book[..cut])]));
        assert_eq!(walked.end, Ok(()), "cut at {cut}");
    }
}

/// Operands in each other are copied for each operator: that comes to an end.
#[test]
fn formulas_that_grow_are_cut() {
    let tokens = [&b"\x17\xc8\0"[..], &[b'x'; 200], &[0x15; 7_000]].concat();
    let globals = [begin(5), sheet_of(1, "M"), biff(0x0a, b""), begin(0x40)].concat();
    let book = [globals, formula_at(0, &tokens), biff(0x0a, b"")].concat();
    let walked = Walked::of_opened(Ole2, &file(&[("Workbook", &book)]));
    let printed = named(&walked, "xlm");
    assert!((1_000..40_000).contains(&printed[0].1.len()), "{}", printed[0].1.len());
}
