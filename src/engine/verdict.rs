//! What a scan says: three outcomes that are never mixed up.
//!
//! `Clean` means that every byte was looked at, by everything the database asks for. What could not
//! be looked at is `Unscanned` with the reason; what to do about it is policy's business. A detection
//! beats every reason: bytes that were scanned and matched are infected, whatever happened later.

use std::fmt;

/// The outcome of one scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was scanned and nothing was found.
    Clean,
    /// A signature matched.
    Infected(Detection),
    /// At least one byte could not be scanned, and nothing was found in the others.
    Unscanned(Why),
}

/// A signature that matched, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// The signature's name as reported: `.UNOFFICIAL` included where the source is unsigned.
    pub name: Box<str>,
    /// The way from the outer object to the layer that matched: `gzip>zip:a/b.exe`; empty for the outer object.
    pub path: Box<str>,
    /// Where in that layer the match begins, in bytes; 0 for digests.
    pub offset: u64,
}

/// Why an object was not, or not fully, scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// A member is encrypted.
    Encrypted,
    /// A container or coding is damaged before its end.
    Broken(&'static str),
    /// A named limit was reached.
    Limit(Limit),
    /// It is only a part of an object (HTTP `Content-Range`): what is spread over two is seen in neither.
    Fragment,
    /// A format or coding that the engine cannot read.
    Unsupported(&'static str),
    /// The time allowed for a scan is over (`MaxScanTime`).
    Time,
    /// No database is loaded.
    EngineMissing,
    /// The scan itself failed: a defect of ours, caught.
    Failed,
    /// Whatever has to look at the whole of it found no thread for too long.
    Busy,
}

/// The limits that can end a scan early. Names are the settings' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Bytes scanned over all layers.
    MaxScanSize,
    /// Bytes of one layer.
    MaxFileSize,
    /// Depth of containment.
    MaxRecursion,
    /// Number of layers.
    MaxFiles,
    /// Bytes out of a decoder for each byte in.
    MaxCompressionRatio,
    /// Memory for one scan's state.
    MaxScanState,
    /// Bytes of one layer kept for what looks at them at its end.
    MaxDeferredSize,
    /// Bytes of one container that is kept to be opened at its end.
    MaxWholeSize,
    /// Memory of all scans for such layers.
    DeferredMemory,
    /// Steps of one regex, or matches of one string of a YARA rule.
    MatchLimit,
    /// Bytes held back for one message.
    HoldLimit,
}

impl Limit {
    /// The name as in the settings file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaxScanSize => "MaxScanSize",
            Self::MaxFileSize => "MaxFileSize",
            Self::MaxRecursion => "MaxRecursion",
            Self::MaxFiles => "MaxFiles",
            Self::MaxCompressionRatio => "MaxCompressionRatio",
            Self::MaxScanState => "MaxScanState",
            Self::MaxDeferredSize => "MaxDeferredSize",
            Self::MaxWholeSize => "MaxWholeSize",
            Self::DeferredMemory => "DeferredMemory",
            Self::MatchLimit => "match limit",
            Self::HoldLimit => "HoldLimit",
        }
    }
}

impl Why {
    /// Whether it is about the moment and not about the bytes: another scan may see more.
    #[must_use]
    pub const fn is_momentary(self) -> bool {
        match self {
            Self::Time | Self::EngineMissing | Self::Failed | Self::Busy => true,
            Self::Limit(limit) => matches!(limit, Limit::DeferredMemory),
            Self::Encrypted | Self::Broken(_) | Self::Unsupported(_) | Self::Fragment => false,
        }
    }

    /// The name under which it is reported where it counts as a threat; the beginnings are those that
    /// ClamAV uses for the same. A failure of ours, or too much to do, is never somebody's threat.
    #[must_use]
    pub fn heuristic(self) -> Option<String> {
        Some(match self {
            Self::Encrypted => "Heuristics.Encrypted".to_owned(),
            Self::Broken(_) => "Heuristics.Broken".to_owned(),
            Self::Limit(limit) => format!("Heuristics.Limits.Exceeded.{}", limit.name()),
            Self::Time => "Heuristics.Limits.Exceeded.MaxScanTime".to_owned(),
            Self::Fragment => "Heuristics.Fragment".to_owned(),
            Self::Unsupported(_) => "Heuristics.Unsupported".to_owned(),
            Self::EngineMissing | Self::Failed | Self::Busy => return None,
        })
    }
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encrypted => out.write_str("encrypted"),
            Self::Broken(what) => write!(out, "broken: {what}"),
            Self::Limit(limit) => write!(out, "limit: {}", limit.name()),
            Self::Fragment => out.write_str("a fragment of an object"),
            Self::Unsupported(what) => write!(out, "unsupported: {what}"),
            Self::Time => out.write_str("time: MaxScanTime"),
            Self::EngineMissing => out.write_str("no database loaded"),
            Self::Failed => out.write_str("the scan failed"),
            Self::Busy => out.write_str("no thread was free in time"),
        }
    }
}
