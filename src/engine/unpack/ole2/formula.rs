//! Formulas of Excel 97 and later (MS-XLS 2.5.198), printed as they are written, in the style of `R1C1`.
//!
//! What is printed is for signatures, and for nobody to compute with: names of other sheets are numbers, parts of a
//! formula whose meaning lies elsewhere are passed over, and what does not fit is set side by side.

use crate::engine::unpack::numbers::{le16, le32};

/// Prints the tokens of a formula.
pub(super) fn print(tokens: &[u8]) -> String {
    let mut printer = Printer { rest: tokens, stack: Vec::new(), fuel: COPIED_BYTES_MAX };
    while printer.step().is_some() {}
    let mut text = printer.stack.join(" ");
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

/// A text with its length in one byte and how it is coded in another: the text, and the bytes it takes.
pub(super) fn string(bytes: &[u8], letters: usize) -> Option<(String, usize)> {
    let (flags, rest) = bytes.split_first()?;
    if flags & 1 == 1 {
        let size = letters.checked_mul(2)?;
        return Some((super::tables::utf16(rest.get(..size)?), size.checked_add(1)?));
    }
    let text = rest.get(..letters)?.iter().map(|byte| char::from(*byte)).collect();
    Some((text, letters.checked_add(1)?))
}

struct Printer<'a> {
    rest: &'a [u8],
    stack: Vec<String>,
    /// Bytes that may yet be put together: operands in each other are copied once for each.
    fuel: usize,
}

impl Printer<'_> {
    /// Reads one token. `None` at the end, or when what follows makes no sense.
    fn step(&mut self) -> Option<()> {
        if self.fuel == 0 {
            return None;
        }
        let token = *self.take(1)?.first()?;
        // Tokens for values come in three classes.
        let base = if token >= 0x40 { token & 0x1f | 0x20 } else { token };
        match base {
            0x03..=0x11 => self.binary(token),
            0x12..=0x14 => self.unary(token),
            0x15 => {
                let inner = self.pop();
                self.stack.push(format!("({inner})"));
            }
            0x16 => self.stack.push(String::new()),
            0x17 => {
                let letters = usize::from(*self.take(1)?.first()?);
                let (text, size) = string(self.rest, letters)?;
                self.take(size)?;
                self.stack.push(format!("\"{text}\""));
            }
            0x19 => self.attribute()?,
            0x1c => {
                self.take(1)?;
                self.stack.push("#ERROR".to_owned());
            }
            0x1d => {
                let is_true = self.take(1)? != [0];
                self.stack.push(if is_true { "TRUE" } else { "FALSE" }.to_owned());
            }
            0x1e => {
                let number = le16(self.take(2)?, 0)?;
                self.stack.push(number.to_string());
            }
            0x1f => {
                let bytes = *self.take(8)?.first_chunk()?;
                self.stack.push(f64::from_le_bytes(bytes).to_string());
            }
            0x21 => {
                let number = le16(self.take(2)?, 0)?;
                let row = FUNCTIONS.iter().find(|row| row.0 == number);
                let count = row.map_or(1, |row| usize::from(row.2));
                self.call(name(FUNCTIONS, number), count);
            }
            0x22 => {
                let front = self.take(3)?;
                let count = usize::from(front.first()? & 0x7f);
                let number = le16(front, 1)?;
                let table = if number & 0x8000 == 0 { FUNCTIONS } else { COMMANDS };
                self.call(name(table, number & 0x7fff), count);
            }
            _ => self.operand(base)?,
        }
        Some(())
    }

    /// References and names.
    fn operand(&mut self, base: u8) -> Option<()> {
        let shown = match base {
            0x23 => format!("NAME{}", le32(self.take(4)?, 0)?),
            0x24 | 0x2c => cell(self.take(4)?, 0, 2)?,
            0x25 | 0x2d => area(self.take(8)?, 0)?,
            0x39 => {
                let part = self.take(6)?;
                format!("NAME{}!{}", le16(part, 0)?, le32(part, 2)?)
            }
            0x3a => {
                let part = self.take(6)?;
                format!("SHEET{}!{}", le16(part, 0)?, cell(part, 2, 4)?)
            }
            0x3b => {
                let part = self.take(10)?;
                format!("SHEET{}!{}", le16(part, 0)?, area(part, 2)?)
            }
            0x20 => {
                self.take(7)?;
                "{}".to_owned()
            }
            0x2a | 0x3c => {
                self.take(if base == 0x2a { 4 } else { 6 })?;
                "#REF".to_owned()
            }
            0x2b | 0x3d => {
                self.take(if base == 0x2b { 8 } else { 10 })?;
                "#REF".to_owned()
            }
            // Memory: it stands before what it is of.
            0x26..=0x28 => return self.take(6).map(|_| ()),
            0x29 => return self.take(2).map(|_| ()),
            0x01 | 0x02 => return self.take(4).map(|_| ()),
            _ => return None,
        };
        self.stack.push(shown);
        Some(())
    }

    /// How a formula is shown, and shortcuts, of which only the sum is a part of it.
    fn attribute(&mut self) -> Option<()> {
        let part = self.take(3)?;
        let (kind, count) = (*part.first()?, usize::from(le16(part, 1)?));
        if kind & 0x04 != 0 {
            self.take(count.checked_add(1)?.checked_mul(2)?)?;
        }
        if kind & 0x10 != 0 {
            self.call("SUM", 1);
        }
        Some(())
    }

    fn binary(&mut self, token: u8) {
        let sign = usize::from(token).checked_sub(3).and_then(|at| SIGNS.get(at));
        let (right, mut left) = (self.pop(), self.pop());
        left.push_str(sign.copied().unwrap_or(" "));
        left.push_str(&right);
        self.stack.push(left);
    }

    fn unary(&mut self, token: u8) {
        let inner = self.pop();
        self.stack.push(match token {
            0x12 => format!("+{inner}"),
            0x13 => format!("-{inner}"),
            _ => format!("{inner}%"),
        });
    }

    /// A call with the last operands. Of one that the user has made, the first says what it is.
    fn call(&mut self, name: &str, count: usize) {
        let from = self.stack.len().saturating_sub(count);
        let arguments = self.stack.split_off(from);
        for argument in &arguments {
            self.fuel = self.fuel.saturating_sub(argument.len());
        }
        let shown = match arguments.split_first() {
            Some((own, rest)) if name == "USER" => format!("{own}({})", rest.join(",")),
            Some(_) | None => format!("{name}({})", arguments.join(",")),
        };
        self.stack.push(shown);
    }

    fn pop(&mut self) -> String {
        let text = self.stack.pop().unwrap_or_default();
        self.fuel = self.fuel.saturating_sub(text.len());
        text
    }

    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }
}

fn cell(part: &[u8], row: usize, column: usize) -> Option<String> {
    let (row, column) = (u32::from(le16(part, row)?), u32::from(le16(part, column)? & 0x3fff));
    Some(format!("R{}C{}", row.saturating_add(1), column.saturating_add(1)))
}

fn area(part: &[u8], at: usize) -> Option<String> {
    let part = part.get(at..)?;
    Some(format!("{}:{}", cell(part, 0, 4)?, cell(part, 2, 6)?))
}

fn name(table: &'static [(u16, &'static str, u8)], number: u16) -> &'static str {
    table.iter().find(|row| row.0 == number).map_or("FUNCTION", |row| row.1)
}

const SIGNS: [&str; 15] =
    ["+", "-", "*", "/", "^", "&", "<", "<=", "=", ">=", ">", "<>", " ", ",", ":"];
const TEXT_BYTES_MAX: usize = 32 << 10;
const COPIED_BYTES_MAX: usize = 256 << 10;

/// Functions that macros are written with (MS-XLS 2.5.198.17): the number, the name, and how many operands those
/// have that always have as many.
const FUNCTIONS: &[(u16, &str, u8)] = &[
    (0, "COUNT", 0),
    (1, "IF", 0),
    (2, "ISNA", 1),
    (3, "ISERROR", 1),
    (4, "SUM", 0),
    (10, "NA", 0),
    (24, "ABS", 1),
    (25, "INT", 1),
    (27, "ROUND", 2),
    (29, "INDEX", 0),
    (30, "REPT", 2),
    (31, "MID", 3),
    (32, "LEN", 1),
    (33, "VALUE", 1),
    (34, "TRUE", 0),
    (35, "FALSE", 0),
    (36, "AND", 0),
    (37, "OR", 0),
    (38, "NOT", 1),
    (39, "MOD", 2),
    (48, "TEXT", 2),
    (53, "GOTO", 1),
    (54, "HALT", 0),
    (55, "RETURN", 0),
    (63, "RAND", 0),
    (67, "DAY", 1),
    (74, "NOW", 0),
    (76, "ROWS", 1),
    (77, "COLUMNS", 1),
    (78, "OFFSET", 0),
    (79, "ABSREF", 2),
    (80, "RELREF", 2),
    (81, "ARGUMENT", 0),
    (82, "SEARCH", 0),
    (84, "ERROR", 0),
    (87, "ECHO", 0),
    (88, "SET.NAME", 0),
    (89, "CALLER", 0),
    (90, "DEREF", 1),
    (94, "ACTIVE.CELL", 0),
    (95, "SELECTION", 0),
    (96, "RESULT", 0),
    (100, "CHOOSE", 0),
    (106, "GET.FORMULA", 1),
    (107, "GET.NAME", 0),
    (108, "SET.VALUE", 2),
    (110, "EXEC", 0),
    (111, "CHAR", 1),
    (112, "LOWER", 1),
    (113, "UPPER", 1),
    (115, "LEFT", 0),
    (116, "RIGHT", 0),
    (119, "REPLACE", 4),
    (120, "SUBSTITUTE", 0),
    (121, "CODE", 1),
    (123, "DIRECTORY", 0),
    (124, "FIND", 0),
    (128, "ISNUMBER", 1),
    (129, "ISBLANK", 1),
    (130, "T", 1),
    (131, "N", 1),
    (132, "FOPEN", 0),
    (133, "FCLOSE", 1),
    (134, "FSIZE", 1),
    (135, "FREADLN", 1),
    (136, "FREAD", 2),
    (137, "FWRITELN", 2),
    (138, "FWRITE", 2),
    (139, "FPOS", 0),
    (148, "INDIRECT", 0),
    (149, "REGISTER", 0),
    (150, "CALL", 0),
    (185, "GET.CELL", 0),
    (186, "GET.WORKSPACE", 1),
    (187, "GET.WINDOW", 0),
    (188, "GET.DOCUMENT", 0),
    (221, "TODAY", 0),
    (255, "USER", 0),
];

/// Commands as functions (MS-XLS 2.5.198.4).
const COMMANDS: &[(u16, &str, u8)] = &[
    (1, "OPEN", 0),
    (3, "CLOSE.ALL", 0),
    (4, "SAVE", 0),
    (5, "SAVE.AS", 0),
    (6, "FILE.DELETE", 0),
    (11, "QUIT", 0),
    (17, "RUN", 0),
    (96, "FORMULA", 0),
    (118, "ALERT", 0),
];
