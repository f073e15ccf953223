//! Published sets: what of them loads, and that staging changes nothing on files made from them.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use boreal_parser::hex_string::{Mask, Token};
use boreal_parser::rule::VariableDeclarationValue;

use super::super::split::{Item, split};
use super::{Rules, engine, found, found_plain, image, plain};
use crate::engine::limits::Limits;

/// The files of a set, in the order of their names.
fn set(folder: &str, archive: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let named = std::env::var_os("BALEEN_TEST_DATA").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let deeper = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let places = [named.unwrap_or_else(beside), deeper()];
    let path = places.into_iter().map(|place| place.join(folder).join(archive));
    let Some(file) = path.filter_map(|path| std::fs::File::open(path).ok()).next() else {
        println!("skipped: {folder}/{archive} is not there (set BALEEN_TEST_DATA)");
        return None;
    };
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut files = Vec::new();
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let name = entry.path().expect("a path").to_string_lossy().into_owned();
        if name.ends_with(".yar") || name.ends_with(".yara") {
            let mut text = Vec::new();
            entry.read_to_end(&mut text).expect("its bytes");
            files.push((name, text));
        }
    }
    files.sort();
    Some(files)
}

fn borrowed(files: &[(String, Vec<u8>)]) -> Vec<Rules<'_>> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_slice())).collect()
}

#[test]
fn the_published_sets_load() {
    // Folder, archive, loaded, with variables, with modules, bad.
    let rows = [
        ("bartblaze", "bartblaze-yara.tar.gz", [134_u64, 0, 0, 0]),
        ("gcti", "gcti-yara.tar.gz", [91, 0, 0, 0]),
        ("atr", "atr-yara.tar.gz", [167, 0, 0, 0]),
        // Its files include each other.
        ("binaryalert", "binaryalert-yara.tar.gz", [79, 0, 0, 11]),
        ("signature-base", "signature-base-yara.tar.gz", [4_928, 576, 0, 0]),
    ];
    let mut differences = Vec::new();
    for (folder, archive, wanted) in rows {
        let Some(files) = set(folder, archive) else { continue };
        let mut collection = super::super::collection::Collection::default();
        let mut counts = [0_u64; 4];
        let mut bad = Vec::new();
        for (name, text) in &files {
            use super::super::read::Fate;
            for fate in collection.add_file(name, text, &|_, _| false) {
                let index = match &fate {
                    Fate::Loaded | Fate::Ignored => 0,
                    Fate::Variable => 1,
                    Fate::Module => 2,
                    Fate::Bad { .. } => 3,
                };
                counts[index] += 1;
                if index == 3 {
                    bad.push(format!("{name}: {fate:?}"));
                }
            }
        }
        println!("{folder}: {counts:?} {:?} {bad:#?}", collection.counts());
        if counts != wanted {
            differences.push(format!("{folder}: {counts:?}, not {wanted:?}"));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

/// The strings of a rule, one after the other.
fn planted(text: &str) -> Vec<u8> {
    let Ok(file) = boreal_parser::parse(text) else { return Vec::new() };
    let mut bytes = Vec::new();
    for component in file.components {
        let boreal_parser::file::YaraFileComponent::Rule(rule) = component else { continue };
        for string in rule.variables {
            match string.value {
                VariableDeclarationValue::Bytes(text) if string.modifiers.wide => {
                    bytes.extend(text.iter().flat_map(|byte| [*byte, 0]));
                }
                VariableDeclarationValue::Bytes(text) => bytes.extend(text),
                VariableDeclarationValue::HexString(tokens) => hex(&tokens, &mut bytes),
                VariableDeclarationValue::Regex(_) => {}
            }
            bytes.extend_from_slice(b" \0 ");
        }
    }
    bytes
}

fn hex(tokens: &[Token], bytes: &mut Vec<u8>) {
    for token in tokens {
        match token {
            Token::Byte(byte) => bytes.push(*byte),
            Token::NotByte(byte) | Token::NotMaskedByte(byte, _) => bytes.push(!byte),
            Token::MaskedByte(byte, Mask::Left) => bytes.push(byte & 0x0f),
            Token::MaskedByte(byte, Mask::Right) => bytes.push(byte << 4),
            Token::MaskedByte(_, Mask::All) => bytes.push(0x55),
            Token::Jump(jump) => bytes.extend(vec![0x66; jump.from.min(500) as usize]),
            Token::Alternatives(all) => hex(&all[0], bytes),
        }
    }
}

/// Files with the strings of each n-th rule, behind heads of several kinds.
fn compare(files: &[Rules<'_>], every: usize) -> usize {
    let engine = engine(files, Limits::default());
    let plain = plain(files);
    let rules = files.iter().flat_map(|(_, text)| {
        split(text).into_iter().filter_map(|item| match item {
            Item::Rule(range) => Some(String::from_utf8_lossy(&text[range]).into_owned()),
            Item::Import(..) | Item::Include(_) | Item::Other(_) => None,
        })
    });
    let heads: [&[u8]; 4] = [b"MZ\x90\0\x03\0\0\0", b"", b"\x7fELF\x02\x01\x01\0", b"<?php "];
    let mut hits = BTreeSet::new();
    for (index, text) in rules.enumerate().filter(|(index, _)| index % every == 0) {
        let mut bytes = heads[(index / every) % heads.len()].to_vec();
        bytes.extend(planted(&text));
        bytes.extend_from_slice(b"the end of it");
        let wanted = found_plain(&plain, &bytes);
        assert_eq!(found(&engine, &bytes), wanted, "strings of {text}");
        hits.extend(wanted);
    }
    hits.len()
}

#[test]
fn small_sets_find_the_same_staged_and_alone() {
    let mut files = Vec::new();
    for folder in ["bartblaze", "gcti", "atr", "binaryalert"] {
        let Some(more) = set(folder, &format!("{folder}-yara.tar.gz")) else { return };
        files.extend(more);
    }
    let hits = compare(&borrowed(&files), 1);
    println!("{hits} rules were found");
    assert!(hits >= 150, "{hits}");
}

#[test]
fn the_large_set_finds_the_same_staged_and_alone() {
    let Some(files) = set("signature-base", "signature-base-yara.tar.gz") else { return };
    let files = borrowed(&files);
    let (image, _) = image(&files);
    println!("{:?}, {} patterns", image.facts().rules, image.pattern_count());
    let hits = compare(&files, 40);
    println!("{hits} rules were found");
    assert!(hits >= 50, "{hits}");
}
