//! Byte comparisons: `id(>>n#hb4#>16,<0x20)` (clamav.md A5.6).
//!
//! As clamscan 1.4.6 reads them: a distance may be written in hex or with a sign, one left out is 0;
//! `d` takes no `l`; raw numbers have 1, 2, 4 or 8 bytes, hexadecimal ones at most 18.

use crate::engine::database::line::{Field, LineFault};
use crate::engine::logical::value::{Compare, Form, Relation, Subsignature};

/// Reads a comparison in a signature of `count` subsignatures.
pub(super) fn parse(field: Field<'_>, count: usize) -> Result<Subsignature, LineFault> {
    let mut reader = Reader { field, next: 0 };
    let at = reader.at();
    let of = reader.number("the number of a subsignature")?;
    let of = u8::try_from(of).ok().filter(|of| usize::from(*of) < count);
    let Some(of) = of else {
        return Err(LineFault::rule(at, "a comparison beside a subsignature that is not there"));
    };
    reader.expect(b"(", "'(' of a comparison")?;
    let is_back = reader.take(b"<<");
    if !is_back {
        reader.expect(b">>", "'>>' or '<<'")?;
    }
    let distance = reader.signed("a distance in bytes")?;
    reader.expect(b"#", "'#' after the distance")?;
    let (form, is_exact) = reader.form()?;
    let length = reader.length(form)?;
    reader.expect(b"#", "'#' after the number of bytes")?;
    let mut tests = vec![reader.test()?];
    if reader.take(b",") {
        tests.push(reader.test()?);
    }
    reader.expect(b")", "')' at the end of a comparison")?;
    if reader.peek().is_some() {
        return Err(reader.refuse("the end of a comparison"));
    }
    let distance = if is_back { distance.saturating_neg() } else { distance };
    Ok(Subsignature::Compare(Compare { of, distance, length, form, is_exact, tests }))
}

struct Reader<'a> {
    field: Field<'a>,
    next: usize,
}

impl Reader<'_> {
    /// The letters before the number of bytes.
    fn form(&mut self) -> Result<(Form, bool), LineFault> {
        let at = self.at();
        let kind = self.peek().filter(|byte| matches!(byte, b'h' | b'd' | b'a' | b'i'));
        let Some(kind) = kind else {
            return Err(self.refuse("'h', 'd', 'a' or 'i'"));
        };
        self.next = self.next.saturating_add(1);
        let mut order = None;
        let mut is_exact = false;
        while let Some(letter) = self.peek() {
            match letter {
                b'l' | b'b' if order.is_none() => order = Some(letter),
                b'e' if !is_exact => is_exact = true,
                b'0'..=b'9' => break,
                _ => return Err(self.refuse("'l' or 'b', 'e', a number of bytes")),
            }
            self.next = self.next.saturating_add(1);
        }
        let form = match (kind, order) {
            (b'd', Some(b'l')) => {
                return Err(LineFault::rule(at, "decimal digits have no order: 'd' without 'l'"));
            }
            (b'd', _) => Form::Decimal,
            (_, None) => Form::Never,
            (b'h', Some(b'l')) => Form::HexLittle,
            (b'h', Some(_)) => Form::HexBig,
            (b'a', Some(b'l')) => Form::AutoLittle,
            (b'a', Some(_)) => Form::AutoBig,
            (_, Some(b'l')) => Form::RawLittle,
            (_, Some(_)) => Form::RawBig,
        };
        Ok((form, is_exact))
    }

    fn length(&mut self, form: Form) -> Result<u8, LineFault> {
        let at = self.at();
        let number = self.number("a number of bytes")?;
        let length = u8::try_from(number).unwrap_or(0);
        let fits = match form {
            Form::RawBig | Form::RawLittle => matches!(length, 1 | 2 | 4 | 8),
            Form::HexBig | Form::HexLittle => (1..=HEX_BYTES_MAX).contains(&length),
            Form::Never | Form::Decimal | Form::AutoBig | Form::AutoLittle => length > 0,
        };
        if fits {
            return Ok(length);
        }
        let rule = "a number of bytes: 1, 2, 4 or 8 of a raw number, 1 to 18 of hexadecimal digits, \
                    1 to 255 of others";
        Err(LineFault::rule(at, rule))
    }

    fn test(&mut self) -> Result<(Relation, i64), LineFault> {
        let relation = match self.peek() {
            Some(b'=') => Relation::Equal,
            Some(b'<') => Relation::Less,
            Some(b'>') => Relation::Greater,
            Some(_) | None => return Err(self.refuse("'=', '<' or '>'")),
        };
        self.next = self.next.saturating_add(1);
        if self.peek().is_none_or(|byte| byte != b'-' && !byte.is_ascii_digit()) {
            return Err(self.refuse("a value, decimal or with 0x"));
        }
        Ok((relation, self.signed("a value, decimal or with 0x")?))
    }

    /// A number with a sign; nothing is 0.
    fn signed(&mut self, allowed: &'static str) -> Result<i64, LineFault> {
        let is_negative = self.take(b"-");
        let value = match self.peek() {
            Some(b'0'..=b'9') => self.number(allowed)?,
            Some(_) | None => 0,
        };
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        Ok(if is_negative { value.saturating_neg() } else { value })
    }

    /// Digits, or hex digits after `0x`. Larger numbers than 64 bits hold end at the largest.
    fn number(&mut self, allowed: &'static str) -> Result<u64, LineFault> {
        let radix = if self.take(b"0x") || self.take(b"0X") { 16 } else { 10 };
        let mut value = None;
        while let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(radix)) {
            let before: u64 = value.unwrap_or(0);
            value = Some(before.saturating_mul(radix.into()).saturating_add(digit.into()));
            self.next = self.next.saturating_add(1);
        }
        value.ok_or_else(|| self.refuse(allowed))
    }

    fn take(&mut self, text: &[u8]) -> bool {
        let rest = self.field.text.get(self.next..).unwrap_or_default();
        let found = rest.starts_with(text);
        if found {
            self.next = self.next.saturating_add(text.len());
        }
        found
    }

    fn expect(&mut self, text: &[u8], allowed: &'static str) -> Result<(), LineFault> {
        if self.take(text) { Ok(()) } else { Err(self.refuse(allowed)) }
    }

    fn peek(&self) -> Option<u8> {
        self.field.text.get(self.next).copied()
    }

    const fn at(&self) -> usize {
        self.field.at.saturating_add(self.next)
    }

    fn refuse(&self, allowed: &'static str) -> LineFault {
        LineFault::unexpected(self.at(), self.peek(), allowed)
    }
}

/// The language's own limit: `0x` and sixteen digits.
const HEX_BYTES_MAX: u8 = 18;
