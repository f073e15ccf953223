//! Expressions: how they are grouped, and what they say, against an oracle that walks over the text.

use super::kit::Random;
use crate::engine::database::expression_of;
use crate::engine::logical::need::{Need, ever, now};
use crate::engine::logical::program::{self, Counted, encode, evaluate};
use crate::engine::logical::value::{Relation, Step};

/// Steps as text: operands before their operator.
fn postfix(text: &str) -> String {
    let steps = match expression_of(text) {
        Ok(steps) => steps,
        Err(fault) => return fault,
    };
    let relation = |relation| match relation {
        Relation::Equal => '=',
        Relation::Less => '<',
        Relation::Greater => '>',
    };
    let word = |step: &Step| match step {
        Step::And => "&".to_owned(),
        Step::Or => "|".to_owned(),
        Step::Count { id, test: None } => id.to_string(),
        Step::Count { id, test: Some(test) } => {
            format!("{id}{}{}", relation(test.relation), test.value)
        }
        Step::Block { test, distinct } => {
            format!("({}{},{distinct})", relation(test.relation), test.value)
        }
    };
    steps.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn operators_group_as_clamscan_groups_them() {
    for (text, wanted) in [
        ("0", "0"),
        ("((0))", "0"),
        ("0&1&2", "0 1 & 2 &"),
        ("0|1&2", "0 1 2 & |"),
        ("0&1|2", "0 1 2 | &"),
        ("(0&1|2)", "0 1 & 2 |"),
        ("(0|1&2)", "0 1 | 2 &"),
        ("(0|1&2|3)", "0 1 2 & | 3 |"),
        ("0|(1&2)|3", "0 1 2 & | 3 |"),
        ("0 & 1", "0 1 &"),
        ("0=0&1>2&2<3", "0=0 1>2 & 2<3 &"),
        ("0>1,2", "0>1"),
        ("0=2,&1", "0=2 1 &"),
        ("0==2", "0=2"),
        ("0>=2", "0=2"),
        ("0=>2", "0>2"),
        ("(0|1)=2", "0 1 | (=2,0)"),
        ("(0|1|2)>2,2&3", "0 1 | 2 | (>2,2) 3 &"),
        ("0|1|2&3&4", "0 1 | 2 3 & 4 & |"),
    ] {
        assert_eq!(postfix(text), wanted, "{text}");
    }
}

#[test]
fn a_wrong_expression_is_refused_at_its_place() {
    for (text, column) in [
        ("", 1),
        ("0&", 3),
        ("&0", 1),
        ("(0", 3),
        ("0)", 2),
        ("()", 2),
        ("0=", 3),
        ("0=1=2", 4),
        ("(0)(1)", 4),
        ("0(1)", 2),
        ("0a", 2),
        ("0!=1", 2),
        ("64", 1),
        ("0=-1", 3),
        ("x", 1),
    ] {
        let said = postfix(text);
        assert!(said.starts_with(&format!("column {column}:")), "{text}: {said}");
    }
    assert!(postfix(&"(".repeat(40)).contains("more than 32 deep"));
    assert!(postfix(&"0&".repeat(1_100)).contains("more than 1024 terms"));
    assert!(postfix(&format!("{}0", "0&0|".repeat(40))).contains("more than 64 values"));
}

/// What a part of an expression says and counts, by the oracle.
#[derive(Clone, Copy)]
struct Said {
    is_true: bool,
    sum: u64,
    ids: u64,
}

/// The oracle: it knows nothing of steps, stacks and ranges.
struct Oracle<'t> {
    text: &'t [u8],
    at: usize,
    counts: &'t [u64],
}

impl Oracle<'_> {
    fn whole(text: &str, counts: &[u64]) -> bool {
        let mut oracle = Oracle { text: text.as_bytes(), at: 0, counts };
        let (items, operators) = oracle.items();
        from_the_right(&items, &operators).is_true
    }

    fn items(&mut self) -> (Vec<Said>, Vec<u8>) {
        let mut items = vec![self.item()];
        let mut operators = Vec::new();
        while let Some(operator @ (b'&' | b'|')) = self.text.get(self.at).copied() {
            self.at += 1;
            operators.push(operator);
            items.push(self.item());
        }
        (items, operators)
    }

    fn item(&mut self) -> Said {
        if self.text[self.at] == b'(' {
            self.at += 1;
            let (items, operators) = self.items();
            self.at += 1;
            let said = match (items.split_last(), operators.split_last()) {
                (Some((last, items)), Some((operator, operators))) => {
                    join(from_the_right(items, operators), *operator, *last)
                }
                _ => items[0],
            };
            return match self.test() {
                None => said,
                Some((relation, value, distinct)) => {
                    let is_true = holds(said.sum, relation, value)
                        && u64::from(said.ids.count_ones()) >= distinct;
                    Said { is_true, sum: if is_true { said.sum } else { 0 }, ids: 0 }
                }
            };
        }
        let id = self.number();
        let count = self.counts[usize::try_from(id).expect("small")];
        let is_true = match self.test() {
            None => count > 0,
            Some((relation, value, _)) => holds(count, relation, value),
        };
        Said { is_true, sum: if is_true { count } else { 0 }, ids: u64::from(is_true) << id }
    }

    fn test(&mut self) -> Option<(u8, u64, u64)> {
        let relation = self.text.get(self.at).copied().filter(|byte| b"=<>".contains(byte))?;
        self.at += 1;
        let value = self.number();
        let mut distinct = 0;
        if self.text.get(self.at) == Some(&b',') {
            self.at += 1;
            distinct = self.number();
        }
        Some((relation, value, distinct))
    }

    fn number(&mut self) -> u64 {
        let mut number = 0;
        while let Some(digit @ b'0'..=b'9') = self.text.get(self.at) {
            number = number * 10 + u64::from(digit - b'0');
            self.at += 1;
        }
        number
    }
}

fn from_the_right(items: &[Said], operators: &[u8]) -> Said {
    match operators.split_first() {
        None => items[0],
        Some((operator, operators)) => {
            join(items[0], *operator, from_the_right(&items[1..], operators))
        }
    }
}

fn join(first: Said, operator: u8, second: Said) -> Said {
    let both = Said {
        is_true: first.is_true || second.is_true,
        sum: first.sum + second.sum,
        ids: first.ids | second.ids,
    };
    match operator {
        b'&' if !(first.is_true && second.is_true) => Said { is_true: false, sum: 0, ids: 0 },
        b'&' => Said { is_true: true, ..both },
        _ => both,
    }
}

fn holds(count: u64, relation: u8, value: u64) -> bool {
    match relation {
        b'=' => count == value,
        b'<' => count < value,
        _ => count > value,
    }
}

/// A random expression over five subsignatures.
pub(super) fn random_expression(random: &mut Random, depth: usize) -> String {
    let mut text = String::new();
    if depth == 0 || random.one_in(3) {
        text.push_str(&random.below(5).to_string());
        if random.one_in(3) {
            text.push_str(&random_test(random));
        }
        return text;
    }
    for place in 0..2 + random.below(3) {
        if place > 0 {
            text.push(if random.one_in(2) { '&' } else { '|' });
        }
        text.push_str(&random_expression(random, depth - 1));
    }
    if random.one_in(3) {
        return text;
    }
    text = format!("({text})");
    if random.one_in(2) {
        text.push_str(&random_test(random));
    }
    text
}

fn random_test(random: &mut Random) -> String {
    let relation = ["=", "<", ">"][random.below(3)];
    let distinct = if random.one_in(3) { format!(",{}", random.below(4)) } else { String::new() };
    format!("{relation}{}{distinct}", random.below(5))
}

fn compiled(text: &str) -> Vec<u8> {
    encode(&expression_of(text).expect("the generator writes expressions"))
}

#[test]
fn programs_say_what_the_oracle_says() {
    let mut random = Random(20_261_122);
    for round in 0..4_000 {
        let text = random_expression(&mut random, 3);
        let program = compiled(&text);
        assert!(program::is_well_formed(&program, 5), "{text}");
        let counts: Vec<u64> = (0..5).map(|_| random.below(4) as u64).collect();
        let exact =
            |id: u8| Counted::exactly(u32::try_from(counts[usize::from(id)]).expect("small"));
        let truth = evaluate(&program, exact);
        assert_eq!(truth.may, truth.must, "{text}: exact counts leave no doubt");
        assert_eq!(truth.must, Oracle::whole(&text, &counts), "round {round}: {text} {counts:?}");
    }
}

/// Of counts known as ranges: whatever counts are in them, the answer covers what the oracle says.
#[test]
fn ranges_cover_every_count_in_them() {
    let mut random = Random(7);
    for _round in 0..400 {
        let text = random_expression(&mut random, 2);
        let program = compiled(&text);
        let ranges: Vec<(u64, u64)> = (0..5)
            .map(|_| {
                let low = random.below(3) as u64;
                (low, low + random.below(3) as u64)
            })
            .collect();
        let range = |id: u8| {
            let (low, high) = ranges[usize::from(id)];
            Counted {
                low: u32::try_from(low).expect("small"),
                high: u32::try_from(high).expect("small"),
            }
        };
        let truth = evaluate(&program, range);
        for _sample in 0..60 {
            let counts: Vec<u64> = ranges
                .iter()
                .map(|(low, high)| {
                    low + random.below(usize::try_from(high - low + 1).expect("small")) as u64
                })
                .collect();
            let is_true = Oracle::whole(&text, &counts);
            assert!(truth.may || !is_true, "{text} may be true: {ranges:?} {counts:?}");
            assert!(!truth.must || is_true, "{text} must be true: {ranges:?} {counts:?}");
        }
    }
}

/// Where none of the subsignatures that are needed matches, the expression is false; where nothing is
/// needed, there are counts of zero that make it true.
#[test]
fn no_expression_is_true_without_its_need() {
    let mut random = Random(99);
    let mut seen = [0, 0];
    for _round in 0..2_000 {
        let text = random_expression(&mut random, 3);
        let program = compiled(&text);
        let need = ever(&program, |id| Need::Match(1 << id), |mask| u64::from(mask.count_ones()));
        let Need::Match(mask) = need else {
            seen[0] += 1;
            continue;
        };
        seen[1] += 1;
        for _sample in 0..40 {
            let count = |id: usize| if mask >> id & 1 != 0 { 0 } else { random.below(6) as u64 };
            let counts: Vec<u64> = (0..5).map(count).collect();
            assert!(!Oracle::whole(&text, &counts), "{text} needs {mask:b}: {counts:?}");
        }
    }
    assert!(seen.iter().all(|count| *count > 100), "one-sided: {seen:?}");
}

/// While a layer flows: nothing is certain until what is waited for has come, and "nothing is needed"
/// means that no later count can change it.
#[test]
fn what_is_waited_for_has_to_come() {
    let mut random = Random(123);
    let mut certain = 0;
    for _round in 0..2_000 {
        let text = random_expression(&mut random, 3);
        let program = compiled(&text);
        let low: Vec<u64> = (0..5).map(|_| random.below(3) as u64).collect();
        let counts = |id: u8| Counted {
            low: u32::try_from(low[usize::from(id)]).expect("small"),
            high: 1_024,
        };
        let need = now(&program, counts, |_| true);
        assert_eq!(need == Need::Nothing, evaluate(&program, counts).must, "{text} {low:?}");
        for _sample in 0..20 {
            let more: Vec<u64> = low.iter().map(|count| count + random.below(5) as u64).collect();
            match need {
                Need::Nothing => {
                    certain += 1;
                    assert!(Oracle::whole(&text, &more), "{text} is certain: {low:?} {more:?}");
                }
                // What must be small may become certain by something that is not waited for.
                Need::Match(_) if text.contains(['=', '<']) => {}
                Need::Match(mask) => {
                    let still = |id: usize| if mask >> id & 1 != 0 { low[id] } else { more[id] };
                    let still: Vec<u64> = (0..5).map(still).collect();
                    let counts = |id: u8| Counted {
                        low: u32::try_from(still[usize::from(id)]).expect("small"),
                        high: 1_024,
                    };
                    let truth = evaluate(&program, counts);
                    assert!(!truth.must, "{text} waits for {mask:b}: {low:?} {still:?}");
                }
                Need::End => {}
            }
        }
    }
    assert!(certain > 1_000, "hardly anything was certain: {certain}");
}
