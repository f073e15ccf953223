//! What a caller says about an object, and what it is told after each piece.

use super::unpack::{ContentCodings, MediaType};

/// What is known about an object before its first byte. Everything is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// Its size in bytes, as it will be fed, content codings included; only when that is exact and
    /// certain. A known size saves digests and decides offsets from the end early. When other than so
    /// many bytes come, the verdict is `Unscanned(Broken)` unless something was detected.
    pub size: Option<u64>,
    /// The content codings that the bytes went through.
    pub codings: ContentCodings,
    /// What its `Content-Type` says, where somebody told one: a body with parts is walked part by part.
    pub media: MediaType,
    /// Its name, for whoever logs it; nothing is decided by it.
    pub name: Option<Box<str>>,
}

/// What one call of `Scan::feed` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fed {
    /// Bytes taken from the front. The caller gives the rest again, after letting others work.
    pub consumed: usize,
    /// The verdict is final: nothing that follows can change it, and the caller may stop reading.
    pub decided: bool,
}
