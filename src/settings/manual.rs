//! The sample file and the manual, made from the rows.

use std::fmt::Write as _;

use super::quantity::{show_interval, show_size};
use super::row::{Effect, Kind, Never, Row};
use super::table::SECTIONS;

/// A settings file with every setting at its default, commented out and explained.
#[must_use]
pub fn sample() -> String {
    let mut out = String::from(SAMPLE_HEAD);
    for section in SECTIONS {
        // Writing to a string cannot fail.
        let _infallible = write!(out, "\n# {}\n[{}]\n", section.meaning, section.name);
        for row in section.rows {
            out.push('\n');
            let note = if row.effect == Effect::NotYet {
                " Accepted; not in effect in this version."
            } else {
                ""
            };
            comment(&mut out, &format!("{}{note}", row.meaning));
            comment(&mut out, &format!("{}.", describe(row.kind)));
            let _infallible =
                writeln!(out, ";{}", format!("{} = {}", row.key, row.default).trim_end());
        }
    }
    out
}

/// The manual's table of settings, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::new();
    for section in SECTIONS {
        let _infallible = write!(out, "### `[{}]`\n\n{}\n\n", section.name, section.meaning);
        out.push_str("| setting | type | default | a change takes effect | meaning |\n| --- | --- | --- | --- | --- |\n");
        for row in section.rows {
            let _infallible = writeln!(out, "{}", markdown_row(row));
        }
        out.push('\n');
    }
    out
}

fn markdown_row(row: &Row) -> String {
    // A bar inside a cell would be the end of it.
    let default = match row.default {
        "" => "–".to_owned(),
        default => format!("`{}`", default.replace('|', "\\|")),
    };
    let effect = match row.effect {
        Effect::Reload => "with a reload",
        Effect::Restart => "with a restart",
        Effect::NotYet => "not in this version",
    };
    let line =
        format!("`{}` | {} | {default} | {effect} | {}", row.key, describe(row.kind), row.meaning);
    format!("| {line} |")
}

/// A type in words, with its bounds.
fn describe(kind: Kind) -> String {
    match kind {
        Kind::Switch => "Yes or No".to_owned(),
        Kind::Integer { min, max } => format!("a number from {min} to {max}"),
        Kind::AutoInteger { min, max } => format!("Auto, or a number from {min} to {max}"),
        Kind::Interval { min_ms, max_ms, never } => {
            let never = match never {
                Never::Unsaid => "",
                Never::Zero => ", or 0",
                Never::None => ", or None",
            };
            format!("a time from {} to {}{never}", show_interval(min_ms), show_interval(max_ms))
        }
        Kind::Size { min, max } => format!("a size from {} to {}", show_size(min), show_size(max)),
        Kind::SizeOrNone { min, max } => {
            format!("a size from {} to {}, or None", show_size(min), show_size(max))
        }
        Kind::Choice(words) => format!("one of {}", words.join(", ")),
        Kind::Words(words) => format!("some of {}", words.join(", ")),
        Kind::Text => "text".to_owned(),
        Kind::Path => "a path".to_owned(),
        Kind::Paths => "paths".to_owned(),
        Kind::Address => "IP:port, or empty".to_owned(),
        Kind::Addresses => "IP:port, several allowed".to_owned(),
        Kind::Uplinks => "host:port, udp://:port or srv://name@domain, several allowed".to_owned(),
        Kind::Service => "https://host/path".to_owned(),
        Kind::DnsLists => "zone [what is asked] [answer=category], several allowed".to_owned(),
        Kind::CategoryNames => "word=category, several allowed".to_owned(),
        Kind::LdapServers => "ldap://host or ldaps://host, several allowed".to_owned(),
        Kind::LdapFilter => "a search filter of LDAP, or empty".to_owned(),
        Kind::Attributes => "names of attributes, several allowed".to_owned(),
        Kind::Listeners => "IP:port and a profile, several allowed".to_owned(),
        Kind::Field => "a header field as in X-Scanned-By: Baleen, or empty".to_owned(),
        Kind::FieldName => "the name of a header field as in X-Name, or empty".to_owned(),
        Kind::Names => "names of services, or None".to_owned(),
        Kind::Proxy => "host:port or user:password@host:port".to_owned(),
        Kind::Networks => "IP addresses, networks and ranges, several allowed".to_owned(),
        Kind::Sites => "domains, addresses and @files, several allowed".to_owned(),
        Kind::Types => "MIME types, several allowed".to_owned(),
        Kind::MimeRules => "rules, several allowed".to_owned(),
        Kind::Rules => {
            "a rule or @file, on several lines, or with numbers behind the name".to_owned()
        }
        Kind::Expressions => "regular expressions and files of them, several allowed".to_owned(),
        Kind::LogTarget => "Auto, Stderr[:ShowTimestamp], Syslog[:facility] or a file".to_owned(),
        Kind::User => "a user".to_owned(),
    }
}

fn comment(out: &mut String, text: &str) {
    let mut width = usize::MAX;
    for word in text.split_whitespace() {
        let wanted = width.saturating_add(word.chars().count()).saturating_add(1);
        if wanted > COMMENT_WIDTH {
            if !out.ends_with('\n') {
                out.push('\n');
            }
            out.push('#');
            width = 1;
        }
        out.push(' ');
        out.push_str(word);
        width = width.saturating_add(word.chars().count()).saturating_add(1);
    }
    out.push('\n');
}

const SAMPLE_HEAD: &str = "\
# Settings of Baleen. Lines that begin with ; or # are comments.
# What is commented out by ; is the default.
# Names are read in any case. Times: 30s, 1h30m, 2.5s. Sizes: 4096, 64KB, 10MB (steps of 1024).
# Lists: separated by commas, or on several lines. A value with blanks needs \"quotes\".
# Check a changed file with: baleen check-config FILE
";

/// Columns of a comment in the sample file.
const COMMENT_WIDTH: usize = 96;
