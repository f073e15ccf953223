//! The table of events.

use std::fmt;

/// Something an administrator may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The service listens: address and number of shards.
    Listening {
        /// IP:port.
        address: String,
        /// How many shards accept there.
        shards: usize,
    },
    /// The clamd protocol is spoken: where, and by how many threads.
    ClamdListening {
        /// IP:port, or the path of a unix socket.
        address: String,
        /// Threads that scan.
        threads: usize,
    },
    /// `[ClamD] MaxConnections` is reached; said once, until there was room again.
    ClamdFull {
        /// Open connections.
        connections: usize,
    },
    /// A client of the clamd protocol asked for a reload.
    ReloadAsked {
        /// Its address, or `unix`.
        client: String,
    },
    /// A client of the clamd protocol was told of a threat.
    Reported(Box<Message>),
    /// A database is in force: where it came from, how many signatures, its version.
    DatabaseInForce {
        /// Files and folders as the settings name them.
        source: String,
        /// Signatures that can make a detection.
        signatures: u64,
        /// Made from the content.
        version: String,
    },
    /// Nothing but the test signature is loaded.
    DatabaseBuiltin,
    /// Some lines of the signature files are not in force: malformed ones, and ones that ask for
    /// what this engine does not do yet.
    DatabasePartly {
        /// Malformed lines.
        bad: u64,
        /// Valid lines of kinds that are not supported yet.
        unsupported: u64,
    },
    /// A note on the settings: accepted, but worth knowing.
    SettingsNote {
        /// With its place.
        text: String,
    },
    /// New settings and databases are in force.
    Reloaded {
        /// How long it took, beside the running service.
        milliseconds: u64,
    },
    /// A reload was refused; what was in force stays in force.
    ReloadRefused {
        /// Every problem, with its place.
        why: String,
    },
    /// A message was blocked.
    Blocked(Box<Message>),
    /// A message could not be fully scanned.
    Unscanned(Box<Message>),
    /// A client broke the protocol.
    ProtocolFault {
        /// Its address.
        client: String,
        /// What it did.
        fault: String,
    },
    /// A scan failed, which is a defect of ours. Told once for each message.
    ScanFailed {
        /// Of the message.
        url: String,
    },
    /// What has to look at the whole of an object found no thread in time. Told once for each message.
    ScanBusy {
        /// Of the message.
        url: String,
    },
    /// The script of `MessageHook` says something.
    Script {
        /// How loud it says so: `debug` to `error`.
        level: &'static str,
        /// What.
        text: String,
    },
    /// The script gave no answer: `BlockUnchecked` decided.
    ScriptFailed {
        /// Why.
        why: String,
    },
    /// The script broke its limits too often: this shard does not ask it any more, until a reload.
    ScriptDisabled,
    /// A connection's task panicked and was closed.
    ConnectionPanicked,
    /// A held body could not be kept.
    HoldFailed {
        /// What the system says.
        why: String,
    },
    /// A client was not let in: it may not connect, or does not speak TLS or PROXY where that is needed.
    Refused {
        /// Its address.
        client: String,
        /// Why.
        why: String,
    },
    /// Connections beyond `MaxConnections` were refused.
    Overloaded {
        /// Open connections.
        connections: usize,
    },
    /// Messages were not scanned because there was too much to do.
    TooMuch {
        /// How many, since it was told last.
        requests: u64,
        /// Which bound the last of them met.
        why: &'static str,
    },
    /// What became of a reputation service.
    Reputation {
        /// The zone of the list, or `Service`.
        service: String,
        /// What happened.
        state: ReputationState,
    },
    /// What became of a server of the directory.
    Directory {
        /// The server.
        server: String,
        /// What happened.
        state: DirectoryState,
    },
    /// A question to the directory and its answer: `DebugLibldap`.
    DirectoryAsked {
        /// The user.
        user: String,
        /// The filters, as RFC 4515 has them.
        asked: String,
        /// The answer.
        answer: String,
    },
    /// A decision depends on the groups of a user, and they are not known.
    GroupsUnknown {
        /// Of the message.
        url: String,
        /// The user.
        user: String,
        /// Why.
        why: String,
        /// Whether `BlockUnanswered` blocks what depends on them; else the rules that name them do not apply.
        blocks: bool,
    },
    /// The service stops taking connections and finishes what it has.
    Draining,
    /// Everything ended; so many connections were cut off at the deadline.
    Stopped {
        /// Connections.
        cut_off: usize,
    },
    /// Events were dropped because they came faster than the log takes them.
    EventsLost {
        /// Events.
        count: u64,
    },
}

/// What is told of a message that was not simply passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The transaction's id, as on the block page.
    pub id: String,
    /// The method and URL asked for; of the clamd protocol the path, `stream` or `fd[number]`.
    pub url: String,
    /// `REQMOD` or `RESPMOD`; of the clamd protocol the command.
    pub direction: &'static str,
    /// The user's address, when the proxy tells it; of the clamd protocol the client's.
    pub client: String,
    /// The user's name, when the proxy tells it.
    pub user: String,
    /// The threat, the list entry, or the reason why it was not scanned.
    pub reason: String,
    /// What was done: `blocked`, `broken off`, `passed`, `found`, `answered with ERROR`.
    pub action: &'static str,
    /// The step of the policy that decided: a rule, a switch, the script; empty: none had to.
    pub decided: String,
    /// Bytes of the body seen until then.
    pub bytes: u64,
    /// The way from the body to what was found in it, or not seen: name, type and size of each layer.
    pub layers: String,
    /// What left of the body before the verdict, and by which step; empty: nothing.
    pub released: String,
}

/// What became of a reputation service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReputationState {
    /// It failed several times in a row and is left alone for a while.
    Down,
    /// It answers again.
    Back,
    /// It lists the name that no list may: it is dead.
    ListsEverything,
}

/// What became of a server of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryState {
    /// It failed several times in a row and is left alone for a while.
    Down {
        /// What it failed of last.
        why: String,
    },
    /// It answers again.
    Back,
    /// Its certificate is not trusted, and it is used all the same.
    Untrusted {
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Display for ReputationState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Down => "does not answer and is left alone for a while",
            Self::Back => "answers again",
            Self::ListsEverything => "lists the name that no list may; it is not used for an hour",
        })
    }
}

/// How loud an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Somebody has to act.
    Error,
    /// Somebody should look.
    Warning,
    /// The normal course, worth keeping.
    Notice,
    /// Only of interest while looking for something.
    Debug,
}

impl Event {
    /// How loud it is.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self {
            Self::ReloadRefused { .. }
            | Self::ScanFailed { .. }
            | Self::ScriptDisabled
            | Self::ConnectionPanicked => Level::Error,
            Self::Script { level, .. } => match level.as_bytes() {
                b"error" => Level::Error,
                b"warning" => Level::Warning,
                b"debug" => Level::Debug,
                _ => Level::Notice,
            },
            Self::DatabaseBuiltin
            | Self::DatabasePartly { .. }
            | Self::SettingsNote { .. }
            | Self::Unscanned(_)
            | Self::ScanBusy { .. }
            | Self::ScriptFailed { .. }
            | Self::HoldFailed { .. }
            | Self::Refused { .. }
            | Self::Overloaded { .. }
            | Self::TooMuch { .. }
            | Self::Reputation {
                state: ReputationState::Down | ReputationState::ListsEverything,
                ..
            }
            | Self::Directory {
                state: DirectoryState::Down { .. } | DirectoryState::Untrusted { .. },
                ..
            }
            | Self::GroupsUnknown { .. }
            | Self::ClamdFull { .. }
            | Self::EventsLost { .. } => Level::Warning,
            Self::Listening { .. }
            | Self::ClamdListening { .. }
            | Self::ReloadAsked { .. }
            | Self::Reported(_)
            | Self::DatabaseInForce { .. }
            | Self::Reloaded { .. }
            | Self::Blocked(_)
            | Self::Reputation { state: ReputationState::Back, .. }
            | Self::Directory { state: DirectoryState::Back, .. }
            | Self::DirectoryAsked { .. }
            | Self::Draining
            | Self::Stopped { .. } => Level::Notice,
            Self::ProtocolFault { .. } => Level::Debug,
        }
    }
}

impl Event {
    fn write_overload(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMuch { requests, why } => {
                write!(out, "too much to do: {requests} messages were not scanned (last: {why})")
            }
            Self::Overloaded { connections } => write!(
                out,
                "MaxConnections reached: {connections} connections, new ones are refused"
            ),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening { address, shards } => {
                write!(out, "listening on {address}, {shards} shards")
            }
            Self::ClamdListening { address, threads } => {
                write!(out, "clamd protocol on {}, {threads} threads", Quoted(address))
            }
            Self::ClamdFull { connections } => write!(
                out,
                "[ClamD] MaxConnections reached: {connections} connections, new ones wait"
            ),
            Self::ReloadAsked { client } => write!(out, "clamd client {client} asks for a reload"),
            Self::DatabaseInForce { source, signatures, version } => {
                write!(
                    out,
                    "database in force: {signatures} signatures from {source}, version {version}"
                )
            }
            Self::DatabaseBuiltin => out.write_str(
                "no database is configured: only the EICAR test file is detected; \
                 set [ScanEngine] DatabaseDir",
            ),
            Self::DatabasePartly { bad, unsupported } => write!(
                out,
                "signatures not in force: {bad} malformed, {unsupported} of kinds not supported \
                 yet; see `baleen db info`"
            ),
            Self::SettingsNote { text } => write!(out, "settings: {text}"),
            Self::Reloaded { milliseconds } => write!(out, "reloaded in {milliseconds} ms"),
            Self::ReloadRefused { why } => {
                write!(out, "reload refused, the old settings stay in force: {why}")
            }
            Self::Blocked(message) | Self::Reported(message) => {
                write!(out, "{} {message}", message.action)
            }
            Self::Unscanned(message) => {
                write!(out, "not fully scanned, {} {message}", message.action)
            }
            Self::ProtocolFault { client, fault } => write!(out, "ICAP client {client}: {fault}"),
            Self::ScanFailed { url } => write!(out, "the scan of {} failed: our defect", Quoted(url)),
            Self::ScanBusy { url } => {
                write!(out, "the scan of {} was not finished: no thread was free", Quoted(url))
            }
            Self::Script { text, .. } => write!(out, "MessageHook says: {}", Quoted(text)),
            Self::ScriptFailed { why } => write!(out, "MessageHook: {}", Quoted(why)),
            Self::ScriptDisabled => out.write_str(
                "MessageHook is switched off on this shard: it broke its limits three times; reload to arm it",
            ),
            Self::ConnectionPanicked => out.write_str(CONNECTION_PANICKED),
            Self::HoldFailed { why } => write!(out, "a body could not be held back: {why}"),
            Self::Refused { client, why } => write!(out, "{client} was not let in: {why}"),
            Self::Overloaded { .. } | Self::TooMuch { .. } => self.write_overload(out),
            Self::Reputation { .. }
            | Self::Directory { .. }
            | Self::DirectoryAsked { .. }
            | Self::GroupsUnknown { .. } => self.service(out),
            Self::Draining => {
                out.write_str("stopping: no new connections, finishing what is under way")
            }
            Self::Stopped { cut_off } => write!(out, "stopped; {cut_off} connections were cut off"),
            Self::EventsLost { count } => {
                write!(out, "{count} events were lost: the log is too slow")
            }
        }
    }
}

impl Event {
    /// What is told of services that are asked; of other events nothing.
    fn service(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reputation { service, state } => {
                write!(out, "reputation: {} {state}", Quoted(service))
            }
            Self::Directory { server, state } => {
                write!(out, "directory: {} ", Quoted(server))?;
                match state {
                    DirectoryState::Down { why } => {
                        let why = Quoted(why);
                        write!(out, "does not answer and is left alone for a while: {why}")
                    }
                    DirectoryState::Back => out.write_str("answers again"),
                    DirectoryState::Untrusted { why } => {
                        let why = Quoted(why);
                        write!(out, "is used although its certificate is not trusted: {why}")
                    }
                }
            }
            Self::DirectoryAsked { user, asked, answer } => {
                let (user, asked, answer) = (Quoted(user), Quoted(asked), Quoted(answer));
                write!(out, "directory: {user} asked with {asked}: {answer}")
            }
            Self::GroupsUnknown { url, user, why, blocks } => {
                let (url, user, why) = (Quoted(url), Quoted(user), Quoted(why));
                let then = if *blocks {
                    "BlockUnanswered blocks what depends on them"
                } else {
                    "rules that name them do not apply"
                };
                write!(out, "the groups of {user} are not known for {url}: {why}; {then}")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} {} {}: {}",
            self.id,
            self.direction,
            Quoted(&self.url),
            Quoted(&self.reason)
        )?;
        if !self.client.is_empty() {
            write!(out, " client={}", Quoted(&self.client))?;
        }
        if !self.user.is_empty() {
            write!(out, " user={}", Quoted(&self.user))?;
        }
        if !self.decided.is_empty() {
            write!(out, " decided=\"{}\"", Quoted(&self.decided))?;
        }
        write!(out, " bytes={}", self.bytes)?;
        if !self.layers.is_empty() {
            write!(out, " layers=\"{}\"", Quoted(&self.layers))?;
        }
        if !self.released.is_empty() {
            write!(out, " released=\"{}\"", Quoted(&self.released))?;
        }
        Ok(())
    }
}

/// Text from outside, without anything that could forge a line of the log.
struct Quoted<'t>(&'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars().take(TEXT_CHARACTERS_MAX) {
            if character.is_control() {
                write!(out, "{}", character.escape_default())?;
            } else {
                write!(out, "{character}")?;
            }
        }
        Ok(())
    }
}

/// Of a URL or a name, so much is logged: a line stays readable, and an attacker cannot fill the log
/// with one request.
const TEXT_CHARACTERS_MAX: usize = 2_048;

const CONNECTION_PANICKED: &str = "a connection failed (a defect of ours) and was closed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_message_is_one_line_whatever_it_says() {
        let message = Message {
            id: "7-1".to_owned(),
            url: "http://a/\r\nblocked 8-1 forged".to_owned(),
            direction: "RESPMOD",
            client: "10.0.0.7".to_owned(),
            user: String::new(),
            reason: "Eicar-Test-Signature".to_owned(),
            action: "blocked",
            decided: "BlockKnownVirus".to_owned(),
            bytes: 68,
            layers: "CL_TYPE_ZIP 190 bytes > zip:a\nb CL_TYPE_TEXT_ASCII 68 bytes".to_owned(),
            released: "131072 bytes (TailSize)".to_owned(),
        };
        let event = Event::Blocked(Box::new(message));
        assert_eq!(event.level(), Level::Notice);
        assert_eq!(
            event.to_string(),
            "blocked 7-1 RESPMOD http://a/\\r\\nblocked 8-1 forged: Eicar-Test-Signature \
             client=10.0.0.7 decided=\"BlockKnownVirus\" bytes=68 \
             layers=\"CL_TYPE_ZIP 190 bytes > zip:a\\nb CL_TYPE_TEXT_ASCII 68 bytes\" released=\"131072 bytes (TailSize)\""
        );
    }

    #[test]
    fn what_the_directory_does_is_told_with_its_reason() {
        let (server, why) = ("ldap://one:389".to_owned(), "cannot connect\n".to_owned());
        let of = |state| Event::Directory { server: server.clone(), state };
        let unknown = |blocks| Event::GroupsUnknown {
            url: "GET http://a/".to_owned(),
            user: "anna".to_owned(),
            why: why.clone(),
            blocks,
        };
        for (event, level, text) in [
            (
                of(DirectoryState::Down { why: why.clone() }),
                Level::Warning,
                "directory: ldap://one:389 does not answer and is left alone for a while: cannot connect\\n",
            ),
            (of(DirectoryState::Back), Level::Notice, "directory: ldap://one:389 answers again"),
            (
                unknown(false),
                Level::Warning,
                "the groups of anna are not known for GET http://a/: cannot connect\\n; rules that name them do not apply",
            ),
            (
                unknown(true),
                Level::Warning,
                "the groups of anna are not known for GET http://a/: cannot connect\\n; BlockUnanswered blocks what depends on them",
            ),
        ] {
            assert_eq!((event.level(), event.to_string()), (level, text.to_owned()));
        }
    }
}
