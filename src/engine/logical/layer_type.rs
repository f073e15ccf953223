//! Types of layers by the names that signatures use (`CL_TYPE_…`).
//!
//! `Container` and `Intermediates` name the layers around the one that is matched. A type is one byte
//! in the image; its number is the place in the list below, so that the list belongs to the layout.

use crate::engine::file_type::FileType;

/// A type of layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LayerType(pub u8);

impl LayerType {
    /// "No layer around" as a container, "any" as an intermediate.
    pub(crate) const ANY: Self = Self(0);
    /// Data of no known type.
    pub(crate) const DATA: Self = Self(1);

    /// The type of a name, if there is such a type.
    pub(crate) fn of_name(name: &[u8]) -> Option<Self> {
        let short = name.strip_prefix(b"CL_TYPE_")?;
        let place = NAMES.iter().position(|known| known.as_bytes() == short)?;
        u8::try_from(place).ok().map(Self)
    }

    /// Whether a number in an image is one of a type.
    pub(crate) fn is_number(number: u8) -> bool {
        usize::from(number) < NAMES.len()
    }

    /// The type of a layer as clamscan would call it.
    pub(in crate::engine) fn of(file_type: FileType) -> Self {
        let name: &[u8] = match file_type {
            FileType::Pe => b"CL_TYPE_MSEXE",
            FileType::Elf => b"CL_TYPE_ELF",
            FileType::MachO => b"CL_TYPE_MACHO",
            FileType::MachOUniversal => b"CL_TYPE_MACHO_UNIBIN",
            FileType::Ole2 => b"CL_TYPE_MSOLE2",
            FileType::Html(_) => b"CL_TYPE_HTML",
            FileType::Mail => b"CL_TYPE_MAIL",
            FileType::Graphics => b"CL_TYPE_GRAPHICS",
            FileType::Text(_) => b"CL_TYPE_TEXT_ASCII",
            FileType::Pdf => b"CL_TYPE_PDF",
            FileType::Flash => b"CL_TYPE_SWF",
            FileType::Java => b"CL_TYPE_JAVA",
            FileType::Gzip => b"CL_TYPE_GZ",
            FileType::Container(what) => container(what),
            FileType::Recognised | FileType::Other => b"CL_TYPE_BINARY_DATA",
        };
        Self::of_name(name).unwrap_or(Self::DATA)
    }
}

fn container(what: &str) -> &'static [u8] {
    match what {
        "zip archive" => b"CL_TYPE_ZIP",
        "RAR archive" => b"CL_TYPE_RAR",
        "7z archive" => b"CL_TYPE_7Z",
        "bzip2 file" => b"CL_TYPE_BZ",
        "xz file" => b"CL_TYPE_XZ",
        "CAB archive" => b"CL_TYPE_MSCAB",
        "ARJ archive" => b"CL_TYPE_ARJ",
        "SZDD file" => b"CL_TYPE_MSSZDD",
        "CHM file" => b"CL_TYPE_MSCHM",
        "RTF document" => b"CL_TYPE_RTF",
        "TNEF attachment" => b"CL_TYPE_TNEF",
        "cpio archive" => b"CL_TYPE_CPIO_NEWC",
        "tar archive" => b"CL_TYPE_POSIX_TAR",
        _ => b"CL_TYPE_BINARY_DATA",
    }
}

/// The names without their prefix. New ones go to the end, together with a new version of the layout.
const NAMES: &[&str] = &[
    "ANY",
    "BINARY_DATA",
    "7Z",
    "7ZSFX",
    "ALZ",
    "APM",
    "ARJ",
    "ARJSFX",
    "AUTOIT",
    "BINHEX",
    "BZ",
    "CABSFX",
    "CPIO_CRC",
    "CPIO_NEWC",
    "CPIO_ODC",
    "CPIO_OLD",
    "CRYPTFF",
    "DMG",
    "EGG",
    "EGGSFX",
    "ELF",
    "ERROR",
    "GIF",
    "GPT",
    "GRAPHICS",
    "GZ",
    "HTML",
    "HTML_UTF16",
    "HWP3",
    "HWP5",
    "HWPOLE2",
    "IGNORED",
    "INTERNAL",
    "ISHIELD_MSI",
    "ISO9660",
    "JAVA",
    "JPEG",
    "LHA_LZH",
    "LNK",
    "MACHO",
    "MACHO_UNIBIN",
    "MAIL",
    "MBR",
    "MHTML",
    "MSCAB",
    "MSCHM",
    "MSEXE",
    "MSOLE2",
    "MSPPT",
    "MSSZDD",
    "MSWORD",
    "MSXL",
    "NULSFT",
    "OLD_TAR",
    "ONENOTE",
    "OOXML_HWP",
    "OOXML_PPT",
    "OOXML_WORD",
    "OOXML_XL",
    "PART_ANY",
    "PART_HFSPLUS",
    "PDF",
    "PNG",
    "POSIX_TAR",
    "PS",
    "PYTHON_COMPILED",
    "RAR",
    "RARSFX",
    "RIFF",
    "RTF",
    "SCRENC",
    "SCRIPT",
    "SFX",
    "SIS",
    "SWF",
    "TEXT_ASCII",
    "TEXT_UTF16BE",
    "TEXT_UTF16LE",
    "TEXT_UTF8",
    "TIFF",
    "TNEF",
    "UDF",
    "UUENCODED",
    "XAR",
    "XDP",
    "XML_HWP",
    "XML_WORD",
    "XML_XL",
    "XZ",
    "ZIP",
    "ZIPSFX",
];
