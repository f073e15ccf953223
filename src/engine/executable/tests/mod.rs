//! Headers built by hand, whole and byte by byte.
#![expect(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod clamscan;
mod parts;
mod pe_file;

use std::sync::Arc;

use super::{Format, Found, Inspector};
use crate::engine::database::{BuildOptions, Image, Sources, build};
use crate::engine::matcher::{
    Executable, ExecutableMap, GramCounts, RawSection, VersionInformation, compile,
};

/// An image of signature files, each a name and its lines.
fn image(files: &[(&str, &str)]) -> Arc<Image> {
    let mut sources = Sources::new(BuildOptions::default());
    for (name, lines) in files {
        sources.add_file(name, lines.as_bytes());
    }
    let totals = sources.report().totals();
    assert_eq!((totals.bad, totals.unsupported_count()), (0, 0), "{:?}", sources.report());
    let built = build(sources, &|bodies| compile(bodies, &GramCounts::new()), &mut |_| {});
    Arc::new(Image::open(Arc::new(built.image)).expect("just built"))
}

/// Every piece of news with its place, and all that was found.
#[derive(Debug, Default)]
struct Told {
    news: Vec<(u64, Executable)>,
    found: Found,
}

fn tell(
    format: Format,
    image: &Arc<Image>,
    file: &[u8],
    size: Option<u64>,
    piece_bytes: usize,
) -> Told {
    let mut inspector = Inspector::new(format, size, Arc::clone(image));
    let mut told = Told::default();
    let mut at = 0;
    for mut piece in file.chunks(piece_bytes.min(file.len().max(1))) {
        while !piece.is_empty() {
            let (taken, news) = inspector.feed(piece);
            at += u64::try_from(taken).expect("small");
            piece = &piece[taken..];
            told.news.extend(news.map(|news| (at, news)));
        }
    }
    let news = inspector.finish(at);
    told.news.extend(news.map(|news| (at, news)));
    told.found = inspector.take_found();
    told
}

/// What is told of a file, the same for every cut.
fn told(format: Format, image: &Arc<Image>, file: &[u8], size: Option<u64>) -> Told {
    let whole = tell(format, image, file, size, usize::MAX);
    for piece_bytes in [1, 5, 512, 4_096] {
        let cut = tell(format, image, file, size, piece_bytes);
        assert_eq!(format!("{cut:?}"), format!("{whole:?}"), "in pieces of {piece_bytes}");
    }
    whole
}

/// What is known after `file`, and after how many bytes of it.
fn read(format: Format, file: &[u8]) -> (u64, Executable) {
    told(format, &image(&[]), file, None).news.remove(0)
}

fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

/// A file of 4 KiB with its PE header at `at`.
fn pe(at: usize, entry: u32, sections: &[(u32, u32, u32)]) -> Vec<u8> {
    let mut file = vec![0; 4_096.max(at + 2_048)];
    put(&mut file, 0, b"MZ");
    put(&mut file, 0x3c, &u32::try_from(at).expect("small").to_le_bytes());
    put(&mut file, at, b"PE\0\0\x4c\x01");
    put(&mut file, at + 6, &u16::try_from(sections.len()).expect("few").to_le_bytes());
    put(&mut file, at + 20, &224_u16.to_le_bytes());
    let optional = at + 24;
    put(&mut file, optional, &0x10b_u16.to_le_bytes());
    put(&mut file, optional + 16, &entry.to_le_bytes());
    put(&mut file, optional + 32, &0x1000_u32.to_le_bytes());
    put(&mut file, optional + 36, &0x200_u32.to_le_bytes());
    put(&mut file, optional + 60, &0x400_u32.to_le_bytes());
    for (index, (address, size, start)) in sections.iter().enumerate() {
        let row = optional + 224 + index * 40;
        put(&mut file, row + 12, &address.to_le_bytes());
        put(&mut file, row + 16, &size.to_le_bytes());
        put(&mut file, row + 20, &start.to_le_bytes());
    }
    file
}

fn known(entry_point: Option<u64>, sections: &[(u64, u64)]) -> Executable {
    let sections = sections.iter().map(|&(start, size)| RawSection { start, size }).collect();
    Executable::Known(ExecutableMap {
        entry_point,
        sections,
        version_information: VersionInformation::none(),
    })
}

#[test]
fn a_pe_is_known_after_its_section_table_and_not_earlier() {
    let file = pe(64, 0x1010, &[(0x1000, 0x200, 0x400), (0x2000, 0x200, 0x600)]);
    let wanted = known(Some(0x410), &[(0x400, 0x200), (0x600, 0x200)]);
    assert_eq!(read(Format::Pe, &file), (64 + 24 + 224 + 80, wanted));
}

#[test]
fn places_of_sections_are_rounded_to_the_file_alignment() {
    let place = |alignment: u32, size: u32, start: u32| {
        let mut file = pe(64, 0x80, &[(0x1000, size, start)]);
        put(&mut file, 64 + 24 + 36, &alignment.to_le_bytes());
        match read(Format::Pe, &file).1 {
            Executable::Known(map) => (map.sections[0].start, map.sections[0].size),
            Executable::Unknown | Executable::Absent => panic!("{alignment} {size} {start}"),
        }
    };
    assert_eq!(place(0x200, 0x1f1, 0x4f0), (0x400, 0x200));
    assert_eq!(place(0x20, 0x1f1, 0x420), (0x420, 0x200));
    assert_eq!(place(0x1000, 0x200, 0x700), (0, 0x1000));
    // Of a section that begins at 0x600 an alignment of 4 KiB cannot be true.
    assert_eq!(place(0x1000, 0x200, 0x600), (0x600, 0x200));
    assert_eq!(place(0, 0x1f1, 0x4f0), (0x4f0, 0x1f1));
    assert_eq!(place(0x300, 0x250, 0x600), (0x600, 0x300));
}

#[test]
fn a_pe_with_a_huge_value_in_its_table_has_no_headers() {
    for at in [8, 12, 16, 20] {
        let mut file = pe(64, 0x80, &[(0x1000, 0x200, 0x400)]);
        put(&mut file, 64 + 24 + 224 + at, &0x8000_0000_u32.to_le_bytes());
        assert_eq!(read(Format::Pe, &file).1, Executable::Absent, "{at}");
    }
}

#[test]
fn raw_pointers_of_a_pe_are_rounded_as_the_loader_rounds() {
    let file = pe(64, 0x1040, &[(0x1000, 0x1f1, 1)]);
    assert_eq!(read(Format::Pe, &file).1, known(Some(0x40), &[(0, 0x200)]));
}

#[test]
fn an_entry_point_in_the_headers_is_a_place_in_the_file() {
    let file = pe(64, 0x80, &[(0x1000, 0x200, 0x400)]);
    assert_eq!(read(Format::Pe, &file).1, known(Some(0x80), &[(0x400, 0x200)]));
    let file = pe(64, 0x9000, &[(0x1000, 0x200, 0x400)]);
    assert_eq!(read(Format::Pe, &file).1, known(None, &[(0x400, 0x200)]));
}

#[test]
fn a_pe_header_may_overlap_the_dos_header_or_lie_far_behind() {
    for at in [1_000, 9_000] {
        let file = pe(at, 0x1000, &[(0x1000, 0x200, 0x400)]);
        assert_eq!(read(Format::Pe, &file).1, known(Some(0x400), &[(0x400, 0x200)]), "{at}");
    }
    // The header at 4: its optional header's alignments cover the pointer to it at 0x3c.
    let mut file = pe(4, 0x1000, &[(0x1000, 0x200, 0x400)]);
    put(&mut file, 0x3c, &4_u32.to_le_bytes());
    assert!(matches!(read(Format::Pe, &file).1, Executable::Known(_)));
}

#[test]
fn what_only_begins_like_an_executable_has_no_headers() {
    let mut file = vec![0; 4_096];
    put(&mut file, 0, b"MZ");
    assert_eq!(read(Format::Pe, &file).1, Executable::Absent);
    put(&mut file, 0x3c, &[0x80]);
    assert_eq!(read(Format::Pe, &file).1, Executable::Absent);
    assert_eq!(read(Format::Pe, &pe(64, 0, &[])).1, Executable::Absent);
    let none = [0; 200];
    assert_eq!(read(Format::Elf, &none).1, Executable::Absent);
    assert_eq!(read(Format::MachO, &none).1, Executable::Absent);
    assert_eq!(read(Format::Pe, b"MZ"), (2, Executable::Absent), "at its end");
}

#[test]
fn a_table_longer_than_any_linker_writes_is_not_kept() {
    let mut file = elf(true, 64, 0x40_0000);
    put(&mut file, 0x3a, &0xffff_u16.to_le_bytes());
    put(&mut file, 0x3c, &2_000_u16.to_le_bytes());
    assert_eq!(read(Format::Elf, &file).1, Executable::Absent);
}

/// One segment at address 0x400000 from offset 0, and two sections with their table at 0x800.
fn elf(is_wide: bool, segments_at: u64, entry: u64) -> Vec<u8> {
    let mut file = vec![0; 4_096];
    put(&mut file, 0, b"\x7fELF");
    file[4] = if is_wide { 2 } else { 1 };
    file[5] = 1;
    let word = |value: u64| value.to_le_bytes()[..if is_wide { 8 } else { 4 }].to_vec();
    let at = |wide: usize, narrow: usize| if is_wide { wide } else { narrow };
    put(&mut file, 0x18, &word(entry));
    put(&mut file, at(0x20, 0x1c), &word(segments_at));
    put(&mut file, at(0x28, 0x20), &word(0x800));
    let tail = at(0x34, 0x28);
    let (segment_bytes, section_bytes) = (at(56, 32), at(64, 40));
    let half = |value: usize| u16::try_from(value).expect("small").to_le_bytes();
    put(&mut file, tail + 2, &half(segment_bytes));
    put(&mut file, tail + 4, &half(1));
    put(&mut file, tail + 6, &half(section_bytes));
    put(&mut file, tail + 8, &half(2));
    let segment = usize::try_from(segments_at).expect("small");
    put(&mut file, segment, &[1]);
    put(&mut file, segment + at(0x10, 0x08), &word(0x40_0000));
    put(&mut file, segment + at(0x28, 0x14), &word(0x1000));
    for (index, (start, size)) in [(0, 0), (0x200, 0x30)].into_iter().enumerate() {
        let row = 0x800 + index * section_bytes;
        put(&mut file, row + at(0x18, 0x10), &word(start));
        put(&mut file, row + at(0x20, 0x14), &word(size));
    }
    file
}

#[test]
fn both_classes_of_elf_are_read_with_their_tables_in_either_order() {
    for is_wide in [true, false] {
        for segments_at in [64, 0x900] {
            let file = elf(is_wide, segments_at, 0x40_0123);
            let wanted = known(Some(0x123), &[(0, 0), (0x200, 0x30)]);
            assert_eq!(read(Format::Elf, &file).1, wanted, "{is_wide} {segments_at}");
        }
    }
}

#[test]
fn an_elf_whose_entry_is_in_no_segment_has_sections_all_the_same() {
    let file = elf(true, 64, 0x10);
    assert_eq!(read(Format::Elf, &file).1, known(None, &[(0, 0), (0x200, 0x30)]));
}

#[test]
fn a_mach_o_gives_its_sections_and_its_main() {
    let mut file = vec![0; 1_024];
    put(&mut file, 0, b"\xcf\xfa\xed\xfe");
    put(&mut file, 4, &0x0100_0007_u32.to_le_bytes());
    put(&mut file, 16, &2_u32.to_le_bytes());
    put(&mut file, 20, &(152_u32 + 24).to_le_bytes());
    let segment = 32;
    put(&mut file, segment, &0x19_u32.to_le_bytes());
    put(&mut file, segment + 4, &152_u32.to_le_bytes());
    put(&mut file, segment + 64, &1_u32.to_le_bytes());
    let section = segment + 72;
    put(&mut file, section + 32, &0x1000_u64.to_le_bytes());
    put(&mut file, section + 40, &0x80_u64.to_le_bytes());
    put(&mut file, section + 48, &0x180_u32.to_le_bytes());
    let main = segment + 152;
    put(&mut file, main, &0x8000_0028_u32.to_le_bytes());
    put(&mut file, main + 4, &24_u32.to_le_bytes());
    put(&mut file, main + 8, &0x190_u64.to_le_bytes());
    let wanted = known(Some(0x190), &[(0x180, 0x80)]);
    assert_eq!(read(Format::MachO, &file), (32 + 176, wanted));
    // The same with a thread instead: its program counter is an address.
    put(&mut file, main, &0x5_u32.to_le_bytes());
    put(&mut file, 20, &(152_u32 + 16 + 21 * 8).to_le_bytes());
    put(&mut file, main + 4, &(16_u32 + 21 * 8).to_le_bytes());
    put(&mut file, main + 16 + 16 * 8, &0x1024_u64.to_le_bytes());
    assert_eq!(read(Format::MachO, &file).1, known(Some(0x1a4), &[(0x180, 0x80)]));
}

#[test]
fn no_noise_in_a_header_makes_a_reader_fail() {
    let mut seed = 3_u64;
    let good = [
        (Format::Pe, pe(64, 0x1010, &[(0x1000, 0x200, 0x400)])),
        (Format::Elf, elf(true, 64, 0x40_0000)),
        (Format::Elf, elf(false, 0x900, 0x40_0000)),
    ];
    for round in 0..600 {
        let (format, mut file) = good[round % good.len()].clone();
        for _ in 0..3 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let [place, low, value, ..] = seed.to_be_bytes();
            file[usize::from(place) + usize::from(low & 1) * 256] = value;
        }
        read(format, &file);
    }
}
