//! `AdList`: regular expressions over addresses, for advertisements and what else is easier said so.
//!
//! Syntax and what an expression sees are told in `expressions`. An address that fits one is blocked
//! whatever the white list says. In a file each line is an expression, but for empty lines and those that
//! begin with `#`; a bad line is set aside with its place, and the rest is used.

use std::fmt;

use sha2::{Digest, Sha256};

use super::expressions::{EXPRESSIONS_MAX, ExpressionFault, Expressions, Subject};
use super::path::LazyPath;
use super::url::UrlParts;

/// Expressions that were read and found good, as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdExpressions {
    texts: Vec<Box<str>>,
}

impl AdExpressions {
    /// Adds one expression.
    ///
    /// # Errors
    ///
    /// [`ExpressionFault`] says what is wrong with it, and where; nothing is added then.
    pub fn add(&mut self, text: &str) -> Result<(), ExpressionFault> {
        let text = text.trim();
        if self.texts.len() >= EXPRESSIONS_MAX {
            return Err(ExpressionFault::TooMany);
        }
        Expressions::check(text)?;
        self.texts.push(text.into());
        Ok(())
    }

    /// Adds the lines of a file; bad ones are set aside and returned.
    pub fn add_file(&mut self, text: &str) -> Vec<AdLineFault> {
        let mut faults = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            if let Err(fault) = self.add(trimmed) {
                let indent = line.len().saturating_sub(line.trim_start().len());
                let column = fault.column().saturating_add(indent);
                faults.push(AdLineFault { line: index.saturating_add(1), column, fault });
                if faults.len() >= super::list::LINE_FAULTS_MAX {
                    break;
                }
            }
        }
        faults
    }

    /// Adds the expressions of another list.
    pub fn append(&mut self, mut other: Self) {
        self.texts.append(&mut other.texts);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

/// A line of a file that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdLineFault {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1.
    pub column: usize,
    /// What is wrong with it.
    pub fault: ExpressionFault,
}

/// Compiled expressions.
#[derive(Debug, Default)]
pub struct AdList {
    texts: Vec<Box<str>>,
    compiled: Expressions,
}

impl AdList {
    /// Compiles expressions; doubled ones count once, and their order does not matter.
    ///
    /// # Errors
    ///
    /// [`ExpressionFault`] when they are too many or too large together.
    pub fn compile(expressions: AdExpressions) -> Result<Self, ExpressionFault> {
        let mut texts = expressions.texts;
        texts.sort_unstable();
        texts.dedup();
        let compiled = Expressions::compile(texts.iter().map(|text| &**text))?;
        Ok(Self { texts, compiled })
    }

    /// The expression that fits this address.
    #[must_use]
    pub fn find(&self, url: &UrlParts<'_>) -> Option<&str> {
        if self.compiled.is_empty() {
            return None;
        }
        let mut path = LazyPath::new(url.path);
        let number = self.compiled.find(&Subject::of(url, &path.get()))?;
        self.texts.get(number).map(|text| &**text)
    }

    /// Whether no address fits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.compiled.is_empty()
    }

    /// How many expressions there are, without doubles.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Adds the content to a digest, every part behind its length.
    pub(super) fn digest_into(&self, digest: &mut Sha256) {
        let number = |length: usize| u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes();
        digest.update(number(self.texts.len()));
        for text in &self.texts {
            digest.update(number(text.len()));
            digest.update(text.as_bytes());
        }
    }
}

impl fmt::Display for AdLineFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.line, self.column, self.fault)
    }
}
