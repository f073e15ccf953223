//! The host of an address in one canonical form, so that a list needs to know one spelling only.
//!
//! RFC 3986 section 3.2.2, and the number forms of IPv4 that browsers and libc accept (WHATWG URL,
//! "IPv4 parser"): `0x7f.1`, `2130706433` and `127.0.0.1` are one host. Upper case, percent-encoding
//! and dots at the end are undone; an IPv4 address inside an IPv6 address (mapped, translated, or behind
//! the prefix of RFC 6052) is that IPv4 address. A name that is not ASCII becomes its `xn--…` form (UTS 46,
//! as browsers do), wide letters and dots included. The value lives inline: reading a host allocates
//! nothing unless it is not ASCII.
//!
//! Absent on purpose: what is no host by these rules. A list line is then set aside; for the host of a
//! request there is `broken`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host name or address in canonical form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Host {
    bytes: [u8; HOST_BYTES_MAX],
    length: u8,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Name,
    Address,
}

impl Host {
    /// Reads a host as it stands in an address or a list: without port and user information.
    ///
    /// # Errors
    ///
    /// [`HostFault`] says what makes it no host.
    pub fn parse(raw: &[u8]) -> Result<Self, HostFault> {
        if let Some(inside) = raw.strip_prefix(b"[") {
            let inside = inside.strip_suffix(b"]").ok_or(HostFault::Bracket)?;
            return Self::bracketed(inside);
        }
        if let Some(host) = Self::plain(raw) {
            return host.finished();
        }
        let mut host = Self::EMPTY;
        let mut rest = raw;
        while let Some((byte, left)) = next_byte(rest)? {
            if byte >= 0x80 {
                return Self::international(raw);
            }
            host.push(check_byte(byte)?)?;
            rest = left;
        }
        host.finished()
    }

    /// The bytes of a host that is ASCII without percent-encoding: nearly every one.
    fn plain(raw: &[u8]) -> Option<Self> {
        let mut host = Self::EMPTY;
        let mut all_good = true;
        for (slot, &byte) in host.bytes.get_mut(..raw.len())?.iter_mut().zip(raw) {
            *slot = PLAIN.get(usize::from(byte)).copied().unwrap_or(0);
            all_good &= *slot != 0;
        }
        host.length = u8::try_from(raw.len()).ok()?;
        all_good.then_some(host)
    }

    /// A host that is not ASCII.
    fn international(raw: &[u8]) -> Result<Self, HostFault> {
        if raw.len() > UNICODE_BYTES_MAX {
            return Err(HostFault::TooLong);
        }
        let mut name = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((byte, left)) = next_byte(rest)? {
            name.push(byte);
            rest = left;
        }
        let ascii = idna::domain_to_ascii_cow(&name, idna::AsciiDenyList::EMPTY)
            .map_err(|_| HostFault::Unicode)?;
        let mut host = Self::EMPTY;
        for byte in ascii.bytes() {
            host.push(check_byte(byte)?)?;
        }
        host.finished()
    }

    /// A host whose bytes have been read.
    fn finished(mut self) -> Result<Self, HostFault> {
        self.drop_final_dots();
        if self.length == 0 {
            return Err(HostFault::Empty);
        }
        if self.as_bytes().starts_with(b".") || self.as_bytes().windows(2).any(|pair| pair == b"..")
        {
            return Err(HostFault::EmptyLabel);
        }
        if ends_in_number(self.as_bytes()) {
            let address = ipv4(self.as_bytes()).ok_or(HostFault::Number)?;
            return Self::of_address(IpAddr::V4(address));
        }
        Ok(self)
    }

    /// A name that may break the rules: lower case ASCII without dots at its ends.
    pub(super) fn of_name(name: &[u8]) -> Result<Self, HostFault> {
        let mut host = Self::EMPTY;
        name.iter().try_for_each(|&byte| host.push(byte))?;
        if host.length == 0 { Err(HostFault::Empty) } else { Ok(host) }
    }

    /// The canonical host of an IP address.
    pub(super) fn of_address(address: IpAddr) -> Result<Self, HostFault> {
        let address = match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(long) => inner_ipv4(long).map_or(address, IpAddr::V4),
        };
        let mut host = Self { kind: Kind::Address, ..Self::EMPTY };
        fmt::write(&mut host, format_args!("{address}")).map_err(|_| HostFault::TooLong)?;
        Ok(host)
    }

    fn bracketed(inside: &[u8]) -> Result<Self, HostFault> {
        // A zone (`%25eth0`) names an interface of the machine that sent it, which says nothing here.
        let end = inside.iter().position(|&byte| byte == b'%').unwrap_or(inside.len());
        let text = inside.get(..end).and_then(|text| std::str::from_utf8(text).ok());
        let address: Ipv6Addr =
            text.and_then(|text| text.parse().ok()).ok_or(HostFault::Bracket)?;
        Self::of_address(IpAddr::V6(address))
    }

    fn push(&mut self, byte: u8) -> Result<(), HostFault> {
        let slot = self.bytes.get_mut(usize::from(self.length)).ok_or(HostFault::TooLong)?;
        *slot = byte;
        self.length = self.length.checked_add(1).ok_or(HostFault::TooLong)?;
        Ok(())
    }

    fn drop_final_dots(&mut self) {
        while let Some(shorter) = self.as_bytes().strip_suffix(b".").map(<[u8]>::len) {
            // What is behind the end has to be the same in equal hosts.
            if let Some(dot) = self.bytes.get_mut(shorter) {
                *dot = 0;
            }
            self.length = u8::try_from(shorter).unwrap_or(self.length);
        }
    }

    /// The canonical text: lower case, no dot at the end, no brackets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The same as text; every host is ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Whether this is an IP address, which has no subdomains.
    #[must_use]
    pub const fn is_address(&self) -> bool {
        matches!(self.kind, Kind::Address)
    }

    const EMPTY: Self = Self { bytes: [0; HOST_BYTES_MAX], length: 0, kind: Kind::Name };
}

impl fmt::Write for Host {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().try_for_each(|byte| self.push(byte).map_err(|_| fmt::Error))
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Host({})", self.as_str())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What makes a text no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostFault {
    /// Nothing is there.
    Empty,
    /// Two dots in a row, or one in front.
    EmptyLabel,
    /// More than [`HOST_BYTES_MAX`] bytes.
    TooLong,
    /// This byte cannot be part of a host.
    Byte(u8),
    /// A `%` without two hexadecimal digits.
    Percent,
    /// It ends in a number but is no IPv4 address.
    Number,
    /// Brackets without an IPv6 address inside.
    Bracket,
    /// Not ASCII, and no international name either.
    Unicode,
}

impl fmt::Display for HostFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("the host is empty"),
            Self::EmptyLabel => out.write_str("the host has two dots in a row, or one in front"),
            Self::TooLong => write!(out, "the host is longer than {HOST_BYTES_MAX} bytes"),
            Self::Byte(byte) => write!(out, "a host cannot contain '{}'", byte.escape_ascii()),
            Self::Percent => out.write_str("a '%' in a host needs two hexadecimal digits"),
            Self::Number => out.write_str("the host ends in a number but is no IPv4 address"),
            Self::Bracket => out.write_str("brackets need an IPv6 address inside"),
            Self::Unicode => out.write_str("the host is no international name (UTS 46)"),
        }
    }
}

impl std::error::Error for HostFault {}

/// The next byte of a text with percent-encoding undone once, and what follows it.
fn next_byte(text: &[u8]) -> Result<Option<(u8, &[u8])>, HostFault> {
    let Some((&first, rest)) = text.split_first() else {
        return Ok(None);
    };
    if first != b'%' {
        return Ok(Some((first, rest)));
    }
    let (&[high, low], left) = rest.split_first_chunk().ok_or(HostFault::Percent)?;
    let byte = hex(high).zip(hex(low)).ok_or(HostFault::Percent)?;
    Ok(Some(((byte.0 << 4) | byte.1, left)))
}

/// The value of one hexadecimal digit.
pub(super) const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(digit.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

/// Lower case of a byte that may stand in a host; the forbidden ones are WHATWG's.
const fn check_byte(byte: u8) -> Result<u8, HostFault> {
    match byte {
        0..=b' '
        | b'"'
        | b'#'
        | b'%'
        | b'/'
        | b':'
        | b'<'
        | b'>'
        | b'?'
        | b'@'
        | b'['
        | b'\\'
        | b']'
        | b'^'
        | b'`'
        | b'{'
        | b'|'
        | b'}'
        | 0x7f..=0xff => Err(HostFault::Byte(byte)),
        _ => Ok(byte.to_ascii_lowercase()),
    }
}

/// What each byte is in a host; 0 where it needs another look.
const PLAIN: [u8; 256] = {
    let mut signs = [0; 256];
    let mut byte = 0_u8;
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated at compile time, where an overrun is an error"
    )]
    while byte < 0x80 {
        if let Ok(sign) = check_byte(byte) {
            signs[byte as usize] = sign;
        }
        byte = byte.wrapping_add(1);
    }
    signs
};

/// Whether the last label is a number, decimal or `0x`: then the whole has to be an IPv4 address.
pub(super) fn ends_in_number(host: &[u8]) -> bool {
    let last = host.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    match last.strip_prefix(b"0x") {
        Some(digits) => digits.iter().all(u8::is_ascii_hexdigit),
        None => !last.is_empty() && last.iter().all(u8::is_ascii_digit),
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped (`::ffff:1.2.3.4`), compatible (`::1.2.3.4`),
/// translated (`::ffff:0:1.2.3.4`), or of a translator with the well-known prefix (`64:ff9b::1.2.3.4`).
fn inner_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => (high, low),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
}

/// An IPv4 address of one to four parts, each decimal, octal (`0…`) or hexadecimal (`0x…`); the last
/// part fills all bytes that are left.
fn ipv4(host: &[u8]) -> Option<Ipv4Addr> {
    let mut parts = [0_u64; 4];
    let mut count = 0_usize;
    for label in host.split(|&byte| byte == b'.') {
        *parts.get_mut(count)? = number(label)?;
        count = count.checked_add(1)?;
    }
    let (&last, leading) = parts.get(..count)?.split_last()?;
    let mut address = 0_u64;
    for &part in leading {
        address = (address << 8) | u64::from(u8::try_from(part).ok()?);
    }
    let free_bits = match leading.len() {
        0 => 32_u32,
        1 => 24,
        2 => 16,
        _ => 8,
    };
    (last >> free_bits == 0).then_some(())?;
    u32::try_from((address << free_bits) | last).ok().map(Ipv4Addr::from)
}

fn number(label: &[u8]) -> Option<u64> {
    let (digits, radix) = match label {
        [b'0', b'x', digits @ ..] => (digits, 16),
        [b'0', digits @ ..] if !digits.is_empty() => (digits, 8),
        digits => (digits, 10),
    };
    // `0x` alone is zero, as in browsers; more than 16 digits cannot fit and end in `None`.
    if digits.is_empty() {
        return (radix == 16).then_some(0);
    }
    // A sign is no digit, though the library takes one.
    let digits = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
    u64::from_str_radix(digits, radix).ok()
}

/// A DNS name has at most 253 characters; one more holds the dot at the end.
pub const HOST_BYTES_MAX: usize = 254;

/// What is read of a name that is not ASCII: four bytes a letter.
const UNICODE_BYTES_MAX: usize = 4 * HOST_BYTES_MAX;

const _: () = assert!(HOST_BYTES_MAX <= 255, "the length is one byte");
