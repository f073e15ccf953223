//! RFC 8878 frames, one after another. RFC 9659 limits the window of the HTTP coding to 8 MiB;
//! a frame that asks for more is answered as `MaxScanState`, not decoded.

use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::{Progress, Step};
use crate::engine::verdict::{Limit, Why};

/// A zstd stream being read.
pub(in crate::engine) struct Zstd {
    state: Decoder<'static>,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing was read.
    Start,
    /// Inside a frame.
    Frame,
    /// After a frame: another one, or the end.
    Between,
}

impl Zstd {
    pub(super) fn new() -> Result<Self, Why> {
        let mut state = Decoder::new().map_err(|_| Why::Limit(Limit::MaxScanState))?;
        state
            .set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))
            .map_err(|_| Why::Limit(Limit::MaxScanState))?;
        Ok(Self {
            state,
            place: Place::Start,
        })
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        if input.is_empty() && self.place != Place::Frame {
            // Asked between frames, the library would begin to read the next one.
            return Step {
                used: 0,
                made: 0,
                progress: Progress::Hungry,
            };
        }
        let room = output.len();
        match self.state.run_on_buffers(input, output) {
            Ok(status) => {
                self.place = if status.remaining == 0 {
                    Place::Between
                } else {
                    Place::Frame
                };
                let progress = if status.bytes_written == room || status.bytes_read < input.len() {
                    Progress::Full
                } else {
                    Progress::Hungry
                };
                Step {
                    used: status.bytes_read,
                    made: status.bytes_written,
                    progress: self.checked(progress, status.bytes_read, status.bytes_written),
                }
            }
            Err(error) => Step {
                used: 0,
                made: 0,
                progress: Progress::Stopped(self.reason(&error)),
            },
        }
    }

    /// Whether the stream may end here.
    pub(super) const fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::Between => Ok(()),
            Place::Start | Place::Frame => Err(Why::Broken("zstd: ends early")),
        }
    }

    /// A call that did nothing will do nothing the next time, too.
    const fn checked(&self, progress: Progress, used: usize, made: usize) -> Progress {
        match progress {
            Progress::Full if used == 0 && made == 0 => {
                Progress::Stopped(Why::Broken("zstd: no progress"))
            }
            Progress::Full | Progress::Hungry | Progress::Stopped(_) => progress,
        }
    }

    fn reason(&self, error: &std::io::Error) -> Why {
        // The library's binding gives the reason as text only.
        if error.to_string().contains("too much memory") {
            return Why::Limit(Limit::MaxScanState);
        }
        match self.place {
            Place::Start => Why::Broken("zstd: not a zstd stream"),
            Place::Frame => Why::Broken("zstd: damaged"),
            Place::Between => Why::Broken("zstd: bytes after the last frame"),
        }
    }
}

/// RFC 9659: a decoder of the HTTP coding supports, and need not exceed, 8 MiB.
const WINDOW_LOG_MAX: u32 = 23;
