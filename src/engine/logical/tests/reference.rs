//! Random sets and objects against a reference that counts literals with a loop and walks expressions
//! once, at the end.

use super::expressions::random_expression;
use super::kit::{Random, engine, scan};
use crate::engine::database::expression_of;
use crate::engine::logical::program::{Counted, encode, evaluate};

/// How often a literal is in bytes, overlaps included.
fn count(bytes: &[u8], literal: &[u8], folds: bool) -> u32 {
    let same = |window: &&[u8]| {
        if folds { window.eq_ignore_ascii_case(literal) } else { *window == literal }
    };
    u32::try_from(bytes.windows(literal.len()).filter(same).count()).expect("small")
}

/// One seed: a set of signatures over a small alphabet, an object, the reference's answer.
fn check(seed: u64) {
    let mut random = Random(seed);
    let letter = |random: &mut Random| b"abAB"[random.below(4)];
    let mut ldb = String::new();
    let mut wanted = Vec::new();
    let length = 40 + random.below(400);
    let mut bytes = vec![0; 12];
    bytes.extend((0..length).map(|_| letter(&mut random)));
    if random.one_in(4) {
        // Across the places where layers are settled.
        bytes.splice(12..12, vec![1; 16_384 * (1 + random.below(2)) - random.below(120)]);
    }
    for number in 0..1 + random.below(12) {
        let expression = random_expression(&mut random, 2);
        let literals: Vec<(Vec<u8>, bool)> = (0..5)
            .map(|_| {
                let length = 3 + random.below(4);
                ((0..length).map(|_| letter(&mut random)).collect(), random.one_in(3))
            })
            .collect();
        // Every subsignature has to be named.
        let expression = format!("({expression})|(0&1&2&3&4)>1000");
        let hex = |(literal, folds): &(Vec<u8>, bool)| {
            let digits: String = literal.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{digits}{}", if *folds { "::i" } else { "" })
        };
        let subs: Vec<String> = literals.iter().map(hex).collect();
        ldb.push_str(&format!("S{number};Target:0;{expression};{}\n", subs.join(";")));
        let counts: Vec<u32> =
            literals.iter().map(|(one, folds)| count(&bytes, one, *folds)).collect();
        let program =
            encode(&expression_of(&expression).expect("the generator writes expressions"));
        if evaluate(&program, |id| Counted::exactly(counts[usize::from(id)])).must {
            wanted.push(format!("S{number}"));
        }
    }
    let (_, mut found) = scan(&engine(&ldb, ""), b"", &bytes);
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted, "seed {seed}: {ldb}{}", bytes.escape_ascii());
}

#[test]
fn random_sets_find_what_the_reference_finds() {
    for seed in 1..50 {
        check(seed);
    }
}
