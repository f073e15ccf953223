//! TLS on one connection, as bytes in and bytes out (RFC 8446, RFC 5246, by rustls).
//!
//! ```text
//!   socket ─▶ take ─▶ session ─▶ read ─▶ the buffer that ICAP is read from
//!   socket ◀─ coded ◀─ session ◀─ write ◀─ answers
//! ```
//!
//! Plain bytes are copied once each way, which is what decrypting into the caller's buffer costs. The
//! buffers of an idle connection are given back.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};

/// One connection's TLS.
pub(in crate::runtime) struct Tls {
    session: ServerConnection,
    /// Received while the session had plain bytes that nobody had read, from `taken` on.
    waiting: Vec<u8>,
    taken: usize,
    /// To be sent, from `sent` on.
    coded: Vec<u8>,
    sent: usize,
}

impl Tls {
    /// Waits for a client's hello.
    ///
    /// # Errors
    ///
    /// When the session cannot be made.
    pub(in crate::runtime) fn new(config: Arc<ServerConfig>) -> io::Result<Self> {
        let mut session = ServerConnection::new(config).map_err(io::Error::other)?;
        session.set_buffer_limit(Some(WRITE_BYTES_MAX));
        Ok(Self { session, waiting: Vec::new(), taken: 0, coded: Vec::new(), sent: 0 })
    }

    /// Whether client and server have not agreed yet.
    pub(in crate::runtime) fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    /// Takes bytes from the socket; none at its end. At most [`TAKE_BYTES_MAX`], and only when
    /// [`read`](Self::read) has asked for more.
    ///
    /// # Errors
    ///
    /// What TLS has against them; an alert about it is in [`coded`](Self::coded). `UnexpectedEof` when the socket ends
    /// before the handshake does: TLS itself would wait for more for ever.
    pub(in crate::runtime) fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() && self.session.is_handshaking() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if bytes.is_empty() {
            self.session.read_tls(&mut io::empty())?;
            return self.process();
        }
        self.waiting.clear();
        self.taken = 0;
        self.waiting.extend_from_slice(bytes);
        Ok(())
    }

    /// Goes on with the handshake by what was taken.
    ///
    /// # Errors
    ///
    /// As for [`take`](Self::take).
    pub(in crate::runtime) fn agree(&mut self) -> io::Result<()> {
        while self.session.is_handshaking()
            && let Some(mut rest) = self.waiting.get(self.taken..).filter(|rest| !rest.is_empty())
        {
            self.taken += self.session.read_tls(&mut rest)?;
            self.process()?;
        }
        Ok(())
    }

    /// Reads plain bytes; zero at the end, `None` when more has to be taken first.
    ///
    /// # Errors
    ///
    /// As for [`take`](Self::take).
    pub(in crate::runtime) fn read(&mut self, plain: &mut [u8]) -> io::Result<Option<usize>> {
        let mut filled = 0;
        loop {
            match self.session.reader().read(&mut plain[filled..]) {
                Ok(0) => return Ok(Some(filled)),
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // Without a word of farewell: whether the message was complete is ICAP's to say.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(Some(filled)),
                Err(error) => return Err(error),
            }
            if filled == plain.len() {
                return Ok(Some(filled));
            }
            let mut rest = self.waiting.get(self.taken..).unwrap_or_default();
            if rest.is_empty() {
                return Ok((filled > 0).then_some(filled));
            }
            self.taken += self.session.read_tls(&mut rest)?;
            self.process()?;
        }
    }

    fn process(&mut self) -> io::Result<()> {
        let processed = self.session.process_new_packets().map(drop);
        self.stage()?;
        processed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
    }

    /// Takes plain bytes to be sent, at most [`WRITE_BYTES_MAX`] at once; gives how many. Nothing else may
    /// be in [`coded`](Self::coded).
    ///
    /// # Errors
    ///
    /// When the session is over.
    pub(in crate::runtime) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let count = self.session.writer().write_vectored(slices)?;
        self.stage()?;
        Ok(count)
    }

    /// Says farewell (`close_notify`).
    pub(in crate::runtime) fn end(&mut self) {
        self.session.send_close_notify();
        // Writing to memory cannot fail.
        let _staged = self.stage();
    }

    /// What is to be sent now.
    pub(in crate::runtime) fn coded(&self) -> &[u8] {
        self.coded.get(self.sent..).unwrap_or_default()
    }

    /// So many bytes of it were sent.
    pub(in crate::runtime) fn sent(&mut self, count: usize) {
        self.sent += count;
        if self.sent >= self.coded.len() {
            self.coded.clear();
            self.sent = 0;
        }
    }

    /// Gives back what only a busy connection needs.
    pub(in crate::runtime) fn release_memory(&mut self) {
        if self.taken >= self.waiting.len() {
            self.waiting = Vec::new();
            self.taken = 0;
        }
        if self.coded().is_empty() {
            self.coded = Vec::new();
        }
    }

    fn stage(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut Staged(&mut self.coded))?;
        }
        Ok(())
    }
}

/// Takes everything at once.
struct Staged<'b>(&'b mut Vec<u8>);

impl Write for Staged<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        slices.iter().for_each(|slice| self.0.extend_from_slice(slice));
        Ok(slices.iter().map(|slice| slice.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Plain bytes that are coded at once: four records. What waits for a slow client is this and no more.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// Coded bytes taken at once: four records and their frames.
pub(in crate::runtime) const TAKE_BYTES_MAX: usize = (64 << 10) + 4 * 256;
