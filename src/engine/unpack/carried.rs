//! Archives that something else carries: behind the program that unpacks them, for the most part.
//!
//! A zip is walked where it lies ([`zip`](super::zip)). Another archive begins a layer of its own, of all bytes
//! from its first to the last: 7z, RAR, cabinets, ARJ, installers of NSIS. Their magic numbers are in every
//! program that reads such archives, so what follows one has to be a header: of 7z, RAR and ARJ by its sum.
//!
//! Of several only the first begins a layer, in which the others are looked for again.

use crate::engine::unpack::numbers::le32;
use crate::engine::unpack::walk::Walk;
use flate2::Crc;
use memchr::memmem;

use super::nsis;
use super::parts::hand_on;
use super::zip::Zip;
use super::{Label, Member, Pace, Progress, Step};
use crate::engine::passwords::Passwords;
use crate::engine::verdict::Why;

/// Looks for archives in bytes of any kind.
pub(in crate::engine) struct Carried {
    zip: Zip,
    /// Whether the zip is inside a member, or one of its members begins.
    is_inside: bool,
    begins: bool,
    finder: Finder,
    place: Place,
}

#[derive(Clone, Copy)]
enum Place {
    Looking,
    /// An archive has begun, of whose front so many bytes were handed on.
    Handing(usize),
}

/// The last bytes that came by, as far as an archive may begin in them.
#[derive(Default)]
struct Finder {
    held: Vec<u8>,
}

/// What a piece tells.
struct Found {
    /// So many bytes of it have to be looked at.
    until: usize,
    /// What has to be held then.
    held: Vec<u8>,
    is_archive: bool,
}

impl Carried {
    pub(super) fn new(passwords: &Passwords) -> Self {
        Self {
            zip: Zip::carried(passwords),
            is_inside: false,
            begins: false,
            finder: Finder::default(),
            place: Place::Looking,
        }
    }

    /// Walks a zip, and looks for archives between its members.
    fn look(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let found = if self.is_inside { None } else { Some(self.finder.find(input)) };
        let until = found.as_ref().map_or(input.len(), |found| found.until);
        let step = self.zip.step(input.get(..until).unwrap_or_default(), output);
        if matches!(step.progress, Progress::End(_)) {
            self.is_inside = false;
        }
        self.begins = step.progress == Progress::Begin;
        match found {
            None => self.finder.held.clear(),
            Some(found) if step.used == until => {
                self.finder.held = found.held;
                if found.is_archive && step.progress == Progress::Hungry {
                    self.place = Place::Handing(0);
                    return Step { progress: Progress::Begin, ..step };
                }
                if found.is_archive {
                    // It lies in a zip, which is walked.
                    self.finder.held.clear();
                }
            }
            Some(_) => {
                let used = input.get(..step.used).unwrap_or_default();
                self.finder.held = self.finder.find(used).held;
            }
        }
        step
    }
}

impl Walk for Carried {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        match self.place {
            Place::Looking => self.look(input, output),
            Place::Handing(given) => {
                let mut rest = input;
                let mut all = u64::MAX;
                let mut front = self.finder.held.get(given..).unwrap_or_default();
                let mut made = hand_on(&mut front, &mut all, output);
                self.place = Place::Handing(given.saturating_add(made));
                let is_all = front.is_empty();
                let room = output.get_mut(made..).unwrap_or_default();
                made = made.saturating_add(hand_on(&mut rest, &mut all, room));
                let is_over = is_all && rest.is_empty();
                let progress = if is_over { Progress::Hungry } else { Progress::Full };
                Step { used: input.len().saturating_sub(rest.len()), made, progress }
            }
        }
    }

    fn member(&mut self) -> Member {
        if matches!(self.place, Place::Handing(_)) {
            return Member { label: Label::of("sfx"), ..Member::default() };
        }
        let member = self.zip.member();
        // What is listed does not begin.
        self.is_inside |= self.begins && member.closed.is_none();
        self.begins = false;
        member
    }

    fn pace(&self) -> Pace {
        self.zip.pace()
    }

    fn end(&mut self) -> bool {
        matches!(self.place, Place::Looking) && self.zip.end()
    }

    fn pass_over(&mut self) -> bool {
        self.is_inside = false;
        self.zip.pass_over()
    }

    fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::Looking => self.zip.finish(),
            Place::Handing(_) => Ok(()),
        }
    }
}

impl Finder {
    /// What a piece tells that follows what is held.
    fn find(&self, piece: &[u8]) -> Found {
        let joined;
        let bytes = if self.held.is_empty() {
            piece
        } else {
            joined = [&self.held[..], piece].concat();
            &joined[..]
        };
        let mut magics = Magics::of(bytes);
        let mut from = 0_usize;
        while let Some((at, kind)) = magics.first() {
            let begin = at.saturating_sub(kind.back());
            match kind.check(bytes.get(at..).unwrap_or_default()) {
                Check::Archive(length) => {
                    let end = at.saturating_add(length);
                    let until = end.saturating_sub(self.held.len());
                    let held = bytes.get(begin..end).unwrap_or_default().to_vec();
                    return Found { until, held, is_archive: true };
                }
                Check::Short => {
                    let held = bytes.get(begin..).unwrap_or_default().to_vec();
                    return Found { until: piece.len(), held, is_archive: false };
                }
                Check::Nothing => {
                    from = at.saturating_add(1);
                    magics.pass(kind, bytes, from);
                }
            }
        }
        let kept = bytes.len().saturating_sub(MAGIC_BYTES_MAX).max(from.saturating_sub(4));
        let held = bytes.get(kept..).unwrap_or_default().to_vec();
        Found { until: piece.len(), held, is_archive: false }
    }
}

/// An archive by its magic number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    SevenZip,
    Rar,
    Cabinet,
    Arj,
    Nsis,
}

enum Check {
    /// One begins here, as so many bytes tell.
    Archive(usize),
    /// More bytes are needed to tell.
    Short,
    Nothing,
}

/// Where the next magic number of each kind is.
struct Magics {
    nexts: [Option<usize>; MAGICS.len()],
}

impl Magics {
    fn of(bytes: &[u8]) -> Self {
        Self { nexts: MAGICS.map(|(magic, _)| memmem::find(bytes, magic)) }
    }

    /// The first of them.
    fn first(&self) -> Option<(usize, Kind)> {
        let all = self.nexts.iter().zip(&MAGICS);
        let found = all.filter_map(|(next, (_, kind))| Some(((*next)?, *kind)));
        found.min_by_key(|(at, _)| *at)
    }

    /// That of a kind was none: the next one of it, from a place on.
    fn pass(&mut self, passed: Kind, bytes: &[u8], from: usize) {
        for (next, (magic, kind)) in self.nexts.iter_mut().zip(&MAGICS) {
            if *kind == passed {
                let rest = bytes.get(from..).unwrap_or_default();
                *next = memmem::find(rest, magic).and_then(|at| at.checked_add(from));
            }
        }
    }
}

impl Kind {
    /// Bytes of the archive in front of its magic number.
    const fn back(self) -> usize {
        match self {
            Self::Nsis => 4,
            Self::SevenZip | Self::Rar | Self::Cabinet | Self::Arj => 0,
        }
    }

    /// Whether the bytes from a magic number on are those of an archive.
    fn check(self, bytes: &[u8]) -> Check {
        match self {
            Self::SevenZip => of_sum(bytes, 12..32, |bytes, sum| le32(bytes, 8) == Some(sum)),
            Self::Cabinet => match bytes.get(..26) {
                None => Check::Short,
                Some(header) => {
                    let is_zero = [4, 12, 20].iter().all(|at| le32(header, *at) == Some(0));
                    let is_cabinet = is_zero && header.ends_with(&[3, 1]);
                    if is_cabinet { Check::Archive(26) } else { Check::Nothing }
                }
            },
            Self::Rar => rar(bytes),
            Self::Arj => arj(bytes),
            Self::Nsis => Check::Archive(nsis::MARK.len()),
        }
    }
}

/// Whether a part of a header has the sum that is in it.
fn of_sum(
    bytes: &[u8],
    part: std::ops::Range<usize>,
    is_sum: impl Fn(&[u8], u32) -> bool,
) -> Check {
    let Some(summed) = bytes.get(part.clone()) else { return Check::Short };
    let mut sum = Crc::new();
    sum.update(summed);
    let end = part.end;
    if is_sum(bytes, sum.sum()) { Check::Archive(end) } else { Check::Nothing }
}

fn rar(bytes: &[u8]) -> Check {
    match bytes {
        // The header of the archive, of 13 bytes.
        [_, _, _, _, _, _, 0, _, _, 0x73, _, _, 13, 0, ..] => of_sum(bytes, 9..20, |bytes, sum| {
            let said = le32(bytes, 7).map(|said| said & 0xffff);
            said == Some(sum & 0xffff)
        }),
        // A sum of 32 bits, a size of one byte, and as many bytes.
        [_, _, _, _, _, _, 1, 0, _, _, _, _, size @ 1..=0x7f, ..] => {
            let end = usize::from(*size).saturating_add(13);
            of_sum(bytes, 12..end, |bytes, sum| le32(bytes, 8) == Some(sum))
        }
        _ if bytes.len() < 14 => Check::Short,
        _ => Check::Nothing,
    }
}

fn arj(bytes: &[u8]) -> Check {
    let Some([_, _, low, high, _, _, _, _, _, _, kind]) = bytes.first_chunk::<11>() else {
        return Check::Short;
    };
    let size = usize::from(u16::from_le_bytes([*low, *high]));
    if *kind != 2 || !(30..=ARJ_HEADER_BYTES_MAX).contains(&size) {
        return Check::Nothing;
    }
    let end = size.saturating_add(4);
    let whole = end.saturating_add(4);
    if bytes.len() < whole {
        return Check::Short;
    }
    match of_sum(bytes, 4..end, |bytes, sum| le32(bytes, end) == Some(sum)) {
        Check::Archive(_) => Check::Archive(whole),
        other @ (Check::Short | Check::Nothing) => other,
    }
}

const MAGICS: [(&[u8], Kind); 5] = [
    (b"7z\xbc\xaf\x27\x1c", Kind::SevenZip),
    (b"Rar!\x1a\x07", Kind::Rar),
    (b"MSCF\0\0\0\0", Kind::Cabinet),
    (b"\x60\xea", Kind::Arj),
    (nsis::MARK, Kind::Nsis),
];
/// Of the longest magic number all but the last byte, and what lies in front of it.
const MAGIC_BYTES_MAX: usize = 19;
const ARJ_HEADER_BYTES_MAX: usize = 2_600;
