//! Patterns of the ndb language with an instance of each: text for the line, bytes that fit it.

use crate::corpus::Random;

/// A pattern and what fits it.
pub(crate) struct Sample {
    /// As in the fourth field of a line.
    pub(crate) pattern: String,
    /// Bytes that the pattern matches, edges' neighbours excluded.
    pub(crate) instance: Vec<u8>,
    /// A byte to put before it, when the pattern asks for one.
    pub(crate) before: Option<u8>,
    /// A byte to put after it, when the pattern asks for one.
    pub(crate) after: Option<u8>,
    /// Places in the instance whose change must make a difference: bytes of literals.
    pub(crate) fixed: Vec<usize>,
}

impl Sample {
    /// A pattern of one to three parts.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let mut sample = Self {
            pattern: String::new(),
            instance: Vec::new(),
            before: None,
            after: None,
            fixed: Vec::new(),
        };
        if random.one_in(16) {
            sample.lead(random);
        }
        let parts = *random.pick(&[1, 1, 1, 2, 2, 3]);
        for part in 0..parts {
            if part > 0 {
                sample.gap(random);
            }
            sample.part(random, part == 0, part + 1 == parts);
        }
        // clamscan refuses a closing distance behind another one or behind an anchor, as a part
        // without bytes.
        if parts == 1
            && !sample.pattern.contains('[')
            && sample.after.is_none()
            && random.one_in(12)
        {
            let count = random.between(1, 6);
            sample.text(&format!("{{{count}}}"));
            sample.instance.extend(random.bytes(count));
        }
        sample
    }

    fn text(&mut self, text: &str) {
        self.pattern.push_str(text);
    }

    fn lead(&mut self, random: &mut Random) {
        let count = random.between(1, 6);
        self.text(&format!("{{{count}}}"));
        self.instance.extend(random.bytes(count));
    }

    /// Bytes written as they are.
    fn literal(&mut self, random: &mut Random, count: usize) {
        for _ in 0..count {
            let byte = random.byte();
            self.text(&format!("{byte:02x}"));
            self.fixed.push(self.instance.len());
            self.instance.push(byte);
        }
    }

    fn gap(&mut self, random: &mut Random) {
        let (low, high) = (random.between(0, 12), random.between(13, 40));
        let (text, count) = match random.between(0, 5) {
            0 | 1 => ("*".to_owned(), random.between(0, 300)),
            2 => (format!("{{{low}}}"), low),
            3 => (format!("{{-{high}}}"), random.between(0, high)),
            4 => (format!("{{{low}-}}"), random.between(low, low + 200)),
            _ => (format!("{{{low}-{high}}}"), random.between(low, high)),
        };
        self.text(&text);
        self.instance.extend(random.bytes(count));
    }

    fn part(&mut self, random: &mut Random, is_first: bool, is_last: bool) {
        let is_bare = self.instance.is_empty();
        if is_first && is_bare {
            match random.between(0, 11) {
                0 => self.left_edge(random),
                1 => self.left_anchor(random),
                _ => {}
            }
        }
        let core = random.between(4, 12);
        self.literal(random, core);
        for _ in 0..random.between(0, 3) {
            self.unit(random);
            let more = random.between(2, 5);
            self.literal(random, more);
        }
        // A distance on one side with an edge on the other is counted as not supported yet.
        let is_plain = self.before.is_none() && !self.pattern.contains('[');
        if is_last && is_plain {
            match random.between(0, 11) {
                0 => self.right_edge(random),
                1 => self.right_anchor(random),
                _ => {}
            }
        }
    }

    /// Something between two literals.
    fn unit(&mut self, random: &mut Random) {
        match random.between(0, 8) {
            0 => {
                self.text("??");
                self.instance.push(random.byte());
            }
            1 => {
                let byte = random.byte();
                self.text(&format!("{:x}?", byte >> 4));
                self.instance.push(byte & 0xf0 | random.byte() & 0x0f);
            }
            2 => {
                let byte = random.byte();
                self.text(&format!("?{:x}", byte & 0x0f));
                self.instance.push(byte & 0x0f | random.byte() & 0xf0);
            }
            3 => self.choice(random, &[1, 1]),
            4 => self.choice(random, &[3, 3, 3]),
            5 => self.choice(random, &[2, 4, 3]),
            6 => self.negated(random, 1),
            7 => self.negated(random, 2),
            _ => self.middle_boundary(random),
        }
    }

    /// One of several runs, of which the instance takes any.
    fn choice(&mut self, random: &mut Random, lengths: &[usize]) {
        let choices: Vec<Vec<u8>> = lengths.iter().map(|&length| random.bytes(length)).collect();
        let texts: Vec<String> = choices.iter().map(|choice| hex(choice)).collect();
        self.text(&format!("({})", texts.join("|")));
        let taken = random.pick(&choices).clone();
        self.instance.extend(taken);
    }

    /// None of several runs of one length.
    fn negated(&mut self, random: &mut Random, length: usize) {
        let choices = [random.bytes(length), random.bytes(length)];
        self.text(&format!("!({}|{})", hex(&choices[0]), hex(&choices[1])));
        let taken = loop {
            let bytes = random.bytes(length);
            if !choices.contains(&bytes) {
                break bytes;
            }
        };
        self.instance.extend(taken);
    }

    fn middle_boundary(&mut self, random: &mut Random) {
        let cases: [(&str, &[u8]); 6] = [
            ("(L)", b"\n"),
            ("(L)", b"\r\n"),
            ("(W)", b"!"),
            ("(B)", b" "),
            ("!(W)", b"k"),
            ("!(L)", b"x"),
        ];
        let (text, bytes) = *random.pick(&cases);
        self.text(text);
        self.instance.extend_from_slice(bytes);
    }

    fn left_edge(&mut self, random: &mut Random) {
        let cases = [
            ("(L)", b'\n'),
            ("(L)", b'a'),
            ("(W)", b'-'),
            ("(W)", b'a'),
            ("(B)", b'<'),
            ("(B)", b'_'),
            ("(B)", b'\t'),
            ("(B)", b'a'),
            ("!(B)", b'a'),
            ("!(B)", b' '),
            ("!(L)", b'a'),
            ("!(L)", b'\n'),
            ("!(W)", b'a'),
            ("!(W)", b'.'),
        ];
        let (text, byte) = *random.pick(&cases);
        self.text(text);
        self.before = Some(byte);
    }

    fn right_edge(&mut self, random: &mut Random) {
        let cases = [
            ("(L)", b'\n'),
            ("(L)", b'\r'),
            ("(W)", b'-'),
            ("(W)", b'a'),
            ("(B)", b'>'),
            ("(B)", b'\n'),
            ("(B)", b'<'),
            ("(B)", b'a'),
            ("!(B)", b'a'),
            ("!(B)", b'='),
            ("!(L)", b'a'),
            ("!(L)", b'\n'),
            ("!(W)", b'a'),
            ("!(W)", b'.'),
        ];
        let (text, byte) = *random.pick(&cases);
        self.text(text);
        self.after = Some(byte);
    }

    fn left_anchor(&mut self, random: &mut Random) {
        let (low, byte) = (random.between(0, 6), random.byte());
        let high = random.between(low + 1, 20);
        self.text(&format!("{byte:02x}[{low}-{high}]"));
        self.instance.push(byte);
        let between = random.between(low, high);
        self.instance.extend(random.bytes(between));
    }

    fn right_anchor(&mut self, random: &mut Random) {
        let (low, byte) = (random.between(0, 6), random.byte());
        let high = random.between(low + 1, 20);
        self.text(&format!("[{low}-{high}]{byte:02x}"));
        let between = random.between(low, high);
        self.instance.extend(random.bytes(between));
        self.instance.push(byte);
    }

    /// The instance with the neighbours that its edges ask for.
    pub(crate) fn whole(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.before.into_iter().collect();
        bytes.extend_from_slice(&self.instance);
        bytes.extend(self.after);
        bytes
    }

    /// The same with one literal byte changed.
    pub(crate) fn broken(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.whole();
        let at = *random.pick(&self.fixed) + usize::from(self.before.is_some());
        bytes[at] ^= 1 << random.between(0, 7);
        bytes
    }
}

/// Bytes as hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
