//! Odd lines, and what clamscan 1.4.6 says about each: loads, skipped, or refused.
//!
//! The table `clamscan.txt` holds clamscan's answer, ours where it differs (`=` where not), the
//! kind of file, and the line. Ours is compared in every run; clamscan is asked again where it is
//! installed, so that the table stays true. Why the differences are wanted:
//!
//! * refused here: numbers with a sign or a space, `{5-3}` (it matches nothing), `[5-]`, levels and
//!   lines that are no numbers, numbers that clamscan lets wrap around;
//! * loads here: exact gaps of any length at the ends, the longest gap that 32 bits can say,
//!   boundaries where clamscan's own filter gives up, a name with an MD5 in an ignore list
//!   (documented; clamscan 1.4.6 refuses them all);
//! * skipped here: what is valid but cannot be used yet.

use std::fs;
use std::process::Command;

use crate::engine::database::{BuildOptions, Sources};

const TABLE: &str = include_str!("clamscan.txt");

/// The engine's own level, so that both compare level windows with the same number.
const CLAMSCAN_LEVEL: u32 = 216;

struct Row {
    clamscan: &'static str,
    ours: &'static str,
    extension: &'static str,
    line: &'static str,
}

fn rows() -> impl Iterator<Item = Row> {
    TABLE.lines().map(|row| {
        let mut columns = row.splitn(4, '\t');
        let mut column = || columns.next().expect("four columns");
        let (clamscan, ours) = (column(), column());
        Row {
            clamscan,
            ours: if ours == "=" { clamscan } else { ours },
            extension: column(),
            line: column(),
        }
    })
}

#[test]
fn odd_lines_are_read_as_the_table_says() {
    let mut differences = Vec::new();
    for row in rows() {
        let mut sources =
            Sources::new(BuildOptions { level: CLAMSCAN_LEVEL, ..BuildOptions::default() });
        sources.add_file(&format!("t.{}", row.extension), row.line.as_bytes());
        let totals = sources.report().totals();
        let found = match (totals.loaded, totals.bad) {
            (1, 0) => "loads",
            (0, 1) => "refused",
            _ => "skipped",
        };
        if found != row.ours {
            differences.push(format!("{found}, not {}: {}", row.ours, row.line));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// What clamscan says about a database of some lines: how many it loads, or that it refuses them.
fn ask(folder: &tempfile::TempDir, extension: &str, lines: &str) -> Option<u64> {
    let database = folder.path().join(format!("t.{extension}"));
    let sample = folder.path().join("sample");
    fs::write(&database, lines).expect("a writable folder");
    fs::write(&sample, [0; 12]).expect("a writable folder");
    let output = Command::new("clamscan").arg("-d").args([&database, &sample]).output();
    let output = output.expect("clamscan answered before");
    fs::remove_file(database).expect("it was just written");
    let text = String::from_utf8_lossy(&output.stdout);
    let count = text.split("Known viruses: ").nth(1)?.lines().next()?;
    (output.status.code()? < 2).then(|| count.parse().expect("a number"))
}

#[test]
fn clamscan_still_says_what_the_table_says() {
    let version = Command::new("clamscan").arg("--version").output();
    let version = version.map(|output| output.stdout).unwrap_or_default();
    if !version.starts_with(b"ClamAV 1.4.") {
        println!("skipped: clamscan 1.4 is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    for extension in ["ndb", "hdb"] {
        let accepted = |row: &Row| row.extension == extension && row.clamscan != "refused";
        let lines: String = rows().filter(accepted).map(|row| format!("{}\n", row.line)).collect();
        let loads = rows().filter(|row| row.extension == extension && row.clamscan == "loads");
        // clamscan keeps one of several equal digests, so only the refusals count there.
        let found = ask(&folder, extension, &lines);
        match extension {
            "ndb" => assert_eq!(found, Some(loads.count() as u64), "{lines}"),
            _ => assert!(found.is_some(), "{lines}"),
        }
    }
    // The others one by one: a refused line ends clamscan's run.
    for row in rows().filter(|row| row.clamscan == "refused") {
        let found = ask(&folder, row.extension, &format!("{}\n", row.line));
        assert_eq!(found, None, "{}", row.line);
    }
}
