//! Every signature that can be written reads back as itself.

use proptest::prelude::*;

use crate::engine::database::line::Read;
use crate::engine::database::signature::{
    BodySignature, Edge, EdgeKind, Gap, Offset, OffsetBase, Part, Pattern, Target, Unit,
};
use crate::engine::database::{body_line, render};

fn byte() -> impl Strategy<Value = Unit> {
    let mask = prop_oneof![6 => Just(0xff_u8), 1 => Just(0xf0), 1 => Just(0x0f), 1 => Just(0)];
    (any::<u8>(), mask).prop_map(|(value, mask)| Unit::Byte { value: value & mask, mask })
}

fn fixed() -> impl Strategy<Value = Unit> {
    any::<u8>().prop_map(|value| Unit::Byte { value, mask: 0xff })
}

fn choice() -> impl Strategy<Value = Unit> {
    let open = byte().prop_recursive(3, 24, 4, |inner| {
        let run = prop::collection::vec(inner, 1..4);
        prop::collection::vec(run, 1..4)
            .prop_map(|choices| Unit::Choice { negated: false, choices: choices.into() })
    });
    let open = prop::collection::vec(prop::collection::vec(open, 1..4), 1..4);
    let negated = (1_usize..4).prop_flat_map(|length| {
        prop::collection::vec(prop::collection::vec(fixed(), length), 1..4)
    });
    prop_oneof![
        open.prop_map(|choices| Unit::Choice { negated: false, choices: choices.into() }),
        negated.prop_map(|choices| Unit::Choice { negated: true, choices: choices.into() }),
    ]
}

fn edge() -> impl Strategy<Value = Edge> {
    let kind =
        prop_oneof![Just(EdgeKind::Word), Just(EdgeKind::Line), Just(EdgeKind::NonAlphanumeric)];
    (kind, any::<bool>()).prop_map(|(kind, negated)| Edge { kind, negated })
}

fn unit() -> impl Strategy<Value = Unit> {
    prop_oneof![8 => byte(), 2 => choice(), 1 => edge().prop_map(Unit::Boundary)]
}

/// Units around three fixed bytes, so that the part is one that can be read; at both ends a fixed
/// byte, because a boundary there would be an edge.
fn core() -> impl Strategy<Value = Vec<Unit>> {
    let around = || prop::collection::vec(unit(), 0..4);
    (fixed(), around(), [fixed(), fixed(), fixed()], around(), fixed()).prop_map(
        |(first, before, middle, after, last)| {
            let mut units = vec![first];
            units.extend(before);
            units.extend(middle);
            units.extend(after);
            units.push(last);
            units
        },
    )
}

fn distance() -> impl Strategy<Value = Unit> {
    (0_u8..=32, 0_u8..=32)
        .prop_map(|(one, other)| Unit::Skip { min: one.min(other), max: one.max(other) })
}

fn part() -> impl Strategy<Value = Part> {
    let plain = (prop::option::of(edge()), core(), prop::option::of(edge()))
        .prop_map(|(left, units, right)| Part { left, units, right });
    let side = || prop::option::of((byte(), distance()));
    let distant = (side(), core(), side()).prop_map(|(before, mut units, after)| {
        if let Some((byte, skip)) = before {
            units.splice(0..0, [byte, skip]);
        }
        if let Some((byte, skip)) = after {
            units.extend([skip, byte]);
        }
        Part { left: None, units, right: None }
    });
    prop_oneof![2 => plain, 1 => distant]
}

fn gap() -> impl Strategy<Value = Gap> {
    let bounded = (any::<u32>(), 1_u32..=u32::MAX)
        .prop_map(|(one, other)| Gap { min: one.min(other), max: Some(one.max(other)) });
    prop_oneof![
        Just(Gap { min: 0, max: None }),
        any::<u32>().prop_map(|min| Gap { min, max: None }),
        bounded,
    ]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let end = || prop_oneof![3 => Just(0_u32), 1 => 128_u32..=u32::MAX];
    let rest = prop::collection::vec((gap(), part()), 0..4);
    (part(), rest, end(), end()).prop_map(|(first, rest, lead, trail)| {
        let (gaps, others): (Vec<_>, Vec<_>) = rest.into_iter().unzip();
        let mut parts = vec![first];
        parts.extend(others);
        Pattern { parts, gaps, lead, trail }
    })
}

fn offset() -> impl Strategy<Value = Offset> {
    let base = prop_oneof![
        any::<u64>().prop_map(OffsetBase::Start),
        any::<u64>().prop_map(OffsetBase::End),
        (-i64::MAX..=i64::MAX).prop_map(OffsetBase::EntryPoint),
        (any::<u16>(), any::<u64>()).prop_map(|(index, plus)| OffsetBase::Section { index, plus }),
        any::<u64>().prop_map(|plus| OffsetBase::LastSection { plus }),
        any::<u16>().prop_map(|index| OffsetBase::InSection { index }),
        Just(OffsetBase::VersionInformation),
    ];
    let any_place = Just(Offset { base: OffsetBase::Any, shift: 0 });
    prop_oneof![
        1 => any_place,
        4 => (base, any::<u32>()).prop_map(|(base, shift)| Offset { base, shift }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_rendered_reads_back(pattern in pattern(), offset in offset()) {
        let signature = BodySignature {
            name: "Name.UNOFFICIAL".into(),
            target: Target::Pe,
            offset,
            pattern,
            hits_max: 1,
        };
        let text = render::body(&signature).replacen(".UNOFFICIAL", "", 1);
        let read = body_line::parse(text.as_bytes(), 214);
        prop_assert_eq!(read, Ok(Read::Signature(signature)), "{}", text);
    }

    #[test]
    fn no_line_makes_the_reader_panic(text in "[0-9a-f?*{}()\\[\\]!|BLW:,$S E+-]{0,60}") {
        for line in [text.clone(), format!("A:1:*:{text}"), format!("A:1:{text}:616263")] {
            match body_line::parse(line.as_bytes(), 214) {
                // What was read can be written, and reads back as the same.
                Ok(Read::Signature(signature)) => {
                    let again = render::body(&signature).replacen(".UNOFFICIAL", "", 1);
                    let read = body_line::parse(again.as_bytes(), 214);
                    prop_assert_eq!(read, Ok(Read::Signature(signature)), "{}", again);
                }
                Err(fault) => prop_assert!(fault.at <= line.len(), "{} {:?}", line, fault),
                Ok(Read::ByLevel | Read::Unsupported(_)) => {}
            }
        }
    }
}

/// Millions of them are in memory while a large set is built.
#[test]
fn a_unit_is_two_words() {
    assert_eq!(size_of::<Unit>(), 16);
}
