//! Random signatures over the whole grammar, and random layers in which they are likely to match.

use super::super::facts::{Executable, ExecutableMap, RawSection, VersionInformation};
use super::*;

/// A small generator: the same seed gives the same case (`SplitMix64`).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ mixed >> 31) % sides as u64).unwrap()
    }

    pub(super) fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    pub(super) fn byte(&mut self) -> u8 {
        b"aabA\n\r -a1"[self.roll(10)]
    }

    fn small(&mut self, sides: usize) -> u32 {
        u32::try_from(self.roll(sides)).unwrap()
    }

    pub(super) fn signature(&mut self) -> BodySignature {
        let parts: Vec<Part> =
            (0..1 + self.roll(8) / 4 + self.roll(5) / 4).map(|_| self.part()).collect();
        let gaps = (1..parts.len()).map(|_| self.gap()).collect();
        let target =
            [Target::Any, Target::Any, Target::Any, Target::Pe, Target::Text][self.roll(5)];
        let lead = if self.one_in(8) { self.small(4) } else { 0 };
        let trail = if self.one_in(8) { self.small(9) } else { 0 };
        BodySignature {
            name: "Random".into(),
            target,
            offset: self.offset(),
            pattern: Pattern { parts, gaps, lead, trail },
            hits_max: HITS_MAX,
        }
    }

    fn offset(&mut self) -> Offset {
        let base = match self.roll(16) {
            0 => OffsetBase::Start(self.small(20).into()),
            1 => OffsetBase::End(self.small(60).into()),
            2 => OffsetBase::EntryPoint(i64::from(self.small(9)) - 4),
            3 => OffsetBase::Section {
                index: u16::try_from(self.roll(3)).unwrap(),
                plus: self.small(9).into(),
            },
            4 => OffsetBase::LastSection { plus: self.small(9).into() },
            5 => OffsetBase::InSection { index: u16::try_from(self.roll(3)).unwrap() },
            6 => OffsetBase::VersionInformation,
            _ => OffsetBase::Any,
        };
        Offset { base, shift: if self.one_in(2) { self.small(70) } else { 0 } }
    }

    fn gap(&mut self) -> Gap {
        let min = self.small(4);
        let max = if self.one_in(3) { None } else { Some(min + self.small(2) * self.small(12)) };
        Gap { min, max }
    }

    fn part(&mut self) -> Part {
        let longest = [2, 3, 5, 8, 14, 40][self.roll(6)];
        let mut units = Vec::new();
        let (plain, ignores_case) = (self.one_in(2), self.one_in(5));
        for _ in 0..1 + self.roll(longest) {
            units.push(match ignores_case {
                true if !self.one_in(6) => self.of_either_case(),
                _ if plain || !self.one_in(8) => self.fixed(),
                _ => self.unit(2),
            });
        }
        let left = if self.one_in(8) { Some(self.edge()) } else { None };
        let right = if self.one_in(8) { Some(self.edge()) } else { None };
        Part { left, units, right }
    }

    fn of_either_case(&mut self) -> Unit {
        let byte = self.byte();
        let mask = if byte.is_ascii_alphabetic() { 0xDF } else { 0xFF };
        Unit::Byte { value: byte & mask, mask }
    }

    fn fixed(&mut self) -> Unit {
        Unit::Byte { value: self.byte(), mask: 0xFF }
    }

    fn unit(&mut self, depth: usize) -> Unit {
        match self.roll(if depth == 0 { 5 } else { 8 }) {
            0 => Unit::Byte { value: 0, mask: 0 },
            1 => Unit::Byte { value: self.byte() & 0xF0, mask: 0xF0 },
            2 => Unit::Byte { value: self.byte() & 0x0F, mask: 0x0F },
            3 => Unit::Boundary(self.edge()),
            4 => Unit::Skip {
                min: u8::try_from(self.roll(3)).unwrap(),
                max: u8::try_from(2 + self.roll(4)).unwrap(),
            },
            5 => {
                let width = 1 + self.roll(3);
                let one = |dice: &mut Self| (0..width).map(|_| dice.fixed()).collect();
                Unit::Choice {
                    negated: true,
                    choices: (0..1 + self.roll(3)).map(|_| one(self)).collect(),
                }
            }
            _ => {
                let one = |dice: &mut Self| {
                    let count = 1 + dice.roll(3);
                    (0..count)
                        .map(|_| if dice.one_in(3) { dice.unit(depth - 1) } else { dice.fixed() })
                        .collect()
                };
                Unit::Choice {
                    negated: false,
                    choices: (0..1 + self.roll(3)).map(|_| one(self)).collect(),
                }
            }
        }
    }

    fn edge(&mut self) -> Edge {
        let kind = [EdgeKind::Word, EdgeKind::Line, EdgeKind::NonAlphanumeric][self.roll(3)];
        Edge { kind, negated: self.one_in(3) }
    }

    /// Random bytes with instances of the patterns among them.
    pub(super) fn data(&mut self, signatures: &[BodySignature]) -> Vec<u8> {
        let mut data = Vec::new();
        for _ in 0..self.roll(6) {
            data.extend((0..self.roll(12)).map(|_| self.byte()).collect::<Vec<u8>>());
            if !signatures.is_empty() {
                let chosen = self.roll(signatures.len());
                self.plant(&signatures[chosen].pattern, &mut data);
            }
            if self.one_in(3) {
                data.push(self.byte());
            }
        }
        data
    }

    fn plant(&mut self, pattern: &Pattern, out: &mut Vec<u8>) {
        for (index, part) in pattern.parts.iter().enumerate() {
            out.extend(part.left.map(|edge| self.beside(edge)));
            self.plant_units(&part.units, out);
            out.extend(part.right.map(|edge| self.beside(edge)));
            if let Some(gap) = pattern.gaps.get(index) {
                let extra = gap.max.map_or(5, |max| max - gap.min) as usize;
                let edges = usize::from(part.right.is_some())
                    + usize::from(pattern.parts[index + 1].left.is_some());
                let count = (gap.min as usize + self.roll(extra + 1)).saturating_sub(edges);
                out.extend((0..count).map(|_| self.byte()).collect::<Vec<u8>>());
            }
        }
    }

    fn plant_units(&mut self, units: &[Unit], out: &mut Vec<u8>) {
        for unit in units {
            match unit {
                Unit::Byte { value, mask } => {
                    let any = self.byte();
                    out.push(value | any & !mask);
                }
                Unit::Skip { min, max } => {
                    let count = usize::from(*min) + self.roll(usize::from(max - min) + 1);
                    out.extend((0..count).map(|_| self.byte()).collect::<Vec<u8>>());
                }
                Unit::Boundary(edge) => out.push(self.beside(*edge)),
                Unit::Choice { negated: true, choices } => {
                    out.extend(choices[0].iter().map(|_| b'z'));
                }
                Unit::Choice { choices, .. } => {
                    let chosen = self.roll(choices.len());
                    self.plant_units(&choices[chosen], out);
                }
            }
        }
    }

    fn beside(&mut self, edge: Edge) -> u8 {
        if edge.negated { b'x' } else { [b'\n', b' '][self.roll(2)] }
    }

    pub(super) fn executable(&mut self) -> Executable {
        if self.one_in(4) {
            return Executable::Absent;
        }
        let section = |dice: &mut Self| RawSection {
            start: dice.small(40).into(),
            size: dice.small(30).into(),
        };
        let sections = (0..self.roll(4)).map(|_| section(self)).collect();
        let entry_point = if self.one_in(4) { None } else { Some(self.small(40).into()) };
        let mut places: Vec<u64> = (0..self.roll(4)).map(|_| self.small(60).into()).collect();
        places.sort_unstable();
        places.dedup();
        let version_information = VersionInformation::Known(places.into());
        Executable::Known(ExecutableMap { entry_point, sections, version_information })
    }
}
