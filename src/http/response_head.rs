//! The head of an HTTP response as carried in the `res-hdr` part.
//!
//! RFC 9112 section 4, and what origin servers make of it: no reason phrase, several blanks, no
//! version number, Shoutcast's `ICY`. The status has to be three digits; anything else is no response.

use super::{Head, HeadFault, Rules};

/// An HTTP response head in reusable memory.
#[derive(Clone, Debug, Default)]
pub struct ResponseHead {
    head: Head,
    status: u16,
}

impl ResponseHead {
    /// An empty head.
    #[must_use]
    pub const fn new() -> Self {
        Self { head: Head::new(), status: 0 }
    }

    /// Replaces the content by `raw`: one complete head, blank line included.
    ///
    /// # Errors
    ///
    /// [`HeadFault`] names the broken rule.
    pub fn parse(&mut self, raw: &[u8], rules: &Rules) -> Result<(), HeadFault> {
        self.clear(usize::MAX);
        self.extend(raw);
        self.finish(rules)
    }

    /// Forgets the content and keeps up to `retain` bytes of memory.
    pub fn clear(&mut self, retain: usize) {
        self.head.clear(retain);
        self.status = 0;
    }

    /// Appends bytes as they arrive; [`ResponseHead::finish`] reads them.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.head.extend(bytes);
    }

    /// Reads what [`ResponseHead::extend`] gathered.
    ///
    /// # Errors
    ///
    /// [`HeadFault`] names the broken rule.
    pub fn finish(&mut self, rules: &Rules) -> Result<(), HeadFault> {
        self.head.index(rules)?;
        let mut words =
            self.head.start_line().split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let protocol = words.next().unwrap_or_default();
        let is_known = protocol.starts_with(b"HTTP/") || protocol == b"HTTP" || protocol == b"ICY";
        if !is_known || self.head.start_line().starts_with(b" ") {
            return Err(HeadFault::StartLine);
        }
        self.status = words.next().and_then(three_digits).ok_or(HeadFault::StartLine)?;
        Ok(())
    }

    /// The status code, 100 to 999.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The value of the first field called `name` (any case).
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.head.field(name)
    }

    /// The values of every field called `name` (any case), in order.
    pub fn fields<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.head.fields(name)
    }

    /// The head exactly as received, blank line included.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        self.head.raw()
    }

    /// The bytes and fields behind the accessors.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }
}

fn three_digits(word: &[u8]) -> Option<u16> {
    let [hundreds @ b'1'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = word else {
        return None;
    };
    let value = |digit: &u8| u16::from(digit.wrapping_sub(b'0'));
    Some(
        value(hundreds)
            .wrapping_mul(100)
            .wrapping_add(value(tens).wrapping_mul(10))
            .wrapping_add(value(ones)),
    )
}
