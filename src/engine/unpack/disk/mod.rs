//! Images of discs: ISO 9660 and UDF, each alone or both over the same files.
//!
//! ```text
//!   sector 16 ─┬─▶ volume descriptors ─▶ trees of folders ─┐
//!              └─▶ anchor ─▶ partitions ─▶ file sets ──────┴─▶ every file, once
//! ```
//!
//! Such an image is known by bytes behind its first 32 KiB, which no table leads to and any other file may
//! begin with: [`Volume`](crate::engine::volume) keeps what follows them, whatever the layer is otherwise.
//!
//! Every place and length is somebody's word. A folder is read once, and so is a file, so loops end; what
//! all folders together have is not believed to be more than twice the image.

mod extents;
mod iso;
mod udf;

use std::collections::BTreeSet;

use self::extents::Extents;
use self::iso::Iso;
use self::udf::Udf;
use super::{Label, Member, Progress};
use crate::engine::verdict::Why;

/// An image being read.
#[derive(Default)]
pub(super) struct Disk {
    place: Place,
    iso: Option<Iso>,
    udf: Option<Box<Udf>>,
    notes: Notes,
}

#[derive(Default)]
enum Place {
    #[default]
    Start,
    Between,
    /// The bytes of a file, whose beginning was said.
    Inside(System, File),
    Over,
}

#[derive(Clone, Copy)]
enum System {
    Iso,
    Udf,
}

/// A file that was found.
struct File {
    name: Vec<u8>,
    extents: Extents,
}

/// What a look for the next file came to.
enum Turn {
    Found(File),
    /// Nothing yet.
    More,
    /// There is no other.
    Over,
}

/// What is remembered over all trees.
#[derive(Default)]
struct Notes {
    said: Option<Why>,
    /// The first bytes of folders, and how many they have: one may be said to be longer than another says.
    folders: BTreeSet<(u64, u64)>,
    /// The first bytes and sizes of files.
    files: BTreeSet<(u64, u64)>,
    /// Bytes that folders may have from here on; `None` when they had too many.
    left: Option<u64>,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The next step, given all of the image: bytes made, and what there is to say.
    pub(super) fn step(&mut self, image: &[u8], output: &mut [u8]) -> (usize, Progress) {
        if let Some(why) = self.notes.said.take() {
            return (0, Progress::Missed(why));
        }
        match &mut self.place {
            Place::Start => (0, self.start(image)),
            Place::Between => (0, self.search(image)),
            Place::Inside(_, file) => {
                let made = file.extents.read(image, output);
                if made > 0 || output.is_empty() {
                    return (made, Progress::Full);
                }
                let is_whole = file.extents.left() == 0;
                self.place = Place::Between;
                (0, Progress::End(if is_whole { Ok(()) } else { Err(ENDS_EARLY) }))
            }
            Place::Over => (0, Progress::Hungry),
        }
    }

    /// The member that has just begun.
    pub(super) fn member(&self) -> Member {
        let Place::Inside(system, file) = &self.place else { return Member::default() };
        let (what, around) = match system {
            System::Iso => ("iso9660", "CL_TYPE_ISO9660"),
            System::Udf => ("udf", "CL_TYPE_UDF"),
        };
        Member {
            label: Label::named(what, &file.name),
            size: Some(file.extents.left()),
            around: Some(around),
            ..Member::default()
        }
    }

    fn start(&mut self, image: &[u8]) -> Progress {
        self.place = Place::Between;
        let size = u64::try_from(image.len()).unwrap_or(u64::MAX);
        self.notes.left = Some(size.saturating_mul(2));
        self.iso = Iso::open(image);
        match Udf::open(image) {
            Ok(udf) => self.udf = udf.map(Box::new),
            Err(why) => self.notes.miss(why),
        }
        if self.iso.is_none() && self.udf.is_none() {
            self.notes.miss(Why::Broken("disc image: no volume"));
        }
        Progress::Full
    }

    /// Looks for the next file.
    fn search(&mut self, image: &[u8]) -> Progress {
        let (system, turn) = if let Some(iso) = &mut self.iso {
            (System::Iso, iso.next(image, &mut self.notes))
        } else if let Some(udf) = &mut self.udf {
            (System::Udf, udf.next(image, &mut self.notes))
        } else {
            self.place = Place::Over;
            return Progress::Full;
        };
        match turn {
            Turn::More => {}
            Turn::Over => match system {
                System::Iso => self.iso = None,
                System::Udf => self.udf = None,
            },
            Turn::Found(file) => {
                if file.extents.begins_before(SYSTEM_BYTES) {
                    // No writer puts files there, and these bytes are not kept.
                    self.notes.miss(Why::Broken("disc image: a file before the volume"));
                } else if self.notes.is_new(&file.extents) {
                    self.place = Place::Inside(system, file);
                    return Progress::Begin;
                }
            }
        }
        Progress::Full
    }
}

impl Notes {
    fn miss(&mut self, why: Why) {
        self.said.get_or_insert(why);
    }

    /// Whether a folder of so many bytes is read: one that was not yet, and not too much of them.
    fn enters(&mut self, from: u64, length: u64) -> bool {
        if length == 0 || !self.folders.insert((from, length)) {
            return false;
        }
        let Some(left) = self.left else { return false };
        self.left = left.checked_sub(length);
        if self.left.is_none() {
            self.miss(Why::Broken("disc image: folders of more than the image"));
        }
        self.left.is_some()
    }

    /// Whether these bytes were not handed on. Of files in several pieces that is not asked: two may
    /// begin alike.
    fn is_new(&mut self, extents: &Extents) -> bool {
        extents.only().is_none_or(|from| self.files.insert((from, extents.left())))
    }
}

/// The path of something in a folder, cut where nobody reads on.
fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = folder.to_vec();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path.truncate(PATH_BYTES_MAX);
    path
}

/// Bytes before the first descriptor of a volume.
pub(in crate::engine) const SYSTEM_BYTES: u64 = 32 << 10;
const PATH_BYTES_MAX: usize = 512;
const ENDS_EARLY: Why = Why::Broken("disc image: a file ends early");
