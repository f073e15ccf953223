//! A member that is stored as it is, and whose size is said behind it (APPNOTE 4.3.9).
//!
//! Where it ends is where a data descriptor begins that names as many bytes as came: one with a signature,
//! or one without that has a header of a member or a line of the directory behind it. Twice the right
//! size is no accident. Somebody who writes it into a member on purpose ends that member here and not
//! for a reader that trusts the directory, which then names another size than was met.

use memchr::memmem;

use super::header::{DESCRIPTOR_BYTES_MAX, DESCRIPTOR_SIGNATURE, Record, descriptor_bytes};
use crate::engine::unpack::inflate::{Inflated, Outcome};
use crate::engine::unpack::parts::wide;

/// The bytes of such a member that may yet prove to lie behind it.
#[derive(Default)]
pub(super) struct Open {
    held: Vec<u8>,
    /// Bytes that were given out.
    given: u64,
    /// The member ends in front of what is held.
    is_over: bool,
}

impl Open {
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Inflated {
        let (mut used, mut made) = (0_usize, 0_usize);
        let outcome = loop {
            let rest = input.get(used..).unwrap_or_default();
            let room = output.get_mut(made..).unwrap_or_default();
            let taken = rest.len().min(HELD_BYTES_MAX.saturating_sub(self.held.len()));
            self.held.extend(rest.iter().take(taken));
            used = used.saturating_add(taken);
            let end = end_in(&self.held, self.given);
            let decided = self.held.len().saturating_sub(DESCRIPTOR_BYTES_MAX.saturating_sub(1));
            let count = end.unwrap_or(decided).min(room.len());
            for (to, from) in room.iter_mut().zip(self.held.drain(..count)) {
                *to = from;
            }
            made = made.saturating_add(count);
            self.given = self.given.saturating_add(wide(count));
            if end == Some(count) {
                self.is_over = true;
                break Outcome::End;
            }
            if made == output.len() && count < end.unwrap_or(decided) {
                break Outcome::Full;
            }
            if used == input.len() {
                break Outcome::Hungry;
            }
        };
        Inflated { used, made, outcome }
    }

    /// What was taken and lies behind the member.
    pub(super) fn behind(self) -> Vec<u8> {
        if self.is_over { self.held } else { Vec::new() }
    }
}

/// Where a member ends of which so many bytes are in front of these. Only places with room for the
/// longest descriptor behind them are looked at.
fn end_in(held: &[u8], given: u64) -> Option<usize> {
    let places = memmem::find_iter(held, b"PK").flat_map(|at| {
        DISTANCES.iter().filter_map(move |distance| Some((at.checked_sub(*distance)?, *distance)))
    });
    let ends = places.filter(|(place, distance)| {
        let Some((window, size)) = held
            .get(*place..)
            .and_then(|rest| rest.get(..DESCRIPTOR_BYTES_MAX))
            .zip(given.checked_add(wide(*place)))
        else {
            return false;
        };
        let length = descriptor_bytes(window, size, size);
        match distance {
            0 => window.starts_with(DESCRIPTOR_SIGNATURE) && matches!(length, Some(16 | 24)),
            _ => {
                let next = Record::of(window.get(*distance..).unwrap_or_default());
                length == Some(*distance) && matches!(next, Some(Record::Local | Record::Central))
            }
        }
    });
    ends.map(|(place, _)| place).min()
}

/// How far behind the beginning of a descriptor the next two bytes are that all records begin with: its
/// own signature, or what follows one without.
const DISTANCES: &[usize] = &[0, 12, 20];
/// Much more than a descriptor, so that the search goes over many bytes at a time.
const HELD_BYTES_MAX: usize = 2_048;
