//! `icap-load`: ICAP load over loopback that checks every answer it measures.
//!
//! ```text
//!   options ──▶ plan (rendered messages, weights, schedule)
//!                 │
//!      ┌──────────┴──────────┐                    main thread: /proc of the server
//!      ▼                     ▼                    (CPU, memory) at the window's edges
//!   worker 0 …            worker n     crowd
//!   epoll, its own        (threads)    (idle and slow clients beside)
//!   connections
//!      └──────────┬──────────┘
//!                 ▼
//!              report (table or JSON)
//! ```
//!
//! Closed loop: every connection sends its next request when the answer to the last one is
//! complete. Open loop (`--rate`): requests have intended times, and latency counts from those, so
//! a server that stalls cannot hide the requests it delayed (coordinated omission).
//!
//! Messages are rendered once; a request costs a copy of its first kilobyte and two stamps, which
//! make its URL and its body unique. Bodies go out and come back at the same time. Nothing is
//! allocated per request.
//!
//! Absent on purpose: TLS, HTTP, DNS beyond one look-up, and any opinion about the server.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is this program's output")]

mod answer;
mod chunk;
mod clock;
mod connection;
mod content;
mod crowd;
mod judge;
mod message;
mod options;
mod plan;
mod probe;
mod process;
mod quiet;
mod random;
mod report;
mod run;
mod schedule;
mod size;
mod socket;
mod stats;
mod worker;

use std::process::ExitCode;

/// Every answer was right.
const EXIT_RIGHT: u8 = 0;
/// At least one answer was wrong or missing.
const EXIT_WRONG: u8 = 1;
/// The run could not be made.
const EXIT_FAULT: u8 = 2;

fn main() -> ExitCode {
    let outcome = options::from_command_line().and_then(|options| {
        if options.output.check_only { probe::run(&options) } else { run::measure(&options) }
    });
    ExitCode::from(match outcome {
        Ok(true) => EXIT_RIGHT,
        Ok(false) => EXIT_WRONG,
        Err(fault) => {
            eprintln!("icap-load: {fault}");
            EXIT_FAULT
        }
    })
}
