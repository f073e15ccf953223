//! From settings as typed to settings as meant: each room's options.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::Settings;
use super::address::StorePlace;
use super::answer;
use super::options::{
    Budgets, CategoryFiles, CertificateCheck, ClamdListening, ClamdService, ClientCertificates,
    Cloud, DatabaseTrust, Directory, EarlyResponse, Hook, Icaps, ListFiles, ListenSocket, LogLevel,
    PinShards, Server, SharedCache, Unwanted, VerdictCache,
};
use super::row::{Kind, Setting};
use super::table::{
    SECTIONS, clamd as clamd_rows, cloudd, icapd, lookupd, root, scan_engine, urlcheck,
};
use super::value::Value;
use crate::adaptation::release::{ReleaseOptions, Trickle, Way};
use crate::adaptation::{self, Mark, Ranges, Remarks, ThreatKind, ThreatKinds, Unchecked, page};
use crate::clamd;
use crate::engine::alerts::Alerts;
use crate::engine::database::LinkOptions;
use crate::engine::limits::Limits;
use crate::icap::{self, Advertised, Deadlines, IsTag, NoContent, Offer, Profile, Violations};
use crate::policy::directory::{self, Filter};
use crate::policy::reputation::{self, ServiceOptions};
use crate::policy::{self, Category};

impl Settings {
    /// What the edge needs.
    #[must_use]
    pub fn server(&self) -> Server {
        Server {
            log_level: self.log_level(),
            state_dir: self.get(&root::STATE_DIR).unwrap_or_else(|| PathBuf::from(".")),
            shards: self.get(&root::SHARDS).map(number),
            pin_shards: match self.get(&root::PIN_SHARDS) {
                "On" => PinShards::On,
                "Off" => PinShards::Off,
                _ => PinShards::Auto,
            },
            listen: self.listen(),
            listen_as: self.get(&icapd::LISTEN_AS),
            listen_socket: self.get(&icapd::LISTEN_SOCKET).map(|path| ListenSocket {
                path,
                mode: socket_mode(self.get(&icapd::LISTEN_SOCKET_MODE)),
                group: self.get(&icapd::LISTEN_SOCKET_GROUP),
            }),
            listen_tls: self.get(&icapd::TLS_LISTEN_ADDRESS),
            icaps: self.icaps(),
            allowed_clients: self.get(&icapd::ALLOWED_CLIENTS),
            proxies: self.get(&icapd::PROXY_PROTOCOL_FROM),
            connections_max: number(self.get(&icapd::MAX_CONNECTIONS)),
            scan_time_max: self.get(&icapd::SCAN_TIMEOUT).map(Duration::from_millis),
            early: if self.get(&icapd::ALLOW_EARLY_RESPONSE) {
                EarlyResponse::Allow
            } else {
                EarlyResponse::Forbid
            },
            stall_time: self.get(&icapd::STALL_TIMEOUT).map(Duration::from_millis),
            budgets: Budgets {
                hold_bytes_max: self.get(&icapd::HOLD_LIMIT),
                memory_bytes_max: self.get(&icapd::MEMORY_BUDGET),
                spool_dir: self.get(&icapd::SPOOL_DIR),
                spool_bytes_max: self.get(&icapd::SPOOL_LIMIT),
            },
            templates_dir: self.get(&icapd::TEMPLATES_DIR),
            contact: self.get(&icapd::HOSTMASTER),
            database: self.get(&scan_engine::DATABASE_DIR),
            passwords: self.get(&scan_engine::ARCHIVE_PASSWORDS),
            unwanted: if self.get(&scan_engine::DETECT_PUA) {
                Unwanted::Detect
            } else {
                Unwanted::Ignore
            },
            links: LinkOptions {
                in_pages: self.get(&scan_engine::PHISHING_SCAN_PAGES),
                ssl: self.get(&scan_engine::PHISHING_ALWAYS_BLOCK_SSL_MISMATCH),
                cloaked: self.get(&scan_engine::PHISHING_ALWAYS_BLOCK_CLOAK),
            },
            functionality_level: number(self.get(&scan_engine::FUNCTIONALITY_LEVEL)),
            trust: DatabaseTrust {
                keys: self.get(&scan_engine::DATABASE_KEYS),
                certificates: self.get(&scan_engine::DATABASE_CERTIFICATES),
                unsigned: self.get(&scan_engine::ALLOW_UNSIGNED_DATABASE),
            },
            database_threads: self.get(&scan_engine::DATABASE_THREADS).map(number),
            clamd: self.clamd_listening(),
        }
    }

    fn icaps(&self) -> Option<Icaps> {
        let is_spoken = !self.get(&icapd::TLS_LISTEN_ADDRESS).is_empty();
        is_spoken.then(|| Icaps {
            certificate: self.get(&icapd::TLS_CERTIFICATE).unwrap_or_default(),
            key: self.get(&icapd::TLS_KEY).unwrap_or_default(),
            clients: match self.get(&icapd::TLS_CLIENT_CERTIFICATES) {
                "Required" => ClientCertificates::Required,
                "Optional" => ClientCertificates::Optional,
                _ => ClientCertificates::Off,
            },
            authorities: self.get(&icapd::TLS_CLIENT_CA).unwrap_or_default(),
        })
    }

    fn clamd_listening(&self) -> Option<ClamdListening> {
        let listening = ClamdListening {
            socket: self.get(&clamd_rows::LISTEN_SOCKET),
            socket_mode: socket_mode(self.get(&clamd_rows::LISTEN_SOCKET_MODE)),
            socket_group: self.get(&clamd_rows::LISTEN_SOCKET_GROUP),
            addresses: self.get(&clamd_rows::LISTEN_ADDRESS),
            threads: self.get(&clamd_rows::MAX_THREADS).map(number),
            connections_max: number(self.get(&clamd_rows::MAX_CONNECTIONS)),
        };
        let is_named = listening.socket.is_some() || !listening.addresses.is_empty();
        (is_named && self.get(&clamd_rows::START_ROW)).then_some(listening)
    }

    /// How clients of the clamd protocol are served.
    #[must_use]
    pub fn clamd_service(&self) -> ClamdService {
        let default = clamd::Options::default();
        let or = |setting: &Setting<Option<u64>>, unset: Duration| {
            self.get(setting).map_or(unset, Duration::from_millis)
        };
        let protocol = clamd::Options {
            stream_bytes_max: self.get(&clamd_rows::STREAM_MAX_LENGTH),
            command_time: or(&clamd_rows::COMMAND_READ_TIMEOUT, default.command_time),
            idle_time: or(&clamd_rows::IDLE_TIMEOUT, default.idle_time),
            read_time: or(&clamd_rows::READ_TIMEOUT, default.read_time),
            stream_time: or(&clamd_rows::STREAM_TIMEOUT, default.stream_time),
            unchecked: match self.get(&clamd_rows::UNCHECKED) {
                "Found" => clamd::Unchecked::Found,
                _ => clamd::Unchecked::Error,
            },
            ..default
        };
        ClamdService {
            protocol,
            network_paths: self.get(&clamd_rows::NETWORK_PATHS),
            scan_time_max: self.get(&clamd_rows::SCAN_TIMEOUT).map(Duration::from_millis),
            directories_max: number(self.get(&clamd_rows::MAX_DIRECTORY_RECURSION)),
        }
    }

    fn listen(&self) -> Vec<SocketAddr> {
        self.get(&icapd::LISTEN_ADDRESS)
    }

    fn log_level(&self) -> LogLevel {
        match self.get(&root::DEFAULT_LOG_LEVEL) {
            "Debug" => LogLevel::Debug,
            "Info" => LogLevel::Info,
            "Warning" => LogLevel::Warning,
            "Error" => LogLevel::Error,
            _ => LogLevel::Notice,
        }
    }

    /// The budgets of a scan.
    #[must_use]
    pub fn engine_limits(&self) -> Limits {
        // "Containers opened" does not count the outer object, "files inside each other" does.
        let containers = self.get(&icapd::CONTAINER_MAX_LEVEL).saturating_add(1);
        Limits {
            scan_bytes_max: self.get(&scan_engine::MAX_SCAN_SIZE),
            object_bytes_max: self.get(&scan_engine::MAX_FILE_SIZE),
            layers_max: number(self.get(&scan_engine::MAX_RECURSION).min(containers)),
            objects_max: number(self.get(&scan_engine::MAX_FILES)),
            state_bytes_max: self.get(&scan_engine::MAX_SCAN_STATE),
            deferred_bytes_max: self.get(&scan_engine::MAX_DEFERRED_SIZE),
            whole_bytes_max: self.get(&scan_engine::MAX_WHOLE_SIZE),
            deferred_memory_max: self.get(&scan_engine::DEFERRED_MEMORY),
            ratio_max: number(self.get(&icapd::MAX_COMPRESSION_RATIO)),
        }
    }

    /// What the engine reports besides signatures.
    #[must_use]
    pub fn engine_alerts(&self) -> Alerts {
        Alerts {
            encrypted_archives: self.get(&scan_engine::ALERT_ENCRYPTED_ARCHIVE),
            encrypted_documents: self.get(&scan_engine::ALERT_ENCRYPTED_DOC),
            limits: self.get(&scan_engine::ALERT_EXCEEDS_MAX),
            broken: self.get(&scan_engine::ALERT_BROKEN),
            macros: self.get(&scan_engine::ALERT_OLE2_MACROS),
        }
    }

    /// Rules in order, under the names of their settings; a text that begins with `@` is a file of them.
    fn rules(&self) -> Vec<policy::RuleSource> {
        let name = |number: u32| match number {
            0 => icapd::RULE_SET.row().key.to_owned(),
            number => format!("{}{number}", icapd::RULE_SET.row().key),
        };
        let rules = self.get(&icapd::RULE_SET).into_iter();
        rules
            .map(|rule| policy::RuleSource { name: name(rule.number).into(), text: rule.text })
            .collect()
    }

    /// Settings that scripts may read, by section and name, as one would write them: switches, numbers, words
    /// and texts, but nothing that may be secret or names a place on this machine.
    #[must_use]
    pub fn values_for_scripts(&self) -> BTreeMap<String, String> {
        let rows = SECTIONS.iter().flat_map(|section| section.rows.iter().copied());
        let shown = rows.filter_map(|row| {
            let text = match self.value(row)? {
                Value::Switch(on) => if on { "Yes" } else { "No" }.to_owned(),
                Value::Integer(number) | Value::AutoInteger(Some(number)) => number.to_string(),
                Value::SizeOrNone(bytes) => {
                    bytes.map_or_else(|| "None".to_owned(), |bytes| bytes.to_string())
                }
                Value::AutoInteger(None) => "Auto".to_owned(),
                Value::Choice(word) => word.to_owned(),
                Value::Interval(ms) => ms.map_or_else(|| "None".to_owned(), |ms| format!("{ms}ms")),
                // Where a directory is, and who asks it, is nothing for scripts.
                Value::Text(text)
                    if row.kind == Kind::Text
                        && row.key != "MessageHook"
                        && row.section != lookupd::SECTION.name =>
                {
                    text
                }
                Value::Text(_)
                | Value::Words(_)
                | Value::Path(_)
                | Value::Paths(_)
                | Value::Address(_)
                | Value::Addresses(_)
                | Value::Uplinks(_)
                | Value::LdapServers(_)
                | Value::LdapFilter(_)
                | Value::Attributes(_)
                | Value::Listeners(_)
                | Value::Names(_)
                | Value::Sites(_)
                | Value::Networks(_)
                | Value::Types(_)
                | Value::MimeRules(_)
                | Value::Rules(_)
                | Value::Service(_)
                | Value::DnsLists(_)
                | Value::CategoryNames(_)
                | Value::Expressions(_) => return None,
            };
            Some((format!("{}.{}", row.section, row.key), text))
        });
        shown.collect()
    }

    /// The script of `MessageHook` and its bounds; `None`: there is none.
    #[must_use]
    pub fn hook(&self) -> Option<Hook> {
        Some(self.hook_bounds()).filter(|hook| !hook.script.is_empty())
    }

    /// The same, whether or not there is a script.
    #[must_use]
    pub fn hook_bounds(&self) -> Hook {
        let script = self.get(&icapd::MESSAGE_HOOK);
        Hook {
            script: script.trim().to_owned(),
            time_max: Duration::from_millis(
                self.get(&icapd::MESSAGE_HOOK_TIMEOUT).unwrap_or_default(),
            ),
            memory_bytes_max: self.get(&icapd::MESSAGE_HOOK_MEMORY),
        }
    }

    /// Lists and rules, without the entries of [`Settings::list_files`], which the edge adds.
    #[must_use]
    pub fn policy_options(&self) -> policy::Options {
        policy::Options {
            black: self.get(&icapd::BLACK_LIST).list,
            white: self.get(&icapd::WHITE_LIST).list,
            ranges: self.get(&icapd::RANGE_SITES).list,
            trusted: self.get(&icapd::TRUSTED_VALIDATORS).list,
            mime_rules: self.get(&icapd::MIME_RULES),
            tail_types: self.get(&icapd::TAIL_TYPES),
            stream_types: self.get(&icapd::STREAM_TYPES),
            rules: self.rules(),
            defaults: if self.get(&icapd::RULE_SET_DEFAULTS) {
                policy::Defaults::Use
            } else {
                policy::Defaults::LeaveOut
            },
            ads: self.get(&icapd::AD_LIST).list,
            blocked_categories: CATEGORY_SWITCHES
                .iter()
                .filter(|(setting, _)| self.get(setting))
                .map(|&(_, category)| category)
                .collect(),
            unanswered: if self.get(&icapd::BLOCK_UNANSWERED) {
                policy::Unanswered::Block
            } else {
                policy::Unanswered::Pass
            },
            ..policy::Options::default()
        }
    }

    /// What is remembered of verdicts, where, and for how long.
    #[must_use]
    pub fn verdict_cache(&self) -> VerdictCache {
        let time = |setting: &Setting<Option<u64>>| self.get(setting).map(Duration::from_millis);
        let place = StorePlace::parse(self.get(&icapd::SHARED_CACHE).trim()).ok();
        // A place that cannot be read, and one without a key, were said with the settings.
        let shared = place.zip(self.get(&icapd::SHARED_CACHE_KEY_FILE));
        VerdictCache {
            memory_bytes_max: self.get(&icapd::VERDICT_CACHE),
            lifetime: time(&icapd::VERDICT_LIFETIME).unwrap_or_default(),
            block_time: time(&icapd::RETRY_BLOCK_TIME),
            shared: shared.map(|(place, key)| SharedCache {
                place,
                password: self.get(&icapd::SHARED_CACHE_PASSWORD_FILE),
                key,
                time_max: time(&icapd::SHARED_CACHE_TIMEOUT).unwrap_or_default(),
            }),
        }
    }

    /// Where the database of categories comes from.
    #[must_use]
    pub fn category_files(&self) -> CategoryFiles {
        let state_dir = self.get(&root::STATE_DIR).unwrap_or_else(|| PathBuf::from("."));
        CategoryFiles {
            database: self.get(&urlcheck::CATEGORY_DATABASE),
            mapping: self.get(&urlcheck::CATEGORY_MAPPING),
            default: state_dir.join("categories"),
            images: state_dir.join("image"),
        }
    }

    /// Files with more entries for the lists.
    #[must_use]
    pub fn list_files(&self) -> ListFiles {
        ListFiles {
            black: self.get(&icapd::BLACK_LIST).files,
            white: self.get(&icapd::WHITE_LIST).files,
            ranges: self.get(&icapd::RANGE_SITES).files,
            trusted: self.get(&icapd::TRUSTED_VALIDATORS).files,
            groups: self.get(&lookupd::GROUPS),
            ads: self.get(&icapd::AD_LIST).files,
        }
    }

    /// What ICAP connections need: the built-in services, with the tag of database and policy, for clients of
    /// the profile of this name.
    #[must_use]
    pub fn icap_options_as(&self, profile: &str, istag: IsTag) -> icap::Options {
        let mut options = self.icap_options(istag);
        options.profile = self.profile(profile);
        options
    }

    /// The profile of this name, with what the switches take from it.
    fn profile(&self, name: &str) -> Profile {
        let profile = Profile::named(name).unwrap_or(Profile::SQUID);
        let violations =
            if self.get(&icapd::VIOLATIONS_HEADER) { Violations::Folded } else { Violations::Omit };
        let may = |setting, offer| if self.get(setting) { offer } else { Offer::No };
        Profile {
            violations,
            partial_content: may(&icapd::USE_206, profile.partial_content),
            trailers: may(&icapd::USE_TRAILERS, profile.trailers),
            ..profile
        }
    }

    /// What answers say besides the verdict.
    #[must_use]
    pub fn remarks(&self) -> Remarks {
        let mark = |setting| {
            let text: String = self.get(setting);
            let (name, value) = answer::split_field(&text)?;
            Some(Mark { name: name.into(), value: value.into() })
        };
        let plan = |setting| {
            let names: Vec<String> = self.get(setting);
            let is_said = |name: &&String| !name.eq_ignore_ascii_case("None");
            let services = || names.iter().filter(is_said).map(|name| name.as_str().into());
            (!names.is_empty()).then(|| services().collect())
        };
        Remarks {
            scanned: mark(&icapd::SCANNED_HEADER),
            unchecked: mark(&icapd::UNCHECKED_HEADER),
            next: plan(&icapd::NEXT_SERVICES),
            next_unchecked: plan(&icapd::NEXT_SERVICES_UNCHECKED),
            shared: Some(self.get(&icapd::SHARED_HEADER))
                .filter(|name| !name.is_empty())
                .map(Into::into),
        }
    }

    /// `IgnorePassedTypes`: whether proxies may keep names of passed types to themselves.
    #[must_use]
    pub fn ignores_passed_types(&self) -> bool {
        self.get(&icapd::IGNORE_PASSED_TYPES)
    }

    /// What ICAP connections need: the built-in services, with the tag of database and policy.
    #[must_use]
    pub fn icap_options(&self, istag: IsTag) -> icap::Options {
        let mut options = icap::Options::new(istag);
        options.profile = self.profile(self.get(&icapd::PROFILE));
        let offered = options.advertised;
        options.advertised = Advertised {
            preview_bytes: self
                .get(&icapd::USE_PREVIEW)
                .then(|| number(self.get(&icapd::PREVIEW_SIZE))),
            options_ttl_s: self.get(&icapd::OPTIONS_TTL).map(|ms| number(ms / 1000)),
            connections_max: Some(number(self.get(&icapd::MAX_CONNECTIONS))),
            no_content: if self.get(&icapd::USE_204) {
                NoContent::Offer
            } else {
                NoContent::Withhold
            },
            ..offered
        };
        let default = options.deadlines;
        let or = |setting: &Setting<Option<u64>>, never: Duration| {
            self.get(setting).map_or(never, Duration::from_millis)
        };
        options.deadlines = Deadlines {
            idle: or(&icapd::IDLE_TIMEOUT, FOR_EVER),
            head: or(&icapd::HEAD_TIMEOUT, default.head),
            preview: or(&icapd::BODY_TIMEOUT, default.preview),
            body: or(&icapd::BODY_TIMEOUT, default.body),
            ..default
        };
        options
    }

    /// The reputation services; `None`: `UseCloud` is off, or none is configured.
    #[must_use]
    pub fn cloud(&self) -> Option<Cloud> {
        let time = |setting: &Setting<Option<u64>>| {
            Duration::from_millis(self.get(setting).unwrap_or_default())
        };
        let service = self.get(&cloudd::SERVICE);
        let reputation = reputation::Options {
            lists: self.get(&cloudd::DNS_BLOCK_LISTS),
            service: service.as_ref().map(|_| ServiceOptions {
                with_paths: self.get(&cloudd::SERVICE_PATHS),
                names: self.get(&cloudd::SERVICE_CATEGORIES),
            }),
            time_max: time(&cloudd::TIMEOUT),
            cache_entries_max: usize::try_from(self.get(&cloudd::CACHE_SIZE)).unwrap_or(usize::MAX),
            cache_time: time(&cloudd::CACHE_TIME),
            negative_time: time(&cloudd::NEGATIVE_CACHE_TIME),
        };
        let is_used = self.get(&root::USE_CLOUD) && !reputation.is_empty();
        is_used.then(|| Cloud {
            reputation,
            servers: self.get(&cloudd::DNS_SERVERS),
            service,
            token: self.get(&cloudd::SERVICE_TOKEN),
            certificates: self.get(&cloudd::SERVICE_CERTIFICATES),
        })
    }

    /// Whether `UseCloud` and the services of `[CloudD]` contradict each other: what to say about it.
    #[must_use]
    pub fn cloud_note(&self) -> Option<&'static str> {
        let is_on = self.get(&root::USE_CLOUD);
        let is_named =
            self.get(&cloudd::SERVICE).is_some() || !self.get(&cloudd::DNS_BLOCK_LISTS).is_empty();
        match (is_on, is_named) {
            (true, false) => Some(
                "UseCloud of [Root] is Yes, but [CloudD] names no DnsBlockLists and no Service",
            ),
            (false, true) => {
                Some("[CloudD] names services, but they are not asked: UseCloud of [Root] is No")
            }
            (true, true) | (false, false) => None,
        }
    }

    /// The directory; `None`: `LdapServers` is empty.
    #[must_use]
    pub fn directory(&self) -> Option<Directory> {
        let time = |setting: &Setting<Option<u64>>| {
            Duration::from_millis(self.get(setting).unwrap_or_default())
        };
        let count =
            |setting: &Setting<u64>| usize::try_from(self.get(setting)).unwrap_or(usize::MAX);
        let servers = self.get(&lookupd::LDAP_SERVERS);
        if servers.is_empty() {
            return None;
        }
        let group_filter = if self.get(&lookupd::LDAP_NESTED_GROUPS) {
            Some(Filter::nested_groups())
        } else {
            self.get(&lookupd::LDAP_GROUP_FILTER)
        };
        let options = directory::Options {
            servers,
            start_tls: self.get(&lookupd::LDAP_START_TLS),
            bind_dn: self.get(&lookupd::LDAP_BIND_DN),
            password: String::new(),
            base: self.get(&lookupd::LDAP_BASE),
            // Without a filter nobody is found.
            user_filter: self.get(&lookupd::LDAP_USER_FILTER)?,
            group_attributes: self.get(&lookupd::LDAP_GROUP_ATTRIBUTES),
            group_filter,
            group_base: self.get(&lookupd::LDAP_GROUP_BASE),
            group_name: self.get(&lookupd::LDAP_GROUP_NAME).into(),
            groups_max: count(&lookupd::LDAP_SIZE_LIMIT),
            time_max: time(&lookupd::LDAP_TIMEOUT),
            cache_entries_max: count(&lookupd::LDAP_CACHE_SIZE),
            cache_time: time(&lookupd::LDAP_CACHE_TIME),
            negative_time: time(&lookupd::LDAP_NEGATIVE_CACHE_TIME),
        };
        Some(Directory {
            directory: options,
            password: self.get(&lookupd::LDAP_PASSWORD_FILE),
            check: match self.get(&lookupd::LDAP_CHECK_CERTIFICATE) {
                "No" => CertificateCheck::Ignore,
                "Allow" => CertificateCheck::Allow,
                _ => CertificateCheck::Refuse,
            },
            certificates: self.get(&lookupd::LDAP_CERTIFICATES),
            connections: count(&lookupd::LDAP_CONNECTIONS),
            idle_time: self.get(&lookupd::IDLE_TIME_LIMIT).map(Duration::from_millis),
            debug: self.get(&lookupd::DEBUG_LIBLDAP),
        })
    }

    /// What is to be said about the directory before it is asked: errors, and what an administrator should know.
    #[must_use]
    pub fn directory_notes(&self) -> Vec<(&'static str, bool)> {
        let mut notes = Vec::new();
        let servers = self.get(&lookupd::LDAP_SERVERS);
        if servers.is_empty() {
            return notes;
        }
        let filter = self.get(&lookupd::LDAP_USER_FILTER);
        if !filter.is_some_and(|filter| filter.names_user() && !filter.names_dn()) {
            notes.push((
                "LdapUserFilter has to name the user, by %u or %w, and cannot name %D",
                true,
            ));
        }
        let has_name = !self.get(&lookupd::LDAP_BIND_DN).is_empty();
        match (has_name, self.get(&lookupd::LDAP_PASSWORD_FILE).is_some()) {
            // A name without a password is taken for nobody by some servers, and for a success.
            (true, false) => notes.push(("LdapBindDn needs LdapPasswordFile", true)),
            (false, true) => {
                notes.push(("LdapPasswordFile is of no use without LdapBindDn", false));
            }
            (true, true) | (false, false) => {}
        }
        let is_plain = servers.iter().any(|server| !server.is_tls);
        if is_plain && has_name && !self.get(&lookupd::LDAP_START_TLS) {
            notes.push((
                "the password of LdapBindDn goes to an ldap:// server unprotected: \
                         use ldaps://, or LdapStartTls = Yes",
                false,
            ));
        }
        if self.get(&lookupd::LDAP_CHECK_CERTIFICATE) == "No" {
            notes.push((
                "LdapCheckCertificate = No: whoever stands between may say who is in which group",
                false,
            ));
        }
        notes
    }

    /// Languages and status of block pages; the templates are the edge's to read.
    #[must_use]
    pub fn page_options(&self) -> page::Options {
        page::Options {
            languages: self.get(&icapd::REPORT_LANGUAGES).into_iter().map(str::to_owned).collect(),
            status: match self.get(&icapd::BLOCK_STATUS) {
                "200" => page::Status::Ok,
                "451" => page::Status::Legal,
                _ => page::Status::Forbidden,
            },
            templates: Vec::new(),
        }
    }

    /// What is blocked after a scan.
    #[must_use]
    pub fn adaptation_options(&self) -> adaptation::Options {
        let blocked = THREAT_SWITCHES.iter().filter(|(setting, _)| self.get(setting));
        adaptation::Options {
            unchecked: unchecked(self.get(&icapd::BLOCK_UNCHECKED)),
            fragments: unchecked(self.get(&icapd::BLOCK_FRAGMENTS)),
            ranges: if self.get(&icapd::STRIP_RANGES) { Ranges::Strip } else { Ranges::Keep },
            blocked_threats: blocked.fold(ThreatKinds::NONE, |all, &(_, kind)| all.with(kind)),
            release: self.release(),
        }
    }

    /// What may leave of a body before its verdict.
    fn release(&self) -> ReleaseOptions {
        let interval = self.get(&icapd::TRICKLE_INTERVAL).unwrap_or_default();
        ReleaseOptions {
            way: Way::named(self.get(&icapd::RELEASE)).unwrap_or_default(),
            tail_bytes: self.get(&icapd::TAIL_SIZE),
            trickle: self.get(&icapd::TRICKLE_DELAY).map(|delay| Trickle {
                delay: Duration::from_millis(delay),
                interval: Duration::from_millis(interval),
            }),
        }
    }
}

const fn unchecked(block: bool) -> Unchecked {
    if block { Unchecked::Block } else { Unchecked::Pass }
}

/// The switch of each kind of threat.
static THREAT_SWITCHES: [(&Setting<bool>, ThreatKind); ThreatKind::ALL.len()] = [
    (&icapd::BLOCK_KNOWN_VIRUS, ThreatKind::KnownVirus),
    (&icapd::BLOCK_SUSPICIOUS, ThreatKind::Suspicious),
    (&icapd::BLOCK_ADWARE, ThreatKind::Adware),
    (&icapd::BLOCK_DIALERS, ThreatKind::Dialers),
    (&icapd::BLOCK_JOKES, ThreatKind::Jokes),
    (&icapd::BLOCK_RISKWARE, ThreatKind::Riskware),
    (&icapd::BLOCK_HACKTOOLS, ThreatKind::Hacktools),
];

/// The switch of each category of sites.
static CATEGORY_SWITCHES: [(&Setting<bool>, Category); Category::ALL.len()] = [
    (&icapd::BLOCK_INFECTION_SOURCE, Category::InfectionSource),
    (&icapd::BLOCK_NOT_RECOMMENDED, Category::NotRecommended),
    (&icapd::BLOCK_ADULT_CONTENT, Category::AdultContent),
    (&icapd::BLOCK_VIOLENCE, Category::Violence),
    (&icapd::BLOCK_WEAPONS, Category::Weapons),
    (&icapd::BLOCK_GAMBLING, Category::Gambling),
    (&icapd::BLOCK_DRUGS, Category::Drugs),
    (&icapd::BLOCK_OBSCENE_LANGUAGE, Category::ObsceneLanguage),
    (&icapd::BLOCK_CHATS, Category::Chats),
    (&icapd::BLOCK_TERRORISM, Category::Terrorism),
    (&icapd::BLOCK_FREE_EMAIL, Category::FreeEmail),
    (&icapd::BLOCK_SOCIAL_NETWORKS, Category::SocialNetworks),
    (&icapd::BLOCK_DUE_TO_COPYRIGHT_NOTICE, Category::DueToCopyrightNotice),
    (&icapd::BLOCK_ONLINE_GAMES, Category::OnlineGames),
    (&icapd::BLOCK_ANONYMIZERS, Category::Anonymizers),
    (&icapd::BLOCK_CRYPTOCURRENCY_MINING_POOL, Category::CryptocurrencyMiningPool),
    (&icapd::BLOCK_JOBS, Category::Jobs),
];

/// A century: the clock can still add it to now.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A mode of a socket as the settings write it.
fn socket_mode(word: &str) -> u32 {
    match word {
        "600" => 0o600,
        "666" => 0o666,
        _ => 0o660,
    }
}

/// A number whose row keeps it far below 2^32.
fn number(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
