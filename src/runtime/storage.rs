//! Files: databases and images, from and to the disk.
//!
//! A directory of signature files is read file by file in the order of A1.5, so that the peak is
//! one file. Whatever is written appears whole or not at all: temporary file, fsync, rename, fsync
//! of the folder (design 14). An image is mapped, so that all shards share one copy of its pages.
//!
//! Absent on purpose: what is in the files; `engine::database` knows.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;

use crate::engine::database::{Sources, format};

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
    Ok(files)
}

/// Reads files into `sources`, one at a time. `before` is told each file's index before it is read.
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
        sources.add_file(&file_name(path), &bytes);
    }
    Ok(())
}

/// Puts `bytes` at `path` so that after a crash at any moment the old file or the new one is there.
///
/// # Errors
///
/// When the folder cannot be written; the temporary file is removed then.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let name = format!(".{}.{}.new", file_name(path), std::process::id());
    let temporary = folder.join(name);
    let written = write_new(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| File::open(folder)?.sync_all());
    if written.is_err() {
        // The first failure is the one to tell about; the file may not even exist.
        drop(fs::remove_file(&temporary));
    }
    written.map_err(|fault| named(path, &fault))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Maps a file for [`Image::open`](crate::engine::database::Image::open).
///
/// # Errors
///
/// When the file cannot be opened or mapped; the message names it.
pub fn map_image(path: &Path) -> io::Result<Arc<dyn AsRef<[u8]> + Send + Sync>> {
    let file = File::open(path).map_err(|fault| named(path, &fault))?;
    let map = map(&file).map_err(|fault| named(path, &fault))?;
    Ok(Arc::new(map))
}

#[expect(unsafe_code, reason = "mapping a file; the block carries its proof")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map is read-only, and images are replaced by rename (`write_atomically`), never
    // written in place, so the pages of an open image do not change under the references to them.
    unsafe { Mmap::map(file) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::database::{BuildOptions, Image, build, builtin_sources};

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
    fn a_missing_file_is_named() {
        let missing = PathBuf::from("/nonexistent/x.ndb");
        let fault = database_files(&[missing]).expect_err("no such file");
        assert!(fault.to_string().starts_with("/nonexistent/x.ndb: "), "{fault}");
        let fault = map_image(Path::new("/nonexistent/image")).map(drop);
        assert!(fault.is_err());
    }

    #[test]
    fn an_image_comes_back_through_the_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("image");
        fs::write(&path, "old").expect("a file");
        let sources = builtin_sources(BuildOptions::default());
        let built = build(sources, &|_| Vec::new(), &mut |_| {});
        write_atomically(&path, &built.image).expect("a writable folder");
        let image = Image::open(map_image(&path).expect("a file")).expect("an image");
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
