//! From logical signatures to the tables of [`super::image`], and to the patterns for the matcher.
//!
//! Signatures come one by one, while lines are read, and leave rows behind; equal patterns, lists,
//! expressions and conditions are kept once. When all are there, `finish` decides by which parts each
//! signature is woken ([`super::need`]). The same signatures in the same order give the same bytes.

use std::collections::BTreeMap;

use zerocopy::IntoBytes;
use zerocopy::little_endian::U32;

use super::enough;
use super::image::{
    self, CompareRow, ConditionRow, Header, MacroRow, RegexRow, SignatureRow, SubRow,
};
use super::pool::{Pool, narrow};
use super::program;
use super::value::{Compare, Conditions, LogicalSignature, Regex, Subsignature};
use super::wake::{self, Wakes};
use crate::engine::database::report::Unsupported;
use crate::engine::database::signature::{
    BodySignature, NameId, Offset, OffsetBase, Pattern, Target, Unit,
};

/// Logical signatures while sources load.
#[derive(Debug)]
pub(crate) struct Collector {
    parts: Pool<BodySignature>,
    /// Members of macro groups, by target and group. They become parts when a signature asks for them.
    groups: BTreeMap<(Target, u8), Vec<(Offset, Pattern)>>,
    signatures: Vec<SignatureRow>,
    conditions: Pool<ConditionRow>,
    types: Pool<u8>,
    sub_ids: Pool<U32>,
    subs: Pool<SubRow>,
    members: Pool<U32>,
    /// The parts, the distance and the length of each read.
    reads: Pool<(u32, u32, i64, u8)>,
    reads_of_part: BTreeMap<u32, u32>,
    compares: Pool<CompareRow>,
    regexes: Pool<RegexRow>,
    macros: Vec<(MacroRow, (Target, u8))>,
    programs: Pool<u8>,
    texts: Pool<u8>,
}

impl Collector {
    pub(crate) fn new() -> Self {
        Self {
            parts: Pool::new(),
            groups: BTreeMap::new(),
            signatures: Vec::new(),
            conditions: Pool::new(),
            types: Pool::new(),
            sub_ids: Pool::new(),
            subs: Pool::new(),
            members: Pool::new(),
            reads: Pool::new(),
            reads_of_part: BTreeMap::new(),
            compares: Pool::new(),
            regexes: Pool::new(),
            macros: Vec::new(),
            programs: Pool::new(),
            texts: Pool::new(),
        }
    }

    /// Signatures so far.
    pub(crate) const fn count(&self) -> usize {
        self.signatures.len()
    }

    /// Takes a member of a macro group.
    pub(crate) fn add_member(&mut self, group: u8, body: BodySignature) {
        let BodySignature { target, offset, pattern, .. } = body;
        self.groups.entry((target, group)).or_default().push((offset, pattern));
    }

    /// Takes a signature that is reported under `name`.
    ///
    /// # Errors
    ///
    /// Why it cannot be evaluated. Nothing of it is looked at then.
    pub(crate) fn add(
        &mut self,
        name: NameId,
        signature: &LogicalSignature,
    ) -> Result<(), Unsupported> {
        self.check_references(&signature.subsignatures)?;
        let target = signature.target;
        let mut lists: Vec<(u32, u32)> = Vec::with_capacity(signature.subsignatures.len());
        for sub in &signature.subsignatures {
            lists.push(match sub {
                Subsignature::Patterns(patterns) => self.patterns(target, patterns),
                Subsignature::Compare(_) | Subsignature::Regex(_) | Subsignature::Macro { .. } => {
                    (0, 0)
                }
            });
        }
        let mut subs: Vec<U32> = Vec::with_capacity(lists.len());
        let mut before = (0, 0);
        for (sub, list) in signature.subsignatures.iter().zip(&lists) {
            let (kind, start, end) = match sub {
                Subsignature::Patterns(_) => (image::PATTERNS, list.0, list.1),
                Subsignature::Compare(compare) => {
                    let of = lists.get(usize::from(compare.of)).copied().unwrap_or_default();
                    (image::COMPARE, self.compare(compare, of)?, 0)
                }
                Subsignature::Regex(regex) => (image::REGEX, self.regex(regex), 0),
                Subsignature::Macro { min, max, group } => {
                    let row = MacroRow {
                        before_start: before.0.into(),
                        before_end: before.1.into(),
                        group_start: 0.into(),
                        group_end: 0.into(),
                        min: (*min).into(),
                        max: (*max).into(),
                    };
                    self.macros.push((row, (target, *group)));
                    (image::MACRO, narrow(self.macros.len().saturating_sub(1)), 0)
                }
            };
            before = *list;
            let row = SubRow { kind, start: start.into(), end: end.into() };
            subs.push(self.subs.intern_one(&row).into());
        }
        let (subs_start, subs_end) = self.sub_ids.intern(&subs);
        let (program_start, program_end) =
            self.programs.intern(&program::encode(&signature.expression));
        let condition = self.condition(&signature.conditions);
        self.signatures.push(SignatureRow {
            name: name.0.into(),
            condition: condition.into(),
            program_start: program_start.into(),
            program_end: program_end.into(),
            subs_start: subs_start.into(),
            subs_end: subs_end.into(),
            target: target as u8,
        });
        Ok(())
    }

    /// A comparison and a macro speak of a pattern whose matches begin where the matcher says.
    fn check_references(&self, subs: &[Subsignature]) -> Result<(), Unsupported> {
        let mut before = None;
        for sub in subs {
            let of = match sub {
                Subsignature::Compare(compare) => subs.get(usize::from(compare.of)),
                Subsignature::Macro { .. } => before,
                Subsignature::Patterns(_) | Subsignature::Regex(_) => Some(sub),
            };
            before = Some(sub);
            let is_plain = match (sub, of) {
                (Subsignature::Patterns(_) | Subsignature::Regex(_), _) => true,
                (_, Some(Subsignature::Patterns(list))) => list.iter().all(begins_plainly),
                (_, Some(_) | None) => false,
            };
            if !is_plain {
                return Err(Unsupported::Reference);
            }
        }
        Ok(())
    }

    fn patterns(&mut self, target: Target, patterns: &[(Offset, Pattern)]) -> (u32, u32) {
        let mut members: Vec<u32> = Vec::with_capacity(patterns.len());
        for (offset, pattern) in patterns {
            let part = BodySignature {
                name: Box::default(),
                target,
                offset: *offset,
                pattern: pattern.clone(),
                // What is needed of it is known when all signatures are.
                hits_max: 1,
            };
            members.push(self.parts.intern_one(&part));
        }
        members.sort_unstable();
        members.dedup();
        let members: Vec<U32> = members.into_iter().map(U32::new).collect();
        self.members.intern(&members)
    }

    fn compare(&mut self, compare: &Compare, of: (u32, u32)) -> Result<u32, Unsupported> {
        let known = self.reads.rows().len();
        let read = self.reads.intern_one(&(of.0, of.1, compare.distance, compare.length));
        if self.reads.rows().len() > known {
            let members = self.members.rows().get(of.0 as usize..of.1 as usize).unwrap_or_default();
            for part in members {
                let count = self.reads_of_part.entry(part.get()).or_default();
                *count = count.saturating_add(1);
                if *count > READS_PER_PART_MAX {
                    return Err(Unsupported::Reference);
                }
            }
        }
        let mut row = CompareRow {
            read: read.into(),
            members_start: of.0.into(),
            members_end: of.1.into(),
            form: image::form_code(compare.form),
            is_exact: compare.is_exact.into(),
            relations: [image::NO_RELATION; 2],
            values: [0.into(); 2],
        };
        let slots = row.relations.iter_mut().zip(&mut row.values);
        for ((relation, value), test) in slots.zip(&compare.tests) {
            *relation = program::relation_code(test.0);
            *value = test.1.into();
        }
        Ok(self.compares.intern_one(&row))
    }

    fn regex(&mut self, regex: &Regex) -> u32 {
        let text = [&*regex.pattern, &*regex.flags].concat();
        let (start, end) = self.texts.intern(&text);
        let pattern_end = end.saturating_sub(narrow(regex.flags.len()));
        let (trigger_start, trigger_end) = self.programs.intern(&program::encode(&regex.trigger));
        let (base, section, plus) = match regex.offset.base {
            OffsetBase::Any => (image::BASE_ANY, 0, 0),
            OffsetBase::Start(plus) => (image::BASE_START, 0, plus),
            OffsetBase::End(plus) => (image::BASE_END, 0, plus),
            OffsetBase::EntryPoint(plus) => (image::BASE_ENTRY, 0, plus.cast_unsigned()),
            OffsetBase::Section { index, plus } => (image::BASE_SECTION, index, plus),
            OffsetBase::LastSection { plus } => (image::BASE_LAST_SECTION, 0, plus),
            OffsetBase::InSection { index } => (image::BASE_IN_SECTION, index, 0),
            OffsetBase::VersionInformation => (image::BASE_NOWHERE, 0, 0),
        };
        self.regexes.intern_one(&RegexRow {
            pattern_start: start.into(),
            pattern_end: pattern_end.into(),
            flags_end: end.into(),
            trigger_start: trigger_start.into(),
            trigger_end: trigger_end.into(),
            base,
            section: section.into(),
            plus: plus.into(),
            shift: regex.offset.shift.into(),
        })
    }

    fn condition(&mut self, conditions: &Conditions) -> u32 {
        let Conditions { size, entry_point, sections, container, intermediates, handler } =
            conditions;
        let types: Vec<u8> = intermediates.iter().map(|one| one.0).collect();
        let (types_start, types_end) = self.types.intern(&types);
        let bound = |range: &Option<(u64, u64)>| {
            let (min, max) = range.unwrap_or_default();
            [min.into(), max.into()]
        };
        let mut has = 0;
        for (is_there, bit) in [
            (size.is_some(), image::HAS_SIZE),
            (entry_point.is_some(), image::HAS_ENTRY_POINT),
            (sections.is_some(), image::HAS_SECTIONS),
            (container.is_some(), image::HAS_CONTAINER),
            (handler.is_some(), image::HAS_HANDLER),
        ] {
            has |= if is_there { bit } else { 0 };
        }
        self.conditions.intern_one(&ConditionRow {
            size: bound(size),
            entry_point: bound(entry_point),
            sections: bound(sections),
            types_start: types_start.into(),
            types_end: types_end.into(),
            has,
            container: container.map_or(0, |container| container.0),
            handler: handler.map_or(0, |handler| handler.0),
        })
    }

    /// The patterns for the matcher, in the order of their numbers, and the bytes of the section:
    /// none without signatures.
    pub(crate) fn finish(mut self) -> (Vec<BodySignature>, Vec<u8>) {
        if self.signatures.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let macros = self.resolve_macros();
        let tables = wake::Tables {
            parts: self.parts.rows(),
            signatures: &self.signatures,
            sub_ids: self.sub_ids.rows(),
            subs: self.subs.rows(),
            members: self.members.rows(),
            compares: self.compares.rows(),
            regexes: self.regexes.rows(),
            macros: &macros,
            reads: self.reads.rows(),
            programs: self.programs.rows(),
        };
        let enough = enough::matches(&tables);
        let bytes = self.bytes(&wake::choose(&tables), &macros);
        let mut parts = self.parts.into_rows();
        for (part, enough) in parts.iter_mut().zip(enough) {
            part.hits_max = enough;
        }
        (parts, bytes)
    }

    fn resolve_macros(&mut self) -> Vec<MacroRow> {
        let macros = std::mem::take(&mut self.macros);
        let groups = std::mem::take(&mut self.groups);
        let mut rows = Vec::with_capacity(macros.len());
        for (mut row, (target, group)) in macros {
            let members = groups.get(&(target, group)).map_or(&[][..], Vec::as_slice);
            let (start, end) = self.patterns(target, members);
            row.group_start = start.into();
            row.group_end = end.into();
            rows.push(row);
        }
        rows
    }

    fn bytes(&self, wakes: &Wakes, macros: &[MacroRow]) -> Vec<u8> {
        let reads: Vec<image::ReadRow> = self
            .reads
            .rows()
            .iter()
            .map(|(_, _, distance, length)| image::ReadRow {
                distance: (*distance).into(),
                length: *length,
            })
            .collect();
        let tables: [&[u8]; image::TABLES] = [
            wakes.parts.as_bytes(),
            wakes.wakes.as_bytes(),
            wakes.part_reads.as_bytes(),
            self.signatures.as_bytes(),
            self.conditions.rows().as_bytes(),
            self.types.rows(),
            self.sub_ids.rows().as_bytes(),
            self.subs.rows().as_bytes(),
            self.members.rows().as_bytes(),
            reads.as_bytes(),
            self.compares.rows().as_bytes(),
            self.regexes.rows().as_bytes(),
            macros.as_bytes(),
            self.programs.rows(),
            self.texts.rows(),
            wakes.always.as_bytes(),
        ];
        let header = Header {
            magic: image::MAGIC,
            version: image::VERSION.into(),
            history: wakes.history.into(),
            lengths: tables.map(|table| (table.len() as u64).into()),
        };
        let mut bytes = header.as_bytes().to_vec();
        for table in tables {
            bytes.extend_from_slice(table);
        }
        bytes
    }
}

/// Whether matches of a pattern begin where clamscan counts from: not behind a distance in front, and
/// not before the byte that a negated edge looks at (asked of clamscan 1.4.6).
fn begins_plainly((_, pattern): &(Offset, Pattern)) -> bool {
    pattern.parts.first().is_some_and(|first| {
        !matches!(first.units.as_slice(), [Unit::Byte { .. }, Unit::Skip { .. }, ..])
            && !first.left.is_some_and(|edge| edge.negated)
    })
}

/// Each match of a part moves its reads: more make a signature unsupported.
const READS_PER_PART_MAX: u32 = 64;
