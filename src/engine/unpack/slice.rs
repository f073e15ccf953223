//! A member that lies in one piece in a container that is kept, as it is or packed.

use super::parts::{copy, wide};
use super::{Decoder, Progress};
use crate::engine::verdict::Why;

/// A member being read.
pub(super) struct Slice {
    at: usize,
    end: usize,
    decoder: Option<Box<Decoder>>,
    /// How it ended, when that is still to be said.
    fate: Option<Result<(), Why>>,
}

impl Slice {
    /// Of so many bytes from a place on, of which some may not be there.
    pub(super) fn new(from: u64, length: u64, decoder: Option<Decoder>) -> Self {
        let at = usize::try_from(from).unwrap_or(usize::MAX);
        let end = at.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
        Self { at, end, decoder: decoder.map(Box::new), fate: None }
    }

    /// Bytes that are left, when it is not packed.
    pub(super) fn size(&self) -> Option<u64> {
        let left = self.end.saturating_sub(self.at);
        self.decoder.is_none().then(|| wide(left))
    }

    /// Fills `output` as far as one step goes; says how the member ended, when it did. `early` is said of one
    /// that the container does not have all of.
    pub(super) fn read(
        &mut self,
        file: &[u8],
        output: &mut [u8],
        early: Why,
    ) -> (usize, Option<Result<(), Why>>) {
        if self.fate.is_some() {
            return (0, self.fate);
        }
        let known = self.end.min(file.len());
        let input = file.get(self.at..known).unwrap_or_default();
        let input = input.get(..INPUT_BYTES_MAX).unwrap_or(input);
        let is_all = known == self.end;
        let Some(decoder) = &mut self.decoder else {
            let made = copy(input, output);
            self.at = self.at.saturating_add(made);
            let is_over = made == 0 && !output.is_empty();
            return (made, is_over.then_some(if is_all { Ok(()) } else { Err(early) }));
        };
        let step = decoder.step(input, output);
        self.at = self.at.saturating_add(step.used);
        let fate = match step.progress {
            Progress::Stopped(why) => Some(Err(why)),
            Progress::Hungry if self.at >= known => {
                Some(if is_all { decoder.finish() } else { Err(early) })
            }
            Progress::Hungry
            | Progress::Full
            | Progress::Begin
            | Progress::Listed
            | Progress::End(_)
            | Progress::Missed(_) => None,
        };
        // What it made before it ended is to be handed on first.
        if step.made == 0 {
            return (0, fate);
        }
        self.fate = fate;
        (step.made, None)
    }
}

/// What one step reads at most.
const INPUT_BYTES_MAX: usize = 16 << 10;
