//! Keys and certificates for containers, read from the files that the settings name.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::engine::database::container::{Trust, TrustFault, Unsigned};
use crate::settings::options::DatabaseTrust;

/// ClamAV's own keys, and what the files add.
///
/// # Errors
///
/// A text that names the file and what is wrong with it.
pub fn read_trust(files: &DatabaseTrust, now_seconds: u64) -> Result<Trust, String> {
    let mut trust = Trust::builtin(now_seconds);
    for path in &files.keys {
        add(path, &mut |bytes| trust.add_keys(bytes))?;
    }
    for path in &files.certificates {
        for path in certificates(path).map_err(|fault| format!("{}: {fault}", path.display()))? {
            add(&path, &mut |bytes| trust.add_certificates(bytes))?;
        }
    }
    if files.unsigned {
        trust = trust.with_unsigned(Unsigned::Accept);
    }
    Ok(trust)
}

fn add(path: &Path, take: &mut dyn FnMut(&[u8]) -> Result<(), TrustFault>) -> Result<(), String> {
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut bytes));
    read.map_err(|fault| format!("{}: {fault}", path.display()))?;
    take(&bytes).map_err(|fault| format!("{}: {fault}", path.display()))
}

/// A file stands for itself, a folder for the certificates in it, in the order of their names.
fn certificates(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// As `c_rehash` and most tools name certificates.
const EXTENSIONS: [&str; 4] = ["crt", "pem", "cer", "der"];

/// No file of keys or certificates is larger than 1 MiB.
const BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_their_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = folder.path().join("keys");
        fs::write(&keys, "# none\nlist 1 1\n").expect("a file");
        let of = |keys: &[&Path], certificates: &[&Path]| {
            let owned = |paths: &[&Path]| paths.iter().map(|path| path.to_path_buf()).collect();
            let files = DatabaseTrust {
                keys: owned(keys),
                certificates: owned(certificates),
                unsigned: true,
            };
            read_trust(&files, 0)
        };
        let fault = of(&[&keys], &[]).expect_err("not a key");
        assert!(fault.starts_with(&format!("{}: line 2: not a key", keys.display())), "{fault}");
        let trust = of(&[], &[folder.path()]).expect("a folder without certificates");
        assert_eq!(trust.unsigned(), Unsigned::Accept);
        fs::write(folder.path().join("a.crt"), "no certificate").expect("a file");
        assert!(
            of(&[], &[folder.path()]).expect_err("not one").contains("a.crt: not a certificate")
        );
        assert!(of(&[], &[Path::new("/nonexistent")]).is_err());
    }
}
