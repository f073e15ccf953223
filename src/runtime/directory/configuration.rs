//! What the settings of `[LookupD]` name, read: the password and the certificates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::settings::options;

use super::super::reputation::configuration::{CloudFault, SYSTEM_ROOTS, read_file, roots};
use super::{Directory, certificate};
use crate::settings::options::CertificateCheck;

/// Reads the files.
///
/// # Errors
///
/// [`CloudFault`] for the first that cannot be used.
pub(in crate::runtime) fn read(settings: options::Directory) -> Result<Directory, CloudFault> {
    let options::Directory {
        directory: mut options,
        password,
        check,
        certificates,
        connections,
        idle_time,
        debug,
    } = settings;
    if let Some(path) = password {
        options.password = read_password(&path)?;
    }
    let has_tls = options.start_tls || options.servers.iter().any(|server| server.is_tls);
    // Where nobody looks at certificates, there need not be any to compare with.
    let is_compared = has_tls && (check != CertificateCheck::Ignore || !certificates.is_empty());
    let roots = if is_compared { roots(&certificates)? } else { Vec::new() };
    let directory =
        Directory { options: Arc::new(options), check, roots, connections, idle_time, debug };
    certificate::tls(&directory).map_err(|message| {
        let first = certificates.into_iter().next();
        let file = first.unwrap_or_else(|| PathBuf::from(SYSTEM_ROOTS[0]));
        CloudFault { file, message, unreadable: false }
    })?;
    Ok(directory)
}

/// The first line, as it is.
fn read_password(path: &Path) -> Result<String, CloudFault> {
    let bytes = read_file(path)?;
    let line = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    // An empty one is a bind that every server takes for nobody's, and some for a success (RFC 4513 section 5.1.2).
    let password = std::str::from_utf8(line).ok().filter(|password| !password.is_empty());
    password.map(str::to_owned).ok_or_else(|| CloudFault {
        file: path.to_owned(),
        message: "the first line has to be the password, in UTF-8".to_owned(),
        unreadable: false,
    })
}

#[cfg(test)]
mod tests {
    use super::read_password;

    #[test]
    fn a_password_is_the_first_line_and_never_empty() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for (text, want) in [
            (&b"a b\xc3\xbc\n"[..], Some("a bü")),
            (b" x \r\nsecond\n", Some(" x ")),
            (b"\nsecond\n", None),
            (b"", None),
            (b"\xff\n", None),
        ] {
            std::fs::write(file.path(), text).expect("a file");
            assert_eq!(read_password(file.path()).ok().as_deref(), want, "{text:?}");
        }
    }
}
