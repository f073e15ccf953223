//! Which names of a script are declared in it, and their numbers.

use std::collections::BTreeMap;

use super::SCOPES_MAX;
use super::lexer::{Kind, Token};

/// The number of each word that is a declared name.
#[derive(Debug)]
pub(super) struct Names {
    numbers: Vec<Option<u32>>,
}

/// A function around a place, or the script itself.
#[derive(Clone, Copy, Debug)]
struct Scope {
    parent: Option<usize>,
    /// Braces that are open around its body.
    braces: u32,
}

/// What the next words are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Nothing,
    /// The name of a function, or its parameters.
    Function,
    /// The parameters of a function whose name was read.
    Named,
    /// Parameters.
    Parameters,
    /// The body of a function.
    Body,
    /// A name after `var`, with so many brackets open.
    Variable(u32),
    /// A value after such a name; a comma brings another one.
    Value(u32),
}

#[derive(Debug)]
struct Reader<'a> {
    declared: BTreeMap<(usize, &'a [u8]), u32>,
    scopes: Vec<Scope>,
    current: usize,
    /// How deep `current` lies.
    depth: usize,
    expected: Expected,
    braces: u32,
    brackets: u32,
}

impl Names {
    pub(super) fn of(tokens: &[Token], text: &[u8]) -> Self {
        let mut reader = Reader {
            declared: BTreeMap::new(),
            scopes: vec![Scope { parent: None, braces: 0 }],
            current: 0,
            depth: 0,
            expected: Expected::Nothing,
            braces: 0,
            brackets: 0,
        };
        let mut places = Vec::with_capacity(tokens.len());
        for token in tokens {
            let written = text.get(token.range()).unwrap_or_default();
            match token.kind {
                Kind::Word => reader.word(written),
                Kind::Sign => reader.sign(written.first().copied().unwrap_or_default()),
                Kind::Number | Kind::Text | Kind::Decoded | Kind::Regex => {}
            }
            places.push(reader.current);
        }
        let mut numbers = vec![None; tokens.len()];
        if reader.declared.is_empty() {
            return Self { numbers };
        }
        let mut is_member = false;
        for ((token, place), number) in tokens.iter().zip(places).zip(&mut numbers) {
            let written = text.get(token.range()).unwrap_or_default();
            if token.kind == Kind::Word && !is_member {
                *number = reader.find(place, written);
            }
            is_member = token.kind == Kind::Sign && written == b".";
        }
        Self { numbers }
    }

    /// The number of the token at `index`.
    pub(super) fn number(&self, index: usize) -> Option<u32> {
        self.numbers.get(index).copied().flatten()
    }
}

impl<'a> Reader<'a> {
    fn word(&mut self, word: &'a [u8]) {
        match (word, self.expected) {
            (b"function", _) => self.expected = Expected::Function,
            (b"var", _) => self.expected = Expected::Variable(self.brackets),
            (_, Expected::Function) => {
                // As clamscan has it, a function knows its own name, what is around it does not.
                self.enter();
                self.declare(word);
                self.expected = Expected::Named;
            }
            (_, Expected::Parameters) => self.declare(word),
            (_, Expected::Variable(brackets)) => {
                self.declare(word);
                self.expected = Expected::Value(brackets);
            }
            (b"in", Expected::Value(_)) => self.expected = Expected::Nothing,
            (_, Expected::Nothing | Expected::Named | Expected::Body | Expected::Value(_)) => {}
        }
    }

    fn sign(&mut self, sign: u8) {
        match (sign, self.expected) {
            (b'(', Expected::Function) => {
                self.enter();
                self.expected = Expected::Parameters;
                return;
            }
            (b'(', Expected::Named) => {
                self.expected = Expected::Parameters;
                return;
            }
            (b')', Expected::Parameters) => {
                self.expected = Expected::Body;
                return;
            }
            (b',', Expected::Value(brackets)) if brackets == self.brackets => {
                self.expected = Expected::Variable(brackets);
            }
            (b';', Expected::Value(brackets) | Expected::Variable(brackets))
                if brackets >= self.brackets =>
            {
                self.expected = Expected::Nothing;
            }
            (b'{', Expected::Body) => {
                if let Some(scope) = self.scopes.get_mut(self.current) {
                    scope.braces = scope.braces.max(self.braces);
                }
                self.expected = Expected::Nothing;
            }
            _ => {}
        }
        match sign {
            b'{' => self.braces = self.braces.saturating_add(1),
            b'}' => {
                self.braces = self.braces.saturating_sub(1);
                self.leave();
            }
            b'(' | b'[' => self.brackets = self.brackets.saturating_add(1),
            b')' | b']' => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
    }

    fn enter(&mut self) {
        if self.depth < SCOPES_MAX {
            self.scopes.push(Scope { parent: Some(self.current), braces: self.braces });
            self.current = self.scopes.len().saturating_sub(1);
            self.depth = self.depth.saturating_add(1);
        }
    }

    fn leave(&mut self) {
        if let Some(scope) = self.scopes.get(self.current)
            && let Some(parent) = scope.parent
            && scope.braces == self.braces
        {
            self.current = parent;
            self.depth = self.depth.saturating_sub(1);
        }
    }

    fn declare(&mut self, name: &'a [u8]) {
        let next = u32::try_from(self.declared.len()).unwrap_or(u32::MAX);
        self.declared.entry((self.current, name)).or_insert(next);
    }

    fn find(&self, place: usize, name: &'a [u8]) -> Option<u32> {
        let mut scope = Some(place);
        while let Some(current) = scope {
            if let Some(number) = self.declared.get(&(current, name)) {
                return Some(*number);
            }
            scope = self.scopes.get(current)?.parent;
        }
        None
    }
}
