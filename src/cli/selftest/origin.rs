//! A web server for the length of the test: the far end of the way through the proxy.
//!
//! It knows three paths, all under a name that no cache has seen before, and remembers what it gave
//! out and what it was sent. Each connection carries one request. Everything is bounded: connections,
//! bytes and time.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Scope;
use std::time::Duration;

use super::sample;

/// The server, bound and not yet serving.
#[derive(Debug)]
pub(super) struct Origin {
    listener: TcpListener,
    address: SocketAddr,
    /// First part of every path.
    token: String,
    patience: Duration,
    is_over: AtomicBool,
    /// A request for the test virus arrived.
    virus_fetched: AtomicBool,
    /// An upload arrived, and the test virus was in it.
    virus_received: AtomicBool,
}

impl Origin {
    /// Binds on an address of this machine that the proxy can reach.
    ///
    /// # Errors
    ///
    /// What binding says.
    pub(super) fn bind(ip: IpAddr, token: String, patience: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((ip, 0))?;
        let address = listener.local_addr()?;
        let flag = || AtomicBool::new(false);
        Ok(Self {
            listener,
            address,
            token,
            patience,
            is_over: flag(),
            virus_fetched: flag(),
            virus_received: flag(),
        })
    }

    /// Serves until [`Origin::stop`], on threads of this scope.
    pub(super) fn serve<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        scope.spawn(move || {
            for stream in self.listener.incoming().take(CONNECTIONS_MAX) {
                if self.is_over.load(Ordering::Acquire) {
                    break;
                }
                // A connection that breaks is the proxy's doing, and shows in what the proxy answers.
                scope.spawn(move || stream.and_then(|stream| self.answer(&stream)));
            }
        });
    }

    /// Lets [`Origin::serve`] end.
    pub(super) fn stop(&self) {
        self.is_over.store(true, Ordering::Release);
        // The server is waiting for a connection; this is one. If it cannot be made, the server has
        // ended by itself.
        drop(TcpStream::connect_timeout(&self.reachable(), self.patience));
    }

    /// The URL of a path.
    pub(super) fn url(&self, path: Path) -> String {
        format!("http://{}/{}/{}", self.address, self.token, path.name())
    }

    /// Its address in the `Host` field.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether anybody asked for the test virus.
    pub(super) fn virus_was_fetched(&self) -> bool {
        self.virus_fetched.load(Ordering::Acquire)
    }

    /// Whether an upload brought the test virus here.
    pub(super) fn virus_was_received(&self) -> bool {
        self.virus_received.load(Ordering::Acquire)
    }

    /// The address to connect to: a server on «any» address is reached on loopback.
    fn reachable(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        (ip, self.address.port()).into()
    }

    fn answer(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        let mut from = BufReader::new(stream).take(REQUEST_BYTES_MAX);
        let mut first = String::new();
        from.read_line(&mut first)?;
        let mut body_bytes = 0_u64;
        loop {
            let mut line = String::new();
            if from.read_line(&mut line)? == 0 || line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                body_bytes = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = Vec::new();
        from.take(body_bytes).read_to_end(&mut body)?;
        let target = first.split(' ').nth(1).unwrap_or("");
        let (status, answer) = self.route(target, &body);
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n",
            answer.len()
        );
        let mut to = stream;
        to.write_all(head.as_bytes())?;
        to.write_all(&answer)
    }

    fn route(&self, target: &str, body: &[u8]) -> (&'static str, Vec<u8>) {
        let asked = target
            .trim_start_matches('/')
            .strip_prefix(&self.token)
            .and_then(|rest| rest.strip_prefix('/'));
        match asked.and_then(Path::parse) {
            Some(Path::Clean) => ("200 OK", sample::clean()),
            Some(Path::Virus) => {
                self.virus_fetched.store(true, Ordering::Release);
                ("200 OK", sample::eicar())
            }
            Some(Path::Upload) => {
                if body == sample::eicar() {
                    self.virus_received.store(true, Ordering::Release);
                }
                ("200 OK", b"received\n".to_vec())
            }
            None => ("404 Not Found", Vec::new()),
        }
    }
}

/// What there is to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// A harmless body.
    Clean,
    /// The test virus.
    Virus,
    /// Takes uploads.
    Upload,
}

impl Path {
    /// No extension: rules for types of files must not decide this test.
    const fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Virus => "sample",
            Self::Upload => "upload",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Clean, Self::Virus, Self::Upload].into_iter().find(|path| path.name() == name)
    }
}

/// Three requests, and whatever connections a proxy opens in advance.
const CONNECTIONS_MAX: usize = 64;
/// A head and the test virus.
const REQUEST_BYTES_MAX: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::{Origin, Path};
    use crate::cli::selftest::{proxy, sample};
    use std::net::Ipv4Addr;
    use std::time::Duration;

    #[test]
    fn it_gives_out_takes_in_and_remembers() {
        let patience = Duration::from_secs(20);
        let origin =
            Origin::bind(Ipv4Addr::LOCALHOST.into(), "t".into(), patience).expect("loopback");
        std::thread::scope(|scope| {
            origin.serve(scope);
            // A web server understands the form of request that proxies get, so it can stand in for one.
            let way =
                proxy::Proxy { host: "127.0.0.1".into(), port: origin.address().port(), patience };
            assert_eq!(
                way.get(&origin.url(Path::Clean), origin.address()).expect("answered").status,
                404
            );
            assert!(!origin.virus_was_fetched() && !origin.virus_was_received());
            let target = |path: Path| format!("/t/{}", path.name());
            let clean = way.get(&target(Path::Clean), origin.address()).expect("answered");
            assert_eq!((clean.status, clean.body == sample::clean()), (200, true));
            way.post(&target(Path::Upload), origin.address(), b"harmless").expect("answered");
            assert!(!origin.virus_was_received());
            way.post(&target(Path::Upload), origin.address(), &sample::eicar()).expect("answered");
            assert!(origin.virus_was_received());
            way.get(&target(Path::Virus), origin.address()).expect("answered");
            assert!(origin.virus_was_fetched());
            origin.stop();
        });
    }
}
