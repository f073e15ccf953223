//! `PPMd` variant H, as 7z and RAR 3 have it (Dmitry Shkarin's PPMII, of which it is an implementation with a fixed
//! memory).
//!
//! A byte is coded by the statistics of the contexts that it follows, the longest first; one that a context
//! has not seen yet is an escape to the next shorter one. The model is in [`memory`], the code in [`range`];
//! the numbers of contexts and states are their places there.
//!
//! A context is: how many states it has (16 bits), the sum of their frequencies (16 bits), where they are,
//! the context that is shorter by a byte. A state is: a byte, its frequency, and its successor, which is a
//! context or a place in the text. A context of one state has it in the place of sum and states.

mod memory;
mod range;

use self::memory::{Memory, UNIT};
pub(super) use self::range::{Range, Style};
use super::lz::Bytes;

/// A model.
pub(super) struct Model {
    memory: Memory,
    order_max: u32,
    order_fall: u32,
    /// The context that is being looked at, and the longest one.
    least: u32,
    most: u32,
    /// The state that was found last.
    found: u32,
    init_escape: u32,
    was_success: bool,
    has_high_bits: u32,
    run_length: i32,
    run_length_begin: i32,
    /// 128 rows of 64.
    binary: Vec<u16>,
    /// 25 rows of 16, and one that never changes.
    escapes: Vec<Escape>,
    /// For each byte, the last round in which it was passed over.
    masks: Vec<u32>,
    round: u32,
}

/// How often an escape of a kind was taken.
#[derive(Clone, Copy)]
struct Escape {
    sum: u16,
    shift: u8,
    count: u8,
}

/// The stream is no stream of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged;

impl Model {
    /// Of this order (2 to 64) and memory, in bytes.
    pub(super) fn new(order: u32, memory_bytes: u32) -> Self {
        let mut model = Self {
            memory: Memory::new(memory_bytes),
            order_max: order.clamp(2, ORDER_MAX),
            order_fall: 0,
            least: 0,
            most: 0,
            found: 0,
            init_escape: 0,
            was_success: false,
            has_high_bits: 0,
            run_length: 0,
            run_length_begin: 0,
            binary: vec![0; 128 * 64],
            escapes: Vec::new(),
            masks: vec![0; 256],
            round: 0,
        };
        model.restart();
        model
    }

    /// The next byte; nothing at the mark of an end.
    pub(super) fn next(
        &mut self,
        range: &mut Range,
        packed: &mut impl Bytes,
    ) -> Result<Option<u8>, Damaged> {
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.masks.fill(0);
            self.round = 1;
        }
        let count = self.memory.short(self.least);
        let early = match count {
            1 => self.one(range, packed),
            _ => self.first(count, range, packed)?,
        };
        if early.is_some() {
            return Ok(early);
        }
        loop {
            let masked = self.memory.short(self.least);
            loop {
                self.order_fall = self.order_fall.wrapping_add(1);
                let shorter = self.suffix(self.least);
                if shorter == 0 {
                    return Ok(None);
                }
                // A context is at most this many steps away from the shortest one.
                if self.order_fall > FALL_MAX {
                    return Err(Damaged);
                }
                self.least = shorter;
                if self.memory.short(shorter) != masked {
                    break;
                }
            }
            if let Some(byte) = self.unmasked(u32::from(masked), range, packed)? {
                return Ok(Some(byte));
            }
        }
    }

    /// A context with several states.
    fn first(
        &mut self,
        count: u16,
        range: &mut Range,
        packed: &mut impl Bytes,
    ) -> Result<Option<u8>, Damaged> {
        let (least, mut state) = (self.least, self.states(self.least));
        let sum = u32::from(self.memory.short(least.wrapping_add(SUM)));
        let wanted = range.threshold(sum);
        let mut below = u32::from(self.frequency(state));
        if wanted < below {
            range.enter(0, below, packed);
            self.found = state;
            let byte = self.memory.byte(state);
            self.was_success = below.wrapping_mul(2) > sum;
            self.run_length = self.run_length.wrapping_add(i32::from(self.was_success));
            self.add_to_sum(4);
            self.count_found();
            self.go_on();
            return Ok(Some(byte));
        }
        self.was_success = false;
        for _ in 1..count {
            state = state.wrapping_add(STATE);
            let frequency = u32::from(self.frequency(state));
            below = below.wrapping_add(frequency);
            if below > wanted {
                range.enter(below.wrapping_sub(frequency), frequency, packed);
                self.found = state;
                let byte = self.memory.byte(state);
                self.add_to_sum(4);
                self.move_up();
                self.go_on();
                return Ok(Some(byte));
            }
        }
        if wanted >= sum {
            return Err(Damaged);
        }
        self.has_high_bits = high_bits(self.memory.byte(self.found));
        range.enter(below, sum.wrapping_sub(below), packed);
        let states = self.states(least);
        for at in 0..u32::from(count) {
            self.mask(states.wrapping_add(at.wrapping_mul(STATE)));
        }
        Ok(None)
    }

    /// A context with one state.
    fn one(&mut self, range: &mut Range, packed: &mut impl Bytes) -> Option<u8> {
        let state = self.least.wrapping_add(ONE);
        let byte = self.memory.byte(state);
        self.has_high_bits = high_bits(self.memory.byte(self.found));
        let shorter = self.memory.short(self.suffix(self.least));
        let column = u32::from(self.was_success)
            .wrapping_add(bin_column(shorter))
            .wrapping_add(self.has_high_bits)
            .wrapping_add(high_bits(byte).wrapping_mul(2))
            .wrapping_add(self.run_length.wrapping_shr(26).cast_unsigned() & 0x20);
        let row = u32::from(self.frequency(state)).wrapping_sub(1);
        let at = wide(row.wrapping_mul(64).wrapping_add(column));
        let chance = self.binary.get(at).copied().unwrap_or(0);
        let mean = chance.wrapping_add(1 << 5).wrapping_shr(7);
        let is_escape = range.bit(u32::from(chance), packed);
        let after = if is_escape { chance } else { chance.wrapping_add(1 << 7) }.wrapping_sub(mean);
        if let Some(slot) = self.binary.get_mut(at) {
            *slot = after;
        }
        if is_escape {
            let row = usize::from(after.wrapping_shr(10));
            self.init_escape = EXPONENTIAL_ESCAPES.get(row).copied().unwrap_or(0);
            self.mask(state);
            self.was_success = false;
            return None;
        }
        self.found = state;
        let frequency = self.frequency(state);
        self.set_frequency(state, frequency.wrapping_add(u8::from(frequency < 128)));
        self.was_success = true;
        self.run_length = self.run_length.wrapping_add(1);
        self.go_on();
        Some(byte)
    }

    /// A shorter context, without the bytes that longer ones have. Nothing for an escape.
    fn unmasked(
        &mut self,
        masked: u32,
        range: &mut Range,
        packed: &mut impl Bytes,
    ) -> Result<Option<u8>, Damaged> {
        let count = u32::from(self.memory.short(self.least));
        let states = self.states(self.least);
        let all = || (0..count).map(|at| states.wrapping_add(at.wrapping_mul(STATE)));
        let mut below = 0_u32;
        for state in all().filter(|state| !self.is_masked(*state)) {
            below = below.wrapping_add(u32::from(self.frequency(state)));
        }
        let (escape, estimate) = self.escape(masked, count);
        let sum = estimate.wrapping_add(below);
        let wanted = range.threshold(sum);
        if wanted < below {
            let mut end = 0_u32;
            for state in all() {
                if self.is_masked(state) {
                    continue;
                }
                let frequency = u32::from(self.frequency(state));
                end = end.wrapping_add(frequency);
                if end > wanted {
                    range.enter(end.wrapping_sub(frequency), frequency, packed);
                    self.confirm(escape);
                    self.found = state;
                    let byte = self.memory.byte(state);
                    self.add_to_sum(4);
                    self.count_found();
                    self.run_length = self.run_length_begin;
                    self.update();
                    return Ok(Some(byte));
                }
            }
        }
        if wanted >= sum {
            return Err(Damaged);
        }
        range.enter(below, sum.wrapping_sub(below), packed);
        if let Some(escape) = self.escapes.get_mut(escape) {
            escape.sum = escape.sum.wrapping_add(low_short(sum));
        }
        for state in all() {
            self.mask(state);
        }
        Ok(None)
    }

    /// How probable another escape is: its row, and what it counts for.
    fn escape(&mut self, masked: u32, count: u32) -> (usize, u32) {
        if count == 256 {
            return (ESCAPES_DUMMY, 1);
        }
        let unmasked = count.wrapping_sub(masked);
        let shorter = u32::from(self.memory.short(self.suffix(self.least)));
        let sum = u32::from(self.memory.short(self.least.wrapping_add(SUM)));
        let at = escape_row(unmasked)
            .wrapping_mul(16)
            .wrapping_add(u32::from(unmasked < shorter.wrapping_sub(count)))
            .wrapping_add(u32::from(sum < count.wrapping_mul(11)).wrapping_mul(2))
            .wrapping_add(u32::from(masked > unmasked).wrapping_mul(4))
            .wrapping_add(self.has_high_bits);
        let Some(escape) = self.escapes.get_mut(wide(at)) else { return (ESCAPES_DUMMY, 1) };
        let estimate = escape.sum.wrapping_shr(u32::from(escape.shift));
        escape.sum = escape.sum.wrapping_sub(estimate);
        (wide(at), u32::from(estimate.max(1)))
    }

    /// An escape of this kind was not taken.
    fn confirm(&mut self, escape: usize) {
        let Some(escape) = self.escapes.get_mut(escape) else { return };
        if escape.shift < PERIOD_BITS {
            escape.count = escape.count.wrapping_sub(1);
            if escape.count == 0 {
                escape.sum = escape.sum.wrapping_shl(1);
                escape.count = 3_u8.wrapping_shl(u32::from(escape.shift));
                escape.shift = escape.shift.wrapping_add(1);
            }
        }
    }

    /// The state that was found gets more frequent.
    fn count_found(&mut self) {
        let frequency = self.frequency(self.found).wrapping_add(4);
        self.set_frequency(self.found, frequency);
        if frequency > FREQUENCY_MAX {
            self.rescale();
        }
    }

    /// As [`Model::count_found`], for one that may now be more frequent than the one before it.
    fn move_up(&mut self) {
        let frequency = self.frequency(self.found).wrapping_add(4);
        self.set_frequency(self.found, frequency);
        let before = self.found.wrapping_sub(STATE);
        if frequency > self.frequency(before) {
            self.swap(self.found, before);
            self.found = before;
            if frequency > FREQUENCY_MAX {
                self.rescale();
            }
        }
    }

    /// To the context that follows the state that was found.
    fn go_on(&mut self) {
        let next = self.successor(self.found);
        if self.order_fall == 0 && next > self.memory.text {
            self.least = next;
            self.most = next;
        } else {
            self.update();
        }
    }

    fn restart(&mut self) {
        self.memory.reset();
        self.order_fall = self.order_max;
        let order = i32::try_from(self.order_max.min(12)).unwrap_or(12);
        self.run_length_begin = order.wrapping_neg().wrapping_sub(1);
        self.run_length = self.run_length_begin;
        self.was_success = false;
        // A memory of the least size has room for this.
        let root = self.memory.context().unwrap_or(0);
        let states = self.memory.block(128).unwrap_or(0);
        self.least = root;
        self.most = root;
        self.found = states;
        self.memory.set_short(root, 256);
        self.memory.set_short(root.wrapping_add(SUM), 257);
        self.memory.set_long(root.wrapping_add(STATES), states);
        self.memory.set_long(root.wrapping_add(SUFFIX), 0);
        for byte in 0..=255_u8 {
            let state = states.wrapping_add(u32::from(byte).wrapping_mul(STATE));
            self.memory.set_byte(state, byte);
            self.set_frequency(state, 1);
            self.set_successor(state, 0);
        }
        for (row, slots) in (2_u16..).zip(self.binary.chunks_exact_mut(64)) {
            for (slot, escape) in slots.iter_mut().zip(BINARY_ESCAPES.iter().cycle()) {
                let part = escape.checked_div(row).unwrap_or(0);
                *slot = (1_u16 << range::BIN_BITS).wrapping_sub(part);
            }
        }
        self.escapes.clear();
        for row in 0..25_u16 {
            let sum = row.wrapping_mul(5).wrapping_add(10).wrapping_shl(3);
            let escape = Escape { sum, shift: PERIOD_BITS.wrapping_sub(4), count: 4 };
            self.escapes.extend([escape; 16]);
        }
        self.escapes.push(Escape { sum: 0, shift: PERIOD_BITS, count: 64 });
    }
}

/// The growing of the model.
impl Model {
    /// Adds the byte that was found to the contexts that it was not in.
    fn update(&mut self) {
        if self.grow().is_none() {
            self.restart();
        }
    }

    /// Nothing when the memory is used up.
    fn grow(&mut self) -> Option<()> {
        let (byte, frequency) = (self.memory.byte(self.found), self.frequency(self.found));
        if frequency < FREQUENCY_MAX / 4 && self.suffix(self.least) != 0 {
            self.count_in_shorter(byte);
        }
        if self.order_fall == 0 {
            let context = self.successors(true)?;
            self.least = context;
            self.most = context;
            self.set_successor(self.found, context);
            return Some(());
        }
        self.memory.set_byte(self.memory.text, byte);
        self.memory.text = self.memory.text.wrapping_add(1);
        let mut next = self.memory.text;
        if self.memory.text >= self.memory.units {
            return None;
        }
        let mut after = self.successor(self.found);
        if after == 0 {
            self.set_successor(self.found, next);
            after = self.least;
        } else {
            if after <= next {
                after = self.successors(false)?;
            }
            self.order_fall = self.order_fall.wrapping_sub(1);
            if self.order_fall == 0 {
                next = after;
                let is_longer = u32::from(self.most != self.least);
                self.memory.text = self.memory.text.wrapping_sub(is_longer);
            }
        }
        self.add_to_longer(byte, next)?;
        self.least = after;
        self.most = after;
        Some(())
    }

    /// The byte was found in a context: it counts in the next shorter one, too.
    fn count_in_shorter(&mut self, byte: u8) {
        let shorter = self.suffix(self.least);
        if self.memory.short(shorter) == 1 {
            let state = shorter.wrapping_add(ONE);
            let frequency = self.frequency(state);
            self.set_frequency(state, frequency.wrapping_add(u8::from(frequency < 32)));
            return;
        }
        let mut state = self.state_of(shorter, byte);
        if state != self.states(shorter) {
            let before = state.wrapping_sub(STATE);
            if self.frequency(state) >= self.frequency(before) {
                self.swap(state, before);
                state = before;
            }
        }
        let frequency = self.frequency(state);
        if frequency < FREQUENCY_MAX.wrapping_sub(9) {
            self.set_frequency(state, frequency.wrapping_add(2));
            let at = shorter.wrapping_add(SUM);
            let sum = self.memory.short(at);
            self.memory.set_short(at, sum.wrapping_add(2));
        }
    }

    /// Adds the byte to the contexts from the longest down to the one in which it was found.
    fn add_to_longer(&mut self, byte: u8, next: u32) -> Option<()> {
        let found = u32::from(self.frequency(self.found));
        let count = u32::from(self.memory.short(self.least));
        let sum = u32::from(self.memory.short(self.least.wrapping_add(SUM)));
        let rest = sum.wrapping_sub(count).wrapping_sub(found.wrapping_sub(1));
        let mut context = self.most;
        let mut steps = 0_u32;
        while context != self.least && context != 0 && steps <= FALL_MAX {
            steps = steps.wrapping_add(1);
            let own = u32::from(self.memory.short(context));
            let sum_at = context.wrapping_add(SUM);
            if own == 1 {
                self.split_one(context, count)?;
            } else {
                if own & 1 == 0 {
                    let states = self.memory.enlarge(self.states(context), own.wrapping_shr(1))?;
                    self.memory.set_long(context.wrapping_add(STATES), states);
                }
                let sum = u32::from(self.memory.short(sum_at));
                let is_small = own.wrapping_mul(4) <= count && sum <= own.wrapping_mul(8);
                let more = u32::from(own.wrapping_mul(2) < count)
                    .wrapping_add(u32::from(is_small).wrapping_mul(2));
                self.memory.set_short(sum_at, low_short(sum.wrapping_add(more)));
            }
            let sum = u32::from(self.memory.short(sum_at));
            let chance = found.wrapping_mul(2).wrapping_mul(sum.wrapping_add(6));
            let scale = rest.wrapping_add(sum);
            let at_least = |factor: u32| u32::from(chance >= scale.wrapping_mul(factor));
            let (frequency, more) = if chance < scale.wrapping_mul(6) {
                let above = u32::from(chance > scale);
                (above.wrapping_add(at_least(4)).wrapping_add(1), 3)
            } else {
                let above = at_least(9).wrapping_add(at_least(12)).wrapping_add(at_least(15));
                (above.wrapping_add(4), above.wrapping_add(4))
            };
            self.memory.set_short(sum_at, low_short(sum.wrapping_add(more)));
            let state = self.states(context).wrapping_add(own.wrapping_mul(STATE));
            self.memory.set_byte(state, byte);
            self.set_frequency(state, frequency.to_le_bytes()[0]);
            self.set_successor(state, next);
            self.memory.set_short(context, low_short(own.wrapping_add(1)));
            context = self.suffix(context);
        }
        Some(())
    }

    /// Gives the state of a context with one state a block, for another one.
    fn split_one(&mut self, context: u32, count: u32) -> Option<()> {
        let states = self.memory.block(1)?;
        self.memory.copy(context.wrapping_add(ONE), states, STATE);
        self.memory.set_long(context.wrapping_add(STATES), states);
        let frequency = match self.frequency(states) {
            low if low < FREQUENCY_MAX / 4 - 1 => low.wrapping_shl(1),
            _ => FREQUENCY_MAX - 4,
        };
        self.set_frequency(states, frequency);
        let sum =
            u32::from(frequency).wrapping_add(self.init_escape).wrapping_add(u32::from(count > 3));
        self.memory.set_short(context.wrapping_add(SUM), low_short(sum));
        Some(())
    }

    /// Makes the contexts that follow the state that was found, in all shorter contexts that lack them. With
    /// `is_skipping` not in the one it was found in.
    fn successors(&mut self, is_skipping: bool) -> Option<u32> {
        let byte = self.memory.byte(self.found);
        let branch = self.successor(self.found);
        let mut context = self.least;
        let mut waiting = Vec::new();
        if !is_skipping {
            waiting.push(self.found);
        }
        while self.suffix(context) != 0 && waiting.len() <= wide(ORDER_MAX) {
            context = self.suffix(context);
            let state = match self.memory.short(context) {
                1 => context.wrapping_add(ONE),
                _ => self.state_of(context, byte),
            };
            let successor = self.successor(state);
            if successor != branch {
                context = successor;
                if waiting.is_empty() {
                    return Some(context);
                }
                break;
            }
            waiting.push(state);
        }
        let byte = self.memory.byte(branch);
        let frequency = self.likely(context, byte);
        for state in waiting.into_iter().rev() {
            let child = self.memory.context()?;
            self.memory.set_short(child, 1);
            let one = child.wrapping_add(ONE);
            self.memory.set_byte(one, byte);
            self.set_frequency(one, frequency);
            self.set_successor(one, branch.wrapping_add(1));
            self.memory.set_long(child.wrapping_add(SUFFIX), context);
            self.set_successor(state, child);
            context = child;
        }
        Some(context)
    }

    /// How frequent a byte is taken to be behind a new context, by the next shorter one.
    fn likely(&self, context: u32, byte: u8) -> u8 {
        let count = self.memory.short(context);
        if count == 1 {
            return self.frequency(context.wrapping_add(ONE));
        }
        let own = u32::from(self.frequency(self.state_of(context, byte))).wrapping_sub(1);
        let sum = u32::from(self.memory.short(context.wrapping_add(SUM)));
        let rest = sum.wrapping_sub(u32::from(count)).wrapping_sub(own);
        let twice = own.wrapping_mul(2);
        let more = if twice <= rest {
            u32::from(own.wrapping_mul(5) > rest)
        } else {
            let whole = twice.wrapping_add(rest.wrapping_mul(3)).wrapping_sub(1);
            whole.checked_div(rest.wrapping_mul(2)).unwrap_or(0)
        };
        more.wrapping_add(1).to_le_bytes()[0]
    }

    /// Halves the frequencies of a context, sorts them, and drops the states that have none left.
    fn rescale(&mut self) {
        let states = self.states(self.least);
        let sum_at = self.least.wrapping_add(SUM);
        let count = u32::from(self.memory.short(self.least));
        let found = self.lift(states, self.found);
        let sum = u32::from(self.memory.short(sum_at));
        let mut escape = sum.wrapping_sub(u32::from(self.frequency(found)));
        let adder = u8::from(self.order_fall != 0);
        let raised = self.frequency(found).wrapping_add(4);
        let half = |frequency: u8| frequency.wrapping_add(adder).wrapping_shr(1);
        self.set_frequency(found, half(raised));
        let mut total = u32::from(half(raised));
        let mut last = found;
        for at in 1..count {
            last = states.wrapping_add(at.wrapping_mul(STATE));
            let old = self.frequency(last);
            escape = escape.wrapping_sub(u32::from(old));
            let new = half(old);
            self.set_frequency(last, new);
            total = total.wrapping_add(u32::from(new));
            let mut place = last;
            while place > states && new > self.frequency(place.wrapping_sub(STATE)) {
                place = place.wrapping_sub(STATE);
            }
            if place != last {
                self.insert(place, last);
            }
        }
        if self.frequency(last) == 0 {
            let mut gone = 0_u32;
            while self.frequency(last) == 0 && gone.wrapping_add(1) < count {
                gone = gone.wrapping_add(1);
                last = last.wrapping_sub(STATE);
            }
            escape = escape.wrapping_add(gone);
            let left = count.wrapping_sub(gone);
            self.memory.set_short(self.least, low_short(left));
            let (units, fewer) = (count.div_ceil(2), left.div_ceil(2));
            if left == 1 {
                self.keep_one(states, escape, units);
                return;
            }
            if units != fewer {
                let smaller = self.memory.shrink(states, units, fewer);
                self.memory.set_long(self.least.wrapping_add(STATES), smaller);
            }
        }
        let sum = total.wrapping_add(escape).wrapping_sub(escape.wrapping_shr(1));
        self.memory.set_short(sum_at, low_short(sum));
        self.found = self.states(self.least);
    }

    /// One state is left of a context.
    fn keep_one(&mut self, states: u32, mut escape: u32, units: u32) {
        let (byte, after) = (self.memory.byte(states), self.successor(states));
        let mut frequency = self.frequency(states);
        loop {
            frequency = frequency.wrapping_sub(frequency.wrapping_shr(1));
            escape = escape.wrapping_shr(1);
            if escape <= 1 {
                break;
            }
        }
        self.memory.release(states, units);
        let one = self.least.wrapping_add(ONE);
        self.memory.set_byte(one, byte);
        self.set_frequency(one, frequency);
        self.set_successor(one, after);
        self.found = one;
    }

    /// Puts a state in front of all of its context. Says where it is then.
    fn lift(&mut self, states: u32, state: u32) -> u32 {
        if state != states {
            self.insert(states, state);
        }
        states
    }

    /// Puts the state at `from` in front of the one at `place`.
    fn insert(&mut self, place: u32, from: u32) {
        let (front, successor) = (self.memory.short(from), self.successor(from));
        self.memory.copy(place, place.wrapping_add(STATE), from.wrapping_sub(place));
        self.memory.set_short(place, front);
        self.set_successor(place, successor);
    }
}

/// Fields of contexts and states.
impl Model {
    fn states(&self, context: u32) -> u32 {
        self.memory.long(context.wrapping_add(STATES))
    }

    fn suffix(&self, context: u32) -> u32 {
        self.memory.long(context.wrapping_add(SUFFIX))
    }

    fn frequency(&self, state: u32) -> u8 {
        self.memory.byte(state.wrapping_add(1))
    }

    fn set_frequency(&mut self, state: u32, frequency: u8) {
        self.memory.set_byte(state.wrapping_add(1), frequency);
    }

    fn successor(&self, state: u32) -> u32 {
        self.memory.long(state.wrapping_add(2))
    }

    fn set_successor(&mut self, state: u32, successor: u32) {
        self.memory.set_long(state.wrapping_add(2), successor);
    }

    /// The state of a byte in a context of several. There is one.
    fn state_of(&self, context: u32, byte: u8) -> u32 {
        let (states, count) = (self.states(context), u32::from(self.memory.short(context)));
        let mut all = (0..count).map(|at| states.wrapping_add(at.wrapping_mul(STATE)));
        all.find(|state| self.memory.byte(*state) == byte).unwrap_or(states)
    }

    fn swap(&mut self, one: u32, other: u32) {
        let kept = (self.memory.short(one), self.successor(one));
        self.memory.copy(other, one, STATE);
        self.memory.set_short(other, kept.0);
        self.set_successor(other, kept.1);
    }

    fn add_to_sum(&mut self, more: u16) {
        let at = self.least.wrapping_add(SUM);
        let sum = self.memory.short(at);
        self.memory.set_short(at, sum.wrapping_add(more));
    }

    fn mask(&mut self, state: u32) {
        let byte = self.memory.byte(state);
        if let Some(mask) = self.masks.get_mut(usize::from(byte)) {
            *mask = self.round;
        }
    }

    fn is_masked(&self, state: u32) -> bool {
        let byte = self.memory.byte(state);
        self.masks.get(usize::from(byte)) == Some(&self.round)
    }
}

/// 8 for a letter beyond the signs.
const fn high_bits(byte: u8) -> u32 {
    if byte >= 0x40 { 8 } else { 0 }
}

/// By how many states the shorter context has.
const fn bin_column(count: u16) -> u32 {
    match count {
        0 | 1 => 0,
        2 => 2,
        3..=11 => 4,
        _ => 6,
    }
}

/// By how many bytes are not masked: each row has one more of them than the one before.
const fn escape_row(unmasked: u32) -> u32 {
    let at = unmasked.wrapping_sub(1);
    if at < 3 {
        return at;
    }
    let (mut row, mut end) = (3_u32, 4_u32);
    while at >= end {
        row = row.wrapping_add(1);
        end = row.wrapping_add(end).wrapping_sub(2);
        if row >= 24 {
            break;
        }
    }
    row
}

const fn low_short(value: u32) -> u16 {
    let bytes = value.to_le_bytes();
    u16::from_le_bytes([bytes[0], bytes[1]])
}

const fn wide(value: u32) -> usize {
    value as usize
}

/// Of a context.
const SUM: u32 = 2;
const ONE: u32 = 2;
const STATES: u32 = 4;
const SUFFIX: u32 = 8;
/// Bytes of a state.
const STATE: u32 = 6;
const _: () = assert!(2 * STATE == UNIT);
pub(super) const ORDER_MAX: u32 = 64;
/// No context is longer than the order, and none is further from the shortest.
const FALL_MAX: u32 = 4 * ORDER_MAX;
const FREQUENCY_MAX: u8 = 124;
const PERIOD_BITS: u8 = 7;
const ESCAPES_DUMMY: usize = 25 * 16;
const BINARY_ESCAPES: [u16; 8] = [0x3cdd, 0x1f3f, 0x59bf, 0x48f3, 0x64a1, 0x5abc, 0x6632, 0x6051];
const EXPONENTIAL_ESCAPES: [u32; 16] = [25, 14, 9, 7, 5, 5, 4, 4, 4, 3, 3, 3, 2, 2, 2, 2];
/// What a model takes beside its memory, in bytes.
pub(super) const MODEL_BYTES: u64 = 24 << 10;
/// So many bytes of a stream one byte may take.
pub(super) const BYTE_BYTES_MAX: usize = 1 << 10;
