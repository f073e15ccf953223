//! Logical signatures as written: what the loader reads, before anything is compiled.
//!
//! `clamav.md` A5. Plain values; the meaning of an expression is in `program`, of a byte comparison
//! in `compare`, of conditions in `condition`.

use crate::engine::database::signature::{Offset, Pattern, Target};

use super::layer_type::LayerType;

/// One line of an `.ldb`, without its name and level window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogicalSignature {
    /// As reported, `.UNOFFICIAL` included.
    pub name: Box<str>,
    /// The kind of layer that its subsignatures are counted in.
    pub target: Target,
    /// What the layer must be like besides.
    pub conditions: Conditions,
    /// In postfix order; never empty.
    pub expression: Vec<Step>,
    /// At most [`SUBSIGNATURES_MAX`]; the expression names them by their place.
    pub subsignatures: Vec<Subsignature>,
}

/// What a layer must be like for a signature to count in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Conditions {
    /// Its size in bytes, both ends inclusive.
    pub size: Option<(u64, u64)>,
    /// The file offset of its entry point, both ends inclusive.
    pub entry_point: Option<(u64, u64)>,
    /// The number of its sections, both ends inclusive.
    pub sections: Option<(u64, u64)>,
    /// The layer around it.
    pub container: Option<LayerType>,
    /// The layers around it, the nearest last. Empty for no such condition.
    pub intermediates: Vec<LayerType>,
    /// `HandlerType`, which is no condition: the layer is looked at again as this type.
    pub handler: Option<LayerType>,
}

/// One step of an expression in postfix order: operands come before their operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Both of the last two.
    And,
    /// One of the last two, or both.
    Or,
    /// A subsignature by its place; with a test of its count, or counted at least once.
    Count {
        /// Of the subsignature.
        id: u8,
        /// Nothing for "at least once".
        test: Option<Test>,
    },
    /// A test of the sum of what the last one counted.
    Block {
        /// Of the sum.
        test: Test,
        /// So many different subsignatures must have been counted.
        distinct: u8,
    },
}

/// A comparison of a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Test {
    pub relation: Relation,
    /// At most [`COUNT_MAX`].
    pub value: u16,
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Relation {
    Equal,
    Less,
    Greater,
}

/// One subsignature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subsignature {
    /// Patterns whose matches add up; at least one.
    Patterns(Vec<(Offset, Pattern)>),
    /// A number beside the last match of another subsignature.
    Compare(Compare),
    /// A regular expression, looked for when its trigger is true.
    Regex(Regex),
    /// The subsignature before it, followed by a member of a macro group.
    Macro {
        /// The member begins at least so many bytes after the start of the subsignature before.
        min: u32,
        /// And at most so many.
        max: u32,
        /// Of the group, from 0.
        group: u8,
    },
}

/// A byte comparison (A5.6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Compare {
    /// The subsignature whose last match it is counted from.
    pub of: u8,
    /// From the start of that match to the first byte.
    pub distance: i64,
    /// Bytes that are read.
    pub length: u8,
    /// How they make a number.
    pub form: Form,
    /// Every byte must belong to the number.
    pub is_exact: bool,
    /// What the number must be; one or two.
    pub tests: Vec<(Relation, i64)>,
}

/// How bytes make a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// In no way: clamscan loads such a comparison, and it never holds.
    Never,
    /// The bytes themselves, the first one counts the most.
    RawBig,
    /// The bytes themselves, the last one counts the most.
    RawLittle,
    /// Hexadecimal digits.
    HexBig,
    /// Hexadecimal digits, pairs of them in reverse order.
    HexLittle,
    /// Decimal digits.
    Decimal,
    /// Hexadecimal digits after `0x`, else decimal ones.
    AutoBig,
    /// The same, hexadecimal pairs in reverse order.
    AutoLittle,
}

/// A regular expression (A5.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Regex {
    /// Over subsignatures before it.
    pub trigger: Vec<Step>,
    /// Where a match must begin.
    pub offset: Offset,
    /// As written between the slashes.
    pub pattern: Box<[u8]>,
    /// The letters after the second slash.
    pub flags: Box<[u8]>,
}

/// As the language: the ids of an expression fit 64 bits.
pub(crate) const SUBSIGNATURES_MAX: usize = 64;

/// The largest number that a count can be compared with: one more is as far as the matcher counts.
pub(crate) const COUNT_MAX: u16 = 65_534;

const _: () =
    assert!(COUNT_MAX as u32 + 1 == crate::engine::matcher::HITS_MAX, "larger counts are cut off");
