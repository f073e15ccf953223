//! The database in force: signature files compiled once, kept as an image, mapped.
//!
//! ```text
//!   files ─▶ digest of names and contents ─▶ StateDir/image/<digest>.image there? ─▶ map it
//!                                                   │ no
//!                                                   └─▶ load, compile, write, map
//! ```
//!
//! An unchanged source is not compiled again, neither at the next start nor at a reload. Shards share
//! the mapped pages; an image that nobody needs any more is removed at the next load, while whoever
//! still scans with it keeps its pages.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::engine::database::signature::BodySignature;
use crate::engine::database::{
    BuildOptions, Built, Image, Report, Sources, build, builtin_sources,
};
use crate::engine::matcher::{self, GramCounts};

use super::storage::{database_files, map_image, read_database, write_atomically};

/// A database ready to scan with.
#[derive(Debug)]
pub struct Loaded {
    /// The image.
    pub image: Image,
    /// What became of the lines, when it was compiled now.
    pub report: Option<Report>,
}

/// Loads what the settings name: nothing stands for the embedded test signature, one compiled image
/// is mapped as it is, anything else is compiled or taken from `images`.
///
/// # Errors
///
/// A text that names the file and what is wrong.
pub fn load(names: &[PathBuf], options: BuildOptions, images: &Path) -> Result<Loaded, String> {
    if names.is_empty() {
        return open_built(compile(builtin_sources(options)));
    }
    if let [name] = names
        && is_image(name)
    {
        return Ok(Loaded { image: open(name)?, report: None });
    }
    let files = database_files(names).map_err(|fault| fault.to_string())?;
    if files.is_empty() {
        let names: Vec<String> = names.iter().map(|name| name.display().to_string()).collect();
        return Err(format!("no signature file in {}", names.join(", ")));
    }
    let key = key(&files, &options)?;
    let kept = images.join(format!("{key}.image"));
    if let Ok(image) = open(&kept) {
        remove_others(images, &kept);
        return Ok(Loaded { image, report: None });
    }
    let mut sources = Sources::new(options);
    read_database(&files, &mut sources, &mut |_index| {}).map_err(|fault| fault.to_string())?;
    let Built { image, facts, report } = compile(sources);
    if facts.signatures() == 0 {
        return Err("no signature could be loaded; `baleen db info` says why".to_owned());
    }
    fs::create_dir_all(images).map_err(|fault| format!("{}: {fault}", images.display()))?;
    write_atomically(&kept, &image).map_err(|fault| fault.to_string())?;
    drop(image);
    remove_others(images, &kept);
    Ok(Loaded { image: open(&kept)?, report: Some(report) })
}

/// Compiles loaded sources with the matcher.
#[must_use]
pub fn compile(sources: Sources) -> Built {
    build(sources, &compile_matcher, &mut |_step| {})
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

fn open_built(built: Built) -> Result<Loaded, String> {
    let image = Image::open(std::sync::Arc::new(built.image)).map_err(|fault| fault.to_string())?;
    Ok(Loaded { image, report: Some(built.report) })
}

fn open(path: &Path) -> Result<Image, String> {
    let bytes = map_image(path).map_err(|fault| fault.to_string())?;
    Image::open(bytes).map_err(|fault| format!("{}: {fault}", path.display()))
}

fn is_image(path: &Path) -> bool {
    let mut magic = [0; Image::MAGIC.len()];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && magic == Image::MAGIC
}

/// Changes whenever the image would: the program that compiles, the options, the files.
fn key(files: &[PathBuf], options: &BuildOptions) -> Result<String, String> {
    let mut digest = Sha256::new();
    digest.update(env!("CARGO_PKG_VERSION"));
    digest.update(format!("{} {}", options.level, options.potentially_unwanted));
    for path in files {
        let bytes = fs::read(path).map_err(|fault| format!("{}: {fault}", path.display()))?;
        let name = path.file_name().unwrap_or_default();
        digest.update(name.as_encoded_bytes());
        digest.update([0]);
        digest.update(Sha256::digest(&bytes));
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Removes images of earlier sources. One that is still mapped lives on until its last user is done.
fn remove_others(folder: &Path, kept: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path != kept && path.extension().is_some_and(|extension| extension == "image") {
            // It is found again at the next load.
            let _ignored = fs::remove_file(path);
        }
    }
}

/// Body patterns from which on training pays.
const TRAINED_MIN: usize = 1_000;

/// What is read of the executable: 16 MiB, a few hundredths of a second.
const TRAINING_BYTES_MAX: u64 = 16 << 20;
