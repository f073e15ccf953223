//! The input of the walker, and what it reads ahead of it: records, and bytes in which one may begin.

use std::sync::LazyLock;

use memchr::memmem;

use crate::engine::unpack::parts::wide;

/// The bytes of one call that were not taken yet.
pub(super) struct Input<'a> {
    pub(super) rest: &'a [u8],
    /// The place of the first of them in the layer.
    pub(super) at: u64,
}

impl Input<'_> {
    /// Takes so many bytes, or all that are there. Says how many those were.
    pub(super) fn skip(&mut self, count: usize) -> usize {
        let taken = count.min(self.rest.len());
        self.rest = self.rest.get(taken..).unwrap_or_default();
        self.at = self.at.saturating_add(wide(taken));
        taken
    }

    /// Takes up to `left` bytes. True when all of them are taken.
    pub(super) fn pass(&mut self, left: &mut u64) -> bool {
        let count = usize::try_from(*left).unwrap_or(usize::MAX);
        *left = left.saturating_sub(wide(self.skip(count)));
        *left == 0
    }
}

/// Bytes that were taken from the input, and belong to the record that is read.
#[derive(Default)]
pub(super) struct Ahead {
    bytes: Vec<u8>,
}

impl Ahead {
    /// Takes from the input until there are `wanted` bytes, and gives them when they are all there.
    pub(super) fn fill(&mut self, input: &mut Input<'_>, wanted: usize) -> Option<&[u8]> {
        let missing = wanted.saturating_sub(self.bytes.len());
        let taken = input.rest.get(..missing).unwrap_or(input.rest);
        self.bytes.extend_from_slice(taken);
        input.skip(taken.len());
        self.bytes.get(..wanted)
    }

    /// The bytes that are there.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The place of the first of them, which lie before the input.
    pub(super) fn at(&self, input: &Input<'_>) -> u64 {
        input.at.saturating_sub(wide(self.bytes.len()))
    }

    /// The first `count` bytes are done with.
    pub(super) fn drop(&mut self, count: usize) {
        self.bytes.drain(..count.min(self.bytes.len()));
    }

    /// Passes over up to `left` bytes. True when there were as many.
    pub(super) fn pass(&mut self, left: &mut u64) -> bool {
        let count = usize::try_from(*left).unwrap_or(usize::MAX).min(self.bytes.len());
        self.drop(count);
        *left = left.saturating_sub(wide(count));
        *left == 0
    }

    /// Keeps the last `count` of the bytes that are there and of `bytes`.
    pub(super) fn remember(&mut self, bytes: &[u8], count: usize) {
        let last = bytes.get(bytes.len().saturating_sub(count)..).unwrap_or(bytes);
        self.bytes.extend_from_slice(last);
        self.drop(self.bytes.len().saturating_sub(count));
    }

    /// Takes the bytes that are there.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Gives bytes back that were taken from the input, before those that are there.
    pub(super) fn put_back(&mut self, mut bytes: Vec<u8>) {
        bytes.append(&mut self.bytes);
        self.bytes = bytes;
    }

    /// Moves on to the next place where a record may begin. False when there is none before the end of
    /// the input.
    pub(super) fn seek(&mut self, input: &mut Input<'_>) -> bool {
        let start = beginning(&self.bytes);
        self.drop(start);
        match (self.bytes.as_slice(), input.rest.first()) {
            ([_, _, ..], _) | ([_], Some(b'K')) => return true,
            ([_], None) => return false,
            ([_], Some(_)) => self.drop(1),
            ([], _) => {}
        }
        let start = beginning(input.rest);
        input.skip(start);
        if let [only] = input.rest {
            self.bytes.push(*only);
            input.skip(1);
        }
        !input.rest.is_empty()
    }
}

/// Where the first two bytes that all records have are, or the first of them at the end.
pub(super) fn beginning(bytes: &[u8]) -> usize {
    let last = bytes.len().saturating_sub(usize::from(bytes.ends_with(b"P")));
    static RECORD: LazyLock<memmem::Finder<'_>> = LazyLock::new(|| memmem::Finder::new(b"PK"));
    RECORD.find(bytes).unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_record_is_found_however_the_bytes_come() {
        let bytes = b"xPxPPKxxP";
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            let mut ahead = Ahead::default();
            let mut found = Vec::new();
            let mut at = 0;
            for piece in [first, second] {
                let mut input = Input { rest: piece, at };
                while ahead.seek(&mut input) {
                    if ahead.fill(&mut input, 2).is_none() {
                        break;
                    }
                    found.push(ahead.at(&input));
                    ahead.drop(1);
                }
                assert!(input.rest.is_empty());
                at = input.at;
            }
            assert_eq!((found, ahead.bytes()), (vec![4], &b"P"[..]), "cut at {cut}");
        }
    }
}
