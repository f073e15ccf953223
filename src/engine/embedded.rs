//! Objects that begin in the middle of a layer: an executable behind data, a page behind text.
//!
//! ```text
//!   parent  ░░░░░░░░░░MZ…PE░░░░░░░░░░<html>░░░░░░░░░░ end
//!                     └─▶ pe@10 ───────────────────▶     fed along with the parent, no copy
//!                                     └─▶ html@26 ─▶
//! ```
//!
//! Their magic is a pattern of the matcher (type 1 lines of a `.ftm`, `clamav.md` A6.2); without such
//! a table none are looked for. A child is all bytes from its start to the end of the parent, matched
//! with the targets of its own type and with offsets of its own.
//!
//! What starts a child: executables whose header is one, in any layer; pages and mails in text;
//! documents, images, films and classes in layers of another kind, one of each. Archives start none:
//! zips in the middle of something else are walked ([`unpack`](super::unpack)), the others are not opened
//! there, and no signature has them as a target. A magic number of four bytes turns up by chance in
//! every few gigabytes of packed data: to call every second large download unscanned for it would teach
//! administrators to let unscanned objects pass. The bytes themselves are matched all the same.
//!
//! At most [`CHILDREN_MAX`] children of a layer at a time; each counts for `MaxFiles` and
//! `MaxRecursion`, and its bytes for `MaxScanSize`. What finds no room is unscanned.
//!
//! Absent: digests of children (their end is that of the parent, not their own), and children of
//! children: the same bytes are those of the parent.

use std::sync::Arc;

use super::body::{Body, Spools};
use super::database::{Image, PatternKind};
use super::digest::{Kinds, Needs};
use super::file_type::{FileType, Types};
use super::matcher::Hit;
use super::verdict::Limit;

/// The objects inside one layer.
pub(super) struct Embedded {
    children: Vec<Child>,
    /// The last bytes of the parent, in which a child may have begun.
    history: Vec<u8>,
    room: Room,
    /// Children begun since the last settling.
    begun: u32,
    /// A child found no room since then.
    missed: Option<Limit>,
}

/// How many children a layer may begin until it is settled the next time, and what is in the way then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) children: u32,
    pub(super) limit: Limit,
}

/// One of them.
struct Child {
    file_type: FileType,
    /// Its first byte in the parent.
    at: u64,
    body: Box<Body>,
}

impl Embedded {
    pub(super) const fn new(room: Room) -> Self {
        Self { children: Vec::new(), history: Vec::new(), room, begun: 0, missed: None }
    }

    /// The parent's next bytes, which begin at `before`, and the hits of its matcher on them. Says how
    /// many units of work that was.
    pub(super) fn feed(
        &mut self,
        (image, spools): (&Arc<Image>, &Spools),
        parent: FileType,
        (before, piece): (u64, &[u8]),
        hits: &[Hit],
    ) -> u64 {
        let types = image.types();
        if !types.has_embedded() {
            return 0;
        }
        let mut work = 0;
        for child in &mut self.children {
            work += child.body.scan(piece, image.matcher());
        }
        for hit in hits {
            let Some(file_type) = wanted(image, types, parent, *hit) else { continue };
            let from = hit.offset.max(hit.at.saturating_sub(HISTORY_BYTES));
            let past = Past { history: &self.history, piece, before };
            if !self.starts(file_type, from, hit.at, &past) {
                continue;
            }
            if self.begun >= self.room.children {
                self.missed = Some(self.room.limit);
            } else if self.children.len() >= CHILDREN_MAX {
                self.missed = Some(Limit::MaxFiles);
            } else {
                let mut body =
                    Box::new(Body::new((file_type, None), NO_DIGESTS, None, image, spools));
                for bytes in past.from(from) {
                    work += body.scan(bytes, image.matcher());
                }
                self.begun += 1;
                self.children.push(Child { file_type, at: from, body });
            }
        }
        self.remember(piece);
        work
    }

    /// Takes over what happened since the last time: children begun, and the limit that one met.
    pub(super) const fn settle(&mut self, room: Room) -> (u32, Option<Limit>) {
        let happened = (self.begun, self.missed.take());
        self.begun = 0;
        self.room = room;
        happened
    }

    /// Whether an object of this type begins at `from`, known of by the byte at `at`.
    fn starts(&self, file_type: FileType, from: u64, at: u64, past: &Past<'_>) -> bool {
        let mut known = self.children.iter().filter(|child| child.file_type == file_type);
        match file_type {
            FileType::Pe => from > 0 && known.all(|child| child.at != from) && past.is_pe(from, at),
            FileType::Elf | FileType::MachO => from > 0 && known.all(|child| child.at != from),
            _ => known.next().is_none(),
        }
    }

    /// The parent ended after `size` bytes.
    pub(super) fn finish(&mut self, size: u64, image: &Image) {
        for child in &mut self.children {
            child.body.finish(size.saturating_sub(child.at), image.matcher());
        }
    }

    /// The bodies, each with its step in the path of a detection.
    pub(super) fn bodies(&mut self) -> impl Iterator<Item = (impl Fn() -> String, &mut Body)> {
        self.children.iter_mut().map(|child| {
            let (file_type, at) = (child.file_type, child.at);
            (move || format!("{}@{at}", label(file_type)), &mut *child.body)
        })
    }

    /// Children that are open.
    pub(super) const fn count(&self) -> usize {
        self.children.len()
    }

    /// Whether a matcher had to forget something.
    pub(super) fn overflowed(&self) -> bool {
        self.children.iter().any(|child| child.body.overflowed())
    }

    fn remember(&mut self, piece: &[u8]) {
        let kept = usize::try_from(2 * HISTORY_BYTES).unwrap_or(usize::MAX);
        let tail = &piece[piece.len().saturating_sub(kept)..];
        // Moved seldom: the room is twice what is kept.
        if self.history.len() + tail.len() > 2 * kept {
            let gone = self.history.len().saturating_sub(kept.saturating_sub(tail.len()));
            self.history.drain(..gone);
        }
        self.history.extend_from_slice(tail);
    }
}

/// The bytes of the parent that are still at hand.
struct Past<'a> {
    history: &'a [u8],
    piece: &'a [u8],
    /// The place of the first byte of the piece.
    before: u64,
}

impl<'a> Past<'a> {
    /// Everything from a place on: what is left of the history, then of the piece.
    fn from(&self, place: u64) -> [&'a [u8]; 2] {
        let back = usize::try_from(self.before.saturating_sub(place)).unwrap_or(usize::MAX);
        let ahead = usize::try_from(place.saturating_sub(self.before)).unwrap_or(usize::MAX);
        let history = &self.history[self.history.len().saturating_sub(back)..];
        [history, self.piece.get(ahead..).unwrap_or_default()]
    }

    fn byte(&self, place: u64) -> Option<u8> {
        let [history, piece] = self.from(place);
        history.first().or_else(|| piece.first()).copied()
    }

    /// Whether the header at `from` leads to that of an executable, as far as the bytes before `at` tell.
    fn is_pe(&self, from: u64, at: u64) -> bool {
        let field = |place: u64| match place < at {
            true => self.byte(place),
            false => None,
        };
        let mut distance = [0; 4];
        for (slot, place) in distance.iter_mut().zip(from + 60..) {
            let Some(byte) = field(place) else { return true };
            *slot = byte;
        }
        let header = from + u64::from(u32::from_le_bytes(distance));
        b"PE\0\0"
            .iter()
            .zip(header..)
            .all(|(sign, place)| field(place).is_none_or(|byte| byte == *sign))
    }
}

/// The type of the object that begins at a hit, when it is one that starts a child in this parent.
fn wanted(image: &Image, types: Types<'_>, parent: FileType, hit: Hit) -> Option<FileType> {
    let (PatternKind::Magic, number) = image.pattern(hit.signature)? else { return None };
    let row = types.embedded(number)?;
    let lies_in = row.parent.clam_name();
    let may_lie = lies_in == "CL_TYPE_ANY" || lies_in == parent.clam_name();
    let file_type = row.kind.file_type();
    let is_wanted = match file_type {
        FileType::Pe | FileType::Elf | FileType::MachO => true,
        FileType::Html(_) | FileType::Mail => matches!(parent, FileType::Text(_)),
        FileType::Ole2
        | FileType::Pdf
        | FileType::Flash
        | FileType::Java
        | FileType::MachOUniversal
        | FileType::Graphics(_) => file_type.targets() != parent.targets(),
        FileType::Text(_)
        | FileType::Gzip
        | FileType::Container(_)
        | FileType::Recognised(_)
        | FileType::Other => false,
    };
    (may_lie && is_wanted).then_some(file_type)
}

/// As in the path of a detection.
const fn label(file_type: FileType) -> &'static str {
    match file_type {
        FileType::Pe => "pe",
        FileType::Elf => "elf",
        FileType::MachO | FileType::MachOUniversal => "mach-o",
        FileType::Html(_) => "html",
        FileType::Mail => "mail",
        FileType::Ole2 => "ole2",
        FileType::Pdf => "pdf",
        FileType::Flash => "flash",
        FileType::Java => "java",
        FileType::Graphics(_) => "graphics",
        FileType::Text(_)
        | FileType::Gzip
        | FileType::Container(_)
        | FileType::Recognised(_)
        | FileType::Other => "object",
    }
}

/// Objects inside one layer at a time; each costs another matcher on the rest of the layer.
const CHILDREN_MAX: usize = 32;
/// So far before the place at which its magic was certain a child may begin.
const HISTORY_BYTES: u64 = 4 << 10;
const NO_DIGESTS: Needs = Needs { detect: Kinds::NONE, trust: Kinds::NONE };
