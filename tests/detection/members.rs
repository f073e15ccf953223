//! Signatures about members (`.cdb`): each finds what clamscan finds with the same line in the same file.

use std::process::Command;

use baleen::engine::Object;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Verdict, Why};

use crate::containers::made;
use crate::kit::{check_infected, check_unscanned, engine, gzip, noise, verdict};

/// Whether clamscan finds something by this line.
fn clamscan(line: &str, bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let (database, file) = (folder.path().join("a.cdb"), folder.path().join("sample"));
    std::fs::write(&database, line).expect("a file");
    std::fs::write(&file, bytes).expect("a file");
    let status = Command::new("clamscan")
        .args(["--no-summary", "--infected", "-d"])
        .args([&database, &file])
        .status()
        .expect("sh tests/run installs clamscan");
    assert!(status.code().is_some_and(|code| code < 2), "clamscan takes {line}");
    status.code() == Some(1)
}

fn is_found(line: &str, bytes: &[u8]) -> bool {
    let engine = engine(&[("a.cdb", line)], Limits::default());
    matches!(verdict(&engine, &Object::default(), bytes), Verdict::Infected(_))
}

#[test]
fn conditions_mean_what_they_mean_to_clamscan() {
    let members: [(&str, &[u8]); 2] = [("a.txt", b"some words"), ("b.exe", &noise(5_000, 1))];
    let zip = made(&members, "zip -q -0 out.zip a.txt b.exe", "out.zip");
    let locked = made(&members, "zip -q -0 -P pass out.zip a.txt b.exe", "out.zip");
    let piped = made(&members, "cat b.exe | zip -q -0 > out.zip", "out.zip");
    let tar = made(&members, "tar --format=ustar -cf out.tar a.txt b.exe", "out.tar");
    let size = zip.len();
    let lines = [
        r"A:CL_TYPE_ZIP:*:\.exe$:*:*:*:*:*:*".to_owned(),
        r"A:CL_TYPE_ZIP:*:\.EXE$:*:*:*:*:*:*".to_owned(),
        r"A:*:*:^b:*:*:*:*:*:*".to_owned(),
        "A:CL_TYPE_ZIP:*:exe:*:5000:*:*:*:*".to_owned(),
        "A:CL_TYPE_ZIP:*:exe:*:4000-4999:*:*:*:*".to_owned(),
        "A:CL_TYPE_ZIP:*:exe:*:*:1:*:*:*".to_owned(),
        "A:CL_TYPE_ZIP:*:exe:*:*:0:*:*:*".to_owned(),
        "A:CL_TYPE_ZIP:*:exe:*:*:*:2:*:*".to_owned(),
        "A:CL_TYPE_ZIP:*:exe:*:*:*:1:*:*".to_owned(),
        format!("A:CL_TYPE_ZIP:{size}:exe:*:*:*:*:*:*"),
        format!("A:CL_TYPE_ZIP:{}-{}:exe:*:*:*:*:*:*", size + 1, size + 9),
        "A:CL_TYPE_POSIX_TAR:*:exe:*:*:*:*:*:*".to_owned(),
    ];
    let mut agreed = [0, 0];
    for line in &lines {
        for (name, bytes) in [("zip", &zip), ("locked", &locked), ("piped", &piped), ("tar", &tar)]
        {
            let found = is_found(line, bytes);
            assert_eq!(found, clamscan(line, bytes), "{line} in {name}");
            agreed[usize::from(found)] += 1;
        }
    }
    assert!(agreed.iter().all(|count| *count >= 10), "both answers occur: {agreed:?}");
}

#[test]
fn a_member_is_named_where_it_lies() {
    let members: [(&str, &[u8]); 1] = [("d/b.exe", &noise(5_000, 1))];
    let line = "Program.In.Locked.Zip:CL_TYPE_ZIP:*:[.]exe$:*:*:1:*:*:*\n";
    let engine = engine(&[("a.cdb", line)], Limits::default());
    let name = "Program.In.Locked.Zip.UNOFFICIAL";
    let locked = made(&members, "zip -q -P pass out.zip d/b.exe", "out.zip");
    check_infected(&engine, &Object::default(), &locked, name, "zip:d/b.exe");
    check_infected(&engine, &Object::default(), &gzip(&locked), name, "gzip>zip:d/b.exe");
    let other = made(&[("b.txt", b"some words")], "zip -q -P pass out.zip b.txt", "out.zip");
    check_unscanned(&engine, &Object::default(), &other, Why::Encrypted);
}

/// clamscan 1.4.6 reads the sum and compares it with nothing: a line with any sum finds every member.
#[test]
fn the_sum_of_a_member_counts() {
    let mut sum = flate2::Crc::new();
    sum.update(b"some words");
    let line = format!("A:CL_TYPE_ZIP:*:*:*:*:*:*:{:08x}:*", sum.sum());
    let zip = made(&[("a.txt", b"some words")], "zip -q -0 out.zip a.txt", "out.zip");
    assert!(is_found(&line, &zip));
    let piped = made(&[("a.txt", b"some words")], "cat a.txt | zip -q > out.zip", "out.zip");
    assert!(is_found(&line, &piped), "only its directory says the sum");
    let other = made(&[("a.txt", b"other words")], "zip -q -0 out.zip a.txt", "out.zip");
    assert!(!is_found(&line, &other));
}
