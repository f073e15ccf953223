//! The header of a 7z archive: where packed streams lie, what undoes them, and which files come out of them.
//!
//! Every count in it is followed by something for each; but a byte may tell of a folder, which takes hundreds here. So
//! what is kept is counted, and is not more than [`ROOM_BYTES`]. Of files nothing is kept but where their names and
//! marks lie.

use std::ops::Range;

use crate::engine::unpack::numbers::le32;
use crate::engine::verdict::{Limit, Why};

/// What a header tells.
#[derive(Default)]
pub(super) struct Archive {
    pub(super) streams: Streams,
    /// Sizes of what comes out of the folders, one after another.
    pub(super) sizes: Vec<u64>,
    /// How many of them each folder has.
    pub(super) counts: Vec<u64>,
    /// The sums of what comes out, where they are told.
    pub(super) sums: Vec<Option<u32>>,
    pub(super) files: u64,
    /// Where, in the header, the marks of files without contents and the names are.
    pub(super) empty: Option<Range<usize>>,
    pub(super) names: Option<Range<usize>>,
}

/// Packed streams, and what undoes them.
#[derive(Default)]
pub(super) struct Streams {
    /// Where each begins in the file, and how many bytes it has.
    pub(super) packs: Vec<(u64, u64)>,
    pub(super) folders: Vec<Folder>,
}

/// Coders that are joined to one.
#[derive(Default)]
pub(super) struct Folder {
    pub(super) coders: Vec<Coder>,
    /// Which input takes which output.
    pub(super) binds: Vec<(u64, u64)>,
    /// The inputs that take packed streams.
    pub(super) packed: Vec<u64>,
    /// The first of these streams.
    pub(super) pack: usize,
    /// Sizes of all outputs.
    pub(super) sizes: Vec<u64>,
    /// Of what comes out.
    pub(super) sum: Option<u32>,
}

pub(super) struct Coder {
    pub(super) method: u64,
    pub(super) inputs: u64,
    pub(super) outputs: u64,
    pub(super) properties: Box<[u8]>,
}

/// The files that come out of folders.
struct Files {
    counts: Vec<u64>,
    sizes: Vec<u64>,
    sums: Vec<Option<u32>>,
}

/// A header.
pub(super) enum Header {
    Plain(Archive),
    /// It is packed itself.
    Packed(Streams),
}

/// The rest of a header.
struct Cursor<'a> {
    all: &'a [u8],
    at: usize,
    /// Memory that what it tells may still take.
    room: usize,
}

/// It ends too early, or a number in it cannot be.
pub(super) const DAMAGED: Why = Why::Broken("7z: damaged header");

/// Reads a header.
pub(super) fn read(header: &[u8]) -> Result<Header, Why> {
    let mut cursor = Cursor { all: header, at: 0, room: ROOM_BYTES };
    match cursor.number()? {
        HEADER => cursor.archive().map(Header::Plain),
        ENCODED_HEADER => Ok(Header::Packed(cursor.streams()?.0)),
        _ => Err(DAMAGED),
    }
}

impl Folder {
    /// The output that no input takes: what comes out.
    pub(super) fn last_output(&self) -> Option<u64> {
        let outputs =
            self.coders.iter().fold(0_u64, |sum, coder| sum.saturating_add(coder.outputs));
        (0..outputs).find(|output| self.binds.iter().all(|bind| bind.1 != *output))
    }

    /// How many bytes come out.
    pub(super) fn size(&self) -> u64 {
        let output = self.last_output().and_then(|output| usize::try_from(output).ok());
        output.and_then(|output| self.sizes.get(output)).copied().unwrap_or(0)
    }
}

impl Cursor<'_> {
    fn byte(&mut self) -> Result<u8, Why> {
        let byte = self.all.get(self.at).copied().ok_or(DAMAGED)?;
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    /// So many bytes, by where they lie.
    fn pass(&mut self, count: u64) -> Result<Range<usize>, Why> {
        let count = usize::try_from(count).map_err(|_| DAMAGED)?;
        let end = self.at.checked_add(count).filter(|end| *end <= self.all.len()).ok_or(DAMAGED)?;
        let range = self.at..end;
        self.at = end;
        Ok(range)
    }

    /// A number of up to eight bytes: as many bits of the first byte are set as bytes follow.
    fn number(&mut self) -> Result<u64, Why> {
        let first = self.byte()?;
        let mut value = 0_u64;
        for at in 0..8_u32 {
            let mask = 0x80_u8.wrapping_shr(at);
            let shift = at.wrapping_mul(8);
            if first & mask == 0 {
                let high = u64::from(first & mask.wrapping_sub(1));
                return Ok(value | high.wrapping_shl(shift));
            }
            value |= u64::from(self.byte()?).wrapping_shl(shift);
        }
        Ok(value)
    }

    /// How many of something follow, each of which has at least one byte in what is left.
    fn count(&mut self) -> Result<u64, Why> {
        let count = self.number()?;
        if usize::try_from(count).is_ok_and(|count| count <= self.left()) {
            Ok(count)
        } else {
            Err(DAMAGED)
        }
    }

    /// Counts the memory for something that is kept.
    fn keep(&mut self, bytes: usize) -> Result<(), Why> {
        self.room = self.room.checked_sub(bytes).ok_or(Why::Limit(Limit::MaxScanState))?;
        Ok(())
    }

    fn expect(&mut self, wanted: u64) -> Result<(), Why> {
        if self.number()? == wanted { Ok(()) } else { Err(DAMAGED) }
    }

    fn archive(&mut self) -> Result<Archive, Why> {
        let mut archive = Archive::default();
        loop {
            match self.number()? {
                END => return Ok(archive),
                ARCHIVE_PROPERTIES => {
                    while self.number()? != END {
                        let size = self.number()?;
                        self.pass(size)?;
                    }
                }
                ADDITIONAL_STREAMS => {
                    self.streams()?;
                }
                MAIN_STREAMS => {
                    let (streams, files) = self.streams()?;
                    archive.streams = streams;
                    archive.counts = files.counts;
                    archive.sizes = files.sizes;
                    archive.sums = files.sums;
                }
                FILES => self.files(&mut archive)?,
                _ => return Err(DAMAGED),
            }
        }
    }

    /// Streams, and the files that each folder has.
    fn streams(&mut self) -> Result<(Streams, Files), Why> {
        let mut streams = Streams::default();
        let mut files = None;
        loop {
            match self.number()? {
                END => break,
                PACKS => streams.packs = self.packs()?,
                FOLDERS => streams.folders = self.folders()?,
                FILES_OF_FOLDERS => files = Some(self.files_of(&streams.folders)?),
                _ => return Err(DAMAGED),
            }
        }
        let files = files.unwrap_or_else(|| Files {
            counts: vec![1; streams.folders.len()],
            sizes: streams.folders.iter().map(Folder::size).collect(),
            sums: streams.folders.iter().map(|folder| folder.sum).collect(),
        });
        Ok((streams, files))
    }

    fn packs(&mut self) -> Result<Vec<(u64, u64)>, Why> {
        let mut at = self.number()?.checked_add(START_BYTES).ok_or(DAMAGED)?;
        let count = self.count()?;
        let mut packs = Vec::new();
        loop {
            match self.number()? {
                END => return Ok(packs),
                SIZES => {
                    for _ in 0..count {
                        let size = self.number()?;
                        self.keep(PACK_BYTES)?;
                        packs.push((at, size));
                        at = at.checked_add(size).ok_or(DAMAGED)?;
                    }
                }
                SUMS => {
                    self.sums(count)?;
                }
                _ => return Err(DAMAGED),
            }
        }
    }

    fn folders(&mut self) -> Result<Vec<Folder>, Why> {
        self.expect(FOLDER)?;
        let count = self.count()?;
        self.inside()?;
        let mut folders = Vec::new();
        let mut pack = 0_usize;
        for _ in 0..count {
            self.keep(FOLDER_BYTES)?;
            let folder = Folder { pack, ..self.folder()? };
            pack = pack.saturating_add(folder.packed.len());
            folders.push(folder);
        }
        self.expect(UNPACKED_SIZES)?;
        for folder in &mut folders {
            let outputs = folder.coders.iter().map(|coder| coder.outputs).sum::<u64>();
            for _ in 0..outputs {
                folder.sizes.push(self.number()?);
            }
        }
        loop {
            match self.number()? {
                END => return Ok(folders),
                SUMS => {
                    let sums = self.sums(count)?;
                    for (folder, sum) in folders.iter_mut().zip(sums) {
                        folder.sum = sum;
                    }
                }
                _ => return Err(DAMAGED),
            }
        }
    }

    fn folder(&mut self) -> Result<Folder, Why> {
        let mut folder = Folder::default();
        let (mut inputs, mut outputs) = (0_u64, 0_u64);
        let count = self.number()?;
        if count == 0 || count > CODERS_MAX {
            return Err(DAMAGED);
        }
        for _ in 0..count {
            self.keep(CODER_BYTES)?;
            let coder = self.coder()?;
            inputs = inputs.saturating_add(coder.inputs);
            outputs = outputs.saturating_add(coder.outputs);
            folder.coders.push(coder);
        }
        let binds = outputs.checked_sub(1).ok_or(DAMAGED)?;
        if inputs > CODERS_MAX || outputs > CODERS_MAX || inputs < binds {
            return Err(DAMAGED);
        }
        for _ in 0..binds {
            folder.binds.push((self.number()?, self.number()?));
        }
        let packed = inputs.saturating_sub(binds);
        if packed == 1 {
            let is_free = |input: &u64| folder.binds.iter().all(|bind| bind.0 != *input);
            folder.packed.push((0..inputs).find(is_free).ok_or(DAMAGED)?);
        } else {
            for _ in 0..packed {
                folder.packed.push(self.number()?);
            }
        }
        Ok(folder)
    }

    fn coder(&mut self) -> Result<Coder, Why> {
        let flags = self.byte()?;
        let name = self.pass(u64::from(flags & 0x0f))?;
        let name = self.all.get(name).filter(|name| name.len() <= 8).ok_or(DAMAGED)?;
        let method = name.iter().fold(0_u64, |id, byte| id.wrapping_shl(8) | u64::from(*byte));
        let (inputs, outputs) =
            if flags & 0x10 != 0 { (self.number()?, self.number()?) } else { (1, 1) };
        let mut properties = Box::default();
        if flags & 0x20 != 0 {
            let size = self.number()?;
            let range = self.pass(size)?;
            self.keep(range.len())?;
            properties = self.all.get(range).unwrap_or_default().into();
        }
        if flags & 0x80 != 0 {
            return Err(Why::Unsupported("7z: coders with alternatives"));
        }
        Ok(Coder { method, inputs, outputs, properties })
    }

    fn files_of(&mut self, folders: &[Folder]) -> Result<Files, Why> {
        let (mut counts, mut sizes) = (vec![1_u64; folders.len()], Vec::new());
        let mut kind = self.number()?;
        if kind == FILE_COUNTS {
            for count in &mut counts {
                *count = self.number()?;
            }
            kind = self.number()?;
        }
        let has_sizes = kind == SIZES;
        for (folder, count) in folders.iter().zip(&counts) {
            let Some(before_last) = count.checked_sub(1) else { continue };
            let mut left = folder.size();
            for _ in 0..before_last {
                if !has_sizes {
                    return Err(DAMAGED);
                }
                let size = self.number()?;
                self.keep(FILE_BYTES)?;
                left = left.checked_sub(size).ok_or(DAMAGED)?;
                sizes.push(size);
            }
            sizes.push(left);
        }
        if has_sizes {
            kind = self.number()?;
        }
        // A folder of one file has told its sum, which is not told again.
        let known = |(folder, count): (&Folder, &u64)| folder.sum.filter(|_| *count == 1);
        let mut told = Vec::new();
        loop {
            match kind {
                END => break,
                SUMS => {
                    let unknown = folders.iter().zip(&counts).filter(|all| known(*all).is_none());
                    let count = unknown.fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
                    told = self.sums(count)?;
                }
                _ => return Err(DAMAGED),
            }
            kind = self.number()?;
        }
        let (mut sums, mut told) = (Vec::new(), told.into_iter());
        for (folder, count) in folders.iter().zip(&counts) {
            match known((folder, count)) {
                Some(sum) => sums.push(Some(sum)),
                None => sums.extend((0..*count).map(|_| told.next().flatten())),
            }
        }
        Ok(Files { counts, sizes, sums })
    }

    /// The sums of so many streams, of those that have one.
    fn sums(&mut self, count: u64) -> Result<Vec<Option<u32>>, Why> {
        let is_all = self.byte()? != 0;
        let length = usize::try_from(count).map_err(|_| DAMAGED)?;
        let least = if is_all { count.saturating_mul(4) } else { count.div_ceil(8) };
        let marks = self.pass(if is_all { 0 } else { least })?;
        if is_all && usize::try_from(least).map_or(true, |least| least > self.left()) {
            return Err(DAMAGED);
        }
        self.keep(length.saturating_mul(size_of::<Option<u32>>()))?;
        let marks = self.all.get(marks).unwrap_or_default();
        let mut sums = Vec::with_capacity(length);
        for at in 0..length {
            let has_sum = is_all || bit(marks, at);
            let range = self.pass(if has_sum { 4 } else { 0 })?;
            sums.push(self.all.get(range).and_then(|bytes| le32(bytes, 0)));
        }
        Ok(sums)
    }

    /// Bytes that are left.
    const fn left(&self) -> usize {
        self.all.len().saturating_sub(self.at)
    }

    fn files(&mut self, archive: &mut Archive) -> Result<(), Why> {
        archive.files = self.number()?;
        loop {
            let kind = self.number()?;
            if kind == END {
                return Ok(());
            }
            let size = self.number()?;
            let range = self.pass(size)?;
            match kind {
                EMPTY_STREAMS => archive.empty = Some(range),
                NAMES => {
                    let mut inside = Cursor { all: self.all, at: range.start, room: 0 };
                    inside.inside()?;
                    archive.names = Some(inside.at..range.end);
                }
                _ => {}
            }
        }
    }

    /// A mark that what follows is not in another stream, which no program writes.
    fn inside(&mut self) -> Result<(), Why> {
        match self.byte()? {
            0 => Ok(()),
            _ => Err(Why::Unsupported("7z: a header in several streams")),
        }
    }
}

/// The bit of this number, the highest of a byte first.
pub(super) fn bit(bytes: &[u8], at: usize) -> bool {
    let byte = bytes.get(at / 8).copied().unwrap_or(0);
    let shift = u32::try_from(at % 8).unwrap_or(0);
    byte & 0x80_u8.wrapping_shr(shift) != 0
}

const END: u64 = 0;
const HEADER: u64 = 1;
const ARCHIVE_PROPERTIES: u64 = 2;
const ADDITIONAL_STREAMS: u64 = 3;
const MAIN_STREAMS: u64 = 4;
const FILES: u64 = 5;
const PACKS: u64 = 6;
const FOLDERS: u64 = 7;
const FILES_OF_FOLDERS: u64 = 8;
const SIZES: u64 = 9;
const SUMS: u64 = 10;
const FOLDER: u64 = 11;
const UNPACKED_SIZES: u64 = 12;
const FILE_COUNTS: u64 = 13;
const EMPTY_STREAMS: u64 = 14;
const NAMES: u64 = 17;
const ENCODED_HEADER: u64 = 23;
/// What the tables of a header may take: those of some ten thousand folders, or a million files.
const ROOM_BYTES: usize = 32 << 20;
/// A folder without its coders: itself, its sizes, its packed streams and their places.
const FOLDER_BYTES: usize = 512;
/// A packed stream, a coder, a size with a sum: lists grow to twice what is in them.
const PACK_BYTES: usize = 2 * size_of::<(u64, u64)>();
const CODER_BYTES: usize = 2 * size_of::<Coder>();
const FILE_BYTES: usize = 2 * (size_of::<u64>() + size_of::<Option<u32>>());
/// 7-Zip itself knows no more coders of a folder, nor more streams.
const CODERS_MAX: u64 = 32;
/// In front of the first packed stream.
pub(super) const START_BYTES: u64 = 32;
