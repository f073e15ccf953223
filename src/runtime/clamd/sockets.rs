//! Sockets of the clamd protocol: unix and TCP, listening and connected, and the bell of the porter.
//!
//! A connected socket never blocks. Over a unix socket a descriptor may come along with the bytes
//! (`SCM_RIGHTS`); one is taken, and of several none, because nobody could say which is meant.

use std::fs;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags,
    Shutdown, SocketAddrUnix, SocketFlags, SocketType,
};
use socket2::{Domain, Protocol, Socket, Type};

/// A socket that clients connect to.
pub(super) enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    /// Listens on an address; gives it as the kernel resolved it.
    pub(super) fn tcp(address: SocketAddr) -> io::Result<(Self, SocketAddr)> {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        let bound = listener.local_addr()?;
        Ok((Self::Tcp(listener), bound))
    }

    /// Listens on a path. Mode and group are in force before anybody can connect.
    pub(super) fn unix(path: &Path, mode: u32, group: &str) -> io::Result<(Self, SocketFile)> {
        let (listener, file) = listen_unix(path, mode, group)?;
        Ok((Self::Unix(listener), file))
    }

    /// A connection that waits, if one does.
    pub(super) fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Ok(Stream { fd: stream.into(), is_local: true, peer: "unix".to_owned() })
            }
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                stream.set_nonblocking(true)?;
                // Replies are short and waited for.
                stream.set_nodelay(true)?;
                Ok(Stream { fd: stream.into(), is_local: false, peer: peer.to_string() })
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(listener) => listener.as_fd(),
            Self::Tcp(listener) => listener.as_fd(),
        }
    }
}

/// Listens on a path, which is removed with the value beside the listener. Nobody can connect before mode and
/// group, if one is named, are in force.
pub(in crate::runtime) fn listen_unix(
    path: &Path,
    mode: u32,
    group: &str,
) -> io::Result<(UnixListener, SocketFile)> {
    remove_stale(path)?;
    let socket = unix_socket()?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    let file = SocketFile::of(path)?;
    if !group.is_empty() {
        std::os::unix::fs::chown(path, None, Some(group_number(group)?))?;
    }
    rustix::fs::chmod(path, Mode::from_raw_mode(mode))?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok((UnixListener::from(socket), file))
}

fn unix_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?)
}

/// Removes a socket that nobody answers on any more; anything else is left alone.
fn remove_stale(path: &Path) -> io::Result<()> {
    let about = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        about => about?,
    };
    if !about.file_type().is_socket() {
        return Err(io::Error::other("something that is not a socket is there"));
    }
    match rustix::net::connect(unix_socket()?, &SocketAddrUnix::new(path)?) {
        Err(Errno::CONNREFUSED) => fs::remove_file(path),
        // A full queue is somebody's, too.
        Ok(()) | Err(Errno::AGAIN) => Err(io::Error::other("another program answers there")),
        Err(error) => Err(error.into()),
    }
}

/// A group by number, or by name as `/etc/group` has it.
fn group_number(group: &str) -> io::Result<u32> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let groups = fs::read_to_string("/etc/group")?;
    let number = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| fields.nth(1)?.parse().ok()).flatten()
    });
    number.ok_or_else(|| io::Error::other(format!("there is no group \"{group}\"")))
}

/// The name of a socket on the disk; removed when dropped, if it is still the same.
pub(in crate::runtime) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        let about = fs::symlink_metadata(path)?;
        Ok(Self { path: path.to_owned(), identity: (about.dev(), about.ino()) })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let about = fs::symlink_metadata(&self.path);
        if about.is_ok_and(|about| (about.dev(), about.ino()) == self.identity) {
            // Nobody is left to be told.
            let _ignored = fs::remove_file(&self.path);
        }
    }
}

/// A connected socket.
pub(super) struct Stream {
    fd: OwnedFd,
    /// Whether the client is on this machine and came through the unix socket.
    pub(super) is_local: bool,
    /// For the log.
    pub(super) peer: String,
}

impl Stream {
    /// Receives what is there: the number of bytes, zero at the end, and a descriptor if one came along.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is nothing; else as the kernel says.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let mut slices = [IoSliceMut::new(buffer)];
        let received = loop {
            match rustix::net::recvmsg(&self.fd, &mut slices, &mut control, flags) {
                Err(Errno::INTR) => {}
                other => break other?,
            }
        };
        let mut descriptors = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(came) = message {
                descriptors.extend(came);
            }
        }
        let is_whole = descriptors.len() == 1 && !received.flags.contains(ReturnFlags::CTRUNC);
        Ok((received.bytes, descriptors.pop().filter(|_| is_whole)))
    }

    /// Sends some of `bytes`.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is no room; else as the kernel says.
    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match rustix::net::send(&self.fd, bytes, flags) {
                Err(Errno::INTR) => {}
                other => return Ok(other?),
            }
        }
    }

    /// Says that nothing more comes.
    pub(super) fn end(&self) {
        let _ignored = rustix::net::shutdown(&self.fd, Shutdown::Write);
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A bell that the porter hears while it waits for sockets.
pub(super) struct Wake {
    fd: OwnedFd,
}

impl Wake {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { fd: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
    }

    /// Rings; a bell that rings already is loud enough.
    pub(super) fn ring(&self) {
        let _ignored = rustix::io::write(&self.fd, &1_u64.to_ne_bytes());
    }

    /// Stops the ringing.
    pub(super) fn hush(&self) {
        let mut count = [0; 8];
        let _ignored = rustix::io::read(&self.fd, &mut count);
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Connections that wait for an accept.
const BACKLOG: i32 = 1_024;

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;

    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage};

    use super::*;

    #[test]
    fn a_dead_socket_is_replaced_and_a_living_one_or_a_file_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("clamd.sock");
        drop(UnixListener::bind(&path).expect("a socket that nobody answers on any more"));
        let (_listener, file) = Listener::unix(&path, 0o600, "").expect("it is replaced");
        let mode = fs::metadata(&path).expect("it is there").mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = Listener::unix(&path, 0o600, "").err().expect("somebody answers");
        assert_eq!(second.to_string(), "another program answers there");
        drop(file);
        assert!(!path.exists(), "the name goes with the service");
        fs::write(&path, "precious").expect("a file");
        assert!(Listener::unix(&path, 0o600, "").is_err());
        assert_eq!(fs::read(&path).expect("still there"), b"precious");
    }

    #[test]
    fn a_group_is_a_number_or_a_name() {
        assert_eq!(group_number("42").expect("a number"), 42);
        assert_eq!(group_number("root").expect("every system has it"), 0);
        assert!(group_number("no such group, surely").is_err());
    }

    #[test]
    fn one_descriptor_is_taken_and_of_two_none() {
        let (client, server) = UnixStream::pair().expect("a pair");
        let stream = Stream { fd: server.into(), is_local: true, peer: String::new() };
        let file = tempfile::tempfile().expect("a file");
        let mut buffer = [0; 16];
        for (count, wanted) in [(1, true), (2, false), (5, false)] {
            let descriptors = vec![file.as_fd(); count];
            let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(5))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
            let slices = [io::IoSlice::new(b"x")];
            let flags = SendFlags::empty();
            rustix::net::sendmsg(&client, &slices, &mut control, flags).expect("it goes");
            let (bytes, descriptor) = stream.receive(&mut buffer).expect("it comes");
            assert_eq!((bytes, descriptor.is_some()), (1, wanted), "{count} descriptors");
        }
        (&client).write_all(b"bytes alone").expect("they go");
        assert!(matches!(stream.receive(&mut buffer), Ok((11, None))));
        let nothing = stream.receive(&mut buffer).expect_err("there is nothing");
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
    }
}
