//! What the settings of `[CloudD]` name, read: token, certificates, and the resolvers of the system.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::settings::options;

use super::{Cloud, Service, https};

/// What is wrong with a file.
pub(in crate::runtime) struct CloudFault {
    pub(in crate::runtime) file: PathBuf,
    pub(in crate::runtime) message: String,
    /// It could not even be read.
    pub(in crate::runtime) unreadable: bool,
}

/// Reads the files.
///
/// # Errors
///
/// [`CloudFault`] for the first that cannot be used.
pub(in crate::runtime) fn read(cloud: options::Cloud) -> Result<Cloud, CloudFault> {
    let options::Cloud { reputation, mut servers, service, token, certificates } = cloud;
    if servers.is_empty() && !reputation.lists.is_empty() {
        servers = resolvers(Path::new(RESOLV_CONF))?;
    }
    let service = match service {
        None => None,
        Some(url) => {
            let token = token.map(|path| read_token(&path)).transpose()?;
            let roots = roots(&certificates)?;
            let file =
                certificates.into_iter().next().unwrap_or_else(|| PathBuf::from(SYSTEM_ROOTS[0]));
            https::tls(&roots).map_err(|message| CloudFault {
                file,
                message,
                unreadable: false,
            })?;
            Some(Service { url, token, roots })
        }
    };
    Ok(Cloud { options: reputation, servers, service })
}

pub(in crate::runtime) fn read_file(path: &Path) -> Result<Vec<u8>, CloudFault> {
    std::fs::read(path).map_err(|error| CloudFault {
        file: path.to_owned(),
        message: format!("cannot be read: {error}"),
        unreadable: true,
    })
}

/// The first line; it goes into a header as it is.
fn read_token(path: &Path) -> Result<String, CloudFault> {
    let text = String::from_utf8_lossy(&read_file(path)?).into_owned();
    let token = text.lines().next().unwrap_or_default().trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(CloudFault {
            file: path.to_owned(),
            message: "the first line has to be the token: letters, digits and signs, no blanks"
                .to_owned(),
            unreadable: false,
        });
    }
    Ok(token.to_owned())
}

/// The certificates of these files, or those of the system.
pub(in crate::runtime) fn roots(files: &[PathBuf]) -> Result<Vec<u8>, CloudFault> {
    if files.is_empty() {
        let found = SYSTEM_ROOTS.iter().map(Path::new).find(|path| path.is_file());
        return read_file(found.unwrap_or_else(|| Path::new(SYSTEM_ROOTS[0])));
    }
    let mut all = Vec::new();
    for path in files {
        all.extend_from_slice(&read_file(path)?);
        all.push(b'\n');
    }
    Ok(all)
}

/// The name servers of the system (resolv.conf(5)), three at most, as its own resolver has it.
fn resolvers(path: &Path) -> Result<Vec<SocketAddr>, CloudFault> {
    let text = String::from_utf8_lossy(&read_file(path)?).into_owned();
    let named = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        (words.next()? == "nameserver").then_some(())?;
        let address: IpAddr = words.next()?.parse().ok()?;
        Some(SocketAddr::new(address, DNS_PORT))
    });
    let servers: Vec<SocketAddr> = named.take(RESOLVERS_MAX).collect();
    if servers.is_empty() {
        let message =
            "names no name server that can be used: set DnsServers of [CloudD]".to_owned();
        return Err(CloudFault { file: path.to_owned(), message, unreadable: false });
    }
    Ok(servers)
}

const RESOLV_CONF: &str = "/etc/resolv.conf";
const RESOLVERS_MAX: usize = 3;
const DNS_PORT: u16 = 53;

/// Where distributions keep the certificates they trust: Debian, Fedora, SUSE, Alpine.
pub(in crate::runtime) const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

#[cfg(test)]
mod tests {
    use super::{CloudFault, read_token, resolvers};

    #[test]
    fn the_resolvers_are_those_of_the_system() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let text = "# nameserver 9.9.9.9\nsearch a.example\nnameserver 192.0.2.1\n nameserver 2001:db8::1 \nnameserver fe80::1%eth0\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n";
        std::fs::write(file.path(), text).expect("a file");
        let found = resolvers(file.path()).unwrap_or_default();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.2:53"]);
        std::fs::write(file.path(), "search a.example\n").expect("a file");
        assert!(matches!(resolvers(file.path()), Err(CloudFault { unreadable: false, .. })));
    }

    #[test]
    fn a_token_is_one_word_of_the_first_line() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for (text, want) in [
            ("abc-123\n", Some("abc-123")),
            ("  abc \nsecond\n", Some("abc")),
            ("a b\n", None),
            ("", None),
            ("a\tb", None),
        ] {
            std::fs::write(file.path(), text).expect("a file");
            assert_eq!(read_token(file.path()).ok().as_deref(), want, "{text}");
        }
    }
}
