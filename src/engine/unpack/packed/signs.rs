//! Whether a program looks packed, told from its first kilobyte.
//!
//! | sign | what it is |
//! | --- | --- |
//! | names of sections that only one packer writes | certain: what cannot be unpacked is not scanned |
//! | control begins in what is written to, is no code, or is in no section | a guess |
//! | code that is nowhere in the file | a guess |
//! | headers that are not in the first kilobyte | a guess |
//!
//! A guess costs the work of looking, and nothing else: where nothing comes out of it the program was seen
//! as every other one is. Absent on purpose: the names of protectors (`VMProtect`, Themida), which leave
//! code packed while it runs; there is no moment at which all of it could be looked at.

use super::headers::{CODE, EXECUTABLE, Headers, Platform, WRITABLE};
use super::upx;
use crate::engine::unpack::numbers::le32;

/// A program that may be packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Suspect {
    pub(super) format: Format,
    /// What to say when it cannot be unpacked, where that is certain.
    pub(super) packer: Option<&'static str>,
}

/// What kind of program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Windows,
    Elf,
}

impl Suspect {
    /// Of a layer that begins with `head`, in which headers usually are.
    pub(in crate::engine) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [b'M', b'Z', ..] => Self::of_windows(head),
            [0x7f, b'E', b'L', b'F', ..] => {
                let is_certain = upx::elf::is_packed(head)?;
                let packer = is_certain.then_some("program packed by UPX");
                Some(Self { format: Format::Elf, packer })
            }
            _ => None,
        }
    }

    /// Whether a packer's own marks are in it.
    pub(in crate::engine) const fn is_certain(self) -> bool {
        self.packer.is_some()
    }

    fn of_windows(head: &[u8]) -> Option<Self> {
        let guess = Self { format: Format::Windows, packer: None };
        let Some(headers) = Headers::of(head) else {
            return are_further(head).then_some(guess);
        };
        if let Some(packer) = packer(&headers) {
            return Some(Self { packer: Some(packer), ..guess });
        }
        let runs_here = headers.platform == Platform::I386;
        (runs_here && headers.entry != 0 && is_odd(&headers)).then_some(guess)
    }
}

/// Whether the headers lie behind the head.
fn are_further(head: &[u8]) -> bool {
    let Some(at) = le32(head, 0x3c) else { return false };
    let at = at as usize;
    let begins = match head.get(at..) {
        Some(rest) => b"PE\0\0".starts_with(rest.get(..4).unwrap_or(rest)),
        None => at < FURTHER_MAX,
    };
    begins && head.len() >= crate::engine::file_type::HEAD_BYTES
}

/// Whether no compiler made these headers.
fn is_odd(headers: &Headers) -> bool {
    let Some(section) = headers.section_of(headers.entry) else { return true };
    let Some(section) = headers.sections.get(section) else { return true };
    let is_code = section.has(CODE) || section.has(EXECUTABLE);
    let is_made = |section: &&super::headers::Section| {
        section.has(EXECUTABLE) && section.bytes == 0 && section.memory_bytes > 0
    };
    section.has(WRITABLE) || !is_code || headers.sections.iter().any(|it| is_made(&it))
}

/// The packer whose names the sections have.
fn packer(headers: &Headers) -> Option<&'static str> {
    let begins =
        |name: &[u8]| headers.sections.iter().any(|section| section.name.starts_with(name));
    let entry = headers.section_of(headers.entry).and_then(|at| headers.sections.get(at));
    let begins_at_entry = |name: &[u8]| entry.is_some_and(|section| section.name.starts_with(name));
    NAMES
        .iter()
        .find(|row| begins_at_entry(row.at_entry) && begins(row.other))
        .map(|row| row.packer)
}

/// Names of sections.
struct Names {
    /// Of the section where control begins.
    at_entry: &'static [u8],
    /// Of another one.
    other: &'static [u8],
    packer: &'static str,
}

const fn names(at_entry: &'static [u8], other: &'static [u8], packer: &'static str) -> Names {
    Names { at_entry, other, packer }
}

const NAMES: &[Names] = &[
    names(b"UPX1\0", b"UPX0\0", "program packed by UPX"),
    names(b".aspack\0", b".adata\0", "program packed by ASPack"),
    names(b".petite\0", b"", "program packed by PEtite"),
    names(b".nsp1\0", b".nsp0\0", "program packed by NsPack"),
    names(b"nsp1\0", b"nsp0\0", "program packed by NsPack"),
    names(b".MPRESS2", b".MPRESS1", "program packed by MPRESS"),
    names(b".WWP32\0", b"", "program packed by WWPack"),
    names(b"\x02\xd2u\xdb\x8a\x16\xeb\xd4", b"MEW\0F\x12\xd2\xc3", "program packed by MEW"),
    names(b"yC\0", b"", "program packed by yC"),
    names(b".RLPack\0", b"", "program packed by RLPack"),
    names(b"kkrunchy", b"", "program packed by kkrunchy"),
];

/// Headers are looked for up to here.
const FURTHER_MAX: usize = 64 << 10;
