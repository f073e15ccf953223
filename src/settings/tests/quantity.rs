//! Times and sizes.

use proptest::prelude::{any, prop_assert_eq, proptest};

use crate::settings::quantity::{interval_ms, show_interval, show_size, size_bytes};

#[test]
fn an_interval_is_the_sum_of_its_parts() {
    for (text, ms) in [
        ("0", 0),
        ("30", 30_000),
        ("30m2.5s", 1_802_500),
        ("1w2d3h4m5s", 604_800_000 + 2 * 86_400_000 + 3 * 3_600_000 + 4 * 60_000 + 5000),
        ("1.5", 1500),
        ("0.001s", 1),
        ("1H30M", 5_400_000),
        ("2m1m", 180_000),
        ("1m30", 90_000),
    ] {
        assert_eq!(interval_ms(text), Ok(ms), "{text}");
    }
}

#[test]
fn what_is_no_interval_is_refused() {
    let form = "expected a time interval, as in 30s, 1h30m or 2.5s";
    for (text, want) in [
        ("", "a time interval is missing"),
        ("s", form),
        ("1y", form),
        ("-1s", form),
        ("1 s", form),
        ("1msec", form),
        ("1,5s", form),
        ("1.5m", "only seconds can have a fraction, as in 2.5s"),
        ("1.2345s", "a fraction of a second has one to three digits, as in 2.5s"),
        ("1.s", "a fraction of a second has one to three digits, as in 2.5s"),
        ("1.2.3s", "a fraction of a second has one to three digits, as in 2.5s"),
        ("99999999999999999999s", form),
        ("18446744073709551615s", "the time interval is too long"),
        ("18446744073709551s18446744073709551s", "the time interval is too long"),
    ] {
        assert_eq!(interval_ms(text), Err(want), "{text}");
    }
}

#[test]
fn a_size_has_steps_of_1024() {
    for (text, bytes) in [
        ("0", 0),
        ("4096", 4096),
        ("1b", 1),
        ("64KiB", 65_536),
        ("64 kb", 65_536),
        ("10MB", 10 << 20),
        ("3g", 3 << 30),
        ("1TiB", 1 << 40),
    ] {
        assert_eq!(size_bytes(text), Ok(bytes), "{text}");
    }
    let form = "expected a size, as in 4096, 64KB or 10MB";
    for (text, want) in [
        ("", form),
        ("MB", form),
        ("1.5MB", form),
        ("-1", form),
        ("1XB", form),
        ("99999999999999999999", "the size is too large"),
        ("18446744073709551615KB", "the size is too large"),
    ] {
        assert_eq!(size_bytes(text), Err(want), "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_shown_reads_as_the_same(number in any::<u64>(), shift in 0_u32..64) {
        let number = number >> shift;
        prop_assert_eq!(interval_ms(&show_interval(number)), Ok(number));
        prop_assert_eq!(size_bytes(&show_size(number)), Ok(number));
    }
}
