//! RFC 8878 frames, one after another. RFC 9659 limits the window of the HTTP coding to 8 MiB;
//! a frame that asks for more is answered as `MaxScanState`, not decoded.

use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::{Progress, Step};
use crate::engine::verdict::{Limit, Why};

/// A zstd stream being read.
pub(in crate::engine) struct Zstd {
    state: Decoder<'static>,
    /// Bytes of the frame that were read; 0 between frames.
    frame_bytes: usize,
    /// Bytes that the library asked for next.
    asked: usize,
    /// Whether a whole frame was read: what follows may be anything.
    has_frame: bool,
}

impl Zstd {
    pub(super) fn new() -> Result<Self, Why> {
        let mut state = Decoder::new().map_err(|_| Why::Limit(Limit::MaxScanState))?;
        state
            .set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))
            .map_err(|_| Why::Limit(Limit::MaxScanState))?;
        Ok(Self { state, frame_bytes: 0, asked: PREFIX_BYTES, has_frame: false })
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let (mut used, mut made) = (0_usize, 0_usize);
        let progress = loop {
            let rest = input.get(used..).unwrap_or_default();
            let room = output.get_mut(made..).unwrap_or_default();
            if room.is_empty() {
                break Progress::Full;
            }
            if rest.is_empty() && self.frame_bytes == 0 {
                // Asked between frames, the library would begin to read the next one.
                break Progress::Hungry;
            }
            let piece = rest.get(..self.piece_bytes(rest.len())).unwrap_or(rest);
            let room_bytes = room.len();
            match self.state.run_on_buffers(piece, room) {
                Err(error) => break Progress::Stopped(self.reason(&error)),
                Ok(status) => {
                    used = used.saturating_add(status.bytes_read);
                    made = made.saturating_add(status.bytes_written);
                    self.note(&status);
                    let is_idle = status.bytes_read == 0 && status.bytes_written == 0;
                    if is_idle && rest.is_empty() {
                        break Progress::Hungry;
                    }
                    if is_idle {
                        break Progress::Stopped(Why::Broken("zstd: no progress"));
                    }
                    if status.bytes_written == room_bytes {
                        break Progress::Full;
                    }
                }
            }
        };
        Step { used, made, progress }
    }

    /// Whether the stream may end here.
    pub(super) const fn finish(&self) -> Result<(), Why> {
        if self.has_frame && self.frame_bytes == 0 {
            Ok(())
        } else {
            Err(Why::Broken("zstd: ends early"))
        }
    }

    /// How much to give at once: one block, without the header of the next one. An error makes the
    /// library forget what it gave out in the same call, so each call must not do more than that.
    fn piece_bytes(&self, available: usize) -> usize {
        let block = match self.asked.checked_sub(BLOCK_HEADER_BYTES) {
            None | Some(0) => self.asked.max(1),
            Some(block) => block,
        };
        block.min(available)
    }

    fn note(&mut self, status: &zstd::stream::raw::Status) {
        self.frame_bytes = self.frame_bytes.saturating_add(status.bytes_read);
        self.asked = status.remaining;
        if status.remaining == 0 {
            self.has_frame = true;
            self.frame_bytes = 0;
            self.asked = PREFIX_BYTES;
        }
    }

    fn reason(&self, error: &std::io::Error) -> Why {
        // The library's binding gives the reason as text only.
        if error.to_string().contains("too much memory") {
            return Why::Limit(Limit::MaxScanState);
        }
        Why::Broken(match (self.frame_bytes < PREFIX_BYTES, self.has_frame) {
            (true, true) => "zstd: bytes after the last frame",
            (true, false) => "zstd: not a zstd stream",
            (false, _) => "zstd: damaged",
        })
    }
}

/// The first bytes of a frame: the magic number and the descriptor.
const PREFIX_BYTES: usize = 5;
/// RFC 8878 section 3.1.1.2.
const BLOCK_HEADER_BYTES: usize = 3;
/// RFC 9659: a decoder of the HTTP coding supports, and need not exceed, 8 MiB.
const WINDOW_LOG_MAX: u32 = 23;
