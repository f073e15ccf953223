//! `baleen keys`: the line for the file of `ClientPasswords`.

use std::fs::File;

use baleen::adaptation::credentials::Passwords;

use crate::fixture::gateway::baleen;
use crate::{Said, said};

fn password(name: &str, input: &[u8]) -> Said {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("input");
    std::fs::write(&path, input).expect("a file");
    let input = File::open(&path).expect("it was written");
    said(baleen().args(["keys", "password", name]).stdin(input))
}

#[test]
fn a_password_from_standard_input_becomes_a_line_that_knows_it() {
    for input in ["open: sesame\n", "open: sesame"] {
        let made = password("squid", input.as_bytes());
        assert_eq!((made.code, made.stderr.as_str()), (0, ""), "{made:?}");
        let (passwords, set_aside) = Passwords::read(&made.stdout);
        assert!(set_aside.is_empty() && passwords.count() == 1, "{made:?}");
        assert!(passwords.verify("squid", "open: sesame"));
        assert!(!passwords.verify("squid", "open: sesame\n"));
        assert!(!made.stdout.contains("sesame"));
    }
    let one = password("squid", b"x\n").stdout;
    assert_ne!(one, password("squid", b"x\n").stdout, "each line has a salt of its own");
}

#[test]
fn what_cannot_be_sent_gets_no_line_and_is_not_repeated() {
    for (name, input, why) in [
        ("a:b", &b"hush\n"[..], "a name has no colon and no control character"),
        ("a", b"\n", "the password is empty"),
        ("a", b"", "the password is empty"),
        ("a", b"hu\tsh\n", "the password has a control character, which HTTP cannot carry"),
        ("a", b"hush\xff\n", "the password is not UTF-8"),
    ] {
        let refused = password(name, input);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{refused:?}");
        assert_eq!(refused.stderr, format!("baleen keys password: {why}\n"));
    }
}
