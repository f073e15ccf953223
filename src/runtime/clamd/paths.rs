//! Paths that clients name: what may be opened, and the files of a directory.
//!
//! Regular files and directories only. The last part of a path may not be a link, and nothing inside a
//! directory that is a link, a device, a pipe or a socket is looked at; clamd does the same, but says `OK`
//! of a link that was named, which nobody scanned. A file is opened without waiting and looked at
//! again once it is open, so that nothing slips in between.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, DirEntry, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::clamd::reply;

/// What a path leads to.
pub(super) enum Opened {
    /// A file and its size in bytes.
    File(File, u64),
    /// A directory.
    Directory(Dir),
}

/// Opens a path, or gives the reply that says why not.
///
/// # Errors
///
/// The reply.
pub(super) fn open(path: &[u8]) -> Result<Opened, Vec<u8>> {
    let name = Path::new(OsStr::from_bytes(path));
    if !name.is_absolute() {
        return Err(reply::path_failure(path, "A full path is required"));
    }
    open_at(CWD, name, path)
}

/// Opens a name in a directory; `path` is what a reply calls it.
fn open_at(at: impl AsFd, name: &Path, path: &[u8]) -> Result<Opened, Vec<u8>> {
    let unreachable = |error: Errno| reply::path_failure(path, &words(&error.into()));
    let about = rustix::fs::statat(&at, name, AtFlags::SYMLINK_NOFOLLOW).map_err(unreachable)?;
    let kind = FileType::from_raw_mode(about.st_mode);
    let flags = match kind {
        FileType::RegularFile => OFlags::NONBLOCK | OFlags::NOCTTY,
        FileType::Directory => OFlags::DIRECTORY,
        FileType::Symlink => return Err(reply::error(path, reply::LINK)),
        _ => return Err(reply::error(path, reply::NOT_SUPPORTED)),
    };
    let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = match rustix::fs::openat(&at, name, flags, Mode::empty()) {
        Err(Errno::ACCESS | Errno::PERM) if kind == FileType::RegularFile => {
            return Err(reply::error(path, reply::ACCESS_DENIED));
        }
        opened => opened.map_err(unreachable)?,
    };
    if kind == FileType::Directory {
        return Dir::new(opened).map(Opened::Directory).map_err(unreachable);
    }
    let (file, size) =
        regular(opened).map_err(|_other| reply::error(path, reply::NOT_SUPPORTED))?;
    Ok(Opened::File(file, size))
}

/// A descriptor as a file with its size, if it is one.
///
/// # Errors
///
/// When it is something else, or nothing can be said about it.
pub(super) fn regular(descriptor: OwnedFd) -> io::Result<(File, u64)> {
    let file = File::from(descriptor);
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok((file, about.len()))
}

/// What the system says, without its number.
pub(super) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// The files below a directory, in the order of the disk. What is kept is one open directory for each
/// level.
pub(super) struct Walk {
    levels: Vec<Level>,
    levels_max: usize,
    entries: u64,
}

struct Level {
    directory: Dir,
    path: Vec<u8>,
}

/// Something that was come by.
pub(super) enum Found {
    /// A file: its path, and its size in bytes.
    File(Vec<u8>, File, u64),
    /// Something that cannot be scanned: the reply.
    Fault(Vec<u8>),
}

impl Walk {
    /// Walks a directory that was opened.
    pub(super) fn new(path: &[u8], directory: Dir, levels_max: u32) -> Self {
        let mut path = path.to_vec();
        while path.len() > 1 && path.ends_with(b"/") {
            path.pop();
        }
        let levels_max = usize::try_from(levels_max).unwrap_or(usize::MAX);
        Self { levels: vec![Level { directory, path }], levels_max, entries: 0 }
    }

    /// The next file or fault; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Found> {
        loop {
            let level = self.levels.last_mut()?;
            let entry = match level.directory.read() {
                None => {
                    self.levels.pop();
                    continue;
                }
                Some(Err(error)) => {
                    let fault = reply::path_failure(&level.path, &words(&error.into()));
                    self.levels.pop();
                    return Some(Found::Fault(fault));
                }
                Some(Ok(entry)) => entry,
            };
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") || is_passed_over(kind(level, &entry)) {
                continue;
            }
            self.entries = self.entries.saturating_add(1);
            if self.entries > ENTRIES_MAX {
                let fault = reply::error(&level.path, "Too many files in one request.");
                self.levels.clear();
                return Some(Found::Fault(fault));
            }
            let path = join(&level.path, name);
            if let Some(found) = self.visit(Path::new(OsStr::from_bytes(name)), path) {
                return Some(found);
            }
        }
    }

    fn visit(&mut self, name: &Path, path: Vec<u8>) -> Option<Found> {
        let level = self.levels.last()?;
        let opened = match level.directory.fd() {
            Ok(directory) => open_at(directory, name, &path),
            Err(error) => Err(reply::path_failure(&path, &words(&error.into()))),
        };
        match opened {
            Ok(Opened::File(file, size)) => Some(Found::File(path, file, size)),
            Ok(Opened::Directory(_)) if self.levels.len() >= self.levels_max => {
                Some(Found::Fault(reply::error(&path, "MaxDirectoryRecursion reached.")))
            }
            Ok(Opened::Directory(directory)) => {
                self.levels.push(Level { directory, path });
                None
            }
            Err(fault) => Some(Found::Fault(fault)),
        }
    }
}

/// What kind an entry is. Some file systems do not say so in their directories.
fn kind(level: &Level, entry: &DirEntry) -> FileType {
    let about = || {
        let directory = level.directory.fd().ok()?;
        rustix::fs::statat(directory, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW).ok()
    };
    match entry.file_type() {
        FileType::Unknown => {
            about().map_or(FileType::Unknown, |about| FileType::from_raw_mode(about.st_mode))
        }
        known => known,
    }
}

/// What has no bytes of its own.
const fn is_passed_over(kind: FileType) -> bool {
    match kind {
        FileType::RegularFile | FileType::Directory | FileType::Unknown => false,
        FileType::Symlink
        | FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice => true,
    }
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if folder.ends_with(b"/") { b"" } else { b"/" };
    [folder, slash, name].concat()
}

/// Entries of one request: a tree that never ends, ends.
const ENTRIES_MAX: u64 = 10_000_000;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// Names of the files below, and the replies about what is not scanned.
    fn walked(path: &Path, levels_max: u32) -> Vec<String> {
        let name = path.as_os_str().as_bytes();
        let Ok(Opened::Directory(directory)) = open(name) else { panic!("a directory") };
        let mut walk = Walk::new(name, directory, levels_max);
        let mut said = Vec::new();
        while let Some(found) = walk.next() {
            let (Found::File(text, ..) | Found::Fault(text)) = found;
            let text = String::from_utf8(text).expect("UTF-8");
            said.push(text.replace(path.to_str().expect("UTF-8"), "DIR"));
        }
        said.sort();
        said
    }

    #[test]
    fn a_walk_finds_files_only_and_not_too_deep() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        fs::create_dir_all(path.join("a/b/c")).expect("directories");
        for file in ["0", "a/1", "a/b/2", "a/b/c/3"] {
            fs::write(path.join(file), "x").expect("a file");
        }
        symlink(path, path.join("a/around")).expect("a link");
        symlink("/etc/passwd", path.join("a/out")).expect("a link");
        let pipe = path.join("pipe");
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).expect("a pipe");
        assert_eq!(walked(path, 15), ["DIR/0", "DIR/a/1", "DIR/a/b/2", "DIR/a/b/c/3"]);
        assert_eq!(
            walked(path, 2),
            ["DIR/0", "DIR/a/1", "DIR/a/b: MaxDirectoryRecursion reached. ERROR"]
        );
    }

    #[test]
    fn what_is_named_must_be_a_file_or_a_directory() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused = |path: &Path| {
            let reply = open(path.as_os_str().as_bytes()).err().expect("it is refused");
            let text = String::from_utf8(reply).expect("UTF-8");
            text.replace(folder.path().to_str().expect("UTF-8"), "DIR")
        };
        let link = folder.path().join("link");
        symlink("/etc/passwd", &link).expect("a link");
        assert_eq!(refused(&link), "DIR/link: Symbolic links are not followed. ERROR");
        let nothing = "No such file or directory";
        assert_eq!(
            refused(&folder.path().join("none")),
            format!("DIR/none: File path check failure: {nothing}. ERROR")
        );
        assert_eq!(refused(Path::new("/dev/null")), "/dev/null: Not supported file type ERROR");
        assert_eq!(
            refused(Path::new("name")),
            "name: File path check failure: A full path is required. ERROR"
        );
        assert_eq!(
            refused(Path::new("/etc/passwd/x")),
            "/etc/passwd/x: File path check failure: Not a directory. ERROR"
        );
    }
}
