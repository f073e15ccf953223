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
    /// Only to be set: what leaves of the body before its verdict.
    Release,
    /// Only to be set: which services see the message next.
    NextServices,
}

const NAMED: [(&str, Variable); 20] = [
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
    ("release", Variable::Release),
    ("next_services", Variable::NextServices),
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

    /// For what is no fact and can only be set: a value that it can have.
    pub(super) const fn example(self) -> Option<&'static str> {
        match self {
            Self::Scan => Some("No"),
            Self::Release => Some("Tail"),
            Self::NextServices => Some("\"sandbox\""),
            Self::Direction
            | Self::Protocol
            | Self::Method
            | Self::Url
            | Self::UrlHost
            | Self::UrlCategory
            | Self::SrcIp
            | Self::DstIp
            | Self::User
            | Self::UserDomain
            | Self::UserGroup
            | Self::ContentType
            | Self::Size
            | Self::Time
            | Self::Weekday
            | Self::ThreatCategory
            | Self::Threat => None,
        }
    }

    /// Whether it is known only after the scan.
    pub(super) const fn is_of_threat(self) -> bool {
        matches!(self, Self::ThreatCategory | Self::Threat)
    }
}
