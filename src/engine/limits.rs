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
    /// `MaxCompressionRatio`: bytes out of a decoder for each byte in, once more than
    /// [`RATIO_FREE_BYTES`] came out.
    pub ratio_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            scan_bytes_max: 16 << 30,
            object_bytes_max: 8 << 30,
            layers_max: 17,
            objects_max: 10_000,
            ratio_max: 2_000,
        }
    }
}

/// What a decoder may give out before its ratio is looked at: small objects legitimately compress well.
pub const RATIO_FREE_BYTES: u64 = 16 << 20;
