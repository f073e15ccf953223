//! Programs that a command asks for something: bounded in time and in what they may say.
//!
//! The answer is complete when the program closes its outputs; a program that keeps them open longer
//! than allowed is ended. Absent on purpose: input. Whatever we run has nothing to ask.

use std::fmt;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// What a program said.
#[derive(Debug)]
pub(super) struct Answer {
    /// How it ended.
    pub(super) status: ExitStatus,
    /// Its standard output, at most [`OUTPUT_BYTES_MAX`].
    pub(super) stdout: String,
    /// Its standard error, at most [`OUTPUT_BYTES_MAX`].
    pub(super) stderr: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Silence {
    /// It could not be started.
    NotStarted(io::Error),
    /// It was still running after the time allowed, and has been ended.
    TooSlow(Duration),
    /// Waiting for its end failed.
    Lost(io::Error),
}

/// Runs a program to its end.
///
/// # Errors
///
/// [`Silence`] says why there is no answer.
pub(super) fn ask(command: &mut Command, patience: Duration) -> Result<Answer, Silence> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(Silence::NotStarted)?;
    let listener = listen(&mut child).map_err(Silence::NotStarted);
    let heard = listener.map(|said| said.recv_timeout(patience));
    let Ok(Ok([stdout, stderr])) = heard else {
        // Ended and reaped here; that it ended by itself in between makes no difference.
        drop(child.kill());
        drop(child.wait());
        return match heard {
            Err(silence) => Err(silence),
            Ok(_) => Err(Silence::TooSlow(patience)),
        };
    };
    let status = child.wait().map_err(Silence::Lost)?;
    Ok(Answer { status, stdout, stderr })
}

/// Collects both outputs on one helper thread each; the first reports when both are complete.
fn listen(child: &mut Child) -> io::Result<mpsc::Receiver<[String; 2]>> {
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let (report, said) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("child-output".into()).spawn(move || {
        let both = std::thread::scope(|scope| {
            let out = scope.spawn(|| read_bounded(stdout));
            let err = read_bounded(stderr);
            [out.join().unwrap_or_default(), err]
        });
        // The asker may have lost its patience; then nobody listens any more.
        drop(report.send(both));
    })?;
    Ok(said)
}

/// Reads to the end; what is beyond the limit is read and forgotten, so that the program can go on.
fn read_bounded(pipe: Option<impl Read>) -> String {
    let Some(mut pipe) = pipe else {
        return String::new();
    };
    let mut kept = Vec::new();
    // An error ends the text: what came before it is still worth showing.
    drop(pipe.by_ref().take(OUTPUT_BYTES_MAX).read_to_end(&mut kept));
    drop(io::copy(&mut pipe, &mut io::sink()));
    String::from_utf8_lossy(&kept).into_owned()
}

impl fmt::Display for Silence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(error) => write!(out, "cannot be started: {error}"),
            Self::TooSlow(patience) => write!(out, "did not end within {} s", patience.as_secs()),
            Self::Lost(error) => write!(out, "its end could not be seen: {error}"),
        }
    }
}

/// Squid's parser says about 10 KiB about a large configuration; a hundred times that is a mistake.
const OUTPUT_BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::{Answer, Silence, ask};
    use std::process::Command;
    use std::time::Duration;

    fn shell(script: &str, patience: Duration) -> Result<Answer, Silence> {
        ask(Command::new("sh").args(["-c", script]), patience)
    }

    #[test]
    fn both_outputs_and_the_status_come_back() {
        let answer =
            shell("echo out; echo err >&2; exit 3", Duration::from_secs(60)).expect("sh exists");
        assert_eq!(answer.status.code(), Some(3));
        assert_eq!((answer.stdout.as_str(), answer.stderr.as_str()), ("out\n", "err\n"));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let silence = shell("exec cat /dev/zero >/dev/null", Duration::from_millis(50))
            .expect_err("never ends");
        assert!(matches!(silence, Silence::TooSlow(_)), "{silence}");
    }

    #[test]
    fn a_missing_program_is_said() {
        let silence =
            ask(&mut Command::new("/nowhere/at/all"), Duration::from_secs(1)).expect_err("missing");
        assert!(silence.to_string().starts_with("cannot be started"), "{silence}");
    }
}
