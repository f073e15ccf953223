//! A socket whose waiting ends: connecting, reading and writing together have until a given time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use super::clock;

/// The socket.
#[derive(Debug)]
pub(super) struct Timed {
    socket: TcpStream,
    /// When waiting ends.
    pub(super) end: Instant,
}

impl Timed {
    /// Connects to the first address of the host that takes it.
    ///
    /// # Errors
    ///
    /// What the system says about the last address. The system's resolver keeps its own time.
    pub(super) fn connect(host: &str, port: u16, end: Instant) -> io::Result<Self> {
        let mut failed = io::Error::from(ErrorKind::NotFound);
        for address in (host, port).to_socket_addrs()? {
            let left = end.saturating_duration_since(clock::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            match TcpStream::connect_timeout(&address, left) {
                Ok(socket) => {
                    socket.set_nodelay(true)?;
                    return Ok(Self { socket, end });
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.end.saturating_duration_since(clock::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
