//! HTTP/1 as it travels inside ICAP: message heads and the chunked coding. Bytes in, views out.
//!
//! Two kinds of sender write what is read here. Heads are written by browsers and origin servers and
//! only carried by the ICAP client: they are read *tolerantly* (a line that means nothing is kept and
//! not indexed), because a refusal would break a page the proxy was willing to serve. Chunks are
//! written by the ICAP client itself and delimit its requests: they are read *strictly*, because two
//! readers that disagree about a chunk disagree about where the next request begins.
//!
//! | standard | here |
//! | --- | --- |
//! | RFC 9112 section 2.1, 5 (lines, fields, folding) | [`Head`] |
//! | RFC 9112 section 3 (request line) | [`RequestHead`] |
//! | RFC 9112 section 4 (status line) | [`ResponseHead`] |
//! | RFC 9112 section 7.1 (chunked), RFC 3507 section 4.5 (`ieof`) | [`chunked`] |
//!
//! Absent on purpose: the meaning of any field, message length by `Content-Length` (inside ICAP a body
//! is always chunked), and HTTP/2.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

pub mod chunked;
mod head;
mod head_fault;
mod request_head;
mod response_head;

#[cfg(test)]
mod tests;

pub use head::{Folding, Head, LineEnds, Rules, Unreadable};
pub use head_fault::HeadFault;
pub use request_head::RequestHead;
pub use response_head::ResponseHead;

/// Whether `byte` may stand in a token (RFC 9110 section 5.6.2): names of methods and fields.
#[must_use]
pub fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES.get(usize::from(byte)).is_some_and(|may| *may)
}

/// Looked up, for it is asked of every byte of every name.
#[expect(clippy::indexing_slicing, reason = "while it compiles, by a byte into as many places")]
static TOKEN_BYTES: [bool; 256] = {
    let mut may = [false; 256];
    let mut byte = 0_u8;
    loop {
        may[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        if byte == u8::MAX {
            break may;
        }
        byte += 1;
    }
};

/// `bytes` without the spaces and tabs around it.
#[must_use]
pub fn trim(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [b' ' | b'\t', tail @ ..] = rest {
        rest = tail;
    }
    while let [front @ .., b' ' | b'\t'] = rest {
        rest = front;
    }
    rest
}
