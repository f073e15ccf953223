//! Where UPX puts what it packs into an ELF file.
//!
//! Behind the program headers are twelve bytes about the loader, twelve about the program (a number, its
//! size, the size of a block), and the blocks, each with twelve bytes of its own. The first block holds the
//! headers of the program, the others the bytes of its segments, in order; what lies between segments in
//! the file is not kept in its place.

use std::ops::Range;

use super::{Block, Filter, Method};

/// Numbers in the order of bytes of a file.
#[derive(Clone, Copy)]
pub(super) struct Elf {
    is_wide: bool,
    is_big: bool,
}

/// Where the blocks begin, and how large the program is.
pub(super) struct Front {
    pub(super) elf: Elf,
    pub(super) blocks: usize,
    pub(super) program_bytes: usize,
}

/// Whether the front of a file is that of one that UPX packed; if so, whether its mark is there.
pub(in crate::engine::unpack::packed) fn is_packed(head: &[u8]) -> Option<bool> {
    let (_, at) = front(head)?;
    Some(head.get(at.checked_sub(20)?..)?.starts_with(MARK))
}

pub(super) fn read(file: &[u8]) -> Option<Front> {
    let (front, _) = front(file)?;
    Some(front)
}

fn front(file: &[u8]) -> Option<(Front, usize)> {
    let elf = Elf { is_wide: *file.get(4)? == 2, is_big: *file.get(5)? == 2 };
    let (table, size_at, count_at) =
        if elf.is_wide { (elf.number(file, 32)?, 54, 56) } else { (elf.number(file, 28)?, 42, 44) };
    let size = usize::from(elf.half(file, size_at)?);
    let count = usize::from(elf.half(file, count_at)?);
    (count <= SEGMENTS_MAX).then_some(())?;
    let loader = usize::try_from(table).ok()?.checked_add(size.checked_mul(count)?)?;
    let program = loader.checked_add(12)?;
    let blocks = program.checked_add(12)?;
    let program_bytes = usize::try_from(elf.number(file, program.checked_add(4)?)?).ok()?;
    let block_bytes = usize::try_from(elf.number(file, program.checked_add(8)?)?).ok()?;
    let first = elf.block(file, blocks)?;
    let is_plausible = first.plain <= block_bytes
        && block_bytes <= program_bytes.max(1 << 20)
        && first.plain >= 52
        && first.plain <= HEADERS_MAX;
    is_plausible.then_some((Front { elf, blocks, program_bytes }, blocks))
}

impl Elf {
    /// The block at a place. `None` when there is none.
    pub(super) fn block(self, file: &[u8], at: usize) -> Option<Block> {
        let plain = usize::try_from(self.number(file, at)?).ok()?;
        let size = usize::try_from(self.number(file, at.checked_add(4)?)?).ok()?;
        let [method, filter, mark, _] = *file.get(at.checked_add(8)?..)?.first_chunk()?;
        let start = at.checked_add(12)?;
        (plain > 0 && size > 0 && size <= plain).then_some(())?;
        let method = if size == plain { Method::Stored } else { Method::of(method)? };
        let packed = start..start.checked_add(size)?;
        Some(Block { packed, plain, method, filter: Filter { kind: filter, mark } })
    }

    /// The places of the segments in the file that has these headers.
    pub(super) fn segments(self, headers: &[u8]) -> Option<Vec<Range<usize>>> {
        let (table_at, size_at, count_at) = if self.is_wide { (32, 54, 56) } else { (28, 42, 44) };
        let table = usize::try_from(self.number(headers, table_at)?).ok()?;
        let size = usize::from(self.half(headers, size_at)?);
        let count = usize::from(self.half(headers, count_at)?).min(SEGMENTS_MAX);
        let mut segments = Vec::new();
        for index in 0..count {
            let row = headers.get(table.checked_add(index.checked_mul(size)?)?..)?;
            let (from, length) = if self.is_wide { (8, 32) } else { (4, 16) };
            if self.number(row, 0)? == LOAD {
                let from = usize::try_from(self.number(row, from)?).ok()?;
                let length = usize::try_from(self.number(row, length)?).ok()?;
                segments.push(from..from.checked_add(length)?);
            }
        }
        Some(segments)
    }

    /// A number of 32 bits. Of those of 64 bits, the lower half is enough, where it is looked for.
    fn number(self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw = *bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
    }

    fn half(self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = *bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    }
}

const MARK: &[u8] = b"UPX!";
const LOAD: u32 = 1;
/// Programs have a dozen.
const SEGMENTS_MAX: usize = 64;
const HEADERS_MAX: usize = 4 << 10;
