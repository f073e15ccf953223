//! Objects that `PowerPoint` keeps inside its stream (MS-PPT 2.10.34 to 2.10.36): documents of other
//! programs, and the project with the macros, each a compound file, mostly in a zlib stream.

use super::tables::{Chain, Tables};
use crate::engine::unpack::numbers::{le16, le32};

/// An object in the stream.
pub(super) struct Object {
    /// Its bytes.
    pub(super) chain: Chain,
    pub(super) is_packed: bool,
}

/// Looks for objects from `chain` on, over so many records. The next record is where it stops; `None` at
/// the end of the stream.
pub(super) fn next_object(
    chain: &mut Chain,
    tables: &Tables,
    file: &[u8],
    records: usize,
) -> Option<Option<Object>> {
    for _ in 0..records {
        let mut header = [0; 8];
        if chain.fill(tables, file, &mut header) < header.len() {
            return None;
        }
        let (Some(version), Some(kind), Some(length)) =
            (le16(&header, 0), le16(&header, 2), le32(&header, 4))
        else {
            return None;
        };
        if kind == OBJECT {
            let mut object = chain.clone();
            object.left = object.left.min(length.into());
            let is_packed = version >> 4 == 1;
            if is_packed {
                // The size of what comes out.
                object.skip(tables, file, 4);
            }
            chain.skip(tables, file, length.into());
            return Some(Some(Object { chain: object, is_packed }));
        }
        // What a container holds are records, too.
        if version & 0xf != 0xf {
            chain.skip(tables, file, length.into());
        }
    }
    Some(None)
}

/// `ExOleObjStg`, `ExControlStg`, `VbaProjectStg`.
const OBJECT: u16 = 0x1011;
