//! Compiled images that are kept, and the key by which one is found again.
//!
//! ```text
//!   <compiler, options, trust, names, sizes>-<SHA-256 of every file>.image
//! ```
//!
//! Files are not read to find out that they are new: the first half of a key is known without reading,
//! and only where an image of such files is kept are their digests made, through small windows. When
//! there is none, the digests fall off while the files are loaded. So a file is read twice only when
//! something in the files changed and no size did.
//!
//! The compiler is known by what it makes ([`fingerprint`]), the layouts of all sections included: an image
//! of another layout is not found, rather than refused.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::database::Plan;
use crate::engine::database::workers::gather;
use crate::engine::database::{Report, fingerprint};
use crate::engine::matcher::{self, GramCounts};

/// What the name of a kept image is made of.
pub(super) struct Key {
    /// Over what is known without reading a file: compiler, options, trust, names and sizes.
    shape: String,
    /// Over what is in the files.
    content: String,
}

impl Key {
    /// Of the image, in its folder.
    pub(super) fn file_name(&self) -> String {
        format!("{}-{}.image", self.shape, self.content)
    }
}

/// Where the image of these files is, if it is kept.
pub(super) fn kept(
    plan: &Plan<'_>,
    files: &[PathBuf],
    images: &Path,
) -> Result<Option<PathBuf>, String> {
    let sizes: Result<Vec<_>, _> = files.iter().map(|path| size(path)).collect();
    let shape = shape(plan, &sizes?);
    let Ok(entries) = fs::read_dir(images) else { return Ok(None) };
    let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    if !names.any(|name| name.starts_with(&shape)) {
        return Ok(None);
    }
    let content = content(&digests(plan, files)?);
    let path = images.join(Key { shape, content }.file_name());
    Ok(path.exists().then_some(path))
}

/// The key of what was read; members of containers are part of their containers.
pub(super) fn read_key(plan: &Plan<'_>, report: &Report) -> Key {
    let files = report.files.iter().filter(|file| !file.name.contains('/'));
    let (sizes, digests): (Vec<_>, Vec<_>) =
        files.map(|file| ((file.name.to_string(), file.bytes), file.sha256.0)).unzip();
    Key { shape: shape(plan, &sizes), content: content(&digests) }
}

/// Changes whenever the compiler, with the layouts of what it makes, or what it is told to do does, or
/// the name or size of a file.
fn shape(plan: &Plan<'_>, files: &[(String, u64)]) -> String {
    static COMPILER: LazyLock<[u8; 32]> =
        LazyLock::new(|| fingerprint(&|bodies| matcher::compile(bodies, &GramCounts::new())).0);
    let mut digest = Sha256::new();
    digest.update(env!("CARGO_PKG_VERSION"));
    digest.update(*COMPILER);
    let options = &plan.options;
    let unwanted = options.potentially_unwanted;
    digest.update(format!("training {TRAINING_VERSION} level {} {unwanted}\n", options.level));
    digest.update(format!("{:?}\n", options.links));
    digest.update(plan.trust.digest());
    for (name, bytes) in files {
        digest.update((name.len() as u64).to_le_bytes());
        digest.update(name);
        digest.update(bytes.to_le_bytes());
    }
    hex(&digest.finalize())
}

fn content(digests: &[[u8; 32]]) -> String {
    hex(&Sha256::digest(digests.as_flattened()))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The name of a file, and how many bytes are in it.
fn size(path: &Path) -> Result<(String, u64), String> {
    let about = fs::metadata(path).map_err(|fault| format!("{}: {fault}", path.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, about.len()))
}

/// The digests of files, through windows, by several workers.
fn digests(plan: &Plan<'_>, files: &[PathBuf]) -> Result<Vec<[u8; 32]>, String> {
    let digests = gather(&*plan.workers, files.len(), &|index| {
        let path = files.get(index).map_or_else(|| Path::new(""), PathBuf::as_path);
        digest(path).map_err(|fault| format!("{}: {fault}", path.display()))
    });
    digests.into_iter().collect()
}

fn digest(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = fs::File::open(path)?;
    let mut window = vec![0; WINDOW_BYTES];
    let mut digest = Sha256::new();
    loop {
        match file.read(&mut window)? {
            0 => return Ok(digest.finalize().into()),
            count => digest.update(&window[..count]),
        }
    }
}

/// Removes images of earlier sources. One that is still mapped lives on until its last user is done.
pub(super) fn remove_others(folder: &Path, kept: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path != kept && path.extension().is_some_and(|extension| extension == "image") {
            // It is found again at the next load.
            let _ignored = fs::remove_file(path);
        }
    }
}

/// Grows when large sets are trained in another way.
const TRAINING_VERSION: u32 = 1;

/// How much of a file is in memory while its digest is made.
const WINDOW_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::database::container::Trust;
    use crate::engine::database::{Alone, BuildOptions};

    #[test]
    fn files_are_not_read_to_find_out_that_they_are_new() {
        // A file that has a size and cannot be read.
        let names = [PathBuf::from("/proc/self/mem")];
        let plan = Plan {
            names: &names,
            options: BuildOptions::default(),
            trust: Arc::new(Trust::builtin(0)),
            workers: Arc::new(Alone),
        };
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(kept(&plan, &names, &folder.path().join("none")), Ok(None));
        assert_eq!(kept(&plan, &names, folder.path()), Ok(None));
        let shape = shape(&plan, &[size(&names[0]).expect("it is there")]);
        fs::write(folder.path().join(format!("{shape}-0.image")), "").expect("a file");
        let fault = kept(&plan, &names, folder.path()).expect_err("now its content matters");
        assert!(fault.starts_with("/proc/self/mem: "), "{fault}");
    }
}
