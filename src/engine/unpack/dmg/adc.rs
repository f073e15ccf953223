//! ADC, with which the first disk images of macOS were packed: literals, and copies of what came within 64 KiB.
//!
//! A first byte with its highest bit says how many literals follow; with the next one, a copy of 4 to 67 bytes with a
//! distance of two bytes; else one of 3 to 18 bytes with a distance of ten bits.

use super::ENDS_EARLY;
use crate::engine::verdict::Why;

/// A packed run being read.
pub(super) struct Adc {
    at: usize,
    end: usize,
    window: Box<[u8]>,
    /// Bytes that came out.
    made: usize,
    todo: Todo,
}

#[derive(Clone, Copy)]
enum Todo {
    Next,
    Literals(usize),
    /// So many bytes, from so far back.
    Copy(usize, usize),
}

impl Adc {
    pub(super) fn new(from: u64, length: u64) -> Self {
        let at = usize::try_from(from).unwrap_or(usize::MAX);
        let end = at.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
        let window = vec![0; WINDOW_BYTES].into_boxed_slice();
        Self { at, end, window, made: 0, todo: Todo::Next }
    }

    /// Fills `output`; says how the run ended, when it did.
    pub(super) fn read(
        &mut self,
        image: &[u8],
        output: &mut [u8],
    ) -> (usize, Option<Result<(), Why>>) {
        let mut count = 0_usize;
        while let Some(slot) = output.get_mut(count) {
            let byte = match self.todo {
                Todo::Next => match self.next(image) {
                    Ok(todo) => {
                        self.todo = todo;
                        continue;
                    }
                    Err(_) if count > 0 => break,
                    Err(why) => return (0, Some(Err(why))),
                },
                Todo::Literals(left) => {
                    let byte = image.get(..self.end).unwrap_or(image).get(self.at).copied();
                    self.at = self.at.saturating_add(1);
                    self.todo = left
                        .checked_sub(1)
                        .filter(|left| *left > 0)
                        .map_or(Todo::Next, Todo::Literals);
                    byte
                }
                Todo::Copy(left, distance) => {
                    let from = self.made.checked_sub(distance);
                    let byte = from.and_then(|from| self.window.get(from & MASK)).copied();
                    let left = left.checked_sub(1).filter(|left| *left > 0);
                    self.todo = left.map_or(Todo::Next, |left| Todo::Copy(left, distance));
                    byte
                }
            };
            let Some(byte) = byte else {
                self.at = self.end;
                self.todo = Todo::Next;
                break;
            };
            *slot = byte;
            if let Some(kept) = self.window.get_mut(self.made & MASK) {
                *kept = byte;
            }
            self.made = self.made.saturating_add(1);
            count = count.saturating_add(1);
        }
        let is_over = count == 0 && !output.is_empty();
        (count, is_over.then_some(Err(ENDS_EARLY)))
    }

    /// What is to be done next.
    fn next(&mut self, image: &[u8]) -> Result<Todo, Why> {
        let packed = image.get(..self.end).unwrap_or(image);
        let from = self.at;
        let byte = |at: usize| packed.get(from.saturating_add(at)).copied().ok_or(ENDS_EARLY);
        let first = byte(0)?;
        let (used, todo) = match first {
            0x80.. => (1, Todo::Literals(usize::from(first & 0x7f).saturating_add(1))),
            0x40.. => {
                let distance = usize::from(u16::from_be_bytes([byte(1)?, byte(2)?]));
                (
                    3,
                    Todo::Copy(
                        usize::from(first & 0x3f).saturating_add(4),
                        distance.saturating_add(1),
                    ),
                )
            }
            _ => {
                let distance = usize::from(u16::from_be_bytes([first & 3, byte(1)?]));
                (
                    2,
                    Todo::Copy(
                        usize::from(first >> 2).saturating_add(3),
                        distance.saturating_add(1),
                    ),
                )
            }
        };
        self.at = self.at.saturating_add(used);
        Ok(todo)
    }
}

const WINDOW_BYTES: usize = 64 << 10;
const MASK: usize = WINDOW_BYTES - 1;
pub(super) const STATE_BYTES: u64 = 80 << 10;
