//! The one way from files to a database that can be scanned with: for `serve`, `baleen scan` and
//! `baleen db` alike.
//!
//! ```text
//!   files ─▶ key (`kept`) ─▶ StateDir/image/<key>.image there?
//!                                │ no                       │ yes
//!   read, verify, parse ─▶ compile ─▶ write section by section ─▶ rename ─▶ map, check, give pages back
//! ```
//!
//! An unchanged source is not compiled again, neither at the next start nor at a reload. Shards share
//! the mapped pages; an image that nobody needs any more is removed at the next load, while whoever
//! still scans with it keeps its pages. A container that is not what somebody known signed stops the
//! load: what is in force stays in force.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::database::container::Trust;
use crate::engine::database::signature::BodySignature;
use crate::engine::database::{
    BuildOptions, DatabaseFacts, Image, Progress, Report, Sources, Workers, Written, build,
    build_into, builtin_sources,
};
use crate::engine::matcher::{self, GramCounts};

use super::kept::{kept, read_key, remove_others};
use super::storage::{database_files, open_image, read_database, replace_atomically};

/// What a database is made from, and who helps.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// Files and folders; none: the embedded test signature.
    pub names: &'a [PathBuf],
    /// Which signatures count.
    pub options: BuildOptions,
    /// Whose containers are believed.
    pub trust: Arc<Trust>,
    /// Who parses, compiles and checks.
    pub workers: Arc<dyn Workers>,
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
pub enum Stage<'a> {
    /// This file is being read, the how manieth of how many.
    File(&'a Path, usize, usize),
    /// The image is being made.
    Build(Progress),
}

/// A database ready to scan with.
#[derive(Debug)]
pub struct Loaded {
    /// The image.
    pub image: Image,
    /// What became of the lines, when it was compiled now.
    pub report: Option<Report>,
}

/// Loads a database for a service: one compiled image is mapped as it is, anything else is compiled into
/// `images` or found there.
///
/// # Errors
///
/// A text that names the file and what is wrong.
pub fn load(plan: &Plan<'_>, images: &Path) -> Result<Loaded, String> {
    if plan.names.is_empty() {
        return compile(plan, &mut |_| {});
    }
    if let [name] = plan.names
        && is_image(name)
    {
        return Ok(Loaded { image: open(name, &*plan.workers)?, report: None });
    }
    let files = files(plan)?;
    if let Some(kept) = kept(plan, &files, images)?
        && let Ok(image) = open(&kept, &*plan.workers)
    {
        remove_others(images, &kept);
        return Ok(Loaded { image, report: None });
    }
    let sources = read(plan, &files, &mut |_| {})?;
    check_containers(sources.report())?;
    check_some(&sources.facts())?;
    // A file may have changed since: what was read has the last word on its name.
    let kept = images.join(read_key(plan, sources.report()).file_name());
    fs::create_dir_all(images).map_err(|fault| format!("{}: {fault}", images.display()))?;
    let written = write(sources, &kept, &mut |_| {})?;
    remove_others(images, &kept);
    Ok(Loaded { image: open(&kept, &*plan.workers)?, report: Some(written.report) })
}

/// Compiles a database in memory, for one run.
///
/// # Errors
///
/// As [`load`].
pub fn compile(plan: &Plan<'_>, tell: &mut dyn FnMut(Stage<'_>)) -> Result<Loaded, String> {
    let sources = sources(plan, tell)?;
    check_containers(sources.report())?;
    check_some(&sources.facts())?;
    let built = build(sources, &compile_matcher, &mut |step| tell(Stage::Build(step)));
    let image = Image::open_with(Arc::new(built.image), &*plan.workers);
    Ok(Loaded { image: image.map_err(|fault| fault.to_string())?, report: Some(built.report) })
}

/// Compiles a database into a file.
///
/// # Errors
///
/// As [`load`]; an older file at `path` is untouched then.
pub fn compile_to(
    plan: &Plan<'_>,
    path: &Path,
    tell: &mut dyn FnMut(Stage<'_>),
) -> Result<Written, String> {
    let sources = sources(plan, tell)?;
    check_containers(sources.report())?;
    write(sources, path, tell)
}

/// Reads and verifies everything, without compiling it. Refused containers are in the report.
///
/// # Errors
///
/// A text that names the file that cannot be read.
pub fn sources(plan: &Plan<'_>, tell: &mut dyn FnMut(Stage<'_>)) -> Result<Sources, String> {
    if plan.names.is_empty() {
        return Ok(builtin_sources(plan.options.clone()).on(Arc::clone(&plan.workers)));
    }
    let files = files(plan)?;
    read(plan, &files, tell)
}

/// Maps and checks a compiled image.
///
/// # Errors
///
/// A text that names the file and what is wrong.
pub fn open(path: &Path, workers: &dyn Workers) -> Result<Image, String> {
    open_image(path, workers).map_err(|fault| fault.to_string())
}

/// Compiles body patterns. Large sets are compiled with [`training`]; for small ones it would cost more
/// than it brings.
#[must_use]
pub fn compile_matcher(bodies: &[BodySignature]) -> Vec<u8> {
    let training = if bodies.len() < TRAINED_MIN { GramCounts::new() } else { training() };
    matcher::compile(bodies, &training)
}

/// How often short runs of bytes occur in an executable: this one, the only one that is surely there.
/// Untrained where it cannot be read: that costs speed, never a match.
#[must_use]
pub fn training() -> GramCounts {
    let mut counts = GramCounts::new();
    let mut bytes = Vec::new();
    if let Ok(file) = fs::File::open("/proc/self/exe")
        && file.take(TRAINING_BYTES_MAX).read_to_end(&mut bytes).is_ok()
    {
        counts.train(&bytes);
    }
    counts
}

fn files(plan: &Plan<'_>) -> Result<Vec<PathBuf>, String> {
    let files = database_files(plan.names).map_err(|fault| fault.to_string())?;
    if files.is_empty() {
        let names: Vec<String> = plan.names.iter().map(|name| name.display().to_string()).collect();
        return Err(format!("no signature file in {}", names.join(", ")));
    }
    Ok(files)
}

fn read(
    plan: &Plan<'_>,
    files: &[PathBuf],
    tell: &mut dyn FnMut(Stage<'_>),
) -> Result<Sources, String> {
    let sources = Sources::new(plan.options.clone());
    let mut sources = sources.on(Arc::clone(&plan.workers)).trusting(Arc::clone(&plan.trust));
    let read = read_database(files, &mut sources, &mut |index| {
        if let Some(path) = files.get(index) {
            tell(Stage::File(path, index, files.len()));
        }
    });
    read.map_err(|fault| fault.to_string())?;
    Ok(sources)
}

fn write(
    sources: Sources,
    path: &Path,
    tell: &mut dyn FnMut(Stage<'_>),
) -> Result<Written, String> {
    let mut sources = Some(sources);
    let written = replace_atomically(path, &mut |file| {
        let sources = sources.take().ok_or(io::ErrorKind::Other)?;
        build_into(sources, &compile_matcher, &mut |step| tell(Stage::Build(step)), file)
    });
    written.map_err(|fault| fault.to_string())
}

/// A database without one of its containers would let through what the container knows.
fn check_containers(report: &Report) -> Result<(), String> {
    let refused = |file: &crate::engine::database::FileReport| {
        file.refused.as_ref().map(|why| format!("{}: the container is refused: {why}", file.name))
    };
    let faults: Vec<String> = report.files.iter().filter_map(refused).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

fn check_some(facts: &DatabaseFacts) -> Result<(), String> {
    if facts.signatures() == 0 && facts.trusted.total() == 0 {
        return Err("no signature could be loaded; `baleen db info` says why".to_owned());
    }
    Ok(())
}

fn is_image(path: &Path) -> bool {
    let mut magic = [0; Image::MAGIC.len()];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && magic == Image::MAGIC
}

/// Body patterns from which on training pays.
const TRAINED_MIN: usize = 1_000;

/// What is read of the executable: 16 MiB, a few hundredths of a second.
const TRAINING_BYTES_MAX: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::workers::Threads;

    fn plan(names: &[PathBuf], jobs: usize) -> Plan<'_> {
        Plan {
            names,
            options: BuildOptions::default(),
            trust: Arc::new(Trust::builtin(0)),
            workers: Arc::new(Threads::new(Some(jobs))),
        }
    }

    fn images(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }

    #[test]
    fn an_unchanged_source_is_compiled_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let (source, cache) = (folder.path().join("a.ndb"), folder.path().join("image"));
        fs::write(&source, "A:0:*:616263\n").expect("a file");
        let names = [source.clone()];
        let first = load(&plan(&names, 2), &cache).expect("a database");
        assert_eq!(first.report.expect("compiled now").totals().loaded, 1);
        let kept = images(&cache);
        assert_eq!(kept.len(), 1, "the image and nothing else");
        let again = load(&plan(&names, 1), &cache).expect("a database");
        assert!(again.report.is_none(), "found, not compiled");
        assert_eq!(again.image.facts(), first.image.facts());
        let as_it_is = load(&plan(&kept, 1), &cache).expect("an image");
        assert!(as_it_is.report.is_none());
        // Of the same size: only the content tells.
        fs::write(&source, "B:0:*:616264\n").expect("a file");
        let other = load(&plan(&names, 1), &cache).expect("a database");
        assert!(other.report.is_some());
        assert_ne!(images(&cache), kept, "the older image is gone");
        assert_eq!(images(&cache).len(), 1);
        assert_eq!(first.image.facts().bodies, 1, "who still has it keeps it");
        let mut options = plan(&names, 1);
        options.options.level = 100;
        assert!(load(&options, &cache).expect("a database").report.is_some());
        options.options.links.in_pages = true;
        assert!(load(&options, &cache).expect("a database").report.is_some(), "other links");
        fs::write(images(&cache).remove(0), "damaged").expect("a file");
        assert!(load(&options, &cache).expect("a database").report.is_some(), "made again");
    }

    #[test]
    fn a_refused_container_stops_the_load() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.ndb"), "A:0:*:616263\n").expect("a file");
        fs::write(folder.path().join("main.cvd"), "no container").expect("a file");
        let names = [folder.path().to_owned()];
        let fault = load(&plan(&names, 1), &folder.path().join("image")).expect_err("refused");
        assert_eq!(fault, "main.cvd: the container is refused: the header is not valid: field 1");
        assert!(compile(&plan(&names, 1), &mut |_| {}).is_err());
        let output = folder.path().join("out");
        assert!(compile_to(&plan(&names, 1), &output, &mut |_| {}).is_err());
        assert!(!output.exists());
        let sources = sources(&plan(&names, 1), &mut |_| {}).expect("what can be read is told");
        assert_eq!(sources.bodies().len(), 1);
    }

    #[test]
    fn the_image_does_not_depend_on_the_workers() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut text = String::new();
        for index in 0..40_000_u32 {
            text.push_str(&format!("Name.{}:0:*:{index:08x}ff{:08x}\n", index % 7_000, index * 31));
            if index % 1_000 == 0 {
                text.push_str("# a note\nbad line\n");
            }
        }
        let source = folder.path().join("a.ndb");
        fs::write(&source, text).expect("a file");
        let names = [source];
        let of = |jobs: usize| {
            let path = folder.path().join(jobs.to_string());
            let written = compile_to(&plan(&names, jobs), &path, &mut |_| {}).expect("an image");
            (fs::read(path).expect("an image"), written.report)
        };
        let (alone, report) = of(1);
        assert_eq!(report.totals().bad, 40);
        assert_eq!(report.files[0].bad[1].line, 1_005);
        for jobs in [2, 5] {
            let (image, other) = of(jobs);
            assert_eq!(other, report);
            assert!(image == alone, "{jobs} workers make another image");
        }
    }
}
