//! What decoders and walkers do with the input: gather a header, pass over bytes, hand bytes on.

use super::Progress;

/// A header that may come in pieces.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    bytes: Vec<u8>,
}

impl Gathered {
    /// Takes from the front of `rest` until there are `wanted` bytes, and gives them when they are all
    /// there. Who calls it has checked that `wanted` is not too much.
    pub(super) fn fill(&mut self, rest: &mut &[u8], wanted: usize) -> Option<&[u8]> {
        let missing = wanted.saturating_sub(self.bytes.len());
        let (taken, left) = rest.split_at_checked(missing).unwrap_or((rest, &[]));
        self.bytes.extend_from_slice(taken);
        *rest = left;
        self.bytes.get(..wanted)
    }

    /// What was gathered so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether what was gathered so far is as `magic` begins.
    pub(super) fn agrees_with(&self, magic: &[u8]) -> bool {
        self.bytes.iter().zip(magic).all(|(byte, wanted)| byte == wanted)
    }

    /// Ready for the next header.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

/// Passes over up to `left` bytes of `rest`. True when all of them are passed.
pub(super) fn pass(rest: &mut &[u8], left: &mut u64) -> bool {
    let count = at_most(rest.len(), *left);
    *rest = rest.get(count..).unwrap_or_default();
    *left = left.saturating_sub(wide(count));
    *left == 0
}

/// Hands up to `left` bytes of `rest` on to the front of `output`, and says how many those were.
pub(super) fn hand_on(rest: &mut &[u8], left: &mut u64, output: &mut [u8]) -> usize {
    let most = at_most(rest.len(), *left);
    let count = copy(rest.get(..most).unwrap_or(rest), output);
    *rest = rest.get(count..).unwrap_or_default();
    *left = left.saturating_sub(wide(count));
    count
}

/// Hands on the bytes of a member of which `left` are to come. Says how many those were, and what there
/// is to say.
pub(super) fn hand_on_member(
    rest: &mut &[u8],
    left: &mut u64,
    output: &mut [u8],
) -> (usize, Progress) {
    let made = hand_on(rest, left, output);
    let progress = match () {
        () if *left == 0 => Progress::End(Ok(())),
        () if rest.is_empty() => Progress::Hungry,
        () => Progress::Full,
    };
    (made, progress)
}

/// Copies as much from the front of `from` to the front of `output` as fits, and says how much that was.
pub(super) fn copy(from: &[u8], output: &mut [u8]) -> usize {
    let count = from.len().min(output.len());
    if let (Some(from), Some(to)) = (from.get(..count), output.get_mut(..count)) {
        to.copy_from_slice(from);
    }
    count
}

pub(super) fn at_most(length: usize, left: u64) -> usize {
    usize::try_from(left).map_or(length, |left| length.min(left))
}

pub(super) fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// What a counter of a library moved by. It is 64 bits wide; one call moves at most a slice.
pub(super) fn difference(before: u64, after: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_gathered_from_pieces_and_not_more() {
        let mut gathered = Gathered::default();
        assert_eq!(gathered.fill(&mut &b"ab"[..], 4), None);
        let mut rest = &b"cdef"[..];
        assert_eq!(gathered.fill(&mut rest, 4), Some(&b"abcd"[..]));
        assert_eq!((rest, gathered.bytes()), (&b"ef"[..], &b"abcd"[..]));
        gathered.clear();
        assert_eq!(gathered.fill(&mut rest, 2), Some(&b"ef"[..]));
    }

    #[test]
    fn bytes_are_passed_and_handed_on_up_to_what_is_left() {
        let (mut rest, mut left) = (&b"abcdef"[..], 2);
        assert!(pass(&mut rest, &mut left));
        left = 3;
        let mut room = [0; 2];
        assert_eq!(hand_on(&mut rest, &mut left, &mut room), 2);
        assert_eq!((rest, left, room), (&b"ef"[..], 1, *b"cd"));
        assert_eq!(hand_on(&mut rest, &mut left, &mut room), 1);
        assert_eq!((rest, left, room), (&b"f"[..], 0, *b"ed"));
        left = 5;
        assert!(!pass(&mut rest, &mut left));
        assert_eq!((rest, left), (&b""[..], 4));
    }
}
