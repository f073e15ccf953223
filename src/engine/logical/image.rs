//! How compiled logical signatures lie in memory: a header, then tables viewed in place.
//!
//! All integers are little endian and of alignment 1. `open` looks at lengths only; `check` looks at
//! every index and every program once, when the image around the block is opened.
//!
//! ```text
//!   part ─▶ wakes ─▶ signature ─▶ condition            member: a part, by its number
//!    │                  ├─▶ program (expression)       read: bytes beside a match
//!    └─▶ reads          └─▶ subsignature ─▶ members | compare ─▶ read | regex | macro
//!   always: signatures that may be true without any match, by target
//! ```

use zerocopy::little_endian::{I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::layer_type::LayerType;
use super::program;
use super::value::{Form, SUBSIGNATURES_MAX};
use crate::engine::database::signature::Target;

/// Why a block of bytes is not a set of compiled logical signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogicalFault {
    /// Shorter than its header or than its directory says, or longer.
    Length,
    /// It does not begin as such a set does.
    Magic,
    /// A layout of another version.
    Version {
        /// As found.
        found: u32,
    },
    /// A table's length is not a multiple of what it holds.
    Table(&'static str),
    /// A row of this table leads out of another, or says what cannot be.
    Row(&'static str),
}

impl std::fmt::Display for LogicalFault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Length => out.write_str("of another length than it says"),
            Self::Magic => out.write_str("not a set of logical signatures"),
            Self::Version { found } => {
                write!(out, "layout {found}, this program reads {VERSION}")
            }
            Self::Table(name) => write!(out, "table {name} has a wrong length"),
            Self::Row(name) => write!(out, "a row of table {name} is not valid"),
        }
    }
}

impl std::error::Error for LogicalFault {}

/// The tables of a compiled set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables<'image> {
    pub(super) header: &'image Header,
    pub(super) parts: &'image [PartRow],
    /// Signatures that a part wakes.
    pub(super) wakes: &'image [U32],
    /// Reads that a part moves.
    pub(super) part_reads: &'image [U32],
    pub(super) signatures: &'image [SignatureRow],
    pub(super) conditions: &'image [ConditionRow],
    /// Layer types of the intermediates.
    pub(super) types: &'image [u8],
    /// Subsignatures of each signature.
    pub(super) sub_ids: &'image [U32],
    pub(super) subs: &'image [SubRow],
    pub(super) members: &'image [U32],
    pub(super) reads: &'image [ReadRow],
    pub(super) compares: &'image [CompareRow],
    pub(super) regexes: &'image [RegexRow],
    pub(super) macros: &'image [MacroRow],
    pub(super) programs: &'image [u8],
    /// Regular expressions and their flags.
    pub(super) texts: &'image [u8],
    pub(super) always: &'image [AlwaysRow],
}

/// The start of a block.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Header {
    pub(super) magic: [u8; 8],
    pub(super) version: U32,
    /// Bytes of a layer to keep for reads; 0 when there are none.
    pub(super) history: U32,
    /// Byte lengths of the tables, which follow in the order of [`Tables`].
    pub(super) lengths: [U64; TABLES],
}

/// A pattern that signatures share.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct PartRow {
    pub(super) wakes_start: U32,
    pub(super) wakes_end: U32,
    pub(super) reads_start: U32,
    pub(super) reads_end: U32,
    /// Not 0 when the places of all its matches are kept.
    pub(super) keeps: u8,
}

/// A logical signature.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct SignatureRow {
    pub(super) name: U32,
    pub(super) condition: U32,
    pub(super) program_start: U32,
    pub(super) program_end: U32,
    pub(super) subs_start: U32,
    pub(super) subs_end: U32,
    pub(super) target: u8,
}

/// What a layer must be like.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub(super) struct ConditionRow {
    pub(super) size: [U64; 2],
    pub(super) entry_point: [U64; 2],
    pub(super) sections: [U64; 2],
    pub(super) types_start: U32,
    pub(super) types_end: U32,
    /// Which of them count, one bit each: `HAS_*`.
    pub(super) has: u8,
    pub(super) container: u8,
    /// The type that a layer is looked at again as.
    pub(super) handler: u8,
}

/// A subsignature: its kind, and rows of the table of that kind.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub(super) struct SubRow {
    pub(super) kind: u8,
    /// For patterns a range of members, else the number of one row and 0.
    pub(super) start: U32,
    pub(super) end: U32,
}

/// Bytes beside the last match of some parts.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct ReadRow {
    pub(super) distance: I64,
    pub(super) length: u8,
}

/// A number that is compared.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub(super) struct CompareRow {
    pub(super) read: U32,
    /// The parts whose last match it is read beside.
    pub(super) members_start: U32,
    pub(super) members_end: U32,
    pub(super) form: u8,
    pub(super) is_exact: u8,
    /// Relations; [`NO_RELATION`] for none.
    pub(super) relations: [u8; 2],
    pub(super) values: [I64; 2],
}

/// A regular expression with its trigger.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub(super) struct RegexRow {
    pub(super) pattern_start: U32,
    pub(super) pattern_end: U32,
    pub(super) flags_end: U32,
    pub(super) trigger_start: U32,
    pub(super) trigger_end: U32,
    /// One of the `BASE_*` codes.
    pub(super) base: u8,
    pub(super) section: U16,
    /// The offset's number; the entry point's is signed, in two's complement.
    pub(super) plus: U64,
    pub(super) shift: U32,
}

/// One list of parts followed by another.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub(super) struct MacroRow {
    pub(super) before_start: U32,
    pub(super) before_end: U32,
    pub(super) group_start: U32,
    pub(super) group_end: U32,
    pub(super) min: U32,
    pub(super) max: U32,
}

/// A signature that is looked at in every layer of its target.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct AlwaysRow {
    pub(super) target: u8,
    pub(super) signature: U32,
}

impl<'image> Tables<'image> {
    pub(super) fn open(bytes: &'image [u8]) -> Result<Self, LogicalFault> {
        let (header, mut rest) =
            Header::ref_from_prefix(bytes).map_err(|_| LogicalFault::Length)?;
        if header.magic != MAGIC {
            return Err(LogicalFault::Magic);
        }
        if header.version.get() != VERSION {
            return Err(LogicalFault::Version { found: header.version.get() });
        }
        let mut tables: [&[u8]; TABLES] = [&[]; TABLES];
        for (table, length) in tables.iter_mut().zip(header.lengths) {
            let length = usize::try_from(length.get()).map_err(|_| LogicalFault::Length)?;
            (*table, rest) = rest.split_at_checked(length).ok_or(LogicalFault::Length)?;
        }
        if !rest.is_empty() {
            return Err(LogicalFault::Length);
        }
        let [
            parts,
            wakes,
            part_reads,
            signatures,
            conditions,
            types,
            sub_ids,
            subs,
            members,
            reads,
            compares,
            regexes,
            macros,
            programs,
            texts,
            always,
        ] = tables;
        Ok(Self {
            header,
            parts: view(parts, "parts")?,
            wakes: view(wakes, "wakes")?,
            part_reads: view(part_reads, "part reads")?,
            signatures: view(signatures, "signatures")?,
            conditions: view(conditions, "conditions")?,
            types,
            sub_ids: view(sub_ids, "subsignature lists")?,
            subs: view(subs, "subsignatures")?,
            members: view(members, "members")?,
            reads: view(reads, "reads")?,
            compares: view(compares, "compares")?,
            regexes: view(regexes, "regexes")?,
            macros: view(macros, "macros")?,
            programs,
            texts,
            always: view(always, "always")?,
        })
    }

    /// Every index leads into its table, every program can be run. `names` is how many names the
    /// image around has, `parts` how many parts its matcher reports.
    pub(super) fn check(&self, names: u32, parts: usize) -> Result<(), LogicalFault> {
        let rows = [
            ("parts", self.parts.len() == parts && self.parts.iter().all(|row| self.part(row))),
            ("wakes", self.wakes.iter().all(|row| self.is_signature(*row))),
            ("part reads", self.part_reads.iter().all(|row| has(self.reads, *row))),
            ("signatures", self.signatures.iter().all(|row| self.signature(row, names))),
            ("conditions", self.conditions.iter().all(|row| self.condition(row))),
            ("types", self.types.iter().all(|number| LayerType::is_number(*number))),
            ("subsignature lists", self.sub_ids.iter().all(|row| has(self.subs, *row))),
            ("subsignatures", self.subs.iter().all(|row| self.sub(row))),
            ("members", self.members.iter().all(|row| has(self.parts, *row))),
            ("compares", self.compares.iter().all(|row| self.compare(row))),
            ("regexes", self.regexes.iter().all(|row| self.regex(row))),
            ("macros", self.macros.iter().all(|row| self.is_macro(row))),
            ("always", self.always.iter().all(|row| self.is_always(row))),
            ("always", self.always.is_sorted_by_key(|row| row.target)),
        ];
        let wrong = rows.into_iter().find(|(_, fits)| !fits);
        wrong.map_or(Ok(()), |(name, _)| Err(LogicalFault::Row(name)))
    }

    fn part(&self, row: &PartRow) -> bool {
        range(self.wakes, row.wakes_start, row.wakes_end).is_some()
            && range(self.part_reads, row.reads_start, row.reads_end).is_some()
    }

    fn is_signature(&self, number: U32) -> bool {
        has(self.signatures, number)
    }

    fn signature(&self, row: &SignatureRow, names: u32) -> bool {
        let program = range(self.programs, row.program_start, row.program_end);
        let subs = range(self.sub_ids, row.subs_start, row.subs_end);
        let (Some(program), Some(subs)) = (program, subs) else {
            return false;
        };
        row.name.get() < names
            && has(self.conditions, row.condition)
            && is_target(row.target)
            && subs.len() <= SUBSIGNATURES_MAX
            && program::is_well_formed(program, subs.len())
            && subs.iter().zip(0..).all(|(sub, place)| self.trigger(*sub, place))
    }

    /// A trigger speaks of subsignatures before its own.
    fn trigger(&self, sub: U32, place: usize) -> bool {
        let Some(sub) = self.subs.get(sub.get() as usize) else {
            return false;
        };
        if sub.kind != REGEX {
            return true;
        }
        self.regexes.get(sub.start.get() as usize).is_some_and(|regex| {
            range(self.programs, regex.trigger_start, regex.trigger_end)
                .is_some_and(|trigger| program::is_well_formed(trigger, place))
        })
    }

    fn condition(&self, row: &ConditionRow) -> bool {
        range(self.types, row.types_start, row.types_end).is_some()
            && LayerType::is_number(row.container)
            && LayerType::is_number(row.handler)
            && row.has & !HAS_ALL == 0
    }

    fn sub(&self, row: &SubRow) -> bool {
        match row.kind {
            PATTERNS => range(self.members, row.start, row.end).is_some(),
            COMPARE => has(self.compares, row.start),
            REGEX => has(self.regexes, row.start),
            MACRO => has(self.macros, row.start),
            _ => false,
        }
    }

    fn compare(&self, row: &CompareRow) -> bool {
        let relation = |code: &u8| *code == NO_RELATION || program::relation_of(*code).is_some();
        has(self.reads, row.read)
            && range(self.members, row.members_start, row.members_end).is_some()
            && form_of(row.form).is_some()
            && row.relations.iter().all(relation)
    }

    fn regex(&self, row: &RegexRow) -> bool {
        range(self.texts, row.pattern_start, row.pattern_end).is_some()
            && range(self.texts, row.pattern_end, row.flags_end).is_some()
            && row.base <= BASE_LAST
    }

    fn is_macro(&self, row: &MacroRow) -> bool {
        range(self.members, row.before_start, row.before_end).is_some()
            && range(self.members, row.group_start, row.group_end).is_some()
    }

    fn is_always(&self, row: &AlwaysRow) -> bool {
        let signature = self.signatures.get(row.signature.get() as usize);
        signature.is_some_and(|signature| signature.target == row.target)
    }
}

/// The rows of a table between two indices.
pub(super) fn range<T>(table: &[T], start: U32, end: U32) -> Option<&[T]> {
    table.get(start.get() as usize..end.get() as usize)
}

fn has<T>(table: &[T], row: U32) -> bool {
    (row.get() as usize) < table.len()
}

fn is_target(number: u8) -> bool {
    Target::ALL.into_iter().any(|target| target as u8 == number)
}

fn view<'image, T: FromBytes + Immutable + Unaligned>(
    table: &'image [u8],
    name: &'static str,
) -> Result<&'image [T], LogicalFault> {
    <[T]>::ref_from_bytes(table).map_err(|_| LogicalFault::Table(name))
}

/// The number of a form in the image.
pub(super) fn form_code(form: Form) -> u8 {
    let place = FORMS.iter().position(|known| *known == form);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(0)
}

pub(super) fn form_of(code: u8) -> Option<Form> {
    FORMS.get(usize::from(code)).copied()
}

const FORMS: [Form; 8] = [
    Form::Never,
    Form::RawBig,
    Form::RawLittle,
    Form::HexBig,
    Form::HexLittle,
    Form::Decimal,
    Form::AutoBig,
    Form::AutoLittle,
];

pub(super) const MAGIC: [u8; 8] = *b"bln-logi";

/// Goes up with every change of a table, of a code or of the list of layer types.
pub(super) const VERSION: u32 = 2;

/// Tables after the header.
pub(super) const TABLES: usize = 16;

pub(super) const PATTERNS: u8 = 0;
pub(super) const COMPARE: u8 = 1;
pub(super) const REGEX: u8 = 2;
pub(super) const MACRO: u8 = 3;

pub(super) const HAS_SIZE: u8 = 1;
pub(super) const HAS_ENTRY_POINT: u8 = 2;
pub(super) const HAS_SECTIONS: u8 = 4;
pub(super) const HAS_CONTAINER: u8 = 8;
pub(super) const HAS_HANDLER: u8 = 16;
const HAS_ALL: u8 = 31;

pub(super) const NO_RELATION: u8 = 0xff;

pub(super) const BASE_ANY: u8 = 0;
pub(super) const BASE_START: u8 = 1;
pub(super) const BASE_END: u8 = 2;
pub(super) const BASE_ENTRY: u8 = 3;
pub(super) const BASE_SECTION: u8 = 4;
pub(super) const BASE_LAST_SECTION: u8 = 5;
pub(super) const BASE_IN_SECTION: u8 = 6;
/// A place that the loader takes of patterns only.
pub(super) const BASE_NOWHERE: u8 = 7;
const BASE_LAST: u8 = BASE_NOWHERE;
