//! Tests of databases.
