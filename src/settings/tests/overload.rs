//! Overload and the passwords of clients.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use super::{first, good};
use crate::adaptation::admission::{Options, OverloadAnswer, Share};
use crate::settings::Settings;

#[test]
fn the_defaults_of_admission_are_those_of_its_room() {
    assert_eq!(Settings::default().admission_options(), Options::default());
}

#[test]
fn admission_follows_the_settings() {
    let text =
        "[ICAPD]\nOverloadAnswer = pass\nOverloadDelay = 0.25s\nMaxScans = 40\nFairShare = No\n";
    let wanted = Options {
        answer: OverloadAnswer::Pass,
        delay_us_max: NonZeroU64::new(250_000),
        scans_max: NonZeroU32::new(40),
        share: Share::Alike,
    };
    assert_eq!(good(text).admission_options(), wanted);
    let never = good("[ICAPD]\nOverloadDelay = None\n").admission_options();
    assert_eq!(never, Options { delay_us_max: None, ..Options::default() });
    for (text, said) in [
        ("OverloadAnswer = 500", "\"500\": expected one of 503, Pass"),
        ("OverloadDelay = 0", "0"),
        ("MaxScans = -1", "-1"),
    ] {
        let (_, problems) = Settings::parse(&format!("[ICAPD]\n{text}\n"));
        assert!(first(&problems).contains(said), "{text}: {}", first(&problems));
    }
}

#[test]
fn nobody_is_asked_for_a_password_unless_there_are_some() {
    assert_eq!(Settings::default().client_passwords(), None);
    let settings = good("[ICAPD]\nClientPasswords = /etc/baleen/clients\n");
    assert_eq!(settings.client_passwords(), Some(PathBuf::from("/etc/baleen/clients")));
}
