//! Where the volumes of a disk are: partition tables of PCs (MBR, with logical partitions), of EFI (GPT) and of Apple.
//!
//! All tables that there are count, as systems differ in which they believe. Parts that begin behind the end of the
//! image have no bytes in it.

use crate::engine::unpack::numbers::{be32, le16, le32, le64, part};

/// The first bytes of the volumes, in order, each once. The disk itself may be one.
pub(super) fn volumes(image: &[u8]) -> Vec<u64> {
    let mut starts = vec![0];
    of_pc(image, &mut starts);
    of_efi(image, &mut starts);
    of_apple(image, &mut starts);
    let size = u64::try_from(image.len()).unwrap_or(u64::MAX);
    starts.retain(|start| *start < size);
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// Whether a disk begins with a table.
pub(super) fn is_front(head: &[u8]) -> bool {
    entries_of_pc(head).is_some_and(is_table) || is_apple(head)
}

/// The entries of a sector with a table of PCs.
fn entries_of_pc(sector: &[u8]) -> Option<&[u8]> {
    let is_marked = le16(sector, 510) == Some(0xaa55);
    sector.get(446..510).filter(|_| is_marked)
}

/// Whether entries are such as systems read: one of a kind and a size at least, and those of that sort that begin to
/// boot or not. Whatever others hold, no system looks at.
fn is_table(entries: &[u8]) -> bool {
    let mut parts = 0_u32;
    let all_right = entries.chunks_exact(16).all(|entry| {
        let is_empty = entry.get(4) == Some(&0) || le32(entry, 12) == Some(0);
        // One that begins with the disk itself is no partition, and harmless.
        let is_part = !is_empty && le32(entry, 8) != Some(0);
        parts = parts.saturating_add(u32::from(is_part));
        is_empty || matches!(entry.first(), Some(0 | 0x80))
    });
    all_right && parts > 0
}

fn of_pc(image: &[u8], starts: &mut Vec<u64>) {
    let Some(entries) = entries_of_pc(image) else { return };
    for entry in entries.chunks_exact(16) {
        let (kind, start) = (entry.get(4).copied().unwrap_or(0), le32(entry, 8).unwrap_or(0));
        let start = u64::from(start);
        if matches!(kind, 0x05 | 0x0f | 0x85) {
            logical(image, start, starts);
        } else if kind != 0 && start != 0 {
            starts.push(start.saturating_mul(SECTOR_BYTES));
        }
    }
}

/// Logical partitions: each has a table with itself and the next one.
fn logical(image: &[u8], base: u64, starts: &mut Vec<u64>) {
    let mut table = base;
    for _ in 0..PARTS_MAX {
        let sector = part(image, table.saturating_mul(SECTOR_BYTES), SECTOR_BYTES);
        let Some(entries) = sector.and_then(entries_of_pc) else { return };
        let field = |at| le32(entries, at).map_or(0, u64::from);
        if entries.get(4).is_some_and(|kind| *kind != 0) {
            starts.push(table.saturating_add(field(8)).saturating_mul(SECTOR_BYTES));
        }
        if entries.get(20).is_none_or(|kind| *kind == 0) || field(24) == 0 {
            return;
        }
        table = base.saturating_add(field(24));
    }
}

fn of_efi(image: &[u8], starts: &mut Vec<u64>) {
    for sector in [SECTOR_BYTES, LARGE_SECTOR_BYTES] {
        let last = u64::try_from(image.len()).unwrap_or(u64::MAX).saturating_sub(sector);
        for place in [sector, last] {
            let header = part(image, place, 92).filter(|header| header.starts_with(b"EFI PART"));
            let Some(header) = header else { continue };
            let (table, size) = (le64(header, 72).unwrap_or(0), le32(header, 84).unwrap_or(0));
            let count = u64::from(le32(header, 80).unwrap_or(0)).min(PARTS_MAX);
            for index in 0..count {
                let at = table
                    .saturating_mul(sector)
                    .saturating_add(u64::from(size).saturating_mul(index));
                let Some(entry) = part(image, at, 48) else { break };
                let is_used = entry.iter().take(16).any(|byte| *byte != 0);
                if let Some(first) = le64(entry, 32).filter(|_| is_used) {
                    starts.push(first.saturating_mul(sector));
                }
            }
        }
    }
}

fn is_apple(head: &[u8]) -> bool {
    head.starts_with(b"ER") && head.get(512..514) == Some(b"PM")
}

fn of_apple(image: &[u8], starts: &mut Vec<u64>) {
    if !is_apple(image) {
        return;
    }
    for index in 1..=PARTS_MAX {
        let entry = part(image, index.saturating_mul(SECTOR_BYTES), SECTOR_BYTES);
        let Some(entry) = entry.filter(|entry| entry.starts_with(b"PM")) else { return };
        if let Some(start) = be32(entry, 8) {
            starts.push(u64::from(start).saturating_mul(SECTOR_BYTES));
        }
    }
}

const SECTOR_BYTES: u64 = 512;
/// Of some disks, as the system sees them.
const LARGE_SECTOR_BYTES: u64 = 4_096;
/// A table of EFI has 128.
const PARTS_MAX: u64 = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_no_kind_or_size_are_empty_whatever_they_hold() {
        let part = [0x80, 0, 0, 0, 7, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0];
        let no_kind = [b'x', 1, 2, 3, 0, 1, 2, 3, 4, 1, 2, 3, 9, 1, 2, 3];
        let no_size = [b'x', 1, 2, 3, 7, 1, 2, 3, 4, 1, 2, 3, 0, 0, 0, 0];
        let bad = [b'x', 0, 0, 0, 7, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0];
        let disk =
            |entries: [[u8; 16]; 4]| [&[0; 446][..], &entries.concat(), b"\x55\xaa"].concat();
        assert!(is_front(&disk([no_kind, part, no_size, [0; 16]])));
        assert!(!is_front(&disk([no_kind, no_size, no_size, [0; 16]])));
        assert!(!is_front(&disk([part, bad, no_size, [0; 16]])));
    }
}
