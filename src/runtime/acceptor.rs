//! Accepting: a thread for each listening socket hands connections to the least loaded shard.
//!
//! Clients keep few and long connections, so the kernel's spreading over sockets alone would leave cores
//! idle. A connection costs one hand-over in its life.
//!
//! Absent on purpose: the executor's own accept. Under pressure one was seen that never came back.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_channel::Sender;

use super::shard::Message;
use super::transport::Door;

/// A socket that clients connect to.
pub(super) enum Listener {
    /// Of `ListenAddress` and `TLSListenAddress`.
    Tcp(TcpListener, Door),
    /// `ListenSocket`.
    Unix(UnixListener),
}

impl Listener {
    fn accept(&self) -> io::Result<(OwnedFd, Door)> {
        match self {
            Self::Tcp(listener, door) => Ok((listener.accept()?.0.into(), *door)),
            Self::Unix(listener) => Ok((listener.accept()?.0.into(), Door::UNIX)),
        }
    }

    /// A second handle, by which accepting is ended.
    ///
    /// # Errors
    ///
    /// When descriptors are used up.
    pub(super) fn handle(&self) -> io::Result<OwnedFd> {
        self.as_fd().try_clone_to_owned()
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener, _) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        }
    }
}

/// Starts a thread that accepts until the socket is shut down.
///
/// # Errors
///
/// When the system refuses a thread.
pub(super) fn start(
    listener: Listener,
    inboxes: Vec<Sender<Message>>,
    loads: Arc<[AtomicUsize]>,
) -> io::Result<()> {
    std::thread::Builder::new()
        .name("accept".to_owned())
        .spawn(move || accept_all(&listener, &inboxes, &loads))?;
    Ok(())
}

fn accept_all(listener: &Listener, inboxes: &[Sender<Message>], loads: &[AtomicUsize]) {
    loop {
        match listener.accept() {
            Ok((socket, door)) => {
                let of = |index: &usize| loads[*index].load(Ordering::Relaxed);
                let Some(index) = (0..loads.len()).min_by_key(of) else { return };
                loads[index].fetch_add(1, Ordering::Relaxed);
                // A full inbox makes new connections wait in the kernel; a closed one ends the service.
                if inboxes[index].send_blocking(Message::Connection(socket, door)).is_err() {
                    return;
                }
            }
            Err(error) if error.raw_os_error() == Some(EINVAL) => return,
            // Descriptors are used up, most likely: without a pause this would spin.
            Err(_refused) => std::thread::park_timeout(ACCEPT_PAUSE),
        }
    }
}

/// What accept says once its socket was shut down.
const EINVAL: i32 = rustix::io::Errno::INVAL.raw_os_error();

/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
