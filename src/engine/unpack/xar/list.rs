//! The list of files of an XAR archive: as much of XML as such a list has, and of that as much as is asked for.
//!
//! ```text
//!   <xar><toc> <file id="1"><name>a</name><data><offset>0</offset><length>9</length><size>20</size>
//!                                               <encoding style="application/x-gzip"/></data></file> … </toc></xar>
//! ```
//!
//! What would be read in another way by a reader that knows all of XML is refused: types and entities of a document's
//! own, other scripts, tags that do not fit, numbers that are not plain, fields that are there twice.

use memchr::{memchr, memmem};

use crate::engine::verdict::{Limit, Why};

/// What a file has in the heap.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stream {
    /// The path of the file.
    pub(super) name: Vec<u8>,
    pub(super) offset: u64,
    pub(super) length: u64,
    /// When it is unpacked, as is said.
    pub(super) size: Option<u64>,
    pub(super) packing: Packing,
}

/// How it is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Packing {
    #[default]
    Plain,
    Zlib,
    Bzip2,
    /// LZMA with its own header, or xz.
    Lzma,
    Other,
}

/// A list being read.
pub(super) struct List {
    text: Vec<u8>,
    at: usize,
    /// The elements that are open.
    open: Vec<Element>,
    /// What files that are open have in the heap, those of the innermost last; their names may follow.
    pending: Vec<Stream>,
    streams: Vec<Stream>,
}

/// An element that is open.
#[derive(Default)]
struct Element {
    tag: Vec<u8>,
    /// What stands in it besides elements.
    text: Vec<u8>,
    /// The fields in it.
    offset: Option<u64>,
    length: Option<u64>,
    size: Option<u64>,
    packing: Option<Packing>,
    name: Vec<u8>,
    /// How many were pending when it began.
    before: usize,
}

/// A part of the text.
enum Token<'a> {
    /// A tag without its angles: a name, attributes.
    Begin(&'a [u8]),
    /// One that begins and ends an element.
    Whole(&'a [u8]),
    End(&'a [u8]),
    Text(&'a [u8]),
    Nothing,
}

impl List {
    pub(super) const fn new(text: Vec<u8>) -> Self {
        Self { text, at: 0, open: Vec::new(), pending: Vec::new(), streams: Vec::new() }
    }

    /// Reads some of it. False at its end.
    pub(super) fn step(&mut self) -> Result<bool, Why> {
        let text = std::mem::take(&mut self.text);
        let done = self.read(&text);
        self.text = text;
        done
    }

    /// What was read.
    pub(super) fn take(&mut self) -> Vec<Stream> {
        // Of files that were not closed as well.
        while !self.open.is_empty() {
            self.close();
        }
        std::mem::take(&mut self.streams)
    }

    fn read(&mut self, text: &[u8]) -> Result<bool, Why> {
        for _ in 0..TOKENS_PER_STEP {
            let rest = text.get(self.at..).unwrap_or_default();
            if rest.is_empty() {
                return if self.open.is_empty() { Ok(false) } else { Err(DAMAGED) };
            }
            let (token, length) = next(rest)?;
            self.at = self.at.saturating_add(length);
            match token {
                Token::Begin(tag) => self.begin(tag)?,
                Token::Whole(tag) => {
                    self.begin(tag)?;
                    self.end()?;
                }
                Token::End(tag) => {
                    if self
                        .open
                        .last()
                        .is_none_or(|element| element.tag != local(tag.trim_ascii_end()))
                    {
                        return Err(DAMAGED);
                    }
                    self.end()?;
                }
                Token::Text(text) => {
                    if let Some(element) = self.open.last_mut() {
                        let room = TEXT_BYTES_MAX.saturating_sub(element.text.len());
                        element.text.extend_from_slice(text.get(..room).unwrap_or(text));
                    } else if text.iter().any(|byte| !byte.is_ascii_whitespace() && byte.is_ascii())
                    {
                        return Err(DAMAGED);
                    }
                }
                Token::Nothing => {}
            }
        }
        Ok(true)
    }

    fn begin(&mut self, tag: &[u8]) -> Result<(), Why> {
        let streams = self.streams.len().saturating_add(self.pending.len());
        if self.open.len() >= DEPTH_MAX || streams > STREAMS_MAX {
            return Err(Why::Limit(Limit::MaxScanState));
        }
        let end = tag.iter().position(u8::is_ascii_whitespace).unwrap_or(tag.len());
        let (name, attributes) = tag.split_at_checked(end).unwrap_or((tag, &[]));
        let name = local(name);
        if name == b"encoding"
            && let Some(around) = self.open.last_mut()
            && around.packing.replace(packing(attributes)).is_some()
        {
            return Err(TWICE);
        }
        let before = self.pending.len();
        self.open.push(Element { tag: name.to_vec(), before, ..Element::default() });
        Ok(())
    }

    /// The last element ends: what it says is said of the one around it.
    fn end(&mut self) -> Result<(), Why> {
        let Some(element) = self.open.pop() else { return Err(DAMAGED) };
        let text = element.text.trim_ascii();
        if let Some(around) = self.open.last_mut() {
            let field = match element.tag.as_slice() {
                b"offset" => Some(&mut around.offset),
                b"length" => Some(&mut around.length),
                b"size" => Some(&mut around.size),
                _ => None,
            };
            if let Some(field) = field
                && field.replace(number(text)?).is_some()
            {
                return Err(TWICE);
            }
            if element.tag == b"name" {
                around.name = plain(text);
            }
        }
        self.open.push(element);
        self.close();
        Ok(())
    }

    /// Closes the last element.
    fn close(&mut self) {
        let Some(element) = self.open.pop() else { return };
        if let (Some(offset), Some(length)) = (element.offset, element.length) {
            let packing = element.packing.unwrap_or_default();
            let name = Vec::new();
            self.pending.push(Stream { name, offset, length, size: element.size, packing });
        }
        if (element.tag != b"file" && !self.open.is_empty()) || self.pending.len() <= element.before
        {
            return;
        }
        let mut path = Vec::new();
        for name in self.open.iter().map(|around| &around.name).chain([&element.name]) {
            if !path.is_empty() && !name.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
            path.truncate(PATH_BYTES_MAX);
        }
        for mut stream in self.pending.drain(element.before..) {
            stream.name.clone_from(&path);
            self.streams.push(stream);
        }
    }
}

/// The next part of a text that is not empty, and how long it is.
fn next(rest: &[u8]) -> Result<(Token<'_>, usize), Why> {
    if rest.first() != Some(&b'<') {
        let length = memchr(b'<', rest).unwrap_or(rest.len());
        return Ok((Token::Text(rest.get(..length).unwrap_or_default()), length));
    }
    if rest.starts_with(b"<!") {
        return Err(Why::Unsupported("XAR: a list with comments, or a type of its own"));
    }
    if rest.starts_with(b"<?") {
        let at = memmem::find(rest, b"?>").ok_or(DAMAGED)?;
        let is_known = is_narrow(rest.get(..at).unwrap_or_default());
        return if is_known { Ok((Token::Nothing, at.saturating_add(2))) } else { Err(SCRIPT) };
    }
    let end = tag_end(rest).ok_or(DAMAGED)?;
    let tag = rest.get(1..end).unwrap_or_default();
    let token = match (tag.strip_prefix(b"/"), tag.strip_suffix(b"/")) {
        (Some(tag), _) => Token::End(tag),
        (None, Some(tag)) => Token::Whole(tag),
        (None, None) => Token::Begin(tag),
    };
    Ok((token, end.saturating_add(1)))
}

/// A name without its space of names.
fn local(name: &[u8]) -> &[u8] {
    let behind = name.iter().rposition(|byte| *byte == b':').map_or(0, |at| at.saturating_add(1));
    name.get(behind..).unwrap_or_default()
}

/// Where a tag ends: angles in the values of attributes end none.
fn tag_end(rest: &[u8]) -> Option<usize> {
    let mut quote = None;
    rest.iter().position(|byte| match (quote, byte) {
        (None, b'>') => true,
        (None, b'"' | b'\'') => {
            quote = Some(*byte);
            false
        }
        (Some(open), byte) if open == *byte => {
            quote = None;
            false
        }
        _ => false,
    })
}

/// Whether a declaration names a script in which letters are what they are in ASCII, or none.
fn is_narrow(declaration: &[u8]) -> bool {
    let small = declaration.to_ascii_lowercase();
    let Some(at) = memmem::find(&small, b"encoding") else { return true };
    let names: [&[u8]; 4] = [b"utf-8", b"us-ascii", b"iso-8859-1", b"windows-1252"];
    names.iter().any(|name| {
        memmem::find(small.get(at..).unwrap_or_default(), name).is_some_and(|at| at < 20)
    })
}

/// The packing that the attributes of an `encoding` name; there is to be one.
fn packing(attributes: &[u8]) -> Packing {
    let value = attributes.trim_ascii().strip_prefix(b"style=").and_then(|value| match value {
        [b'"', value @ .., b'"'] | [b'\'', value @ .., b'\''] => Some(value),
        _ => None,
    });
    match value {
        Some(b"application/octet-stream") => Packing::Plain,
        Some(b"application/x-gzip") => Packing::Zlib,
        Some(b"application/x-bzip2") => Packing::Bzip2,
        Some(b"application/x-lzma" | b"application/x-xz") => Packing::Lzma,
        _ => Packing::Other,
    }
}

/// A number as all readers read it: some take those that begin with a zero for octal.
fn number(text: &[u8]) -> Result<u64, Why> {
    let is_plain = text == b"0" || (text.first() != Some(&b'0') && !text.is_empty());
    let mut value = 0_u64;
    for byte in text {
        let digit = byte.checked_sub(b'0').filter(|digit| is_plain && *digit < 10);
        let digit = digit.ok_or(Why::Broken("XAR: a number in its list"))?;
        value = value.saturating_mul(10).saturating_add(u64::from(digit));
    }
    if text.is_empty() { Err(Why::Broken("XAR: a number in its list")) } else { Ok(value) }
}

/// A name with its entities as letters.
fn plain(text: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let entity = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity));
        let (letter, length) =
            entity.map_or((*byte, 1), |(entity, letter)| (*letter, entity.len()));
        name.push(letter);
        rest = rest.get(length..).unwrap_or(after);
    }
    name.truncate(PATH_BYTES_MAX);
    name
}

const ENTITIES: [(&[u8], u8); 5] =
    [(b"&amp;", b'&'), (b"&lt;", b'<'), (b"&gt;", b'>'), (b"&quot;", b'"'), (b"&apos;", b'\'')];
const TOKENS_PER_STEP: usize = 256;
/// Folders in folders, and a few elements in each.
const DEPTH_MAX: usize = 256;
const STREAMS_MAX: usize = 32_768;
const TEXT_BYTES_MAX: usize = 1_024;
const PATH_BYTES_MAX: usize = 256;
const DAMAGED: Why = Why::Broken("XAR: its list");
const TWICE: Why = Why::Broken("XAR: a field of its list that is there twice");
const SCRIPT: Why = Why::Unsupported("XAR: a list in another script");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_that_is_open_has_counts_as_well() {
        let place = b"<ea><offset>0</offset><length>1</length></ea>".as_slice();
        let mut list =
            List::new([b"<xar><file><name>a</name>", place.repeat(40_000).as_slice()].concat());
        let fate = loop {
            match list.step() {
                Ok(true) => {}
                fate => break fate,
            }
        };
        assert_eq!(fate, Err(Why::Limit(Limit::MaxScanState)));
        let streams = list.take();
        assert_eq!(streams.len(), STREAMS_MAX + 1);
        assert!(streams.iter().all(|stream| stream.name == b"a"));
    }
}
