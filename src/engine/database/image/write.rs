//! Writing an image, section by section: what is written is given back at once.

use std::io::{self, Seek, SeekFrom, Write};

use zerocopy::IntoBytes;
use zerocopy::little_endian::{U32, U64};

use crate::engine::database::signature::Target;
use crate::engine::database::workers::Workers;

use super::layout::{
    ALIGN, Directory, HEADER_BYTES, MAGIC, OffsetKind, PatternKind, RecordBytes, SectionKind,
    VERSION,
};
use super::seal::{self, PIECE_BYTES, PieceSum};

/// Where an image goes: a file, or memory.
pub trait Sink: Write + Seek {}

impl<T: Write + Seek> Sink for T {}

/// One pattern of the matcher.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine::database) struct Record {
    /// The name of a body pattern, the number of any other among its kind.
    pub number: u32,
    pub target: Target,
    pub offset: OffsetKind,
    pub kind: PatternKind,
}

/// An image that is being written. Sections come in the order of [`SectionKind::ALL`]; what is left
/// out is empty.
pub(in crate::engine::database) struct Writer<'a> {
    out: &'a mut dyn Sink,
    workers: &'a dyn Workers,
    directory: [[u64; 3]; SectionKind::ALL.len()],
    /// Bytes so far, header and directory included.
    at: u64,
    /// The bytes of the piece that is not full yet.
    piece: Vec<u8>,
    sums: Vec<PieceSum>,
}

impl<'a> Writer<'a> {
    /// Keeps the place of header and directory free.
    pub(in crate::engine::database) fn new(
        out: &'a mut dyn Sink,
        workers: &'a dyn Workers,
    ) -> io::Result<Self> {
        let head = [0; HEAD_BYTES];
        out.write_all(&head)?;
        let directory = SectionKind::ALL.map(|kind| [kind.number(), HEAD_BYTES as u64, 0]);
        let at = head.len() as u64;
        Ok(Self { out, workers, directory, at, piece: Vec::new(), sums: Vec::new() })
    }

    /// Writes one section.
    pub(in crate::engine::database) fn section(
        &mut self,
        kind: SectionKind,
        bytes: &[u8],
    ) -> io::Result<()> {
        let aligned = self.at.next_multiple_of(ALIGN as u64);
        let padding = usize::try_from(aligned.saturating_sub(self.at)).unwrap_or_default();
        let zeros = [0; ALIGN];
        self.write(zeros.get(..padding).unwrap_or_default())?;
        let number = kind.number();
        // Sections behind this one begin behind it, for now with nothing.
        let end = aligned.saturating_add(bytes.len() as u64).next_multiple_of(ALIGN as u64);
        for place in &mut self.directory {
            let [other, offset, length] = place;
            match (*other).cmp(&number) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => (*offset, *length) = (aligned, bytes.len() as u64),
                std::cmp::Ordering::Greater => *offset = end,
            }
        }
        self.write(bytes)
    }

    /// Puts header and directory in front; gives the length of the image.
    pub(in crate::engine::database) fn finish(mut self) -> io::Result<u64> {
        let last = self.directory.iter().map(|[_, offset, _]| *offset).max().unwrap_or_default();
        let padding = usize::try_from(last.saturating_sub(self.at)).unwrap_or_default();
        let zeros = [0; ALIGN];
        self.write(zeros.get(..padding).unwrap_or_default())?;
        if !self.piece.is_empty() {
            self.sums.push(seal::piece_sum(&self.piece));
        }
        let directory: Directory = self.directory.map(|place| place.map(U64::new));
        let mut head = Vec::with_capacity(HEAD_BYTES);
        head.extend_from_slice(&MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.extend_from_slice(&[0; 4]);
        head.extend_from_slice(&(SectionKind::ALL.len() as u64).to_le_bytes());
        head.extend_from_slice(&self.at.to_le_bytes());
        let sum = seal::root([&head, directory.as_bytes()], &self.sums);
        head.extend_from_slice(&sum);
        head.extend_from_slice(directory.as_bytes());
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&head)?;
        self.out.flush()?;
        Ok(self.at)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at = self.at.saturating_add(bytes.len() as u64);
        let room = PIECE_BYTES.saturating_sub(self.piece.len()).min(bytes.len());
        let (first, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.piece.extend_from_slice(first);
        if self.piece.len() < PIECE_BYTES {
            return Ok(());
        }
        self.sums.push(seal::piece_sum(&self.piece));
        self.piece.clear();
        let (whole, last) = rest.as_chunks::<PIECE_BYTES>();
        self.sums.extend(seal::piece_sums(whole.as_flattened(), self.workers));
        self.piece.extend_from_slice(last);
        Ok(())
    }
}

/// The SIGNATURES section.
pub(in crate::engine::database) fn section_of(records: &[Record]) -> Vec<u8> {
    let mut section = Vec::with_capacity(size_of_val(records));
    for Record { number, target, offset, kind } in records {
        let word = u32::from_le_bytes([*target as u8, *offset as u8, *kind as u8, 0]);
        let record: RecordBytes = [U32::new(*number), U32::new(word)];
        section.extend_from_slice(record.as_bytes());
    }
    section
}

/// Header and directory.
pub(super) const HEAD_BYTES: usize = HEADER_BYTES + size_of::<Directory>();
