//! A second reading of subsignatures (clamav.md A3, A5.4), for planting only: from the text of one to
//! bytes that it matches. It shares nothing with the engine's readers.
//!
//! Absent on purpose: saying whether given bytes match. clamscan says that.

use crate::corpus::Random;

/// One subsignature, cut at its colons and slashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subsignature<'a> {
    /// `[offset:]hex[::modifiers]`.
    Pattern { offset: &'a str, hex: &'a str, modifiers: &'a str },
    /// `[offset:]trigger/regex/flags`.
    Regex { offset: &'a str, trigger: &'a str, regex: &'a str, flags: &'a str },
    /// `id(distance#form#comparison[,comparison])`.
    Compare { id: usize, distance: i64, form: &'a str, comparison: &'a str },
    /// A macro, a hash of an image: nothing that can be planted.
    Other,
}

impl<'a> Subsignature<'a> {
    /// Reads the text between two semicolons.
    pub(crate) fn read(text: &'a str) -> Self {
        if text.starts_with("${") || text.starts_with("fuzzy_img") {
            return Self::Other;
        }
        if let (Some(first), Some(last)) = (text.find('/'), text.rfind('/'))
            && first < last
        {
            let (offset, trigger) = split_offset(&text[..first]);
            let (regex, flags) = (&text[first + 1..last], &text[last + 1..]);
            return Self::Regex { offset, trigger, regex, flags };
        }
        if let Some(compare) = read_compare(text) {
            return compare;
        }
        let (rest, modifiers) = text.split_once("::").unwrap_or((text, ""));
        let (offset, hex) = split_offset(rest);
        Self::Pattern { offset, hex, modifiers }
    }
}

fn split_offset(text: &str) -> (&str, &str) {
    text.split_once(':').unwrap_or(("*", text))
}

fn read_compare(text: &str) -> Option<Subsignature<'_>> {
    let (id, rest) = text.split_once('(')?;
    let id = id.parse().ok()?;
    let mut fields = rest.strip_suffix(')')?.split('#');
    let distance = fields.next()?;
    let (sign, digits) = distance.split_at_checked(2)?;
    let distance: i64 = digits.parse().ok()?;
    let distance = match sign {
        ">>" => distance,
        "<<" => -distance,
        _ => return None,
    };
    Some(Subsignature::Compare { id, distance, form: fields.next()?, comparison: fields.next()? })
}

/// Bytes that a subsignature matches, with what has to stand around them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instance {
    pub(crate) before: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) after: Vec<u8>,
    /// Places in `bytes` whose change makes a difference: bytes of literals.
    pub(crate) fixed: Vec<usize>,
}

impl Instance {
    pub(crate) fn whole(&self) -> Vec<u8> {
        [&self.before[..], &self.bytes, &self.after].concat()
    }

    /// Changes one byte of a literal, to one that is not its other case either.
    pub(crate) fn damage(&mut self, random: &mut Random) {
        if !self.fixed.is_empty() {
            let at = *random.pick(&self.fixed);
            self.bytes[at] ^= 0x13;
        }
    }
}

/// Bytes that a pattern matches; nothing where this reading does not understand it.
pub(crate) fn instance(
    hex: &str,
    modifiers: &str,
    filler: &[u8],
    random: &mut Random,
) -> Option<Instance> {
    let both = modifiers.contains('a');
    let is_wide = modifiers.contains('w') && !(both && random.one_in(2));
    let mut reading = Reading {
        text: hex.as_bytes(),
        at: 0,
        filler,
        is_wide,
        is_folded: modifiers.contains('i'),
        made: Instance::default(),
    };
    reading.run(random, true)?;
    let mut made = reading.made;
    if modifiers.contains('f') {
        let around: &[u8] = if is_wide { b" \0" } else { b" " };
        made.before.extend_from_slice(around);
        made.after.extend_from_slice(around);
    }
    Some(made)
}

struct Reading<'a> {
    text: &'a [u8],
    at: usize,
    filler: &'a [u8],
    is_wide: bool,
    is_folded: bool,
    made: Instance,
}

impl Reading<'_> {
    fn run(&mut self, random: &mut Random, is_outer: bool) -> Option<()> {
        while let Some(&sign) = self.text.get(self.at) {
            match sign {
                b'*' => {
                    self.at += 1;
                    self.gap(0, None, random);
                }
                b'{' | b'[' => {
                    let (low, high) = self.range(sign == b'{')?;
                    self.gap(low, high, random);
                }
                b'!' => {
                    self.at += 1;
                    self.group(random, true, is_outer)?;
                }
                b'(' => self.group(random, false, is_outer)?,
                _ => self.unit(random)?,
            }
        }
        Some(())
    }

    fn gap(&mut self, low: usize, high: Option<usize>, random: &mut Random) {
        let room = high.map_or(8, |high| high.saturating_sub(low).min(8));
        for _ in 0..low + random.between(0, room) {
            let byte = *random.pick(self.filler);
            self.made.bytes.push(byte);
        }
    }

    fn range(&mut self, is_braced: bool) -> Option<(usize, Option<usize>)> {
        let close = if is_braced { b'}' } else { b']' };
        let length = self.text[self.at..].iter().position(|&sign| sign == close)?;
        let inner = std::str::from_utf8(&self.text[self.at + 1..self.at + length]).ok()?;
        self.at += length + 1;
        let Some((low, high)) = inner.split_once('-') else {
            let exact = inner.parse().ok()?;
            return Some((exact, Some(exact)));
        };
        let low = if low.is_empty() { 0 } else { low.parse().ok()? };
        let high = if high.is_empty() { None } else { Some(high.parse().ok()?) };
        Some((low, high))
    }

    fn unit(&mut self, random: &mut Random) -> Option<()> {
        let pair = self.text.get(self.at..self.at + 2)?;
        let (value, mask) = unit(pair)?;
        self.at += 2;
        let any = *random.pick(self.filler);
        let mut byte = value | any & !mask;
        if self.is_folded && mask == 0xff && byte.is_ascii_alphabetic() && random.one_in(2) {
            byte ^= 0x20;
        }
        if mask == 0xff {
            self.made.fixed.push(self.made.bytes.len());
        }
        self.push(byte);
        Some(())
    }

    fn push(&mut self, byte: u8) {
        self.made.bytes.push(byte);
        if self.is_wide {
            self.made.bytes.push(0);
        }
    }

    /// What stands in parentheses: a boundary, or alternatives.
    fn group(&mut self, random: &mut Random, is_negated: bool, is_outer: bool) -> Option<()> {
        let start = self.at;
        let inner = inside(&self.text[start..])?;
        self.at += inner.len() + 2;
        let is_left = is_outer && self.made.bytes.is_empty();
        let is_right = is_outer && self.at == self.text.len();
        let boundary = match (inner, is_negated) {
            (b"B" | b"W", false) => Some(b' '),
            (b"L", false) => Some(b'\n'),
            (b"B" | b"L" | b"W", true) => Some(b'k'),
            _ => None,
        };
        match boundary {
            Some(byte) if is_left => self.made.before.push(byte),
            Some(byte) if is_right => self.made.after.push(byte),
            Some(byte) => self.push(byte),
            None if is_negated => self.refused(inner, random)?,
            None => {
                let choices = choices(inner);
                let choice = *random.pick(&choices);
                let mut part = Reading {
                    text: choice,
                    at: 0,
                    filler: self.filler,
                    is_wide: self.is_wide,
                    is_folded: self.is_folded,
                    made: Instance::default(),
                };
                part.run(random, false)?;
                self.made.bytes.extend(part.made.bytes);
            }
        }
        Some(())
    }

    /// Bytes that are none of the choices.
    fn refused(&mut self, inner: &[u8], random: &mut Random) -> Option<()> {
        let choices = choices(inner);
        let length = choices.first()?.len() / 2;
        for _ in 0..64 {
            let bytes: Vec<u8> = (0..length).map(|_| *random.pick(self.filler)).collect();
            let is_one = |choice: &&[u8]| {
                let pairs = choice.chunks(2).zip(&bytes);
                pairs.clone().count() == length
                    && pairs.into_iter().all(|(pair, byte)| {
                        unit(pair).is_some_and(|(value, mask)| byte & mask == value)
                    })
            };
            if !choices.iter().any(is_one) {
                bytes.into_iter().for_each(|byte| self.push(byte));
                return Some(());
            }
        }
        None
    }
}

/// Value and mask of two digits.
fn unit(pair: &[u8]) -> Option<(u8, u8)> {
    let nibble = |sign: u8| match sign {
        b'?' => Some((0, 0)),
        _ => char::from(sign)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
            .map(|v| (v, 15)),
    };
    let [high, low] = pair else { return None };
    let ((high, high_mask), (low, low_mask)) = (nibble(*high)?, nibble(*low)?);
    Some((high << 4 | low, high_mask << 4 | low_mask))
}

/// What is inside the parentheses that `text` begins with.
fn inside(text: &[u8]) -> Option<&[u8]> {
    let mut depth = 0_usize;
    for (at, sign) in text.iter().enumerate() {
        match sign {
            b'(' => depth += 1,
            b')' if depth == 1 => return text.get(1..at),
            b')' => depth -= 1,
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Cut at the bars that stand in no further parentheses.
fn choices(inner: &[u8]) -> Vec<&[u8]> {
    let (mut depth, mut from, mut found) = (0_usize, 0, Vec::new());
    for (at, sign) in inner.iter().enumerate() {
        match sign {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b'|' if depth == 0 => {
                found.push(&inner[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push(&inner[from..]);
    found
}
