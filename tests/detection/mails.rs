//! Everything that travels as text: mails, mailboxes, uploads, data in pages and in JSON; made by programs that have
//! nothing to do with this one.

use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Verdict, Why};
use baleen::engine::{MediaType, Object};

use crate::containers::made;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, coded, eicar_engine, gzip, noise, scan,
    verdict,
};

/// What Python prints, given the test file as `eicar`.
fn python(script: &str) -> Vec<u8> {
    let front = "import sys, base64, json, mailbox, quopri, binascii\n\
                 from email import policy\n\
                 from email.message import EmailMessage\n\
                 from email.mime.message import MIMEMessage\n\
                 from email.mime.multipart import MIMEMultipart\n\
                 from email.mime.application import MIMEApplication\n\
                 from email import encoders\n\
                 eicar = open('eicar.com', 'rb').read()\n\
                 def say(it): open('out', 'wb').write(it if isinstance(it, bytes) else it.encode())\n\
                 def mail(cte, name='eicar.com'):\n\
                 \x20   it = EmailMessage(policy=policy.SMTP)\n\
                 \x20   it['From'], it['Subject'] = 'a@b.example', 'x'\n\
                 \x20   it.set_content('Hello')\n\
                 \x20   it.add_attachment(eicar, 'application', 'octet-stream', filename=name, cte=cte)\n\
                 \x20   return it\n";
    let script = [front, script].concat();
    let members: [(&str, &[u8]); 2] = [("eicar.com", &eicar()), ("a.py", script.as_bytes())];
    made(&members, "python3 a.py", "out")
}

fn infected(bytes: &[u8], path: &str) {
    let engine = eicar_engine(Limits::default());
    check_infected(&engine, &Object::default(), bytes, EICAR, path);
}

fn of_type(kind: &str) -> Object {
    Object { media: MediaType::parse(kind.as_bytes()), ..Object::default() }
}

#[test]
fn attachments_of_pythons_mails_are_found_in_every_encoding() {
    for encoding in ["base64", "quoted-printable", "7bit", "8bit"] {
        infected(&python(&format!("say(mail('{encoding}').as_bytes())")), "mail:eicar.com");
    }
    let name = "say(mail('base64', 'grüße 名.com').as_bytes())";
    infected(&python(name), "mail:grüße 名.com");
    let uu = "it = MIMEApplication(b'', 'octet-stream', encoders.encode_noop)\n\
              it['From'] = 'a'\n\
              it.set_payload(b'begin 644 eicar.com\\n' + b''.join(binascii.b2a_uu(eicar[at:at + 45]) \
              for at in range(0, len(eicar), 45)) + b'`\\nend\\n')\n\
              it['Content-Transfer-Encoding'] = 'x-uuencode'\n\
              say(b'From: a\\n' + it.as_bytes())";
    infected(&python(uu), "mail>uuencode:eicar.com");
    let plain = "say(b'From: a\\nSubject: b\\n\\nHello\\n\\n' + b'x' * 100 + b'\\n' + base64.encodebytes(eicar))";
    infected(&python(plain), "mail>base64");
}

#[test]
fn a_mail_in_a_mail_is_opened_up_to_the_limit() {
    for depth in [1, 2, 7, 16] {
        let script = format!(
            "it = mail('base64')\n\
             for _ in range({depth} - 1):\n\
             \x20   outer = MIMEMultipart()\n\
             \x20   outer['From'] = 'a'\n\
             \x20   outer.attach(MIMEMessage(it))\n\
             \x20   it = outer\n\
             say(it.as_bytes())"
        );
        let path = format!("{}mail:eicar.com", "mail>".repeat(depth - 1));
        let bytes = python(&script);
        infected(&bytes, &path);
        let limits =
            Limits { layers_max: u32::try_from(depth).expect("small"), ..Limits::default() };
        let limit = Why::Limit(Limit::MaxRecursion);
        check_unscanned(&eicar_engine(limits), &Object::default(), &bytes, limit);
    }
    // Parts of parts are no layers.
    let script = "it = MIMEApplication(eicar, Name='eicar.com')\n\
                  for at in range(90):\n\
                  \x20   outer = MIMEMultipart()\n\
                  \x20   outer.attach(it)\n\
                  \x20   it = outer\n\
                  it['From'] = 'a'\n\
                  say(b'From: a\\n' + it.as_bytes())";
    infected(&python(script), "mail:eicar.com");
}

#[test]
fn mailboxes_and_what_other_programs_make_are_opened() {
    let mbox = "box = mailbox.mbox('box')\n\
                for at in range(3): box.add(EmailMessage())\n\
                box.add(mail('base64')); box.add(EmailMessage()); box.flush()\n\
                say(open('box', 'rb').read())";
    infected(&python(mbox), "mail:eicar.com");
    let members: [(&str, &[u8]); 1] = [("eicar.com", &eicar())];
    infected(&made(&members, "mpack -s x -o out eicar.com", "out"), "mail:eicar.com");
    infected(&made(&members, "uuenview -u eicar.com > out", "out"), "uuencode:eicar.com");
    infected(&made(&members, "uuenview -b eicar.com > out", "out"), "base64");
    infected(&made(&members, "uuenview -y eicar.com > out", "out"), "yenc:eicar.com");
    let long = [noise(5_000, 3), gzip(&eicar())].concat();
    let members: [(&str, &[u8]); 1] = [("a.bin", &long)];
    let engine = eicar_engine(Limits::default());
    check_clean(&engine, &Object::default(), &made(&members, "uuenview -y a.bin > out", "out"));
    let page = "say(b'From: a\\nMIME-Version: 1.0\\nContent-Type: multipart/related; boundary=\"x\"; \
                type=\"text/html\"\\n\\n--x\\nContent-Type: text/html\\nContent-Location: file:///a.htm\\n\\n\
                <html>\\n--x\\nContent-Location: file:///eicar.com\\nContent-Transfer-Encoding: base64\\n\\n' \
                + base64.encodebytes(eicar) + b'--x--\\n')";
    infected(&python(page), "mail:file:///eicar.com");
}

#[test]
fn uploads_are_scanned_part_by_part() {
    let engine = eicar_engine(Limits::default());
    let body = [
        &b"--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n--XyZ\r\n"[..],
        b"Content-Disposition: form-data; name=\"f\"; filename=\"eicar.com\"\r\n",
        b"Content-Type: application/octet-stream\r\n\r\n",
        &eicar(),
        b"\r\n--XyZ--\r\n",
    ]
    .concat();
    let path = "multipart:eicar.com";
    let told = of_type("multipart/form-data; boundary=XyZ");
    for object in [told.clone(), of_type("multipart/form-data"), Object::default()] {
        check_infected(&engine, &object, &body, EICAR, path);
    }
    let packed = Object { media: told.media.clone(), ..coded("gzip") };
    check_infected(&engine, &packed, &gzip(&body), EICAR, &format!("gzip>{path}"));
    let clean = b"--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\nvalue\r\n--XyZ--\r\n";
    check_clean(&engine, &told, clean);
    // What is announced and is not there.
    let why = Why::Broken("multipart: does not begin with its boundary");
    check_unscanned(&engine, &of_type("multipart/mixed; boundary=other"), b"just some text\n", why);
    check_infected(
        &engine,
        &of_type("multipart/mixed; boundary=o"),
        &gzip(&eicar()),
        EICAR,
        "gzip",
    );
    let ranges = [
        &b"\r\n--THIS\r\nContent-Type: application/pdf\r\nContent-Range: bytes 0-67/80\r\n\r\n"[..],
        &eicar(),
        b"\r\n--THIS--\r\n",
    ];
    check_infected(
        &engine,
        &of_type("multipart/byteranges; boundary=THIS"),
        &ranges.concat(),
        EICAR,
        "multipart",
    );
    // A file of its own in a part, with a preamble in front of it.
    let preamble = [&b"preamble\r\n"[..], &body].concat();
    check_infected(&engine, &told, &preamble, EICAR, path);
    // The encoding of a part, which servers do not look at.
    let encoded = python(
        "say(b'--b\\nContent-Disposition: form-data; name=f\\nContent-Transfer-Encoding: base64\\n\\n' + base64.encodebytes(eicar) + b'--b--')",
    );
    check_infected(&engine, &Object::default(), &encoded, EICAR, "multipart:f>base64");
}

#[test]
fn data_in_pages_and_strings_is_found() {
    let page = "say('<html><body><a href=\"data:application/octet-stream;base64,' + base64.b64encode(eicar).decode() + '\">x</a>')";
    infected(&python(page), "data:application/octet-stream");
    infected(
        &python("say(json.dumps({'n': 1, 'file': base64.b64encode(eicar).decode()}))"),
        "base64",
    );
    let escaped = "import gzip\nit = base64.b64encode(gzip.compress(eicar)).decode()\n\
                   say(json.dumps([it]).replace('/', '\\\\/'))";
    infected(&python(escaped), "base64>gzip");
    let percent =
        "from urllib.parse import quote\nsay('<img src=\"data:text/plain,' + quote(eicar) + '\">')";
    infected(&python(percent), "data:text/plain");
    let xml = "say('<?xml version=\"1.0\"?><w:binData w:name=\"a\">' + base64.encodebytes(eicar).decode() + '</w:binData>')";
    infected(&python(xml), "base64");
}

#[test]
fn a_page_of_thousands_of_images_is_clean() {
    let engine = eicar_engine(Limits::default());
    let image = |seed: u64| {
        let bytes = noise(96, seed);
        let letters = bytes.iter().flat_map(|byte| [b'A' + (byte >> 4), b'a' + (byte & 15)]);
        String::from_utf8(letters.collect()).expect("letters")
    };
    let images: String = (1..30_000)
        .map(|at| format!("<img src=\"data:image/png;base64,{}\">\n", image(at)))
        .collect();
    let page = format!("<html><body>{images}</body></html>");
    let object = Object::default();
    assert_eq!(scan(&engine, &object, page.as_bytes(), usize::MAX), Verdict::Clean);
    let few = eicar_engine(Limits { objects_max: 100, ..Limits::default() });
    let limit = Verdict::Unscanned(Why::Limit(Limit::MaxFiles));
    assert_eq!(scan(&few, &object, page.as_bytes(), usize::MAX), limit);
}

#[test]
fn bombs_of_mails_are_bounded_and_not_clean() {
    let engine = eicar_engine(Limits::default());
    let unscanned = |mail: String, limit| {
        for piece in [usize::MAX, 10_007] {
            let found = scan(&engine, &Object::default(), mail.as_bytes(), piece);
            assert_eq!(found, Verdict::Unscanned(Why::Limit(limit)));
        }
    };
    let deep: String = (0..100_000)
        .map(|at| format!("--{at}\nContent-Type: multipart/mixed; boundary={}\n\n", at + 1))
        .collect();
    let front = "From: a\nContent-Type: multipart/mixed; boundary=0\n\n";
    unscanned(format!("{front}{deep}"), Limit::MaxRecursion);
    unscanned(format!("{front}{}", "--0\n\nx\n".repeat(1_000_000)), Limit::MaxFiles);
    unscanned(format!("From: a\n{}\n\nx", "X: y\n".repeat(400_000)), Limit::MaxScanState);
    let mails = "Content-Type: message/rfc822\n\n".repeat(100_000);
    unscanned(format!("From: a\n{mails}\nx"), Limit::MaxRecursion);
}

/// Catalogues of messages have the fields of a mail behind some binary data: their text is not opened again and
/// again as the mail that it is not.
#[test]
fn what_only_looks_as_a_mail_is_clean() {
    let fields = "Report-Msgid-Bugs-To: https://a.example/issues\nLast-Translator: a <a@b.example>\n\
                  MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n\
                  Content-Transfer-Encoding: 8bit\nwords \n";
    let engine = eicar_engine(Limits::default());
    for front in
        [&b"\xde\x12\x04\x95\0\0\0\0\x09\0\0\0Project-Id-Version: a\n"[..], b"words\nmore words\n"]
    {
        for behind in [0, 3_000] {
            let bytes =
                [front, fields.as_bytes(), &b"words and words\n".repeat(behind / 16)].concat();
            check_clean(&engine, &Object::default(), &bytes);
            let coded = gzip(&eicar());
            let carried = [&bytes[..], b"\nbegin 644 a\n"].concat();
            let carried = [&carried[..], &uu(&coded), b"`\nend\n"].concat();
            let found = format!("{:?}", verdict(&engine, &Object::default(), &carried));
            assert!(found.contains(EICAR), "{found}");
        }
    }
}

fn uu(bytes: &[u8]) -> Vec<u8> {
    let letter = |six: u32| u8::try_from(32 + (six & 63)).unwrap_or(b' ').max(b' ');
    let line = |line: &[u8]| {
        let mut out = vec![letter(u32::try_from(line.len()).unwrap_or(0))];
        for three in line.chunks(3) {
            let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
            let word = byte(0) << 16 | byte(1) << 8 | byte(2);
            out.extend(
                [18, 12, 6, 0]
                    .map(|shift| letter(word >> shift))
                    .map(|c| if c == b' ' { b'`' } else { c }),
            );
        }
        out.push(b'\n');
        out
    };
    bytes.chunks(45).flat_map(line).collect()
}
