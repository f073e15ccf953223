//! The user as a proxy names him: `anna`, `anna@example.com`, `EXAMPLE\anna` or `EXAMPLE/anna`.

use memchr::{memchr2, memrchr};

/// A user's name in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User<'a> {
    /// As the proxy writes it.
    pub whole: &'a str,
    /// Without the domain.
    pub name: &'a str,
    /// The domain; empty: none.
    pub domain: &'a str,
}

impl<'a> User<'a> {
    /// Takes a name apart.
    #[must_use]
    pub fn of(whole: &'a str) -> Self {
        let cut = |at: usize| Some((whole.get(..at)?, whole.get(at.checked_add(1)?..)?));
        let bytes = whole.as_bytes();
        let (name, domain) = match memchr2(b'\\', b'/', bytes).and_then(cut) {
            Some((domain, name)) => (name, domain),
            None => memrchr(b'@', bytes).and_then(cut).unwrap_or((whole, "")),
        };
        if name.is_empty() || domain.is_empty() {
            return Self { whole, name: whole, domain: "" };
        }
        Self { whole, name, domain }
    }

    /// The names that stand for this user: the whole one, and the one without a domain.
    #[must_use]
    pub fn spellings(&self) -> [Option<&'a str>; 2] {
        let bare = (!self.domain.is_empty()).then_some(self.name);
        [(!self.whole.is_empty()).then_some(self.whole), bare]
    }
}
