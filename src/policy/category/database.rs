//! Which categories an address is in: lookups in a compiled image.
//!
//! A host is looked up with every domain above it, shortest first, by one hash that runs from its end.
//! Only where a host says that it has keys with a port or a path are those looked up, too: a path with each
//! of its prefixes that ends at a border (`policy::path`). An entry counts for its host and everything
//! below it. Nothing is allocated but where an expression may fit (`policy::expressions`).
//!
//! The work is bounded: as many lookups as the longest listed name has labels, and 64 prefixes for each of
//! them that has paths.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use zerocopy::FromBytes;

use super::hash::Hash;
use super::image::{
    Bucket, FURTHER_MAX, HEAD_BYTES, Head, ImageFault, Record, Section, Set, Texts, home,
    read_expressions, read_sets, read_sources, tag,
};
use super::names::{Categories, Category};
use super::source::{Counts, SourceFacts};
use crate::policy::expressions::{Expressions, Subject};
use crate::policy::path::LazyPath;
use crate::policy::url::UrlParts;

/// A database of categories: immutable, shared by all shards.
#[derive(Clone)]
pub struct Database {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    head: Head,
    sources: Box<[SourceFacts]>,
    sets: Box<[Set]>,
    texts: Texts,
    expressions: Arc<Expressions>,
}

/// One reason why an address is in a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'d> {
    /// The category.
    pub category: Category,
    /// The list: `ut1/gambling/domains`.
    pub list: &'d str,
    /// The entry of the list that fits, in canonical form.
    pub entry: &'d str,
}

impl Database {
    /// What every image begins with.
    pub const MAGIC: &'static [u8; 8] = super::image::MAGIC;

    /// Grows with every change of what an image is.
    pub const FORMAT: u64 = super::image::FORMAT;

    /// Checks an image, digests included, and makes it ready to be asked.
    ///
    /// # Errors
    ///
    /// [`ImageFault`] says why it is none.
    pub fn open(bytes: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Result<Self, ImageFault> {
        let all = (*bytes).as_ref();
        let head = Head::read(all)?;
        let body = all.get(HEAD_BYTES..).ok_or(ImageFault::Short)?;
        if <[u8; 32]>::from(Sha256::digest(body)) != head.body {
            return Err(ImageFault::Digest);
        }
        let sources = read_sources(head.section(Section::Sources, all))?;
        let sets = read_sets(head.section(Section::Sets, all), &sources)?;
        let texts = read_expressions(head.section(Section::Expressions, all), &sources)?;
        let expressions = Expressions::compile(texts.iter().map(|(_, text)| &**text))
            .map_err(|_| ImageFault::Expressions)?;
        <[Bucket]>::ref_from_bytes(head.section(Section::Buckets, all))
            .map_err(|_| ImageFault::Section)?;
        Ok(Self { bytes, head, sources, sets, texts, expressions: Arc::new(expressions) })
    }

    /// Everything that any entry says about an address: its host, all domains above it, its path.
    #[must_use]
    pub fn categories(&self, url: &UrlParts<'_>) -> Categories {
        let mut all = Categories::NONE;
        self.visit(url, &mut |hit| {
            all = all.union(match hit {
                Hit::Record(record) => {
                    self.set(record).map_or(Categories::NONE, |set| set.categories)
                }
                Hit::Expression(number) => self
                    .texts
                    .get(number)
                    .and_then(|(source, _)| self.sources.get(usize::from(*source)))
                    .map_or(Categories::NONE, |source| source.categories),
            });
        });
        all
    }

    /// Gives every reason for every category of an address: each entry that fits, with each list it is on.
    pub fn explain(&self, url: &UrlParts<'_>, give: &mut dyn FnMut(Source<'_>)) {
        let mut tell = |source: u16, entry: &str| {
            if let Some(source) = self.sources.get(usize::from(source)) {
                for category in source.categories.iter() {
                    give(Source { category, list: &source.name, entry });
                }
            }
        };
        self.visit(url, &mut |hit| match hit {
            Hit::Record(record) => {
                // A path may hold bytes that are no text.
                let entry = String::from_utf8_lossy(record.text);
                for &source in self.set(record).map_or(&[][..], |set| &set.sources) {
                    tell(source, &entry);
                }
            }
            Hit::Expression(number) => {
                if let Some((source, text)) = self.texts.get(number) {
                    tell(*source, text);
                }
            }
        });
    }

    /// The identity of the content: SHA-256 of everything but the time of the build.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.head.body
    }

    /// When it was built, in seconds since 1970.
    #[must_use]
    pub const fn created_seconds(&self) -> u64 {
        self.head.created_seconds
    }

    /// How many entries it has.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.head.counts
    }

    /// The lists it was made from.
    #[must_use]
    pub fn sources(&self) -> &[SourceFacts] {
        &self.sources
    }

    /// The size of the image, in bytes.
    #[must_use]
    pub fn bytes_count(&self) -> usize {
        (*self.bytes).as_ref().len()
    }

    fn set(&self, record: &Record<'_>) -> Option<&Set> {
        self.sets.get(record.set)
    }

    /// Gives everything that fits an address.
    fn visit(&self, url: &UrlParts<'_>, give: &mut dyn FnMut(Hit<'_>)) {
        let view = self.view();
        let mut path = LazyPath::new(url.path);
        let host = url.host.as_bytes();
        if url.host.is_address() {
            view.host(Hash::of_host(host), host, url, &mut path, give);
        } else {
            let mut look = |state, at| {
                view.host(state, host.get(at..).unwrap_or_default(), url, &mut path, give);
            };
            let mut batch = Batch::new();
            let mut state = Hash::START;
            let mut labels = 0_u64;
            for (at, &byte) in host.iter().enumerate().rev() {
                if byte == b'.' {
                    labels = labels.saturating_add(1);
                    if labels > self.head.labels_max {
                        break;
                    }
                    batch.add(view, state, at.saturating_add(1), &mut look);
                }
                state = state.byte(byte);
            }
            if labels < self.head.labels_max {
                batch.add(view, state, 0, &mut look);
            }
            batch.flush(view, &mut look);
        }
        if self.head.counts.paths_anywhere > 0 && !url.path.is_empty() {
            let whole = path.get().query_at();
            view.paths(Hash::START, b"", whole, &mut path, give);
        }
        if !self.expressions.is_empty() {
            let subject = Subject::of(url, &path.get());
            self.expressions.each(&subject, &mut |number| give(Hit::Expression(number)));
        }
    }

    fn view(&self) -> View<'_> {
        let all = (*self.bytes).as_ref();
        let buckets = self.head.section(Section::Buckets, all);
        View {
            buckets: <[Bucket]>::ref_from_bytes(buckets).unwrap_or_default(),
            records: self.head.section(Section::Records, all),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Database").field("head", &self.head).finish_non_exhaustive()
    }
}

/// What fits an address.
enum Hit<'i> {
    Record(&'i Record<'i>),
    /// The expression with this number.
    Expression(usize),
}

/// The sections that are looked into.
#[derive(Clone, Copy)]
struct View<'i> {
    buckets: &'i [Bucket],
    records: &'i [u8],
}

impl View<'_> {
    /// Looks up a host, and what it has besides.
    fn host(
        &self,
        state: Hash,
        host: &[u8],
        url: &UrlParts<'_>,
        path: &mut LazyPath<'_>,
        give: &mut dyn FnMut(Hit<'_>),
    ) {
        let Some(record) = self.find(state, host, b"") else { return };
        give(Hit::Record(&record));
        if record.has_ports
            && let Some(port) = url.effective_port()
        {
            let mut room = [0; PORT_BYTES_MAX];
            let text = port_text(port, &mut room);
            if let Some(record) = self.find(state.bytes(text), host, text) {
                give(Hit::Record(&record));
            }
        }
        if record.has_paths {
            self.paths(state, host, 0, path, give);
        }
    }

    /// Looks up a host with every prefix of a path that is not shorter than `shortest`.
    fn paths(
        &self,
        state: Hash,
        host: &[u8],
        shortest: usize,
        path: &mut LazyPath<'_>,
        give: &mut dyn FnMut(Hit<'_>),
    ) {
        let path = path.get();
        let mut look = |state, end| {
            let prefix = path.as_bytes().get(..end).unwrap_or_default();
            if let Some(record) = self.find(state, host, prefix) {
                give(Hit::Record(&record));
            }
        };
        let mut batch = Batch::new();
        let (mut state, mut begin) = (state, 0);
        for end in path.prefix_ends() {
            state = state.bytes(path.as_bytes().get(begin..end).unwrap_or_default());
            begin = end;
            if end >= shortest {
                batch.add(*self, state, end, &mut look);
            }
        }
        batch.flush(*self, &mut look);
    }

    /// Whether the home of a key has its tag, or is not the only place where it can be.
    fn may_have(&self, state: Hash) -> bool {
        let hash = state.value();
        let buckets = self.buckets.len().saturating_sub(FURTHER_MAX);
        self.buckets.get(home(hash, buckets)).is_some_and(|bucket| {
            let tag = tag(hash);
            // No early end: what is guessed wrong costs more than ten comparisons.
            bucket.tags.iter().fold(bucket.further > 0, |any, found| any | (found.get() == tag))
        })
    }

    /// The record of the key that consists of these two parts.
    fn find(&self, state: Hash, host: &[u8], rest: &[u8]) -> Option<Record<'_>> {
        let hash = state.value();
        let tag = tag(hash);
        let at = home(hash, self.buckets.len().checked_sub(FURTHER_MAX)?);
        let first = self.buckets.get(at)?;
        let last = at.saturating_add(usize::from(first.further)).saturating_add(1);
        for bucket in self.buckets.get(at..last)? {
            let taken = usize::from(bucket.count);
            for (found, place) in bucket.tags.iter().zip(&bucket.records).take(taken) {
                if found.get() != tag {
                    continue;
                }
                let place = usize::try_from(place.get()).ok()?;
                let record = Record::read(self.records, place);
                if let Some(record) = record
                    && record.text.strip_prefix(host) == Some(rest)
                {
                    return Some(record);
                }
            }
        }
        None
    }
}

/// Keys on their way: buckets of several are looked at before anything depends on what is in one, so that a
/// processor waits for all of them at once.
struct Batch {
    keys: [(Hash, usize); BATCH],
    count: usize,
}

impl Batch {
    const fn new() -> Self {
        Self { keys: [(Hash::START, 0); BATCH], count: 0 }
    }

    /// Adds a key; looks up those that are there when there are many.
    fn add(&mut self, view: View<'_>, state: Hash, at: usize, look: &mut dyn FnMut(Hash, usize)) {
        if self.count == BATCH {
            self.flush(view, look);
        }
        if let Some(slot) = self.keys.get_mut(self.count) {
            *slot = (state, at);
            self.count = self.count.saturating_add(1);
        }
    }

    /// Gives those of the keys that may be there, in order.
    fn flush(&mut self, view: View<'_>, look: &mut dyn FnMut(Hash, usize)) {
        let mut may_be_there = [false; BATCH];
        for (slot, (state, _)) in may_be_there.iter_mut().zip(&self.keys).take(self.count) {
            *slot = view.may_have(*state);
        }
        for (is_there, &(state, at)) in may_be_there.iter().zip(&self.keys).take(self.count) {
            if *is_there {
                look(state, at);
            }
        }
        self.count = 0;
    }
}

/// `:` and the digits of a port.
pub(super) fn port_text(port: u16, room: &mut [u8; PORT_BYTES_MAX]) -> &[u8] {
    let mut at = PORT_BYTES_MAX;
    let mut left = port;
    loop {
        at = at.saturating_sub(1);
        let digit = u8::try_from(left % 10).unwrap_or(0);
        if let Some(slot) = room.get_mut(at) {
            *slot = b'0'.saturating_add(digit);
        }
        left /= 10;
        if left == 0 {
            break;
        }
    }
    at = at.saturating_sub(1);
    if let Some(slot) = room.get_mut(at) {
        *slot = b':';
    }
    room.get(at..).unwrap_or_default()
}

/// Keys that are looked up together.
const BATCH: usize = 8;

/// `:65535`.
pub(super) const PORT_BYTES_MAX: usize = 6;
