//! The decision: order, every variable, questions, threats, counters.

use std::io::Cursor;
use std::sync::Arc;

use crate::policy::category::{Builder, Format};
use crate::policy::directory::{Failure, FailureKind, Membership};
use crate::policy::{
    AdExpressions, Asked, BlockReason, Categories, Category, CategorySource, Database, Defaults,
    Direction, Directory, Facts, List, Moment, Options, Outcome, Policy, Question, Release,
    Reputation, RuleSource, State, Story, ThreatFact, ThreatKind, ThreatKinds, Unanswered,
    UrlParts,
};

/// A few sites.
pub(super) fn atlas() -> Database {
    let gambling = Categories::NONE.with(Category::Gambling);
    let jobs = Categories::NONE.with(Category::Jobs);
    let mut builder = Builder::new();
    for (name, categories, sites) in [
        ("games/domains", gambling, "casino.example\nboth.example\n"),
        ("jobs/domains", jobs, "both.example\n"),
    ] {
        let format = Format::of("domains").expect("a format");
        let mut list = builder.list(name, categories, format).expect("a list");
        sites.split_inclusive('\n').for_each(|line| list.line(line.as_bytes()).expect("a line"));
        assert_eq!(list.finish().bad, 0);
    }
    let mut image = Cursor::new(Vec::new());
    builder.write(7, &mut image).expect("memory can be written");
    Database::open(Arc::new(image.into_inner())).expect("what was built opens")
}

pub(super) fn list(entries: &[&str]) -> List {
    let mut list = List::default();
    entries.iter().for_each(|entry| list.add(entry).expect("a good entry"));
    list
}

pub(super) fn options(rules: &str) -> Options {
    Options {
        black: list(&["black.example"]),
        white: list(&["white.example", "both.example"]),
        rules: vec![RuleSource { name: "rules".into(), text: rules.to_owned() }],
        blocked_categories: Categories::NONE.with(Category::Gambling),
        ads: {
            let mut ads = AdExpressions::default();
            ads.add("^ads\\.").expect("an expression");
            ads
        },
        groups: "staff: anna, EXAMPLE\\bert".to_owned(),
        ..Options::default()
    }
}

fn policy_of(options: Options) -> Policy {
    let policy = Policy::compile(options).unwrap_or_else(|fault| panic!("{fault}"));
    policy.with_database(Some(Arc::new(atlas())))
}

fn policy(rules: &str) -> Policy {
    policy_of(options(rules))
}

/// What a policy says, in short.
fn said(policy: &Policy, facts: &Facts<'_>) -> String {
    match policy.decide(facts, &mut ()) {
        Outcome::Go(way) => {
            let by = way.rule.map(|rule| format!(" by {}", rule + 1)).unwrap_or_default();
            let white = if way.state.white_listed { " white" } else { "" };
            format!("go{by}{}{white}", if way.state.unscanned { " unscanned" } else { "" })
        }
        Outcome::Block(block) => {
            format!("{}: {}", block.rule + 1, policy.reason_text(&block.reason))
        }
        Outcome::Ask(asking) => format!("ask {}", asking.question.name()),
        Outcome::Unanswered(question) => format!("unanswered {}", question.name()),
    }
}

fn url(text: &str) -> UrlParts<'_> {
    UrlParts::of(b"GET", text.as_bytes(), None).expect("an address")
}

/// A GET by anna, on a Monday at nine.
fn facts<'a>(url: &'a UrlParts<'a>) -> Facts<'a> {
    Facts {
        method: b"GET",
        url: Some(url),
        user: "anna",
        client: Some([10, 0, 0, 7].into()),
        server: Some([192, 0, 2, 1].into()),
        content_type: b"text/html; charset=utf-8",
        size: Some(1000),
        moment: Moment::new(0, 9 * 60),
        ..Facts::NOTHING
    }
}

#[track_caller]
fn check(rules: &str, address: &str, want: &str) {
    let url = url(address);
    assert_eq!(said(&policy(rules), &facts(&url)), want, "{rules} {address}");
}

#[test]
fn a_block_by_the_sites_of_a_rule_is_no_advertisement() {
    let rules = "url in (own.example, \"ICAPD.AdList\", \"ICAPD.BlackList\") : BLOCK as _match";
    check(rules, "http://own.example/", "1: by the rule");
    check(rules, "http://ads.example/", "1: advertisement: ^ads\\.");
    check(rules, "http://black.example/", "1: black list: black.example");
}

#[test]
fn a_white_listed_site_needs_no_answer() {
    let options = Options { reputation: true, unanswered: Unanswered::Block, ..options("") };
    let policy = policy_of(options);
    for (address, want) in [
        ("http://white.example/", "go white"),
        ("http://nowhere.example/", "unanswered reputation"),
    ] {
        let url = url(address);
        let facts = Facts { reputation: Reputation::NoAnswer, ..facts(&url) };
        assert_eq!(said(&policy, &facts), want, "{address}");
    }
}

#[test]
fn the_default_rules_do_what_the_settings_say() {
    check("", "http://www.black.example/", "1: black list: black.example");
    check("", "http://ads.example/", "2: advertisement: ^ads\\.");
    check("", "http://casino.example/", "3: category Gambling, by the category database");
    check("", "http://both.example/", "go white");
    check("", "http://white.example/", "go white");
    check("", "http://other.example/", "go");
    let mut options = options("");
    options.white = list(&["ads.white.example", "ads.example", "black.example"]);
    let policy = policy_of(options);
    for (address, want) in [
        ("http://black.example/", "1: black list: black.example"),
        ("http://ads.example/", "2: advertisement: ^ads\\."),
    ] {
        assert_eq!(
            said(&policy, &facts(&url(address))),
            want,
            "the white list exempts from categories only"
        );
    }
}

#[test]
fn the_administrators_rules_come_first_and_may_stand_alone() {
    check("user anna : PASS", "http://black.example/", "go by 1");
    check("user otto : PASS", "http://black.example/", "2: black list: black.example");
    let alone = policy_of(Options { defaults: Defaults::LeaveOut, ..options("") });
    assert_eq!(said(&alone, &facts(&url("http://black.example/"))), "go");
    assert!(alone.rules().is_empty());
}

#[test]
fn the_first_final_action_wins_and_others_go_on() {
    check("SET scan = No\nuser anna : BLOCK\nPASS", "http://a.example/", "2: by the rule");
    check("PASS, BLOCK", "http://a.example/", "go by 1");
    check("BLOCK as \"games\", PASS", "http://a.example/", "1: \"games\"");
    check("SET scan = No", "http://a.example/", "go unscanned");
    check("SET scan = No\nSET scan = Yes", "http://a.example/", "go");
    check("ADD url_category = Gambling", "http://a.example/", "4: category Gambling, by a rule");
    check("SET url_category = Jobs", "http://casino.example/", "go");
    check(
        "ADD url_category = Jobs\nurl_category Jobs : BLOCK as _match",
        "http://casino.example/",
        "2: category Jobs, by a rule",
    );
    check(
        "user_group boss : PASS\nADD user_group = boss\nuser_group boss : BLOCK",
        "http://a.example/",
        "3: by the rule",
    );
    check("SET user_group = boss\nuser_group staff : BLOCK", "http://a.example/", "go");
    check("ADD user_group = boss\nuser_group staff : BLOCK", "http://a.example/", "2: by the rule");
}

#[test]
fn every_variable_is_looked_at() {
    for (condition, holds) in [
        ("direction request", true),
        ("direction response", false),
        ("direction in (request, response)", true),
        ("protocol http", true),
        ("protocol in (https, ftp, other)", false),
        ("method get", true),
        ("method in (POST, PUT)", false),
        ("method match (\"^g\")", true),
        ("url a.example/dir", true),
        ("url a.example/di", false),
        ("url in (example, b.example)", true),
        ("url match (\"^http://www\\.a\\.example/dir/x\\?q=1$\")", true),
        ("url match (\"https:\")", false),
        ("url_host example", true),
        ("url_host xample", false),
        ("url_host match (\"^www\")", true),
        ("url_host not in \"ICAPD.WhiteList\"", true),
        ("url_category Gambling", false),
        ("url_category not in (Gambling)", true),
        ("src_ip 10.0.0.7", true),
        ("src_ip in (192.168.0.0/16, 10.0.0.0-10.0.0.8)", true),
        ("src_ip in (::ffff:10.0.0.7)", true),
        ("src_ip not in (10.0.0.0/8)", false),
        ("dst_ip in (2001:db8::/32)", false),
        ("dst_ip 192.0.2.1", true),
        ("user ANNA", true),
        ("user match (\"^a.n\")", true),
        ("user in (\"FILE@staff\")", true),
        ("user not in (\"FILE@staff\")", false),
        ("user_group Staff", true),
        ("user_group in (\"FILE@staff\")", true),
        ("user_domain example", false),
        ("content_type text/*", true),
        ("content_type text/plain", false),
        ("content_type match (charset)", true),
        ("size gt 999", true),
        ("size lt 1KB", true),
        ("size 1000", true),
        ("size gt 1000", false),
        ("time in (Mon 08:00-17:00)", true),
        ("time in (08:00-09:00)", false),
        ("time gt 08:59", true),
        ("time lt 09:00", false),
        ("weekday Mon", true),
        ("weekday in (Tue-Sun)", false),
        ("threat_category KnownVirus", false),
    ] {
        let policy = policy(&format!("{condition} : BLOCK"));
        let url = url("http://www.a.example:81/dir/x?q=1");
        let blocked = said(&policy, &facts(&url)) == "1: by the rule";
        assert_eq!(blocked, holds, "{condition}");
    }
}

#[test]
fn what_is_not_known_is_in_no_set() {
    for (condition, holds) in [
        ("url in (a.example)", false),
        ("url not in (a.example)", true),
        ("url match (a)", false),
        ("url_host match (a)", false),
        ("url_category Jobs", false),
        ("src_ip in (0.0.0.0/0)", false),
        ("src_ip not in (10.0.0.0/8)", true),
        ("dst_ip in (::/0)", false),
        ("user match (\".*\")", false),
        ("user not in (anna)", true),
        ("user_domain match (\".*\")", false),
        ("size gt 0", false),
        ("size lt 1", false),
        ("size 0", false),
    ] {
        let policy = policy(&format!("{condition} : BLOCK"));
        assert_eq!(said(&policy, &Facts::NOTHING) == "1: by the rule", holds, "{condition}");
    }
}

#[test]
fn users_are_known_with_and_without_their_domain() {
    for (rule, user, holds) in [
        ("user anna", "anna@example.com", true),
        ("user anna", "EXAMPLE\\Anna", true),
        ("user anna@example.com", "anna@EXAMPLE.com", true),
        ("user anna@example.com", "anna", false),
        ("user anna@example.com", "anna@other.com", false),
        ("user_domain example.com", "anna@example.com", true),
        ("user_domain example", "EXAMPLE/anna", true),
        ("user in \"FILE@staff\"", "anna@example.com", true),
        ("user in \"FILE@staff\"", "example\\bert", true),
        ("user in \"FILE@staff\"", "bert", false),
        ("user_group staff", "OTHER\\anna", true),
        ("user_group staff", "carl", false),
        ("user MÜLLER", "müller", true),
    ] {
        let policy = policy(&format!("{rule} : BLOCK"));
        let facts = Facts { user, ..Facts::NOTHING };
        assert_eq!(said(&policy, &facts) == "1: by the rule", holds, "{rule} {user}");
    }
}

#[test]
fn times_wrap_over_midnight_and_the_week() {
    for (times, weekday, minute, holds) in [
        ("22:00-06:00", 0, 23 * 60, true),
        ("22:00-06:00", 0, 6 * 60 - 1, true),
        ("22:00-06:00", 0, 6 * 60, false),
        ("Fri 22:00-06:00", 5, 60, true),
        ("Fri 22:00-06:00", 4, 60, false),
        ("Sun 22:00-06:00", 0, 60, true),
        ("Sat-Mon", 6, 0, true),
        ("Sat-Mon", 1, 0, false),
        ("Mon-Fri 00:00-24:00", 4, 1439, true),
        ("Mon-Fri 00:00-24:00", 5, 0, false),
        ("monday", 0, 0, true),
    ] {
        let policy = policy(&format!("time in ({times}) : BLOCK"));
        let facts = Facts { moment: Moment::new(weekday, minute), ..Facts::NOTHING };
        assert_eq!(said(&policy, &facts) == "1: by the rule", holds, "{times} {weekday} {minute}");
    }
}

#[test]
fn a_tunnel_is_https_as_far_as_a_proxy_knows() {
    for (method, target, want) in [
        ("GET", "http://a/", "http"),
        ("GET", "HTTPS://a/", "https"),
        ("GET", "ftp://a/", "ftp"),
        ("GET", "gopher://a/", "other"),
        ("CONNECT", "a:443", "https"),
    ] {
        let url = UrlParts::of(method.as_bytes(), target.as_bytes(), None).expect("an address");
        let facts = Facts { url: Some(&url), ..Facts::NOTHING };
        for word in ["http", "https", "ftp", "other"] {
            let policy = policy(&format!("protocol {word} : BLOCK"));
            assert_eq!(said(&policy, &facts) == "1: by the rule", word == want, "{target} {word}");
        }
    }
}

#[test]
fn reputation_is_asked_only_when_nothing_else_knows() {
    let policy = policy_of(Options { reputation: true, ..options("") });
    let asked = |address, reputation| said(&policy, &Facts { reputation, ..facts(&url(address)) });
    let other = "http://other.example/";
    assert_eq!(asked(other, Reputation::Unasked), "ask reputation");
    assert_eq!(
        asked("http://casino.example/", Reputation::Unasked),
        "3: category Gambling, by the category database"
    );
    assert_eq!(asked("http://white.example/", Reputation::Unasked), "go white");
    assert_eq!(asked("http://black.example/", Reputation::Unasked), "1: black list: black.example");
    let gambling = Reputation::Known(Categories::NONE.with(Category::Gambling));
    assert_eq!(asked(other, gambling), "3: category Gambling, by reputation");
    assert_eq!(asked(other, Reputation::Known(Categories::NONE.with(Category::Jobs))), "go");
    assert_eq!(asked(other, Reputation::Unknown), "go");
    assert_eq!(asked(other, Reputation::NoAnswer), "go");
    let strict =
        policy_of(Options { reputation: true, unanswered: Unanswered::Block, ..options("") });
    let no_answer = Facts { reputation: Reputation::NoAnswer, ..Facts::NOTHING };
    assert_eq!(said(&strict, &no_answer), "go", "there is no address to ask about");
    let url = url(other);
    assert_eq!(said(&strict, &Facts { url: Some(&url), ..no_answer }), "unanswered reputation");
    let nothing = policy_of(Options {
        reputation: true,
        blocked_categories: Categories::NONE,
        ..options("")
    });
    assert_eq!(said(&nothing, &facts(&url)), "go", "no answer could change anything");
}

#[test]
fn a_directory_is_asked_when_a_rule_depends_on_it() {
    let rules =
        "direction request, user in \"LDAP@staff\" : BLOCK\nuser not in \"AD@staff\" : PASS";
    let with = |unanswered| policy_of(Options { directory: true, unanswered, ..options(rules) });
    let policy = with(Unanswered::Pass);
    let groups =
        |names: &[&str]| names.iter().map(|name| Box::from(*name)).collect::<Vec<Box<str>>>();
    fn asked(policy: &Policy, directory: Directory<'_>) -> String {
        let url = url("http://a.example/");
        said(policy, &Facts { directory, ..facts(&url) })
    }
    let url = url("http://a.example/");
    assert_eq!(asked(&policy, Directory::Unasked), "ask groups");
    assert_eq!(asked(&policy, Directory::Groups(&groups(&["x", "STAFF"]))), "1: by the rule");
    assert_eq!(asked(&policy, Directory::Groups(&groups(&["x"]))), "go by 2");
    assert_eq!(asked(&policy, Directory::NoAnswer), "go", "neither in nor outside");
    assert_eq!(asked(&with(Unanswered::Block), Directory::NoAnswer), "unanswered groups");
    let nobody = Facts { user: "", url: Some(&url), ..Facts::NOTHING };
    assert_eq!(said(&policy, &nobody), "go by 2", "nobody is in no group, and nobody is asked");
    let response = Facts { direction: Direction::Response, ..facts(&url) };
    assert_eq!(
        said(&policy, &Facts { directory: Directory::Groups(&groups(&["staff"])), ..response }),
        "go"
    );
}

fn judged(policy: &Policy, kind: ThreatKind, name: &str, blocked: ThreatKinds) -> String {
    let url = url("http://a.example/");
    let facts = facts(&url);
    let threat = ThreatFact { kind, name };
    let judgement = policy.judge(&facts, State::default(), threat, blocked, &mut ());
    let by = judgement.rule.map_or_else(|| "switch".to_owned(), |rule| (rule + 1).to_string());
    format!("{} by {by}", if judgement.blocks { "block" } else { "pass" })
}

#[test]
fn threats_are_judged_by_rules_and_then_by_their_switches() {
    let all = ThreatKinds::ALL;
    let plain = policy("");
    assert!(!plain.judges_threats());
    assert_eq!(judged(&plain, ThreatKind::KnownVirus, "Eicar", all), "block by 4");
    assert_eq!(judged(&plain, ThreatKind::Jokes, "Joke", ThreatKinds::NONE), "pass by switch");
    let alone = policy_of(Options { defaults: Defaults::LeaveOut, ..options("") });
    assert_eq!(judged(&alone, ThreatKind::KnownVirus, "Eicar", all), "block by switch");
    let rules = policy(
        "user anna, threat_category in (Riskware, Hacktool) : PASS\n\
         threat match (\"^Win\\.Test\") : PASS\n\
         user anna : PASS\n\
         threat_category Jokes : BLOCK as _match",
    );
    assert!(rules.judges_threats());
    assert_eq!(judged(&rules, ThreatKind::Riskware, "PUA.x", all), "pass by 1");
    assert_eq!(judged(&rules, ThreatKind::Hacktools, "Hack", all), "pass by 1");
    assert_eq!(judged(&rules, ThreatKind::KnownVirus, "Win.Test.A-1", all), "pass by 2");
    assert_eq!(
        judged(&rules, ThreatKind::KnownVirus, "Win.Other", all),
        "block by 8",
        "PASS of an address passes no virus"
    );
    assert_eq!(judged(&rules, ThreatKind::Jokes, "Joke", ThreatKinds::NONE), "block by 4");
    assert_eq!(ThreatKind::named("unknownvirus"), Some(ThreatKind::Suspicious));
}

#[test]
fn what_a_rule_about_threats_needs_is_asked_before_the_scan() {
    let rules = "threat_category Riskware, user in \"LDAP@admins\" : PASS";
    let policy = policy_of(Options { directory: true, ..options(rules) });
    let url = url("http://a.example/");
    assert_eq!(said(&policy, &facts(&url)), "ask groups");
    assert_eq!(said(&policy, &Facts { directory: Directory::NoAnswer, ..facts(&url) }), "go");
    let rules = "threat_category Riskware, url_category Jobs : PASS";
    let policy = policy_of(Options {
        reputation: true,
        blocked_categories: Categories::NONE,
        ..options(rules)
    });
    assert_eq!(said(&policy, &facts(&url)), "ask reputation");
    let jobs = Reputation::Known(Categories::NONE.with(Category::Jobs));
    let answered = Facts { reputation: jobs, ..facts(&url) };
    assert_eq!(said(&policy, &answered), "go");
    let threat = ThreatFact { kind: ThreatKind::Riskware, name: "PUA" };
    let judgement = policy.judge(&answered, State::default(), threat, ThreatKinds::ALL, &mut ());
    assert!(!judgement.blocks);
}

#[test]
fn as_match_names_what_was_found() {
    let reason = |rules: &str, address: &str| {
        let policy = policy(rules);
        let url = url(address);
        match policy.decide(&facts(&url), &mut ()) {
            Outcome::Block(block) => match block.reason {
                BlockReason::Category { category, source } => {
                    assert_eq!(source, CategorySource::Database);
                    category.name().to_owned()
                }
                other => policy.reason_text(&other),
            },
            other => panic!("{other:?}"),
        }
    };
    let rule = "url_category in (Jobs, Gambling) : BLOCK as _match";
    assert_eq!(reason(rule, "http://casino.example/"), "Gambling");
    assert_eq!(reason(rule, "http://both.example/"), "Gambling");
    assert_eq!(reason("url_category Jobs : BLOCK as _match", "http://both.example/"), "Jobs");
    let lists = "url in (\"ICAPD.BlackList\", \"ICAPD.AdList\") : BLOCK as _match";
    assert_eq!(reason(lists, "http://black.example/"), "black list: black.example");
    assert_eq!(reason(lists, "http://ads.example/"), "advertisement: ^ads\\.");
    assert_eq!(reason("BLOCK as BlackList", "http://a.example/"), "black list");
}

#[test]
fn rules_count_what_they_apply_to() {
    let policy = policy("user anna : SET scan = Yes\nuser otto : PASS");
    let url = url("http://casino.example/");
    let _ = policy.decide(&facts(&url), &mut ());
    let _ = policy.decide(&facts(&url), &mut ());
    let hits: Vec<u64> = policy.rules().views().iter().map(|view| view.hits).collect();
    assert_eq!(hits, [2, 0, 0, 0, 2, 0]);
}

#[test]
fn a_decision_that_waits_for_answers_counts_once() {
    let rules = "user anna : SET scan = No\nurl_category Jobs : PASS\nuser anna : SET scan = Yes\n\
                 user in \"LDAP@staff\" : PASS\nuser anna : SET scan = No";
    let policy = policy_of(Options {
        directory: true,
        reputation: true,
        defaults: Defaults::LeaveOut,
        ..options(rules)
    });
    let url = url("http://a.example/");
    let hits = || policy.rules().views().iter().map(|view| view.hits).collect::<Vec<u64>>();
    let mut facts = facts(&url);
    let Outcome::Ask(asking) = policy.decide(&facts, &mut ()) else { panic!("it asks") };
    assert_eq!((asking.question, asking.place), (Question::Reputation, 1));
    assert_eq!(hits(), [1, 0, 0, 0, 0]);
    (facts.reputation, facts.counted) = (Reputation::Unknown, asking.place);
    let Outcome::Ask(asking) = policy.decide(&facts, &mut ()) else { panic!("it asks again") };
    assert_eq!((asking.question, asking.place), (Question::Groups, 3));
    assert_eq!(hits(), [1, 0, 1, 0, 0]);
    (facts.directory, facts.counted) = (Directory::NoAnswer, asking.place);
    assert_eq!(said(&policy, &facts), "go unscanned");
    assert_eq!(hits(), [1, 0, 1, 0, 1]);
    // The script is asked when all is decided.
    facts.counted = usize::MAX;
    assert_eq!(said(&policy, &facts), "go unscanned");
    assert_eq!(hits(), [1, 0, 1, 0, 1]);
}

#[test]
fn a_threat_is_blocked_when_the_rule_about_it_has_no_answer_and_the_administrator_wants_one() {
    let rules = "threat_category Riskware, user in \"LDAP@admins\" : PASS";
    for (unanswered, blocks, rule) in
        [(Unanswered::Block, true, Some(0)), (Unanswered::Pass, false, None)]
    {
        let policy = policy_of(Options { directory: true, unanswered, ..options(rules) });
        let url = url("http://a.example/");
        let facts = Facts { directory: Directory::NoAnswer, ..facts(&url) };
        let threat = ThreatFact { kind: ThreatKind::Riskware, name: "PUA" };
        let state = State::default();
        let judgement = policy.judge(&facts, state, threat, ThreatKinds::NONE, &mut ());
        assert_eq!((judgement.blocks, judgement.rule), (blocks, rule));
    }
}

#[test]
fn what_a_directory_says_is_the_first_step_of_the_story() {
    let rules = "user in \"LDAP@staff\" : BLOCK";
    let policy = policy_of(Options { directory: true, ..options(rules) });
    let told = |membership: Option<Membership>| {
        let asked = Asked {
            url: "a.example".to_owned(),
            user: "anna".to_owned(),
            membership,
            ..Asked::default()
        };
        let told = policy.tell(&asked, ThreatKinds::ALL).expect("an address");
        (told.blocked, told.asking.map(|asking| asking.question), told.story.text(true))
    };
    let (blocked, asking, text) = told(None);
    assert_eq!((blocked, asking), (None, Some(Question::Groups)), "{text}");
    let given = Membership::given(vec!["staff".into()]);
    let (blocked, asking, text) = told(Some(given));
    assert_eq!((blocked, asking), (Some(true), None));
    assert!(text.starts_with("the directory about anna: staff\n"), "{text}");
    let none = Membership::none(Failure::new(FailureKind::Bind, "invalid credentials (49)"));
    let (blocked, _, text) = told(Some(none));
    assert_eq!(blocked, Some(false));
    assert!(
        text.starts_with("the directory about anna: no answer: bind refused: invalid"),
        "{text}"
    );
    assert!(text.contains("not known: user in"), "{text}");
}

#[test]
fn the_content_of_rules_changes_the_digest() {
    let digest = |options: Options| Policy::compile(options).expect("good").digest();
    let plain = digest(options(""));
    assert_ne!(plain, digest(options("PASS")));
    assert_ne!(plain, digest(Options { groups: "staff: otto".to_owned(), ..options("") }));
    assert_ne!(plain, digest(Options { blocked_categories: Categories::NONE, ..options("") }));
    assert_ne!(plain, digest(Options { defaults: Defaults::LeaveOut, ..options("") }));
    let with = policy("");
    assert_ne!(plain, with.digest());
    assert_eq!(digest(options("PASS")), digest(options("PASS")));
}

#[test]
fn a_moment_is_read_as_people_write_it() {
    assert_eq!(Moment::parse("Mon 09:00"), Ok(Moment::new(0, 540)));
    assert_eq!(Moment::parse(" sunday "), Ok(Moment::new(6, 0)));
    for bad in ["", "Mon 24:00", "Mon-Tue 09:00", "09:00", "Mon 9", "Mon 09:60"] {
        assert!(Moment::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn who_asks_why_is_told() {
    let policy = policy("user_group staff, threat_category Jokes : PASS");
    let told = |asked: &Asked| policy.tell(asked, ThreatKinds::ALL).expect("an address");
    let asked = |url: &str| Asked { url: url.to_owned(), ..Asked::default() };
    assert_eq!(told(&asked("casino.example/x")).blocked, Some(true));
    assert_eq!(told(&asked("http://other.example/")).blocked, Some(false));
    let joke = Asked { threat: "Win.Joke.A".to_owned(), ..asked("other.example") };
    let all = told(&joke);
    assert_eq!(all.blocked, Some(true));
    assert!(all.story.text(false).ends_with(
        "the scan finds Win.Joke.A: Jokes\n\
         rule 5 (default:4) applies: threat_category in \"ICAPD.BlockThreat\" : BLOCK as _match\n\
         the threat is blocked\n"
    ));
    let anna = Asked { user: "anna".to_owned(), ..joke };
    assert_eq!(told(&anna).blocked, Some(false));
    assert!(policy.tell(&asked("http://"), ThreatKinds::ALL).is_err());
}

#[test]
fn a_story_tells_every_step() {
    let policy = policy("user otto : PASS\ntime in (Mon) : SET scan = Yes");
    let url = url("http://casino.example/");
    let mut story = Story::default();
    let outcome = policy.decide(&facts(&url), &mut story);
    policy.end_story(&outcome, &mut story);
    assert_eq!(
        story.text(true),
        "rule 1 (rules:1) does not apply: user otto\n\
         rule 2 (rules:2) applies: time in (Mon) : SET scan = Yes\n\
         rule 3 (default:1) does not apply: url in \"ICAPD.BlackList\"\n\
         rule 4 (default:2) does not apply: url in \"ICAPD.AdList\"\n\
         the database says Gambling\n    Gambling games/domains: casino.example\n\
         rule 5 (default:3) applies: url not in \"ICAPD.WhiteList\", url_category in \
         \"ICAPD.BlockCategory\" : BLOCK as _match\n\
         it is blocked: category Gambling, by the category database\n"
    );
    assert!(!story.text(false).contains("user otto"));
}

/// The proxy may name the groups where no directory is asked, and of nobody whose name it tells.
#[test]
fn groups_that_the_request_names_count_by_themselves() {
    let rules = "user_group in (crew), url_host in (games.example) : BLOCK";
    let policy = policy_of(Options { defaults: Defaults::LeaveOut, ..options(rules) });
    let url = url("http://games.example/");
    let (crew, others): ([Box<str>; 1], [Box<str>; 1]) = (["Crew".into()], ["guests".into()]);
    for user in ["anna", ""] {
        let facts = Facts { user, ..facts(&url) };
        assert_eq!(said(&policy, &facts), "go", "{user}");
        let told = Facts { directory: Directory::Groups(&crew), ..facts };
        assert_eq!(said(&policy, &told), "1: by the rule", "{user}");
        let told = Facts { directory: Directory::Groups(&others), ..facts };
        assert_eq!(said(&policy, &told), "go", "{user}");
    }
}

#[test]
fn the_last_rule_before_the_end_says_how_it_is_released_and_who_sees_it_next() {
    let state = |rules: &str, address: &str| {
        let url = url(address);
        let policy = policy(rules);
        match policy.decide(&facts(&url), &mut ()) {
            Outcome::Go(way) => {
                let next = policy.next_services(&way.state).map(|names| names.join("+"));
                let release = way.state.release.map(|set| (set.way, set.rule));
                (release, next)
            }
            other => panic!("{rules}: {other:?}"),
        }
    };
    let at = "http://a.example/";
    assert_eq!(state("", at), (None, None));
    let (tail, hold) = (Release::Tail, Release::Hold);
    let both = "SET release = Tail, SET next_services = \"sandbox, dlp/x\"";
    assert_eq!(state(both, at), (Some((tail, 0)), Some("sandbox+dlp/x".to_owned())));
    let twice = format!(
        "{both}\nuser nobody : SET release = Tail\nuser anna : SET release = Hold, PASS\nSET release = Tail"
    );
    assert_eq!(state(&twice, at), (Some((hold, 2)), Some("sandbox+dlp/x".to_owned())));
    for none in ["\"\"", "None", "\" \""] {
        let rules = format!("{both}\nSET next_services = {none}");
        assert_eq!(state(&rules, at), (Some((tail, 0)), Some(String::new())), "{none}");
    }
    // Equal plans are one.
    let same = "SET next_services = a\nuser x : SET next_services = b\nSET next_services = a";
    assert_eq!(state(same, at).1.as_deref(), Some("a"));
}

#[test]
fn what_rules_set_about_a_request_holds_for_its_response() {
    let policy = policy(
        "direction request : SET release = Tail, ADD url_category Jobs\n\
         direction response, url_category Jobs : BLOCK as _match",
    );
    let url = url("http://a.example/");
    let asks = facts(&url);
    let Outcome::Go(way) = policy.decide(&asks, &mut ()) else { panic!("it goes on") };
    let answers = Facts { direction: Direction::Response, ..asks };
    assert_eq!(said(&policy, &answers), "go");
    match policy.decide_after(way.state, &answers, &mut ()) {
        Outcome::Block(block) => {
            assert_eq!(policy.reason_text(&block.reason), "category Jobs, by a rule");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_explanation_says_what_rules_have_set() {
    let told = |rules: &str| {
        let asked = Asked { url: "http://a.example/".to_owned(), ..Asked::default() };
        let told = policy(rules).tell(&asked, ThreatKinds::ALL).expect("an address");
        told.story.text(false).lines().last().expect("an end").to_owned()
    };
    assert_eq!(told(""), "it goes on, and its body is scanned");
    assert_eq!(
        told("SET release = Tail, SET next_services = \"a, b\""),
        "it goes on, and its body is scanned; release = Tail, by rule 1; next services: a, b"
    );
    assert_eq!(
        told("SET scan = No, SET release = Tail, SET next_services = None, PASS"),
        "it goes on, and its body is not scanned; next services: none"
    );
}
