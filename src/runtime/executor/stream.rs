//! A connection's socket on its shard: receiving and sending, plain or under TLS.

#![expect(
    unsafe_code,
    reason = "glommio gives and takes bare descriptors only; each block says who owns it"
)]

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_lite::{AsyncRead, AsyncWrite};
use rustix::net::{SendAncillaryBuffer, SendFlags};

use crate::policy::Networks;
use crate::runtime::clock;
use crate::runtime::transport::Way;
use crate::runtime::transport::proxy::{FRONT_BYTES, Front, REST_BYTES_MAX};
use crate::runtime::transport::tls::{TAKE_BYTES_MAX, Tls};

/// A connection of this shard, plain or under TLS.
pub(in crate::runtime) struct Stream {
    inner: glommio::net::TcpStream,
    tls: Option<Box<Tls>>,
    client: Option<SocketAddr>,
    /// Until when plain bytes may be waited for under TLS, whose own bytes are no progress.
    read_end: Cell<Option<Instant>>,
}

impl Stream {
    /// Serves an accepted connection on this shard.
    ///
    /// # Errors
    ///
    /// When the socket cannot be set up; it is closed.
    pub(in crate::runtime) fn new(accepted: OwnedFd, way: Way) -> io::Result<Self> {
        if way != Way::Unix {
            rustix::net::sockopt::set_tcp_nodelay(&accepted, true)?;
        }
        // SAFETY: the descriptor was given up by its owner in the same expression, so the stream
        // becomes its only owner. Receiving and sending are the same for every kind of stream socket.
        let inner = unsafe { glommio::net::TcpStream::from_raw_fd(accepted.into_raw_fd()) };
        let client = if way == Way::Unix { None } else { inner.peer_addr().ok() };
        Ok(Self { inner, tls: None, client, read_end: Cell::new(None) })
    }

    /// Who connected, as the kernel says or a proxy that is believed; `None` where that has no IP address.
    pub(in crate::runtime) const fn client(&self) -> Option<SocketAddr> {
        self.client
    }

    /// Whether bytes go through TLS, which has memory of its own.
    pub(in crate::runtime) const fn is_coded(&self) -> bool {
        self.tls.is_some()
    }

    /// Asks a proxy among these who is behind it.
    ///
    /// # Errors
    ///
    /// A text for the log when it does not say.
    pub(in crate::runtime) async fn learn_client(
        &mut self,
        proxies: &Networks,
    ) -> Result<(), String> {
        let Some(proxy) = self.client.filter(|address| proxies.has(address.ip())) else {
            return Ok(());
        };
        let said = |why: String| format!("the proxy {proxy} does not tell its client: {why}");
        let mut front = [0; FRONT_BYTES];
        let received = self.receive_exactly(&mut front, PROXY_TIME).await;
        received.map_err(|error| said(error.to_string()))?;
        let front = Front::parse(&front).map_err(|fault| said(fault.to_string()))?;
        let mut rest = [0; REST_BYTES_MAX];
        let rest = rest.get_mut(..front.length).unwrap_or_default();
        self.receive_exactly(rest, PROXY_TIME).await.map_err(|error| said(error.to_string()))?;
        let client = front.client(rest).map_err(|fault| said(fault.to_string()))?;
        self.client = client.or(self.client);
        Ok(())
    }

    /// Receives exactly these bytes as they are on the wire, in front of any TLS.
    ///
    /// # Errors
    ///
    /// `TimedOut` after `time`, `UnexpectedEof`, or as the kernel says.
    async fn receive_exactly(&mut self, mut bytes: &mut [u8], time: Duration) -> io::Result<()> {
        let end = clock::now().checked_add(time);
        while !bytes.is_empty() {
            self.wait_until(end)?;
            let inner = &mut self.inner;
            let receive =
                |context: &mut Context<'_>| Pin::new(&mut *inner).poll_read(context, bytes);
            match std::future::poll_fn(receive).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => bytes = &mut bytes[count..],
            }
        }
        Ok(())
    }

    /// Agrees on TLS with the client.
    ///
    /// # Errors
    ///
    /// `TimedOut` after `time`, or what TLS or the kernel says.
    pub(in crate::runtime) async fn start_tls(
        &mut self,
        config: Arc<rustls::ServerConfig>,
        time: Duration,
    ) -> io::Result<()> {
        let mut tls = Box::new(Tls::new(config)?);
        let end = clock::now().checked_add(time);
        while tls.is_handshaking() || !tls.coded().is_empty() {
            self.wait_until(end)?;
            let inner = &mut self.inner;
            std::future::poll_fn(|context| {
                ready!(poll_flush(inner, &mut tls, context))?;
                if !tls.is_handshaking() {
                    return Poll::Ready(Ok(()));
                }
                ready!(poll_take(inner, &mut tls, context))?;
                Poll::Ready(tls.agree())
            })
            .await
            .inspect_err(|_| tell(inner, &mut tls))?;
            super::give_way(super::Weight::Light).await;
        }
        self.tls = Some(tls);
        Ok(())
    }

    /// The next receive ends at this time.
    fn wait_until(&self, end: Option<Instant>) -> io::Result<()> {
        let left = end.map(|end| end.saturating_duration_since(clock::now()));
        let left = left.filter(|left| !left.is_zero()).ok_or(io::ErrorKind::TimedOut)?;
        self.set_read_timeout(left);
        Ok(())
    }

    /// Sets how long a read may wait.
    pub(in crate::runtime) fn set_read_timeout(&self, time: Duration) {
        // A timeout of zero is refused; the shortest one stands for "over already".
        let _ignored = self.inner.set_read_timeout(Some(time.max(Duration::from_millis(1))));
        if self.tls.is_some() {
            self.read_end.set(clock::now().checked_add(time));
        }
    }

    /// Sets how long a write may wait.
    pub(in crate::runtime) fn set_write_timeout(&self, time: Duration) {
        let _ignored = self.inner.set_write_timeout(Some(time.max(Duration::from_millis(1))));
    }

    /// Gives back what only a busy connection needs.
    pub(in crate::runtime) fn release_memory(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.release_memory();
        }
    }

    /// Receives into `buffer`; the buffer is touched only while this call runs, so an idle
    /// connection needs none.
    pub(in crate::runtime) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let inner = &mut self.inner;
        let Some(tls) = &mut self.tls else { return Pin::new(inner).poll_read(context, buffer) };
        ready!(poll_flush(inner, tls, context))?;
        let mut read = tls.read(buffer);
        if matches!(read, Ok(None)) {
            ready!(poll_take(inner, tls, context))?;
            read = tls.read(buffer);
        }
        match read {
            Ok(Some(count)) => Poll::Ready(Ok(count)),
            Ok(None) => {
                // Records without plain bytes: the time goes on, and others have their turn.
                let left =
                    self.read_end.get().map(|end| end.saturating_duration_since(clock::now()));
                match left {
                    Some(Duration::ZERO) => {
                        return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                    }
                    Some(left) => {
                        let _ignored =
                            inner.set_read_timeout(Some(left.max(Duration::from_millis(1))));
                    }
                    None => {}
                }
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Err(error) => {
                tell(inner, tls);
                Poll::Ready(Err(error))
            }
        }
    }

    /// Sends some of `slices` in one call; gives the number of bytes that went.
    ///
    /// # Errors
    ///
    /// As the kernel says; `TimedOut` when nothing went within the write timeout.
    pub(in crate::runtime) async fn send(
        &mut self,
        slices: &[io::IoSlice<'_>],
    ) -> io::Result<usize> {
        let inner = &mut self.inner;
        if let Some(tls) = &mut self.tls {
            std::future::poll_fn(|context| poll_flush(inner, tls, context)).await?;
            let count = tls.write(slices)?;
            std::future::poll_fn(|context| poll_flush(inner, tls, context)).await?;
            return Ok(count);
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let mut control = SendAncillaryBuffer::default();
        match rustix::net::sendmsg(borrow(inner), slices, &mut control, flags) {
            Ok(sent) => Ok(sent),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {
                let first = slices.iter().find(|slice| !slice.is_empty());
                let Some(first) = first else { return Ok(0) };
                std::future::poll_fn(|context| Pin::new(&mut *inner).poll_write(context, first))
                    .await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Tells the other end that nothing more comes.
    pub(in crate::runtime) fn end(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.end();
            tell(&self.inner, tls);
        }
        let _ignored = rustix::net::shutdown(borrow(&self.inner), rustix::net::Shutdown::Write);
    }

    /// Makes the close a reset: what was sent so far is cut off, so that no half answer looks whole.
    pub(in crate::runtime) fn break_off(&self) {
        let _ignored =
            rustix::net::sockopt::set_socket_linger(borrow(&self.inner), Some(Duration::ZERO));
    }
}

/// Sends what TLS has to send.
fn poll_flush(
    inner: &mut glommio::net::TcpStream,
    tls: &mut Tls,
    context: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    // It tries to send before it waits, and what has waited for it ends here, with its timer: one that is left
    // running would end a later, healthy wait.
    while !tls.coded().is_empty() {
        let count = ready!(Pin::new(&mut *inner).poll_write(context, tls.coded()))?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        tls.sent(count);
    }
    Poll::Ready(Ok(()))
}

/// Receives what TLS needs next. The bytes lie in the shard's own buffer meanwhile.
fn poll_take(
    inner: &mut glommio::net::TcpStream,
    tls: &mut Tls,
    context: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    CODED.with_borrow_mut(|buffer| {
        let count = ready!(Pin::new(inner).poll_read(context, buffer))?;
        Poll::Ready(tls.take(&buffer[..count]))
    })
}

/// Sends an alert or a farewell if the socket takes it at once: nobody waits for either.
fn tell(inner: &glommio::net::TcpStream, tls: &mut Tls) {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    if let Ok(count) = rustix::net::send(borrow(inner), tls.coded(), flags) {
        tls.sent(count);
    }
}

/// How long a proxy may take for its header.
const PROXY_TIME: Duration = Duration::from_secs(5);

thread_local! {
    /// Where coded bytes of all connections of a shard arrive.
    static CODED: RefCell<Box<[u8]>> = RefCell::new(vec![0; TAKE_BYTES_MAX].into_boxed_slice());
}

/// The descriptor of a stream, for as long as the stream is borrowed.
fn borrow(stream: &glommio::net::TcpStream) -> BorrowedFd<'_> {
    // SAFETY: the stream owns the descriptor and keeps it open for the life of the borrow.
    unsafe { BorrowedFd::borrow_raw(stream.as_raw_fd()) }
}
