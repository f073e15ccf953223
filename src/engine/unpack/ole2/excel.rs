//! Macros of Excel 4 (MS-XLS): sheets of formulas, printed as text, a cell in a line.
//!
//! ```text
//!   SHEET Macro1 macro hidden
//!   NAME Auto_Open =SHEET0!R1C1
//!   R1C1 =EXEC("calc.exe")
//! ```
//!
//! Only formulas of macro sheets are printed, in workbooks that have such sheets; strings that formulas came to are, too.
//! Absent on purpose: formulas of other sheets, the strings that all sheets share (they stand in the stream), and
//! workbooks of Excel 5, whose tokens are other ones.

use super::super::parts::copy;
use super::formula;
use super::tables::{Chain, Tables};
use crate::engine::unpack::numbers::le16;

/// A workbook whose macros are printed.
#[derive(Default)]
pub(super) struct Macros {
    text: Vec<u8>,
    given: usize,
    /// The records are those of a macro sheet.
    is_macro: bool,
    is_over: bool,
    /// Of the last formula.
    cell: (u16, u16),
}

/// Whether a workbook has a macro sheet, as its first records say, or may have one.
pub(super) fn has_macros(mut chain: Chain, tables: &Tables, file: &[u8]) -> bool {
    let mut left = GLOBAL_BYTES_MAX;
    while left > 0 {
        let mut header = [0; 4];
        if chain.fill(tables, file, &mut header) < header.len() {
            return false;
        }
        let length = le16(&header, 2).map_or(0, u64::from);
        left = left.saturating_sub(length).saturating_sub(4);
        match le16(&header, 0) {
            Some(END) => return false,
            Some(SHEET) if length > 6 => {
                let mut front = [0; 6];
                chain.fill(tables, file, &mut front);
                if front.get(5) == Some(&1) {
                    return true;
                }
                chain.skip(tables, file, length.saturating_sub(6));
            }
            _ => chain.skip(tables, file, length),
        }
    }
    true
}

impl Macros {
    /// Whether there may be more although nothing came.
    pub(super) const fn is_busy(&self) -> bool {
        !self.is_over
    }

    /// Fills `output` as far as a few records go.
    pub(super) fn read(
        &mut self,
        chain: &mut Chain,
        tables: &Tables,
        file: &[u8],
        output: &mut [u8],
    ) -> usize {
        for _ in 0..RECORDS_PER_STEP {
            if self.given < self.text.len() || self.is_over {
                break;
            }
            self.text.clear();
            self.given = 0;
            self.record(chain, tables, file);
        }
        let made = copy(self.text.get(self.given..).unwrap_or_default(), output);
        self.given = self.given.saturating_add(made);
        made
    }

    /// Reads a record and prints it, if it is one of those.
    fn record(&mut self, chain: &mut Chain, tables: &Tables, file: &[u8]) {
        let mut header = [0; 4];
        if chain.fill(tables, file, &mut header) < header.len() {
            self.is_over = true;
            return;
        }
        let (kind, length) = (le16(&header, 0).unwrap_or(0), le16(&header, 2).unwrap_or(0));
        let is_printed = match kind {
            BEGIN | SHEET | NAME => true,
            FORMULA | STRING | LABEL => self.is_macro,
            _ => false,
        };
        if !is_printed {
            chain.skip(tables, file, u64::from(length));
            return;
        }
        let mut body = vec![0; usize::from(length)];
        let count = chain.fill(tables, file, &mut body);
        body.truncate(count);
        let line = match kind {
            BEGIN => {
                let is_new = le16(&body, 0) == Some(VERSION_8);
                self.is_macro = is_new && le16(&body, 2) == Some(MACRO_SHEET);
                None
            }
            SHEET => sheet(&body),
            NAME => name(&body),
            FORMULA => self.formula(&body),
            STRING => self.string(&body),
            _ => self.label(&body),
        };
        if let Some(line) = line {
            self.text = line.into_bytes();
            self.text.push(b'\n');
        }
    }

    fn formula(&mut self, body: &[u8]) -> Option<String> {
        self.cell = (le16(body, 0)?, le16(body, 2)?);
        let length = usize::from(le16(body, 20)?);
        let rest = body.get(22..)?;
        let tokens = rest.get(..length).unwrap_or(rest);
        Some(format!("{} ={}", self.place(), formula::print(tokens)))
    }

    /// What the formula before came to.
    fn string(&self, body: &[u8]) -> Option<String> {
        let letters = usize::from(le16(body, 0)?);
        let (text, _) = formula::string(body.get(2..)?, letters)?;
        Some(format!("{} \"{text}\"", self.place()))
    }

    fn label(&mut self, body: &[u8]) -> Option<String> {
        self.cell = (le16(body, 0)?, le16(body, 2)?);
        self.string(body.get(6..)?)
    }

    fn place(&self) -> String {
        let (row, column) = self.cell;
        format!("R{}C{}", u32::from(row).saturating_add(1), u32::from(column).saturating_add(1))
    }
}

fn sheet(body: &[u8]) -> Option<String> {
    let [_, _, _, _, state, kind, letters, rest @ ..] = body else { return None };
    let (name, _) = formula::string(rest, usize::from(*letters))?;
    let kind = match kind {
        0 => "sheet",
        1 => "macro",
        2 => "chart",
        _ => "module",
    };
    let state = match state & 3 {
        0 => "visible",
        1 => "hidden",
        _ => "very hidden",
    };
    Some(format!("SHEET {name} {kind} {state}"))
}

/// A name, and what it stands for. Some have a number for a name.
fn name(body: &[u8]) -> Option<String> {
    let letters = usize::from(*body.get(3)?);
    let (own, size) = formula::string(body.get(14..)?, letters)?;
    let is_known = le16(body, 0)? & 0x20 != 0;
    let number = own.chars().next().and_then(|letter| usize::try_from(u32::from(letter)).ok());
    let known = number.filter(|_| is_known).and_then(|number| KNOWN_NAMES.get(number));
    let shown = known.copied().unwrap_or(own.as_str());
    let length = usize::from(le16(body, 4)?);
    let rest = body.get(size.checked_add(14)?..)?;
    let tokens = rest.get(..length).unwrap_or(rest);
    Some(format!("NAME {shown} ={}", formula::print(tokens)))
}

const KNOWN_NAMES: [&str; 14] = [
    "Consolidate_Area",
    "Auto_Open",
    "Auto_Close",
    "Extract",
    "Database",
    "Criteria",
    "Print_Area",
    "Print_Titles",
    "Recorder",
    "Data_Form",
    "Auto_Activate",
    "Auto_Deactivate",
    "Sheet_Title",
    "_FilterDatabase",
];
const FORMULA: u16 = 0x0006;
const END: u16 = 0x000a;
const NAME: u16 = 0x0018;
const SHEET: u16 = 0x0085;
const LABEL: u16 = 0x0204;
const STRING: u16 = 0x0207;
const BEGIN: u16 = 0x0809;
const VERSION_8: u16 = 0x0600;
const MACRO_SHEET: u16 = 0x0040;
/// Records before those that name the sheets: fonts and formats.
const GLOBAL_BYTES_MAX: u64 = 1 << 20;
/// Records that one step reads, each of up to 64 KiB.
const RECORDS_PER_STEP: usize = 16;
