//! The records of a zip (APPNOTE 6.3.10): what of them is needed.
//!
//! | APPNOTE | here |
//! | --- | --- |
//! | 4.3.7 local file header, 4.5.3 zip64 extra field | [`Local`] |
//! | 4.3.9 data descriptor | [`descriptor_bytes`] |
//! | 4.3.12 central directory header | [`Central`] |
//! | 4.3.14, 4.3.15 zip64 end of the directory and its locator | [`End::of_64`], [`Record`] |
//! | 4.3.16 end of central directory | [`End`] |

use super::directory::Facts;
use crate::engine::unpack::{Label, Member};

/// The kinds of records, by their first four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    Local,
    Central,
    End,
    End64,
    /// Says where the one above is; it is in front of this one.
    Locator,
    /// The digital signature of the directory.
    Signature,
}

impl Record {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [b'P', b'K', 3, 4, ..] => Self::Local,
            [b'P', b'K', 1, 2, ..] => Self::Central,
            [b'P', b'K', 5, 6, ..] => Self::End,
            [b'P', b'K', 6, 6, ..] => Self::End64,
            [b'P', b'K', 6, 7, ..] => Self::Locator,
            [b'P', b'K', 5, 5, ..] => Self::Signature,
            _ => return None,
        })
    }

    /// The size of the part whose size does not vary.
    pub(super) const fn fixed_bytes(self) -> usize {
        match self {
            Self::Local => LOCAL_BYTES,
            Self::Central => CENTRAL_BYTES,
            Self::End => 22,
            Self::End64 => 56,
            Self::Locator => 20,
            Self::Signature => 6,
        }
    }

    /// The size of all of it, told from the fixed part. The comment of the end is not part of it: there
    /// may be another archive in it.
    pub(super) fn total_bytes(self, fixed: &[u8]) -> usize {
        let more: &[usize] = match self {
            Self::Local => &[26, 28],
            Self::Central => &[28, 30, 32],
            Self::Signature => &[4],
            Self::End | Self::End64 | Self::Locator => &[],
        };
        let more = more.iter().map(|at| usize::from(half(fixed, *at)));
        more.fold(self.fixed_bytes(), usize::saturating_add)
    }

    /// Whether the fixed part is that of a record, and does not just begin as one by chance.
    pub(super) fn is_plausible(self, fixed: &[u8]) -> bool {
        let is_entry = |version: usize, flags: usize, method: usize, name: usize| {
            half(fixed, version) & 0xff <= VERSION_MAX
                && half(fixed, flags) & RESERVED_FLAGS == 0
                && is_method(half(fixed, method))
                && half(fixed, name) > 0
        };
        match self {
            Self::Local => is_entry(4, 6, 8, 26),
            Self::Central => is_entry(6, 8, 10, 28) && half(fixed, 34) == 0,
            Self::End => half(fixed, 4) == half(fixed, 6) && half(fixed, 8) <= half(fixed, 10),
            Self::End64 => word(fixed, 16) == 0 && word(fixed, 20) == 0,
            Self::Locator => word(fixed, 4) == 0,
            Self::Signature => true,
        }
    }
}

/// What is said in front of a member.
#[derive(Clone, Debug, Default)]
pub(super) struct Local {
    pub(super) flags: u16,
    pub(super) method: u16,
    /// Its size in the archive; nothing when it is said behind it.
    pub(super) packed: Option<u64>,
    /// Its size when unpacked, if it is said here.
    pub(super) plain: Option<u64>,
    pub(super) name: Vec<u8>,
    /// `WinZip`'s AE-x: 1, 2 or 3 for the length of the key, and the method that is behind the cipher.
    pub(super) aes: Option<(u8, u16)>,
    time: u16,
    sum: u32,
}

impl Local {
    /// Of a whole record.
    pub(super) fn of(record: &[u8]) -> Self {
        let (name, extra) = behind(record, LOCAL_BYTES, half(record, 26), half(record, 28));
        let flags = half(record, 6);
        let mut wide = Zip64::of(extra);
        let plain = wide.or(word(record, 22));
        let packed = wide.or(word(record, 18));
        // Sizes that are said behind the member are right here all the same, or zero, or all ones.
        let is_known =
            flags & HAS_DESCRIPTOR == 0 || !matches!(packed, 0 | OVER_32_BITS | u64::MAX);
        Self {
            flags,
            method: half(record, 8),
            packed: is_known.then_some(packed),
            plain: is_known.then_some(plain),
            name: name.to_vec(),
            aes: aes(extra),
            time: half(record, 10),
            sum: word(record, 14),
        }
    }

    /// Whether a password alone opens it: not PKWARE's strong encryption, and no encrypted directory.
    pub(super) const fn is_simply_encrypted(&self) -> bool {
        self.flags & SECRET == ENCRYPTED
    }

    /// The byte by which a reader knows a wrong password (APPNOTE 6.1.6); as the sum is said behind the
    /// member, writers take the time.
    pub(super) const fn check_byte(&self) -> u8 {
        let [.., sum] = self.sum.to_le_bytes();
        let [_, time] = self.time.to_le_bytes();
        if self.has_descriptor() { time } else { sum }
    }

    /// CRC-32 of what comes out; nothing when it is said behind the member.
    pub(super) const fn sum(&self) -> Option<u32> {
        if self.has_descriptor() { None } else { Some(self.sum) }
    }

    /// The same member without its lock.
    pub(super) fn unlocked(&self) -> Self {
        let behind = self.aes.filter(|_| self.method == AES_METHOD);
        let method = behind.map_or(self.method, |(_, method)| method);
        Self { flags: self.flags & !SECRET, method, ..self.clone() }
    }

    pub(super) const fn has_descriptor(&self) -> bool {
        self.flags & HAS_DESCRIPTOR != 0
    }

    /// Whether it is stored under the name of a folder.
    pub(super) fn is_folder(&self) -> bool {
        self.method == 0 && self.name.ends_with(b"/")
    }

    /// Of a member packed by lzma: whether a mark is at its end.
    pub(super) const fn has_end_mark(&self) -> bool {
        self.flags & HAS_END_MARK != 0
    }

    pub(super) const fn is_encrypted(&self) -> bool {
        self.flags & SECRET != 0
    }
}

/// A line of the directory.
#[derive(Debug)]
pub(super) struct Central;

impl Central {
    /// Of a whole record. The place is as it is said: before what was put in front of the archive.
    pub(super) fn of(record: &[u8]) -> Facts {
        let (name, extra) = behind(record, CENTRAL_BYTES, half(record, 28), half(record, 30));
        let mut wide = Zip64::of(extra);
        let plain = wide.or(word(record, 24));
        let packed = wide.or(word(record, 20));
        Facts {
            at: wide.or(word(record, 42)),
            packed: Some(packed),
            plain: Some(plain),
            name: Facts::digest(name),
            method: half(record, 10),
            flags: half(record, 8),
        }
    }
}

impl Central {
    /// What it tells of a member whose sizes and sum were said behind it.
    pub(super) fn listed(record: &[u8]) -> Option<Member> {
        let flags = half(record, 8);
        if flags & HAS_DESCRIPTOR == 0 {
            return None;
        }
        let (name, _) = behind(record, CENTRAL_BYTES, half(record, 28), half(record, 30));
        let facts = Self::of(record);
        Some(Member {
            label: Label::named("zip", name),
            size: facts.plain,
            packed: facts.packed,
            sum: Some(word(record, 16)),
            is_encrypted: flags & SECRET != 0,
            ..Member::default()
        })
    }
}

/// What the end of a directory says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) entries: u64,
    pub(super) bytes: u64,
    at: u64,
    /// Whether the numbers are those of the short form, in which each may be said elsewhere.
    is_short: bool,
}

impl End {
    pub(super) fn of(record: &[u8]) -> Self {
        Self {
            entries: u64::from(half(record, 10)),
            bytes: u64::from(word(record, 12)),
            at: u64::from(word(record, 16)),
            is_short: true,
        }
    }

    pub(super) fn of_64(record: &[u8]) -> Self {
        Self {
            entries: long(record, 32),
            bytes: long(record, 40),
            at: long(record, 48),
            is_short: false,
        }
    }

    /// Takes over what is said in the long form; nothing when both say something else.
    pub(super) fn widened(self, long: Self) -> Option<Self> {
        let agrees = |short: u64, long: u64, all: u64| short == long || short == all;
        let all = u64::from(u32::MAX);
        let is_same = agrees(self.entries, long.entries, u64::from(u16::MAX))
            && agrees(self.bytes, long.bytes, all)
            && agrees(self.at, long.at, all);
        is_same.then_some(long)
    }

    /// The place of the directory. Where the short form leaves it to a long one that is not there (zip 3.0
    /// writes that into a pipe), it is where it was found.
    pub(super) fn at_or(&self, found: u64) -> u64 {
        if self.is_short && self.at == OVER_32_BITS { found } else { self.at }
    }

    /// Whether it may be the end of a directory with so many entries. Writers that do not know the long
    /// form count beyond 65,535 from zero.
    pub(super) fn counts(&self, entries: u64) -> bool {
        match self.is_short {
            true => self.entries == entries & u64::from(u16::MAX),
            false => self.entries == entries,
        }
    }
}

/// The numbers of a zip64 extra field, in their order.
struct Zip64<'a> {
    rest: &'a [u8],
}

impl<'a> Zip64<'a> {
    fn of(mut extra: &'a [u8]) -> Self {
        while let Some((head, rest)) = extra.split_at_checked(4) {
            let length = usize::from(half(head, 2));
            let (body, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            if half(head, 0) == ZIP64_ID {
                return Self { rest: body };
            }
            extra = after;
        }
        Self { rest: &[] }
    }

    /// A number of 32 bits, or the next one here when that has no room for it.
    fn or(&mut self, short: u32) -> u64 {
        if short == u32::MAX
            && let Some((number, rest)) = self.rest.split_first_chunk()
        {
            self.rest = rest;
            return u64::from_le_bytes(*number);
        }
        u64::from(short)
    }
}

/// The extra field of AE-x: version, vendor, strength, method.
fn aes(mut extra: &[u8]) -> Option<(u8, u16)> {
    while let Some((head, rest)) = extra.split_at_checked(4) {
        let (body, after) = rest.split_at_checked(usize::from(half(head, 2)))?;
        if half(head, 0) == AES_ID {
            return Some((*body.get(4)?, chunk(body, 5).map(u16::from_le_bytes)?));
        }
        extra = after;
    }
    None
}

/// CRC-32 in a data descriptor.
pub(super) fn descriptor_sum(bytes: &[u8]) -> u32 {
    word(bytes, if bytes.starts_with(DESCRIPTOR_SIGNATURE) { 4 } else { 0 })
}

/// How long the data descriptor is that begins with `bytes`, behind a member of these sizes: with or
/// without a signature, with sizes of 32 or of 64 bits. Nothing when none fits.
pub(super) fn descriptor_bytes(bytes: &[u8], packed: u64, plain: u64) -> Option<usize> {
    let narrow = |from: usize| {
        u64::from(word(bytes, from)) == packed & u64::from(u32::MAX)
            && u64::from(word(bytes, from.saturating_add(4))) == plain & u64::from(u32::MAX)
    };
    let broad =
        |from: usize| long(bytes, from) == packed && long(bytes, from.saturating_add(8)) == plain;
    let is_signed = bytes.starts_with(DESCRIPTOR_SIGNATURE);
    if Record::of(bytes).is_some() {
        return None;
    }
    match () {
        () if is_signed && narrow(8) => Some(16),
        () if is_signed && broad(8) => Some(24),
        () if narrow(4) => Some(12),
        () if broad(4) => Some(20),
        () => None,
    }
    .filter(|length| *length <= bytes.len())
}

/// Name and extra field behind the fixed part of a record.
fn behind(record: &[u8], fixed: usize, name: u16, extra: u16) -> (&[u8], &[u8]) {
    let rest = record.get(fixed..).unwrap_or_default();
    let (name, rest) = rest.split_at_checked(usize::from(name)).unwrap_or((rest, &[]));
    (name, rest.get(..usize::from(extra)).unwrap_or(rest))
}

fn half(bytes: &[u8], at: usize) -> u16 {
    chunk(bytes, at).map_or(0, u16::from_le_bytes)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    chunk(bytes, at).map_or(0, u32::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> u64 {
    chunk(bytes, at).map_or(0, u64::from_le_bytes)
}

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// APPNOTE 4.4.5: the methods that were ever given a number.
const fn is_method(number: u16) -> bool {
    matches!(number, 0..=10 | 12 | 14 | 16 | 18..=20 | 93..=99)
}

const ENCRYPTED: u16 = 1;
/// What these mean depends on the method.
pub(super) const METHOD_OPTIONS: u16 = 1 << 1 | 1 << 2;
const HAS_END_MARK: u16 = 1 << 1;
/// The sizes are said behind the member (APPNOTE 4.4.4).
const HAS_DESCRIPTOR: u16 = 1 << 3;
const STRONGLY_ENCRYPTED: u16 = 1 << 6;
/// The local header says nothing that is true, as the directory is encrypted.
const MASKED: u16 = 1 << 13;
/// A reader needs a password.
pub(super) const SECRET: u16 = ENCRYPTED | STRONGLY_ENCRYPTED | MASKED;
/// Flags that mean nothing yet.
const RESERVED_FLAGS: u16 = 0b1101_0111_1000_0000;
/// The latest version of the format that a reader may have to know.
const VERSION_MAX: u16 = 63;
const ZIP64_ID: u16 = 1;
const AES_ID: u16 = 0x9901;
/// The method that stands for another one, behind AES.
pub(super) const AES_METHOD: u16 = 99;
const OVER_32_BITS: u64 = u32::MAX as u64;
const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;
pub(super) const DESCRIPTOR_SIGNATURE: &[u8] = b"PK\x07\x08";
/// The longest data descriptor.
pub(super) const DESCRIPTOR_BYTES_MAX: usize = 24;
