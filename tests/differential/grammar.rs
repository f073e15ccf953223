//! Lines of .ldb files over the whole language (clamav.md A5): expressions, counts, modifiers,
//! offsets, distances, comparisons of bytes, regular expressions, the keys of the description block.
//!
//! Left out: negated edges on the left, which end clamscan 1.4.6 (A16.2); icons, macros, hashes of
//! images and version information, which the files made here do not hold.

use crate::corpus::Random;
use crate::generator::hex;

/// A line with `name`.
pub(crate) fn line(name: &str, random: &mut Random) -> String {
    let target = *random.pick(&[0, 0, 0, 1, 1, 1, 1, 6, 6, 9, 7, 7, 3, 10, 5, 12, 14]);
    let mut draw = Draw { target, random };
    let count = *draw.random.pick(&[1, 2, 2, 3, 3, 4, 5, 6, 9]);
    let mut subsignatures: Vec<(bool, String)> = Vec::new();
    for id in 0..count {
        let drawn = draw.subsignature(id, &subsignatures);
        subsignatures.push(drawn);
    }
    let mut ids: Vec<usize> = (0..count).collect();
    for at in (1..count).rev() {
        let other = draw.random.between(0, at);
        ids.swap(at, other);
    }
    let mut expression = draw.expression(&ids, 0);
    // Where a database has an offset from the end among signatures for text, clamscan 1.4.6 asks about
    // each text once more when nothing is counted any more: `0=0` is true then of a text that holds
    // subsignature 0, and `FileSize` is that of the text as it came. Something that has to be there
    // leaves only the first, right answer.
    if target == 7 && expression.contains(['=', '<']) {
        subsignatures.push((true, hex(TEXT_START)));
        expression = format!("({expression})&{count}");
    }
    let keys = draw.keys();
    let texts: Vec<String> = subsignatures.into_iter().map(|(_, text)| text).collect();
    format!("{name};{keys};{expression};{}", texts.join(";"))
}

/// Every text that is made here begins so.
const TEXT_START: &[u8] = b"some plain text";

struct Draw<'a> {
    target: u8,
    random: &'a mut Random,
}

impl Draw<'_> {
    fn is_text(&self) -> bool {
        matches!(self.target, 3 | 7)
    }

    fn has_sections(&self) -> bool {
        matches!(self.target, 1 | 6)
    }

    fn keys(&mut self) -> String {
        let mut keys = format!("Engine:51-255,Target:{}", self.target);
        if self.random.one_in(6) {
            let low = *self.random.pick(&[0, 100, 700, 3_000]);
            let high = *self.random.pick(&[200, 5_000, 20_000, 1_000_000]);
            keys.push_str(&format!(",FileSize:{low}-{}", low.max(high)));
        }
        if self.has_sections() && self.random.one_in(8) {
            let low = self.random.between(1, 4);
            keys.push_str(&format!(",NumberOfSections:{low}-{}", low + self.random.between(0, 2)));
        }
        if self.has_sections() && self.random.one_in(8) {
            let low = *self.random.pick(&[0, 0x1000, 0x1300, 0x1400]);
            keys.push_str(&format!(",EntryPoint:{low}-{}", low + self.random.between(0, 0x800)));
        }
        if self.random.one_in(10) {
            let container = *self.random.pick(&["CL_TYPE_ANY", "CL_TYPE_GZ"]);
            keys.push_str(&format!(",Container:{container}"));
        }
        keys
    }

    /// Every id once, in a tree.
    fn expression(&mut self, ids: &[usize], depth: usize) -> String {
        if let [id] = ids {
            let test = match self.random.between(0, 19) {
                0 => "=1",
                1 => ">1",
                2 => "<2",
                3 => "=0",
                4 => "=2",
                5 => ">2",
                _ => "",
            };
            return format!("{id}{test}");
        }
        let middle = self.random.between(1, ids.len() - 1);
        let sign = *self.random.pick(&["&", "&", "&", "|", "|"]);
        let one = self.expression(&ids[..middle], depth + 1);
        let other = self.expression(&ids[middle..], depth + 1);
        let both = format!("{one}{sign}{other}");
        match self.random.between(0, 9) {
            0..=4 if depth > 0 => format!("({both})"),
            5 | 6 => {
                let sign = *self.random.pick(&[">", ">", "=", "<"]);
                let bound = self.random.between(1, ids.len() + 1);
                let different = if self.random.one_in(3) {
                    format!(",{}", self.random.between(1, ids.len()))
                } else {
                    String::new()
                };
                format!("({both}){sign}{bound}{different}")
            }
            _ => both,
        }
    }

    /// Whether it is a pattern, and its text.
    fn subsignature(&mut self, id: usize, earlier: &[(bool, String)]) -> (bool, String) {
        let patterns: Vec<usize> = (0..id).filter(|&id| earlier[id].0).collect();
        if !patterns.is_empty() {
            match self.random.between(0, 9) {
                0 => return (false, self.regex(&patterns)),
                1 if !self.is_text() => return (false, self.compare(&patterns)),
                _ => {}
            }
        }
        (true, self.pattern())
    }

    fn byte(&mut self) -> u8 {
        if self.is_text() {
            return *self.random.pick(b"abcdefghijlmnoprstuvwxy0123456789");
        }
        match self.random.between(0, 2) {
            0 => self.random.byte(),
            1 => *self.random.pick(b"abcdefghijklmnopqrstuvwxyz"),
            _ => *self.random.pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        }
    }

    fn literal(&mut self, low: usize, high: usize) -> String {
        let count = self.random.between(low, high);
        let bytes: Vec<u8> = (0..count).map(|_| self.byte()).collect();
        hex(&bytes)
    }

    fn edge(&mut self) -> &'static str {
        match self.random.between(0, 2) {
            0 => "(B)",
            1 => "(L)",
            _ => "(W)",
        }
    }

    fn pattern(&mut self) -> String {
        // Wide strings in text make clamscan take it for UTF-16 without a mark (A9.2), which we do not.
        let modifiers = match self.random.between(0, 19) {
            2 | 3 | 6 | 7 | 9 | 10 if self.is_text() => "fi",
            0 | 1 => "i",
            2 | 3 => "w",
            4 => "f",
            5 => "a",
            6 => "iw",
            7 => "wa",
            8 => "fi",
            9 => "iwa",
            10 => "wf",
            _ => "",
        };
        let is_wide = modifiers.contains('w');
        let is_word = modifiers.contains('f');
        let mut text = String::new();
        let is_edged = !is_wide && !is_word && self.random.one_in(12);
        if is_edged {
            text.push_str(self.edge());
        } else if !is_wide && !is_word && self.random.one_in(20) {
            let anchor = self.literal(1, 1);
            let low = self.random.between(0, 4);
            text.push_str(&format!("{anchor}[{low}-{}]", low + self.random.between(1, 6)));
        }
        text.push_str(&self.literal(4, 10));
        for _ in 0..*self.random.pick(&[0, 0, 0, 1, 1, 2]) {
            let unit = self.between(modifiers.is_empty());
            text.push_str(&unit);
            text.push_str(&self.literal(3, 8));
        }
        if !is_wide && !is_word && !text.contains('[') && self.random.one_in(16) {
            text.push_str(self.edge());
        }
        let offset = self.offset();
        let modifiers = if modifiers.is_empty() { String::new() } else { format!("::{modifiers}") };
        format!("{offset}{text}{modifiers}")
    }

    /// What stands between two literals.
    ///
    /// clamscan refuses negated alternatives where a modifier follows, whichever it is.
    fn between(&mut self, may_negate: bool) -> String {
        let (low, more) = (self.random.between(0, 9), self.random.between(1, 30));
        match self.random.between(0, if may_negate { 11 } else { 10 }) {
            0 => "*".to_owned(),
            1 => format!("{{{low}}}"),
            2 => format!("{{-{more}}}"),
            3 => format!("{{{low}-}}"),
            4 => format!("{{{low}-{}}}", low + more),
            5 => "??".to_owned(),
            6 => format!("{:x}?", self.byte() >> 4),
            7 => format!("?{:x}", self.byte() & 15),
            8 => format!("({}|{})", self.literal(1, 1), self.literal(1, 1)),
            9 => format!("({}|{}|{})", self.literal(2, 2), self.literal(2, 2), self.literal(2, 2)),
            10 => format!("({}|{})", self.literal(1, 2), self.literal(3, 4)),
            _ => format!("!({}|{})", self.literal(1, 1), self.literal(1, 1)),
        }
    }

    fn offset(&mut self) -> String {
        let shift = match self.random.between(0, 1) {
            0 => String::new(),
            _ => format!(",{}", self.random.between(0, 40)),
        };
        let near = self.random.between(0, 60);
        match self.random.between(0, 29) {
            0 => format!("{}{shift}:", 2_000 + near),
            1 => format!("EOF-{}{shift}:", 100 + near),
            2 | 3 if self.has_sections() => format!("EP+{near}{shift}:"),
            4 if self.has_sections() => format!("EP-{}{shift}:", near + 1),
            5 if self.has_sections() => format!("S{}+{near}{shift}:", self.random.between(0, 2)),
            6 if self.has_sections() => format!("SL+{near}{shift}:"),
            7 if self.has_sections() => format!("SE{}:", self.random.between(0, 2)),
            _ => String::new(),
        }
    }

    fn compare(&mut self, patterns: &[usize]) -> String {
        let id = *self.random.pick(patterns);
        let sign = *self.random.pick(&[">>", ">>", "<<"]);
        let distance = self.random.between(0, 60);
        let order = *self.random.pick(&["l", "b"]);
        let (form, most) = match self.random.between(0, 5) {
            0..=2 => {
                let length = *self.random.pick(&[1_usize, 2, 4, 8]);
                (format!("i{order}{length}"), if length == 1 { 200 } else { 60_000 })
            }
            3 => (format!("hb{}", self.random.between(3, 6)), 0xff0),
            4 => (format!("hbe{}", self.random.between(3, 6)), 0xff0),
            _ => (format!("d{}", self.random.between(4, 7)), 9_000),
        };
        let value = self.random.between(1, most);
        let value = if self.random.one_in(2) { format!("0x{value:x}") } else { value.to_string() };
        let test = *self.random.pick(&["=", "=", ">", "<"]);
        let more = if test == ">" && self.random.one_in(2) { ",<0xfff0" } else { "" };
        format!("{id}({sign}{distance}#{form}#{test}{value}{more})")
    }

    fn regex(&mut self, patterns: &[usize]) -> String {
        let word = |draw: &mut Self| -> String {
            let count = draw.random.between(3, 6);
            (0..count).map(|_| char::from(*draw.random.pick(b"abcdefghijlmnopqrstuvwxy"))).collect()
        };
        let (one, two) = (word(self), word(self));
        let regex = match self.random.between(0, 7) {
            0 => format!("{one}[0-9]{{2,4}}{two}"),
            1 => format!("{one}(x|yz){two}"),
            2 => format!("{one}\\s*{two}"),
            3 => format!("{one}.{{1,6}}{two}"),
            4 => format!("{one}\\x{:02x}{two}", self.random.pick(b"-_=m7")),
            5 => format!("{one}[^a-y]{two}"),
            6 => format!("{one}\\d+\\.{two}"),
            _ => one,
        };
        let flags = *self.random.pick(&["", "", "i", "s", "g", "gi", "m", "gs"]);
        let (one, other) = (*self.random.pick(patterns), *self.random.pick(patterns));
        let trigger = match self.random.between(0, 5) {
            0 if one != other => format!("{one}&{other}"),
            1 if one != other => format!("({one}|{other})"),
            2 => format!("{one}>1"),
            _ => one.to_string(),
        };
        format!("{trigger}/{regex}/{flags}")
    }
}
