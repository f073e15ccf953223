//! The names that ClamAV gives to kinds of files, and what each kind is here.
//!
//! Signatures name kinds in their conditions (`Container:CL_TYPE_ZIP`) and tables of magic (`.ftm`)
//! name them as results. The list is that of version 1.4; a name that is not in it belongs to another
//! version, and what uses it is skipped there, too (`clamav.md` A1.2).

use super::FileType;
use crate::engine::normalize::{ByteOrder, Script};
use crate::engine::unpack::{Coding, Container, Inside, Whole};

/// A row of the table of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) struct Kind(u8);

/// A `CL_TYPE_*` name of no version that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct UnknownType;

/// What the engine makes of a kind.
#[derive(Clone, Copy)]
enum Class {
    /// One that has a type of its own.
    Own(FileType),
    /// An image.
    Graphics,
    /// Something with layers inside it.
    Container(Inside),
    /// Something that is matched as bytes.
    Recognised,
}

impl Kind {
    /// Of the name that stands for any kind, or for none.
    pub(in crate::engine) const ANY: Self = Self(4);

    /// The kind of a `CL_TYPE_*` name.
    pub(in crate::engine) fn named(name: &[u8]) -> Result<Self, UnknownType> {
        let at =
            KINDS.binary_search_by(|row| row.0.as_bytes().cmp(name)).map_err(|_| UnknownType)?;
        u8::try_from(at).map(Self).map_err(|_| UnknownType)
    }

    /// The kind of a number that [`Kind::number`] gave.
    pub(in crate::engine) fn from_number(number: u8) -> Option<Self> {
        (usize::from(number) < KINDS.len()).then_some(Self(number))
    }

    /// Its number in compiled tables.
    pub(in crate::engine) const fn number(self) -> u8 {
        self.0
    }

    /// Its `CL_TYPE_*` name.
    pub(in crate::engine) fn clam_name(self) -> &'static str {
        KINDS.get(usize::from(self.0)).map_or("CL_TYPE_ANY", |row| row.0)
    }

    /// What is inside a layer of this kind.
    pub(super) fn inside(self) -> Inside {
        match KINDS.get(usize::from(self.0)).map(|row| row.1) {
            Some(Class::Container(inside)) => inside,
            Some(Class::Own(_) | Class::Graphics | Class::Recognised) | None => Inside::Nothing,
        }
    }

    /// The type of a layer of this kind.
    pub(in crate::engine) fn file_type(self) -> FileType {
        match KINDS.get(usize::from(self.0)).map(|row| row.1) {
            Some(Class::Own(own)) => own,
            Some(Class::Graphics) => FileType::Graphics(self),
            Some(Class::Container(_)) => FileType::Container(self),
            Some(Class::Recognised) | None => FileType::Recognised(self),
        }
    }
}

const fn own(name: &'static str, file_type: FileType) -> (&'static str, Class) {
    (name, Class::Own(file_type))
}

const fn opened(name: &'static str, inside: Inside) -> (&'static str, Class) {
    (name, Class::Container(inside))
}

const fn container(name: &'static str, people: &'static str) -> (&'static str, Class) {
    opened(name, Inside::Unopened(people))
}

const fn bytes(name: &'static str) -> (&'static str, Class) {
    (name, Class::Recognised)
}

const fn graphics(name: &'static str) -> (&'static str, Class) {
    (name, Class::Graphics)
}

const LITTLE: Script = Script::Wide(ByteOrder::Little);
const BIG: Script = Script::Wide(ByteOrder::Big);
const TAR: Inside = Inside::Container(Container::Tar);
const CPIO: Inside = Inside::Container(Container::Cpio);
const ZIP: Inside = Inside::Container(Container::Zip);
const TEXT: Inside = Inside::Container(Container::Text);

/// Sorted by name.
const KINDS: [(&str, Class); 93] = [
    opened("CL_TYPE_7Z", Inside::Whole(Whole::SevenZip)),
    bytes("CL_TYPE_7ZSFX"),
    bytes("CL_TYPE_AI_MODEL"),
    container("CL_TYPE_ALZ", "ALZ archive"),
    bytes("CL_TYPE_ANY"),
    bytes("CL_TYPE_APM"),
    opened("CL_TYPE_ARJ", Inside::Container(Container::Arj)),
    bytes("CL_TYPE_ARJSFX"),
    bytes("CL_TYPE_AUTOIT"),
    own("CL_TYPE_BINARY_DATA", FileType::Other),
    opened("CL_TYPE_BINHEX", TEXT),
    opened("CL_TYPE_BZ", Inside::Coding(Coding::Bzip2)),
    bytes("CL_TYPE_CABSFX"),
    opened("CL_TYPE_CPIO_CRC", CPIO),
    opened("CL_TYPE_CPIO_NEWC", CPIO),
    opened("CL_TYPE_CPIO_ODC", CPIO),
    opened("CL_TYPE_CPIO_OLD", CPIO),
    bytes("CL_TYPE_CRYPTFF"),
    bytes("CL_TYPE_DMG"),
    container("CL_TYPE_EGG", "EGG archive"),
    bytes("CL_TYPE_EGGSFX"),
    own("CL_TYPE_ELF", FileType::Elf),
    bytes("CL_TYPE_ERROR"),
    graphics("CL_TYPE_GIF"),
    bytes("CL_TYPE_GPT"),
    graphics("CL_TYPE_GRAPHICS"),
    own("CL_TYPE_GZ", FileType::Gzip),
    own("CL_TYPE_HTML", FileType::Html(Script::Bytes)),
    own("CL_TYPE_HTML_UTF16", FileType::Html(LITTLE)),
    bytes("CL_TYPE_HWP3"),
    bytes("CL_TYPE_HWP5"),
    bytes("CL_TYPE_HWPOLE2"),
    bytes("CL_TYPE_IGNORED"),
    bytes("CL_TYPE_INTERNAL"),
    bytes("CL_TYPE_ISHIELD_MSI"),
    bytes("CL_TYPE_ISO9660"),
    own("CL_TYPE_JAVA", FileType::Java),
    graphics("CL_TYPE_JPEG"),
    opened("CL_TYPE_LHA_LZH", Inside::Container(Container::Lha)),
    opened("CL_TYPE_LNK", Inside::Container(Container::Link)),
    own("CL_TYPE_MACHO", FileType::MachO),
    own("CL_TYPE_MACHO_UNIBIN", FileType::MachOUniversal),
    own("CL_TYPE_MAIL", FileType::Mail),
    bytes("CL_TYPE_MBR"),
    opened("CL_TYPE_MHTML", Inside::Container(Container::Mail)),
    opened("CL_TYPE_MSCAB", Inside::Whole(Whole::Cab)),
    opened("CL_TYPE_MSCHM", Inside::Whole(Whole::Chm)),
    own("CL_TYPE_MSEXE", FileType::Pe),
    own("CL_TYPE_MSOLE2", FileType::Ole2),
    bytes("CL_TYPE_MSPPT"),
    opened("CL_TYPE_MSSZDD", Inside::Coding(Coding::Szdd)),
    bytes("CL_TYPE_MSWORD"),
    bytes("CL_TYPE_MSXL"),
    bytes("CL_TYPE_NULSFT"),
    opened("CL_TYPE_OLD_TAR", TAR),
    opened("CL_TYPE_ONENOTE", Inside::Container(Container::OneNote)),
    bytes("CL_TYPE_OOXML_HWP"),
    bytes("CL_TYPE_OOXML_PPT"),
    bytes("CL_TYPE_OOXML_WORD"),
    bytes("CL_TYPE_OOXML_XL"),
    bytes("CL_TYPE_PART_ANY"),
    bytes("CL_TYPE_PART_HFSPLUS"),
    own("CL_TYPE_PDF", FileType::Pdf),
    graphics("CL_TYPE_PNG"),
    opened("CL_TYPE_POSIX_TAR", TAR),
    bytes("CL_TYPE_PS"),
    bytes("CL_TYPE_PYTHON_COMPILED"),
    opened("CL_TYPE_RAR", Inside::Container(Container::Rar)),
    bytes("CL_TYPE_RARSFX"),
    bytes("CL_TYPE_RIFF"),
    opened("CL_TYPE_RTF", Inside::Container(Container::Rtf)),
    bytes("CL_TYPE_SCRENC"),
    opened("CL_TYPE_SCRIPT", TEXT),
    bytes("CL_TYPE_SFX"),
    opened("CL_TYPE_SIS", Inside::Whole(Whole::Sis)),
    own("CL_TYPE_SWF", FileType::Flash),
    own("CL_TYPE_TEXT_ASCII", FileType::Text(Script::Bytes)),
    own("CL_TYPE_TEXT_UTF16BE", FileType::Text(BIG)),
    own("CL_TYPE_TEXT_UTF16LE", FileType::Text(LITTLE)),
    opened("CL_TYPE_TEXT_UTF8", TEXT),
    graphics("CL_TYPE_TIFF"),
    opened("CL_TYPE_TNEF", Inside::Container(Container::Tnef)),
    bytes("CL_TYPE_UDF"),
    opened("CL_TYPE_UUENCODED", TEXT),
    opened("CL_TYPE_XAR", Inside::Whole(Whole::Xar)),
    opened("CL_TYPE_XDP", TEXT),
    opened("CL_TYPE_XML_HWP", TEXT),
    opened("CL_TYPE_XML_WORD", TEXT),
    opened("CL_TYPE_XML_XL", TEXT),
    opened("CL_TYPE_XZ", Inside::Coding(Coding::Xz)),
    opened("CL_TYPE_ZIP", ZIP),
    bytes("CL_TYPE_ZIPSFX"),
    opened("CL_TYPE_ZSTD", Inside::Coding(Coding::Zstd)),
];
