//! The script inside a change (A11.3): which lines go, which come.
//!
//! | line | meaning |
//! | --- | --- |
//! | `OPEN file` · `CLOSE` | the file that the next three are about; edits are made at `CLOSE` |
//! | `ADD line` | a line at the end |
//! | `DEL number prefix` | this line goes |
//! | `XCHG number prefix line` | this line becomes another |
//! | `MOVE from to first prefix last prefix` | lines of one file go to the end of another |
//! | `UNLINK file` | the file goes |
//! | `# …` | nothing |
//!
//! Numbers count from 1 and mean the file as it was at `OPEN`; they ascend. The old line has to begin
//! with the prefix.

use std::collections::BTreeMap;

use super::patch::{Files, PatchFault};

/// What a script made of the files that it touched: `None` for one that is gone.
pub(super) type Changed = BTreeMap<Box<str>, Option<Vec<u8>>>;

/// The number of a line, how it has to begin, what comes instead.
type Edit<'a> = (usize, &'a [u8], Option<&'a [u8]>);

/// The file between `OPEN` and `CLOSE`.
struct Open<'a> {
    name: Box<str>,
    /// In the order of their lines.
    edits: Vec<Edit<'a>>,
    added: Vec<&'a [u8]>,
}

/// Runs a script over `files`, which stay as they are.
pub(super) fn run(script: &[u8], files: &Files) -> Result<Changed, PatchFault> {
    let mut changed = Changed::new();
    let mut open: Option<Open<'_>> = None;
    let text = script.strip_suffix(b"\n").unwrap_or(script);
    for (line, number) in text.split(|byte| *byte == b'\n').zip(1_usize..) {
        let fault = |why| PatchFault::Script(number, why);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (word, rest) = cut(line);
        match (word, &mut open) {
            (b"", _) if rest.is_empty() => {}
            (word, _) if word.starts_with(b"#") => {}
            (b"OPEN", None) => {
                let name = file_name(rest).map_err(fault)?;
                open = Some(Open { name, edits: Vec::new(), added: Vec::new() });
            }
            (b"ADD", Some(open)) => open.added.push(rest),
            (b"DEL", Some(open)) => {
                let (number, prefix) = cut(rest);
                open.edit(number, prefix, None).map_err(fault)?;
            }
            (b"XCHG", Some(open)) => {
                let (number, rest) = cut(rest);
                let (prefix, line) = cut(rest);
                open.edit(number, prefix, Some(line)).map_err(fault)?;
            }
            (b"CLOSE", open @ Some(_)) => {
                if let Some(open) = open.take() {
                    let before = current(files, &changed, &open.name).unwrap_or_default();
                    let after = open.applied(before).map_err(fault)?;
                    changed.insert(open.name, Some(after));
                }
            }
            (b"MOVE", None) => moved(rest, files, &mut changed).map_err(fault)?,
            (b"UNLINK", None) => {
                let name = file_name(rest).map_err(fault)?;
                if current(files, &changed, &name).is_none() {
                    return Err(fault("there is no such file"));
                }
                changed.insert(name, None);
            }
            (_, None) => return Err(fault("OPEN, MOVE, UNLINK or # is expected")),
            (_, Some(_)) => return Err(fault("ADD, DEL, XCHG, CLOSE or # is expected")),
        }
        let total = changed
            .values()
            .flatten()
            .fold(0_u64, |sum, file| sum.saturating_add(file.len() as u64));
        if total > TOTAL_BYTES_MAX {
            return Err(PatchFault::TooLarge);
        }
    }
    match open {
        None => Ok(changed),
        Some(_) => Err(PatchFault::Script(0, "a file is open at the end")),
    }
}

impl<'a> Open<'a> {
    fn edit(
        &mut self,
        number: &[u8],
        prefix: &'a [u8],
        line: Option<&'a [u8]>,
    ) -> Result<(), &'static str> {
        let number = line_number(number)?;
        if self.edits.last().is_some_and(|(last, ..)| *last >= number) {
            return Err("the numbers of lines do not ascend");
        }
        if prefix.is_empty() {
            return Err("the start of the old line is missing");
        }
        self.edits.push((number, prefix, line));
        Ok(())
    }

    fn applied(&self, before: &[u8]) -> Result<Vec<u8>, &'static str> {
        let mut after = Vec::with_capacity(before.len());
        let mut edits = self.edits.iter().peekable();
        for (line, number) in lines(before).zip(1_usize..) {
            let Some((_, prefix, new)) = edits.next_if(|(at, ..)| *at == number) else {
                after.extend_from_slice(line);
                continue;
            };
            if !line.starts_with(prefix) {
                return Err("the old line is another one");
            }
            if let Some(new) = new {
                push(&mut after, new);
            }
        }
        if edits.next().is_some() {
            return Err("the file has fewer lines");
        }
        for line in &self.added {
            push(&mut after, line);
        }
        Ok(after)
    }
}

/// `from to first prefix last prefix`.
fn moved(rest: &[u8], files: &Files, changed: &mut Changed) -> Result<(), &'static str> {
    let (from, rest) = cut(rest);
    let (to, rest) = cut(rest);
    let (first, rest) = cut(rest);
    let (first_prefix, rest) = cut(rest);
    let (last, last_prefix) = cut(rest);
    let (from, to) = (file_name(from)?, file_name(to)?);
    let (first, last) = (line_number(first)?, line_number(last)?);
    if from == to || first > last {
        return Err("nothing can be moved so");
    }
    let source = current(files, changed, &from).ok_or("there is no such file")?;
    let mut kept = Vec::with_capacity(source.len());
    let mut target = current(files, changed, &to).unwrap_or_default().to_vec();
    end_line(&mut target);
    let mut found = [false; 2];
    for (line, number) in lines(source).zip(1_usize..) {
        for ((at, prefix), found) in
            [(first, first_prefix), (last, last_prefix)].into_iter().zip(&mut found)
        {
            *found |= at == number && !prefix.is_empty() && line.starts_with(prefix);
        }
        if (first..=last).contains(&number) {
            target.extend_from_slice(line);
        } else {
            kept.extend_from_slice(line);
        }
    }
    if found != [true; 2] {
        return Err("the old line is another one");
    }
    changed.insert(from, Some(kept));
    changed.insert(to, Some(target));
    Ok(())
}

/// A file as the script has it by now.
fn current<'a>(files: &'a Files, changed: &'a Changed, name: &str) -> Option<&'a [u8]> {
    match changed.get(name) {
        Some(file) => file.as_deref(),
        None => files.get(name).map(Vec::as_slice),
    }
}

/// Lines with their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

fn push(out: &mut Vec<u8>, line: &[u8]) {
    end_line(out);
    out.extend_from_slice(line);
    out.push(b'\n');
}

/// A last line without an end gets one before something follows it.
fn end_line(out: &mut Vec<u8>) {
    if out.last().is_some_and(|last| *last != b'\n') {
        out.push(b'\n');
    }
}

/// A word, and what follows the blank behind it.
fn cut(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|byte| *byte == b' ') {
        Some(at) => {
            let (word, rest) = line.split_at_checked(at).unwrap_or((line, &[]));
            (word, rest.strip_prefix(b" ").unwrap_or(rest))
        }
        None => (line, &[]),
    }
}

fn line_number(text: &[u8]) -> Result<usize, &'static str> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let number = str::from_utf8(text).ok().filter(|_| digits).and_then(|text| text.parse().ok());
    number.filter(|number| *number > 0).ok_or("the number of a line is expected")
}

/// Letters, digits, `.` and `_`; no hidden file.
fn file_name(text: &[u8]) -> Result<Box<str>, &'static str> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._".contains(byte);
    match str::from_utf8(text) {
        Ok(name)
            if (1..=NAME_BYTES_MAX).contains(&name.len())
                && !name.starts_with('.')
                && text.iter().all(plain) =>
        {
            Ok(name.into())
        }
        Ok(_) | Err(_) => Err("the name of a file is expected"),
    }
}

const NAME_BYTES_MAX: usize = 100;

/// As for a whole container.
const TOTAL_BYTES_MAX: u64 = 4 << 30;
