//! One layer: bytes that are looked at as one thing, by everything the database asks for.
//!
//! ```text
//!   window or caller ─▶ head: the type ─▶ piece ─┬─▶ digests
//!                                                ├─▶ inspector of executables ─▶ facts, digests
//!                                                ├─▶ matcher, on the bytes as they are
//!                                                └─▶ normaliser ─▶ matcher, on the normal text
//! ```
//!
//! A layer knows nothing of the layers above and below it; the scan moves bytes between them. Hits
//! are held until the scan settles the layer: at each multiple of [`SETTLE_BYTES`] and at its end,
//! when everything inside has caught up. That makes the order of findings the same however the
//! object was cut into pieces.

use std::sync::Arc;

use super::database::Image;
use super::digest::{Computed, Kinds, Needs, Running, Tables};
use super::executable::{Found, Inspector};
use super::file_type::FileType;
use super::matcher::{Executable, Hit, LayerFacts, Matcher, State, TargetSet};
use super::normalize::Normalizer;
use super::unpack::{ContentCodings, Decoder};
use super::verdict::Why;

/// A layer of the stack.
pub(super) struct Layer {
    /// What it was taken out of, as in the path of a detection.
    pub(super) label: &'static str,
    /// Bytes that came and were not looked at yet.
    pub(super) window: Window,
    /// Whether more will come.
    pub(super) end: End,
    /// The content codings that are still to be undone below this layer.
    pub(super) codings: ContentCodings,
    /// Takes the next layer out of this one.
    pub(super) decoder: Option<Decoder>,
    /// The decoder may have more to give out without more input.
    pub(super) is_decoder_full: bool,
    /// Why the bytes of this layer ended early, said when the layer closes.
    pub(super) fault: Option<Why>,
    /// Memory that its parent's decoder may take, in bytes.
    pub(super) state_bytes: u64,
    /// Bytes looked at.
    pub(super) position: u64,
    /// Bytes whose findings were taken over.
    pub(super) settled: u64,
    /// What looks at its bytes; `None` until the type is known.
    pub(super) body: Option<Box<Body>>,
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
    pub(super) fn new(label: &'static str, window: Window, codings: ContentCodings) -> Self {
        Self {
            label,
            window,
            end: End::Open,
            codings,
            decoder: None,
            is_decoder_full: false,
            fault: None,
            state_bytes: 0,
            position: 0,
            settled: 0,
            body: None,
        }
    }

    /// Whether there is something to do, given whether the caller has bytes for it.
    pub(super) fn is_ready(&self, head_bytes: usize, has_outer: bool) -> bool {
        if has_outer || self.end != End::Open {
            return true;
        }
        match self.body {
            None => self.window.len() >= head_bytes,
            Some(_) => self.is_decoder_full || !self.window.is_empty() || self.is_settling(),
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

    /// Whether a digest may prove the layer to be trusted.
    pub(super) fn may_be_trusted(&self) -> bool {
        self.body.as_ref().is_none_or(|body| !body.needs.trust.is_empty())
    }
}

/// What looks at the bytes of a layer.
pub(super) struct Body {
    needs: Needs,
    digests: Running,
    inspector: Option<Inspector>,
    raw: Form,
    text: Option<(Normalizer, Form)>,
    normal: Vec<u8>,
}

/// A stream of bytes with the matcher on it.
struct Form {
    facts: LayerFacts,
    state: State,
    hits: Vec<Hit>,
    fed_bytes: u64,
}

/// Which stream of a layer a hit was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The bytes as they are.
    Raw,
    /// Its normal text.
    Text,
}

impl Body {
    pub(super) fn new(
        file_type: FileType,
        needs: Needs,
        size: Option<u64>,
        image: &Arc<Image>,
    ) -> Self {
        let format = file_type.executable();
        let executable = match format {
            Some(_) => Executable::Unknown,
            None => Executable::Absent,
        };
        let text = file_type.text().map(|(script, targets)| {
            let form = Form::new(targets, Executable::Absent, None);
            (Normalizer::new(script), form)
        });
        Self {
            needs,
            digests: Running::new(needs.all()),
            inspector: format.map(|format| Inspector::new(format, size, Arc::clone(image))),
            raw: Form::new(file_type.targets(), executable, size),
            text,
            normal: Vec::new(),
        }
    }

    /// Gives up digests that cannot matter for a layer of so many bytes or more.
    pub(super) fn narrow(&mut self, position: u64, tables: &Tables<'_>) {
        if !self.needs.all().is_empty() {
            self.needs = self.needs.intersection(tables.needs_from(position));
            self.digests.keep(self.needs.all());
        }
    }

    /// Looks at the next bytes, and says how many units of work that was.
    pub(super) fn scan(&mut self, mut piece: &[u8], matcher: Option<Matcher<'_>>) -> u64 {
        let mut work = 0;
        self.digests.update(piece);
        if let Some((normalizer, form)) = &mut self.text {
            self.normal.clear();
            normalizer.feed(piece, &mut self.normal);
            work += form.feed(&self.normal, matcher);
        }
        // The facts change between two bytes, the same two however the bytes were cut.
        while let Some(inspector) = &mut self.inspector
            && !piece.is_empty()
        {
            let (taken, news) = inspector.feed(piece);
            let (before, after) = piece.split_at(taken);
            work += self.raw.feed(before, matcher);
            piece = after;
            if let Some(executable) = news {
                self.raw.facts.executable = executable;
            }
        }
        work + self.raw.feed(piece, matcher)
    }

    /// The layer ended after `size` bytes, and those were all.
    pub(super) fn finish(&mut self, size: u64, matcher: Option<Matcher<'_>>) {
        if let Some(executable) = self.inspector.as_mut().and_then(|it| it.finish(size)) {
            self.raw.facts.executable = executable;
        }
        self.raw.finish(size, matcher);
        if let Some((_, form)) = &mut self.text {
            form.finish(form.fed_bytes, matcher);
        }
    }

    /// Whether one of these digests was not computed.
    pub(super) fn lacks(&self, kinds: Kinds) -> bool {
        kinds.intersection(self.needs.all()) != kinds
    }

    /// The digests, which can be taken once.
    pub(super) fn take_digests(&mut self) -> Computed {
        std::mem::replace(&mut self.digests, Running::new(Kinds::NONE)).finish()
    }

    /// What was found in the parts of an executable since the last call.
    pub(super) fn take_found(&mut self) -> Found {
        self.inspector.as_mut().map(Inspector::take_found).unwrap_or_default()
    }

    /// The hits since the last call, in the order in which they became certain.
    pub(super) fn take_hits(&mut self) -> impl Iterator<Item = (Place, Hit)> + '_ {
        let text = self.text.iter_mut().flat_map(|(_, form)| form.hits.drain(..));
        let raw = self.raw.hits.drain(..).map(|hit| (Place::Raw, hit));
        raw.chain(text.map(|hit| (Place::Text, hit)))
    }

    /// Whether a matcher had to forget something.
    pub(super) fn overflowed(&self) -> bool {
        self.raw.state.overflowed()
            || self.text.as_ref().is_some_and(|(_, form)| form.state.overflowed())
    }
}

impl Form {
    fn new(targets: TargetSet, executable: Executable, size: Option<u64>) -> Self {
        Self {
            facts: LayerFacts { targets, executable, size },
            state: State::new(),
            hits: Vec::new(),
            fed_bytes: 0,
        }
    }

    fn feed(&mut self, bytes: &[u8], matcher: Option<Matcher<'_>>) -> u64 {
        if bytes.is_empty() {
            return 0;
        }
        let before = self.state.work();
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.fed_bytes = self.fed_bytes.saturating_add(length);
        if let Some(matcher) = matcher {
            matcher.feed(&mut self.state, bytes, &self.facts, &mut self.hits);
        }
        length.saturating_add(self.state.work().saturating_sub(before))
    }

    fn finish(&mut self, size: u64, matcher: Option<Matcher<'_>>) {
        self.facts.size = Some(size);
        if let Some(matcher) = matcher {
            matcher.finish(&mut self.state, &self.facts, &mut self.hits);
        }
    }
}

/// Bytes between a decoder and the layer it fills: a fixed room, filled at the back, read at the front.
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
