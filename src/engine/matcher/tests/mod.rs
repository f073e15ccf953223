//! Tests of the matcher: against an oracle, over seams, against hostile inputs, against clamscan.

#![forbid(unsafe_code)]

mod adversarial;
mod cases;
mod generate;
mod oracle;
mod property;

use super::compile::compile_with;
use super::{GramCounts, HITS_MAX, Hit, LayerFacts, Matcher, State, compile};
use crate::engine::database::signature::{
    BodySignature, Edge, EdgeKind, Gap, Offset, OffsetBase, Part, Pattern, Target, Unit,
};

/// Feeds `data` in chunks of the lengths given (the rest in one), and finishes.
fn scan(
    matcher: &Matcher<'_>,
    data: &[u8],
    lengths: impl IntoIterator<Item = usize>,
    layer: &LayerFacts,
) -> (Vec<Hit>, State) {
    let (mut state, mut hits, mut rest) = (State::new(), Vec::new(), data);
    for length in lengths {
        let (chunk, after) = rest.split_at(length.min(rest.len()));
        matcher.feed(&mut state, chunk, layer, &mut hits);
        rest = after;
    }
    matcher.feed(&mut state, rest, layer, &mut hits);
    matcher.finish(&mut state, layer, &mut hits);
    (hits, state)
}

fn compiled_with(signatures: &[BodySignature], merged_rate: u64) -> Vec<u8> {
    let bytes = compile_with(signatures, &GramCounts::new(), merged_rate);
    Matcher::open(&bytes).unwrap().check().unwrap();
    bytes
}

fn compiled(signatures: &[BodySignature]) -> Vec<u8> {
    let bytes = compile(signatures, &GramCounts::new());
    Matcher::open(&bytes).unwrap().check().unwrap();
    bytes
}

fn signature(pattern: Pattern) -> BodySignature {
    BodySignature {
        name: "Test".into(),
        target: Target::Any,
        offset: anywhere(),
        pattern,
        hits_max: HITS_MAX,
    }
}

fn single(part: Part) -> BodySignature {
    signature(Pattern { parts: vec![part], gaps: vec![], lead: 0, trail: 0 })
}

fn literal(bytes: &[u8]) -> Part {
    let units = bytes.iter().map(|&value| Unit::Byte { value, mask: 0xFF }).collect();
    Part { left: None, units, right: None }
}

/// Letters of either case, other bytes as they are.
fn folded(bytes: &[u8]) -> Part {
    let unit = |byte: &u8| {
        let mask = if byte.is_ascii_alphabetic() { 0xDF } else { 0xFF };
        Unit::Byte { value: byte & mask, mask }
    };
    Part { left: None, units: bytes.iter().map(unit).collect(), right: None }
}

const fn anywhere() -> Offset {
    Offset { base: OffsetBase::Any, shift: 0 }
}
