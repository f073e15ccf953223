//! Reading the lines of a file on several cores, with the result that one core would give: for every
//! format that is made of lines.
//!
//! A file is cut into blocks at ends of lines. Workers parse the lines of a block, which needs nothing but
//! the line; what they found is taken in afterwards, block by block, in the order of the file. So ids,
//! names and counts do not depend on who parsed what. Only a few blocks are parsed ahead: the memory for
//! them does not grow with the file.

use super::format::Format;
use super::line::{LINE_BYTES_MAX, LineFault, Read, Refusal, plain_lines, without_mark};
use super::report::{BAD_LINES_KEPT, BadLine, FileReport, Unsupported};
use super::workers::{Workers, gather};

/// Parses one line; `None` when an ignore list names it.
pub(super) type Parse<'a, T> = &'a (dyn Fn(&[u8]) -> Result<Option<Read<T>>, LineFault> + Sync);

/// What became of one line that is not a comment and not wrong.
pub(super) enum Fate {
    Loaded,
    Ignored,
    ByLevel,
    Unsupported(Unsupported),
}

/// What a worker found in a line.
enum Seen<T> {
    Comment,
    Signature(T),
    Other(Result<Fate, LineFault>),
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
    // Lists about links may have blank lines; in the other formats they are mistakes.
    let may_be_blank = matches!(Format::of(&report.name), Some((Format::Links(_), _)));
    let blocks: Vec<&[u8]> = Blocks(without_mark(bytes)).collect();
    let ahead = workers.count().saturating_mul(BLOCKS_AHEAD).max(1);
    for some in blocks.chunks(ahead) {
        let found = gather(workers, some.len(), &|index| {
            let block = some.get(index).copied().unwrap_or_default();
            plain_lines(block).map(|(_, line)| seen(line, may_be_blank, parse)).collect::<Vec<_>>()
        });
        for seen in found.into_iter().flatten() {
            count(&mut report.totals.lines);
            let fate = match seen {
                Seen::Comment => {
                    count(&mut report.totals.comments);
                    continue;
                }
                Seen::Signature(signature) => take(signature),
                Seen::Other(fate) => fate,
            };
            told(report, report.totals.lines, &fate);
        }
    }
}

fn seen<T>(line: &[u8], may_be_blank: bool, parse: Parse<'_, T>) -> Seen<T> {
    if line.first() == Some(&b'#') || (may_be_blank && line.is_empty()) {
        return Seen::Comment;
    }
    Seen::Other(match check(line).and_then(|()| parse(line)) {
        Ok(Some(Read::Signature(signature))) => return Seen::Signature(signature),
        Ok(Some(Read::ByLevel)) => Ok(Fate::ByLevel),
        Ok(Some(Read::Unsupported(reason))) => Ok(Fate::Unsupported(reason)),
        Ok(None) => Ok(Fate::Ignored),
        Err(fault) => Err(fault),
    })
}

/// Counts what became of a line.
fn told(report: &mut FileReport, number: u64, fate: &Result<Fate, LineFault>) {
    let FileReport { totals, bad, .. } = report;
    match fate {
        Ok(Fate::Loaded) => count(&mut totals.loaded),
        Ok(Fate::Ignored) => count(&mut totals.ignored),
        Ok(Fate::ByLevel) => count(&mut totals.by_level),
        Ok(Fate::Unsupported(reason)) => totals.add_unsupported(*reason, 1),
        Err(fault) => {
            count(&mut totals.bad);
            if bad.len() < BAD_LINES_KEPT {
                bad.push(BadLine {
                    line: number,
                    column: (fault.at as u64).saturating_add(1),
                    text: fault.refusal.to_string().into(),
                });
            }
        }
    }
}

/// What is wrong with a line whatever the format.
fn check(line: &[u8]) -> Result<(), LineFault> {
    let refusal = match line.len() {
        0 => Refusal::Blank,
        length if length > LINE_BYTES_MAX => Refusal::TooLong(length),
        _ => return Ok(()),
    };
    Err(LineFault { at: 0, refusal })
}

pub(super) const fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
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
