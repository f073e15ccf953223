//! The one place that names glommio: an executor per shard, its queue, its sockets ([`stream`]).
//!
//! Everything above asks for a stream, a listener, a task or a pause; what stands behind them can be
//! exchanged here. The rules that keep glommio 0.9 safe are kept here too:
//!
//! - the queue of the connections preempts after [`IO_LATENCY`]: with the defaults one scanning task
//!   makes its neighbours wait 200 ms;
//! - a connection with a large body under way goes on in a queue of its own ([`Weight`]), which preempts after
//!   [`HEAVY_LATENCY`], and lets newcomers pass ([`give_way`]): small requests do not wait for large bodies in turn;
//! - it may sleep over tasks that are ready, so a shard's root task does nothing but answer the
//!   [`heartbeat`](super::heartbeat), and the timer that makes it happen is out of the way
//!   ([`ROOT_LATENCY`]) until the first beat can come;
//! - a panic inside a task would end the executor, so every task is spawned contained;
//! - its accept is not used: under pressure one was seen that never came back; threads accept instead;
//! - tasks are kept by handle, cancelled and awaited before the executor ends, because it would leak
//!   them and their sockets.

mod stream;

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::AsFd;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use super::heartbeat::Pulse;
use futures_lite::FutureExt;
use glommio::{Latency, LocalExecutorBuilder, Placement, Shares, TaskQueueHandle};

pub(super) use self::stream::Stream;

/// How long a ready socket may wait for its task, and so how often a busy task is asked to give way.
const IO_LATENCY: Duration = Duration::from_millis(1);

/// What a request may take and still be light: less than it waits for others.
const LIGHT_TIME: Duration = Duration::from_micros(250);
const LIGHT_BYTES: u64 = 256 << 10;

/// The same while a connection has a large body under way: its neighbours wait for less. Each look at the sockets costs
/// a shard tens of microseconds, so without large bodies it looks less often.
const HEAVY_LATENCY: Duration = Duration::from_micros(500);

/// The same for the root task, which is alone until its first turn, and never busy. No thread that may
/// run at all waits for its core as long as this.
const ROOT_LATENCY: Duration = Duration::from_secs(10);

/// Registered memory of an executor's rings: small, because streams do not use it and locked memory
/// is scarce for an ordinary user.
const RING_MEMORY_BYTES: usize = 64 << 10;

/// Depth of an executor's rings. 256 polls are handed to the kernel at once; more wait their turn.
const RING_DEPTH: usize = 256;

/// A shard to be started: a thread with an executor of its own.
pub(super) struct NewShard<'a> {
    name: &'a str,
    cpu: Option<usize>,
    latency: Duration,
}

impl<'a> NewShard<'a> {
    /// A shard of this name, on this processor or on any.
    pub(super) const fn new(name: &'a str, cpu: Option<usize>) -> Self {
        Self { name, cpu, latency: IO_LATENCY }
    }

    /// Starts it and runs the future that `make` gives. Its `pulse` has to be beaten.
    ///
    /// # Errors
    ///
    /// The reason why the kernel refuses an executor: `io_uring` forbidden, locked memory, descriptors.
    pub(super) fn spawn<M, F>(self, pulse: Arc<Pulse>, make: M) -> io::Result<ShardThread>
    where
        M: FnOnce(Spawner) -> F + Send + 'static,
        F: Future<Output = ()> + 'static,
    {
        let latency = self.latency;
        let shard = move || async move {
            let queue = |latency, name| {
                let shares = Shares::Static(1000);
                glommio::executor().create_task_queue(shares, Latency::Matters(latency), name)
            };
            let (light, heavy) = (queue(latency, "io"), queue(HEAVY_LATENCY.min(latency), "bulk"));
            let work = async move {
                // The first timer of an executor fires late; it is spent here.
                pause(Duration::from_millis(1)).await;
                make(Spawner { light, heavy }).await;
            };
            let work = glommio::spawn_local_into(work, light)
                .expect("the queue was made just now and is never removed");
            pulse.keep(work).await;
        };
        self.builder().spawn(shard).map(ShardThread).map_err(refused)
    }

    /// Starts an executor and ends it again.
    ///
    /// # Errors
    ///
    /// As [`NewShard::spawn`].
    pub(super) fn try_out(self) -> io::Result<()> {
        let tried = self.builder().spawn(|| async {});
        tried.and_then(glommio::ExecutorJoinHandle::join).map_err(refused)
    }

    fn builder(&self) -> LocalExecutorBuilder {
        LocalExecutorBuilder::new(self.cpu.map_or(Placement::Unbound, Placement::Fixed))
            .name(self.name)
            .io_memory(RING_MEMORY_BYTES)
            .ring_depth(RING_DEPTH)
            .preempt_timer(ROOT_LATENCY)
    }
}

/// What glommio says, as an error of the system.
fn refused(error: impl fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

/// A running shard.
pub(super) struct ShardThread(glommio::ExecutorJoinHandle<()>);

impl ShardThread {
    /// Waits for the shard's end.
    ///
    /// # Errors
    ///
    /// When the executor ended by a panic outside of every connection.
    pub(super) fn join(self) -> io::Result<()> {
        self.0.join().map_err(refused)
    }
}

/// Starts tasks on the shard that made it.
#[derive(Clone, Copy)]
pub(super) struct Spawner {
    light: TaskQueueHandle,
    heavy: TaskQueueHandle,
}

impl Spawner {
    /// Runs `future` on this shard among those of its weight; a panic inside ends the task alone and is reported by
    /// `on_panic`.
    pub(super) fn spawn<F, P>(self, weight: Weight, future: F, on_panic: P) -> TaskHandle
    where
        F: Future<Output = ()> + 'static,
        P: FnOnce() + 'static,
    {
        let contained = async move {
            if AssertUnwindSafe(future).catch_unwind().await.is_err() {
                on_panic();
            }
        };
        let queue = match weight {
            Weight::Light => self.light,
            Weight::Heavy => self.heavy,
        };
        let task = glommio::spawn_local_into(contained, queue)
            .expect("the queue was made by this executor and is never removed");
        TaskHandle(task.detach())
    }
}

/// A task that goes on when the handle is dropped.
pub(super) struct TaskHandle(glommio::task::JoinHandle<()>);

impl TaskHandle {
    /// Ends the task at its next pause and waits until it is gone.
    pub(super) async fn cancel(self) {
        self.0.cancel();
        self.0.await;
    }
}

/// How much a task has done for its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// What most requests need.
    Light,
    /// So much that others need not wait for the rest.
    Heavy,
}

impl Weight {
    /// By the bytes of a body that were moved.
    pub(super) const fn of_bytes(bytes: u64) -> Self {
        if bytes > LIGHT_BYTES { Self::Heavy } else { Self::Light }
    }

    /// By the processor time that was spent.
    pub(super) fn of_time(time: Duration) -> Self {
        if time > LIGHT_TIME { Self::Heavy } else { Self::Light }
    }
}

/// Gives way to other tasks of this shard if one has waited long enough.
///
/// Tasks of a queue have their turns in the order in which they became ready, and a queue that becomes active comes
/// after the one that runs. So a heavy task gives way a second time, for itself and its queue: those that became ready
/// while it ran, and were seen only now, come before all heavy ones that stood there.
pub(super) async fn give_way(weight: Weight) {
    let mut given = false;
    let mut giving = std::pin::pin!(glommio::yield_if_needed());
    std::future::poll_fn(|context| {
        let polled = giving.as_mut().poll(context);
        given |= polled.is_pending();
        polled
    })
    .await;
    if given && weight == Weight::Heavy {
        glommio::executor().yield_task_queue_now().await;
    }
}

/// Sleeps.
pub(super) async fn pause(time: Duration) {
    glommio::timer::sleep(time).await;
}

/// Makes every accept on a listening socket end with an error, from any thread.
pub(super) fn shut_down(listener: impl AsFd) {
    let _ignored = rustix::net::shutdown(listener, rustix::net::Shutdown::Read);
}

/// Something that tasks wait for and another task of the same shard rings.
#[derive(Clone, Default)]
pub(super) struct Bell {
    waiting: Rc<std::cell::RefCell<Vec<std::task::Waker>>>,
}

impl Bell {
    /// Wakes everyone: a waiter may have been cancelled meanwhile, and its turn must not be lost.
    pub(super) fn ring(&self) {
        if self.waiting.borrow().is_empty() {
            return;
        }
        for waker in self.waiting.take() {
            waker.wake();
        }
    }

    /// Asks to be woken at the next ring.
    pub(super) fn wait(&self, context: &Context<'_>) {
        self.waiting.borrow_mut().push(context.waker().clone());
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener as StdListener, TcpStream as StdStream};
    use std::sync::atomic::AtomicUsize;

    use crate::runtime::heartbeat;
    use crate::runtime::transport::Way;

    use super::*;

    /// So short that the executor often finds the timer fired before anything ran, as it does on a busy
    /// core with the real one.
    const SHORT: Duration = Duration::from_micros(20);

    const ROUNDS: usize = 1000;

    /// Without a heart this stands still within its first round trips.
    #[test]
    fn a_shard_that_slept_over_its_work_goes_on() {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let mut client = StdStream::connect(listener.local_addr().expect("bound")).expect("itself");
        let (server, _) = listener.accept().expect("the client has come");
        let pulse = Arc::new(Pulse::default());
        heartbeat::start(vec![Arc::clone(&pulse)], Arc::new([AtomicUsize::new(1)]))
            .expect("a thread");
        let shard = NewShard { latency: SHORT, ..NewShard::new("short", None) };
        let shard = shard.spawn(pulse, |_spawner| echo(server)).expect("an executor");
        client.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        for round in 0..ROUNDS {
            let mut back = [0];
            client.write_all(b"?").expect("the shard holds the other end");
            client.read_exact(&mut back).unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
        drop(client);
        shard.join().expect("the shard ends with its connection");
    }

    async fn echo(server: StdStream) {
        let mut stream = Stream::new(server.into(), Way::Tcp).expect("a socket");
        let mut byte = [0];
        loop {
            let read = std::future::poll_fn(|context| stream.poll_read(context, &mut byte)).await;
            if read.expect("the client ends in order") == 0 {
                break;
            }
            stream.send(&[io::IoSlice::new(&byte)]).await.expect("the client reads");
        }
    }
}
