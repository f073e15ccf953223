//! Accepting: a thread for each listening socket hands connections to the least loaded shard.
//!
//! Clients keep few and long connections, so the kernel's spreading over sockets alone would leave cores
//! idle. A connection costs one hand-over in its life.
//!
//! Absent on purpose: the executor's own accept. Under pressure one was seen that never came back.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_channel::Sender;

use super::shard::Message;

/// Starts a thread that accepts until the socket is shut down.
///
/// # Errors
///
/// When the system refuses a thread.
pub(super) fn start(
    listener: TcpListener,
    profile: Option<&'static str>,
    inboxes: Vec<Sender<Message>>,
    loads: Arc<[AtomicUsize]>,
) -> io::Result<()> {
    std::thread::Builder::new()
        .name("accept".to_owned())
        .spawn(move || accept_all(&listener, profile, &inboxes, &loads))?;
    Ok(())
}

fn accept_all(
    listener: &TcpListener,
    profile: Option<&'static str>,
    inboxes: &[Sender<Message>],
    loads: &[AtomicUsize],
) {
    loop {
        match listener.accept() {
            Ok((stream, _peer)) => {
                let of = |index: &usize| loads[*index].load(Ordering::Relaxed);
                let Some(index) = (0..loads.len()).min_by_key(of) else { return };
                loads[index].fetch_add(1, Ordering::Relaxed);
                // A full inbox makes new connections wait in the kernel; a closed one ends the service.
                if inboxes[index].send_blocking(Message::Connection(stream, profile)).is_err() {
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
