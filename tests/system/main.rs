//! The binary as a whole, from outside: its commands, its start, its end. Needs loopback only, and for
//! `squid setup` the Squid that the test command installs.

#[path = "../fixture/mod.rs"]
mod fixture;

mod commands;
mod ctl;
mod directory;
mod doctor;
mod keys;
mod load;
mod pages;
mod redis;
mod reputation;
mod selftest;
mod serve;
mod squid_setup;
mod threats;

use std::process::Command;

/// What a command said.
#[derive(Debug)]
struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs `baleen` to its end.
#[track_caller]
fn run(arguments: &[&str]) -> Said {
    said(fixture::gateway::baleen().args(arguments))
}

#[track_caller]
fn said(command: &mut Command) -> Said {
    let output = command.output().expect("it was built");
    Said {
        code: output.status.code().expect("it was not killed"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}
