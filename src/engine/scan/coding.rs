//! Which coding a layer goes through to the layer inside it: the one that was announced, or the one that
//! its own first bytes tell.

use crate::engine::file_type::FileType;
use crate::engine::unpack::{Coding, ContentCodings};

/// The coding to undo for the layer below, and what is wrong with the announced one. The codings
/// that are left are those still to be undone further below.
pub(super) fn coding_of(
    codings: &mut ContentCodings,
    file_type: FileType,
    head: &[u8],
) -> (Option<Coding>, Option<&'static str>) {
    // Whatever table tells types: a gzip file is opened.
    let is_gzip = file_type == FileType::Gzip || head.starts_with(b"\x1f\x8b\x08");
    let natural = is_gzip.then_some(Coding::Gzip);
    let fault = match (codings.take_outermost(), natural) {
        (None, _) => return (natural, None),
        (Some(Coding::Gzip), Some(_)) => return (natural, None),
        (Some(Coding::Gzip), None) => "gzip: not a gzip stream",
        (Some(_), Some(_)) => "content coding: gzip, and another was announced",
        (Some(Coding::Zstd), None) if !is_zstd(head) => "zstd: not a zstd stream",
        (Some(coding), None) => return (Some(coding), None),
    };
    *codings = ContentCodings::NONE;
    (natural, Some(fault))
}

/// A frame, or one of the sixteen frames that a reader skips.
fn is_zstd(head: &[u8]) -> bool {
    matches!(head, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}
