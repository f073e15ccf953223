//! Whole conversations as text files: replayed whole, cut at every place, and byte by byte, with the
//! same answers each time.
//!
//! The notation is explained in `script.rs`. Each file of `cases/` holds conversations on one subject,
//! each under a line `## name`.

mod script;
mod shell;

use script::converse;

/// Replays every conversation of a file and says which one failed.
#[track_caller]
fn replay_file(text: &str, count: usize) {
    let conversations: Vec<&str> = text.split("\n## ").skip(1).collect();
    assert_eq!(conversations.len(), count, "conversations in the file");
    for conversation in conversations {
        let (name, rest) = conversation.split_once('\n').expect("a name and a conversation");
        let outcome = std::panic::catch_unwind(|| converse(rest));
        assert!(outcome.is_ok(), "the conversation `{name}` went wrong, see above");
    }
}

#[test]
fn squid_as_it_is() {
    replay_file(include_str!("cases/squid.txt"), 11);
}

#[test]
fn previews() {
    replay_file(include_str!("cases/preview.txt"), 13);
}

#[test]
fn messages_sent_back() {
    replay_file(include_str!("cases/echo.txt"), 10);
}

#[test]
fn refusals_and_what_follows() {
    replay_file(include_str!("cases/refusals.txt"), 10);
}

#[test]
fn connections_from_first_to_last_byte() {
    replay_file(include_str!("cases/lifetime.txt"), 17);
}
