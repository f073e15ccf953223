//! The 512 bytes in front of a container (A11.1).

use serde::{Deserialize, Serialize};

use super::fault::ContainerFault;

/// What a container says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// When it was made, as written: `22 Jun 2021 14-58 -0400`.
    pub date: Box<str>,
    /// Grows with every release.
    pub version: u32,
    /// Signatures inside.
    pub signatures: u64,
    /// The functionality level that its maker had in mind.
    pub level: u32,
    /// Of all bytes behind the header, in hex digits.
    pub md5: Box<str>,
    /// Over the MD5, in ClamAV's digits.
    pub signature: Box<str>,
    /// Who made it.
    pub builder: Box<str>,
    /// When it was made, in seconds since 1970; old ones do not say.
    pub seconds: Option<u64>,
}

impl Header {
    /// Reads the header of a container; of the bytes behind it none is needed.
    ///
    /// # Errors
    ///
    /// [`ContainerFault::Header`] with the number of the field.
    pub fn parse(bytes: &[u8]) -> Result<Self, ContainerFault> {
        let bytes = bytes.get(..HEADER_BYTES).ok_or(ContainerFault::Header(1))?;
        let text = bytes.trim_ascii_end();
        let plain = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
        // What fills the header up is blanks and nothing else.
        if !bytes.iter().all(plain) {
            return Err(ContainerFault::Header(1));
        }
        Self::parse_line(text)
    }

    /// Reads the same text as it stands in a list of members.
    pub(super) fn parse_line(text: &[u8]) -> Result<Self, ContainerFault> {
        let text = str::from_utf8(text).map_err(|_| ContainerFault::Header(1))?;
        let mut fields = text.split(':');
        let mut next = |number| fields.next().ok_or(ContainerFault::Header(number));
        if next(1)? != MAGIC {
            return Err(ContainerFault::Header(1));
        }
        let header = Self {
            date: word(next(2)?, 2)?,
            version: number(next(3)?, 3)?,
            signatures: number(next(4)?, 4)?,
            level: number(next(5)?, 5)?,
            md5: word(next(6)?, 6)?,
            signature: word(next(7)?, 7)?,
            builder: word(next(8)?, 8)?,
            seconds: match fields.next() {
                None => None,
                Some(text) => Some(number(text, 9)?),
            },
        };
        match fields.next() {
            None => Ok(header),
            Some(_) => Err(ContainerFault::Header(10)),
        }
    }

    /// The MD5 as bytes; `None` when it is not one.
    pub(super) fn md5_bytes(&self) -> Option<[u8; 16]> {
        let mut bytes = [0; 16];
        let (pairs, rest) = self.md5.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let lower = |digit: &u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(digit);
            let text = str::from_utf8(pair).ok().filter(|_| pair.iter().all(lower))?;
            *byte = u8::from_str_radix(text, 16).ok()?;
        }
        Some(bytes)
    }
}

fn word(text: &str, field: usize) -> Result<Box<str>, ContainerFault> {
    let fits = !text.is_empty() && text.len() <= HEADER_BYTES;
    fits.then(|| text.into()).ok_or(ContainerFault::Header(field))
}

fn number<T: std::str::FromStr>(text: &str, field: usize) -> Result<T, ContainerFault> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().ok_or(ContainerFault::Header(field))
}

/// The length of a header.
pub const HEADER_BYTES: usize = 512;

const MAGIC: &str = "ClamAV-VDB";
