//! What is inside a layer: codings are undone, containers are walked, through windows of a fixed size.
//!
//! ```text
//!   bytes of a layer ──▶ Unpacker::step ──▶ at most one window of plain bytes ──▶ its child layer
//!                            │
//!                            └─▶ Progress: wants input · window is full · a member begins or ends ·
//!                                          something cannot be seen, and why · stopped, and why
//! ```
//!
//! | coding | standard | here |
//! | --- | --- | --- |
//! | `gzip`, `x-gzip`, plain `.gz` files | RFC 1952, members one after another | [`gzip`] |
//! | `deflate` | RFC 1950 in RFC 1951; raw RFC 1951 as some servers send it | [`deflate`] |
//! | `br` | RFC 7932 | [`brotli`] |
//! | `zstd` | RFC 8878, window as RFC 9659 asks | [`zstd`] |
//! | `.bz2` files | bzip2, streams one after another | [`bzip2`] |
//! | `.xz` files | the .xz file format 1.2.1, streams one after another | [`xz`] |
//! | `.lzma` files | LZMA with its header of 13 bytes | [`lzma`] |
//! | `.lz` files | lzip, members one after another | [`lzip`] |
//! | `.lz4` files | LZ4 frames, legacy frames, one after another | [`lz4`] |
//! | `compress`, `x-compress`, `.Z` files | LZW as of Unix | [`compress`] |
//!
//! | container | format | here |
//! | --- | --- | --- |
//! | tar, all dialects | POSIX.1-2017 pax, GNU, V7 | [`tar`] |
//! | OLE2: Office 97, MSI, Outlook messages; macros | MS-CFB, MS-OVBA; as a whole | [`ole2`] |
//! | PDF: streams, their filters undone; scripts | ISO 32000-1; as a whole | [`pdf`] |
//! | cpio, all dialects | new ASCII, with sums, old ASCII, binary | [`cpio`] |
//! | ar, `.deb`, `.a` | System V, GNU, BSD | [`ar`] |
//! | `.rpm` | LSB 5.0: lead, signature, header, payload | [`rpm`] |
//! | mails, mailboxes, MHTML; bodies of HTTP with parts | RFC 5322, 2045 to 2047, 2231, 4155, 7578 | [`mime`] |
//! | TNEF: `winmail.dat` of Outlook; bodies in RTF | MS-OXTNEF, MS-OXRTFCP | [`tnef`] |
//! | what is written as text in a text: `data:`, base64, uuencode, yEnc, `BinHex` | RFC 2397, 4648, 1741 | [`text`], [`armor`] |
//! | zip: JAR, APK, OOXML, ODF and the like, alone or carried by something else | APPNOTE 6.3.10 | [`zip`] |
//!
//! A coding has one layer inside it, there from the beginning. A container has any number, one after
//! another: [`Progress::Begin`], then [`Unpacker::member`] says what begins, then its bytes, then
//! [`Progress::End`]. Memory for a member is taken after its beginning was said, so that the scan can
//! refuse it. Where members are found through tables that lie anywhere, the container is kept and
//! opened at its end ([`Opened`]), a few tables or one window at a step.
//!
//! Order of calls: [`Unpacker::step`] with the input that is there, again with what it did not use,
//! also with none as long as it does not say [`Progress::Hungry`]; at the end of the input
//! [`Unpacker::finish`] says whether it may end there.
//!
//! Absent on purpose: the check sums (every byte a reader could get out was scanned, whatever the
//! sum says), and any budget: the scan counts what comes out and stops asking.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod ar;
mod armor;
mod block;
mod brotli;
mod bzip2;
mod codings;
mod compress;
mod cpio;
mod deflate;
mod gzip;
mod inflate;
mod lz4;
mod lzip;
mod lzma;
mod member;
mod mime;
mod ole2;
mod opened;
mod parts;
mod pdf;
mod rpm;
mod said;
mod tar;
#[cfg(test)]
mod tests;
mod text;
mod tnef;
mod xz;
mod zip;
mod zstd;

pub use codings::{Coding, ContentCodings, Unsupported};
pub(super) use member::{Label, Member};
pub(super) use opened::Opened;
pub use said::MediaType;
pub(super) use said::{Reading, Said};

use super::spool::Spool;
use super::verdict::Why;

/// What takes layers out of a layer.
pub(super) enum Unpacker {
    /// One layer, which is there from the beginning.
    Coding(Decoder),
    /// Any number, one after another.
    Container(Walker),
    /// Any number, when all bytes of the container are there.
    Waiting(Whole),
    /// They are.
    Whole(Box<Opened>),
}

/// The containers that are opened when all of their bytes are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Ole2,
    Pdf,
}

/// A container that is read from its front to its end.
pub(super) enum Walker {
    Tar(tar::Tar),
    Cpio(cpio::Cpio),
    Ar(ar::Ar),
    Rpm(rpm::Rpm),
    Zip(Box<zip::Zip>),
    Mime(Box<mime::Mime>),
    Text(Box<text::Text>),
    Tnef(Box<tnef::Tnef>),
}

/// The containers that are walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Tar,
    Cpio,
    Ar,
    Rpm,
    Zip,
    /// A zip that may be behind, or in the middle of, something else.
    CarriedZip,
    /// A mail, or a mailbox.
    Mail,
    /// What is written as text in a text, and a zip that it may carry.
    Text,
    Tnef,
}

/// What is inside a layer, as far as its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    /// Nothing that is not seen in its bytes, but for a zip that it may carry.
    Nothing,
    /// One stream.
    Coding(Coding),
    /// Members.
    Container(Container),
    /// Members that are found in any order.
    Whole(Whole),
    /// Something that there is no decoder for yet, by its name for people.
    Unopened(&'static str),
}

/// One decoder at work. The state of the large ones is on the heap.
pub(super) enum Decoder {
    Gzip(gzip::Gzip),
    Deflate(deflate::Deflate),
    Brotli(Box<brotli::Brotli>),
    Zstd(zstd::Zstd),
    Bzip2(bzip2::Bzip2),
    Xz(xz::Xz),
    Lzma(lzma::Lzma),
    Lzip(lzip::Lzip),
    Lz4(lz4::Lz4),
    Compress(compress::Compress),
    Transfer(armor::Undo),
}

/// What one call of [`Unpacker::step`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Bytes taken from the front of the input.
    pub(super) used: usize,
    /// Bytes written to the front of the output.
    pub(super) made: usize,
    /// What it needs next.
    pub(super) progress: Progress,
}

/// What an unpacker needs next, or has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More input: there is nothing to give out without it.
    Hungry,
    /// More room: it may have more to give out, even without input. With room left it has set up a decoder,
    /// which is as much as one step may do.
    Full,
    /// A member begins, which [`Unpacker::member`] tells of. It goes on without input.
    Begin,
    /// The member that began last has ended, in order or not. It goes on without input.
    End(Result<(), Why>),
    /// Something cannot be seen. It goes on without input.
    Missed(Why),
    /// Nothing: it cannot go on, and what it gave out so far is all there is.
    Stopped(Why),
}

impl Inside {
    /// Of a layer whose type says nothing of its inside: formats that have no type of their own, or that
    /// a table of types may lack.
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, 0x08, ..] => Self::Coding(Coding::Gzip),
            // The mark of an archive of several volumes in front of one that is not.
            [b'P', b'K', 7, 8, b'P', b'K', 3, 4, ..] => Self::Container(Container::Zip),
            [b'L', b'Z', b'I', b'P', 0 | 1, ..] => Self::Coding(Coding::Lzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Coding(Coding::Xz),
            _ if bzip2::is_front(head) => Self::Coding(Coding::Bzip2),
            _ if lz4::is_front(head) => Self::Coding(Coding::Lz4),
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::of_skipped(lz4::after_skipped(head)),
            _ if compress::is_front(head) => Self::Coding(Coding::Compress),
            _ if lzma::is_plausible(head) => Self::Coding(Coding::Lzma),
            _ if head.starts_with(ar::MAGIC) => Self::Container(Container::Ar),
            _ if head.starts_with(rpm::MAGIC) => Self::Container(Container::Rpm),
            _ if head.starts_with(b"07070X") => Self::Unopened("payload of a large rpm package"),
            _ if tar::has_right_sum(head) => Self::Container(Container::Tar),
            _ => Self::Nothing,
        }
    }
}

impl Inside {
    /// Of a layer that begins with frames to be skipped, which zstd and LZ4 have in common, by what is behind them.
    fn of_skipped(rest: &[u8]) -> Self {
        match rest {
            [] | [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Coding(Coding::Zstd),
            _ if lz4::is_front(rest) => Self::Coding(Coding::Lz4),
            _ => Self::Nothing,
        }
    }

    /// Whether a layer that begins with `head` may be a bzip2 file: three letters of magic may begin a text.
    pub(super) fn may_be_bzip2(head: &[u8]) -> bool {
        bzip2::is_front(head)
    }
}

impl Unpacker {
    /// For a container. It takes no memory to speak of yet.
    pub(super) fn of(container: Container) -> Self {
        Self::Container(match container {
            Container::Tar => Walker::Tar(tar::Tar::new()),
            Container::Cpio => Walker::Cpio(cpio::Cpio::new()),
            Container::Ar => Walker::Ar(ar::Ar::new()),
            Container::Rpm => Walker::Rpm(rpm::Rpm::new()),
            Container::Zip => Walker::Zip(Box::new(zip::Zip::new())),
            Container::CarriedZip => Walker::Zip(Box::new(zip::Zip::carried())),
            Container::Mail => Walker::Mime(Box::new(mime::Mime::mail())),
            Container::Text => Walker::Text(Box::new(text::Text::new())),
            Container::Tnef => Walker::Tnef(Box::new(tnef::Tnef::new())),
        })
    }

    /// For a container all of whose bytes are there.
    pub(super) fn open(whole: Whole, spool: Spool) -> Self {
        Self::Whole(Box::new(Opened::new(whole, spool)))
    }

    /// Reads as much of `input` as fits `output`, up to the next thing that has to be said. Whatever is
    /// written belongs to the member that began last; between members nothing is written.
    ///
    /// With input and room it makes progress, or is stopped.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let (length, room) = (input.len(), output.len());
        let step = match self {
            Self::Coding(decoder) => decoder.step(input, output),
            Self::Container(walker) => match walker {
                Walker::Tar(tar) => tar.step(input, output),
                Walker::Cpio(cpio) => cpio.step(input, output),
                Walker::Ar(ar) => ar.step(input, output),
                Walker::Rpm(rpm) => rpm.step(input, output),
                Walker::Zip(zip) => zip.step(input, output),
                Walker::Mime(mime) => mime.step(input, output),
                Walker::Text(text) => text.step(input, output),
                Walker::Tnef(tnef) => tnef.step(input, output),
            },
            Self::Waiting(_) => Step { used: length, made: 0, progress: Progress::Hungry },
            Self::Whole(opened) => opened.step(output),
        };
        debug_assert!(step.used <= length && step.made <= room);
        step
    }

    /// The member that has just begun.
    pub(super) fn member(&mut self) -> Member {
        match self {
            Self::Coding(_) | Self::Waiting(_) => Member::default(),
            Self::Whole(opened) => opened.member(),
            Self::Container(walker) => match walker {
                Walker::Tar(tar) => tar.member(),
                Walker::Cpio(cpio) => cpio.member(),
                Walker::Ar(ar) => ar.member(),
                Walker::Rpm(_) => rpm::Rpm::member(),
                Walker::Zip(zip) => zip.member(),
                Walker::Mime(mime) => mime.member(),
                Walker::Text(text) => text.member(),
                Walker::Tnef(tnef) => tnef.member(),
            },
        }
    }

    /// There is no memory for the member that has just begun. Whether it is passed over, and what follows
    /// may be asked for.
    pub(super) fn pass_over(&mut self) -> bool {
        match self {
            Self::Coding(_) | Self::Waiting(_) | Self::Whole(_) => false,
            Self::Container(walker) => match walker {
                Walker::Zip(zip) => zip.pass_over(),
                Walker::Text(text) => text.pass_over(),
                Walker::Tar(_)
                | Walker::Cpio(_)
                | Walker::Ar(_)
                | Walker::Rpm(_)
                | Walker::Mime(_)
                | Walker::Tnef(_) => false,
            },
        }
    }

    /// No more input comes. Whether that lets it go on: then it may be stepped until it is hungry again. To be
    /// asked until it says no, and before [`Unpacker::finish`].
    pub(super) fn end(&mut self) -> bool {
        match self {
            Self::Container(Walker::Mime(mime)) => mime.end(),
            Self::Container(Walker::Text(text)) => text.end(),
            Self::Container(
                Walker::Tar(_)
                | Walker::Cpio(_)
                | Walker::Ar(_)
                | Walker::Rpm(_)
                | Walker::Zip(_)
                | Walker::Tnef(_),
            )
            | Self::Coding(_)
            | Self::Waiting(_)
            | Self::Whole(_) => false,
        }
    }

    /// The input ends here: whether the coding or the container may end here, too.
    ///
    /// # Errors
    ///
    /// [`Why::Broken`] when it ends in the middle of something.
    pub(super) fn finish(&self) -> Result<(), Why> {
        match self {
            Self::Coding(decoder) => decoder.finish(),
            Self::Container(walker) => match walker {
                Walker::Tar(tar) => tar.finish(),
                Walker::Cpio(cpio) => cpio.finish(),
                Walker::Ar(ar) => ar.finish(),
                Walker::Rpm(rpm) => rpm.finish(),
                Walker::Zip(zip) => zip.finish(),
                Walker::Text(text) => text.finish(),
                Walker::Mime(_) => Ok(()),
                Walker::Tnef(tnef) => tnef.finish(),
            },
            Self::Waiting(_) | Self::Whole(_) => Ok(()),
        }
    }
}

impl Decoder {
    /// A decoder for a coding, which takes no more than `state_bytes` of memory ([`Coding::state_bytes`]).
    ///
    /// # Errors
    ///
    /// The reason when its library cannot give a context (no memory).
    pub(super) fn of(coding: Coding, state_bytes: u64) -> Result<Self, Why> {
        Ok(match coding {
            Coding::Gzip => Self::Gzip(gzip::Gzip::new()),
            Coding::Deflate => Self::Deflate(deflate::Deflate::new()),
            Coding::Brotli => Self::Brotli(Box::new(brotli::Brotli::new())),
            Coding::Zstd => Self::Zstd(zstd::Zstd::new()?),
            Coding::Bzip2 => Self::Bzip2(bzip2::Bzip2::new()),
            Coding::Xz => Self::Xz(xz::Xz::new(state_bytes)),
            Coding::Lzma => Self::Lzma(lzma::Lzma::new(state_bytes)),
            Coding::Lzip => Self::Lzip(lzip::Lzip::new(state_bytes)),
            Coding::Lz4 => Self::Lz4(lz4::Lz4::new()),
            Coding::Compress => Self::Compress(compress::Compress::new()),
            Coding::Base64 => Self::Transfer(armor::Undo::of(Some(armor::Transfer::Base64))),
            Coding::Quoted => Self::Transfer(armor::Undo::of(Some(armor::Transfer::Quoted))),
        })
    }

    /// As [`Unpacker::step`].
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        match self {
            Self::Gzip(gzip) => gzip.step(input, output),
            Self::Deflate(deflate) => deflate.step(input, output),
            Self::Brotli(brotli) => brotli.step(input, output),
            Self::Zstd(zstd) => zstd.step(input, output),
            Self::Bzip2(bzip2) => bzip2.step(input, output),
            Self::Xz(xz) => xz.step(input, output),
            Self::Lzma(lzma) => lzma.step(input, output),
            Self::Lzip(lzip) => lzip.step(input, output),
            Self::Lz4(lz4) => lz4.step(input, output),
            Self::Compress(compress) => compress.step(input, output),
            Self::Transfer(undo) => undo.step(input, output),
        }
    }

    /// As [`Unpacker::finish`].
    fn finish(&self) -> Result<(), Why> {
        match self {
            Self::Gzip(gzip) => gzip.finish(),
            Self::Deflate(deflate) => deflate.finish(),
            Self::Brotli(brotli) => brotli.finish(),
            Self::Zstd(zstd) => zstd.finish(),
            Self::Bzip2(bzip2) => bzip2.finish(),
            Self::Xz(xz) => xz.finish(),
            Self::Lzma(lzma) => lzma.finish(),
            Self::Lzip(lzip) => lzip.finish(),
            Self::Lz4(lz4) => lz4.finish(),
            Self::Compress(compress) => compress.finish(),
            Self::Transfer(_) => Ok(()),
        }
    }
}

impl Coding {
    /// The most memory that a decoder for a layer with this head can take, in bytes. It is what
    /// `MaxScanState` counts.
    pub(super) fn state_bytes(self, head: &[u8]) -> u64 {
        match self {
            // A window of 32 KiB and the tables of two Huffman codes.
            Self::Gzip | Self::Deflate => 64 << 10,
            // A window of 16 MiB, twice while it grows from the half, and at most 1 MiB of code tables.
            Self::Brotli => 25 << 20,
            // A window of 8 MiB, and blocks of 128 KiB.
            Self::Zstd => 9 << 20,
            // Four bytes for each of a block of 900 kB, and the tables.
            Self::Bzip2 => 4 << 20,
            Self::Xz => xz::state_bytes(head),
            Self::Lzma => lzma::state_bytes(head),
            Self::Lzip => lzip::state_bytes(head),
            // A window of 64 KiB.
            Self::Lz4 => 64 << 10,
            // Four bytes for each of 65,536 codes.
            Self::Compress => 256 << 10,
            Self::Base64 | Self::Quoted => 0,
        }
    }
}
