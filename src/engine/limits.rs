//! How much one scan may cost. Reaching a limit is `Unscanned`, after everything inside it was scanned.

/// The budgets of one scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `MaxScanSize`: bytes scanned over all layers of one object.
    pub scan_bytes_max: u64,
    /// `MaxFileSize`: bytes of one layer.
    pub object_bytes_max: u64,
    /// `MaxRecursion`: layers inside each other, the outer object included.
    pub layers_max: u32,
    /// `MaxFiles`: layers of one object in total.
    pub objects_max: u32,
    /// `MaxCompressionRatio`: bytes out of all decoders for each byte of the outer object, once more
    /// than [`RATIO_FREE_BYTES`] came out. Counted over all of them, so that bombs inside each other
    /// do not multiply.
    pub ratio_max: u32,
    /// `MaxScanState`: bytes that the decoders of one scan may hold at a time. At worst, scans at a
    /// time × this.
    pub state_bytes_max: u64,
    /// `MaxDeferredSize`: bytes of one layer that are kept for regexes and YARA rules.
    pub deferred_bytes_max: u64,
    /// `DeferredMemory`: bytes that all scans of an engine together may keep for them.
    pub deferred_memory_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            scan_bytes_max: 16 << 30,
            object_bytes_max: 8 << 30,
            layers_max: 17,
            objects_max: 10_000,
            // Deflate cannot pass 1,032; legitimate data beyond the free bytes hardly passes 100.
            ratio_max: 500,
            // An xz stream of the highest level takes 65 MiB, and something may be inside it.
            state_bytes_max: 128 << 20,
            deferred_bytes_max: 32 << 20,
            deferred_memory_max: 512 << 20,
        }
    }
}

/// What the decoders may give out before the ratio is looked at: small objects legitimately compress well.
pub const RATIO_FREE_BYTES: u64 = 16 << 20;
