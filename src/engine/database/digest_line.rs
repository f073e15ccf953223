//! Lines of `.hdb .hsb .hdu .hsu .fp .sfp .imp`: `digest:size:name[:min[:max]]`, and of `.mdb .msb .mdu
//! .msu`: `size:digest:name[:min[:max]]` (clamav.md A2.1).
//!
//! The length of the digest decides its kind, the file only the subject.

use super::line::{Field, Fields, LineFault, Read, digits, reported_name};
use super::signature::{Digest, DigestSignature, Subject};

/// Reads one line of a file about this subject for an engine of functionality level `level`.
pub(super) fn parse(
    line: &[u8],
    subject: Subject,
    level: u32,
) -> Result<Read<DigestSignature>, LineFault> {
    let fields = Fields::split(line, 3, 5)?;
    let (digest_at, size_at) = match subject {
        Subject::Bad | Subject::Trusted | Subject::Imports => (0, 1),
        Subject::Section => (1, 0),
    };
    let size = size(fields.required(size_at))?;
    if !fields.in_window(3, 4, level)? {
        return Ok(Read::ByLevel);
    }
    if size.is_none() && subject != Subject::Imports {
        check_level_of_any_size(&fields, size_at)?;
    }
    Ok(Read::Signature(DigestSignature {
        name: reported_name(fields.required(2))?,
        subject,
        digest: digest(fields.required(digest_at))?,
        size,
    }))
}

fn size(field: Field<'_>) -> Result<Option<u32>, LineFault> {
    if field.text == b"*" {
        return Ok(None);
    }
    let allowed = "a size in bytes or '*'";
    if field.text.is_empty() {
        return Err(LineFault::unexpected(field.at, None, allowed));
    }
    let size = digits(field.text, field.at, allowed)?;
    match u32::try_from(size) {
        Ok(size @ 1..=SIZE_MAX) => Ok(Some(size)),
        Ok(_) | Err(_) => {
            let rule = "a size outside of 1 to 4294967294";
            Err(LineFault::rule(field.at, rule))
        }
    }
}

/// Older engines did not know `*`, so such a line has to keep them away. Lists of imports are as old
/// as `*` and need no level.
fn check_level_of_any_size(fields: &Fields<'_>, size_at: usize) -> Result<(), LineFault> {
    let rule = "size '*' needs a minimum level of 73 or more";
    match fields.get(3) {
        None => Err(LineFault::rule(fields.required(size_at).at, rule)),
        Some(field) if field.number(u64::MAX)? < ANY_SIZE_LEVEL => {
            Err(LineFault::rule(field.at, rule))
        }
        Some(_) => Ok(()),
    }
}

fn digest(field: Field<'_>) -> Result<Digest, LineFault> {
    match field.text.len() {
        32 => bytes(field).map(Digest::Md5),
        40 => bytes(field).map(Digest::Sha1),
        64 => bytes(field).map(Digest::Sha256),
        _ => {
            let rule = "a digest of another length than 32, 40 or 64 hex digits";
            Err(LineFault::rule(field.at, rule))
        }
    }
}

/// The bytes of so many pairs of hex digits.
pub(super) fn bytes<const N: usize>(field: Field<'_>) -> Result<[u8; N], LineFault> {
    let mut out = [0; N];
    let (pairs, rest) = field.text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        let rule = "another number of hex digits than the digest has";
        return Err(LineFault::rule(field.at, rule));
    }
    for ((byte, [high, low]), at) in out.iter_mut().zip(pairs).zip((field.at..).step_by(2)) {
        let fault = |at, digit| LineFault::unexpected(at, Some(digit), "a hex digit");
        let low_at = at.saturating_add(1);
        let high = value_of(*high).ok_or_else(|| fault(at, *high))?;
        let low = value_of(*low).ok_or_else(|| fault(low_at, *low))?;
        *byte = high.rotate_left(4) | low;
    }
    Ok(out)
}

const fn value_of(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(digit.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

/// The language's own limit.
const SIZE_MAX: u32 = u32::MAX - 1;

/// The level of the first engine that knew `*`.
const ANY_SIZE_LEVEL: u64 = 73;
