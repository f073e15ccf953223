//! The command line.
//!
//! A word that begins with `@` is a file of further words, one or more to a line, `#` begins a
//! comment: the files in `perf/scenario` are such lists. Absent on purpose: environment variables
//! and defaults that depend on the machine.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};

use crate::content::Kind;
use crate::judge::{Block, Form};
use crate::message::Method;
use crate::schedule::Arrival;
use crate::size::{BodySize, List};
use crate::size::{parse_body_size, parse_bytes, parse_duration, parse_weighted};

/// Loads an ICAP server and checks every answer.
///
/// Exit code: 0 when every answer was right, 1 when one was wrong or missing, 2 when the run could
/// not be made. A word @FILE stands for the words in that file (see perf/scenario).
#[derive(Debug, Parser)]
#[command(name = "icap-load", version, args_override_self = true)]
pub(crate) struct Options {
    /// The service
    #[arg(value_name = "icap://HOST[:PORT]/SERVICE", value_parser = Target::parse)]
    pub(crate) target: Target,
    /// What is sent.
    #[command(flatten)]
    pub(crate) shape: ShapeOptions,
    /// How much and how fast.
    #[command(flatten)]
    pub(crate) load: LoadOptions,
    /// What is checked and told.
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// What is sent.
#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
pub(crate) struct ShapeOptions {
    /// What is adapted.
    #[arg(short, long, value_enum, default_value = "respmod")]
    pub(crate) method: Method,
    /// Body sizes: 1KiB, 16MiB, none; a list with weights: 1KiB=8,64KiB=2
    #[arg(short, long, default_value = "1KiB", value_parser = parse_sizes)]
    pub(crate) size: List<BodySize>,
    /// Kinds of body, with weights as --size: random, text, executable, elf, zeros, or
    /// file: and a path
    #[arg(long, default_value = "random", value_parser = parse_kinds)]
    pub(crate) content: List<Kind>,
    /// Percent of bodies that begin with the EICAR test string
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = parse_percent)]
    pub(crate) infected: u32,
    /// Bytes of preview offered, or off
    #[arg(long, value_name = "BYTES|off", default_value = "1024", value_parser = parse_preview)]
    pub(crate) preview: Preview,
    /// Send Allow: 204
    #[arg(long, value_name = "on|off", default_value = "on", value_enum)]
    pub(crate) allow_204: Switch,
    /// A field of each ICAP head, as in "X-Name: value", for services that want one; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = parse_field)]
    pub(crate) field: Vec<String>,
    /// Payload bytes of one chunk at most
    #[arg(long, value_name = "SIZE", default_value = "64KiB", value_parser = parse_bytes)]
    pub(crate) chunk: usize,
    /// Keep the last so many bytes of a body back until the server is idle: what is measured behind them
    /// is the verdict, without what waited in buffers
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, conflicts_with = "unix")]
    pub(crate) hold_last: Option<usize>,
    /// Send the same bytes each time (verdict caches), instead of a unique URL and body
    #[arg(long)]
    pub(crate) repeat: bool,
    /// Seed of bodies and choices
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// How much and how fast.
#[derive(Debug, Args)]
#[command(next_help_heading = "Load")]
pub(crate) struct LoadOptions {
    /// Connections that carry requests
    #[arg(short, long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) connections: u32,
    /// Threads that share the connections
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) threads: u32,
    /// Open loop: requests per second, whatever the server does; latency counts from the intended
    /// moment
    #[arg(short, long, value_name = "PER_SECOND")]
    pub(crate) rate: Option<f64>,
    /// How the open loop spreads its requests
    #[arg(long, value_enum, default_value = "poisson")]
    pub(crate) arrival: Arrival,
    /// How long to measure; with --requests: at most
    #[arg(short, long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub(crate) duration: Duration,
    /// Stop after this many measured requests
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) requests: Option<u64>,
    /// Load without measuring before
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    pub(crate) warmup: Duration,
    /// A request that takes longer is wrong
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
    /// A connection for each request, closed by the server
    #[arg(long)]
    pub(crate) new_connection: bool,
    /// Connections held open beside, after one OPTIONS each
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(crate) idle: u32,
    /// Clients beside that send one byte every 100 ms
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub(crate) slow: u32,
}

/// What is checked and told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Checks and output")]
pub(crate) struct OutputOptions {
    /// The only right answer to a clean body
    #[arg(long, value_enum, default_value = "any")]
    pub(crate) expect: Form,
    /// Which answer to an infected body counts as a block
    #[arg(long, value_enum, default_value = "told")]
    pub(crate) block: Block,
    /// Process of the server, with its children, for CPU and memory; may be repeated
    #[arg(long, value_name = "PID")]
    pub(crate) server_pid: Vec<u32>,
    /// Connect to this unix socket; the URI is still what the request line says
    #[arg(long, value_name = "PATH")]
    pub(crate) unix: Option<PathBuf>,
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub(crate) json: bool,
    /// No load: one probe for each way a body can travel, printed one by one
    #[arg(long)]
    pub(crate) check_only: bool,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Switch {
    /// It is done.
    On,
    /// It is not.
    Off,
}

/// Whether a preview is offered, and of how many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preview {
    /// No `Preview` field.
    Off,
    /// `Preview: N`.
    Bytes(usize),
}

impl Preview {
    /// The bytes offered.
    pub(crate) const fn bytes(self) -> Option<usize> {
        match self {
            Self::Off => None,
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}

/// The service under load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// As it goes into the request line.
    pub(crate) uri: String,
    /// Host and port, as they go into `Host`.
    pub(crate) host: String,
    /// Host and port to connect to.
    authority: String,
}

impl Target {
    /// Reads an `icap:` URI.
    ///
    /// # Errors
    ///
    /// A sentence for the person who typed it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("icap://").ok_or("a target is icap://HOST[:PORT]/SERVICE")?;
        let (host, service) = rest.split_once('/').ok_or("the target has no /SERVICE")?;
        if host.is_empty() || text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(format!("'{text}' is no target: write icap://HOST[:PORT]/{service}"));
        }
        // The brackets of an IPv6 address hold colons of their own.
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        Ok(Self {
            uri: text.to_owned(),
            host: host.to_owned(),
            authority: if has_port { host.to_owned() } else { format!("{host}:{ICAP_PORT}") },
        })
    }

    /// The address to connect to.
    ///
    /// # Errors
    ///
    /// The name has no address.
    pub(crate) fn address(&self) -> Result<SocketAddr, String> {
        let addresses = self.authority.to_socket_addrs();
        let mut addresses = addresses.map_err(|fault| format!("{}: {fault}", self.authority))?;
        addresses.next().ok_or_else(|| format!("{} has no address", self.authority))
    }
}

/// Reads the command line; a call for help ends the program.
///
/// # Errors
///
/// An `@` file cannot be read.
pub(crate) fn from_command_line() -> Result<Options, String> {
    let mut words = Vec::new();
    for word in std::env::args() {
        match word.strip_prefix('@') {
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|fault| format!("{path}: {fault}"))?;
                words.extend(words_of(&text));
            }
            None => words.push(word),
        }
    }
    Ok(Options::parse_from(words))
}

/// The words of a scenario file.
fn words_of(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split_once('#').map_or(line, |(words, _)| words));
    lines.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

fn parse_sizes(text: &str) -> Result<List<BodySize>, String> {
    List::parse(text, parse_body_size)
}

fn parse_kinds(text: &str) -> Result<List<Kind>, String> {
    List::parse(text, |entry| parse_weighted(entry, Kind::parse))
}

/// Thousandths of a percent: `5`, `0.25`, `12.5%`.
fn parse_percent(text: &str) -> Result<u32, String> {
    let text = text.trim_end_matches('%');
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{part:0<3}");
    let thousandths = digits
        .parse()
        .ok()
        .filter(|value| !whole.is_empty() && part.len() <= 3 && *value <= PERCENT_ALL);
    thousandths
        .ok_or_else(|| format!("'{text}' is no percentage from 0 to 100 with three decimals"))
}

/// One line of a head, without its end.
fn parse_field(text: &str) -> Result<String, String> {
    let name = text.split_once(": ").map_or("", |(name, _)| name);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if name.is_empty() || !name.bytes().all(is_name) || text.bytes().any(|byte| byte < b' ') {
        return Err(format!("'{text}' is no field: write Name: value"));
    }
    Ok(text.to_owned())
}

fn parse_preview(text: &str) -> Result<Preview, String> {
    match text {
        "off" => Ok(Preview::Off),
        bytes => parse_bytes(bytes).map(Preview::Bytes),
    }
}

/// One hundred percent in thousandths of a percent.
pub(crate) const PERCENT_ALL: u32 = 100_000;

/// RFC 3507 section 4.1.
const ICAP_PORT: u16 = 1344;

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Options, Preview, Target, parse_field, parse_percent, words_of};

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn a_target_alone_is_enough() {
        let options = Options::try_parse_from(["icap-load", "icap://127.0.0.1/echo"]).unwrap();
        assert_eq!(options.shape.preview, Preview::Bytes(1_024));
        assert_eq!(options.target.address().unwrap().port(), 1344);
    }

    #[test]
    fn later_words_overrule_those_of_a_scenario() {
        let words = words_of("icap-load icap://h/s # the target\n\n--size 1KiB=8,none\n");
        let words = words.iter().map(String::as_str).chain(["--size", "2KiB"]);
        let options = Options::try_parse_from(words).unwrap();
        assert_eq!(options.shape.size.0.len(), 1);
    }

    #[test]
    fn every_scenario_of_the_project_is_a_command_line() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/perf/scenario");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let words = words_of(&std::fs::read_to_string(&path).unwrap());
            let command = ["icap-load".to_owned(), "icap://h/s".to_owned()].into_iter();
            let parsed = Options::try_parse_from(command.chain(words));
            assert!(parsed.is_ok(), "{}: {parsed:?}", path.display());
            count += 1;
        }
        assert!(count > 0, "scenarios are there");
    }

    #[test]
    fn targets_are_checked() {
        let authority = |text| Target::parse(text).map(|target| target.authority);
        assert_eq!(authority("icap://h:99/s"), Ok("h:99".to_owned()));
        assert_eq!(authority("icap://[::1]/s"), Ok("[::1]:1344".to_owned()));
        assert_eq!(authority("icap://[::1]:9/s"), Ok("[::1]:9".to_owned()));
        for text in ["http://h/s", "icap://h", "icap:///s", "icap://h/a b"] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fields_are_one_line_each() {
        assert_eq!(parse_field("X-A: b, c"), Ok("X-A: b, c".to_owned()));
        for text in ["X-A", ": b", "X A: b", "X-A: b\r\nX-B: c"] {
            assert!(parse_field(text).is_err(), "{text}");
        }
    }

    #[test]
    fn percentages_have_three_decimals() {
        assert_eq!(parse_percent("5"), Ok(5_000));
        assert_eq!(parse_percent("0.25"), Ok(250));
        assert_eq!(parse_percent("100%"), Ok(100_000));
        for text in ["100.001", "-1", "0.0001", "x", ""] {
            assert!(parse_percent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for words in [["--infected", "101"], ["--connections", "0"], ["--preview", "x"]] {
            let words = ["icap-load", "icap://h/s"].into_iter().chain(words);
            assert!(Options::try_parse_from(words).is_err());
        }
    }
}
