//! The sectors of a compound file that streams have all of. What lies in others is in no member.

use super::tables::{Chain, Kind, Tables};

/// Which sectors those are, as far as the directory was read.
#[derive(Default)]
pub(super) struct Taken {
    /// A bit for each sector.
    bits: Vec<u8>,
    /// The entry of the directory that is next.
    index: usize,
    chain: Option<Chain>,
}

impl Taken {
    /// Follows a stream some way, or passes over other entries. False when there are none left.
    pub(super) fn step(&mut self, tables: &Tables, file: &[u8]) -> bool {
        for _ in 0..SECTORS_PER_STEP {
            let Some(chain) = &mut self.chain else {
                let Some(entry) = tables.entry(file, self.index) else { return false };
                self.index = self.index.saturating_add(1);
                self.chain = (entry.kind == Kind::Stream).then(|| tables.chain(&entry));
                continue;
            };
            // Behind a sector that another stream has come the same ones.
            let sector = chain.next_whole(tables, file);
            if !sector.is_some_and(|sector| self.mark(sector)) {
                self.chain = None;
            }
        }
        true
    }

    /// Whether a byte of the file lies in such a sector.
    pub(super) fn contains(&self, tables: &Tables, place: u64) -> bool {
        tables.sector_of(place).is_some_and(|sector| {
            let (at, bit) = position(sector);
            self.bits.get(at).is_some_and(|byte| byte & bit != 0)
        })
    }

    /// Marks a sector. False when it was marked already.
    fn mark(&mut self, sector: u32) -> bool {
        let (at, bit) = position(sector);
        if self.bits.len() <= at {
            self.bits.resize(at.saturating_add(1), 0);
        }
        let Some(byte) = self.bits.get_mut(at) else { return false };
        let is_new = *byte & bit == 0;
        *byte |= bit;
        is_new
    }
}

fn position(sector: u32) -> (usize, u8) {
    let at = usize::try_from(sector >> 3).unwrap_or(usize::MAX);
    (at, 1_u8.wrapping_shl(sector & 7))
}

const SECTORS_PER_STEP: usize = 1_024;
