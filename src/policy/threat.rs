//! The kinds of threat an administrator can switch, read off the name of a signature.
//!
//! Dr.Web tells seven kinds apart by its own database; names of the ClamAV world carry the same in
//! their parts: `Win.Adware.Foo-1`, `PUA.Win.Tool.Bar-2`, `Heuristics.Phishing.Email`. A part that
//! names a kind decides, wherever it stands; else `PUA` is riskware and `Heuristics` is suspicious;
//! everything else is a known virus, so that a name nobody thought of is blocked.

/// A kind of threat, named as the `Block…` switch without its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThreatKind {
    /// A virus, worm, trojan or any other known malware.
    KnownVirus,
    /// Looks like malware by its behaviour or shape.
    Suspicious,
    /// Shows advertisements.
    Adware,
    /// Dials paid numbers.
    Dialers,
    /// Frightens, does no harm.
    Jokes,
    /// Legitimate, but dangerous in wrong hands.
    Riskware,
    /// A tool to break into systems.
    Hacktools,
}

impl ThreatKind {
    /// Every kind, in the order of the switches.
    pub const ALL: [Self; 7] = [
        Self::KnownVirus,
        Self::Suspicious,
        Self::Adware,
        Self::Dialers,
        Self::Jokes,
        Self::Riskware,
        Self::Hacktools,
    ];

    /// The kind of the threat with this signature name.
    #[must_use]
    pub fn of(signature_name: &str) -> Self {
        let named = signature_name.split(['.', '-', '_', '/', ' ']).find_map(Self::of_part);
        named.unwrap_or_else(|| {
            let family = signature_name.split('.').next().unwrap_or_default();
            if family.eq_ignore_ascii_case("PUA") || family.eq_ignore_ascii_case("PUP") {
                Self::Riskware
            } else if family.eq_ignore_ascii_case("Heuristics")
                || family.eq_ignore_ascii_case("Heuristic")
            {
                Self::Suspicious
            } else {
                Self::KnownVirus
            }
        })
    }

    fn of_part(part: &str) -> Option<Self> {
        PARTS.iter().find(|(word, _)| part.eq_ignore_ascii_case(word)).map(|&(_, kind)| kind)
    }

    /// The name as in the settings, without `Block`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KnownVirus => "KnownVirus",
            Self::Suspicious => "Suspicious",
            Self::Adware => "Adware",
            Self::Dialers => "Dialers",
            Self::Jokes => "Jokes",
            Self::Riskware => "Riskware",
            Self::Hacktools => "Hacktools",
        }
    }

    /// The kind with this name, in any case. `VirusModification` and `UnknownVirus`, as scripts of Dr.Web
    /// know them, and singular forms are read, too.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let alias = ALIASES.iter().find(|(alias, _)| is(alias)).map(|&(_, kind)| kind);
        Self::ALL.into_iter().find(|kind| is(kind.name())).or(alias)
    }

    const fn bit(self) -> u8 {
        match self {
            Self::KnownVirus => 1,
            Self::Suspicious => 1 << 1,
            Self::Adware => 1 << 2,
            Self::Dialers => 1 << 3,
            Self::Jokes => 1 << 4,
            Self::Riskware => 1 << 5,
            Self::Hacktools => 1 << 6,
        }
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreatKinds(u8);

impl ThreatKinds {
    /// No kind.
    pub const NONE: Self = Self(0);

    /// Every kind.
    pub const ALL: Self = Self(0x7f);

    /// The set with `kind` in it.
    #[must_use]
    pub const fn with(self, kind: ThreatKind) -> Self {
        Self(self.0 | kind.bit())
    }

    /// Whether `kind` is in the set.
    #[must_use]
    pub const fn has(self, kind: ThreatKind) -> bool {
        self.0 & kind.bit() != 0
    }

    /// A bit for each kind: what goes into a digest.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

/// Names of kinds in other products, and their singular forms.
const ALIASES: [(&str, ThreatKind); 5] = [
    ("VirusModification", ThreatKind::KnownVirus),
    ("UnknownVirus", ThreatKind::Suspicious),
    ("Dialer", ThreatKind::Dialers),
    ("Joke", ThreatKind::Jokes),
    ("Hacktool", ThreatKind::Hacktools),
];

/// Words that stand for a kind as a part of a signature's name.
const PARTS: [(&str, ThreatKind); 13] = [
    ("Adware", ThreatKind::Adware),
    ("Dialer", ThreatKind::Dialers),
    ("Dialers", ThreatKind::Dialers),
    ("Joke", ThreatKind::Jokes),
    ("Jokes", ThreatKind::Jokes),
    ("Hoax", ThreatKind::Jokes),
    ("Riskware", ThreatKind::Riskware),
    ("Risktool", ThreatKind::Riskware),
    ("Hacktool", ThreatKind::Hacktools),
    ("Hacktools", ThreatKind::Hacktools),
    ("Hack", ThreatKind::Hacktools),
    ("Keygen", ThreatKind::Hacktools),
    ("Suspicious", ThreatKind::Suspicious),
];
