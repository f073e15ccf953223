//! What all commands have in common: help, version, exit codes, colours.

use crate::fixture::gateway::baleen;
use crate::{run, said};

#[test]
fn help_shows_every_command_and_the_exit_codes() {
    let help = run(&["--help"]);
    assert_eq!(help.code, 0, "{help:?}");
    for word in ["squid", "doctor", "selftest", "Exit codes", "Examples"] {
        assert!(help.stdout.contains(word), "{word} is missing:\n{}", help.stdout);
    }
    for command in [&["squid", "--help"][..], &["doctor", "--help"], &["selftest", "--help"]] {
        let help = run(command);
        assert!(help.code == 0 && help.stdout.contains("Exit codes"), "{command:?}: {help:?}");
    }
}

#[test]
fn the_version_is_the_one_of_the_package() {
    assert_eq!(run(&["--version"]).stdout, format!("baleen {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_is_not_understood_ends_with_2_and_says_what_was_meant() {
    let typo = run(&["selftset"]);
    assert_eq!((typo.code, typo.stderr.contains("selftest")), (2, true), "{typo:?}");
}

#[test]
fn nothing_is_coloured_when_the_output_is_no_terminal() {
    let plain = said(baleen().args(["doctor", "--listen", "127.0.0.1:0"]).env_remove("NO_COLOR"));
    assert!(!plain.stdout.contains('\u{1b}'), "{}", plain.stdout);
}
