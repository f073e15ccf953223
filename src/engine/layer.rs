//! One layer of the stack: the bytes that came, how they will end, and what looks at them.
//!
//! A layer knows nothing of the layers above and below it; the scan moves bytes between them. It is
//! settled at each multiple of [`SETTLE_BYTES`] and at its end, when everything inside has caught up.

use super::body::Body;
use super::database::signature::{NameId, Target};
use super::digest::Running;
use super::embedded::Embedded;
use super::file_type::Kind;
use super::links::Watch;
use super::logical::LayerType;
use super::scan::Row;
use super::unpack::{ContentCodings, Label, Opened, Said, Unpacker};
use super::verdict::{Detection, Why};

/// A layer of the stack.
pub(super) struct Layer {
    /// What it was taken out of, as in the path of a detection.
    pub(super) label: Label,
    /// Bytes that came and were not looked at yet.
    pub(super) window: Window,
    /// Whether more will come.
    pub(super) end: End,
    /// The content codings that are still to be undone below this layer.
    pub(super) codings: ContentCodings,
    /// Takes the layers inside out of this one.
    pub(super) unpacker: Option<Unpacker>,
    /// The unpacker may go on without more input.
    pub(super) is_unpacking: bool,
    /// The rest of a member is read and dropped: it is longer than a layer may be.
    pub(super) is_dropping: bool,
    /// Bytes dropped that were not charged yet.
    pub(super) dropped: u64,
    /// The kind of container whose signatures it is matched with, when it is of no kind of its own.
    pub(super) part_of: Option<Target>,
    /// It is the layer around it once more, as this kind.
    pub(super) again: Option<Kind>,
    /// It has ended, everything that looks at it, too.
    pub(super) ended: Option<Ended>,
    /// What was said of it, until its type is known.
    pub(super) said: Option<Said>,
    /// Bytes that the container around it says it has.
    pub(super) announced: Option<u64>,
    /// Why the bytes of this layer ended early, said when the layer closes.
    pub(super) fault: Option<Why>,
    /// Memory that its parent's unpacker may take for it, in bytes.
    pub(super) state_bytes: u64,
    /// Members that began in it, and those that its directory told of.
    pub(super) members: u64,
    pub(super) members_listed: u64,
    /// Signatures about members that ask for the size of the container, and what they would report.
    pub(super) waiting: Vec<(NameId, (u64, u64), Detection)>,
    /// Its row in the chart.
    pub(super) row: Row,
    /// Of its bytes, when the chart wants one.
    pub(super) digest: Option<Running>,
    /// Bytes looked at.
    pub(super) position: u64,
    /// Bytes whose findings were taken over.
    pub(super) settled: u64,
    /// What looks at its bytes; `None` until the type is known.
    pub(super) body: Option<Box<Body>>,
    /// Objects that begin in the middle of it; `None` until the type is known.
    pub(super) embedded: Option<Embedded>,
    /// Follows its links, when somebody asks for that.
    pub(super) watch: Option<Watch>,
}

/// What is known of a layer that has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    /// All of it was looked at.
    pub(super) is_whole: bool,
    /// One of its digests proves it to be trusted.
    pub(super) is_trusted: bool,
}

/// How a layer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// More will come.
    Open,
    /// What came is all there is.
    Whole,
    /// There is more that is not looked at: its end, size and digests are not known.
    Cut,
}

impl Layer {
    pub(super) fn new(label: Label, window: Window, codings: ContentCodings) -> Self {
        Self {
            label,
            window,
            end: End::Open,
            codings,
            unpacker: None,
            is_unpacking: false,
            is_dropping: false,
            dropped: 0,
            part_of: None,
            again: None,
            ended: None,
            said: None,
            announced: None,
            fault: None,
            state_bytes: 0,
            members: 0,
            members_listed: 0,
            waiting: Vec::new(),
            row: Some(0),
            digest: None,
            position: 0,
            settled: 0,
            body: None,
            embedded: None,
            watch: None,
        }
    }

    /// Whether there is something to do, given whether the caller has bytes for it.
    pub(super) fn is_ready(&self, head_bytes: usize, has_outer: bool) -> bool {
        if has_outer || self.end != End::Open {
            return true;
        }
        match self.body {
            None => self.window.len() >= head_bytes,
            Some(_) => self.is_unpacking || !self.window.is_empty() || self.is_settling(),
        }
    }

    /// Whether findings have to be taken over before the next byte.
    pub(super) const fn is_settling(&self) -> bool {
        self.position > self.settled && self.position.is_multiple_of(SETTLE_BYTES)
    }

    /// Bytes up to the next place where findings are taken over.
    pub(super) const fn until_settling(&self) -> u64 {
        SETTLE_BYTES - self.position % SETTLE_BYTES
    }

    /// A signature about members fits if the layer will have a size in this range. Each is kept once: there
    /// are as many as the database has.
    pub(super) fn wait_for_size(&mut self, name: NameId, range: (u64, u64), found: Detection) {
        if !self.waiting.iter().any(|(known, wanted, _)| (*known, *wanted) == (name, range)) {
            self.waiting.push((name, range, found));
        }
    }

    /// Takes nothing more out of it.
    pub(super) fn drop_unpacker(&mut self) {
        if let Some(Unpacker::Whole(opened)) = self.unpacker.take() {
            self.take_back(*opened);
        }
        self.is_unpacking = false;
        self.is_dropping = false;
    }

    /// Takes its bytes back from what opened it.
    pub(super) fn take_back(&mut self, opened: Opened) {
        if let Some(body) = &mut self.body {
            let (whole, spool) = opened.close();
            body.give_whole(whole, spool);
        }
    }

    /// Whether a digest may prove the layer to be trusted.
    pub(super) fn may_be_trusted(&self) -> bool {
        self.body.as_ref().is_none_or(|body| body.may_be_trusted())
    }
}

/// The types of layers, from the outer object inwards.
pub(super) fn types(layers: &[Layer]) -> Vec<LayerType> {
    let types = layers.iter().filter_map(|layer| layer.body.as_ref()?.layer_type);
    types.collect()
}

/// The way from the outer object to the last of these layers.
pub(super) fn path(layers: &[Layer]) -> String {
    let labels: Vec<String> = layers.iter().skip(1).map(|layer| layer.label.to_string()).collect();
    labels.join(">")
}

/// Bytes between an unpacker and the layer it fills: a fixed room, filled at the back, read at the front.
pub(super) struct Window {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Window {
    pub(super) fn new(room_bytes: usize) -> Self {
        Self { bytes: vec![0; room_bytes].into_boxed_slice(), start: 0, end: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.end - self.start
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// What came and was not read.
    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Where the next bytes go.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.is_empty() {
            self.clear();
        }
        &mut self.bytes[self.end..]
    }

    /// So many bytes were written to the front of the room.
    pub(super) fn add(&mut self, count: usize) {
        self.end += count;
        debug_assert!(self.end <= self.bytes.len());
    }

    /// So many bytes were read.
    pub(super) fn take(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
    }

    /// Forgets what was not read.
    pub(super) const fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }
}

/// Findings are taken over at multiples of this: large enough for the matcher to get into its stride,
/// small enough for a detection to stop a download early.
pub(super) const SETTLE_BYTES: u64 = 16 << 10;
