//! Tests of digests.
