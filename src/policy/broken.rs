//! Authorities that break the rules, read as some program behind us may read them.
//!
//! A request whose host cannot be read must not pass every list for that: proxies, resolvers and servers
//! forgive more than the standards ask for, each in its own way. So what [`Host::parse`] refuses is read
//! here once more, with everything undone that anybody undoes: percent-encoding in several rounds, blanks
//! and control characters inside (Squid strips them), what follows a decoded `/`, `\`, `?`, `#` or zero byte,
//! user information in front of a decoded `@`, empty labels, ports that are no numbers, numbers with too
//! many bits, brackets that are not closed. What is left is the end of a name, for that is what lists are
//! about: a label that cannot be read stays as a label that no list has, and the domains above it count.
//!
//! This is the slow way: it allocates a few hundred bytes. Only an authority of which nothing is left is
//! refused; nobody can be asked for it either.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::host::{HOST_BYTES_MAX, Host, ends_in_number, hex};

/// Host and port of an authority, with user information or not.
pub(super) fn authority(raw: &[u8]) -> Option<(Host, Option<u16>)> {
    let from = raw.len().saturating_sub(AUTHORITY_BYTES_MAX);
    let mut text = raw.get(from..).unwrap_or_default().to_vec();
    for _round in 0..ROUNDS_MAX {
        let next = undone(&text);
        if next == text {
            break;
        }
        text = next;
    }
    let (host, port) = split_port(&text);
    Some((host_of(host)?, port))
}

/// One round of everything that is undone.
fn undone(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let code = match after {
            [high, low, left @ ..] if first == b'%' => {
                hex(*high).zip(hex(*low)).map(|(high, low)| ((high << 4) | low, left))
            }
            _ => None,
        };
        let (byte, left) = code.unwrap_or((first, after));
        if byte == 0 || !(byte.is_ascii_whitespace() || byte.is_ascii_control()) {
            decoded.push(byte);
        }
        rest = left;
    }
    let at = decoded.iter().rposition(|&byte| byte == b'@').map_or(0, |at| at.saturating_add(1));
    let host = decoded.get(at..).unwrap_or_default();
    let end = host.iter().position(|byte| b"\0/\\?#".contains(byte)).unwrap_or(host.len());
    ascii(host.get(..end).unwrap_or_default())
}

/// International labels in their ASCII form; a letter of one that has none becomes a `*`.
fn ascii(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    if let Ok(whole) = idna::domain_to_ascii_cow(text, idna::AsciiDenyList::EMPTY) {
        return whole.as_bytes().to_ascii_lowercase();
    }
    let lossy = String::from_utf8_lossy(text);
    let labels = lossy.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']).map(|label| {
        match idna::domain_to_ascii_cow(label.as_bytes(), idna::AsciiDenyList::EMPTY) {
            Ok(label) => label.to_ascii_lowercase(),
            Err(_) => label.replace(|sign: char| !sign.is_ascii(), "*").to_ascii_lowercase(),
        }
    });
    labels.collect::<Vec<_>>().join(".").into_bytes()
}

/// Host and port; the host still in its brackets, if it has some.
fn split_port(text: &[u8]) -> (&[u8], Option<u16>) {
    if text.starts_with(b"[") {
        let end = text.iter().position(|&byte| byte == b']').unwrap_or(text.len());
        let (host, rest) = text.split_at_checked(end).unwrap_or((text, b""));
        return (host, port(rest.strip_prefix(b"]:").unwrap_or_default()));
    }
    if ipv6(text).is_some() {
        return (text, None);
    }
    let mut colons = text.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(at, _)| at);
    let (Some(first), last) = (colons.next(), colons.next_back()) else {
        return (text, None);
    };
    let cut = |at: usize| {
        let (host, rest) = text.split_at_checked(at).unwrap_or((text, b""));
        (host, port(rest.strip_prefix(b":").unwrap_or_default()))
    };
    match last.map(cut) {
        Some((host, port)) if ipv6(host).is_some() => (host, port),
        Some(_) | None => cut(first),
    }
}

fn port(digits: &[u8]) -> Option<u16> {
    let are_digits = digits.iter().all(u8::is_ascii_digit);
    are_digits.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

fn host_of(text: &[u8]) -> Option<Host> {
    let text = text.strip_prefix(b"[").unwrap_or(text);
    if let Some(address) = ipv6(text) {
        return Host::of_address(IpAddr::V6(address)).ok();
    }
    let labels = text.split(|&byte| byte == b'.').filter(|label| !label.is_empty());
    let mut name = labels.collect::<Vec<_>>().join(&b'.');
    if name.len() > HOST_BYTES_MAX {
        // The end of a name says whose it is.
        let from = name.len().saturating_sub(HOST_BYTES_MAX);
        let dot = name.get(from..)?.iter().position(|&byte| byte == b'.');
        name.drain(..from.saturating_add(dot.map_or(0, |dot| dot.saturating_add(1))));
    }
    if ends_in_number(&name)
        && let Some(address) = wrapped_ipv4(&name)
    {
        return Host::of_address(IpAddr::V4(address)).ok();
    }
    Host::of_name(&name).ok()
}

fn ipv6(text: &[u8]) -> Option<Ipv6Addr> {
    let end = text.iter().position(|&byte| byte == b'%').unwrap_or(text.len());
    std::str::from_utf8(text.get(..end)?).ok()?.parse().ok()
}

/// An IPv4 address as programs read it that drop the bits for which there is no room.
fn wrapped_ipv4(name: &[u8]) -> Option<Ipv4Addr> {
    let labels: Vec<&[u8]> = name.split(|&byte| byte == b'.').collect();
    let (last, leading) = labels.split_last()?;
    let mut address = 0_u32;
    let mut free_bits = 32_u32;
    for label in leading {
        free_bits = free_bits.checked_sub(8).filter(|&left| left >= 8)?;
        address = (address << 8) | (wrapped_number(label)? & 0xff);
    }
    let mask = u32::MAX >> 32_u32.saturating_sub(free_bits);
    let above = address.checked_shl(free_bits).unwrap_or(0);
    Some(Ipv4Addr::from(above | (wrapped_number(last)? & mask)))
}

fn wrapped_number(label: &[u8]) -> Option<u32> {
    let (digits, radix) = match label {
        [b'0', b'x', digits @ ..] => (digits, 16),
        [b'0', digits @ ..] if digits.iter().all(|digit| (b'0'..=b'7').contains(digit)) => {
            (digits, 8)
        }
        digits => (digits, 10),
    };
    digits.iter().try_fold(0_u32, |number, &digit| {
        let value = char::from(digit).to_digit(radix)?;
        Some(number.wrapping_mul(radix).wrapping_add(value))
    })
}

/// Nested percent-encoding is undone so many times.
pub(super) const ROUNDS_MAX: usize = 4;

/// What is read of an authority: its end, for user information can be of any length.
const AUTHORITY_BYTES_MAX: usize = 2048;
