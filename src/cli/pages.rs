//! `baleen pages`: the block pages as a user would see them, without anybody being blocked.
//!
//! `list` says which page is made from which template, `preview` makes pages, with the templates that the
//! settings name. Exit codes: 0, made; 2, the settings or a template cannot be used, or a file cannot be
//! written: standard error says which.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::terminal::{Screen, put};
use crate::adaptation::Cause;
use crate::adaptation::page::{
    LANGUAGE_TAGS, PageFacts, Pages, REASONS, language_name, sample, sample_facts, template_of,
};
use crate::policy::Category;
use crate::runtime::configuration;

/// The subcommands of `pages`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Say which page is made from which template, in which languages
    List(ListArgs),
    /// Make pages with sample or given values, to standard output or into a folder
    Preview(Box<PreviewArgs>),
}

/// Arguments of `pages list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// The settings file; /etc/baleen/baleen.conf if not given
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the list as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `pages preview`.
#[derive(Debug, clap::Args)]
pub struct PreviewArgs {
    /// The settings file; /etc/baleen/baleen.conf if not given
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only the page for this reason; all if not given
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(REASONS))]
    reason: Option<String>,
    /// The language; the default of the settings if not given. "all": each
    #[arg(long, value_name = "TAG", value_parser = language)]
    language: Option<String>,
    /// As programs get it that ask for JSON
    #[arg(long)]
    json: bool,
    /// Write a file for each page into this folder
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// The category of the page for "category"
    #[arg(long, default_value = "Gambling", value_parser = category)]
    category: Category,
    /// The threat, the list's entry, the type, or the words of a rule
    #[arg(long, value_name = "TEXT")]
    detail: Option<String>,
    /// The address
    #[arg(long, value_name = "URL", default_value = "http://www.example.com/path?query=1")]
    url: String,
    /// The user
    #[arg(long, value_name = "NAME", default_value = "user")]
    user: String,
    /// Whom to ask; Hostmaster of the settings if not given
    #[arg(long, value_name = "TEXT")]
    contact: Option<String>,
}

/// Runs the command.
#[must_use]
pub fn run(command: &Command) -> ExitCode {
    let done = match command {
        Command::List(args) => list(args),
        Command::Preview(args) => preview(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            Screen::stderr().line(format_args!("baleen pages: {why}"));
            ExitCode::from(EXIT_FAILED)
        }
    }
}

/// A row of `pages list`.
#[derive(Debug, Serialize)]
struct Listed {
    reason: &'static str,
    language: &'static str,
    template: &'static str,
    /// The administrator's file below `TemplatesDir`; `None`: the program's.
    own: Option<String>,
}

fn list(args: &ListArgs) -> Result<(), String> {
    let (pages, _contact) = pages(args.config.as_deref())?;
    let rows: Vec<Listed> = REASONS
        .iter()
        .filter_map(|reason| Some((*reason, sample(reason, Category::Gambling, None)?)))
        .flat_map(|(reason, cause)| {
            let pages = &pages;
            pages.languages().map(move |language| Listed {
                reason,
                language,
                template: template_of(&cause),
                own: pages.own_template(&cause, language),
            })
        })
        .collect();
    let text = if args.json {
        // Strings always have a JSON form.
        serde_json::to_string_pretty(&rows).unwrap_or_default() + "\n"
    } else {
        let languages: Vec<String> = pages
            .languages()
            .map(|tag| format!("{tag} ({})", language_name(tag).unwrap_or_default()))
            .collect();
        let head = format!("languages: {}\n\n", languages.join(", "));
        rows.iter().fold(head, |text, row| {
            let from = row.own.as_deref().unwrap_or("embedded");
            text + &format!("{:17} {}  {:23} {from}\n", row.reason, row.language, row.template)
        })
    };
    put(text.as_bytes())
}

fn preview(args: &PreviewArgs) -> Result<(), String> {
    let (pages, contact) = pages(args.config.as_deref())?;
    let contact = args.contact.as_ref().unwrap_or(&contact);
    let offered: Vec<&str> = pages.languages().collect();
    let languages = match args.language.as_deref() {
        None => offered.into_iter().take(1).collect(),
        Some("all") => offered,
        Some(tag) if !offered.contains(&tag) => {
            return Err(format!("ReportLanguages does not offer {tag}: {}", offered.join(", ")));
        }
        Some(tag) => vec![tag],
    };
    let reasons: Vec<&str> = match &args.reason {
        Some(reason) => vec![reason],
        None => REASONS.to_vec(),
    };
    if let Some(folder) = &args.output {
        std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    }
    let is_single = languages.len() == 1 && reasons.len() == 1;
    for (reason, language) in
        reasons.iter().flat_map(|reason| languages.iter().map(move |language| (reason, language)))
    {
        let Some(cause) = sample(reason, args.category, args.detail.as_deref()) else { continue };
        let body = page(&pages, &cause, language, args, contact);
        match &args.output {
            Some(folder) => {
                let ending = if args.json { "json" } else { "html" };
                let path = folder.join(format!("{reason}.{language}.{ending}"));
                std::fs::write(&path, body).map_err(|error| failed(&path, &error))?;
                put(format!("{}\n", path.display()).as_bytes())?;
            }
            None => {
                if !is_single && !args.json {
                    put(format!("<!-- {reason}, {language} -->\n").as_bytes())?;
                }
                put(&body)?;
                put(b"\n")?;
            }
        }
    }
    Ok(())
}

/// The body of one page.
fn page(
    pages: &Pages,
    cause: &Cause,
    language: &str,
    args: &PreviewArgs,
    contact: &str,
) -> Vec<u8> {
    let facts = PageFacts {
        url: args.url.as_bytes(),
        user: &args.user,
        contact,
        accept: Some(if args.json { b"application/json" } else { b"text/html" }),
        accept_language: Some(language.as_bytes()),
        ..sample_facts(cause)
    };
    pages.render(&facts).body
}

/// The pages that the settings make, and whom they name.
fn pages(config: Option<&Path>) -> Result<(Pages, String), String> {
    let (findings, configuration) = configuration::read(config);
    let configuration = configuration.ok_or_else(|| findings.texts().join("\n"))?;
    Ok((configuration.pages, configuration.settings.server().contact))
}

fn language(text: &str) -> Result<String, String> {
    let tag = text.to_ascii_lowercase();
    if tag == "all" || LANGUAGE_TAGS.contains(&&*tag) {
        return Ok(tag);
    }
    Err(format!("expected all, {}", LANGUAGE_TAGS.join(", ")))
}

fn category(text: &str) -> Result<Category, String> {
    let names = Category::ALL.map(Category::name);
    Category::named(text).ok_or_else(|| format!("expected one of {}", names.join(", ")))
}

fn failed(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

const EXIT_FAILED: u8 = 2;
