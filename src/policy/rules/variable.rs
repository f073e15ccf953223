//! The variables of rules, and the names of other products' that a proxy cannot know.

/// Something that a rule can ask about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variable {
    Direction,
    Protocol,
    Method,
    Url,
    UrlHost,
    UrlCategory,
    SrcIp,
    DstIp,
    User,
    UserDomain,
    UserGroup,
    ContentType,
    Size,
    Time,
    Weekday,
    ThreatCategory,
    Threat,
    /// Only to be set: whether the body is scanned.
    Scan,
}

const NAMED: [(&str, Variable); 18] = [
    ("direction", Variable::Direction),
    ("protocol", Variable::Protocol),
    ("method", Variable::Method),
    ("url", Variable::Url),
    ("url_host", Variable::UrlHost),
    ("url_category", Variable::UrlCategory),
    ("src_ip", Variable::SrcIp),
    ("dst_ip", Variable::DstIp),
    ("user", Variable::User),
    ("user_domain", Variable::UserDomain),
    ("user_group", Variable::UserGroup),
    ("content_type", Variable::ContentType),
    ("size", Variable::Size),
    ("time", Variable::Time),
    ("weekday", Variable::Weekday),
    ("threat_category", Variable::ThreatCategory),
    ("threat", Variable::Threat),
    ("scan", Variable::Scan),
];

/// Variables of the sister products, and what to write instead.
const ABSENT: [(&str, &str); 6] = [
    ("sni_host", "a proxy tells the host as url_host, also of a tunnel (method CONNECT)"),
    ("sni_category", "a proxy tells the host, also of a tunnel: write url_category"),
    ("divert", "a proxy does not tell; write direction"),
    ("proc", "a proxy does not know the program that asks"),
    ("unwrapped", "a proxy does not tell whether it decrypted; write protocol"),
    ("http_templates_dir", "block pages are the same for all rules: [ICAPD] TemplatesDir"),
];

impl Variable {
    pub(super) const NAMES: [&'static str; NAMED.len()] = {
        let mut names = [""; NAMED.len()];
        let mut at = 0;
        #[expect(
            clippy::indexing_slicing,
            reason = "evaluated at compile time, where an overrun is an error"
        )]
        while at < names.len() {
            names[at] = NAMED[at].0;
            at += 1;
        }
        names
    };

    pub(super) fn named(word: &str) -> Option<Self> {
        NAMED
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name))
            .map(|&(_, variable)| variable)
    }

    pub(super) fn name(self) -> &'static str {
        NAMED.iter().find(|(_, variable)| *variable == self).map_or("", |(name, _)| name)
    }

    /// Why there is no such variable here, although there is elsewhere.
    pub(super) fn absent(word: &str) -> Option<&'static str> {
        ABSENT.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, why)| *why)
    }

    /// Whether it is known only after the scan.
    pub(super) const fn is_of_threat(self) -> bool {
        matches!(self, Self::ThreatCategory | Self::Threat)
    }
}
