//! Signatures about members of containers (`.cdb`, `clamav.md` A6.1): what stands in a header, before anything is unpacked.
//!
//! ```text
//!   member: name, sizes, place, sum, locked or not ─▶ Members::find ─▶ names of signatures
//!                                                          └▶ those that wait for the container's size
//! ```
//!
//! A condition on what a container does not say is not met. A zip that says sizes and sums behind its members
//! says them again in its directory, and is asked again there.

use regex::bytes::Regex;
use serde::{Deserialize, Serialize};

use super::database::signature::NameId;
use super::links::compile_as_written;

/// One signature. What is absent is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine) struct MemberRule {
    /// The number of its name.
    pub(in crate::engine) name: u32,
    /// `CL_TYPE_*` of the container.
    pub(in crate::engine) container: Option<Box<str>>,
    /// Bytes of the container, from and to.
    pub(in crate::engine) container_size: Option<(u64, u64)>,
    /// An extended regular expression, case as written.
    pub(in crate::engine) file_name: Option<Box<str>>,
    /// Bytes in the container, from and to.
    pub(in crate::engine) packed: Option<(u64, u64)>,
    /// Bytes when unpacked, from and to.
    pub(in crate::engine) size: Option<(u64, u64)>,
    pub(in crate::engine) is_encrypted: Option<bool>,
    /// Counted from 1, from and to.
    pub(in crate::engine) place: Option<(u64, u64)>,
    /// CRC-32.
    pub(in crate::engine) sum: Option<u32>,
}

/// What a container says of a member.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine) struct MemberFacts<'a> {
    /// `CL_TYPE_*` of the container.
    pub(in crate::engine) container: &'a str,
    /// Bytes of the container, when they are known by now.
    pub(in crate::engine) container_size: Option<u64>,
    pub(in crate::engine) name: &'a [u8],
    pub(in crate::engine) packed: Option<u64>,
    pub(in crate::engine) size: Option<u64>,
    pub(in crate::engine) is_encrypted: bool,
    /// Counted from 1.
    pub(in crate::engine) place: u64,
    pub(in crate::engine) sum: Option<u32>,
}

/// What was found about a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Match {
    /// This signature.
    Found(NameId),
    /// This one, if the container has a size in this range.
    Waits(NameId, (u64, u64)),
}

/// All signatures, ready to be asked.
#[derive(Debug, Default)]
pub(in crate::engine) struct Members {
    rules: Vec<(MemberRule, Option<Regex>)>,
}

impl Members {
    /// Reads the MEMBERS section. `names`: how many names there are.
    ///
    /// # Errors
    ///
    /// A text that says what is wrong with it.
    pub(in crate::engine) fn open(section: &[u8], names: u32) -> Result<Self, String> {
        if section.is_empty() {
            return Ok(Self::default());
        }
        let rules: Vec<MemberRule> =
            serde_json::from_slice(section).map_err(|fault| fault.to_string())?;
        let compiled = rules.into_iter().map(|rule| {
            if rule.name >= names {
                return Err("a name that is not there".to_owned());
            }
            let regex = match &rule.file_name {
                None => None,
                Some(text) => Some(compile_as_written(text).ok_or("not an expression")?),
            };
            Ok((rule, regex))
        });
        Ok(Self { rules: compiled.collect::<Result<_, String>>()? })
    }

    /// The bytes of the section; none without a rule.
    pub(in crate::engine) fn compile(rules: &[MemberRule]) -> Vec<u8> {
        if rules.is_empty() {
            return Vec::new();
        }
        serde_json::to_vec(rules).unwrap_or_default()
    }

    /// Whether there is anything to ask.
    pub(in crate::engine) const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The signatures that fit a member.
    pub(in crate::engine) fn find(&self, facts: &MemberFacts<'_>) -> impl Iterator<Item = Match> {
        self.rules.iter().filter_map(move |(rule, regex)| rule.meets(regex.as_ref(), facts))
    }
}

impl MemberRule {
    fn meets(&self, regex: Option<&Regex>, facts: &MemberFacts<'_>) -> Option<Match> {
        let within = |range: Option<(u64, u64)>, value: Option<u64>| match (range, value) {
            (None, _) => true,
            (Some((from, to)), Some(value)) => (from..=to).contains(&value),
            (Some(_), None) => false,
        };
        let is_met = self.container.as_deref().is_none_or(|wanted| wanted == facts.container)
            && self.is_encrypted.is_none_or(|wanted| wanted == facts.is_encrypted)
            && within(self.place, Some(facts.place))
            && within(self.packed, facts.packed)
            && within(self.size, facts.size)
            && self.sum.is_none_or(|wanted| facts.sum == Some(wanted))
            && regex.is_none_or(|regex| regex.is_match(facts.name));
        let name = NameId(self.name);
        match (self.container_size, facts.container_size) {
            _ if !is_met => None,
            (Some(range), None) => Some(Match::Waits(name, range)),
            (range, size) => within(range, size).then_some(Match::Found(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rule: MemberRule, facts: &MemberFacts<'_>) -> Option<Match> {
        let section = Members::compile(&[rule]);
        let members = Members::open(&section, 8).expect("what was written is read");
        members.find(facts).next()
    }

    #[test]
    fn every_condition_has_to_be_met() {
        let rule = MemberRule {
            name: 7,
            container: Some("CL_TYPE_ZIP".into()),
            container_size: Some((100, 200)),
            file_name: Some("[.]exe$".into()),
            packed: Some((10, 20)),
            size: Some((30, 30)),
            is_encrypted: Some(true),
            place: Some((2, 3)),
            sum: Some(0xabcd),
        };
        let good = MemberFacts {
            container: "CL_TYPE_ZIP",
            container_size: Some(150),
            name: b"a.exe",
            packed: Some(15),
            size: Some(30),
            is_encrypted: true,
            place: 2,
            sum: Some(0xabcd),
        };
        assert_eq!(found(rule.clone(), &good), Some(Match::Found(NameId(7))));
        let late = MemberFacts { container_size: None, ..good };
        assert_eq!(found(rule.clone(), &late), Some(Match::Waits(NameId(7), (100, 200))));
        for bad in [
            MemberFacts { container: "CL_TYPE_RAR", ..good },
            MemberFacts { container_size: Some(99), ..good },
            MemberFacts { name: b"a.EXE", ..good },
            MemberFacts { name: b"a.exe.txt", ..good },
            MemberFacts { packed: Some(21), ..good },
            MemberFacts { packed: None, ..good },
            MemberFacts { size: Some(29), ..good },
            MemberFacts { size: None, ..good },
            MemberFacts { is_encrypted: false, ..good },
            MemberFacts { place: 1, ..good },
            MemberFacts { sum: Some(1), ..good },
            MemberFacts { sum: None, ..good },
        ] {
            assert_eq!(found(rule.clone(), &bad), None, "{bad:?}");
        }
        let any = MemberRule { name: 1, ..MemberRule::default() };
        assert_eq!(found(any, &MemberFacts::default()), Some(Match::Found(NameId(1))));
    }

    #[test]
    fn a_section_is_doubted() {
        let rule = MemberRule { name: 8, ..MemberRule::default() };
        let section = Members::compile(std::slice::from_ref(&rule));
        assert!(Members::open(&section, 9).is_ok());
        assert!(Members::open(&section, 8).is_err_and(|why| why.contains("name")));
        assert!(Members::open(b"[{", 9).is_err());
        let broken = MemberRule { file_name: Some("(".into()), ..rule };
        assert!(Members::open(&Members::compile(&[broken]), 9).is_err());
        assert!(Members::open(b"", 0).is_ok_and(|members| members.is_empty()));
    }
}
