//! What a layer is, told from its first bytes: which signatures apply, whether it is text, whether it
//! can be unpacked.
//!
//! Magic numbers come first; what has none is text when its head reads as text, and "other" when not.
//! UTF-16 is believed only with a byte order mark, or when every unit of the head is plain ASCII:
//! ClamAV takes four fifths of all random data for it (`clamav.md` A9.2). A few bytes that no text
//! has do not make data of a text, and none hide a page: to write one NUL is no way around the
//! signatures for pages.
//!
//! A database may bring its own table of magic numbers ([`table`]), which then replaces the one here.
//!
//! Office documents are told from other zips by what is in them, when that is walked.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod kinds;
mod table;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::database::signature::Target;
use super::executable::Format;
use super::matcher::TargetSet;
use super::normalize::{ByteOrder, Script};
use super::unpack::{Coding, Container, Inside, Whole};

pub(super) use kinds::{Kind, UnknownType};
pub use table::TypesFault;
pub(super) use table::{EmbeddedMagic, FixedMagic, TypeRows, Types};

/// The kind of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileType {
    /// Portable executable, or anything that begins as one.
    Pe,
    /// ELF.
    Elf,
    /// Mach-O for one processor.
    MachO,
    /// Mach-O for several.
    MachOUniversal,
    /// OLE2: Office 97, MSI.
    Ole2,
    /// HTML, in an 8-bit or a 16-bit script.
    Html(Script),
    /// A mail, or a mailbox.
    Mail,
    /// GIF, PNG, JPEG, TIFF, BMP.
    Graphics(Kind),
    /// Any other text.
    Text(Script),
    /// PDF.
    Pdf,
    /// Flash.
    Flash,
    /// A Java class.
    Java,
    /// A gzip file.
    Gzip,
    /// An archive, or a document made of parts.
    Container(Kind),
    /// Something known that no target names: sound and film.
    Recognised(Kind),
    /// Nothing known.
    Other,
}

impl FileType {
    /// Tells the type from the first [`HEAD_BYTES`] of a layer, or from all of a shorter one.
    ///
    /// A table of magic numbers that the database brings is asked instead of the one here.
    pub(super) fn of(head: &[u8], types: Types<'_>) -> Self {
        let magic = if types.is_empty() { magic(head) } else { types.file_type(head) };
        magic.unwrap_or_else(|| by_content(head))
    }

    /// The type of a `CL_TYPE_*` name. Two scripts may share a name: compare
    /// [`FileType::clam_name`], not types.
    ///
    /// # Errors
    ///
    /// [`UnknownType`] for a name of another version; what depends on it is skipped.
    pub(super) fn from_clam_name(name: &[u8]) -> Result<Self, UnknownType> {
        Kind::named(name).map(Kind::file_type)
    }

    /// Its `CL_TYPE_*` name, as conditions of signatures have it.
    pub(super) fn clam_name(self) -> &'static str {
        match self {
            Self::Pe => "CL_TYPE_MSEXE",
            Self::Elf => "CL_TYPE_ELF",
            Self::MachO => "CL_TYPE_MACHO",
            Self::MachOUniversal => "CL_TYPE_MACHO_UNIBIN",
            Self::Ole2 => "CL_TYPE_MSOLE2",
            Self::Html(Script::Bytes) => "CL_TYPE_HTML",
            Self::Html(Script::Wide(_)) => "CL_TYPE_HTML_UTF16",
            Self::Mail => "CL_TYPE_MAIL",
            Self::Text(Script::Bytes) => "CL_TYPE_TEXT_ASCII",
            Self::Text(Script::Wide(ByteOrder::Little)) => "CL_TYPE_TEXT_UTF16LE",
            Self::Text(Script::Wide(ByteOrder::Big)) => "CL_TYPE_TEXT_UTF16BE",
            Self::Pdf => "CL_TYPE_PDF",
            Self::Flash => "CL_TYPE_SWF",
            Self::Java => "CL_TYPE_JAVA",
            Self::Gzip => "CL_TYPE_GZ",
            Self::Graphics(kind) | Self::Container(kind) | Self::Recognised(kind) => {
                kind.clam_name()
            }
            Self::Other => "CL_TYPE_BINARY_DATA",
        }
    }

    /// What is inside a layer of this type that begins with `head`. A layer whose inside is not opened
    /// is matched as bytes and never `Clean`.
    pub(super) fn inside(self, head: &[u8]) -> Inside {
        match self {
            Self::Container(kind) if is_plausible(head) => kind.inside(),
            Self::Ole2 => Inside::Whole(Whole::Ole2),
            Self::Mail => Inside::Container(Container::Mail),
            Self::Pdf => Inside::Whole(Whole::Pdf),
            Self::MachOUniversal => Inside::Unopened("universal Mach-O"),
            Self::Flash if !head.starts_with(b"FWS") => Inside::Coding(Coding::Flash),
            Self::Gzip => Inside::Coding(Coding::Gzip),
            Self::Pe | Self::Elf => Inside::of_program(head),
            Self::Flash
            | Self::MachO
            | Self::Html(_)
            | Self::Graphics(_)
            | Self::Text(_)
            | Self::Java
            | Self::Container(_)
            | Self::Recognised(_)
            | Self::Other => Inside::of(head),
        }
    }

    /// The signatures that are matched against its bytes as they are.
    pub(super) const fn targets(self) -> TargetSet {
        match self {
            Self::Pe => TargetSet::of(Target::Pe),
            Self::Elf => TargetSet::of(Target::Elf),
            Self::MachO | Self::MachOUniversal => TargetSet::of(Target::MachO),
            Self::Ole2 => TargetSet::of(Target::Ole2),
            Self::Html(_) => TargetSet::of(Target::Html),
            Self::Mail => TargetSet::of(Target::Mail),
            Self::Graphics(_) => TargetSet::of(Target::Graphics),
            Self::Pdf => TargetSet::of(Target::Pdf),
            Self::Flash => TargetSet::of(Target::Flash),
            Self::Java => TargetSet::of(Target::Java),
            Self::Other => TargetSet::of(Target::Other),
            Self::Text(_) | Self::Gzip | Self::Container(_) | Self::Recognised(_) => TargetSet::ANY,
        }
    }

    /// Whether no signatures are for its bytes alone.
    pub(super) fn is_plain(self) -> bool {
        self == Self::Other || self.targets() == TargetSet::ANY
    }

    /// The script to normalise and the signatures for the result, when it is text of some kind.
    pub(super) const fn text(self) -> Option<(Script, TargetSet)> {
        match self {
            Self::Text(script) => Some((script, TargetSet::of(Target::Text))),
            Self::Html(script) => Some((script, TargetSet::of(Target::Html))),
            Self::Mail => Some((Script::Bytes, TargetSet::of(Target::Text))),
            Self::Pe
            | Self::Elf
            | Self::MachO
            | Self::MachOUniversal
            | Self::Ole2
            | Self::Graphics(_)
            | Self::Pdf
            | Self::Flash
            | Self::Java
            | Self::Gzip
            | Self::Container(_)
            | Self::Recognised(_)
            | Self::Other => None,
        }
    }

    /// The format of its headers, when offsets can be counted from them.
    pub(super) const fn executable(self) -> Option<Format> {
        match self {
            Self::Pe => Some(Format::Pe),
            Self::Elf => Some(Format::Elf),
            Self::MachO => Some(Format::MachO),
            Self::MachOUniversal
            | Self::Ole2
            | Self::Html(_)
            | Self::Mail
            | Self::Graphics(_)
            | Self::Text(_)
            | Self::Pdf
            | Self::Flash
            | Self::Java
            | Self::Gzip
            | Self::Container(_)
            | Self::Recognised(_)
            | Self::Other => None,
        }
    }
}

/// So many bytes of a layer decide its type.
pub(super) const HEAD_BYTES: usize = 1_024;

/// One magic number.
struct Magic {
    at: usize,
    bytes: &'static [u8],
    /// Its `CL_TYPE_*` name.
    name: &'static str,
}

const fn magic_at(at: usize, bytes: &'static [u8], name: &'static str) -> Magic {
    Magic { at, bytes, name }
}

const fn start(bytes: &'static [u8], name: &'static str) -> Magic {
    magic_at(0, bytes, name)
}

fn magic(head: &[u8]) -> Option<FileType> {
    // Most objects begin with a byte with which no magic number does.
    let first = head.first().copied().unwrap_or_default();
    let may_start = FIRST_BYTES.get(usize::from(first)).is_some_and(|may| *may);
    let found = MAGICS
        .iter()
        .filter(|magic| may_start || magic.at > 0)
        .find(|magic| head.get(magic.at..).is_some_and(|rest| rest.starts_with(magic.bytes)));
    let found = found.and_then(|magic| FileType::from_clam_name(magic.name.as_bytes()).ok());
    found.or_else(|| bitmap(head)).or_else(|| cafe_babe(head))
}

/// The bytes with which a magic number of [`MAGICS`] begins that stands at the start.
#[expect(clippy::indexing_slicing, reason = "while it compiles, by a byte into as many places")]
const FIRST_BYTES: [bool; 256] = {
    let mut may = [false; 256];
    let mut rest = MAGICS;
    while let [magic, others @ ..] = rest {
        if let (0, [first, ..]) = (magic.at, magic.bytes) {
            may[*first as usize] = true;
        }
        rest = others;
    }
    may
};

/// `BM` begins a bitmap only with a header that fits: it also begins words.
fn bitmap(head: &[u8]) -> Option<FileType> {
    let is_bitmap = head.starts_with(b"BM")
        && head.get(6..10)? == [0; 4]
        && matches!(head.get(14..18)?, [12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]);
    if is_bitmap { FileType::from_clam_name(b"CL_TYPE_GRAPHICS").ok() } else { None }
}

/// Java classes and universal Mach-O share a magic number. What follows is a class version, 45 and
/// up, or the number of processors, which is small.
fn cafe_babe(head: &[u8]) -> Option<FileType> {
    let rest = head.strip_prefix(b"\xca\xfe\xba\xbe")?;
    let number = u32::from_be_bytes(*rest.first_chunk()?);
    Some(if number < 45 { FileType::MachOUniversal } else { FileType::Java })
}

fn by_content(head: &[u8]) -> FileType {
    let Some(script) = Script::of(head).or_else(|| Script::of_marred(head)) else {
        return by_content_of_data(head);
    };
    let narrow = script.narrow(head);
    // A mail may hold a page, a page begins with no field of a mail.
    if script == Script::Bytes && is_mail(&narrow) {
        return FileType::Mail;
    }
    if has_tag(&narrow, HTML_MARKS) {
        return FileType::Html(script);
    }
    if script == Script::Bytes && has_pdf_mark(head) {
        return FileType::Pdf;
    }
    FileType::Text(script)
}

/// What is not text may still be something that is made of text.
fn by_content_of_data(head: &[u8]) -> FileType {
    if has_pdf_mark(head) {
        return FileType::Pdf;
    }
    if is_mail(head) {
        FileType::Mail
    } else if has_tag(head, HTML_MARKS_IN_DATA) {
        FileType::Html(Script::Bytes)
    } else {
        FileType::Other
    }
}

/// A mail begins with a field of its header; a mailbox with `From ` and a field in its second line. Where the first
/// field is one that other texts have as well, or lines of something else stand in front of it, two have
/// to be those of mails.
fn is_mail(narrow: &[u8]) -> bool {
    let lines = || lines(narrow).map(<[u8]>::trim_ascii_end);
    let starts = |line: &[u8], fields: &[&[u8]]| fields.iter().any(|field| begins(line, field));
    let mut first = lines();
    let line = first.next().unwrap_or_default();
    let is_box = begins(line, b"from ");
    if starts(line, MAIL_FIELDS)
        || (is_box && first.next().is_some_and(|line| starts(line, MAIL_FIELDS)))
    {
        return true;
    }
    let mut rest = lines();
    let Some(field) = rest.by_ref().take(JUNK_LINES_MAX + 1).find(|line| is_field(line)) else {
        return false;
    };
    // The last line may not be all there.
    let header = std::iter::once(field).chain(rest.take_while(|line| is_field(line)));
    let is_certain = |line: &&[u8]| starts(line, MAIL_FIELDS) || starts(line, MAIL_FIELDS_COMMON);
    header.filter(is_certain).nth(1).is_some()
}

/// The lines of a text, and what is behind the last of them.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr(b'\n', text);
        rest = end.and_then(|end| text.get(end.saturating_add(1)..));
        Some(end.and_then(|end| text.get(..end)).unwrap_or(text))
    })
}

/// Whether `text` begins with `small`, in any case.
fn begins(text: &[u8], small: &[u8]) -> bool {
    text.get(..small.len()).is_some_and(|start| start.eq_ignore_ascii_case(small))
}

/// Whether a line may be one of a field of a header, the first or another one.
fn is_field(line: &[u8]) -> bool {
    let name = line.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-');
    let length = name.count();
    match line.first() {
        Some(b' ' | b'\t') => true,
        _ => length > 0 && line.get(length) == Some(&b':'),
    }
}

/// Whether any of the marks is there; all of them begin with `<`.
fn has_tag(text: &[u8], marks: &[&[u8]]) -> bool {
    let mut tags = memchr::memchr_iter(b'<', text).filter_map(|at| text.get(at..));
    tags.any(|tag| marks.iter().any(|mark| begins(tag, mark)))
}

fn has_pdf_mark(text: &[u8]) -> bool {
    static MARK: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"%PDF-"));
    MARK.find(text).is_some()
}

/// Two or three bytes of magic are too few to call data unscanned for: such formats must agree in one more field.
fn is_plausible(head: &[u8]) -> bool {
    let field = |at: usize| Some([*head.get(at)?, *head.get(at.checked_add(1)?)?]);
    let within =
        |field: Option<u16>, most: u16| field.is_some_and(|value| (1..=most).contains(&value));
    match head {
        // ARJ: the size of the first header, at most 2,600.
        [0x60, 0xea, ..] => within(field(2).map(u16::from_le_bytes), 2_600),
        [b'B', b'Z', b'h', ..] => Inside::may_be_bzip2(head),
        // cpio as PDP-11 wrote it: the length of the first name.
        [0x71, 0xc7, ..] => within(field(20).map(u16::from_be_bytes), 1_024),
        [0xc7, 0x71, ..] => within(field(20).map(u16::from_le_bytes), 1_024),
        // LHA: the name of its method, between two dashes, and a header of at least 21 bytes.
        [size, _, b'-', b'l', b'h', method, dash, ..] => {
            *size >= 21 && method.is_ascii_alphanumeric() && *dash == b'-'
        }
        _ => true,
    }
}

/// The first that fits decides.
const MAGICS: &[Magic] = &[
    start(b"MZ", "CL_TYPE_MSEXE"),
    start(b"\x7fELF", "CL_TYPE_ELF"),
    start(b"\xfe\xed\xfa\xce", "CL_TYPE_MACHO"),
    start(b"\xfe\xed\xfa\xcf", "CL_TYPE_MACHO"),
    start(b"\xce\xfa\xed\xfe", "CL_TYPE_MACHO"),
    start(b"\xcf\xfa\xed\xfe", "CL_TYPE_MACHO"),
    start(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "CL_TYPE_MSOLE2"),
    start(b"%PDF-", "CL_TYPE_PDF"),
    start(b"FWS", "CL_TYPE_SWF"),
    start(b"CWS", "CL_TYPE_SWF"),
    start(b"ZWS", "CL_TYPE_SWF"),
    start(b"GIF8", "CL_TYPE_GIF"),
    start(b"\x89PNG", "CL_TYPE_PNG"),
    start(b"\xff\xd8\xff", "CL_TYPE_JPEG"),
    start(b"II\x2a\0", "CL_TYPE_TIFF"),
    start(b"MM\0\x2a", "CL_TYPE_TIFF"),
    start(b"\x1f\x8b\x08", "CL_TYPE_GZ"),
    start(b"PK\x03\x04", "CL_TYPE_ZIP"),
    start(b"PK00PK\x03\x04", "CL_TYPE_ZIP"),
    start(b"Rar!\x1a\x07", "CL_TYPE_RAR"),
    start(b"7z\xbc\xaf\x27\x1c", "CL_TYPE_7Z"),
    start(b"BZh", "CL_TYPE_BZ"),
    start(b"\xfd7zXZ\0", "CL_TYPE_XZ"),
    start(b"\x28\xb5\x2f\xfd", "CL_TYPE_ZSTD"),
    start(b"MSCF\0\0\0\0", "CL_TYPE_MSCAB"),
    start(b"\x60\xea", "CL_TYPE_ARJ"),
    start(b"SZDD\x88\xf0\x27\x33", "CL_TYPE_MSSZDD"),
    start(b"ITSF", "CL_TYPE_MSCHM"),
    start(b"xar!\0", "CL_TYPE_XAR"),
    start(b"ALZ\x01", "CL_TYPE_ALZ"),
    start(b"EGGA\0", "CL_TYPE_EGG"),
    magic_at(2, b"-lh", "CL_TYPE_LHA_LZH"),
    start(b"{\\rtf", "CL_TYPE_RTF"),
    start(b"\x78\x9f\x3e\x22", "CL_TYPE_TNEF"),
    start(b"070701", "CL_TYPE_CPIO_NEWC"),
    start(b"070702", "CL_TYPE_CPIO_CRC"),
    start(b"070707", "CL_TYPE_CPIO_ODC"),
    start(b"\x71\xc7", "CL_TYPE_CPIO_OLD"),
    start(b"\xc7\x71", "CL_TYPE_CPIO_OLD"),
    start(b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "CL_TYPE_ONENOTE"),
    start(b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "CL_TYPE_LNK"),
    start(b"\x7a\x1a\x20\x10", "CL_TYPE_SIS"),
    magic_at(8, b"\x19\x04\0\x10", "CL_TYPE_SIS"),
    start(b"RIFF", "CL_TYPE_RIFF"),
    start(b"OggS", "CL_TYPE_IGNORED"),
    start(b"ID3", "CL_TYPE_IGNORED"),
    start(b"\x1aE\xdf\xa3", "CL_TYPE_IGNORED"),
    magic_at(257, b"ustar", "CL_TYPE_POSIX_TAR"),
    magic_at(4, b"ftyp", "CL_TYPE_IGNORED"),
];

/// In lower case. Any of them in the head of a text makes it HTML.
const HTML_MARKS: &[&[u8]] = &[
    b"<html",
    b"<!doctype html",
    b"<head",
    b"<body",
    b"<title",
    b"<script",
    b"<iframe",
    b"<table",
    b"<a href",
    b"<img ",
    b"<meta ",
    b"<object",
    b"<font",
    b"<form",
];

/// In lower case, each with its `<`. Any of them makes a page of what is otherwise data: those for
/// which clamscan 1.4.6 does so. The others are not enough, as data is not matched with the signatures
/// for it any more.
const HTML_MARKS_IN_DATA: &[&[u8]] =
    &[b"<html>", b"<head>", b"<script", b"<iframe", b"<table", b"<a href", b"<img", b"<object"];

const fn begin_as_tags(mut marks: &[&[u8]]) -> bool {
    while let Some((mark, rest)) = marks.split_first() {
        if !matches!(mark, [b'<', ..]) {
            return false;
        }
        marks = rest;
    }
    true
}

const _: () = assert!(begin_as_tags(HTML_MARKS) && begin_as_tags(HTML_MARKS_IN_DATA));

/// Lines in front of a mail.
const JUNK_LINES_MAX: usize = 10;

/// In lower case. Two of them, or one with one of those below, make a mail of a header.
const MAIL_FIELDS_COMMON: &[&[u8]] = &[
    b"to: ",
    b"subject: ",
    b"content-transfer-encoding:",
    b"content-disposition:",
    b"content-type: multipart/",
    b"content-type: message/",
];

/// In lower case. Any of them at the start of a text makes it a mail.
const MAIL_FIELDS: &[&[u8]] = &[
    b"received: ",
    b"return-path: ",
    b"delivered-to: ",
    b"message-id: ",
    b"mime-version: ",
    b"from: ",
    b"date: ",
    b"x-mailer: ",
    b"x-envelope-",
    b"x-originating-",
    b"x-uidl: ",
    b"reply-to: ",
];
