//! The rows themselves: complete, unique, and with defaults that read as they should.

use super::good;
use crate::settings::row::Effect;
use crate::settings::table::{self, SECTIONS};
use crate::settings::{Code, Settings, value};

#[test]
fn every_name_is_there_once_and_found_in_any_case() {
    for section in SECTIONS {
        assert_eq!(
            table::section(&section.name.to_lowercase()).map(|found| found.name),
            Some(section.name)
        );
        for row in section.rows {
            let same =
                section.rows.iter().filter(|other| other.key.eq_ignore_ascii_case(row.key)).count();
            assert_eq!(same, 1, "[{}] {}", section.name, row.key);
            assert_eq!(row.section, section.name, "{}", row.key);
            assert_eq!(
                table::row(section, &row.key.to_uppercase()).map(|found| found.key),
                Some(row.key)
            );
        }
    }
}

#[test]
fn every_default_is_a_good_value_and_every_row_says_something() {
    for row in SECTIONS.iter().flat_map(|section| section.rows) {
        let place = format!("[{}] {}", row.section, row.key);
        let default = value::parse(row.kind, row.default);
        assert!(matches!(default, Ok(Some(_))), "{place}: {default:?}");
        assert!(row.meaning.ends_with('.') && row.meaning.len() > 10, "{place}");
    }
}

#[test]
fn the_lines_of_the_product_documents_work_as_they_stand() {
    for text in [
        "[MeshD]\nUpdateChannel = On\nUpdateUplink = 10.0.0.1:7090\n",
        "[MeshD]\nListenAddress =\nUpdateChannel = On\nUpdateUplink = gateway.example.com:7090\n",
        "[MeshD]\nEngineChannel = On\nEngineUplink = udp://:18008\nUrlChannel = Off\nUrlUplink = srv://name@domain\nIdleTimeLimit = 30m2.5s\n",
        "[Update]\nUseLocalCloud = Yes\nUpdateInterval = 30m\nRetryInterval = 3m\nMaxRetries = 3\nProxy = 10.0.0.1:3128\n",
        "[ICAPD]\nListenAddress = 127.0.0.1:1344\nStart = Yes\nUsePreview = Yes\nUse204 = Yes\nAllowEarlyResponse = Yes\nDebugDumpIcap = No\nMessageHook = /etc/hook.lua\nBlockUnchecked = No\n",
        "[Root]\nUseCloud = No\nDefaultLogLevel = Notice\n[ScanEngine]\nFixedSocketPath = /run/se.sock\nIdleTimeLimit = None\n",
    ] {
        let settings = good(text);
        assert_ne!(settings, Settings::default(), "{text}");
    }
}

#[test]
fn what_has_no_effect_yet_is_said_once_for_each_line() {
    let (_, problems) = Settings::parse(
        "[MeshD]\nUpdateChannel = On\n[ICAPD]\nUsePreview = Yes\nUpdateUplink = x\n",
    );
    let notes: Vec<_> =
        problems.iter().filter(|problem| problem.code == Code::NotInEffect).collect();
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].message, "UpdateChannel: accepted; not in effect in this version");
}

#[test]
fn all_seventeen_categories_are_known() {
    let names = [
        "InfectionSource",
        "NotRecommended",
        "AdultContent",
        "Violence",
        "Weapons",
        "Gambling",
        "Drugs",
        "ObsceneLanguage",
        "Chats",
        "Terrorism",
        "FreeEmail",
        "SocialNetworks",
        "DueToCopyrightNotice",
        "OnlineGames",
        "Anonymizers",
        "CryptocurrencyMiningPool",
        "Jobs",
    ];
    let section = table::section("ICAPD").expect("it is there");
    for name in names {
        let row = table::row(section, &format!("Block{name}")).expect(name);
        assert_eq!((row.key, row.effect), (format!("Block{name}").as_str(), Effect::Reload));
    }
}
