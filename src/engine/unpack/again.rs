//! A layer that is looked at again as another kind, because a signature asks for that (`HandlerType`): its one
//! member has the bytes of the layer.

use super::parts::{copy, wide};
use super::{Label, Member, Progress};
use crate::engine::file_type::Kind;

/// A layer being handed on.
pub(super) struct Again {
    kind: Kind,
    stage: Stage,
    /// Bytes in the layer, once they were seen.
    size: u64,
}

enum Stage {
    Before,
    /// So many bytes were handed on.
    Inside(usize),
    Behind,
}

impl Again {
    pub(super) const fn new(kind: Kind) -> Self {
        Self { kind, stage: Stage::Before, size: 0 }
    }

    /// The next step, given all of the layer: bytes made, and what there is to say.
    pub(super) fn step(&mut self, layer: &[u8], output: &mut [u8]) -> (usize, Progress) {
        match self.stage {
            Stage::Before => {
                self.size = wide(layer.len());
                self.stage = Stage::Inside(0);
                (0, Progress::Begin)
            }
            Stage::Inside(at) => match layer.get(at..).filter(|rest| !rest.is_empty()) {
                Some(rest) => {
                    let made = copy(rest, output);
                    self.stage = Stage::Inside(at.saturating_add(made));
                    (made, Progress::Full)
                }
                None => {
                    self.stage = Stage::Behind;
                    (0, Progress::End(Ok(())))
                }
            },
            Stage::Behind => (0, Progress::Hungry),
        }
    }

    /// The member that has just begun.
    pub(super) fn member(&self) -> Member {
        Member {
            label: Label::named("as", self.kind.clam_name().as_bytes()),
            size: Some(self.size),
            again: Some(self.kind),
            ..Member::default()
        }
    }
}
