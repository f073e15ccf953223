//! The memory of the machine: a few stretches of addresses, and for each byte how it came to be there.
//!
//! A byte that was there from the beginning has generation 0; one that was written has a generation more
//! than the instruction that wrote it. Code of the highest generation is what all the others worked for.
//!
//! Absent on purpose: protection of pages. A stretch may be read, written and run; what is in none is a fault.

use super::Trap;

/// Everything that can be addressed.
#[derive(Debug, Default)]
pub(in crate::engine::unpack::packed) struct Memory {
    /// In the order in which they are looked at: the program, its stack, then the others.
    stretches: Vec<Stretch>,
    /// Bytes that were written for the first time, outside of the stack.
    written: u64,
}

/// Addresses without a hole.
#[derive(Debug)]
pub(in crate::engine::unpack::packed) struct Stretch {
    pub(in crate::engine::unpack::packed) base: u32,
    pub(in crate::engine::unpack::packed) bytes: Vec<u8>,
    generations: Vec<u8>,
    /// Of the program itself, or of what it asked for; not its stack, and nothing of the system.
    is_own: bool,
}

/// As many bytes as an instruction may have, and a few more.
pub(super) type Code = [u8; 16];

impl Memory {
    /// Adds a stretch; it must not overlap another one.
    pub(in crate::engine::unpack::packed) fn add(
        &mut self,
        base: u32,
        bytes: Vec<u8>,
        is_own: bool,
    ) {
        let generations = vec![0; bytes.len()];
        self.stretches.push(Stretch { base, bytes, generations, is_own });
    }

    /// Bytes that were written for the first time, outside of the stack.
    pub(in crate::engine::unpack::packed) const fn written(&self) -> u64 {
        self.written
    }

    /// The stretches of the program, the first one that of its file, and their addresses.
    pub(in crate::engine::unpack::packed) fn into_own(
        self,
    ) -> impl Iterator<Item = (u32, Vec<u8>)> {
        let own = self.stretches.into_iter().filter(|stretch| stretch.is_own);
        own.map(|stretch| (stretch.base, stretch.bytes))
    }

    /// Whether a byte is there.
    pub(in crate::engine::unpack::packed) fn has(&self, address: u32) -> bool {
        self.find(address).is_some()
    }

    /// Where the stretch of an address begins, and its length.
    pub(in crate::engine::unpack::packed) fn around(&self, address: u32) -> Option<(u32, usize)> {
        self.find(address).map(|(stretch, _)| (stretch.base, stretch.bytes.len()))
    }

    /// Stretches there are.
    pub(in crate::engine::unpack::packed) const fn count(&self) -> usize {
        self.stretches.len()
    }

    /// Whether nothing is at so many addresses.
    pub(in crate::engine::unpack::packed) fn is_free(&self, base: u32, length: u32) -> bool {
        let end = u64::from(base).saturating_add(length.into());
        let is_beside = |stretch: &Stretch| {
            let from = u64::from(stretch.base);
            let length = u64::try_from(stretch.bytes.len()).unwrap_or(u64::MAX);
            end <= from || from.saturating_add(length) <= base.into()
        };
        end <= u64::from(u32::MAX) && self.stretches.iter().all(is_beside)
    }

    /// Up to so many bytes of one stretch.
    pub(in crate::engine::unpack::packed) fn bytes(&self, address: u32, most: usize) -> Vec<u8> {
        let Some((stretch, at)) = self.find(address) else { return Vec::new() };
        let rest = stretch.bytes.get(at..).unwrap_or_default();
        rest.get(..most).unwrap_or(rest).to_vec()
    }

    /// Writes a number as if it had been there from the beginning. `None` when there is no memory.
    pub(in crate::engine::unpack::packed) fn bind(
        &mut self,
        address: u32,
        value: u32,
    ) -> Option<()> {
        let (stretch, at) = self.find_mut(address)?;
        let place = stretch.bytes.get_mut(at..)?.first_chunk_mut()?;
        *place = value.to_le_bytes();
        Some(())
    }

    fn find(&self, address: u32) -> Option<(&Stretch, usize)> {
        self.stretches.iter().find_map(|stretch| {
            let at = address.wrapping_sub(stretch.base) as usize;
            (at < stretch.bytes.len()).then_some((stretch, at))
        })
    }

    fn find_mut(&mut self, address: u32) -> Option<(&mut Stretch, usize)> {
        self.stretches.iter_mut().find_map(|stretch| {
            let at = address.wrapping_sub(stretch.base) as usize;
            (at < stretch.bytes.len()).then_some((stretch, at))
        })
    }

    /// So many bytes from an address on.
    pub(in crate::engine::unpack::packed) fn get<const N: usize>(
        &self,
        address: u32,
    ) -> Result<[u8; N], Trap> {
        let fault = Trap::Access { address, is_write: false };
        let (stretch, at) = self.find(address).ok_or(fault)?;
        if let Some(found) = stretch.bytes.get(at..).and_then(<[u8]>::first_chunk) {
            return Ok(*found);
        }
        // Across the end of a stretch, where another one may begin.
        let mut found = [0; N];
        for (slot, address) in found.iter_mut().zip(address..=u32::MAX) {
            let fault = Trap::Access { address, is_write: false };
            let (stretch, at) = self.find(address).ok_or(fault)?;
            *slot = stretch.bytes.get(at).copied().unwrap_or(0);
        }
        Ok(found)
    }

    /// Writes bytes from an address on, by code of this generation. Nothing is written when one of them
    /// is not there.
    pub(in crate::engine::unpack::packed) fn put(
        &mut self,
        address: u32,
        bytes: &[u8],
        generation: u8,
    ) -> Result<(), Trap> {
        let mark = generation.saturating_add(1);
        let fault = Trap::Access { address, is_write: true };
        let (stretch, at) = self.find_mut(address).ok_or(fault)?;
        let end = at.saturating_add(bytes.len());
        if let (Some(to), Some(marks)) =
            (stretch.bytes.get_mut(at..end), stretch.generations.get_mut(at..end))
        {
            to.copy_from_slice(bytes);
            let mut fresh = 0_u64;
            for old in marks {
                fresh = fresh.wrapping_add(u64::from(*old == 0));
                *old = mark;
            }
            if stretch.is_own {
                self.written = self.written.wrapping_add(fresh);
            }
            return Ok(());
        }
        for (offset, _) in (0_u32..).zip(bytes) {
            let address = address.wrapping_add(offset);
            if !self.has(address) {
                return Err(Trap::Access { address, is_write: true });
            }
        }
        for (offset, byte) in (0_u32..).zip(bytes) {
            self.put(address.wrapping_add(offset), &[*byte], generation)?;
        }
        Ok(())
    }

    /// The bytes at an address as an instruction, how many of them are there, and the generation of the
    /// first.
    pub(super) fn code(&self, address: u32) -> Result<(Code, usize, u8), Trap> {
        let fault = Trap::Access { address, is_write: false };
        let (stretch, at) = self.find(address).ok_or(fault)?;
        let generation = stretch.generations.get(at).copied().unwrap_or(0);
        let rest = stretch.bytes.get(at..).unwrap_or_default();
        if let Some(code) = rest.first_chunk() {
            return Ok((*code, code.len(), generation));
        }
        let mut code = Code::default();
        for (slot, byte) in code.iter_mut().zip(rest) {
            *slot = *byte;
        }
        Ok((code, rest.len(), generation))
    }

    /// The generation of a byte.
    #[cfg(test)]
    pub(in crate::engine::unpack::packed) fn generation(&self, address: u32) -> u8 {
        let found = self.find(address);
        found.and_then(|(stretch, at)| stretch.generations.get(at).copied()).unwrap_or(0)
    }

    pub(in crate::engine::unpack::packed) fn long(&self, address: u32) -> Result<u32, Trap> {
        self.get(address).map(u32::from_le_bytes)
    }

    /// Text up to a zero byte, and not longer than `most`.
    pub(in crate::engine::unpack::packed) fn text(&self, address: u32, most: usize) -> Vec<u8> {
        let Some((stretch, at)) = self.find(address) else { return Vec::new() };
        let rest = stretch.bytes.get(at..).unwrap_or_default();
        rest.iter().copied().take(most).take_while(|byte| *byte != 0).collect()
    }
}
