//! Replacing squid.conf so that at every moment either the old or the new file is there, whole.
//!
//! ```text
//!  squid.conf ──▶ Squid parses it ──▶ new file beside it ──▶ Squid parses that ──▶ backup
//!                                                                                   │ rename
//!       restored, refused ◀── no ── Squid parses squid.conf once more ◀─────────────┘
//! ```
//!
//! The new file has the mode and the owner of the old one, and exists under another name until Squid
//! has accepted it. A symbolic link is followed: its target is replaced, the link stays.

use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::program::{Objections, Squid};

/// A squid.conf that was read and may be replaced.
#[derive(Debug)]
pub(super) struct Config {
    path: PathBuf,
    bytes: Vec<u8>,
    metadata: Metadata,
}

/// Why the configuration stays as it is.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A file operation failed.
    File { what: &'static str, path: PathBuf, error: io::Error },
    /// The file is larger than any squid.conf.
    TooLarge(PathBuf),
    /// Squid does not accept the file as it is, without us.
    BrokenBefore(Objections),
    /// Squid does not accept the file with the change; nothing was changed.
    BrokenByUs(Objections),
    /// Squid did not accept the changed file in its place; the old one is back.
    Restored(Objections),
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// [`Refusal::File`] and [`Refusal::TooLarge`].
    pub(super) fn read(named: &Path) -> Result<Self, Refusal> {
        let fail = |what| move |error| Refusal::File { what, path: named.to_owned(), error };
        let path = fs::canonicalize(named).map_err(fail("find"))?;
        let file = File::open(&path).map_err(fail("open"))?;
        let metadata = file.metadata().map_err(fail("look at"))?;
        let mut bytes = Vec::new();
        let read = file.take(CONFIG_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(fail("read"))?;
        if u64::try_from(read).is_ok_and(|read| read > CONFIG_BYTES_MAX) {
            return Err(Refusal::TooLarge(path));
        }
        Ok(Self { path, bytes, metadata })
    }

    /// What is in it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where it is, symbolic links resolved.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether Squid accepts it as it is.
    ///
    /// # Errors
    ///
    /// [`Refusal::BrokenBefore`]: we would be blamed for what is wrong already.
    pub(super) fn check(&self, squid: &Squid) -> Result<(), Refusal> {
        squid.parse(&self.path).map_err(Refusal::BrokenBefore)
    }

    /// Replaces the file; the value is the path of the backup.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: the old file is in its place.
    pub(super) fn replace(&self, new: &[u8], squid: &Squid) -> Result<PathBuf, Refusal> {
        let fresh = self.beside("new");
        self.write_like(&fresh, new)?;
        if let Err(objections) = squid.parse(&fresh) {
            drop(fs::remove_file(&fresh));
            return Err(Refusal::BrokenByUs(objections));
        }
        let backup = self.backup_path();
        self.write_like(&backup, &self.bytes)?;
        self.move_in(&fresh)?;
        if let Err(objections) = squid.parse(&self.path) {
            let old = self.beside("old");
            self.write_like(&old, &self.bytes)?;
            self.move_in(&old)?;
            return Err(Refusal::Restored(objections));
        }
        Ok(backup)
    }

    /// A name with the time in it; two changes in one second get two names.
    fn backup_path(&self) -> PathBuf {
        let time = stamp(now());
        let first = self.beside(&time);
        let others = (2..BACKUPS_A_SECOND_MAX).map(|count| self.beside(&format!("{time}-{count}")));
        std::iter::once(first.clone()).chain(others).find(|path| !path.exists()).unwrap_or(first)
    }

    /// `squid.conf.baleen-WORD`, in the same folder.
    fn beside(&self, word: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".baleen-");
        name.push(word);
        self.path.with_file_name(name)
    }

    /// Writes a file with the mode and the owner of the configuration.
    fn write_like(&self, path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
        let fail = |what| move |error| Refusal::File { what, path: path.to_owned(), error };
        // Readable by nobody else until it has the right owner: a squid.conf may hold passwords.
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .map_err(fail("create"))?;
        let now = file.metadata().map_err(fail("look at"))?;
        if (now.uid(), now.gid()) != (self.metadata.uid(), self.metadata.gid()) {
            fchown(&file, Some(self.metadata.uid()), Some(self.metadata.gid()))
                .map_err(fail("change the owner of"))?;
        }
        let mode = fs::Permissions::from_mode(self.metadata.mode() & 0o7777);
        file.set_permissions(mode).map_err(fail("change the mode of"))?;
        file.write_all(bytes).map_err(fail("write"))?;
        file.sync_all().map_err(fail("sync"))
    }

    /// Puts a written file in the configuration's place, durably.
    fn move_in(&self, from: &Path) -> Result<(), Refusal> {
        let fail = |what| move |error| Refusal::File { what, path: self.path.clone(), error };
        fs::rename(from, &self.path).map_err(fail("replace"))?;
        let folder = self.path.parent().unwrap_or_else(|| Path::new("/"));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail("sync the folder of"))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a backup is named after the time at which it was made"
)]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// `20261121T234455Z`: sorts by time, and needs no quoting in a shell.
fn stamp(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs();
    let (mut day, second) = (seconds / DAY_SECONDS, seconds % DAY_SECONDS);
    let mut year = 1970_u64;
    while day >= year_days(year) {
        day -= year_days(year);
        year += 1;
    }
    let mut month = 1;
    for length in month_days(year) {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}{month:02}{:02}T{hour:02}{minute:02}{:02}Z", day + 1, second % 60)
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn year_days(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn month_days(year: u64) -> [u64; 12] {
    let february = if is_leap(year) { 29 } else { 28 };
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { what, path, error } => {
                write!(out, "cannot {what} {}: {error}", path.display())?;
                if error.kind() == io::ErrorKind::PermissionDenied {
                    out.write_str(
                        " (run this command as root, or name your own file with --squid-config)",
                    )?;
                }
                Ok(())
            }
            Self::TooLarge(path) => {
                write!(
                    out,
                    "{} is larger than {} MiB: not a squid.conf",
                    path.display(),
                    CONFIG_BYTES_MAX >> 20
                )
            }
            Self::BrokenBefore(objections) => write!(
                out,
                "Squid does not accept this configuration as it is; please repair it first, nothing was changed\n{objections}"
            ),
            Self::BrokenByUs(objections) => {
                write!(
                    out,
                    "Squid does not accept the configuration with our block; nothing was changed\n{objections}"
                )
            }
            Self::Restored(objections) => {
                write!(
                    out,
                    "Squid did not accept the new configuration in its place; the old one is back\n{objections}"
                )
            }
        }
    }
}

/// Squid reads lists from other files; a configuration of this size is something else.
const CONFIG_BYTES_MAX: u64 = 16 << 20;
/// Squid's parser alone takes longer than that; the bound keeps the search finite.
const BACKUPS_A_SECOND_MAX: u32 = 100;
const DAY_SECONDS: u64 = 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::stamp;
    use std::time::Duration;

    #[test]
    fn the_stamp_follows_the_calendar() {
        let at = |seconds| stamp(Duration::from_secs(seconds));
        assert_eq!(at(0), "19700101T000000Z");
        assert_eq!(at(951_782_399), "20000228T235959Z");
        assert_eq!(at(951_782_400), "20000229T000000Z");
        assert_eq!(at(951_868_800), "20000301T000000Z");
        assert_eq!(at(1_798_761_599), "20261231T235959Z");
        assert_eq!(at(4_107_542_400), "21000301T000000Z");
    }
}
