//! From a regex of PCRE2 to one of automata, where both mean the same.
//!
//! What is read is the text that PCRE2 gets, so both speak of the same regex, and PCRE2 has found it
//! right already ([`check`](super::check)); so only what it means has to be known here, not what is
//! wrong. A piece that no automaton can express becomes one that matches at least as much: a back
//! reference what its group can match, a look-around nothing, an atomic group a group. Such a regex is no
//! longer exact: where it does not match, the original does not either, and nothing more is said.
//!
//! Two ways to match differ in more than speed. PCRE2 leaves a loop after a round without bytes, an
//! automaton does not go round then: they agree on whether and where a match begins, not on where it
//! ends. And before the last end of line PCRE2 has a `$`, but behind it no `^`.
//!
//! Absent on purpose: recursion, conditions, verbs, callouts, `\G`, `\K`, `\X`, `\C`, switches at the start,
//! and every spelling that versions of PCRE2 read in different ways. They are [`Foreign`].

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use self::group::Groups;

use super::flags::RegexFlags;

mod class;
mod group;
mod repeat;

/// A regex for automata.
#[derive(Debug)]
pub(super) struct Regular {
    pub(super) hir: Hir,
    /// It matches exactly where PCRE2 does; otherwise wherever PCRE2 does and perhaps elsewhere.
    pub(super) is_exact: bool,
}

/// There is no such regex, or none that is known to be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Foreign;

impl Regular {
    /// Translates a regex as PCRE2 gets it, without switches at its start. Counts of repetitions above
    /// `counts_max` are taken for any number, after which the regex is no longer exact.
    pub(super) fn of(text: &str, flags: RegexFlags, counts_max: u32) -> Result<Self, Foreign> {
        let mut reader = Reader {
            text: text.as_bytes(),
            at: 0,
            depth: 0,
            switches: flags,
            counts_max,
            is_exact: true,
            loops_on_nothing: false,
            groups: Groups::default(),
        };
        let hir = reader.alternatives()?;
        if reader.at < reader.text.len() {
            return Err(Foreign);
        }
        // Where a match ends is asked for only if another one may follow.
        let ends_agree = !(flags.has(RegexFlags::GLOBAL) && reader.loops_on_nothing);
        let is_exact = reader.is_exact && ends_agree && starts_of_lines_agree(&hir, 0);
        Ok(Self { hir, is_exact })
    }
}

/// Whether every `^` of a line has to be followed by a byte; then it is not asked behind the last
/// end of line. `rest_min` bytes at least follow on `hir`.
fn starts_of_lines_agree(hir: &Hir, rest_min: usize) -> bool {
    match hir.kind() {
        HirKind::Look(Look::StartLF) => rest_min > 0,
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => true,
        HirKind::Repetition(repetition) => starts_of_lines_agree(&repetition.sub, rest_min),
        HirKind::Capture(capture) => starts_of_lines_agree(&capture.sub, rest_min),
        HirKind::Alternation(subs) => subs.iter().all(|sub| starts_of_lines_agree(sub, rest_min)),
        HirKind::Concat(subs) => {
            let mut rest_min = rest_min;
            subs.iter().rev().all(|sub| {
                let agrees = starts_of_lines_agree(sub, rest_min);
                rest_min = rest_min.saturating_add(sub.properties().minimum_len().unwrap_or(0));
                agrees
            })
        }
    }
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    /// Groups inside each other.
    depth: usize,
    /// Those that hold here: `i s m x U` may change on the way.
    switches: RegexFlags,
    counts_max: u32,
    is_exact: bool,
    /// A loop has rounds without bytes.
    loops_on_nothing: bool,
    groups: Groups,
}

/// What was read between two places where something may be repeated.
enum Item {
    /// May be repeated.
    Piece(Hir),
    /// May not.
    Place(Hir),
    /// Means something for what follows only.
    Nothing,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    const fn pass(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    fn next(&mut self) -> Result<u8, Foreign> {
        let byte = self.rest().first().copied().ok_or(Foreign)?;
        self.pass(1);
        Ok(byte)
    }

    fn eat(&mut self, wanted: &[u8]) -> bool {
        let is_there = self.rest().starts_with(wanted);
        if is_there {
            self.pass(wanted.len());
        }
        is_there
    }

    /// Passes over what comes before `end`, and `end`.
    fn until(&mut self, end: u8) -> Result<&'t [u8], Foreign> {
        let rest = self.rest();
        let length = memchr::memchr(end, rest).ok_or(Foreign)?;
        self.pass(length.saturating_add(1));
        Ok(rest.get(..length).unwrap_or_default())
    }

    const fn has(&self, switch: RegexFlags) -> bool {
        self.switches.has(switch)
    }

    /// A piece that stands for one that matches less.
    const fn at_most(&mut self, hir: Hir) -> Hir {
        self.is_exact = false;
        hir
    }

    /// Up to the end of the group. Switches hold until there, in the alternatives that follow as well.
    fn alternatives(&mut self) -> Result<Hir, Foreign> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEPTH_MAX {
            return Err(Foreign);
        }
        let outside = self.switches;
        let mut branches = vec![self.sequence()?];
        while self.eat(b"|") {
            branches.push(self.sequence()?);
        }
        self.switches = outside;
        self.depth = self.depth.saturating_sub(1);
        Ok(Hir::alternation(branches))
    }

    fn sequence(&mut self) -> Result<Hir, Foreign> {
        let mut pieces = Vec::new();
        loop {
            self.blanks()?;
            match self.rest().first() {
                None | Some(b'|' | b')') => return Ok(Hir::concat(pieces)),
                Some(_) => {}
            }
            let item = self.item(&mut pieces)?;
            self.blanks()?;
            let counts = self.counts()?;
            match (item, counts) {
                (Item::Piece(piece), Some((min, max))) => {
                    let piece = self.repeated(piece, min, max);
                    pieces.push(piece);
                    self.blanks()?;
                    if self.counts()?.is_some() {
                        return Err(Foreign);
                    }
                }
                (Item::Piece(piece) | Item::Place(piece), None) => pieces.push(piece),
                (Item::Nothing, None) => {}
                (Item::Place(_) | Item::Nothing, Some(_)) => return Err(Foreign),
            }
        }
    }

    /// Comments; with the switch `x` white space, too.
    fn blanks(&mut self) -> Result<(), Foreign> {
        loop {
            match self.rest() {
                [b'(', b'?', b'#', ..] => {
                    self.until(b')')?;
                }
                [b' ' | b'\t'..=b'\r', ..] if self.has(RegexFlags::EXTENDED) => self.pass(1),
                [b'#', ..] if self.has(RegexFlags::EXTENDED) => {
                    if self.until(b'\n').is_err() {
                        self.at = self.text.len();
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    /// `pieces` takes what comes before the last byte of a quotation, which alone may be repeated.
    fn item(&mut self, pieces: &mut Vec<Hir>) -> Result<Item, Foreign> {
        match self.next()? {
            b'\\' if self.eat(b"Q") => Ok(self.quotation(pieces)),
            b'\\' => self.escape(),
            b'(' => self.group(),
            b'[' => {
                let set = class::set(self)?;
                Ok(Item::Piece(Hir::class(Class::Bytes(set))))
            }
            b'.' if self.has(RegexFlags::DOT_ALL) => Ok(Item::Piece(any_byte())),
            b'.' => Ok(Item::Piece(Hir::class(Class::Bytes(class::not_line_end())))),
            b'^' if self.has(RegexFlags::MULTI_LINE) => Ok(Item::Place(Hir::look(Look::StartLF))),
            b'^' => Ok(Item::Place(Hir::look(Look::Start))),
            b'$' if self.has(RegexFlags::MULTI_LINE) => Ok(Item::Place(Hir::look(Look::EndLF))),
            b'$' => Ok(Item::Place(self.at_most(Hir::look(Look::EndLF)))),
            b'*' | b'+' | b'?' => Err(Foreign),
            byte => Ok(Item::Piece(self.byte(byte))),
        }
    }

    fn byte(&self, byte: u8) -> Hir {
        if self.has(RegexFlags::CASELESS) && byte.is_ascii_alphabetic() {
            return Hir::class(Class::Bytes(class::either_case(byte)));
        }
        Hir::literal([byte])
    }

    fn quotation(&mut self, pieces: &mut Vec<Hir>) -> Item {
        let rest = self.rest();
        let length = memchr::memmem::find(rest, b"\\E");
        let quoted = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
        self.pass(quoted.len());
        self.eat(b"\\E");
        let Some((last, before)) = quoted.split_last() else { return Item::Nothing };
        pieces.extend(before.iter().map(|byte| self.byte(*byte)));
        Item::Piece(self.byte(*last))
    }

    fn escape(&mut self) -> Result<Item, Foreign> {
        let letter = self.next()?;
        if let Some(set) = class::named(letter) {
            let is_other = letter == b'N' && self.rest().starts_with(b"{");
            let piece = Item::Piece(Hir::class(Class::Bytes(set)));
            return if is_other { Err(Foreign) } else { Ok(piece) };
        }
        let place = match letter {
            b'b' => Look::WordAscii,
            b'B' => Look::WordAsciiNegate,
            b'A' => Look::Start,
            b'z' => Look::End,
            b'Z' => {
                self.is_exact = false;
                Look::EndLF
            }
            b'R' => {
                let pair = Hir::literal(*b"\r\n");
                let one = Hir::class(Class::Bytes(class::vertical()));
                return Ok(Item::Piece(self.at_most(Hir::alternation(vec![pair, one]))));
            }
            b'1'..=b'9' | b'g' | b'k' => return self.reference(letter),
            _ => return Ok(Item::Piece(class::number(self, letter).map(|byte| self.byte(byte))?)),
        };
        Ok(Item::Place(Hir::look(place)))
    }
}

fn any_byte() -> Hir {
    Hir::class(Class::Bytes(class::any()))
}

/// Groups inside each other: the reader calls itself for each. Signatures have a few.
const DEPTH_MAX: usize = 64;
