//! The promises of the settings room.

mod manual;
mod options;
mod overload;
mod problems;
mod quantity;
mod table;
mod text;
mod value;

use super::{Problem, Settings};

/// The settings of a text without a problem but notes.
#[track_caller]
fn good(text: &str) -> Settings {
    let (settings, problems) = Settings::parse(text);
    let errors: String = problems
        .iter()
        .filter(|problem| problem.is_error())
        .map(|problem| problem.render("test"))
        .collect();
    assert!(errors.is_empty(), "{errors}");
    settings
}

/// What the first problem says.
fn first(problems: &[Problem]) -> String {
    problems.first().map_or_else(String::new, |problem| problem.message.clone())
}
