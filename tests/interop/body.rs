//! Bodies that are made while they flow, and their digests.
//!
//! A body of this kind is known by its length: byte for byte the same for whoever makes it, no two
//! blocks alike, so that a lost, doubled or exchanged block changes the digest. Nobody has to hold it.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

/// The EICAR test string, joined here so that no scanner finds it in the repository.
pub(crate) fn eicar() -> Vec<u8> {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!$H+H*"]
        .concat()
        .into_bytes()
}

/// Writes a body of this length.
pub(crate) fn write(length: u64, to: &mut impl Write) -> io::Result<()> {
    let mut block = pattern();
    let mut left = length;
    let mut number = 0_u64;
    while left > 0 {
        block[..8].copy_from_slice(&number.to_be_bytes());
        // More than memory holds is more than a block.
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(BLOCK_BYTES);
        to.write_all(&block[..count])?;
        left -= count as u64;
        number += 1;
    }
    Ok(())
}

/// The digest of a body of this length.
pub(crate) fn digest(length: u64) -> String {
    let mut hash = Sha256::new();
    write(length, &mut HashWriter(&mut hash)).expect("hashing takes everything");
    hex(hash)
}

/// A short body, whole.
pub(crate) fn bytes(length: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(length, &mut bytes).expect("memory takes everything");
    bytes
}

/// What was read from somewhere: length, digest, and the first bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) length: u64,
    pub(crate) digest: String,
    /// At most [`FRONT_BYTES_MAX`].
    pub(crate) front: Vec<u8>,
}

/// Reads to the end, holding only the front.
pub(crate) fn read(from: &mut impl Read) -> io::Result<Received> {
    let mut hash = Sha256::new();
    let mut front = Vec::new();
    let mut length = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = &buffer[..count];
        hash.update(bytes);
        front.extend_from_slice(&bytes[..count.min(FRONT_BYTES_MAX - front.len())]);
        length += count as u64;
    }
    Ok(Received { length, digest: hex(hash), front })
}

/// Bytes that look like nothing in particular, from a fixed seed.
fn pattern() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()
    };
    (0..BLOCK_BYTES / 8).flat_map(|_| next()).collect()
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Each block carries its number.
const BLOCK_BYTES: usize = 64 << 10;
/// Enough for a block page.
const FRONT_BYTES_MAX: usize = 256 << 10;
