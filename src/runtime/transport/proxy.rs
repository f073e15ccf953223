//! The PROXY protocol, version 2: who is behind the proxy that a connection comes through.
//!
//! <https://www.haproxy.org/download/1.8/doc/proxy-protocol.txt>, section 2.2. Only senders that the settings
//! name may send a header, and they have to: nobody else can choose his own address.
//!
//! Absent on purpose: version 1, whose end is found by looking for a line end, and the optional values (TLV)
//! behind the addresses, which are skipped.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bytes in front of the addresses.
pub(in crate::runtime) const FRONT_BYTES: usize = 16;

/// Bytes of addresses and values at most. The largest addresses are 216 bytes; senders add a few values.
pub(in crate::runtime) const REST_BYTES_MAX: usize = 2 << 10;

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime) enum ProxyFault {
    /// It does not begin with the signature.
    Signature,
    /// Not version 2, or neither LOCAL nor PROXY.
    Version(u8),
    /// More than [`REST_BYTES_MAX`] bytes follow.
    TooLong(usize),
    /// Fewer bytes than the family of addresses has.
    TooShort(usize),
}

impl fmt::Display for ProxyFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature => {
                out.write_str("the connection does not begin with a PROXY header of version 2")
            }
            Self::Version(byte) => {
                write!(
                    out,
                    "version and command {byte:#04x} of a PROXY header; 0x20 or 0x21 is read"
                )
            }
            Self::TooLong(length) => {
                write!(out, "a PROXY header of {length} bytes; {REST_BYTES_MAX} are read")
            }
            Self::TooShort(length) => {
                write!(out, "a PROXY header whose addresses are {length} bytes")
            }
        }
    }
}

/// The first part of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime) struct Front {
    is_local: bool,
    family: u8,
    /// Bytes that follow.
    pub(in crate::runtime) length: usize,
}

impl Front {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// [`ProxyFault`]
    pub(in crate::runtime) fn parse(bytes: &[u8; FRONT_BYTES]) -> Result<Self, ProxyFault> {
        let [signature @ .., command, family, high, low] = bytes;
        if signature != SIGNATURE {
            return Err(ProxyFault::Signature);
        }
        if !matches!(*command, LOCAL | PROXY) {
            return Err(ProxyFault::Version(*command));
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length > REST_BYTES_MAX {
            return Err(ProxyFault::TooLong(length));
        }
        Ok(Self { is_local: *command == LOCAL, family: *family, length })
    }

    /// The address of the client; `None` where the header tells none: the proxy asks for itself, or the client
    /// came over something that is not IP.
    ///
    /// # Errors
    ///
    /// [`ProxyFault::TooShort`]
    pub(in crate::runtime) fn client(self, rest: &[u8]) -> Result<Option<SocketAddr>, ProxyFault> {
        let short = ProxyFault::TooShort(rest.len());
        let found = match self.family {
            _ if self.is_local => None,
            TCP4 => {
                let fields = rest.first_chunk::<12>().ok_or(short)?;
                let [a, b, c, d, _, _, _, _, high, low, ..] = *fields;
                Some((IpAddr::from(Ipv4Addr::new(a, b, c, d)), [high, low]))
            }
            TCP6 => {
                let fields = rest.first_chunk::<36>().ok_or(short)?;
                let address: [u8; 16] = *fields.first_chunk().ok_or(short)?;
                Some((IpAddr::from(Ipv6Addr::from(address)), [fields[32], fields[33]]))
            }
            _ => None,
        };
        Ok(found.map(|(address, port)| SocketAddr::new(address, u16::from_be_bytes(port))))
    }
}

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

#[cfg(test)]
mod tests {
    use super::*;

    fn front(command: u8, family: u8, length: u16) -> [u8; FRONT_BYTES] {
        let mut bytes = [0; FRONT_BYTES];
        bytes[..12].copy_from_slice(SIGNATURE);
        bytes[12..14].copy_from_slice(&[command, family]);
        bytes[14..].copy_from_slice(&length.to_be_bytes());
        bytes
    }

    #[test]
    fn the_client_is_told_apart_from_the_proxy() {
        let four = Front::parse(&front(PROXY, TCP4, 12)).expect("a header");
        let rest = [192, 0, 2, 7, 10, 0, 0, 1, 0xc3, 0x50, 5, 64];
        assert_eq!(four.client(&rest), Ok(Some("192.0.2.7:50000".parse().expect("an address"))));
        let six = Front::parse(&front(PROXY, TCP6, 36)).expect("a header");
        let mut rest = [0; 40];
        rest[15] = 1;
        rest[32..34].copy_from_slice(&[1, 0]);
        assert_eq!(six.client(&rest), Ok(Some("[::1]:256".parse().expect("an address"))));
        for (command, family) in [(LOCAL, TCP4), (PROXY, 0), (PROXY, 0x31), (PROXY, 0x12)] {
            let front = Front::parse(&front(command, family, 0)).expect("a header");
            assert_eq!(front.client(&[]), Ok(None), "{command:#x} {family:#x}");
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let mut other = front(PROXY, TCP4, 12);
        other[11] = b'\r';
        assert_eq!(Front::parse(&other), Err(ProxyFault::Signature));
        assert_eq!(Front::parse(b"OPTIONS icap://g"), Err(ProxyFault::Signature));
        assert_eq!(Front::parse(&front(0x11, TCP4, 12)), Err(ProxyFault::Version(0x11)));
        assert_eq!(Front::parse(&front(0x22, TCP4, 12)), Err(ProxyFault::Version(0x22)));
        assert_eq!(Front::parse(&front(PROXY, TCP4, 2049)), Err(ProxyFault::TooLong(2049)));
        for (family, needed) in [(TCP4, 12), (TCP6, 36)] {
            let front = Front::parse(&front(PROXY, family, 11)).expect("a header");
            for length in 0..needed {
                let told = front.client(&vec![0; length]);
                assert_eq!(told, Err(ProxyFault::TooShort(length)));
            }
        }
    }
}
