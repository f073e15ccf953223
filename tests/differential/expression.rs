//! A second reading of logical expressions (clamav.md A5.3): no precedence, right associative; and
//! counts that make one true.

use std::collections::{BTreeMap, BTreeSet};

use crate::corpus::Random;

/// How often each subsignature occurs.
pub(crate) type Counts = BTreeMap<usize, usize>;

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Id(usize),
    Both(Box<Self>, Box<Self>),
    Either(Box<Self>, Box<Self>),
    /// Compared: with which sign, with how many, and how many different ones at least.
    Test(Box<Self>, char, usize, usize),
}

/// What a part of an expression amounts to.
struct Value {
    is_true: bool,
    sum: usize,
    ids: BTreeSet<usize>,
}

impl Node {
    /// Reads a whole expression.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut rest = text;
        let node = expression(&mut rest)?;
        rest.is_empty().then_some(node)
    }

    /// All subsignatures that it names.
    pub(crate) fn ids(&self) -> BTreeSet<usize> {
        match self {
            Self::Id(id) => BTreeSet::from([*id]),
            Self::Both(one, other) | Self::Either(one, other) => {
                one.ids().union(&other.ids()).copied().collect()
            }
            Self::Test(inner, ..) => inner.ids(),
        }
    }

    /// Whether these counts make it true.
    pub(crate) fn holds(&self, counts: &Counts) -> bool {
        self.value(counts).is_true
    }

    fn value(&self, counts: &Counts) -> Value {
        match self {
            Self::Id(id) => {
                let sum = counts.get(id).copied().unwrap_or(0);
                let ids = if sum > 0 { BTreeSet::from([*id]) } else { BTreeSet::new() };
                Value { is_true: sum > 0, sum, ids }
            }
            Self::Both(one, other) | Self::Either(one, other) => {
                let (one, other) = (one.value(counts), other.value(counts));
                let is_both = matches!(self, Self::Both(..));
                let is_true = if is_both {
                    one.is_true && other.is_true
                } else {
                    one.is_true || other.is_true
                };
                // Only what is true counts, and half of a conjunction is not.
                let mut value = Value { is_true, sum: 0, ids: BTreeSet::new() };
                for part in [one, other] {
                    if part.is_true && is_true {
                        value.sum += part.sum;
                        value.ids.extend(part.ids);
                    }
                }
                value
            }
            Self::Test(inner, sign, bound, different) => {
                let value = inner.value(counts);
                let holds = match sign {
                    '=' => value.sum == *bound,
                    '<' => value.sum < *bound,
                    _ => value.sum > *bound,
                };
                let is_true = holds && value.ids.len() >= *different;
                Value { is_true, sum: value.sum, ids: BTreeSet::new() }
            }
        }
    }

    /// Counts that make it true, of which there may be many; nothing when some draws find none.
    pub(crate) fn satisfied(&self, random: &mut Random) -> Option<Counts> {
        (0..40).map(|_| self.draw(random)).find(|counts| self.holds(counts))
    }

    fn draw(&self, random: &mut Random) -> Counts {
        match self {
            Self::Id(id) => Counts::from([(*id, 1)]),
            Self::Both(one, other) => {
                let mut counts = one.draw(random);
                for (id, count) in other.draw(random) {
                    let sum = counts.entry(id).or_insert(0);
                    *sum = (*sum).max(count);
                }
                counts
            }
            Self::Either(one, other) if random.one_in(2) => {
                one.draw(random).clone_or(other, random)
            }
            Self::Either(_, other) => other.draw(random),
            Self::Test(inner, sign, bound, different) => {
                let wanted = match sign {
                    '=' => *bound,
                    '<' => random.between(0, bound.saturating_sub(1)),
                    _ => bound + 1 + random.between(0, 1),
                };
                let wanted = wanted.max(*different);
                let ids: Vec<usize> = inner.ids().into_iter().collect();
                let mut counts = if wanted == 0 { Counts::new() } else { inner.draw(random) };
                for &id in ids.iter().take(*different) {
                    counts.entry(id).or_insert(1);
                }
                while counts.values().sum::<usize>() > wanted {
                    let id = *random.pick(&counts.keys().copied().collect::<Vec<_>>());
                    match counts.get_mut(&id) {
                        Some(count) if *count > 1 => *count -= 1,
                        _ => drop(counts.remove(&id)),
                    }
                }
                while counts.values().sum::<usize>() < wanted {
                    *counts.entry(*random.pick(&ids)).or_insert(0) += 1;
                }
                counts
            }
        }
    }
}

/// Now and then both sides of an `|` are planted.
trait CloneOr {
    fn clone_or(self, other: &Node, random: &mut Random) -> Counts;
}

impl CloneOr for Counts {
    fn clone_or(mut self, other: &Node, random: &mut Random) -> Counts {
        if random.one_in(4) {
            for (id, count) in other.draw(random) {
                self.entry(id).or_insert(count);
            }
        }
        self
    }
}

fn expression(rest: &mut &str) -> Option<Node> {
    let one = term(rest)?;
    let Some(sign @ ('&' | '|')) = rest.chars().next() else { return Some(one) };
    *rest = &rest[1..];
    let (one, other) = (Box::new(one), Box::new(expression(rest)?));
    Some(if sign == '&' { Node::Both(one, other) } else { Node::Either(one, other) })
}

fn term(rest: &mut &str) -> Option<Node> {
    let mut node = if let Some(inner) = rest.strip_prefix('(') {
        *rest = inner;
        let node = expression(rest)?;
        *rest = rest.strip_prefix(')')?;
        node
    } else {
        Node::Id(number(rest)?)
    };
    if let Some(sign @ ('=' | '<' | '>')) = rest.chars().next() {
        *rest = &rest[1..];
        let bound = number(rest)?;
        let mut different = 0;
        if let Some(more) = rest.strip_prefix(',') {
            *rest = more;
            different = number(rest)?;
        }
        node = Node::Test(Box::new(node), sign, bound, different);
    }
    Some(node)
}

fn number(rest: &mut &str) -> Option<usize> {
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = rest.split_at(length);
    *rest = after;
    digits.parse().ok()
}

#[test]
fn expressions_have_no_precedence_and_blocks_count_what_is_true() {
    let holds = |text: &str, counts: &[usize]| {
        let counts = counts.iter().copied().enumerate().collect();
        Node::read(text).expect("an expression").holds(&counts)
    };
    for (text, counts, wanted) in [
        ("0|1&2", &[1, 0, 0][..], true),
        ("0&1|2", &[0, 0, 1], false),
        ("(0|1|2)>2", &[2, 1, 0], true),
        ("(0|1)=2", &[2, 1], false),
        ("(0&1)>2", &[3, 0], false),
        ("(0&1)>2", &[2, 1], true),
        ("(0&1)=0", &[1, 0], true),
        ("(0|1|2)>2,2", &[3, 0, 0], false),
        ("(0|1|2)>2,2", &[2, 1, 0], true),
        ("0=0&1", &[0, 1], true),
    ] {
        assert_eq!(holds(text, counts), wanted, "{text} with {counts:?}");
    }
}
