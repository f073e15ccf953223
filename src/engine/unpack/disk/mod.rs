//! Images of discs: ISO 9660 and UDF, each alone or both over the same files; and of disks: partitions with FAT or HFS+.
//!
//! ```text
//!   sector 16 ─┬─▶ volume descriptors ─▶ trees of folders ─┐
//!              └─▶ anchor ─▶ partitions ─▶ file sets ──────┤
//!   sector 0 ─▶ tables of partitions ─▶ FAT, HFS+ ─────────┴─▶ every file, once
//! ```
//!
//! Such an image is known by bytes behind its first 32 KiB, which no table leads to and any other file may
//! begin with: [`Volume`](crate::engine::volume) keeps what follows them, whatever the layer is otherwise.
//!
//! Every place and length is somebody's word. A folder is read once, and so is a file, so loops end; what
//! all folders together have is not believed to be more than twice the image.

mod extents;
mod fat;
mod hfs;
mod iso;
mod systems;
mod tables;
mod udf;

use std::collections::BTreeSet;

use self::extents::Extents;
use self::fat::Fat;
use self::hfs::Hfs;
use self::iso::Iso;
use self::udf::Udf;
use super::ranges::Ranges;
use super::{Label, Member, Progress};
use crate::engine::verdict::Why;

/// An image being read.
#[derive(Default)]
pub(super) struct Disk {
    place: Place,
    iso: Option<Iso>,
    udf: Option<Box<Udf>>,
    fat: Option<Box<Fat>>,
    hfs: Option<Box<Hfs>>,
    /// The first bytes of partitions, the last one first.
    volumes: Vec<u64>,
    /// It is known by its head: all of its bytes are there, and what is in no file is asked for.
    is_storage: bool,
    taken: Ranges,
    pieces: usize,
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
    Fat,
    Hfs,
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
    /// The first one first, each once.
    said: Vec<Why>,
    /// The first bytes of folders, and how many they have: one may be said to be longer than another says.
    folders: BTreeSet<(u64, u64)>,
    /// The first bytes and sizes of files.
    files: BTreeSet<(u64, u64)>,
    /// Bytes that folders may have from here on; `None` when they had too many.
    left: Option<u64>,
    /// Links between clusters that may be followed from here on.
    links: u64,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Of what begins with a table of partitions, or with a file system.
    pub(super) fn storage() -> Self {
        Self { is_storage: true, ..Self::default() }
    }

    /// Whether it is asked for what is in no file.
    pub(super) const fn is_storage(&self) -> bool {
        self.is_storage
    }

    /// Whether a byte is one of a file. To be asked when all were read.
    pub(super) fn has(&self, place: u64) -> bool {
        self.taken.contains(place)
    }

    /// The next step, given all of the image: bytes made, and what there is to say.
    pub(super) fn step(&mut self, image: &[u8], output: &mut [u8]) -> (usize, Progress) {
        // What was found with it is given first.
        if !matches!(self.place, Place::Inside(..)) && !self.notes.said.is_empty() {
            return (0, Progress::Missed(self.notes.said.remove(0)));
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
            System::Fat => ("fat", "CL_TYPE_PART_ANY"),
            System::Hfs => ("hfs+", "CL_TYPE_PART_HFSPLUS"),
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
        self.notes.links = size.div_ceil(CLUSTER_BYTES_MIN).saturating_mul(2);
        if self.is_storage {
            self.volumes = tables::volumes(image);
            self.volumes.reverse();
            return Progress::Full;
        }
        let second = image.get(1_024..1_536).and_then(systems::of_second);
        if let Some(systems::System::Hfs(_)) = second {
            self.volumes.push(0);
        }
        self.iso = Iso::open(image);
        match Udf::open(image) {
            Ok(udf) => self.udf = udf.map(Box::new),
            Err(why) => self.notes.miss(why),
        }
        if self.iso.is_none() && self.udf.is_none() && self.volumes.is_empty() {
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
        } else if let Some(fat) = &mut self.fat {
            (System::Fat, fat.next(image, &mut self.notes))
        } else if let Some(hfs) = &mut self.hfs {
            (System::Hfs, hfs.next(image, &mut self.notes))
        } else if let Some(from) = self.volumes.pop() {
            self.open_volume(image, from);
            return Progress::Full;
        } else {
            self.taken.sort();
            self.place = Place::Over;
            return Progress::Full;
        };
        match turn {
            Turn::More => {}
            Turn::Over => match system {
                System::Iso => self.iso = None,
                System::Udf => self.udf = None,
                System::Fat => self.fat = None,
                System::Hfs => self.hfs = None,
            },
            Turn::Found(file) => {
                self.take(&file.extents);
                let front = match system {
                    System::Iso | System::Udf => SYSTEM_BYTES,
                    // The sectors to boot from.
                    System::Fat | System::Hfs => FRONT_BYTES,
                };
                if file.extents.begins_before(front) {
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

impl Disk {
    /// Opens the file systems of a partition.
    fn open_volume(&mut self, image: &[u8], from: u64) {
        // Another volume may have other bytes behind the same folder.
        self.notes.folders.clear();
        for system in systems::of(image, from) {
            match system {
                systems::System::Fat => match Fat::open(image, from) {
                    Ok(fat) => self.fat = Some(Box::new(fat)),
                    Err(why) => self.notes.miss(why),
                },
                systems::System::Hfs(offset) => match Hfs::open(image, from.saturating_add(offset))
                {
                    Ok(hfs) => self.hfs = Some(Box::new(hfs)),
                    Err(why) => self.notes.miss(why),
                },
                systems::System::Closed(why) => self.notes.miss(why),
            }
        }
    }

    /// Notes where a file lies, without what its last piece has behind its end.
    fn take(&mut self, extents: &Extents) {
        self.pieces = self.pieces.saturating_add(extents.pieces().len());
        if !self.is_storage || self.pieces > PIECES_MAX {
            return;
        }
        let mut left = extents.left();
        for piece in extents.pieces() {
            let length = piece.length.min(left);
            left = left.saturating_sub(length);
            if let Some(from) = piece.from.filter(|_| length > 0) {
                self.taken.add(from, length);
            }
        }
    }
}

/// Whether a layer begins as an image of a disk does that is read.
pub(super) fn is_front(head: &[u8]) -> bool {
    fat::is_front(head) || tables::is_front(head) || systems::closed(head) == Some(Why::Encrypted)
}

/// What file system a layer begins with that is not read.
pub(super) fn unread(head: &[u8]) -> Option<&'static str> {
    match systems::closed(head) {
        Some(Why::Unsupported(name)) => Some(name),
        _ => None,
    }
}

/// Of the 512 bytes behind the first kilobyte of a layer: whether they are of a file system, and why that is not read.
pub(in crate::engine) fn of_second_block(block: &[u8]) -> Option<Result<(), Why>> {
    match systems::of_second(block)? {
        systems::System::Closed(why) => Some(Err(why)),
        systems::System::Hfs(_) => Some(Ok(())),
        systems::System::Fat => None,
    }
}

impl Notes {
    fn miss(&mut self, why: Why) {
        if !self.said.contains(&why) {
            self.said.push(why);
        }
    }

    /// Whether another link between clusters is followed.
    const fn follows(&mut self) -> bool {
        let Some(links) = self.links.checked_sub(1) else { return false };
        self.links = links;
        true
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
/// Bytes before the first of a file on a disk.
const FRONT_BYTES: u64 = 1_024;
/// Pieces of files whose places are noted: 4 MiB of memory.
const PIECES_MAX: usize = 1 << 18;
/// The least that a link between clusters stands for.
const CLUSTER_BYTES_MIN: u64 = 512;
const PATH_BYTES_MAX: usize = 512;
const ENDS_EARLY: Why = Why::Broken("disc image: a file ends early");
