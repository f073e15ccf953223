//! What bodies are made of.
//!
//! Generated from a seed: random bytes, text, something shaped like a program, zeros, or a file.
//! EICAR, the harmless test string that every scanner calls infected, is put together here from
//! two halves, so that no scanner stops at our source or our binary. Absent on purpose: archives
//! (give one as a file) and live malware.

use std::path::PathBuf;

use crate::random::Random;

/// A kind of body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Noise: incompressible, no file type.
    Random,
    /// English-like words in HTML.
    Text,
    /// A PE head, then bytes distributed as in machine code.
    Executable,
    /// An ELF head, then the same.
    Elf,
    /// Zeros behind the stamp.
    Zeros,
    /// The bytes of this file; the size on the command line does not matter.
    File(PathBuf),
}

impl Kind {
    /// Reads the name of a kind.
    ///
    /// # Errors
    ///
    /// A sentence for the person who typed it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "random" => Ok(Self::Random),
            "text" => Ok(Self::Text),
            "executable" => Ok(Self::Executable),
            "elf" => Ok(Self::Elf),
            "zeros" => Ok(Self::Zeros),
            other => match other.strip_prefix("file:") {
                Some(path) if !path.is_empty() => Ok(Self::File(path.into())),
                Some(_) | None => Err(format!(
                    "'{other}' is no kind of body: use random, text, executable, elf, zeros or \
                     file:PATH"
                )),
            },
        }
    }

    /// The media type that the HTTP head claims.
    pub(crate) const fn media_type(&self) -> &'static str {
        match self {
            Self::Text => "text/html",
            Self::Random | Self::Executable | Self::Elf | Self::Zeros | Self::File(_) => {
                "application/octet-stream"
            }
        }
    }

    /// Where the stamp that makes a body unique may begin, or none for a file.
    pub(crate) const fn stamp_at(&self) -> Option<usize> {
        match self {
            Self::Random | Self::Zeros => Some(0),
            Self::Text => Some(TEXT_HEAD.len()),
            // Inside the text of the DOS stub: the head stays a head.
            Self::Executable => Some(DOS_STUB_AT),
            // Behind the heads: in the first bytes of code.
            Self::Elf => Some(ELF_HEAD_BYTES),
            Self::File(_) => None,
        }
    }

    /// Makes a body.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(crate) fn make(&self, bytes: usize, random: &mut Random) -> Result<Vec<u8>, String> {
        let mut body = match self {
            Self::File(path) => {
                return std::fs::read(path).map_err(|fault| format!("{}: {fault}", path.display()));
            }
            Self::Random => {
                let mut body = vec![0; bytes];
                random.fill(&mut body);
                body
            }
            Self::Zeros => vec![0; bytes],
            Self::Text => text(bytes, random),
            Self::Executable => {
                code(pe_head(u32::try_from(bytes).unwrap_or(u32::MAX)), bytes, random)
            }
            Self::Elf => code(elf_head(bytes as u64), bytes, random),
        };
        body.truncate(bytes);
        Ok(body)
    }
}

/// Words between tags, with line ends.
fn text(bytes: usize, random: &mut Random) -> Vec<u8> {
    let mut body = Vec::with_capacity(bytes + 64);
    body.extend_from_slice(TEXT_HEAD);
    // Room for the stamp.
    body.extend_from_slice(b"0000000000000000 ");
    while body.len() < bytes {
        let draw = random.next();
        let index = usize::try_from(draw % WORDS.len() as u64).unwrap_or(0);
        body.extend_from_slice(WORDS[index].as_bytes());
        body.extend_from_slice(match (draw >> 32) % 24 {
            0 => b".</p>\n<p>",
            1 => b", ",
            _ => b" ",
        });
    }
    body
}

/// A head whose one section or segment holds bytes distributed as in machine code.
fn code(head: Vec<u8>, bytes: usize, random: &mut Random) -> Vec<u8> {
    let mut body = head;
    while body.len() < bytes {
        let draw = random.next().to_le_bytes();
        let [select, first, second, third, fourth, rest @ ..] = draw;
        // Short instructions are common ones; operands are small numbers or noise.
        match select % 8 {
            0 => body.extend_from_slice(&[0x8b, first & 0x3f | 0x40, second & 0x7c]),
            1 => body.extend_from_slice(&[0xe8, first, second & 0x0f, 0, 0]),
            2 => body.extend_from_slice(&[0x0f, 0x84, first, 0, 0, 0]),
            3 => body.extend_from_slice(&[0x89, first & 0x3f | 0x40, second & 0x7c]),
            4 => body.extend_from_slice(&[0xff, 0x15, first, second, third & 0x1f, 0]),
            5 => body.extend_from_slice(&[0x50 | first & 7, 0x33, 0xc0]),
            6 => body.extend_from_slice(&[0, 0, 0, 0]),
            _ => body.extend_from_slice(&[first, second, third, fourth, rest[0], rest[1], rest[2]]),
        }
    }
    body
}

/// DOS head and stub, PE head, one section table entry: 512 bytes.
fn pe_head(file_bytes: u32) -> Vec<u8> {
    let mut head = vec![0; PE_HEAD_BYTES];
    let mut put = |at: usize, bytes: &[u8]| head[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x00, b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff");
    put(0x3c, &0x80_u32.to_le_bytes());
    put(DOS_STUB_AT, b"This program cannot be run in DOS mode.\r\r\n$");
    put(0x80, b"PE\0\0\x4c\x01\x01\0");
    put(0x94, &0xe0_u16.to_le_bytes());
    put(0x96, &0x0102_u16.to_le_bytes());
    put(0x98, &0x010b_u16.to_le_bytes());
    let raw = file_bytes.saturating_sub(0x200) & !0x1ff;
    // Entry point, image base, alignments, sizes, subsystem (console), directories.
    put(0xa8, &0x1000_u32.to_le_bytes());
    put(0xb4, &0x0040_0000_u32.to_le_bytes());
    put(0xb8, &0x1000_u32.to_le_bytes());
    put(0xbc, &0x200_u32.to_le_bytes());
    put(0xc8, b"\x04\0");
    put(0xd0, &(0x1000 + raw.next_multiple_of(0x1000)).to_le_bytes());
    put(0xd4, &0x200_u32.to_le_bytes());
    put(0xdc, b"\x03\0");
    put(0xf4, &16_u32.to_le_bytes());
    put(0x178, b".text\0\0\0");
    put(0x180, &raw.to_le_bytes());
    put(0x184, &0x1000_u32.to_le_bytes());
    put(0x188, &raw.to_le_bytes());
    put(0x18c, &0x200_u32.to_le_bytes());
    put(0x19c, &0x6000_0020_u32.to_le_bytes());
    head
}

/// ELF64 for x86-64: the file's head and one segment, the whole file, readable and executable.
fn elf_head(file_bytes: u64) -> Vec<u8> {
    let mut head = vec![0; ELF_HEAD_BYTES];
    let mut put = |at: usize, bytes: &[u8]| head[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x00, b"\x7fELF\x02\x01\x01");
    // An executable, its machine, version, entry point and the place of its segments.
    put(0x10, &[2, 0, 0x3e, 0, 1]);
    put(0x18, &(ELF_BASE + ELF_HEAD_BYTES as u64).to_le_bytes());
    put(0x20, &0x40_u64.to_le_bytes());
    put(0x34, &[0x40, 0, 0x38, 0, 1, 0, 0x40]);
    // The segment: to be loaded, flags, address, bytes in the file and in memory, alignment.
    put(0x40, &[1, 0, 0, 0, 5]);
    put(0x50, &ELF_BASE.to_le_bytes());
    put(0x58, &ELF_BASE.to_le_bytes());
    put(0x60, &file_bytes.to_le_bytes());
    put(0x68, &file_bytes.to_le_bytes());
    put(0x70, &0x1000_u64.to_le_bytes());
    head
}

/// The EICAR test string, 68 bytes, whole only in memory.
pub(crate) fn eicar() -> Vec<u8> {
    [EICAR_FIRST, EICAR_SECOND].concat()
}

/// Bytes of [`eicar`].
pub(crate) const EICAR_BYTES: usize = EICAR_FIRST.len() + EICAR_SECOND.len();

const EICAR_FIRST: &[u8] = br"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STAN";
const EICAR_SECOND: &[u8] = b"DARD-ANTIVIRUS-TEST-FILE!$H+H*";

const TEXT_HEAD: &[u8] = b"<html><body><p>";
const DOS_STUB_AT: usize = 0x40;
const PE_HEAD_BYTES: usize = 0x200;
const ELF_HEAD_BYTES: usize = 0x78;
const ELF_BASE: u64 = 0x0040_0000;

const WORDS: [&str; 32] = [
    "the", "of", "and", "a", "to", "in", "is", "you", "that", "it", "whale", "filter", "water",
    "gateway", "carries", "between", "question", "answer", "morning", "harbour", "passes",
    "through", "without", "notice", "because", "nothing", "harmful", "remains", "within", "<b>",
    "</b>", "&amp;",
];

#[cfg(test)]
mod tests {
    use super::{EICAR_BYTES, Kind, eicar};
    use crate::random::Random;

    #[test]
    fn every_kind_has_the_size_asked_for() {
        for kind in [Kind::Random, Kind::Text, Kind::Executable, Kind::Elf, Kind::Zeros] {
            for bytes in [0, 1, 67, 511, 513, 70_000] {
                let body = kind.make(bytes, &mut Random::new(1)).unwrap();
                assert_eq!(body.len(), bytes, "{kind:?}");
            }
        }
    }

    #[test]
    fn a_seed_repeats_a_body() {
        let make = |seed| Kind::Executable.make(9_000, &mut Random::new(seed)).unwrap();
        assert_eq!(make(4), make(4));
        assert_ne!(make(4), make(5));
    }

    #[test]
    fn an_executable_begins_as_one() {
        let body = Kind::Executable.make(4_096, &mut Random::new(1)).unwrap();
        assert_eq!(&body[..2], b"MZ");
        assert_eq!(&body[0x80..0x84], b"PE\0\0");
        let body = Kind::Elf.make(4_096, &mut Random::new(1)).unwrap();
        assert_eq!(&body[..8], b"\x7fELF\x02\x01\x01\0");
    }

    #[test]
    fn the_test_string_is_whole_at_run_time() {
        assert_eq!(eicar().len(), EICAR_BYTES);
        assert_eq!(EICAR_BYTES, 68);
        let sum: u32 = eicar().iter().map(|byte| u32::from(*byte)).sum();
        assert_eq!(sum, 4_622, "the sum of the 68 published bytes");
    }

    #[test]
    fn unknown_kinds_are_named() {
        assert!(Kind::parse("zip").unwrap_err().contains("'zip'"));
        assert!(Kind::parse("file:").is_err());
        assert_eq!(Kind::parse("file:/a"), Ok(Kind::File("/a".into())));
    }
}
