//! Tests of containers.
