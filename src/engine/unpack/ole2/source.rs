//! What a member of a compound file is read from: a stream or a part of one, as it is or unpacked.

use super::super::deflate::Deflate;
use super::super::parts::copy;
use super::super::{Label, Progress};
use super::excel::Macros;
use super::tables::{Chain, Tables};
use super::vba;
use crate::engine::database::signature::Target;
use crate::engine::verdict::Why;

/// What a member is read from.
pub(super) struct Source {
    pub(super) label: Label,
    pub(super) chain: Chain,
    pub(super) coding: Coding,
    pub(super) part_of: Option<Target>,
}

/// How its bytes are packed.
pub(super) enum Coding {
    Plain,
    /// The compressed source of a module.
    Module(Module),
    /// A zlib stream.
    Zlib(Box<Zlib>),
    /// A workbook: its macros as text.
    Macros(Box<Macros>),
}

#[derive(Default)]
pub(super) struct Module {
    plain: Vec<u8>,
    given: usize,
}

pub(super) struct Zlib {
    decoder: Deflate,
    /// Bytes of the stream that were read and not taken.
    input: [u8; INPUT_BYTES],
    from: usize,
    to: usize,
    end: Option<Result<(), Why>>,
}

impl Coding {
    pub(super) fn module() -> Self {
        Self::Module(Module::default())
    }

    pub(super) fn zlib() -> Self {
        let input = [0; INPUT_BYTES];
        Self::Zlib(Box::new(Zlib { decoder: Deflate::new(), input, from: 0, to: 0, end: None }))
    }

    /// Memory that it takes at most, in bytes.
    pub(super) fn state_bytes(&self) -> u64 {
        match self {
            // A record, and what is printed of it.
            Self::Macros(_) => 512 << 10,
            Self::Plain | Self::Module(_) => 0,
            Self::Zlib(_) => super::super::Coding::Deflate.state_bytes(&[]),
        }
    }
}

impl Source {
    /// Fills `output` as far as there is something. 0 at its end.
    pub(super) fn read(&mut self, tables: &Tables, file: &[u8], output: &mut [u8]) -> usize {
        match &mut self.coding {
            Coding::Plain => self.chain.fill(tables, file, output),
            Coding::Module(module) => module.read(&mut self.chain, tables, file, output),
            Coding::Zlib(zlib) => zlib.read(&mut self.chain, tables, file, output),
            Coding::Macros(macros) => macros.read(&mut self.chain, tables, file, output),
        }
    }

    /// Whether there may be more although nothing was read.
    pub(super) fn is_busy(&self) -> bool {
        matches!(&self.coding, Coding::Macros(macros) if macros.is_busy())
    }

    /// How it ended, when nothing more could be read.
    pub(super) fn fate(&self) -> Result<(), Why> {
        match &self.coding {
            Coding::Plain if self.chain.left > 0 => Err(ENDS_EARLY),
            // What follows the source of a module is not part of it.
            Coding::Plain | Coding::Module(_) | Coding::Macros(_) => Ok(()),
            Coding::Zlib(zlib) => zlib.end.unwrap_or(Err(ENDS_EARLY)),
        }
    }
}

impl Module {
    fn read(
        &mut self,
        chain: &mut Chain,
        tables: &Tables,
        file: &[u8],
        output: &mut [u8],
    ) -> usize {
        if self.given == self.plain.len() {
            self.given = 0;
            self.plain.clear();
            self.decompress(chain, tables, file);
        }
        let count = copy(self.plain.get(self.given..).unwrap_or_default(), output);
        self.given = self.given.saturating_add(count);
        count
    }

    /// Decompresses the next chunk, if there is one.
    fn decompress(&mut self, chain: &mut Chain, tables: &Tables, file: &[u8]) {
        let mut chunk = [0; vba::CHUNK_BYTES_MAX];
        let Some((header, rest)) = chunk.split_first_chunk_mut::<2>() else { return };
        if chain.fill(tables, file, header) < header.len() {
            return;
        }
        let Some(size) = vba::chunk_bytes(*header).and_then(|size| size.checked_sub(2)) else {
            return;
        };
        let room = rest.get_mut(..size).unwrap_or_default();
        let count = chain.fill(tables, file, room).saturating_add(2);
        vba::decompress(chunk.get(..count).unwrap_or_default(), &mut self.plain);
    }
}

impl Zlib {
    fn read(
        &mut self,
        chain: &mut Chain,
        tables: &Tables,
        file: &[u8],
        output: &mut [u8],
    ) -> usize {
        loop {
            if self.end.is_some() {
                return 0;
            }
            if self.from == self.to {
                self.from = 0;
                self.to = chain.fill(tables, file, &mut self.input);
            }
            let input = self.input.get(self.from..self.to).unwrap_or_default();
            let step = self.decoder.step(input, output);
            self.from = self.from.saturating_add(step.used);
            match step.progress {
                Progress::Stopped(why) => self.end = Some(Err(why)),
                Progress::Hungry if self.to == 0 => self.end = Some(self.decoder.finish()),
                Progress::Hungry
                | Progress::Full
                | Progress::Begin
                | Progress::Listed
                | Progress::End(_)
                | Progress::Missed(_) => {}
            }
            if step.made > 0 || output.is_empty() {
                return step.made;
            }
        }
    }
}

/// Bytes of a packed stream at a time.
const INPUT_BYTES: usize = 512;
const ENDS_EARLY: Why = Why::Broken("OLE2: a stream ends early");
