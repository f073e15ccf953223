//! Expressions: text → steps in postfix order (clamav.md A5.3).
//!
//! There is no precedence, and how `&` and `|` are grouped was asked of clamscan 1.4.6 (some four
//! thousand random expressions): outside of parentheses from the right, `0&1|2` is `0&(1|2)`. Inside
//! of a pair of parentheses the *last* operator splits: `(0&1|2)` is `((0&1)|2)`; what stands before
//! it is again grouped from the right: `(0|1&2|3)` is `((0|(1&2))|3)`.
//!
//! Of several signs the last one counts, `8==9` is `8=9` and `0>=2` is `0=2`; the number after a comma
//! may be left out. The official set has a line of each.
//!
//! Narrower than clamscan, which reads `0a`, `0!=1` and `0=1=2` as something: such lines are wrong.

use crate::engine::database::line::{Field, LineFault, digits};
use crate::engine::logical::program::STACK_MAX;
use crate::engine::logical::value::{COUNT_MAX, Relation, SUBSIGNATURES_MAX, Step, Test};

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::engine::database) struct Expression {
    /// In postfix order.
    pub steps: Vec<Step>,
    /// The highest number in it, plus one.
    pub ids_count: usize,
    /// A count is compared with more than the matcher counts.
    pub is_too_large: bool,
}

/// Reads an expression. `what` is what its numbers name.
pub(in crate::engine::database) fn parse(
    field: Field<'_>,
    what: &'static str,
) -> Result<Expression, LineFault> {
    let mut reader = Reader { field, next: 0, terms: 0, ids_count: 0, is_too_large: false, what };
    let steps = reader.level(0)?;
    if stack_of(&steps) > STACK_MAX {
        let rule = "an expression that needs more than 64 values at a time";
        return Err(LineFault::rule(field.at, rule));
    }
    let Reader { ids_count, is_too_large, .. } = reader;
    Ok(Expression { steps, ids_count, is_too_large })
}

struct Reader<'a> {
    field: Field<'a>,
    next: usize,
    terms: usize,
    ids_count: usize,
    is_too_large: bool,
    what: &'static str,
}

impl Reader<'_> {
    /// What is between two parentheses, or all of it.
    fn level(&mut self, depth: usize) -> Result<Vec<Step>, LineFault> {
        let mut items = Vec::new();
        let mut operators = Vec::new();
        loop {
            items.push(self.term(depth)?);
            match self.peek() {
                Some(b'&') => operators.push(Step::And),
                Some(b'|') => operators.push(Step::Or),
                Some(b')') if depth > 0 => break,
                None if depth == 0 => break,
                Some(_) | None => return Err(self.refuse("'&', '|', ')' or the end")),
            }
            self.skip();
        }
        Ok(match (depth, items.pop(), operators.pop()) {
            (1.., Some(last), Some(operator)) => {
                let mut steps = from_the_right(items, &operators);
                steps.extend(last);
                steps.push(operator);
                steps
            }
            (_, last, operator) => {
                items.extend(last);
                operators.extend(operator);
                from_the_right(items, &operators)
            }
        })
    }

    /// A number or a pair of parentheses, and what its count is compared with.
    fn term(&mut self, depth: usize) -> Result<Vec<Step>, LineFault> {
        self.terms = self.terms.saturating_add(1);
        if self.terms > TERMS_MAX {
            let rule = "an expression of more than 1024 terms";
            return Err(LineFault::rule(self.at(), rule));
        }
        match self.peek() {
            Some(b'(') if depth < NESTING_MAX => {
                self.skip();
                let mut steps = self.level(depth.saturating_add(1))?;
                self.skip();
                if let Some((test, distinct)) = self.test()? {
                    steps.push(Step::Block { test, distinct });
                }
                Ok(steps)
            }
            Some(b'(') => {
                Err(LineFault::rule(self.at(), "parentheses inside each other more than 32 deep"))
            }
            Some(b'0'..=b'9') => {
                let at = self.at();
                let number = self.number(self.what)?;
                let id =
                    u8::try_from(number).ok().filter(|id| usize::from(*id) < SUBSIGNATURES_MAX);
                let Some(id) = id else {
                    let rule = "a number of a subsignature beyond 63";
                    return Err(LineFault::rule(at, rule));
                };
                self.ids_count = self.ids_count.max(usize::from(id).saturating_add(1));
                // How many different ones there are says nothing of a single one.
                let test = self.test()?.map(|(test, _)| test);
                Ok(vec![Step::Count { id, test }])
            }
            Some(_) | None => Err(self.refuse("the number of a subsignature or '('")),
        }
    }

    /// `=X`, `<X`, `>X`, each perhaps with `,Y` or `,`.
    fn test(&mut self) -> Result<Option<(Test, u8)>, LineFault> {
        let mut relation = None;
        while let Some(sign) = self.peek() {
            relation = match sign {
                b'=' => Some(Relation::Equal),
                b'<' => Some(Relation::Less),
                b'>' => Some(Relation::Greater),
                _ => break,
            };
            self.skip();
        }
        let Some(relation) = relation else {
            return Ok(None);
        };
        let number = self.number("a count")?;
        let value = u16::try_from(number).unwrap_or(u16::MAX);
        self.is_too_large |= value > COUNT_MAX;
        let mut distinct = 0;
        if self.peek() == Some(b',') {
            self.skip();
            if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                let number = self.number("a number of subsignatures")?;
                distinct = u8::try_from(number).unwrap_or(u8::MAX);
            }
        }
        Ok(Some((Test { relation, value: value.min(COUNT_MAX) }, distinct)))
    }

    fn number(&mut self, what: &'static str) -> Result<u64, LineFault> {
        self.peek();
        let rest = self.field.text.get(self.next..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 {
            return Err(self.refuse(what));
        }
        let value = digits(rest.get(..length).unwrap_or_default(), self.at(), what)?;
        self.next = self.next.saturating_add(length);
        Ok(value)
    }

    /// The next byte; spaces are stepped over, as clamscan does.
    fn peek(&mut self) -> Option<u8> {
        while self.field.text.get(self.next) == Some(&b' ') {
            self.skip();
        }
        self.field.text.get(self.next).copied()
    }

    const fn skip(&mut self) {
        self.next = self.next.saturating_add(1);
    }

    const fn at(&self) -> usize {
        self.field.at.saturating_add(self.next)
    }

    fn refuse(&self, allowed: &'static str) -> LineFault {
        LineFault::unexpected(self.at(), self.field.text.get(self.next).copied(), allowed)
    }
}

/// `a o (b o (c …))`. Operands of a run of one operator are joined at once: the grouping inside a run
/// changes nothing, and the stack stays low.
fn from_the_right(items: Vec<Vec<Step>>, operators: &[Step]) -> Vec<Step> {
    let mut out: Vec<Step> = Vec::new();
    let mut pending: Vec<Step> = Vec::new();
    let mut before: Option<Step> = None;
    // An operand belongs to the operator after it; the last one to none.
    let after = operators.iter().copied().map(Some).chain(std::iter::once(None));
    for (item, after) in items.into_iter().zip(after) {
        out.extend(item);
        let is_new_run = before != after;
        if !is_new_run && let Some(operator) = after {
            out.push(operator);
        }
        if is_new_run && let Some(operator) = after {
            pending.push(operator);
        }
        before = after;
    }
    out.extend(pending.into_iter().rev());
    out
}

/// The most values that are on the stack at a time.
fn stack_of(steps: &[Step]) -> usize {
    let mut now = 0_usize;
    let mut most = 0_usize;
    for step in steps {
        match step {
            Step::Count { .. } => now = now.saturating_add(1),
            Step::And | Step::Or => now = now.saturating_sub(1),
            Step::Block { .. } => {}
        }
        most = most.max(now);
    }
    most
}

/// More would be a joke or an attack: 64 subsignatures are the most there can be.
const TERMS_MAX: usize = 1_024;

/// The reader calls itself for each pair of parentheses.
const NESTING_MAX: usize = 32;
