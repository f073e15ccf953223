//! What a page begins with, and what texts may not say.

use crate::complaint::Complaint;
use crate::source::Source;

/// A file without a front page.
pub(crate) fn check_front_page(source: &Source) -> Vec<Complaint> {
    let first = source.text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let words = first.strip_prefix("//!").map_or(0, |page| page.split_whitespace().count());
    let is_stub = first.contains("Placeholder") || first.contains("Front page to be written");
    if words >= FRONT_PAGE_WORDS_MIN && !is_stub {
        return Vec::new();
    }
    vec![Complaint {
        path: source.path.clone(),
        line: 1,
        what: "no front page".to_owned(),
        way_out: "begin with `//!`: what this file is for, the section of the standard, what is absent on purpose",
    }]
}

/// Line numbers in comments: they rot with the next edit.
pub(crate) fn check_line_numbers(source: &Source) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let code = source.code.lines().nth(index).unwrap_or("");
        let comment = line.get(code.trim_end().len()..).unwrap_or("");
        if comment.contains("//") && cites_a_line(comment) {
            complaints.push(Complaint {
                path: source.path.clone(),
                line: index + 1,
                what: "prose cites a line number".to_owned(),
                way_out: "cite the symbol: [`Shard::finish`]",
            });
        }
    }
    complaints
}

/// «See line» and a number, «lines» and numbers of a file, a file and a number.
fn cites_a_line(comment: &str) -> bool {
    let number_follows = |sign: &str| {
        comment.match_indices(sign).any(|(at, _)| {
            comment[at + sign.len()..].starts_with(|next: char| next.is_ascii_digit())
        })
    };
    let by_word =
        ["see line ", "in line ", "at line ", "lines "].iter().any(|sign| number_follows(sign));
    by_word && comment.contains(".rs")
        || number_follows("see line ")
        || number_follows(".rs:")
        || number_follows(".rs#L")
}

/// Words that name where the code was written, and samples that scanners find.
pub(crate) fn check_words(text: &(String, String)) -> Vec<Complaint> {
    let (path, text) = text;
    let mut complaints = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let lower = line.to_ascii_lowercase();
        for word in workplace_words().iter().filter(|word| holds_word(&lower, word)) {
            complaints.push(Complaint {
                path: path.clone(),
                line: index + 1,
                what: format!("names a workplace: «{word}»"),
                way_out: "say what the project needs, not where somebody wrote it; paths come from arguments",
            });
        }
        if line.contains(&sample()) {
            complaints.push(Complaint {
                path: path.clone(),
                line: index + 1,
                what: "holds a whole test virus".to_owned(),
                way_out: "keep it in two halves and join them when the test runs, or scanners will delete this file",
            });
        }
    }
    complaints
}

/// Whether the word stands there, not as a part of a longer one.
fn holds_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let is_letter = |sign: char| sign.is_alphanumeric();
        let goes_on = line[at + word.len()..].starts_with(is_letter) && word.ends_with(is_letter);
        let began = line[..at].ends_with(is_letter) && word.starts_with(is_letter);
        !goes_on && !began
    })
}

/// In halves, because this file is looked at, too.
fn workplace_words() -> Vec<String> {
    let halves = [
        ("/wo", "rk/"),
        ("/ho", "me/"),
        ("/Us", "ers/"),
        ("work", "tree"),
        ("co-authored", "-by"),
        ("chat", "gpt"),
        ("clau", "de"),
        ("cop", "ilot"),
        ("language", " model"),
        ("l", "lm"),
        ("sub", "agent"),
    ];
    halves.iter().map(|(front, back)| format!("{front}{back}").to_ascii_lowercase()).collect()
}

fn sample() -> String {
    ["$EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!"].concat()
}

/// One word is a title, not a page.
const FRONT_PAGE_WORDS_MIN: usize = 3;

#[cfg(test)]
mod canaries {
    use super::{check_front_page, check_line_numbers, check_words, sample};
    use crate::complaint::{Complaint, must_pass, must_refuse};
    use crate::source::Source;

    fn words(text: &str) -> Vec<Complaint> {
        check_words(&("x.md".to_owned(), text.to_owned()))
    }

    #[test]
    fn a_file_without_a_front_page_is_refused() {
        for text in [
            "",
            "use std::fs;\n",
            "// What this is for\n",
            "//! Preview.\n",
            "//! Placeholder for the room's page.\n",
        ] {
            must_refuse(&check_front_page(&Source::new("src/icap/x.rs", text)), "no front page");
        }
        must_pass(&check_front_page(&Source::new(
            "src/icap/x.rs",
            "\n//! The preview of a body.\n",
        )));
    }

    #[test]
    fn a_line_number_in_prose_is_refused() {
        for text in [
            "// see line 214\n",
            "x(); // as in shard.rs:12\n",
            "/// In line 3 of icap.rs\n/// see lines 3-5 of x.rs\n",
        ] {
            must_refuse(&check_line_numbers(&Source::new("src/icap/x.rs", text)), "line number");
        }
        must_pass(&check_line_numbers(&Source::new(
            "src/icap/x.rs",
            "// the line 80 columns wide\nx(\"see line 3\");\n",
        )));
    }

    #[test]
    fn a_workplace_is_refused() {
        must_refuse(&words(&["see /wo", "rk/shared/x"].concat()), "workplace");
        must_refuse(&words(&["written by an L", "LM"].concat()), "workplace");
        must_pass(&words("how things work/fail here, working trees, allmost\n"));
    }

    #[test]
    fn a_whole_sample_is_refused() {
        must_refuse(&words(&sample()), "whole test virus");
        must_pass(&words(&sample()[1..]));
    }
}
