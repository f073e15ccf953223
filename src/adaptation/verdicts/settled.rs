//! A verdict that stays the same as long as the engine does, and its bytes.
//!
//! Kept is what another scan of the same bytes would say again. What depended on the moment (time, memory,
//! a thread that was busy, a defect of ours) is never kept: the next scan may do better.
//!
//! ```text
//!   0                                                          clean
//!   1 · offset u64 · name: u16 and bytes · path: u16 and bytes   infected
//!   2 · 1                                                      unscanned: encrypted
//!   2 · 2 · text: u16 and bytes                                  broken
//!   2 · 3 · limit u8                                             limit
//!   2 · 4 · text: u16 and bytes                                  unsupported
//! ```
//!
//! Numbers are little-endian. The bytes are for a file of ours and for values that carry a code of
//! authentication; every field is checked all the same.

use std::sync::Arc;

use super::phrases;
use crate::engine::verdict::{Detection, Limit, Verdict, Why};

/// A verdict that may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Everything was scanned and nothing was found.
    Clean,
    /// A signature matched. Shared, so that a look-up copies nothing.
    Infected(Arc<Detection>),
    /// Not all could be scanned, for a reason that stays.
    Unscanned(Why),
}

impl Settled {
    /// A verdict as it may be kept; `None`: another scan may say something else, or its texts are longer
    /// than any that we make.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Option<Self> {
        match verdict {
            Verdict::Clean => Some(Self::Clean),
            Verdict::Infected(detection) => kept_detection(detection).map(Self::Infected),
            Verdict::Unscanned(why) => stays(*why).then_some(Self::Unscanned(*why)),
        }
    }

    /// The verdict that was kept.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Clean => Verdict::Clean,
            Self::Infected(detection) => Verdict::Infected((**detection).clone()),
            Self::Unscanned(why) => Verdict::Unscanned(*why),
        }
    }

    /// Bytes outside of the value itself.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Clean | Self::Unscanned(_) => 0,
            Self::Infected(detection) => size_of::<Detection>()
                .saturating_add(size_of::<[usize; 2]>())
                .saturating_add(detection.name.len())
                .saturating_add(detection.path.len()),
        }
    }

    /// Of two verdicts about the same bytes the one that counts: a detection beats everything, and what was not
    /// seen by one scan was not seen.
    pub(in crate::adaptation) const fn weight(&self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Unscanned(_) => 1,
            Self::Infected(_) => 2,
        }
    }

    /// Appends its bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Clean => out.push(0),
            Self::Infected(detection) => {
                out.push(1);
                out.extend_from_slice(&detection.offset.to_le_bytes());
                put_text(&detection.name, out);
                put_text(&detection.path, out);
            }
            Self::Unscanned(why) => {
                out.push(2);
                encode_why(*why, out);
            }
        }
    }

    /// Reads one off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        match take_byte(bytes)? {
            0 => Ok(Self::Clean),
            1 => {
                let offset = take_u64(bytes)?;
                let name = take_text(bytes, NAME_BYTES_MAX)?.into();
                let path = take_text(bytes, PATH_BYTES_MAX)?.into();
                let detection = Detection { name, path, offset };
                let same = kept_detection(&detection).filter(|kept| **kept == detection);
                same.map(Self::Infected).ok_or("a detection has an impossible name or path")
            }
            2 => decode_why(bytes).map(Self::Unscanned),
            _ => Err("a verdict is of no known kind"),
        }
    }
}

/// Whether another scan of the same bytes by the same engine gives the same reason.
pub(super) fn stays(why: Why) -> bool {
    match why {
        Why::Encrypted => true,
        Why::Broken(text) | Why::Unsupported(text) => is_text(text, PHRASE_BYTES_MAX),
        Why::Limit(limit) => match limit {
            Limit::MaxScanSize
            | Limit::MaxFileSize
            | Limit::MaxRecursion
            | Limit::MaxFiles
            | Limit::MaxCompressionRatio
            | Limit::MaxScanState
            | Limit::MaxDeferredSize
            | Limit::MaxWholeSize
            | Limit::MatchLimit => true,
            // How much of the memory for all others have taken is a matter of the moment.
            Limit::DeferredMemory | Limit::HoldLimit => false,
        },
        // A part says nothing about the whole, and the rest is about us and not about the bytes.
        Why::Fragment | Why::Time | Why::EngineMissing | Why::Failed | Why::Busy => false,
    }
}

/// A detection with texts of bounded length. Members of containers are named by strangers, so a long way to
/// one is cut; the name of a signature never is.
fn kept_detection(detection: &Detection) -> Option<Arc<Detection>> {
    if detection.name.is_empty() || !is_text(&detection.name, NAME_BYTES_MAX) {
        return None;
    }
    let path = if detection.path.len() > PATH_BYTES_MAX {
        let end = detection.path.floor_char_boundary(PATH_BYTES_MAX.saturating_sub(CUT.len()));
        format!("{}{CUT}", detection.path.get(..end).unwrap_or_default()).into()
    } else {
        detection.path.clone()
    };
    let kept = Detection { name: detection.name.clone(), path, offset: detection.offset };
    is_text(&kept.path, PATH_BYTES_MAX).then(|| Arc::new(kept))
}

fn is_text(text: &str, bytes_max: usize) -> bool {
    text.len() <= bytes_max && !text.contains(char::is_control)
}

fn encode_why(why: Why, out: &mut Vec<u8>) {
    match why {
        Why::Encrypted => out.push(1),
        Why::Broken(text) => {
            out.push(2);
            put_text(text, out);
        }
        Why::Limit(limit) => {
            let code = LIMITS.iter().position(|known| *known == limit);
            out.extend([3, code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)]);
        }
        Why::Unsupported(text) => {
            out.push(4);
            put_text(text, out);
        }
        // Never settled; the reader refuses the code.
        Why::Fragment | Why::Time | Why::EngineMissing | Why::Failed | Why::Busy => out.push(0),
    }
}

fn decode_why(bytes: &mut &[u8]) -> Result<Why, &'static str> {
    let phrase = |bytes: &mut &[u8]| take_text(bytes, PHRASE_BYTES_MAX).map(phrases::kept);
    let why = match take_byte(bytes)? {
        1 => Why::Encrypted,
        2 => Why::Broken(phrase(bytes)?),
        3 => {
            let code = usize::from(take_byte(bytes)?);
            Why::Limit(*LIMITS.get(code).ok_or("a limit is not known")?)
        }
        4 => Why::Unsupported(phrase(bytes)?),
        _ => return Err("a reason is not known, or never kept"),
    };
    if stays(why) { Ok(why) } else { Err("a reason is never kept, or its text is none") }
}

/// The limits by their codes: append only, and a test compares them with the engine's.
pub(in crate::adaptation) const LIMITS: [Limit; 11] = [
    Limit::MaxScanSize,
    Limit::MaxFileSize,
    Limit::MaxRecursion,
    Limit::MaxFiles,
    Limit::MaxCompressionRatio,
    Limit::MaxScanState,
    Limit::MaxDeferredSize,
    Limit::MaxWholeSize,
    Limit::DeferredMemory,
    Limit::MatchLimit,
    Limit::HoldLimit,
];

/// Appends a text of less than 64 KiB; ours are far shorter.
fn put_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn take_text<'a>(bytes: &mut &'a [u8], bytes_max: usize) -> Result<&'a str, &'static str> {
    let length = usize::from(u16::from_le_bytes(take_array(bytes)?));
    if length > bytes_max {
        return Err("a text is too long");
    }
    std::str::from_utf8(take(bytes, length)?).map_err(|_| "a text is not UTF-8")
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], &'static str> {
    bytes.split_off(..count).ok_or("it ends in the middle")
}

/// The next bytes, as many as the array has.
pub(super) fn take_array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], &'static str> {
    take(bytes, N)?.try_into().map_err(|_| "it ends in the middle")
}

/// The next byte.
pub(super) fn take_byte(bytes: &mut &[u8]) -> Result<u8, &'static str> {
    take_array::<1>(bytes).map(|[byte]| byte)
}

/// The next number.
pub(super) fn take_u64(bytes: &mut &[u8]) -> Result<u64, &'static str> {
    take_array(bytes).map(u64::from_le_bytes)
}

/// Bytes of a signature's name; no database of ours has a longer one.
pub const NAME_BYTES_MAX: usize = 255;
/// Bytes of the way to a member; longer ones are cut.
pub const PATH_BYTES_MAX: usize = 512;
/// Bytes of what is broken or unsupported.
const PHRASE_BYTES_MAX: usize = 128;
/// The end of a way that was cut.
const CUT: &str = "…";
/// Bytes of the longest settled verdict: kind, offset, two texts with their lengths.
pub(super) const BYTES_MAX: usize = 1 + 8 + 2 + NAME_BYTES_MAX + 2 + PATH_BYTES_MAX;
const _: () = assert!(PHRASE_BYTES_MAX < PATH_BYTES_MAX, "BYTES_MAX is that of a detection");
