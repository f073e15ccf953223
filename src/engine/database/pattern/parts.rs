//! Putting units together to parts, and parts to a pattern.

use crate::engine::database::line::{LineFault, Read};
use crate::engine::database::report::Unsupported;
use crate::engine::database::signature::{Edge, EdgeKind, Gap, Part, Pattern, Target, Unit};

use super::units::WILDCARD;

/// A pattern while it is read.
pub(super) struct Parts {
    pattern: Pattern,
    /// Of the part that is being read.
    units: Vec<Unit>,
    /// Where that part begins in the line.
    part_at: usize,
    /// A distance has a boundary at its inner side.
    boundary_beside_distance: bool,
    /// How much must be fixed.
    minimum: Minimum,
}

/// How much of a pattern must be fixed bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Minimum {
    /// Two side by side in each part, and three of a literal for all targets.
    Whole,
    /// Two side by side in each part.
    Pair,
    /// Anything.
    Nothing,
}

impl Parts {
    pub(super) const fn new() -> Self {
        Self::with(Minimum::Whole)
    }

    pub(super) const fn of_a_signature() -> Self {
        Self::with(Minimum::Pair)
    }

    pub(super) const fn loose() -> Self {
        Self::with(Minimum::Nothing)
    }

    const fn with(minimum: Minimum) -> Self {
        Self {
            pattern: Pattern { parts: Vec::new(), gaps: Vec::new(), lead: 0, trail: 0 },
            units: Vec::new(),
            part_at: 0,
            boundary_beside_distance: false,
            minimum,
        }
    }

    /// Whether nothing but a leading gap was read.
    pub(super) const fn is_empty(&self) -> bool {
        self.pattern.parts.is_empty() && self.units.is_empty() && self.pattern.lead == 0
    }

    pub(super) fn push(&mut self, unit: Unit, at: usize) {
        self.begin(at);
        self.units.push(unit);
    }

    pub(super) fn wildcards(&mut self, count: u8, at: usize) {
        self.begin(at);
        let wildcards = std::iter::repeat_n(WILDCARD, usize::from(count));
        self.units.extend(wildcards);
    }

    const fn begin(&mut self, at: usize) {
        if self.units.is_empty() {
            self.part_at = at;
        }
    }

    /// A gap after the part that is being read.
    pub(super) fn gap(&mut self, gap: Gap, at: usize) -> Result<(), LineFault> {
        self.close(at)?;
        self.pattern.gaps.push(gap);
        Ok(())
    }

    /// A gap before the first part.
    pub(super) fn lead(&mut self, gap: Gap, at: usize) -> Result<(), LineFault> {
        self.pattern.lead = exact(gap, at)?;
        Ok(())
    }

    /// A gap after the last part.
    pub(super) fn trail(&mut self, gap: Gap, at: usize) -> Result<(), LineFault> {
        self.pattern.trail = exact(gap, at)?;
        Ok(())
    }

    /// The part that is being read is over; `at` is where.
    fn close(&mut self, at: usize) -> Result<(), LineFault> {
        if self.units.is_empty() {
            let rule = "a gap at the start, at the end or beside another gap";
            return Err(LineFault::rule(at, rule));
        }
        let mut units = std::mem::take(&mut self.units);
        let core = check_distances(&units, self.part_at)?;
        if self.minimum != Minimum::Nothing && !has_fixed_pair(core) {
            let rule = "a part without two fixed bytes side by side";
            return Err(LineFault::rule(self.part_at, rule));
        }
        if core.len() < units.len() {
            self.boundary_beside_distance |= !look_from_inside(&mut units);
        }
        let right = match units.last() {
            Some(Unit::Boundary(edge)) => Some(*edge),
            Some(_) | None => None,
        };
        if right.is_some() {
            units.pop();
        }
        let left = match units.first() {
            Some(Unit::Boundary(edge)) => Some(*edge),
            Some(_) | None => None,
        };
        if left.is_some() {
            units.remove(0);
        }
        // Kept with no room to spare; the room is for the next part.
        let mut kept = Vec::with_capacity(units.len());
        kept.append(&mut units);
        self.units = units;
        self.pattern.parts.push(Part { left, units: kept, right });
        Ok(())
    }

    /// The end of the text, at `at`.
    pub(super) fn finish(mut self, at: usize, target: Target) -> Result<Read<Pattern>, LineFault> {
        if self.units.is_empty() && self.pattern.parts.is_empty() {
            return Err(LineFault::rule(at, "an empty pattern"));
        }
        self.close(at)?;
        let Self { pattern, .. } = self;
        let is_whole = self.minimum == Minimum::Whole;
        if is_whole && target == Target::Any && is_short_literal(&pattern) {
            let rule = "a pattern of fixed bytes in target 0 needs three of them";
            return Err(LineFault::rule(at, rule));
        }
        if self.boundary_beside_distance {
            return Ok(Read::Unsupported(Unsupported::BoundaryBesideDistance));
        }
        Ok(Read::Signature(pattern))
    }
}

/// A gap at an end of the pattern: so many bytes must exist there.
fn exact(gap: Gap, at: usize) -> Result<u32, LineFault> {
    match gap {
        Gap { min, max: Some(max) } if min == max => Ok(min),
        Gap { .. } => {
            let rule = "a gap at an end of the pattern: only {n} is allowed";
            Err(LineFault::rule(at, rule))
        }
    }
}

/// Each distance has one byte at its outer side; returned is what lies between the distances.
fn check_distances(units: &[Unit], at: usize) -> Result<&[Unit], LineFault> {
    let mut core = units;
    if let [Unit::Byte { .. }, Unit::Skip { .. }, rest @ ..] = core {
        core = rest;
    }
    if let [rest @ .., Unit::Skip { .. }, Unit::Byte { .. }] = core {
        core = rest;
    }
    if core.iter().any(|unit| matches!(unit, Unit::Skip { .. })) {
        let rule = "a distance [x-y] is allowed after the first or before the last byte of a part, \
                    once on each side";
        return Err(LineFault::rule(at, rule));
    }
    Ok(core)
}

/// A boundary at the inner side of a distance is an edge: it looks at a byte inside of the distance.
/// That byte is written out, and the distance gets shorter by it. Says whether that could be done.
///
/// Asked of clamscan 1.4.6: `61[3-5](W)6263` is found in `axx bc` and in `axxxx bc`. Left as they are:
/// distances that may be nothing, negated edges in front (clamscan finds nothing), ends of lines.
fn look_from_inside(units: &mut [Unit]) -> bool {
    let left = match units {
        [Unit::Byte { .. }, skip @ Unit::Skip { .. }, edge @ Unit::Boundary(_), ..] => {
            write_out(skip, edge, true)
        }
        _ => true,
    };
    let right = match units {
        [.., edge @ Unit::Boundary(_), skip @ Unit::Skip { .. }, Unit::Byte { .. }] => {
            write_out(skip, edge, false)
        }
        _ => true,
    };
    left && right
}

fn write_out(skip: &mut Unit, edge: &mut Unit, is_left: bool) -> bool {
    let (Unit::Skip { min, max }, Unit::Boundary(boundary)) = (&mut *skip, &mut *edge) else {
        return false;
    };
    let (Some(less), Some(byte)) = (min.checked_sub(1), looked_at(*boundary, is_left)) else {
        return false;
    };
    *min = less;
    *max = max.saturating_sub(1);
    *edge = byte;
    true
}

/// The byte that an edge is content with (clamav.md A3.3).
fn looked_at(edge: Edge, is_left: bool) -> Option<Unit> {
    let fixed = |byte: &u8| vec![Unit::Byte { value: *byte, mask: 0xff }];
    let (bytes, negated): (&[u8], bool) = match (edge.kind, is_left) {
        (EdgeKind::Word, true) => (b" -./<@_", false),
        (EdgeKind::Word, false) => (b"\n\r \"'-/=>_", false),
        (EdgeKind::Line, true) => (b"\n", false),
        (EdgeKind::NonAlphanumeric, _) => (ALPHANUMERIC, true),
        (EdgeKind::Line, false) | (EdgeKind::WideNonAlphanumeric, _) => return None,
    };
    if edge.negated && is_left {
        return None;
    }
    let choices = bytes.iter().map(fixed).collect();
    Some(Unit::Choice { negated: negated != edge.negated, choices })
}

fn has_fixed_pair(units: &[Unit]) -> bool {
    let fixed = |unit: &Unit| matches!(unit, Unit::Byte { mask: 0xff, .. });
    let mut pairs = units.iter().zip(units.iter().skip(1));
    pairs.any(|(first, second)| fixed(first) && fixed(second))
}

fn is_short_literal(pattern: &Pattern) -> bool {
    let [part] = pattern.parts.as_slice() else {
        return false;
    };
    let fixed = |unit: &Unit| matches!(unit, Unit::Byte { mask: 0xff, .. });
    let bare =
        part.left.is_none() && part.right.is_none() && pattern.lead == 0 && pattern.trail == 0;
    bare && part.units.len() < LITERAL_BYTES_MIN && part.units.iter().all(fixed)
}

const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// clamscan's own minimum for patterns that are looked for in everything.
const LITERAL_BYTES_MIN: usize = 3;
