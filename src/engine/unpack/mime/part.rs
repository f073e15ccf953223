//! One part while its bytes come: what undoes its encoding, and when it is a member.

use crate::engine::unpack::armor::{Transfer, Undo, is_control};
use crate::engine::unpack::parts::copy;
use crate::engine::unpack::{Label, Member, Said};
use crate::engine::verdict::Why;

/// A part, or what is between the parts.
pub(super) struct Part {
    label: Label,
    said: Option<Said>,
    transfer: Option<Transfer>,
    undo: Undo,
    /// Fewer bytes are no member.
    least: usize,
    /// Bytes that were decoded and not given out.
    front: Vec<u8>,
    has_begun: bool,
    /// Bytes of no text that came where text was promised; `None` where none was, or that was told.
    strange: Option<u32>,
}

impl Part {
    /// With the encoding that its header tells.
    pub(super) fn new(label: Label, transfer: Option<Transfer>, said: Option<Said>) -> Self {
        let is_text = transfer.is_some() || matches!(said, Some(Said::Encoded(_)));
        Self {
            label,
            said,
            transfer,
            undo: Undo::of(transfer),
            least: 1,
            front: Vec::new(),
            has_begun: false,
            strange: is_text.then_some(0),
        }
    }

    /// What stands before, between or behind the parts. Notes for readers are too short to be one.
    pub(super) fn gap(what: &'static str) -> Self {
        Self { least: GAP_BYTES_MIN, ..Self::new(Label::of(what), None, None) }
    }

    pub(super) fn member(&mut self) -> Member {
        let label = std::mem::take(&mut self.label);
        Member { label, said: self.said.take(), ..Member::default() }
    }

    /// What is undone.
    pub(super) const fn transfer(&self) -> Option<Transfer> {
        self.transfer
    }

    /// Gives it out as it is, and says that it is encoded.
    pub(super) fn read_both_ways(&mut self) {
        self.undo = Undo::Nothing;
        if matches!(self.said, None | Some(Said::Mailed)) {
            self.said = self.transfer.map(Said::Encoded);
        }
    }

    /// Whether it begins with the next call of [`Part::begin`].
    pub(super) const fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Takes bytes until there are enough for a member. Says how many those were, and whether it begins.
    pub(super) fn begin(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut room = [0; GAP_BYTES_MIN];
        let missing = self.least.saturating_sub(self.front.len());
        let (used, made) = self.undo.pour(bytes, room.get_mut(..missing).unwrap_or_default());
        self.watch(bytes.get(..used).unwrap_or_default());
        self.front.extend_from_slice(room.get(..made).unwrap_or_default());
        self.has_begun = self.front.len() >= self.least;
        (used, self.has_begun)
    }

    /// What has to be given out before anything else. Says how many bytes that was.
    pub(super) fn give_front(&mut self, output: &mut [u8]) -> usize {
        let made = copy(&self.front, output);
        self.front.drain(..made);
        made
    }

    pub(super) fn has_front(&self) -> bool {
        !self.front.is_empty()
    }

    /// Says how many bytes were taken and how many made.
    pub(super) fn pour(&mut self, bytes: &[u8], output: &mut [u8]) -> (usize, usize) {
        let (used, made) = self.undo.pour(bytes, output);
        self.watch(bytes.get(..used).unwrap_or_default());
        (used, made)
    }

    /// An archive may lie between letters that readers of mails pass over. Said once.
    pub(super) fn fault(&mut self) -> Option<Why> {
        let is_strange = self.strange.is_some_and(|count| count >= STRANGE_MIN);
        if is_strange {
            self.strange = None;
        }
        is_strange.then_some(STRANGE)
    }

    fn watch(&mut self, bytes: &[u8]) {
        if let Some(count) = &mut self.strange {
            let more = bytes.iter().filter(|byte| is_control(**byte)).count();
            *count = count.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        }
    }
}

/// Less than this between the parts is no layer: it was looked at with the mail, and an archive is longer.
const GAP_BYTES_MIN: usize = 64;
/// So many bytes that no text has are more than damage.
const STRANGE_MIN: u32 = 4;
const STRANGE: Why = Why::Broken("mail: other bytes than its encoding has");
