//! The `baleen` program: reads the command line and hands over. Everything else lives in the library,
//! where tests can reach it.

use std::process::ExitCode;

use clap::Parser as _;

/// One allocator for all shards: mimalloc keeps a heap for each thread, so shards do not meet in it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    baleen::cli::Cli::parse().run()
}
