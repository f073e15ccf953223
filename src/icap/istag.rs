//! The ISTag: one short text that changes when the answers of a service may change.
//!
//! RFC 3507 section 4.7: a quoted string of at most 32 bytes. It is derived from the content of the
//! database and of the policy, so equal data gives equal tags on every core, host and restart, and a
//! reload that changes nothing keeps it.

use sha2::{Digest, Sha256};

/// A validator for everything the services produce, ready for the wire, quotes included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsTag {
    text: [u8; TEXT_BYTES],
}

impl IsTag {
    /// The tag of a database and a policy, each given by a digest (or any other content) of its own.
    #[must_use]
    pub fn of(database: &[u8], policy: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        // The length in front keeps ("ab", "c") and ("a", "bc") apart.
        hasher.update(u64::try_from(database.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(database);
        hasher.update(policy);
        let digest = hasher.finalize();
        let mut text = [b'"'; TEXT_BYTES];
        let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let inside = text.iter_mut().skip(1).take(HEX_DIGITS);
        for (place, digit) in inside.zip(digits) {
            *place = if digit < 10 {
                b'0'.wrapping_add(digit)
            } else {
                b'a'.wrapping_add(digit).wrapping_sub(10)
            };
        }
        Self { text }
    }

    /// Bytes of [`IsTag::epoch`].
    pub const EPOCH_BYTES: usize = 16;

    /// The front of the tag, without the quote: 64 bits, to tell what is from another database or policy.
    #[must_use]
    pub fn epoch(&self) -> &str {
        self.as_str().get(1..=Self::EPOCH_BYTES).unwrap_or_default()
    }

    /// The value as it stands in the header, quotes included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or("\"\"")
    }
}

/// 112 bits of the digest: an accidental equality is out of the question.
const HEX_DIGITS: usize = 28;
/// The RFC allows 32 for the string; with the quotes counted we are below it in either reading.
const TEXT_BYTES: usize = HEX_DIGITS + 2;
const _: () = assert!(IsTag::EPOCH_BYTES <= HEX_DIGITS, "it is a part of the tag");
const _: () = assert!(TEXT_BYTES <= 32, "RFC 3507 section 4.7");
