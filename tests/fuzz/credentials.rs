//! What a client says it is, and the file of those who are known.

use std::sync::Arc;
use std::time::Instant;

use baleen::adaptation::credentials::Passwords;
use baleen::icap::{
    Authentication, CREDENTIALS_BYTES_MAX, ClaimAnswer, Connection, IsTag, Options,
};

use super::harness::Target;

pub(crate) const ALL: [Target; 2] = [
    Target { name: "icap_credentials", corpus: fields, words: FIELD_WORDS, run: field },
    Target { name: "client_passwords", corpus: files, words: FILE_WORDS, run: file },
];

const FIELD_WORDS: &[&[u8]] =
    &[b"Basic ", b"basic", b"Bearer", b"YTpi", b"=", b"==", b":", b"\r\n", b"\t", b"Og==", b"gIA6"];

const FILE_WORDS: &[&[u8]] = &[
    b"a:$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4\n",
    b"$argon2id$",
    b"v=19",
    b"m=4294967295,t=4294967295,p=255",
    b"m=8,t=1,p=8",
    b",",
    b"=",
    b"$",
    b":",
    b"#",
    b"\n",
];

fn fields() -> Vec<Vec<u8>> {
    ["Basic YTpi", "basic  bmFtZTpzZWNyZXQ=", "Basic w6k6w7w=", "Basic 6Tr8", "Basic Og=="]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}

fn files() -> Vec<Vec<u8>> {
    let line = FILE_WORDS[0].to_vec();
    vec![line.clone(), [b"# c\n\n".as_slice(), &line, b"b:x\n"].concat()]
}

/// Whole or byte by byte: the same claim, within its bounds, and an answer whatever the owner says.
fn field(input: &[u8]) {
    let mut options = Options::new(IsTag::of(b"d", b"p"));
    options.authentication = Authentication::Basic;
    let options = Arc::new(options);
    let start = b"OPTIONS icap://g/reqmod ICAP/1.0\r\nHost: g\r\nProxy-Authorization: ";
    let bytes = [start, input, b"\r\n\r\n"].concat();
    let now = Instant::now();
    let ask = |piece: usize| {
        let mut core = Connection::new(Arc::clone(&options), now);
        for part in bytes.chunks(piece) {
            let _taken = core.handle_bytes(part, now);
        }
        core
    };
    let (mut whole, pieces) = (ask(usize::MAX), ask(1));
    assert_eq!(whole.claim(), pieces.claim(), "a claim does not depend on how it came");
    if let Some(claim) = whole.claim() {
        assert!(!claim.name.is_empty() && !claim.name.contains(':'));
        // Latin-1 may need two bytes for one.
        assert!(claim.name.len() + claim.password.len() < 2 * CREDENTIALS_BYTES_MAX);
        let answer =
            if input.len().is_multiple_of(2) { ClaimAnswer::Right } else { ClaimAnswer::Wrong };
        whole.answer_claim(answer, now);
    }
    assert!(whole.claim().is_none());
}

/// Every line counts or is told with its place.
fn file(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (passwords, set_aside) = Passwords::read(&text);
    let lines = text.lines().count();
    assert!(passwords.count() + set_aside.len() <= lines);
    for one in set_aside {
        let line = text.lines().nth(one.line - 1).expect("it is there");
        assert!(one.column >= 1 && one.column <= line.chars().count() + 1, "{line}");
    }
}
