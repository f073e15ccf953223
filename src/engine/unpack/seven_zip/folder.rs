//! A folder at work: packed streams through coders, each of which takes from the one before it.
//!
//! Nothing is made in advance: to read from a coder, it is given what it reads from its own source, a buffer
//! at a time. A coder that makes nothing of a buffer makes something later: no call reads twice.

use super::bcj2::Bcj2;
use super::coder::Codec;
use super::header::{Folder, Streams};
use crate::engine::unpack::Pace;
use crate::engine::unpack::inflate::Outcome;
use crate::engine::unpack::key::Key;
use crate::engine::unpack::parts::{at_most, copy, wide};
use crate::engine::verdict::Why;

/// Where bytes come from.
pub(super) enum Node {
    /// A packed stream in the file.
    Packed {
        at: usize,
        end: usize,
    },
    Coded(Box<Coded>),
    Bcj2(Box<Bcj2>),
}

/// A coder and its source.
pub(super) struct Coded {
    codec: Codec,
    source: Source,
    /// Bytes that have still to come out.
    left: u64,
}

/// A node with a buffer of what came out of it.
pub(super) struct Source {
    node: Node,
    held: Vec<u8>,
    at: usize,
    /// Whether nothing more will come.
    pub(super) is_dry: bool,
}

/// What came of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    Bytes(usize),
    /// Nothing yet.
    Later,
    End,
}

impl Node {
    /// Of a folder whose packed streams are in a file. Takes its memory.
    /// With a key where one is needed; for no more than so many bytes of each coder.
    pub(super) fn of(
        streams: &Streams,
        folder: &Folder,
        key: Option<&Key>,
        most: u64,
    ) -> Result<Self, Why> {
        let output = folder.last_output().ok_or(NOT_JOINED)?;
        let used = vec![false; folder.coders.len()];
        let mut plan = Plan { streams, folder, key, most, used };
        plan.node(output)
    }

    /// How dear what comes out of it is: as the dearest of its coders.
    pub(super) fn pace(&self) -> Pace {
        match self {
            Self::Packed { .. } => Pace::Quick,
            Self::Coded(coded) => coded.codec.pace().max(coded.source.node.pace()),
            Self::Bcj2(_) => Pace::Steady,
        }
    }

    pub(super) fn read(&mut self, file: &[u8], output: &mut [u8]) -> Result<Got, Why> {
        match self {
            Self::Packed { at, end } => {
                let count = copy(file.get(*at..*end).unwrap_or_default(), output);
                *at = at.saturating_add(count);
                Ok(if count == 0 { Got::End } else { Got::Bytes(count) })
            }
            Self::Coded(coded) => coded.read(file, output),
            Self::Bcj2(bcj2) => bcj2.read(file, output),
        }
    }
}

/// The joining of a folder's coders.
struct Plan<'a> {
    streams: &'a Streams,
    folder: &'a Folder,
    key: Option<&'a Key>,
    most: u64,
    /// Coders that have their place: none has two.
    used: Vec<bool>,
}

impl Plan<'_> {
    /// What makes an output.
    fn node(&mut self, output: u64) -> Result<Node, Why> {
        let folder = self.folder;
        let (mut first_input, mut first_output) = (0_u64, 0_u64);
        for (coder, used) in folder.coders.iter().zip(0_usize..) {
            if output == first_output && coder.outputs == 1 {
                let used = self.used.get_mut(used).ok_or(NOT_JOINED)?;
                if std::mem::replace(used, true) {
                    return Err(NOT_JOINED);
                }
                let inputs = first_input..first_input.saturating_add(coder.inputs);
                let mut nodes = Vec::new();
                for input in inputs {
                    nodes.push(self.source(input)?);
                }
                let size = usize::try_from(output).ok().and_then(|at| folder.sizes.get(at));
                let size = (*size.ok_or(NOT_JOINED)?).min(self.most);
                if coder.method == BCJ2 {
                    let sources = <[Node; 4]>::try_from(nodes).map_err(|_| NOT_JOINED)?;
                    return Ok(Node::Bcj2(Box::new(Bcj2::new(sources.map(Source::new), size))));
                }
                let [node] = <[Node; 1]>::try_from(nodes).map_err(|_| NOT_JOINED)?;
                let codec = Codec::of(coder, size, self.key)?;
                let coded = Coded { codec, source: Source::new(node), left: size };
                return Ok(Node::Coded(Box::new(coded)));
            }
            first_input = first_input.saturating_add(coder.inputs);
            first_output = first_output.saturating_add(coder.outputs);
        }
        Err(NOT_JOINED)
    }

    /// What an input takes from.
    fn source(&mut self, input: u64) -> Result<Node, Why> {
        let folder = self.folder;
        if let Some(bind) = folder.binds.iter().find(|bind| bind.0 == input) {
            return self.node(bind.1);
        }
        let place = folder.packed.iter().position(|packed| *packed == input).ok_or(NOT_JOINED)?;
        let pack = self.streams.packs.get(folder.pack.saturating_add(place)).ok_or(NOT_JOINED)?;
        let at = usize::try_from(pack.0).unwrap_or(usize::MAX);
        let end = usize::try_from(pack.0.saturating_add(pack.1)).unwrap_or(usize::MAX);
        Ok(Node::Packed { at, end })
    }
}

impl Coded {
    fn read(&mut self, file: &[u8], output: &mut [u8]) -> Result<Got, Why> {
        if self.left == 0 {
            return Ok(Got::End);
        }
        let room = at_most(output.len(), self.left);
        let output = output.get_mut(..room).unwrap_or_default();
        let step = self.codec.step(self.source.bytes(), self.source.is_dry, output);
        self.source.take(step.used);
        if step.made > 0 {
            self.left = self.left.saturating_sub(wide(step.made));
            return Ok(Got::Bytes(step.made));
        }
        match step.outcome {
            Outcome::Stopped(why) => Err(why),
            Outcome::End => Err(ENDS_EARLY),
            Outcome::Hungry if self.source.is_dry => Err(ENDS_EARLY),
            Outcome::Hungry => {
                self.source.fill(file)?;
                Ok(Got::Later)
            }
            Outcome::Full => Ok(Got::Later),
        }
    }
}

impl Source {
    pub(super) const fn new(node: Node) -> Self {
        Self { node, held: Vec::new(), at: 0, is_dry: false }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.held.get(self.at..).unwrap_or_default()
    }

    pub(super) fn take(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    /// Takes what the node has, up to a full buffer.
    pub(super) fn fill(&mut self, file: &[u8]) -> Result<(), Why> {
        self.held.drain(..self.at.min(self.held.len()));
        self.at = 0;
        let kept = self.held.len();
        if kept >= HELD_BYTES {
            return Err(Why::Broken("7z: a stream does not go on"));
        }
        self.held.resize(HELD_BYTES, 0);
        let got = self.node.read(file, self.held.get_mut(kept..).unwrap_or_default());
        let count = match got {
            Ok(Got::Bytes(count)) => count,
            Ok(Got::Later) | Err(_) => 0,
            Ok(Got::End) => {
                self.is_dry = true;
                0
            }
        };
        self.held.truncate(kept.saturating_add(count));
        got.map(drop)
    }
}

pub(super) const BCJ2: u64 = 0x0303_011b;
const NOT_JOINED: Why = Why::Broken("7z: coders that do not fit together");
pub(super) const ENDS_EARLY: Why = Why::Broken("7z: a stream ends early");
/// The buffer of each coder: what one step of a scan makes of it is short.
pub(super) const HELD_BYTES: usize = 4 << 10;
