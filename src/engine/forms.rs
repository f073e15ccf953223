//! The normal forms of a layer: which there are, and what writes them.
//!
//! | layer | forms beside its bytes | targets |
//! | --- | --- | --- |
//! | text, mail | normal text | 0, 7 |
//! | HTML | without comments, without tags | 0, 3 |
//! | HTML | its scripts, printed again | 0, 3, 7 |
//!
//! Each form is a stream of its own: a matcher runs over it, and offsets count in it.

use super::database::signature::Target;
use super::file_type::FileType;
use super::matcher::TargetSet;
use super::normalize::{Forms, Html, Link, Normalizer};

/// Which stream of a layer a hit was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The bytes as they are.
    Raw,
    /// Normal text.
    Text,
    /// HTML without comments.
    NoComment,
    /// HTML without tags.
    NoTags,
    /// The scripts of HTML.
    Script,
}

impl Place {
    /// Its name in the path of a detection; the bytes themselves have none.
    pub(super) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Raw => None,
            Self::Text => Some("text"),
            Self::NoComment => Some("no-comment"),
            Self::NoTags => Some("no-tags"),
            Self::Script => Some("script"),
        }
    }
}

/// Writes the normal forms of one layer.
pub(super) enum Normal {
    /// There are none.
    None,
    Text {
        normalizer: Normalizer,
        text: Vec<u8>,
    },
    Html {
        page: Box<Html>,
        forms: Forms,
    },
}

impl Normal {
    /// What writes the forms of a layer of this type, and those forms.
    pub(super) fn of(file_type: FileType) -> (Self, Vec<(Place, TargetSet)>) {
        let Some((script, targets)) = file_type.text() else { return (Self::None, Vec::new()) };
        match file_type {
            FileType::Html(_) => {
                let forms = vec![
                    (Place::NoComment, targets),
                    (Place::NoTags, targets),
                    (Place::Script, targets.with(Target::Text)),
                ];
                (Self::Html { page: Box::new(Html::new(script)), forms: Forms::default() }, forms)
            }
            _ => {
                let normal = Self::Text { normalizer: Normalizer::new(script), text: Vec::new() };
                (normal, vec![(Place::Text, targets)])
            }
        }
    }

    /// Takes the next bytes of the layer.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        match self {
            Self::None => {}
            Self::Text { normalizer, text } => {
                text.clear();
                normalizer.feed(bytes, text);
            }
            Self::Html { page, forms } => {
                clear(forms);
                page.feed(bytes, forms);
            }
        }
    }

    /// The layer is over.
    pub(super) fn finish(&mut self) {
        match self {
            Self::None => {}
            Self::Text { text, .. } => text.clear(),
            Self::Html { page, forms } => {
                clear(forms);
                page.finish(forms);
            }
        }
    }

    /// What the last call wrote to a form.
    pub(super) fn written(&self, place: Place) -> &[u8] {
        match (self, place) {
            (Self::Text { text, .. }, Place::Text) => text,
            (Self::Html { forms, .. }, Place::NoComment) => &forms.no_comment,
            (Self::Html { forms, .. }, Place::NoTags) => &forms.no_tags,
            (Self::Html { forms, .. }, Place::Script) => &forms.script,
            (Self::None | Self::Text { .. } | Self::Html { .. }, _) => &[],
        }
    }

    /// The links that the last call found.
    pub(super) fn links(&self) -> &[Link] {
        match self {
            Self::Html { forms, .. } => &forms.links,
            Self::None | Self::Text { .. } => &[],
        }
    }
}

/// Room is kept: a layer is fed in many pieces.
fn clear(forms: &mut Forms) {
    forms.no_comment.clear();
    forms.no_tags.clear();
    forms.script.clear();
    forms.links.clear();
}
