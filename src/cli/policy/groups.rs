//! `baleen policy groups`: the groups of users, asked from the directory of `[LookupD]` as the gateway would ask.
//!
//! Exit codes: 0, every user is known; 1, a user is not; 2, the settings cannot be used, no directory is
//! configured, or it gave no answer.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{EXIT_BLOCKED, EXIT_GOOD, EXIT_TROUBLE, Source};
use crate::cli::terminal::finish;
use crate::policy::directory::Answer;
use crate::policy::user::User;
use crate::runtime::directory::{Told, ask_once};

/// Arguments of `policy groups`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Users, as the proxy would name them
    #[arg(value_name = "USER", required = true)]
    users: Vec<String>,
    #[command(flatten)]
    source: Source,
    /// Print one JSON object for each user
    #[arg(long)]
    json: bool,
}

/// Runs the command.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    finish("policy", asked(args))
}

fn asked(args: &Args) -> Result<(String, u8), String> {
    let configuration = args.source.read()?;
    let policy = configuration.policy;
    let directory = configuration
        .directory
        .ok_or("LdapServers of [LookupD] is empty: there is no directory to ask")?;
    let told = ask_once(directory, &args.users)?;
    let mut out = String::new();
    let mut code = EXIT_GOOD;
    for (user, told) in args.users.iter().zip(&told) {
        code = code.max(match told.membership.answer {
            Answer::Groups { .. } => EXIT_GOOD,
            Answer::NoUser => EXIT_BLOCKED,
            Answer::NoAnswer(_) => EXIT_TROUBLE,
        });
        let of_file: Vec<&str> = policy.groups().of(&User::of(user)).collect();
        if args.json {
            out += &format!("{}\n", json(user, told, &of_file));
        } else {
            out += &text(user, told, &of_file);
        }
    }
    Ok((out, code))
}

fn text(user: &str, told: &Told, of_file: &[&str]) -> String {
    let membership = &told.membership;
    let mut out = format!("{user}: {membership}, {} ms\n", told.time.as_millis());
    if let Answer::Groups { dn, groups } = &membership.answer {
        out += &format!("    DN: {dn}\n");
        for group in groups.iter() {
            out += &format!("    group: {group}\n");
        }
    }
    if !of_file.is_empty() {
        out += &format!("    in the group file: {}\n", of_file.join(", "));
    }
    out += &format!("    asked with {}\n", told.user_filter);
    if let Some(filter) = &told.group_filter {
        out += &format!("    and with {filter}\n");
    }
    out
}

fn json(user: &str, told: &Told, of_file: &[&str]) -> Value {
    let membership = &told.membership;
    let (answer, dn, groups, why) = match &membership.answer {
        Answer::Groups { dn, groups } => ("user", &**dn, groups.to_vec(), None),
        Answer::NoUser => ("no user", "", Vec::new(), None),
        Answer::NoAnswer(failure) => ("no answer", "", Vec::new(), Some(failure.to_string())),
    };
    json!({
        "user": user, "answer": answer, "dn": dn, "groups": groups, "detail": why,
        "server": &*membership.server, "file_groups": of_file,
        "user_filter": told.user_filter, "group_filter": told.group_filter,
        "milliseconds": u64::try_from(told.time.as_millis()).unwrap_or(u64::MAX),
    })
}
