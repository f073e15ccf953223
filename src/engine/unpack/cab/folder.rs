//! A folder at work: its blocks, one after another, through what packed them.

use crate::engine::unpack::numbers::le16;
use flate2::{Decompress, FlushDecompress, Status};

use super::tables::{ENDS_EARLY, Folder};
use crate::engine::unpack::lz::Packed;
use crate::engine::unpack::lz::lzx::{FRAME_BYTES, Lzx};
use crate::engine::unpack::lz::quantum::Quantum;
use crate::engine::verdict::Why;

/// The blocks of a folder that are left, and their decoder.
pub(super) struct Blocks {
    at: usize,
    left: u16,
    reserve: usize,
    method: Method,
    /// Packed bytes that the decoder has not used: those of LZX may lie in two blocks.
    waiting: Vec<u8>,
}

enum Method {
    Stored,
    /// With what came out of the blocks before, up to a window.
    Mszip(Box<Decompress>, Vec<u8>),
    Lzx(Box<Lzx>),
    Quantum(Box<Quantum>),
}

impl Blocks {
    /// Takes the memory for a folder.
    pub(super) fn new(folder: Folder, reserve: usize) -> Result<Self, Why> {
        let level = u32::from(folder.method.wrapping_shr(8) & 0x1f);
        let method = match folder.method & 0x0f {
            0 => Method::Stored,
            1 => Method::Mszip(Box::new(Decompress::new(false)), Vec::new()),
            2 => Method::Quantum(Box::new(Quantum::new(level).ok_or(WINDOW)?)),
            3 => Method::Lzx(Box::new(Lzx::new(level, None).ok_or(WINDOW)?)),
            _ => return Err(METHOD),
        };
        let (at, left) = (folder.at, folder.blocks);
        Ok(Self { at, left, reserve, method, waiting: Vec::new() })
    }

    /// Unpacks the next block to the end of `out`. False when there is none.
    pub(super) fn next(&mut self, cabinet: &[u8], out: &mut Vec<u8>) -> Result<bool, Why> {
        if self.left == 0 {
            return Ok(false);
        }
        self.left = self.left.saturating_sub(1);
        let packed = le16(cabinet, self.at.saturating_add(4)).ok_or(ENDS_EARLY)?;
        let size = le16(cabinet, self.at.saturating_add(6)).ok_or(ENDS_EARLY)?;
        let begin = self.at.saturating_add(8).saturating_add(self.reserve);
        let end = begin.saturating_add(usize::from(packed));
        let block = cabinet.get(begin..end).ok_or(ENDS_EARLY)?;
        self.at = end;
        if size == 0 {
            return Err(Why::Unsupported("cab: a block that ends in another cabinet"));
        }
        let size = usize::from(size);
        match &mut self.method {
            Method::Stored => out.extend_from_slice(block),
            Method::Mszip(state, window) => {
                let begin = out.len();
                let done = inflate(state, window, block, size, out);
                let fresh = out.get(begin..).unwrap_or_default();
                window.extend_from_slice(fresh);
                window.drain(..window.len().saturating_sub(MSZIP_WINDOW_BYTES));
                done?;
            }
            Method::Lzx(lzx) => {
                self.waiting.extend_from_slice(block);
                let mut packed = Packed { rest: &self.waiting, is_last: true };
                let done = lzx.frame(&mut packed, size, out);
                let used = self.waiting.len().saturating_sub(packed.rest.len());
                self.waiting.drain(..used);
                done?;
            }
            Method::Quantum(quantum) => {
                // The coder looks at two bytes behind the last one.
                self.waiting.clear();
                self.waiting.extend_from_slice(block);
                self.waiting.extend_from_slice(&[0; 4]);
                let mut packed = Packed { rest: &self.waiting, is_last: true };
                quantum.frame(&mut packed, size, out)?;
            }
        }
        Ok(true)
    }
}

/// One block of MSZIP: `CK` and a deflate stream that may refer to the blocks before it.
fn inflate(
    state: &mut Decompress,
    window: &[u8],
    block: &[u8],
    size: usize,
    out: &mut Vec<u8>,
) -> Result<(), Why> {
    let mut rest = block.strip_prefix(b"CK").ok_or(MSZIP)?;
    state.reset(false);
    if !window.is_empty() {
        state.set_dictionary(window).map_err(|_| MSZIP)?;
    }
    let begin = out.len();
    out.resize(begin.saturating_add(size), 0);
    let mut made = begin;
    let outcome = loop {
        let (before, after) = (state.total_in(), state.total_out());
        let room = out.get_mut(made..).unwrap_or_default();
        let status = state.decompress(rest, room, FlushDecompress::None);
        let used = usize::try_from(state.total_in().saturating_sub(before)).unwrap_or(usize::MAX);
        let came = usize::try_from(state.total_out().saturating_sub(after)).unwrap_or(usize::MAX);
        rest = rest.get(used..).unwrap_or_default();
        made = made.saturating_add(came);
        match status {
            Ok(Status::StreamEnd) => break Ok(()),
            _ if made == out.len() => break Ok(()),
            Ok(Status::Ok | Status::BufError) if used > 0 || came > 0 => {}
            Ok(Status::Ok | Status::BufError) => break Err(ENDS_EARLY),
            Err(_) => break Err(MSZIP),
        }
    };
    let is_short = made < out.len();
    out.truncate(made);
    outcome?;
    if is_short { Err(MSZIP) } else { Ok(()) }
}

/// Why a folder cannot be unpacked, if so.
pub(super) const fn refusal(method: u16) -> Option<Why> {
    if method & 0x0f > 3 { Some(METHOD) } else { None }
}

/// The memory that a folder takes, in bytes.
pub(super) fn state_bytes(method: u16) -> u64 {
    let level = u32::from(method.wrapping_shr(8) & 0x1f).min(21);
    let block = u64::from(FRAME_BYTES).saturating_mul(3);
    block.saturating_add(match method & 0x0f {
        1 => 128 << 10,
        2 => Quantum::state_bytes(level),
        3 => Lzx::state_bytes(level),
        _ => 0,
    })
}

const MSZIP_WINDOW_BYTES: usize = 32 << 10;
const MSZIP: Why = Why::Broken("cab: damaged MSZIP");
const WINDOW: Why = Why::Broken("cab: the window of a folder");
const METHOD: Why = Why::Unsupported("cab: a method that is not known");
