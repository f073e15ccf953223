//! Rules by MIME type and size: `<mime> <action>` or `<mime> <action> <size> <action>`.
//!
//! The most specific pattern wins: a whole type before a part that ends in `*`, a longer part before a
//! shorter one, `*` last. The first action holds up to and including the size, the second above it.
//! The type is the sender's claim, and so may be the size: a rule that passes a type trusts it.

use std::fmt;

use sha2::{Digest, Sha256};

use super::PolicyFault;

/// What happens to a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BodyAction {
    /// Let through without scanning.
    Pass,
    /// Scan.
    Scan,
    /// Block without scanning.
    Reject,
}

impl BodyAction {
    /// The word in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Scan => "scan",
            Self::Reject => "reject",
        }
    }

    /// Reads the word, in any case.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pass, Self::Scan, Self::Reject]
            .into_iter()
            .find(|action| word.eq_ignore_ascii_case(action.name()))
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MimeRule {
    /// The types it is for.
    pub pattern: Pattern,
    /// What happens up to the limit, or always when there is none.
    pub action: BodyAction,
    /// A size in bytes and what happens to bodies that are larger.
    pub above: Option<(u64, BodyAction)>,
}

impl MimeRule {
    /// What the rule says for a body of `size` bytes; for an unknown size, the stricter of its actions.
    #[must_use]
    pub fn action(&self, size: Option<u64>) -> BodyAction {
        match (self.above, size) {
            (None, _) => self.action,
            (Some((limit, above)), Some(size)) => {
                if size > limit {
                    above
                } else {
                    self.action
                }
            }
            (Some((_, above)), None) => self.action.max(above),
        }
    }
}

/// A MIME type, or the beginning of one: lower case, without parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: Box<str>,
    reach: Reach,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Reach {
    Whole,
    Beginning,
}

impl Pattern {
    /// Reads `text/html`, `image/*`, `application/vnd.ms-*` or `*`.
    ///
    /// # Errors
    ///
    /// [`PatternFault`] when it is none of these.
    pub fn parse(text: &str) -> Result<Self, PatternFault> {
        let (stem, reach) =
            text.strip_suffix('*').map_or((text, Reach::Whole), |stem| (stem, Reach::Beginning));
        if stem.len() > PATTERN_BYTES_MAX {
            return Err(PatternFault::TooLong);
        }
        if let Some(at) = stem.bytes().position(|byte| !is_type_byte(byte)) {
            return Err(PatternFault::Byte { at });
        }
        let slashes = stem.bytes().filter(|&byte| byte == b'/').count();
        match (slashes, reach) {
            (1, Reach::Beginning) if !stem.starts_with('/') => {}
            (1, Reach::Whole) if !stem.starts_with('/') && !stem.ends_with('/') => {}
            (0, Reach::Beginning) if stem.is_empty() => {}
            _ => return Err(PatternFault::Form),
        }
        Ok(Self { text: stem.to_ascii_lowercase().into(), reach })
    }

    pub(super) fn fits(&self, mime: &[u8]) -> bool {
        let pattern = self.text.as_bytes();
        match self.reach {
            Reach::Whole => mime.eq_ignore_ascii_case(pattern),
            Reach::Beginning => {
                mime.get(..pattern.len()).is_some_and(|start| start.eq_ignore_ascii_case(pattern))
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = match self.reach {
            Reach::Whole => "",
            Reach::Beginning => "*",
        };
        write!(out, "{}{star}", self.text)
    }
}

/// What is wrong with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternFault {
    /// It is neither `type/subtype`, `type/*`, `type/begin*` nor `*`.
    Form,
    /// The byte at this place cannot be part of a MIME type.
    Byte {
        /// Bytes before it.
        at: usize,
    },
    /// Longer than [`PATTERN_BYTES_MAX`].
    TooLong,
}

impl fmt::Display for PatternFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => {
                out.write_str("expected a MIME type: type/subtype, type/*, type/begin* or *")
            }
            Self::Byte { at } => {
                write!(out, "character {} cannot be part of a MIME type", at.saturating_add(1))
            }
            Self::TooLong => write!(out, "a MIME type has {PATTERN_BYTES_MAX} bytes at most"),
        }
    }
}

impl std::error::Error for PatternFault {}

/// All rules, the most specific first.
#[derive(Clone, Debug, Default)]
pub(super) struct MimeTable {
    rules: Box<[MimeRule]>,
}

impl MimeTable {
    pub(super) fn compile(mut rules: Vec<MimeRule>) -> Result<Self, PolicyFault> {
        if rules.len() > RULES_MAX {
            return Err(PolicyFault::TooManyRules { count: rules.len() });
        }
        rules.sort_by(|one, other| specificity(&one.pattern).cmp(&specificity(&other.pattern)));
        rules.dedup();
        for pair in rules.windows(2) {
            if let [one, other] = pair
                && one.pattern == other.pattern
            {
                return Err(PolicyFault::RulesDisagree { pattern: one.pattern.to_string().into() });
            }
        }
        Ok(Self { rules: rules.into() })
    }

    /// The rule for a raw `Content-Type` value; parameters do not count.
    pub(super) fn rule(&self, content_type: &[u8]) -> Option<&MimeRule> {
        let mime = bare(content_type);
        self.rules.iter().find(|rule| rule.pattern.fits(mime))
    }

    pub(super) fn digest_into(&self, digest: &mut Sha256) {
        for rule in &self.rules {
            let above = rule.above.map(|(limit, action)| (limit, action.name()));
            digest.update(format!("{} {} {above:?}\n", rule.pattern, rule.action.name()));
        }
    }
}

/// The type in a raw `Content-Type`, without its parameters.
pub(super) fn bare(content_type: &[u8]) -> &[u8] {
    content_type.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii()
}

/// Sorts the specific to the front: whole types, then long beginnings, then short ones.
fn specificity(pattern: &Pattern) -> (bool, std::cmp::Reverse<usize>, &str) {
    let beginning = matches!(pattern.reach, Reach::Beginning);
    (beginning, std::cmp::Reverse(pattern.text.len()), &pattern.text)
}

/// The characters of a token (RFC 9110 section 5.6.2), and the `/` between the two.
const fn is_type_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#' | b'$' | b'&' | b'-' | b'^' | b'_' | b'.' | b'+' | b'/')
}

/// Rules are tried one by one for each message; a thousand comparisons of a few bytes are some microseconds.
pub const RULES_MAX: usize = 1024;

/// RFC 6838 allows 127 characters on each side of the slash.
pub const PATTERN_BYTES_MAX: usize = 255;
