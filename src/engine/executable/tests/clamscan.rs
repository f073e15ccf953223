//! The same files asked of clamscan 1.4, where it is installed.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::Arc;

use super::pe_file::{Library, Pe, Section, importing, noise, resource_section, section, version};
use super::{Format, image, told};
use crate::engine::limits::Limits;
use crate::engine::matcher::{Executable, VersionInformation};
use crate::engine::{Engine, Object};

/// What clamscan says in its log about one file: the lines that follow this mark.
fn ask(folder: &tempfile::TempDir, database: (&str, &str), mark: &str, file: &[u8]) -> Vec<String> {
    let place = |name: &str| folder.path().join(name);
    let (name, lines) = database;
    fs::write(place(name), lines).expect("a writable folder");
    fs::write(place("sample.exe"), file).expect("a writable folder");
    let output = Command::new("clamscan")
        .args(["--debug", "--allmatch", "--no-summary", "-d"])
        .args([place(name), place("sample.exe")])
        .output()
        .expect("clamscan answered before");
    fs::remove_file(place(name)).expect("it was just written");
    let texts = [String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout)];
    let lines = texts.iter().flat_map(|text| text.lines());
    lines.filter_map(|line| line.split_once(mark)).map(|(_, rest)| rest.to_owned()).collect()
}

fn is_installed() -> bool {
    let version = Command::new("clamscan").arg("--version").output();
    let is_installed = version.is_ok_and(|output| output.stdout.starts_with(b"ClamAV 1.4."));
    if !is_installed {
        println!("skipped: clamscan 1.4 is not installed");
    }
    is_installed
}

/// Files whose sections lie in every way.
fn files() -> Vec<Vec<u8>> {
    let plain = section(0x1000, 0x400, noise(1, 0x600));
    let at = |start, size, length| {
        let bytes = noise(start, length);
        vec![
            Section { address: 0x1000, start, size, bytes },
            section(0x8000, 0x2000, noise(2, 700)),
        ]
    };
    let mut all = vec![vec![plain]];
    for (start, size, length) in [
        (0x400, 0x1f1, 0x700),
        (0x400, 0x400, 0x123),
        (0x4f0, 0x200, 0x700),
        (1, 0x600, 0),
        (0x400, 0x3000, 0x2300),
    ] {
        all.push(at(start, size, length));
    }
    let mut files: Vec<Vec<u8>> = Vec::new();
    for sections in all {
        for is_wide in [false, true] {
            files.push(Pe { is_wide, sections: sections.clone(), ..Pe::default() }.write());
        }
    }
    // The alignment of the first file, in every way.
    for alignment in [0_u32, 0x20, 0x300, 0x800, 0x1000] {
        let mut file = files[2].clone();
        file[0x98 + 36..0x98 + 40].copy_from_slice(&alignment.to_le_bytes());
        files.push(file);
    }
    files
}

#[test]
fn clamscan_hashes_the_same_sections() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let any = "*:00000000000000000000000000000000:Any:73\n";
    let mut count = 0;
    for file in files() {
        // It writes size and digest of each section into its log.
        let theirs = ask(&folder, ("t.mdb", any), "MDB hashset: ", &file);
        let lines: String = (0..)
            .zip(&theirs)
            .map(|(index, line): (u32, _)| format!("{line}:S{index}\n"))
            .collect();
        let image = image(&[("t.mdb", &lines)]);
        let found = told(Format::Pe, &image, &file, u64::try_from(file.len()).ok()).found;
        assert_eq!(found.entries.len(), theirs.len(), "{theirs:?} {found:?}");
        count += theirs.len();
    }
    assert!(count > 20, "only {count} sections");
}

#[test]
fn clamscan_makes_the_same_text_of_imports() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let any = "00000000000000000000000000000000:*:Any:73\n";
    let long = "L".repeat(300);
    let all: [&[Library<'_>]; 6] = [
        &[("KERNEL32.dll", &[Ok("ExitProcess"), Ok("Sleep")]), ("USER32.DLL", &[Ok("Beep")])],
        &[("Foo.OCX", &[Ok("A")]), ("x.sys", &[Ok("B")]), ("y.exe", &[Ok("C")]), ("n", &[Ok("D")])],
        &[("a.b.dll", &[Ok("A")]), (".dll", &[Ok("B")]), ("k.dll", &[]), ("l.dll", &[Ok("")])],
        &[("ws2_32.dll", &[Err(3), Err(23), Err(499)]), ("WSOCK32.dll", &[Err(57), Err(1_142)])],
        &[("OLEAUT32.dll", &[Err(2), Err(161), Err(999)]), ("k.dll", &[Err(7)])],
        &[("k.dll", &[Ok(&long)])],
    ];
    for libraries in all {
        for originals in [true, false] {
            let file = importing(libraries, false, originals).write();
            let theirs = ask(&folder, ("t.imp", any), "IMP: ", &file);
            let line = theirs.first().map_or_else(String::new, |line| format!("{line}:List\n"));
            let found = told(Format::Pe, &image(&[("t.imp", &line)]), &file, None).found;
            assert_eq!(found.entries.len(), 1, "{libraries:?}: {theirs:?} {found:?}");
        }
    }
}

#[test]
fn clamscan_sees_version_information_at_the_same_places() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let one =
        version(&[("CompanyName", "Acme Corp"), ("FileDescription", "A thing"), ("Zed", "z")]);
    let other = version(&[("ProductName", "Other"), ("Zed", "1, 2, 3")]);
    for resources in [vec![(16, one)], vec![(3, noise(3, 5_000)), (16, other)]] {
        let bytes = resource_section(0x2000, &resources);
        let size = u32::try_from(bytes.len()).expect("small");
        let sections = vec![section(0x1000, 0x400, noise(1, 0x200)), section(0x2000, 0x600, bytes)];
        let resources = Some((0x2000, size));
        let file = Pe { sections, resources, ..Pe::default() }.write();
        let told = told(Format::Pe, &image(&[]), &file, None);
        let Some((_, Executable::Known(map))) = told.news.last() else { panic!("{told:?}") };
        let VersionInformation::Known(places) = &map.version_information else {
            panic!("{told:?}")
        };
        assert!(places.len() >= 2, "{places:?}");
        // A pattern for each even place of the section: those at a key match, and no others.
        let mut lines = String::new();
        let mut wanted = Vec::new();
        for at in (0x600..file.len() - 16).step_by(2) {
            let bytes = &file[at..at + 12];
            let is_once = file.windows(12).filter(|window| *window == bytes).count() == 1;
            if !is_once {
                continue;
            }
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            lines.push_str(&format!("V{at}:1:VI:{hex}\n"));
            if places.contains(&u64::try_from(at).expect("small")) {
                wanted.push(at);
            }
        }
        let mut theirs: Vec<usize> = ask(&folder, ("t.ndb", &lines), ": V", &file)
            .iter()
            .filter_map(|line| line.strip_suffix(".UNOFFICIAL FOUND")?.parse().ok())
            .collect();
        theirs.sort_unstable();
        assert_eq!(theirs, wanted);
        assert!(wanted.len() >= 2, "{wanted:?}");
    }
}

/// The names of the detections in a file that comes in pieces of so many bytes.
fn detected(engine: &Arc<Engine>, file: &[u8], piece_bytes: usize) -> BTreeSet<String> {
    let mut scan = engine.start_all(Object::default());
    for mut piece in file.chunks(piece_bytes) {
        while !piece.is_empty() {
            piece = &piece[scan.feed(piece).consumed..];
        }
    }
    let (_, found) = scan.finish_all();
    found.iter().map(|one| one.name.replace(".UNOFFICIAL", "")).collect()
}

/// Patterns at, before and behind the keys of a file: each way of writing one.
fn version_patterns(file: &[u8], keys: &[u64]) -> Vec<(&'static str, String)> {
    let mut patterns = Vec::new();
    for key in keys {
        let key = usize::try_from(*key).expect("small");
        for from in [key - 4, key - 1, key, key + 2] {
            let hex = |at: usize, length: usize| -> String {
                file[at..at + length].iter().map(|byte| format!("{byte:02x}")).collect()
            };
            let (front, back) = (hex(from, 8), hex(from + 12, 6));
            for offset in ["VI", "VI,4", "VI,100"] {
                patterns.push((offset, hex(from, 14)));
            }
            patterns.push(("VI", format!("{front}{{4}}{back}")));
            patterns.push(("VI", format!("??{}", hex(from + 1, 11))));
            patterns.push(("VI", format!("{{4}}{}", hex(from + 4, 10))));
            patterns.push(("VI", format!("({front}|00){}", hex(from + 8, 4))));
            patterns.push(("VI", format!("{}[2-6]{back}", hex(from, 1))));
        }
    }
    patterns
}

#[test]
fn clamscan_finds_the_same_patterns_in_version_information() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let long = "x".repeat(30);
    // The last string fills its words: else clamscan does not see it.
    let strings =
        version(&[("CompanyName", "Acme Corp"), ("Comments", &long), ("InternalName", "tool.ex")]);
    let bytes = resource_section(0x2000, &[(3, noise(3, 5_000)), (16, strings)]);
    let size = u32::try_from(bytes.len()).expect("small");
    // The same patterns stand in front of the resources, and behind them.
    let before = [&bytes[5_000..], &noise(5, 300)[..]].concat();
    let start = 0x400 + u32::try_from(before.len().next_multiple_of(0x200)).expect("small");
    let sections = vec![section(0x1000, 0x400, before), section(0x2000, start, bytes.clone())];
    let resources = Some((0x2000, size));
    let pe = Pe { sections, resources, overlay: bytes[5_000..].to_vec(), ..Pe::default() };
    let file = pe.write();
    let told = told(Format::Pe, &image(&[]), &file, None);
    let Some((_, Executable::Known(map))) = told.news.last() else { panic!("{told:?}") };
    let VersionInformation::Known(keys) = &map.version_information else { panic!("{told:?}") };
    let lines: String = version_patterns(&file, keys)
        .iter()
        .enumerate()
        .map(|(number, (offset, pattern))| format!("V{number}:1:{offset}:{pattern}\n"))
        .collect();
    let theirs: BTreeSet<String> = ask(&folder, ("t.ndb", &lines), "sample.exe: ", &file)
        .iter()
        .filter_map(|line| Some(line.strip_suffix(".UNOFFICIAL FOUND")?.to_owned()))
        .collect();
    let engine = Arc::new(Engine::new(image(&[("t.ndb", &lines)]), Limits::default()));
    for piece_bytes in [1, 63, 4_096, file.len()] {
        let ours = detected(&engine, &file, piece_bytes);
        let differ: Vec<&String> = ours.symmetric_difference(&theirs).collect();
        let written =
            |name: &&String| lines.lines().find(|line| line.starts_with(&format!("{name}:")));
        let differ: Vec<_> =
            differ.iter().map(|name| (theirs.contains(*name), written(name))).collect();
        assert!(differ.is_empty(), "{piece_bytes}: {differ:#?}");
    }
    assert!(theirs.len() >= 20, "{theirs:?}");
}

/// clamscan finds no pattern of several parts there.
#[test]
fn patterns_of_several_parts_are_found_in_version_information() {
    let strings = version(&[("CompanyName", "Acme"), ("FileVersion", "1, 2"), ("Zed", "z")]);
    let bytes = resource_section(0x2000, &[(16, strings)]);
    let sections = vec![section(0x1000, 0x400, noise(1, 0x200)), section(0x2000, 0x600, bytes)];
    let file = Pe { sections, resources: Some((0x2000, 0x100)), ..Pe::default() }.write();
    let wide = |text: &str| -> String {
        text.encode_utf16().map(|unit| format!("{:04x}", unit.swap_bytes())).collect()
    };
    let (company, file_version) = (wide("CompanyName"), wide("FileVersion"));
    let lines = [
        format!("A:1:VI:{company}*{}\n", wide("Acme")),
        format!("B:1:VI:{file_version}{{2-9}}{}\n", wide("1, 2")),
        format!("C:1:VI:{}*{}\n", wide("ompanyName"), wide("Acme")),
        format!("D:1:VI:{}{{2-9}}{}\n", wide("Acme"), wide("F")),
        format!("E:6:VI:{company}\n"),
    ];
    let engine = Arc::new(Engine::new(image(&[("t.ndb", &lines.concat())]), Limits::default()));
    for piece_bytes in [1, 63, file.len()] {
        let found = detected(&engine, &file, piece_bytes);
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), ["A", "B"]);
    }
}
