//! What the client of a page can read: JSON or HTML, and in which language.
//!
//! RFC 9110 sections 12.5.1 and 12.5.4, as far as a block page needs them.

/// Whether a program asks, rather than a browser: it accepts JSON and does not name HTML. `*/*` beside
/// JSON is what libraries send, and counts as a program.
pub(super) fn wants_json(accept: Option<&[u8]>) -> bool {
    let mut json = false;
    for (range, quality) in ranges(accept.unwrap_or_default()) {
        let is = |name: &str| range.eq_ignore_ascii_case(name.as_bytes());
        if is("text/html") || is("application/xhtml+xml") {
            return false;
        }
        let structured =
            range.last_chunk().is_some_and(|end: &[u8; 5]| end.eq_ignore_ascii_case(b"+json"));
        json |= quality > 0 && (is("application/json") || structured);
    }
    json
}

/// The index of the tag that fits best; the first when none does. `en` fits `en-GB` and `EN`.
pub(super) fn best_language(accept_language: Option<&[u8]>, tags: &[&str]) -> usize {
    let mut best = (0_u16, 0_usize);
    for (range, quality) in ranges(accept_language.unwrap_or_default()) {
        let primary = range.split(|&byte| byte == b'-').next().unwrap_or_default();
        let found = tags.iter().position(|tag| primary.eq_ignore_ascii_case(tag.as_bytes()));
        if let Some(index) = found
            && quality > best.0
        {
            best = (quality, index);
        }
    }
    best.1
}

/// The items of a list with their quality in thousandths.
fn ranges(value: &[u8]) -> impl Iterator<Item = (&[u8], u16)> {
    value.split(|&byte| byte == b',').take(RANGES_MAX).map(|item| {
        let mut parts = item.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let range = parts.next().unwrap_or_default();
        let quality =
            parts.find_map(|part| part.strip_prefix(b"q=").or_else(|| part.strip_prefix(b"Q=")));
        (range, quality.map_or(1000, thousandths))
    })
}

/// `0.8` as 800; what is no number is 0, so that it is not chosen.
fn thousandths(text: &[u8]) -> u16 {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f32>().ok());
    match number {
        Some(number) if number >= 1.0 => 1000,
        Some(number) if number > 0.0 => {
            let digits = format!("{number:.3}");
            digits.get(2..).and_then(|digits| digits.parse().ok()).unwrap_or_default()
        }
        Some(_) | None => 0,
    }
}

/// Browsers send up to ten.
const RANGES_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::{best_language, wants_json};

    #[test]
    fn programs_get_json_and_browsers_get_html() {
        for (accept, json) in [
            ("", false),
            ("*/*", false),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false),
            ("application/json", true),
            ("application/json, text/plain, */*", true),
            ("Application/Problem+JSON;q=0.5", true),
            ("application/json;q=0", false),
            ("application/json, text/html;q=0.1", false),
        ] {
            assert_eq!(wants_json(Some(accept.as_bytes())), json, "{accept}");
        }
        assert!(!wants_json(None));
    }

    #[test]
    fn the_language_with_the_highest_quality_is_chosen() {
        let tags = ["en", "de", "fr"];
        for (accept, index) in [
            ("", 0),
            ("ru, zh;q=0.5", 0),
            ("de", 1),
            ("FR-ca", 2),
            ("en;q=0.1, de;q=0.85, fr;q=0.8", 1),
            ("de;q=0, fr;q=nonsense", 0),
            ("de;q=0.999, fr", 2),
        ] {
            assert_eq!(best_language(Some(accept.as_bytes()), &tags), index, "{accept}");
        }
    }
}
