//! Scripts: what they see, what they may answer, and that none of them gets out.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::{Asked, BREACHES_MAX, Clock, GOOD_RUNS, Script, Source, Told, Trouble};
use crate::http::{RequestHead, ResponseHead, Rules};
use crate::policy::{
    Categories, Category, Direction, Facts, HookAnswer, List, Options, Policy, Reputation, UrlParts,
};

/// A clock that goes on by an eighth of a millisecond whenever it is read: how much a script can do is then a number of
/// looks, not a time.
fn counting() -> Clock {
    let time = Rc::new(Cell::new(Duration::ZERO));
    Box::new(move || {
        time.set(time.get() + Duration::from_micros(125));
        time.get()
    })
}

fn source(text: &str) -> Source {
    Source {
        name: "hook.lua".to_owned(),
        text: text.to_owned(),
        time_max: Duration::from_millis(20),
        memory_bytes_max: 16 << 20,
        config: [("ICAPD.BlockUnchecked".to_owned(), "Yes".to_owned())].into(),
    }
}

fn policy() -> Arc<Policy> {
    let mut black = List::default();
    black.add("black.example").expect("a good entry");
    let groups = "staff: anna\nadmins: anna, bert".to_owned();
    Arc::new(Policy::compile(Options { black, groups, ..Options::default() }).expect("good"))
}

fn load(text: &str) -> Result<Script, Trouble> {
    Script::load(&source(text), policy(), counting())
}

/// Asks about a POST by anna, and its answer.
fn ask(script: &mut Script) -> Asked {
    let policy = policy();
    let rules = Rules::tolerant(10_000, 50);
    let mut request = RequestHead::default();
    let head =
        b"POST http://www.shop.example:8080/a%20b?q=1 HTTP/1.1\r\nHost: www.shop.example:8080\r\n\
                 User-Agent: Test\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
    request.parse(head, &rules).expect("a head");
    let mut response = ResponseHead::default();
    response
        .parse(b"HTTP/1.1 200 OK\r\nContent-Type: image/PNG\r\nContent-Length: 5\r\n\r\n", &rules)
        .expect("a head");
    let url = UrlParts::of(b"POST", request.target(), None).expect("an address");
    let facts = Facts {
        direction: Direction::Response,
        method: request.method(),
        url: Some(&url),
        user: "anna@example.com",
        client: Some([10, 0, 0, 7].into()),
        size: Some(5),
        reputation: Reputation::Known(Categories::NONE.with(Category::SocialNetworks)),
        ..Facts::NOTHING
    };
    script.ask(&Told {
        facts: &facts,
        request: Some(&request),
        response: Some(&response),
        has_body: true,
        policy: &policy,
    })
}

#[track_caller]
fn answers(body: &str, want: HookAnswer) -> Asked {
    let text = format!("function message_hook(ctx)\n{body}\nend");
    let mut script = load(&text).unwrap_or_else(|trouble| panic!("{trouble}"));
    let asked = ask(&mut script);
    assert_eq!(asked.answer, want, "{body}: {asked:?}");
    asked
}

/// Passes when the expression is true.
#[track_caller]
fn holds(expression: &str) {
    answers(&format!("return ({expression}) and \"pass\" or \"block\""), HookAnswer::Pass);
}

#[test]
fn a_script_passes_or_blocks_and_everything_else_is_no_answer() {
    answers("return 'pass'", HookAnswer::Pass);
    answers("return 'block'", HookAnswer::Block);
    for (body, want) in [
        ("return 'Pass'", "the script answered \"Pass\", expected \"pass\" or \"block\""),
        ("return", "the script answered nothing, expected \"pass\" or \"block\""),
        ("return true", "the script answered a boolean, expected \"pass\" or \"block\""),
        ("return {}", "the script answered a table, expected \"pass\" or \"block\""),
        ("error('no')", "the script failed: runtime error: hook.lua:2: no"),
        (
            "return ctx.nothing.here",
            "the script failed: runtime error: hook.lua:2: attempt to index nil with 'here'",
        ),
    ] {
        let asked = answers(body, HookAnswer::Failed);
        assert_eq!(asked.trouble.map(|trouble| trouble.to_string()).as_deref(), Some(want));
    }
}

#[test]
fn a_script_sees_the_message_under_the_names_of_the_documents() {
    for expression in [
        "ctx.direction == 'response'",
        "ctx.icap.method == 'RESPMOD' and ctx.icap.client_ip == '10.0.0.7' and ctx.icap.server_ip == nil",
        "ctx.user.name == 'anna' and ctx.user.domain == 'example.com' and ctx.user.full == 'anna@example.com'",
        "#ctx.user.groups == 2 and ctx.user.ip == '10.0.0.7'",
        "ctx.request.method == 'POST'",
        "ctx.request.url.scheme == 'http' and ctx.request.url.host == 'www.shop.example'",
        "ctx.request.url.port == 8080 and ctx.request.url.path == '/a%20b?q=1'",
        "ctx.request.url.text == 'http://www.shop.example:8080/a%20b?q=1'",
        "ctx.request.url.categories[1] == 'social_networks'",
        "ctx.request.raw_url.text == 'http://www.shop.example:8080/a%20b?q=1'",
        "ctx.request.header.value('user-agent') == 'Test'",
        "ctx.request.header:value('USER-AGENT') == 'Test' and ctx.request.header.value('x') == nil",
        "ctx.request.header.field[1].name == 'Host' and #ctx.request.header.field == 3",
        "ctx.request.header.search('test') and not ctx.request.header.search('nothing')",
        "ctx.request.content_type.media == 'text/plain' and ctx.request.content_type.subtype == 'plain'",
        "ctx.response.status == 200 and ctx.response.content_type.media == 'image/png'",
        "ctx.response.body.present and ctx.response.body.size == 5 and not ctx.request.body.present",
        "ctx.has_url{category = {'gambling', 'Social_Networks'}} and ctx:has_url{category = 'social_networks'}",
        "ctx.has_url() and not ctx.has_url{category = {'gambling'}}",
        "not ctx.has_threat{category = {'KnownVirus'}} and ctx.threats()() == nil",
    ] {
        holds(expression);
    }
}

#[test]
fn the_modules_are_there_under_both_names() {
    for expression in [
        "baleen.regex.search('sh.p', ctx.request.url.host)",
        "require('drweb.regex').search({'x', 'SHOP'}, ctx.request.url.host, baleen.regex.ignore_case)",
        "not require('baleen.regex').match('sh.p', ctx.request.url.host)",
        "require('baleen.regex').match('www\\\\..*', ctx.request.url.host)",
        "require('baleen.lookup').lookup('BlackList', 'www.black.example')",
        "not baleen.lookup.lookup('WhiteList', 'http://black.example/')",
        "not baleen.lookup.lookup('AdList', 'black.example')",
        "#baleen.lookup.lookup('Category', 'black.example') == 0",
        "baleen.lookup.lookup('FILE@Staff', ctx.user.full) and not baleen.lookup.lookup('FILE@staff', 'bert')",
        "#baleen.lookup.lookup('FILE', 'bert') == 1",
        "require('drweb.config').get('icapd.blockunchecked') == 'Yes' and baleen.config.get('x') == nil",
        "require('drweb') == baleen.log",
    ] {
        holds(expression);
    }
    let asked = answers(
        "baleen.log.warning('one'); require('drweb').log('ERROR', 'two'); return 'pass'",
        HookAnswer::Pass,
    );
    let lines: Vec<_> = asked.log.iter().map(|line| (line.level, line.text.as_str())).collect();
    assert_eq!(lines, [("warning", "one"), ("error", "two")]);
    let flood = answers(
        "for n = 1, 100 do baleen.log.info(('x'):rep(5000)) end return 'pass'",
        HookAnswer::Pass,
    );
    assert_eq!((flood.log.len(), flood.log[0].text.len()), (16, 1000));
    for body in [
        "require('os')",
        "baleen.lookup.lookup('LDAP@x', 'a b')",
        "baleen.regex.search('(', 'x')",
        "baleen.regex.search('a{1000}{1000}', 'x')",
        "baleen.regex.search(1, 'x')",
        "baleen.log = nil",
    ] {
        answers(&format!("{body} return 'pass'"), HookAnswer::Failed);
    }
}

#[test]
fn a_script_cannot_reach_outside() {
    for name in [
        "io",
        "os",
        "debug",
        "coroutine",
        "package",
        "load",
        "loadstring",
        "loadfile",
        "dofile",
        "collectgarbage",
        "print",
        "getfenv",
        "setfenv",
        "newproxy",
        "gcinfo",
        "string.dump",
        "buffer",
        "vector",
    ] {
        holds(&format!("{name} == nil"));
    }
    for body in [
        "string.format = nil",
        "table.insert = 1",
        "getmetatable('').__index = nil",
        "rawset(string, 'x', 1)",
    ] {
        answers(&format!("{body} return 'pass'"), HookAnswer::Failed);
    }
}

#[test]
fn what_cannot_be_loaded_says_why() {
    for (text, want) in [
        ("function other() end", "the script failed: it defines no function message_hook(ctx)"),
        ("message_hook = 'pass'", "the script failed: it defines no function message_hook(ctx)"),
        ("function message_hook(", "the script failed: syntax error: hook.lua:1:"),
        ("error('at once')", "the script failed: runtime error: hook.lua:1: at once"),
        ("while true do end", "the script ran longer than MessageHookTimeout"),
        (
            "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end",
            "the script needed more than MessageHookMemory",
        ),
        ("\u{1b}Lua", "the script failed: "),
    ] {
        let said = load(text).expect_err("a bad script").to_string();
        assert!(said.starts_with(want), "{text}: {said}");
    }
}

/// Every script of the list is stopped inside of its budget; the clock of this test goes by looks, so a
/// script that the interrupt does not reach would hang the test, not make it slow.
#[test]
fn no_hostile_script_outlives_its_budget() {
    for body in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local function tree() pcall(tree) pcall(tree) return tree() end tree()",
        "local function deep() return pcall(deep), pcall(deep) end deep()",
        "return (('a'):rep(40) .. 'b'):find(('a*'):rep(18) .. 'c')",
        "local s = ('a'):rep(200000) for n = 1, 1e9 do s:gsub('.-b', '') end",
        "xpcall(function() error('x') end, function() while true do end end)",
        "tostring(setmetatable({}, {__tostring = function() while true do end end}))",
        "local t = {} for n = 1, 200000 do t[n] = n end while true do pcall(table.sort, t, function() return true end) end",
        "for n in function() return 1 end do end",
        "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) pcall(function() return t[1] end) while true do end",
        "repeat until pcall(error) and false",
        "local function f() return f() end f()",
    ] {
        let asked = answers(body, HookAnswer::Failed);
        assert_eq!(asked.trouble, Some(Trouble::Time), "{body}");
    }
    for body in [
        "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end",
        "local s = 'x' while true do s = s .. s end",
        "while true do local s = ('x'):rep(1e6) end",
        "return ('x'):rep(1e9)",
        "return table.concat({('x'):rep(1e7), ('y'):rep(1e7)})",
    ] {
        let asked = answers(body, HookAnswer::Failed);
        assert!(
            matches!(asked.trouble, Some(Trouble::Memory | Trouble::Time)),
            "{body}: {asked:?}"
        );
    }
}

/// One call of a function that is not interrupted does little: each of these would take minutes.
#[test]
fn no_single_call_works_for_long() {
    for body in [
        "return (('a'):rep(4e6)):find(('a'):rep(2e6) .. 'b', 1, true)",
        "return string.find(('a'):rep(4e6), ('a'):rep(2e6) .. 'b')",
        "return #(('a'):rep(4e6)):split(('a'):rep(2e6) .. 'b')",
        "table.move({}, 1, 2147483646, 2) return 'pass'",
        "local t = {} for n = 1, 4 do t[n] = ('x'):rep(1e6) .. n end while true do table.sort(t) end",
    ] {
        assert_eq!(answers(body, HookAnswer::Failed).answer, HookAnswer::Failed, "{body}");
    }
    answers("return (''):rep(2147483647) .. 'pass'", HookAnswer::Pass);
    holds("('a,b'):split()[2] == 'b' and ('a-b'):split('-')[1] == 'a'");
    holds("('abc'):find('b') == 2 and ('a.c'):find('.', 1, true) == 2 and ('ab'):rep(2) == 'abab'");
    holds("table.move({1, 2}, 1, 2, 2)[3] == 2");
    holds("(function() local t = {3, 1} table.sort(t) return t[1] == 1 end)()");
}

#[test]
fn the_third_breach_disables_a_script_and_others_do_not() {
    let text = "function message_hook(ctx) if broken then while true do end end return 'pass' end broken = true";
    let mut script = load(text).expect("good");
    for _ in 0..BREACHES_MAX {
        assert!(!script.is_disabled());
        let asked = ask(&mut script);
        assert_eq!((asked.answer, asked.disabled_now), (HookAnswer::Failed, script.is_disabled()));
    }
    assert!(script.is_disabled());
    assert_eq!(ask(&mut script), Asked::of(HookAnswer::Disabled));
    let now_and_then = format!(
        "n = 0 function message_hook(ctx) n = n + 1 if n == 1 or n == 2 or n == {} or n == {} then while true do end end return 'pass' end",
        GOOD_RUNS + 3,
        GOOD_RUNS + 4
    );
    let mut script = load(&now_and_then).expect("good");
    let failed = (0..GOOD_RUNS + 4).filter(|_| ask(&mut script).answer == HookAnswer::Failed);
    assert_eq!((failed.count(), script.is_disabled()), (4, false), "good runs make up for it");
    assert_eq!(ask(&mut script).answer, HookAnswer::Pass);
    let mut failing = load("function message_hook(ctx) error('x') end").expect("good");
    for _ in 0..10 {
        assert_eq!(ask(&mut failing).answer, HookAnswer::Failed);
    }
    let hungry = "n = 0 function message_hook(ctx) n = n + 1 if n == 1 then local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end end return 'pass' end";
    let mut script = load(hungry).expect("good");
    assert_eq!(ask(&mut script).trouble, Some(Trouble::Memory));
    assert_eq!(
        ask(&mut script).answer,
        HookAnswer::Pass,
        "the memory of a broken run is given back"
    );
}
