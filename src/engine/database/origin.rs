//! Where clamscan counts an offset from, for the two forms in which that is not the first byte matched.
//!
//! Asked of clamscan 1.4.6: with a byte at a distance in front (`75[3-10]9b86…`) an offset is the
//! place of the part behind the distance; with a negated left edge (`!(W)9b86…`) it is the place of
//! the byte that the edge looks at. Here the base is moved so that the matcher, which counts from
//! the first byte it matches, agrees. A distance of several lengths becomes a pattern for each
//! length, at most 33 of one name: no published set has more than a few such lines.
//!
//! Known gap: `SEx`, `VI` and places that would lie before their section are left as they are.

use super::signature::{BodySignature, OffsetBase, Unit};

/// The patterns that together match where clamscan matches `body`.
pub(super) fn moved(body: BodySignature) -> Vec<BodySignature> {
    if body.offset.base == OffsetBase::Any {
        return vec![body];
    }
    let Some(first) = body.pattern.parts.first() else {
        return vec![body];
    };
    let is_negated = first.left.is_some_and(|edge| edge.negated) && body.pattern.lead == 0;
    match first.units.as_slice() {
        [Unit::Byte { .. }, Unit::Skip { min, max }, ..] => {
            let distances = *min..=*max;
            let each: Option<Vec<_>> = distances.map(|distance| exact(&body, distance)).collect();
            each.unwrap_or_else(|| vec![body])
        }
        _ if is_negated => {
            let base = shifted(body.offset.base, 1);
            let mut body = body;
            body.offset.base = base.unwrap_or(body.offset.base);
            vec![body]
        }
        _ => vec![body],
    }
}

/// The same with one distance only, and an offset for the byte in front of it.
fn exact(body: &BodySignature, distance: u8) -> Option<BodySignature> {
    let before = i64::from(distance).saturating_add(1);
    let mut exact = body.clone();
    let skip = exact.pattern.parts.first_mut()?.units.get_mut(1)?;
    *skip = Unit::Skip { min: distance, max: distance };
    if let OffsetBase::Start(at) = body.offset.base {
        // The front byte cannot lie before the layer: that part of the range is given up.
        let start = i64::try_from(at).ok()?.saturating_sub(before);
        let missing = u32::try_from(start.min(0).unsigned_abs()).ok()?;
        exact.offset.base = OffsetBase::Start(u64::try_from(start.max(0)).ok()?);
        match body.offset.shift.checked_sub(missing) {
            Some(shift) => exact.offset.shift = shift,
            // It can match nowhere; behind every end there is nothing.
            None => exact.offset.base = OffsetBase::Start(u64::MAX),
        }
    } else {
        exact.offset.base = shifted(body.offset.base, before.saturating_neg())?;
    }
    Some(exact)
}

/// A base so many bytes further on; `None` where that cannot be said.
fn shifted(base: OffsetBase, by: i64) -> Option<OffsetBase> {
    Some(match base {
        OffsetBase::Start(at) => OffsetBase::Start(at.checked_add_signed(by)?),
        OffsetBase::End(back) => OffsetBase::End(back.checked_add_signed(by.checked_neg()?)?),
        OffsetBase::EntryPoint(plus) => OffsetBase::EntryPoint(plus.checked_add(by)?),
        OffsetBase::Section { index, plus } => {
            OffsetBase::Section { index, plus: plus.checked_add_signed(by)? }
        }
        OffsetBase::LastSection { plus } => {
            OffsetBase::LastSection { plus: plus.checked_add_signed(by)? }
        }
        OffsetBase::Any | OffsetBase::InSection { .. } | OffsetBase::VersionInformation => {
            return None;
        }
    })
}
