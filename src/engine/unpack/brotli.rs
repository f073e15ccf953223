//! RFC 7932. The window is at most 16 MiB: the large windows that some tools write are refused,
//! as browsers refuse them.

use brotli_decompressor::{
    BrotliDecompressStream, BrotliResult, BrotliState, SliceWrapper as _, StandardAlloc,
};

use super::{Progress, Step};
use crate::engine::verdict::Why;

/// A brotli stream being read.
pub(in crate::engine) struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    out_total: usize,
    place: Place,
}

#[derive(Clone, Copy)]
enum Place {
    Body,
    /// The stream is damaged; so many bytes before the damage are still in the library's window.
    Damaged(usize),
    End,
}

impl Brotli {
    pub(super) fn new() -> Self {
        Self {
            // Strict: without the large-window extension, so memory is bounded by the standard.
            state: BrotliState::new_strict(
                StandardAlloc::default(),
                StandardAlloc::default(),
                StandardAlloc::default(),
            ),
            out_total: 0,
            place: Place::Body,
        }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        match self.place {
            Place::End => return after_end(input, 0, 0),
            Place::Damaged(left) => return self.salvage(left, 0, output),
            Place::Body => {}
        }
        let (mut in_left, mut used) = (input.len(), 0_usize);
        let (mut room, mut made) = (output.len(), 0_usize);
        let result = BrotliDecompressStream(
            &mut in_left,
            &mut used,
            input,
            &mut room,
            &mut made,
            output,
            &mut self.out_total,
            &mut self.state,
        );
        let progress = match result {
            BrotliResult::ResultSuccess => {
                self.place = Place::End;
                return after_end(input, used, made);
            }
            BrotliResult::NeedsMoreOutput => Progress::Full,
            // The library asks for input first, also when it has more to give out.
            BrotliResult::NeedsMoreInput if self.unwritten() > 0 => Progress::Full,
            BrotliResult::NeedsMoreInput if in_left == 0 => Progress::Hungry,
            BrotliResult::NeedsMoreInput => Progress::Stopped(Why::Broken("br: no progress")),
            BrotliResult::ResultFailure => {
                let room = output.get_mut(made..).unwrap_or_default();
                let salvaged = self.salvage(self.unwritten(), used, room);
                return Step { made: made.saturating_add(salvaged.made), ..salvaged };
            }
        };
        Step { used, made, progress }
    }

    /// Whether the stream may end here.
    pub(super) const fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::End => Ok(()),
            Place::Body | Place::Damaged(_) => Err(Why::Broken("br: ends early")),
        }
    }

    /// Bytes that were decoded and not given out: the library keeps them back when it fails.
    fn unwritten(&self) -> usize {
        let state = &self.state;
        let round = u64::try_from(state.ringbuffer_size).unwrap_or(0);
        let position = u64::try_from(state.pos).unwrap_or(0);
        let total = state.rb_roundtrips.saturating_mul(round).saturating_add(position);
        usize::try_from(total.saturating_sub(state.partial_pos_out)).unwrap_or(0)
    }

    /// Gives out `left` bytes from before the damage, then the reason.
    fn salvage(&mut self, left: usize, used: usize, output: &mut [u8]) -> Step {
        let mask = u64::try_from(self.state.ringbuffer_mask).unwrap_or(0);
        let start = usize::try_from(self.state.partial_pos_out & mask).unwrap_or(usize::MAX);
        let window = self.state.ringbuffer.slice();
        let kept = window.get(start..).unwrap_or_default();
        let kept = kept.get(..left).unwrap_or(kept);
        let made = kept.len().min(output.len());
        for (to, from) in output.iter_mut().zip(kept) {
            *to = *from;
        }
        self.state.partial_pos_out =
            self.state.partial_pos_out.saturating_add(u64::try_from(made).unwrap_or(u64::MAX));
        let left = kept.len().saturating_sub(made);
        self.place = Place::Damaged(left);
        let progress = if left > 0 {
            Progress::Full
        } else {
            Progress::Stopped(Why::Broken("br: not a brotli stream"))
        };
        Step { used, made, progress }
    }
}

/// The stream is complete: anything that follows is not part of it.
const fn after_end(input: &[u8], used: usize, made: usize) -> Step {
    let progress = if used < input.len() {
        Progress::Stopped(Why::Broken("br: bytes after the end"))
    } else {
        Progress::Hungry
    };
    Step { used, made, progress }
}
