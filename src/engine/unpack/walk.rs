//! A container that is read from its front to its end.

use super::{Member, Pace, Step};
use crate::engine::verdict::Why;

/// What the walkers have in common. A walker takes no memory to speak of before its first step.
pub(in crate::engine) trait Walk: Send {
    /// As [`super::Unpacker::step`].
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step;

    /// The member that has just begun, or was listed.
    fn member(&mut self) -> Member;

    /// As [`super::Unpacker::pace`].
    fn pace(&self) -> Pace {
        Pace::Quick
    }

    /// As [`super::Unpacker::pass_over`].
    fn pass_over(&mut self) -> bool {
        false
    }

    /// As [`super::Unpacker::end`].
    fn end(&mut self) -> bool {
        false
    }

    /// As [`super::Unpacker::finish`]. Without it the container may end anywhere.
    ///
    /// # Errors
    ///
    /// [`Why::Broken`] when it ends in the middle of something.
    fn finish(&self) -> Result<(), Why> {
        Ok(())
    }
}
