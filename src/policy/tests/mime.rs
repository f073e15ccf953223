//! Rules by type and size: which one counts, and what it says.

use crate::policy::mime::RULES_MAX;
use crate::policy::{BodyAction, MimeRule, Options, Pattern, Policy};

fn rule(pattern: &str, action: BodyAction, above: Option<(u64, BodyAction)>) -> MimeRule {
    MimeRule { pattern: Pattern::parse(pattern).expect("a good pattern"), action, above }
}

fn policy(rules: Vec<MimeRule>) -> Result<Policy, String> {
    let options = Options { mime_rules: rules, ..Options::default() };
    Policy::compile(options).map_err(|fault| fault.to_string())
}

#[test]
fn the_most_specific_pattern_wins_in_whatever_order_it_is_written() {
    let rules = vec![
        rule("*", BodyAction::Reject, None),
        rule("application/vnd.ms-*", BodyAction::Pass, None),
        rule("application/*", BodyAction::Scan, None),
        rule("application/vnd.ms-excel", BodyAction::Reject, None),
    ];
    let mut reversed = rules.clone();
    reversed.reverse();
    for rules in [rules, reversed] {
        let policy = policy(rules).expect("good rules");
        for (mime, want) in [
            ("application/vnd.ms-excel", BodyAction::Reject),
            ("Application/VND.ms-Word; charset=x", BodyAction::Pass),
            ("application/pdf", BodyAction::Scan),
            ("application/vnd.ms-excel2", BodyAction::Pass),
            ("text/html", BodyAction::Reject),
            ("", BodyAction::Reject),
        ] {
            assert_eq!(policy.body_rule(mime.as_bytes(), None), want, "{mime}");
        }
    }
}

#[test]
fn without_a_rule_everything_is_scanned() {
    let policy = policy(vec![rule("image/*", BodyAction::Pass, None)]).expect("good rules");
    assert_eq!(policy.body_rule(b"text/html", Some(1)), BodyAction::Scan);
    assert_eq!(policy.body_rule(b"", None), BodyAction::Scan);
    assert_eq!(policy.body_rule(b"image/png", None), BodyAction::Pass);
}

#[test]
fn the_first_action_holds_up_to_the_size_and_the_second_above_it() {
    let video = rule("video/*", BodyAction::Scan, Some((100, BodyAction::Pass)));
    assert_eq!(video.action(Some(0)), BodyAction::Scan);
    assert_eq!(video.action(Some(100)), BodyAction::Scan);
    assert_eq!(video.action(Some(101)), BodyAction::Pass);
}

#[test]
fn an_unknown_size_gets_the_stricter_action() {
    use BodyAction::{Pass, Reject, Scan};
    for (first, second, want) in [
        (Pass, Pass, Pass),
        (Pass, Scan, Scan),
        (Pass, Reject, Reject),
        (Scan, Pass, Scan),
        (Scan, Scan, Scan),
        (Scan, Reject, Reject),
        (Reject, Pass, Reject),
        (Reject, Scan, Reject),
        (Reject, Reject, Reject),
    ] {
        assert_eq!(rule("*", first, Some((1, second))).action(None), want, "{first:?} {second:?}");
    }
}

#[test]
fn rules_that_disagree_and_too_many_rules_are_refused() {
    let twice =
        vec![rule("image/*", BodyAction::Pass, None), rule("IMAGE/*", BodyAction::Scan, None)];
    assert_eq!(
        policy(twice).err().as_deref(),
        Some("MimeRules: two different rules for 'image/*'")
    );
    let same = vec![rule("image/*", BodyAction::Pass, None); 2];
    assert!(policy(same).is_ok());
    let many =
        (0..=RULES_MAX).map(|index| rule(&format!("a/{index}"), BodyAction::Pass, None)).collect();
    assert_eq!(policy(many).err().as_deref(), Some("MimeRules: 1025 rules, 1024 are allowed"));
}

#[test]
fn a_bad_pattern_is_refused() {
    let form = "expected a MIME type: type/subtype, type/*, type/begin* or *";
    for (text, want) in [
        ("", form),
        ("image", form),
        ("image*", form),
        ("/png", form),
        ("image/", form),
        ("a/b/c", form),
        ("image/p ng", "character 8 cannot be part of a MIME type"),
        ("image/*png", "character 7 cannot be part of a MIME type"),
        (&format!("a/{}", "b".repeat(254)), "a MIME type has 255 bytes at most"),
    ] {
        assert_eq!(Pattern::parse(text).expect_err("a bad pattern").to_string(), want, "{text}");
    }
}

#[test]
fn the_digest_follows_the_rules() {
    let digest = |rules| policy(rules).expect("good rules").digest();
    let first =
        digest(vec![rule("image/*", BodyAction::Pass, None), rule("*", BodyAction::Scan, None)]);
    assert_eq!(
        first,
        digest(vec![rule("*", BodyAction::Scan, None), rule("image/*", BodyAction::Pass, None)])
    );
    assert_ne!(
        first,
        digest(vec![
            rule("image/*", BodyAction::Pass, Some((1, BodyAction::Scan))),
            rule("*", BodyAction::Scan, None)
        ])
    );
}
