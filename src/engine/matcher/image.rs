//! How a compiled set lies in memory: a header, a directory of sections, and tables viewed in place.
//!
//! All integers are little endian and of alignment 1, so a block may lie anywhere in a mapped file
//! and nothing is read before it is needed. `open` looks at lengths only; `check` looks at every index,
//! once, when the image around the block is opened. The block carries no digest of its own: the image does.

#![forbid(unsafe_code)]

use super::simd::PAIR_SIEVE_WORDS;
use super::{boundary, program};
use crate::engine::database::signature::Target;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Why a block of bytes is not a compiled set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatcherFault {
    /// Shorter than its header or than its directory says.
    Truncated,
    /// It does not begin as a compiled set does.
    Magic,
    /// A layout of another version.
    Version {
        /// As found.
        found: u32,
    },
    /// A section's length is not a multiple of what it holds.
    Section(&'static str),
    /// An index in this table leads out of the table that it points into.
    Index(&'static str),
}

impl std::fmt::Display for MatcherFault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truncated => out.write_str("compiled patterns are cut short"),
            Self::Magic => out.write_str("not a set of compiled patterns"),
            Self::Version { found } => {
                write!(out, "compiled patterns have layout {found}, this program reads {VERSION}")
            }
            Self::Section(name) => {
                write!(out, "section {name} of the compiled patterns has a wrong length")
            }
            Self::Index(name) => {
                write!(out, "an index in table {name} of the compiled patterns leads nowhere")
            }
        }
    }
}

impl std::error::Error for MatcherFault {}

/// The tables of a compiled set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables<'image> {
    pub(super) header: &'image Header,
    pub(super) families: &'image [Family],
    /// The sieves of all families, in words.
    pub(super) sieve: &'image [U32],
    /// The bitmaps of all families, in words.
    pub(super) words: &'image [U32],
    /// For each family, where the entries of each bucket begin; one more than there are buckets.
    pub(super) buckets: &'image [U32],
    pub(super) entries: &'image [Entry],
    pub(super) contents: &'image [Content],
    pub(super) programs: &'image [u8],
    pub(super) users: &'image [User],
    pub(super) rules: &'image [Rule],
    pub(super) gaps: &'image [GapRange],
    /// Contents that are looked for at one position only, by position.
    pub(super) fixed: &'image [Fixed],
    /// Contents that are tried at every position: those without two adjacent fixed bytes.
    pub(super) dense: &'image [U32],
    /// For people: the anchors that cost most.
    pub(super) costly: &'image [Costly],
}

/// The start of a block.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Header {
    pub(super) magic: [u8; 8],
    pub(super) version: U32,
    /// Bytes of a layer that are kept between two chunks.
    pub(super) window_bytes: U32,
    /// The most entries of one gram.
    pub(super) chain_max: U32,
    /// The most users of one content.
    pub(super) users_max: U32,
    /// Byte lengths of the sections, which follow in the order of [`Tables`].
    pub(super) lengths: [U64; SECTIONS],
}

/// Patterns that share a gram length, with tables of their own.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Family {
    /// Bytes of a gram: 2, 3 or 6.
    pub(super) gram_bytes: u8,
    /// Not 0 when grams are without case, and so must be what is looked up.
    pub(super) fold: u8,
    /// Which segments it holds, one of the `*_PARTS`. One of later ones only sleeps until a first segment
    /// was seen in the layer.
    pub(super) parts: u8,
    pub(super) reserved: u8,
    /// The kinds of layers that any of its entries is for.
    pub(super) targets: U16,
    /// Layers of none of these kinds have other families; 0 when there is no such choice.
    pub(super) only: U16,
    /// Layers of any of these kinds have other families.
    pub(super) never: U16,
    /// The most entries of one gram.
    pub(super) chain_max: U32,
    /// Parts whose anchor is here.
    pub(super) parts_count: U32,
    /// Anchors expected in 2^30 bytes of the traffic trained on, all together.
    pub(super) rate: U64,
    /// log2 of the number of the sieve's words.
    pub(super) sieve_log2: U32,
    pub(super) sieve_start: U32,
    /// log2 of the number of bitmap words.
    pub(super) words_log2: U32,
    pub(super) words_start: U32,
    pub(super) buckets_log2: U32,
    pub(super) buckets_start: U32,
    /// Odd factor of the hash.
    pub(super) factor: U64,
    /// The bytes of which a run passes the bitmap, one bit each.
    pub(super) runs: [u8; 32],
}

impl Family {
    /// What the sieve's hash begins with.
    pub(super) fn salt(&self) -> u32 {
        let [a, b, c, d, ..] = self.factor.get().to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// Whether a layer of these kinds is looked at with this family.
    pub(super) fn serves(&self, targets: u16) -> bool {
        self.targets.get() & targets != 0
            && (self.only.get() == 0 || self.only.get() & targets != 0)
            && self.never.get() & targets == 0
    }
}

/// A gram of a content: what a candidate is compared with. Two of them fill a cache line.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Entry {
    /// Buckets are shared by chance: most of what comes here has another gram.
    pub(super) gram: U64,
    /// Eight bytes near the gram, masked.
    pub(super) value: U64,
    pub(super) mask: U64,
    pub(super) content: U32,
    /// From the position of the gram, which is the anchor of the content, to those eight bytes.
    pub(super) check: zerocopy::little_endian::I16,
    /// The kinds of layers that the content is for.
    pub(super) targets: U16,
}

/// One of the anchors that are expected most often in ordinary traffic.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Costly {
    /// As it is looked up, little endian.
    pub(super) gram: U64,
    pub(super) gram_bytes: U32,
    /// Parts that have it.
    pub(super) parts_count: U32,
    /// How often it is expected in 2^30 bytes.
    pub(super) rate: U64,
}

/// A segment, compiled; shared by all signatures that contain it.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Content {
    /// The program from the anchor backwards, then the one forwards.
    pub(super) head_start: U32,
    pub(super) tail_start: U32,
    pub(super) tail_end: U32,
    /// The most bytes before the anchor.
    pub(super) head_max: U32,
    /// Bytes after the anchor at which it is decided: its own, what its right edge looks at, and enough
    /// for its predecessors to be decided before it.
    pub(super) delay: U32,
    pub(super) users_start: U32,
    pub(super) users_end: U32,
    /// The kinds of layers that any of its users is for.
    pub(super) targets: U16,
    pub(super) left: u8,
    pub(super) right: u8,
    /// Not 0 when one start may be found from several anchors.
    pub(super) varies: u8,
    /// Not 0 when it is a later segment of all its users, and common.
    pub(super) follows: u8,
}

/// A signature that contains a content, and where in it.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct User {
    pub(super) signature: U32,
    pub(super) segment: U32,
}

/// What a signature asks beside its bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Rule {
    /// One bit, as in a `TargetSet`; 0 for a signature that can never match.
    pub(super) targets: U16,
    /// One of the `OFFSET_*` codes.
    pub(super) offset: U16,
    pub(super) section: U16,
    /// The offset's number; the entry point's is signed, in two's complement.
    pub(super) plus: U64,
    pub(super) shift: U32,
    pub(super) lead: U32,
    pub(super) trail: U32,
    /// Hits after which nobody asks for more.
    pub(super) hits_max: U32,
    /// Where the segments are that nobody looks for before the first one was seen; bits of `Follows`.
    pub(super) follows: u8,
    /// Gaps of this signature: one for each segment but the last.
    pub(super) gaps_start: U32,
    pub(super) gaps_end: U32,
}

/// The bytes allowed between two segments; `max` of [`NO_MAX`] for any number.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct GapRange {
    pub(super) min: U32,
    pub(super) max: U64,
}

/// A content at one position.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Fixed {
    pub(super) position: U64,
    /// The eight bytes there, masked: most layers have others.
    pub(super) value: U64,
    pub(super) mask: U64,
    pub(super) content: U32,
    /// The kinds of layers that the signature is for.
    pub(super) targets: U16,
}

impl<'image> Tables<'image> {
    pub(super) fn open(bytes: &'image [u8]) -> Result<Self, MatcherFault> {
        let (header, body) = Header::ref_from_prefix(bytes).map_err(|_| MatcherFault::Truncated)?;
        if header.magic != MAGIC {
            return Err(MatcherFault::Magic);
        }
        if header.version.get() != VERSION {
            return Err(MatcherFault::Version { found: header.version.get() });
        }
        let mut rest = body;
        let mut sections: [&[u8]; SECTIONS] = [&[]; SECTIONS];
        for (section, length) in sections.iter_mut().zip(header.lengths) {
            let length = usize::try_from(length.get()).map_err(|_| MatcherFault::Truncated)?;
            (*section, rest) = rest.split_at_checked(length).ok_or(MatcherFault::Truncated)?;
        }
        let [
            families,
            sieve,
            words,
            buckets,
            entries,
            contents,
            programs,
            users,
            rules,
            gaps,
            fixed,
            dense,
            costly,
        ] = sections;
        Ok(Self {
            header,
            families: view(families, "families")?,
            sieve: view(sieve, "sieve")?,
            words: view(words, "words")?,
            buckets: view(buckets, "buckets")?,
            entries: view(entries, "entries")?,
            contents: view(contents, "contents")?,
            programs,
            users: view(users, "users")?,
            rules: view(rules, "rules")?,
            gaps: view(gaps, "gaps")?,
            fixed: view(fixed, "fixed")?,
            dense: view(dense, "dense")?,
            costly: view(costly, "costly")?,
        })
    }

    /// Every index leads into its table, every program can be read.
    pub(super) fn check(&self) -> Result<(), MatcherFault> {
        if self.families.len() > FAMILIES_MAX {
            return Err(MatcherFault::Index("families"));
        }
        for family in self.families {
            self.check_family(family)?;
        }
        self.check_contents()?;
        let content = |content: &U32| (content.get() as usize) < self.contents.len();
        let entries_fit = self.entries.iter().all(|entry| content(&entry.content));
        let fixed_fit = self.fixed.iter().all(|fixed| content(&fixed.content));
        let sorted = self.fixed.is_sorted_by_key(|fixed| fixed.position.get());
        for (fits, name) in [
            (entries_fit, "entries"),
            (fixed_fit && sorted, "fixed"),
            (self.dense.iter().all(content), "dense"),
        ] {
            fits.then_some(()).ok_or(MatcherFault::Index(name))?;
        }
        let rule_fits = |rule: &Rule| {
            range(self.gaps, rule.gaps_start, rule.gaps_end).is_some()
                && rule.offset.get() <= OFFSET_LAST
        };
        self.rules.iter().all(rule_fits).then_some(()).ok_or(MatcherFault::Index("rules"))?;
        let user_fits = |user: &User| {
            let rule = self.rules.get(user.signature.get() as usize);
            rule.is_some_and(|rule| {
                user.segment.get() <= rule.gaps_end.get() - rule.gaps_start.get()
            })
        };
        self.users.iter().all(user_fits).then_some(()).ok_or(MatcherFault::Index("users"))
    }

    fn check_family(&self, family: &Family) -> Result<(), MatcherFault> {
        let pairs = family.gram_bytes == 2;
        let words_fit = if pairs {
            family.words_log2.get() == PAIR_WORDS_LOG2
                && family.sieve_log2.get() == PAIR_SIEVE_WORDS.ilog2()
        } else {
            (WORDS_LOG2_MIN..=WORDS_LOG2_MAX).contains(&family.words_log2.get())
                && (SIEVE_LOG2_MIN..=SIEVE_LOG2_MAX).contains(&family.sieve_log2.get())
        };
        if !matches!(family.gram_bytes, 2 | 3 | 6)
            || family.parts > ALL_PARTS
            || !words_fit
            || family.buckets_log2.get() > BUCKETS_LOG2_MAX
        {
            return Err(MatcherFault::Index("families"));
        }
        let words = self.family_words(family).is_some() && self.family_sieve(family).is_some();
        let buckets = self.family_buckets(family).is_some_and(|buckets| {
            buckets.is_sorted_by_key(|start| start.get())
                && buckets.last().is_some_and(|end| end.get() as usize <= self.entries.len())
        });
        (words && buckets).then_some(()).ok_or(MatcherFault::Index("families"))
    }

    fn check_contents(&self) -> Result<(), MatcherFault> {
        for content in self.contents {
            let head = range(self.programs, content.head_start, content.tail_start);
            let tail = range(self.programs, content.tail_start, content.tail_end);
            let programs = head.zip(tail).is_some_and(|(head, tail)| {
                program::is_well_formed(head) && program::is_well_formed(tail)
            });
            let users = range(self.users, content.users_start, content.users_end).is_some();
            let edges = boundary::is_code(content.left) && boundary::is_code(content.right);
            let span = u64::from(content.head_max.get()) + u64::from(content.delay.get())
                < self.header.window_bytes.get().into();
            if !(programs && users && edges && span) {
                return Err(MatcherFault::Index("contents"));
            }
        }
        Ok(())
    }

    pub(super) fn family_words(&self, family: &Family) -> Option<&'image [U32]> {
        let start = family.words_start.get() as usize;
        self.words.get(start..start.checked_add(1 << family.words_log2.get())?)
    }

    pub(super) fn family_sieve(&self, family: &Family) -> Option<&'image [U32]> {
        let start = family.sieve_start.get() as usize;
        self.sieve.get(start..start.checked_add(1 << family.sieve_log2.get())?)
    }

    pub(super) fn family_buckets(&self, family: &Family) -> Option<&'image [U32]> {
        let start = family.buckets_start.get() as usize;
        self.buckets.get(start..start.checked_add((1 << family.buckets_log2.get()) + 1)?)
    }
}

/// The rows of a table between two indices.
pub(super) fn range<T>(table: &[T], start: U32, end: U32) -> Option<&[T]> {
    table.get(start.get() as usize..end.get() as usize)
}

fn view<'image, T: FromBytes + Immutable + Unaligned>(
    section: &'image [u8],
    name: &'static str,
) -> Result<&'image [T], MatcherFault> {
    <[T]>::ref_from_bytes(section).map_err(|_| MatcherFault::Section(name))
}

pub(super) const MAGIC: [u8; 8] = *b"bln-body";

/// Goes up with every change of a table or of a hash.
pub(super) const VERSION: u32 = 6;

/// Tables after the header.
pub(super) const SECTIONS: usize = 13;

/// First segments, later ones, and both.
pub(super) const FIRST_PARTS: u8 = 0;
pub(super) const LATER_PARTS: u8 = 1;
pub(super) const ALL_PARTS: u8 = 2;

/// For each of three kinds: first segments and later ones, for every kind of layer.
pub(super) const FAMILIES_MAX: usize = 3 * 2 * (Target::ALL.len() + 1);

/// No upper end of a gap.
pub(super) const NO_MAX: u64 = u64::MAX;

pub(super) const OFFSET_ANY: u16 = 0;
pub(super) const OFFSET_START: u16 = 1;
pub(super) const OFFSET_END: u16 = 2;
pub(super) const OFFSET_ENTRY: u16 = 3;
pub(super) const OFFSET_SECTION: u16 = 4;
pub(super) const OFFSET_LAST_SECTION: u16 = 5;
pub(super) const OFFSET_IN_SECTION: u16 = 6;
pub(super) const OFFSET_VERSION: u16 = 7;
const OFFSET_LAST: u16 = OFFSET_VERSION;

/// 4 MiB of sieve: more would be out of every cache.
pub(super) const SIEVE_LOG2_MAX: u32 = 20;

/// 4 KiB: the smallest sieve. There is one for every kind of layer.
pub(super) const SIEVE_LOG2_MIN: u32 = 10;

/// 32 KiB, for any number of grams of three bytes: only parts of three to five bytes have them.
pub(super) const SIEVE_OF_THREES_LOG2_MAX: u32 = 13;

/// 2^24 bits of bitmap, 2 MiB.
pub(super) const WORDS_LOG2_MAX: u32 = 19;

pub(super) const WORDS_LOG2_MIN: u32 = 8;

/// All 2^16 pairs of bytes, one bit each.
pub(super) const PAIR_WORDS_LOG2: u32 = 11;

pub(super) const BUCKETS_LOG2_MAX: u32 = 22;
