//! From lists to an image: lines come one by one, from any number of lists, in any order.
//!
//! ```text
//!   line ─▶ keys (`lines`) ─▶ text + 16 bytes each, in memory ─▶ sorted by hash, doubles merged ─▶ image
//! ```
//!
//! Memory: 18 bytes and the text for each key (a host with a path or a port is two, once for a run of
//! lines about the same host), and 16 bytes more for each while the image is written, which goes out as
//! it is made. Ten million host names of 20 bytes are 0.54 GB at the peak. [`TEXT_BYTES_MAX`] and
//! [`KEYS_MAX`] bound it.
//!
//! The same lists give the same bytes, in whatever order they are read, but for their numbers.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};
use zerocopy::IntoBytes;

use super::hash::Hash;
use super::image::{
    Bucket, FURTHER_MAX, HEAD_BYTES, Head, Record, SECTIONS, SLOTS, home, render_expressions,
    render_sets, render_sources, tag,
};
use super::lines::{Format, Key, LineFault, ListLine, Reader};
use super::names::Categories;
use super::source::{Counts, SourceFacts};
use crate::policy::expressions::EXPRESSIONS_MAX;
use crate::policy::host::Host;

/// What was made of lists so far.
#[derive(Default)]
pub struct Builder {
    /// Texts, each behind its length in two bytes.
    texts: Vec<u8>,
    keys: Vec<Row>,
    sources: Vec<SourceFacts>,
    expressions: Vec<(u16, Box<str>)>,
    labels_max: usize,
    /// The host that was marked last, so that a run of lines marks it once.
    marked: Option<(Hash, Mark)>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    hash: u64,
    /// Of its text; later of its record.
    at: u32,
    /// Its list, or a [`Mark`].
    source: u16,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Host,
    Address,
    Port,
    Path,
    PathAnywhere,
}

/// What a host has besides itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Paths,
    Ports,
}

impl Mark {
    const fn number(self) -> u16 {
        match self {
            Self::Paths => u16::MAX,
            Self::Ports => u16::MAX - 1,
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Builder").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

/// A list that is being read.
#[derive(Debug)]
pub struct ListInput<'b> {
    builder: &'b mut Builder,
    source: u16,
    reader: Reader,
    digest: Sha256,
    report: ListReport,
}

/// What became of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ListReport {
    /// Its name.
    pub name: String,
    /// Lines, with comments and empty ones.
    pub lines: u64,
    /// Entries that were taken.
    pub loaded: u64,
    /// Empty lines, comments, headings, and names of the machine itself in hosts files.
    pub skipped: u64,
    /// Lines that were set aside.
    pub bad: u64,
    /// The first [`FAULTS_MAX`] of them.
    pub faults: Vec<PlacedFault>,
}

/// A line that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PlacedFault {
    /// The line, counted from 1.
    pub line: u64,
    /// The column in bytes, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub reason: String,
}

impl Builder {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a list whose entries are in these categories. A list that is left out on purpose is told
    /// with [`leave_out`](Self::leave_out).
    ///
    /// # Errors
    ///
    /// [`BuildFault::TooManyLists`].
    pub fn list(
        &mut self,
        name: &str,
        categories: Categories,
        format: Format,
    ) -> Result<ListInput<'_>, BuildFault> {
        let source = self.add_source(name, categories)?;
        Ok(ListInput {
            builder: self,
            source,
            reader: Reader::new(format),
            digest: Sha256::new(),
            report: ListReport { name: name.to_owned(), ..ListReport::default() },
        })
    }

    /// Notes a list that is not read, so that the image can say so.
    ///
    /// # Errors
    ///
    /// [`BuildFault::TooManyLists`].
    pub fn leave_out(&mut self, name: &str) -> Result<(), BuildFault> {
        self.add_source(name, Categories::NONE).map(drop)
    }

    fn add_source(&mut self, name: &str, categories: Categories) -> Result<u16, BuildFault> {
        let source = u16::try_from(self.sources.len()).ok();
        let source = source.filter(|&source| usize::from(source) < LISTS_MAX);
        let source = source.ok_or(BuildFault::TooManyLists)?;
        self.sources.push(SourceFacts {
            name: name.into(),
            categories,
            sha256: [0; 32],
            lines: 0,
            loaded: 0,
            bad: 0,
        });
        Ok(source)
    }

    /// Keys so far, with doubles.
    #[must_use]
    pub fn keys_count(&self) -> usize {
        self.keys.len()
    }

    fn add(&mut self, source: u16, key: &Key<'_>) -> Result<(), BuildFault> {
        match key {
            Key::Host(host) => {
                let kind = if host.is_address() { Kind::Address } else { Kind::Host };
                self.note_labels(host.as_bytes(), kind);
                self.push(source, kind, Hash::of_host(host.as_bytes()), &[host.as_bytes()])
            }
            Key::Port(host, text) => {
                let state = self.mark(host, Mark::Ports)?;
                self.push(source, Kind::Port, state.bytes(text), &[host.as_bytes(), text])
            }
            Key::Path(host, path) => {
                let state = self.mark(host, Mark::Paths)?;
                self.push(source, Kind::Path, state.bytes(path), &[host.as_bytes(), path])
            }
            Key::PathAnywhere(path) => {
                self.push(source, Kind::PathAnywhere, Hash::START.bytes(path), &[path])
            }
            Key::Expression(text) => {
                if self.expressions.len() >= EXPRESSIONS_MAX {
                    return Err(BuildFault::TooManyExpressions);
                }
                self.expressions.push((source, (*text).into()));
                Ok(())
            }
        }
    }

    fn mark(&mut self, host: &Host, mark: Mark) -> Result<Hash, BuildFault> {
        let state = Hash::of_host(host.as_bytes());
        if self.marked != Some((state, mark)) {
            self.marked = Some((state, mark));
            let kind = if host.is_address() { Kind::Address } else { Kind::Host };
            self.note_labels(host.as_bytes(), kind);
            self.push(mark.number(), kind, state, &[host.as_bytes()])?;
        }
        Ok(state)
    }

    fn note_labels(&mut self, host: &[u8], kind: Kind) {
        if kind == Kind::Host {
            let dots = host.iter().filter(|&&byte| byte == b'.').count();
            self.labels_max = self.labels_max.max(dots.saturating_add(1));
        }
    }

    fn push(
        &mut self,
        source: u16,
        kind: Kind,
        state: Hash,
        text: &[&[u8]],
    ) -> Result<(), BuildFault> {
        let length = text.iter().map(|part| part.len()).sum::<usize>();
        let end = self.texts.len().saturating_add(length).saturating_add(2);
        if end > TEXT_BYTES_MAX || self.keys.len() >= KEYS_MAX {
            return Err(BuildFault::TooLarge);
        }
        let at = u32::try_from(self.texts.len()).map_err(|_| BuildFault::TooLarge)?;
        let length = u16::try_from(length).map_err(|_| BuildFault::TooLarge)?;
        self.texts.extend_from_slice(&length.to_le_bytes());
        text.iter().for_each(|part| self.texts.extend_from_slice(part));
        self.keys.push(Row { hash: state.value(), at, source, kind });
        Ok(())
    }

    /// Writes the image, and gives what is in it.
    ///
    /// # Errors
    ///
    /// Those of `out`, and [`BuildFault`] as an invalid input.
    pub fn write<W: Write + Seek>(self, created_seconds: u64, out: &mut W) -> io::Result<Written> {
        let begin = out.stream_position()?;
        out.write_all(&[0; HEAD_BYTES])?;
        let mut sink = Sink { out, digest: Sha256::new(), at: HEAD_BYTES as u64 };
        let Self { texts, mut keys, sources, mut expressions, labels_max, .. } = self;
        keys.sort_unstable_by(|one, other| {
            let by_text = || text_at(&texts, one.at).cmp(text_at(&texts, other.at));
            let by_hash = one.hash.cmp(&other.hash);
            by_hash.then_with(by_text).then(one.source.cmp(&other.source))
        });
        let mut head = Head { created_seconds, ..Head::default() };
        head.labels_max = labels_max as u64;
        let mut sections = [(0, 0); SECTIONS];
        let (places, sets) = write_records(&texts, &keys, &mut head.counts, &mut sink)?;
        drop((texts, keys));
        let records_end = sink.at;
        sink.align()?;
        let buckets_at = sink.at;
        write_buckets(&places, &mut sink)?;
        drop(places);
        let sets_at = sink.at;
        sink.write(&render_sets(&sets))?;
        let sources_at = sink.at;
        sink.write(&render_sources(&sources))?;
        let expressions_at = sink.at;
        expressions.sort_unstable();
        expressions.dedup();
        head.counts.expressions = expressions.len() as u64;
        sink.write(&render_expressions(&expressions))?;
        let ends = [
            (HEAD_BYTES as u64, records_end),
            (buckets_at, sets_at),
            (sets_at, sources_at),
            (sources_at, expressions_at),
            (expressions_at, sink.at),
        ];
        sections.copy_from_slice(&ends);
        head.sections = sections;
        let Sink { out, digest, at } = sink;
        head.body = digest.finalize().into();
        out.seek(SeekFrom::Start(begin))?;
        out.write_all(&head.render())?;
        Ok(Written { counts: head.counts, sources, image_bytes: at, digest: head.body })
    }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Entries of each kind, doubles merged.
    pub counts: Counts,
    /// The lists.
    pub sources: Vec<SourceFacts>,
    /// The size of the image.
    pub image_bytes: u64,
    /// Its identity, as [`super::Database::digest`].
    pub digest: [u8; 32],
}

impl ListInput<'_> {
    /// Takes the next line, with or without its line end. A bad one is set aside and counted.
    ///
    /// # Errors
    ///
    /// [`BuildFault`] when there is no room: then nothing can be built.
    pub fn line(&mut self, raw: &[u8]) -> Result<(), BuildFault> {
        self.digest.update(raw);
        self.report.lines = self.report.lines.saturating_add(1);
        let mut full = Ok(());
        let mut taken = 0_u64;
        let outcome = self.reader.line(raw, &mut |key| {
            if full.is_ok() {
                full = self.builder.add(self.source, &key);
                taken = taken.saturating_add(1);
            }
        });
        full?;
        self.report.loaded = self.report.loaded.saturating_add(taken);
        match outcome {
            Ok(ListLine::Entries) => {}
            Ok(ListLine::Skipped) => self.report.skipped = self.report.skipped.saturating_add(1),
            Err((column, fault)) => self.set_aside(column, &fault),
        }
        Ok(())
    }

    fn set_aside(&mut self, column: usize, fault: &LineFault) {
        self.report.bad = self.report.bad.saturating_add(1);
        if self.report.faults.len() < FAULTS_MAX {
            let (line, reason) = (self.report.lines, fault.to_string());
            self.report.faults.push(PlacedFault { line, column, reason });
        }
    }

    /// Ends the list.
    #[must_use]
    pub fn finish(self) -> ListReport {
        if let Some(source) = self.builder.sources.get_mut(usize::from(self.source)) {
            source.sha256 = self.digest.finalize().into();
            source.lines = self.report.lines;
            source.loaded = self.report.loaded;
            source.bad = self.report.bad;
        }
        self.report
    }
}

/// Bytes on their way out, and their digest.
struct Sink<'w, W> {
    out: &'w mut W,
    digest: Sha256,
    at: u64,
}

impl<W: Write> Sink<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.at = self.at.saturating_add(bytes.len() as u64);
        self.out.write_all(bytes)
    }

    /// Goes on at a line of cache.
    fn align(&mut self) -> io::Result<()> {
        while !self.at.is_multiple_of(size_of::<Bucket>() as u64) {
            self.write(&[0])?;
        }
        Ok(())
    }
}

fn text_at(texts: &[u8], at: u32) -> &[u8] {
    let rest = usize::try_from(at).ok().and_then(|at| texts.get(at..)).unwrap_or_default();
    let Some((length, text)) = rest.split_first_chunk::<2>() else { return &[] };
    text.get(..usize::from(u16::from_le_bytes(*length))).unwrap_or_default()
}

/// Numbers of sets of lists, in the order in which they were first needed.
#[derive(Default)]
struct Sets {
    numbers: BTreeMap<Box<[u16]>, usize>,
    all: Vec<Box<[u16]>>,
}

impl Sets {
    fn number(&mut self, set: &[u16]) -> usize {
        if let Some(&number) = self.numbers.get(set) {
            return number;
        }
        let number = self.all.len();
        self.numbers.insert(set.into(), number);
        self.all.push(set.into());
        number
    }
}

/// Hash and place of each record, by hash.
type Places = Vec<(u64, u32)>;

/// Merges doubles and writes what is left; the sets come out in the order of their numbers.
fn write_records<W: Write>(
    texts: &[u8],
    keys: &[Row],
    counts: &mut Counts,
    sink: &mut Sink<'_, W>,
) -> io::Result<(Places, Vec<Box<[u16]>>)> {
    let mut sets = Sets::default();
    // Number 0 is the empty set.
    sets.number(&[]);
    let mut places = Vec::new();
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    let mut written = 0_u64;
    let mut lists = Vec::new();
    let is_same = |one: &Row, other: &Row| {
        one.hash == other.hash && text_at(texts, one.at) == text_at(texts, other.at)
    };
    for group in keys.chunk_by(is_same) {
        let Some(first) = group.first() else { continue };
        lists.clear();
        lists.extend(group.iter().map(|row| row.source).filter(|&source| source < LISTS_MAX_U16));
        lists.dedup();
        let has = |mark: Mark| group.iter().any(|row| row.source == mark.number());
        if !lists.is_empty() {
            count(counts, first.kind);
        }
        let set = sets.number(&lists);
        if sets.all.len() > SETS_MAX {
            return Err(BuildFault::TooManySets.into());
        }
        let place = written.saturating_add(buffer.len() as u64);
        let place = u32::try_from(place).map_err(|_| io::Error::from(BuildFault::TooLarge))?;
        places.push((first.hash, place));
        let record = Record {
            set,
            has_paths: has(Mark::Paths),
            has_ports: has(Mark::Ports),
            text: text_at(texts, first.at),
        };
        record.write(&mut buffer);
        if buffer.len() >= BUFFER_BYTES {
            sink.write(&buffer)?;
            written = written.saturating_add(buffer.len() as u64);
            buffer.clear();
        }
    }
    sink.write(&buffer)?;
    Ok((places, sets.all))
}

const fn count(counts: &mut Counts, kind: Kind) {
    let number = match kind {
        Kind::Host => &mut counts.hosts,
        Kind::Address => &mut counts.addresses,
        Kind::Port => &mut counts.ports,
        Kind::Path => &mut counts.paths,
        Kind::PathAnywhere => &mut counts.paths_anywhere,
    };
    *number = number.saturating_add(1);
}

/// Puts records into buckets: each into its home, or into the next one that has room. Records come by
/// hash, so homes come in order and a window of buckets is enough.
fn write_buckets<W: Write>(places: &[(u64, u32)], sink: &mut Sink<'_, W>) -> io::Result<()> {
    let homes = places.len().div_ceil(FILL).max(1);
    let mut window = std::collections::VecDeque::from([Bucket::EMPTY; FURTHER_MAX + 1]);
    let mut first = 0_usize;
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    for &(hash, place) in places {
        let home = home(hash, homes);
        while first < home {
            let done = window.pop_front().unwrap_or(Bucket::EMPTY);
            window.push_back(Bucket::EMPTY);
            first = first.saturating_add(1);
            buffer.extend_from_slice(done.as_bytes());
            if buffer.len() >= BUFFER_BYTES {
                sink.write(&buffer)?;
                buffer.clear();
            }
        }
        let free = window.iter().position(|bucket| usize::from(bucket.count) < SLOTS);
        let further = free.ok_or(BuildFault::Crowded)?;
        if let Some(bucket) = window.get_mut(further) {
            let slot = usize::from(bucket.count);
            if let (Some(to), Some(at)) = (bucket.tags.get_mut(slot), bucket.records.get_mut(slot))
            {
                (*to, *at) = (tag(hash).into(), place.into());
                bucket.count = bucket.count.saturating_add(1);
            }
        }
        if let Some(home) = window.front_mut() {
            home.further = home.further.max(u8::try_from(further).unwrap_or(u8::MAX));
        }
    }
    let left = homes.saturating_add(FURTHER_MAX).saturating_sub(first);
    let rest = window.into_iter().chain(std::iter::repeat(Bucket::EMPTY));
    rest.take(left).for_each(|bucket| buffer.extend_from_slice(bucket.as_bytes()));
    sink.write(&buffer)
}

/// Why an image cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildFault {
    /// More than [`KEYS_MAX`] keys, or [`TEXT_BYTES_MAX`] bytes of text.
    TooLarge,
    /// More than [`LISTS_MAX`] lists.
    TooManyLists,
    /// More different sets of lists than can be numbered.
    TooManySets,
    /// More expressions than are compiled.
    TooManyExpressions,
    /// Too many keys have nearly the same hash. That does not happen by chance.
    Crowded,
}

impl fmt::Display for BuildFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(
                out,
                "the lists have more than {KEYS_MAX} entries or {TEXT_BYTES_MAX} bytes of text"
            ),
            Self::TooManyLists => write!(out, "more than {LISTS_MAX} lists"),
            Self::TooManySets => {
                write!(out, "entries are on more than {SETS_MAX} different sets of lists")
            }
            Self::TooManyExpressions => write!(out, "more than {EXPRESSIONS_MAX} expressions"),
            Self::Crowded => out.write_str(
                "too many entries with nearly the same hash: a list was made to do harm",
            ),
        }
    }
}

impl std::error::Error for BuildFault {}

impl From<BuildFault> for io::Error {
    fn from(fault: BuildFault) -> Self {
        Self::new(io::ErrorKind::InvalidInput, fault)
    }
}

/// Lists of one database.
pub const LISTS_MAX: usize = 60_000;

const LISTS_MAX_U16: u16 = 60_000;

/// Different sets of lists: 29 bits would fit into a record.
const SETS_MAX: usize = 1 << 20;

/// Keys, doubles and marks included: 1 GB of rows.
pub const KEYS_MAX: usize = 64 << 20;

/// Text of all keys: what 32 bits can address.
pub const TEXT_BYTES_MAX: usize = (4 << 30) - 1;

/// Bad lines of one list that are told; the others are counted.
pub const FAULTS_MAX: usize = 100;

/// Records for each bucket of ten slots: one bucket in five has more and gives some to the next.
const FILL: usize = 8;

/// What is gathered before it is written.
const BUFFER_BYTES: usize = 1 << 20;
