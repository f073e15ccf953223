//! Odd lines of the lists beside the signatures, and what clamscan 1.4.6 says about each.
//!
//! `lists.txt` holds clamscan's answer (`accepted` or `refused`), ours where it differs (`=` where not),
//! the kind of file, and the line. Ours says what became of an accepted line, too. Why the differences
//! are wanted:
//!
//! * clamscan refuses a file without a line for its level; here such a line is skipped;
//! * it refuses what it cannot compile for want of memory (`.*bank.*`);
//! * it takes digests of any length and class, ranges that end before they begin, check sums that are
//!   no numbers, hosts that are none, and categories that do not exist.

use crate::engine::database::{BuildOptions, Sources};

fn become_of(extension: &str, line: &str) -> String {
    let mut sources = Sources::new(BuildOptions::default());
    sources.add_file(&format!("t.{extension}"), line.as_bytes());
    let totals = sources.report().totals();
    let found = match (totals.loaded, totals.by_level, totals.bad) {
        (1, 0, 0) => "loaded",
        (0, 1, 0) => "by level",
        (0, 0, 1) => "refused",
        _ => "unsupported",
    };
    assert_eq!(totals.lines, 1, "{line}");
    found.to_owned()
}

#[test]
fn odd_lines_of_lists_are_read_as_the_table_says() {
    let mut differences = Vec::new();
    for row in include_str!("lists.txt").lines() {
        let mut columns = row.splitn(4, '\t');
        let mut column = || columns.next().expect("four columns");
        let (clamscan, ours, extension, line) = (column(), column(), column(), column());
        let found = become_of(extension, line);
        let wanted = if ours == "=" { clamscan } else { ours };
        if found != wanted {
            differences.push(format!("{clamscan}\t{found}\t{extension}\t{line}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn blank_lines_are_allowed_in_lists_about_links_only() {
    let bad = |name: &str, text: &str| {
        let mut sources = Sources::new(BuildOptions::default());
        sources.add_file(name, text.as_bytes());
        sources.report().totals().bad
    };
    assert_eq!(bad("t.pdb", "H:bank.com\n\nH:shop.com\n"), 0);
    assert_eq!(bad("t.wdb", "\nM:a.com:b.com\n"), 0);
    assert_eq!(bad("t.ftm", "0:0:4d5a:PE:CL_TYPE_ANY:CL_TYPE_MSEXE\n\n"), 1);
}

#[test]
fn refusals_name_the_column() {
    let first = |name: &str, text: &str| {
        let mut sources = Sources::new(BuildOptions::default());
        sources.add_file(name, text.as_bytes());
        sources.report().files[0].bad[0].to_string()
    };
    assert_eq!(
        first("t.ftm", "0:0:4dxz:PE:CL_TYPE_ANY:CL_TYPE_MSEXE"),
        "line 1, column 7: found 'x', allowed: hexadecimal digits"
    );
    assert_eq!(
        first("t.pdb", "H:bank com"),
        "line 1, column 7: found ' ', allowed: the name of a host"
    );
    assert_eq!(
        first("t.cdb", "A:*:*:(:*:*:*:*:*:*"),
        "line 1, column 7: not an extended regular expression, or one too large"
    );
    assert_eq!(
        first("t.gdb", "S:F:af98"),
        "line 1, column 5: 8 hexadecimal digits of a prefix, or 64 of a digest, are wanted"
    );
}

/// The lists of ClamAV's own tests, where they are at hand.
#[test]
fn published_lists_load_whole() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = folder.join("../shared/data/gpl2-clamav-unittest/other_sigs");
    if !folder.is_dir() {
        println!("skipped: there are no published lists");
        return;
    }
    for (name, count) in [("daily.pdb", 201), ("daily.wdb", 31), ("daily.gdb", 4)] {
        let bytes = std::fs::read(folder.join(name)).expect("a file that can be read");
        let mut sources = Sources::new(BuildOptions::default());
        sources.add_file(name, &bytes);
        let totals = sources.report().totals();
        assert_eq!((totals.loaded, totals.bad), (count, 0), "{:?}", sources.report());
    }
}
