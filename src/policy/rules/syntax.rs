//! From words to rules as written: the shape is checked here, what the values mean later.
//!
//! ```text
//!   rule       = [ condition { "," condition } ":" ] action { "," action }
//!   condition  = variable value
//!              | variable [ "not" ] ( "in" | "match" ) set
//!              | variable ( "gt" | "lt" ) value
//!   set        = "(" item { "," item } ")" | item
//!   item       = value | file("path") | @/path | reference
//!   reference  = "ICAPD.BlackList" and its sisters | "FILE@group" | "LDAP@group" | "AD@group"
//!   action     = PASS | BLOCK [ "as" reason ] | ( SET | ADD ) variable [ "=" ] value
//! ```

use super::fault::{Span, Trouble, advice};
use super::token::{Token, TokenKind};
use super::variable::Variable;

/// A rule as written.
#[derive(Clone, Debug)]
pub(super) struct RuleText {
    pub(super) conditions: Vec<ConditionText>,
    pub(super) actions: Vec<ActionText>,
    pub(super) at: Span,
}

#[derive(Clone, Debug)]
pub(super) struct ConditionText {
    pub(super) variable: Variable,
    pub(super) negated: bool,
    pub(super) relation: Relation,
    pub(super) items: Vec<Item>,
    pub(super) at: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// `in`, and equality, which is a set of one.
    In,
    Match,
    Greater,
    Less,
}

#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) kind: ItemKind,
    pub(super) at: Span,
}

#[derive(Clone, Debug)]
pub(super) enum ItemKind {
    Value(Box<str>),
    File(Box<str>),
    Reference(Reference),
}

/// A set that lives outside of the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    BlackList,
    WhiteList,
    AdList,
    BlockCategory,
    BlockThreat,
    /// A group of the group file.
    FileGroup(Box<str>),
    /// A group of the directory.
    DirectoryGroup(Box<str>),
}

#[derive(Clone, Debug)]
pub(super) enum ActionText {
    Pass,
    Block { reason: Option<ReasonText> },
    Set { variable: Variable, value: Item, at: Span },
    Add { variable: Variable, value: Item, at: Span },
}

#[derive(Clone, Debug)]
pub(super) struct ReasonText {
    pub(super) text: Box<str>,
    pub(super) quoted: bool,
    pub(super) at: Span,
}

/// Reads all rules of a source.
pub(super) fn parse(tokens: &[Token<'_>]) -> Result<Vec<RuleText>, Trouble> {
    let mut parser = Parser { tokens, at: 0 };
    let mut rules = Vec::new();
    while parser.peek().is_some() {
        rules.push(parser.rule()?);
    }
    Ok(rules)
}

struct Parser<'s, 't> {
    tokens: &'s [Token<'t>],
    at: usize,
}

const ACTIONS: [&str; 4] = ["PASS", "BLOCK", "SET", "ADD"];

impl<'s, 't> Parser<'s, 't> {
    fn peek(&self) -> Option<&'s Token<'t>> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'s Token<'t>> {
        let token = self.tokens.get(self.at)?;
        self.at = self.at.saturating_add(1);
        Some(token)
    }

    fn next_is(&self, kind: &TokenKind<'_>) -> bool {
        self.peek().is_some_and(|token| token.kind == *kind)
    }

    fn take(&mut self, kind: &TokenKind<'_>) -> bool {
        let found = self.next_is(kind);
        if found {
            self.at = self.at.saturating_add(1);
        }
        found
    }

    /// The next word, if it is this keyword.
    fn take_word(&mut self, keyword: &str) -> bool {
        let found = self.word().is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        if found {
            self.at = self.at.saturating_add(1);
        }
        found
    }

    fn word(&self) -> Option<&'t str> {
        match self.peek()?.kind {
            TokenKind::Word(word) => Some(word),
            TokenKind::Quoted(_)
            | TokenKind::Comma
            | TokenKind::Colon
            | TokenKind::Equals
            | TokenKind::Open
            | TokenKind::Close
            | TokenKind::End => None,
        }
    }

    /// Where the parser is.
    fn here(&self) -> Span {
        self.peek().or_else(|| self.tokens.last()).map(|token| token.at).unwrap_or_default()
    }

    fn expected(&self, what: &str) -> Trouble {
        Trouble::new(self.here(), format!("{}: expected {what}", self.found()))
    }

    fn found(&self) -> String {
        match self.peek().map(|token| &token.kind) {
            None | Some(TokenKind::End) => "the rule ends here".to_owned(),
            Some(TokenKind::Word(word)) => format!("\"{word}\""),
            Some(TokenKind::Quoted(text)) => format!("\"{text}\""),
            Some(TokenKind::Comma) => "','".to_owned(),
            Some(TokenKind::Colon) => "':'".to_owned(),
            Some(TokenKind::Equals) => "'='".to_owned(),
            Some(TokenKind::Open) => "'('".to_owned(),
            Some(TokenKind::Close) => "')'".to_owned(),
        }
    }

    fn rule(&mut self) -> Result<RuleText, Trouble> {
        let start = self.here();
        let mut conditions = Vec::new();
        if !self.take(&TokenKind::Colon) && !self.is_action() {
            loop {
                conditions.push(self.condition()?);
                if conditions.len() > PARTS_MAX {
                    let message = format!("a rule can have {PARTS_MAX} conditions at most");
                    return Err(Trouble::new(self.here(), message));
                }
                if self.take(&TokenKind::Comma) {
                    continue;
                }
                if self.take(&TokenKind::Colon) {
                    break;
                }
                return Err(self
                    .expected("',' and another condition, or ':' and the actions")
                    .remedy("a rule is: condition, condition : action, action"));
            }
        }
        let mut actions = vec![self.action()?];
        while self.take(&TokenKind::Comma) {
            actions.push(self.action()?);
            if actions.len() > PARTS_MAX {
                let message = format!("a rule can have {PARTS_MAX} actions at most");
                return Err(Trouble::new(self.here(), message));
            }
        }
        let last = self.tokens.get(self.at.saturating_sub(1)).map_or(start, |token| token.at);
        if !self.take(&TokenKind::End) {
            return Err(self.expected("',' and another action, or the end of the rule"));
        }
        Ok(RuleText { conditions, actions, at: start.to(last) })
    }

    fn is_action(&self) -> bool {
        self.word().is_some_and(|word| ACTIONS.iter().any(|one| word.eq_ignore_ascii_case(one)))
    }

    fn variable(&mut self) -> Result<Variable, Trouble> {
        let Some(word) = self.word() else {
            return Err(self.expected("a variable").remedy(variables()));
        };
        let at = self.here();
        self.at = self.at.saturating_add(1);
        Variable::named(word).ok_or_else(|| {
            let trouble = Trouble::new(at, format!("there is no variable \"{word}\""));
            match Variable::absent(word) {
                Some(why) => trouble.remedy(why),
                None => trouble.remedy(advice(word, &Variable::NAMES)),
            }
        })
    }

    fn condition(&mut self) -> Result<ConditionText, Trouble> {
        let start = self.here();
        let variable = self.variable()?;
        let negated = self.take_word("not");
        let relation = if self.take_word("in") {
            Relation::In
        } else if self.take_word("match") {
            Relation::Match
        } else if negated {
            return Err(self.expected("in or match behind not"));
        } else if self.take_word("gt") {
            Relation::Greater
        } else if self.take_word("lt") {
            Relation::Less
        } else {
            let mut item = self.item(false)?;
            // Equality with the name of a set would compare with its name.
            if let ItemKind::Reference(_) | ItemKind::File(_) = item.kind {
                return Err(Trouble::new(item.at, "a set stands here without in or match")
                    .remedy(format!("write {} in …", variable.name())));
            }
            item.at = start.to(item.at);
            return Ok(ConditionText {
                variable,
                negated,
                relation: Relation::In,
                at: item.at,
                items: vec![item],
            });
        };
        let items = match relation {
            Relation::In | Relation::Match => self.set()?,
            Relation::Greater | Relation::Less => vec![self.item(false)?],
        };
        let end = self.tokens.get(self.at.saturating_sub(1)).map_or(start, |token| token.at);
        Ok(ConditionText { variable, negated, relation, items, at: start.to(end) })
    }

    fn set(&mut self) -> Result<Vec<Item>, Trouble> {
        if !self.take(&TokenKind::Open) {
            return Ok(vec![self.item(false)?]);
        }
        let mut items = Vec::new();
        loop {
            items.push(self.item(true)?);
            if self.take(&TokenKind::Comma) {
                continue;
            }
            if self.take(&TokenKind::Close) {
                return Ok(items);
            }
            return Err(self.expected("',' and another value, or ')'"));
        }
    }

    /// One value. Inside of parentheses it may be several words, as times are.
    fn item(&mut self, in_set: bool) -> Result<Item, Trouble> {
        let first = self.here();
        let Some(token) = self.next() else { return Err(self.expected("a value")) };
        match &token.kind {
            TokenKind::Quoted(text) => {
                let kind = reference(text, first)?
                    .map_or_else(|| ItemKind::Value(text.as_ref().into()), ItemKind::Reference);
                Ok(Item { kind, at: first })
            }
            TokenKind::Word(word)
                if word.eq_ignore_ascii_case("file") && self.next_is(&TokenKind::Open) =>
            {
                self.file_function(first)
            }
            TokenKind::Word(word) => {
                if let Some(path) = word.strip_prefix('@') {
                    return file(path, first);
                }
                if let Some(reference) = reference(word, first)? {
                    return Ok(Item { kind: ItemKind::Reference(reference), at: first });
                }
                let mut text = (*word).to_owned();
                let mut end = first;
                while let Some(more) = self.word().filter(|_| in_set) {
                    end = self.here();
                    self.at = self.at.saturating_add(1);
                    text.push(' ');
                    text.push_str(more);
                }
                Ok(Item { kind: ItemKind::Value(text.into()), at: first.to(end) })
            }
            TokenKind::Comma
            | TokenKind::Colon
            | TokenKind::Equals
            | TokenKind::Open
            | TokenKind::Close
            | TokenKind::End => {
                self.at = self.at.saturating_sub(1);
                Err(self.expected("a value"))
            }
        }
    }

    /// What follows `file` in `file("path")`.
    fn file_function(&mut self, first: Span) -> Result<Item, Trouble> {
        self.at = self.at.saturating_add(1);
        let path = match self.next().map(|token| &token.kind) {
            Some(TokenKind::Quoted(text)) => text.as_ref(),
            Some(TokenKind::Word(word)) => word,
            _ => {
                self.at = self.at.saturating_sub(1);
                return Err(self.expected("a path").remedy("write file(\"/path/to/file\")"));
            }
        };
        let end = self.here();
        if !self.take(&TokenKind::Close) {
            return Err(self.expected("')' behind the path"));
        }
        file(path, first.to(end))
    }

    fn action(&mut self) -> Result<ActionText, Trouble> {
        if self.take_word("PASS") {
            return Ok(ActionText::Pass);
        }
        if self.take_word("BLOCK") {
            let reason = if self.take_word("as") { Some(self.reason()?) } else { None };
            return Ok(ActionText::Block { reason });
        }
        let start = self.here();
        let adds = self.take_word("ADD");
        if adds || self.take_word("SET") {
            let variable = self.variable()?;
            self.take(&TokenKind::Equals);
            let value = self.item(false)?;
            let at = start.to(value.at);
            return Ok(if adds {
                ActionText::Add { variable, value, at }
            } else {
                ActionText::Set { variable, value, at }
            });
        }
        let word = self.word().unwrap_or_default();
        Err(self.expected("an action").remedy(advice(word, &ACTIONS)))
    }

    fn reason(&mut self) -> Result<ReasonText, Trouble> {
        let at = self.here();
        let (text, quoted) = match self.next().map(|token| &token.kind) {
            Some(TokenKind::Word(word)) => ((*word).into(), false),
            Some(TokenKind::Quoted(text)) => (text.as_ref().into(), true),
            _ => {
                self.at = self.at.saturating_sub(1);
                return Err(self.expected("a reason behind as").remedy(
                    "a reason is a category, BlackList, AdList, _match or a text in quotes",
                ));
            }
        };
        Ok(ReasonText { text, quoted, at })
    }
}

fn variables() -> String {
    format!("variables are {}", Variable::NAMES.join(", "))
}

fn file(path: &str, at: Span) -> Result<Item, Trouble> {
    if path.is_empty() {
        return Err(Trouble::new(at, "the name of the file is missing"));
    }
    Ok(Item { kind: ItemKind::File(path.into()), at })
}

/// A set by name: a setting, or a group behind `FILE@`, `LDAP@` or `AD@`.
fn reference(text: &str, at: Span) -> Result<Option<Reference>, Trouble> {
    if let Some((source, tag)) = text.split_once('@') {
        let is = |name: &str| source.eq_ignore_ascii_case(name);
        if !tag.is_empty() && is("FILE") {
            return Ok(Some(Reference::FileGroup(tag.into())));
        }
        if !tag.is_empty() && (is("LDAP") || is("AD")) {
            return Ok(Some(Reference::DirectoryGroup(tag.into())));
        }
        return Ok(None);
    }
    let Some((section, key)) = text.split_once('.') else { return Ok(None) };
    if !section.eq_ignore_ascii_case("ICAPD") {
        return Ok(None);
    }
    let known = SETS.iter().find(|(name, _)| key.eq_ignore_ascii_case(name));
    known.map(|(_, reference)| Some(reference.clone())).ok_or_else(|| {
        let names = SETS.map(|(name, _)| name);
        Trouble::new(at, format!("[ICAPD] {key} is no set for rules")).remedy(advice(key, &names))
    })
}

/// The settings that are sets for rules.
const SETS: [(&str, Reference); 5] = [
    ("BlackList", Reference::BlackList),
    ("WhiteList", Reference::WhiteList),
    ("AdList", Reference::AdList),
    ("BlockCategory", Reference::BlockCategory),
    ("BlockThreat", Reference::BlockThreat),
];

/// Conditions, and actions, of one rule: what a person can still read.
const PARTS_MAX: usize = 64;
