//! The signatures of a run: a compiled image, files compiled on the spot, or the test file's.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::terminal::{Screen, Tone};
use crate::engine::Engine;
use crate::engine::database::{
    BuildOptions, Built, Image, ImageFault, Sources, build, builtin_sources,
};
use crate::engine::limits::Limits;
use crate::runtime::{self, storage};

/// Why there is no database to scan with.
#[derive(Debug)]
pub(super) enum Fault {
    /// A file or directory could not be read; the message names it.
    Read(io::Error),
    /// A file is not a compiled database.
    Image(PathBuf, ImageFault),
    /// Nothing in the files could be loaded.
    Nothing,
    /// What was just compiled cannot be opened: a defect of ours.
    Own(ImageFault),
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(fault) => write!(out, "{fault}"),
            Self::Image(path, fault) => write!(out, "{}: {fault}", path.display()),
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
            let bytes = storage::map_image(path).map_err(Fault::Read)?;
            Image::open(bytes).map_err(|fault| Fault::Image(path.to_owned(), fault))?
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
        let files = storage::database_files(db).map_err(Fault::Read)?;
        storage::read_database(&files, &mut sources, &mut |_| {}).map_err(Fault::Read)?;
        sources
    };
    let built = build(sources, &runtime::database::compile_matcher, &mut |_| {});
    complain(&built, errors);
    if built.facts.signatures() == 0 && built.facts.trusted.total() == 0 {
        return Err(Fault::Nothing);
    }
    Image::open(Arc::new(built.image)).map_err(Fault::Own)
}

/// Says what did not load: a few lines in full, the rest as a number.
fn complain<W: io::Write>(built: &Built, errors: &mut Screen<W>) {
    for file in &built.report.files {
        let name = &file.name;
        for line in file.bad.iter().take(BAD_LINES_SHOWN) {
            errors.tagged(Tone::Note, "set aside:", format_args!("{name}: {line}"));
        }
        let shown = u64::try_from(file.bad.len().min(BAD_LINES_SHOWN)).unwrap_or(u64::MAX);
        let unsaid = file.totals.bad.saturating_sub(shown);
        if unsaid > 0 {
            let text = format_args!("{name}: {unsaid} more lines; `baleen db info` counts them");
            errors.tagged(Tone::Note, "set aside:", text);
        }
        match file.not_read {
            Some(why) => errors.tagged(Tone::Note, "not used:", format_args!("{name}: {why}")),
            None => {
                for (why, count) in &file.totals.unsupported {
                    let text = format_args!("{name}: {count} signatures: {why}");
                    errors.tagged(Tone::Note, "not used:", text);
                }
            }
        }
    }
}

const BAD_LINES_SHOWN: usize = 3;
