//! Parts of an object: `Range`, 206 and `Content-Range` (RFC 9110 section 14).
//!
//! What is spread over two fragments is found in neither of them, and what is inside of a container
//! cannot be taken out of its middle. So a fragment is never clean: it is scanned as bytes, and what is not
//! infected is not fully scanned. To have whole objects to scan, requests for parts become requests
//! for all ([`RANGE_FIELDS`]): a server then answers 200, which every client has to expect.
//!
//! An answer that says it is a part and has all bytes is whole.

/// The fields that make a request one for a part: with their condition, and the name before RFC 2068.
pub const RANGE_FIELDS: &[&str] = &["Range", "If-Range", "Request-Range"];

/// The status of an answer that is a part.
pub(super) const PARTIAL_CONTENT: u16 = 206;

/// Whether a body with this `Content-Range` is less than the object, or may be. Without one it is several
/// parts (`multipart/byteranges`), and those are never all of it in order.
pub(super) fn is_fragment(content_range: Option<&[u8]>) -> bool {
    !content_range.is_some_and(is_all)
}

/// `bytes 0-499/500`.
fn is_all(value: &[u8]) -> bool {
    let Some((unit, range)) = value.split_at_checked(6) else { return false };
    let mut parts = range.trim_ascii().split(|byte| *byte == b'/');
    let (Some(places), Some(total), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let mut places = places.split(|byte| *byte == b'-').map(number);
    let (first, last) = (places.next().flatten(), places.next().flatten());
    let total = number(total);
    unit.eq_ignore_ascii_case(b"bytes ")
        && places.next().is_none()
        && first == Some(0)
        && total.is_some_and(|total| last.and_then(|last| last.checked_add(1)) == Some(total))
}

fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    is_number.then(|| str::from_utf8(text).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::is_fragment;

    #[test]
    fn only_all_bytes_are_no_fragment() {
        for whole in
            ["bytes 0-499/500", "Bytes  0-0/1", "bytes 0-18446744073709551614/18446744073709551615"]
        {
            assert!(!is_fragment(Some(whole.as_bytes())), "{whole}");
        }
        for part in [
            "bytes 0-498/500",
            "bytes 1-499/500",
            "bytes 0-499/*",
            "bytes 0-500/500",
            "bytes */500",
            "bytes 0-18446744073709551615/18446744073709551616",
            "bytes 0-18446744073709551615/0",
            "bytes 0-499/500/500",
            "bytes 0-499-/500",
            "bytes -499/500",
            "items 0-499/500",
            "bytes",
            "",
        ] {
            assert!(is_fragment(Some(part.as_bytes())), "{part}");
        }
        assert!(is_fragment(None));
    }
}
