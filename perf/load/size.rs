//! Sizes, times and weighted lists as people type them: `64KiB`, `1.5s`, `1KiB=8,none=2`.

use std::time::Duration;

use crate::clock::SECOND_NS;

/// One entry of a weighted list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Weighted<T> {
    /// What may be chosen.
    pub(crate) item: T,
    /// How often, relative to the other entries.
    pub(crate) weight: u32,
}

/// A weighted list: one value of the command line, so that a later one replaces it whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct List<T>(pub(crate) Vec<Weighted<T>>);

impl<T> List<T> {
    /// Reads entries between commas.
    ///
    /// # Errors
    ///
    /// Those of `parse`.
    pub(crate) fn parse(
        text: &str,
        parse: impl Fn(&str) -> Result<Weighted<T>, String>,
    ) -> Result<Self, String> {
        text.split(',').map(parse).collect::<Result<_, _>>().map(Self)
    }
}

/// The size of a body: a number of bytes, or no body at all (`null-body`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodySize {
    /// The message has no body, as most requests of browsers.
    None,
    /// A body of this many bytes; zero is a body, too.
    Bytes(usize),
}

/// Reads `512`, `64KiB`, `16MiB`, `1GiB` (`K`, `M`, `G` mean the same).
///
/// # Errors
///
/// A sentence for the person who typed it.
pub(crate) fn parse_bytes(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let shift = match &text[digits.len()..].to_ascii_lowercase()[..] {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        other => {
            return Err(format!("'{other}' is no unit of size: use B, KiB, MiB or GiB"));
        }
    };
    let count: usize = digits
        .trim()
        .parse()
        .map_err(|_| format!("'{text}' is no size: write 512, 64KiB or 16MiB"))?;
    count
        .checked_mul(1 << shift)
        .filter(|bytes| *bytes <= BODY_BYTES_MAX)
        .ok_or_else(|| format!("{text} is more than this program holds in memory (4 GiB)"))
}

/// Reads a size of a body; `none` is a message without one.
///
/// # Errors
///
/// As [`parse_bytes`].
pub(crate) fn parse_body_size(text: &str) -> Result<Weighted<BodySize>, String> {
    parse_weighted(text, |item| match item {
        "none" => Ok(BodySize::None),
        bytes => parse_bytes(bytes).map(BodySize::Bytes),
    })
}

/// Reads `item` or `item=weight`; the weight is 1 when absent.
///
/// # Errors
///
/// Those of `parse`, or that the weight is no number from 1.
pub(crate) fn parse_weighted<T>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Weighted<T>, String> {
    let (item, weight) = match text.rsplit_once('=') {
        Some((item, weight)) => {
            let weight = weight.parse().ok().filter(|weight| *weight > 0);
            (item, weight.ok_or_else(|| format!("the weight in '{text}' is a number from 1"))?)
        }
        None => (text, 1),
    };
    Ok(Weighted { item: parse(item)?, weight })
}

/// Reads `10`, `10s`, `500ms`, `2m`.
///
/// # Errors
///
/// A sentence for the person who typed it.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit_s = match &text[digits.len()..] {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        other => return Err(format!("'{other}' is no unit of time: use ms, s or m")),
    };
    let count: f64 =
        digits.parse().map_err(|_| format!("'{text}' is no time: write 10s, 500ms or 2m"))?;
    Duration::try_from_secs_f64(count * unit_s)
        .ok()
        .filter(|duration| duration.as_nanos() <= u128::from(DURATION_MAX_S * SECOND_NS))
        .ok_or_else(|| format!("{text} is more than a day, or less than nothing"))
}

/// Bytes for people: exact where a unit divides it.
pub(crate) fn show_bytes(bytes: usize) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes >= 1 << shift && bytes.is_multiple_of(1 << shift) {
            return format!("{} {unit}", bytes >> shift);
        }
    }
    format!("{bytes} B")
}

/// A body is held in memory once per kind and size.
const BODY_BYTES_MAX: usize = 4 << 30;

/// No run is longer than a day.
const DURATION_MAX_S: u64 = 86_400;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BodySize, parse_body_size, parse_bytes, parse_duration, show_bytes};

    #[track_caller]
    fn check(text: &str, want: Result<usize, &str>) {
        match (parse_bytes(text), want) {
            (Ok(bytes), want) => assert_eq!(Ok(bytes), want, "{text}"),
            (Err(message), Err(part)) => assert!(message.contains(part), "{text}: {message}"),
            (Err(message), Ok(_)) => panic!("{text}: {message}"),
        }
    }

    #[test]
    fn sizes_are_read_as_typed() {
        check("0", Ok(0));
        check("512", Ok(512));
        check("64KiB", Ok(65_536));
        check("64k", Ok(65_536));
        check("16MiB", Ok(16 << 20));
        check("1GiB", Ok(1 << 30));
        check("5GiB", Err("more than"));
        check("1KB", Err("no unit"));
        check("KiB", Err("no size"));
        check("99999999999999999999", Err("no size"));
    }

    #[test]
    fn lists_carry_weights() {
        let entry = parse_body_size("1KiB=8").unwrap();
        assert_eq!((entry.item, entry.weight), (BodySize::Bytes(1_024), 8));
        let entry = parse_body_size("none").unwrap();
        assert_eq!((entry.item, entry.weight), (BodySize::None, 1));
        assert!(parse_body_size("1KiB=0").is_err());
        assert!(parse_body_size("1KiB=x").is_err());
    }

    #[test]
    fn times_are_read_as_typed() {
        assert_eq!(parse_duration("10"), Ok(Duration::from_secs(10)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        assert!(parse_duration("2h").is_err());
        assert!(parse_duration("-1s").is_err());
        assert!(parse_duration("1e30").is_err());
    }

    #[test]
    fn sizes_are_shown_in_the_largest_exact_unit() {
        assert_eq!(show_bytes(1_024), "1 KiB");
        assert_eq!(show_bytes(1_025), "1025 B");
        assert_eq!(show_bytes(16 << 20), "16 MiB");
    }
}
