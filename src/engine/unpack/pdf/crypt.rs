//! Encryption with the standard security handler (ISO 32000-2, 7.6), when the user's password is empty: then
//! every viewer opens the document without asking. Or when it is one of the administrator's list.
//!
//! The key is found once (algorithms 2, 2.A and 2.B, a password or a round of the latter at a step: [`Lock`]); each
//! stream and string has one made of it. RC4 with keys of 40 to 128 bits, AES with 128 and 256 bits. Absent on
//! purpose: the owner's password, and certificates: what they protect is not seen, and said.

use md5::{Digest as _, Md5};
use memchr::memmem;

use super::cipher::{Cipher, Rc4};
use super::dictionary::Dictionary;
use super::hash::Hardened;
use super::marks::{Marks, NAME, NAMES_MAX, TABLE};
use super::token::{Token, Tokens, is_space};
use crate::engine::passwords::Passwords;
use crate::engine::unpack::cbc::{BLOCK_BYTES, Block, Chain, Key};

/// How streams and strings are decrypted.
#[derive(Debug)]
pub(super) struct Crypt {
    key: Vec<u8>,
    streams: Method,
    strings: Method,
    /// Of files that are embedded.
    files: Method,
    has_plain_metadata: bool,
}

/// How something is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    None,
    Rc4,
    Aes,
    /// With the key of the document itself.
    Aes256,
}

/// What a document says of its encryption.
pub(super) enum Found {
    /// Nothing.
    Plain,
    /// It is encrypted in a way that a password opens, maybe the empty one.
    Locked(Box<Lock>),
    /// It is encrypted, and cannot be read.
    Closed,
}

/// Passwords that are tried on a document: the empty one, and those of a list.
pub(super) struct Lock {
    said: Said,
    /// The first string of the document's `/ID`.
    id: Vec<u8>,
    /// Passwords that were tried.
    tried: usize,
    /// Of algorithm 2.A, which is at work on a password: whether the key is made by now, which was right before.
    hash: Option<(Box<Hardened>, bool)>,
}

/// The dictionary, as far as it is of use.
#[derive(Debug, Default)]
struct Said {
    version: u64,
    revision: u64,
    bits: u64,
    permissions: u32,
    owner: Vec<u8>,
    user: Vec<u8>,
    user_key: Vec<u8>,
    has_plain_metadata: bool,
    /// The names of crypt filters, and what each is.
    filters: Vec<(Vec<u8>, Vec<u8>)>,
    streams: Vec<u8>,
    strings: Vec<u8>,
    files: Vec<u8>,
    is_standard: bool,
}

impl Crypt {
    /// Looks for the dictionary that the document names. Says beside it whether the name stands in what a viewer
    /// reads last; when not, others may have it for a document that is not encrypted.
    pub(super) fn find(file: &[u8], marks: &Marks) -> (Found, bool) {
        let trailer = marks.table.and_then(|at| trailer(file, at));
        let Some(at) = marks.name else {
            let is_closed = trailer.is_some_and(|place| is_named_otherwise(file, place));
            return (if is_closed { Found::Closed } else { Found::Plain }, true);
        };
        let is_certain = trailer.is_some_and(|(from, to)| (from..to).contains(&at));
        let rest = file.get(at.saturating_add(NAME.len())..).unwrap_or_default();
        let dictionary = match Tokens::new(head(rest)).next() {
            Some(Token::Number(number)) => object(file, number),
            _ => Some(rest),
        };
        let said = dictionary.map(|bytes| Said::read(head(bytes)));
        let said = said.filter(|said| said.is_standard && matches!(said.revision, 2..=6));
        let lock = said.map(|said| {
            let id = marks.first_id(file);
            Box::new(Lock { said, id, tried: 0, hash: None })
        });
        (lock.map_or(Found::Closed, Found::Locked), is_certain)
    }

    /// For the stream of an object, given its dictionary. `None` when it stands as it is.
    pub(super) fn stream(&self, object: (u32, u16), dictionary: &Dictionary) -> Option<Cipher> {
        let method = match dictionary.kind.as_slice() {
            b"XRef" => Method::None,
            b"Metadata" if self.has_plain_metadata => Method::None,
            _ if dictionary.is_identity() => Method::None,
            b"EmbeddedFile" => self.files,
            _ => self.streams,
        };
        self.cipher(method, object)
    }

    /// Decrypts a string of an object.
    pub(super) fn string(&self, object: (u32, u16), text: &[u8]) -> Vec<u8> {
        let Some(mut cipher) = self.cipher(self.strings, object) else { return text.to_vec() };
        let mut plain = vec![0; text.len()];
        let (_, made) = cipher.pour(text, &mut plain);
        let rest = plain.get_mut(made..).unwrap_or_default();
        let last = cipher.flush(rest);
        plain.truncate(made.saturating_add(last));
        plain
    }

    fn cipher(&self, method: Method, (number, generation): (u32, u16)) -> Option<Cipher> {
        let mut digest = Md5::new();
        digest.update(&self.key);
        digest.update(number.to_le_bytes().get(..3)?);
        digest.update(generation.to_le_bytes());
        if method == Method::Aes {
            digest.update(b"sAlT");
        }
        let digest = digest.finalize();
        let length = self.key.len().saturating_add(5).min(16);
        let own = digest.get(..length)?;
        match method {
            Method::None => None,
            Method::Rc4 => Some(Cipher::Rc4(Box::new(Rc4::new(own)))),
            Method::Aes => Cipher::aes(own).filter(|_| own.len() == 16),
            Method::Aes256 => Cipher::aes(&self.key),
        }
    }
}

impl Said {
    /// Reads the dictionary at the front of `bytes`.
    fn read(bytes: &[u8]) -> Self {
        let mut said = Self::default();
        let mut tokens = Tokens::new(bytes).peekable();
        let (mut depth, mut filter) = (0_usize, Vec::new());
        while let Some(token) = tokens.next() {
            let key = match token {
                Token::Bracket(b"<<") => {
                    depth = depth.saturating_add(1);
                    continue;
                }
                Token::Bracket(b">>") => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                    continue;
                }
                Token::Word(b"endobj") => break,
                Token::Name(key) => key,
                Token::Number(_) | Token::Text(_) | Token::Bracket(_) | Token::Word(_) => continue,
            };
            let number = match tokens.peek() {
                Some(Token::Number(number)) => *number,
                _ => 0,
            };
            // Names of crypt filters stand as keys, one level down.
            if matches!(tokens.peek(), Some(Token::Bracket(b"<<"))) {
                filter = key;
                continue;
            }
            match key.as_slice() {
                b"V" if depth == 1 => said.version = number,
                b"R" if depth == 1 => said.revision = number,
                b"Length" if depth == 1 => said.bits = number,
                b"P" => said.permissions = permissions(tokens.peek()),
                b"O" => said.owner = text(tokens.peek()),
                b"U" => said.user = text(tokens.peek()),
                b"UE" => said.user_key = text(tokens.peek()),
                b"EncryptMetadata" => {
                    said.has_plain_metadata = tokens.peek() == Some(&Token::Word(b"false"));
                }
                b"Filter" => said.is_standard = name(tokens.peek()) == b"Standard",
                b"CFM" => said.filters.push((filter.clone(), name(tokens.peek()))),
                b"StmF" => said.streams = name(tokens.peek()),
                b"StrF" => said.strings = name(tokens.peek()),
                b"EFF" => said.files = name(tokens.peek()),
                _ => continue,
            }
            tokens.next();
        }
        said
    }

    /// With the key of the document.
    fn crypt(&self, key: Vec<u8>) -> Option<Crypt> {
        let of = |name: &[u8]| match self.version {
            1 | 2 => Some(Method::Rc4),
            4 | 5 if name.is_empty() || name == b"Identity" => Some(Method::None),
            4 | 5 => {
                let found = self.filters.iter().find(|(known, _)| known == name);
                match found.map(|(_, method)| method.as_slice()) {
                    Some(b"V2") => Some(Method::Rc4),
                    Some(b"AESV2") => Some(Method::Aes),
                    Some(b"AESV3") => Some(Method::Aes256),
                    Some(b"None") => Some(Method::None),
                    Some(_) | None => None,
                }
            }
            _ => None,
        };
        let files = if self.files.is_empty() { &self.streams } else { &self.files };
        Some(Crypt {
            key,
            streams: of(&self.streams)?,
            strings: of(&self.strings)?,
            files: of(files)?,
            has_plain_metadata: self.has_plain_metadata,
        })
    }

    /// Algorithms 2, 4 and 5: the key of revisions 2 to 4.
    fn old_key(&self, password: &[u8], id: &[u8]) -> Option<Vec<u8>> {
        let bytes = match (self.version, self.bits) {
            (1, _) => 5,
            // Of version 4 the crypt filters say so, and it is always this.
            (4, _) => 16,
            (_, 0) => 5,
            (_, bits) => {
                usize::try_from(bits).ok()?.checked_div(8).filter(|it| (5..=16).contains(it))?
            }
        };
        let mut digest = Md5::new();
        digest.update(password.iter().chain(&PADDING).take(32).copied().collect::<Vec<u8>>());
        digest.update(self.owner.get(..32)?);
        digest.update(self.permissions.to_le_bytes());
        digest.update(id);
        if self.revision >= 4 && self.has_plain_metadata {
            digest.update([0xff; 4]);
        }
        let mut key = digest.finalize().to_vec();
        key.truncate(if self.revision >= 3 { 16 } else { bytes });
        if self.revision >= 3 {
            for _ in 0..50 {
                key = Md5::digest(key.get(..bytes)?).to_vec();
            }
            key.truncate(bytes);
        }
        let mut proof = if self.revision == 2 {
            PADDING.to_vec()
        } else {
            Md5::new().chain_update(PADDING).chain_update(id).finalize().to_vec()
        };
        let rounds = if self.revision == 2 { 1 } else { 20 };
        for round in 0..rounds {
            let own: Vec<u8> = key.iter().map(|byte| byte ^ round).collect();
            Rc4::new(&own).apply(&mut proof);
        }
        self.user.starts_with(&proof).then_some(key)
    }

    /// Of revisions 5 and 6: what the hash of the right password is, the salt of that, and that of the key.
    fn proof(&self) -> Option<(&[u8], &[u8], &[u8])> {
        let (proof, salts) = self.user.get(..48)?.split_at_checked(32)?;
        let (proof_salt, key_salt) = salts.split_at_checked(8)?;
        Some((proof, proof_salt, key_salt))
    }

    /// A hash of algorithm 2.A that begins.
    fn hash(&self, password: &[u8], is_of_key: bool) -> Option<Box<Hardened>> {
        let (_, proof_salt, key_salt) = self.proof()?;
        let salt = if is_of_key { key_salt } else { proof_salt };
        Some(Box::new(Hardened::new(password, salt, self.revision == 5)))
    }

    /// Algorithm 2.A: the key, which is encrypted with a hash of the right password.
    fn new_key(&self, hash: &[u8; 32]) -> Option<Vec<u8>> {
        let mut key = self.user_key.get(..32)?.to_vec();
        Chain::new(Key::of(hash)?, Block::default()).decrypt(&mut key);
        debug_assert!(key.len().is_multiple_of(BLOCK_BYTES));
        Some(key)
    }
}

impl Lock {
    /// Goes on: a password, or a round of a hash. Says once it is over what opens the document.
    pub(super) fn step(&mut self, passwords: &Passwords) -> Option<Option<Crypt>> {
        if let Some((hash, is_of_key)) = &mut self.hash {
            let made = hash.step()?;
            let is_of_key = *is_of_key;
            self.hash = None;
            if is_of_key {
                return Some(self.said.new_key(&made).and_then(|key| self.said.crypt(key)));
            }
            let is_right = self.said.proof().is_some_and(|(proof, _, _)| proof == made);
            match is_right {
                true => self.hash = Some((self.said.hash(self.password(passwords), true)?, true)),
                false => self.tried = self.tried.saturating_add(1),
            }
            return None;
        }
        if self.tried > passwords.len() {
            return Some(None);
        }
        let password = self.password(passwords);
        let is_new = self.said.revision >= 5;
        let blocks = if is_new { Hardened::blocks(password) } else { OLD_BLOCKS };
        if self.tried > 0 && !passwords.pay(blocks) {
            return Some(None);
        }
        if is_new {
            let Some(hash) = self.said.hash(password, false) else { return Some(None) };
            self.hash = Some((hash, false));
            return None;
        }
        let key = self.said.old_key(password, &self.id);
        self.tried = self.tried.saturating_add(1);
        key.map(|key| self.said.crypt(key))
    }

    /// The password that is tried.
    fn password<'a>(&self, passwords: &'a Passwords) -> &'a [u8] {
        self.tried.checked_sub(1).map_or(&[], |at| passwords.get(at))
    }
}

/// Whether the dictionary that a viewer reads first has the name with letters written as numbers.
fn is_named_otherwise(file: &[u8], (from, to): (usize, usize)) -> bool {
    let mut tokens = Tokens::new(head(file.get(from..to).unwrap_or_default()));
    tokens.any(|token| token == Token::Name(b"Encrypt".to_vec()))
}

/// Where the dictionary lies that a viewer reads first: that of the table of references that is named last.
fn trailer(file: &[u8], named: usize) -> Option<(usize, usize)> {
    let number = Tokens::new(head(file.get(named.checked_add(TABLE.len())?..)?)).next();
    let Some(Token::Number(at)) = number else { return None };
    let at = usize::try_from(at).ok()?;
    let rest = file.get(at..)?;
    let table = rest.trim_ascii_start().starts_with(b"xref");
    let from = if table { at.checked_add(memmem::find(rest, b"trailer")?)? } else { at };
    let rest = file.get(from..)?;
    let end: &[u8] = if table { TABLE } else { b"stream" };
    Some((from, from.checked_add(memmem::find(rest, end)?)?))
}

/// What stands behind the `obj` of an object of generation 0.
fn object(file: &[u8], number: u64) -> Option<&[u8]> {
    let mark = format!("{number} 0 obj");
    let places = memmem::find_iter(file, mark.as_bytes()).take(NAMES_MAX);
    let starts = places.filter(|at| {
        let before = at.checked_sub(1).and_then(|at| file.get(at));
        before.is_none_or(|byte| is_space(*byte))
    });
    starts.last().and_then(|at| file.get(at.checked_add(mark.len())?..))
}

/// As much as a dictionary of encryption has.
pub(super) fn head(bytes: &[u8]) -> &[u8] {
    bytes.get(..DICTIONARY_BYTES_MAX).unwrap_or(bytes)
}

fn text(token: Option<&Token<'_>>) -> Vec<u8> {
    match token {
        Some(Token::Text(text)) => text.clone(),
        _ => Vec::new(),
    }
}

fn name(token: Option<&Token<'_>>) -> Vec<u8> {
    match token {
        Some(Token::Name(name)) => name.clone(),
        _ => Vec::new(),
    }
}

/// 32 bits with a sign, which some writers leave out.
fn permissions(token: Option<&Token<'_>>) -> u32 {
    let number = match token {
        Some(Token::Number(number)) => u32::try_from(*number).ok(),
        Some(Token::Word(word)) => {
            let word = std::str::from_utf8(word).ok();
            word.and_then(|word| word.parse().ok()).map(i32::cast_unsigned)
        }
        _ => None,
    };
    number.unwrap_or(0)
}

const DICTIONARY_BYTES_MAX: usize = 8 << 10;
/// What a password of an old revision costs, in blocks that are hashed: some dozens of them, and of RC4.
const OLD_BLOCKS: u64 = 128;
/// What a password is filled up with (ISO 32000-1, algorithm 2).
const PADDING: [u8; 32] = [
    0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08,
    0x2e, 0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a,
];
