//! Lines: nothing is lost, and nothing makes the parser panic.

use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use crate::settings::Settings;
use crate::settings::text::{Document, Form};

#[track_caller]
fn check(line: &str, want: &str) {
    let document = Document::parse(line);
    let line = document.lines[0];
    let got = match line.form {
        Form::Empty => "empty".to_owned(),
        Form::Comment => "comment".to_owned(),
        Form::Section(name) => format!("section <{}>", name.of(line.text)),
        Form::Entry { key, value } => {
            format!(
                "entry <{}> at {} <{}> at {}",
                key.of(line.text),
                key.start,
                value.of(line.text),
                value.start
            )
        }
        Form::Fault { expected, .. } => format!("fault: {expected}"),
    };
    assert_eq!(got, want);
}

#[test]
fn a_line_is_one_of_four_things() {
    check(" \t", "empty");
    check("  ; Key = value", "comment");
    check("# [Section]", "comment");
    check(" [ ICAPD ] ", "section <ICAPD>");
    check("\u{feff}[Root]", "section <Root>");
    check("Key=value", "entry <Key> at 0 <value> at 4");
    check("  Key  =  a value = more  \r", "entry <Key> at 2 <a value = more> at 10");
    check("Key =", "entry <Key> at 0 <> at 5");
    check("[]", "fault: a section's name in brackets, alone on its line");
    check("[A] B", "fault: a section's name in brackets, alone on its line");
    check("= value", "fault: a setting's name before '='");
    check("words", "fault: [Section], Key = value, or a comment that begins with ;");
}

proptest! {
    #[test]
    fn every_text_comes_back_as_it_was(text in any::<String>()) {
        prop_assert_eq!(Document::parse(&text).render(), text);
    }

    #[test]
    fn lines_come_back_with_their_ends(lines in prop::collection::vec("[ a-zA-Z=;#\\[\\]\",\r\u{e4}]{0,12}", 0..12), crlf in any::<bool>()) {
        let text = lines.join(if crlf { "\r\n" } else { "\n" });
        prop_assert_eq!(Document::parse(&text).render(), text);
    }

    #[test]
    fn no_text_makes_the_settings_panic_and_every_problem_can_be_shown(
        lines in prop::collection::vec("(\\[(ICAPD|Root|MeshD|Update|ScanEngine)\\]|(ListenAddress|BlackList|MimeRules|UpdateUplink|PreviewSize|IdleTimeout|Shards|Proxy|Log) *= *[ -~\u{e4}\t]{0,20}|[ -~]{0,10})", 0..20),
    ) {
        let (settings, problems) = Settings::parse(&lines.join("\n"));
        for problem in &problems {
            let shown = problem.render("file");
            prop_assert!(shown.starts_with("file:"));
            prop_assert!(problem.line as usize <= lines.len());
        }
        let _all = (settings.server(), settings.policy_options(), settings.engine_limits(), settings.adaptation_options());
    }
}
