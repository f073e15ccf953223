//! Collecting digests while sources load, and writing them as the DIGESTS section.
//!
//! Memory: a row costs its digest and 8 bytes. Rows are kept in 256 heaps by the first byte of their
//! digest: a heap grows without moving the others, workers sort some of them at a time, and each is given
//! back as soon as its rows are written. So millions of rows cost their own bytes and a few hundredths more, and
//! while they are written never more than rows and tables together.

use zerocopy::IntoBytes;

use crate::engine::database::signature::{Digest, NameId, Subject};
use crate::engine::database::workers::{Workers, gather};

use super::Kind;
use super::layout::{
    ANY_SIZE, CROWDED, Descriptor, DescriptorBytes, Directory, LINE_BYTES, Line, MARKS_MAX,
    head_of, place_of, width_of,
};

/// Digests on their way into the tables.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    md5: [Heaps<16>; Subject::ALL.len()],
    sha1: [Heaps<20>; Subject::ALL.len()],
    sha256: [Heaps<32>; Subject::ALL.len()],
}

/// One digest. The derived order is that of the table: digest first, then the number of the name,
/// which is the order in which names came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row<const N: usize> {
    digest: [u8; N],
    name: u32,
    size: u32,
}

/// The rows of one table, by the first byte of the digest.
#[derive(Clone, Debug, Default)]
struct Heaps<const N: usize> {
    /// None, or 256.
    heaps: Vec<Vec<Row<N>>>,
    count: u32,
}

impl Rows {
    /// Takes one digest. `size` is the subject's in bytes, `None` for any.
    ///
    /// More than 2^32 - 1 rows of a table are not taken; the formats' own limits end long before.
    pub fn add(
        &mut self,
        subject: impl Into<Subject>,
        digest: &Digest,
        size: Option<u32>,
        name: NameId,
    ) {
        let subject = subject.into();
        match digest {
            Digest::Md5(bytes) => of_mut(&mut self.md5, subject).push(*bytes, size, name),
            Digest::Sha1(bytes) => of_mut(&mut self.sha1, subject).push(*bytes, size, name),
            Digest::Sha256(bytes) => of_mut(&mut self.sha256, subject).push(*bytes, size, name),
        }
    }

    /// How many digests of a kind were taken for a subject.
    #[must_use]
    pub fn count(&self, kind: Kind, subject: impl Into<Subject>) -> usize {
        let subject = subject.into();
        let count = match kind {
            Kind::Md5 => of(&self.md5, subject).count,
            Kind::Sha1 => of(&self.sha1, subject).count,
            Kind::Sha256 => of(&self.sha256, subject).count,
        };
        count as usize
    }

    /// How many digests were taken in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        let count = |(kind, subject)| self.count(kind, subject) as u64;
        let all = Kind::ALL.into_iter().flat_map(|kind| Subject::ALL.map(|it| (kind, it)));
        all.map(count).fold(0, u64::saturating_add)
    }

    /// Writes the section that [`Tables::open`](super::Tables::open) reads; `workers` sort.
    #[must_use]
    pub fn compile(self, workers: &dyn Workers) -> Vec<u8> {
        let mut out = vec![0; size_of::<Directory>()];
        let mut directory: Vec<DescriptorBytes> = Vec::new();
        for ((md5, sha1), sha256) in self.md5.into_iter().zip(self.sha1).zip(self.sha256) {
            directory.push(md5.write(workers, &mut out).to_bytes());
            directory.push(sha1.write(workers, &mut out).to_bytes());
            directory.push(sha256.write(workers, &mut out).to_bytes());
        }
        for (to, from) in out.iter_mut().zip(directory.as_bytes()) {
            *to = *from;
        }
        out
    }
}

/// The table of a subject among the tables of one kind.
const fn of<T>(tables: &[T; Subject::ALL.len()], subject: Subject) -> &T {
    let [bad, trusted, section, imports] = tables;
    match subject {
        Subject::Bad => bad,
        Subject::Trusted => trusted,
        Subject::Section => section,
        Subject::Imports => imports,
    }
}

const fn of_mut<T>(tables: &mut [T; Subject::ALL.len()], subject: Subject) -> &mut T {
    let [bad, trusted, section, imports] = tables;
    match subject {
        Subject::Bad => bad,
        Subject::Trusted => trusted,
        Subject::Section => section,
        Subject::Imports => imports,
    }
}

impl<const N: usize> Heaps<N> {
    fn push(&mut self, digest: [u8; N], size: Option<u32>, name: NameId) {
        let Some(count) = self.count.checked_add(1) else {
            return;
        };
        if self.heaps.is_empty() {
            self.heaps.resize_with(HEAPS, Vec::new);
        }
        let first = digest.first().copied().unwrap_or_default();
        if let Some(heap) = self.heaps.get_mut(usize::from(first)) {
            heap.push(Row { digest, name: name.0, size: size.unwrap_or(ANY_SIZE) });
            self.count = count;
        }
    }

    fn rows(&self) -> impl Iterator<Item = &Row<N>> {
        self.heaps.iter().flatten()
    }

    /// The exact sizes, sorted, each once; and the number of rows of any size.
    fn sizes(&self) -> (Vec<u32>, u64) {
        let mut distinct: Vec<u32> = Vec::new();
        let mut any = 0_u64;
        let mut enough = 0_usize;
        for heap in &self.heaps {
            for row in heap {
                match row.size {
                    ANY_SIZE => any = any.saturating_add(1),
                    size => distinct.push(size),
                }
            }
            // Each time the list has doubled: it never holds much more than twice what it will in the
            // end, and sorting costs as if it were done once.
            if distinct.len() >= enough {
                distinct.sort_unstable();
                distinct.dedup();
                enough = distinct.len().saturating_mul(2);
            }
        }
        distinct.sort_unstable();
        distinct.dedup();
        (distinct, any)
    }

    /// Appends the columns of the table and says where they are.
    fn write(self, workers: &dyn Workers, out: &mut Vec<u8>) -> Descriptor {
        let offset = out.len() as u64;
        let rows = self.count;
        let (distinct, any) = self.sizes();
        let any_index = u32::try_from(distinct.len()).unwrap_or(u32::MAX);
        let name_bytes = width_of(self.rows().map(|row| row.name).max().unwrap_or(0));
        let size_bytes = width_of(any_index);
        let mut names = Narrow::new(name_bytes, rows);
        let mut sizes = Narrow::new(size_bytes, rows);
        let mut lines = Lines::new(lines_for(rows));
        out.reserve((rows as usize).saturating_mul(N.saturating_add(9)));
        // Some heaps at a time, so that there are never many sorted copies.
        let ahead = workers.count().saturating_mul(HEAPS_AHEAD).max(1);
        let mut heaps = self.heaps.into_iter();
        loop {
            let some: Vec<Vec<Row<N>>> = heaps.by_ref().take(ahead).collect();
            if some.is_empty() {
                break;
            }
            let sorted = gather(workers, some.len(), &|index| {
                let mut heap = some.get(index).cloned().unwrap_or_default();
                heap.sort_unstable();
                for row in &mut heap {
                    let exact = distinct.binary_search(&row.size).ok();
                    row.size = exact.and_then(|at| u32::try_from(at).ok()).unwrap_or(any_index);
                }
                heap
            });
            drop(some);
            for row in sorted.iter().flatten() {
                out.extend_from_slice(&row.digest);
                names.push(row.name);
                sizes.push(row.size);
                lines.push(head_of(&row.digest));
            }
        }
        out.append(&mut names.bytes);
        out.append(&mut sizes.bytes);
        for size in &distinct {
            out.extend_from_slice(&size.to_le_bytes());
        }
        out.resize(out.len().next_multiple_of(LINE_BYTES), 0);
        let lines_at = out.len() as u64;
        let lines = lines.finish();
        out.extend_from_slice(lines.as_flattened());
        Descriptor {
            offset,
            rows: rows.into(),
            lines: lines.len() as u64,
            lines_at,
            distinct: any_index.into(),
            any,
            name_bytes: name_bytes as u64,
            size_bytes: size_bytes as u64,
        }
    }
}

/// A narrow column while it is written.
struct Narrow {
    bytes: Vec<u8>,
    width: usize,
}

impl Narrow {
    fn new(width: usize, rows: u32) -> Self {
        Self { bytes: Vec::with_capacity((rows as usize).saturating_mul(width)), width }
    }

    fn push(&mut self, value: u32) {
        let word = value.to_le_bytes();
        self.bytes.extend_from_slice(word.get(..self.width).unwrap_or_default());
    }
}

/// The lines of the index while the rows pass in their order.
struct Lines {
    lines: Vec<Line>,
    count: usize,
    /// The first row of the line at hand, the rows it has so far, the marks of those that found room.
    start: u32,
    rows: u32,
    marks: Vec<u8>,
}

impl Lines {
    fn new(count: usize) -> Self {
        let (lines, marks) = (Vec::with_capacity(count), Vec::with_capacity(MARKS_MAX));
        Self { lines, count, start: 0, rows: 0, marks }
    }

    fn push(&mut self, head: u64) {
        let (line, mark) = place_of(head, self.count);
        self.end_up_to(line);
        self.rows = self.rows.saturating_add(1);
        if self.marks.len() < MARKS_MAX {
            self.marks.push(mark);
        }
    }

    /// Writes every line in front of this one.
    fn end_up_to(&mut self, line: usize) {
        while self.lines.len() < line {
            let fits = u8::try_from(self.rows).ok().filter(|rows| usize::from(*rows) <= MARKS_MAX);
            let head = self.start.to_le_bytes().into_iter().chain([fits.unwrap_or(CROWDED)]);
            let mut line = [0; LINE_BYTES];
            for (to, from) in line.iter_mut().zip(head.chain(self.marks.drain(..))) {
                *to = from;
            }
            self.lines.push(line);
            self.start = self.start.saturating_add(self.rows);
            self.rows = 0;
        }
    }

    fn finish(mut self) -> Vec<Line> {
        self.end_up_to(self.count);
        self.lines
    }
}

/// So many that one in some thousands has more rows than marks.
const fn lines_for(rows: u32) -> usize {
    rows.div_ceil(ROWS_PER_LINE) as usize
}

const ROWS_PER_LINE: u32 = 36;
/// One for each value of a digest's first byte.
const HEAPS: usize = 256;
/// Heaps for each worker at a time.
const HEAPS_AHEAD: usize = 4;
