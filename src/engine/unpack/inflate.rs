//! RFC 1951 by itself: what gzip and zlib have in common.

use flate2::{Decompress, FlushDecompress, Status};

use super::parts::difference;
use crate::engine::verdict::Why;

/// A deflate stream being read.
pub(super) struct Inflate {
    state: Decompress,
}

/// What one call did: as [`super::Step`], but the stream knows its own end.
pub(super) struct Inflated {
    pub(super) used: usize,
    pub(super) made: usize,
    pub(super) outcome: Outcome,
}

/// Where a deflate stream stands.
pub(super) enum Outcome {
    Hungry,
    Full,
    End,
    Stopped(Why),
}

impl Inflate {
    pub(super) fn new() -> Self {
        Self { state: Decompress::new(false) }
    }

    /// Makes it ready for another stream.
    pub(super) fn reset(&mut self) {
        self.state.reset(false);
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Inflated {
        let (in_before, out_before) = (self.state.total_in(), self.state.total_out());
        let status = self.state.decompress(input, output, FlushDecompress::None);
        let used = difference(in_before, self.state.total_in());
        let made = difference(out_before, self.state.total_out());
        let outcome = match status {
            Err(_) => Outcome::Stopped(Why::Broken("deflate: not a deflate stream")),
            Ok(Status::StreamEnd) => Outcome::End,
            Ok(Status::Ok | Status::BufError) if made == output.len() => Outcome::Full,
            Ok(Status::Ok | Status::BufError) if used == input.len() => Outcome::Hungry,
            Ok(Status::Ok | Status::BufError) => {
                Outcome::Stopped(Why::Broken("deflate: no progress"))
            }
        };
        Inflated { used, made, outcome }
    }
}
