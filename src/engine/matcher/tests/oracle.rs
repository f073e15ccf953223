//! A second matcher, as plain as can be: backtracking over whole bytes, straight from `clamav.md` A3.
//!
//! It shares no code with the real one. Its answers are what the property tests compare with.

use super::super::facts::{Executable, LayerFacts, VersionInformation};
use super::*;
use std::collections::BTreeSet;

/// All hits: signature and offset, one for each place where a last part begins, sorted.
pub(super) fn hits(
    signatures: &[BodySignature],
    data: &[u8],
    layer: &LayerFacts,
) -> Vec<(usize, u64)> {
    let mut all = Vec::new();
    for (id, signature) in signatures.iter().enumerate() {
        if signature.target == Target::Any || layer.targets.contains(signature.target) {
            all.extend(offsets(signature, data, layer).into_iter().map(|offset| (id, offset)));
        }
    }
    all.sort_unstable();
    all
}

fn offsets(signature: &BodySignature, data: &[u8], layer: &LayerFacts) -> Vec<u64> {
    let pattern = &signature.pattern;
    // Ends of the part before, each with the offset of its match.
    let mut before: BTreeSet<(usize, u64)> = BTreeSet::new();
    for (index, part) in pattern.parts.iter().enumerate() {
        let is_last = index + 1 == pattern.parts.len();
        let (mut ends, mut found) = (BTreeSet::new(), Vec::new());
        for start in 0..data.len() {
            let offset = match index.checked_sub(1) {
                None => first_offset(signature, start, data.len(), layer),
                Some(gap) => continued(pattern.gaps[gap], start, &before),
            };
            let Some(offset) = offset else { continue };
            let part_ends = part_ends(part, data, start);
            if part_ends.iter().any(|end| end + pattern.trail as usize <= data.len()) && is_last {
                found.push(offset);
            }
            ends.extend(part_ends.into_iter().map(|end| (end, offset)));
        }
        if is_last {
            return found;
        }
        before = ends;
    }
    Vec::new()
}

fn continued(gap: Gap, start: usize, before: &BTreeSet<(usize, u64)>) -> Option<u64> {
    let fits = |end: usize| {
        end <= start
            && start - end >= gap.min as usize
            && gap.max.is_none_or(|max| start - end <= max as usize)
    };
    before.iter().find(|(end, _)| fits(*end)).map(|(_, offset)| *offset)
}

fn first_offset(
    signature: &BodySignature,
    start: usize,
    size: usize,
    layer: &LayerFacts,
) -> Option<u64> {
    let offset = (start as u64).checked_sub(signature.pattern.lead.into())?;
    let relative_target = matches!(signature.target, Target::Pe | Target::Elf | Target::MachO);
    let map = match &layer.executable {
        Executable::Known(map) => Some(map),
        Executable::Unknown | Executable::Absent => None,
    };
    let section = |index: usize| map.and_then(|map| map.sections.get(index));
    let (low, mut high) = match signature.offset.base {
        OffsetBase::Any => return Some(offset),
        OffsetBase::Start(plus) => (plus, plus),
        OffsetBase::End(_) if relative_target && map.is_none() => return None,
        OffsetBase::End(minus) => {
            let base = (size as u64).checked_sub(minus)?;
            (base, base)
        }
        OffsetBase::EntryPoint(plus) => {
            let base = map?.entry_point?.checked_add_signed(plus)?;
            (base, base)
        }
        OffsetBase::Section { index, plus } => {
            let base = section(index.into())?.start + plus;
            (base, base)
        }
        OffsetBase::LastSection { plus } => {
            let base = map?.sections.last()?.start + plus;
            (base, base)
        }
        OffsetBase::InSection { index } => {
            let section = section(index.into())?;
            (section.start, section.start + section.size)
        }
        OffsetBase::VersionInformation => {
            let VersionInformation::Known(places) = &map?.version_information else { return None };
            return places.contains(&offset).then_some(offset);
        }
    };
    high += u64::from(signature.offset.shift);
    (low <= offset && offset <= high).then_some(offset)
}

fn part_ends(part: &Part, data: &[u8], start: usize) -> BTreeSet<usize> {
    let before = start.checked_sub(1).map(|index| data[index]);
    if let Some(edge) = part.left {
        let plain = match (edge.kind, before) {
            (_, None) => true,
            (EdgeKind::Word, Some(byte)) => b" -./<@_".contains(&byte),
            (EdgeKind::Line, Some(byte)) => byte == b'\n',
            (EdgeKind::NonAlphanumeric, Some(byte)) => !byte.is_ascii_alphanumeric(),
            (EdgeKind::WideNonAlphanumeric, Some(_)) => {
                !matches!(data[..start], [.., low, 0] if low.is_ascii_alphanumeric())
            }
        };
        if plain == edge.negated {
            return BTreeSet::new();
        }
    }
    let mut ends = BTreeSet::new();
    units_ends(&part.units, data, start, &mut ends);
    ends.retain(|&end| part.right.is_none_or(|edge| right_edge(edge, data, end) != edge.negated));
    ends
}

fn right_edge(edge: Edge, data: &[u8], end: usize) -> bool {
    let rest = &data[end..];
    rest.is_empty()
        || match edge.kind {
            EdgeKind::Word => b"\n\r \"'-/=>_".contains(&rest[0]),
            EdgeKind::Line => rest.starts_with(b"\n") || rest.starts_with(b"\r\n"),
            EdgeKind::NonAlphanumeric => !rest[0].is_ascii_alphanumeric(),
            EdgeKind::WideNonAlphanumeric => {
                !matches!(rest, [low] | [low, 0, ..] if low.is_ascii_alphanumeric())
            }
        }
}

fn units_ends(units: &[Unit], data: &[u8], at: usize, ends: &mut BTreeSet<usize>) {
    let Some((unit, rest)) = units.split_first() else {
        ends.insert(at);
        return;
    };
    for next in unit_ends(unit, data, at) {
        units_ends(rest, data, next, ends);
    }
}

fn unit_ends(unit: &Unit, data: &[u8], at: usize) -> BTreeSet<usize> {
    let mut ends = BTreeSet::new();
    match unit {
        Unit::Byte { value, mask } => {
            ends.extend(data.get(at).filter(|byte| **byte & mask == *value).map(|_| at + 1));
        }
        Unit::Skip { min, max } => ends.extend(
            (*min..=*max).map(|count| at + usize::from(count)).filter(|end| *end <= data.len()),
        ),
        Unit::Boundary(edge) => {
            ends.extend(boundary_taken(*edge, data, at).map(|taken| at + taken));
        }
        Unit::Choice { negated, choices } => {
            for choice in choices {
                units_ends(choice, data, at, &mut ends);
            }
            if *negated {
                let end = at + width(&choices[0]);
                let fits = ends.is_empty() && end <= data.len();
                ends.clear();
                ends.extend(fits.then_some(end));
            }
        }
    }
    ends
}

fn boundary_taken(edge: Edge, data: &[u8], at: usize) -> Option<usize> {
    let byte = *data.get(at)?;
    let taken = match edge.kind {
        EdgeKind::Word => usize::from(b" -./<@_\n\r\"'=>".contains(&byte)),
        EdgeKind::NonAlphanumeric | EdgeKind::WideNonAlphanumeric => {
            usize::from(!byte.is_ascii_alphanumeric())
        }
        EdgeKind::Line if byte == b'\n' => 1,
        EdgeKind::Line if data[at..].starts_with(b"\r\n") => 2,
        EdgeKind::Line => 0,
    };
    match (edge.negated, taken) {
        (false, 0) => None,
        (false, taken) => Some(taken),
        (true, 0) => Some(1),
        (true, _) => None,
    }
}

/// Bytes of a choice in a negation, where all have one length.
fn width(units: &[Unit]) -> usize {
    let unit_width = |unit: &Unit| match unit {
        Unit::Byte { .. } | Unit::Boundary(_) => 1,
        Unit::Skip { min, .. } => usize::from(*min),
        Unit::Choice { choices, .. } => width(&choices[0]),
    };
    units.iter().map(unit_width).sum()
}
