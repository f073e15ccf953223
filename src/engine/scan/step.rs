//! One step of one layer: its head is collected, its type decided, its next piece looked at.
//!
//! Bytes go from the caller or the layer's window through its unpacker and its body; nothing is taken over
//! here, which is [`settle`](super::settle)'s.

use super::coding::inside_of;
use super::{MOVED_NOTHING, Moved, Scan};
use crate::engine::body::Body;
use crate::engine::embedded::Embedded;
use crate::engine::file_type::{FileType, HEAD_BYTES, Kind};
use crate::engine::layer::End;
use crate::engine::links::Watch;
use crate::engine::unpack::{Container, Inside, Progress, Reading, Said, Unpacker};
use crate::engine::verdict::Why;

impl Scan {
    /// The next thing to do in a layer that is ready.
    pub(super) fn step(&mut self, index: usize, outer: &[u8]) -> Moved {
        let layer = &self.layers[index];
        let outer = if index == 0 { outer } else { &[] };
        let has_input = !layer.window.is_empty() || !outer.is_empty();
        if layer.body.is_none() {
            return self.identify(index, outer);
        }
        if layer.is_unpacking {
            let moved = self.advance(index, outer);
            self.charge_dropped(index);
            return moved;
        }
        if layer.is_settling() {
            return Moved { taken: 0, work: self.settle(index) };
        }
        if !has_input || layer.end == End::Cut {
            self.close(index);
            return MOVED_NOTHING;
        }
        if layer.position >= self.engine.limits.object_bytes_max {
            self.cut_short(index);
            return MOVED_NOTHING;
        }
        self.advance(index, outer)
    }

    /// Collects the head of a layer, and begins to look at it once it is there.
    fn identify(&mut self, index: usize, outer: &[u8]) -> Moved {
        let layer = &mut self.layers[index];
        let wanted = HEAD_BYTES.saturating_sub(layer.window.len());
        let is_direct = layer.window.is_empty() && outer.len() >= HEAD_BYTES;
        if layer.end == End::Open && wanted > 0 && !is_direct {
            let taken = wanted.min(outer.len());
            layer.window.room()[..taken].copy_from_slice(&outer[..taken]);
            layer.window.add(taken);
            return Moved { taken, work: u64::try_from(taken).unwrap_or(u64::MAX) };
        }
        // A few coded bytes may be many when they are decoded.
        let is_tiny = layer.window.len() <= IGNORED_BYTES_MAX && layer.codings.is_empty();
        if layer.end != End::Open && (is_tiny || layer.window.is_empty()) {
            self.ignore(index);
        } else {
            self.begin(index, if is_direct { outer } else { &[] });
        }
        MOVED_NOTHING
    }

    /// Decides what a layer is from its head, in its window or else in `outer`, and what looks at it.
    fn begin(&mut self, index: usize, outer: &[u8]) {
        let room = self.room(index);
        let Self { engine, layers, findings, .. } = self;
        let image = &engine.image;
        let around = index.checked_sub(1).and_then(|around| layers[around].body.as_ref());
        let in_mail = around.is_some_and(|body| body.file_type == FileType::Mail);
        let layer = &mut layers[index];
        let head = if outer.is_empty() { layer.window.filled() } else { outer };
        let head = &head[..head.len().min(HEAD_BYTES)];
        let known = layer.again.filter(|kind| *kind != Kind::ANY);
        let file_type = known.map_or_else(|| FileType::of(head, image.types()), Kind::file_type);
        let was_announced = !layer.codings.is_empty();
        let (inside, fault) = inside_of(&mut layer.codings, file_type, head);
        let said = layer.said.take();
        let (reading, strange) = Reading::of(said.as_ref(), (file_type, in_mail), inside, head);
        let (inside, walker) = match reading {
            // The codings are undone first, and what was said is said of what comes out.
            _ if was_announced && matches!(inside, Inside::Coding(_)) => (inside, None),
            Reading::Natural(inside) => (inside, None),
            Reading::Walked(walker) => (Inside::Nothing, Some(walker)),
        };
        let is_coded = was_announced && matches!(inside, Inside::Coding(_));
        let state_bytes = match inside {
            Inside::Coding(coding) => coding.state_bytes(head),
            Inside::Nothing | Inside::Container(_) | Inside::Whole(_) | Inside::Unopened(_) => 0,
        };
        let size = match layer.end {
            End::Whole => u64::try_from(layer.window.len()).ok(),
            End::Open | End::Cut if index == 0 => self.object.size,
            End::Open | End::Cut => None,
        };
        let announced = if index == 0 { self.announced } else { layer.announced };
        let needs = image.digests().needs(size.or(announced));
        let mut body =
            Box::new(Body::new((file_type, layer.part_of), needs, size, image, &engine.spools));
        if is_coded {
            // A way to send the object, not a container around it.
            body.layer_type = None;
        }
        body.is_again = layer.again.is_some();
        body.may_ask = true;
        let has_strays =
            matches!(inside, Inside::Container(container) if container.may_have_strays());
        body.watch_for_volume(head, (&engine.spools, size), has_strays);
        layer.body = Some(body);
        layer.watch = Watch::of(file_type, said == Some(Said::Mailed), image.links());
        layer.embedded = Some(Embedded::new(room));
        if let Some(why) = fault {
            findings.miss(Why::Broken(why));
        }
        if let (Some(why), false) = (strange, is_coded) {
            findings.miss(Why::Broken(why));
        }
        if walker.is_some() {
            layer.unpacker = walker;
            return;
        }
        match inside {
            Inside::Coding(coding) => {
                self.undo(index, coding, state_bytes);
                if let (Some(child), true) = (self.layers.get_mut(index + 1), is_coded) {
                    child.said = said;
                }
            }
            Inside::Container(container) => self.walk(index, container),
            Inside::Whole(whole) => self.keep(index, whole, size),
            Inside::Unopened(what) => findings.miss(Why::Unsupported(what)),
            Inside::Nothing => self.walk(index, Container::CarriedZip),
        }
    }

    /// A layer of a few bytes: clean by rule (`clamav.md` A2.2).
    fn ignore(&mut self, index: usize) {
        let layer = &mut self.layers[index];
        layer.position = u64::try_from(layer.window.len()).unwrap_or(u64::MAX);
        if let Some(digest) = &mut layer.digest {
            digest.update(layer.window.filled());
        }
        layer.window.clear();
        self.has_right_size(index);
        self.pop(index);
    }

    /// Moves the next piece of a layer through its unpacker and everything that looks at it.
    fn advance(&mut self, index: usize, outer: &[u8]) -> Moved {
        let Self { engine, layers, .. } = self;
        let (open, inner) = layers.split_at_mut(index + 1);
        let layer = &mut open[index];
        let has_window = !layer.window.is_empty();
        let input = if has_window { layer.window.filled() } else { outer };
        let until_limit = engine.limits.object_bytes_max.saturating_sub(layer.position);
        let until_settling = if layer.is_settling() { 0 } else { layer.until_settling() };
        let length_max = until_settling.min(until_limit);
        let length = usize::try_from(length_max).map_or(input.len(), |max| input.len().min(max));
        let mut piece = &input[..length];
        let mut work = 0;
        let mut said = Progress::Hungry;
        // The unpacker goes first: what it does not take yet is not looked at yet either, so a layer
        // and its child never drift apart.
        if let Some(unpacker) = &mut layer.unpacker {
            let pace = unpacker.pace();
            let child = inner.first_mut().map(|child| &mut child.window);
            let (step, has_room) = match child {
                Some(window) => {
                    let room = window.room();
                    let length = room.len().min(pace.room());
                    let step = unpacker.step(piece, &mut room[..length]);
                    window.add(step.made);
                    (step, step.made < length)
                }
                None if layer.is_dropping => {
                    let length = SCRAP_BYTES.min(pace.room());
                    let step = unpacker.step(piece, &mut [0; SCRAP_BYTES][..length]);
                    layer.dropped += u64::try_from(step.made).unwrap_or(u64::MAX);
                    (step, step.made < length)
                }
                // Full without a member, it has tried a password.
                None => (unpacker.step(piece, &mut []), true),
            };
            piece = &piece[..step.used];
            said = step.progress;
            layer.is_unpacking = !matches!(said, Progress::Hungry | Progress::Stopped(_));
            let made = u64::try_from(step.made).unwrap_or(u64::MAX);
            work += made.saturating_mul(pace.units());
            let is_whole = matches!(unpacker, Unpacker::Whole(_));
            work += match said {
                // What only reads a container that is all there has looked at much to make nothing.
                Progress::Full if is_whole && step.made == 0 => pace.reading_units(),
                Progress::Full if !is_whole && has_room => SETUP_UNITS,
                _ => 0,
            };
        }
        if layer.ended.is_none()
            && let (Some(body), Some(embedded)) = (&mut layer.body, &mut layer.embedded)
        {
            let known = body.raw_hits().len();
            work += body.scan(piece, engine.image.matcher());
            let (place, hits) = ((layer.position, piece), &body.raw_hits()[known..]);
            let makers = (&engine.image, &engine.spools);
            work += embedded.feed(makers, body.file_type, place, hits);
            if let (Some(watch), Some(lists)) = (&mut layer.watch, engine.image.links()) {
                watch.feed(piece, body.links(), lists);
            }
        }
        let used = piece.len();
        if let Some(digest) = &mut layer.digest {
            digest.update(piece);
        }
        layer.position += u64::try_from(used).unwrap_or(u64::MAX);
        if has_window {
            layer.window.take(used);
        }
        work += self.obey(index, said);
        Moved { taken: if has_window { 0 } else { used }, work }
    }
}

/// Room for what is dropped. The stack has it for each piece, so it is small.
const SCRAP_BYTES: usize = 4 << 10;
/// What it counts for that an unpacker set up a decoder: up to a third of a millisecond.
const SETUP_UNITS: u64 = 32 << 10;
/// Layers of so many bytes or fewer are clean by rule.
const IGNORED_BYTES_MAX: usize = 5;
