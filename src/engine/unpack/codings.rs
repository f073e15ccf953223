//! The `Content-Encoding` of an HTTP message: which codings a body went through.
//!
//! RFC 9110 section 8.4: a list in the order in which the codings were applied, so the last one is
//! the outermost and is undone first. Absent on purpose: how the header was found (the caller joins
//! several fields with a comma, as RFC 9110 section 5.3 allows).

use std::fmt;

/// A content coding that the engine can undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// `gzip`, `x-gzip`.
    Gzip,
    /// `deflate`: with a zlib header, or without as some servers send it.
    Deflate,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
    /// `compress`, `x-compress`: a `.Z` file.
    Compress,
    /// A bzip2 file. Not a content coding of HTTP, as those below.
    Bzip2,
    /// An xz file.
    Xz,
    /// An LZMA file, as it was before xz.
    Lzma,
    /// An lzip file.
    Lzip,
    /// An LZ4 file.
    Lz4,
    /// base64, as in mails.
    Base64,
    /// quoted-printable.
    Quoted,
    /// A file of `COMPRESS.EXE`: SZDD or KWAJ.
    Szdd,
    /// Packed Flash.
    Flash,
}

impl Coding {
    /// The name as in the header, if it is one of HTTP, and in the path of a detection.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Lzip => "lzip",
            Self::Lz4 => "lz4",
            Self::Compress => "compress",
            Self::Base64 => "base64",
            Self::Quoted => "quoted-printable",
            Self::Szdd => "szdd",
            Self::Flash => "swf",
        }
    }
}

/// The codings of one body, in the order of the header. A small value: it is copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContentCodings {
    applied: [Option<Coding>; CODINGS_MAX],
    unreadable: bool,
}

impl ContentCodings {
    /// No coding: the body is the object.
    pub const NONE: Self = Self { applied: [None; CODINGS_MAX], unreadable: false };

    /// A coding that the engine cannot undo: the coded bytes are scanned as they are, and without a
    /// detection in them the verdict is `Unscanned(Unsupported)`.
    pub const UNREADABLE: Self = Self { applied: [None; CODINGS_MAX], unreadable: true };

    /// Reads the value of the header: `gzip`, `identity`, `br, gzip` and so on. An empty value is no coding.
    ///
    /// # Errors
    ///
    /// [`Unsupported`] for a coding that the engine does not know, or more than four of them;
    /// [`ContentCodings::UNREADABLE`] is what to scan such a body with.
    pub fn parse(value: &[u8]) -> Result<Self, Unsupported> {
        let mut codings = Self::NONE;
        let mut free = codings.applied.iter_mut();
        for item in value.split(|&byte| byte == b',') {
            let item = item.trim_ascii();
            let coding = match () {
                () if item.is_empty() || item.eq_ignore_ascii_case(b"identity") => continue,
                () if item.eq_ignore_ascii_case(b"gzip") => Coding::Gzip,
                () if item.eq_ignore_ascii_case(b"x-gzip") => Coding::Gzip,
                () if item.eq_ignore_ascii_case(b"deflate") => Coding::Deflate,
                () if item.eq_ignore_ascii_case(b"br") => Coding::Brotli,
                () if item.eq_ignore_ascii_case(b"zstd") => Coding::Zstd,
                () if item.eq_ignore_ascii_case(b"compress") => Coding::Compress,
                () if item.eq_ignore_ascii_case(b"x-compress") => Coding::Compress,
                () => return Err(Unsupported::Coding),
            };
            *free.next().ok_or(Unsupported::TooMany)? = Some(coding);
        }
        Ok(codings)
    }

    /// Whether nothing has to be undone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.applied.iter().all(Option::is_none) && !self.unreadable
    }

    /// Whether there is a coding that the engine cannot undo.
    #[must_use]
    pub const fn is_unreadable(&self) -> bool {
        self.unreadable
    }

    /// The codings in the order of the header, the outermost last.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Coding> + '_ {
        self.applied.iter().copied().flatten()
    }

    /// Takes the outermost coding off.
    pub(in crate::engine) fn take_outermost(&mut self) -> Option<Coding> {
        self.applied.iter_mut().rev().find_map(Option::take)
    }
}

/// Why a `Content-Encoding` cannot be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// A coding of another name.
    Coding,
    /// More codings than anybody applies.
    TooMany,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coding => {
                out.write_str("a content coding other than gzip, deflate, br, zstd and compress")
            }
            Self::TooMany => write!(out, "more than {CODINGS_MAX} content codings"),
        }
    }
}

impl std::error::Error for Unsupported {}

/// Real messages have one; proxies that compress again make two. Each costs a decoder.
const CODINGS_MAX: usize = 4;
