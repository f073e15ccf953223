//! Which file systems a volume has, by their marks.

use crate::engine::unpack::numbers::{be32, le16, le32, part};
use crate::engine::verdict::Why;

/// What a volume is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum System {
    Fat,
    /// HFS+, which begins so many bytes behind the volume.
    Hfs(u64),
    /// Something that cannot be read.
    Closed(Why),
}

/// What a volume is that begins at a place of an image. It may be several things, and each that it is counts: which
/// one a system sees, nobody knows.
pub(super) fn of(image: &[u8], from: u64) -> Vec<System> {
    let head = |at: u64, length| part(image, from.saturating_add(at), length).unwrap_or_default();
    let (front, second) = (head(0, 512), head(1_024, 512));
    let unread = |is_there: bool, name| is_there.then_some(System::Closed(Why::Unsupported(name)));
    let first = of_second(second);
    let is_other_linux = matches!(first, Some(System::Hfs(_))) && is_linux(second);
    [
        closed(front).map(System::Closed),
        super::fat::is_front(front).then_some(System::Fat),
        first,
        unread(is_other_linux, LINUX),
        unread(head(65_600, 8) == b"_BHRfS_M", "Btrfs volume"),
        unread(from > 0 && head(32_769, 5) == b"CD001", "ISO 9660 in a partition"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Of those that have their mark behind the first kilobyte, by the 512 bytes there.
pub(super) fn of_second(block: &[u8]) -> Option<System> {
    match block {
        [b'H', b'+', 0, 4, ..] | [b'H', b'X', 0, 5, ..] => Some(System::Hfs(0)),
        [b'B', b'D', ..] => of_old_apple(block),
        _ if is_linux(block) => Some(System::Closed(Why::Unsupported(LINUX))),
        _ => None,
    }
}

/// HFS, or HFS+ in it.
fn of_old_apple(block: &[u8]) -> Option<System> {
    let size = be32(block, 20).filter(|size| *size > 0 && size.is_multiple_of(512))?;
    let short = |at: usize| {
        let bytes = block.get(at..)?.first_chunk::<2>()?;
        Some(u64::from(u16::from_be_bytes(*bytes)))
    };
    let is_named = block.get(36).is_some_and(|length| (1..=27).contains(length));
    if short(18)? == 0 || !is_named {
        return None;
    }
    if block.get(124..126) != Some(b"H+") {
        return Some(System::Closed(Why::Unsupported("HFS volume")));
    }
    let blocks = short(126)?.saturating_mul(u64::from(size));
    Some(System::Hfs(short(28)?.saturating_mul(512).saturating_add(blocks)))
}

/// ext2, ext3, ext4: the mark, and fields that are small.
fn is_linux(block: &[u8]) -> bool {
    le16(block, 56) == Some(0xef53)
        && le32(block, 0).is_some_and(|inodes| inodes > 0)
        && le32(block, 20).is_some_and(|first| first <= 1)
        && le32(block, 24).is_some_and(|shift| shift <= 6)
        && le32(block, 76).is_some_and(|revision| revision <= 1)
}

/// Of those that have their mark in the first sector and are not read.
pub(super) fn closed(front: &[u8]) -> Option<Why> {
    let at =
        |place: usize, mark: &[u8]| front.get(place..).is_some_and(|rest| rest.starts_with(mark));
    Some(match () {
        () if at(3, b"NTFS    ") => Why::Unsupported("NTFS volume"),
        () if at(3, b"EXFAT   ") => Why::Unsupported("exFAT volume"),
        () if at(3, b"ReFS\0\0\0\0") => Why::Unsupported("ReFS volume"),
        () if at(3, b"-FVE-FS-") || at(0, b"LUKS\xba\xbe") => Why::Encrypted,
        () if at(32, b"NXSB") => Why::Unsupported("APFS container"),
        () if at(0, b"XFSB\0\0") => Why::Unsupported("XFS volume"),
        () => return None,
    })
}

const LINUX: &str = "ext volume";
