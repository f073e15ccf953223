//! The kernel, its limits, the processors and the clock.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, Rlimit, getrlimit};

use super::finding::Finding;
use crate::runtime::DESCRIPTORS_BESIDE;

/// The kernel's version.
pub(super) fn kernel() -> Finding {
    let names = rustix::system::uname();
    judge_kernel(&names.release().to_string_lossy())
}

/// Locked memory: each shard's rings and registered buffers count against it.
pub(super) fn memlock(shards: u64) -> Finding {
    judge_memlock(getrlimit(Resource::Memlock), shards, rustix::process::geteuid().is_root())
}

/// File descriptors: one for each connection, and some for files and rings.
pub(super) fn descriptors(connections_max: u64) -> Finding {
    judge_descriptors(getrlimit(Resource::Nofile), connections_max)
}

/// Processors that this process may use.
pub(super) fn processors(shards: u64) -> Finding {
    const CHECK: &str = "processors";
    match rustix::thread::sched_getaffinity(None) {
        Ok(set) => {
            let online = std::thread::available_parallelism().map_or(1, usize::from);
            judge_processors(u64::from(set.count()), online, shards)
        }
        Err(error) => {
            Finding::note(CHECK, format!("the affinity cannot be read: {error}"), "see dmesg")
        }
    }
}

/// The clock: not before the youngest thing that was certainly made in the past.
pub(super) fn clock(state_dir: &Path) -> Finding {
    let program = std::env::current_exe().ok();
    let witnesses = program.as_deref().into_iter().chain([
        state_dir,
        Path::new("/etc"),
        Path::new("/proc/self"),
    ]);
    let youngest =
        witnesses.filter_map(|path| fs::metadata(path).and_then(|data| data.modified()).ok()).max();
    judge_clock(now(), youngest)
}

#[expect(clippy::disallowed_methods, reason = "the machine's clock is what is being looked at")]
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}

fn judge_kernel(release: &str) -> Finding {
    const CHECK: &str = "kernel";
    let mut numbers =
        release.split(|sign: char| !sign.is_ascii_digit()).filter_map(|number| number.parse().ok());
    let version: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let found = format!("Linux {release}");
    if version >= KERNEL_TESTED {
        Finding::good(CHECK, found)
    } else if version >= KERNEL_OLDEST {
        Finding::note(CHECK, found, "5.15 and newer are tested; this one may work")
    } else {
        Finding::bad(CHECK, found, "use Linux 5.15 or newer: io_uring is not complete before 5.8")
    }
}

fn judge_memlock(limit: Rlimit, shards: u64, is_root: bool) -> Finding {
    const CHECK: &str = "locked memory";
    let needed = shards.saturating_mul(MEMLOCK_SHARD_BYTES).max(MEMLOCK_SHARD_BYTES);
    let Some(soft) = limit.current else {
        return Finding::good(CHECK, "unlimited");
    };
    let found = format!("{} KiB; {shards} shards want {} KiB", soft >> 10, needed >> 10);
    if soft >= needed {
        return Finding::good(CHECK, found);
    }
    let remedy = "LimitMEMLOCK=infinity in the unit, or ulimit -l unlimited; in a container --ulimit memlock=-1";
    // Root is not charged, but glommio refuses to start below its own minimum whoever asks.
    if is_root && soft >= MEMLOCK_GLOMMIO_BYTES {
        return Finding::good(CHECK, format!("{found}; root is not charged"));
    }
    if soft >= MEMLOCK_GLOMMIO_BYTES {
        Finding::note(CHECK, found, remedy)
    } else {
        Finding::bad(CHECK, found, remedy)
    }
}

fn judge_descriptors(limit: Rlimit, connections_max: u64) -> Finding {
    const CHECK: &str = "descriptors";
    let needed = connections_max.saturating_add(DESCRIPTORS_BESIDE);
    let soft = limit.current.unwrap_or(u64::MAX);
    let hard = limit.maximum.unwrap_or(u64::MAX);
    let show = |count: u64| {
        if count == u64::MAX { "unlimited".to_owned() } else { count.to_string() }
    };
    let found = format!(
        "{} now, {} at most; {connections_max} connections want {needed}",
        show(soft),
        show(hard)
    );
    let remedy = format!(
        "LimitNOFILE={needed} in the unit, or ulimit -n {needed}; or a smaller MaxConnections"
    );
    match (soft >= needed, hard >= needed) {
        (true, _) => Finding::good(CHECK, found),
        (false, true) => Finding::note(CHECK, found, remedy),
        (false, false) => Finding::bad(CHECK, found, remedy),
    }
}

fn judge_processors(allowed: u64, online: usize, shards: u64) -> Finding {
    const CHECK: &str = "processors";
    let found = format!("{allowed} usable ({online} seen by the scheduler), {shards} shards");
    if allowed >= shards {
        Finding::good(CHECK, found)
    } else {
        Finding::note(
            CHECK,
            found,
            "more shards than processors take turns; fewer shards are faster",
        )
    }
}

fn judge_clock(now: SystemTime, youngest: Option<SystemTime>) -> Finding {
    const CHECK: &str = "clock";
    let remedy = "set the clock: timedatectl set-ntp true, or systemctl start chrony";
    let Ok(since_epoch) = now.duration_since(UNIX_EPOCH) else {
        return Finding::bad(CHECK, "before 1970", remedy);
    };
    if since_epoch < CLOCK_OLDEST {
        return Finding::bad(CHECK, "before 2026: earlier than this program", remedy);
    }
    match youngest.and_then(|file| file.duration_since(now).ok()) {
        Some(lead) if lead > CLOCK_SLACK => {
            let found =
                format!("{} minutes behind the youngest file on this machine", lead.as_secs() / 60);
            Finding::bad(CHECK, found, remedy)
        }
        Some(_) | None => Finding::good(CHECK, "not behind any file that was looked at"),
    }
}

/// Everything that is used of `io_uring` and a few years of repairs.
const KERNEL_TESTED: (u32, u32) = (5, 15);
/// The first one on which glommio starts.
const KERNEL_OLDEST: (u32, u32) = (5, 8);
/// Three rings and their registered buffers of 64 KiB take about 270 KiB; doubled for later rings.
const MEMLOCK_SHARD_BYTES: u64 = 1 << 20;
/// glommio refuses to start below this.
const MEMLOCK_GLOMMIO_BYTES: u64 = 512 << 10;
/// 2026-01-01: the program is younger.
const CLOCK_OLDEST: Duration = Duration::from_secs(1_767_225_600);
/// Files may come from machines whose clocks differ a little.
const CLOCK_SLACK: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::{judge_clock, judge_descriptors, judge_kernel, judge_memlock, judge_processors};
    use crate::cli::doctor::finding::State;
    use rustix::process::Rlimit;
    use std::time::{Duration, UNIX_EPOCH};

    const fn limit(current: Option<u64>, maximum: Option<u64>) -> Rlimit {
        Rlimit { current, maximum }
    }

    #[test]
    fn kernels_are_told_apart() {
        let state = |release| judge_kernel(release).state;
        assert_eq!(state("6.18.44-amd64"), State::Good);
        assert_eq!(state("5.15"), State::Good);
        assert_eq!(state("5.10.0-33"), State::Note);
        assert_eq!(state("4.19.0"), State::Bad);
        assert_eq!(state(""), State::Bad);
    }

    #[test]
    fn locked_memory_is_counted_by_shard() {
        let state = |kib: u64, shards, is_root| {
            judge_memlock(limit(Some(kib << 10), None), shards, is_root).state
        };
        assert_eq!(state(2048, 2, false), State::Good);
        assert_eq!(state(2048, 3, false), State::Note);
        assert_eq!(state(2048, 3, true), State::Good);
        assert_eq!(state(64, 1, false), State::Bad);
        assert_eq!(state(64, 1, true), State::Bad);
        assert_eq!(judge_memlock(limit(None, None), 64, false).state, State::Good);
    }

    #[test]
    fn descriptors_follow_the_connections() {
        let state = |soft, hard| judge_descriptors(limit(Some(soft), hard), 10_000).state;
        assert_eq!(state(20_000, Some(20_000)), State::Good);
        assert_eq!(state(1024, Some(1_048_576)), State::Note);
        assert_eq!(state(1024, None), State::Note);
        assert_eq!(state(1024, Some(4096)), State::Bad);
        let remedy = judge_descriptors(limit(Some(1), Some(1)), 10_000).remedy.expect("it is bad");
        assert!(remedy.starts_with("LimitNOFILE=10640 "), "{remedy}");
    }

    #[test]
    fn more_shards_than_processors_are_noted() {
        assert_eq!(judge_processors(2, 2, 2).state, State::Good);
        assert_eq!(judge_processors(1, 2, 2).state, State::Note);
    }

    #[test]
    fn a_clock_in_the_past_is_found_by_its_files() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let state = |now, file| judge_clock(now, file).state;
        assert_eq!(state(now, None), State::Good);
        assert_eq!(state(now, Some(now + Duration::from_secs(1))), State::Good);
        assert_eq!(state(now, Some(now + Duration::from_hours(1))), State::Bad);
        assert_eq!(state(UNIX_EPOCH, None), State::Bad);
        assert_eq!(state(UNIX_EPOCH - Duration::from_secs(1), None), State::Bad);
    }
}
