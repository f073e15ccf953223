//! `Transfer-Preview`, `Transfer-Ignore`, `Transfer-Complete`: which file names the client previews,
//! keeps to itself, or sends whole.
//!
//! RFC 3507 section 4.10.2: if any of the lists is sent, exactly one of them holds `*`, and an extension
//! stands in one list only. A wrong set cannot be built, so it cannot be sent.

use std::fmt;

/// A checked set of the three lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    preview: Vec<Box<str>>,
    ignore: Vec<Box<str>>,
    complete: Vec<Box<str>>,
}

impl Transfer {
    /// No list at all. Squid then uses no preview.
    #[must_use]
    pub const fn nothing() -> Self {
        Self { preview: Vec::new(), ignore: Vec::new(), complete: Vec::new() }
    }

    /// `Transfer-Preview: *`.
    #[must_use]
    pub fn preview_all() -> Self {
        Self { preview: vec!["*".into()], ..Self::nothing() }
    }

    /// `Transfer-Complete: *`: whole bodies at once, for who asks for no previews.
    #[must_use]
    pub fn complete_all() -> Self {
        Self { complete: vec!["*".into()], ..Self::nothing() }
    }

    /// The lists as given, each item an extension without its dot, or `*`.
    ///
    /// # Errors
    ///
    /// [`TransferFault`] names the rule and the extension.
    pub fn new(
        preview: &[&str],
        ignore: &[&str],
        complete: &[&str],
    ) -> Result<Self, TransferFault> {
        let lists = [preview, ignore, complete];
        let all = || lists.into_iter().flatten().copied();
        for (index, item) in all().enumerate() {
            let is_token = !item.is_empty()
                && item.bytes().all(|byte| byte == b'*' || crate::http::is_token_byte(byte));
            if !is_token || (item != "*" && item.contains('*')) {
                return Err(TransferFault::NoExtension(item.into()));
            }
            if all().take(index).any(|before| before == item) {
                return Err(TransferFault::Twice(item.into()));
            }
        }
        if all().next().is_some() && !all().any(|item| item == "*") {
            return Err(TransferFault::NoStar);
        }
        let own = |list: &[&str]| list.iter().map(|item| Box::from(*item)).collect();
        Ok(Self { preview: own(preview), ignore: own(ignore), complete: own(complete) })
    }

    /// The lists that are not empty, each with the name of its field.
    pub fn lists(&self) -> impl Iterator<Item = (&'static str, &[Box<str>])> {
        let named = [
            ("Transfer-Preview", &self.preview),
            ("Transfer-Ignore", &self.ignore),
            ("Transfer-Complete", &self.complete),
        ];
        named
            .into_iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(name, list)| (name, list.as_slice()))
    }
}

/// Why lists do not go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferFault {
    /// Lists without `*`: the client would not know what to do with other names.
    NoStar,
    /// This extension, or `*`, stands twice.
    Twice(Box<str>),
    /// This is no extension: it is empty or has other characters than a name may have.
    NoExtension(Box<str>),
}

impl fmt::Display for TransferFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStar => out.write_str("one of the Transfer lists has to hold `*`"),
            Self::Twice(item) => write!(out, "`{item}` stands twice in the Transfer lists"),
            Self::NoExtension(item) => write!(out, "`{item}` is no file name extension"),
        }
    }
}
