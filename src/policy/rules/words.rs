//! Sets of names, compared without regard to case; looking one up allocates nothing.

use std::cmp::Ordering;

/// Sorted names.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct Words(Box<[Box<str>]>);

impl Words {
    pub(in crate::policy) fn new(mut words: Vec<Box<str>>) -> Self {
        words.sort_by(|one, other| folded(one, other));
        words.dedup_by(|one, other| folded(one, other) == Ordering::Equal);
        Self(words.into())
    }

    pub(in crate::policy) fn has(&self, word: &str) -> bool {
        !word.is_empty() && self.place(word).is_some()
    }

    /// Where the word stands in the sorted set.
    pub(in crate::policy) fn place(&self, word: &str) -> Option<usize> {
        self.0.binary_search_by(|one| folded(one, word)).ok()
    }

    pub(in crate::policy) fn get(&self, place: usize) -> Option<&str> {
        self.0.get(place).map(AsRef::as_ref)
    }

    pub(in crate::policy) fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.iter().map(AsRef::as_ref)
    }

    pub(in crate::policy) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(in crate::policy) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The order of two names in lower case.
pub(in crate::policy) fn folded(one: &str, other: &str) -> Ordering {
    if one.is_ascii() && other.is_ascii() {
        let pairs = one.bytes().map(|byte| byte.to_ascii_lowercase());
        return pairs.cmp(other.bytes().map(|byte| byte.to_ascii_lowercase()));
    }
    let letters = one.chars().flat_map(char::to_lowercase);
    letters.cmp(other.chars().flat_map(char::to_lowercase))
}

/// A name in lower case, the same for two names just when their order is equal; `None`: it does not fit.
pub(in crate::policy) fn lowered<'r>(name: &str, room: &'r mut [u8]) -> Option<&'r [u8]> {
    if name.is_ascii() {
        let place = room.get_mut(..name.len())?;
        place.copy_from_slice(name.as_bytes());
        place.make_ascii_lowercase();
        return Some(place);
    }
    let mut end = 0_usize;
    for letter in name.chars().flat_map(char::to_lowercase) {
        end = end.saturating_add(letter.encode_utf8(room.get_mut(end..end.checked_add(4)?)?).len());
    }
    room.get(..end)
}
