//! The gateway under load that checks every answer: thousands of idle connections, slow clients,
//! reloads and a stop in the middle of traffic. Nothing here asserts a speed.

use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::fixture::gateway::{Gateway, baleen};
use crate::fixture::program::Program;

/// A load generator against the gateway, with arguments of its own.
fn load(gateway: &Gateway, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_icap-load"));
    command.args(arguments).arg(format!("icap://{}/respmod", gateway.icap()));
    command
}

/// It ended well: every answer was right.
#[track_caller]
fn check(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}{complaint}", output.status);
    said
}

#[test]
fn thousands_of_idle_connections_cost_little_and_harm_nobody() {
    let gateway = Gateway::start("");
    let arguments = [
        "--idle",
        "8000",
        "--size",
        "1KiB",
        "--connections",
        "8",
        "--requests",
        "2000",
        "--warmup",
        "0s",
    ];
    let said = check(&load(&gateway, &arguments).output().expect("it starts"));
    assert!(said.contains("8000 served once, 8000 open at the end"), "{said}");
    let peak = gateway.memory_peak_bytes();
    assert!(peak < 300 << 20, "{} MiB for 8,000 idle connections", peak >> 20);
    assert!(gateway.stop().success());
}

#[test]
fn slow_clients_do_not_keep_fast_ones_from_their_answers() {
    let gateway = Gateway::start("");
    let arguments = [
        "--slow",
        "500",
        "--size",
        "1KiB",
        "--connections",
        "8",
        "--requests",
        "5000",
        "--warmup",
        "0s",
    ];
    let said = check(&load(&gateway, &arguments).output().expect("it starts"));
    assert!(said.contains("0 cut off, 0 wrong, 500 open at the end"), "{said}");
    assert!(gateway.stop().success());
}

/// A reload builds beside what is in force: no request fails while it happens, again and again.
#[test]
fn reloads_in_the_middle_of_traffic_cost_no_request() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("baleen.conf");
    let state = folder.path().join("state");
    let settings =
        format!("[Root]\nStateDir = {}\n[ICAPD]\nListenAddress = 127.0.0.1:0\n", state.display());
    std::fs::write(&config, settings).expect("a writable folder");
    let mut program = Program::start(baleen().arg("serve").arg("--config").arg(&config));
    let address = program.wait_for("it listens", |line| {
        let (_, said) = line.split_once("listening on ")?;
        said.split(',').next().map(str::to_owned)
    });
    let arguments = ["--size", "1KiB=8,64KiB=2", "--connections", "16", "--requests", "20000"];
    let mut traffic = Command::new(env!("CARGO_BIN_EXE_icap-load"))
        .args(arguments)
        .args(["--warmup", "0s", &format!("icap://{address}/respmod")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let pid = i32::try_from(program.id()).ok().and_then(Pid::from_raw).expect("a process id");
    let mut reloads = 0;
    while traffic.try_wait().expect("ours").is_none() {
        kill_process(pid, Signal::HUP).expect("it runs");
        program.wait_for("it has reloaded", |line| line.contains("reloaded in").then_some(()));
        reloads += 1;
    }
    assert!(reloads > 1, "only {reloads} reloads while the traffic ran");
    check(&traffic.wait_with_output().expect("ours"));
    assert!(program.terminate().success());
}

/// More bodies at once than the memory holds, each too short to be worth a file of its own: nobody waits
/// for a buffer that nobody gives back.
#[test]
fn many_held_bodies_in_little_memory_all_arrive() {
    let gateway = Gateway::start("MemoryBudget = 4MB\nSpoolLimit = 1GB");
    let arguments = [
        "--size",
        "400KiB",
        "--connections",
        "64",
        "--requests",
        "400",
        "--allow-204",
        "off",
        "--warmup",
        "0s",
    ];
    check(&load(&gateway, &arguments).output().expect("it starts"));
    assert!(gateway.stop().success());
}
