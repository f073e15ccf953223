//! A member of an archive on its way through a decoder: both of its sizes are known.

use super::{Feed, Packed, Unpack};
use crate::engine::unpack::Progress;
use crate::engine::unpack::inflate::Outcome;
use crate::engine::unpack::lz::window::Room;
use crate::engine::unpack::parts::{at_most, copy, pass, wide};
use crate::engine::verdict::Why;

/// What is left of a member.
#[derive(Default)]
pub(in crate::engine::unpack) struct Sized {
    feed: Feed,
    pub(in crate::engine::unpack) packed: u64,
    pub(in crate::engine::unpack) plain: u64,
    is_open: bool,
}

/// A decoder for what is not packed.
pub(in crate::engine::unpack) struct Stored;

impl Sized {
    /// For the next member.
    pub(in crate::engine::unpack) fn begin(&mut self, packed: u64, plain: u64) {
        self.feed.clear();
        self.packed = packed;
        self.plain = plain;
        self.is_open = false;
    }

    /// For one whose plain size is not known: it ends where its decoder says.
    pub(in crate::engine::unpack) fn begin_open(&mut self, packed: u64) {
        self.begin(packed, u64::MAX);
        self.is_open = true;
    }

    /// Goes on behind the last byte, up to the end that the decoder knows, for the sake of what it keeps for the
    /// next member. True when it is there; false when more input is needed or this was enough for one step.
    pub(in crate::engine::unpack) fn drain(
        &mut self,
        decoder: &mut impl Unpack,
        rest: &mut &[u8],
    ) -> Result<bool, Why> {
        let (_, outcome) = self.feed.step(decoder, (rest, &mut self.packed), &mut [0; 1 << 12]);
        match outcome {
            Outcome::Hungry | Outcome::Full => Ok(false),
            Outcome::End => Ok(true),
            Outcome::Stopped(why) => Err(why),
        }
    }

    /// Unpacks as much of `rest` as fits: bytes made, and what there is to say. `ends_early` says why the member
    /// ended when it does so with too few bytes.
    pub(in crate::engine::unpack) fn step(
        &mut self,
        decoder: &mut impl Unpack,
        rest: &mut &[u8],
        output: &mut [u8],
        ends_early: Why,
    ) -> (usize, Progress) {
        if self.plain == 0 {
            return (0, Progress::End(Ok(())));
        }
        let room = at_most(output.len(), self.plain);
        let room = output.get_mut(..room).unwrap_or_default();
        let (made, outcome) = self.feed.step(decoder, (rest, &mut self.packed), room);
        self.plain = self.plain.saturating_sub(wide(made));
        let said = match outcome {
            _ if self.plain == 0 => Progress::End(Ok(())),
            Outcome::Hungry => Progress::Hungry,
            Outcome::Full => Progress::Full,
            Outcome::End if self.is_open => Progress::End(Ok(())),
            Outcome::End => Progress::End(Err(ends_early)),
            Outcome::Stopped(why) => Progress::End(Err(why)),
        };
        (made, said)
    }

    /// Passes over what is left of the packed bytes. True when none are.
    pub(in crate::engine::unpack) fn pass(&mut self, rest: &mut &[u8]) -> bool {
        pass(rest, &mut self.packed)
    }
}

impl Unpack for Stored {
    fn run(&mut self, packed: &mut Packed<'_>, room: &mut Room<'_>) -> Outcome {
        let count = copy(packed.rest, room.output.get_mut(room.made..).unwrap_or_default());
        room.made = room.made.saturating_add(count);
        packed.rest = packed.rest.get(count..).unwrap_or_default();
        match () {
            () if room.made == room.output.len() => Outcome::Full,
            () if packed.is_last => Outcome::End,
            () => Outcome::Hungry,
        }
    }
}
