//! Addresses, as far as lists of hosts and digests of addresses need them.

/// What is left of an address for comparing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// `http`, `https` or `ftp` when it is written.
    pub(super) scheme: Option<&'static str>,
    /// In lower case, without user and port.
    pub(super) host: String,
    /// What follows the host, from `/` or `?` on; empty when nothing does.
    pub(super) path: Vec<u8>,
    /// A byte of value zero, or a control, was in the part before the path, or it was written as one.
    pub(super) is_cloaked: bool,
}

impl Place {
    /// The address that `text` is, when it leads to a host. White space goes, and signs around it.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let clean: Vec<u8> = text.iter().copied().filter(|byte| !is_space(*byte)).collect();
        let clean = trim(&clean);
        let (scheme, rest) = scheme_of(clean);
        let rest = rest.strip_prefix(b"//").unwrap_or(rest);
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\'));
        let (authority, path) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        let is_cloaked = authority.iter().any(u8::is_ascii_control)
            || authority.windows(3).any(|sign| sign == b"%00" || sign == b"%01");
        let authority: &[u8] = match authority.iter().rposition(|byte| *byte == b'@') {
            // Without a scheme that is a mail address.
            Some(_) if scheme.is_none() => return None,
            Some(at) => authority.get(at.saturating_add(1)..)?,
            None => authority,
        };
        let authority = match authority.iter().position(|byte| *byte == b':') {
            Some(at) => authority.get(..at)?,
            None => authority,
        };
        let host = String::from_utf8(authority.to_ascii_lowercase()).ok()?;
        let host = host.trim_matches('.').to_owned();
        let looks_like_host = !host.is_empty() && host.len() <= HOST_BYTES_MAX;
        // Without a scheme it must end in a name of letters behind a point: else it is just a word.
        let (_, top) = host.rsplit_once('.').unwrap_or_default();
        let is_name =
            host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
                && top.len() >= 2
                && top.bytes().all(|byte| byte.is_ascii_alphabetic());
        let is_host = looks_like_host && (scheme.is_some() || is_name);
        is_host.then(|| Self { scheme, host, path: path.to_vec(), is_cloaked })
    }

    /// `scheme://host`, as regular expressions see it.
    pub(super) fn short(&self) -> String {
        match self.scheme {
            Some(scheme) => format!("{scheme}://{}", self.host),
            None => self.host.clone(),
        }
    }

    /// The host and the names around it: `a.b.c`, `b.c`, `c`; at most [`SUFFIXES_MAX`], the shortest.
    pub(super) fn suffixes(&self) -> Vec<&str> {
        let mut suffixes: Vec<&str> = vec![&self.host];
        let mut rest: &str = &self.host;
        while let Some((_, after)) = rest.split_once('.') {
            suffixes.push(after);
            rest = after;
        }
        suffixes.split_off(suffixes.len().saturating_sub(SUFFIXES_MAX))
    }

    /// The name that its owner registered, as far as that can be told without a list: the last two
    /// labels, three where the last has two letters and the one before at most three.
    pub(super) fn registered(&self) -> &str {
        let mut points = self.host.rmatch_indices('.').map(|(at, _)| at);
        let labels: Vec<&str> = self.host.rsplit('.').take(2).collect();
        let is_national =
            matches!(labels.as_slice(), [last, before] if last.len() == 2 && before.len() <= 3);
        let cut = if is_national { points.nth(2) } else { points.nth(1) };
        cut.and_then(|at| self.host.get(at.saturating_add(1)..)).unwrap_or(&self.host)
    }

    /// What is hashed for lists of addresses: hosts from all of it to the last two labels, at most five,
    /// each with the whole path, the path without its question, and its first directories.
    pub(super) fn expressions(&self) -> Vec<Vec<u8>> {
        let is_number = self.host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let suffixes = self.suffixes();
        let many = suffixes.len().saturating_sub(1).max(1);
        let hosts: Vec<&str> = match is_number {
            true => vec![&self.host],
            false => {
                let whole: &str = &self.host;
                let shorter = suffixes.get(..many).unwrap_or_default();
                let last = shorter.len().saturating_sub(4);
                let tail = shorter.get(last..).unwrap_or_default();
                let head = (tail.first() != Some(&whole)).then_some(whole);
                head.into_iter().chain(tail.iter().copied()).collect()
            }
        };
        let paths = paths(&canonical_path(&self.path));
        let pairs = hosts.iter().flat_map(|host| paths.iter().map(move |path| (host, path)));
        pairs.map(|(host, path)| [host.as_bytes(), path].concat()).collect()
    }
}

/// The paths that are looked up for one path.
fn paths(path: &[u8]) -> Vec<Vec<u8>> {
    let bare = path.split(|byte| *byte == b'?').next().unwrap_or_default();
    let mut paths = vec![path.to_vec()];
    if bare.len() < path.len() {
        paths.push(bare.to_vec());
    }
    let slashes = bare.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    for at in slashes.take(4) {
        let directory = bare.get(..=at).unwrap_or_default().to_vec();
        if !paths.contains(&directory) {
            paths.push(directory);
        }
    }
    paths
}

/// Escapes undone, `.` and `..` and empty steps resolved, no fragment.
fn canonical_path(path: &[u8]) -> Vec<u8> {
    let path = path.split(|byte| *byte == b'#').next().unwrap_or_default();
    let path = unescaped(path);
    let (bare, question) = match path.iter().position(|byte| *byte == b'?') {
        Some(at) => path.split_at_checked(at).unwrap_or((&path, &[])),
        None => (&*path, &[][..]),
    };
    let mut steps: Vec<&[u8]> = Vec::new();
    let ends_in_directory = bare.ends_with(b"/") || bare.ends_with(b"/.") || bare.ends_with(b"/..");
    for step in bare.split(|byte| matches!(byte, b'/' | b'\\')) {
        match step {
            b"" | b"." => {}
            b".." => {
                steps.pop();
            }
            _ => steps.push(step),
        }
    }
    let mut canonical = vec![b'/'];
    canonical.extend_from_slice(&steps.join(&b'/'));
    if ends_in_directory && !steps.is_empty() {
        canonical.push(b'/');
    }
    canonical.extend_from_slice(question);
    canonical
}

fn unescaped(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let digit =
            |sign: u8| char::from(sign).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let decoded = match (byte, after) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match decoded {
            Some((high, low)) => {
                out.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    out
}

fn scheme_of(text: &[u8]) -> (Option<&'static str>, &[u8]) {
    for scheme in ["https", "http", "ftp"] {
        let (name, rest) = text.split_at_checked(scheme.len()).unwrap_or_default();
        if name.eq_ignore_ascii_case(scheme.as_bytes())
            && let Some(rest) = rest.strip_prefix(b":")
        {
            return (Some(scheme), rest);
        }
    }
    (None, text)
}

/// Signs that people put around an address.
fn trim(mut text: &[u8]) -> &[u8] {
    let is_around = |byte: &u8| b"()[]<>{}\"'!,;.".contains(byte);
    while let Some((first, rest)) = text.split_first()
        && is_around(first)
    {
        text = rest;
    }
    while let Some((last, rest)) = text.split_last()
        && is_around(last)
    {
        text = rest;
    }
    text
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, 0x09..=0x0d | 0x20)
}

/// The longest name of a host in the DNS.
const HOST_BYTES_MAX: usize = 255;
/// Names around a host that are looked up.
const SUFFIXES_MAX: usize = 8;
