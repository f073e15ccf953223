//! The script of `MessageHook`: one Luau machine for each shard, in a sandbox.
//!
//! ```text
//!   MessageHook ─▶ Source ─ tried in the control thread ─▶ Arc<Source> ─▶ Script, one on each shard
//!                                                            facts ─▶ message_hook(ctx) ─▶ HookAnswer
//! ```
//!
//! What keeps a script inside: no files, no processes, no clock, no loading of code, no bytecode; a heap of its
//! own with a limit; and an interrupt that the machine calls on every loop and call, also inside pattern
//! matching. It looks at the clock now and then; once the time is over it raises an error at every later call,
//! so that `pcall` cannot swallow it. The clock is that of the thread's own work: what a busy machine gives to
//! others is not the script's fault. Functions inside of which the machine is not interrupted do little in one
//! call: `prelude.lua` bounds those that could do much. After [`BREACHES_MAX`] broken limits the script is not asked
//! any more on this shard, until a reload arms it again; [`GOOD_RUNS`] runs in a row within the limits make up for
//! them.
//!
//! The language is Luau: Lua 5.1 with more, without `goto`, integers and bit operators of Lua 5.3 (`bit32` is
//! there), without `io`, `os`, `debug` and coroutines.
//!
//! Absent on purpose: state that lives from one message to the next is possible but not promised: each shard
//! has its own machine.

#![forbid(unsafe_code)]

mod context;
mod modules;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use mlua::{Function, Lua, LuaOptions, StdLib, Value, VmState};

use crate::http::{RequestHead, Rules};
use crate::policy::{Facts, HookAnswer, Policy, UrlParts};
pub use context::Told;

/// A script, and what it may use up.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it comes from, for messages.
    pub name: String,
    /// Its text.
    pub text: String,
    /// How long it may run for one message.
    pub time_max: Duration,
    /// Bytes of its heap.
    pub memory_bytes_max: usize,
    /// Settings that it can read: `ICAPD.BlockUnchecked`.
    pub config: BTreeMap<String, String>,
}

/// Tells the time since any fixed moment: in the service the time that the thread has worked, so that a busy machine
/// breaks no limit.
pub type Clock = Box<dyn Fn() -> Duration>;

/// A script that is ready to be asked.
pub struct Script {
    lua: Lua,
    hook: Function,
    message: Function,
    budget: Rc<Budget>,
    log: modules::Log,
    time_max: Duration,
    breaches: u32,
    /// Answers within the limits since the last breach.
    good_runs: u32,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Script").field("breaches", &self.breaches).finish_non_exhaustive()
    }
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The answer.
    pub answer: HookAnswer,
    /// What went wrong; `None`: nothing.
    pub trouble: Option<Trouble>,
    /// What the script wants logged.
    pub log: Vec<LogLine>,
    /// It broke its limits for the last time: from now on it is not asked.
    pub disabled_now: bool,
}

impl Asked {
    const fn of(answer: HookAnswer) -> Self {
        Self { answer, trouble: None, log: Vec::new(), disabled_now: false }
    }
}

/// What went wrong with a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It ended with this error.
    Error(String),
    /// It returned something else than `"pass"` or `"block"`.
    Answer(String),
    /// It ran longer than it may.
    Time,
    /// It wanted more memory than it may have.
    Memory,
}

/// A line that a script wants logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How loud: `debug`, `info`, `notice`, `warning` or `error`.
    pub level: &'static str,
    /// The text.
    pub text: String,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Error(text) => write!(out, "the script failed: {text}"),
            Self::Answer(text) => {
                write!(out, "the script answered {text}, expected \"pass\" or \"block\"")
            }
            Self::Time => out.write_str("the script ran longer than MessageHookTimeout"),
            Self::Memory => out.write_str("the script needed more than MessageHookMemory"),
        }
    }
}

impl Script {
    /// Loads a script: runs its text once, within the limits, and looks for `message_hook`.
    ///
    /// # Errors
    ///
    /// [`Trouble`] says why it cannot be used.
    pub fn load(source: &Source, policy: Arc<Policy>, clock: Clock) -> Result<Self, Trouble> {
        let budget = Rc::new(Budget::new(clock));
        budget.begin(source.time_max.max(LOAD_TIME));
        let said = |error: &mlua::Error| trouble(error, &budget);
        let libraries = StdLib::STRING | StdLib::TABLE | StdLib::MATH | StdLib::BIT | StdLib::UTF8;
        let lua = Lua::new_with(libraries, LuaOptions::default()).map_err(|error| said(&error))?;
        lua.set_memory_limit(source.memory_bytes_max).map_err(|error| said(&error))?;
        let watch = Rc::clone(&budget);
        lua.set_interrupt(move |_| watch.look());
        let log = modules::Log::default();
        let prepared = prepare(&lua, source, policy, &log).map_err(|error| said(&error))?;
        let chunk = lua.load(source.text.as_str()).set_name(format!("={}", source.name));
        // Text only: bytecode can break the machine.
        let ran = chunk.set_mode(mlua::chunk::ChunkMode::Text).exec();
        ran.map_err(|error| said(&error))?;
        let hook: Value = lua.globals().get("message_hook").map_err(|error| said(&error))?;
        let Value::Function(hook) = hook else {
            return Err(Trouble::Error("it defines no function message_hook(ctx)".to_owned()));
        };
        log.take();
        Ok(Self {
            lua,
            hook,
            message: prepared,
            budget,
            log,
            time_max: source.time_max,
            breaches: 0,
            good_runs: 0,
        })
    }

    /// Asks the script about a message.
    pub fn ask(&mut self, told: &Told<'_>) -> Asked {
        if self.breaches >= BREACHES_MAX {
            return Asked::of(HookAnswer::Disabled);
        }
        self.budget.begin(self.time_max);
        let ended = self.run(told);
        let log = self.log.take();
        let trouble = match ended {
            // An answer that came only after the limit was broken is none.
            _ if self.budget.over.get() => Trouble::Time,
            Ok(Value::String(text)) if HookAnswer::of(&text.as_bytes()) != HookAnswer::Failed => {
                let answer = HookAnswer::of(&text.as_bytes());
                self.keep_limits();
                return Asked { log, ..Asked::of(answer) };
            }
            Ok(other) => Trouble::Answer(shown(&other)),
            Err(error) => trouble(&error, &self.budget),
        };
        if matches!(trouble, Trouble::Time | Trouble::Memory) {
            self.breaches += 1;
            self.good_runs = 0;
            // What is left of a broken run should not count against the next one.
            let _ignored = self.lua.gc_collect();
        } else {
            self.keep_limits();
        }
        let disabled_now = self.is_disabled();
        Asked { answer: HookAnswer::Failed, trouble: Some(trouble), log, disabled_now }
    }

    /// One more run within the limits: a script that keeps them for so long was not a bad one.
    const fn keep_limits(&mut self) {
        self.good_runs = self.good_runs.saturating_add(1);
        if self.good_runs >= GOOD_RUNS {
            self.breaches = 0;
        }
    }

    fn run(&self, told: &Told<'_>) -> mlua::Result<Value> {
        let bare = told.table(&self.lua)?;
        let message: Value = self.message.call(bare)?;
        self.hook.call(message)
    }

    /// Whether it broke its limits so often that it is not asked any more.
    #[must_use]
    pub const fn is_disabled(&self) -> bool {
        self.breaches >= BREACHES_MAX
    }
}

/// Takes away what a script may not have, gives it what it may, and closes the sandbox. Gives the function that
/// makes a message out of bare facts.
fn prepare(
    lua: &Lua,
    source: &Source,
    policy: Arc<Policy>,
    log: &modules::Log,
) -> mlua::Result<Function> {
    let globals = lua.globals();
    for name in [
        "loadstring",
        "load",
        "collectgarbage",
        "print",
        "getfenv",
        "setfenv",
        "newproxy",
        "require",
        "gcinfo",
    ] {
        globals.raw_set(name, Value::Nil)?;
    }
    modules::install(lua, source, policy, log)?;
    let message: Function = lua.load(include_str!("prelude.lua")).set_name("=prelude").eval()?;
    lua.sandbox(true)?;
    Ok(message)
}

/// What an error of the machine means.
fn trouble(error: &mlua::Error, budget: &Budget) -> Trouble {
    if budget.over.get() {
        return Trouble::Time;
    }
    match error {
        mlua::Error::MemoryError(_) => Trouble::Memory,
        mlua::Error::CallbackError { cause, .. } => trouble(cause, budget),
        other => {
            let text = other.to_string();
            if text.contains("not enough memory") {
                return Trouble::Memory;
            }
            let first = text.lines().next().unwrap_or_default();
            Trouble::Error(first.chars().take(MESSAGE_LETTERS_MAX).collect())
        }
    }
}

/// A returned value in a few words.
fn shown(value: &Value) -> String {
    match value {
        Value::Nil => "nothing".to_owned(),
        Value::String(text) => {
            let text = text.to_string_lossy();
            format!("\"{}\"", text.chars().take(MESSAGE_LETTERS_MAX).collect::<String>())
        }
        other => format!("a {}", other.type_name()),
    }
}

/// The time of one run.
struct Budget {
    clock: Clock,
    deadline: Cell<Duration>,
    looks: Cell<u32>,
    over: Cell<bool>,
}

impl Budget {
    fn new(clock: Clock) -> Self {
        Self {
            clock,
            deadline: Cell::new(Duration::ZERO),
            looks: Cell::new(0),
            over: Cell::new(false),
        }
    }

    fn begin(&self, time: Duration) {
        self.over.set(false);
        self.looks.set(0);
        self.deadline.set((self.clock)().saturating_add(time));
    }

    /// Called by the machine on every loop and call.
    fn look(&self) -> mlua::Result<VmState> {
        let looks = self.looks.get().wrapping_add(1);
        self.looks.set(looks);
        if looks.is_multiple_of(LOOKS_PER_CLOCK) && (self.clock)() > self.deadline.get() {
            self.over.set(true);
        }
        if self.over.get() {
            return Err(mlua::Error::RuntimeError("the time is over".to_owned()));
        }
        Ok(VmState::Continue)
    }
}

/// A request that nobody made, to try a script with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// The HTTP method.
    pub method: String,
    /// The address.
    pub url: String,
    /// The user; empty: nobody.
    pub user: String,
    /// The address of the user's machine.
    pub client: Option<IpAddr>,
    /// Fields of the request's head: `Name: value`.
    pub fields: Vec<String>,
}

impl Default for Rehearsal {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            url: "http://www.example.com/".to_owned(),
            user: String::new(),
            client: None,
            fields: vec!["Host: www.example.com".to_owned()],
        }
    }
}

impl Rehearsal {
    /// Loads a script and asks it about this request.
    ///
    /// # Errors
    ///
    /// [`Trouble`], also when the request cannot be read.
    pub fn run(
        &self,
        source: &Source,
        policy: &Arc<Policy>,
        clock: Clock,
    ) -> Result<Asked, Trouble> {
        let mut script = Script::load(source, Arc::clone(policy), clock)?;
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.url);
        for field in &self.fields {
            head.push_str(field);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        let mut request = RequestHead::default();
        let rules = Rules::tolerant(HEAD_BYTES_MAX, HEAD_FIELDS_MAX);
        let unreadable = |why: String| Trouble::Error(format!("the request cannot be read: {why}"));
        let parsed = request.parse(head.as_bytes(), &rules);
        parsed.map_err(|fault| unreadable(fault.to_string()))?;
        let url = UrlParts::of(request.method(), request.target(), request.field("Host"));
        let url = url.map_err(|fault| unreadable(fault.to_string()))?;
        let facts = Facts {
            method: request.method(),
            url: Some(&url),
            user: &self.user,
            client: self.client,
            ..Facts::NOTHING
        };
        let told = Told {
            facts: &facts,
            request: Some(&request),
            response: None,
            has_body: false,
            policy,
        };
        Ok(script.ask(&told))
    }
}

/// Loads a script and asks it about a request that nobody made: a script that fails at that would fail at
/// every message.
///
/// # Errors
///
/// [`Trouble`].
pub fn try_out(source: &Source, policy: &Arc<Policy>, clock: Clock) -> Result<(), Trouble> {
    let asked = Rehearsal::default().run(source, policy, clock)?;
    asked.trouble.map_or(Ok(()), Err)
}

/// A source, and what came of loading it.
type Loaded = (Arc<Source>, Result<Script, Trouble>);

/// The machine of a shard, made anew when the source changes.
#[derive(Debug, Default)]
pub struct Seat {
    loaded: RefCell<Option<Loaded>>,
}

impl Seat {
    /// Asks the script of this source. It is loaded first where that has not happened on this shard.
    pub fn ask(
        &self,
        source: &Arc<Source>,
        policy: &Arc<Policy>,
        clock: impl FnOnce() -> Clock,
        told: &Told<'_>,
    ) -> Asked {
        let mut loaded = self.loaded.borrow_mut();
        let is_other = loaded.as_ref().is_none_or(|(known, _)| !Arc::ptr_eq(known, source));
        if is_other {
            let script = Script::load(source, Arc::clone(policy), clock());
            *loaded = Some((Arc::clone(source), script));
        }
        match loaded.as_mut() {
            Some((_, Ok(script))) => script.ask(told),
            Some((_, Err(trouble))) => {
                let trouble = Some(trouble.clone());
                Asked { trouble, ..Asked::of(HookAnswer::Failed) }
            }
            None => Asked::of(HookAnswer::Failed),
        }
    }
}

/// Broken limits after which a script is not asked any more.
pub const BREACHES_MAX: u32 = 3;

/// Runs within the limits, one after the other, after which broken ones are forgotten.
pub const GOOD_RUNS: u32 = 1000;

/// The head of a rehearsed request.
const HEAD_BYTES_MAX: usize = 64 << 10;

const HEAD_FIELDS_MAX: usize = 256;

/// The interrupt reads the clock every so many calls: a call costs some nanoseconds, the clock fifty.
/// Between two of them there may be calls that work on texts as long as the heap: some milliseconds each.
const LOOKS_PER_CLOCK: u32 = 8;

/// Loading may take longer than answering: tables are built then.
const LOAD_TIME: Duration = Duration::from_millis(500);

/// Of an error or an answer, so much is told.
const MESSAGE_LETTERS_MAX: usize = 300;
