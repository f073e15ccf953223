//! Byte comparisons: the number that some bytes are, and whether it is the right one.
//!
//! `clamav.md` A5.6. Text is read as C reads numbers: white space, a sign, digits up to the first other
//! character; without a digit it is 0, as clamscan 1.4.6 has it. Unlike clamscan, which looks inside a
//! window of 128 KiB by positions of the whole layer, every comparison is made where it belongs.

use super::value::{Form, Relation};

/// The number; `None` when the bytes are not one.
pub(super) fn number(bytes: &[u8], form: Form, is_exact: bool) -> Option<i64> {
    match form {
        Form::Never => None,
        Form::RawBig => raw(bytes.iter()),
        Form::RawLittle => raw(bytes.iter().rev()),
        Form::HexBig => text(bytes, Base::Hex, is_exact),
        Form::HexLittle => text(bytes, Base::HexPairs, is_exact),
        Form::Decimal => text(bytes, Base::Ten, is_exact),
        Form::AutoBig if has_hex_prefix(bytes) => text(bytes, Base::Hex, is_exact),
        Form::AutoLittle if has_hex_prefix(bytes) => text(bytes, Base::HexPairs, is_exact),
        Form::AutoBig | Form::AutoLittle => text(bytes, Base::Ten, is_exact),
    }
}

/// Whether a number stands in a relation to another.
pub(super) const fn holds(number: i64, relation: Relation, value: i64) -> bool {
    match relation {
        Relation::Equal => number == value,
        Relation::Less => number < value,
        Relation::Greater => number > value,
    }
}

/// Up to four bytes have no sign; eight have.
fn raw<'b>(bytes: impl Iterator<Item = &'b u8>) -> Option<i64> {
    let number = bytes.fold(0_u64, |number, byte| number.rotate_left(8) | u64::from(*byte));
    Some(number.cast_signed())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Base {
    Ten,
    Hex,
    /// Pairs of hexadecimal digits, the last pair counts the most.
    HexPairs,
}

fn text(bytes: &[u8], base: Base, is_exact: bool) -> Option<i64> {
    let rest = bytes.trim_ascii_start();
    let (is_negative, rest) = match rest.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        Some(_) | None => (false, rest),
    };
    let (radix, digits) = match base {
        Base::Ten => (10, rest),
        Base::Hex | Base::HexPairs if has_hex_prefix(rest) => (16, rest.get(2..)?),
        Base::Hex | Base::HexPairs => (16, rest),
    };
    let is_digit = |byte: &u8| char::from(*byte).is_digit(radix);
    let count = digits.iter().take_while(|byte| is_digit(byte)).count();
    // Every byte must have been used, white space in front included.
    if is_exact && (count == 0 || count < digits.len() || rest.len() < bytes.len()) {
        return None;
    }
    let digits = digits.get(..count)?;
    let value = match base {
        Base::Ten | Base::Hex => fold(digits.iter(), radix),
        Base::HexPairs => fold(digits.rchunks(2).flatten(), radix),
    };
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    Some(if is_negative { value.saturating_neg() } else { value })
}

fn fold<'b>(digits: impl Iterator<Item = &'b u8>, radix: u32) -> u64 {
    digits.fold(0_u64, |value, digit| {
        let digit = char::from(*digit).to_digit(radix).unwrap_or(0);
        value.saturating_mul(radix.into()).saturating_add(digit.into())
    })
}

const fn has_hex_prefix(bytes: &[u8]) -> bool {
    matches!(bytes, [b'0', b'x' | b'X', ..])
}
