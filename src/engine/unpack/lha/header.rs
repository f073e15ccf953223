//! The header of a member, in its four levels.

use crate::engine::verdict::Why;

/// What of a header is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) method: [u8; 5],
    pub(super) packed: u64,
    pub(super) plain: u64,
    pub(super) name: Vec<u8>,
    folder: Vec<u8>,
    pub(super) level: u8,
    /// Bytes of the next field behind the header that was read; 0 when none is.
    pub(super) next: usize,
}

/// How many bytes a header has, as far as its first bytes tell: [`FRONT_BYTES`] of them, or
/// [`LARGE_FRONT_BYTES`]. Nothing when these are needed, and are not there.
pub(super) fn length(front: &[u8]) -> Result<Option<usize>, Why> {
    let (first, level) = (front.first().copied().unwrap_or(0), front.get(20).copied().unwrap_or(0));
    let length = match level {
        0 | 1 => usize::from(first).saturating_add(2),
        2 => usize::from(short(front, 0)),
        3 if front.len() < LARGE_FRONT_BYTES => return Ok(None),
        3 => usize::try_from(long(front, 24)).unwrap_or(usize::MAX),
        _ => return Err(Why::Unsupported("LHA: a header of another level")),
    };
    if length < front.len().max(FRONT_BYTES.saturating_add(1)) {
        return Err(NOT_A_HEADER);
    }
    Ok(Some(length))
}

impl Header {
    /// Reads a header, all of whose bytes are there.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Why> {
        let method = bytes.get(2..7).and_then(|method| method.first_chunk());
        let mut header = Self {
            method: *method.ok_or(NOT_A_HEADER)?,
            packed: long(bytes, 7).into(),
            plain: long(bytes, 11).into(),
            level: bytes.get(20).copied().unwrap_or(0),
            ..Self::default()
        };
        if !matches!(header.method, [b'-', _, _, _, b'-']) {
            return Err(NOT_A_HEADER);
        }
        match header.level {
            0 | 1 => {
                let length = usize::from(bytes.get(21).copied().unwrap_or(0));
                let name = bytes.get(22..).and_then(|rest| rest.get(..length));
                header.name = name.ok_or(NOT_A_HEADER)?.to_vec();
                if header.level == 1 {
                    header.next = usize::from(short(bytes, bytes.len().saturating_sub(2)));
                }
            }
            2 => header.fields(bytes, 24, 2)?,
            _ => header.fields(bytes, 28, 4)?,
        }
        Ok(header)
    }

    /// Fields that lie in the header, the size of each in front of it.
    fn fields(&mut self, bytes: &[u8], mut at: usize, width: usize) -> Result<(), Why> {
        loop {
            let size = match width {
                2 => usize::from(short(bytes, at)),
                _ => usize::try_from(long(bytes, at)).unwrap_or(usize::MAX),
            };
            at = at.saturating_add(width);
            let Some(length) = size.checked_sub(width) else {
                return if size == 0 { Ok(()) } else { Err(NOT_A_HEADER) };
            };
            let end = at.saturating_add(length);
            self.take(bytes.get(at..end).ok_or(NOT_A_HEADER)?);
            at = end;
        }
    }

    /// A field behind a header of level 1: its last two bytes are the size of the next one.
    pub(super) fn take_next(&mut self, field: &[u8]) {
        let (field, next) =
            field.split_at_checked(field.len().saturating_sub(2)).unwrap_or_default();
        self.packed = self.packed.saturating_sub(crate::engine::unpack::parts::wide(self.next));
        self.next = usize::from(short(next, 0));
        self.take(field);
    }

    /// A field: its kind, and its bytes.
    fn take(&mut self, field: &[u8]) {
        let Some((kind, bytes)) = field.split_first() else { return };
        match kind {
            1 => self.name = bytes.to_vec(),
            2 => self.folder = bytes.to_vec(),
            0x42 => {
                if let Some((packed, plain)) = bytes.split_first_chunk()
                    && let Some(plain) = plain.first_chunk()
                {
                    self.packed = u64::from_le_bytes(*packed);
                    self.plain = u64::from_le_bytes(*plain);
                }
            }
            _ => {}
        }
    }

    /// The name with its folder.
    pub(super) fn path(&self) -> Vec<u8> {
        let mut path = [&self.folder[..], &self.name].concat();
        for letter in &mut path {
            if matches!(letter, 0xff | b'\\') {
                *letter = b'/';
            }
        }
        path
    }
}

fn short(bytes: &[u8], at: usize) -> u16 {
    let field = bytes.get(at..).and_then(|rest| rest.first_chunk());
    field.map_or(0, |field| u16::from_le_bytes(*field))
}

fn long(bytes: &[u8], at: usize) -> u32 {
    let field = bytes.get(at..).and_then(|rest| rest.first_chunk());
    field.map_or(0, |field| u32::from_le_bytes(*field))
}

/// So many bytes tell how long a header is, up to level 2.
pub(super) const FRONT_BYTES: usize = 21;
/// And so many of one of level 3.
pub(super) const LARGE_FRONT_BYTES: usize = 28;
pub(super) const NOT_A_HEADER: Why = Why::Broken("LHA: not a header");
