//! What is inside a layer whose type says nothing of it, by the first bytes.

use super::{
    Coding, Container, Suspect, Whole, ar, bzip2, cab, compress, disk, expand, lnk, lz4, lzma,
    nsis, onenote, rpm, tar,
};

/// What is inside a layer, as far as its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Inside {
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

impl Inside {
    /// Of a layer whose type says nothing of its inside: formats that have no type of their own, or that
    /// a table of types may lack.
    pub(in crate::engine) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, 0x08, ..] => Self::Coding(Coding::Gzip),
            // The mark of an archive of several volumes in front of one that is not.
            [b'P', b'K', 7, 8, b'P', b'K', 3, 4, ..] => Self::Container(Container::Zip),
            [b'L', b'Z', b'I', b'P', 0 | 1, ..] => Self::Coding(Coding::Lzip),
            // Word asks for no more than that.
            [b'{', b'\\', b'r', b't', ..] => Self::Container(Container::Rtf),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Coding(Coding::Xz),
            _ if bzip2::is_front(head) => Self::Coding(Coding::Bzip2),
            _ if lz4::is_front(head) => Self::Coding(Coding::Lz4),
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::of_skipped(lz4::after_skipped(head)),
            _ if compress::is_front(head) => Self::Coding(Coding::Compress),
            // Readers do not look at the words between, which tables of types ask for.
            _ if cab::is_front(head) => Self::Whole(Whole::Cab),
            // What unrar reads and nobody else.
            [b'R', b'E', 0x7e, 0x5e, ..] => Self::Unopened("archive of RAR 1.4"),
            _ if nsis::is_front(head) => Self::Whole(Whole::Nsis),
            _ if expand::is_front(head) => Self::Coding(Coding::Szdd),
            _ if lzma::is_plausible(head) => Self::Coding(Coding::Lzma),
            _ if head.starts_with(ar::MAGIC) => Self::Container(Container::Ar),
            _ if head.starts_with(rpm::MAGIC) => Self::Container(Container::Rpm),
            [_, _, b'-', b'l', b'z', b's' | b'4' | b'5', b'-', ..] => {
                Self::Container(Container::Lha)
            }
            _ if onenote::is_other_packaging(head) => {
                Self::Unopened("OneNote section as servers pack it")
            }
            _ if head.starts_with(onenote::MAGIC) => Self::Container(Container::OneNote),
            _ if head.starts_with(lnk::MAGIC) => Self::Container(Container::Link),
            _ if head.starts_with(b"07070X") => Self::Unopened("payload of a large rpm package"),
            _ if tar::has_right_sum(head) => Self::Container(Container::Tar),
            _ => match packed_disk(head).or_else(|| disk::unread(head)) {
                Some(name) => Self::Unopened(name),
                None if disk::is_front(head) => Self::Whole(Whole::Storage),
                None => Self::Nothing,
            },
        }
    }
}

/// What kind of image of a disc this is, of those whose blocks are packed or out of order.
fn packed_disk(head: &[u8]) -> Option<&'static str> {
    let field = |at: usize| head.get(at..)?.first_chunk::<4>().copied();
    match head {
        [b'M', b'S', b'W', b'I', b'M', 0, 0, 0, ..] => Some("WIM image"),
        [b'v', b'h', b'd', b'x', b'f', b'i', b'l', b'e', ..] => Some("VHDX image"),
        [b'c', b'o', b'n', b'e', b'c', b't', b'i', b'x', ..] => Some("VHD image"),
        [b'Q', b'F', b'I', 0xfb, 0, 0, 0, 1..=3, ..] => Some("QCOW image"),
        [b'K', b'D', b'M', b'V', 1..=3, 0, 0, 0, ..] => Some("VMDK image"),
        [b'h', b's', b'q', b's', ..] => Some("SquashFS image"),
        // Chunks of xz, in packages of macOS.
        [b'p', b'b', b'z', b'x', ..] => Some("pbzx stream"),
        // A sector of a CD as it is on the disc, with its address and sums.
        [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, _, _, _, 1 | 2, ..] => {
            Some("image of raw CD sectors")
        }
        [b'k', b'o', b'l', b'y', 0, 0, 0, 4, 0, 0, 2, 0, ..] => {
            Some("DMG with its trailer in front")
        }
        _ if field(64) == Some(*b"\x7f\x10\xda\xbe") => Some("VDI image"),
        _ => None,
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

    /// Of a program that begins with `head`.
    pub(in crate::engine) fn of_program(head: &[u8]) -> Self {
        let packed = |suspect| Self::Whole(Whole::Packed(suspect));
        Suspect::of(head).map_or_else(|| Self::of(head), packed)
    }

    /// Whether a layer that begins with `head` may be a bzip2 file: three letters of magic may begin a text.
    pub(in crate::engine) fn may_be_bzip2(head: &[u8]) -> bool {
        bzip2::is_front(head)
    }
}
