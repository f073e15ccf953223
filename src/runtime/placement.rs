//! Which processor each shard runs on, and how many shards there are.

use rustix::thread::{CpuSet, sched_getaffinity};

/// The processors this process may use, lowest first.
pub(super) fn processors() -> Vec<usize> {
    sched_getaffinity(None).map_or_else(
        |_unknown| vec![0],
        |set| (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect(),
    )
}

/// The processor of each shard; `None` leaves the choice to the kernel.
///
/// Pinned shards go to the allowed processors in order, wrapping around when there are more shards
/// than processors.
pub(super) fn places(allowed: &[usize], shards: usize, pinned: bool) -> Vec<Option<usize>> {
    let cycle = allowed.iter().copied().cycle();
    if pinned && !allowed.is_empty() {
        cycle.take(shards).map(Some).collect()
    } else {
        vec![None; shards]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_stay_on_allowed_processors() {
        assert_eq!(places(&[1, 3], 2, true), [Some(1), Some(3)]);
        assert_eq!(places(&[1, 3], 3, true), [Some(1), Some(3), Some(1)]);
        assert_eq!(places(&[1, 3], 2, false), [None, None]);
        assert!(!processors().is_empty());
    }
}
