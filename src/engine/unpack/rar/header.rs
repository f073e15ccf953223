//! The headers of both kinds of archives, as far as they are needed: RAR 1.5 to 4 (sizes in fixed fields), and RAR
//! 5 (numbers of seven bits a byte).

use super::unlock::Lock;
use crate::engine::unpack::numbers::{le16, le32};
use crate::engine::verdict::Why;

/// A header.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of the format, which do not depend on each other"
)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// Bytes behind it.
    pub(super) packed: u64,
    /// `None` when it is not known.
    pub(super) plain: Option<u64>,
    pub(super) name: Vec<u8>,
    pub(super) packing: Packing,
    pub(super) is_locked: bool,
    /// How, when a password may be tried.
    pub(super) lock: Option<Lock>,
    pub(super) is_solid: bool,
    /// Whether it began in the volume before, or goes on in the next.
    pub(super) has_begun_before: bool,
    pub(super) goes_on: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// The archive's own: whether all members are packed as one.
    Archive {
        is_solid: bool,
    },
    File,
    /// A comment, a stream of NTFS.
    Service,
    /// All that follows is encrypted.
    Locked,
    End,
    #[default]
    Other,
}

/// How a member is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Packing {
    #[default]
    Stored,
    /// RAR 2.9 to 4.
    Three,
    /// RAR 5.0 with a window of so many bytes, or 7.0.
    Five {
        window: u64,
        is_seven: bool,
    },
    Other(Why),
}

pub(super) const NOT_A_HEADER: Why = Why::Broken("RAR: not a header");

/// How long a header of RAR 1.5 to 4 is, by its first [`FRONT_BYTES`].
pub(super) fn old_length(front: &[u8]) -> Result<usize, Why> {
    let length = usize::from(le16(front, 5).ok_or(NOT_A_HEADER)?);
    if length < FRONT_BYTES { Err(NOT_A_HEADER) } else { Ok(length) }
}

/// Reads a header of RAR 1.5 to 4.
pub(super) fn old(bytes: &[u8]) -> Result<Header, Why> {
    let kind = *bytes.get(2).ok_or(NOT_A_HEADER)?;
    let flags = le16(bytes, 3).ok_or(NOT_A_HEADER)?;
    let mut header = Header::default();
    if flags & OLD_HAS_DATA != 0 {
        header.packed = le32(bytes, 7).ok_or(NOT_A_HEADER)?.into();
    }
    match kind {
        0x73 => {
            let is_solid = flags & 8 != 0;
            let kind = Kind::Archive { is_solid };
            header.kind = if flags & 0x80 != 0 { Kind::Locked } else { kind };
        }
        0x74 | 0x7a => old_file(&mut header, kind, flags, bytes)?,
        0x77 if le16(bytes, 11) == Some(OLD_STREAM) => {
            header.kind = Kind::Service;
            header.plain = le32(bytes, 14).map(u64::from);
            header.packing = Packing::Other(Why::Unsupported("RAR: a stream of NTFS by RAR 2"));
        }
        0x7b => header.kind = Kind::End,
        _ => {}
    }
    Ok(header)
}

fn old_file(header: &mut Header, kind: u8, flags: u16, bytes: &[u8]) -> Result<(), Why> {
    let field = |at: usize| le32(bytes, at).map(u64::from).ok_or(NOT_A_HEADER);
    let (mut packed, mut plain) = (field(7)?, field(11)?);
    let version = *bytes.get(24).ok_or(NOT_A_HEADER)?;
    let method = *bytes.get(25).ok_or(NOT_A_HEADER)?;
    let name_bytes = usize::from(le16(bytes, 26).ok_or(NOT_A_HEADER)?);
    let mut at = 32_usize;
    let is_unknown = plain == u64::from(u32::MAX);
    if flags & 0x100 != 0 {
        packed |= field(32)?.wrapping_shl(32);
        plain |= field(36)?.wrapping_shl(32);
        at = 40;
    }
    let name = bytes.get(at..at.saturating_add(name_bytes)).ok_or(NOT_A_HEADER)?;
    // What is behind a zero is the same name in two bytes a letter.
    header.name = name.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
    header.packed = packed;
    header.plain = (!is_unknown || flags & 0x100 != 0).then_some(plain);
    header.is_locked = flags & 4 != 0;
    header.is_solid = flags & 0x10 != 0;
    header.has_begun_before = flags & 1 != 0;
    header.goes_on = flags & 2 != 0;
    header.packing = match (method, version) {
        (0x30, _) => Packing::Stored,
        (_, 29 | 36) => Packing::Three,
        (_, 20 | 26) => Packing::Other(Why::Unsupported("RAR: packed by RAR 2.0")),
        (_, 13 | 15) => Packing::Other(Why::Unsupported("RAR: packed by RAR 1.5")),
        _ => Packing::Other(VERSION),
    };
    let is_folder = flags & 0xe0 == 0xe0;
    header.kind = match (kind, &header.name[..]) {
        (0x74, _) if is_folder => Kind::Other,
        (0x74, _) => Kind::File,
        (_, b"CMT" | b"STM") => Kind::Service,
        _ => Kind::Other,
    };
    Ok(())
}

/// The rest of a header of RAR 5.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn number(&mut self) -> Result<u64, Why> {
        let mut value = 0_u64;
        for at in 0..10_u32 {
            let (byte, rest) = self.rest.split_first().ok_or(NOT_A_HEADER)?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f).wrapping_shl(at.wrapping_mul(7));
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(NOT_A_HEADER)
    }

    fn bytes(&mut self, count: u64) -> Result<&'a [u8], Why> {
        let count = usize::try_from(count).map_err(|_| NOT_A_HEADER)?;
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or(NOT_A_HEADER)?;
        self.rest = rest;
        Ok(bytes)
    }
}

/// How long a header of RAR 5 is, by its first [`FRONT_BYTES`]: a sum, and a size of up to
/// three bytes, which is less than 2 MiB.
pub(super) fn new_length(front: &[u8]) -> Result<usize, Why> {
    let mut fields = Fields { rest: front.get(4..).unwrap_or_default() };
    let before = fields.rest.len();
    let size = usize::try_from(fields.number()?).map_err(|_| NOT_A_HEADER)?;
    let width = before.saturating_sub(fields.rest.len());
    let length = size.saturating_add(4).saturating_add(width);
    if length < FRONT_BYTES { Err(NOT_A_HEADER) } else { Ok(length) }
}

/// Reads a header of RAR 5.
pub(super) fn new(bytes: &[u8]) -> Result<Header, Why> {
    let mut fields = Fields { rest: bytes.get(4..).unwrap_or_default() };
    fields.number()?;
    let (kind, flags) = (fields.number()?, fields.number()?);
    let extra = if flags & 1 != 0 { fields.number()? } else { 0 };
    let mut header = Header::default();
    if flags & 2 != 0 {
        header.packed = fields.number()?;
    }
    header.has_begun_before = flags & 8 != 0;
    header.goes_on = flags & 0x10 != 0;
    match kind {
        1 => header.kind = Kind::Archive { is_solid: fields.number()? & 4 != 0 },
        2 | 3 => new_file(&mut header, kind, extra, fields)?,
        4 => {
            header.kind = Kind::Locked;
            header.lock = lock(&mut fields, false);
        }
        5 => header.kind = Kind::End,
        _ => {}
    }
    Ok(header)
}

fn new_file(header: &mut Header, kind: u64, extra: u64, mut fields: Fields<'_>) -> Result<(), Why> {
    let flags = fields.number()?;
    let plain = fields.number()?;
    fields.number()?;
    for flag in [2, 4] {
        fields.bytes(if flags & flag != 0 { 4 } else { 0 })?;
    }
    let packing = fields.number()?;
    fields.number()?;
    let name_bytes = fields.number()?;
    header.name = fields.bytes(name_bytes)?.to_vec();
    header.plain = (flags & 8 == 0).then_some(plain);
    header.is_solid = packing & 0x40 != 0;
    let version = packing & 0x3f;
    let method = packing.wrapping_shr(7) & 7;
    let width = u32::try_from(packing.wrapping_shr(10) & 0x1f).unwrap_or(0);
    let whole = (128_u64 << 10).wrapping_shl(if version == 0 { width & 15 } else { width });
    let part = (whole / 32).wrapping_mul(packing.wrapping_shr(15) & 0x1f);
    header.packing = match (method, version) {
        (0, _) => Packing::Stored,
        (_, 0) => Packing::Five { window: whole, is_seven: false },
        (_, 1) => {
            // What RAR 7 packs as RAR 5 would, in a window of any size.
            let is_seven = packing & (1 << 20) == 0;
            Packing::Five { window: whole.saturating_add(part), is_seven }
        }
        _ => Packing::Other(VERSION),
    };
    header.kind = match (kind, &header.name[..]) {
        (2, _) if flags & 1 != 0 => Kind::Other,
        (2, _) => Kind::File,
        (_, b"CMT" | b"STM") => Kind::Service,
        _ => Kind::Other,
    };
    let before = fields.rest.len();
    let skipped = before.saturating_sub(usize::try_from(extra).unwrap_or(usize::MAX));
    let mut records = Fields { rest: fields.rest.get(skipped..).unwrap_or_default() };
    while !records.rest.is_empty() {
        let size = records.number()?;
        let mut record = Fields { rest: records.bytes(size)? };
        match record.number()? {
            1 => {
                header.is_locked = true;
                header.lock = lock(&mut record, true);
            }
            // A link, whose target is in the header.
            5 if header.packed == 0 => header.kind = Kind::Other,
            _ => {}
        }
    }
    Ok(())
}

/// How a member, or all headers, are locked; `None` when nothing tells whether a password is right.
fn lock(fields: &mut Fields<'_>, has_iv: bool) -> Option<Lock> {
    let (version, flags) = (fields.number().ok()?, fields.number().ok()?);
    let power = fields.bytes(1).ok()?.first().copied()?;
    let mut lock = Lock { power: power.into(), ..Lock::default() };
    lock.salt.copy_from_slice(fields.bytes(16).ok()?);
    if has_iv {
        lock.iv.copy_from_slice(fields.bytes(16).ok()?);
    }
    if flags & 1 == 0 || version != 0 {
        return None;
    }
    lock.check.copy_from_slice(fields.bytes(8).ok()?);
    Some(lock)
}

/// So many bytes tell how long a header is.
pub(super) const FRONT_BYTES: usize = 7;
/// Data follows: the size of it is the first field.
const OLD_HAS_DATA: u16 = 0x8000;
/// A stream of NTFS, as RAR 2 wrote it.
const OLD_STREAM: u16 = 0x102;
const VERSION: Why = Why::Unsupported("RAR: packed by a version that is not known");
