//! Where an archive begins in bytes of any kind: a magic number, and behind it a header as only archives have.
//!
//! The magic numbers are in every program that reads such archives, so what follows one has to be a header. Its sum
//! is asked of those whose readers insist on it (7z, ARJ, LHA). RAR goes on behind a wrong one, and cabinets have
//! none: of those the fields have to be such as the format has.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use flate2::Crc;

use crate::engine::unpack::nsis;
use crate::engine::unpack::numbers::{le16, le32};

/// The last bytes that came by, as far as an archive may begin in them.
#[derive(Default)]
pub(in crate::engine::unpack) struct Finder {
    held: Vec<u8>,
}

/// What a piece tells.
pub(in crate::engine::unpack) struct Found {
    /// So many bytes of it have to be looked at.
    pub(in crate::engine::unpack) until: usize,
    /// What has to be held then.
    held: Vec<u8>,
    /// An archive begins in what is held, or in the piece.
    pub(in crate::engine::unpack) is_archive: bool,
}

impl Finder {
    /// What a piece tells that follows what is held.
    pub(in crate::engine::unpack) fn find(&self, piece: &[u8]) -> Found {
        self.find_where(piece, |_| true)
    }

    /// The same, of archives that begin at places which are asked for: from the first byte that is held, or of the piece.
    pub(in crate::engine::unpack) fn find_where(
        &self,
        piece: &[u8],
        is_asked_for: impl Fn(usize) -> bool,
    ) -> Found {
        let before = self.held.len();
        if before == 0 {
            return search(piece, before, is_asked_for);
        }
        let Some((border, _)) = piece.split_at_checked(BORDER_BYTES) else {
            return search(&[&self.held[..], piece].concat(), before, is_asked_for);
        };
        // Every header that begins in what is held ends in the border, so the rest is not copied.
        let found = search(&[&self.held[..], border].concat(), before, &is_asked_for);
        if found.is_archive {
            return found;
        }
        search(piece, 0, |at| is_asked_for(at.saturating_add(before)))
    }

    /// All bytes were read that a piece told to look at. Says whether an archive has begun.
    pub(in crate::engine::unpack) fn take(&mut self, found: Found) -> bool {
        self.held = found.held;
        found.is_archive
    }

    /// These bytes were read, in which no archive has begun.
    pub(in crate::engine::unpack) fn pass(&mut self, bytes: &[u8]) {
        self.held = self.find(bytes).held;
    }

    /// Something else was read since: no archive goes on over it.
    pub(in crate::engine::unpack) fn restart(&mut self) {
        self.held.clear();
    }

    /// The front of the archive that has begun.
    pub(in crate::engine::unpack) fn held(&self) -> &[u8] {
        &self.held
    }
}

/// An archive by its magic number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    SevenZip,
    Rar,
    Cabinet,
    Arj,
    Lha,
    Nsis,
}

enum Check {
    /// One begins here, as so many bytes tell.
    Archive(usize),
    /// More bytes are needed to tell.
    Short,
    Nothing,
}

impl Check {
    /// By so many bytes, whether it is one.
    const fn of(length: usize, is_archive: bool) -> Self {
        if is_archive { Self::Archive(length) } else { Self::Nothing }
    }
}

/// What bytes tell, of which the first `before` were held.
fn search(bytes: &[u8], before: usize, is_asked_for: impl Fn(usize) -> bool) -> Found {
    let (mut first, mut short, mut from) = (None::<(usize, usize)>, None, 0_usize);
    // The one whose header is complete first, as that is known first when the bytes come one by one.
    while let Some((at, kind)) = next_magic(bytes, from)
        && first.is_none_or(|(_, end)| at < end)
    {
        from = at.saturating_add(1);
        let Some(begin) = at.checked_sub(kind.back()) else { continue };
        match kind.check(bytes.get(begin..).unwrap_or_default()) {
            Check::Archive(_) if !is_asked_for(begin) => {}
            Check::Archive(length) => {
                let end = begin.saturating_add(length);
                first = first.filter(|(_, known)| *known <= end).or(Some((begin, end)));
            }
            Check::Short => {
                short.get_or_insert(begin);
            }
            Check::Nothing => {}
        }
    }
    if let Some((begin, end)) = first {
        let until = end.saturating_sub(before);
        // What was held for the sake of another one belongs to it as well.
        let held = bytes.get(begin..end.max(before)).unwrap_or_default().to_vec();
        return Found { until, held, is_archive: true };
    }
    let kept = bytes.len().saturating_sub(MAGIC_BYTES_MAX).max(from.saturating_sub(BACK_MAX));
    let kept = short.map_or(kept, |short| kept.min(short));
    let held = bytes.get(kept..).unwrap_or_default().to_vec();
    Found { until: bytes.len().saturating_sub(before), held, is_archive: false }
}

/// Where the next magic number of any kind is, from a place on. All are looked for in one pass.
fn next_magic(bytes: &[u8], from: usize) -> Option<(usize, Kind)> {
    let found = MAGIC_NUMBERS.as_ref()?.find(Input::new(bytes).range(from.min(bytes.len())..))?;
    let (_, kind) = MAGICS.get(found.pattern().as_usize())?;
    Some((found.start(), *kind))
}

static MAGIC_NUMBERS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    // Six short words always fit.
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(MAGICS.map(|(magic, _)| magic))
        .ok()
});

impl Kind {
    /// Bytes of the archive in front of its magic number.
    const fn back(self) -> usize {
        match self {
            Self::Nsis => 4,
            Self::Lha => 2,
            Self::SevenZip | Self::Rar | Self::Cabinet | Self::Arj => 0,
        }
    }

    /// Whether these bytes are the front of an archive.
    fn check(self, bytes: &[u8]) -> Check {
        match self {
            Self::SevenZip => of_sum(bytes, 12..32, |bytes, sum| {
                // A writer that was stopped has left zeros, and readers look for what it has written.
                let is_unfinished = bytes.get(8..32) == Some(&[0; 24]);
                is_unfinished || le32(bytes, 8) == Some(sum)
            }),
            Self::Cabinet => cabinet(bytes),
            Self::Rar => match bytes.get(6) {
                None => Check::Short,
                Some(0) => old_rar(bytes),
                Some(1) => new_rar(bytes),
                Some(_) => Check::Nothing,
            },
            Self::Arj => arj(bytes),
            Self::Lha => lha(bytes),
            Self::Nsis => Check::Archive(nsis::MARK.len().saturating_add(4)),
        }
    }
}

/// Whether a part of a header has the sum that is in it.
fn of_sum(
    bytes: &[u8],
    part: std::ops::Range<usize>,
    is_sum: impl Fn(&[u8], u32) -> bool,
) -> Check {
    let Some(summed) = bytes.get(part.clone()) else { return Check::Short };
    let mut sum = Crc::new();
    sum.update(summed);
    Check::of(part.end, is_sum(bytes, sum.sum()))
}

/// A version that there is, tables inside the cabinet, at least one folder, and flags that are known.
fn cabinet(bytes: &[u8]) -> Check {
    let Some(header) = bytes.first_chunk::<CABINET_BYTES>() else { return Check::Short };
    let long = |at: usize| le32(header, at).unwrap_or(0);
    let short = |at: usize| le16(header, at).unwrap_or(0);
    let (length, files_at) = (long(8), long(16));
    let is_placed = (36..length).contains(&files_at);
    let is_known = short(24) == 0x0103 && short(26) > 0 && short(28) > 0 && short(30) <= 7;
    Check::of(CABINET_BYTES, is_placed && is_known)
}

/// The header of the archive, as RAR 1.5 to 4 write it.
fn old_rar(bytes: &[u8]) -> Check {
    let Some(front) = bytes.first_chunk::<20>() else { return Check::Short };
    let (flags, size) = (le16(front, 10).unwrap_or(0), le16(front, 12).unwrap_or(0));
    let is_header =
        front[9] == 0x73 && flags < 0x400 && (13..=RAR_HEADER_BYTES_MAX).contains(&size);
    Check::of(front.len(), is_header)
}

/// That of the archive, or of its encryption, as RAR 5 writes it.
fn new_rar(bytes: &[u8]) -> Check {
    let Some(front) = bytes.first_chunk::<RAR_FRONT_BYTES>() else { return Check::Short };
    let mut rest = front.get(12..).unwrap_or_default();
    let is_header = number(&mut rest).is_some_and(|size| {
        let before = rest.len();
        let is_known = rar_header(&mut rest, size);
        let used = u64::try_from(before.saturating_sub(rest.len())).unwrap_or(u64::MAX);
        front.get(7) == Some(&0) && is_known == Some(size.saturating_sub(used))
    });
    Check::of(front.len(), is_header)
}

/// How many bytes the header has behind what was read, when its fields are right.
fn rar_header(rest: &mut &[u8], size: u64) -> Option<u64> {
    let (kind, flags) = (number(rest)?, number(rest)?);
    let extra = if flags & 1 != 0 { number(rest)? } else { 0 };
    let _data = if flags & 2 != 0 { number(rest)? } else { 0 };
    match kind {
        1 if flags < 8 && size <= u64::from(RAR_HEADER_BYTES_MAX) => {
            let own = number(rest)?;
            let _volume = if own & 2 != 0 { number(rest)? } else { 0 };
            (own < 0x20).then_some(extra)
        }
        4 if flags < 8 => {
            let (version, own) = (number(rest)?, number(rest)?);
            let (rounds, after) = rest.split_first()?;
            *rest = after;
            let is_known = version == 0 && own < 2 && *rounds <= 24;
            is_known.then_some(extra.saturating_add(if own == 0 { 16 } else { 28 }))
        }
        _ => None,
    }
}

/// A number of up to four times seven bits.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for at in 0..4_u32 {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f).wrapping_shl(at.wrapping_mul(7));
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn arj(bytes: &[u8]) -> Check {
    let Some([_, _, low, high, _, _, _, _, _, _, kind]) = bytes.first_chunk::<11>() else {
        return Check::Short;
    };
    let size = usize::from(u16::from_le_bytes([*low, *high]));
    if *kind != 2 || !(30..=ARJ_HEADER_BYTES_MAX).contains(&size) {
        return Check::Nothing;
    }
    let end = size.saturating_add(4);
    let whole = end.saturating_add(4);
    if bytes.len() < whole {
        return Check::Short;
    }
    match of_sum(bytes, 4..end, |bytes, sum| le32(bytes, end) == Some(sum)) {
        Check::Archive(_) => Check::Archive(whole),
        other @ (Check::Short | Check::Nothing) => other,
    }
}

/// The header of a member: of the levels 0 and 1 by its sum, of the others by the size of it and of its first field.
fn lha(bytes: &[u8]) -> Check {
    let Some(front) = bytes.first_chunk::<LHA_FRONT_BYTES>() else { return Check::Short };
    let is_method = matches!(front[5], b'0'..=b'7' | b'd' | b'x') && front[6] == b'-';
    let (first, word) = (usize::from(front[0]), le16(front, 0).unwrap_or(0));
    if !is_method {
        return Check::Nothing;
    }
    match front[20] {
        0 | 1 if first >= 20 => {
            let Some(summed) = bytes.get(2..first.saturating_add(2)) else { return Check::Short };
            let sum = summed.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
            Check::of(first.saturating_add(2), sum == front[1])
        }
        2 => {
            let field = le16(front, 24).unwrap_or(0);
            Check::of(front.len(), word >= 26 && (field == 0 || (3..word).contains(&field)))
        }
        3 => Check::of(front.len(), word == 4),
        _ => Check::Nothing,
    }
}

const MAGICS: [(&[u8], Kind); 6] = [
    (b"7z\xbc\xaf\x27\x1c", Kind::SevenZip),
    (b"Rar!\x1a\x07", Kind::Rar),
    (b"MSCF", Kind::Cabinet),
    (b"\x60\xea", Kind::Arj),
    (b"-lh", Kind::Lha),
    (nsis::MARK, Kind::Nsis),
];
/// Of the longest magic number all but the last byte, and what lies in front of it.
const MAGIC_BYTES_MAX: usize = 19;
/// What lies in front of any.
const BACK_MAX: usize = 4;
/// More than the longest header.
const BORDER_BYTES: usize = 4 << 10;
const ARJ_HEADER_BYTES_MAX: usize = 2_600;
const CABINET_BYTES: usize = 36;
/// A mark, a sum, and a few numbers.
const RAR_FRONT_BYTES: usize = 24;
/// The header of an archive has a few fields, and in RAR 7 a name.
const RAR_HEADER_BYTES_MAX: u16 = 4 << 10;
const LHA_FRONT_BYTES: usize = 26;
