//! Groups of users from a file: `[LookupD] Groups`.
//!
//! One group a line, `staff: anna, bert@example.com`; a group may stand on several lines. Names are compared
//! without regard to case. A user without a domain stands for that user in every domain; with one
//! only there. `#` and `;` begin comments.

use std::collections::BTreeMap;
use std::fmt;

use super::rules::words::Words;
use super::user::User;

/// Who is in which group.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    names: Words,
    users: Words,
    /// For each user the places of his groups, sorted.
    members: Box<[Box<[u32]>]>,
}

impl Groups {
    /// Reads a group file. Bad lines are set aside and returned; the others are in.
    #[must_use]
    pub fn read(text: &str) -> (Self, Vec<GroupFault>) {
        let mut faults = Vec::new();
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        let mut names = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            let number = index.saturating_add(1);
            let named = line.split_once(':').map(|(name, users)| (name.trim(), users));
            let Some((name, users)) = named.filter(|(name, _)| !name.is_empty()) else {
                faults.push(GroupFault { line: number, kind: GroupFaultKind::Form });
                continue;
            };
            names.push(name.into());
            let users = users.split(',').map(str::trim).filter(|user| !user.is_empty());
            pairs.extend(users.map(|user| (user, name)));
            if pairs.len() > MEMBERS_MAX {
                pairs.truncate(MEMBERS_MAX);
                faults.push(GroupFault { line: number, kind: GroupFaultKind::TooMany });
                break;
            }
        }
        let names = Words::new(names);
        let users = Words::new(pairs.iter().map(|(user, _)| (*user).into()).collect());
        let mut members: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for (user, name) in pairs {
            if let Some((user, group)) = users.place(user).zip(names.place(name))
                && let Ok(group) = u32::try_from(group)
            {
                members.entry(user).or_default().push(group);
            }
        }
        let members = members.into_values().map(|mut groups| {
            groups.sort_unstable();
            groups.dedup();
            groups.into()
        });
        (Self { names, users, members: members.collect() }, faults)
    }

    /// Whether the file names this group; where it stands.
    pub(super) fn group(&self, name: &str) -> Option<u32> {
        self.names.place(name).and_then(|place| u32::try_from(place).ok())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter()
    }

    /// Every user of the file with the places of his groups.
    pub(super) fn memberships(&self) -> impl Iterator<Item = (&str, &[u32])> {
        self.users.iter().zip(self.members.iter().map(AsRef::as_ref))
    }

    /// The places of a user's groups, sorted: as he is named, and as he is named without his domain.
    pub(super) fn places(&self, user: &User<'_>) -> [&[u32]; 2] {
        user.spellings().map(|name| {
            let place = name.and_then(|name| self.users.place(name));
            let groups = place.and_then(|place| self.members.get(place));
            groups.map_or(&[][..], |groups| groups)
        })
    }

    /// The names of the user's groups.
    pub fn of<'g>(&'g self, user: &User<'g>) -> impl Iterator<Item = &'g str> {
        let places = self.spellings(user).flatten();
        places.filter_map(|&place| self.names.get(usize::try_from(place).ok()?))
    }

    /// The groups of the user as named, and as named without his domain.
    fn spellings<'g>(&'g self, user: &User<'g>) -> impl Iterator<Item = &'g [u32]> {
        let spellings = user.spellings();
        spellings
            .into_iter()
            .flatten()
            .filter_map(|name| Some(self.members.get(self.users.place(name)?)?.as_ref()))
    }

    /// How many groups there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no group.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// A line of a group file that was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupFault {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: GroupFaultKind,
}

/// What is wrong with a line of a group file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupFaultKind {
    /// It is not `group: user, user`.
    Form,
    /// The file has more members than [`MEMBERS_MAX`].
    TooMany,
}

impl fmt::Display for GroupFaultKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => out.write_str("expected group: user, user"),
            Self::TooMany => write!(out, "more than {MEMBERS_MAX} members; the rest is left out"),
        }
    }
}

/// Members of all groups together; each costs about 40 bytes.
pub const MEMBERS_MAX: usize = 1_000_000;
