//! The head of an HTTP request as carried in the `req-hdr` part.
//!
//! RFC 9112 section 3. The target is everything between the first and the last blank of the request
//! line: browsers send blanks there, and cutting at the wrong one would check another address than
//! the one the origin server sees.
//!
//! Absent on purpose: taking the target apart; `policy` does, with its own canonical form.

use std::ops::Range;

use memchr::{memchr, memrchr};

use super::{Head, HeadFault, Rules, is_token_byte};

/// An HTTP request head in reusable memory.
#[derive(Clone, Debug, Default)]
pub struct RequestHead {
    head: Head,
    method: Range<usize>,
    target: Range<usize>,
    version: Range<usize>,
}

impl RequestHead {
    /// An empty head.
    #[must_use]
    pub const fn new() -> Self {
        Self { head: Head::new(), method: 0..0, target: 0..0, version: 0..0 }
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
        self.method = 0..0;
        self.target = 0..0;
        self.version = 0..0;
    }

    /// Appends bytes as they arrive; [`RequestHead::finish`] reads them.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.head.extend(bytes);
    }

    /// Reads what [`RequestHead::extend`] gathered.
    ///
    /// # Errors
    ///
    /// [`HeadFault`] names the broken rule.
    pub fn finish(&mut self, rules: &Rules) -> Result<(), HeadFault> {
        self.head.index(rules)?;
        let line = self.head.start_line();
        let (first, last) = match (memchr(b' ', line), memrchr(b' ', line)) {
            (Some(first), Some(last)) if first < last => (first, last),
            (Some(_) | None, _) => return Err(HeadFault::StartLine),
        };
        let method = 0..first;
        let target = first.saturating_add(1)..last;
        let version = last.saturating_add(1)..line.len();
        let is_token =
            line.get(method.clone()).is_some_and(|name| name.iter().copied().all(is_token_byte));
        let is_http =
            line.get(version.clone()).is_some_and(|version| version.starts_with(b"HTTP/"));
        if first == 0 || !is_token || !is_http {
            return Err(HeadFault::StartLine);
        }
        // Blanks around the target belong to nobody; blanks within it are the browser's.
        let trimmed = super::trim(line.get(target.clone()).unwrap_or_default());
        if trimmed.is_empty() {
            return Err(HeadFault::StartLine);
        }
        let leading = line
            .get(target.clone())
            .unwrap_or_default()
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'));
        let start = target.start.saturating_add(leading.count());
        let end = start.saturating_add(trimmed.len());
        (self.method, self.target, self.version) = (method, start..end, version);
        Ok(())
    }

    /// The method, as written: `GET`, `CONNECT`, `get`.
    #[must_use]
    pub fn method(&self) -> &[u8] {
        self.head.start_line().get(self.method.clone()).unwrap_or_default()
    }

    /// The request target in whatever form it was written.
    #[must_use]
    pub fn target(&self) -> &[u8] {
        self.head.start_line().get(self.target.clone()).unwrap_or_default()
    }

    /// The protocol version: `HTTP/1.1`.
    #[must_use]
    pub fn version(&self) -> &[u8] {
        self.head.start_line().get(self.version.clone()).unwrap_or_default()
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
