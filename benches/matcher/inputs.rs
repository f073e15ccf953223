//! What is scanned, and what patterns are cut from: this machine's own libraries and texts, and bytes
//! made by a formula where there are none.

use std::path::{Path, PathBuf};

/// Pieces of shared libraries, of so many bytes in all.
pub(crate) fn executables(bytes: usize) -> Vec<u8> {
    let mut files = all("/usr/lib/x86_64-linux-gnu", 0);
    files.retain(|(size, path)| *size > 1 << 20 && path.to_string_lossy().contains(".so"));
    if files.is_empty()
        && let Ok(own) = std::env::current_exe()
    {
        files.push((1, own));
    }
    pieces(files, bytes)
}

/// Pieces of markup, documentation and source, of so many bytes in all.
pub(crate) fn texts(bytes: usize) -> Vec<u8> {
    let mut files = all("/usr/share", 0);
    let endings = ["html", "txt", "md", "xml", "py", "pl", "pm", "js", "css", "json"];
    files.retain(|(size, path)| {
        *size > 4_096
            && path.extension().is_some_and(|ending| endings.iter().any(|one| ending == *one))
    });
    if files.len() < 8 {
        return words(bytes);
    }
    pieces(files, bytes)
}

/// Sentences of made-up words with markup between them.
fn words(bytes: usize) -> Vec<u8> {
    let (mut dice, mut text) = (Dice(5), Vec::new());
    while text.len() < bytes {
        let word = (0..2 + dice.roll(8)).map(|_| b"etaoinshrdlucmfwypvbgk"[dice.roll(22)]);
        text.extend(word);
        text.extend_from_slice(
            [&b" "[..], b" ", b", ", b".\n", b" <b>", b"</b> ", b" = ", b"\">"][dice.roll(8)],
        );
    }
    text.truncate(bytes);
    text
}

/// Bytes without a pattern.
pub(crate) fn random(bytes: usize) -> Vec<u8> {
    let mut dice = Dice(99);
    (0..bytes).map(|_| dice.byte()).collect()
}

/// From the middle of each of the largest files as much as from every other.
fn pieces(mut files: Vec<(u64, PathBuf)>, bytes: usize) -> Vec<u8> {
    files.sort_by(|one, other| other.cmp(one));
    files.truncate(PIECES);
    let each = bytes / files.len().max(1) + 1;
    let mut all = Vec::new();
    for (_, path) in files {
        let file = read(&path);
        let from = file.len().saturating_sub(each) / 2;
        all.extend(file.into_iter().skip(from).take(each));
    }
    assert!(!all.is_empty(), "nothing on this machine to measure with");
    while all.len() < bytes {
        all.extend_from_within(..);
    }
    all.truncate(bytes);
    all
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_default()
}

fn all(folder: &str, depth: usize) -> Vec<(u64, PathBuf)> {
    let mut list = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match std::fs::symlink_metadata(&path) {
            Ok(facts) if facts.is_file() => list.push((facts.len(), path)),
            Ok(facts) if facts.is_dir() && depth < 6 => {
                list.extend(all(&path.to_string_lossy(), depth + 1));
            }
            Ok(_) | Err(_) => {}
        }
    }
    list
}

/// The same numbers on every machine (`SplitMix64`).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.next() % sides as u64).expect("below a usize")
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// Files that an input is made of, at most.
const PIECES: usize = 32;
