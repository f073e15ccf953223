//! The signatures of a run: a compiled image, files compiled on the spot, or the test file's.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::terminal::{Screen, Tone};
use crate::engine::Engine;
use crate::engine::database::{BuildOptions, NotRead, Report};
use crate::engine::limits::Limits;
use crate::runtime::database::{self, Plan};
use crate::runtime::{Threads, read_trust, unix_seconds};
use crate::settings::options::DatabaseTrust;

/// The engine for a run. What could not be loaded is said on `errors`; a failure is a text that names the
/// file and what is wrong.
pub(super) fn engine<W: io::Write>(
    image: Option<&Path>,
    db: &[PathBuf],
    errors: &mut Screen<W>,
) -> Result<Engine, String> {
    let threads = Threads::new(None);
    let image = match image {
        Some(path) => database::open(path, &threads)?,
        None => {
            let now_seconds = unix_seconds();
            let options = BuildOptions { created_seconds: now_seconds, ..BuildOptions::default() };
            let trust = Arc::new(read_trust(&DatabaseTrust::default(), now_seconds)?);
            let plan = Plan { names: db, options, trust, workers: Arc::new(threads) };
            let loaded = database::compile(&plan, &mut |_| {})?;
            complain(&loaded.report.unwrap_or_default(), errors);
            loaded.image
        }
    };
    Ok(Engine::new(Arc::new(image), Limits::default()))
}

/// Says what did not load: a few lines in full, the rest as a number.
fn complain<W: io::Write>(report: &Report, errors: &mut Screen<W>) {
    for file in &report.files {
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
            // It is told with its container.
            Some(NotRead::Seal) => {}
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
