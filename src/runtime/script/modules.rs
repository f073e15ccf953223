//! What a script can call: `baleen.log`, `baleen.regex`, `baleen.lookup`, `baleen.config`.
//!
//! `require("baleen.regex")` gives a module; `drweb`, `drweb.regex`, `drweb.lookup` and `drweb.config` are the
//! same under the names that existing scripts know. Nothing else can be required.
//!
//! | function | what it does |
//! | --- | --- |
//! | `log.debug(text)` … `log.error(text)`, `log.log(level, text)` | a line of the log |
//! | `regex.search(pattern, text [, regex.ignore_case])` | whether a pattern, or one of a list, fits anywhere |
//! | `regex.match(…)` | the same for the whole text |
//! | `lookup.lookup("BlackList", url)`, `"WhiteList"`, `"AdList"` | whether an address is on a list |
//! | `lookup.lookup("Category", url)` | the categories of an address |
//! | `lookup.lookup("FILE@staff", user)`, `lookup.lookup("FILE", user)` | membership; all groups |
//! | `config.get("ICAPD.BlockUnchecked")` | the value of a setting as text |

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use ahash::AHashMap;
use mlua::{Lua, Table, Value};
use regex::bytes::{Regex, RegexBuilder};

use super::{LogLine, Source};
use crate::policy::user::User;
use crate::policy::{Category, Policy, UrlDecision, UrlParts};

/// The lines that a script wants logged, until they are taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Rc<RefCell<Vec<LogLine>>>);

impl Log {
    pub(super) fn take(&self) -> Vec<LogLine> {
        std::mem::take(&mut self.0.borrow_mut())
    }

    fn add(&self, level: &'static str, text: &str) {
        let mut lines = self.0.borrow_mut();
        if lines.len() < LINES_MAX {
            lines.push(LogLine { level, text: text.chars().take(LINE_LETTERS_MAX).collect() });
        }
    }
}

const LEVELS: [&str; 5] = ["debug", "info", "notice", "warning", "error"];

/// Puts `require` and the table `baleen` into the globals.
pub(super) fn install(
    lua: &Lua,
    source: &Source,
    policy: Arc<Policy>,
    log: &Log,
) -> mlua::Result<()> {
    let modules = [
        ("log", log_module(lua, log)?),
        ("regex", regex_module(lua)?),
        ("lookup", lookup_module(lua, policy)?),
        ("config", config_module(lua, source)?),
    ];
    let baleen = lua.create_table()?;
    let known = lua.create_table()?;
    for (name, module) in modules {
        module.set_readonly(true);
        known.raw_set(format!("baleen.{name}"), &module)?;
        known.raw_set(format!("drweb.{name}"), &module)?;
        // `drweb` itself is the module that logs.
        if name == "log" {
            known.raw_set("drweb", &module)?;
        }
        baleen.raw_set(name, module)?;
    }
    baleen.set_readonly(true);
    known.raw_set("baleen", &baleen)?;
    let require = lua.create_function(move |_, name: mlua::LuaString| {
        let name = name.to_str()?;
        known
            .raw_get::<Option<Table>>(&*name)?
            .ok_or_else(|| mlua::Error::RuntimeError(format!("there is no module \"{}\"", &*name)))
    })?;
    lua.globals().raw_set("require", require)?;
    lua.globals().raw_set("baleen", baleen)
}

fn log_module(lua: &Lua, log: &Log) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    for level in LEVELS {
        let log = log.clone();
        let function = lua.create_function(move |_, text: mlua::LuaString| {
            log.add(level, &text.to_string_lossy());
            Ok(())
        })?;
        module.raw_set(level, function)?;
    }
    let log = log.clone();
    let function =
        lua.create_function(move |_, (level, text): (mlua::LuaString, mlua::LuaString)| {
            let wanted = level.to_string_lossy();
            let level = LEVELS.iter().find(|known| wanted.eq_ignore_ascii_case(known));
            log.add(level.unwrap_or(&"notice"), &text.to_string_lossy());
            Ok(())
        })?;
    module.raw_set("log", function)?;
    Ok(module)
}

/// Compiled expressions, by their text, whether case counts, and whether they have to fit the whole text.
type Kept = RefCell<AHashMap<(Vec<u8>, bool, bool), Regex>>;

fn regex_module(lua: &Lua) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    let hasher = ahash::RandomState::with_seeds(1, 2, 3, 4);
    let kept: Rc<Kept> = Rc::new(RefCell::new(AHashMap::with_hasher(hasher)));
    for (name, whole) in [("search", false), ("match", true)] {
        let kept = Rc::clone(&kept);
        type Arguments = (Value, mlua::LuaString, Option<Value>);
        let function = lua.create_function(move |_, (patterns, text, flags): Arguments| {
            let ignore_case =
                flags.is_some_and(|flags| !matches!(flags, Value::Nil | Value::Boolean(false)));
            let text = text.as_bytes();
            if text.len() > TEXT_BYTES_MAX {
                return Err(mlua::Error::RuntimeError(format!(
                    "a text can have {TEXT_BYTES_MAX} bytes"
                )));
            }
            for pattern in patterns_of(&patterns)? {
                if compiled(&kept, &pattern, ignore_case, whole)?.is_match(&text) {
                    return Ok(true);
                }
            }
            Ok(false)
        })?;
        module.raw_set(name, function)?;
    }
    module.raw_set("ignore_case", 1)?;
    Ok(module)
}

fn patterns_of(value: &Value) -> mlua::Result<Vec<mlua::LuaString>> {
    match value {
        Value::String(pattern) => Ok(vec![pattern.clone()]),
        Value::Table(list) => {
            list.sequence_values::<mlua::LuaString>().take(PATTERNS_MAX).collect()
        }
        other => Err(mlua::Error::RuntimeError(format!(
            "a pattern is a text or a list of texts, not a {}",
            other.type_name()
        ))),
    }
}

fn compiled(
    kept: &Kept,
    pattern: &mlua::LuaString,
    ignore_case: bool,
    whole: bool,
) -> mlua::Result<Regex> {
    let key = (pattern.as_bytes().to_vec(), ignore_case, whole);
    if let Some(regex) = kept.borrow().get(&key) {
        return Ok(regex.clone());
    }
    let text = pattern.to_string_lossy();
    let text = if whole { format!("\\A(?:{text})\\z") } else { text };
    let built = RegexBuilder::new(&text)
        .unicode(false)
        .case_insensitive(ignore_case)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_BYTES_MAX)
        .build();
    let regex = built.map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default().to_owned();
        mlua::Error::RuntimeError(format!("no regular expression: {last}"))
    })?;
    let mut kept = kept.borrow_mut();
    // Patterns that a script makes anew for each message would fill the memory.
    if kept.len() >= PATTERNS_MAX {
        kept.clear();
    }
    kept.insert(key, regex.clone());
    Ok(regex)
}

fn lookup_module(lua: &Lua, policy: Arc<Policy>) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    let function =
        lua.create_function(move |lua, (what, of): (mlua::LuaString, mlua::LuaString)| {
            let (what, of) = (what.to_string_lossy(), of.to_string_lossy());
            looked_up(lua, &policy, &what, &of)
        })?;
    module.raw_set("lookup", function)?;
    Ok(module)
}

fn looked_up(lua: &Lua, policy: &Policy, what: &str, of: &str) -> mlua::Result<Value> {
    let is = |name: &str| what.eq_ignore_ascii_case(name);
    let user = User::of(of);
    if is("FILE") {
        return lua.create_sequence_from(policy.groups().of(&user)).map(Value::Table);
    }
    if let Some((source, group)) = what.split_once('@')
        && source.eq_ignore_ascii_case("FILE")
    {
        let is_in = policy.groups().of(&user).any(|one| one.eq_ignore_ascii_case(group));
        return Ok(Value::Boolean(is_in));
    }
    let target = if of.contains("://") { of.to_owned() } else { format!("http://{of}") };
    let url = UrlParts::of(b"GET", target.as_bytes(), None);
    let url = url.map_err(|fault| mlua::Error::RuntimeError(format!("\"{of}\": {fault}")))?;
    let listed = policy.check_url(&url);
    if is("BlackList") {
        return Ok(Value::Boolean(matches!(listed, UrlDecision::Black(_))));
    }
    if is("WhiteList") {
        return Ok(Value::Boolean(matches!(listed, UrlDecision::White(_))));
    }
    if is("AdList") {
        return Ok(Value::Boolean(policy.ads().find(&url).is_some()));
    }
    if is("Category") {
        let all = policy.database().map(|known| known.categories(&url)).unwrap_or_default();
        return lua.create_sequence_from(all.iter().map(Category::snake_name)).map(Value::Table);
    }
    Err(mlua::Error::RuntimeError(format!("\"{what}\" cannot be looked up")))
}

fn config_module(lua: &Lua, source: &Source) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    let config = source.config.clone();
    let function = lua.create_function(move |_, name: mlua::LuaString| {
        let name = name.to_string_lossy();
        let found = config.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        Ok(found.map(|(_, value)| value.clone()))
    })?;
    module.raw_set("get", function)?;
    Ok(module)
}

/// Lines that a script can log for one message.
const LINES_MAX: usize = 16;

/// Of a line, so much is logged.
const LINE_LETTERS_MAX: usize = 1_000;

/// A text that regular expressions are tried on.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Patterns of one call, and those that are kept compiled.
const PATTERNS_MAX: usize = 128;

/// A compiled expression.
const REGEX_BYTES_MAX: usize = 1 << 20;
