//! The store that several gateways share: a thread with one connection, and what shards ask it.
//!
//! ```text
//!   shard ─ Front ── Ask (bounded) ──▶ thread: Connection (sans-IO) ── socket ──▶ Valkey, Redis
//!     ▲                                   │
//!     └──────────── Settled ◀─────────────┘
//! ```
//!
//! A message never waits longer than `SharedCacheTimeout`, whatever the store does; with a full queue, without a
//! connection or during a pause after faults it does not wait at all. The thread connects by itself, with
//! pauses that grow, and says what changes in the log once.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use futures_lite::FutureExt as _;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use crate::adaptation::verdicts::second::{Answer, Change, Connection, Health, Options, Ticket};
use crate::adaptation::verdicts::{ContentKey, Settled};
use crate::observe::Event;
use crate::runtime::clock;
use crate::runtime::executor::pause;
use crate::runtime::journal::Journal;
use crate::settings::address::StorePlace;

/// What the thread is told.
enum Ask {
    Get(ContentKey, async_channel::Sender<Settled>),
    Put(ContentKey, Settled, u64),
}
