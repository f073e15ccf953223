//! From signatures to the tables of [`super::image`].
//!
//! Signature by signature: its segments; for each segment not seen before an anchor and a program; for
//! each use of a segment its content (a segment with a delay). Then bitmaps and buckets. Nothing of a
//! pattern is kept but its compiled form, so the memory needed is that of the image and some tables of
//! indices. Every step goes through the signatures in their order and through no hash table in its own,
//! so that the same input gives the same bytes.
//!
//! Every kind of layer has filters of its own, with what may match in it: executables for Windows have nine
//! in ten patterns of the official set, and no other layer pays for them.

#![forbid(unsafe_code)]

use super::anchor::{Anchor, Chooser, FamilyKind, head_of, ignores_case};
use super::facts::TargetSet;
use super::grams::{GramCounts, World};
use super::image::{self, Content, Costly, Entry, Family, Fixed, GapRange, Header, Rule, User};
use super::segment::Segments;
use super::state::{Follows, HITS_MAX};
use super::{bitmap, boundary, program};
use crate::engine::database::signature::{BodySignature, Offset, OffsetBase, Part, Target};
use ahash::{AHashMap, RandomState};
use zerocopy::IntoBytes;
use zerocopy::little_endian::{U16, U32};

/// Compiles patterns into one position-independent block of bytes. The n-th signature gets the id n.
/// The same signatures and counts give the same bytes.
///
/// A signature that can never match (a pattern without parts, a part without units) keeps its id and
/// costs nothing; the loaders refuse such lines.
#[must_use]
pub fn compile(signatures: &[BodySignature], training: &GramCounts) -> Vec<u8> {
    compile_with(signatures, training, MERGED_RATE)
}

/// The same for another limit of what is looked for with the first segments.
pub(super) fn compile_with(
    signatures: &[BodySignature],
    training: &GramCounts,
    merged_rate: u64,
) -> Vec<u8> {
    let fold = signatures
        .iter()
        .any(|signature| signature.pattern.parts.iter().any(|part| ignores_case(&part.units)));
    let mut builder = Builder::new(training, fold, merged_rate);
    for signature in signatures {
        let segments = Segments::of(&signature.pattern, signature.hits_max == 1);
        builder.add(signature, segments.as_ref());
    }
    builder.finish()
}

/// A distinct segment.
#[derive(Debug)]
struct Draft {
    anchor: Option<Anchor>,
}

/// How a content is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// By its anchor in the filter.
    Filter,
    /// At given positions only.
    Fixed,
    /// By trying every position.
    Everywhere,
}

/// A content before it is laid out.
#[derive(Debug)]
struct ContentDraft {
    draft: u32,
    place: Place,
    /// Without its users.
    row: Content,
}

#[derive(Debug)]
struct Builder<'t> {
    chooser: Chooser<'t>,
    fold: bool,
    merged_rate: u64,
    drafts: Vec<Draft>,
    /// The drafts by what they say.
    known: AHashMap<Box<[u8]>, u32>,
    contents: Vec<ContentDraft>,
    /// By draft, delay, place, and whether it follows.
    index: AHashMap<(u32, u32, Place, bool), u32>,
    programs: Vec<u8>,
    /// The users of all contents, in the order of the signatures.
    uses: Vec<(u32, User)>,
    rules: Vec<Rule>,
    gaps: Vec<GapRange>,
    fixed: Vec<Fixed>,
    window_bytes: u32,
}

impl<'t> Builder<'t> {
    fn new(training: &'t GramCounts, fold: bool, merged_rate: u64) -> Self {
        let seeds = RandomState::with_seeds(5, 6, 7, 8);
        Self {
            chooser: Chooser::new(training, fold),
            fold,
            merged_rate,
            drafts: Vec::new(),
            known: AHashMap::with_hasher(seeds.clone()),
            contents: Vec::new(),
            index: AHashMap::with_hasher(seeds),
            programs: Vec::new(),
            uses: Vec::new(),
            rules: Vec::new(),
            gaps: Vec::new(),
            fixed: Vec::new(),
            window_bytes: 0,
        }
    }

    /// The draft of a part, the same for the same part in the same world.
    fn intern(&mut self, part: &Part, world: World) -> u32 {
        let is_text = u8::from(world == World::Text);
        let mut key = vec![is_text, boundary::encode(part.left), boundary::encode(part.right)];
        program::encode(&part.units, program::Walk::Forwards, &mut key);
        if let Some(id) = self.known.get(&key[..]) {
            return *id;
        }
        let id = narrow(self.drafts.len());
        self.drafts.push(Draft { anchor: self.chooser.choose(part, world) });
        self.known.insert(key.into_boxed_slice(), id);
        id
    }

    fn add(&mut self, signature: &BodySignature, segments: Option<&Segments>) {
        let id = narrow(self.rules.len());
        let gaps_start = narrow(self.gaps.len());
        for gap in segments.map_or(&[][..], |segments| &segments.gaps) {
            let max = gap.max.map_or(image::NO_MAX, u64::from);
            self.gaps.push(GapRange { min: gap.min.into(), max: max.into() });
        }
        let targets = if segments.is_some() { target_bit(signature.target) } else { 0 };
        self.rules.push(rule(signature, targets, gaps_start, narrow(self.gaps.len())));
        let mut slack = 0;
        let parts = segments.map_or(&[][..], |segments| &segments.parts);
        for (segment, part) in parts.iter().enumerate() {
            let places = if segment == 0 {
                fixed_places(signature.offset, signature.pattern.lead)
            } else {
                None
            };
            let user = User { signature: id.into(), segment: narrow(segment).into() };
            slack = self.add_segment(part, slack, places, user);
        }
    }

    /// Adds one use of a segment. `slack` is by how much the decision about the segment before may come
    /// after its end; so is the result for this one. A segment is decided strictly after whatever it may
    /// follow, so that its predecessors' ends are known by then.
    fn add_segment(
        &mut self,
        part: &Part,
        slack: u32,
        places: Option<(u64, u64)>,
        user: User,
    ) -> u32 {
        let targets = self.rules.last().map_or(0, |rule| rule.targets.get());
        let draft = self.intern(part, world_of(targets));
        let anchor = self.drafts.get(draft as usize).and_then(|draft| draft.anchor);
        let place = match (&anchor, places) {
            (Some(anchor), Some((first, last)))
                if anchor.family == FamilyKind::Pair
                    || (last - first < FIXED_FEW && anchor.is_common()) =>
            {
                Place::Fixed
            }
            (None, Some(_)) => Place::Fixed,
            (Some(_), _) => Place::Filter,
            (None, None) => Place::Everywhere,
        };
        let split = anchor.filter(|_| place == Place::Filter).map_or(0, |anchor| anchor.unit);
        let (head, tail) = part.units.split_at(split);
        let (head, tail) = (program::length(head), program::length(tail));
        let look =
            boundary::look_after(part.right).max(program::looks_behind_itself(&part.units).into());
        let own = tail.max.saturating_add(look);
        let after = if user.segment == 0 { 0 } else { (slack + 1).saturating_sub(head.min) };
        let delay = own.max(after);
        // What is rare is looked for from the start, which costs less than to look once more; but not
        // behind what is not, which is decided later.
        let is_rare = anchor.is_some_and(|anchor| anchor.is_rare());
        let behind = self.rules.last().is_some_and(|rule| rule.follows != 0);
        let follows = user.segment != 0 && (!is_rare || behind);
        if let Some(rule) = self.rules.last_mut().filter(|_| follows) {
            rule.follows |= match (place, anchor) {
                (Place::Filter, Some(anchor)) => Follows::of(anchor.family.gram_bytes()),
                _ => Follows::EVERYWHERE,
            };
        }
        let content = match self.index.get(&(draft, delay, place, follows)) {
            Some(content) => *content,
            None => self.add_content(part, split, (draft, delay, place, follows)),
        };
        self.uses.push((content, user));
        if let Some(content) = self.contents.get_mut(content as usize) {
            content.row.targets |= targets;
        }
        if let (Place::Fixed, Some((first, last))) = (place, places) {
            let check = head_of(&part.units);
            self.fixed.extend((first..=last).map(|position| Fixed {
                position: position.into(),
                value: check.value.into(),
                mask: check.mask.into(),
                content: content.into(),
                targets: targets.into(),
            }));
        }
        delay.saturating_sub(tail.min)
    }

    fn add_content(&mut self, part: &Part, split: usize, key: (u32, u32, Place, bool)) -> u32 {
        let (draft, delay, place, follows) = key;
        let (head, tail) = part.units.split_at(split);
        let head_start = narrow(self.programs.len());
        program::encode(head, program::Walk::Backwards, &mut self.programs);
        let tail_start = narrow(self.programs.len());
        program::encode(tail, program::Walk::Forwards, &mut self.programs);
        let head = program::length(head);
        let row = Content {
            head_start: head_start.into(),
            tail_start: tail_start.into(),
            tail_end: narrow(self.programs.len()).into(),
            head_max: head.max.into(),
            delay: delay.into(),
            users_start: U32::ZERO,
            users_end: U32::ZERO,
            targets: U16::ZERO,
            left: boundary::encode(part.left),
            right: boundary::encode(part.right),
            varies: u8::from(!head.is_fixed()),
            follows: follows.into(),
        };
        // One more for the byte that a left edge looks at.
        self.window_bytes = self
            .window_bytes
            .max(head.max.saturating_add(delay).saturating_add(boundary::LOOK_BEFORE));
        let id = narrow(self.contents.len());
        self.contents.push(ContentDraft { draft, place, row });
        self.index.insert(key, id);
        id
    }

    fn finish(mut self) -> Vec<u8> {
        // Their memory is better used for what comes now.
        self.known = AHashMap::with_hasher(RandomState::with_seeds(5, 6, 7, 8));
        self.index = AHashMap::with_hasher(RandomState::with_seeds(5, 6, 7, 8));
        self.fixed.sort_by_key(|fixed| (fixed.position.get(), fixed.content.get()));
        let mut layout = Layout::default();
        self.uses.sort_by_key(|(content, _)| *content);
        let mut uses = std::mem::take(&mut self.uses).into_iter().peekable();
        for (id, content) in self.contents.iter_mut().enumerate() {
            content.row.users_start = narrow(layout.users.len()).into();
            while let Some((_, user)) = uses.next_if(|(content, _)| *content as usize == id) {
                layout.users.push(user);
            }
            content.row.users_end = narrow(layout.users.len()).into();
            let users = content.row.users_end.get() - content.row.users_start.get();
            layout.users_max = layout.users_max.max(users);
        }
        let shares = self.shares();
        for kind in FamilyKind::ALL {
            layout.add_families(kind, &shares, &self);
        }
        layout.dense = self.places(Place::Everywhere);
        layout.costly = costly(&self);
        layout.into_bytes(&self)
    }

    /// The layers that families are for: one kind each, as far as anything is for that kind alone, and
    /// all others. All together in a small set.
    fn shares(&self) -> Vec<Share> {
        let filtered = || self.contents.iter().filter(|content| content.place == Place::Filter);
        if filtered().count() < SHARED_MIN {
            return vec![Share::Whole];
        }
        let any = target_bit(Target::Any);
        let is_asked =
            |bit: u16| filtered().any(|content| content.row.targets.get() & (bit | any) == bit);
        let kinds = Target::ALL.into_iter().map(target_bit);
        let kinds: Vec<u16> = kinds.filter(|bit| *bit != any && is_asked(*bit)).collect();
        let others = Share::Besides(kinds.iter().fold(0, |all, bit| all | bit));
        kinds.into_iter().map(Share::For).chain([others]).collect()
    }

    fn anchor(&self, content: &ContentDraft) -> Option<&Anchor> {
        self.drafts.get(content.draft as usize)?.anchor.as_ref()
    }

    fn content_of(&self, entry: &Entry) -> Option<&ContentDraft> {
        self.contents.get(entry.content.get() as usize)
    }

    /// Whether an entry is one of a later segment.
    fn follows(&self, entry: &Entry) -> bool {
        self.content_of(entry).is_some_and(|content| content.row.follows != 0)
    }

    /// How often any of some anchors is expected in 2^30 bytes.
    fn rate(&self, entries: &[&Entry]) -> u64 {
        let anchors = entries.iter().filter_map(|entry| self.anchor(self.content_of(entry)?));
        anchors.fold(0, |sum, anchor| sum.saturating_add(anchor.rate))
    }

    fn places(&self, place: Place) -> Vec<U32> {
        let numbered = self.contents.iter().enumerate();
        numbered
            .filter(|(_, content)| content.place == place)
            .map(|(index, _)| narrow(index).into())
            .collect()
    }
}

/// The layers that a set of families is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    /// All.
    Whole,
    /// Those of this kind.
    For(u16),
    /// Those of none of these kinds.
    Besides(u16),
}

impl Share {
    const fn holds(self, targets: u16) -> bool {
        match self {
            Self::Whole => true,
            Self::For(bit) => targets & (bit | target_bit(Target::Any)) != 0,
            Self::Besides(bits) => targets & !bits != 0,
        }
    }

    const fn only(self) -> u16 {
        if let Self::For(bit) = self { bit } else { 0 }
    }

    const fn never(self) -> u16 {
        if let Self::Besides(bits) = self { bits } else { 0 }
    }
}

/// The tables as they grow.
#[derive(Debug, Default)]
struct Layout {
    families: Vec<Family>,
    sieve: Vec<U32>,
    words: Vec<U32>,
    buckets: Vec<U32>,
    entries: Vec<Entry>,
    users: Vec<User>,
    dense: Vec<U32>,
    costly: Vec<Costly>,
    chain_max: u32,
    users_max: u32,
}

impl Layout {
    /// The families of a kind, for each share one of first segments and one of later ones; of both where
    /// the later ones are rare enough. Every one has a filter with what may match in its layers, and all
    /// have the same buckets.
    fn add_families(&mut self, kind: FamilyKind, shares: &[Share], builder: &Builder<'_>) {
        let rows = entries_of(kind, builder);
        if rows.is_empty() {
            return;
        }
        let mut shape = bitmap::shape(kind, builder.fold, &rows);
        let (buckets_start, first) = (narrow(self.buckets.len()), self.entries.len());
        let chain = bitmap::sort_into_buckets(&shape, rows, &mut self.buckets, &mut self.entries);
        self.chain_max = self.chain_max.max(chain);
        shape.chain_max = chain.into();
        shape.buckets_start = buckets_start.into();
        let entries = self.entries.split_off(first);
        for share in shares {
            let all = entries.iter().filter(|entry| share.holds(entry.targets.get()));
            let (later, early): (Vec<&Entry>, Vec<&Entry>) =
                all.clone().partition(|entry| builder.follows(entry));
            if early.is_empty() || later.is_empty() || builder.rate(&later) > builder.merged_rate {
                self.add_family(&shape, (kind, image::FIRST_PARTS), *share, &early, builder);
                self.add_family(&shape, (kind, image::LATER_PARTS), *share, &later, builder);
            } else {
                let all: Vec<&Entry> = all.collect();
                self.add_family(&shape, (kind, image::ALL_PARTS), *share, &all, builder);
            }
        }
        self.entries.extend(entries);
    }

    fn add_family(
        &mut self,
        shape: &Family,
        (kind, parts): (FamilyKind, u8),
        share: Share,
        entries: &[&Entry],
        builder: &Builder<'_>,
    ) {
        if entries.is_empty() {
            return;
        }
        let filled = bitmap::fill(shape, kind, entries.iter().copied());
        let family = filled.append(&mut self.sieve, &mut self.words);
        let targets = entries.iter().fold(0, |all, entry| all | entry.targets.get());
        self.families.push(Family {
            parts,
            targets: targets.into(),
            only: share.only().into(),
            never: share.never().into(),
            parts_count: narrow(entries.len()).into(),
            rate: builder.rate(entries).into(),
            ..family
        });
    }

    fn into_bytes(self, builder: &Builder<'_>) -> Vec<u8> {
        let contents: Vec<Content> = builder.contents.iter().map(|content| content.row).collect();
        let sections: [&[u8]; image::SECTIONS] = [
            self.families.as_bytes(),
            self.sieve.as_bytes(),
            self.words.as_bytes(),
            self.buckets.as_bytes(),
            self.entries.as_bytes(),
            contents.as_bytes(),
            &builder.programs,
            self.users.as_bytes(),
            builder.rules.as_bytes(),
            builder.gaps.as_bytes(),
            builder.fixed.as_bytes(),
            self.dense.as_bytes(),
            self.costly.as_bytes(),
        ];
        let header = Header {
            magic: image::MAGIC,
            version: image::VERSION.into(),
            window_bytes: builder.window_bytes.saturating_add(1).into(),
            chain_max: self.chain_max.into(),
            users_max: self.users_max.into(),
            lengths: sections.map(|section| (section.len() as u64).into()),
        };
        let mut bytes = header.as_bytes().to_vec();
        for section in sections {
            bytes.extend_from_slice(section);
        }
        bytes
    }
}

/// The entries of a kind of family.
fn entries_of(kind: FamilyKind, builder: &Builder<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (index, content) in builder.contents.iter().enumerate() {
        let here = content.place == Place::Filter;
        let anchor = builder.anchor(content).filter(|anchor| here && anchor.family == kind);
        entries.extend(anchor.map(|anchor| Entry {
            gram: anchor.gram.into(),
            value: anchor.check.value.into(),
            mask: anchor.check.mask.into(),
            content: narrow(index).into(),
            check: anchor.check.from_anchor.into(),
            targets: content.row.targets,
        }));
    }
    entries
}

/// The anchors that are expected most often, times the parts that have them; the worst one first.
fn costly(builder: &Builder<'_>) -> Vec<Costly> {
    let mut anchors: Vec<(FamilyKind, u64, u64)> = builder
        .contents
        .iter()
        .filter(|content| content.place == Place::Filter)
        .filter_map(|content| builder.anchor(content))
        .map(|anchor| (anchor.family, anchor.gram, anchor.rate))
        .collect();
    anchors.sort_unstable();
    let mut rows: Vec<Costly> = anchors
        .chunk_by(|one, other| one.1 == other.1 && one.0 == other.0)
        .filter_map(|same| {
            let (family, gram, rate) = same.last()?;
            Some(Costly {
                gram: (*gram).into(),
                gram_bytes: u32::from(family.gram_bytes()).into(),
                parts_count: narrow(same.len()).into(),
                rate: (*rate).into(),
            })
        })
        .collect();
    let cost = |row: &Costly| row.rate.get().saturating_mul(row.parts_count.get().into());
    rows.sort_by_key(|row| std::cmp::Reverse((cost(row), row.gram.get())));
    rows.truncate(COSTLY_COUNT);
    rows
}

fn rule(signature: &BodySignature, targets: u16, gaps_start: u32, gaps_end: u32) -> Rule {
    let (offset, section, plus) = match signature.offset.base {
        OffsetBase::Any => (image::OFFSET_ANY, 0, 0),
        OffsetBase::Start(plus) => (image::OFFSET_START, 0, plus),
        OffsetBase::End(plus) => (image::OFFSET_END, 0, plus),
        OffsetBase::EntryPoint(plus) => (image::OFFSET_ENTRY, 0, plus.cast_unsigned()),
        OffsetBase::Section { index, plus } => (image::OFFSET_SECTION, index, plus),
        OffsetBase::LastSection { plus } => (image::OFFSET_LAST_SECTION, 0, plus),
        OffsetBase::InSection { index } => (image::OFFSET_IN_SECTION, index, 0),
        OffsetBase::VersionInformation => (image::OFFSET_VERSION, 0, 0),
    };
    Rule {
        targets: targets.into(),
        offset: offset.into(),
        section: section.into(),
        plus: plus.into(),
        shift: signature.offset.shift.into(),
        lead: signature.pattern.lead.into(),
        trail: signature.pattern.trail.into(),
        hits_max: signature.hits_max.clamp(1, HITS_MAX).into(),
        follows: 0,
        gaps_start: gaps_start.into(),
        gaps_end: gaps_end.into(),
    }
}

/// The few positions at which the first segment may begin, where they are few.
fn fixed_places(offset: Offset, lead: u32) -> Option<(u64, u64)> {
    match offset.base {
        OffsetBase::Start(plus) if offset.shift <= FIXED_SHIFT_MAX => {
            let first = plus.checked_add(lead.into())?;
            Some((first, first.checked_add(offset.shift.into())?))
        }
        OffsetBase::Any
        | OffsetBase::Start(_)
        | OffsetBase::End(_)
        | OffsetBase::EntryPoint(_)
        | OffsetBase::Section { .. }
        | OffsetBase::LastSection { .. }
        | OffsetBase::InSection { .. }
        | OffsetBase::VersionInformation => None,
    }
}

/// What layers of these kinds are full of.
const fn world_of(targets: u16) -> World {
    let texts = target_bit(Target::Html) | target_bit(Target::Text) | target_bit(Target::Mail);
    if targets != 0 && targets & !texts == 0 { World::Text } else { World::All }
}

const fn target_bit(target: Target) -> u16 {
    TargetSet::NONE.with(target).bits()
}

/// An index of a table. A set whose tables pass four thousand million rows does not fit a machine.
pub(super) fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Up to so many positions are tried one by one instead of filtering the whole stream for a short part.
const FIXED_SHIFT_MAX: u32 = 64;

/// Up to so many positions are tried for any part whose anchor is a common one.
const FIXED_FEW: u64 = 8;

/// From so many contents with an anchor on, every kind of layer has families of its own: fewer would
/// share a few cache lines anyway.
const SHARED_MIN: usize = 512;

/// Later segments that are expected together at most once in eight bytes are looked for with the first
/// ones: to look at them in vain costs no more than a pass of their own, which a page that began one of
/// them takes from there on. The model takes texts for rows of common words, and expects too many.
const MERGED_RATE: u64 = 1 << 27;

/// The anchors listed for people.
const COSTLY_COUNT: usize = 20;
