//! The exact text of problems: a file with mistakes, and what is said about it.

use crate::settings::{Code, Settings, Severity};

/// A settings file and everything that is said about it.
#[track_caller]
fn check(name: &str, text: &str, want: &str) {
    let (_, problems) = Settings::parse(text);
    let got: Vec<String> = problems.iter().map(|problem| problem.render(name)).collect();
    assert!(got.join("\n") == want, "{name} now says:\n{}", got.join("\n"));
}

#[test]
fn unknown_names_are_said_with_what_was_meant() {
    check("names.conf", include_str!("problems/names.conf"), include_str!("problems/names.txt"));
}

#[test]
fn wrong_values_are_said_with_what_is_allowed() {
    check("values.conf", include_str!("problems/values.conf"), include_str!("problems/values.txt"));
}

#[test]
fn wrong_lines_and_values_that_do_not_go_together() {
    check("lines.conf", include_str!("problems/lines.conf"), include_str!("problems/lines.txt"));
}

#[test]
fn a_long_line_is_shown_around_the_place() {
    check("long.conf", include_str!("problems/long.conf"), include_str!("problems/long.txt"));
}

#[test]
fn secrets_are_not_repeated() {
    for text in [
        "[Update]\nProxy = user:secret@proxy\n",
        "[Update]\nProxy = user:secret@proxy:1\nproxy = user:secret@proxy:2\n",
    ] {
        let (_, problems) = Settings::parse(text);
        assert!(!problems.is_empty());
        for problem in &problems {
            let json = serde_json::to_string(problem).expect("text and numbers");
            assert!(
                !json.contains("secret") && !problem.render("file").contains("secret"),
                "{json}"
            );
        }
    }
}

#[test]
fn a_file_without_an_end_of_problems_is_given_up() {
    let (_, problems) = Settings::parse(&"nonsense\n".repeat(1000));
    assert_eq!(problems.len(), 201);
    assert_eq!(problems[200].code, Code::TooMuch);
}

#[test]
fn a_file_that_is_too_large_is_refused_whole() {
    let (settings, problems) = Settings::parse(&"#\n".repeat(3 << 20));
    assert_eq!(settings, Settings::default());
    assert_eq!(
        (problems.len(), problems[0].code, problems[0].severity),
        (1, Code::TooMuch, Severity::Error)
    );
    let text = problems[0].render("large.conf");
    let want = "large.conf: error[too-much]: the file has 6291456 bytes, 4194304 are allowed\n";
    assert!(text.starts_with(want), "{text}");
}

#[test]
fn problems_have_a_json_form() {
    let (_, problems) = Settings::parse("[ICAPD]\nUsePreview = Maybe\n");
    let value = serde_json::to_value(&problems[0]).expect("text and numbers");
    assert_eq!(value["severity"], "error");
    assert_eq!(value["code"], "value");
    assert_eq!(
        (&value["line"], &value["column"], &value["width"]),
        (&2.into(), &14.into(), &5.into())
    );
}
