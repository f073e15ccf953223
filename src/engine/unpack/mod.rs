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
//! | SZDD, KWAJ | files of `COMPRESS.EXE` | [`expand`] |
//! | `compress`, `x-compress`, `.Z` files | LZW as of Unix | [`compress`] |
//!
//! | container | format | here |
//! | --- | --- | --- |
//! | tar, all dialects | POSIX.1-2017 pax, GNU, V7 | [`tar`] |
//! | OLE2: Office 97, MSI, Outlook messages; macros | MS-CFB, MS-OVBA; as a whole | [`ole2`] |
//! | ARJ | methods 0 to 4 | [`arj`] |
//! | LHA, LZH, `LArc` | headers of the levels 0 to 3 | [`lha`] |
//! | any of RAR, 7z, cabinets, ARJ, LHA and NSIS carried by something else | | [`carried`] |
//! | RAR | versions 2.9 to 7, and what older ones stored | [`rar`] |
//! | 7z: all its coders, solid or not | 7-Zip's `7zFormat.txt`; as a whole | [`seven_zip`] |
//! | cabinets: MSZIP, LZX, Quantum | MS-CAB; as a whole | [`cab`] |
//! | compiled help | CHM, with LZX; as a whole | [`chm`] |
//! | ISO 9660, UDF; as a whole | ECMA-119, Joliet, Rock Ridge; ECMA-167 | [`disk`] |
//! | disks: MBR, GPT, Apple's; FAT, HFS+; as a whole | | [`disk`] |
//! | UDIF (`.dmg`): partitions; as a whole | koly, blkx; ADC, zlib, bzip2, xz | [`dmg`] |
//! | XAR: `.pkg`, `.xip`; as a whole | XML in zlib; zlib, bzip2, LZMA, xz | [`xar`] |
//! | installers of NSIS | deflate, LZMA; as a whole | [`nsis`] |
//! | PDF: streams, their filters undone; scripts | ISO 32000-1; as a whole | [`pdf`] |
//! | packed programs: for Windows run by a machine, of UPX decompressed; as a whole | [`packed`] |
//! | cpio, all dialects | new ASCII, with sums, old ASCII, binary | [`cpio`] |
//! | ar, `.deb`, `.a` | System V, GNU, BSD | [`ar`] |
//! | `.rpm` | LSB 5.0: lead, signature, header, payload | [`rpm`] |
//! | mails, mailboxes, MHTML; bodies of HTTP with parts | RFC 5322, 2045 to 2047, 2231, 4155, 7578 | [`mime`] |
//! | TNEF: `winmail.dat` of Outlook; bodies in RTF | MS-OXTNEF, MS-OXRTFCP | [`tnef`] |
//! | what is written as text in a text: `data:`, base64, uuencode, yEnc, `BinHex` | RFC 2397, 4648, 1741 | [`text`], [`armor`] |
//! | `CWS`, `ZWS`: packed Flash | SWF 19 | [`flash`] |
//! | SIS packages; as a whole | Symbian OS 5, 6 and 9 | [`sis`] |
//! | `OneNote`: embedded files | MS-ONESTORE | [`onenote`] |
//! | shell links: what is behind them | MS-SHLLINK | [`lnk`] |
//! | RTF: objects, pictures | RTF 1.9.1, MS-OLEDS | [`rtf`] |
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

mod again;
mod ar;
mod arj;
mod armor;
mod block;
mod brotli;
mod bzip2;
mod cab;
mod carried;
mod cbc;
mod chm;
mod codings;
mod compress;
mod cpio;
mod decoder;
mod deflate;
mod disk;
mod dmg;
mod expand;
mod flash;
mod gzip;
mod inflate;
mod inside;
mod key;
mod lha;
mod lnk;
mod lz;
mod lz4;
mod lzip;
mod lzma;
mod member;
mod mime;
mod nsis;
mod numbers;
mod ole2;
mod onenote;
mod opened;
mod pace;
mod package;
mod packed;
mod parts;
mod pdf;
mod ppmd;
mod ranges;
mod rar;
mod rpm;
mod rtf;
mod said;
mod seven_zip;
mod sis;
mod slice;
mod tar;
#[cfg(test)]
mod tests;
mod text;
mod tnef;
mod walk;
mod xar;
mod xz;
mod zip;
mod zstd;

pub(super) use carried::Watch as StrayWatch;
pub use codings::{Coding, ContentCodings, Unsupported};
pub(super) use decoder::Decoder;
pub(super) use disk::{SYSTEM_BYTES, of_second_block};
pub(super) use dmg::{TRAILER_BYTES as DMG_TRAILER_BYTES, is_trailer as is_dmg_trailer};
pub(super) use inside::Inside;
pub(super) use member::{Label, Member};
pub(super) use opened::Opened;
pub(super) use pace::Pace;
pub(super) use packed::Suspect;
pub use said::MediaType;
pub(super) use said::{Reading, Said};
use walk::Walk;

use carried::{Behind, Carried};

use super::file_type::Kind;
use super::passwords::Passwords;
use super::spool::Spool;
use super::verdict::Why;

/// What takes layers out of a layer.
pub(super) enum Unpacker {
    /// One layer, which is there from the beginning.
    Coding(Decoder),
    /// Any number, one after another.
    Container(Box<dyn Walk>),
    /// Any number, when all bytes of the container are there. Until then a zip that it may carry is looked
    /// for in them: readers of zip open it whatever else the file is.
    Waiting(Whole, Option<Box<dyn Walk>>),
    /// They are.
    Whole(Box<Opened>),
}

/// The containers that are opened when all of their bytes are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Ole2,
    Pdf,
    SevenZip,
    Cab,
    Chm,
    Nsis,
    /// An image of a disc, known by marks behind its head.
    Disk,
    /// An image of a disk, known by its head.
    Storage,
    Sis,
    /// An image of macOS.
    Dmg,
    /// A program that looks packed.
    Packed(Suspect),
    /// Anything, to be looked at again as another kind.
    Again(Kind),
    Xar,
    /// An archive, from its first byte on, in a layer of another kind.
    Stray,
}

/// The containers that are walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Tar,
    Cpio,
    Ar,
    Rpm,
    Zip,
    Arj,
    Lha,
    Rar,
    /// A zip, or another archive, that may be behind, or in the middle of, something else.
    CarriedZip,
    /// A mail, or a mailbox.
    Mail,
    /// What is written as text in a text, and a zip that it may carry.
    Text,
    Rtf,
    OneNote,
    /// A shell link, with something behind it.
    Link,
    Tnef,
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
    /// Something is said of a member that was met, or will be, which [`Unpacker::member`] tells of; it does not
    /// begin. It goes on without input.
    Listed,
    /// Something cannot be seen. It goes on without input.
    Missed(Why),
    /// Nothing: it cannot go on, and what it gave out so far is all there is.
    Stopped(Why),
}

impl Container {
    /// Whether its walker sees no archive that stands beside its members.
    pub(super) const fn may_have_strays(self) -> bool {
        matches!(self, Self::Rtf | Self::OneNote)
    }
}

impl Whole {
    /// Whether something is in it for certain, so that it is not scanned when it cannot be opened.
    pub(super) const fn is_certain(self) -> bool {
        match self {
            Self::Ole2
            | Self::Pdf
            | Self::SevenZip
            | Self::Cab
            | Self::Chm
            | Self::Nsis
            | Self::Disk
            | Self::Storage
            | Self::Sis
            | Self::Dmg
            | Self::Xar
            | Self::Stray
            | Self::Again(_) => true,
            Self::Packed(suspect) => suspect.is_certain(),
        }
    }
}

impl Unpacker {
    /// For a container. It takes no memory to speak of yet.
    pub(super) fn of(container: Container, passwords: &Passwords) -> Self {
        Self::Container(match container {
            Container::Tar => Box::new(Behind::new(tar::Tar::new(), passwords)),
            Container::Cpio => Box::new(cpio::Cpio::new()),
            Container::Ar => Box::new(ar::Ar::new()),
            Container::Rpm => Box::new(rpm::Rpm::new()),
            Container::Zip => Box::new(Carried::between(passwords)),
            Container::CarriedZip => Box::new(Carried::new(passwords)),
            Container::Mail => Box::new(mime::Mime::mail()),
            Container::Text => Box::new(text::Text::new(passwords)),
            Container::Arj => Box::new(Behind::new(arj::Arj::new(), passwords)),
            Container::Lha => Box::new(Behind::new(lha::Lha::new(), passwords)),
            Container::Rar => Box::new(Behind::new(rar::Rar::new(passwords), passwords)),
            Container::Rtf => Box::new(rtf::Rtf::new()),
            Container::OneNote => Box::new(onenote::OneNote::new()),
            Container::Link => Box::new(lnk::Link::new()),
            Container::Tnef => Box::new(tnef::Tnef::new()),
        })
    }

    /// For a container that is opened at its end.
    pub(super) fn waiting(whole: Whole, passwords: &Passwords) -> Self {
        Self::Waiting(
            whole,
            Some(match whole {
                // What unpacks itself may carry any archive; of a PDF readers do not ask what is in front of one.
                Whole::Packed(_) | Whole::Pdf => Box::new(Carried::new(passwords)),
                Whole::SevenZip | Whole::Cab | Whole::Nsis => {
                    Box::new(Carried::behind(whole, passwords))
                }
                // Of documents and discs the members lie in pieces, which look like broken archives.
                Whole::Ole2
                | Whole::Chm
                | Whole::Disk
                | Whole::Storage
                | Whole::Sis
                | Whole::Dmg
                | Whole::Xar
                | Whole::Stray
                | Whole::Again(_) => Box::new(zip::Zip::carried(passwords)),
            }),
        )
    }

    /// For a container all of whose bytes are there.
    pub(super) fn open(whole: Whole, spool: Spool, passwords: &Passwords) -> Self {
        Self::Whole(Box::new(Opened::new(whole, spool, passwords)))
    }

    /// Reads as much of `input` as fits `output`, up to the next thing that has to be said. Whatever is
    /// written belongs to the member that began last; between members nothing is written.
    ///
    /// With input and room it makes progress, or is stopped.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let (length, room) = (input.len(), output.len());
        let step = match self {
            Self::Coding(decoder) => decoder.step(input, output),
            Self::Container(walker) => walker.step(input, output),
            Self::Waiting(_, Some(walker)) => walker.step(input, output),
            Self::Waiting(_, None) => Step { used: length, made: 0, progress: Progress::Hungry },
            Self::Whole(opened) => opened.step(output),
        };
        debug_assert!(step.used <= length && step.made <= room);
        step
    }

    /// How dear what the next step gives out will be.
    pub(super) fn pace(&self) -> Pace {
        match self {
            Self::Coding(decoder) => decoder.pace(),
            Self::Container(walker) | Self::Waiting(_, Some(walker)) => walker.pace(),
            Self::Waiting(_, None) => Pace::Quick,
            Self::Whole(opened) => opened.pace(),
        }
    }

    /// The member that has just begun, or was listed.
    pub(super) fn member(&mut self) -> Member {
        match self {
            Self::Coding(_) | Self::Waiting(_, None) => Member::default(),
            Self::Waiting(_, Some(walker)) => walker.member(),
            Self::Whole(opened) => opened.member(),
            Self::Container(walker) => walker.member(),
        }
    }

    /// There is no memory for the member that has just begun. Whether it is passed over, and what follows
    /// may be asked for.
    pub(super) fn pass_over(&mut self) -> bool {
        match self {
            Self::Coding(_) | Self::Waiting(_, None) => false,
            Self::Waiting(_, Some(walker)) => walker.pass_over(),
            Self::Whole(opened) => opened.pass_over(),
            Self::Container(walker) => walker.pass_over(),
        }
    }

    /// No more input comes. Whether that lets it go on: then it may be stepped until it is hungry again. To be
    /// asked until it says no, and before [`Unpacker::finish`].
    pub(super) fn end(&mut self) -> bool {
        match self {
            Self::Container(walker) | Self::Waiting(_, Some(walker)) => walker.end(),
            Self::Coding(_) | Self::Waiting(_, None) | Self::Whole(_) => false,
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
            Self::Container(walker) => walker.finish(),
            Self::Waiting(_, Some(walker)) => walker.finish(),
            Self::Waiting(_, None) | Self::Whole(_) => Ok(()),
        }
    }
}
