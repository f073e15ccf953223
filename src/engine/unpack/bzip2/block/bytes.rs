//! The bytes of a block whose rows are sorted back, and the runs in them undone.

/// Bytes being given out.
#[derive(Default)]
pub(super) struct Output {
    rows_left: usize,
    row: u32,
    /// The byte that was given out last, how many of it in a row, and how many of it have to follow.
    last: u8,
    same: u8,
    repeats: u8,
    /// Of a block in which bytes were turned round.
    distances: Option<&'static [u16]>,
    /// Until the next byte that was, and which distance that is.
    until_random: u16,
    distance: usize,
}

impl Output {
    /// Of so many rows, from this one on.
    pub(super) fn new(rows: usize, row: u32, distances: Option<&'static [u16]>) -> Self {
        let first = distances.and_then(|distances| distances.first());
        let until_random = first.copied().unwrap_or(0);
        Self { rows_left: rows, row, distances, until_random, ..Self::default() }
    }

    /// Whether bytes are left.
    pub(super) const fn is_more(&self) -> bool {
        self.rows_left > 0 || self.repeats > 0
    }

    /// Gives out bytes: says how many.
    pub(super) fn give(&mut self, table: &[u32], output: &mut [u8]) -> usize {
        let mut made = 0_usize;
        for slot in output.iter_mut() {
            if self.repeats > 0 {
                self.repeats = self.repeats.saturating_sub(1);
                *slot = self.last;
                made = made.saturating_add(1);
                continue;
            }
            let Some(mut byte) = self.next_row(table) else { break };
            if self.same == 4 {
                // Behind four of a kind it is a count.
                self.same = 0;
                self.repeats = byte;
                match byte.checked_sub(1) {
                    Some(left) => {
                        self.repeats = left;
                        byte = self.last;
                    }
                    None => match self.next_row(table) {
                        Some(next) => {
                            self.last = next;
                            self.same = 1;
                            byte = next;
                        }
                        None => break,
                    },
                }
            } else {
                self.same = if byte == self.last { self.same.saturating_add(1) } else { 1 };
                self.last = byte;
            }
            *slot = byte;
            made = made.saturating_add(1);
        }
        made
    }

    /// The byte of the next row. Nothing behind the last one.
    #[inline]
    fn next_row(&mut self, table: &[u32]) -> Option<u8> {
        self.rows_left = self.rows_left.checked_sub(1)?;
        let entry = table.get(usize::try_from(self.row).ok()?).copied()?;
        self.row = entry.wrapping_shr(8);
        let [byte, ..] = entry.to_le_bytes();
        let Some(distances) = self.distances else { return Some(byte) };
        self.until_random = self.until_random.saturating_sub(1);
        // The last but one of each distance was turned round.
        let is_turned = self.until_random == 1;
        if self.until_random == 0 {
            let next = self.distance.saturating_add(1);
            self.distance = if next < distances.len() { next } else { 0 };
            self.until_random = distances.get(self.distance).copied().unwrap_or(1);
        }
        Some(byte ^ u8::from(is_turned))
    }
}
