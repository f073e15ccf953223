//! The tokens of PDF (ISO 32000-1, 7.2 and 7.3), read as leniently as viewers read them.

/// A token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Without its slash, its `#xx` undone.
    Name(Vec<u8>),
    Number(u64),
    /// Its escapes or its digits undone.
    Text(Vec<u8>),
    /// `<<`, `>>`, `[`, `]`.
    Bracket(&'a [u8]),
    /// `R`, `obj`, `true`, and whatever else there is.
    Word(&'a [u8]),
}

/// Reads tokens from the front.
pub(super) struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Tokens<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn skip_space(&mut self) {
        loop {
            let text = self.rest.iter().position(|byte| !is_space(*byte));
            self.rest = self.rest.get(text.unwrap_or(self.rest.len())..).unwrap_or_default();
            if self.rest.first() != Some(&b'%') {
                return;
            }
            let end = self.rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            self.rest = self.rest.get(end.unwrap_or(self.rest.len())..).unwrap_or_default();
        }
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space();
        match self.rest {
            [] => None,
            [b'<', b'<', ..] | [b'>', b'>', ..] => Some(Token::Bracket(self.take(2))),
            [b'[' | b']', ..] => Some(Token::Bracket(self.take(1))),
            [b'/', name @ ..] => {
                let end = name.iter().position(|byte| !is_regular(*byte)).unwrap_or(name.len());
                let name = plain_name(name.get(..end).unwrap_or_default());
                self.take(end.saturating_add(1));
                Some(Token::Name(name))
            }
            [b'(', ..] => {
                let (text, length) = literal(self.rest);
                self.take(length);
                Some(Token::Text(text))
            }
            [b'<', ..] => {
                let end = self.rest.iter().position(|byte| *byte == b'>');
                let digits = self.take(end.unwrap_or(self.rest.len()).saturating_add(1));
                Some(Token::Text(hex(digits)))
            }
            [byte, ..] if !is_regular(*byte) => Some(Token::Word(self.take(1))),
            rest => {
                let end = rest.iter().position(|byte| !is_regular(*byte)).unwrap_or(rest.len());
                let word = self.take(end);
                let number = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
                Some(number.map_or(Token::Word(word), Token::Number))
            }
        }
    }
}

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

const fn is_regular(byte: u8) -> bool {
    !is_space(byte)
        && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn plain_name(raw: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let coded = match (first, after) {
            (b'#', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = coded {
            name.push(high << 4 | low);
            rest = after.get(2..).unwrap_or_default();
        } else {
            name.push(*first);
        }
    }
    name
}

/// A string in parentheses, at the front of `bytes`: its text and its length.
fn literal(bytes: &[u8]) -> (Vec<u8>, usize) {
    let mut text = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0_usize;
    while let Some(byte) = bytes.get(at) {
        at = at.saturating_add(1);
        match byte {
            b'(' => {
                depth = depth.saturating_add(1);
                if depth > 1 {
                    text.push(b'(');
                }
            }
            b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
                text.push(b')');
            }
            b'\\' => at = at.saturating_add(escape(bytes.get(at..).unwrap_or_default(), &mut text)),
            other => text.push(*other),
        }
    }
    (text, at)
}

/// What follows a backslash: says how many bytes that were.
fn escape(rest: &[u8], text: &mut Vec<u8>) -> usize {
    match rest {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        [b'0'..=b'7', ..] => {
            let digits = rest.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7'));
            let (mut code, mut count) = (0_u8, 0_usize);
            for byte in digits {
                code = code << 3 | byte & 7;
                count = count.saturating_add(1);
            }
            text.push(code);
            count
        }
        [letter, ..] => {
            text.push(match letter {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'b' => 8,
                b'f' => 0x0c,
                other => *other,
            });
            1
        }
        [] => 0,
    }
}

/// Digits between angle brackets; an odd one counts as if a zero followed.
fn hex(digits: &[u8]) -> Vec<u8> {
    let mut digits = digits.iter().filter_map(|byte| digit(*byte));
    let mut text = Vec::new();
    while let Some(high) = digits.next() {
        text.push(high << 4 | digits.next().unwrap_or(0));
    }
    text
}
