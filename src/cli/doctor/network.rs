//! The addresses that Baleen wants to listen on, and the Squid in front of it.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use super::finding::Finding;
use crate::cli::squid::{self, Missing, Squid};

/// Whether an address can be listened on, or Baleen does so already.
pub(super) fn listener(address: SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_free) => Finding::good(PORT, format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            judge_owner(address, ask_icap(address))
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Finding::bad(
            PORT,
            format!("{address}: {error}"),
            "take a port from 1024 up, or AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit",
        ),
        Err(error) => Finding::bad(
            PORT,
            format!("{address}: {error}"),
            "name an address of this machine: [ICAPD] ListenAddress (ip address shows them)",
        ),
    }
}

/// Whether Squid is here and asks Baleen.
pub(super) fn squid(config: &Path) -> Finding {
    let squid = match Squid::find(None) {
        Ok(squid) => squid,
        Err(Missing::NotFound) => {
            return Finding::note(
                SQUID,
                "not on this machine",
                "none is needed here if the proxy is elsewhere; else: apt-get install squid",
            );
        }
        Err(missing) => return Finding::note(SQUID, missing.to_string(), "reinstall Squid"),
    };
    let found = format!("Squid {}, {}", squid.version(), config.display());
    match squid::is_set_up(config) {
        Ok(true) => Finding::good(SQUID, format!("{found}: asks Baleen")),
        Ok(false) => {
            Finding::note(SQUID, format!("{found}: does not ask Baleen"), "baleen squid setup")
        }
        Err(error) => Finding::note(
            SQUID,
            format!("{found}: {error}"),
            "run this as root, or name it: --squid-config FILE",
        ),
    }
}

/// Asks whoever listens there for its ICAP options; the value is the head of the answer.
fn ask_icap(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!(
        "OPTIONS icap://{address}/respmod ICAP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    let read = stream.take(HEAD_BYTES_MAX).read_to_end(&mut head);
    // Some servers keep the connection open; what came until then is the answer.
    if head.is_empty() {
        read?;
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn judge_owner(address: SocketAddr, answer: io::Result<String>) -> Finding {
    let remedy = format!(
        "see who it is (ss -ltnp 'sport = :{}') and stop it, or choose another port",
        address.port()
    );
    match answer {
        Ok(head) if is_baleen(&head) => {
            Finding::good(PORT, format!("{address} is in use by a running Baleen"))
        }
        Ok(head) if head.starts_with("ICAP/1.0") => {
            Finding::bad(PORT, format!("{address} is in use by another ICAP server"), remedy)
        }
        Ok(_) | Err(_) => {
            Finding::bad(PORT, format!("{address} is in use by another program"), remedy)
        }
    }
}

fn is_baleen(head: &str) -> bool {
    head.lines().any(|line| {
        line.split_once(':').is_some_and(|(name, value)| {
            ["service", "service-id", "server"].iter().any(|known| name.eq_ignore_ascii_case(known))
                && value.to_ascii_lowercase().contains("baleen")
        })
    })
}

const PORT: &str = "port";
const SQUID: &str = "squid";
/// On loopback, an answer takes less than a millisecond; a stranger may never answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// An OPTIONS answer has about 500 bytes.
const HEAD_BYTES_MAX: u64 = 8 << 10;

#[cfg(test)]
mod tests {
    use super::{judge_owner, listener};
    use crate::cli::doctor::finding::State;
    use std::io;
    use std::net::TcpListener;

    #[test]
    fn a_free_address_is_good_and_a_foreign_one_is_bad() {
        assert_eq!(listener("127.0.0.1:0".parse().expect("an address")).state, State::Good);
        // An address that is reserved for documentation belongs to nobody.
        assert_eq!(listener("192.0.2.1:1344".parse().expect("an address")).state, State::Bad);
    }

    #[test]
    fn a_taken_address_is_bad_when_its_owner_does_not_speak_icap() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = taken.local_addr().expect("bound");
        // It hangs up at once instead of answering.
        let finding = std::thread::scope(|scope| {
            scope.spawn(|| taken.accept().map(drop));
            listener(address)
        });
        assert_eq!(finding.state, State::Bad);
        assert!(finding.found.ends_with("in use by another program"), "{}", finding.found);
    }

    #[test]
    fn the_owner_is_known_by_its_answer() {
        let state = |answer: io::Result<&str>| {
            judge_owner("127.0.0.1:1344".parse().expect("an address"), answer.map(str::to_owned))
                .state
        };
        assert_eq!(state(Ok("ICAP/1.0 200 OK\r\nService: Baleen 0.1\r\n\r\n")), State::Good);
        assert_eq!(state(Ok("ICAP/1.0 200 OK\r\nService: C-ICAP/0.5\r\n\r\n")), State::Bad);
        assert_eq!(state(Ok("SSH-2.0-x\r\n")), State::Bad);
        assert_eq!(state(Err(io::ErrorKind::TimedOut.into())), State::Bad);
    }
}
