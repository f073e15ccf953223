//! What is inside a layer: the coding that was announced, or what its own first bytes tell.

use crate::engine::file_type::FileType;
use crate::engine::unpack::{Coding, ContentCodings, Inside};

/// What to take out of a layer, and what is wrong with the announced coding. The codings that are left
/// are those still to be undone further below.
pub(super) fn inside_of(
    codings: &mut ContentCodings,
    file_type: FileType,
    head: &[u8],
) -> (Inside, Option<&'static str>) {
    let natural = file_type.inside(head);
    let fault = match (codings.take_outermost(), natural) {
        (None, _) => return (natural, None),
        (Some(Coding::Gzip), Inside::Coding(Coding::Gzip)) => return (natural, None),
        (Some(Coding::Gzip), _) => "gzip: not a gzip stream",
        (Some(_), Inside::Coding(Coding::Gzip)) => {
            "content coding: gzip, and another was announced"
        }
        (Some(Coding::Zstd), _) if !is_zstd(head) => "zstd: not a zstd stream",
        (Some(coding), _) => return (Inside::Coding(coding), None),
    };
    *codings = ContentCodings::NONE;
    (natural, Some(fault))
}

/// A frame, or one of the sixteen frames that a reader skips.
fn is_zstd(head: &[u8]) -> bool {
    matches!(head, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}
