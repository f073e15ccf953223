//! Places in a container that its members have.

/// Ranges of bytes, each from its first to behind its last.
#[derive(Default)]
pub(super) struct Ranges {
    all: Vec<(u64, u64)>,
    is_sorted: bool,
}

impl Ranges {
    /// Adds so many bytes from a place on.
    pub(super) fn add(&mut self, from: u64, length: u64) {
        self.all.push((from, from.saturating_add(length)));
        self.is_sorted = false;
    }

    /// All were added: they may be asked for from here on.
    pub(super) fn sort(&mut self) {
        self.all.sort_unstable();
        self.all.dedup_by(|next, before| {
            let is_joined = next.0 <= before.1;
            if is_joined {
                before.1 = before.1.max(next.1);
            }
            is_joined
        });
        self.is_sorted = true;
    }

    /// Whether a byte is in one of them.
    pub(super) fn contains(&self, place: u64) -> bool {
        debug_assert!(self.is_sorted || self.all.is_empty());
        let before = self.all.partition_point(|(from, _)| *from <= place);
        before.checked_sub(1).and_then(|at| self.all.get(at)).is_some_and(|(_, end)| place < *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_meet_or_lie_over_each_other_are_one() {
        let mut ranges = Ranges::default();
        assert!(!ranges.contains(0));
        for (from, length) in [(10, 5), (15, 5), (40, 1), (12, 3), (u64::MAX, 9), (60, 0)] {
            ranges.add(from, length);
        }
        ranges.sort();
        let inside: Vec<u64> = (0..70).filter(|place| ranges.contains(*place)).collect();
        assert_eq!(inside, [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 40]);
    }
}
