//! The 17 categories of sites, under the names of the product documents, and sets of them.
//!
//! Settings and rules write `SocialNetworks`, scripts `social_networks`; both are read without regard to
//! case. A site may be in several categories: one that is unwanted is enough to block it.

use std::fmt;

/// A category of sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Category {
    /// Known to spread malware.
    InfectionSource,
    /// Fraud, phishing and the like.
    NotRecommended,
    /// Adult content.
    AdultContent,
    /// Violence.
    Violence,
    /// Weapons.
    Weapons,
    /// Gambling.
    Gambling,
    /// Drugs.
    Drugs,
    /// Obscene language.
    ObsceneLanguage,
    /// Chats.
    Chats,
    /// Terrorism.
    Terrorism,
    /// Free mail services.
    FreeEmail,
    /// Social networks.
    SocialNetworks,
    /// Named in notices of copyright owners.
    DueToCopyrightNotice,
    /// Online games.
    OnlineGames,
    /// Anonymizers: proxies, tunnels.
    Anonymizers,
    /// Pools that mine cryptocurrencies.
    CryptocurrencyMiningPool,
    /// Job offers.
    Jobs,
}

impl Category {
    /// Every category, in the order of the documents.
    pub const ALL: [Self; 17] = [
        Self::InfectionSource,
        Self::NotRecommended,
        Self::AdultContent,
        Self::Violence,
        Self::Weapons,
        Self::Gambling,
        Self::Drugs,
        Self::ObsceneLanguage,
        Self::Chats,
        Self::Terrorism,
        Self::FreeEmail,
        Self::SocialNetworks,
        Self::DueToCopyrightNotice,
        Self::OnlineGames,
        Self::Anonymizers,
        Self::CryptocurrencyMiningPool,
        Self::Jobs,
    ];

    /// The name as in the settings: `SocialNetworks`.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "there is a row for each category")]
    pub const fn name(self) -> &'static str {
        NAMES[self as usize].0
    }

    /// The name as in scripts: `social_networks`.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "there is a row for each category")]
    pub const fn snake_name(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// The category with this name, in either spelling and any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| {
            name.eq_ignore_ascii_case(category.name())
                || name.eq_ignore_ascii_case(category.snake_name())
        })
    }
}

impl fmt::Display for Category {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A set of categories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Categories(u32);

impl Categories {
    /// No category.
    pub const NONE: Self = Self(0);

    /// Every category.
    pub const ALL: Self = Self((1 << Category::ALL.len()) - 1);

    /// The set with `category` in it.
    #[must_use]
    pub const fn with(self, category: Category) -> Self {
        Self(self.0 | 1 << category as u32)
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether `category` is in the set.
    #[must_use]
    pub const fn has(self, category: Category) -> bool {
        self.0 & (1 << category as u32) != 0
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// A bit for each category, the first one lowest: what is stored.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The set with these bits; bits that stand for no category are dropped.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// The categories of the set, in the order of the documents.
    pub fn iter(self) -> impl Iterator<Item = Category> {
        Category::ALL.into_iter().filter(move |&category| self.has(category))
    }
}

impl FromIterator<Category> for Categories {
    fn from_iter<I: IntoIterator<Item = Category>>(categories: I) -> Self {
        categories.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Display for Categories {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, category) in self.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(out, "{comma}{category}")?;
        }
        Ok(())
    }
}

/// The names of each category, in the order of [`Category::ALL`].
const NAMES: [(&str, &str); Category::ALL.len()] = [
    ("InfectionSource", "infection_source"),
    ("NotRecommended", "not_recommended"),
    ("AdultContent", "adult_content"),
    ("Violence", "violence"),
    ("Weapons", "weapons"),
    ("Gambling", "gambling"),
    ("Drugs", "drugs"),
    ("ObsceneLanguage", "obscene_language"),
    ("Chats", "chats"),
    ("Terrorism", "terrorism"),
    ("FreeEmail", "free_email"),
    ("SocialNetworks", "social_networks"),
    ("DueToCopyrightNotice", "due_to_copyright_notice"),
    ("OnlineGames", "online_games"),
    ("Anonymizers", "anonymizers"),
    ("CryptocurrencyMiningPool", "cryptocurrency_mining_pool"),
    ("Jobs", "jobs"),
];
