//! A measured run: workers on their threads, the server watched from the main one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ScopedJoinHandle;

use crate::clock::{Clock, MILLISECOND_NS, Nanos};
use crate::crowd::{Idle, IdleReport, SlowReport, run_slow};
use crate::options::Options;
use crate::plan::Plan;
use crate::process::{CpuTime, Processes};
use crate::report;
use crate::socket::allow_descriptors;
use crate::stats::Stats;
use crate::worker::Worker;

/// Everything a run found out.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Counts and latencies of all workers.
    pub(crate) stats: Stats,
    /// How long was measured.
    pub(crate) window_ns: Nanos,
    /// What the server used meanwhile, when its process is known.
    pub(crate) server: Option<ServerUse>,
    /// What this program used meanwhile.
    pub(crate) own_cpu: CpuTime,
    /// The idle connections beside.
    pub(crate) idle: IdleReport,
    /// The slow clients beside.
    pub(crate) slow: SlowReport,
}

/// What a server used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerUse {
    /// CPU time in the window.
    pub(crate) cpu: CpuTime,
    /// Most resident bytes seen in the window.
    pub(crate) resident_peak_bytes: u64,
    /// Resident bytes before and after the idle connections were opened.
    pub(crate) resident_idle_bytes: (u64, u64),
}

/// Makes a run and prints its report: whether every answer was right.
///
/// # Errors
///
/// The run could not be made.
pub(crate) fn measure(options: &Options) -> Result<bool, String> {
    let plan = Plan::new(options)?;
    let (idle, slow) = (options.load.idle, options.load.slow);
    allow_descriptors(u64::from(plan.connections) + u64::from(idle) + u64::from(slow))?;
    let server = Processes::of(&options.output.server_pid)?;
    let before = server.resident_bytes();
    let idle = Idle::open(&plan, idle);
    let after = server.resident_bytes();
    let mut outcome = load(&plan, slow, &server)?;
    outcome.idle = idle.report();
    if let Some(server) = &mut outcome.server {
        server.resident_idle_bytes = (before, after);
    }
    let is_right = report::is_right(&outcome);
    if options.output.json {
        println!("{}", report::json(&plan, &outcome));
    } else {
        print!("{}", report::table(&plan, &outcome));
    }
    Ok(is_right)
}

/// Runs the workers of a plan and adds up what they counted.
///
/// # Errors
///
/// A worker could not run.
pub(crate) fn load(plan: &Plan, slow: u32, server: &Processes) -> Result<Outcome, String> {
    let clock = Clock::start();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..plan.threads)
            .map(|index| scope.spawn(move || Worker::new(plan, index, clock)?.run()))
            .collect();
        let crowd = (slow > 0).then(|| scope.spawn(|| run_slow(plan, slow, clock, &stop)));
        let watch = watch(plan, &clock, server, &workers);
        let mut stats = Stats::new();
        let mut fault = None;
        for worker in workers {
            match worker.join().unwrap_or_else(|_| Err("a worker panicked".to_owned())) {
                Ok(part) => stats.merge(&part),
                Err(part) => fault = Some(part),
            }
        }
        stop.store(true, Ordering::Release);
        let slow = crowd.map(|crowd| crowd.join().unwrap_or_default()).unwrap_or_default();
        match fault {
            Some(fault) => Err(fault),
            None => Ok(Outcome {
                window_ns: window(plan, &stats),
                stats,
                server: watch.server,
                own_cpu: watch.own_cpu,
                idle: IdleReport::default(),
                slow,
            }),
        }
    })
}

/// What was measured from outside.
struct Watch {
    server: Option<ServerUse>,
    own_cpu: CpuTime,
}

/// Reads CPU times at both edges of the window, and memory between them.
fn watch<T>(
    plan: &Plan,
    clock: &Clock,
    server: &Processes,
    workers: &[ScopedJoinHandle<'_, T>],
) -> Watch {
    clock.sleep_until(plan.measure_from);
    let own = Processes::own();
    let (server_start, own_start) = (server.cpu(), own.cpu());
    let mut resident_peak_bytes = server.resident_bytes();
    let mut sampled = clock.now();
    loop {
        let now = clock.now();
        let all_finished = workers.iter().all(ScopedJoinHandle::is_finished);
        // An overloaded open loop goes on behind the window: its late answers cost CPU, too.
        if all_finished || (now >= plan.measure_until && plan.rate.is_none()) {
            break;
        }
        if now >= sampled + RESIDENT_EVERY_NS {
            resident_peak_bytes = resident_peak_bytes.max(server.resident_bytes());
            sampled = now;
        }
        // A run by count may end at any moment: its CPU reading must not wait for long.
        let pause = if plan.requests.is_some() { PAUSE_NS } else { RESIDENT_EVERY_NS };
        let edge = if now < plan.measure_until { plan.measure_until } else { Nanos::MAX };
        clock.sleep_until((now + pause).min(edge));
    }
    let cpu = server.cpu().since(server_start);
    Watch {
        own_cpu: own.cpu().since(own_start),
        server: (!server.is_empty()).then(|| ServerUse {
            cpu,
            resident_peak_bytes: resident_peak_bytes.max(server.resident_bytes()),
            resident_idle_bytes: (0, 0),
        }),
    }
}

/// How long was measured: the time asked for, or until the last of the requests asked for, or until
/// the last late answer of an overloaded open loop.
fn window(plan: &Plan, stats: &Stats) -> Nanos {
    let end = match (plan.requests, plan.rate) {
        (Some(_), _) => stats.last,
        (None, Some(_)) => stats.last.max(plan.measure_until),
        (None, None) => plan.measure_until,
    };
    end.saturating_sub(plan.measure_from).max(1)
}

const RESIDENT_EVERY_NS: Nanos = 100 * MILLISECOND_NS;

const PAUSE_NS: Nanos = 5 * MILLISECOND_NS;

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
