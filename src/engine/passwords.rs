//! Passwords that are tried on encrypted members: the administrator's list.
//!
//! Malware is sent in archives whose password stands in the mail beside them, mostly one of a few. Each
//! password costs half a millisecond on a member of a zip (AES), and up to fifty on a 7z archive: so the list is
//! short, and what all of them may cost in one object is bounded ([`KEY_BLOCKS_MAX`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A list of passwords, shared.
#[derive(Clone, Debug, Default)]
pub struct Passwords {
    all: Arc<[Box<[u8]>]>,
    /// Blocks that may still be hashed to make keys of them.
    blocks_left: Arc<AtomicU64>,
}

impl PartialEq for Passwords {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Eq for Passwords {}

/// Why a list of passwords is not one, with the line counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordsFault {
    /// More than [`PASSWORDS_MAX`].
    TooMany,
    /// A line of more than [`PASSWORD_BYTES_MAX`] bytes.
    TooLong(usize),
}

impl std::fmt::Display for PasswordsFault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooMany => write!(out, "more than {PASSWORDS_MAX} passwords"),
            Self::TooLong(line) => {
                write!(out, "line {line}: more than {PASSWORD_BYTES_MAX} bytes")
            }
        }
    }
}

impl Passwords {
    /// One on each line of a file; empty lines are none.
    ///
    /// # Errors
    ///
    /// [`PasswordsFault`] when the list is longer than anybody waits for.
    pub fn read(text: &[u8]) -> Result<Self, PasswordsFault> {
        let mut all: Vec<Box<[u8]>> = Vec::new();
        for (line, at) in text.split(|byte| *byte == b'\n').zip(1..) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.len() > PASSWORD_BYTES_MAX {
                return Err(PasswordsFault::TooLong(at));
            }
            if !line.is_empty() && !all.iter().any(|known| **known == *line) {
                all.push(line.into());
            }
        }
        if all.len() > PASSWORDS_MAX {
            return Err(PasswordsFault::TooMany);
        }
        Ok(Self { all: all.into(), blocks_left: Arc::default() }.for_object())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The same passwords for another object, in which as much may be done with them as in any.
    pub(in crate::engine) fn for_object(&self) -> Self {
        let blocks_left = Arc::new(AtomicU64::new(KEY_BLOCKS_MAX));
        Self { all: Arc::clone(&self.all), blocks_left }
    }

    /// Whether a key may be made that takes to hash so many blocks of 64 bytes; they are counted then.
    pub(in crate::engine) fn pay(&self, blocks: u64) -> bool {
        let left = |left: u64| left.checked_sub(blocks);
        self.blocks_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok()
    }

    /// One of them.
    pub(in crate::engine) fn get(&self, at: usize) -> &[u8] {
        self.all.get(at).map(|password| &**password).unwrap_or_default()
    }
}

/// All keys of one object together: 1 GiB is hashed for them, which takes a second or a few. It is enough for all passwords
/// on a 7z archive. What is locked beyond it stays so.
pub(in crate::engine) const KEY_BLOCKS_MAX: u64 = 1 << 24;
/// More would make a few encrypted members take seconds.
pub const PASSWORDS_MAX: usize = 64;
/// Longer ones nobody types.
pub const PASSWORD_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_by_lines() {
        let list = Passwords::read(b"infected\r\n\na b \ninfected\nlast").expect("a good list");
        let all: Vec<&[u8]> = (0..list.len()).map(|at| list.get(at)).collect();
        assert_eq!(all, [&b"infected"[..], b"a b ", b"last"]);
        assert!(Passwords::read(b"\n\n").expect("a good list").is_empty());
    }

    #[test]
    fn what_keys_cost_is_counted_for_each_object() {
        let list = Passwords::read(b"a").expect("a good list");
        let (one, other) = (list.for_object(), list.for_object());
        assert!(one.pay(KEY_BLOCKS_MAX - 1) && !one.pay(2) && one.pay(1));
        assert!(!one.pay(1) && other.pay(1));
        assert_eq!(one, other);
    }

    #[test]
    fn a_list_has_an_end() {
        let lines: Vec<String> = (0..=PASSWORDS_MAX).map(|number| number.to_string()).collect();
        let most = Passwords::read(lines[1..].join("\n").as_bytes());
        assert_eq!(most.map(|list| list.len()), Ok(PASSWORDS_MAX));
        assert_eq!(Passwords::read(lines.join("\n").as_bytes()), Err(PasswordsFault::TooMany));
        let long = [b"a\n".to_vec(), vec![b'x'; PASSWORD_BYTES_MAX + 1]].concat();
        assert_eq!(Passwords::read(&long), Err(PasswordsFault::TooLong(2)));
        assert_eq!(PasswordsFault::TooLong(2).to_string(), "line 2: more than 256 bytes");
    }
}
