//! Rules: whatever is written, it is rules or a fault with a place; and what is rules can be tried.

use baleen::policy::rules::{self, DEFAULT_RULES, Files, Surroundings};
use baleen::policy::{Facts, Groups, Options, Outcome, Policy, RuleSource, Rules, UrlParts};

use super::harness::Target;

pub(crate) const ALL: [Target; 2] = [
    Target { name: "rule_text", corpus: texts, words: WORDS, run: rule_text },
    Target {
        name: "group_file",
        corpus: groups,
        words: &[b": ", b", ", b"@", b"\\"],
        run: group_file,
    },
];

const WORDS: &[&[u8]] = &[
    b"not in (",
    b"not match (",
    b" gt ",
    b" lt ",
    b"\"ICAPD.BlackList\"",
    b"\"ICAPD.BlockCategory\"",
    b"\"FILE@staff\"",
    b"\"LDAP@staff\"",
    b"@/file",
    b"file(\"/file\")",
    b" : BLOCK as _match",
    b" : PASS",
    b"SET scan = No",
    b"SET release = Tail",
    b"SET next_services = ",
    b"ADD url_category = Jobs",
    b"url_category ",
    b"threat_category ",
    b"time in (Mon-Fri 08:00-17:00)",
    b"src_ip in (10.0.0.0/8)",
    b"content_type text/*",
    b"user_group ",
    b"\\\"",
    b"::1",
    b"\n",
    b"#",
];

fn texts() -> Vec<Vec<u8>> {
    [
        DEFAULT_RULES,
        "user in (anna, \"FILE@staff\"), time in (Mon-Fri 08:00-17:00, Sat) : PASS\n",
        "url match (\"^http://[a-z]+\\.example/\", \"x{2,3}\") : BLOCK as \"no \\\"games\\\"\"\n",
        "src_ip not in (10.0.0.0/8, ::1, 10.0.0.1-10.0.0.9), size gt 10MB : SET scan = No, PASS\n",
        "url in (@/file, file(\"/file\"), a.example/x),\n  method in (GET, POST) :\n  BLOCK as Jobs\n",
        "direction request : SET release = Tail, SET next_services = \"sandbox, dlp\"\n",
        "threat match (eicar) : PASS # why\nSET user_group = boss\nuser_group boss : BLOCK\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

fn groups() -> Vec<Vec<u8>> {
    vec![b"staff: anna, bert@example.com\n# note\nsales: EXAMPLE\\carl\n".to_vec()]
}

fn rule_text(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let source = RuleSource { name: "fuzz".into(), text: text.to_owned() };
    if let Err(fault) = rules::check(&source) {
        let lines = text.lines().count().max(1);
        assert!(usize::try_from(fault.line).is_ok_and(|line| line <= lines + 1), "{fault}");
        assert!(!fault.message.is_empty() && fault.start <= text.len(), "{fault}");
    }
    let files = Files::from([("/file".into(), "a.example\n".to_owned())]);
    let (groups, _) = Groups::read("staff: anna");
    let surroundings = Surroundings { files: Some(&files), groups: &groups, directory: false };
    let Ok(rules) = Rules::compile(std::slice::from_ref(&source), true, surroundings) else {
        return;
    };
    // What is shown reads as the same rules.
    let shown: Vec<_> = rules.views().into_iter().map(|view| view.text).collect();
    let again = RuleSource { name: "again".into(), text: shown.join("\n") };
    let again =
        Rules::compile(&[again], false, surroundings).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(again.len(), rules.len(), "{text}");
    let options = Options {
        rules: vec![source],
        rule_files: files,
        groups: "staff: anna".to_owned(),
        ..Options::default()
    };
    let policy = Policy::compile(options).expect("it compiled before");
    let url = UrlParts::of(b"GET", b"http://www.a.example/x", None).expect("an address");
    let facts = Facts { url: Some(&url), method: b"GET", user: "anna", ..Facts::NOTHING };
    assert!(!matches!(policy.decide(&facts, &mut ()), Outcome::Ask(_) | Outcome::Unanswered(_)));
}

fn group_file(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (groups, faults) = Groups::read(&text);
    assert!(faults.len() <= text.lines().count(), "a fault for each line at most");
    let user = baleen::policy::user::User::of("anna@example.com");
    assert!(groups.of(&user).count() <= 2 * groups.len(), "no group counts often");
}
