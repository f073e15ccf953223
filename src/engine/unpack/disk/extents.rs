//! A file that lies in a container in pieces.

use super::super::parts::{copy, wide};

/// A piece of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::unpack) struct Piece {
    /// Its first byte in the container; `None` for zeros that are not stored.
    pub(in crate::engine::unpack) from: Option<u64>,
    /// In bytes.
    pub(in crate::engine::unpack) length: u64,
}

/// The pieces of a file, in order, while they are read.
#[derive(Clone, Debug, Default)]
pub(in crate::engine::unpack) struct Extents {
    pieces: Vec<Piece>,
    index: usize,
    within: u64,
    /// Bytes of the file that are left.
    left: u64,
}

impl Extents {
    /// Of a file of `size` bytes; what its pieces have beyond that is not part of it.
    pub(in crate::engine::unpack) const fn new(pieces: Vec<Piece>, size: u64) -> Self {
        Self { pieces, index: 0, within: 0, left: size }
    }

    /// Bytes that were not read.
    pub(in crate::engine::unpack) const fn left(&self) -> u64 {
        self.left
    }

    /// Its pieces, in order.
    pub(in crate::engine::unpack) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Where the file begins, when it has one piece only.
    pub(in crate::engine::unpack) fn only(&self) -> Option<u64> {
        match self.pieces.as_slice() {
            [piece] => piece.from,
            _ => None,
        }
    }

    /// Whether a piece begins before this place.
    pub(in crate::engine::unpack) fn begins_before(&self, place: u64) -> bool {
        self.pieces.iter().any(|piece| piece.from.is_some_and(|from| from < place))
    }

    /// Fills `output` as far as there is something. 0 at the end of the file, or of what is there of it.
    pub(in crate::engine::unpack) fn read(&mut self, file: &[u8], output: &mut [u8]) -> usize {
        let mut made = 0_usize;
        while let Some(room) = output.get_mut(made..).filter(|room| !room.is_empty())
            && let Some(piece) = self.pieces.get(self.index)
            && self.left > 0
        {
            let most = piece.length.saturating_sub(self.within).min(self.left);
            let most = usize::try_from(most).unwrap_or(usize::MAX).min(room.len());
            let count = match piece.from {
                None => {
                    let room = room.get_mut(..most).unwrap_or_default();
                    room.fill(0);
                    room.len()
                }
                Some(from) => {
                    let from = usize::try_from(from.saturating_add(self.within));
                    let rest = from.ok().and_then(|from| file.get(from..)).unwrap_or_default();
                    copy(rest.get(..most).unwrap_or(rest), room)
                }
            };
            made = made.saturating_add(count);
            self.within = self.within.saturating_add(wide(count));
            self.left = self.left.saturating_sub(wide(count));
            if self.within >= piece.length {
                self.index = self.index.saturating_add(1);
                self.within = 0;
            } else if count == 0 {
                break;
            }
        }
        made
    }
}
