//! What a layer turns out to be behind its head: an image of a disc.
//!
//! ISO 9660 and UDF are known by the bytes from the 32,769th on, HFS+ by those from the 1,025th on. Anything may stand
//! before, and any program that opens images looks nowhere else; so this asks of every layer, whatever it is by its
//! head, and keeps the bytes of those that are images. The bytes before are kept as zeros: no table of an image leads
//! there. For all other layers a few bytes are remembered.
//!
//! Images of macOS (UDIF) are known by their last 512 bytes. They begin with a packed run, so layers that begin like one
//! and like nothing else are kept from their first byte. An image that begins with something else is said to be
//! missing, and so are the file systems and images that are known by a few bytes and not walked.
//!
//! An archive in a layer whose unpacker does not look for one ([`StrayWatch`]) is kept from its first byte on.

use super::spool::Spool;
use super::unpack::{
    DMG_TRAILER_BYTES, SYSTEM_BYTES, StrayWatch, Whole, is_dmg_trailer, of_second_block,
};
use super::verdict::Why;

/// Watches a layer for the marks of an image.
pub(super) struct Volume {
    disc: Disc,
    /// All bytes of a layer that may be an image of macOS.
    front: Option<Spool>,
    strays: Option<StrayWatch>,
    /// The last bytes.
    tail: Vec<u8>,
    /// Bytes that came.
    at: u64,
    /// What stands where file systems of macOS and Linux have their mark.
    mark: Vec<u8>,
    /// Why one of those is not read.
    closed: Option<Why>,
    /// What came back, held until the layer goes: to free it takes long.
    spent: Vec<Spool>,
}

enum Disc {
    /// The mark was not all there yet.
    Before(Vec<u8>, Spool),
    /// The layer is an image, and these are its bytes.
    Kept(Spool),
    /// It is none, or its bytes were handed on.
    Absent,
}

/// What an ended layer is.
pub(super) enum Image {
    /// Something that can be opened.
    Open(Whole, Spool),
    /// Something that cannot.
    Closed(Why),
}

impl Volume {
    /// Watches a layer that begins with `head`, from its first byte. The spools have taken no memory yet.
    pub(super) fn new(head: &[u8], spools: [Spool; 2]) -> Self {
        let [disc, front] = spools;
        Self {
            disc: Disc::Before(Vec::new(), disc),
            front: Some(front).filter(|_| is_packed_run(head)),
            strays: None,
            tail: Vec::new(),
            at: 0,
            mark: Vec::new(),
            closed: None,
            spent: Vec::new(),
        }
    }

    /// Looks for archives as well, which nothing else does in this layer.
    pub(super) fn watch_for_strays(&mut self, spool: Spool) {
        self.strays = Some(StrayWatch::new(spool));
    }

    /// The next bytes of the layer.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        if let Some(strays) = &mut self.strays {
            strays.feed(piece);
        }
        let before = self.at;
        self.at += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        let rest = take(&mut self.mark, SECOND, before, piece);
        match piece.len().checked_sub(DMG_TRAILER_BYTES) {
            Some(from) => piece[from..].clone_into(&mut self.tail),
            None => {
                self.tail.extend_from_slice(piece);
                let gone = self.tail.len().saturating_sub(DMG_TRAILER_BYTES);
                self.tail.drain(..gone);
            }
        }
        if let Some(front) = &mut self.front {
            front.push(piece);
        }
        match rest.and_then(|rest| Some((rest, of_second_block(&self.mark)?))) {
            Some((rest, Ok(()))) => self.disc.keep((SECOND.0, &self.mark), rest),
            Some((_, Err(why))) => {
                self.closed = Some(why);
                self.disc.feed(before, piece);
            }
            None => self.disc.feed(before, piece),
        }
    }

    /// What the ended layer is. To be asked until it says no more.
    pub(super) fn take(&mut self) -> Option<Image> {
        if let Disc::Kept(spool) = std::mem::replace(&mut self.disc, Disc::Absent) {
            // Hybrid discs have both, over the same files.
            self.closed = self.closed.take().filter(|why| *why != OLD_APPLE);
            return Some(Image::Open(Whole::Disk, spool));
        }
        if let Some(stray) = self.strays.take().and_then(StrayWatch::take) {
            return Some(Image::Open(Whole::Stray, stray));
        }
        let tail = std::mem::take(&mut self.tail);
        if is_dmg_trailer(&tail) {
            return Some(match self.front.take() {
                Some(front) => Image::Open(Whole::Dmg, front),
                None => Image::Closed(Why::Unsupported("DMG that begins with a plain run")),
            });
        }
        if tail.starts_with(b"conectix") && tail.len() == DMG_TRAILER_BYTES {
            return Some(Image::Closed(Why::Unsupported("VHD image")));
        }
        self.closed.take().map(Image::Closed)
    }

    /// Takes back what was opened.
    pub(super) fn give(&mut self, spool: Spool) {
        self.spent.push(spool);
    }
}

impl Disc {
    fn feed(&mut self, before: u64, piece: &[u8]) {
        match self {
            Self::Absent => {}
            Self::Kept(spool) => spool.push(piece),
            Self::Before(mark, _) => {
                let Some(rest) = take(mark, (SYSTEM_BYTES, MARK_BYTES), before, piece) else {
                    return;
                };
                if MARKS.iter().any(|known| mark.ends_with(*known)) {
                    let mark = std::mem::take(mark);
                    self.keep((SYSTEM_BYTES, &mark), rest);
                } else {
                    *self = Self::Absent;
                }
            }
        }
    }

    /// The layer is an image, by a mark at a place: keeps it from there on, and zeros in front of it.
    fn keep(&mut self, (place, mark): (u64, &[u8]), rest: &[u8]) {
        if let Self::Before(_, mut spool) = std::mem::replace(self, Self::Absent) {
            spool.push(&vec![0; usize::try_from(place).unwrap_or(0)]);
            spool.push(mark);
            spool.push(rest);
            *self = Self::Kept(spool);
        }
    }
}

/// Adds to `mark` what a piece of the layer has of the bytes at a place. When they are all there for the first time,
/// gives what follows them.
fn take<'a>(
    mark: &mut Vec<u8>,
    (place, length): (u64, usize),
    before: u64,
    piece: &'a [u8],
) -> Option<&'a [u8]> {
    if mark.len() == length {
        return None;
    }
    let have = u64::try_from(mark.len()).unwrap_or(u64::MAX);
    let skipped = usize::try_from((place + have).saturating_sub(before)).unwrap_or(usize::MAX);
    let rest = piece.get(skipped..)?;
    let (front, rest) = rest.split_at_checked(length - mark.len()).unwrap_or((rest, &[]));
    mark.extend_from_slice(front);
    (mark.len() == length).then_some(rest)
}

/// Whether this is the front of a zlib or an LZFSE stream. Of other packings layers have types of their own.
fn is_packed_run(head: &[u8]) -> bool {
    match head {
        [0x78, flags, ..] => (0x7800 | u16::from(*flags)).is_multiple_of(31) && flags & 0x20 == 0,
        [b'b', b'v', b'x', b'-' | b'1' | b'2' | b'n', ..] => true,
        _ => false,
    }
}

const OLD_APPLE: Why = Why::Unsupported("HFS volume");
/// A kind, and the name of a standard.
const MARK_BYTES: usize = 6;
/// ISO 9660; UDF, which may also begin with what it boots from.
const MARKS: [&[u8; 5]; 7] = [b"CD001", b"BEA01", b"NSR02", b"NSR03", b"BOOT2", b"CDW02", b"TEA01"];
/// Where file systems are described that leave room to boot from in front, and how many bytes that takes.
const SECOND: (u64, usize) = (1_024, 512);

#[cfg(test)]
mod tests {
    use super::super::spool::SpoolBudget;
    use super::*;

    /// What is said of a layer, with the bytes that were kept.
    fn said(bytes: &[u8], cut: usize) -> Vec<(Option<Whole>, Vec<u8>)> {
        let budget = SpoolBudget::new(1 << 20);
        let spools = [(); 2].map(|()| Spool::new(1 << 20, budget.clone()));
        let mut volume = Volume::new(bytes, spools);
        bytes.chunks(cut).for_each(|piece| volume.feed(piece));
        let mut all = Vec::new();
        while let Some(image) = volume.take() {
            all.push(match image {
                Image::Open(whole, spool) => {
                    let kept = spool.bytes().expect("it is small").to_vec();
                    volume.give(spool);
                    (Some(whole), kept)
                }
                Image::Closed(why) => (None, why.to_string().into_bytes()),
            });
        }
        all
    }

    #[test]
    fn images_are_known_however_they_are_cut_and_nothing_else_is_kept() {
        let mut disc = vec![7; 32 << 10];
        disc.extend_from_slice(b"\x01CD001\x01 and what follows");
        let mut other = disc.clone();
        other[32_772] = b'!';
        let kept = [&vec![0; 32 << 10][..], &disc[32 << 10..]].concat();
        let mut trailer = b"koly\0\0\0\x04\0\0\x02\0".to_vec();
        trailer.resize(512, 9);
        let packed = [b"\x78\xda packed runs", &[1; 2_000][..], &trailer].concat();
        let plain = [&[1; 2_000][..], &trailer].concat();
        let both = [&disc[..], &trailer].concat();
        let mut mac = vec![0; 3_000];
        mac[1_024..1_028].copy_from_slice(b"H+\0\x04");
        let mut linux = vec![0; 3_000];
        linux[1_024] = 1;
        linux[1_080..1_082].copy_from_slice(b"\x53\xef");
        let mut hybrid = disc.clone();
        hybrid[1_024..1_536].copy_from_slice(&linux[1_024..1_536]);
        let fixed = [&[3; 900][..], b"conectix", &[0; 504]].concat();
        let text = |why: &str| vec![(None, format!("unsupported: {why}").into_bytes())];
        for cut in [1, 5, 511, 513, 4_096, 32_770, 40_000] {
            assert_eq!(said(&disc, cut), [(Some(Whole::Disk), kept.clone())]);
            assert_eq!(said(&other, cut), []);
            assert_eq!(said(&packed, cut), [(Some(Whole::Dmg), packed.clone())]);
            assert_eq!(said(&plain, cut), text("DMG that begins with a plain run"));
            assert_eq!(said(&both, cut).len(), 2);
            assert_eq!(said(&mac, cut), [(Some(Whole::Disk), mac.clone())]);
            assert_eq!(said(&linux, cut), text("ext volume"));
            let image = (Some(Whole::Disk), kept.clone());
            assert_eq!(said(&hybrid, cut), [&[image][..], &text("ext volume")].concat());
            assert_eq!(said(&fixed, cut), text("VHD image"));
            assert_eq!(said(b"\x78\xda short", cut), []);
        }
    }
}
