//! The fuzzer that needs no tools: seeded mutations of a corpus, in bounded time.
//!
//! It is no match for coverage guidance and does not claim to be; it runs everywhere, every time, and
//! repeats itself: the same seed gives the same inputs. A target is a plain function of bytes, so
//! the same functions can be driven by any other fuzzer.

use std::time::{Duration, Instant};

/// Something to be fuzzed.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub name: &'static str,
    /// Inputs to start from.
    pub corpus: fn() -> Vec<Vec<u8>>,
    /// Words that mean something to the target, spliced in at random.
    pub words: &'static [&'static [u8]],
    /// Panics when something is wrong.
    pub run: fn(&[u8]),
}

/// Runs the corpus as it is, then mutations of it until `time` is over. Gives the number of inputs.
pub(crate) fn fuzz(target: Target, seed: u64, time: Duration) -> u64 {
    let corpus = (target.corpus)();
    assert!(!corpus.is_empty(), "{}: a fuzz target needs a corpus", target.name);
    for input in &corpus {
        (target.run)(input);
    }
    let mut random = Random(seed);
    let begun = Instant::now();
    let mut count = corpus.len() as u64;
    while begun.elapsed() < time {
        let input = mutate(&corpus, target.words, &mut random);
        let outcome = std::panic::catch_unwind(|| (target.run)(&input));
        assert!(
            outcome.is_ok(),
            "{}: input {count} of seed {seed} fails; as a string: {:?}",
            target.name,
            input.escape_ascii().to_string()
        );
        count += 1;
    }
    count
}

fn mutate(corpus: &[Vec<u8>], words: &[&[u8]], random: &mut Random) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _change in 0..=random.below(6) {
        let at = random.below(input.len() + 1);
        match random.below(8) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = random.byte(),
            2 => input.truncate(at),
            3 => input.insert(at, random.byte()),
            4 if at < input.len() => {
                let end = at + random.below(input.len() - at) + 1;
                input.drain(at..end);
            }
            5 if at < input.len() => {
                let end = at + random.below((input.len() - at).min(64)) + 1;
                let piece = input[at..end].to_vec();
                for _copy in 0..=random.below(8) {
                    input.splice(at..at, piece.iter().copied());
                }
            }
            6 if !words.is_empty() => {
                let word = words[random.below(words.len())];
                input.splice(at..at, word.iter().copied());
            }
            _ => {
                let other = &corpus[random.below(corpus.len())];
                let from = random.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
        input.truncate(INPUT_MAX);
    }
    input
}

/// Longer inputs find little that shorter ones do not.
const INPUT_MAX: usize = 64 << 10;

/// A small generator (xorshift*): the inputs of a seed are the same everywhere.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits fit") % end
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }
}
