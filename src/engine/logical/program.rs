//! Expressions: their bytes in the image, and what they say of given counts.
//!
//! An expression is a program for a machine with a stack: a subsignature pushes a value, `&`, `|` and
//! the test of a block take values off it. The meaning is `clamav.md` A5.3. Counts may be known as a
//! range only, while the layer still flows or where something could not be counted; so every value is
//! a range, and the answer is "must be true", "may be true" or neither. Where counts are exact, so is
//! the answer.

use super::value::{Relation, Step, Test};

/// A count between two numbers, both inclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) low: u32,
    pub(super) high: u32,
}

impl Counted {
    pub(super) const fn exactly(count: u32) -> Self {
        Self { low: count, high: count }
    }
}

/// What an expression says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Truth {
    /// Some counts in the ranges make it true.
    pub(super) may: bool,
    /// All of them do.
    pub(super) must: bool,
}

/// What a walk over a program makes of its steps.
pub(super) trait Meaning {
    type Value;
    /// A subsignature, with or without a test.
    fn count(&mut self, id: u8, test: Option<Test>) -> Self::Value;
    fn both(&mut self, first: Self::Value, second: Self::Value) -> Self::Value;
    fn either(&mut self, first: Self::Value, second: Self::Value) -> Self::Value;
    fn block(&mut self, inner: Self::Value, test: Test, distinct: u8) -> Self::Value;
}

/// Walks over a program; `None` when it is not one.
pub(super) fn walk<M: Meaning>(program: &[u8], meaning: &mut M) -> Option<M::Value> {
    let mut stack: Vec<M::Value> = Vec::with_capacity(8);
    let mut rest = program;
    while !rest.is_empty() {
        let (step, after) = decode(rest)?;
        rest = after;
        let value = match step {
            Step::Count { id, test } => meaning.count(id, test),
            Step::Block { test, distinct } => {
                let inner = stack.pop()?;
                meaning.block(inner, test, distinct)
            }
            Step::And | Step::Or => {
                let (second, first) = (stack.pop()?, stack.pop()?);
                match step {
                    Step::And => meaning.both(first, second),
                    Step::Or | Step::Count { .. } | Step::Block { .. } => {
                        meaning.either(first, second)
                    }
                }
            }
        };
        if stack.len() >= STACK_MAX {
            return None;
        }
        stack.push(value);
    }
    let value = stack.pop()?;
    stack.is_empty().then_some(value)
}

/// Whether the bytes are a program over so many subsignatures.
pub(super) fn is_well_formed(program: &[u8], subsignatures: usize) -> bool {
    let mut names = Names { highest: None };
    walk(program, &mut names).is_some()
        && names.highest.is_some_and(|highest| usize::from(highest) < subsignatures)
}

/// What a program says where `counts` gives the count of each subsignature.
pub(super) fn evaluate(program: &[u8], counts: impl Fn(u8) -> Counted) -> Truth {
    match walk(program, &mut Evaluation { counts }) {
        Some(value) => Truth { may: value.may, must: value.must },
        // Never: programs are checked when an image is opened.
        None => Truth { may: false, must: false },
    }
}

/// The bytes of an expression.
pub(super) fn encode(steps: &[Step]) -> Vec<u8> {
    let mut out = Vec::with_capacity(steps.len().saturating_mul(2));
    for step in steps {
        match step {
            Step::And => out.push(AND),
            Step::Or => out.push(OR),
            Step::Count { id, test: None } => out.extend([COUNT, *id]),
            Step::Count { id, test: Some(test) } => {
                out.extend([COUNT_TEST, *id, relation_code(test.relation)]);
                out.extend(test.value.to_le_bytes());
            }
            Step::Block { test, distinct } => {
                out.extend([BLOCK, *distinct, relation_code(test.relation)]);
                out.extend(test.value.to_le_bytes());
            }
        }
    }
    out
}

fn decode(program: &[u8]) -> Option<(Step, &[u8])> {
    let test = |relation: u8, low: u8, high: u8| {
        let value = u16::from_le_bytes([low, high]);
        relation_of(relation).map(|relation| Test { relation, value })
    };
    Some(match program {
        [AND, rest @ ..] => (Step::And, rest),
        [OR, rest @ ..] => (Step::Or, rest),
        [COUNT, id, rest @ ..] => (Step::Count { id: *id, test: None }, rest),
        [COUNT_TEST, id, relation, low, high, rest @ ..] => {
            (Step::Count { id: *id, test: Some(test(*relation, *low, *high)?) }, rest)
        }
        [BLOCK, distinct, relation, low, high, rest @ ..] => {
            let test = test(*relation, *low, *high)?;
            (Step::Block { test, distinct: *distinct }, rest)
        }
        _ => return None,
    })
}

impl Test {
    pub(super) fn holds(self, count: u32) -> bool {
        let value = u32::from(self.value);
        match self.relation {
            Relation::Equal => count == value,
            Relation::Less => count < value,
            Relation::Greater => count > value,
        }
    }

    fn of_range(self, low: u32, high: u32) -> Truth {
        let value = u32::from(self.value);
        let (at_low, at_high) = (self.holds(low), self.holds(high));
        match self.relation {
            Relation::Equal => {
                Truth { may: low <= value && value <= high, must: at_low && low == high }
            }
            Relation::Less | Relation::Greater => {
                Truth { may: at_low || at_high, must: at_low && at_high }
            }
        }
    }
}

struct Names {
    highest: Option<u8>,
}

impl Meaning for Names {
    type Value = ();

    fn count(&mut self, id: u8, _: Option<Test>) {
        self.highest = self.highest.max(Some(id));
    }

    fn both(&mut self, (): (), (): ()) {}

    fn either(&mut self, (): (), (): ()) {}

    fn block(&mut self, (): (), _: Test, _: u8) {}
}

/// What a part of an expression says and counts. What is not true counts nothing.
#[derive(Clone, Copy)]
pub(super) struct Value {
    may: bool,
    pub(super) must: bool,
    low: u32,
    high: u32,
    /// The subsignatures counted, one bit each: at least these, at most those.
    ids_low: u64,
    ids_high: u64,
}

/// The meaning of expressions, given counts.
pub(super) struct Evaluation<F> {
    pub(super) counts: F,
}

impl<F: Fn(u8) -> Counted> Meaning for Evaluation<F> {
    type Value = Value;

    fn count(&mut self, id: u8, test: Option<Test>) -> Value {
        let Counted { low, high } = (self.counts)(id);
        let Truth { may, must } = match test {
            None => Truth { may: high > 0, must: low > 0 },
            Some(test) => test.of_range(low, high),
        };
        let bit = 1_u64.checked_shl(id.into()).unwrap_or(0);
        Value {
            may,
            must,
            low: if must { low } else { 0 },
            high: if may { high } else { 0 },
            ids_low: if must { bit } else { 0 },
            ids_high: if may { bit } else { 0 },
        }
    }

    fn both(&mut self, first: Value, second: Value) -> Value {
        let (may, must) = (first.may && second.may, first.must && second.must);
        let sum = self.either(first, second);
        Value {
            may,
            must,
            low: if must { sum.low } else { 0 },
            high: if may { sum.high } else { 0 },
            ids_low: if must { sum.ids_low } else { 0 },
            ids_high: if may { sum.ids_high } else { 0 },
        }
    }

    fn either(&mut self, first: Value, second: Value) -> Value {
        Value {
            may: first.may || second.may,
            must: first.must || second.must,
            low: first.low.saturating_add(second.low),
            high: first.high.saturating_add(second.high),
            ids_low: first.ids_low | second.ids_low,
            ids_high: first.ids_high | second.ids_high,
        }
    }

    fn block(&mut self, inner: Value, test: Test, distinct: u8) -> Value {
        let sum = test.of_range(inner.low, inner.high);
        let may = sum.may && inner.ids_high.count_ones() >= distinct.into();
        let must = sum.must && inner.ids_low.count_ones() >= distinct.into();
        Value {
            may,
            must,
            low: if must { inner.low } else { 0 },
            high: if may { inner.high } else { 0 },
            ids_low: 0,
            ids_high: 0,
        }
    }
}

pub(super) const fn relation_code(relation: Relation) -> u8 {
    match relation {
        Relation::Equal => 0,
        Relation::Less => 1,
        Relation::Greater => 2,
    }
}

pub(super) const fn relation_of(code: u8) -> Option<Relation> {
    Some(match code {
        0 => Relation::Equal,
        1 => Relation::Less,
        2 => Relation::Greater,
        _ => return None,
    })
}

const AND: u8 = 0;
const OR: u8 = 1;
const COUNT: u8 = 2;
const COUNT_TEST: u8 = 3;
const BLOCK: u8 = 4;

/// Values on the stack: 40 bytes each. Expressions of the official set need nine.
pub(crate) const STACK_MAX: usize = 64;
