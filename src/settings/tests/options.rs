//! What rooms and the edge receive.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{first, good};
use crate::adaptation::release::{ReleaseOptions, Trickle, Way};
use crate::adaptation::{self, Mark, Ranges, Remarks, ThreatKind, Unchecked, page};
use crate::clamd;
use crate::engine::limits::Limits;
use crate::icap::{IsTag, NoContent, Offer, Profile, Violations};
use crate::policy;
use crate::policy::Category;
use crate::policy::directory::Filter;
use crate::policy::reputation::DnsList;
use crate::settings::Settings;
use crate::settings::address::StorePlace;
use crate::settings::options::{CertificateCheck, EarlyResponse, LogLevel, PinShards, Unwanted};
use crate::settings::row::Kind;
use crate::settings::table::{icapd, root};

#[test]
fn the_defaults_are_those_of_the_rooms() {
    let settings = Settings::default();
    assert_eq!(settings.engine_limits(), Limits::default());
    assert_eq!(settings.adaptation_options(), adaptation::Options::default());
    assert_eq!(settings.policy_options(), policy::Options::default());
    let server = settings.server();
    assert_eq!(server.listen, ["127.0.0.1:1344".parse().expect("an address")]);
    assert_eq!((server.shards, server.pin_shards), (None, PinShards::Auto));
    assert_eq!(server.log_level, LogLevel::Notice);
    assert_eq!(server.state_dir.to_str(), Some("./baleen-data"));
    assert_eq!(server.early, EarlyResponse::Allow);
    assert_eq!((server.unwanted, server.functionality_level), (Unwanted::Ignore, 214));
    assert!(
        server.database.is_empty() && server.templates_dir.is_none() && server.contact.is_empty()
    );
}

#[test]
fn each_category_has_its_switch() {
    for category in Category::ALL {
        let blocked = |word: &str| {
            let settings = good(&format!("[ICAPD]\nBlock{} = {word}\n", category.name()));
            settings.policy_options().blocked_categories
        };
        assert!(blocked("Yes").has(category) && !blocked("No").has(category), "{category}");
    }
}

#[test]
fn ad_expressions_and_category_files_come_from_the_settings() {
    let settings = good(
        "[Root]\nStateDir = /state\n[ICAPD]\nAdList = /banner/, \"a{1,2}d\\.example\", @/etc/ads.txt\n\
         [URLCheck]\nCategoryDatabase = /lists\nCategoryMapping = /etc/map\n",
    );
    assert_eq!(settings.policy_options().ads.len(), 2);
    assert_eq!(settings.list_files().ads, [PathBuf::from("/etc/ads.txt")]);
    let files = settings.category_files();
    assert_eq!((files.database, files.mapping), (Some("/lists".into()), Some("/etc/map".into())));
    assert_eq!(files.default, Path::new("/state/categories"));
}

#[test]
fn the_icap_options_follow_the_settings() {
    let istag = IsTag::of(b"a", b"b");
    let options = Settings::default().icap_options(istag);
    assert_eq!((options.profile, options.istag), (Profile::SQUID, istag));
    assert_eq!(options.advertised.preview_bytes, Some(61_440));
    assert_eq!(options.advertised.options_ttl_s, Some(600));
    assert_eq!(options.advertised.connections_max, Some(16_384));
    assert_eq!(options.advertised.no_content, NoContent::Offer);
    assert_eq!(options.deadlines.idle, Duration::from_secs(3600));
    assert_eq!(options.deadlines.body, Duration::from_secs(900));
    let text = "[ICAPD]\nProfile = Strict\nViolationsHeader = Yes\nUsePreview = No\nUse204 = No\nIdleTimeout = None\nHeadTimeout = 1.5s\n";
    let options = good(text).icap_options(istag);
    assert_eq!(options.profile, Profile { violations: Violations::Folded, ..Profile::STRICT });
    assert_eq!(options.advertised.preview_bytes, None);
    assert_eq!(options.advertised.no_content, NoContent::Withhold);
    assert!(options.deadlines.idle > Duration::from_secs(1 << 31));
    assert_eq!(options.deadlines.head, Duration::from_millis(1500));
}

#[test]
fn every_profile_of_the_icap_room_can_be_chosen_and_no_other() {
    let Kind::Choice(words) = icapd::PROFILE.row().kind else { panic!("a choice") };
    assert_eq!(words, Profile::ALL.map(|profile| profile.name));
}

#[test]
fn each_listener_can_have_a_profile_of_its_own() {
    let settings = good(
        "[ICAPD]\nListenAs = 127.0.0.1:1345 Nextcloud, [::1]:1346 c-icap-client\nUse206 = No\n",
    );
    let listen: Vec<String> = settings
        .server()
        .listen_as
        .iter()
        .map(|(address, profile)| format!("{address} {profile}"))
        .collect();
    assert_eq!(listen, ["127.0.0.1:1345 nextcloud", "[::1]:1346 c-icap-client"]);
    let istag = IsTag::of(b"a", b"b");
    let options = settings.icap_options_as("nextcloud", istag);
    assert_eq!(options.profile, Profile::NEXTCLOUD);
    let squid = Profile { partial_content: Offer::No, ..Profile::SQUID };
    assert_eq!(settings.icap_options(istag).profile, squid);
    let plain = good("[ICAPD]\nUseTrailers = No\n").icap_options(istag);
    assert_eq!(plain.profile, Profile { trailers: Offer::No, ..Profile::SQUID });
    for (text, said) in [
        (
            "127.0.0.1:1345",
            "\"127.0.0.1:1345\": expected IP:port and a profile, as in 127.0.0.1:1345 nextcloud",
        ),
        ("127.0.0.1:1345 squad", "\"squad\": expected one of strict, squid, nextcloud"),
    ] {
        let (_, problems) = Settings::parse(&format!("[ICAPD]\nListenAs = {text}\n"));
        assert!(first(&problems).contains(said), "{}", first(&problems));
    }
}

#[test]
fn what_leaves_before_the_verdict_follows_the_settings() {
    let settings = good(
        "[ICAPD]\nRelease = tail\nTailTypes = video/*, Application/X-Installer\nTailSize = 1MB\n\
         StreamTypes = audio/*\nTrickleDelay = 5s\nTrickleInterval = 1.5s\n",
    );
    let trickle = Trickle { delay: Duration::from_secs(5), interval: Duration::from_millis(1500) };
    let want = ReleaseOptions { way: Way::Tail, tail_bytes: Some(1 << 20), trickle: Some(trickle) };
    assert_eq!(settings.adaptation_options().release, want);
    let policy = settings.policy_options();
    let shown = |types: Vec<policy::Pattern>| {
        types.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(policy.tail_types), "video/* application/x-installer");
    assert_eq!(shown(policy.stream_types), "audio/*");
    let default = shown(Settings::default().policy_options().stream_types);
    assert_eq!(default, policy::STREAM_TYPES.replace(", ", " "));
    for never in ["None", "off"] {
        let text = format!("[ICAPD]\nTailSize = {never}\nTrickleDelay = None\nStreamTypes =\n");
        let release = good(&text).adaptation_options().release;
        assert_eq!((release.tail_bytes, release.trickle), (None, None));
        assert!(good(&text).policy_options().stream_types.is_empty());
    }
    for (text, said) in [
        ("Release = Pass", "Release: \"Pass\": expected one of Hold, Tail"),
        (
            "TailTypes = video",
            "TailTypes: \"video\": expected a MIME type: type/subtype, type/*, type/begin* or *",
        ),
        ("TailSize = 64XB", "TailSize: \"64XB\": "),
        ("TailSize = 2000TB", "TailSize: 2000TB is out of range: from 0 to 1024TB is allowed"),
    ] {
        let (_, problems) = Settings::parse(&format!("[ICAPD]\n{text}\n"));
        assert!(first(&problems).starts_with(said), "{}", first(&problems));
    }
}

#[test]
fn answers_say_what_the_settings_want() {
    assert_eq!(Settings::default().remarks(), Remarks::default());
    assert!(!Settings::default().ignores_passed_types());
    let text = "[ICAPD]\nScannedHeader = \"X-Scanned-By:  Baleen on gw\"\nNextServices = None\n\
        NextServicesUnchecked = sandbox, audit\nIgnorePassedTypes = Yes\nSharedHeader = X-Baleen-Context\n";
    let settings = good(text);
    let scanned = Some(Mark { name: "X-Scanned-By".into(), value: "Baleen on gw".into() });
    let next_unchecked = Some(vec!["sandbox".into(), "audit".into()]);
    let want = Remarks {
        scanned,
        unchecked: None,
        next: Some(Vec::new()),
        next_unchecked,
        shared: Some("X-Baleen-Context".into()),
    };
    assert_eq!(settings.remarks(), want);
    assert!(settings.ignores_passed_types());
    for bad in ["Content-Length: 1", "X-: y", "X-A", "X-A:", "X A: b"] {
        let (_, problems) = Settings::parse(&format!("[ICAPD]\nUncheckedHeader = \"{bad}\"\n"));
        let said =
            format!("UncheckedHeader: \"{bad}\": expected a field as in X-Scanned-By: Baleen");
        assert_eq!(first(&problems), said);
    }
    for bad in ["Content-Length", "X-", "X-A:", "X A"] {
        let (_, problems) = Settings::parse(&format!("[ICAPD]\nSharedHeader = \"{bad}\"\n"));
        let said = format!("SharedHeader: \"{bad}\": expected the name of a field as in X-Name");
        assert_eq!(first(&problems), said);
    }
    let (_, problems) = Settings::parse("[ICAPD]\nNextServices = \"two words\"\n");
    assert_eq!(
        first(&problems),
        "NextServices: \"two words\": expected the name of a service, or None"
    );
}

#[test]
fn the_server_follows_the_settings() {
    let text = "[Root]\nDefaultLogLevel = debug\nStateDir = /var/lib/baleen\nShards = 4\nPinShards = off\n\
        [ICAPD]\nAllowEarlyResponse = No\nScanTimeout = 0\nHoldLimit = 1GB\nMemoryBudget = 1GB\nSpoolDir = /spool\nSpoolLimit = 0\nHostmaster = a@b\nTemplatesDir = /t\nMaxConnections = 5\n\
        [ScanEngine]\nDatabaseDir = /db, /more\nDetectPUA = Yes\nFunctionalityLevel = 90\n";
    let server = good(text).server();
    assert_eq!(
        (server.log_level, server.shards, server.pin_shards),
        (LogLevel::Debug, Some(4), PinShards::Off)
    );
    assert_eq!(server.state_dir.to_str(), Some("/var/lib/baleen"));
    assert_eq!((server.early, server.scan_time_max), (EarlyResponse::Forbid, None));
    assert_eq!(
        (server.budgets.hold_bytes_max, server.budgets.memory_bytes_max),
        (1 << 30, 1 << 30)
    );
    assert_eq!(
        (server.budgets.spool_dir, server.budgets.spool_bytes_max),
        (Some("/spool".into()), 0)
    );
    assert_eq!((server.contact.as_str(), server.templates_dir), ("a@b", Some("/t".into())));
    assert_eq!((server.connections_max, server.database.len()), (5, 2));
    assert_eq!((server.unwanted, server.functionality_level), (Unwanted::Detect, 90));
}

#[test]
fn the_pages_follow_the_settings() {
    assert_eq!(Settings::default().page_options(), page::Options::default());
    let options = good("[ICAPD]\nReportLanguages = de\nReportLanguages = EN\n").page_options();
    assert_eq!(options.languages, ["de", "en"]);
    for (word, status) in
        [("200", page::Status::Ok), ("403", page::Status::Forbidden), ("451", page::Status::Legal)]
    {
        let options = good(&format!("[ICAPD]\nBlockStatus = {word}\n")).page_options();
        assert_eq!(options.status, status);
    }
    let (_, problems) = Settings::parse("[ICAPD]\nReportLanguages = en, tlh\n");
    assert_eq!(first(&problems), "ReportLanguages: \"tlh\": expected one of en, de, ru, es");
}

#[test]
fn services_are_asked_only_when_the_administrator_says_so() {
    let lists = "[CloudD]\nDnsBlockLists = l.example, multi.example domains &8=Drugs *=Jobs\nDnsBlockLists = \"x.example addresses\"\nDnsServers = 127.0.0.1:53\n";
    assert_eq!((good(lists).cloud(), good(lists).cloud_note().is_some()), (None, true));
    let on = "[Root]\nUseCloud = Yes\n";
    assert_eq!((good(on).cloud(), good(on).cloud_note().is_some()), (None, true));
    let cloud = good(&format!("{on}{lists}")).cloud().expect("services");
    let zones: Vec<&str> = cloud.reputation.lists.iter().map(DnsList::zone).collect();
    assert_eq!(zones, ["l.example", "multi.example", "x.example"]);
    assert_eq!(cloud.servers.len(), 1);
    assert_eq!(cloud.reputation.time_max, Duration::from_secs(1));
    let text = "Service = https://[2001:db8::1]:8443/v1?x=1\nServicePaths = No\nServiceCategories = Betting=gambling, \"dating sites = Chats\"\nTimeout = 0.25s\nCacheSize = 10\nCacheTime = 2m\nNegativeCacheTime = 5s\n";
    let settings = good(&format!("{on}[CloudD]\n{text}"));
    let cloud = settings.cloud().expect("a service");
    let url = cloud.service.expect("a service");
    assert_eq!((&*url.host, url.port, &*url.path), ("2001:db8::1", 8443, "/v1?x=1"));
    let service = cloud.reputation.service.as_ref().expect("a service");
    assert!(!service.with_paths && settings.cloud_note().is_none());
    let names =
        [("betting".to_owned(), Category::Gambling), ("dating sites".to_owned(), Category::Chats)];
    assert_eq!(service.names, names);
    let options = cloud.reputation;
    assert_eq!((options.time_max, options.cache_entries_max), (Duration::from_millis(250), 10));
    assert_eq!(
        (options.cache_time, options.negative_time),
        (Duration::from_secs(120), Duration::from_secs(5))
    );
}

#[test]
fn a_directory_is_asked_when_it_has_servers() {
    assert_eq!((good("").directory(), good("").directory_notes()), (None, Vec::new()));
    let plain = good("[LookupD]\nLdapServers = ldap://one.example\nLdapBase = dc=x\n");
    let directory = plain.directory().expect("a directory");
    assert!(plain.directory_notes().is_empty());
    assert_eq!(directory.check, CertificateCheck::Refuse);
    assert_eq!((directory.connections, directory.idle_time), (2, Some(Duration::from_secs(30))));
    let options = directory.directory;
    assert_eq!((&*options.base, options.groups_max), ("dc=x", 1000));
    assert_eq!(options.time_max, Duration::from_secs(2));
    assert_eq!(
        (options.cache_time, options.negative_time, options.cache_entries_max),
        (Duration::from_secs(600), Duration::from_secs(60), 10_000)
    );
    assert_eq!(
        (&*options.group_attributes, &*options.group_name),
        (&["memberOf".into()][..], "cn")
    );
    let full = good(
        "[LookupD]\nLdapServers = ldap://one.example, ldaps://[2001:db8::1]:7\nLdapServers = ldap://three\n\
         LdapStartTls = Yes\nLdapCheckCertificate = Allow\nLdapBindDn = \"cn=a b,dc=x\"\nLdapPasswordFile = /p\n\
         LdapGroupAttributes = memberOf, isMemberOf\nLdapNestedGroups = Yes\nIdleTimeLimit = None\n\
         LdapUserFilter = (userPrincipalName=%w)\n",
    );
    assert!(full.directory_notes().is_empty());
    let directory = full.directory().expect("a directory");
    assert_eq!((directory.check, directory.idle_time), (CertificateCheck::Allow, None));
    let servers: Vec<String> =
        directory.directory.servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["ldap://one.example:389", "ldaps://[2001:db8::1]:7", "ldap://three:389"]);
    assert_eq!(directory.directory.group_filter, Some(Filter::nested_groups()));
    assert_eq!(directory.directory.group_attributes.len(), 2);
    let without = good("[LookupD]\nLdapServers = ldap://a.example\nLdapGroupFilter =\n");
    assert_eq!(without.directory().and_then(|found| found.directory.group_filter), None);
}

#[test]
fn what_makes_a_directory_useless_or_unsafe_is_said() {
    let notes = |text: &str| {
        let settings = good(&format!("[LookupD]\nLdapServers = ldap://a.example\n{text}"));
        settings.directory_notes().iter().map(|(text, error)| (text.len() > 20, *error)).collect()
    };
    let said: [(&str, Vec<(bool, bool)>); 7] = [
        ("LdapBindDn = cn=a\n", vec![(true, true), (true, false)]),
        ("LdapBindDn = cn=a\nLdapPasswordFile = /p\n", vec![(true, false)]),
        ("LdapBindDn = cn=a\nLdapPasswordFile = /p\nLdapStartTls = Yes\n", vec![]),
        ("LdapPasswordFile = /p\n", vec![(true, false)]),
        ("LdapUserFilter = (uid=a)\n", vec![(true, true)]),
        ("LdapUserFilter = (|(uid=%u)(member=%D))\n", vec![(true, true)]),
        ("LdapCheckCertificate = No\n", vec![(true, false)]),
    ];
    for (text, want) in said {
        let found: Vec<(bool, bool)> = notes(text);
        assert_eq!(found, want, "{text}");
    }
    for (line, want) in [
        (
            "LdapServers = a.example",
            "LdapServers: \"a.example\": expected ldap://host or ldaps://host, with :port where it is another",
        ),
        ("LdapUserFilter = (uid=%u", "LdapUserFilter: expected ) behind a condition"),
        ("LdapGroupAttributes = a b", "LdapGroupAttributes: a value with blanks needs quotes"),
        (
            "LdapGroupAttributes = a=b",
            "LdapGroupAttributes: \"a=b\": expected the name of an attribute",
        ),
    ] {
        let (_, problems) = Settings::parse(&format!("[LookupD]\n{line}\n"));
        assert_eq!(first(&problems), want);
    }
}

#[test]
fn services_that_cannot_be_read_are_refused() {
    for (line, want) in [
        (
            "Service = http://a.example/",
            "Service: \"http://a.example/\": expected https://host/path or https://host:port/path",
        ),
        (
            "Service = https://u:p@a.example/",
            "Service: \"https://u:p@a.example/\": expected https://host/path or https://host:port/path",
        ),
        (
            "Service = https:///x",
            "Service: \"https:///x\": expected https://host/path or https://host:port/path",
        ),
        (
            "ServiceCategories = betting",
            "ServiceCategories: \"betting\": expected word=category, as in betting=Gambling",
        ),
        ("ServiceCategories = a=b", "ServiceCategories: there is no category \"b\""),
        ("DnsBlockLists = l.example 127.0.0.2=Fun", "DnsBlockLists: there is no category \"Fun\""),
    ] {
        let (_, problems) = Settings::parse(&format!("[CloudD]\n{line}\n"));
        assert_eq!(first(&problems), want);
    }
    let plain = good("[Root]\nUseCloud = Yes\n[CloudD]\nService = https://a.example\n");
    let url = plain.cloud().and_then(|cloud| cloud.service).expect("a service");
    assert_eq!((&*url.host, url.port, &*url.path), ("a.example", 443, "/"));
}

#[test]
fn every_word_of_a_choice_means_something_of_its_own() {
    let levels = ["Debug", "Info", "Notice", "Warning", "Error"];
    let mut found: Vec<LogLevel> = levels
        .iter()
        .map(|level| good(&format!("[Root]\nDefaultLogLevel = {level}\n")).server().log_level)
        .collect();
    found.dedup();
    assert_eq!(found.len(), levels.len());
    let Kind::Choice(words) = root::DEFAULT_LOG_LEVEL.row().kind else { panic!("a choice") };
    assert_eq!(words, levels);
    let pins = ["Auto", "On", "Off"]
        .map(|pin| good(&format!("[Root]\nPinShards = {pin}\n")).server().pin_shards);
    assert_eq!(pins, [PinShards::Auto, PinShards::On, PinShards::Off]);
}

#[test]
fn the_smaller_of_two_limits_counts() {
    for (levels, recursion, want) in [(0, 17, 1), (5, 17, 6), (63, 3, 3)] {
        let text = format!(
            "[ICAPD]\nContainerMaxLevel = {levels}\n[ScanEngine]\nMaxRecursion = {recursion}\n"
        );
        assert_eq!(good(&text).engine_limits().layers_max, want);
    }
}

#[test]
fn each_threat_switch_switches_its_own_kind() {
    for kind in ThreatKind::ALL {
        let settings = good(&format!("[ICAPD]\nBlock{} = No\nBlockUnchecked = No\n", kind.name()));
        let options = settings.adaptation_options();
        assert_eq!(options.unchecked, Unchecked::Pass);
        for other in ThreatKind::ALL {
            assert_eq!(options.blocked_threats.has(other), other != kind, "{}", other.name());
        }
    }
}

#[test]
fn lists_and_rules_reach_the_policy() {
    let settings = good(
        "[ICAPD]\nBlackList = a.example, @/black\nWhiteList = b.example, @/white\nRangeSites = c.example, @/parts\nMimeRules = image/* pass\n",
    );
    let options = settings.policy_options();
    assert_eq!((options.black.len(), options.white.len(), options.mime_rules.len()), (1, 1, 1));
    assert_eq!((options.ranges.len(), files_of(&settings)), (1, vec!["/parts".into()]));
    let files = settings.list_files();
    assert_eq!((files.black, files.white), (vec!["/black".into()], vec!["/white".into()]));
}

fn files_of(settings: &Settings) -> Vec<PathBuf> {
    settings.list_files().ranges
}

#[test]
fn parts_of_objects_have_their_switches() {
    let options = |text| good(text).adaptation_options();
    let default = options("");
    assert_eq!((default.ranges, default.fragments), (Ranges::Strip, Unchecked::Block));
    let other = options("[ICAPD]\nStripRanges = No\nBlockFragments = No\n");
    assert_eq!((other.ranges, other.fragments), (Ranges::Keep, Unchecked::Pass));
    assert_eq!(other.unchecked, Unchecked::Block);
}

#[test]
fn the_clamd_protocol_is_off_until_it_is_told_where() {
    let settings = Settings::default();
    assert_eq!(settings.server().clamd, None);
    assert_eq!(settings.clamd_service().protocol, clamd::Options::default());
    assert!(!settings.clamd_service().network_paths);
    let text = "[ClamD]\nListenSocket = /run/baleen/clamd.sock\nListenSocketMode = 666\n\
                ListenAddress = 127.0.0.1:3310, [::1]:3310\nMaxThreads = 7\nUnchecked = Found\n\
                StreamMaxLength = 25MB\nReadTimeout = 5s\nScanTimeout = 0\n";
    let settings = good(text);
    let listening = settings.server().clamd.expect("it is told where");
    assert_eq!(listening.socket.as_deref(), Some(Path::new("/run/baleen/clamd.sock")));
    assert_eq!((listening.socket_mode, listening.addresses.len()), (0o666, 2));
    assert_eq!((listening.threads, listening.connections_max), (Some(7), 1_024));
    let service = settings.clamd_service();
    assert_eq!(service.scan_time_max, None);
    assert_eq!(service.protocol.unchecked, clamd::Unchecked::Found);
    assert_eq!(service.protocol.stream_bytes_max, 25 << 20);
    assert_eq!(service.protocol.read_time, Duration::from_secs(5));
    assert_eq!(good(&format!("{text}Start = No\n")).server().clamd, None);
}

#[test]
fn verdicts_are_kept_and_shared_as_the_settings_say() {
    let default = good("").verdict_cache();
    assert_eq!((default.memory_bytes_max, default.lifetime.as_secs()), (32 << 20, 24 * 3600));
    assert_eq!((default.block_time, default.shared), (Some(Duration::from_secs(600)), None));
    let off = good("[ICAPD]\nVerdictCache = 0\nRetryBlockTime = None\n").verdict_cache();
    assert_eq!((off.memory_bytes_max, off.block_time), (0, None));
    let settings = good(
        "[ICAPD]\nVerdictLifetime = 2h\nSharedCache = unix:/run/redis.sock?db=3\nSharedCacheKeyFile = /k\n\
         SharedCachePasswordFile = /p\nSharedCacheTimeout = 0.05s\nTrustedValidators = a.example, @/own\n",
    );
    let cache = settings.verdict_cache();
    let shared = cache.shared.expect("there is one");
    let place = StorePlace::Unix { path: "/run/redis.sock".into(), database: 3 };
    assert_eq!((cache.lifetime, shared.place), (Duration::from_secs(7200), place));
    assert_eq!((shared.key, shared.password), ("/k".into(), Some("/p".into())));
    assert_eq!(shared.time_max, Duration::from_millis(50));
    assert_eq!(settings.list_files().trusted, [PathBuf::from("/own")]);
    let policy = policy::Policy::compile(settings.policy_options()).expect("one entry");
    let trusts = |target: &str| {
        let url = policy::UrlParts::of(b"GET", target.as_bytes(), None).expect("an address");
        policy.trusts_validators(&url)
    };
    assert!(trusts("http://www.a.example/x") && !trusts("http://b.example/x"));
}

#[test]
fn a_store_is_named_as_a_socket_or_a_host() {
    let tcp =
        |host: &str, port, database| StorePlace::Tcp { host: host.to_owned(), port, database };
    for (text, want) in [
        ("cache.example:6379", tcp("cache.example", 6379, 0)),
        ("10.0.0.1:1/15", tcp("10.0.0.1", 1, 15)),
        ("[2001:db8::1]:6379/2", tcp("2001:db8::1", 6379, 2)),
        ("unix:/a/1", StorePlace::Unix { path: "/a/1".into(), database: 0 }),
    ] {
        assert_eq!(StorePlace::parse(text), Ok(want.clone()), "{text}");
        assert_eq!(want.database() == 0, !matches!(text, "10.0.0.1:1/15" | "[2001:db8::1]:6379/2"));
    }
    for text in [
        "",
        "host",
        "host:0",
        "host:1/",
        "host:1/x",
        "host:1/-1",
        "host:1/999999",
        "unix:",
        "unix:a",
        "unix:/a?db=",
        "redis://h:1",
    ] {
        let fault = StorePlace::parse(text).expect_err(text);
        assert!(fault.contains("unix:/path or host:port"), "{fault}");
    }
}

#[test]
fn a_store_without_a_key_is_an_error_that_says_why() {
    let said = |lines: &str| {
        let (settings, problems) = Settings::parse(&format!("[ICAPD]\n{lines}"));
        let is_error = problems.iter().any(crate::settings::Problem::is_error);
        (first(&problems), is_error, settings.verdict_cache().shared.is_some())
    };
    let (message, is_error, is_used) = said("SharedCache = a.example:6379\n");
    assert!(message.contains("could make malware clean") && is_error && !is_used, "{message}");
    let (message, is_error, is_used) = said("SharedCache = nowhere\nSharedCacheKeyFile = /k\n");
    assert!(message.contains("unix:/path or host:port") && is_error && !is_used, "{message}");
    let (message, is_error, _) = said("SharedCacheKeyFile = /k\n");
    assert!(message.contains("of no use without SharedCache") && !is_error, "{message}");
    let (message, is_error, _) =
        said("VerdictCache = 0\nSharedCache = a.example:6379\nSharedCacheKeyFile = /k\n");
    assert!(message.contains("while VerdictCache is 0") && !is_error, "{message}");
    assert_eq!(
        said("SharedCache = a.example:6379\nSharedCacheKeyFile = /k\n"),
        (String::new(), false, true)
    );
}
