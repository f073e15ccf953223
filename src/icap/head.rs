//! Where an ICAP head ends while its bytes arrive, and how text gets into a head of ours.
//!
//! The end is searched line by line with `memchr`; a head that arrives one byte at a time costs the same
//! per byte as one that arrives whole.

/// Looks for the blank line over any number of pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeadEnd {
    /// Bytes of the line that is open; two is as good as more.
    line_bytes: usize,
    starts_with_cr: bool,
}

impl HeadEnd {
    /// How many of `bytes` belong to the head, and whether it ends with them.
    pub(super) fn find(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0_usize;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.line_bytes == 0 {
                self.starts_with_cr = rest.first() == Some(&b'\r');
            }
            let Some(length) = memchr::memchr(b'\n', rest) else {
                self.line_bytes = self.line_bytes.saturating_add(rest.len());
                return (bytes.len(), false);
            };
            let line_bytes = self.line_bytes.saturating_add(length);
            at = at.saturating_add(length).saturating_add(1);
            self.line_bytes = 0;
            // A blank line without CR ends the head too: the strict index then refuses it by name.
            if line_bytes == 0 || (line_bytes == 1 && self.starts_with_cr) {
                return (at, true);
            }
        }
        (at, false)
    }
}

/// Appends text that came from outside: what could end a line or hide becomes a blank.
pub(super) fn push_text(out: &mut Vec<u8>, text: &str) {
    let mut encoded = [0_u8; 4];
    for letter in text.chars().take(TEXT_CHARS_MAX) {
        let safe = if letter.is_control() { ' ' } else { letter };
        out.extend_from_slice(safe.encode_utf8(&mut encoded).as_bytes());
    }
}

/// A header value of ours is a sentence at most; clients cap whole heads at 8 KiB.
const TEXT_CHARS_MAX: usize = 1024;
