//! The files that a path stands for, one after another, in an order that does not depend on the disk.

use std::fs::{self, File, FileType};
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// Walks a path. Directories that are waiting are the only thing kept.
pub(super) struct Walk {
    /// What is still to be opened, the next one last.
    waiting: Vec<Waiting>,
    recursive: bool,
}

struct Waiting {
    path: PathBuf,
    origin: Origin,
}

/// How a path was come by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The user named it.
    Named,
    /// It is a file in a directory.
    File,
    /// It is a directory in a directory.
    Directory,
}

/// One thing that was come by.
pub(super) enum Found {
    /// A file that is open, with its size where that is certain.
    File(PathBuf, File, Option<u64>),
    /// What could not be opened or read, and why.
    Fault(PathBuf, String),
}

impl Walk {
    pub(super) fn new(path: &Path, recursive: bool) -> Self {
        Self { waiting: vec![Waiting { path: path.to_owned(), origin: Origin::Named }], recursive }
    }

    fn visit(&mut self, waiting: Waiting) -> Result<Option<Found>, (PathBuf, String)> {
        let Waiting { path, origin } = waiting;
        let fault = |path: &Path, fault: &io::Error| (path.to_owned(), fault.to_string());
        if origin != Origin::File {
            let metadata = fs::metadata(&path).map_err(|error| fault(&path, &error))?;
            let file_type = metadata.file_type();
            if file_type.is_dir() {
                self.enter(&path).map_err(|error| fault(&path, &error))?;
                return Ok(None);
            }
            if !is_readable(file_type) {
                return Err((path, "not a file, a pipe or a directory".to_owned()));
            }
        }
        let file = File::open(&path).map_err(|error| fault(&path, &error))?;
        let metadata = file.metadata().map_err(|error| fault(&path, &error))?;
        // Files of /proc and the like say 0 and have contents; nothing is certain about a pipe.
        let size = Some(metadata.len()).filter(|size| metadata.is_file() && *size > 0);
        Ok(Some(Found::File(path, file, size)))
    }

    /// Puts the entries of a directory in line: its files first, then the directories below it.
    fn enter(&mut self, path: &Path) -> io::Result<()> {
        let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        let origin = |file_type: FileType| match () {
            () if file_type.is_file() => Some(Origin::File),
            () if file_type.is_dir() && self.recursive => Some(Origin::Directory),
            // Links would lead out of the directory or around in it; devices never end.
            () => None,
        };
        let mut files = Vec::new();
        let mut directories = Vec::new();
        for entry in entries {
            match origin(entry.file_type()?) {
                Some(origin @ Origin::Directory) => {
                    directories.push(Waiting { path: entry.path(), origin });
                }
                Some(origin) => files.push(Waiting { path: entry.path(), origin }),
                None => {}
            }
        }
        self.waiting.extend(directories.into_iter().rev());
        self.waiting.extend(files.into_iter().rev());
        Ok(())
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let waiting = self.waiting.pop()?;
            match self.visit(waiting) {
                Ok(None) => {}
                Ok(Some(found)) => return Some(found),
                Err((path, fault)) => return Some(Found::Fault(path, fault)),
            }
        }
    }
}

/// What can be read to an end: files and pipes. Devices have none, sockets cannot be opened.
fn is_readable(file_type: FileType) -> bool {
    file_type.is_file() || file_type.is_fifo()
}
