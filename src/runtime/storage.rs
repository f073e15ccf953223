//! Files: databases and images, from and to the disk.
//!
//! A directory of signature files is read file by file in the order of A1.5, so that the peak is
//! one file. Whatever is written appears whole or not at all: temporary file, fsync, rename, fsync
//! of the folder (design 14). An image is mapped, so that all shards share one copy of its pages.
//!
//! Absent on purpose: what is in the files; `engine::database` knows.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::{Mmap, UncheckedAdvice};

use crate::engine::database::container::header::HEADER_BYTES;
use crate::engine::database::container::{Header, seal};
use crate::engine::database::format::{self, Format};
use crate::engine::database::{Image, Sources, Workers};

/// The files of databases that were named, in loading order over all of them. A directory stands
/// for its files, not for those of directories inside it.
///
/// # Errors
///
/// When a name does not exist or a directory cannot be listed; the message names it.
pub fn database_files(names: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for name in names {
        let about = fs::metadata(name).map_err(|fault| named(name, &fault))?;
        if !about.is_dir() {
            files.push(name.clone());
            continue;
        }
        for entry in fs::read_dir(name).map_err(|fault| named(name, &fault))? {
            let path = entry.map_err(|fault| named(name, &fault))?.path();
            // A link counts as what it points to; a dangling one is left for `read_database`,
            // which says so.
            if !path.is_dir() && !is_hidden(&path) {
                files.push(path);
            }
        }
    }
    files.sort_by_cached_key(|path| order(path));
    files.dedup();
    leave_out_older(&mut files);
    Ok(files)
}

/// Reads files into `sources`, one at a time; containers with their external signatures. `before` is told
/// each file's index before it is read.
///
/// # Errors
///
/// When a file cannot be read; the message names it. What was read before stays in `sources`.
pub fn read_database(
    files: &[PathBuf],
    sources: &mut Sources,
    before: &mut dyn FnMut(usize),
) -> io::Result<()> {
    for (index, path) in files.iter().enumerate() {
        before(index);
        let bytes = fs::read(path).map_err(|fault| named(path, &fault))?;
        let name = file_name(path);
        if matches!(Format::of(&name), Some((Format::Container, _))) {
            let seal = seal_of(path, &bytes)?;
            sources.add_container(&name, &bytes, seal.as_deref());
        } else {
            sources.add_file(&name, &bytes);
        }
    }
    Ok(())
}

/// The external signature beside a container.
fn seal_of(path: &Path, container: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let Ok(header) = Header::parse(container) else { return Ok(None) };
    for name in seal::names(&file_name(path), &header) {
        let path = path.with_file_name(name);
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|file| file.take(SEAL_BYTES_MAX).read_to_end(&mut bytes)) {
            Ok(_) => return Ok(Some(bytes)),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
            // One that is there but cannot be read may be the bad one.
            Err(fault) => return Err(named(&path, &fault)),
        }
    }
    Ok(None)
}

/// Of a `.cld` and a `.cvd` of one name beside each other, the newer one is used, as ClamAV does (A1.5).
fn leave_out_older(files: &mut Vec<PathBuf>) {
    let version = |path: &Path| {
        let mut head = Vec::new();
        let read =
            File::open(path).and_then(|file| file.take(HEADER_BYTES as u64).read_to_end(&mut head));
        read.ok().and_then(|_| Header::parse(&head).ok()).map(|header| header.version)
    };
    let patched: Vec<PathBuf> = files
        .iter()
        .filter(|path| path.extension().is_some_and(|one| one == "cld"))
        .cloned()
        .collect();
    for cld in patched {
        let cvd = cld.with_extension("cvd");
        if files.contains(&cvd) {
            // One without a readable version is the older one; as equals, the one that is signed whole stays.
            let older = if version(&cld) > version(&cvd) { cvd } else { cld };
            files.retain(|path| *path != older);
        }
    }
}

/// Puts `bytes` at `path` so that after a crash at any moment the old file or the new one is there.
///
/// # Errors
///
/// When the folder cannot be written; the temporary file is removed then.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_atomically(path, &mut |file| file.write_all(bytes))
}

/// The same for what `write` writes.
///
/// # Errors
///
/// Those of `write`, and when the folder cannot be written; the temporary file is removed then.
pub fn replace_atomically<T>(
    path: &Path,
    write: &mut dyn FnMut(&mut File) -> io::Result<T>,
) -> io::Result<T> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let name = format!(".{}.{}.new", file_name(path), std::process::id());
    let temporary = folder.join(name);
    let written = File::create(&temporary).and_then(|mut file| {
        let made = write(&mut file)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(folder)?.sync_all()?;
        Ok(made)
    });
    if written.is_err() {
        // The first failure is the one to tell about; the file may not even exist.
        drop(fs::remove_file(&temporary));
    }
    written.map_err(|fault| named(path, &fault))
}

/// Maps an image and checks it with the help of `workers`. The check reads every page; what it read is
/// given back afterwards, so that only the pages that scans need count as memory of the process.
///
/// # Errors
///
/// When the file cannot be opened or mapped, or is not an image; the message names it.
pub fn open_image(path: &Path, workers: &dyn Workers) -> io::Result<Image> {
    let file = File::open(path).map_err(|fault| named(path, &fault))?;
    let map = Arc::new(map(&file).map_err(|fault| named(path, &fault))?);
    let image = Image::open_with(Arc::clone(&map) as Arc<dyn AsRef<[u8]> + Send + Sync>, workers)
        .map_err(|fault| named(path, &io::Error::new(io::ErrorKind::InvalidData, fault)))?;
    give_back(&map);
    Ok(image)
}

/// A file in memory, as far as it is looked at.
#[derive(Debug)]
pub struct Mapped(Arc<Mmap>);

impl Mapped {
    /// Its bytes, for whoever keeps them.
    #[must_use]
    pub fn bytes(&self) -> Arc<dyn AsRef<[u8]> + Send + Sync> {
        Arc::clone(&self.0) as Arc<dyn AsRef<[u8]> + Send + Sync>
    }

    /// Lets go of the pages that a check has read.
    pub fn give_back(&self) {
        give_back(&self.0);
    }
}

/// Maps a file that is only ever replaced by rename.
///
/// # Errors
///
/// When it cannot be opened or mapped; the message names it.
pub fn map_file(path: &Path) -> io::Result<Mapped> {
    let file = File::open(path).map_err(|fault| named(path, &fault))?;
    map(&file).map(|map| Mapped(Arc::new(map))).map_err(|fault| named(path, &fault))
}

#[expect(unsafe_code, reason = "mapping a file; the block carries its proof")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map is read-only, and images are replaced by rename (`write_atomically`), never
    // written in place, so the pages of an open image do not change under the references to them.
    unsafe { Mmap::map(file) }
}

/// Lets go of the pages of a map; the system keeps them as long as it has room for them.
#[expect(unsafe_code, reason = "advice about mapped pages; the block carries its proof")]
fn give_back(map: &Mmap) {
    // SAFETY: the map is shared and of a file, and nobody writes to it: a page that is dropped is read from
    // the file again, with the same bytes, when it is next looked at.
    let advised = unsafe { map.unchecked_advise(UncheckedAdvice::DontNeed) };
    // Without it the pages stay until memory is short, as those of any file.
    drop(advised);
}

/// Puts the name of a file in front of what went wrong with it.
fn named(path: &Path, fault: &io::Error) -> io::Error {
    io::Error::new(fault.kind(), format!("{}: {fault}", path.display()))
}

fn order(path: &Path) -> (u8, String, PathBuf) {
    let name = file_name(path);
    let (rank, _) = format::loading_order(&name);
    (rank, name, path.to_owned())
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn is_hidden(path: &Path) -> bool {
    file_name(path).starts_with('.')
}

/// Longer ones are refused when they are checked.
const SEAL_BYTES_MAX: u64 = (1 << 20) + 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::database::{Alone, BuildOptions, build, builtin_sources};

    #[test]
    fn a_directory_is_read_in_loading_order() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["main.ndb", "z.ign2", "daily.ndb", ".hidden.ndb", "README"] {
            fs::write(folder.path().join(name), "A:0:*:616263\n").expect("a file");
        }
        fs::create_dir(folder.path().join("inner.ndb")).expect("a folder");
        let files = database_files(&[folder.path().to_owned()]).expect("a listing");
        let names: Vec<String> = files.iter().map(|path| file_name(path)).collect();
        assert_eq!(names, ["z.ign2", "daily.ndb", "README", "main.ndb"]);
        let mut sources = Sources::new(BuildOptions::default());
        let mut seen = Vec::new();
        read_database(&files, &mut sources, &mut |index| seen.push(index)).expect("files");
        assert_eq!(seen, [0, 1, 2, 3]);
        assert_eq!(sources.bodies().len(), 2);
    }

    #[test]
    fn of_two_containers_the_newer_one_is_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, version: &str| {
            let head = format!("ClamAV-VDB:1 Jan 2026 00-00 +0000:{version}:1:90:X:X:tester:1");
            fs::write(folder.path().join(name), format!("{head:<512}")).expect("a file");
        };
        let names = || {
            let files = database_files(&[folder.path().to_owned()]).expect("a listing");
            files.iter().map(|path| file_name(path)).collect::<Vec<_>>()
        };
        write("main.cvd", "62");
        write("daily.cvd", "9");
        write("daily.cld", "10");
        assert_eq!(names(), ["daily.cld", "main.cvd"]);
        write("daily.cvd", "10");
        assert_eq!(names(), ["daily.cvd", "main.cvd"]);
        write("daily.cvd", "?");
        assert_eq!(names(), ["daily.cld", "main.cvd"]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let missing = PathBuf::from("/nonexistent/x.ndb");
        let fault = database_files(&[missing]).expect_err("no such file");
        assert!(fault.to_string().starts_with("/nonexistent/x.ndb: "), "{fault}");
        let fault = open_image(Path::new("/nonexistent/image"), &Alone).expect_err("no such file");
        assert!(fault.to_string().starts_with("/nonexistent/image: "), "{fault}");
    }

    #[test]
    fn an_image_comes_back_through_the_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("image");
        fs::write(&path, "old").expect("a file");
        let sources = builtin_sources(BuildOptions::default());
        let built = build(sources, &|_| Vec::new(), &mut |_| {});
        write_atomically(&path, &built.image).expect("a writable folder");
        let image = open_image(&path, &Alone).expect("an image");
        assert_eq!(*image.facts(), built.facts);
        let left: Vec<_> = fs::read_dir(folder.path()).expect("a listing").collect();
        assert_eq!(left.len(), 1, "no temporary file stays");
    }

    #[test]
    fn a_write_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).expect("a folder");
        assert!(write_atomically(&taken, b"x").is_err());
        let left: Vec<_> = fs::read_dir(folder.path()).expect("a listing").collect();
        assert_eq!(left.len(), 1);
    }
}
