//! Sections, imports and version information of files written by code.

use md5::{Digest as _, Md5};

use super::pe_file::{
    Library, Pe, Section, import_section, importing, noise, resource_section, section, version,
};
use super::{Format, image, told};
use crate::engine::matcher::{Executable, VersionInformation};
use crate::engine::verdict::{Limit, Why};

fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A line for bytes that are a section.
fn section_line(name: &str, bytes: &[u8]) -> String {
    format!("{}:{}:{name}\n", bytes.len(), md5(bytes))
}

/// The names that are found, and why something was not looked at.
fn found(files: &[(&str, &str)], file: &[u8], size: Option<u64>) -> (Vec<String>, Option<Why>) {
    let image = image(files);
    let found = told(Format::Pe, &image, file, size).found;
    let name = |entry: &crate::engine::digest::Entry| {
        image.name(entry.name).trim_end_matches(".UNOFFICIAL").to_owned()
    };
    (found.entries.iter().map(name).collect(), found.missed)
}

fn length(file: &[u8]) -> Option<u64> {
    u64::try_from(file.len()).ok()
}

#[test]
fn sections_are_found_by_their_digest() {
    let (one, two) = (noise(1, 0x400), noise(2, 0x600));
    let pe = Pe {
        sections: vec![section(0x1000, 0x400, one.clone()), section(0x2000, 0x800, two.clone())],
        overlay: noise(3, 100),
        ..Pe::default()
    };
    let lines = [section_line("One", &one), section_line("Two", &two)].concat();
    let file = pe.write();
    for size in [None, length(&file)] {
        let all = found(&[("t.mdb", &lines)], &file, size);
        assert_eq!(all, (vec!["One".to_owned(), "Two".to_owned()], None));
    }
    let sha256 = "5:".to_owned() + &"0".repeat(64) + ":Other\n";
    assert_eq!(found(&[("t.msb", &sha256)], &file, None), (vec![], None));
}

#[test]
fn a_section_of_any_size_needs_no_size() {
    let one = noise(1, 0x400);
    let pe = Pe { sections: vec![section(0x1000, 0x400, one.clone())], ..Pe::default() };
    let line = format!("*:{}:Any:73\n", md5(&one));
    assert_eq!(found(&[("t.mdb", &line)], &pe.write(), None).0, ["Any"]);
}

#[test]
fn sections_that_overlap_or_begin_in_the_headers_are_each_found() {
    let bytes = noise(4, 0x800);
    let whole = |start, size| Section { address: 0x1000, start, size, bytes: Vec::new() };
    let pe = Pe {
        sections: vec![
            section(0x1000, 0x400, bytes.clone()),
            whole(0x600, 0x200),
            whole(0x600, 0x200),
            whole(1, 0x600),
        ],
        ..Pe::default()
    };
    let file = pe.write();
    let lines = [
        section_line("All", &bytes),
        section_line("Part", &bytes[0x200..0x400]),
        section_line("Front", &file[..0x600]),
    ];
    let mut all = found(&[("t.mdb", &lines.concat())], &file, None);
    all.0.sort_unstable();
    assert_eq!(all, (["All", "Front", "Part"].map(str::to_owned).to_vec(), None));
}

#[test]
fn a_section_that_the_end_cuts_short_is_found_or_said_to_be_missing() {
    let bytes = noise(5, 0x5f1);
    let mut pe = Pe { sections: vec![section(0x1000, 0x400, bytes.clone())], ..Pe::default() };
    pe.sections[0].bytes = bytes.clone();
    let line = section_line("Short", &bytes);
    let file = pe.write();
    let short = (vec!["Short".to_owned()], None);
    assert_eq!(found(&[("t.mdb", &line)], &file, length(&file)), short);
    // Its size is not known before the end, and the database has it.
    let missing = Some(Why::Broken("PE: ends inside a section"));
    assert_eq!(found(&[("t.mdb", &line)], &file, None), (vec![], missing));
    // The header says the size before rounding: that one is expected.
    pe.sections[0].size = 0x5f1;
    assert_eq!(found(&[("t.mdb", &line)], &pe.write(), None), short);
    let other = section_line("Other", &bytes[..0x200]);
    assert_eq!(found(&[("t.mdb", &other)], &file, None), (vec![], None));
}

#[test]
fn more_overlapping_sections_than_the_limit_are_not_clean() {
    let bytes = noise(6, 0x2000);
    let at = |index: u32| Section {
        address: 0x1000 * (index + 1),
        start: 0x400 + 0x200 * index,
        size: 0x1200,
        bytes: if index == 0 { bytes.clone() } else { Vec::new() },
    };
    let pe = |count| Pe { sections: (0..count).map(at).collect(), ..Pe::default() }.write();
    let line = "4608:00000000000000000000000000000000:Never\n";
    assert_eq!(found(&[("t.mdb", line)], &pe(8), None), (vec![], None));
    let limit = Some(Why::Limit(Limit::MaxScanState));
    assert_eq!(found(&[("t.mdb", line)], &pe(9), None), (vec![], limit));
}

/// Checks the text that stands for the imports of a file.
#[track_caller]
fn imports(pe: &Pe, text: &str) {
    let line = format!("{}:{}:List\n", md5(text.as_bytes()), text.len());
    let file = pe.write();
    for size in [None, length(&file)] {
        assert_eq!(found(&[("t.imp", &line)], &file, size), (vec!["List".to_owned()], None));
    }
}

#[test]
fn imports_are_one_text() {
    let libraries: [Library<'_>; 5] = [
        ("KERNEL32.dll", &[Ok("ExitProcess"), Err(0x1234), Ok("LoadLibraryA")]),
        ("WS2_32.DLL", &[Err(1), Err(115), Err(400)]),
        ("oleaut32.dll", &[Err(2), Err(9)]),
        ("Control.OCX", &[Ok("A")]),
        ("a.b.dll", &[Ok("Odd.Name_1")]),
    ];
    let text = "kernel32.exitprocess,kernel32.ord4660,kernel32.loadlibrarya,ws2_32.accept,\
                ws2_32.wsastartup,ws2_32.ord400,oleaut32.sysallocstring,oleaut32.variantclear,\
                control.a,a.b.dll.odd.name_1";
    for originals in [true, false] {
        for is_wide in [true, false] {
            let mut pe = importing(&libraries, is_wide, originals);
            imports(&pe, text);
            pe.sections.insert(0, section(0x8000, 0x1400, noise(7, 0x400)));
            imports(&pe, text);
        }
    }
}

#[test]
fn the_size_of_the_directory_bounds_it() {
    let libraries: [Library<'_>; 2] = [("k.dll", &[Ok("A")]), ("l.dll", &[Ok("B")])];
    let mut pe = importing(&libraries, false, true);
    for (size, text) in [(21, "k.a"), (40, "k.a"), (41, "k.a,l.b"), (60, "k.a,l.b")] {
        pe.imports = Some((0x1000, size));
        imports(&pe, text);
    }
    pe.imports = Some((0x1000, 0x7fff_ffff));
    let line = format!("{}:*:List\n", md5(b"k.a,l.b"));
    assert_eq!(found(&[("t.imp", &line)], &pe.write(), None).0, Vec::<String>::new());
}

#[test]
fn imports_out_of_reach_are_not_clean() {
    let libraries: [Library<'_>; 1] = [("k.dll", &[Ok("A")])];
    let mut bytes = import_section(0x1000, &libraries, false, true);
    // The name of the library lies in a section in front of the window.
    bytes[12..16].copy_from_slice(&0x20_0000_u32.to_le_bytes());
    let pe = Pe {
        sections: vec![section(0x20_0000, 0x400, noise(8, 0x200)), section(0x1000, 0x600, bytes)],
        imports: Some((0x1000, 40)),
        ..Pe::default()
    };
    let line = format!("{}:*:List\n", md5(b"k.a"));
    let limit = Some(Why::Limit(Limit::MaxScanState));
    assert_eq!(found(&[("t.imp", &line)], &pe.write(), None), (vec![], limit));
    assert_eq!(found(&[], &pe.write(), None), (vec![], None), "nobody asks");
}

/// The places of strings in version information, and where they became known.
fn places(file: &[u8]) -> (u64, VersionInformation) {
    let told = told(Format::Pe, &image(&[]), file, None);
    let (at, last) = told.news.last().expect("it has headers").clone();
    match last {
        Executable::Known(map) => (at, map.version_information),
        Executable::Unknown | Executable::Absent => panic!("no headers"),
    }
}

/// Where this text stands in UTF-16.
fn place_of(file: &[u8], text: &str) -> u64 {
    let wanted: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = file.windows(wanted.len()).position(|window| window == wanted);
    u64::try_from(at.expect("it is there")).expect("small")
}

fn with_resources(resources: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let bytes = resource_section(0x2000, resources);
    let pe = Pe {
        sections: vec![section(0x1000, 0x400, noise(9, 0x200)), section(0x2000, 0x600, bytes)],
        resources: Some((0x2000, 0x100)),
        overlay: noise(10, 3_000),
        ..Pe::default()
    };
    pe.write()
}

#[test]
fn strings_of_version_information_are_found() {
    let strings = version(&[("CompanyName", "Acme"), ("Empty", ""), ("Zed", "zz")]);
    let file = with_resources(&[(3, noise(11, 700)), (16, strings)]);
    let want: Box<[u64]> = ["CompanyName", "Empty", "Zed"].map(|key| place_of(&file, key)).into();
    assert_eq!(places(&file).1, VersionInformation::Known(want));
}

#[test]
fn version_information_may_lie_far_behind_its_directory() {
    let strings = version(&[("FileVersion", "1.2")]);
    let file = with_resources(&[(3, noise(12, 300_000)), (16, strings)]);
    let want = VersionInformation::Known([place_of(&file, "FileVersion")].into());
    let (at, known) = places(&file);
    assert_eq!(known, want);
    assert!(at < file.len() as u64, "it is known before the end");
}

#[test]
fn version_information_in_front_of_its_directory_is_out_of_reach() {
    let mut bytes = resource_section(0x2000, &[(16, version(&[("A", "b")]))]);
    let leaf = 16 + 8 + 24 + 24;
    bytes[leaf..leaf + 4].copy_from_slice(&0x1000_u32.to_le_bytes());
    let pe = Pe {
        sections: vec![section(0x1000, 0x400, noise(9, 0x2000)), section(0x2000, 0x2400, bytes)],
        resources: Some((0x2000, 0x100)),
        ..Pe::default()
    };
    assert_eq!(places(&pe.write()).1, VersionInformation::OutOfReach);
}

#[test]
fn a_file_without_version_information_has_none() {
    assert_eq!(places(&with_resources(&[(3, noise(13, 99))])).1, VersionInformation::none());
    assert_eq!(places(&with_resources(&[])).1, VersionInformation::none());
}
