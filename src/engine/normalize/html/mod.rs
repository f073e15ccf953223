//! The normal forms of HTML: what target 3 is matched against, and target 0 once more.
//!
//! ```text
//!   bytes ─▶ narrow ─▶ tokeniser ─┬─▶ no-comment: everything but comments, one way of writing it
//!                                 ├─▶ no-tags: the text, with the targets of links and images
//!                                 ├─▶ script blocks ─▶ javascript ─▶ script: printed again
//!                                 └─▶ links: target and visible text, for the lists about them
//! ```
//!
//! `clamav.md` A9.4, and what clamscan 1.4.6 answers (the tables of the tests). A page is read in one
//! pass, forward, with a few kilobytes of state; what is written does not depend on how it was cut.
//!
//! Where markup is broken the rules are these. Everything from `<!` to the next `>` is a comment,
//! whatever is in it: the rest of a longer comment shows as text. A quoted value ends at its quote
//! only; a tag, a comment or a script that is never closed goes on to the end of the page. Text of a
//! reference that is no reference stays. So nothing is dropped but comments, the bytes of value 0,
//! and white space; and the page as it came is matched beside its forms.
//!
//! Absent: `data:` addresses as layers of their own, and scripts of JScript.Encode.

mod entities;
mod feed;
mod reference;
mod runs;

use super::javascript::{self, SCRIPT_BYTES_MAX};
use super::script::Script;
use reference::Reference;

/// What the tokeniser writes; the caller empties it.
#[derive(Debug, Default)]
pub(in crate::engine) struct Forms {
    /// Without comments.
    pub(in crate::engine) no_comment: Vec<u8>,
    /// Without tags.
    pub(in crate::engine) no_tags: Vec<u8>,
    /// Scripts, printed again.
    pub(in crate::engine) script: Vec<u8>,
    /// Links that are complete.
    pub(in crate::engine) links: Vec<Link>,
}

/// Something of a page that leads elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Link {
    /// Which element it is.
    pub(in crate::engine) kind: LinkKind,
    /// Its target as written, references decoded; cut after [`VALUE_BYTES_MAX`] bytes.
    pub(in crate::engine) target: Vec<u8>,
    /// The text that is seen, in lower case; cut after [`VALUE_BYTES_MAX`] bytes. Only of anchors.
    pub(in crate::engine) text: Vec<u8>,
    /// The target of the anchor around an image.
    pub(in crate::engine) around: Option<Vec<u8>>,
}

impl Link {
    const fn new(kind: LinkKind, target: Vec<u8>) -> Self {
        Self { kind, target, text: Vec::new(), around: None }
    }
}

/// Elements with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum LinkKind {
    /// `<a href>` or `<area href>`.
    Anchor,
    /// `<form action>`.
    Form,
    /// `</form>`.
    FormEnd,
    /// `<img src>`: what it shows is not text.
    Image,
}

/// Reads one page.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each belongs to another part of a page")]
pub(in crate::engine) struct Html {
    script: Script,
    /// The first half of a 16-bit unit whose second half has not come.
    half: Option<u8>,
    state: State,
    reference: Option<Reference>,
    /// White space of the text that is not written yet: nothing may follow it.
    is_space_due: bool,
    /// A tag or comment was the last thing: white space after it goes.
    is_after_tag: bool,
    /// The last byte without tags was a space.
    is_plain_space: bool,
    /// White space between attributes, or inside a value, that was written or is due.
    is_gap: bool,
    /// Bytes of the end tag of a script or style that were read.
    closing: usize,
    /// A script was printed before: a line lies between two.
    has_scripts: bool,
    is_closing_tag: bool,
    tag: Word,
    attribute: Word,
    is_recorded: bool,
    value: Vec<u8>,
    open: Option<Link>,
    block: Vec<u8>,
}

/// Where in the markup the next byte lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Outside of tags.
    Text,
    /// After `<`.
    Open,
    /// After `<!`.
    Comment,
    /// In the name of a tag.
    Name,
    /// Between attributes.
    Gap,
    /// In the name of an attribute.
    Attribute,
    /// After `=`.
    Before,
    /// In a value, and the quote that ends it.
    Value(Option<u8>),
    /// In a script.
    Script,
    /// In a style sheet.
    Style,
}

/// The first bytes of a name, in lower case.
#[derive(Clone, Copy, Debug, Default)]
struct Word {
    bytes: [u8; WORD_BYTES],
    length: usize,
}

impl Word {
    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.length) {
            *slot = byte.to_ascii_lowercase();
        }
        // A longer name is none of those that are looked for.
        self.length = self.length.saturating_add(1);
    }

    /// The same for several bytes, which are in lower case.
    fn extend(&mut self, bytes: &[u8]) {
        let room = self.bytes.get_mut(self.length..).unwrap_or_default();
        room.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
        self.length = self.length.saturating_add(bytes.len());
    }

    const fn clear(&mut self) {
        self.length = 0;
    }

    fn is(&self, name: &[u8]) -> bool {
        self.bytes.get(..self.length) == Some(name)
    }
}

impl Html {
    pub(in crate::engine) fn new(script: Script) -> Self {
        Self {
            script,
            half: None,
            state: State::Text,
            reference: None,
            is_space_due: false,
            is_after_tag: true,
            is_plain_space: false,
            is_gap: false,
            closing: 0,
            has_scripts: false,
            is_closing_tag: false,
            tag: Word::default(),
            attribute: Word::default(),
            is_recorded: false,
            value: Vec::new(),
            open: None,
            block: Vec::new(),
        }
    }

    /// The page is over.
    pub(in crate::engine) fn finish(&mut self, out: &mut Forms) {
        self.end_reference(out);
        if self.state == State::Script {
            self.print_block(out);
            out.script.extend_from_slice(SCRIPT_END);
        }
        self.close_link(out);
    }

    /// The next byte of a script or style sheet.
    fn raw(&mut self, byte: u8, out: &mut Forms) {
        let is_script = self.state == State::Script;
        let end: &[u8] = if is_script { b"</script" } else { b"</style" };
        self.closing = match end.get(self.closing) {
            Some(next) if *next == byte.to_ascii_lowercase() => self.closing.saturating_add(1),
            Some(_) | None => usize::from(byte == b'<'),
        };
        match byte {
            b'&' => self.reference = Some(Reference::new()),
            b'"' | b'\'' => out.no_comment.push(b'"'),
            _ if is_space(byte) => {}
            _ => out.no_comment.push(byte.to_ascii_lowercase()),
        }
        if self.closing == end.len() {
            if is_script {
                let kept = self.block.len().saturating_sub(end.len());
                self.block.truncate(kept);
                self.print_block(out);
                out.script.extend_from_slice(SCRIPT_END);
            }
            self.closing = 0;
            self.state = State::Name;
            self.is_closing_tag = true;
            self.tag.clear();
        }
    }

    /// Bytes of a script as they came.
    fn keep_script(&mut self, mut bytes: &[u8], out: &mut Forms) {
        while !bytes.is_empty() {
            let room = SCRIPT_BYTES_MAX.saturating_sub(self.block.len());
            let (here, after) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.block.extend_from_slice(here);
            if self.block.len() >= SCRIPT_BYTES_MAX {
                self.print_block(out);
            }
            bytes = after;
        }
    }

    fn print_block(&mut self, out: &mut Forms) {
        javascript::print(&self.block, &mut out.script);
        self.block.clear();
    }

    /// A byte of the name of a tag.
    fn name(&mut self, byte: u8, out: &mut Forms) {
        match byte {
            b'>' => self.end_tag(out),
            b'/' if self.tag.length == 0 && !self.is_closing_tag => {
                self.is_closing_tag = true;
                out.no_comment.push(b'/');
            }
            b'/' => {
                out.no_comment.push(b'/');
                self.gap(false);
            }
            _ if is_space(byte) => self.gap(true),
            _ => {
                self.tag.push(byte);
                out.no_comment.push(byte.to_ascii_lowercase());
            }
        }
    }

    const fn gap(&mut self, is_gap: bool) {
        self.is_gap = is_gap;
        self.state = State::Gap;
    }

    /// A byte between attributes.
    fn between(&mut self, byte: u8, out: &mut Forms) {
        match byte {
            b'>' => return self.end_tag(out),
            b'=' => {
                out.no_comment.push(b'=');
                self.state = State::Before;
                return;
            }
            _ if is_space(byte) => {
                self.is_gap = true;
                return;
            }
            _ => {}
        }
        if self.is_gap {
            out.no_comment.push(b' ');
        }
        out.no_comment.push(byte.to_ascii_lowercase());
        self.attribute.clear();
        if byte == b'/' {
            self.gap(false);
        } else {
            self.attribute.push(byte);
            self.state = State::Attribute;
        }
    }

    /// A byte of the name of an attribute.
    fn attribute(&mut self, byte: u8, out: &mut Forms) {
        match byte {
            b'>' => return self.end_tag(out),
            b'=' => self.state = State::Before,
            b'/' => self.gap(false),
            _ if is_space(byte) => return self.gap(true),
            _ => self.attribute.push(byte),
        }
        out.no_comment.push(byte.to_ascii_lowercase());
    }

    /// A byte after `=`.
    fn before(&mut self, byte: u8, out: &mut Forms) {
        if is_space(byte) {
            return;
        }
        if byte == b'>' {
            return self.end_tag(out);
        }
        self.is_gap = false;
        self.is_recorded = self.link_kind().is_some_and(|(_, name)| self.attribute.is(name));
        if self.is_recorded {
            self.value.clear();
        }
        if matches!(byte, b'"' | b'\'') {
            out.no_comment.push(b'"');
            self.state = State::Value(Some(byte));
        } else {
            self.state = State::Value(None);
            self.value(None, byte, out);
        }
    }

    /// A byte of a value.
    fn value(&mut self, quote: Option<u8>, byte: u8, out: &mut Forms) {
        match byte {
            _ if quote == Some(byte) => {
                out.no_comment.push(b'"');
                self.gap(true);
                return;
            }
            b'>' if quote.is_none() => return self.end_tag(out),
            _ if is_space(byte) => {
                if quote.is_none() {
                    return self.gap(true);
                }
                if !self.is_gap {
                    out.no_comment.push(b' ');
                    self.record(b' ');
                }
                self.is_gap = true;
                return;
            }
            b'&' => self.reference = Some(Reference::new()),
            b'"' | b'\'' => {
                out.no_comment.push(b'"');
                self.record(byte);
            }
            _ => {
                out.no_comment.push(byte.to_ascii_lowercase());
                self.record(byte);
            }
        }
        self.is_gap = false;
    }

    fn record(&mut self, byte: u8) {
        if self.is_recorded && self.value.len() < VALUE_BYTES_MAX {
            self.value.push(byte);
        }
    }

    /// The same for several bytes, in which white space is a space.
    fn record_run(&mut self, run: &[u8]) {
        if self.is_recorded {
            let room = VALUE_BYTES_MAX.saturating_sub(self.value.len());
            let spaced = run.iter().map(|byte| if is_space(*byte) { b' ' } else { *byte });
            self.value.extend(spaced.take(room));
        }
    }

    /// The kind of link that the open tag may be, and the attribute that has its target.
    fn link_kind(&self) -> Option<(LinkKind, &'static [u8])> {
        const KINDS: [(&[u8], LinkKind, &[u8]); 4] = [
            (b"a", LinkKind::Anchor, b"href"),
            (b"img", LinkKind::Image, b"src"),
            (b"form", LinkKind::Form, b"action"),
            (b"area", LinkKind::Anchor, b"href"),
        ];
        let row = KINDS.iter().find(|row| self.tag.is(row.0)).filter(|_| !self.is_closing_tag)?;
        Some((row.1, row.2))
    }

    fn begin_tag(&mut self) {
        self.state = State::Name;
        self.is_closing_tag = false;
        self.is_recorded = false;
        self.tag.clear();
        self.attribute.clear();
        self.value.clear();
    }

    /// `>`.
    fn end_tag(&mut self, out: &mut Forms) {
        out.no_comment.push(b'>');
        self.is_after_tag = true;
        self.state = State::Text;
        if self.is_closing_tag {
            if self.tag.is(b"a") {
                self.close_link(out);
            } else if self.tag.is(b"form") {
                out.links.push(Link::new(LinkKind::FormEnd, Vec::new()));
            }
            return;
        }
        if self.tag.is(b"script") {
            self.state = State::Script;
            self.block.clear();
            out.script.extend_from_slice(if self.has_scripts {
                b"\n<script>"
            } else {
                b"<script>"
            });
            self.has_scripts = true;
        } else if self.tag.is(b"style") {
            self.state = State::Style;
        }
        if let Some((kind, _)) = self.link_kind()
            && !self.value.is_empty()
        {
            self.open_link(kind, out);
        }
    }

    /// A tag with a target is complete.
    fn open_link(&mut self, kind: LinkKind, out: &mut Forms) {
        let target = std::mem::take(&mut self.value);
        if kind != LinkKind::Form && !self.tag.is(b"area") {
            out.no_tags.extend_from_slice(&target);
            out.no_tags.push(b' ');
            self.is_plain_space = true;
        }
        let mut link = Link::new(kind, target);
        match kind {
            LinkKind::Anchor => {
                self.close_link(out);
                self.open = Some(link);
            }
            LinkKind::Image => {
                link.around = self.open.as_ref().map(|open| open.target.clone());
                out.links.push(link);
            }
            LinkKind::Form | LinkKind::FormEnd => out.links.push(link),
        }
    }

    /// The open link ends.
    fn close_link(&mut self, out: &mut Forms) {
        out.links.extend(self.open.take());
    }

    /// Text that is seen belongs to the open link.
    fn show(&mut self, text: &[u8]) {
        if let Some(link) = &mut self.open {
            let room = VALUE_BYTES_MAX.saturating_sub(link.text.len());
            link.text.extend_from_slice(text.get(..room).unwrap_or(text));
        }
    }
}

/// White space between words, HTML and ClamAV alike.
const fn is_space(byte: u8) -> bool {
    matches!(byte, 0x09..=0x0d | 0x20)
}

const SCRIPT_END: &[u8] = b"</script>";
/// Longer than any name that means something here.
const WORD_BYTES: usize = 8;
/// A target, or the text of a link, is cut here: longer ones are no names of hosts.
pub(in crate::engine) const VALUE_BYTES_MAX: usize = 2 << 10;
