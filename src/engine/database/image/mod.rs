//! The compiled image: one block of bytes that is mapped, checked once, and then only read.
//!
//! ```text
//!   Header      magic · version · length · sum over all the rest (`seal`)
//!   Directory   kind, offset, length of each section, in the order of `SectionKind::ALL`
//!   META        facts, JSON
//!   NAMES       written and read by `names`
//!   SIGNATURES  one record per pattern of the matcher: name or number, target, kind of offset, kind
//!   DIGESTS     written and read by `engine::digest`
//!   LOGICAL     logical signatures; empty without any
//!   YARA        YARA rules; empty without any
//!   MEMBERS     signatures about members of containers, JSON; empty without any
//!   LINKS       lists about links; empty without any
//!   TYPES       file types by magic; empty without any
//!   MATCHER     written and read by `engine::matcher`
//! ```
//!
//! Nothing in it is an address, every integer is little endian and unaligned: it can be mapped
//! anywhere, on any machine. [`Image::open`] believes nothing: after it, every index in every
//! section is known to be inside, so views are made in constant time and cannot fail.
//!
//! Absent on purpose: the file. Bytes come from the caller, mapped or read.

mod layout;
mod open;
mod seal;
mod write;

pub use layout::{OffsetKind, PatternKind, SectionKind};
pub use open::{Image, ImageFault, SignatureView};
pub use seal::resealed;
pub use write::Sink;
pub(super) use write::{Record, Writer, section_of};
