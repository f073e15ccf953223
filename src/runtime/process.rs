//! What the process asks of the system before it starts: descriptors, and an executor.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::executor;

/// Raises the number of descriptors as far as the system allows; gives the limit now in force.
pub(super) fn raise_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let _kept = setrlimit(Resource::Nofile, wanted);
    descriptors()
}

/// Descriptors of everything that is no connection: listeners, rings, database, spool files, log. About 40 for each
/// of up to 16 shards.
pub const DESCRIPTORS_BESIDE: u64 = 640;

/// The number of descriptors that the process may have.
pub(super) fn descriptors() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Tries an executor and ends it again.
///
/// # Errors
///
/// A message that says what to do: `io_uring` is forbidden in many containers, and each executor
/// locks memory.
pub(super) fn try_executor() -> Result<(), String> {
    executor::NewShard::new("preflight", None).try_out().map_err(|error| {
        format!(
            "this system refuses an io_uring executor: {error}. `baleen doctor` names the cause; the \
             usual ones are a container's seccomp profile, kernel.io_uring_disabled, and a locked \
             memory limit under 1 MiB a shard (LimitMEMLOCK=infinity)"
        )
    })
}

/// The most memory that this process had at one time, in bytes; `None` where the system does not tell.
#[must_use]
pub fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
