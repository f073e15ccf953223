//! What an object of the class `Package` holds (MS-OLEDS 2.3.6 has it as native data): a file, with its name.

use super::numbers::le32;

/// A file in such an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed<'a> {
    pub(super) name: &'a [u8],
    /// Where it begins, from the two bytes of the object's kind on.
    pub(super) from: usize,
    pub(super) size: u32,
}

impl<'a> Packed<'a> {
    /// Reads the front of native data: a kind of two bytes, name and path ended by zeros, eight bytes, another
    /// path with its length, the length of the file. `None` when it is not so, or not all there.
    pub(super) fn read(native: &'a [u8]) -> Option<Self> {
        let mut strings = native.get(2..)?.split(|byte| *byte == 0);
        let (name, path) = (strings.next()?, strings.next()?);
        // The last piece has no zero behind it.
        strings.next()?;
        let at = name.len().checked_add(path.len())?.checked_add(2 + 2 + 4)?;
        let skipped = usize::try_from(le32(native, at)?).ok()?;
        let at = at.checked_add(4)?.checked_add(skipped)?;
        let size = le32(native, at).filter(|_| !path.is_empty())?;
        Some(Self { name, from: at.checked_add(4)?, size })
    }
}
