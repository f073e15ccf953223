//! Writing an image.

use sha2::{Digest as _, Sha256};
use zerocopy::IntoBytes;
use zerocopy::little_endian::{U32, U64};

use crate::engine::database::names::Names;
use crate::engine::database::signature::Target;

use super::layout::{
    ALIGN, Directory, HEADER_BYTES, MAGIC, OffsetKind, PatternKind, RecordBytes, SectionKind,
    VERSION,
};

/// What goes into the sections.
pub(in crate::engine::database) struct Contents {
    pub meta: Vec<u8>,
    pub names: Names,
    pub records: Vec<Record>,
    pub matcher: Vec<u8>,
    pub digests: Vec<u8>,
    pub logical: Vec<u8>,
    pub yara: Vec<u8>,
    pub links: Vec<u8>,
    pub types: Vec<u8>,
}

/// One pattern of the matcher.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine::database) struct Record {
    /// The name of a body pattern, the number of any other among its kind.
    pub number: u32,
    pub target: Target,
    pub offset: OffsetKind,
    pub kind: PatternKind,
}

/// The whole image. Sections are dropped as they are copied, so that the peak is the image and its
/// largest section.
pub(in crate::engine::database) fn write(contents: Contents) -> Vec<u8> {
    let Contents { meta, names, records, matcher, digests, logical, yara, links, types } = contents;
    let mut out = vec![0; HEADER_BYTES.saturating_add(size_of::<Directory>())];
    let mut directory = Directory::default();
    let (names, records) = (names.into_section(), section_of(&records));
    let parts = [meta, names, records, matcher, digests, logical, yara, links, types];
    for ((kind, part), place) in SectionKind::ALL.into_iter().zip(parts).zip(&mut directory) {
        out.resize(out.len().next_multiple_of(ALIGN), 0);
        *place = [kind.number(), out.len() as u64, part.len() as u64].map(U64::new);
        out.extend_from_slice(&part);
    }
    finish(out, &directory)
}

fn section_of(records: &[Record]) -> Vec<u8> {
    let mut section = Vec::with_capacity(size_of_val(records));
    for Record { number, target, offset, kind } in records {
        let word = u32::from_le_bytes([*target as u8, *offset as u8, *kind as u8, 0]);
        let record: RecordBytes = [U32::new(*number), U32::new(word)];
        section.extend_from_slice(record.as_bytes());
    }
    section
}

/// Puts directory and header in front of the sections.
fn finish(mut out: Vec<u8>, directory: &Directory) -> Vec<u8> {
    let length = out.len() as u64;
    if let Some(place) = out.get_mut(HEADER_BYTES..) {
        for (to, from) in place.iter_mut().zip(directory.as_bytes()) {
            *to = *from;
        }
    }
    let digest: [u8; 32] = Sha256::digest(out.get(HEADER_BYTES..).unwrap_or_default()).into();
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend_from_slice(&MAGIC);
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&[0; 4]);
    header.extend_from_slice(&(SectionKind::ALL.len() as u64).to_le_bytes());
    header.extend_from_slice(&length.to_le_bytes());
    header.extend_from_slice(&digest);
    for (to, from) in out.iter_mut().zip(header) {
        *to = from;
    }
    out
}
