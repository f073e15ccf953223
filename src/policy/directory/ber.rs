//! BER as LDAP uses it (X.690, restricted by RFC 4511 section 5.1): definite lengths, tags of one byte.
//!
//! Reading borrows, never recurses and allocates nothing: an element is a tag and its content, and whoever
//! knows what belongs there looks into it. A message is framed by its length, which is bounded before the
//! first byte of it is waited for.

/// An element: its tag and its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Class, form and number in one byte.
    pub tag: u8,
    /// What is inside.
    pub content: &'a [u8],
}

/// Whether the bytes begin with a whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// So many bytes of them are one.
    Whole(usize),
    /// More bytes are needed.
    Part,
    /// This is no message, or a longer one than [`MESSAGE_BYTES_MAX`].
    Broken,
}

/// Looks for a message at the beginning of what was received.
#[must_use]
pub fn frame(input: &[u8]) -> Frame {
    let Some((&tag, rest)) = input.split_first() else { return Frame::Part };
    if tag != SEQUENCE {
        return Frame::Broken;
    }
    match length(rest) {
        Length::Is { bytes, content } if content <= MESSAGE_BYTES_MAX => {
            let whole = content.saturating_add(bytes).saturating_add(1);
            if input.len() >= whole { Frame::Whole(whole) } else { Frame::Part }
        }
        Length::Part => Frame::Part,
        Length::Is { .. } | Length::Bad => Frame::Broken,
    }
}

/// The first element, and what follows it. `None`: there is none, or it is cut off or malformed.
#[must_use]
pub fn element(input: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = input.split_first()?;
    // Numbers from 31 on take more bytes; LDAP has none.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let Length::Is { bytes, content } = length(rest) else { return None };
    let (content, rest) = rest.get(bytes..)?.split_at_checked(content)?;
    Some((Element { tag, content }, rest))
}

/// The elements one after the other. It ends at the first that is malformed.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    /// Of this content.
    #[must_use]
    pub const fn of(content: &'a [u8]) -> Self {
        Self { rest: content }
    }

    /// The next one, if it has this tag.
    pub fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, rest) = element(self.rest).filter(|(found, _)| found.tag == tag)?;
        self.rest = rest;
        Some(found.content)
    }

    /// Whether everything was read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (found, rest) = element(self.rest)?;
        self.rest = rest;
        Some(found)
    }
}

/// A whole number, of at most four bytes.
#[must_use]
pub fn number(content: &[u8]) -> Option<i32> {
    let (first, _) = content.split_first().filter(|_| content.len() <= 4)?;
    let sign = if *first & 0x80 == 0 { 0 } else { -1 };
    Some(content.iter().fold(sign, |all, byte| (all << 8) | i32::from(*byte)))
}

enum Length {
    /// The length itself takes so many bytes, and the content so many.
    Is {
        bytes: usize,
        content: usize,
    },
    Part,
    Bad,
}

fn length(input: &[u8]) -> Length {
    let Some((&first, rest)) = input.split_first() else { return Length::Part };
    if first < 0x80 {
        return Length::Is { bytes: 1, content: usize::from(first) };
    }
    let count = usize::from(first & 0x7f);
    // 0x80 is the indefinite form, which LDAP forbids; more than four bytes are more than 4 GiB.
    if count == 0 || count > 4 {
        return Length::Bad;
    }
    let Some(digits) = rest.get(..count) else { return Length::Part };
    let content = digits.iter().fold(0_usize, |all, byte| (all << 8) | usize::from(*byte));
    Length::Is { bytes: count.saturating_add(1), content }
}

/// Puts an element behind what is there: its tag, its length and its content.
pub fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        Ok(_) | Err(_) => {
            let digits = content.len().to_be_bytes();
            let zeros = digits.iter().take_while(|digit| **digit == 0).count();
            let digits = digits.get(zeros..).unwrap_or_default();
            // At most eight.
            out.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
            out.extend_from_slice(digits);
        }
    }
    out.extend_from_slice(content);
}

/// Puts a whole number that is not negative, in as few bytes as it takes.
pub fn put_number(out: &mut Vec<u8>, tag: u8, value: i32) {
    let digits = value.max(0).to_be_bytes();
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let shortest = digits.get(zeros..).unwrap_or_default();
    // One more where the first bit would be read as a sign.
    let has_sign = shortest.first().is_none_or(|first| *first & 0x80 != 0);
    let content = if has_sign { [&[0], shortest].concat() } else { shortest.to_vec() };
    put(out, tag, &content);
}

/// `SEQUENCE`, and `SEQUENCE OF`.
pub const SEQUENCE: u8 = 0x30;
/// `SET OF`.
pub const SET: u8 = 0x31;
/// `BOOLEAN`.
pub const BOOLEAN: u8 = 0x01;
/// `INTEGER`.
pub const INTEGER: u8 = 0x02;
/// `OCTET STRING`.
pub const OCTETS: u8 = 0x04;
/// `ENUMERATED`.
pub const ENUMERATED: u8 = 0x0a;

/// The longest message that is read: a user in a thousand groups has a fifth of it.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;
