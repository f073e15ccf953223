//! Times and sizes as people write them: `30m2.5s`, `10MB`.
//!
//! An interval is a sum of numbers with a unit, `w d h m s`; a number without a unit is seconds, and only
//! seconds may have a fraction, of up to three digits. It is kept in milliseconds. A size is a number
//! with `b`, `k`, `m`, `g` or `t`, also as `kb` or `KiB`; each step is 1024, and without a unit it is bytes.

/// Milliseconds of a time interval.
///
/// # Errors
///
/// What is wrong, in words.
pub(super) fn interval_ms(text: &str) -> Result<u64, &'static str> {
    if text.is_empty() {
        return Err("a time interval is missing");
    }
    let mut rest = text;
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let end = rest
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at_checked(end).ok_or(INTERVAL_FORM)?;
        let unit = tail.chars().next();
        rest = tail.get(unit.map_or(0, char::len_utf8)..).unwrap_or_default();
        let factor = match unit.map(|letter| letter.to_ascii_lowercase()) {
            Some('w') => 7 * 24 * 3_600_000,
            Some('d') => 24 * 3_600_000,
            Some('h') => 3_600_000,
            Some('m') => 60_000,
            Some('s') | None => 1000,
            Some(_) => return Err(INTERVAL_FORM),
        };
        let part = scaled(number, factor)?;
        sum = sum.checked_add(part).ok_or("the time interval is too long")?;
    }
    Ok(sum)
}

fn scaled(number: &str, factor: u64) -> Result<u64, &'static str> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if factor != 1000 && number.contains('.') {
        return Err("only seconds can have a fraction, as in 2.5s");
    }
    if number.ends_with('.') || fraction.len() > 3 || fraction.contains('.') {
        return Err("a fraction of a second has one to three digits, as in 2.5s");
    }
    let whole: u64 = whole.parse().map_err(|_| INTERVAL_FORM)?;
    let padded = format!("{fraction:0<3}");
    let thousandths: u64 = padded.parse().map_err(|_| INTERVAL_FORM)?;
    whole
        .checked_mul(factor)
        .and_then(|scaled| scaled.checked_add(thousandths))
        .ok_or("the time interval is too long")
}

/// Bytes of a size.
///
/// # Errors
///
/// What is wrong, in words.
pub(super) fn size_bytes(text: &str) -> Result<u64, &'static str> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end).ok_or(SIZE_FORM)?;
    if digits.is_empty() {
        return Err(SIZE_FORM);
    }
    let number: u64 = digits.parse().map_err(|_| "the size is too large")?;
    let shift = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 0_u32,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(SIZE_FORM),
    };
    number.checked_mul(1_u64 << shift).ok_or("the size is too large")
}

/// An interval in the largest units that fit.
pub(super) fn show_interval(ms: u64) -> String {
    let mut left = ms;
    let mut text = String::new();
    for (unit, factor) in
        [("w", 604_800_000_u64), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)]
    {
        let count = left.checked_div(factor).unwrap_or_default();
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
            left = left.saturating_sub(count.saturating_mul(factor));
        }
    }
    if left > 0 || text.is_empty() {
        let fraction = format!(".{:03}", left.checked_rem(1000).unwrap_or_default());
        let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
        text.push_str(&format!("{}{fraction}s", left.checked_div(1000).unwrap_or_default()));
    }
    text
}

/// A size in the largest unit that leaves no rest.
pub(super) fn show_size(bytes: u64) -> String {
    for (unit, shift) in [("TB", 40_u32), ("GB", 30), ("MB", 20), ("KB", 10)] {
        let count = bytes >> shift;
        if count > 0 && count << shift == bytes {
            return format!("{count}{unit}");
        }
    }
    bytes.to_string()
}

const INTERVAL_FORM: &str = "expected a time interval, as in 30s, 1h30m or 2.5s";

const SIZE_FORM: &str = "expected a size, as in 4096, 64KB or 10MB";
