//! From signatures to the tables of [`super::image`].
//!
//! In order: segments of every signature; one draft for each distinct segment; the plan of families from
//! their runs; anchors; contents (a draft with a delay); bitmaps and buckets. Every step goes through
//! the signatures in their order and through no hash table in its own, so that the same input gives the
//! same bytes.

#![forbid(unsafe_code)]

use super::anchor::{Anchor, Chooser, FamilyKind, Plan, longest_run};
use super::facts::TargetSet;
use super::grams::GramCounts;
use super::image::{self, Content, Entry, Family, Fixed, GapRange, Header, Rule, User};
use super::segment::Segments;
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
    let segmented: Vec<Option<Segments>> =
        signatures.iter().map(|signature| Segments::of(&signature.pattern)).collect();
    let mut drafts = Drafts::default();
    let ids: Vec<Vec<usize>> =
        segmented.iter().map(|segments| drafts.intern(segments.as_ref())).collect();
    let runs: Vec<usize> = drafts.list.iter().map(|draft| draft.run).collect();
    let plan = Plan::of(&runs);
    let mut chooser = Chooser::new(training, plan);
    for draft in &mut drafts.list {
        draft.anchor = chooser.choose(&draft.part);
    }
    let mut builder = Builder::new(&drafts.list);
    for ((signature, segments), ids) in signatures.iter().zip(&segmented).zip(&ids) {
        builder.add(signature, segments.as_ref(), ids);
    }
    builder.finish(plan)
}

/// A distinct segment.
#[derive(Debug)]
struct Draft {
    part: Part,
    run: usize,
    anchor: Option<Anchor>,
}

#[derive(Debug, Default)]
struct Drafts {
    list: Vec<Draft>,
    index: std::collections::BTreeMap<Vec<u8>, usize>,
}

impl Drafts {
    fn intern(&mut self, segments: Option<&Segments>) -> Vec<usize> {
        let parts = segments.map_or(&[][..], |segments| &segments.parts);
        parts.iter().map(|part| self.intern_part(part)).collect()
    }

    fn intern_part(&mut self, part: &Part) -> usize {
        let mut key = vec![boundary::encode(part.left), boundary::encode(part.right)];
        program::encode(&part.units, program::Walk::Forwards, &mut key);
        let next = self.list.len();
        let id = *self.index.entry(key).or_insert(next);
        if id == next {
            self.list.push(Draft {
                part: part.clone(),
                run: longest_run(&part.units),
                anchor: None,
            });
        }
        id
    }
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
    draft: usize,
    delay: u32,
    place: Place,
    /// Whether it is a later segment of its users: then nobody looks for it before a first one was seen.
    follows: bool,
    users: Vec<User>,
    targets: u16,
}

#[derive(Debug)]
struct Builder<'d> {
    drafts: &'d [Draft],
    contents: Vec<ContentDraft>,
    index: AHashMap<(usize, u32, Place, bool), usize>,
    rules: Vec<Rule>,
    gaps: Vec<GapRange>,
    fixed: Vec<Fixed>,
}

impl<'d> Builder<'d> {
    fn new(drafts: &'d [Draft]) -> Self {
        let index = AHashMap::with_hasher(RandomState::with_seeds(5, 6, 7, 8));
        Self {
            drafts,
            contents: Vec::new(),
            index,
            rules: Vec::new(),
            gaps: Vec::new(),
            fixed: Vec::new(),
        }
    }

    fn add(&mut self, signature: &BodySignature, segments: Option<&Segments>, ids: &[usize]) {
        let id = narrow(self.rules.len());
        let gaps_start = narrow(self.gaps.len());
        for gap in segments.map_or(&[][..], |segments| &segments.gaps) {
            let max = gap.max.map_or(image::NO_MAX, u64::from);
            self.gaps.push(GapRange { min: gap.min.into(), max: max.into() });
        }
        let targets = if segments.is_some() { target_bit(signature.target) } else { 0 };
        self.rules.push(rule(signature, targets, gaps_start, narrow(self.gaps.len())));
        let mut slack = 0;
        for (segment, &draft) in ids.iter().enumerate() {
            let places = if segment == 0 {
                fixed_places(signature.offset, signature.pattern.lead)
            } else {
                None
            };
            slack = self.add_segment(
                draft,
                slack,
                places,
                User { signature: id.into(), segment: narrow(segment).into() },
            );
        }
    }

    /// Adds one use of a segment. `slack` is by how much the decision about the segment before may come
    /// after its end; so is the result for this one. A segment is decided strictly after whatever it may
    /// follow, so that its predecessors' ends are known by then.
    fn add_segment(
        &mut self,
        draft_id: usize,
        slack: u32,
        places: Option<(u64, u64)>,
        user: User,
    ) -> u32 {
        let draft = &self.drafts[draft_id];
        let place = match (&draft.anchor, places) {
            (Some(anchor), Some(_)) if anchor.family == FamilyKind::Pair => Place::Fixed,
            (None, Some(_)) => Place::Fixed,
            (Some(_), _) => Place::Filter,
            (None, None) => Place::Everywhere,
        };
        let split = if place == Place::Filter {
            draft.anchor.as_ref().map_or(0, |anchor| anchor.unit)
        } else {
            0
        };
        let (head, tail) = draft.part.units.split_at(split);
        let (head, tail) = (program::length(head), program::length(tail));
        let look = boundary::look_after(draft.part.right)
            .max(program::looks_behind_itself(&draft.part.units).into());
        let own = tail.max.saturating_add(look);
        let after = if user.segment == 0 { 0 } else { (slack + 1).saturating_sub(head.min) };
        let delay = own.max(after);
        let content = self.content(draft_id, delay, place, user.segment != 0);
        let targets = self.rules.last().map_or(0, |rule| rule.targets.get());
        self.contents[content].users.push(user);
        self.contents[content].targets |= targets;
        if let (Place::Fixed, Some((first, last))) = (place, places) {
            let content = narrow(content).into();
            self.fixed.extend(
                (first..=last).map(|position| Fixed { position: position.into(), content }),
            );
        }
        delay.saturating_sub(tail.min)
    }

    fn content(&mut self, draft: usize, delay: u32, place: Place, follows: bool) -> usize {
        let next = self.contents.len();
        let id = *self.index.entry((draft, delay, place, follows)).or_insert(next);
        if id == next {
            self.contents.push(ContentDraft {
                draft,
                delay,
                place,
                follows,
                users: Vec::new(),
                targets: 0,
            });
        }
        id
    }

    fn finish(mut self, plan: Plan) -> Vec<u8> {
        self.fixed.sort_by_key(|fixed| (fixed.position.get(), fixed.content.get()));
        let mut layout = Layout::default();
        for content in &self.contents {
            layout.add_content(content, &self.drafts[content.draft]);
        }
        for kind in FamilyKind::ALL {
            layout.add_families(kind, plan.stride(kind), &self);
        }
        layout.dense = self.places(Place::Everywhere);
        layout.into_bytes(&self)
    }

    fn places(&self, place: Place) -> Vec<U32> {
        let numbered = self.contents.iter().enumerate();
        numbered
            .filter(|(_, content)| content.place == place)
            .map(|(index, _)| narrow(index).into())
            .collect()
    }
}

/// The tables as they grow.
#[derive(Debug, Default)]
struct Layout {
    families: Vec<Family>,
    words: Vec<U32>,
    buckets: Vec<U32>,
    entries: Vec<Entry>,
    contents: Vec<Content>,
    programs: Vec<u8>,
    users: Vec<User>,
    dense: Vec<U32>,
    window_bytes: u32,
    chain_max: u32,
    users_max: u32,
}

impl Layout {
    fn add_content(&mut self, content: &ContentDraft, draft: &Draft) {
        let anchor = draft.anchor.as_ref().filter(|_| content.place == Place::Filter);
        let (head, tail) = draft.part.units.split_at(anchor.map_or(0, |anchor| anchor.unit));
        let head_start = narrow(self.programs.len());
        program::encode(head, program::Walk::Backwards, &mut self.programs);
        let tail_start = narrow(self.programs.len());
        program::encode(tail, program::Walk::Forwards, &mut self.programs);
        let users_start = narrow(self.users.len());
        self.users.extend_from_slice(&content.users);
        let head = program::length(head);
        self.contents.push(Content {
            head_start: head_start.into(),
            tail_start: tail_start.into(),
            tail_end: narrow(self.programs.len()).into(),
            head_max: head.max.into(),
            delay: content.delay.into(),
            users_start: users_start.into(),
            users_end: narrow(self.users.len()).into(),
            targets: content.targets.into(),
            left: boundary::encode(draft.part.left),
            right: boundary::encode(draft.part.right),
            varies: u8::from(!head.is_fixed()),
            follows: content.follows.into(),
        });
        // And the bytes that a left edge looks at.
        self.window_bytes = self
            .window_bytes
            .max(head.max.saturating_add(content.delay).saturating_add(boundary::LOOK_BEFORE));
        self.users_max = self.users_max.max(narrow(content.users.len()));
    }

    /// The family of first segments and the one of later ones: with buckets of their own over one bitmap,
    /// so that what was found for the one need not be looked for again for the other.
    fn add_families(&mut self, kind: FamilyKind, stride: u8, builder: &Builder<'_>) {
        let (first, first_targets) = rows(kind, false, builder);
        let (later, later_targets) = rows(kind, true, builder);
        let all = [&first[..], &later[..]].concat();
        if all.is_empty() {
            return;
        }
        let shape = Family {
            gram_bytes: kind.gram_bytes(),
            stride,
            words_start: narrow(self.words.len()).into(),
            ..bitmap::shape(kind, &all)
        };
        bitmap::fill(&shape, &all, &mut self.words);
        for (rows, follows, targets) in [(first, 0, first_targets), (later, 1, later_targets)] {
            if rows.is_empty() {
                continue;
            }
            let family = Family {
                follows,
                targets: U16::new(targets),
                buckets_start: narrow(self.buckets.len()).into(),
                ..shape
            };
            let chain =
                bitmap::sort_into_buckets(&family, rows, &mut self.buckets, &mut self.entries);
            self.chain_max = self.chain_max.max(chain);
            self.families.push(family);
        }
    }

    fn into_bytes(self, builder: &Builder<'_>) -> Vec<u8> {
        let sections: [&[u8]; image::SECTIONS] = [
            self.families.as_bytes(),
            self.words.as_bytes(),
            self.buckets.as_bytes(),
            self.entries.as_bytes(),
            self.contents.as_bytes(),
            &self.programs,
            self.users.as_bytes(),
            builder.rules.as_bytes(),
            builder.gaps.as_bytes(),
            builder.fixed.as_bytes(),
            self.dense.as_bytes(),
        ];
        let header = Header {
            magic: image::MAGIC,
            version: image::VERSION.into(),
            window_bytes: self.window_bytes.saturating_add(1).into(),
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

/// The grams and entries of one kind, and the layers that they are for.
fn rows(kind: FamilyKind, follows: bool, builder: &Builder<'_>) -> (Vec<(u64, Entry)>, u16) {
    let mut rows = Vec::new();
    let mut targets = 0;
    for (index, content) in builder.contents.iter().enumerate() {
        let here = content.place == Place::Filter && content.follows == follows;
        let anchor = builder.drafts[content.draft].anchor.as_ref();
        let Some(anchor) = anchor.filter(|anchor| here && anchor.family == kind) else {
            continue;
        };
        targets |= content.targets;
        for (back, gram) in anchor.grams.iter().enumerate() {
            let back = u16::try_from(back).unwrap_or(u16::MAX);
            let entry = Entry {
                gram: (*gram).into(),
                value: anchor.check.value.into(),
                mask: anchor.check.mask.into(),
                content: narrow(index).into(),
                check: anchor.check.from_anchor.saturating_sub_unsigned(back).into(),
                back: back.into(),
            };
            rows.push((*gram, entry));
        }
    }
    (rows, targets)
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
    };
    Rule {
        targets: targets.into(),
        offset: offset.into(),
        section: section.into(),
        plus: plus.into(),
        shift: signature.offset.shift.into(),
        lead: signature.pattern.lead.into(),
        trail: signature.pattern.trail.into(),
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
        | OffsetBase::InSection { .. } => None,
    }
}

fn target_bit(target: Target) -> u16 {
    match target {
        Target::Any => TargetSet::ANY.bits(),
        one => TargetSet::of(one).bits() & !TargetSet::ANY.bits(),
    }
}

/// An index of a table. A set whose tables pass four thousand million rows does not fit a machine.
pub(super) fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Up to so many positions are tried one by one instead of filtering the whole stream for a short part.
const FIXED_SHIFT_MAX: u32 = 64;
