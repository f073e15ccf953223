//! Lists of what a client can read: `Accept` and `Accept-Language`.
//!
//! RFC 9110 sections 12.4.2 (qualities), 12.5.1 and 12.5.4, with the lookup of RFC 4647 section 3.4 cut
//! down to primary tags, for the pages' languages have no others.

/// The index of the language that fits best; the first when the client wants none of them.
///
/// `de` fits `de-CH` and `DE`. `*` fits whatever is not named. Of equal ones the client's order counts,
/// and behind `*` the order of `tags`.
pub(super) fn best_language(accept_language: Option<&[u8]>, tags: &[&str]) -> usize {
    let mut wanted = vec![None::<Wish>; tags.len()];
    let mut others = None;
    for (place, (range, quality)) in ranges(accept_language.unwrap_or_default()).enumerate() {
        let wish = Wish { quality, place };
        if range == b"*" {
            others.get_or_insert(wish);
            continue;
        }
        let primary = range.split(|&byte| byte == b'-').next().unwrap_or_default();
        let index = tags.iter().position(|tag| primary.eq_ignore_ascii_case(tag.as_bytes()));
        if let Some(slot) = index.and_then(|index| wanted.get_mut(index))
            && slot.is_none_or(|before| before.quality < quality)
        {
            *slot = Some(wish);
        }
    }
    let wishes = wanted.into_iter().map(|wish| wish.or(others)).enumerate();
    let mut best = (Wish { quality: 0, place: 0 }, 0);
    for (index, wish) in wishes.filter_map(|(index, wish)| Some((index, wish?))) {
        let is_earlier = wish.quality == best.0.quality && wish.place < best.0.place;
        if wish.quality > best.0.quality || (is_earlier && wish.quality > 0) {
            best = (wish, index);
        }
    }
    best.1
}

/// How much a client wants something, and where in its list it says so.
#[derive(Clone, Copy, Debug)]
struct Wish {
    quality: u16,
    place: usize,
}

/// How much a client wants media types that `fits` knows, in thousandths; 0: it does not name them.
/// Wildcards name nothing.
pub(super) fn wanted(accept: Option<&[u8]>, fits: impl Fn(&[u8]) -> bool) -> u16 {
    let named = ranges(accept.unwrap_or_default()).filter(|(range, _)| fits(range));
    named.map(|(_, quality)| quality).max().unwrap_or_default()
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

/// `0.8` as 800; what is no quality is 0, so that it is not chosen.
fn thousandths(text: &[u8]) -> u16 {
    let (whole, fraction) = match text {
        [whole] => (whole, &[][..]),
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
        _ => return 0,
    };
    let digits = |start: u16, digits: &[u8]| {
        digits.iter().try_fold(start, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u16::from(digit - b'0'))
        })
    };
    let scale = 10_u16.pow(u32::try_from(3 - fraction.len()).unwrap_or_default());
    match (whole, digits(0, fraction)) {
        (b'0', Some(number)) => number * scale,
        (b'1', Some(0)) => 1000,
        _ => 0,
    }
}

/// Browsers send up to ten.
const RANGES_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::{best_language, thousandths, wanted};

    #[test]
    fn the_language_with_the_highest_quality_is_chosen() {
        let tags = ["en", "de", "fr"];
        for (accept, index) in [
            ("", 0),
            ("ru, zh;q=0.5", 0),
            ("de", 1),
            ("FR-ca", 2),
            ("de-CH-1996", 1),
            ("en;q=0.1, de;q=0.85, fr;q=0.8", 1),
            ("de;q=0, fr;q=nonsense", 0),
            ("de;q=0.999, fr", 2),
            ("fr, de", 2),
            ("de-AT;q=0.3, de;q=0.9, en;q=0.5", 1),
            ("de;q=0.9, de-AT;q=0.3, en;q=0.5", 1),
            ("*", 0),
            ("*;q=0.5, fr;q=0.4", 0),
            ("en;q=0, *", 1),
            ("en;q=0, de;q=0, *;q=0.1", 2),
            ("xx, *;q=0.1, de;q=0.1", 0),
            ("xx, de;q=0.1, *;q=0.1", 1),
            ("en;q=0, de;q=0, fr;q=0", 0),
            ("german, deutsch", 0),
            (";q=1,,;;, de ;q=1", 1),
        ] {
            assert_eq!(best_language(Some(accept.as_bytes()), &tags), index, "{accept}");
        }
        assert_eq!(best_language(None, &tags), 0);
        assert_eq!(best_language(Some(b"de"), &[]), 0);
    }

    #[test]
    fn a_quality_has_at_most_three_digits_and_is_at_most_one() {
        for (text, number) in [
            ("0", 0),
            ("1", 1000),
            ("1.", 1000),
            ("1.000", 1000),
            ("0.5", 500),
            ("0.05", 50),
            ("0.005", 5),
            ("0.", 0),
            ("", 0),
            ("1.001", 0),
            ("0.0005", 0),
            ("2", 0),
            ("-1", 0),
            (".5", 0),
            ("0,5", 0),
            ("1e0", 0),
        ] {
            assert_eq!(thousandths(text.as_bytes()), number, "{text}");
        }
    }

    #[test]
    fn what_is_named_counts_and_wildcards_name_nothing() {
        let html = |range: &[u8]| range.eq_ignore_ascii_case(b"text/html");
        assert_eq!(wanted(Some(b"*/*, TEXT/html;level=1;q=0.4"), html), 400);
        assert_eq!(wanted(Some(b"text/*, */*"), html), 0);
        assert_eq!(wanted(None, html), 0);
    }
}
