//! Text that a regular expression matches, for the plain part of the language: literals, escapes,
//! classes, groups, quantifiers. What it does not understand it does not plant.

use std::iter::Peekable;
use std::str::Chars;

use crate::corpus::Random;

type Signs<'a> = Peekable<Chars<'a>>;

/// Some text that `regex` matches.
pub(crate) fn sample(regex: &str, random: &mut Random) -> Option<Vec<u8>> {
    let mut signs = regex.chars().peekable();
    let made = alternatives(&mut signs, random)?;
    signs.next().is_none().then_some(made)
}

fn alternatives(signs: &mut Signs<'_>, random: &mut Random) -> Option<Vec<u8>> {
    let mut found = vec![sequence(signs, random)?];
    while signs.next_if_eq(&'|').is_some() {
        found.push(sequence(signs, random)?);
    }
    Some(random.pick(&found).clone())
}

fn sequence(signs: &mut Signs<'_>, random: &mut Random) -> Option<Vec<u8>> {
    let mut made = Vec::new();
    while let Some(&sign) = signs.peek() {
        if matches!(sign, '|' | ')') {
            break;
        }
        signs.next();
        let atom = match sign {
            '(' => group(signs, random)?,
            '[' => vec![class(signs, random)?],
            '\\' => escape(signs)?,
            '.' => vec![b'k'],
            '^' | '$' => Vec::new(),
            '*' | '+' | '?' | '{' => return None,
            _ => vec![u8::try_from(sign).ok()?],
        };
        for _ in 0..times(signs, random)? {
            made.extend_from_slice(&atom);
        }
    }
    Some(made)
}

fn group(signs: &mut Signs<'_>, random: &mut Random) -> Option<Vec<u8>> {
    if signs.next_if_eq(&'?').is_some() {
        // Look-around and switches are more than planting needs.
        signs.next_if_eq(&':')?;
    }
    let made = alternatives(signs, random)?;
    signs.next_if_eq(&')').map(|_| made)
}

fn escape(signs: &mut Signs<'_>) -> Option<Vec<u8>> {
    Some(match signs.next()? {
        'x' => {
            let digits: String = [signs.next()?, signs.next()?].iter().collect();
            vec![u8::from_str_radix(&digits, 16).ok()?]
        }
        'd' => vec![b'7'],
        's' => vec![b' '],
        'w' => vec![b'k'],
        'S' | 'D' => vec![b'z'],
        'W' => vec![b'-'],
        'n' => vec![b'\n'],
        'r' => vec![b'\r'],
        't' => vec![b'\t'],
        'b' | 'A' | 'z' => Vec::new(),
        sign if sign.is_ascii_punctuation() => vec![u8::try_from(sign).ok()?],
        _ => return None,
    })
}

fn class(signs: &mut Signs<'_>, random: &mut Random) -> Option<u8> {
    let is_negated = signs.next_if_eq(&'^').is_some();
    let mut members = Vec::new();
    loop {
        let low = match signs.next()? {
            ']' if !members.is_empty() => break,
            '\\' => *escape(signs)?.first()?,
            sign => u8::try_from(sign).ok()?,
        };
        let mut ahead = signs.clone();
        let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|sign| sign != ']');
        let high = if is_range {
            signs.next();
            match signs.next()? {
                '\\' => *escape(signs)?.first()?,
                sign => u8::try_from(sign).ok()?,
            }
        } else {
            low
        };
        members.extend(low..=high);
    }
    if is_negated {
        return b"kz7 _".iter().copied().find(|byte| !members.contains(byte));
    }
    Some(*random.pick(&members))
}

/// How often what stands before occurs.
fn times(signs: &mut Signs<'_>, random: &mut Random) -> Option<usize> {
    let (low, high) = match signs.peek() {
        Some('*') => (0, 2),
        Some('+') => (1, 3),
        Some('?') => (0, 1),
        Some('{') => {
            signs.next();
            let inner: String = std::iter::from_fn(|| signs.next_if(|sign| *sign != '}')).collect();
            let (low, high) = inner.split_once(',').unwrap_or((&inner, &inner));
            let low: usize = low.parse().ok()?;
            (low, high.parse().unwrap_or(low + 2))
        }
        _ => return Some(1),
    };
    signs.next();
    while signs.next_if(|sign| matches!(sign, '?' | '+')).is_some() {}
    Some(random.between(low, high.max(low).min(low + 4)))
}

#[test]
fn samples_match_what_they_are_of() {
    let mut random = Random::new(7);
    for text in [
        r"abc\x41[0-9]{3}(foo|ba+r)?\.exe",
        r"[^a-y]k.\d+\s*(?:x|y{2,4}|z)",
        r"^https?:\/\/[a-z]{4,8}\/",
    ] {
        let regex = regex::bytes::Regex::new(text).expect("plain");
        for _ in 0..50 {
            let sample = sample(text, &mut random).expect("plain");
            assert!(regex.is_match(&sample), "{text}: {sample:?}");
        }
    }
}
