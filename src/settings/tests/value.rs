//! Values of every type.

use super::{first, good};
use crate::settings::Settings;
use crate::settings::address::Uplink;
use crate::settings::table::{httpd, icapd, meshd, root, update};

#[test]
fn switches_have_six_words() {
    for (word, want) in [
        ("Yes", true),
        ("ON", true),
        ("true", true),
        ("no", false),
        ("Off", false),
        ("FALSE", false),
    ] {
        let settings = good(&format!("[icapd]\nusepreview = {word}\n"));
        assert_eq!(settings.get(&icapd::USE_PREVIEW), want, "{word}");
    }
}

#[test]
fn names_and_words_are_read_in_any_case_and_paths_are_kept() {
    let settings = good("[ROOT]\ndefaultloglevel = DEBUG\nSTATEDIR = /Var/Baleen\n");
    assert_eq!(settings.get(&root::DEFAULT_LOG_LEVEL), "Debug");
    assert_eq!(settings.get(&root::STATE_DIR), Some("/Var/Baleen".into()));
}

#[test]
fn quotes_hold_blanks_commas_and_escapes() {
    let settings = good("[ICAPD]\nHostmaster = \"The \\\"Help\\\" Desk, 2nd \\\\ floor\"\n");
    assert_eq!(settings.get(&icapd::HOSTMASTER), "The \"Help\" Desk, 2nd \\ floor");
    for (value, want) in [
        ("\"open", "Hostmaster: the closing quote is missing"),
        ("\"a\" b", "Hostmaster: something follows the closing quote"),
        ("a b", "Hostmaster: a value with blanks needs quotes"),
    ] {
        let (_, problems) = Settings::parse(&format!("[ICAPD]\nHostmaster = {value}\n"));
        assert_eq!(first(&problems), want);
    }
}

#[test]
fn lists_are_separated_by_commas_or_lines_and_an_empty_value_takes_back() {
    let settings = good("[ICAPD]\nListenAddress = 127.0.0.1:1, [::1]:2\nListenAddress = :3\n");
    let listen: Vec<String> =
        settings.get(&icapd::LISTEN_ADDRESS).iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["127.0.0.1:1", "[::1]:2", "0.0.0.0:3"]);
    let settings =
        good("[ICAPD]\nListenAddress = 127.0.0.1:1\nListenAddress =\nListenAddress = *:9\n");
    let listen: Vec<String> =
        settings.get(&icapd::LISTEN_ADDRESS).iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["0.0.0.0:9"]);
    let (_, problems) = Settings::parse("[ICAPD]\nBlackList = a.example,, b.example\n");
    assert_eq!(first(&problems), "BlackList: an item is missing beside this comma");
    let (_, problems) = Settings::parse("[ICAPD]\nBlackList = a.example,\n");
    assert_eq!(first(&problems), "BlackList: an item is missing beside this comma");
}

#[test]
fn an_empty_value_is_none_or_the_default() {
    let settings = good(
        "[MeshD]\nListenAddress =\n[HTTPD]\n[ICAPD]\nPreviewSize =\nHostmaster =\nTemplatesDir = \"\"\n",
    );
    assert_eq!(settings.get(&meshd::LISTEN_ADDRESS), None);
    assert_eq!(settings.get(&httpd::ADMIN_LISTEN), "127.0.0.1:4443".parse().ok());
    assert_eq!(settings.get(&icapd::PREVIEW_SIZE), 60 << 10);
    assert_eq!(settings.get(&icapd::HOSTMASTER), "");
    assert_eq!(settings.get(&icapd::TEMPLATES_DIR), None);
    let (_, problems) = Settings::parse("[ICAPD]\nRunAsUser =\n");
    assert_eq!(first(&problems), "RunAsUser: an empty user lets no component start");
}

#[test]
fn without_limit_is_written_as_the_setting_says() {
    let settings = good("[ICAPD]\nScanTimeout = 0\nIdleTimeout = none\n");
    assert_eq!(settings.get(&icapd::SCAN_TIMEOUT), None);
    assert_eq!(settings.get(&icapd::IDLE_TIMEOUT), None);
    for text in ["ScanTimeout = None", "IdleTimeout = 0", "HeadTimeout = 0", "HeadTimeout = None"] {
        let (_, problems) = Settings::parse(&format!("[ICAPD]\n{text}\n"));
        assert!(problems[0].is_error(), "{text}");
    }
}

#[test]
fn sites_can_be_in_files() {
    let settings = good(
        "[ICAPD]\nBlackList = a.example, @/etc/a.list, \"@/etc/b c\", file(\"/etc/d,e\"), file(/etc/f)\n",
    );
    let sites = settings.get(&icapd::BLACK_LIST);
    assert_eq!(sites.list.len(), 1);
    let files: Vec<String> = sites.files.iter().map(|path| path.display().to_string()).collect();
    assert_eq!(files, ["/etc/a.list", "/etc/b c", "/etc/d,e", "/etc/f"]);
    for value in ["@", "file()", "file(\"\")"] {
        let (_, problems) = Settings::parse(&format!("[ICAPD]\nBlackList = {value}\n"));
        assert_eq!(first(&problems), "BlackList: the name of the list file is missing", "{value}");
    }
}

#[test]
fn mime_rules_need_no_quotes() {
    let settings = good(
        "[ICAPD]\nMimeRules = image/* PASS, \"video/* scan 100MB pass\"\nMimeRules = text/html scan all pass\n",
    );
    let rules: Vec<String> = settings
        .get(&icapd::MIME_RULES)
        .iter()
        .map(|rule| format!("{} {:?} {:?}", rule.pattern, rule.action, rule.above))
        .collect();
    assert_eq!(
        rules,
        ["image/* Pass None", "video/* Scan Some((104857600, Pass))", "text/html Scan None"]
    );
    for (rule, want) in [
        ("image/*", "expected scan, pass or reject"),
        ("image pass", "expected a MIME type: type/subtype, type/*, type/begin* or *"),
        ("image/* keep", "\"keep\": expected scan, pass or reject"),
        ("image/* pass 10MB", "expected scan, pass or reject"),
        ("image/* pass much scan", "expected a size, as in 4096, 64KB or 10MB"),
        ("image/* pass 1MB scan now", "\"now\" is too much for a rule"),
    ] {
        let (_, problems) = Settings::parse(&format!("[ICAPD]\nMimeRules = {rule}\n"));
        assert_eq!(first(&problems), format!("MimeRules: {want}"), "{rule}");
    }
}

#[test]
fn uplinks_have_three_forms() {
    let text = "[MeshD]\nUpdateUplink = 10.0.0.1:7090, tcp://[::1]:1, Host.example:2\nEngineUplink = udp://:18009, udp://\nUrlUplink = srv://baleen@example.com, srv://baleen\n";
    let settings = good(text);
    let host = |host: &str, port| Uplink::Host { host: host.to_owned(), port };
    let service = |domain: Option<&str>| Uplink::Service {
        name: "baleen".to_owned(),
        domain: domain.map(str::to_owned),
    };
    assert_eq!(
        settings.get(&meshd::UPDATE_UPLINK),
        [host("10.0.0.1", 7090), host("::1", 1), host("host.example", 2)]
    );
    assert_eq!(
        settings.get(&meshd::ENGINE_UPLINK),
        [Uplink::Search { port: 18_009 }, Uplink::Search { port: 18_008 }]
    );
    assert_eq!(settings.get(&meshd::URL_UPLINK), [service(Some("example.com")), service(None)]);
    for bad in [
        "10.0.0.1",
        "10.0.0.1:0",
        "10.0.0.1:x",
        "udp://host:1",
        "udp://:x",
        "srv://",
        "srv://a b",
        "http://a:1",
        ":7090",
    ] {
        let (_, problems) = Settings::parse(&format!("[MeshD]\nUrlUplink = \"{bad}\"\n"));
        assert!(problems[0].is_error(), "{bad}: {problems:?}");
    }
}

#[test]
fn log_targets_users_and_proxies_are_checked() {
    let text = "[ICAPD]\nLog = Stderr:ShowTimestamp\nRunAsUser = name:1000\n[MeshD]\nLog = syslog:daemon\n[Update]\nLog = /var/log/update\nProxy = user:pass@[::1]:3128\n";
    assert_eq!(good(text).get(&update::PROXY), "user:pass@[::1]:3128");
    for (section, line) in [
        ("ICAPD", "Log = Auto:x"),
        ("ICAPD", "Log = relative/file"),
        ("ICAPD", "Log = Stderr:Color"),
        ("ICAPD", "RunAsUser = name:"),
        ("ICAPD", "RunAsUser = a/b"),
        ("Update", "Proxy = proxy"),
        ("Update", "Proxy = proxy:port"),
    ] {
        let (_, problems) = Settings::parse(&format!("[{section}]\n{line}\n"));
        assert!(problems[0].is_error(), "{line}");
    }
}
