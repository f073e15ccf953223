//! The table of names: seven bytes a name.
//!
//! Names of signatures are families with a number in them: `Win.Trojan.Agent-1234567-0`. A name is
//! kept as its *template*, the text around its longest number, and the number. Templates are few and
//! kept once; so eight million names are 56 MB instead of 300, every one is found by its place
//! without unpacking others, and taking one in costs no more than finding its template.
//!
//! ```text
//!   counts      u64 names, u64 templates
//!   names       names × 7 bytes           number of the template (3), number in the name (4)
//!   templates   templates × (u32, u32)    end of the text; bytes before the number, digits << 16
//!   texts       the texts of the templates, one behind the other
//! ```
//!
//! `digits` says how the number is written: 0 as it is, 1 to 9 with zeros in front up to so many
//! digits, 15 for a template without a number.
//!
//! Equal templates are found by a 64-bit hash of fixed seed; in the rare case that two share it, the
//! later one is written again, which costs its bytes and nothing else. Of equal names only those that
//! follow each other closely share a place: a name that is written again costs seven bytes, and a map
//! of all names would cost more than the names.

use std::borrow::Cow;

use ahash::{AHashMap, RandomState};
use zerocopy::FromBytes;
use zerocopy::little_endian::{U32, U64};

use super::signature::NameId;

/// Names while sources load.
#[derive(Debug)]
pub(super) struct Names {
    names: Vec<NameBytes>,
    templates: Vec<TemplateBytes>,
    texts: Vec<u8>,
    by_hash: AHashMap<u64, u32>,
    hasher: RandomState,
    /// The names taken in last, each at a place that its own value chooses.
    recent: Vec<Option<(NameBytes, NameId)>>,
}

/// Template and number.
type NameBytes = [u8; NAME_BYTES];

/// End of the text; bytes before the number and how it is written.
type TemplateBytes = [U32; 2];

/// A name cut into what is kept.
struct Cut<'a> {
    head: &'a str,
    number: u32,
    digits: u32,
    tail: &'a str,
}

impl Names {
    pub(super) fn new() -> Self {
        Self {
            names: Vec::new(),
            templates: Vec::new(),
            texts: Vec::new(),
            by_hash: AHashMap::new(),
            // The seeds are fixed: the same sources give the same table in every run.
            hasher: RandomState::with_seeds(0x6261, 0x6c65, 0x656e, 0x6e73),
            recent: vec![None; RECENT],
        }
    }

    /// The place of a name; `None` when the table is full: 16 million templates, or 4 GiB of them.
    pub(super) fn intern(&mut self, name: &str) -> Option<NameId> {
        let cut = Cut::of(name);
        let [low, middle, high, _] = self.template(&cut)?.to_le_bytes();
        let [a, b, c, d] = cut.number.to_le_bytes();
        let bytes = [low, middle, high, a, b, c, d];
        let slot = usize::try_from(self.hasher.hash_one(bytes)).unwrap_or(0) % RECENT;
        if let Some(Some((known, id))) = self.recent.get(slot)
            && *known == bytes
        {
            return Some(*id);
        }
        let id = NameId(u32::try_from(self.names.len()).ok()?);
        self.names.push(bytes);
        if let Some(place) = self.recent.get_mut(slot) {
            *place = Some((bytes, id));
        }
        Some(id)
    }

    /// The number of the template of a name.
    fn template(&mut self, cut: &Cut<'_>) -> Option<u32> {
        let hash = self.hasher.hash_one((cut.head, cut.digits, cut.tail));
        if let Some(known) = self.by_hash.get(&hash)
            && self.is_template(*known, cut)
        {
            return Some(*known);
        }
        let number = u32::try_from(self.templates.len()).ok().filter(|it| *it <= TEMPLATE_MAX)?;
        let before = u32::try_from(cut.head.len()).ok().filter(|it| *it <= BEFORE_MAX)?;
        let length = cut.head.len().checked_add(cut.tail.len())?;
        let end = u32::try_from(self.texts.len().checked_add(length)?).ok()?;
        self.texts.extend_from_slice(cut.head.as_bytes());
        self.texts.extend_from_slice(cut.tail.as_bytes());
        self.templates.push([end, before | cut.digits.rotate_left(16)].map(U32::new));
        self.by_hash.entry(hash).or_insert(number);
        Some(number)
    }

    fn is_template(&self, number: u32, cut: &Cut<'_>) -> bool {
        let view = View { templates: &self.templates, texts: &self.texts };
        view.get(number) == Some((cut.head.as_bytes(), cut.digits, cut.tail.as_bytes()))
    }

    /// The NAMES section.
    pub(super) fn into_section(self) -> Vec<u8> {
        let counts = [self.names.len() as u64, self.templates.len() as u64];
        let mut section = Vec::with_capacity(
            self.names
                .len()
                .saturating_mul(NAME_BYTES)
                .saturating_add(self.templates.len().saturating_mul(size_of::<TemplateBytes>()))
                .saturating_add(self.texts.len())
                .saturating_add(size_of_val(&counts)),
        );
        for count in counts {
            section.extend_from_slice(&count.to_le_bytes());
        }
        section.extend_from_slice(self.names.as_flattened());
        for word in self.templates.as_flattened() {
            section.extend_from_slice(&word.get().to_le_bytes());
        }
        section.extend_from_slice(&self.texts);
        section
    }
}

impl<'a> Cut<'a> {
    /// Cuts at the longest run of digits; of a very long one its end is the number.
    fn of(name: &'a str) -> Self {
        let whole = Self { head: name, number: 0, digits: NO_NUMBER, tail: "" };
        let (mut from, mut to) = (0_usize, 0_usize);
        let mut start = 0_usize;
        for (byte, end) in name.bytes().zip(1_usize..) {
            if !byte.is_ascii_digit() {
                start = end;
            } else if end.saturating_sub(start) > to.saturating_sub(from) {
                (from, to) = (start, end);
            }
        }
        let from = from.max(to.saturating_sub(DIGITS_MAX));
        let parts = name.split_at_checked(to).and_then(|(front, tail)| {
            let (head, digits) = front.split_at_checked(from)?;
            Some((head, digits, tail))
        });
        let Some((head, digits, tail)) = parts else { return whole };
        let Ok(number) = digits.parse() else { return whole };
        let width = match digits.as_bytes() {
            [b'0', _, ..] => u32::try_from(digits.len()).unwrap_or(0),
            _ => 0,
        };
        Self { head, number, digits: width, tail }
    }
}

/// The templates, while they are collected or in an image.
#[derive(Clone, Copy)]
struct View<'a> {
    templates: &'a [TemplateBytes],
    texts: &'a [u8],
}

impl<'a> View<'a> {
    /// What is before the number, how the number is written, what is behind it.
    fn get(self, number: u32) -> Option<(&'a [u8], u32, &'a [u8])> {
        let index = number as usize;
        let [end, how] = self.templates.get(index)?;
        let from = match index.checked_sub(1) {
            None => 0,
            Some(before) => self.templates.get(before)?[0].get() as usize,
        };
        let text = self.texts.get(from..end.get() as usize)?;
        let (before, digits) = (how.get() & BEFORE_MAX, how.get().rotate_right(16) & 0xffff);
        let (head, tail) = text.split_at_checked(before as usize)?;
        Some((head, digits, tail))
    }
}

/// The NAMES section as a view.
#[derive(Clone, Copy)]
pub(super) struct NameTable<'a> {
    names: &'a [NameBytes],
    view: View<'a>,
}

impl<'a> NameTable<'a> {
    /// Finds the parts of the section. Constant time: nothing in them is read.
    pub(super) fn open(section: &'a [u8]) -> Option<Self> {
        let ([names, templates], rest) = <[U64; 2]>::read_from_prefix(section).ok()?;
        let count = |word: U64| usize::try_from(word.get()).ok();
        let (names, rest) = <[NameBytes]>::ref_from_prefix_with_elems(rest, count(names)?).ok()?;
        let (templates, texts) =
            <[TemplateBytes]>::ref_from_prefix_with_elems(rest, count(templates)?).ok()?;
        Some(Self { names, view: View { templates, texts } })
    }

    /// In how many pieces [`NameTable::check_piece`] reads the table.
    pub(super) const fn pieces(&self) -> usize {
        self.names.len().div_ceil(PIECE_NAMES).saturating_add(1)
    }

    /// Reads a piece of the table, templates first: every name can be had when all pieces are good.
    pub(super) fn check_piece(&self, piece: usize) -> Option<()> {
        let Some(piece) = piece.checked_sub(1) else { return self.check_templates() };
        let names = self.names.chunks(PIECE_NAMES).nth(piece)?;
        let largest = names.iter().fold(0, |largest, name| template_of(name).max(largest));
        ((largest as usize) < self.view.templates.len()).then_some(())
    }

    fn check_templates(&self) -> Option<()> {
        u32::try_from(self.names.len()).ok()?;
        let text = std::str::from_utf8(self.view.texts).ok()?;
        let mut from = 0_usize;
        for [end, how] in self.view.templates {
            let end = end.get() as usize;
            let digits = how.get().rotate_right(16) & 0xffff;
            let middle = from.checked_add((how.get() & BEFORE_MAX) as usize)?;
            let is_written = digits as usize <= DIGITS_MAX || digits == NO_NUMBER;
            let is_cut_well = text.is_char_boundary(end) && text.is_char_boundary(middle);
            (is_written && is_cut_well && middle <= end).then_some(())?;
            from = end;
        }
        (from == text.len()).then_some(())
    }

    /// A name; only one with a number in it is put together, and that is all it costs.
    pub(super) fn get(&self, index: usize) -> Option<Cow<'a, str>> {
        let name = self.names.get(index)?;
        let [_, _, _, number @ ..] = name;
        let number = u32::from_le_bytes(*number);
        let (head, digits, tail) = self.view.get(template_of(name))?;
        let (head, tail) = (std::str::from_utf8(head).ok()?, std::str::from_utf8(tail).ok()?);
        Some(match digits {
            NO_NUMBER => Cow::Borrowed(head),
            digits => Cow::Owned(format!("{head}{number:0width$}{tail}", width = digits as usize)),
        })
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.names.len()).unwrap_or(u32::MAX)
    }
}

const fn template_of(name: &NameBytes) -> u32 {
    let [low, middle, high, ..] = *name;
    u32::from_le_bytes([low, middle, high, 0])
}

const NAME_BYTES: usize = 7;
/// Three bytes hold no larger number of a template.
const TEMPLATE_MAX: u32 = 0xff_ffff;
/// Names have 1 KiB of text, and an escaped byte is four.
const BEFORE_MAX: u32 = 0xffff;
/// Every number of so many digits fits into 32 bits.
const DIGITS_MAX: usize = 9;
/// In the place of digits: the name is all text.
const NO_NUMBER: u32 = 15;
/// Names of a piece: a tenth of a millisecond.
const PIECE_NAMES: usize = 1 << 16;
/// Places for names that come again soon: lines of one family stand together.
const RECENT: usize = 4_096;
