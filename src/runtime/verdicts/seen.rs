//! What was promised lately, by its key alone: a set with a fixed size that forgets.

use crate::adaptation::verdicts::PromiseKey;

/// Keys that came by. Each has one place, which it loses to the next key that belongs there.
#[derive(Debug)]
pub(super) struct Seen {
    marks: Box<[u64]>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { marks: vec![0; PLACES].into_boxed_slice() }
    }
}

impl Seen {
    /// Remembers a key. True when it was there already.
    pub(super) fn meet(&mut self, key: &PromiseKey) -> bool {
        let [place, mark, ..] = key.as_bytes().as_chunks::<8>().0 else { return false };
        let (place, mark) = (u64::from_le_bytes(*place), u64::from_le_bytes(*mark));
        let place = usize::try_from(place % PLACES as u64).unwrap_or_default();
        std::mem::replace(&mut self.marks[place], mark) == mark && mark != 0
    }
}

/// 64 KiB of marks for each shard.
const PLACES: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_from_the_second_time_on_until_another_takes_its_place() {
        let key = |place: u8, mark: u8| {
            let mut bytes = [0; 32];
            (bytes[0], bytes[8]) = (place, mark);
            PromiseKey::from_bytes(bytes)
        };
        let mut seen = Seen::default();
        assert!(!seen.meet(&key(1, 1)) && seen.meet(&key(1, 1)));
        assert!(!seen.meet(&key(2, 1)), "another place");
        assert!(!seen.meet(&key(1, 2)) && !seen.meet(&key(1, 1)), "the same place");
        assert!(!seen.meet(&key(3, 0)) && !seen.meet(&key(3, 0)), "an empty mark is none");
    }
}
