//! The folders that Baleen writes to, and the database in one of them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::finding::Finding;
use crate::runtime::storage::database_files;

/// Whether a folder can be written to, and how much room it has.
pub(super) fn folder(check: &'static str, folder: &Path, free_bytes_wanted: u64) -> Finding {
    let shown = folder.display();
    let place = existing(folder);
    if let Err(error) = try_write(&place) {
        return Finding::bad(check, format!("{shown}: {error}"), remedy(folder, &place));
    }
    let will_be = if place == folder { "writable" } else { "can be created" };
    match rustix::fs::statvfs(&place) {
        Ok(volume) => {
            let free_bytes = volume.f_bavail.saturating_mul(volume.f_frsize);
            let found = format!("{shown}: {will_be}, {} MiB free", free_bytes >> 20);
            if free_bytes >= free_bytes_wanted {
                Finding::good(check, found)
            } else {
                let wanted = free_bytes_wanted >> 20;
                Finding::note(
                    check,
                    found,
                    format!("make {wanted} MiB free, or move it: [Root] StateDir / SpoolDir"),
                )
            }
        }
        Err(error) => Finding::note(
            check,
            format!("{shown}: {will_be}, room unknown: {error}"),
            "see whether the volume is well",
        ),
    }
}

/// Whether the signature files of the settings are there, and how old the newest is.
pub(super) fn database(names: &[PathBuf], now: SystemTime) -> Finding {
    if names.is_empty() {
        return Finding::note(
            DATABASE,
            "none is configured: only the EICAR test file is detected",
            "[ScanEngine] DatabaseDir = a folder with ClamAV signature files",
        );
    }
    let files = match database_files(names) {
        Ok(files) => files,
        Err(error) => {
            return Finding::bad(DATABASE, error.to_string(), "repair [ScanEngine] DatabaseDir");
        }
    };
    let newest = files.iter().filter_map(|file| fs::metadata(file).ok()?.modified().ok()).max();
    let age = newest.and_then(|made| now.duration_since(made).ok()).unwrap_or_default();
    judge_database(files.len(), age)
}

fn judge_database(files: usize, age: Duration) -> Finding {
    let days = age.as_secs() / (24 * 60 * 60);
    let found = format!("{files} files, the newest {days} days old");
    if files == 0 {
        return Finding::bad(DATABASE, found, "repair [ScanEngine] DatabaseDir");
    }
    if age > DATABASE_AGE_MAX {
        return Finding::note(DATABASE, found, "fetch new signature files, then: kill -HUP");
    }
    Finding::good(DATABASE, found)
}

/// The folder itself, or the nearest one above it that exists.
fn existing(folder: &Path) -> PathBuf {
    let near = folder.ancestors().find(|above| above.is_dir());
    // A relative path ends in the empty one, which means the current folder.
    near.filter(|above| !above.as_os_str().is_empty()).unwrap_or_else(|| Path::new(".")).to_owned()
}

/// Writes a page and takes it away again: rights, quotas, full and read-only volumes all show up here.
fn try_write(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".baleen-doctor-{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .and_then(|mut file| file.write_all(&[0; 4096]).and_then(|()| file.sync_all()));
    if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists) {
        return written;
    }
    match fs::remove_file(&path) {
        Ok(()) => written,
        Err(error) => written.and(Err(error)),
    }
}

fn remedy(folder: &Path, place: &Path) -> String {
    if place == folder {
        format!(
            "chown it to the user that Baleen runs as, or name another folder: chown baleen {}",
            folder.display()
        )
    } else {
        format!("install -d -o baleen -m 750 {}", folder.display())
    }
}

const DATABASE: &str = "database";
/// ClamAV publishes daily; a week without news means that nobody fetches them.
const DATABASE_AGE_MAX: Duration = Duration::from_hours(7 * 24);

#[cfg(test)]
mod tests {
    use super::{database, folder, judge_database};
    use crate::cli::doctor::finding::State;
    use std::path::Path;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_folder_that_is_not_there_yet_can_be_created() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let good = folder("state folder", &temp.path().join("a/b"), 0);
        assert_eq!(good.state, State::Good);
        assert!(good.found.contains("can be created"), "{}", good.found);
        assert_eq!(
            std::fs::read_dir(temp.path()).expect("readable").count(),
            0,
            "nothing is left behind"
        );
    }

    #[test]
    fn a_full_volume_is_noted() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(folder("spool folder", temp.path(), u64::MAX).state, State::Note);
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_bad() {
        // Nobody, not even root, can create files there.
        let bad = folder("state folder", Path::new("/proc/self"), 0);
        assert_eq!(bad.state, State::Bad);
        assert!(bad.remedy.is_some());
    }

    #[test]
    fn the_database_is_looked_for_and_its_age_is_judged() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let named = |name: &str| database(&[temp.path().join(name)], UNIX_EPOCH).state;
        assert_eq!(database(&[], UNIX_EPOCH).state, State::Note);
        assert_eq!(named("missing"), State::Bad);
        assert_eq!(named(""), State::Bad, "an empty folder");
        std::fs::write(temp.path().join("a.ndb"), "A:0:*:61626364\n").expect("a file in it");
        assert_eq!(named(""), State::Good);
        let state = |files, days: u64| judge_database(files, Duration::from_hours(24 * days)).state;
        assert_eq!(state(1, 6), State::Good);
        assert_eq!(state(1, 8), State::Note);
        assert_eq!(state(0, 0), State::Bad);
    }
}
