//! States of automata that a thread has made, for the next layer.
//!
//! An image has hundreds of regexes and a process some threads: all states of all would be too much,
//! none would mean to make them again for each layer. Each thread keeps those of the
//! [`KEPT_MAX`] automata that it needed last. They hold what bytes have asked for and nothing of the
//! bytes, so what is kept changes no outcome.

use std::cell::RefCell;

use super::automaton::Caches;

thread_local! {
    static KEPT: RefCell<Vec<(u64, Caches)>> = const { RefCell::new(Vec::new()) };
}

/// Lends the states of an automaton, made by `fresh` when there are none.
pub(super) fn with<T>(
    automaton: u64,
    fresh: impl FnOnce() -> Caches,
    work: impl FnOnce(&mut Caches) -> T,
) -> T {
    let take = |kept: &RefCell<Vec<(u64, Caches)>>| {
        let mut kept = kept.borrow_mut();
        let place = kept.iter().position(|(number, _)| *number == automaton)?;
        Some(kept.remove(place).1)
    };
    let mut caches = KEPT.with(take).unwrap_or_else(fresh);
    let result = work(&mut caches);
    KEPT.with(|kept| {
        let mut kept = kept.borrow_mut();
        // Last used, last in the row.
        if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        kept.push((automaton, caches));
    });
    result
}

/// Automata whose states a thread keeps: at most 16 MiB, two directions of a mebibyte each.
const KEPT_MAX: usize = 8;
