//! Sockets that never block.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Where the server listens.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    /// TCP.
    Ip(SocketAddr),
    /// A unix stream socket.
    Unix(PathBuf),
}

/// A new connection, which may still be under way.
///
/// # Errors
///
/// The kernel's; a refusal may also show later, at the first use.
pub(crate) fn connect(address: &Address) -> io::Result<OwnedFd> {
    let family = match address {
        Address::Ip(SocketAddr::V4(_)) => AddressFamily::INET,
        Address::Ip(SocketAddr::V6(_)) => AddressFamily::INET6,
        Address::Unix(_) => AddressFamily::UNIX,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    let connected = match address {
        Address::Ip(address) => {
            sockopt::set_tcp_nodelay(&socket, true)?;
            // A paced sender (BBR, where it is the system's default) would be measured instead of
            // the server. Reno is in every kernel; one that refuses keeps its default.
            let _: Result<(), Errno> = sockopt::set_tcp_congestion(&socket, "reno");
            rustix::net::connect(&socket, address)
        }
        Address::Unix(path) => rustix::net::connect(&socket, &SocketAddrUnix::new(path)?),
    };
    match connected {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(fault) => Err(fault.into()),
    }
}

/// Makes closing the socket give back its port at once: the conversation is over or broken.
pub(crate) fn close_hard(socket: OwnedFd) {
    // A socket that refuses the option is closed all the same.
    let _: Result<(), Errno> = sockopt::set_socket_linger(&socket, Some(Duration::ZERO));
    drop(socket);
}

/// Raises the limit of open descriptors as far as it goes, and tells whether `needed` fit.
///
/// # Errors
///
/// The limit is too low for this run.
pub(crate) fn allow_descriptors(needed: u64) -> Result<(), String> {
    let needed = needed + DESCRIPTORS_OTHER;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let maximum = limit.maximum.map(|maximum| maximum.max(needed));
    let raised = Rlimit { current: Some(needed), maximum };
    setrlimit(Resource::Nofile, raised)
        .map_err(|_| format!("this run needs {needed} open files: raise 'ulimit -n'"))
}

/// Standard streams, epoll, /proc.
const DESCRIPTORS_OTHER: u64 = 64;
