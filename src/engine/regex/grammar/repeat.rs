//! How often a piece is repeated.

use regex_syntax::hir::{Hir, Repetition};

use super::{Foreign, Reader, RegexFlags};

/// At least so often, and at most.
pub(super) type Counts = (u32, Option<u32>);

impl Reader<'_> {
    /// `*`, `+`, `?`, `{2}`, `{2,}`, `{2,5}`; nothing where there is none.
    pub(super) fn counts(&mut self) -> Result<Option<Counts>, Foreign> {
        let counts = match self.rest() {
            [b'*', ..] => (0, None),
            [b'+', ..] => (1, None),
            [b'?', ..] => (0, Some(1)),
            [b'{', rest @ ..] => return self.braces(rest),
            _ => return Ok(None),
        };
        self.pass(1);
        Ok(Some(counts))
    }

    fn braces(&mut self, rest: &[u8]) -> Result<Option<Counts>, Foreign> {
        let number = |text: &[u8]| {
            let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let digits = str::from_utf8(text.get(..count)?).ok()?;
            digits.parse().ok().filter(|number| *number <= COUNT_MAX).map(|number| (number, count))
        };
        let after = |count: usize| rest.get(count..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let second = after(length.saturating_add(1));
        let second_length = second.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (min, max, length) = match after(length) {
            [b'}', ..] if length > 0 => {
                let (min, _) = number(rest).ok_or(Foreign)?;
                (min, Some(min), length)
            }
            [b',', b'}', ..] if length > 0 => {
                let (min, _) = number(rest).ok_or(Foreign)?;
                (min, None, length.saturating_add(1))
            }
            [b',', ..] if second_length > 0 && second.get(second_length) == Some(&b'}') => {
                let (min, _) = number(rest).ok_or(Foreign)?;
                let (max, _) = number(second).ok_or(Foreign)?;
                (min, Some(max), length.saturating_add(1).saturating_add(second_length))
            }
            // Younger versions of PCRE2 take blanks, and no number before a comma.
            [b' ' | b'\t' | b',', ..] => return Err(Foreign),
            _ => return Ok(None),
        };
        if max.is_some_and(|max| max < min) {
            return Err(Foreign);
        }
        // Both braces.
        self.pass(length.saturating_add(2));
        Ok(Some((min, max)))
    }

    pub(super) fn repeated(&mut self, piece: Hir, min: u32, max: Option<u32>) -> Hir {
        let is_lazy = self.eat(b"?") != self.has(RegexFlags::UNGREEDY);
        if self.eat(b"+") {
            self.is_exact = false;
        }
        let may_be_empty = piece.properties().minimum_len() == Some(0);
        self.loops_on_nothing |= may_be_empty && max.is_none_or(|max| max > 1);
        let is_long = min.max(max.unwrap_or(0)) > self.counts_max;
        self.is_exact &= !is_long;
        let (min, max) = if is_long { (min.min(self.counts_max), None) } else { (min, max) };
        // Where only its start matters, the shortest match is the one that is found first.
        let greedy = self.has(RegexFlags::GLOBAL) && !is_lazy;
        Hir::repetition(Repetition { min, max, greedy, sub: Box::new(piece) })
    }
}

/// The largest count that PCRE2 takes.
const COUNT_MAX: u32 = 65_535;
