//! Images of discs as macOS packs them (UDIF, `.dmg`): each partition, put together from its runs.
//!
//! ```text
//!   packed runs … ┃ property list: a table of runs for each partition ┃ 512 bytes: `koly`, where the list is
//! ```
//!
//! Runs are zeros, plain, or packed with ADC, zlib, bzip2 or xz; what is packed with LZFSE is not seen, and said. A
//! partition is a member; the file system in it is what the member turns out to be.
//!
//! Absent on purpose: images in several segments, and those whose tables are in a resource fork, which are said to be
//! missing; sums.

mod adc;

use memchr::memmem;

use self::adc::Adc;
use super::numbers::{be32, be64, part};
use super::parts::wide;
use super::slice::Slice;
use super::{Coding, Decoder, Label, Member, Progress};
use crate::engine::verdict::{Limit, Why};

/// An image being read.
#[derive(Default)]
pub(super) struct Dmg {
    has_begun: bool,
    said: Option<Why>,
    /// Where the rest of the property list is, and where places in it are counted from.
    list: Option<List>,
    /// The last one first.
    partitions: Vec<Partition>,
    open: Option<Partition>,
}

/// What is left of a property list.
#[derive(Clone, Copy)]
struct List {
    at: u64,
    end: u64,
    data: u64,
    /// Runs that may still be told.
    runs: usize,
}

/// A partition, and how far it was put together.
struct Partition {
    name: Vec<u8>,
    runs: Vec<Run>,
    index: usize,
    run: Option<Source>,
    /// Bytes of the run that are left.
    left: u64,
    /// Memory that its runs take at most.
    state_bytes: u64,
}

#[derive(Clone, Copy)]
struct Run {
    kind: u32,
    size: u64,
    from: u64,
    length: u64,
}

/// What a run is read from.
enum Source {
    Zeros,
    Slice(Slice),
    Adc(Box<Adc>),
}

impl Dmg {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The next step, given all of the image: bytes made, and what there is to say.
    pub(super) fn step(&mut self, image: &[u8], output: &mut [u8]) -> (usize, Progress) {
        if let Some(why) = self.said.take() {
            return (0, Progress::Missed(why));
        }
        if !std::mem::replace(&mut self.has_begun, true) {
            match trailer(image) {
                Ok(list) => self.list = Some(list),
                Err(why) => self.said = Some(why),
            }
            return (0, Progress::Full);
        }
        if let Some(mut list) = self.list.take() {
            match list.next(image, &mut self.partitions) {
                Ok(true) => self.list = Some(list),
                Ok(false) => self.partitions.reverse(),
                Err(why) => {
                    self.said = Some(why);
                    self.partitions.reverse();
                }
            }
            return (0, Progress::Full);
        }
        if let Some(partition) = &mut self.open {
            let (made, fate) = partition.read(image, output);
            let Some(fate) = fate else { return (made, Progress::Full) };
            self.open = None;
            return (0, Progress::End(fate));
        }
        self.open = self.partitions.pop();
        (0, if self.open.is_some() { Progress::Begin } else { Progress::Hungry })
    }

    /// The member that has just begun.
    pub(super) fn member(&self) -> Member {
        let Some(partition) = &self.open else { return Member::default() };
        let sizes = partition.runs.iter().map(|run| run.size);
        Member {
            label: Label::named("dmg", &partition.name),
            size: Some(sizes.fold(0, u64::saturating_add)),
            state_bytes: partition.state_bytes,
            around: Some("CL_TYPE_DMG"),
            ..Member::default()
        }
    }
}

impl Partition {
    /// Fills `output` as far as one step goes; says how the partition ended, when it did.
    fn read(&mut self, image: &[u8], output: &mut [u8]) -> (usize, Option<Result<(), Why>>) {
        let Some(run) = &mut self.run else {
            let Some(next) = self.runs.get(self.index) else { return (0, Some(Ok(()))) };
            self.index = self.index.saturating_add(1);
            self.left = next.size;
            return match Source::of(*next, image) {
                Ok(source) => {
                    self.run = Some(source);
                    (0, None)
                }
                Err(why) => (0, Some(Err(why))),
            };
        };
        if self.left == 0 {
            self.run = None;
            return (0, None);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(output.len());
        let room = output.get_mut(..most).unwrap_or_default();
        let (made, fate) = match run {
            Source::Zeros => {
                room.fill(0);
                (room.len(), None)
            }
            Source::Slice(slice) => slice.read(image, room, ENDS_EARLY),
            Source::Adc(adc) => adc.read(image, room),
        };
        self.left = self.left.saturating_sub(wide(made));
        // One that ends before its size is damaged, whatever it says itself.
        (made, fate.map(|fate| fate.and(Err(ENDS_EARLY))))
    }
}

impl Source {
    fn of(run: Run, image: &[u8]) -> Result<Self, Why> {
        let coding = match run.kind {
            KIND_ZERO | KIND_IGNORED => return Ok(Self::Zeros),
            KIND_RAW => return Ok(Self::Slice(Slice::new(run.from, run.length, None))),
            KIND_ADC => return Ok(Self::Adc(Box::new(Adc::new(run.from, run.length)))),
            KIND_ZLIB => Coding::Deflate,
            KIND_BZIP2 => Coding::Bzip2,
            KIND_XZ => Coding::Xz,
            KIND_LZFSE => return Err(Why::Unsupported("DMG packed with LZFSE")),
            _ => return Err(Why::Unsupported("DMG: a kind of run")),
        };
        let state_bytes = coding.state_bytes(head(image, run));
        let decoder = Decoder::of(coding, state_bytes)?;
        Ok(Self::Slice(Slice::new(run.from, run.length, Some(decoder))))
    }
}

/// The front of what is packed in a run.
fn head(image: &[u8], run: Run) -> &[u8] {
    part(image, run.from, run.length.min(HEAD_BYTES)).unwrap_or_default()
}

/// Reads the trailer, which leads to the list of tables.
fn trailer(image: &[u8]) -> Result<List, Why> {
    let trailer = image.last_chunk::<TRAILER_BYTES>().ok_or(BAD_TRAILER)?;
    let field = |at| be64(trailer, at).ok_or(BAD_TRAILER);
    if be32(trailer, 60).is_some_and(|segments| segments > 1) {
        return Err(Why::Unsupported("DMG in several segments"));
    }
    let (data, at, length) = (field(24)?, field(216)?, field(224)?);
    if length == 0 {
        return Err(Why::Unsupported("DMG without a property list"));
    }
    if length > LIST_BYTES_MAX {
        return Err(Why::Limit(Limit::MaxScanState));
    }
    let list = part(image, at, length).ok_or(BAD_TRAILER)?;
    // What stands in one is a table to us, and none to others.
    if memmem::find(list, b"<!--").is_some() || memmem::find(list, b"<![").is_some() {
        return Err(Why::Broken("DMG: a list with comments"));
    }
    Ok(List { at, end: at.saturating_add(length), data, runs: RUNS_MAX })
}

impl List {
    /// Reads the next data in the list, wherever it stands: a table of runs is known by its mark. False when there is
    /// none.
    fn next(&mut self, image: &[u8], partitions: &mut Vec<Partition>) -> Result<bool, Why> {
        let list = part(image, self.at, self.end.saturating_sub(self.at)).unwrap_or_default();
        let Some(from) = memmem::find(list, b"<data") else {
            return if partitions.is_empty() { Err(BAD_TABLE) } else { Ok(false) };
        };
        let rest = list.get(from..).unwrap_or_default();
        let begin = memmem::find(rest, b">").ok_or(BAD_TABLE)?.saturating_add(1);
        let length = memmem::find(rest.get(begin..).unwrap_or_default(), b"<").ok_or(BAD_TABLE)?;
        let end = begin.saturating_add(length);
        self.at = self.at.saturating_add(wide(from)).saturating_add(wide(end));
        if length > TABLE_BYTES_MAX {
            return Err(Why::Limit(Limit::MaxScanState));
        }
        let table = base64(rest.get(begin..end).unwrap_or_default())?;
        if !table.starts_with(b"mish") {
            return Ok(true);
        }
        // The name stands behind it.
        let behind = rest.get(end..).unwrap_or_default();
        let behind = behind.get(..memmem::find(behind, b"</dict>").unwrap_or(0)).unwrap_or(behind);
        let before = list.get(..from).unwrap_or_default();
        let before = before.get(memmem::rfind(before, b"<dict>").unwrap_or(0)..).unwrap_or(before);
        let name =
            value(behind, b"<key>Name</key>").or_else(|| value(before, b"<key>CFName</key>"));
        let name = name.map_or_else(|| partitions.len().to_string().into_bytes(), <[u8]>::to_vec);
        let runs = runs(&table, self.data, &mut self.runs)?;
        let codings = runs.iter().map(|run| match run.kind {
            KIND_ADC => adc::STATE_BYTES,
            KIND_BZIP2 => Coding::Bzip2.state_bytes(&[]),
            KIND_XZ => Coding::Xz.state_bytes(head(image, *run)),
            _ => Coding::Deflate.state_bytes(&[]),
        });
        let state_bytes = codings.max().unwrap_or(0);
        if !runs.is_empty() {
            partitions.push(Partition { name, runs, index: 0, run: None, left: 0, state_bytes });
        }
        if partitions.len() > PARTITIONS_MAX { Err(Why::Limit(Limit::MaxFiles)) } else { Ok(true) }
    }
}

/// The runs of a table, with their places in the image.
fn runs(table: &[u8], data: u64, left: &mut usize) -> Result<Vec<Run>, Why> {
    let front = data.saturating_add(be64(table, 24).ok_or(BAD_TABLE)?);
    let count = be32(table, 200).ok_or(BAD_TABLE)?;
    let rows = table.get(204..).unwrap_or_default().chunks_exact(RUN_BYTES);
    let mut runs = Vec::new();
    for row in rows.take(usize::try_from(count).unwrap_or(usize::MAX)) {
        let kind = be32(row, 0).ok_or(BAD_TABLE)?;
        let field = |at| be64(row, at).ok_or(BAD_TABLE);
        let (sectors, from, length) = (field(16)?, field(24)?, field(32)?);
        if matches!(kind, KIND_COMMENT | KIND_END) || sectors == 0 {
            continue;
        }
        *left = left.checked_sub(1).ok_or(Why::Limit(Limit::MaxScanState))?;
        let from = front.saturating_add(from);
        runs.push(Run { kind, size: sectors.saturating_mul(512), from, length });
    }
    Ok(runs)
}

/// What stands between two marks.
fn between<'a>(text: &'a [u8], from: &[u8], to: &[u8]) -> Option<&'a [u8]> {
    let rest = text.get(memmem::find(text, from)?.checked_add(from.len())?..)?;
    rest.get(..memmem::find(rest, to)?)
}

/// The string behind a key.
fn value<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let rest = text.get(memmem::find(text, key)?..)?;
    between(rest, b"<string>", b"</string>").filter(|name| !name.is_empty())
}

/// Letters of base64 (RFC 4648), and spaces between them.
fn base64(coded: &[u8]) -> Result<Vec<u8>, Why> {
    let mut plain = Vec::with_capacity(coded.len());
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in coded {
        let digit = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            b'=' | b' ' | b'\t' | b'\r' | b'\n' => continue,
            _ => return Err(BAD_TABLE),
        };
        bits = bits << 6 | u32::from(digit);
        count = count.saturating_add(6);
        if count >= 8 {
            count = count.saturating_sub(8);
            plain.push(bits.wrapping_shr(count).to_le_bytes()[0]);
        }
    }
    Ok(plain)
}

/// Whether these last bytes of a layer are the trailer of an image.
pub(in crate::engine) fn is_trailer(tail: &[u8]) -> bool {
    tail.len() == TRAILER_BYTES && tail.starts_with(b"koly\0\0\0\x04\0\0\x02\0")
}

/// The trailer.
pub(in crate::engine) const TRAILER_BYTES: usize = 512;
const RUN_BYTES: usize = 40;
const KIND_ZERO: u32 = 0;
const KIND_RAW: u32 = 1;
const KIND_IGNORED: u32 = 2;
const KIND_ADC: u32 = 0x8000_0004;
const KIND_ZLIB: u32 = 0x8000_0005;
const KIND_BZIP2: u32 = 0x8000_0006;
const KIND_LZFSE: u32 = 0x8000_0007;
const KIND_XZ: u32 = 0x8000_0008;
const KIND_COMMENT: u32 = 0x7fff_fffe;
const KIND_END: u32 = 0xffff_ffff;
/// Tables of an image of some hundred gigabytes.
const LIST_BYTES_MAX: u64 = 8 << 20;
/// One of them, in letters.
const TABLE_BYTES_MAX: usize = 2 << 20;
const RUNS_MAX: usize = 1 << 17;
const PARTITIONS_MAX: usize = 256;
const HEAD_BYTES: u64 = 1_024;
const BAD_TRAILER: Why = Why::Broken("DMG: its trailer");
const BAD_TABLE: Why = Why::Broken("DMG: a table of runs");
const ENDS_EARLY: Why = Why::Broken("DMG: a run ends early");
