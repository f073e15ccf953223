//! Is `io_uring` permitted? Asked by trying.
//!
//! The data plane runs on glommio, which needs `io_uring` and has nothing to fall back on. Whether it
//! is permitted depends on the kernel's build, a sysctl, the container's seccomp filter and the limit
//! of locked memory, and some of these refusals end the whole process inside glommio. So the try
//! happens in a child: this program again, with a hidden option. The child prints the error number;
//! what it means is decided here, by one table.

use std::process::{Command, ExitCode};
use std::time::Duration;

use glommio::{GlommioError, LocalExecutorBuilder, Placement};

use super::finding::Finding;
use crate::cli::child::{self, Answer};
use crate::cli::terminal::Screen;

/// What the child found out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Probe {
    /// An executor ran.
    Runs,
    /// The kernel refused with this error number.
    Refused(i32),
    /// The child ended otherwise; its last words.
    Died(String),
}

/// What the kernel says about the reasons it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Circumstances {
    /// `kernel.io_uring_disabled`: 0 allowed, 1 for privileged processes only, 2 for nobody; nothing
    /// before Linux 6.6.
    disabled: Option<u8>,
    /// Whether a seccomp filter is active in this process.
    is_filtered: bool,
    /// Soft limit of locked memory, in bytes; nothing for unlimited.
    memlock_bytes: Option<u64>,
}

/// Looks whether `io_uring` works here.
pub(super) fn check() -> Finding {
    judge(&probe(), Circumstances::read())
}

/// The child's side: starts an executor as a shard would, and prints how that went.
pub(super) fn run_probe() -> ExitCode {
    let mut screen = Screen::stdout();
    let made = LocalExecutorBuilder::new(Placement::Unbound).io_memory(SHARD_IO_BYTES).make();
    match made {
        Ok(executor) => {
            executor.run(std::future::ready(()));
            screen.line(RUNS);
        }
        Err(error) => match error_number(&error) {
            Some(number) => screen.line(format_args!("{REFUSED}{number}")),
            None => screen.line(error),
        },
    }
    ExitCode::SUCCESS
}

fn error_number<T>(error: &GlommioError<T>) -> Option<i32> {
    match error {
        GlommioError::IoError(error) | GlommioError::EnhancedIoError { source: error, .. } => {
            error.raw_os_error()
        }
        GlommioError::BuilderError(_)
        | GlommioError::Closed(_)
        | GlommioError::CanNotBeClosed(_, _)
        | GlommioError::ExecutorError(_)
        | GlommioError::ReactorError(_)
        | GlommioError::TimedOut(_)
        | GlommioError::WouldBlock(_) => None,
    }
}

fn probe() -> Probe {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => {
            return Probe::Died(format!("where this program is cannot be found out: {error}"));
        }
    };
    match child::ask(Command::new(program).args(["doctor", "--probe-io-uring"]), PATIENCE) {
        Ok(answer) => understand(&answer),
        Err(silence) => Probe::Died(format!("the probe {silence}")),
    }
}

fn understand(answer: &Answer) -> Probe {
    let said = answer.stdout.trim();
    if said == RUNS {
        return Probe::Runs;
    }
    if let Some(number) = said.strip_prefix(REFUSED).and_then(|number| number.parse().ok()) {
        return Probe::Refused(number);
    }
    let words = [said, answer.stderr.trim()].into_iter().find(|words| !words.is_empty());
    let last = words.and_then(|words| words.lines().last()).unwrap_or("no word");
    Probe::Died(format!("{last} ({})", answer.status))
}

impl Circumstances {
    fn read() -> Self {
        let disabled = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled").ok();
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let limit = rustix::process::getrlimit(rustix::process::Resource::Memlock);
        Self {
            disabled: disabled.and_then(|text| text.trim().parse().ok()),
            is_filtered: status
                .lines()
                .any(|line| line.strip_prefix("Seccomp:").is_some_and(|mode| mode.trim() == "2")),
            memlock_bytes: limit.current,
        }
    }
}

/// The whole diagnosis as one table.
fn judge(probe: &Probe, around: Circumstances) -> Finding {
    let bad = |found: &str, remedy: &str| Finding::bad(CHECK, found, remedy);
    match (probe, around.disabled) {
        (Probe::Runs, _) => Finding::good(CHECK, "permitted; an executor ran"),
        (Probe::Refused(ENOSYS), _) if !around.is_filtered => bad(
            "this kernel has no io_uring",
            "use Linux 5.15 or newer, built with CONFIG_IO_URING=y",
        ),
        (Probe::Refused(EPERM | ENOSYS | EACCES), Some(2)) => bad(
            "switched off: kernel.io_uring_disabled = 2",
            "sysctl -w kernel.io_uring_disabled=0 (and in /etc/sysctl.d)",
        ),
        (Probe::Refused(EPERM | ENOSYS | EACCES), Some(1)) => bad(
            "for privileged processes only: kernel.io_uring_disabled = 1",
            "sysctl -w kernel.io_uring_disabled=0, or put Baleen's group into kernel.io_uring_group",
        ),
        (Probe::Refused(EPERM | ENOSYS | EACCES), _) if around.is_filtered => bad(
            "a seccomp filter forbids it (Docker's and containerd's own profiles do)",
            "run the container with the profile of tuning/seccomp.md, or with --security-opt seccomp=unconfined",
        ),
        (Probe::Refused(EPERM | EACCES), _) => bad(
            "refused (not permitted), and neither the sysctl nor a seccomp filter explains it",
            "look at the security module: dmesg | grep -i -e denied -e io_uring",
        ),
        (Probe::Refused(ENOMEM), _) => memory(around.memlock_bytes),
        (Probe::Refused(number), _) => {
            let error = std::io::Error::from_raw_os_error(*number);
            Finding::bad(
                CHECK,
                format!("refused: {error}"),
                "update the kernel; 5.15 and newer are tested",
            )
        }
        (Probe::Died(words), _) if words.to_ascii_lowercase().contains("memlock") => {
            memory(around.memlock_bytes)
        }
        (Probe::Died(words), _) => Finding::bad(
            CHECK,
            format!("an executor could not be started: {words}"),
            "update the kernel to 5.15 or newer, and look whether a seccomp filter forbids parts of io_uring",
        ),
    }
}

fn memory(memlock_bytes: Option<u64>) -> Finding {
    let limit = memlock_bytes
        .map_or_else(|| "unlimited".to_owned(), |bytes| format!("{} KiB", bytes >> 10));
    Finding::bad(
        CHECK,
        format!("no locked memory left for the rings (limit: {limit})"),
        "LimitMEMLOCK=infinity in the unit, or ulimit -l unlimited; in a container --ulimit memlock=-1",
    )
}

const CHECK: &str = "io_uring";
const RUNS: &str = "runs";
const REFUSED: &str = "refused ";
/// A start takes about 10 ms.
const PATIENCE: Duration = Duration::from_secs(20);
/// What one shard registers: the same as the server asks for.
const SHARD_IO_BYTES: usize = 64 << 10;

const EPERM: i32 = 1;
const ENOMEM: i32 = 12;
const EACCES: i32 = 13;
const ENOSYS: i32 = 38;

#[cfg(test)]
mod tests {
    use super::{Circumstances, EACCES, ENOMEM, ENOSYS, EPERM, Probe, judge};
    use crate::cli::doctor::finding::State;

    #[track_caller]
    fn check(probe: &Probe, disabled: Option<u8>, is_filtered: bool, want: &str) {
        let around = Circumstances { disabled, is_filtered, memlock_bytes: Some(64 << 10) };
        let finding = judge(probe, around);
        assert!(finding.found.contains(want), "{probe:?}: {}", finding.found);
        let has_remedy = finding.remedy.is_some();
        assert_eq!(finding.state == State::Bad, has_remedy, "what is bad has a remedy");
        assert_eq!(finding.state == State::Good, *probe == Probe::Runs);
    }

    #[test]
    fn each_refusal_has_its_own_diagnosis() {
        check(&Probe::Runs, Some(0), false, "permitted");
        check(&Probe::Runs, Some(1), true, "permitted");
        check(&Probe::Refused(ENOSYS), None, false, "no io_uring");
        check(&Probe::Refused(ENOSYS), Some(0), true, "seccomp");
        check(&Probe::Refused(EPERM), Some(2), false, "= 2");
        check(&Probe::Refused(EPERM), Some(2), true, "= 2");
        check(&Probe::Refused(EPERM), Some(1), false, "= 1");
        check(&Probe::Refused(EPERM), Some(0), true, "seccomp");
        check(&Probe::Refused(EPERM), None, true, "seccomp");
        check(&Probe::Refused(EACCES), Some(0), false, "not permitted");
        check(&Probe::Refused(ENOMEM), Some(0), false, "limit: 64 KiB");
        check(&Probe::Refused(22), Some(0), false, "Invalid argument");
        check(
            &Probe::Died("The memlock resource limit is too low".into()),
            Some(0),
            false,
            "limit: 64 KiB",
        );
        check(&Probe::Died("no word (exit status: 1)".into()), Some(0), false, "no word");
    }
}
