//! From a line of an .ldb or .ndb file to files that it should find, or just miss.
//!
//! The line is read here a second time, by its text alone. What is planted is a good guess: whether
//! a file really has the signature is what clamscan says, and how many guesses it confirms is
//! counted, so that a planter that misses its signatures is noticed.

use crate::carrier::{Frame, carrier, contained, filler, separator};
use crate::corpus::Random;
use crate::expression::{Counts, Node};
use crate::regex_sample;
use crate::subsignature::{Instance, Subsignature, instance};

/// A logical signature as its text says.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) keys: Vec<(&'a str, &'a str)>,
    pub(crate) expression: Node,
    pub(crate) subsignatures: Vec<&'a str>,
}

impl<'a> Line<'a> {
    /// Reads a line of an .ldb file.
    pub(crate) fn logical(text: &'a str) -> Option<Self> {
        let mut fields = text.splitn(4, ';');
        let (_, keys, expression) = (fields.next()?, fields.next()?, fields.next()?);
        let keys = keys.split(',').map(|key| key.split_once(':')).collect::<Option<Vec<_>>>()?;
        let expression = Node::read(expression)?;
        Some(Self { keys, expression, subsignatures: cut(fields.next()?) })
    }

    /// Reads a line of an .ndb file: a logical signature of one subsignature.
    pub(crate) fn body(text: &'a str) -> Option<Self> {
        let mut fields = text.splitn(3, ':');
        let (_, target, rest) = (fields.next()?, fields.next()?, fields.next()?);
        // Levels behind the pattern are digits behind a colon.
        let end = rest.match_indices(':').nth(1).map_or(rest.len(), |(at, _)| at);
        let target = if target == "*" { "0" } else { target };
        let keys = vec![("Target", target)];
        Some(Self { keys, expression: Node::Id(0), subsignatures: vec![&rest[..end]] })
    }

    pub(crate) fn key(&self, name: &str) -> Option<&'a str> {
        self.keys.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    pub(crate) fn target(&self) -> u8 {
        self.key("Target").and_then(|target| target.parse().ok()).unwrap_or(0)
    }

    /// Whether a file may hold it together with others.
    pub(crate) fn is_sociable(&self) -> bool {
        let is_free = |text: &&str| {
            matches!(Subsignature::read(text), Subsignature::Pattern { offset: "*", .. })
        };
        self.keys.iter().all(|(key, _)| matches!(*key, "Engine" | "Target"))
            && self.subsignatures.iter().all(is_free)
    }

    fn range(&self, name: &str) -> Option<(usize, usize)> {
        let (low, high) = self.key(name)?.split_once('-')?;
        Some((low.parse().ok()?, high.parse().unwrap_or(usize::MAX)))
    }
}

/// Subsignatures between semicolons; one inside a regular expression does not count.
fn cut(text: &str) -> Vec<&str> {
    let (mut found, mut from, mut is_regex, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, sign) in text.bytes().enumerate() {
        match sign {
            b'/' if !is_escaped => is_regex = !is_regex,
            b';' if !is_regex => {
                found.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
        is_escaped = sign == b'\\' && !is_escaped;
    }
    found.push(&text[from..]);
    found
}

/// What is to become of the pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Everything the expression asks for.
    Hit,
    /// The same, with one byte of one piece changed.
    Broken,
    /// Counts as they fall.
    Any,
}

/// A piece and where its signature wants it.
struct Piece<'a> {
    offset: &'a str,
    made: Instance,
}

/// A file for a signature; nothing where this planter does not know how.
pub(crate) fn plant(
    line: &Line<'_>,
    aim: Aim,
    before: usize,
    random: &mut Random,
) -> Option<Vec<u8>> {
    let pieces = chosen(line, aim, random)?;
    let file = assemble(line, &pieces, before, random)?;
    match line.key("Container") {
        Some(container) => contained(container, &file),
        None => Some(file),
    }
}

/// One file for several signatures that ask for nothing but their target and their pieces.
pub(crate) fn plant_together(lines: &[Line<'_>], aim: Aim, random: &mut Random) -> Option<Vec<u8>> {
    let mut pieces = Vec::new();
    for line in lines {
        pieces.extend(chosen(line, aim, random)?);
    }
    assemble(lines.first()?, &pieces, 0, random)
}

/// What an aim needs of a signature.
fn chosen<'a>(line: &Line<'a>, aim: Aim, random: &mut Random) -> Option<Vec<Piece<'a>>> {
    let mut counts = match aim {
        Aim::Hit | Aim::Broken => line.expression.satisfied(random)?,
        Aim::Any => {
            let ids = line.expression.ids().into_iter();
            ids.map(|id| (id, *random.pick(&[0, 1, 1, 1, 2, 3]))).collect()
        }
    };
    with_triggers(line, &mut counts, random);
    let mut pieces = pieces(line, &counts, random)?;
    if aim == Aim::Broken && !pieces.is_empty() {
        let at = random.between(0, pieces.len() - 1);
        pieces[at].made.damage(random);
    }
    Some(pieces)
}

/// A regular expression and a comparison need what they stand on.
fn with_triggers(line: &Line<'_>, counts: &mut Counts, random: &mut Random) {
    for id in (0..line.subsignatures.len()).rev() {
        if counts.get(&id).is_none_or(|count| *count == 0) {
            continue;
        }
        match Subsignature::read(line.subsignatures[id]) {
            Subsignature::Regex { trigger, .. } => {
                let needed = Node::read(trigger).and_then(|trigger| trigger.satisfied(random));
                for (id, count) in needed.unwrap_or_default() {
                    let sum = counts.entry(id).or_insert(0);
                    *sum = (*sum).max(count);
                }
            }
            Subsignature::Compare { id, .. } => {
                let sum = counts.entry(id).or_insert(0);
                *sum = (*sum).max(1);
            }
            Subsignature::Pattern { .. } | Subsignature::Other => {}
        }
    }
}

fn pieces<'a>(line: &Line<'a>, counts: &Counts, random: &mut Random) -> Option<Vec<Piece<'a>>> {
    let fill = filler(line.target());
    let mut pieces: Vec<(usize, Piece<'a>)> = Vec::new();
    let mut compares = Vec::new();
    for (&id, &count) in counts {
        for _ in 0..count {
            match Subsignature::read(line.subsignatures.get(id)?) {
                Subsignature::Pattern { offset, hex, modifiers } => {
                    let made = instance(hex, modifiers, fill, random)?;
                    pieces.push((id, Piece { offset, made }));
                }
                Subsignature::Regex { offset, regex, .. } => {
                    let bytes = regex_sample::sample(regex, random)?;
                    let made = Instance { bytes, ..Instance::default() };
                    pieces.push((id, Piece { offset, made }));
                }
                Subsignature::Compare { id, distance, form, comparison } => {
                    compares.push((id, distance, value(form, comparison)?));
                }
                Subsignature::Other => return None,
            }
        }
    }
    shuffle(&mut pieces, random);
    for (id, distance, value) in compares {
        let (_, piece) = pieces.iter_mut().rev().find(|(piece, _)| *piece == id)?;
        beside(&mut piece.made, distance, &value);
    }
    Some(pieces.into_iter().map(|(_, piece)| piece).collect())
}

fn shuffle<T>(list: &mut [T], random: &mut Random) {
    for at in (1..list.len()).rev() {
        list.swap(at, random.between(0, at));
    }
}

/// Puts a value so far behind the start of a piece, or before it.
fn beside(made: &mut Instance, distance: i64, value: &[u8]) {
    let far = usize::try_from(distance.unsigned_abs()).expect("a distance");
    if distance < 0 {
        if far >= value.len() {
            let mut before = value.to_vec();
            before.resize(far.max(made.before.len()), 0);
            made.before = before;
        }
    } else if far >= made.bytes.len() {
        let from = far - made.bytes.len();
        if made.after.len() <= from {
            made.after.resize(from, 0);
            made.after.extend_from_slice(value);
        }
    } else if let Some(place) = made.bytes.get_mut(far..far + value.len()) {
        place.copy_from_slice(value);
    }
}

/// Bytes for which a comparison holds.
fn value(form: &str, comparison: &str) -> Option<Vec<u8>> {
    let (sign, digits) = comparison.split(',').next()?.split_at_checked(1)?;
    let digits = digits.trim();
    let bound = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    let value = match sign {
        "=" => bound,
        ">" => bound.checked_add(1)?,
        "<" => bound.checked_sub(1)?,
        _ => return None,
    };
    let length: usize =
        form.trim_start_matches(|sign: char| sign.is_ascii_alphabetic()).parse().ok()?;
    match form.chars().next()? {
        'i' => {
            let wide = value.to_be_bytes();
            let mut bytes = wide.get(8_usize.checked_sub(length)?..)?.to_vec();
            if !form.contains('b') {
                bytes.reverse();
            }
            Some(bytes)
        }
        'h' => Some(format!("{value:0length$x}").into_bytes()),
        _ => Some(format!("{value:0length$}").into_bytes()),
    }
}

fn assemble(
    line: &Line<'_>,
    pieces: &[Piece<'_>],
    before: usize,
    random: &mut Random,
) -> Option<Vec<u8>> {
    let target = line.target();
    let between = separator(target);
    let mut body = vec![filler(target)[0]; before];
    body.extend_from_slice(between);
    for piece in pieces.iter().filter(|piece| piece.offset == "*") {
        body.extend(piece.made.whole());
        for _ in 0..random.between(1, 3) {
            body.extend_from_slice(between);
        }
    }
    let sections = line.range("NumberOfSections").map_or(2, |(low, high)| high.min(low.max(1)));
    let entry = line.range("EntryPoint").map(|(low, high)| high.min(low.max(0x1240)));
    let made = carrier(Frame { target, sections, entry }, body.len());
    let mut file = made.bytes;
    put(&mut file, made.room, &body, b'k');
    let fill = if matches!(target, 3 | 4 | 7) { b' ' } else { 0 };
    for piece in pieces.iter().filter(|piece| piece.offset != "*") {
        let (base, shift) = piece.offset.split_once(',').unwrap_or((piece.offset, "0"));
        let shift = random.between(0, shift.parse::<usize>().ok()?.min(64));
        let whole = piece.made.whole();
        let start = if let Some(back) = base.strip_prefix("EOF-") {
            let back: usize = back.parse().ok()?;
            file.resize(file.len() + back, fill);
            file.len() - back + shift
        } else {
            place(base, made.entry, &made.sections)? + shift
        };
        let start = start.saturating_sub(piece.made.before.len());
        put(&mut file, start, &whole, fill);
    }
    file.extend_from_slice(made.tail);
    let (low, _) = line.range("FileSize").unwrap_or((0, usize::MAX));
    if low > 1 << 19 {
        return None;
    }
    if file.len() < low {
        file.resize(low, fill);
    }
    Some(file)
}

/// Where an offset lies in a carrier.
fn place(base: &str, entry: usize, sections: &[(usize, usize)]) -> Option<usize> {
    if let Ok(at) = base.parse() {
        return Some(at);
    }
    if let Some(forward) = base.strip_prefix("EP+") {
        return entry.checked_add(forward.parse().ok()?);
    }
    if let Some(back) = base.strip_prefix("EP-") {
        return entry.checked_sub(back.parse().ok()?);
    }
    if let Some(section) = base.strip_prefix("SE") {
        return Some(sections.get(section.parse::<usize>().ok()?)?.0 + 0x20);
    }
    let (section, into) = base.strip_prefix('S')?.split_once('+')?;
    let section =
        if section == "L" { sections.len().checked_sub(1)? } else { section.parse().ok()? };
    sections.get(section)?.0.checked_add(into.parse().ok()?)
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8], fill: u8) {
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), fill);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}
