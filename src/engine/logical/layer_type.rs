//! Types of layers by the names that signatures use (`CL_TYPE_…`).
//!
//! `Container` and `Intermediates` name the layers around the one that is matched. A type is one byte
//! in the image: the number of its kind, so that the table of kinds belongs to the layout.

use crate::engine::file_type::{FileType, Kind};

/// A type of layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LayerType(pub u8);

impl LayerType {
    /// "No layer around" as a container, "any" as an intermediate.
    pub(crate) const ANY: Self = Self(Kind::ANY.number());

    /// The type of a name, if there is such a type.
    pub(crate) fn of_name(name: &[u8]) -> Option<Self> {
        Kind::named(name).ok().map(|kind| Self(kind.number()))
    }

    /// Whether a number in an image is one of a type.
    pub(crate) fn is_number(number: u8) -> bool {
        Kind::from_number(number).is_some()
    }

    /// The type of a layer as clamscan would call it.
    pub(in crate::engine) fn of(file_type: FileType) -> Self {
        Self::of_name(file_type.clam_name().as_bytes()).unwrap_or(Self::ANY)
    }
}
