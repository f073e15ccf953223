//! Reading the lines of a file on several cores, with the result that one core would give.
//!
//! A file is cut into blocks at ends of lines. Workers parse the lines of a block, which needs nothing but
//! the line; what they found is taken in afterwards, block by block, in the order of the file. So ids,
//! names and counts do not depend on who parsed what. Only a few blocks are parsed ahead: the memory for
//! them does not grow with the file.

use super::line::{LineFault, Read, plain_lines, without_mark};
use super::report::FileReport;
use super::sources::{Fate, check, count, told};
use super::workers::{Workers, gather};

/// Parses one line; `None` when an ignore list names it.
pub(super) type Parse<'a, T> = &'a (dyn Fn(&[u8]) -> Result<Option<Read<T>>, LineFault> + Sync);

/// What a worker found in a line.
enum Seen<T> {
    Comment,
    Ignored,
    Read(Read<T>),
    Wrong(LineFault),
}

/// Parses every line of a file and hands what is to be loaded to `take`, in order. What became of each
/// line is counted in `report`.
pub(super) fn each_line<T: Send + Sync>(
    workers: &dyn Workers,
    bytes: &[u8],
    report: &mut FileReport,
    parse: Parse<'_, T>,
    take: &mut dyn FnMut(T) -> Result<Fate, LineFault>,
) {
    let blocks: Vec<&[u8]> = Blocks(without_mark(bytes)).collect();
    let ahead = workers.count().saturating_mul(BLOCKS_AHEAD).max(1);
    for some in blocks.chunks(ahead) {
        let found = gather(workers, some.len(), &|index| {
            let block = some.get(index).copied().unwrap_or_default();
            plain_lines(block).map(|(_, line)| seen(line, parse)).collect::<Vec<_>>()
        });
        for seen in found.into_iter().flatten() {
            count(&mut report.totals.lines);
            let fate = match seen {
                Seen::Comment => {
                    count(&mut report.totals.comments);
                    continue;
                }
                Seen::Ignored => Ok(Fate::Ignored),
                Seen::Read(Read::ByLevel) => Ok(Fate::ByLevel),
                Seen::Read(Read::Unsupported(reason)) => Ok(Fate::Unsupported(reason)),
                Seen::Read(Read::Signature(signature)) => take(signature),
                Seen::Wrong(fault) => Err(fault),
            };
            told(report, report.totals.lines, &fate);
        }
    }
}

fn seen<T>(line: &[u8], parse: Parse<'_, T>) -> Seen<T> {
    if line.first() == Some(&b'#') {
        return Seen::Comment;
    }
    match check(line).and_then(|()| parse(line)) {
        Ok(None) => Seen::Ignored,
        Ok(Some(read)) => Seen::Read(read),
        Err(fault) => Seen::Wrong(fault),
    }
}

/// Cuts a text at ends of lines into blocks of about [`BLOCK_BYTES`].
struct Blocks<'a>(&'a [u8]);

impl<'a> Iterator for Blocks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let beyond = self.0.get(BLOCK_BYTES..).unwrap_or_default();
        let end = memchr::memchr(b'\n', beyond)
            .map_or(self.0.len(), |at| at.saturating_add(BLOCK_BYTES).saturating_add(1));
        let (block, rest) = self.0.split_at_checked(end).unwrap_or((self.0, &[]));
        self.0 = rest;
        Some(block)
    }
}

/// Some thousands of lines: enough to be worth a worker's while.
const BLOCK_BYTES: usize = 256 << 10;

/// Blocks for each worker at a time: what one finishes early, another has in store.
const BLOCKS_AHEAD: usize = 4;
