//! Who may see what, through a real Squid: categories, lists, rules, the script, and what the person who is stopped
//! is told.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path as FilePath;
use std::process::Command;

use tempfile::TempDir;

use crate::curl::Curl;
use crate::fixture::gateway::{Gateway, baleen};
use crate::origin::Origin;
use crate::squid::Squid;
use crate::{Path, squid};

/// Each category has a list with a site of its own; `two.test` is in two of them.
#[test]
fn each_category_blocks_with_its_name_on_the_page_and_in_the_header() {
    let lists = lists();
    let all: String = CATEGORIES.iter().map(|name| format!("Block{name} = Yes\n")).collect();
    let mut path = Path::open(&format!("{all}{}", database(&lists)));
    let mut names = BTreeSet::new();
    for name in CATEGORIES {
        let page = path.curl().fetch(&format!("http://www.{}.test/page", name.to_lowercase()));
        assert_eq!((page.status, page.code), (403, 0), "{}", page.heads);
        // People read what it is called in their language, programs the name of the settings.
        let page = page.page();
        let shown =
            page.split("<dd class=\"strong\">").nth(1).and_then(|rest| rest.split('<').next());
        names.insert(shown.expect("the page names it").to_owned());
        let said = refused(path.curl(), &format!("http://{}.test/", name.to_lowercase()));
        assert_eq!((&said["reason"], &said["category"]), (&"category".into(), &(*name).into()));
        path.squid.wait_for_icap_log(&format!("//{}.test/ {name}", name.to_lowercase()));
    }
    assert!(names.len() == CATEGORIES.len() && !names.contains(""), "{names:?}");
    path.close_without_icap_errors();
}

#[test]
fn one_unwanted_category_of_several_is_enough_and_only_those_that_are_switched_on_count() {
    let lists = lists();
    let path = Path::open(&format!(
        "BlockJobs = No\nBlockGambling = Yes\nBlockChats = No\n{}",
        database(&lists)
    ));
    let said = refused(path.curl(), "http://two.test/");
    assert_eq!(said["category"], "Gambling", "{said}");
    // Nobody answers there, so Squid does.
    let passed = path.curl().fetch("http://jobs.test/");
    assert!(passed.heads.to_lowercase().contains("x-squid-error"), "{}", passed.heads);
    path.close_without_icap_errors();
}

#[test]
fn black_beats_white_and_white_lets_a_category_through_but_no_virus() {
    let lists = lists();
    fs::write(lists.path().join("Chats/domains"), "127.0.0.1\nchats.test\n").expect("a folder");
    let settings = |own: &str| format!("BlockChats = Yes\n{own}{}", database(&lists));
    let blocked = Path::open(&settings(""));
    assert_eq!(refused(blocked.curl(), &blocked.origin.url("/size/1000"))["reason"], "category");
    blocked.close_without_icap_errors();
    let white = Path::open(&settings("WhiteList = 127.0.0.1\n"));
    white.curl().fetch(&white.origin.url("/size/1000")).must_be_whole(1000);
    white.curl().fetch(&white.origin.url("/eicar")).must_be_blocked();
    white.close_without_icap_errors();
    let black = Path::open(&settings("WhiteList = 127.0.0.1\nBlackList = 127.0.0.1\n"));
    assert_eq!(refused(black.curl(), &black.origin.url("/size/1000"))["reason"], "black-list");
    black.close_without_icap_errors();
}

#[test]
fn spellings_of_a_blocked_site_are_blocked() {
    let path = Path::open("BlackList = bad.test, 192.0.2.7, good.test/secret\n");
    for url in [
        "http://BAD.test/",
        "http://bad.test./",
        "http://a.b.bad.test:8080/x",
        "http://user:word@bad.test/",
        "http://0xc0.0.2.7/",
        "http://3221225991/",
        "http://[::ffff:192.0.2.7]/",
        "http://good.test/%73ecret/x",
        "http://good.test/a/../secret",
        "http://good.test//secret",
    ] {
        let said = refused(path.curl().with(&["--path-as-is"]), url);
        assert_eq!(said["reason"], "black-list", "{url}: {said}");
    }
    path.close_without_icap_errors();
}

#[test]
fn rules_know_the_user_the_address_and_the_time() {
    let another_day =
        Command::new("date").args(["-d", "+3 days", "+%a"]).env("LC_ALL", "C").output();
    let another_day = String::from_utf8(another_day.expect("coreutils").stdout).expect("ASCII");
    let rules = format!(
        "RuleSet1 = user in (anna, bert), url_host in (users.test) : BLOCK\n\
         RuleSet2 = src_ip in (127.0.0.2), url_host in (addresses.test) : BLOCK as Jobs\n\
         RuleSet3 = weekday in ({}), url_host in (127.0.0.1) : BLOCK as BlackList\n\
         RuleSet4 = time in (Mon-Sun 00:00-24:00), url_host in (always.test) : BLOCK as \"Closed today\"\n",
        another_day.trim()
    );
    let gateway = Gateway::start(&rules);
    let origin = Origin::start();
    let squid = Squid::start_with(Some(gateway.icap()), squid::ASKS_FOR_USERS);
    let by =
        |user: &str| Curl::through(squid.address()).with(&["--proxy-user", &format!("{user}:x")]);
    assert_eq!(refused(by("anna"), "http://users.test/")["reason"], "rule");
    assert_eq!(refused(by("bert"), "http://users.test/")["reason"], "rule");
    let passed = by("carl").fetch("http://users.test/");
    assert!(passed.heads.to_lowercase().contains("x-squid-error"), "{}", passed.heads);
    let passed = by("anna").fetch("http://addresses.test/");
    assert!(passed.heads.to_lowercase().contains("x-squid-error"), "{}", passed.heads);
    let said = refused(by("anna").with(&["--interface", "127.0.0.2"]), "http://addresses.test/");
    assert_eq!(said["category"], "Jobs", "{said}");
    by("anna").fetch(&origin.url("/size/100")).must_be_whole(100);
    let closed = by("anna").fetch("http://always.test/");
    assert!(closed.page().contains("Closed today"), "{}", closed.page());
    let output =
        baleen().args(["ctl", "rules", "--json", "--config"]).arg(gateway.config()).output();
    let said = output.expect("it was built").stdout;
    let said: serde_json::Value = serde_json::from_slice(&said).expect("JSON");
    let hits: Vec<_> = (0..4).filter_map(|row| said["rules"][row]["hits"].as_u64()).collect();
    assert_eq!(hits, [2, 1, 0, 1], "{said}");
    squid.stop_without_icap_errors();
    assert!(gateway.stop().success());
}

#[test]
fn the_script_passes_blocks_and_fails_closed() {
    let folder = TempDir::new().expect("a temporary folder");
    let script = folder.path().join("hook.lua");
    fs::write(&script, SCRIPT).expect("a folder");
    let hook = format!("MessageHook = {}\n", script.display());
    let path = Path::open(&hook);
    path.curl().fetch(&path.origin.url("/size/1000")).must_be_whole(1000);
    path.curl().fetch(&path.origin.url("/eicar")).must_be_blocked();
    assert_eq!(refused(path.curl(), "http://blocked.test/")["reason"], "hook");
    assert_eq!(refused(path.curl(), "http://error.test/")["reason"], "policy-unchecked");
    assert_eq!(refused(path.curl(), "http://odd.test/")["reason"], "policy-unchecked");
    path.close_without_icap_errors();
    let open = Path::open(&format!("BlockUnchecked = No\n{hook}"));
    let passed = open.curl().fetch("http://error.test/");
    assert!(passed.heads.to_lowercase().contains("x-squid-error"), "{}", passed.heads);
    open.close_without_icap_errors();
}

#[test]
fn the_page_speaks_the_language_of_the_browser_and_escapes_what_came_from_outside() {
    let path = Path::open("BlackList = bad.test\n");
    let german = path
        .curl()
        .with(&["-H", "Accept: text/html", "-H", "Accept-Language: fr, de;q=0.8, en;q=0.5"])
        .fetch("http://bad.test/%3Cscript%3Ealert(1)%3C/script%3E?<b>");
    assert!(german.heads.contains("Content-Language: de"), "{}", german.heads);
    assert!(
        !german.page().contains("<script>") && !german.page().contains("<b>"),
        "{}",
        german.page()
    );
    path.close_without_icap_errors();
}

/// What the page for programs says.
#[track_caller]
fn refused(curl: Curl, url: &str) -> serde_json::Value {
    let fetched = curl.with(&["-H", "Accept: application/json"]).fetch(url);
    assert_eq!((fetched.status, fetched.code), (403, 0), "{}", fetched.heads);
    assert!(!fetched.heads.to_lowercase().contains("x-squid-error"), "{}", fetched.heads);
    serde_json::from_str(&fetched.page()).expect("JSON")
}

/// A folder of lists as UT1 has them.
fn lists() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for name in CATEGORIES {
        let list = folder.path().join(name);
        fs::create_dir(&list).expect("a folder");
        let both = if matches!(name, "Gambling" | "Jobs") { "two.test\n" } else { "" };
        fs::write(list.join("domains"), format!("{}.test\n{both}", name.to_lowercase()))
            .expect("a folder");
    }
    folder
}

fn database(lists: &TempDir) -> String {
    let folder: &FilePath = lists.path();
    format!("[URLCheck]\nCategoryDatabase = {}\n", folder.display())
}

const CATEGORIES: [&str; 17] = [
    "InfectionSource",
    "NotRecommended",
    "AdultContent",
    "Violence",
    "Weapons",
    "Gambling",
    "Drugs",
    "ObsceneLanguage",
    "Chats",
    "Terrorism",
    "FreeEmail",
    "SocialNetworks",
    "DueToCopyrightNotice",
    "OnlineGames",
    "Anonymizers",
    "CryptocurrencyMiningPool",
    "Jobs",
];

const SCRIPT: &str = "\
function message_hook(ctx)
  local host = ctx.request.url.host
  if host == 'blocked.test' then return 'block' end
  if host == 'error.test' then error('no answer') end
  if host == 'odd.test' then return 'perhaps' end
  return 'pass'
end
";
