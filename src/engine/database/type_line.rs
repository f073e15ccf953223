//! Lines of `.ftm`: `magictype:offset:magic:name:requiredtype:type[:min[:max]]` (clamav.md A6.2).
//!
//! Magic type 0 is compared with the head of a layer; 1 is a body pattern that finds objects in the
//! middle of one; 4 tells partitions apart, which are not opened yet. A line whose types are those of
//! another version is skipped, as one for another functionality level is.

use super::line::{Field, Fields, LineFault, Read, digits};
use super::report::Unsupported;
use super::signature::{BodySignature, Target};
use super::{offset, pattern};
use crate::engine::file_type::{EmbeddedMagic, FixedMagic, Kind};

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TypeLine {
    /// Bytes at a place.
    Fixed(FixedMagic),
    /// A pattern, and what begins where it matches.
    Embedded(EmbeddedMagic, Box<BodySignature>),
}

/// Reads one line for an engine of functionality level `level`.
pub(super) fn parse(line: &[u8], level: u32) -> Result<Read<TypeLine>, LineFault> {
    let fields = Fields::split(line, 6, 8)?;
    let magic_type = fields.required(0);
    let (place, magic) = (fields.required(1), fields.required(2));
    if !fields.in_window(6, 7, level)? {
        return Ok(Read::ByLevel);
    }
    let kinds = (Kind::named(fields.required(4).text), Kind::named(fields.required(5).text));
    let (Ok(parent), Ok(kind)) = kinds else { return Ok(Read::ByLevel) };
    match magic_type.text {
        b"0" | b"4" => {
            let at = place.number(u64::from(u32::MAX))?;
            let bytes = hex(magic)?;
            if magic_type.text == b"4" {
                return Ok(Read::Unsupported(Unsupported::FileType));
            }
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            Ok(Read::Signature(TypeLine::Fixed(FixedMagic { at, bytes, kind })))
        }
        b"1" => {
            let offset = offset::parse(place, Target::Any)?;
            let pattern = pattern::parse(magic, Target::Any)?;
            let (Read::Signature(offset), Read::Signature(pattern)) = (offset, pattern) else {
                return Ok(Read::Unsupported(Unsupported::FileType));
            };
            // Each match is an object.
            let (name, target) = (Box::default(), Target::Any);
            let body = BodySignature { name, target, offset, pattern, hits_max: MAGICS_MAX };
            Ok(Read::Signature(TypeLine::Embedded(EmbeddedMagic { parent, kind }, body.into())))
        }
        text => {
            digits(text, magic_type.at, "the magic type 0, 1 or 4")?;
            Err(LineFault::rule(magic_type.at, "a magic type other than 0, 1 and 4"))
        }
    }
}

/// Bytes in hexadecimal digits: at least one, at most as many as the head of a layer has.
fn hex(field: Field<'_>) -> Result<Vec<u8>, LineFault> {
    let mut bytes = Vec::with_capacity(field.text.len() / 2);
    let (pairs, rest) = field.text.as_chunks::<2>();
    let digit = |byte: u8, at: usize| {
        let digit = char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        digit.ok_or_else(|| LineFault::unexpected(at, Some(byte), "hexadecimal digits"))
    };
    for ([high, low], at) in pairs.iter().zip((field.at..).step_by(2)) {
        bytes.push(digit(*high, at)? << 4 | digit(*low, at.saturating_add(1))?);
    }
    if let [odd, ..] = rest {
        digit(*odd, field.at)?;
        return Err(LineFault::rule(field.at, "an odd number of hexadecimal digits"));
    }
    if bytes.is_empty() || bytes.len() > MAGIC_BYTES_MAX {
        return Err(LineFault::rule(field.at, "magic of no bytes, or of more than 1024"));
    }
    Ok(bytes)
}

/// More of a layer is not at hand when its type is told.
const MAGIC_BYTES_MAX: usize = 1024;

/// Marks of one kind that are looked at in one layer.
const MAGICS_MAX: u32 = 1_024;
