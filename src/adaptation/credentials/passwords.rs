//! The file of names and passwords, and a line of it.
//!
//! `name:$argon2id$v=19$m=19456,t=2,p=1$salt$hash`: behind the colon the PHC string format, as other programs
//! write it, salt and hash in base64 without padding. Empty lines and those that begin with `#` are comments.

use std::fmt::{self, Write as _};

use argon2::{Algorithm, Argon2, Params, Version};

use crate::icap::{CREDENTIALS_BYTES_MAX, base64};

/// Who is known.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Passwords {
    known: Vec<(Box<str>, Hash)>,
}

/// A line of the file that is set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Its number, from 1.
    pub line: usize,
    /// Where in it, from 1, in characters.
    pub column: usize,
    /// Why, in words.
    pub why: &'static str,
}

#[derive(Clone, PartialEq, Eq)]
struct Hash {
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Passwords").field("names", &self.known.len()).finish_non_exhaustive()
    }
}

impl Passwords {
    /// Reads a file. A line with a mistake is set aside, the others count.
    #[must_use]
    pub fn read(text: &str) -> (Self, Vec<SetAside>) {
        let mut read = Self::default();
        let mut set_aside = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Err((column, why)) = read.add(line.trim_end()) {
                set_aside.push(SetAside { line: index.saturating_add(1), column, why });
            }
        }
        (read, set_aside)
    }

    fn add(&mut self, line: &str) -> Result<(), (usize, &'static str)> {
        let (name, hash) = line.split_once(':').ok_or((1, "expected name:$argon2id$…"))?;
        check_name(name).map_err(|why| (1, why))?;
        if self.known.len() >= NAMES_MAX {
            return Err((1, "there are too many names"));
        }
        if self.known.iter().any(|(known, _)| **known == *name) {
            return Err((1, "this name was there before"));
        }
        let hash =
            Hash::parse(hash).map_err(|why| (name.chars().count().saturating_add(2), why))?;
        self.known.push((name.into(), hash));
        Ok(())
    }

    /// Names that are known.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.known.len()
    }

    /// Whether this is the password of this name. Takes memory and tens of milliseconds, also for a name that
    /// nobody has, so that time does not tell which names there are. Never on a shard.
    #[must_use]
    pub fn verify(&self, name: &str, password: &str) -> bool {
        let known = self.known.iter().find(|(known, _)| **known == *name);
        let any = self.known.first().map(|(_, hash)| hash);
        let Some(hash) = known.map(|(_, hash)| hash).or(any) else { return false };
        let mut output = [0_u8; OUTPUT_BYTES_MAX];
        let Some(output) = output.get_mut(..hash.output.len()) else { return false };
        let made =
            argon2(hash.params.clone()).hash_password_into(password.as_bytes(), &hash.salt, output);
        let is_same = same(output, &hash.output);
        made.is_ok() && known.is_some() && is_same
    }
}

impl Hash {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = text.split('$');
        let (before, algorithm) = (parts.next(), parts.next());
        if before != Some("") || algorithm != Some("argon2id") {
            return Err("expected $argon2id$, as baleen keys password prints it");
        }
        if parts.next() != Some("v=19") {
            return Err("expected v=19");
        }
        let costs = parts.next().and_then(costs).ok_or("expected m=…,t=…,p=… within limits")?;
        let salt = parts.next().and_then(|text| decoded(text, 8..=64));
        let salt = salt.ok_or("expected a salt of 8 to 64 bytes in base64")?;
        let output = parts.next().and_then(|text| decoded(text, 16..=OUTPUT_BYTES_MAX));
        let output = output.ok_or("expected a hash of 16 to 64 bytes in base64")?;
        if parts.next().is_some() {
            return Err("something follows the hash");
        }
        Ok(Self { params: costs, salt, output })
    }
}

/// `m=19456,t=2,p=1`: kibibytes, passes and lanes, within what one comparison may cost.
fn costs(text: &str) -> Option<Params> {
    let mut parts = text.split(',');
    let mut cost = |name: &str, max: u32| {
        let digits = parts.next()?.strip_prefix(name)?.strip_prefix('=')?;
        let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|cost| is_plain && (1..=max).contains(cost))
    };
    let (memory, passes, lanes) =
        (cost("m", MEMORY_KIB_MAX)?, cost("t", PASSES_MAX)?, cost("p", LANES_MAX)?);
    Params::new(memory, passes, lanes, None).ok().filter(|_| parts.next().is_none())
}

/// Base64 without padding, of this many bytes.
fn decoded(text: &str, bytes: std::ops::RangeInclusive<usize>) -> Option<Vec<u8>> {
    let mut out = [0_u8; OUTPUT_BYTES_MAX];
    let decoded = base64(text.as_bytes(), &mut out)?;
    let is_good = bytes.contains(&decoded.len()) && encoded(decoded) == text;
    is_good.then(|| decoded.to_vec())
}

/// Base64 without padding.
fn encoded(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |sextet: u32| {
        let index = usize::try_from(sextet & 63).unwrap_or_default();
        LETTERS.get(index).copied().map_or('A', char::from)
    };
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
        let (bits, letters) = match group.len() {
            1 => (bits << 16, 2),
            2 => (bits << 8, 3),
            _ => (bits, 4),
        };
        text.extend([18, 12, 6, 0].iter().take(letters).map(|shift| letter(bits >> shift)));
    }
    text
}

/// The line of the file for this name and password. `salt` has to be drawn at random for each line.
///
/// # Errors
///
/// What is wrong with the name or the password, in words.
pub fn line(name: &str, password: &str, salt: &[u8; SALT_BYTES]) -> Result<String, &'static str> {
    check_name(name)?;
    if password.is_empty() {
        return Err("the password is empty");
    }
    if password.chars().any(char::is_control) {
        return Err("the password has a control character, which HTTP cannot carry");
    }
    if name.len().saturating_add(password.len()) >= CREDENTIALS_BYTES_MAX {
        return Err("name and password are too long");
    }
    let mut output = [0_u8; 32];
    argon2(Params::DEFAULT)
        .hash_password_into(password.as_bytes(), salt, &mut output)
        .map_err(|_error| "the password cannot be hashed")?;
    let (memory, passes, lanes) =
        (Params::DEFAULT_M_COST, Params::DEFAULT_T_COST, Params::DEFAULT_P_COST);
    let mut line = String::new();
    // Writing to memory cannot fail.
    let _ = write!(line, "{name}:$argon2id$v=19$m={memory},t={passes},p={lanes}");
    let _ = write!(line, "${}${}", encoded(salt), encoded(&output));
    Ok(line)
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err("a name has 1 to 128 bytes");
    }
    if name.contains(':') || name.chars().any(char::is_control) {
        return Err("a name has no colon and no control character");
    }
    if name.starts_with('#') {
        return Err("a name does not begin with #");
    }
    Ok(())
}

fn argon2(params: Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Compares without telling by its time how much was equal.
fn same(left: &[u8], right: &[u8]) -> bool {
    let differs = left.iter().zip(right).fold(0, |all, (left, right)| all | (left ^ right));
    std::hint::black_box(differs) == 0 && left.len() == right.len()
}

/// Names in one file; further ones are set aside. Each costs about 200 bytes.
pub const NAMES_MAX: usize = 1000;
/// Bytes of the salt of a new line.
pub const SALT_BYTES: usize = 16;
const NAME_BYTES_MAX: usize = 128;
const OUTPUT_BYTES_MAX: usize = 64;
/// What one comparison may cost: 256 MiB, 16 passes, 8 lanes. New lines ask for 19 MiB and 2 passes.
const MEMORY_KIB_MAX: u32 = 256 << 10;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 8;
