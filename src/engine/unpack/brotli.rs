//! RFC 7932. The window is at most 16 MiB: the large windows that some tools write are refused,
//! as browsers refuse them.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

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
        if let Place::End = self.place {
            return after_end(input, 0, 0);
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
            BrotliResult::NeedsMoreInput if in_left == 0 => Progress::Hungry,
            BrotliResult::NeedsMoreInput => Progress::Stopped(Why::Broken("br: no progress")),
            BrotliResult::ResultFailure => {
                Progress::Stopped(Why::Broken("br: not a brotli stream"))
            }
        };
        Step {
            used,
            made,
            progress,
        }
    }

    /// Whether the stream may end here.
    pub(super) const fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::End => Ok(()),
            Place::Body => Err(Why::Broken("br: ends early")),
        }
    }
}

/// The stream is complete: anything that follows is not part of it.
const fn after_end(input: &[u8], used: usize, made: usize) -> Step {
    let progress = if used < input.len() {
        Progress::Stopped(Why::Broken("br: bytes after the end"))
    } else {
        Progress::Hungry
    };
    Step {
        used,
        made,
        progress,
    }
}
