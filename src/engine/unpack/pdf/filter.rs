//! The filters of one stream, one behind the other, each filling a small room for the next.

use weezl::BitOrder;
use weezl::decode::Decoder as Lzw;

use super::super::inflate::{Inflate, Outcome};
use super::super::parts::copy;
use super::ascii::{Base85, Hex, Runs};
use super::cipher::Cipher;
use super::dictionary::{Dictionary, Filter};
use super::predictor::Predictor;
use crate::engine::verdict::Why;

/// What one call of a filter did.
pub(super) struct Poured {
    pub(super) used: usize,
    pub(super) made: usize,
    /// It knows where it ends, or that it cannot go on.
    pub(super) end: Option<Result<(), Why>>,
}

/// The filters of a stream, the first that is undone first.
pub(super) struct Pipe {
    stages: Vec<Stage>,
    /// Nothing more will be poured in.
    is_closed: bool,
}

struct Stage {
    filter: Undo,
    /// What it made for the next one; the last makes nothing here.
    room: Box<[u8]>,
    from: usize,
    to: usize,
    end: Option<Result<(), Why>>,
}

enum Undo {
    Copy,
    Flate(Flate),
    Lzw(Box<Lzw>),
    Hex(Hex),
    Base85(Base85),
    Runs(Runs),
    Decrypt(Cipher),
    Predict(Predictor),
}

struct Flate {
    inflate: Inflate,
    /// Bytes of the zlib header that are left. No viewer shows a stream without it.
    header: usize,
}

impl Pipe {
    /// For a stream with this dictionary, encrypted as `cipher` undoes it.
    ///
    /// # Errors
    ///
    /// [`Why::Unsupported`] for a filter that cannot be undone.
    pub(super) fn new(dictionary: &Dictionary, cipher: Option<Cipher>) -> Result<Self, Why> {
        let mut stages = Vec::new();
        stages.extend(cipher.map(|cipher| Stage::new(Undo::Decrypt(cipher))));
        for (index, filter) in dictionary.filters.iter().enumerate() {
            let filter = match filter {
                Filter::Flate => Undo::Flate(Flate { inflate: Inflate::new(), header: 2 }),
                Filter::Lzw if dictionary.is_late => {
                    Undo::Lzw(Box::new(Lzw::new(BitOrder::Msb, 8)))
                }
                Filter::Lzw => Undo::Lzw(Box::new(Lzw::with_tiff_size_switch(BitOrder::Msb, 8))),
                Filter::AsciiHex => Undo::Hex(Hex::default()),
                Filter::Ascii85 => Undo::Base85(Base85::default()),
                Filter::RunLength => Undo::Runs(Runs::default()),
                Filter::AsItIs => break,
                // What it says was done before.
                Filter::Crypt => continue,
                Filter::Unknown => return Err(Why::Unsupported("PDF: a filter")),
                Filter::Unreadable => return Err(Why::Unsupported("PDF: a list of filters")),
            };
            let parameters = dictionary.parameters.get(index);
            let is_packed = matches!(filter, Undo::Flate(_) | Undo::Lzw(_));
            stages.push(Stage::new(filter));
            if let Some(parameters) = parameters.filter(|_| is_packed)
                && let Some(predictor) = Predictor::new(parameters)?
            {
                stages.push(Stage::new(Undo::Predict(predictor)));
            }
        }
        if stages.is_empty() {
            stages.push(Stage::new(Undo::Copy));
        }
        Ok(Self { stages, is_closed: false })
    }

    /// Memory that so many filters can take, in bytes.
    pub(super) fn state_bytes(&self) -> u64 {
        let stages = self.stages.iter().map(|stage| match &stage.filter {
            Undo::Predict(predictor) => predictor.state_bytes().saturating_add(STAGE_BYTES),
            Undo::Copy
            | Undo::Flate(_)
            | Undo::Lzw(_)
            | Undo::Hex(_)
            | Undo::Base85(_)
            | Undo::Runs(_)
            | Undo::Decrypt(_) => STAGE_BYTES,
        });
        stages.fold(0, u64::saturating_add)
    }

    /// Nothing more will be poured in: what is in it comes out, and then its end.
    pub(super) const fn close(&mut self) {
        self.is_closed = true;
    }

    /// Whether a filter wants more that knows its own end.
    pub(super) fn wants_more(&self) -> bool {
        let mut stages = self.stages.iter();
        stages.any(|stage| stage.end.is_none() && matches!(stage.filter, Undo::Flate(_)))
    }

    /// Pours `input` through, as far as it makes something. `end` of the result is that of the last
    /// filter; an earlier one that fails lets the later ones finish what they have.
    pub(super) fn pour(&mut self, input: &[u8], output: &mut [u8]) -> Poured {
        let last = self.stages.len().saturating_sub(1);
        let mut used = 0_usize;
        loop {
            let mut has_moved = false;
            for index in 0..=last {
                let (above, here) = self.stages.split_at_mut(index);
                let (above, Some(stage)) = (above.last_mut(), here.first_mut()) else { break };
                let (source, end) = match &above {
                    None => {
                        let rest = input.get(used..).unwrap_or_default();
                        (rest, self.is_closed.then_some(Ok(())))
                    }
                    Some(above) => (above.ready(), above.end),
                };
                let room = if index == last { Some(&mut *output) } else { None };
                let poured = stage.pour(source, end, room);
                match above {
                    None => used = used.saturating_add(poured.used),
                    Some(above) => above.from = above.from.saturating_add(poured.used),
                }
                if index == last && (poured.made > 0 || poured.end.is_some()) {
                    let end = if poured.made > 0 { None } else { poured.end };
                    return Poured { used, made: poured.made, end };
                }
                has_moved |= poured.used > 0 || poured.made > 0;
            }
            if !has_moved {
                return Poured { used, made: 0, end: None };
            }
        }
    }
}

impl Stage {
    fn new(filter: Undo) -> Self {
        let room = vec![0; ROOM_BYTES].into_boxed_slice();
        Self { filter, room, from: 0, to: 0, end: None }
    }

    /// What was made and not taken.
    fn ready(&self) -> &[u8] {
        self.room.get(self.from..self.to).unwrap_or_default()
    }

    /// Pours into `output`, or else into its own room. `above` says how its source has ended.
    fn pour(
        &mut self,
        source: &[u8],
        above: Option<Result<(), Why>>,
        output: Option<&mut [u8]>,
    ) -> Poured {
        if self.end.is_some() {
            return Poured { used: 0, made: 0, end: self.end };
        }
        if self.from == self.to {
            (self.from, self.to) = (0, 0);
        }
        let is_own = output.is_none();
        let room = output.unwrap_or_else(|| self.room.get_mut(self.to..).unwrap_or_default());
        let has_room = !room.is_empty();
        let mut poured = self.filter.pour(source, room);
        if poured.made == 0 && source.is_empty() && above.is_some() {
            poured.made = self.filter.flush(room);
        }
        if is_own {
            self.to = self.to.saturating_add(poured.made);
        }
        self.end = poured.end;
        // Nothing more comes from above, and nothing came of what was left.
        if self.end.is_none() && poured.made == 0 && source.is_empty() && has_room {
            self.end = above.map(|fate| fate.and_then(|()| self.filter.finish()));
        }
        Poured { end: self.end, ..poured }
    }
}

impl Flate {
    fn pour(&mut self, input: &[u8], output: &mut [u8]) -> Poured {
        let header = input.len().min(self.header);
        self.header = self.header.saturating_sub(header);
        let rest = input.get(header..).unwrap_or_default();
        if self.header > 0 {
            return Poured { used: header, made: 0, end: None };
        }
        let inflated = self.inflate.step(rest, output);
        let end = match inflated.outcome {
            Outcome::Hungry | Outcome::Full => None,
            Outcome::End => Some(Ok(())),
            Outcome::Stopped(_) => Some(Err(Why::Broken("PDF: a deflate stream"))),
        };
        Poured { used: header.saturating_add(inflated.used), made: inflated.made, end }
    }
}

impl Undo {
    /// Whether it may end when nothing more comes.
    const fn finish(&self) -> Result<(), Why> {
        match self {
            // Nothing at all stands for nothing.
            Self::Flate(Flate { header: 0 | 1, .. }) => {
                Err(Why::Broken("PDF: a stream ends early"))
            }
            Self::Flate(_)
            | Self::Copy
            | Self::Lzw(_)
            | Self::Hex(_)
            | Self::Base85(_)
            | Self::Runs(_)
            | Self::Decrypt(_)
            | Self::Predict(_) => Ok(()),
        }
    }

    /// Nothing more comes: bytes made of what was held back.
    fn flush(&mut self, output: &mut [u8]) -> usize {
        match self {
            Self::Decrypt(cipher) => cipher.flush(output),
            Self::Predict(predictor) => predictor.flush(output),
            Self::Copy
            | Self::Flate(_)
            | Self::Lzw(_)
            | Self::Hex(_)
            | Self::Base85(_)
            | Self::Runs(_) => 0,
        }
    }

    fn pour(&mut self, input: &[u8], output: &mut [u8]) -> Poured {
        match self {
            Self::Copy => {
                let count = copy(input, output);
                Poured { used: count, made: count, end: None }
            }
            Self::Flate(flate) => flate.pour(input, output),
            Self::Lzw(lzw) => {
                let result = lzw.decode_bytes(input, output);
                let end = match result.status {
                    Ok(weezl::LzwStatus::Done) => Some(Ok(())),
                    Ok(weezl::LzwStatus::Ok | weezl::LzwStatus::NoProgress) => None,
                    Err(_) => Some(Err(Why::Broken("PDF: an LZW stream"))),
                };
                Poured { used: result.consumed_in, made: result.consumed_out, end }
            }
            Self::Hex(hex) => hex.pour(input, output),
            Self::Base85(base85) => base85.pour(input, output),
            Self::Runs(runs) => runs.pour(input, output),
            Self::Decrypt(cipher) => {
                let (used, made) = cipher.pour(input, output);
                Poured { used, made, end: None }
            }
            Self::Predict(predictor) => {
                let (used, made) = predictor.pour(input, output);
                Poured { used, made, end: None }
            }
        }
    }
}

/// What a filter makes for the next one at a time.
const ROOM_BYTES: usize = 4 << 10;
/// The largest state of a filter is that of deflate, with its window.
const STAGE_BYTES: u64 = 64 << 10;
