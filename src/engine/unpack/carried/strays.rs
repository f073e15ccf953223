//! Archives in a container that is kept, in bytes that none of its members has: behind its end for the most part.
//!
//! A program that opens archives finds them there, whatever the file is otherwise. Those that lie in members are found
//! when the members are looked at.

use super::{Finder, archive};
use crate::engine::spool::Spool;
use crate::engine::unpack::parts::{copy, wide};
use crate::engine::unpack::{Member, Progress};

/// Looks for an archive once the members were read.
#[derive(Default)]
pub(in crate::engine::unpack) struct Strays {
    place: Place,
    finder: Finder,
}

#[derive(Default)]
enum Place {
    /// The next byte to be looked at.
    Looking(usize),
    /// An archive has begun, of which the next byte is this one.
    Handing(usize),
    #[default]
    Before,
}

impl Strays {
    /// The members were read.
    pub(in crate::engine::unpack) fn begin(&mut self) {
        self.place = Place::Looking(0);
    }

    /// Whether they were.
    pub(in crate::engine::unpack) const fn has_begun(&self) -> bool {
        !matches!(self.place, Place::Before)
    }

    /// The next step, given all of the container, and whether a byte is one of a member: bytes made, and what there is
    /// to say.
    pub(in crate::engine::unpack) fn step(
        &mut self,
        file: &[u8],
        output: &mut [u8],
        is_taken: impl Fn(u64) -> bool,
    ) -> (usize, Progress) {
        match &mut self.place {
            Place::Before => (0, Progress::Hungry),
            Place::Looking(at) => {
                let rest = file.get(*at..).unwrap_or_default();
                let piece = rest.get(..PIECE_BYTES).unwrap_or(rest);
                if piece.is_empty() {
                    return (0, Progress::Hungry);
                }
                let base = at.saturating_sub(self.finder.held().len());
                let is_stray = |begin: usize| !is_taken(wide(base.saturating_add(begin)));
                let found = self.finder.find_where(piece, is_stray);
                let until = at.saturating_add(found.until);
                if self.finder.take(found) {
                    let begin = until.saturating_sub(self.finder.held().len());
                    self.place = Place::Handing(begin);
                    return (0, Progress::Begin);
                }
                *at = until;
                (0, Progress::Full)
            }
            Place::Handing(at) => {
                let rest = file.get(*at..).unwrap_or_default();
                let made = copy(rest, output);
                *at = at.saturating_add(made);
                if made > 0 || !rest.is_empty() {
                    return (made, Progress::Full);
                }
                // Others behind it are found in it.
                self.place = Place::Looking(file.len());
                (0, Progress::End(Ok(())))
            }
        }
    }

    /// The member that has just begun, when it is one of these.
    pub(in crate::engine::unpack) fn member(&self) -> Option<Member> {
        matches!(self.place, Place::Handing(_)).then(archive)
    }
}

/// Looks for an archive in a layer whose members are found as its bytes come, and keeps it until these are over.
pub(in crate::engine) struct Watch {
    finder: Finder,
    has_begun: bool,
    spool: Spool,
}

impl Watch {
    /// The spool has taken no memory yet.
    pub(in crate::engine) fn new(spool: Spool) -> Self {
        Self { finder: Finder::default(), has_begun: false, spool }
    }

    /// The next bytes of the layer.
    pub(in crate::engine) fn feed(&mut self, piece: &[u8]) {
        if self.has_begun {
            self.spool.push(piece);
            return;
        }
        let found = self.finder.find(piece);
        let until = found.until;
        if self.finder.take(found) {
            self.has_begun = true;
            self.spool.push(self.finder.held());
            self.spool.push(piece.get(until..).unwrap_or_default());
        }
    }

    /// The archive, from its first byte to the last one of the layer, when there is one.
    pub(in crate::engine) fn take(self) -> Option<Spool> {
        self.has_begun.then_some(self.spool)
    }
}

/// What one step looks at.
const PIECE_BYTES: usize = 16 << 10;
