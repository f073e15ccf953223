//! One pass over the bytes for all body patterns.
