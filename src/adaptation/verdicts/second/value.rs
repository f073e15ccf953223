//! What is stored: a settled verdict that nobody can forge.
//!
//! ```text
//!   version u8 (1) · born u64, seconds, little-endian · settled verdict · HMAC-SHA256, 32 bytes
//! ```
//!
//! The code (RFC 2104) is over the key under which the value lies, and everything before it. Whoever can write to
//! the store and does not know `SharedCacheKeyFile` can take verdicts away, and that costs a scan. He cannot make one,
//! change one, or put the one of a clean object in the place of another's. Bringing back an old one brings
//! back what is true for as long as the epoch in the key is, and what is too old does not count.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::adaptation::verdicts::key::ContentKey;
use crate::adaptation::verdicts::settled::{self, Settled, take_byte, take_u64};

/// The key of the codes: the first line of the file that `SharedCacheKeyFile` names.
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

impl Secret {
    /// From the text of the file; blanks around it do not count.
    ///
    /// # Errors
    ///
    /// [`SecretFault`] where it can be guessed.
    pub fn new(text: &[u8]) -> Result<Self, SecretFault> {
        let text = text.trim_ascii();
        if text.len() < SECRET_BYTES_MIN {
            return Err(SecretFault::Short(text.len()));
        }
        Hmac::new_from_slice(text).map(Self).map_err(|_| SecretFault::Short(0))
    }

    fn code(&self, key: &ContentKey, content: &[u8]) -> Hmac<Sha256> {
        let mut code = self.0.clone();
        code.update(ABOUT);
        code.update(key.as_bytes());
        code.update(content);
        code
    }
}

impl fmt::Debug for Secret {
    /// Without the key.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret")
    }
}

/// Why a text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretFault {
    /// So few bytes.
    Short(usize),
}

impl fmt::Display for SecretFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Short(count) = self;
        write!(
            out,
            "a key of {count} bytes can be guessed: {SECRET_BYTES_MIN} at least, as from openssl rand -hex 32"
        )
    }
}

impl std::error::Error for SecretFault {}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foul {
    /// It is too short to be one.
    Short,
    /// Its code was made with another key, for another place, or not at all.
    Code,
    /// Another version wrote it.
    Version(u8),
    /// The code fits, and what it protects makes no sense.
    Content(&'static str),
    /// It was good once.
    Old,
}

/// The value for a verdict that was made at `born`.
#[must_use]
pub fn seal(secret: &Secret, key: &ContentKey, settled: &Settled, born: u64) -> Vec<u8> {
    let mut value = vec![VERSION];
    value.extend_from_slice(&born.to_le_bytes());
    settled.encode(&mut value);
    let code = secret.code(key, &value).finalize().into_bytes();
    value.extend_from_slice(&code);
    value
}

/// The verdict in a value, and when it was made. It is good for `lifetime_s` seconds from then.
///
/// # Errors
///
/// [`Foul`]: then there is none.
pub fn open(
    secret: &Secret,
    key: &ContentKey,
    value: &[u8],
    lifetime_s: u64,
    now: u64,
) -> Result<(Settled, u64), Foul> {
    let end = value.len().checked_sub(CODE_BYTES).ok_or(Foul::Short)?;
    let (content, code) = value.split_at_checked(end).ok_or(Foul::Short)?;
    // First of all, and in the same time wherever the first wrong byte is.
    secret.code(key, content).verify_slice(code).map_err(|_| Foul::Code)?;
    let mut rest = content;
    let version = take_byte(&mut rest).map_err(Foul::Content)?;
    if version != VERSION {
        return Err(Foul::Version(version));
    }
    let born = take_u64(&mut rest).map_err(Foul::Content)?;
    let settled = Settled::decode(&mut rest).map_err(Foul::Content)?;
    if !rest.is_empty() {
        return Err(Foul::Content("bytes follow the verdict"));
    }
    if now.saturating_sub(born) >= lifetime_s {
        return Err(Foul::Old);
    }
    Ok((settled, born.min(now)))
}

const VERSION: u8 = 1;
const CODE_BYTES: usize = 32;
/// Keeps these codes apart from any others under the same secret.
const ABOUT: &[u8] = b"baleen shared verdict 1";

/// Bytes of a secret: 16 random ones cannot be guessed.
pub const SECRET_BYTES_MIN: usize = 16;
/// Bytes of the longest value.
pub const VALUE_BYTES_MAX: usize = 1 + 8 + settled::BYTES_MAX + CODE_BYTES;
