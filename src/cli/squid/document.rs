//! A squid.conf with or without our block in it: finding, putting in, taking out, showing what changes.
//!
//! The file is bytes, not text: comments in any encoding stay as they are. Our block is whole lines,
//! from the begin marker to the end marker, both included; taking out what was put in gives the very
//! same bytes back (but for a missing line end at the end of the file, which Squid wants anyway).
//! A marker without its partner means that somebody edited in between; guessing would delete their
//! lines, so it is refused with the number of the line.

use std::fmt;
use std::fmt::Write as _;

/// First line of our block. Recognised by [`BEGIN_SIGN`], so that the words after it may change.
pub(super) const BEGIN: &str =
    "# >>> baleen begin: written by `baleen squid setup`, edits in here are lost";
/// Last line of our block.
pub(super) const END: &str = "# <<< baleen end";

const BEGIN_SIGN: &[u8] = b"# >>> baleen begin";
const END_SIGN: &[u8] = b"# <<< baleen end";

/// A squid.conf, cut at our block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Document<'a> {
    before: &'a [u8],
    block: Option<&'a [u8]>,
    after: &'a [u8],
}

/// Why our block cannot be found for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The begin marker in this line has no end marker after it.
    NoEnd { line: usize },
    /// The end marker in this line has no begin marker before it.
    NoBegin { line: usize },
    /// A second begin marker stands in this line.
    Second { line: usize },
}

impl<'a> Document<'a> {
    /// Cuts a file at the markers.
    ///
    /// # Errors
    ///
    /// [`Fault`] names the line of the marker that has no partner.
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, Fault> {
        let mut begin: Option<(usize, usize)> = None;
        let mut found: Option<(usize, usize)> = None;
        let mut at = 0;
        for (index, line) in file.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let number = index + 1;
            if line.starts_with(BEGIN_SIGN) {
                if begin.is_some() || found.is_some() {
                    return Err(Fault::Second { line: number });
                }
                begin = Some((at, number));
            } else if line.starts_with(END_SIGN) {
                let (start, _) = begin.take().ok_or(Fault::NoBegin { line: number })?;
                found = Some((start, at + line.len()));
            }
            at += line.len();
        }
        if let Some((_, line)) = begin {
            return Err(Fault::NoEnd { line });
        }
        Ok(match found {
            None => Self { before: file, block: None, after: &[] },
            Some((start, end)) => {
                Self { before: &file[..start], block: Some(&file[start..end]), after: &file[end..] }
            }
        })
    }

    /// Whether our block is there.
    pub(super) const fn has_block(&self) -> bool {
        self.block.is_some()
    }

    /// The file with this block: in the place of the old one, else at the end.
    pub(super) fn with_block(&self, block: &str) -> Vec<u8> {
        let mut file = self.before.to_vec();
        if file.last().is_some_and(|byte| *byte != b'\n') {
            file.push(b'\n');
        }
        file.extend_from_slice(block.as_bytes());
        file.extend_from_slice(self.after);
        file
    }

    /// The file without our block.
    pub(super) fn without_block(&self) -> Vec<u8> {
        [self.before, self.after].concat()
    }

    /// Lines outside our block that speak about adaptation, with their numbers: the administrator
    /// should know about them, because Squid will follow both.
    pub(super) fn rivals(&self) -> Vec<(usize, String)> {
        let skipped = self.block.map_or(0, line_count);
        let above = line_count(self.before);
        let numbered = |text: &'a [u8], first: usize| {
            text.split_inclusive(|byte| *byte == b'\n')
                .enumerate()
                .map(move |(index, line)| (first + index, line))
        };
        numbered(self.before, 1)
            .chain(numbered(self.after, above + skipped + 1))
            .filter_map(|(number, line)| {
                let text = String::from_utf8_lossy(line);
                let text = text.trim();
                let about = text.starts_with("icap_") || text.starts_with("adaptation_");
                about.then(|| (number, text.to_owned()))
            })
            .take(RIVALS_MAX)
            .collect()
    }
}

/// The change from `old` to `new` as a unified diff with one hunk; empty when there is none.
///
/// One hunk is enough, because one block is all we ever change.
pub(super) fn diff(name: &str, old: &[u8], new: &[u8]) -> String {
    if old == new {
        return String::new();
    }
    let old: Vec<_> = old.split_inclusive(|byte| *byte == b'\n').collect();
    let new: Vec<_> = new.split_inclusive(|byte| *byte == b'\n').collect();
    let same_front = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - same_front;
    let same_back =
        old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let first = same_front.saturating_sub(CONTEXT_LINES);
    let context_after = same_back.min(CONTEXT_LINES);
    let old_end = old.len() - same_back;
    let new_end = new.len() - same_back;
    let mut text = format!(
        "--- {name}\n+++ {name}\n@@ -{},{} +{},{} @@\n",
        first + 1,
        old_end + context_after - first,
        first + 1,
        new_end + context_after - first,
    );
    let parts = [
        (' ', &old[first..same_front]),
        ('-', &old[same_front..old_end]),
        ('+', &new[same_front..new_end]),
        (' ', &old[old_end..old_end + context_after]),
    ];
    for (sign, lines) in parts {
        for line in lines {
            let line = String::from_utf8_lossy(line);
            writeln!(text, "{sign}{}", line.trim_end_matches('\n'))
                .expect("a String takes everything");
        }
    }
    text
}

fn line_count(text: &[u8]) -> usize {
    text.split_inclusive(|byte| *byte == b'\n').count()
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEnd { line } => {
                write!(out, "line {line}: our begin marker has no end marker after it")
            }
            Self::NoBegin { line } => {
                write!(out, "line {line}: our end marker has no begin marker before it")
            }
            Self::Second { line } => write!(out, "line {line}: a second begin marker of ours"),
        }
    }
}

/// As `diff -u` shows.
const CONTEXT_LINES: usize = 3;
/// Enough to see the pattern; a configuration with more of them has been told.
const RIVALS_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use super::{BEGIN, Document, END, diff};

    fn block() -> String {
        format!("{BEGIN}\nicap_enable on\n{END}\n")
    }

    #[track_caller]
    fn check_round_trip(file: &[u8]) {
        let with = Document::parse(file).expect("no markers").with_block(&block());
        let again = Document::parse(&with).expect("one block").with_block(&block());
        assert_eq!(with, again, "putting the block in twice changes nothing");
        assert_eq!(Document::parse(&with).expect("one block").without_block(), file);
    }

    #[test]
    fn what_was_put_in_comes_out_without_a_trace() {
        check_round_trip(b"");
        check_round_trip(b"http_port 3128\n");
        check_round_trip(b"http_port 3128\n\n# Latin-1: \xe4\xf6\r\n");
    }

    #[test]
    fn a_last_line_without_its_end_gets_one() {
        let with = Document::parse(b"http_port 3128").expect("no markers").with_block(&block());
        assert!(with.starts_with(b"http_port 3128\n# >>>"));
    }

    #[test]
    fn the_block_keeps_its_place() {
        let file = format!("a\n{}b\n", block());
        let new = Document::parse(file.as_bytes()).expect("one block").with_block("X\n");
        assert_eq!(new, b"a\nX\nb\n");
    }

    #[test]
    fn a_marker_without_its_partner_is_refused_with_its_line() {
        let refused =
            |text: String| Document::parse(text.as_bytes()).expect_err("refused").to_string();
        assert_eq!(
            refused(format!("a\n{BEGIN}\n")),
            "line 2: our begin marker has no end marker after it"
        );
        assert_eq!(
            refused(format!("{END}\n")),
            "line 1: our end marker has no begin marker before it"
        );
        assert_eq!(refused(block() + &block()), "line 4: a second begin marker of ours");
        assert_eq!(
            refused(format!("{BEGIN}\n{BEGIN}\n{END}\n")),
            "line 2: a second begin marker of ours"
        );
    }

    #[test]
    fn lines_of_others_about_adaptation_are_named() {
        let file =
            format!("icap_enable off\n{}# icap_x\n  adaptation_access x allow all\n", block());
        let rivals = Document::parse(file.as_bytes()).expect("one block").rivals();
        let want =
            [(1, "icap_enable off".to_owned()), (6, "adaptation_access x allow all".to_owned())];
        assert_eq!(rivals, want);
    }

    #[test]
    fn the_diff_shows_three_lines_around_the_change() {
        let old = b"1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = b"1\n2\n3\n4\nX\n6\n7\n8\n9\n";
        assert_eq!(
            diff("f", old, new),
            "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n"
        );
        assert_eq!(diff("f", b"a\n", b"a\na\n"), "--- f\n+++ f\n@@ -1,1 +1,2 @@\n a\n+a\n");
        assert_eq!(diff("f", b"a\n", b"a\n"), "");
    }
}
