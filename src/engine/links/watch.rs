//! The links of one layer while it streams.

use super::LinkFinding;
use super::check::Lists;
use crate::engine::file_type::FileType;
use crate::engine::normalize::{Forms, Html, Link, LinkKind, Script};

/// Follows the links of one layer.
pub(in crate::engine) struct Watch {
    kind: Kind,
    /// The target of the open form, and of the last link.
    form: Option<Vec<u8>>,
    found: Option<LinkFinding>,
}

enum Kind {
    /// A page: the tokeniser of its forms finds the links.
    Page,
    /// A mail before the words that announce HTML, and how many bytes of them were read.
    Mail(usize),
    /// A mail behind them.
    Html { page: Box<Html>, forms: Forms },
}

impl Watch {
    /// For a layer of this type, which was encoded in a mail or not; `None` when its links are of no interest.
    pub(in crate::engine) fn of(
        file_type: FileType,
        is_mailed: bool,
        lists: Option<Lists<'_>>,
    ) -> Option<Self> {
        let kind = match (file_type, lists?) {
            (FileType::Mail, _) => Kind::Mail(0),
            (FileType::Html(_), lists) if is_mailed || lists.in_pages() => Kind::Page,
            _ => return None,
        };
        Some(Self { kind, form: None, found: None })
    }

    /// The next bytes of the layer, and the links that its forms have in them.
    pub(in crate::engine) fn feed(&mut self, piece: &[u8], links: &[Link], lists: Lists<'_>) {
        let mut rest = piece;
        if let Kind::Mail(read) = &mut self.kind {
            let Some(end) = announced(read, rest) else { return };
            rest = rest.get(end..).unwrap_or_default();
            self.kind =
                Kind::Html { page: Box::new(Html::new(Script::Bytes)), forms: Forms::default() };
        }
        match &mut self.kind {
            Kind::Page => self.look(links, lists),
            Kind::Mail(_) => {}
            Kind::Html { page, forms } => {
                page.feed(rest, forms);
                let links = std::mem::take(&mut forms.links);
                *forms = emptied(std::mem::take(forms));
                self.look(&links, lists);
            }
        }
    }

    /// The layer ended; `links` are the last of a page.
    pub(in crate::engine) fn finish(&mut self, links: &[Link], lists: Lists<'_>) {
        match &mut self.kind {
            Kind::Page => self.look(links, lists),
            Kind::Mail(_) => {}
            Kind::Html { page, forms } => {
                page.finish(forms);
                let links = std::mem::take(&mut forms.links);
                self.look(&links, lists);
            }
        }
    }

    /// The first finding, once.
    pub(in crate::engine) const fn take(&mut self) -> Option<LinkFinding> {
        self.found.take()
    }

    fn look(&mut self, links: &[Link], lists: Lists<'_>) {
        for link in links {
            let around = match link.kind {
                LinkKind::Form => {
                    self.form = Some(link.target.clone());
                    None
                }
                LinkKind::FormEnd => {
                    self.form = None;
                    continue;
                }
                LinkKind::Anchor | LinkKind::Image => self.form.as_deref(),
            };
            let found = || {
                let by_target = match link.kind {
                    LinkKind::Image => None,
                    LinkKind::Anchor | LinkKind::Form | LinkKind::FormEnd => {
                        lists.target(&link.target)
                    }
                };
                by_target
                    .or_else(|| lists.pair(&link.target, &link.text))
                    .or_else(|| lists.pair(link.around.as_deref()?, &link.target))
                    .or_else(|| lists.pair(around?, &link.target))
            };
            if self.found.is_none() {
                self.found = found();
            }
        }
    }
}

/// Where the words that announce HTML end in `piece`, given how many bytes of them came before it.
fn announced(read: &mut usize, piece: &[u8]) -> Option<usize> {
    for (index, byte) in piece.iter().enumerate() {
        let small = byte.to_ascii_lowercase();
        *read = match WORDS.get(*read) {
            Some(next) if *next == small => read.saturating_add(1),
            // The words begin with `t`, and inside of them one `t` follows another thing only.
            Some(_) | None => usize::from(WORDS.first() == Some(&small)),
        };
        if *read == WORDS.len() {
            return Some(index.saturating_add(1));
        }
    }
    None
}

/// The same room, without content.
fn emptied(mut forms: Forms) -> Forms {
    forms.no_comment.clear();
    forms.no_tags.clear();
    forms.script.clear();
    forms
}

/// The type of a part in HTML.
const WORDS: &[u8] = b"text/html";
