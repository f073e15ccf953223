//! Offsets that are counted from the headers of executables.

use crate::carrier::{half, put, word};
use crate::corpus::{Random, gzip};
use crate::generator::hex;
use crate::oracle::{Batch, is_installed};

/// A small PE: headers, then sections of the given raw sizes; the entry point in section 0.
struct Pe {
    file: Vec<u8>,
    entry: usize,
    sections: Vec<(usize, usize)>,
}

fn pe(random: &mut Random) -> Pe {
    let count = random.between(1, 4);
    let mut file = vec![0; 0x400];
    put(&mut file, 0, b"MZ");
    put(&mut file, 0x3c, &word(0x80));
    put(&mut file, 0x80, b"PE\0\0\x4c\x01");
    put(&mut file, 0x86, &half(count));
    put(&mut file, 0x94, &half(224));
    put(&mut file, 0x96, &half(0x102));
    let into = random.between(0, 0x100);
    let optional = 0x98;
    put(&mut file, optional, &half(0x10b));
    put(&mut file, optional + 16, &word(0x1000 + into));
    put(&mut file, optional + 28, &word(0x40_0000));
    put(&mut file, optional + 32, &word(0x1000));
    put(&mut file, optional + 36, &word(0x200));
    put(&mut file, optional + 56, &word(0x1000 * (count + 1)));
    put(&mut file, optional + 60, &word(0x400));
    put(&mut file, optional + 92, &word(16));
    let mut sections = Vec::new();
    for index in 0..count {
        let size = 0x200 * random.between(1, 4);
        let row = optional + 224 + index * 40;
        put(&mut file, row, b".sect");
        put(&mut file, row + 8, &word(size));
        put(&mut file, row + 12, &word(0x1000 * (index + 1)));
        put(&mut file, row + 16, &word(size));
        let start = file.len();
        put(&mut file, row + 20, &word(start));
        put(&mut file, row + 36, &word(0x6000_0020));
        sections.push((start, size));
        file.extend(random.bytes(size));
    }
    Pe { entry: 0x400 + into, file, sections }
}

/// A small ELF for 64 bits: one segment over everything, sections with their table at the end.
fn elf(random: &mut Random) -> Pe {
    let mut file = vec![0; 120];
    put(&mut file, 0, b"\x7fELF\x02\x01\x01");
    put(&mut file, 16, &half(2));
    put(&mut file, 18, &half(62));
    put(&mut file, 20, &word(1));
    let into = random.between(0, 0x80);
    put(&mut file, 24, &word(0x40_0000 + 120 + into));
    put(&mut file, 32, &word(64));
    put(&mut file, 52, &half(64));
    put(&mut file, 54, &half(56));
    put(&mut file, 56, &half(1));
    put(&mut file, 58, &half(64));
    let count = random.between(1, 4);
    put(&mut file, 60, &half(count));
    put(&mut file, 64, &word(1));
    put(&mut file, 68, &word(5));
    put(&mut file, 64 + 16, &word(0x40_0000));
    put(&mut file, 64 + 24, &word(0x40_0000));
    put(&mut file, 64 + 48, &word(0x1000));
    let mut sections = Vec::new();
    for _ in 0..count {
        let size = random.between(0x90, 0x300);
        sections.push((file.len(), size));
        file.extend(random.bytes(size));
    }
    let table = file.len();
    put(&mut file, 40, &word(table));
    put(&mut file, 64 + 32, &word(table));
    put(&mut file, 64 + 40, &word(table));
    for &(start, size) in &sections {
        let mut row = [0; 64];
        put(&mut row, 4, &word(1));
        put(&mut row, 16, &word(0x40_0000 + start));
        put(&mut row, 24, &word(start));
        put(&mut row, 32, &word(size));
        file.extend_from_slice(&row);
    }
    Pe { entry: 120 + into, file, sections }
}

#[test]
fn offsets_from_entry_point_and_sections() {
    if !is_installed() {
        return;
    }
    let mut random = Random::new(0x5eed_0005);
    let mut batch = Batch::new();
    let mut lines = String::new();
    for number in 0..300 {
        let is_pe = random.one_in(2);
        let made = if is_pe { pe(&mut random) } else { elf(&mut random) };
        let section = random.between(0, made.sections.len() - 1);
        let (start, size) = made.sections[section];
        let (last, last_size) = made.sections[made.sections.len() - 1];
        let near =
            |random: &mut Random, place: usize| (place + random.between(0, 2)).saturating_sub(1);
        let shift = random.between(0, 30);
        let (at, offset) = match random.between(0, 8) {
            0 => {
                let plus = random.between(0, 20);
                (near(&mut random, made.entry + plus), format!("EP+{plus}"))
            }
            1 => {
                let minus = random.between(1, 20);
                (near(&mut random, made.entry - minus), format!("EP-{minus}"))
            }
            2 => (near(&mut random, made.entry + 5 + shift), format!("EP+5,{shift}")),
            3 => {
                let plus = random.between(1, 60);
                (near(&mut random, start + plus), format!("S{section}+{plus}"))
            }
            4 => (near(&mut random, last + 9 + shift), format!("SL+9,{shift}")),
            5 => (near(&mut random, last + 1), "SL+0".to_owned()),
            6 => (near(&mut random, start + 1), format!("SE{section}")),
            7 => (
                near(&mut random, (start + size).min(made.file.len() - 12)),
                format!("SE{section}"),
            ),
            _ => (near(&mut random, start + 40), format!("S{}+40", section + random.between(0, 1))),
        };
        let at = at.min(last + last_size - 12);
        let mark = random.bytes(10);
        let mut file = made.file;
        file[at..at + 10].copy_from_slice(&mark);
        let target = if is_pe { 1 } else { 6 };
        lines.push_str(&format!("X{number}:{target}:{offset}:{}\n", hex(&mark)));
        if random.one_in(3) {
            batch.add_file(&format!("{number}.gz"), &gzip(&file));
        }
        batch.add_file(&format!("{number}"), &file);
    }
    batch.add_database("executables.ndb", lines.as_bytes());
    let shared = batch.compare("executables");
    assert!(shared > 80, "only {shared} findings");
}
