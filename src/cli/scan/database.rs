//! The signatures of a run: a compiled image, files compiled on the spot, or the test file's.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::terminal::{Screen, Tone};
use crate::engine::Engine;
use crate::engine::database::format::{Format, loading_order};
use crate::engine::database::{
    BuildOptions, Built, Image, ImageFault, Sources, build, builtin::builtin_sources,
};
use crate::engine::limits::Limits;
use crate::engine::matcher::{self, GramCounts};

/// Why there is no database to scan with.
#[derive(Debug)]
pub(super) enum Fault {
    /// A file or directory could not be read.
    Read(PathBuf, io::Error),
    /// A file is not a compiled database.
    Image(PathBuf, ImageFault),
    /// A directory without a file of any known format.
    Empty(PathBuf),
    /// Nothing in the files could be loaded.
    Nothing,
    /// What was just compiled cannot be opened: a defect of ours.
    Own(ImageFault),
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, fault) => write!(out, "{}: {fault}", path.display()),
            Self::Image(path, fault) => write!(out, "{}: {fault}", path.display()),
            Self::Empty(path) => write!(
                out,
                "{}: no signature file in it (its name would end in .ndb, .hdb, .hsb, …)",
                path.display()
            ),
            Self::Nothing => out.write_str("no signature could be loaded"),
            Self::Own(fault) => write!(out, "the compiled database cannot be opened: {fault}"),
        }
    }
}

/// The engine for a run. What could not be loaded is said on `errors`.
pub(super) fn engine<W: io::Write>(
    image: Option<&Path>,
    db: &[PathBuf],
    errors: &mut Screen<W>,
) -> Result<Engine, Fault> {
    let image = match image {
        Some(path) => {
            let bytes = read(path)?;
            Image::open(Arc::new(bytes)).map_err(|fault| Fault::Image(path.to_owned(), fault))?
        }
        None => compiled(db, errors)?,
    };
    Ok(Engine::new(Arc::new(image), Limits::default()))
}

fn compiled<W: io::Write>(db: &[PathBuf], errors: &mut Screen<W>) -> Result<Image, Fault> {
    let sources = if db.is_empty() {
        builtin_sources(BuildOptions::default())
    } else {
        let mut sources = Sources::new(BuildOptions::default());
        for path in files(db)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            sources.add_file(&name, &read(&path)?);
        }
        sources
    };
    let built = build(
        sources,
        &|bodies| matcher::compile(bodies, &GramCounts::new()),
        &mut |_| {},
    );
    complain(&built, errors);
    if built.facts.signatures() == 0 && built.facts.trusted.total() == 0 {
        return Err(Fault::Nothing);
    }
    Image::open(Arc::new(built.image)).map_err(Fault::Own)
}

/// Every file, in the order in which they load.
fn files(db: &[PathBuf]) -> Result<Vec<PathBuf>, Fault> {
    let mut files = Vec::new();
    for path in db {
        let fault = |fault| Fault::Read(path.clone(), fault);
        if !fs::metadata(path).map_err(fault)?.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        for entry in fs::read_dir(path).map_err(fault)? {
            let path = entry.map_err(fault)?.path();
            if Format::of(&path.to_string_lossy()).is_some() {
                files.push(path);
            }
        }
        if files.len() == before {
            return Err(Fault::Empty(path.clone()));
        }
    }
    files.sort_by(|one, other| {
        let name = |path: &Path| {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        loading_order(&name(one)).cmp(&loading_order(&name(other)))
    });
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    fs::read(path).map_err(|fault| Fault::Read(path.to_owned(), fault))
}

/// Says what did not load: a few lines in full, the rest as a number.
fn complain<W: io::Write>(built: &Built, errors: &mut Screen<W>) {
    for file in &built.report.files {
        for line in file.bad.iter().take(BAD_LINES_SHOWN) {
            errors.tagged(
                Tone::Note,
                "set aside:",
                format_args!("{}: {line}", file.name),
            );
        }
        let unsaid = file.totals.bad.saturating_sub(BAD_LINES_SHOWN as u64);
        if unsaid > 0 {
            let name = &file.name;
            errors.tagged(
                Tone::Note,
                "set aside:",
                format_args!("{name}: {unsaid} more lines; `baleen db test` names them"),
            );
        }
        let unsupported = file.totals.unsupported_count();
        if unsupported > 0 || file.not_read.is_some() {
            let name = &file.name;
            errors.tagged(
                Tone::Note,
                "not used:",
                format_args!(
                    "{name}: {unsupported} signatures of kinds that are not supported yet"
                ),
            );
        }
    }
}

const BAD_LINES_SHOWN: usize = 3;
