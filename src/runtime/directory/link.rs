//! A connection to a server: its bytes, plain or inside TLS, and the session that says which.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::super::timed::Timed;
use crate::policy::directory::{Failure, FailureKind, Found, Options, Server, Session, Step};

/// The connection.
pub(super) struct Link {
    bytes: Bytes,
    session: Session,
    /// When it was used last.
    pub(super) used: Instant,
}

enum Bytes {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
    /// In the middle of the change from one to the other, or broken there.
    None,
}

impl Link {
    /// Connects, with TLS from the first byte where the server is spoken to so.
    ///
    /// # Errors
    ///
    /// Why there is no connection.
    pub(super) fn open(
        server: &Server,
        tls: Option<&Arc<ClientConfig>>,
        options: &Arc<Options>,
        end: Instant,
    ) -> Result<Self, Failure> {
        let socket = Timed::connect(&server.host, server.port, end)
            .map_err(|error| failure(FailureKind::Connect, &error))?;
        let bytes = if server.is_tls { secure(socket, server, tls)? } else { Bytes::Plain(socket) };
        let session = Session::new(Arc::clone(options), server.is_tls);
        Ok(Self { bytes, session, used: end })
    }

    /// Asks for the groups of a user.
    ///
    /// # Errors
    ///
    /// Why they are not known.
    pub(super) fn ask(
        &mut self,
        user: &str,
        server: &Server,
        tls: Option<&Arc<ClientConfig>>,
        end: Instant,
    ) -> Result<Found, Failure> {
        self.set_end(end);
        let broken = |error: io::Error| failure(FailureKind::Connect, &error);
        let mut step = self.session.begin(user);
        let mut buffer = vec![0_u8; READ_BYTES];
        loop {
            step = match step {
                Step::Send(message) => {
                    self.send(&message).map_err(broken)?;
                    self.session.handle_input(&[])
                }
                Step::Secure => {
                    match std::mem::replace(&mut self.bytes, Bytes::None) {
                        Bytes::Plain(socket) => self.bytes = secure(socket, server, tls)?,
                        Bytes::Tls(_) | Bytes::None => {
                            return Err(Failure::new(FailureKind::Tls, "it is TLS already"));
                        }
                    }
                    self.session.handle_secured()
                }
                Step::Wait => match self.receive(&mut buffer).map_err(broken)? {
                    0 => return Err(broken(ErrorKind::UnexpectedEof.into())),
                    count => self.session.handle_input(&buffer[..count]),
                },
                Step::Done(result) => return result,
            };
        }
    }

    /// Whether another question may be asked here.
    pub(super) fn is_ready(&self) -> bool {
        self.session.is_ready()
    }

    /// Says farewell and closes; a server that is gone does not hear it.
    pub(super) fn close(mut self, end: Instant) {
        self.set_end(end);
        let farewell = self.session.farewell();
        drop(self.send(&farewell));
        if let Bytes::Tls(stream) = &mut self.bytes {
            stream.conn.send_close_notify();
            drop(stream.flush());
        }
    }

    const fn set_end(&mut self, end: Instant) {
        match &mut self.bytes {
            Bytes::Plain(socket) => socket.end = end,
            Bytes::Tls(stream) => stream.sock.end = end,
            Bytes::None => {}
        }
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match &mut self.bytes {
            Bytes::Plain(socket) => socket.write_all(message),
            Bytes::Tls(stream) => stream.write_all(message).and_then(|()| stream.flush()),
            Bytes::None => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.bytes {
            Bytes::Plain(socket) => socket.read(buffer),
            Bytes::Tls(stream) => stream.read(buffer),
            Bytes::None => Err(ErrorKind::NotConnected.into()),
        }
    }
}

/// The handshake, to its end: so it is known whose fault it is.
fn secure(
    mut socket: Timed,
    server: &Server,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Bytes, Failure> {
    let wrong = |why: String| Failure::new(FailureKind::Tls, &why);
    let tls = tls.ok_or_else(|| wrong("it is not set up".to_owned()))?;
    let name = ServerName::try_from(server.host.clone()).map_err(|why| wrong(why.to_string()))?;
    let session = ClientConnection::new(Arc::clone(tls), name);
    let mut session = session.map_err(|why| wrong(why.to_string()))?;
    while session.is_handshaking() {
        if let Err(error) = session.complete_io(&mut socket) {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            let is_certificate = matches!(
                inner,
                Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
            );
            let kind = if is_certificate { FailureKind::Certificate } else { FailureKind::Tls };
            return Err(failure(kind, &error));
        }
    }
    Ok(Bytes::Tls(Box::new(StreamOwned::new(session, socket))))
}

/// What the system or TLS says; a time that is over is its own failure.
fn failure(kind: FailureKind, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Failure::new(FailureKind::Time, ""),
        ErrorKind::UnexpectedEof => Failure::new(kind, "the server hangs up"),
        _ => Failure::new(kind, &error.to_string()),
    }
}

const READ_BYTES: usize = 16 << 10;
