//! Numbers as ClamAV writes them: 64 digits, the least significant first.

use num_bigint::BigUint;

/// The number that some digits write; `None` when there is none, too many, or another character.
pub(super) fn number(digits: &[u8]) -> Option<BigUint> {
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return None;
    }
    let values: Option<Vec<u8>> = digits.iter().map(|digit| value(*digit)).collect();
    BigUint::from_radix_le(&values?, 64)
}

fn value(digit: u8) -> Option<u8> {
    let (first, start) = match digit {
        b'a'..=b'z' => (b'a', 0),
        b'A'..=b'Z' => (b'A', 26),
        b'0'..=b'9' => (b'0', 52),
        b'+' => return Some(62),
        b'/' => return Some(63),
        _ => return None,
    };
    Some(digit.wrapping_sub(first).wrapping_add(start))
}

/// A number in digits, for the tests that sign.
#[cfg(test)]
pub(super) fn written(number: &BigUint) -> String {
    const ALPHABET: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
    let digit = |value: u8| ALPHABET.get(usize::from(value)).copied().map(char::from);
    number.to_radix_le(64).into_iter().filter_map(digit).collect()
}

/// 4,098 bits, the largest modulus and a little.
const DIGITS_MAX: usize = 683;
