//! The sets: patterns as `.ndb` lines have them, and the distinct parts of logical signatures.

use crate::inputs::Dice;
use baleen::engine::database::signature::{
    BodySignature, Gap, Offset, OffsetBase, Part, Pattern, Target, Unit,
};

/// Signatures and, where one is a plain literal for every layer, its bytes.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) signatures: Vec<BodySignature>,
    pub(crate) literals: Vec<Vec<u8>>,
    /// The signature of each literal.
    pub(crate) ids: Vec<u32>,
}

impl Set {
    fn new(name: &'static str) -> Self {
        Self { name, signatures: Vec::new(), literals: Vec::new(), ids: Vec::new() }
    }

    /// As `clamav.md` C4.5 draws them: lengths around 70 with a tail to 1,000, one in four with a gap of
    /// any length, some with exact gaps and wildcards; half of the bytes are the library's.
    pub(crate) fn body(name: &'static str, count: usize, library: &[u8]) -> Self {
        let mut dice = Dice(count as u64 + 1);
        let mut set = Self::new(name);
        while set.signatures.len() < count {
            let length = match dice.roll(10) {
                0 => 16 + dice.roll(16),
                1..=6 => 32 + dice.roll(80),
                7 | 8 => 100 + dice.roll(200),
                _ => 300 + dice.roll(700),
            };
            let bytes = half_changed(library, length, &mut dice);
            if !is_run(&bytes) {
                set.push_body(&bytes, &mut dice);
            }
        }
        set
    }

    fn push_body(&mut self, bytes: &[u8], dice: &mut Dice) {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let pattern = match dice.roll(100) {
            0..25 => pattern(vec![part(first), part(second)], vec![Gap { min: 0, max: None }]),
            25..43 => pattern(vec![part(first), part(second)], vec![exactly(4)]),
            43..53 => {
                let mut one = part(bytes);
                one.units[bytes.len() / 2] = Unit::Byte { value: 0, mask: 0 };
                pattern(vec![one], vec![])
            }
            _ => return self.push_literal(bytes, Target::Any),
        };
        self.push(pattern, Target::Any);
    }

    /// Distinct parts as `main.ldb` has them (`clamav.md` C2): one in seven a GUID, one in seven a Visual
    /// Basic header with exact gaps, the rest strings and code by the measured lengths, one in eight wide,
    /// one in ten without regard to case.
    pub(crate) fn parts(name: &'static str, count: usize, library: &[u8], text: &[u8]) -> Self {
        let mut dice = Dice(count as u64 + 7);
        let mut set = Self::new(name);
        while set.signatures.len() < count {
            let target = match dice.roll(100) {
                0..88 => Target::Pe,
                88..94 => Target::Ole2,
                94..97 => Target::Any,
                97 => Target::Html,
                98 => Target::Text,
                _ => Target::Elf,
            };
            match dice.roll(100) {
                0..14 => {
                    let guid: Vec<u8> = (0..16).map(|_| dice.byte()).collect();
                    set.push_literal(&guid, target);
                }
                14..28 => set.push(basic_header(&mut dice), target),
                28..38 => {
                    let bytes = half_changed(library, quantile(&mut dice), &mut dice);
                    set.push_literal(&bytes, target);
                }
                _ => set.push_string(library, text, target, &mut dice),
            }
        }
        set
    }

    fn push_string(&mut self, library: &[u8], text: &[u8], target: Target, dice: &mut Dice) {
        // Two halves from different places: a string that is nowhere, of pieces that are everywhere.
        let length = quantile(dice).max(4);
        let mut bytes = printable(if dice.roll(2) == 0 { library } else { text }, length / 2, dice);
        bytes.extend(printable(text, length - length / 2, dice));
        if dice.roll(3) == 0 {
            let at = dice.roll(bytes.len());
            bytes[at] = b'!' + u8::try_from(dice.roll(94)).expect("printable");
        }
        let form = dice.roll(100);
        if form < 12 {
            let wide: Vec<u8> = bytes.iter().flat_map(|byte| [*byte, 0]).collect();
            self.push_literal(&wide, target);
        } else if form < 22 {
            self.push(pattern(vec![folded(&bytes)], vec![]), target);
        } else {
            self.push_literal(&bytes, target);
        }
    }

    fn push_literal(&mut self, bytes: &[u8], target: Target) {
        if target == Target::Any {
            self.ids.push(u32::try_from(self.signatures.len()).expect("few signatures"));
            self.literals.push(bytes.to_vec());
        }
        self.push(pattern(vec![part(bytes)], vec![]), target);
    }

    fn push(&mut self, pattern: Pattern, target: Target) {
        let offset = Offset { base: OffsetBase::Any, shift: 0 };
        self.signatures.push(BodySignature {
            name: "Bench".into(),
            target,
            offset,
            pattern,
            hits_max: 1,
        });
    }
}

/// One of the lengths of `main.ldb`: between two of its quantiles.
fn quantile(dice: &mut Dice) -> usize {
    let place = dice.roll(1_000);
    let row = QUANTILES.windows(2).find(|rows| place < rows[1].0);
    let [(from, low), (to, high)] = row.expect("the last row is the end") else { return 5 };
    low + (high - low) * (place - from) / (to - from)
}

fn half_changed(library: &[u8], length: usize, dice: &mut Dice) -> Vec<u8> {
    let at = dice.roll(library.len() - length);
    let mut bytes = library[at..at + length].to_vec();
    let from = dice.roll(length / 2 + 1);
    for byte in &mut bytes[from..from + length / 2] {
        *byte = byte.wrapping_add(dice.byte());
    }
    bytes
}

/// So many printable bytes of a source, in a row where there are some.
fn printable(source: &[u8], length: usize, dice: &mut Dice) -> Vec<u8> {
    let mut best = &source[..length];
    for _ in 0..200 {
        let at = dice.roll(source.len() - length);
        best = &source[at..at + length];
        if best.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            break;
        }
    }
    best.to_vec()
}

fn basic_header(dice: &mut Dice) -> Pattern {
    let middle: Vec<u8> = (0..8).map(|_| if dice.roll(2) == 0 { 0 } else { dice.byte() }).collect();
    let mut tail: Vec<u8> =
        (0..10).map(|_| b'a' + u8::try_from(dice.roll(26)).expect("a letter")).collect();
    tail.extend([0; 8]);
    pattern(vec![part(b"VB5!"), part(&middle), part(&tail)], vec![exactly(28), exactly(16)])
}

fn is_run(bytes: &[u8]) -> bool {
    bytes.windows(6).all(|window| window.iter().all(|byte| *byte == window[0]))
}

const fn exactly(bytes: u32) -> Gap {
    Gap { min: bytes, max: Some(bytes) }
}

pub(crate) const fn pattern(parts: Vec<Part>, gaps: Vec<Gap>) -> Pattern {
    Pattern { parts, gaps, lead: 0, trail: 0 }
}

pub(crate) fn part(bytes: &[u8]) -> Part {
    let units = bytes.iter().map(|&value| Unit::Byte { value, mask: 0xFF }).collect();
    Part { left: None, units, right: None }
}

/// Letters of either case.
fn folded(bytes: &[u8]) -> Part {
    let unit = |byte: &u8| {
        let mask = if byte.is_ascii_alphabetic() { 0xDF } else { 0xFF };
        Unit::Byte { value: byte & mask, mask }
    };
    Part { left: None, units: bytes.iter().map(unit).collect(), right: None }
}

/// Thousandths of the parts of `main.ldb` and their bytes.
const QUANTILES: [(usize, usize); 11] = [
    (0, 4),
    (10, 5),
    (50, 6),
    (100, 6),
    (250, 10),
    (500, 16),
    (750, 27),
    (900, 64),
    (950, 104),
    (990, 128),
    (1_000, 600),
];
