//! From parts as written to segments: what one anchor finds and one program checks.
//!
//! Three changes that keep the meaning and serve the stream. Parts of fixed length with an exact gap
//! between them (`{2}`, `{28}`: one subsignature in five of the official set) become one segment, so
//! that the short ones among them need no anchor of their own. Where any match will do, so do parts with
//! a gap of limited length (`{-50}`): then the whole is looked for by its rarest piece, and a common
//! first part (`var{-50}function`) is never looked for alone. Parts longer than [`SEGMENT_BYTES_MAX`]
//! are cut into pieces joined by a gap of exactly nothing, so that the bytes kept between two chunks
//! stay few however long a signature is. Only top-level units are cut apart: one giant alternative
//! stays whole, and the window grows with it.

#![forbid(unsafe_code)]

use super::program;
use crate::engine::database::signature::{Gap, Part, Pattern, Unit};

/// The segments of a pattern, and the gaps between them (one fewer).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segments {
    pub(super) parts: Vec<Part>,
    pub(super) gaps: Vec<Gap>,
}

impl Segments {
    /// Joins and cuts as the front page says; `any` where any match will do. `None` when the pattern is
    /// not one: no part, a part without units, or gaps that do not go with the parts.
    pub(super) fn of(pattern: &Pattern, any: bool) -> Option<Self> {
        // What is counted from the edges of a match is counted from those of the first one found.
        let loose = any && pattern.lead == 0 && pattern.trail == 0;
        if pattern.parts.is_empty() || pattern.gaps.len() + 1 != pattern.parts.len() {
            return None;
        }
        let mut segments = Self { parts: Vec::new(), gaps: Vec::new() };
        for (index, part) in pattern.parts.iter().enumerate() {
            if part.units.is_empty() {
                return None;
            }
            match index.checked_sub(1).and_then(|before| pattern.gaps.get(before)) {
                Some(gap) => segments.append(*gap, part, loose),
                None => segments.parts.push(part.clone()),
            }
        }
        Some(segments.cut())
    }

    fn append(&mut self, gap: Gap, part: &Part, loose: bool) {
        let before = self.parts.last_mut();
        let before = before.filter(|before| before.right.is_none() && part.left.is_none());
        let Some((before, between)) = before
            .and_then(|before| between(before, gap, part, loose).map(|units| (before, units)))
        else {
            self.gaps.push(gap);
            self.parts.push(part.clone());
            return;
        };
        before.units.extend(between);
        before.units.extend_from_slice(&part.units);
        before.right = part.right;
    }

    fn cut(self) -> Self {
        let mut gaps = self.gaps.into_iter();
        let mut cut = Self { parts: Vec::new(), gaps: Vec::new() };
        for part in self.parts {
            let pieces = pieces(part);
            let last = pieces.len().saturating_sub(1);
            for (index, piece) in pieces.into_iter().enumerate() {
                cut.parts.push(piece);
                cut.gaps.extend((index < last).then_some(NOTHING));
            }
            cut.gaps.extend(gaps.next());
        }
        cut
    }
}

/// The units that stand for the gap where two parts become one.
fn between(before: &Part, gap: Gap, part: &Part, loose: bool) -> Option<Vec<Unit>> {
    let (first, second) = (program::length(&before.units), program::length(&part.units));
    let max = gap.max?;
    let bytes = first.max.saturating_add(max).saturating_add(second.max);
    if gap.min == max && first.is_fixed() && second.is_fixed() && bytes <= JOINED_BYTES_MAX {
        return Some(vec![Unit::Byte { value: 0, mask: 0 }; max as usize]);
    }
    let least = first.min.saturating_add(gap.min).saturating_add(second.min);
    if !loose || bytes > LOOSE_BYTES_MAX || bytes.saturating_sub(least) > LOOSE_PLACES_MAX {
        return None;
    }
    Some(skips(gap.min, max))
}

/// From `min` to `max` bytes of any value, in units of at most 255.
fn skips(mut min: u32, mut max: u32) -> Vec<Unit> {
    let mut units = Vec::new();
    while max > 0 {
        let one = |bytes: u32| u8::try_from(bytes).unwrap_or(u8::MAX);
        let (least, most) = (one(min), one(max));
        units.push(Unit::Skip { min: least, max: most });
        (min, max) = (min - u32::from(least), max - u32::from(most));
    }
    units
}

/// A part in pieces of about equal length, none above the limit unless a single unit is.
fn pieces(part: Part) -> Vec<Part> {
    let bytes = program::length(&part.units).max;
    if bytes <= SEGMENT_BYTES_MAX || part.units.len() < 2 {
        return vec![part];
    }
    let goal = bytes.div_ceil(bytes.div_ceil(SEGMENT_BYTES_MAX));
    let mut pieces = vec![Part { left: part.left, units: Vec::new(), right: None }];
    let mut filled = 0_u32;
    for unit in part.units {
        let bytes = program::length(std::slice::from_ref(&unit)).max;
        if filled > 0 && filled.saturating_add(bytes) > goal {
            pieces.push(Part { left: None, units: Vec::new(), right: None });
            filled = 0;
        }
        filled = filled.saturating_add(bytes);
        if let Some(piece) = pieces.last_mut() {
            piece.units.push(unit);
        }
    }
    if let Some(piece) = pieces.last_mut() {
        piece.right = part.right;
    }
    pieces
}

/// The gap between two pieces of one part.
const NOTHING: Gap = Gap { min: 0, max: Some(0) };

/// Longer parts are cut. 99 of 100 patterns of the official set have at most 128 bytes, the longest 5,584.
const SEGMENT_BYTES_MAX: u32 = 2_048;

/// Parts are joined up to this length, gaps included.
const JOINED_BYTES_MAX: u32 = 512;

/// Parts with a gap of limited length are joined up to this length, gaps included.
const LOOSE_BYTES_MAX: u32 = 1_024;

/// And as long as the last byte has no more places than this: so many are tried for one anchor.
const LOOSE_PLACES_MAX: u32 = 512;

const _: () = assert!(LOOSE_BYTES_MAX <= SEGMENT_BYTES_MAX, "what was joined is not cut again");

const _: () = assert!(JOINED_BYTES_MAX <= SEGMENT_BYTES_MAX, "what was joined is not cut again");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::database::signature::{Edge, EdgeKind};

    fn literal(bytes: &[u8]) -> Part {
        let units = bytes.iter().map(|&value| Unit::Byte { value, mask: 0xFF }).collect();
        Part { left: None, units, right: None }
    }

    fn segments(parts: Vec<Part>, gaps: Vec<Gap>) -> Option<Segments> {
        Segments::of(&Pattern { parts, gaps, lead: 0, trail: 0 }, false)
    }

    #[test]
    fn gaps_of_limited_length_are_part_of_a_segment_where_any_match_will_do() {
        let pattern = |max: Option<u32>, lead| Pattern {
            parts: vec![literal(b"ab"), literal(b"cd")],
            gaps: vec![Gap { min: 1, max }],
            lead,
            trail: 0,
        };
        let joined = Segments::of(&pattern(Some(50), 0), true).unwrap();
        assert_eq!((joined.parts.len(), joined.gaps.len()), (1, 0));
        assert_eq!(joined.parts[0].units[2], Unit::Skip { min: 1, max: 50 });
        for (pattern, any) in [
            (pattern(Some(50), 0), false),
            (pattern(Some(50), 3), true),
            (pattern(Some(514), 0), true),
            (pattern(None, 0), true),
        ] {
            assert_eq!(Segments::of(&pattern, any).unwrap().gaps, pattern.gaps, "{pattern:?}");
        }
    }

    #[test]
    fn exact_gaps_between_fixed_parts_become_wildcards_and_others_stay() {
        let exact = Gap { min: 2, max: Some(2) };
        let joined = segments(vec![literal(b"ab"), literal(b"cd")], vec![exact]).unwrap();
        assert_eq!((joined.parts.len(), joined.parts[0].units.len()), (1, 6));

        let open = Gap { min: 2, max: Some(3) };
        assert_eq!(
            segments(vec![literal(b"ab"), literal(b"cd")], vec![open]).unwrap().gaps,
            [open]
        );

        let edge = Edge { kind: EdgeKind::Line, negated: false };
        let edged = Part { left: Some(edge), ..literal(b"cd") };
        assert_eq!(segments(vec![literal(b"ab"), edged], vec![exact]).unwrap().gaps, [exact]);
    }

    #[test]
    fn long_parts_are_cut_into_pieces_that_touch() {
        let cut =
            segments(vec![literal(&[7; 5_000]), literal(b"xy")], vec![Gap { min: 0, max: None }])
                .unwrap();
        assert_eq!(
            cut.parts.iter().map(|part| part.units.len()).collect::<Vec<_>>(),
            [1_667, 1_667, 1_666, 2]
        );
        assert_eq!(cut.gaps, [NOTHING, NOTHING, Gap { min: 0, max: None }]);
    }

    #[test]
    fn what_is_no_pattern_gives_no_segments() {
        assert_eq!(segments(vec![], vec![]), None);
        assert_eq!(segments(vec![literal(b"")], vec![]), None);
        assert_eq!(segments(vec![literal(b"ab")], vec![NOTHING]), None);
    }
}
