//! Body patterns: text → [`Pattern`] (clamav.md A3.2, A3.3).
//!
//! ```text
//!   61 62 (63|64) {-5} (B) 6566 [3-5] 67 * 68 69 ??
//!   └─── part ──┘ gap  └───── part ────┘ gap └ part ┘
//!                     edge       distance
//! ```
//!
//! `reader` walks over the bytes; `units` reads what a part is made of; `parts` closes a part and
//! looks at what only a whole part can tell. Rules that the manual does not state, found by asking
//! clamscan 1.4.6:
//!
//! * From the left, `{n}` with 0 < n < 128 is another way to write n times `??`, inside of
//!   alternatives as well, up to the first brace of another form. From there on it is a gap. The
//!   difference shows at edges: in `6162{5}(B)6364` the boundary is in the middle of a part.
//! * A maximum of zero is no maximum: `{0}`, `{-0}`, `{0-0}`, `{}` and `{-}` are all `*`.
//! * Empty alternatives are dropped, but the first may not be empty.
//! * A distance `[x-y]` has exactly one byte at its outer side, without an edge.
//!
//! Wider than clamscan: an exact gap of any length at either end. Narrower: numbers with a sign or a
//! space, `{5-3}` (it matches nothing), `[5-]`.

mod parts;
mod reader;
mod units;

use super::line::{Field, LineFault, Read};
use super::signature::{Gap, Pattern, Target};
use parts::Parts;
use reader::Reader;
use units::Brace;

/// Reads a pattern of a signature for `target`.
pub(super) fn parse(field: Field<'_>, target: Target) -> Result<Read<Pattern>, LineFault> {
    read(field, target, Parts::new())
}

/// Reads a pattern that is part of a logical signature: two fixed bytes are enough.
pub(super) fn parse_part(field: Field<'_>, target: Target) -> Result<Read<Pattern>, LineFault> {
    read(field, target, Parts::of_a_signature())
}

/// Reads a pattern that will become longer: a part need not have two fixed bytes.
pub(super) fn parse_loose(field: Field<'_>, target: Target) -> Result<Read<Pattern>, LineFault> {
    read(field, target, Parts::loose())
}

fn read(field: Field<'_>, target: Target, mut parts: Parts) -> Result<Read<Pattern>, LineFault> {
    let mut reader = Reader::new(field);
    while let Some(byte) = reader.peek() {
        match byte {
            b'*' => {
                let at = reader.at();
                reader.skip();
                if reader.peek().is_none() {
                    return Err(LineFault::rule(at, "'*' at the end of a pattern"));
                }
                let any = Gap { min: 0, max: None };
                parts.gap(any, at)?;
            }
            b'{' => brace(&mut reader, &mut parts)?,
            _ => units::read(&mut reader, &mut parts)?,
        }
    }
    parts.finish(reader.at(), target)
}

/// A brace outside of alternatives: wildcards, a gap, or bytes that must exist at an end.
fn brace(reader: &mut Reader<'_>, parts: &mut Parts) -> Result<(), LineFault> {
    let at = reader.at();
    match units::brace(reader)? {
        Brace::Wildcards(count) => {
            parts.wildcards(count, at);
            Ok(())
        }
        Brace::Gap(gap) if parts.is_empty() => parts.lead(gap, at),
        Brace::Gap(gap) if reader.peek().is_none() => parts.trail(gap, at),
        Brace::Gap(gap) => parts.gap(gap, at),
    }
}
