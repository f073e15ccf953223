//! Where a document says that it is encrypted, and how it is called: looked for in windows, for the words may stand
//! anywhere in a long file.

use std::collections::VecDeque;

use memchr::memmem;

use super::crypt::head;
use super::token::{Token, Tokens};

/// Where the last of each word stands that leads to a dictionary of encryption, as far as it was looked for.
#[derive(Default)]
pub(super) struct Marks {
    /// What was searched.
    at: usize,
    pub(super) name: Option<usize>,
    /// Where the last table of references is named.
    pub(super) table: Option<usize>,
    /// The last ones that may name the document, the last one last.
    ids: VecDeque<usize>,
}

impl Marks {
    /// Searches the next window. True when it was the last one.
    pub(super) fn search(&mut self, file: &[u8]) -> bool {
        let (from, to) = (self.at, self.at.saturating_add(WINDOW_BYTES).min(file.len()));
        let places = |word: &'static [u8]| {
            let end = to.saturating_add(word.len()).saturating_sub(1).min(file.len());
            let window = file.get(from..end).unwrap_or_default();
            memmem::find_iter(window, word).map(move |at| from.saturating_add(at))
        };
        // Not `/EncryptMetadata`.
        let is_name = |at: &usize| {
            let behind = file.get(at.saturating_add(NAME.len()));
            !behind.is_some_and(u8::is_ascii_alphanumeric)
        };
        self.name = places(NAME).filter(is_name).last().or(self.name);
        self.table = places(TABLE).last().or(self.table);
        for at in places(b"/ID") {
            if self.ids.len() == NAMES_MAX {
                self.ids.pop_front();
            }
            self.ids.push_back(at);
        }
        self.at = to;
        to == file.len()
    }

    /// The first string of the document's `/ID`.
    pub(super) fn first_id(&self, file: &[u8]) -> Vec<u8> {
        let ids = self.ids.iter().rev().filter_map(|at| {
            let mut tokens = Tokens::new(head(file.get(at.checked_add(3)?..)?));
            match (tokens.next(), tokens.next()) {
                (Some(Token::Bracket(b"[")), Some(Token::Text(id))) => Some(id),
                _ => None,
            }
        });
        ids.into_iter().next().unwrap_or_default()
    }
}

/// What a dictionary of encryption stands behind.
pub(super) const NAME: &[u8] = b"/Encrypt";
/// What the place of a table of references stands behind.
pub(super) const TABLE: &[u8] = b"startxref";
/// How many places of a name are looked at.
pub(super) const NAMES_MAX: usize = 64;
/// What one step searches.
const WINDOW_BYTES: usize = 128 << 10;
