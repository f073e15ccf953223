//! Regular expressions, with an engine that answers from a table: triggers, flags, windows, doubt.

use super::super::search::{Search, Wanted};
use super::super::value::{LogicalSignature, Regex, Subsignature};
use super::super::{Collector, Facts, Logical, State};
use crate::engine::database::expression_of;
use crate::engine::database::signature::{
    Gap, NameId, Offset, OffsetBase, Part, Pattern, Target, Unit,
};
use crate::engine::matcher::{LayerFacts, TargetSet};

/// Answers what it was told to, and writes down what it was asked.
struct Table {
    answer: Option<u32>,
    asked: Asked,
}

impl Search for Table {
    fn count(&mut self, wanted: Wanted) -> Option<u32> {
        self.asked.push((wanted.row, wanted.window));
        self.answer
    }
}

fn section(expression: &str, trigger: &str, offset: Offset) -> Vec<u8> {
    let unit = |value| Unit::Byte { value, mask: 0xff };
    let part =
        Part { left: None, units: b"abcd".iter().map(|byte| unit(*byte)).collect(), right: None };
    let pattern = Pattern { parts: vec![part], gaps: Vec::<Gap>::new(), lead: 0, trail: 0 };
    let anywhere = Offset { base: OffsetBase::Any, shift: 0 };
    let steps = |text: &str| expression_of(text).expect("a table has expressions");
    let signature = LogicalSignature {
        name: "A".into(),
        target: Target::Any,
        conditions: super::super::value::Conditions::default(),
        expression: steps(expression),
        subsignatures: vec![
            Subsignature::Patterns(vec![(anywhere, pattern)]),
            Subsignature::Regex(Regex {
                trigger: steps(trigger),
                offset,
                pattern: b"x+".as_slice().into(),
                flags: b"gi".as_slice().into(),
            }),
        ],
    };
    let mut collector = Collector::new();
    collector.add(NameId(0), &signature).expect("it can be evaluated");
    let (parts, bytes) = collector.finish();
    assert_eq!(parts.len(), 1);
    bytes
}

/// What was asked: row and window.
type Asked = Vec<(u32, Option<(u64, u64)>)>;

/// Found, undecided, and what was asked, for so many hits in a layer of 100 bytes.
fn run(bytes: &[u8], hits: u32, answer: Option<u32>) -> (usize, bool, Asked) {
    let logical = Logical::open(bytes).expect("it was just written");
    logical.check(1, 1).expect("it was just written");
    assert_eq!(logical.regexes().collect::<Vec<_>>(), [(&b"x+"[..], &b"gi"[..])]);
    let mut state = State::new(Some(&logical));
    for hit in 0..hits {
        state.hit(&logical, 0, hit.into());
    }
    let layer = LayerFacts { targets: TargetSet::ANY, size: Some(100), ..LayerFacts::default() };
    let mut table = Table { answer, asked: Vec::new() };
    let mut found = Vec::new();
    let facts = Facts { layer: &layer, around: &[] };
    let undecided = state.finish(&logical, facts, &mut table, &mut found);
    (found.len(), undecided, table.asked)
}

#[test]
fn triggers_decide_whether_an_engine_is_asked() {
    let anywhere = Offset { base: OffsetBase::Any, shift: 0 };
    let asked = |window| vec![(0, window)];
    let plain = section("0&1", "0", anywhere);
    assert_eq!(run(&plain, 0, Some(1)), (0, false, vec![]));
    assert_eq!(run(&plain, 1, Some(1)), (1, false, asked(None)));
    assert_eq!(run(&plain, 1, Some(0)), (0, false, asked(None)));
    assert_eq!(run(&plain, 1, None), (0, true, asked(None)));
    let counted = section("1>2", "0>1", anywhere);
    assert_eq!(run(&counted, 1, Some(9)), (0, false, vec![]));
    assert_eq!(run(&counted, 2, Some(2)), (0, false, asked(None)));
    assert_eq!(run(&counted, 2, Some(3)), (1, false, asked(None)));
    // True whatever the expression says: nobody is asked.
    let either = section("0|1", "0", anywhere);
    assert_eq!(run(&either, 1, None), (1, false, vec![]));
    // A trigger that is true without a match.
    let nothing = section("1", "0=0", anywhere);
    assert_eq!(run(&nothing, 0, Some(1)), (1, false, asked(None)));
    assert_eq!(run(&nothing, 1, Some(1)), (0, false, vec![]));
    let end = section("0&1", "0", Offset { base: OffsetBase::End(30), shift: 5 });
    assert_eq!(run(&end, 1, Some(1)), (1, false, asked(Some((70, 75)))));
    let before = section("0&1", "0", Offset { base: OffsetBase::End(300), shift: 5 });
    assert_eq!(run(&before, 1, Some(1)), (0, false, vec![]));
    let entry = section("0&1", "0", Offset { base: OffsetBase::EntryPoint(0), shift: 0 });
    assert_eq!(run(&entry, 1, Some(1)), (0, false, vec![]));
}
