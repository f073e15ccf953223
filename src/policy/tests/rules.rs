//! The language: what is read, what is refused and how that is said.

use crate::policy::rules::{self, Files, RuleSource, Rules, Surroundings};
use crate::policy::{Groups, RuleFault};

fn source(text: &str) -> RuleSource {
    RuleSource { name: "RuleSet1".into(), text: text.to_owned() }
}

fn compile(text: &str) -> Result<Rules, Box<RuleFault>> {
    let (groups, _) = Groups::read("staff: anna, bert\nsales: carl");
    let files = Files::from([("/sites".into(), "# comment\na.example\nb.example/x\n".to_owned())]);
    let surroundings = Surroundings { files: Some(&files), groups: &groups, directory: false };
    Rules::compile(&[source(text)], false, surroundings).map_err(Box::new)
}

/// The rules of a text, shown again; numbers and names of sources left out.
#[track_caller]
fn reads(text: &str, want: &[&str]) {
    let rules = compile(text).unwrap_or_else(|fault| panic!("{fault}"));
    let shown: Vec<String> = rules
        .views()
        .into_iter()
        .map(|view| view.text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(shown, want, "{text}");
}

#[track_caller]
fn refuses(text: &str, want: &str) {
    let fault = compile(text).expect_err("a bad rule");
    let said = fault.to_string();
    let first = said.lines().next().unwrap_or_default().trim_start_matches("RuleSet1:");
    assert_eq!(first, want, "{said}");
}

#[test]
fn rules_are_read_as_people_write_them() {
    reads("PASS", &["PASS"]);
    reads(": block", &[": block"]);
    reads("direction request: PASS", &["direction request: PASS"]);
    reads(
        "DIRECTION Request , Method in (GET,head) : Block As Gambling",
        &["DIRECTION Request , Method in (GET,head) : Block As Gambling"],
    );
    reads("src_ip 2001:db8::1 : PASS", &["src_ip 2001:db8::1 : PASS"]);
    reads("src_ip ::1 : PASS\nuser anna : PASS", &["src_ip ::1 : PASS", "user anna : PASS"]);
    reads("# why\n\n; also a comment\nuser anna : PASS # behind\n", &["user anna : PASS"]);
    reads(
        "time in (Mon-Fri 08:00-17:00, Sat) : PASS",
        &["time in (Mon-Fri 08:00-17:00, Sat) : PASS"],
    );
    reads(
        "url_host in (a.example,\n  b.example) :\n  BLOCK as \"no \\\"games\\\"\"",
        &["url_host in (a.example, b.example) : BLOCK as \"no \\\"games\\\"\""],
    );
    reads(
        "url in @/sites : PASS\nurl in file(\"/sites\") : PASS",
        &["url in @/sites : PASS", "url in file(\"/sites\") : PASS"],
    );
    reads(
        "SET scan = No, ADD url_category Jobs, SET url_category=Chats",
        &["SET scan = No, ADD url_category Jobs, SET url_category=Chats"],
    );
    reads(
        "user in (\"FILE@staff\", otto), size gt 10MB : BLOCK as _MATCH, PASS"
            .replace("_MATCH", "Jobs")
            .as_str(),
        &["user in (\"FILE@staff\", otto), size gt 10MB : BLOCK as Jobs, PASS"],
    );
    reads(
        "threat_category in (adware, \"ICAPD.BlockThreat\") : BLOCK as _match",
        &["threat_category in (adware, \"ICAPD.BlockThreat\") : BLOCK as _match"],
    );
    reads(
        "url not match (\"^https?://[a-z]+\\.example/\") : PASS",
        &["url not match (\"^https?://[a-z]+\\.example/\") : PASS"],
    );
    reads(rules::DEFAULT_RULES, &rules::DEFAULT_RULES.lines().collect::<Vec<_>>());
    reads("", &[]);
}

/// Rules, and what is said of them first.
const REFUSALS: &[(&str, &str)] = &[
    ("user", "1:5: error: the rule ends here: expected a value"),
    (
        "user anna",
        "1:10: error: the rule ends here: expected ',' and another condition, or ':' and the actions",
    ),
    ("user anna :", "1:12: error: the rule ends here: expected an action"),
    ("user anna : ALLOW", "1:13: error: \"ALLOW\": expected an action"),
    (
        "user anna : PASS PASS",
        "1:18: error: \"PASS\": expected ',' and another action, or the end of the rule",
    ),
    ("usr anna : PASS", "1:1: error: there is no variable \"usr\""),
    ("sni_host a : PASS", "1:1: error: there is no variable \"sni_host\""),
    ("user not anna : PASS", "1:10: error: \"anna\": expected in or match behind not"),
    ("user in () : PASS", "1:10: error: ')': expected a value"),
    (
        "user in (a : PASS",
        "1:18: error: the rule ends here: expected ',' and another value, or ')'",
    ),
    ("user in file(x y) : PASS", "1:16: error: \"y\": expected ')' behind the path"),
    ("user in @ : PASS", "1:9: error: the name of the file is missing"),
    ("user \"anna : PASS", "1:6: error: the closing quote is missing"),
    ("user \"FILE@staff\" : PASS", "1:6: error: a set stands here without in or match"),
    ("user in \"FILE@stuff\" : PASS", "1:9: error: the group file has no group \"stuff\""),
    ("user in \"LDAP@staff\" : PASS", "1:9: error: there is no directory to ask for groups"),
    ("user in \"ICAPD.BlackList\" : PASS", "1:9: error: this is no set of users"),
    ("url in \"ICAPD.Blacklists\" : PASS", "1:8: error: [ICAPD] Blacklists is no set for rules"),
    ("url in \"ICAPD.BlockCategory\" : PASS", "1:8: error: this is no set of sites"),
    ("url in @/missing : PASS", "1:8: error: the file /missing cannot be read"),
    ("url_host a.example/x : PASS", "1:1: error: \"a.example/x\" is more than a host"),
    (
        "url_host in (ok.example, a..b) : PASS",
        "1:26: error: \"a..b\": the host has two dots in a row, or one in front",
    ),
    ("url_category gambling2 : PASS", "1:1: error: there is no category \"gambling2\""),
    ("threat_category Trojan : PASS", "1:1: error: there is no threat category \"Trojan\""),
    ("direction both : PASS", "1:1: error: there is no direction \"both\""),
    ("protocol gopher : PASS", "1:1: error: there is no protocol \"gopher\""),
    (
        "protocol in \"ICAPD.BlackList\" : PASS",
        "1:13: error: this is no set of values for protocol",
    ),
    (
        "src_ip 10.0.0.256 : PASS",
        "1:1: error: \"10.0.0.256\": expected an IP address, a network (10.0.0.0/8) or a range (10.0.0.1-10.0.0.9)",
    ),
    (
        "src_ip in (10.1.0.0/8) : PASS",
        "1:12: error: \"10.1.0.0/8\": the address has bits behind the network's: 10.1.0.0/8 is 10.0.0.0/8",
    ),
    (
        "src_ip in (10.0.0.0/33) : PASS",
        "1:12: error: \"10.0.0.0/33\": the number of bits is from 0 to 32, for IPv6 to 128",
    ),
    (
        "src_ip in (10.0.0.9-10.0.0.1) : PASS",
        "1:12: error: \"10.0.0.9-10.0.0.1\": the range ends before it begins",
    ),
    (
        "src_ip in (10.0.0.9-::1) : PASS",
        "1:12: error: \"10.0.0.9-::1\": a range is of one kind of address",
    ),
    (
        "time in (25:00-26:00) : PASS",
        "1:10: error: \"25:00\" is no time of day: write it as 08:30, from 00:00 to 24:00",
    ),
    (
        "time in (08:00) : PASS",
        "1:10: error: \"08:00\": a time has a start and an end, as in 08:00-17:00",
    ),
    ("time in (24:00-24:00) : PASS", "1:10: error: a time begins at 23:59 at the latest"),
    (
        "time in (Mon 08:00-17:00 x) : PASS",
        "1:10: error: \"x\" is too much: a time is Mon-Fri 08:00-17:00",
    ),
    (
        "weekday Fraturday : PASS",
        "1:1: error: \"Fraturday\" is no weekday: write Mon, Tue, Wed, Thu, Fri, Sat or Sun",
    ),
    ("size in (1, 2) : PASS", "1:1: error: a size is compared, not looked up"),
    (
        "size gt much : PASS",
        "1:9: error: \"much\": a size is a whole number with B, KB, MB or GB behind it",
    ),
    ("size lt 99999999TB : PASS", "1:9: error: \"99999999TB\": the size is too large"),
    ("user gt 3 : PASS", "1:1: error: user has no order: gt and lt do not fit"),
    ("size match (1) : PASS", "1:1: error: size is no text: regular expressions do not fit"),
    ("url match (\"(\") : PASS", "1:12: error: no regular expression: unclosed group"),
    ("url match \"ICAPD.AdList\" : PASS", "1:11: error: this set has no regular expressions"),
    (
        "content_type html : PASS",
        "1:1: error: expected a MIME type: type/subtype, type/*, type/begin* or *",
    ),
    ("scan Yes : PASS", "1:1: error: scan is no fact: it can only be set"),
    ("SET user = anna", "1:1: error: user is a fact and cannot be set"),
    ("SET scan = Perhaps", "1:12: error: \"Perhaps\": expected Yes or No"),
    ("threat Eicar : SET scan = No", "1:16: error: a rule about threats comes after the scan"),
    ("release Tail : PASS", "1:1: error: release is no fact: it can only be set"),
    ("next_services match a : PASS", "1:1: error: next_services is no fact: it can only be set"),
    ("release gt 1 : PASS", "1:1: error: release is no fact: it can only be set"),
    ("SET release = Pass", "1:15: error: \"Pass\": expected Hold or Tail"),
    ("threat Eicar : SET release = Tail", "1:16: error: a rule about threats comes after the scan"),
    (
        "threat Eicar : SET next_services = a",
        "1:16: error: a rule about threats comes after the scan",
    ),
    ("ADD next_services = a", "1:1: error: next_services holds one value: nothing can be added"),
    ("SET next_services = \"a b\"", "1:21: error: \"a b\": expected the name of a service"),
    ("SET next_services = \"a,,b\"", "1:21: error: \"\": expected the name of a service"),
    ("SET next_services = \"a\u{e4}\"", "1:21: error: \"a\u{e4}\": expected the name of a service"),
    ("ADD scan = No", "1:1: error: scan holds one value: nothing can be added"),
    ("SET url_category = @/sites", "1:20: error: a single value is wanted here, not a set"),
    ("BLOCK as", "1:9: error: the rule ends here: expected a reason behind as"),
    ("BLOCK as Gamblin", "1:10: error: \"Gamblin\" is no reason"),
    (
        "user anna : BLOCK as _match",
        "1:22: error: no condition of this rule finds something to name",
    ),
    ("user anna : PASS\n\nusr x : PASS", "3:1: error: there is no variable \"usr\""),
];

#[test]
fn every_refusal_says_where_and_what() {
    for &(text, want) in REFUSALS {
        refuses(text, want);
    }
}

#[test]
fn a_fault_is_drawn_with_its_line_a_caret_and_the_way_out() {
    let fault =
        compile("user anna : PASS\nurl_category in (Jobs, Gamblin) : BLOCK").expect_err("bad");
    let names = "InfectionSource, NotRecommended, AdultContent, Violence, Weapons, Gambling, Drugs, \
                 ObsceneLanguage, Chats, Terrorism, FreeEmail, SocialNetworks, DueToCopyrightNotice, \
                 OnlineGames, Anonymizers, CryptocurrencyMiningPool, Jobs";
    let want = format!(
        "RuleSet1:2:24: error: there is no category \"Gamblin\"\n  |\n\
         2 | url_category in (Jobs, Gamblin) : BLOCK\n  |                        ^^^^^^^\n  \
         = did you mean Gambling? allowed are {names}"
    );
    assert_eq!(fault.to_string(), want);
}

#[test]
fn everything_is_bounded() {
    let many = "user in (".to_owned() + &"a, ".repeat(100_000) + "b) : PASS";
    refuses(&many, "1:300005: error: more than 200000 words of rules");
    let parts = format!("{} : PASS", vec!["user a"; 65].join(", "));
    assert!(compile(&parts).is_err_and(|fault| fault.message.contains("64 conditions")));
    let actions = format!("user a : {}", vec!["SET scan = No"; 65].join(", "));
    assert!(compile(&actions).is_err_and(|fault| fault.message.contains("64 actions")));
    let rules = "user a : PASS\n".repeat(rules::RULES_MAX + 1);
    assert!(compile(&rules).is_err_and(|fault| fault.message == "more than 10000 rules"));
    let text = " ".repeat(rules::SOURCE_BYTES_MAX + 1);
    assert!(compile(&text).is_err_and(|fault| fault.message.contains("bytes of rules")));
    let sites = "url a.example : PASS\n".repeat(2049);
    assert!(compile(&sites).is_err_and(|fault| fault.message.contains("2048 sets of sites")));
    let groups: String = (0..65).map(|number| format!("ADD user_group g{number}\n")).collect();
    assert!(compile(&groups).is_err_and(|fault| fault.message.contains("64 different groups")));
    let many = format!("SET next_services = \"{}\"", ["a"; 17].join(","));
    assert!(compile(&many).is_err_and(|fault| fault.message.contains("16 more services")));
    let plans = |count| {
        (0..count).map(|number| format!("SET next_services = s{number}\n")).collect::<String>()
    };
    assert!(compile(&plans(1000)).is_ok());
    let beyond = compile(&plans(1001));
    assert!(beyond.is_err_and(|fault| fault.message.contains("1000 different next_services")));
    let regex = format!("url match \"{}\" : PASS", "(a{1000}){1000}");
    assert!(compile(&regex).is_err_and(|fault| fault.message.contains("bytes when compiled")));
    let long = format!("url match \"{}\" : PASS", "a".repeat(20_000));
    assert!(compile(&long).is_err_and(|fault| fault.message.contains("16384 bytes")));
    let reason = format!("BLOCK as \"{}\"", "a".repeat(201));
    assert!(compile(&reason).is_err_and(|fault| fault.message.contains("200 characters")));
}

#[test]
fn rules_are_checked_without_their_files_and_groups() {
    let text = "url in @/nowhere, user in \"FILE@nobody\", user_group in \"LDAP@x\" : PASS";
    assert_eq!(rules::check(&source(text)), Ok(()));
    assert!(rules::check(&source("url in @/nowhere, usr x : PASS")).is_err());
    let named = rules::named_files(&source("url in (@/a, file(\"/b c\")) : PASS")).expect("good");
    assert_eq!(named, [Box::from("/a"), Box::from("/b c")]);
}

#[test]
fn rules_are_shown_with_numbers_and_sources() {
    let rules = compile("user anna : PASS\nuser bert :\n  BLOCK").expect("good");
    assert_eq!(rules.show(false), "# RuleSet1\n   1  user anna : PASS\n   2  user bert : BLOCK\n");
    assert_eq!(
        rules.show(true),
        "# RuleSet1\n   1            0  user anna : PASS\n   2            0  user bert : BLOCK\n"
    );
    assert_eq!(rules.view(1).map(|view| view.line), Some(2));
}
