//! The sample file says what the rows say.

use super::good;
use crate::settings::manual::{markdown, sample};
use crate::settings::table::SECTIONS;
use crate::settings::{Code, Settings};

#[test]
fn the_sample_file_is_good_and_sets_nothing() {
    let (settings, problems) = Settings::parse(&sample());
    assert_eq!((settings, problems), (Settings::default(), Vec::new()));
    assert!(sample().lines().all(|line| line.chars().count() <= 100 || line.starts_with(';')));
}

#[test]
fn the_sample_file_uncommented_sets_every_default() {
    let text = sample().replace("\n;", "\n");
    let (_, problems) = Settings::parse(&text);
    let unexpected: String = problems
        .iter()
        .filter(|problem| problem.code != Code::NotInEffect)
        .map(|problem| problem.render("sample"))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected}");
    let settings = good(&text);
    for row in SECTIONS.iter().flat_map(|section| section.rows) {
        assert_eq!(
            settings.value(row),
            Settings::default().value(row),
            "[{}] {}",
            row.section,
            row.key
        );
        assert!(text.contains(&format!("\n{} =", row.key)), "{}", row.key);
    }
}

#[test]
fn the_manual_has_a_line_for_every_row_with_six_bars() {
    let manual = markdown();
    let rows = SECTIONS.iter().map(|section| section.rows.len()).sum::<usize>();
    let lines: Vec<&str> = manual.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(lines.len(), rows);
    for line in lines {
        let borders = line.replace("\\|", "").matches('|').count();
        assert_eq!(borders, 6, "{line}");
    }
}
