//! Whether a server has read all that it was sent: the queues at both ends of a connection, as
//! /proc/net/tcp tells them (proc(5)).
//!
//! What the client's kernel still holds, and what the server's holds, count; of a server on another
//! machine only the former is known. Absent on purpose: what a server has read and not worked on yet;
//! for that there is a pause ([`QUIET_NS`]).

use std::fs;
use std::os::fd::AsFd;

use rustix::net::SocketAddrAny;

use crate::clock::{MILLISECOND_NS, Nanos};

/// Whether nothing is under way to the server on this connection.
pub(crate) fn is_drained(socket: impl AsFd) -> bool {
    let own = rustix::net::getsockname(&socket).ok().and_then(port);
    let other = rustix::net::getpeername(&socket).ok().flatten().and_then(port);
    let (Some(own), Some(other)) = (own, other) else { return true };
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().all(|table| {
        let text = fs::read_to_string(table).unwrap_or_default();
        text.lines().filter_map(Row::parse).all(|row| row.is_empty_between(own, other))
    })
}

fn port(address: SocketAddrAny) -> Option<u16> {
    std::net::SocketAddr::try_from(address).ok().map(|address| address.port())
}

/// One socket of the kernel's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    local: u16,
    remote: u16,
    /// Sent, and not taken by the other end's kernel.
    unsent: u64,
    /// Arrived, and not read by the program.
    unread: u64,
}

impl Row {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let mut port = || u16::from_str_radix(fields.next()?.rsplit_once(':')?.1, 16).ok();
        let (local, remote) = (port()?, port()?);
        let (unsent, unread) = fields.nth(1)?.split_once(':')?;
        let number = |digits| u64::from_str_radix(digits, 16).ok();
        Some(Self { local, remote, unsent: number(unsent)?, unread: number(unread)? })
    }

    const fn is_empty_between(self, own: u16, other: u16) -> bool {
        let is_ours = self.local == own && self.remote == other;
        let is_theirs = self.local == other && self.remote == own;
        !(is_ours && self.unsent > 0 || is_theirs && self.unread > 0)
    }
}

/// How long the queues have to be empty: a server scans in that time what it read last.
pub(crate) const QUIET_NS: Nanos = 20 * MILLISECOND_NS;

/// How often they are looked at.
pub(crate) const LOOK_NS: Nanos = MILLISECOND_NS;

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::{Row, is_drained};

    #[test]
    fn a_line_of_the_kernel_is_read() {
        let line = "   1: 0100007F:0540 0200007F:C350 01 0000000A:00000B00 00:00000000 00000000";
        let row = Row { local: 0x540, remote: 0xc350, unsent: 10, unread: 0xb00 };
        assert_eq!(Row::parse(line), Some(row));
        assert_eq!(Row::parse("  sl  local_address rem_address   st tx_queue rx_queue"), None);
        assert!(!row.is_empty_between(0x540, 0xc350) && !row.is_empty_between(0xc350, 0x540));
        assert!(row.is_empty_between(0x540, 1), "another connection");
    }

    #[test]
    fn what_nobody_has_read_is_under_way() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        assert!(is_drained(&client));
        client.write_all(b"1234").unwrap();
        let mut bytes = [0; 2];
        server.read_exact(&mut bytes).unwrap();
        assert!(!is_drained(&client), "two of four are read");
        server.read_exact(&mut bytes).unwrap();
        // The client's kernel may learn a moment later that all of it has arrived.
        while !is_drained(&client) {
            std::thread::yield_now();
        }
    }
}
