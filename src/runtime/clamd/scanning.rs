//! One object through the engine: in slices, with its time looked at, and a panic caught.
//!
//! The same promises as for a message of the data plane (`guarded`).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::verdict::{Detection, Verdict, Why};
use crate::engine::{Engine, Object, Remains};
use crate::runtime::guarded::Guarded;
use crate::runtime::shard::Live;

/// A scan under way.
#[derive(Default)]
pub(super) struct Scanning {
    scan: Guarded,
    /// `None` after a panic, too.
    outcome: Option<Outcome>,
    bytes: u64,
}

/// What came of a scan.
pub(super) struct Outcome {
    pub(super) verdict: Verdict,
    pub(super) detections: Vec<Detection>,
    /// Bytes of the object that were seen.
    pub(super) bytes: u64,
    /// The way to what made the verdict, for the log.
    pub(super) story: String,
    /// To be dropped once the answer is out.
    pub(super) remains: Remains,
}

impl Scanning {
    /// Begins one; `all` looks for every threat in the object.
    pub(super) fn start(live: &Live, size: Option<u64>, all: bool) -> Self {
        Self::of(&live.engine, live.clamd.scan_time_max, size, all)
    }

    fn of(engine: &Arc<Engine>, time: Option<Duration>, size: Option<u64>, all: bool) -> Self {
        let object = Object { size, ..Object::default() };
        let scan = if all { engine.start_all(object) } else { engine.start(object) };
        Self { scan: Guarded::new(scan, time), outcome: None, bytes: 0 }
    }

    /// Whether nothing that follows can change the verdict.
    pub(super) const fn is_decided(&self) -> bool {
        self.scan.is_over()
    }

    /// Scans the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        let mut rest = bytes;
        while !rest.is_empty() && !self.scan.is_over() {
            let Ok(fed) = self.scan.feed(rest) else { return };
            if fed.decided {
                return self.conclude();
            }
            rest = rest.get(fed.consumed..).unwrap_or_default();
        }
    }

    /// The object is complete.
    pub(super) fn finish(mut self) -> Outcome {
        while let Ok(is_done) = self.scan.end() {
            if is_done {
                self.conclude();
            }
        }
        let bytes = self.bytes;
        let outcome = self.outcome.take().unwrap_or_else(failed);
        Outcome { bytes, ..outcome }
    }

    fn conclude(&mut self) {
        let ended = self.scan.finish().ok();
        self.outcome = ended.map(|(verdict, detections, _)| Outcome {
            story: self.scan.layers().story(&verdict),
            verdict,
            detections,
            bytes: 0,
            remains: self.scan.take_remains(),
        });
    }
}

fn failed() -> Outcome {
    Outcome {
        verdict: Verdict::Unscanned(Why::Failed),
        detections: Vec::new(),
        bytes: 0,
        story: String::new(),
        remains: Remains::default(),
    }
}

/// A file under way.
pub(super) struct FileScan {
    file: File,
    scanning: Scanning,
    position: u64,
    size: Option<u64>,
}

impl FileScan {
    /// Begins one. A size of zero says nothing: files of /proc have it, and contents. Any other is
    /// where the file ends for this scan, even when it grows meanwhile; one that shrinks is damaged.
    pub(super) fn start(live: &Live, file: File, size: u64, all: bool) -> Self {
        let size = (size > 0).then_some(size);
        Self::of(file, Scanning::start(live, size, all), size)
    }

    const fn of(file: File, scanning: Scanning, size: Option<u64>) -> Self {
        Self { file, scanning, position: 0, size }
    }

    /// Reads and scans up to about `bytes_max`. Gives the outcome at the end, or what the system says when the
    /// file cannot be read any further and nothing was found until there.
    pub(super) fn turn(
        &mut self,
        buffer: &mut [u8],
        bytes_max: usize,
    ) -> Option<io::Result<Outcome>> {
        let mut done = 0;
        while done < bytes_max && !self.scanning.is_decided() {
            let rest = self.size.map_or(u64::MAX, |size| size.saturating_sub(self.position));
            let window = buffer.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
            let Some(window) = buffer.get_mut(..window) else { break };
            match self.file.read_at(window, self.position) {
                Ok(0) => return Some(Ok(self.finish())),
                Ok(count) => {
                    self.scanning.feed(window.get(..count).unwrap_or_default());
                    self.position = self.position.saturating_add(count as u64);
                    done += count;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let outcome = self.finish();
                    let is_found = matches!(outcome.verdict, Verdict::Infected(_));
                    return Some(if is_found { Ok(outcome) } else { Err(error) });
                }
            }
        }
        let is_at_end = self.size.is_some_and(|size| self.position >= size);
        (self.scanning.is_decided() || is_at_end).then(|| Ok(self.finish()))
    }

    fn finish(&mut self) -> Outcome {
        let bytes = self.scanning.bytes;
        let over = Scanning { bytes, ..Scanning::default() };
        std::mem::replace(&mut self.scanning, over).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::engine::database::{BuildOptions, Image, build, builtin_sources};
    use crate::engine::limits::Limits;
    use crate::runtime::database::compile_matcher;

    fn engine() -> Arc<Engine> {
        let sources = builtin_sources(BuildOptions::default());
        let built = build(sources, &compile_matcher, &mut |_| {});
        let image = Image::open(Arc::new(built.image)).expect("what was built opens");
        Arc::new(Engine::new(Arc::new(image), Limits::default()))
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("a disk");
        file
    }

    /// The verdict, with this size announced and this window.
    fn scanned(bytes: &[u8], size: Option<u64>, window: usize) -> Verdict {
        let scanning = Scanning::of(&engine(), None, size, false);
        let mut scan = FileScan::of(file(bytes), scanning, size);
        let mut buffer = vec![0; window];
        let outcome = loop {
            if let Some(outcome) = scan.turn(&mut buffer, window) {
                break outcome.expect("it can be read");
            }
        };
        outcome.verdict
    }

    #[test]
    fn a_file_is_what_it_was_when_it_was_opened() {
        let text = b"nothing of interest, and some more of it ".repeat(5_000);
        let size = text.len() as u64;
        for window in [1_000, 65_536] {
            assert_eq!(scanned(&text, Some(size), window), Verdict::Clean);
            assert_eq!(scanned(&text, None, window), Verdict::Clean, "like a file of /proc");
            // It grew: what was there is scanned.
            assert_eq!(scanned(&text, Some(size - 7), window), Verdict::Clean);
            // It shrank: nobody knows what was there.
            let shrunk = scanned(&text, Some(size + 1), window);
            assert!(matches!(shrunk, Verdict::Unscanned(Why::Broken(_))), "{shrunk:?}");
        }
        let directory = File::open("/").expect("a directory");
        let mut scan = FileScan::of(directory, Scanning::of(&engine(), None, None, false), None);
        assert!(scan.turn(&mut [0; 64], 64).expect("it ends").is_err(), "it cannot be read");
    }

    #[test]
    fn time_that_is_over_is_unscanned_and_so_is_a_failure() {
        let mut scanning = Scanning::of(&engine(), Some(Duration::ZERO), None, false);
        let piece = vec![b'a'; 65_536];
        for _time in 0..8 {
            scanning.feed(&piece);
        }
        assert_eq!(scanning.finish().verdict, Verdict::Unscanned(Why::Time));
        let mut scanning = Scanning::of(&engine(), None, None, false);
        scanning.feed(b"before");
        // What a panic leaves behind.
        scanning.scan = Guarded::default();
        scanning.feed(b"after");
        let outcome = scanning.finish();
        assert_eq!((outcome.verdict, outcome.bytes), (Verdict::Unscanned(Why::Failed), 11));
    }
}
