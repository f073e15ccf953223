//! Groups of every kind, and references to what they have matched.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use super::{Foreign, Item, Reader, RegexFlags, any_byte, class};

/// The groups that were counted so far.
#[derive(Default)]
pub(super) struct Groups {
    /// What each can match; nothing while it is open, or when it has references in it.
    inside: Vec<Option<Hir>>,
    /// Names and what they name.
    names: Vec<(Box<[u8]>, usize)>,
    /// Several groups have one number.
    are_several: bool,
    references: usize,
}

impl Reader<'_> {
    /// What a group has matched; for all that is known here, anything that it can match.
    pub(super) fn reference(&mut self, letter: u8) -> Result<Item, Foreign> {
        let name = match (letter, self.rest()) {
            // Two digits and more may be a number of a byte.
            (b'1'..=b'9', rest) if !rest.first().is_some_and(u8::is_ascii_digit) => {
                return Ok(Item::Piece(self.as_group(usize::from(letter & 15).checked_sub(1))));
            }
            (b'g', [b'{', ..]) => {
                self.until(b'}')?;
                &[]
            }
            (b'k', [b'{', ..]) => {
                self.pass(1);
                self.until(b'}')?
            }
            (b'k', [b'<', ..]) => {
                self.pass(1);
                self.until(b'>')?
            }
            (b'k', [b'\'', ..]) => {
                self.pass(1);
                self.until(b'\'')?
            }
            // The rest are calls, or read in several ways.
            _ => return Err(Foreign),
        };
        Ok(Item::Piece(self.as_named(name)))
    }

    fn as_named(&mut self, name: &[u8]) -> Hir {
        let named = self.groups.names.iter().find(|(known, _)| **known == *name);
        let number = named.map(|(_, number)| *number);
        self.as_group(number)
    }

    fn as_group(&mut self, number: Option<usize>) -> Hir {
        self.is_exact = false;
        self.groups.references = self.groups.references.saturating_add(1);
        let is_known = !self.groups.are_several && self.groups.references <= REFERENCES_MAX;
        let inside = number.filter(|_| is_known).and_then(|number| self.groups.inside.get(number));
        match inside {
            Some(Some(inside)) => bare(inside, self.has(RegexFlags::CASELESS)),
            Some(None) | None => {
                let sub = Box::new(any_byte());
                Hir::repetition(Repetition { min: 0, max: None, greedy: false, sub })
            }
        }
    }

    pub(super) fn group(&mut self) -> Result<Item, Foreign> {
        match self.rest() {
            [b'*', ..] => Err(Foreign),
            [b'?', b'=' | b'!', ..] => self.look_around(2),
            [b'?', b'<', b'=' | b'!', ..] => self.look_around(3),
            [b'?', b'P', b'=', ..] => {
                self.pass(3);
                let name = self.until(b')')?;
                Ok(Item::Piece(self.as_named(name)))
            }
            [b'?', b':', ..] => {
                self.pass(2);
                self.closed().map(Item::Piece)
            }
            [b'?', b'|', ..] => {
                self.pass(2);
                self.groups.are_several = true;
                self.closed().map(Item::Piece)
            }
            [b'?', b'>', ..] => {
                self.pass(2);
                self.is_exact = false;
                self.closed().map(Item::Piece)
            }
            [b'?', b'<', ..] => self.counted(2, b'>'),
            [b'?', b'P', b'<', ..] => self.counted(3, b'>'),
            [b'?', b'\'', ..] => self.counted(2, b'\''),
            [b'?', ..] => {
                self.pass(1);
                self.switched()
            }
            _ => self.counted(0, 0),
        }
    }

    /// A group that has a number; with a name up to `end`, if its opening has any bytes.
    fn counted(&mut self, opening: usize, end: u8) -> Result<Item, Foreign> {
        let number = self.groups.inside.len();
        self.groups.inside.push(None);
        if opening > 0 {
            self.pass(opening);
            let name = self.until(end)?;
            self.groups.names.push((name.into(), number));
        }
        let references = self.groups.references;
        let inside = self.closed()?;
        // A copy of a copy of a copy would be as large as one likes.
        if references == self.groups.references
            && let Some(slot) = self.groups.inside.get_mut(number)
        {
            *slot = Some(inside.clone());
        }
        Ok(Item::Piece(inside))
    }

    /// The inside of a group, and its end.
    fn closed(&mut self) -> Result<Hir, Foreign> {
        let inside = self.alternatives()?;
        if self.eat(b")") { Ok(inside) } else { Err(Foreign) }
    }

    fn look_around(&mut self, opening: usize) -> Result<Item, Foreign> {
        self.pass(opening);
        self.closed()?;
        Ok(Item::Piece(self.at_most(Hir::empty())))
    }

    /// `(?i-s)` up to the end of the group around it, `(?i-s:…)` inside.
    fn switched(&mut self) -> Result<Item, Foreign> {
        let outside = self.switches;
        let mut is_on = true;
        let mut count = 0_u8;
        loop {
            let switch = match self.next()? {
                b'i' => RegexFlags::CASELESS,
                b's' => RegexFlags::DOT_ALL,
                b'm' => RegexFlags::MULTI_LINE,
                b'x' if !self.rest().starts_with(b"x") => RegexFlags::EXTENDED,
                b'U' => RegexFlags::UNGREEDY,
                b'-' if is_on => {
                    is_on = false;
                    continue;
                }
                b')' if count > 0 => return Ok(Item::Nothing),
                b':' if count > 0 => break,
                _ => return Err(Foreign),
            };
            count = count.saturating_add(1);
            self.switches =
                if is_on { self.switches.with(switch) } else { self.switches.without(switch) };
        }
        let inside = self.closed()?;
        self.switches = outside;
        Ok(Item::Piece(inside))
    }
}

/// The same bytes anywhere: what is around them is asked where they were matched first.
fn bare(hir: &Hir, is_caseless: bool) -> Hir {
    let all = |subs: &[Hir]| subs.iter().map(|sub| bare(sub, is_caseless)).collect();
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) if is_caseless => {
            let bytes = literal.0.iter().map(|byte| class::either_case(*byte));
            Hir::concat(bytes.map(|set| Hir::class(Class::Bytes(set))).collect())
        }
        HirKind::Class(set) => {
            let mut set = set.clone();
            if is_caseless {
                set.case_fold_simple();
            }
            Hir::class(set)
        }
        HirKind::Repetition(repetition) => {
            Hir::repetition(repetition.with(bare(&repetition.sub, is_caseless)))
        }
        HirKind::Capture(capture) => bare(&capture.sub, is_caseless),
        HirKind::Concat(subs) => Hir::concat(all(subs)),
        HirKind::Alternation(subs) => Hir::alternation(all(subs)),
        HirKind::Literal(_) => hir.clone(),
    }
}

/// So many references repeat their group; later ones are taken for any bytes.
const REFERENCES_MAX: usize = 64;
