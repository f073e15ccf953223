//! Atoms: byte strings of which one has to be in a layer before a string of a rule can match.
//!
//! They are taken from what boreal itself looks for (its literals, with every modifier applied:
//! wide, xor, base64), so what boreal would find, the matcher finds.

use boreal::statistics::CompiledString;
use boreal_parser::hex_string::Token;
use boreal_parser::rule::{VariableDeclaration, VariableDeclarationValue};

use crate::engine::database::signature::{
    BodySignature, Offset, OffsetBase, Part, Pattern, Target, Unit,
};

/// A byte string, and where it must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Atom {
    pub(super) bytes: Vec<u8>,
    /// ASCII letters of either case.
    pub(super) caseless: bool,
    /// So many bytes after the start of the layer; `None` for anywhere.
    pub(super) at: Option<u32>,
}

impl Atom {
    /// Bytes at a place.
    pub(super) fn fixed(at: u32, bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), caseless: false, at: Some(at) }
    }

    /// How often it may be expected, in no unit: the fewer different bytes, the more often.
    pub(super) fn cost(&self) -> u64 {
        if self.at.is_some() {
            return COST_FIXED;
        }
        let mut seen = self.bytes.clone();
        seen.sort_unstable();
        seen.dedup();
        let missing = 8_u32.saturating_sub(u32::try_from(seen.len()).unwrap_or(8));
        let cost = 1_u64 << missing.saturating_mul(3);
        let is_common = COMMON.iter().any(|common| contains(&self.bytes, common));
        let cost = if is_common { cost.max(COST_COMMON) } else { cost };
        cost.saturating_mul(if self.caseless { 2 } else { 1 })
    }

    /// As a pattern of the matcher.
    pub(super) fn signature(&self) -> BodySignature {
        let unit = |byte: &u8| match byte {
            letter if self.caseless && letter.is_ascii_alphabetic() => {
                Unit::Byte { value: letter & 0xdf, mask: 0xdf }
            }
            byte => Unit::Byte { value: *byte, mask: 0xff },
        };
        let part = Part { left: None, units: self.bytes.iter().map(unit).collect(), right: None };
        let base = self.at.map_or(OffsetBase::Any, |at| OffsetBase::Start(u64::from(at)));
        BodySignature {
            name: "".into(),
            target: Target::Any,
            offset: Offset { base, shift: 0 },
            pattern: Pattern { parts: vec![part], gaps: Vec::new(), lead: 0, trail: 0 },
            hits_max: 1,
        }
    }
}

fn contains(bytes: &[u8], common: &[u8]) -> bool {
    memchr::memmem::find(bytes, common).is_some()
}

/// What is known about one string of a rule.
#[derive(Clone, Debug)]
pub(super) struct StringAtoms {
    /// Its name, without the dollar.
    pub(super) name: String,
    /// One of these is in every layer in which it matches; `None` when nothing is known.
    pub(super) atoms: Option<Vec<Atom>>,
    /// What it begins with, when that is always the same.
    pub(super) start: Option<Vec<u8>>,
}

impl StringAtoms {
    pub(super) fn of(declared: &VariableDeclaration, compiled: &CompiledString) -> Self {
        let caseless = declared.modifiers.nocase
            || matches!(&declared.value, VariableDeclarationValue::Regex(regex) if regex.case_insensitive);
        let literals = &compiled.literals;
        let mut atoms: Option<Vec<Atom>> = literals
            .iter()
            .map(|literal| Some(Atom { bytes: telling(literal)?.to_vec(), caseless, at: None }))
            .collect();
        if literals.is_empty() || literals.len() > LITERALS_MAX {
            atoms = None;
        }
        Self { name: declared.name.clone(), atoms, start: start(declared) }
    }
}

/// The part of a literal that says most; `None` when none says enough.
fn telling(literal: &[u8]) -> Option<&[u8]> {
    let different = |bytes: &[u8]| {
        let mut seen = bytes.to_vec();
        seen.sort_unstable();
        seen.dedup();
        seen.len()
    };
    let best = if literal.len() <= ATOM_BYTES_MAX {
        Some(literal)
    } else {
        // The first of the best, so that the same rules give the same atoms.
        literal.windows(ATOM_BYTES_MAX).rev().max_by_key(|window| different(window))
    }?;
    (best.len() >= ATOM_BYTES_MIN && different(best) >= 2).then_some(best)
}

/// The bytes a string begins with wherever it matches.
fn start(declared: &VariableDeclaration) -> Option<Vec<u8>> {
    let modifiers = &declared.modifiers;
    let is_changed =
        modifiers.wide || modifiers.nocase || modifiers.xor.is_some() || modifiers.base64.is_some();
    if is_changed {
        return None;
    }
    let bytes: Vec<u8> = match &declared.value {
        VariableDeclarationValue::Bytes(bytes) => bytes.clone(),
        VariableDeclarationValue::HexString(tokens) => {
            let byte =
                |token: &Token| if let Token::Byte(byte) = token { Some(*byte) } else { None };
            tokens.iter().map_while(byte).collect()
        }
        VariableDeclarationValue::Regex(_) => return None,
    };
    let bytes = bytes.get(..bytes.len().min(ATOM_BYTES_MAX)).unwrap_or_default();
    (bytes.len() >= 2).then(|| bytes.to_vec())
}

/// Shorter ones are everywhere.
const ATOM_BYTES_MIN: usize = 3;
/// Longer ones are not rarer.
const ATOM_BYTES_MAX: usize = 24;
/// Literals of one string: all of a xor in both widths, and some.
const LITERALS_MAX: usize = 600;
/// A head such as `MZ`: one layer in some hundred.
const COST_FIXED: u64 = 1 << 10;
/// A string that ordinary files of some kind have.
const COST_COMMON: u64 = 1 << 12;
const COMMON: [&[u8]; 8] = [
    b"This program",
    b"kernel32",
    b"KERNEL32",
    b"GetProcAddress",
    b"LoadLibrary",
    b"http://",
    b"Mozilla/",
    b"function",
];
