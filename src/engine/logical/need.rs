//! Which subsignatures must match (again) before an expression can become true.
//!
//! Two questions with one walk. *Ever*, at build time: a set of subsignatures of which at least one
//! matches in every layer in which the expression is true; signatures are looked up by the cheapest
//! such set, so that a match of a part that thousands share wakes none of them. *Now*, while a layer
//! flows: a set of subsignatures of which at least one must match again before the answer can be
//! certain; an awake signature waits for those and costs nothing in between.
//!
//! For `A & B` the cheaper need of the two is enough, for `A | B` it takes both.

use super::program::{Counted, Evaluation, Meaning, Value, walk};
use super::value::{Relation, Test};

/// What has to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing.
    Nothing,
    /// One of these subsignatures must match, one bit each.
    Match(u64),
    /// The layer must end.
    End,
}

/// The need of a signature in any layer. `leaf` says what a subsignature of its own needs to count
/// at least once, `cost` what it costs to wait for a set.
pub(super) fn ever(program: &[u8], leaf: impl Fn(u8) -> Need, cost: impl Fn(u64) -> u64) -> Need {
    walk(program, &mut Ever { leaf, cost }).map_or(Need::Nothing, |value| value.need)
}

/// What must happen next, given what `counts` says may still come; `is_pattern` tells subsignatures
/// that matches alone decide.
pub(super) fn now(
    program: &[u8],
    counts: impl Fn(u8) -> Counted,
    is_pattern: impl Fn(u8) -> bool,
) -> Need {
    let mut now = Now { evaluation: Evaluation { counts }, is_pattern };
    walk(program, &mut now).map_or(Need::End, |open| open.need)
}

const fn bit(id: u8) -> u64 {
    match 1_u64.checked_shl(id as u32) {
        Some(bit) => bit,
        None => 0,
    }
}

struct Ever<L, C> {
    leaf: L,
    cost: C,
}

/// The need of a part of an expression, and the needs of all that it counts.
struct Part {
    need: Need,
    all: Need,
}

impl<L: Fn(u8) -> Need, C: Fn(u64) -> u64> Meaning for Ever<L, C> {
    type Value = Part;

    fn count(&mut self, id: u8, test: Option<Test>) -> Part {
        let leaf = (self.leaf)(id);
        let is_true_at_zero = test.is_some_and(|test| test.holds(0));
        Part { need: if is_true_at_zero { Need::Nothing } else { leaf }, all: leaf }
    }

    fn both(&mut self, first: Part, second: Part) -> Part {
        let need = match (first.need, second.need) {
            (Need::Match(one), Need::Match(other)) => {
                let one_is_cheaper = (self.cost)(one) <= (self.cost)(other);
                Need::Match(if one_is_cheaper { one } else { other })
            }
            (Need::Match(one), Need::Nothing | Need::End)
            | (Need::Nothing | Need::End, Need::Match(one)) => Need::Match(one),
            (Need::Nothing | Need::End, Need::Nothing | Need::End) => Need::Nothing,
        };
        Part { need, all: one_of(first.all, second.all) }
    }

    fn either(&mut self, first: Part, second: Part) -> Part {
        Part { need: one_of(first.need, second.need), all: one_of(first.all, second.all) }
    }

    fn block(&mut self, inner: Part, test: Test, distinct: u8) -> Part {
        let need = match inner.need {
            _ if test.holds(0) && distinct == 0 => Need::Nothing,
            need @ Need::Match(_) => need,
            // True without a match, but then it counts nothing.
            Need::Nothing | Need::End if !test.holds(0) => inner.all,
            Need::Nothing | Need::End => Need::Nothing,
        };
        Part { need, all: inner.all }
    }
}

/// Where one of two suffices.
const fn one_of(first: Need, second: Need) -> Need {
    match (first, second) {
        (Need::Match(one), Need::Match(other)) => Need::Match(one | other),
        (Need::Nothing | Need::End, _) | (_, Need::Nothing | Need::End) => Need::Nothing,
    }
}

struct Now<F, P> {
    evaluation: Evaluation<F>,
    is_pattern: P,
}

/// A value, what it needs to become certain, and the patterns that count in it.
struct Open {
    value: Value,
    need: Need,
    patterns: u64,
}

impl Open {
    const fn new(value: Value, need: Need, patterns: u64) -> Self {
        let need = if value.must { Need::Nothing } else { need };
        Self { value, need, patterns }
    }
}

impl<F: Fn(u8) -> Counted, P: Fn(u8) -> bool> Meaning for Now<F, P> {
    type Value = Open;

    fn count(&mut self, id: u8, test: Option<Test>) -> Open {
        let patterns = if (self.is_pattern)(id) { bit(id) } else { 0 };
        let value = self.evaluation.count(id, test);
        Open::new(value, growing(test, patterns), patterns)
    }

    fn both(&mut self, first: Open, second: Open) -> Open {
        // Those that come first are as good as any: each is waited for in its turn.
        let need = match (first.need, second.need) {
            (Need::End, _) | (_, Need::End) => Need::End,
            (Need::Nothing, need) | (need, Need::Nothing) => need,
            (Need::Match(one), Need::Match(_)) => Need::Match(one),
        };
        let value = self.evaluation.both(first.value, second.value);
        Open::new(value, need, first.patterns | second.patterns)
    }

    fn either(&mut self, first: Open, second: Open) -> Open {
        let need = match (first.need, second.need) {
            (Need::Nothing, _) | (_, Need::Nothing) => Need::Nothing,
            (Need::End, need) | (need, Need::End) => need,
            (Need::Match(one), Need::Match(other)) => Need::Match(one | other),
        };
        let value = self.evaluation.either(first.value, second.value);
        Open::new(value, need, first.patterns | second.patterns)
    }

    fn block(&mut self, inner: Open, test: Test, distinct: u8) -> Open {
        let need = growing(Some(test), inner.patterns);
        let value = self.evaluation.block(inner.value, test, distinct);
        Open::new(value, need, inner.patterns)
    }
}

/// Only counts that must be large can become so; what must be small is certain at the end.
const fn growing(test: Option<Test>, patterns: u64) -> Need {
    match test {
        None | Some(Test { relation: Relation::Greater, .. }) if patterns != 0 => {
            Need::Match(patterns)
        }
        None | Some(_) => Need::End,
    }
}
