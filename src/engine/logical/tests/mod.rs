//! Tests of logical signatures.
