//! Listening sockets: bound before anything else starts, one for each shard and address.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// The sockets of every shard for one address.
pub(super) struct Listening {
    /// The address as the kernel gave it: port 0 is resolved.
    pub(super) address: SocketAddr,
    /// One socket a shard, in the order of shards.
    pub(super) sockets: Vec<TcpListener>,
}

impl Listening {
    /// Binds `shards` sockets to one address.
    ///
    /// # Errors
    ///
    /// As the kernel says: in use, not permitted, no such address.
    pub(super) fn bind(address: SocketAddr, shards: usize) -> io::Result<Self> {
        if address.port() != 0 {
            refuse_if_taken(address)?;
        }
        let first = bind_one(address)?;
        let address = first.local_addr()?;
        let mut sockets = vec![first];
        for _other in 1..shards {
            sockets.push(bind_one(address)?);
        }
        for socket in &sockets {
            rustix::net::listen(socket, BACKLOG)?;
        }
        Ok(Self { address, sockets })
    }
}

/// With `SO_REUSEPORT` a second process of the same user would silently take a share of the
/// connections. A socket without it is refused where anybody listens already.
fn refuse_if_taken(address: SocketAddr) -> io::Result<()> {
    let probe = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    probe.set_reuse_address(true)?;
    probe.bind(&address.into())
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Connections that wait for an accept, for each socket.
const BACKLOG: i32 = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_zero_is_the_same_port_for_every_shard_and_a_second_service_is_refused() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = Listening::bind(any, 3).expect("a free port");
        assert_ne!(bound.address.port(), 0);
        for socket in &bound.sockets {
            assert_eq!(socket.local_addr().expect("bound"), bound.address);
        }
        let second = Listening::bind(bound.address, 1).err().expect("the port is taken");
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
    }
}
