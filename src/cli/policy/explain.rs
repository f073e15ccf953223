//! `baleen policy explain`: each step of the decision about one address.

use std::net::IpAddr;
use std::process::ExitCode;

use serde_json::json;

use super::{EXIT_BLOCKED, EXIT_GOOD, Source};
use crate::cli::terminal::finish;
use crate::policy::directory::Membership;
use crate::policy::{Asked, Categories, Category, Direction, Moment, Question, Reputation};
use crate::runtime::directory::ask_once;
use crate::runtime::local_moment;

/// Arguments of `policy explain`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub struct Args {
    /// The address, as `http://example.com/path` or `example.com`
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    source: Source,
    /// The user
    #[arg(long, value_name = "USER", default_value = "")]
    user: String,
    /// A group of a directory that the user is in; several allowed
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// Ask the directory of the settings for the groups of the user, when the decision depends on them
    #[arg(long, conflicts_with = "group")]
    ask: bool,
    /// The address of the user's machine
    #[arg(long, value_name = "IP")]
    client: Option<IpAddr>,
    /// The address of the origin server
    #[arg(long, value_name = "IP")]
    server: Option<IpAddr>,
    /// The local time, as "Mon 09:00"; now if not given
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    time: Option<Moment>,
    /// The HTTP method
    #[arg(long, default_value = "GET")]
    method: String,
    /// Decide about the response, not about the request
    #[arg(long)]
    response: bool,
    /// The Content-Type of the body
    #[arg(long, value_name = "TYPE", default_value = "")]
    content_type: String,
    /// The size of the body in bytes
    #[arg(long, value_name = "BYTES")]
    size: Option<u64>,
    /// A category that reputation services name, or none; several allowed
    #[arg(long, value_name = "CATEGORY")]
    reputation: Vec<String>,
    /// The name of a threat that the scan would find
    #[arg(long, value_name = "NAME", default_value = "")]
    threat: String,
    /// Show also the rules that do not apply
    #[arg(long)]
    all: bool,
    /// Print the steps as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    finish("policy", told(args))
}

fn told(args: &Args) -> Result<(String, u8), String> {
    let configuration = args.source.read()?;
    let threats = configuration.settings.adaptation_options().blocked_threats;
    let mut asked = asked(args)?;
    let tell = |asked: &Asked| {
        let told = configuration.policy.tell(asked, threats);
        told.map_err(|fault| format!("{}: {fault}", args.url))
    };
    let mut told = tell(&asked)?;
    let asks = told.asking.is_some_and(|asking| asking.question == Question::Groups);
    if args.ask
        && asks
        && let Some(directory) = configuration.directory.clone()
    {
        let answers = ask_once(directory, std::slice::from_ref(&args.user))?;
        asked.membership = answers.into_iter().next().map(|answer| answer.membership);
        told = tell(&asked)?;
    }
    let code = if told.blocked == Some(true) { EXIT_BLOCKED } else { EXIT_GOOD };
    if args.json {
        let value = json!({ "url": args.url, "blocked": told.blocked, "steps": told.story.steps });
        let text = serde_json::to_string_pretty(&value).map_err(|error| error.to_string())?;
        return Ok((text + "\n", code));
    }
    Ok((told.story.text(args.all), code))
}

fn asked(args: &Args) -> Result<Asked, String> {
    Ok(Asked {
        url: args.url.clone(),
        method: args.method.to_ascii_uppercase(),
        direction: if args.response { Direction::Response } else { Direction::Request },
        user: args.user.clone(),
        membership: (!args.group.is_empty()).then(|| {
            Membership::given(args.group.iter().map(|group| Box::from(group.as_str())).collect())
        }),
        client: args.client,
        server: args.server,
        moment: args.time.unwrap_or_else(local_moment),
        content_type: args.content_type.clone(),
        size: args.size,
        reputation: reputation(&args.reputation)?,
        counted: 0,
        threat: args.threat.clone(),
    })
}

fn reputation(names: &[String]) -> Result<Reputation, String> {
    match names {
        [] => Ok(Reputation::Unasked),
        [none] if none.eq_ignore_ascii_case("none") => Ok(Reputation::Unknown),
        names => {
            let named = names.iter().map(|name| {
                Category::named(name).ok_or_else(|| format!("there is no category \"{name}\""))
            });
            named.collect::<Result<Categories, String>>().map(Reputation::Known)
        }
    }
}
