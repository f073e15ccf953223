//! Why a container is not believed.

use std::fmt;

/// What of a container is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The 512 bytes in front.
    Header,
    /// The tar, or its compression.
    Archive,
    /// The list of members.
    List,
    /// The external signature.
    Seal,
}

/// Why a container is not believed. Offsets count from its first byte, in what is not compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerFault {
    /// Something in the header is not as it has to be: which field, counted from 1.
    Header(usize),
    /// The rest does not have the MD5 of the header.
    Md5,
    /// No key signed this.
    Signature(Part),
    /// The list is missing, comes after members, or is there twice.
    NoList,
    /// The first line of the list is not the header.
    OtherHeader,
    /// A line of the list, counted from 1.
    ListLine(usize),
    /// This member is not in the list.
    NotListed(Box<str>),
    /// This member is in the list, but not there.
    Missing(Box<str>),
    /// This member is there twice.
    Twice(Box<str>),
    /// This member does not have the size or the SHA-256 of the list.
    Member(Box<str>),
    /// This is not a plain file with a flat name.
    NotAFile(Box<str>),
    /// The tar, or its compression, is damaged.
    Archive(Box<str>),
    /// A limit: which one, and where it lies.
    Limit(&'static str, u64),
    /// The external signature: why.
    Seal(&'static str),
}

impl fmt::Display for ContainerFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(field) => write!(out, "the header is not valid: field {field}"),
            Self::Md5 => out.write_str("the content does not have the MD5 that the header says"),
            Self::Signature(Part::Header) => {
                out.write_str("no known key made the signature in the header")
            }
            Self::Signature(Part::List) => {
                out.write_str("no known key made the signature of the list of members")
            }
            Self::Signature(Part::Archive | Part::Seal) => out.write_str("no known key signed it"),
            Self::NoList => out.write_str("there is not one list of members in front of them"),
            Self::OtherHeader => {
                out.write_str("the header is not the one that was signed with the members")
            }
            Self::ListLine(line) => write!(out, "line {line} of the list of members is not valid"),
            Self::NotListed(name) => write!(out, "member {name} is not in the signed list"),
            Self::Missing(name) => write!(out, "member {name} of the signed list is missing"),
            Self::Twice(name) => write!(out, "member {name} is there twice"),
            Self::Member(name) => write!(out, "member {name} is not the one that was signed"),
            Self::NotAFile(name) => {
                write!(
                    out,
                    "member {name} is not a plain file with a name of letters, digits, '.', '-', '_'"
                )
            }
            Self::Archive(text) => write!(out, "the archive is damaged: {text}"),
            Self::Limit(name, limit) => write!(out, "more than {limit} {name}"),
            Self::Seal(why) => write!(out, "the external signature: {why}"),
        }
    }
}

impl std::error::Error for ContainerFault {}
