//! How many matches of a part are enough: what no expression can tell from more.

use std::sync::OnceLock;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};

use super::super::program::{Counted, encode, evaluate};
use super::super::value::{Conditions, LogicalSignature, Subsignature};
use super::super::{Collector, value::Step};
use crate::engine::database::signature::{
    BodySignature, NameId, Offset, OffsetBase, Part, Pattern, Target, Unit,
};
use crate::engine::database::{BuildOptions, Sources, build, expression_of};
use crate::engine::matcher::HITS_MAX;

/// What is enough of each part of some lines, the parts in the order in which they are first named.
fn of_lines(ldb: &str) -> Vec<u32> {
    let mut sources = Sources::new(BuildOptions::default());
    sources.add_file("test.ndb", b"M:0:$3$:6d6d6d6d\n");
    sources.add_file("test.ldb", ldb.as_bytes());
    let totals = sources.report().totals();
    assert_eq!(totals.loaded, totals.lines, "{ldb}: {:?}", sources.report());
    let asked = OnceLock::new();
    let compile = |bodies: &[BodySignature]| {
        asked.get_or_init(|| bodies.iter().map(|body| body.hits_max).collect());
        Vec::new()
    };
    build(sources, &compile, &mut |_| {});
    asked.into_inner().expect("patterns are compiled")
}

#[test]
fn a_part_is_counted_as_far_as_anything_compares_it() {
    for (lines, wanted) in [
        ("A;Target:0;0&1|2;6161;6262;6363", &[1, 1, 1][..]),
        ("A;Target:0;0>2;6161", &[3]),
        // The second number is one of subsignatures, not of matches; and so it is without a block.
        ("A;Target:0;0>2,5;6161", &[3]),
        ("A;Target:0;0=3&1;6161;6262", &[4, 1]),
        ("A;Target:0;0<3|1=0;6161;6262", &[4, 1]),
        // A block counts the sum, so each of its parts may be all of it.
        ("A;Target:0;(0|1)>4&2;6161;6262;6363", &[5, 5, 1]),
        ("A;Target:0;(0|1|2)>2,2;6161;6262;6363", &[3, 3, 3]),
        // Blocks in blocks, and tests in blocks: the largest number around.
        ("A;Target:0;((0|1)>1|2)>6;6161;6262;6363", &[7, 7, 7]),
        ("A;Target:0;((0|1)>9|2)>6;6161;6262;6363", &[10, 10, 7]),
        ("A;Target:0;(0=5|1)>2;6161;6262", &[6, 3]),
        // Alternatives of one subsignature and equal ones of several signatures are parts of all.
        ("A;Target:0;0;6161\nB;Target:0;0>6;6161\nC;Target:0;0=2;6161", &[7]),
        ("A;Target:0;0;6161\nB;Target:1;0>6;6161", &[1, 7]),
        // Where a part is looked for, and whole words only, make it another part of the same rule.
        ("A;Target:0;0>1&1;10,5:6161;6161::f", &[2, 1]),
        // What stands beside a match is asked for the last of all matches, or of any of them.
        ("A;Target:0;0&1&2;6161;6262;0(>>4#ib1#=0x5a)", &[HITS_MAX, 1]),
        ("A;Target:0;0&1;61616161;${1-4}3$", &[HITS_MAX, HITS_MAX]),
        // Triggers of regular expressions count, too.
        ("A;Target:0;0&1;6161;0>3/x/", &[4]),
        ("A;Target:0;0=65534;6161", &[HITS_MAX]),
    ] {
        let lines: String = lines
            .lines()
            .map(|line| format!("{}\n", line.replace(";Target", ";Engine:51-255,Target")))
            .collect();
        assert_eq!(of_lines(&lines), wanted, "{lines}");
    }
}

/// An expression over [`SUBS`] subsignatures.
fn expression() -> impl Strategy<Value = String> {
    let relation = prop_oneof![Just('='), Just('<'), Just('>')];
    let test = prop::option::of((relation, 0..4_u32));
    let written = |test: Option<(char, u32)>| {
        test.map_or(String::new(), |(relation, value)| format!("{relation}{value}"))
    };
    let leaf = (0..SUBS, test.clone()).prop_map(move |(id, test)| format!("{id}{}", written(test)));
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let block = (prop::collection::vec((inner, any::<bool>()), 1..4), test.clone(), 0..4_u32);
        block.prop_map(move |(items, test, distinct)| {
            let mut text = String::from("(");
            for (index, (item, is_and)) in items.iter().enumerate() {
                text += if index == 0 {
                    ""
                } else if *is_and {
                    "&"
                } else {
                    "|"
                };
                text += item;
            }
            text.push(')');
            text += &written(test);
            if test.is_some() && distinct > 0 {
                text += &format!(",{distinct}");
            }
            text
        })
    })
}

/// What is enough of each subsignature, each a pattern of its own.
fn of_steps(steps: &[Step]) -> Vec<u32> {
    let pattern = |byte: u8| Pattern {
        parts: vec![Part {
            left: None,
            units: vec![Unit::Byte { value: byte, mask: 0xff }; 4],
            right: None,
        }],
        gaps: Vec::new(),
        lead: 0,
        trail: 0,
    };
    let anywhere = Offset { base: OffsetBase::Any, shift: 0 };
    let signature = LogicalSignature {
        name: "A".into(),
        target: Target::Any,
        conditions: Conditions::default(),
        expression: steps.to_vec(),
        subsignatures: (0..SUBS)
            .map(|byte| Subsignature::Patterns(vec![(anywhere, pattern(byte))]))
            .collect(),
    };
    let mut collector = Collector::new();
    collector.add(NameId(0), &signature).expect("it can be evaluated");
    collector.finish().0.iter().map(|part| part.hits_max).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The oracle tries all counts: an expression says the same of more matches than are enough as of
    /// just enough.
    #[test]
    fn no_expression_tells_more_than_enough_from_enough(text in expression()) {
        let steps = expression_of(&text).expect("it was written to be one");
        let (program, enough) = (encode(&steps), of_steps(&steps));
        // Numbers are below 4, so from 5 on counts differ in nothing that one test can see.
        assert!(enough.iter().all(|count| (1..=4).contains(count)), "{text}: {enough:?}");
        for counts in all_counts() {
            let says = |cut: bool| {
                evaluate(&program, |id| {
                    let place = usize::from(id);
                    Counted::exactly(counts[place].min(if cut { enough[place] } else { u32::MAX }))
                })
            };
            assert_eq!(says(true), says(false), "{text} of {counts:?}, enough is {enough:?}");
        }
    }
}

fn all_counts() -> impl Iterator<Item = [u32; SUBS as usize]> {
    const SIDE: u32 = 7;
    let digit = |number: u32, place: u32| number / SIDE.pow(place) % SIDE;
    (0..SIDE.pow(SUBS.into())).map(move |number| [0, 1, 2].map(|place| digit(number, place)))
}

const SUBS: u8 = 3;
