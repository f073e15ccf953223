//! Signatures back to text: for messages, and to prove that reading loses nothing.
//!
//! What is written reads back as the same value for every value that reading can give. Where the
//! language has several ways to say one thing, this writes the one that keeps the structure:
//! wildcards as `??`, exact gaps as `{n-n}`.

use super::signature::{
    BodySignature, Digest, DigestSignature, Edge, EdgeKind, Gap, Offset, OffsetBase, Part, Pattern,
    Subject, Unit,
};

/// A body signature as a line of an `.ndb`, without levels. The name stays as it is reported.
#[must_use]
pub fn body(signature: &BodySignature) -> String {
    let BodySignature { name, target, offset: place, pattern: bytes, .. } = signature;
    let (place, bytes) = (offset(place), pattern(bytes));
    format!("{name}:{}:{place}:{bytes}", *target as u8)
}

/// A digest signature as a line of an `.hsb`, that of a section as one of an `.msb`. The name stays as it is reported.
#[must_use]
pub fn digest(signature: &DigestSignature) -> String {
    let bytes: &[u8] = match &signature.digest {
        Digest::Md5(bytes) => bytes,
        Digest::Sha1(bytes) => bytes,
        Digest::Sha256(bytes) => bytes,
    };
    let digest: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let name = &signature.name;
    let (size, level) = match signature.size {
        Some(size) => (size.to_string(), ""),
        None => ("*".to_owned(), ":73"),
    };
    match signature.subject {
        Subject::Section => format!("{size}:{digest}:{name}{level}"),
        Subject::Bad | Subject::Trusted | Subject::Imports => {
            format!("{digest}:{size}:{name}{level}")
        }
    }
}

/// An offset.
#[must_use]
pub fn offset(offset: &Offset) -> String {
    let base = match &offset.base {
        OffsetBase::Any => "*".to_owned(),
        OffsetBase::Start(at) => at.to_string(),
        OffsetBase::End(before) => format!("EOF-{before}"),
        OffsetBase::EntryPoint(after) => format!("EP{after:+}"),
        OffsetBase::Section { index, plus } => format!("S{index}+{plus}"),
        OffsetBase::LastSection { plus } => format!("SL+{plus}"),
        OffsetBase::InSection { index } => format!("SE{index}"),
        OffsetBase::VersionInformation => "VI".to_owned(),
    };
    match offset.shift {
        0 => base,
        shift => format!("{base},{shift}"),
    }
}

/// A pattern.
#[must_use]
pub fn pattern(pattern: &Pattern) -> String {
    let mut out = exact(pattern.lead);
    let gaps = pattern.gaps.iter().map(Some).chain(std::iter::repeat(None));
    for (part, gap) in pattern.parts.iter().zip(gaps) {
        write_part(part, &mut out);
        if let Some(gap) = gap {
            write_gap(gap, &mut out);
        }
    }
    out.push_str(&exact(pattern.trail));
    out
}

fn exact(count: u32) -> String {
    match count {
        0 => String::new(),
        count => format!("{{{count}}}"),
    }
}

fn write_gap(gap: &Gap, out: &mut String) {
    let text = match (gap.min, gap.max) {
        (0, None) => "*".to_owned(),
        (min, None) => format!("{{{min}-}}"),
        (0, Some(max)) => format!("{{-{max}}}"),
        (min, Some(max)) => format!("{{{min}-{max}}}"),
    };
    out.push_str(&text);
}

fn write_part(part: &Part, out: &mut String) {
    if let Some(edge) = &part.left {
        write_edge(edge, out);
    }
    for unit in &part.units {
        write_unit(unit, out);
    }
    if let Some(edge) = &part.right {
        write_edge(edge, out);
    }
}

fn write_edge(edge: &Edge, out: &mut String) {
    out.push_str(if edge.negated { "!" } else { "" });
    out.push_str(match edge.kind {
        EdgeKind::Word => "(B)",
        EdgeKind::Line => "(L)",
        EdgeKind::NonAlphanumeric => "(W)",
        // Written so by nobody: it comes from `(W)` or `f` with `w`.
        EdgeKind::WideNonAlphanumeric => "(W16)",
    });
}

fn write_unit(unit: &Unit, out: &mut String) {
    match unit {
        Unit::Byte { value, mask } => {
            for (digit, fixed) in [(value.rotate_left(4), mask.rotate_left(4)), (*value, *mask)] {
                let digit = char::from_digit(u32::from(digit & 0x0f), 16);
                out.push(digit.filter(|_| fixed & 0x0f != 0).unwrap_or('?'));
            }
        }
        Unit::Choice { negated, choices } => {
            out.push_str(if *negated { "!(" } else { "(" });
            for (choice, index) in choices.iter().zip(0_usize..) {
                out.push_str(if index == 0 { "" } else { "|" });
                for unit in choice {
                    write_unit(unit, out);
                }
            }
            out.push(')');
        }
        Unit::Skip { min, max } if min == max => out.push_str(&format!("[{min}]")),
        Unit::Skip { min, max } => out.push_str(&format!("[{min}-{max}]")),
        Unit::Boundary(edge) => write_edge(edge, out),
    }
}
