//! From a condition to its gate: a conservative reading, where everything not understood is open.
//!
//! Two questions are asked of an expression. *True*: what has to be so for it to be true. *Known*:
//! what has to be so for it to have a value at all; a comparison with something undefined (a field
//! of `pe` in a file that is none, the place of a string that is not there) is never true.

use boreal_parser::expression::{
    Expression, ExpressionKind as Kind, ForIterator, ForSelection, Identifier,
    IdentifierOperationType, ReadIntegerType, RuleSet, SetElement, VariableSet,
};

use super::atom::{Atom, StringAtoms};
use super::gate::Gate;

/// What a condition is read with.
pub(super) struct Condition<'r> {
    strings: &'r [StringAtoms],
    /// Rules of the same file that came before.
    rules: &'r dyn Fn(&str, bool) -> Vec<Gate>,
    /// The string that `$` stands for.
    current: Option<usize>,
    /// Names bound by loops around.
    bound: Vec<String>,
    /// Expressions that may still be looked at.
    fuel: u32,
}

impl<'r> Condition<'r> {
    /// `rules` gives the gates of rules by name, or by the start of it when the flag is set.
    pub(super) fn new(
        strings: &'r [StringAtoms],
        rules: &'r dyn Fn(&str, bool) -> Vec<Gate>,
    ) -> Self {
        Self { strings, rules, current: None, bound: Vec::new(), fuel: FUEL }
    }

    /// What has to be so for `expression` to be true.
    pub(super) fn truth(&mut self, expression: &Expression) -> Gate {
        let Some(fuel) = self.fuel.checked_sub(1) else { return Gate::OPEN };
        self.fuel = fuel;
        if let Kind::And(parts) = &expression.expr {
            return Gate::all(parts.iter().map(|part| self.truth(part)).collect::<Vec<_>>());
        }
        if let Kind::Or(parts) = &expression.expr {
            return Gate::any(parts.iter().map(|part| self.truth(part)).collect::<Vec<_>>());
        }
        if let Kind::Boolean(value) = &expression.expr {
            return if *value { Gate::OPEN } else { Gate::SHUT };
        }
        if let Kind::Eq(left, right) = &expression.expr {
            return self.equal(left, right);
        }
        if let Kind::Cmp { left, right, less_than, can_be_equal } = &expression.expr {
            return self.compare(left, right, *less_than, *can_be_equal);
        }
        if let Kind::Variable(name) | Kind::Count(name) = &expression.expr {
            return self.named(name);
        }
        if let Kind::VariableIn { variable_name, from, to, .. } = &expression.expr {
            return Gate::all([self.named(variable_name), self.known(from), self.known(to)]);
        }
        if let Kind::VariableAt { variable_name, offset, .. } = &expression.expr {
            return Gate::all([self.string_at(variable_name, offset), self.known(offset)]);
        }
        if let Kind::Identifier(identifier) = &expression.expr {
            return self.identifier(identifier);
        }
        self.repeated(expression).unwrap_or_else(|| self.known(expression))
    }

    /// Loops and sets; `None` for everything else.
    fn repeated(&mut self, expression: &Expression) -> Option<Gate> {
        if let Kind::For { selection, set, body } = &expression.expr {
            let outer = self.current;
            let mut gates = Vec::new();
            for index in self.members(set) {
                gates.push(match body {
                    None => self.string(index),
                    Some(body) => {
                        self.current = Some(index);
                        self.truth(body)
                    }
                });
            }
            self.current = outer;
            return Some(selected(selection, gates));
        }
        if let Kind::ForIn { selection, set, .. } = &expression.expr {
            let gates = self.members(set).into_iter().map(|index| self.string(index)).collect();
            return Some(selected(selection, gates));
        }
        if let Kind::ForAt { selection, set, offset } = &expression.expr {
            let gates = self.members(set).into_iter();
            let gates = gates.map(|index| self.string_index_at(index, offset)).collect();
            return Some(selected(selection, gates));
        }
        if let Kind::ForRules { selection, set } = &expression.expr {
            let RuleSet { elements } = set;
            let gates = elements.iter().flat_map(|one| (self.rules)(&one.name, one.is_wildcard));
            return Some(selected(selection, gates.collect()));
        }
        let Kind::ForIdentifiers { selection, identifiers, iterator, body, .. } = &expression.expr
        else {
            return None;
        };
        // A loop over nothing is true with `all` and `none`, so these say nothing.
        if !at_least_one(selection) {
            return Some(Gate::OPEN);
        }
        let range = match iterator {
            ForIterator::Identifier(identifier) => self.identifier_known(identifier),
            ForIterator::Range { from, to } => Gate::all([self.known(from), self.known(to)]),
            ForIterator::List(_) => Gate::OPEN,
        };
        let depth = self.bound.len();
        self.bound.extend(identifiers.iter().cloned());
        let body = self.truth(body);
        self.bound.truncate(depth);
        Some(Gate::all([range, body]))
    }

    /// What has to be so for `expression` to have a value.
    fn known(&mut self, expression: &Expression) -> Gate {
        let Some(fuel) = self.fuel.checked_sub(1) else { return Gate::OPEN };
        self.fuel = fuel;
        let parts: [Option<&Expression>; 2] = match &expression.expr {
            Kind::ReadInteger { addr, .. } => [Some(&**addr), None],
            Kind::Neg(one) | Kind::BitwiseNot(one) => [Some(&**one), None],
            Kind::Add(left, right)
            | Kind::Sub(left, right)
            | Kind::Mul(left, right)
            | Kind::Div(left, right)
            | Kind::Mod(left, right)
            | Kind::BitwiseXor(left, right)
            | Kind::BitwiseAnd(left, right)
            | Kind::BitwiseOr(left, right)
            | Kind::ShiftLeft(left, right)
            | Kind::ShiftRight(left, right)
            | Kind::NotEq(left, right)
            | Kind::IEquals(left, right) => [Some(&**left), Some(&**right)],
            Kind::Contains { haystack: left, needle: right, .. }
            | Kind::StartsWith { expr: left, prefix: right, .. }
            | Kind::EndsWith { expr: left, suffix: right, .. } => [Some(&**left), Some(&**right)],
            Kind::Matches(one, _) => [Some(&**one), None],
            Kind::Offset { variable_name, occurence_number }
            | Kind::Length { variable_name, occurence_number } => {
                let string = self.named(variable_name);
                return Gate::all([string, self.known(occurence_number)]);
            }
            Kind::Identifier(identifier) => return self.identifier_known(identifier),
            Kind::Filesize
            | Kind::Entrypoint
            | Kind::Integer(_)
            | Kind::Double(_)
            | Kind::Count(_)
            | Kind::CountInRange { .. }
            | Kind::And(_)
            | Kind::Or(_)
            | Kind::Not(_)
            | Kind::Cmp { .. }
            | Kind::Eq(..)
            | Kind::Defined(_)
            | Kind::Boolean(_)
            | Kind::Variable(_)
            | Kind::VariableAt { .. }
            | Kind::VariableIn { .. }
            | Kind::For { .. }
            | Kind::ForIn { .. }
            | Kind::ForAt { .. }
            | Kind::ForIdentifiers { .. }
            | Kind::ForRules { .. }
            | Kind::Bytes(_)
            | Kind::Regex(_) => [None, None],
        };
        let parts: Vec<Gate> = parts.into_iter().flatten().map(|part| self.known(part)).collect();
        Gate::all(parts)
    }

    fn equal(&mut self, left: &Expression, right: &Expression) -> Gate {
        let known = Gate::all([self.known(left), self.known(right)]);
        let special = match (integer(left), integer(right)) {
            (None, Some(value)) => self.equal_to(left, value),
            (Some(value), None) => self.equal_to(right, value),
            (Some(_), Some(_)) | (None, None) => Gate::OPEN,
        };
        Gate::all([known, special])
    }

    fn equal_to(&self, left: &Expression, value: i64) -> Gate {
        if let Kind::ReadInteger { ty, addr } = &left.expr {
            return head(*ty, addr, value);
        }
        if matches!(left.expr, Kind::Filesize) {
            return Gate::size(u64::try_from(value).unwrap_or(0));
        }
        if value > 0 { self.counted(left) } else { Gate::OPEN }
    }

    fn compare(
        &mut self,
        left: &Expression,
        right: &Expression,
        less_than: bool,
        can_be_equal: bool,
    ) -> Gate {
        let known = Gate::all([self.known(left), self.known(right)]);
        let (small, large) = if less_than { (left, right) } else { (right, left) };
        let slack = i64::from(!can_be_equal);
        let special = match (integer(small), integer(large)) {
            // filesize < value
            (None, Some(value)) if matches!(small.expr, Kind::Filesize) => {
                Gate::size(u64::try_from(value.saturating_sub(slack)).unwrap_or(0))
            }
            // value < #string
            (Some(value), None) if value.saturating_add(slack) > 0 => self.counted(large),
            (None | Some(_), None | Some(_)) => Gate::OPEN,
        };
        Gate::all([known, special])
    }

    /// A count that is not zero.
    fn counted(&self, expression: &Expression) -> Gate {
        let (Kind::Count(name) | Kind::CountInRange { variable_name: name, .. }) = &expression.expr
        else {
            return Gate::OPEN;
        };
        self.named(name)
    }

    fn identifier(&self, identifier: &Identifier) -> Gate {
        let is_bound = self.bound.contains(&identifier.name);
        if identifier.operations.is_empty() && !is_bound {
            let gates = (self.rules)(&identifier.name, false);
            return gates.into_iter().next().unwrap_or(Gate::OPEN);
        }
        // `pe.is_pe` is always known, and true only in one.
        Gate::all([self.identifier_known(identifier), self.kind(identifier)])
    }

    /// Fields of a format's module are not known in files of other formats; constants and the fields
    /// that say whether it is one are.
    fn identifier_known(&self, identifier: &Identifier) -> Gate {
        let is_certain = match identifier.operations.first().map(|operation| &operation.op) {
            Some(IdentifierOperationType::Subfield(field)) => {
                field.starts_with("is_") || !field.bytes().any(|byte| byte.is_ascii_lowercase())
            }
            Some(
                IdentifierOperationType::Subscript(_) | IdentifierOperationType::FunctionCall(_),
            )
            | None => true,
        };
        if is_certain { Gate::OPEN } else { self.kind(identifier) }
    }

    /// The head that a module's format begins with.
    fn kind(&self, identifier: &Identifier) -> Gate {
        let is_constant = match identifier.operations.first().map(|operation| &operation.op) {
            Some(IdentifierOperationType::Subfield(field)) => {
                !field.bytes().any(|byte| byte.is_ascii_lowercase())
            }
            Some(_) | None => true,
        };
        if is_constant || self.bound.contains(&identifier.name) {
            return Gate::OPEN;
        }
        match identifier.name.as_str() {
            "pe" | "dotnet" => Gate::atoms(Some(vec![Atom::fixed(0, b"MZ")])),
            "elf" => Gate::atoms(Some(vec![Atom::fixed(0, b"\x7fELF")])),
            _ => Gate::OPEN,
        }
    }

    fn members(&self, set: &VariableSet) -> Vec<usize> {
        let is_in = |name: &str, element: &SetElement| {
            if element.is_wildcard { name.starts_with(&element.name) } else { name == element.name }
        };
        let all = self.strings.iter().enumerate();
        all.filter(|(_, string)| {
            set.elements.is_empty() || set.elements.iter().any(|one| is_in(&string.name, one))
        })
        .map(|(index, _)| index)
        .collect()
    }

    fn find(&self, name: &str) -> Option<usize> {
        if name.is_empty() {
            return self.current;
        }
        self.strings.iter().position(|string| string.name == name)
    }

    fn named(&self, name: &str) -> Gate {
        self.find(name).map_or(Gate::OPEN, |index| self.string(index))
    }

    fn string(&self, index: usize) -> Gate {
        let string = self.strings.get(index);
        string.map_or(Gate::OPEN, |string| Gate::atoms(string.atoms.clone()))
    }

    fn string_at(&self, name: &str, offset: &Expression) -> Gate {
        self.find(name).map_or(Gate::OPEN, |index| self.string_index_at(index, offset))
    }

    /// A string that begins at a given place.
    fn string_index_at(&self, index: usize, offset: &Expression) -> Gate {
        let start = self.strings.get(index).and_then(|string| string.start.as_deref());
        let place = integer(offset).and_then(|at| u32::try_from(at).ok());
        let fixed = match (place, start) {
            (Some(at), Some(start)) => Gate::atoms(Some(vec![Atom::fixed(at, start)])),
            (Some(_) | None, Some(_) | None) => Gate::OPEN,
        };
        Gate::all([self.string(index), fixed])
    }
}

/// So many of these gates.
fn selected(selection: &ForSelection, gates: Vec<Gate>) -> Gate {
    match selection {
        ForSelection::Any => Gate::any(gates),
        ForSelection::All => Gate::all(gates),
        ForSelection::None => Gate::OPEN,
        ForSelection::Expr { expr, as_percent } => match integer(expr) {
            Some(count) if count > 0 && *as_percent => Gate::any(gates),
            Some(count) => Gate::some(usize::try_from(count).unwrap_or(0), gates),
            None => Gate::OPEN,
        },
    }
}

fn at_least_one(selection: &ForSelection) -> bool {
    match selection {
        ForSelection::Any => true,
        ForSelection::Expr { expr, .. } => integer(expr).is_some_and(|count| count > 0),
        ForSelection::All | ForSelection::None => false,
    }
}

fn integer(expression: &Expression) -> Option<i64> {
    if let Kind::Integer(value) = &expression.expr { Some(*value) } else { None }
}

/// `uint16(0) == 0x5A4D` as bytes at a place.
fn head(ty: ReadIntegerType, addr: &Expression, value: i64) -> Gate {
    let Some(at) = integer(addr).and_then(|at| u32::try_from(at).ok()) else {
        return Gate::OPEN;
    };
    let bytes = value.to_le_bytes();
    let (count, is_big) = match ty {
        ReadIntegerType::Int8 | ReadIntegerType::Uint8 => (1, false),
        ReadIntegerType::Int16 | ReadIntegerType::Uint16 => (2, false),
        ReadIntegerType::Int16BE | ReadIntegerType::Uint16BE => (2, true),
        ReadIntegerType::Int32 | ReadIntegerType::Uint32 => (4, false),
        ReadIntegerType::Int32BE | ReadIntegerType::Uint32BE => (4, true),
    };
    let mut bytes = bytes.get(..count).unwrap_or_default().to_vec();
    if is_big {
        bytes.reverse();
    }
    // One byte says too little for a pattern of its own.
    if count == 1 { Gate::OPEN } else { Gate::atoms(Some(vec![Atom::fixed(at, &bytes)])) }
}

/// Loops inside loops look at an expression for every string again.
const FUEL: u32 = 100_000;
