//! What RAR does to bytes before it packs them, undone: differences of channels, calls and jumps of x86, ARM and
//! Itanium code, pixels, sound.

/// A filter, as far as it is one of those that RAR itself knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Delta {
        channels: usize,
    },
    /// With jumps, too; and whether places are counted by 16 MiB.
    Calls {
        has_jumps: bool,
        is_round: bool,
    },
    Arm,
    Itanium,
    Pixels {
        width: usize,
        position: usize,
    },
    Sound {
        channels: usize,
    },
}

/// Undoes a filter of a block that begins at a place of the member.
pub(super) fn undo(kind: Kind, place: u64, block: &mut Vec<u8>) {
    let place = u32::try_from(place & u64::from(u32::MAX)).unwrap_or(0);
    match kind {
        Kind::Delta { channels } => *block = delta(block, channels),
        Kind::Calls { has_jumps, is_round } => calls(block, place, has_jumps, is_round),
        Kind::Arm => arm(block, place),
        Kind::Itanium => itanium(block, place),
        Kind::Pixels { width, position } => *block = pixels(block, width, position),
        Kind::Sound { channels } => *block = sound(block, channels),
    }
}

/// The places of a channel, and the bytes of the block that are its own, one after another.
fn by_channel(length: usize, channels: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let channels = channels.max(1);
    let places = (0..channels)
        .flat_map(move |channel| (channel..length).step_by(channels).map(move |at| (channel, at)));
    places.enumerate().map(|(source, (channel, at))| (channel, at, source))
}

fn delta(block: &[u8], channels: usize) -> Vec<u8> {
    let mut out = vec![0; block.len()];
    let (mut last, mut of) = (0_u8, usize::MAX);
    for (channel, at, source) in by_channel(block.len(), channels) {
        if channel != of {
            (last, of) = (0, channel);
        }
        last = last.wrapping_sub(block.get(source).copied().unwrap_or(0));
        if let Some(slot) = out.get_mut(at) {
            *slot = last;
        }
    }
    out
}

fn calls(block: &mut [u8], place: u32, has_jumps: bool, is_round: bool) {
    let mut at = 0_usize;
    while at.saturating_add(4) < block.len() {
        let byte = block.get(at).copied().unwrap_or(0);
        at = at.saturating_add(1);
        if byte != 0xe8 && !(has_jumps && byte == 0xe9) {
            continue;
        }
        let Some(field) = block.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) else {
            return;
        };
        let mut offset = u32::try_from(at).unwrap_or(0).wrapping_add(place);
        if is_round {
            offset &= CODE_BYTES - 1;
        }
        let target = u32::from_le_bytes(*field);
        if target & SIGN != 0 {
            if target.wrapping_add(offset) & SIGN == 0 {
                *field = target.wrapping_add(CODE_BYTES).to_le_bytes();
            }
        } else if target.wrapping_sub(CODE_BYTES) & SIGN != 0 {
            *field = target.wrapping_sub(offset).to_le_bytes();
        }
        at = at.saturating_add(4);
    }
}

fn arm(block: &mut [u8], place: u32) {
    for (at, word) in (0_u32..).step_by(4).zip(block.chunks_exact_mut(4)) {
        if let [first, second, third, 0xeb] = word {
            let target = u32::from_le_bytes([*first, *second, *third, 0]);
            let target = target.wrapping_sub(place.wrapping_add(at) / 4);
            [*first, *second, *third, _] = target.to_le_bytes();
        }
    }
}

fn itanium(block: &mut [u8], place: u32) {
    let mut bundle = place.wrapping_shr(4);
    let mut at = 0_usize;
    while at.saturating_add(21) < block.len() {
        let Some(bytes) = block.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<16>()) else {
            return;
        };
        let mut bits = u128::from_le_bytes(*bytes);
        let kind = usize::from(bytes[0] & 0x1f).checked_sub(0x10);
        let slots = kind.and_then(|kind| ITANIUM_SLOTS.get(kind)).copied().unwrap_or(0);
        for slot in (0..3_u32).filter(|slot| slots & 1_u8.wrapping_shl(*slot) != 0) {
            let first = slot.wrapping_mul(41).wrapping_add(5);
            if bits.wrapping_shr(first.wrapping_add(37)) & 15 != 5 {
                continue;
            }
            let shift = first.wrapping_add(13);
            let target = bits.wrapping_shr(shift) & 0xf_ffff;
            let fixed = target.wrapping_sub(u128::from(bundle)) & 0xf_ffff;
            bits = bits & !0xf_ffff_u128.wrapping_shl(shift) | fixed.wrapping_shl(shift);
        }
        *bytes = bits.to_le_bytes();
        bundle = bundle.wrapping_add(1);
        at = at.saturating_add(16);
    }
}

fn pixels(block: &[u8], width: usize, position: usize) -> Vec<u8> {
    let mut out = vec![0_u8; block.len()];
    let (mut last, mut of) = (0_u8, usize::MAX);
    for (channel, at, source) in by_channel(block.len(), 3) {
        if channel != of {
            (last, of) = (0, channel);
        }
        let above = at.checked_sub(width.wrapping_sub(3)).filter(|above| *above >= 3);
        let predicted = match above {
            None => last,
            Some(above) => {
                let upper = out.get(above).copied().unwrap_or(0);
                let corner = out.get(above.wrapping_sub(3)).copied().unwrap_or(0);
                nearest(last, upper, corner)
            }
        };
        last = predicted.wrapping_sub(block.get(source).copied().unwrap_or(0));
        if let Some(slot) = out.get_mut(at) {
            *slot = last;
        }
    }
    let mut at = position;
    while at.saturating_add(2) < out.len() {
        if let Some([first, green, last]) = out.get_mut(at..at.saturating_add(3)) {
            *first = first.wrapping_add(*green);
            *last = last.wrapping_add(*green);
        }
        at = at.saturating_add(3);
    }
    out
}

/// Of three neighbours the one that is nearest to what they predict together.
fn nearest(last: u8, upper: u8, corner: u8) -> u8 {
    let [left, above, edge] = [last, upper, corner].map(i32::from);
    let predicted = left.wrapping_add(above).wrapping_sub(edge);
    let far = |value: i32| predicted.wrapping_sub(value).unsigned_abs();
    match (far(left), far(above), far(edge)) {
        (one, two, three) if one <= two && one <= three => last,
        (_, two, three) if two <= three => upper,
        _ => corner,
    }
}

/// What is known of a channel of sound.
#[derive(Default)]
struct Channel {
    last: u8,
    delta: i32,
    deltas: [i32; 3],
    factors: [i32; 3],
    /// How far off the prediction would have been with each factor changed.
    misses: [u32; 7],
    count: u32,
}

fn sound(block: &[u8], channels: usize) -> Vec<u8> {
    let mut out = vec![0; block.len()];
    let (mut state, mut of) = (Channel::default(), usize::MAX);
    for (channel, at, source) in by_channel(block.len(), channels) {
        if channel != of {
            (state, of) = (Channel::default(), channel);
        }
        let byte = state.next(block.get(source).copied().unwrap_or(0));
        if let Some(slot) = out.get_mut(at) {
            *slot = byte;
        }
    }
    out
}

impl Channel {
    fn next(&mut self, byte: u8) -> u8 {
        let [first, second, _] = self.deltas;
        self.deltas = [self.delta, self.delta.wrapping_sub(first), second];
        let weighted = self
            .deltas
            .iter()
            .zip(&self.factors)
            .fold(i32::from(self.last).wrapping_mul(8), |sum, (delta, factor)| {
                sum.wrapping_add(delta.wrapping_mul(*factor))
            });
        let predicted = weighted.wrapping_shr(3).to_le_bytes()[0];
        let made = predicted.wrapping_sub(byte);
        self.delta = i32::from(made.wrapping_sub(self.last).cast_signed());
        self.last = made;
        self.learn(i32::from(byte.cast_signed()).wrapping_shl(3));
        made
    }

    fn learn(&mut self, miss: i32) {
        let [first, second, third] = self.deltas;
        let tries = [
            0,
            first,
            first.wrapping_neg(),
            second,
            second.wrapping_neg(),
            third,
            third.wrapping_neg(),
        ];
        for (sum, change) in self.misses.iter_mut().zip(tries) {
            *sum = sum.wrapping_add(miss.wrapping_sub(change).unsigned_abs());
        }
        if self.count & 0x1f == 0 {
            let least = self.misses.iter().min().copied().unwrap_or(0);
            let best = self.misses.iter().position(|sum| *sum == least).unwrap_or(0);
            self.misses = [0; 7];
            if let Some(change) = best.checked_sub(1)
                && let Some(factor) = self.factors.get_mut(change / 2)
            {
                if change % 2 == 0 {
                    *factor = factor.wrapping_sub(i32::from(*factor >= -16));
                } else {
                    *factor = factor.wrapping_add(i32::from(*factor < 16));
                }
            }
        }
        self.count = self.count.wrapping_add(1);
    }
}

const CODE_BYTES: u32 = 1 << 24;
const SIGN: u32 = 1 << 31;
/// Of each kind of bundle, the slots that may hold branches.
const ITANIUM_SLOTS: [u8; 16] = [4, 4, 6, 6, 0, 0, 7, 7, 4, 4, 0, 0, 4, 4, 0, 0];
