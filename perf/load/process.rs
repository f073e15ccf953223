//! CPU time and memory of processes, from /proc (proc(5)).
//!
//! CPU time counts every thread of a process, ended ones included, in clock ticks: windows of
//! seconds are exact to a few parts in a thousand. Absent on purpose: processes that a server
//! starts after the run began.

use std::fs;

use crate::clock::Nanos;

/// A server's processes: those named and their children.
#[derive(Clone, Debug)]
pub(crate) struct Processes {
    pids: Vec<u32>,
}

/// CPU time used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuTime {
    /// In the process.
    pub(crate) user_ns: Nanos,
    /// In the kernel for it.
    pub(crate) system_ns: Nanos,
}

impl CpuTime {
    /// Both together.
    pub(crate) const fn total_ns(self) -> Nanos {
        self.user_ns + self.system_ns
    }

    /// What was used since an earlier reading.
    pub(crate) const fn since(self, earlier: Self) -> Self {
        Self {
            user_ns: self.user_ns.saturating_sub(earlier.user_ns),
            system_ns: self.system_ns.saturating_sub(earlier.system_ns),
        }
    }
}

impl Processes {
    /// The named processes and all their descendants as of now.
    ///
    /// # Errors
    ///
    /// One of them does not exist.
    pub(crate) fn of(named: &[u32]) -> Result<Self, String> {
        for pid in named {
            if stat(*pid).is_none() {
                return Err(format!("there is no process {pid}"));
            }
        }
        let mut pids = named.to_vec();
        pids.sort_unstable();
        pids.dedup();
        let parents = parents();
        // Descendants join until nobody is new: a process has few levels of them.
        loop {
            let joins: Vec<u32> = parents
                .iter()
                .filter(|(pid, parent)| pids.contains(parent) && !pids.contains(pid))
                .map(|(pid, _)| *pid)
                .collect();
            if joins.is_empty() {
                return Ok(Self { pids });
            }
            pids.extend(joins);
        }
    }

    /// This program itself.
    pub(crate) fn own() -> Self {
        Self { pids: vec![std::process::id()] }
    }

    /// Whether anything is measured.
    pub(crate) const fn is_empty(&self) -> bool {
        self.pids.is_empty()
    }

    /// CPU time of all of them; a process that ended counts nothing.
    pub(crate) fn cpu(&self) -> CpuTime {
        let mut sum = CpuTime::default();
        for time in self.pids.iter().filter_map(|pid| cpu_of(&stat(*pid)?)) {
            sum.user_ns += time.user_ns;
            sum.system_ns += time.system_ns;
        }
        sum
    }

    /// Resident bytes of all of them; shared pages count in each.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let of = |pid| resident_of(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?);
        self.pids.iter().filter_map(|pid| of(*pid)).sum()
    }
}

/// Every process with its parent.
fn parents() -> Vec<(u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, field(&stat(pid)?, STAT_PARENT)?.try_into().ok()?))).collect()
}

fn stat(pid: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/stat")).ok()
}

fn cpu_of(stat: &str) -> Option<CpuTime> {
    Some(CpuTime {
        user_ns: field(stat, STAT_USER)? * TICK_NS,
        system_ns: field(stat, STAT_SYSTEM)? * TICK_NS,
    })
}

fn resident_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

/// A numeric field of a `stat` line, counted as proc(5) does: the name may hold blanks and
/// brackets, so counting begins behind its last bracket.
fn field(stat: &str, number: usize) -> Option<u64> {
    let (_, behind) = stat.rsplit_once(')')?;
    behind.split_ascii_whitespace().nth(number - STAT_BEHIND_NAME)?.parse().ok()
}

const STAT_BEHIND_NAME: usize = 3;
const STAT_PARENT: usize = 4;
const STAT_USER: usize = 14;
const STAT_SYSTEM: usize = 15;

/// The kernel's unit towards programs is 1/100 s on every machine that we build for.
const TICK_NS: Nanos = 10_000_000;

#[cfg(test)]
mod tests {
    use super::{CpuTime, Processes, cpu_of, field, resident_of};

    const STAT: &str = "42 (a) b) S 7 42 42 0 -1 4 1 0 0 0 150 25 3 4 20 0 1 0 99 1000 50";

    #[test]
    fn fields_are_counted_behind_the_name() {
        assert_eq!(field(STAT, 4), Some(7));
        let want = CpuTime { user_ns: 1_500_000_000, system_ns: 250_000_000 };
        assert_eq!(cpu_of(STAT), Some(want));
        assert_eq!(want.total_ns(), 1_750_000_000);
        assert_eq!(field("junk", 4), None);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(resident_of("Name:\tx\nVmRSS:\t    2048 kB\nX: 1\n"), Some(2_097_152));
        assert_eq!(resident_of("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_exists_and_no_other_of_a_made_up_number() {
        assert!(Processes::own().resident_bytes() > 0);
        assert!(Processes::of(&[u32::MAX]).is_err());
        assert!(!Processes::of(&[std::process::id()]).unwrap().is_empty());
    }
}
