//! Signed containers: `.cvd`, `.cld`, `.cud`, their seals and the changes between their versions
//! (clamav.md A11).
//!
//! ```text
//!   512 bytes of header ── MD5 + RSA over the rest ──────────┐
//!   tar (gzip'd or plain)                                    ├─▶ State ─▶ members, by their names
//!     COPYING · <db>.info ── RSA-PSS over SHA-256 of each ───┤
//!   <db>-<version>.cvd.sign ── CMS, chain to a certificate ──┘
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | the alphabet of numbers, RSA | `digits`, [`rsa`] |
//! | whom to believe | [`keys`], `certificate` |
//! | header, list of members | [`header`], `list` |
//! | the tar, through windows and within limits | [`archive`] |
//! | all of it together | [`verify()`] |
//! | external signatures | [`seal`] |
//! | changes: verified, applied | [`patch`], `script` |
//!
//! Two passes over the bytes: the first believes nothing and keeps nothing, the second hands out
//! members. Nothing of a container is loaded before all of it is verified. The header's signature
//! covers an MD5 only, so it never counts alone: the list with its SHA-256 digests is always checked.
//!
//! Absent on purpose: files and the clock (bytes and times are passed in), making signatures,
//! revocation lists (ClamAV publishes none).

pub mod archive;
mod certificate;
mod digits;
mod fault;
pub mod header;
pub mod keys;
mod list;
pub mod patch;
pub mod rsa;
mod script;
pub mod seal;
#[cfg(test)]
mod tests;
mod verify;

pub use archive::Limits;
pub use fault::{ContainerFault, Part};
pub use header::Header;
pub use keys::{Trust, TrustFault, Unsigned};
pub use verify::{Sealed, Signed, Verified, verify};
