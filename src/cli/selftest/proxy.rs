//! The real path: from here through the proxy to a web server, as a browser's message goes.
//!
//! What came back is compared with what the web server gave out, and [`judge`](judge_virus) names the
//! hop that failed. Requests are HTTP/1.0, so that the answer ends where the connection ends.

use std::io::{self, BufReader, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use super::icap::Direct;
use super::origin::{Origin, Path};
use super::sample;
use super::step::{Hop, Step};
use super::wire::{self, Head};

/// The proxy to go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    /// Name or address.
    pub(super) host: String,
    /// Port.
    pub(super) port: u16,
    /// Time allowed for each connect, read and write.
    pub(super) patience: Duration,
}

/// What came back through the proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reply {
    /// The status code.
    pub(super) status: u16,
    /// Squid's name for the error that it reports, such as `ERR_ICAP_FAILURE`.
    pub(super) squid_error: Option<String>,
    /// The body.
    pub(super) body: Vec<u8>,
}

impl Proxy {
    /// Takes three messages through the proxy.
    pub(super) fn examine(&self, direct: Direct, token: String) -> Vec<Step> {
        let local = wire::connect(&self.host, self.port, self.patience)
            .and_then(|stream| stream.local_addr());
        // The address that this machine has towards the proxy is one that the proxy can reach.
        let local = match local {
            Ok(local) => local,
            Err(error) => return unreachable_proxy(self, &error),
        };
        let origin = match Origin::bind(local.ip(), token, self.patience) {
            Ok(origin) => origin,
            Err(error) => {
                let found = format!("a web server cannot be started on {}: {error}", local.ip());
                return vec![Step::failed(
                    CLEAN,
                    Hop::Origin,
                    found,
                    "run the test on another machine",
                )];
            }
        };
        std::thread::scope(|scope| {
            origin.serve(scope);
            let steps = self.walk(&origin, direct);
            origin.stop();
            steps
        })
    }

    fn walk(&self, origin: &Origin, direct: Direct) -> Vec<Step> {
        let clean = judge_clean(self.get(&origin.url(Path::Clean), origin.address()));
        let virus = self.get(&origin.url(Path::Virus), origin.address());
        let virus = judge_virus(DOWNLOAD, virus, Arrived::of(origin.virus_was_fetched()), direct);
        let upload = self.post(&origin.url(Path::Upload), origin.address(), &sample::eicar());
        let upload = judge_virus(UPLOAD, upload, Arrived::of(origin.virus_was_received()), direct);
        vec![clean, virus, upload]
    }

    /// Fetches a URL.
    ///
    /// # Errors
    ///
    /// What the connection says.
    pub(super) fn get(&self, url: &str, host: SocketAddr) -> io::Result<Reply> {
        self.exchange(
            &format!("GET {url} HTTP/1.0\r\nHost: {host}\r\nCache-Control: no-store\r\n\r\n"),
            &[],
        )
    }

    /// Uploads a body.
    ///
    /// # Errors
    ///
    /// What the connection says.
    pub(super) fn post(&self, url: &str, host: SocketAddr, body: &[u8]) -> io::Result<Reply> {
        let head = format!(
            "POST {url} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.exchange(&head, body)
    }

    fn exchange(&self, head: &str, body: &[u8]) -> io::Result<Reply> {
        let mut stream = wire::connect(&self.host, self.port, self.patience)?;
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut from = BufReader::new(stream);
        let head = Head::read(&mut from)?;
        let squid_error = head
            .field("x-squid-error")
            .map(|error| error.split(' ').next().unwrap_or("").to_owned());
        Ok(Reply { status: head.status, squid_error, body: wire::read_to_close(&mut from)? })
    }
}

/// Whether the test virus was seen at the web server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrived {
    Yes,
    No,
}

impl Arrived {
    const fn of(seen: bool) -> Self {
        if seen { Self::Yes } else { Self::No }
    }
}

fn unreachable_proxy(proxy: &Proxy, error: &io::Error) -> Vec<Step> {
    let found = format!("proxy unreachable: {}:{}: {error}", proxy.host, proxy.port);
    let remedy = "is it running (systemctl status squid), and is this its http_port? --through http://HOST:PORT";
    let skipped = [DOWNLOAD, UPLOAD].map(|step| Step::skipped(step, "no proxy"));
    std::iter::once(Step::failed(CLEAN, Hop::Proxy, found, remedy)).chain(skipped).collect()
}

/// What is wrong when the proxy itself reports an error; nothing if it does not.
fn judge_error(step: &'static str, reply: &Reply) -> Option<Step> {
    let failed = |hop, found: String, remedy: &str| Some(Step::failed(step, hop, found, remedy));
    match (reply.squid_error.as_deref(), reply.status) {
        (Some(error @ "ERR_ICAP_FAILURE"), _) => failed(
            Hop::ProxyToIcap,
            format!("ICAP service down, says the proxy ({error})"),
            "is Baleen running (baleen doctor), and does icap_service in squid.conf name its address? \
             Squid asks again after icap_service_revival_delay, or at once after squid -k reconfigure",
        ),
        (Some(error @ "ERR_ACCESS_DENIED"), _) => failed(
            Hop::Proxy,
            format!("the proxy refuses this request ({error})"),
            "let this machine through: http_access, Safe_ports and to_localhost in squid.conf",
        ),
        (
            Some(
                error @ ("ERR_CONNECT_FAIL" | "ERR_CANNOT_FORWARD" | "ERR_READ_TIMEOUT"
                | "ERR_DNS_FAIL"),
            ),
            _,
        ) => failed(
            Hop::Origin,
            format!("the proxy cannot reach the web server of this test ({error})"),
            "let the proxy connect to this machine (firewall), or run the test on the proxy's machine",
        ),
        (_, 407) => failed(
            Hop::Proxy,
            "the proxy wants a password".to_owned(),
            "let this machine through without one for the time of the test: http_access allow before proxy_auth",
        ),
        (Some(error), status) => failed(
            Hop::Proxy,
            format!("the proxy answers {status} ({error})"),
            "see Squid's cache.log at this time",
        ),
        (None, _) => None,
    }
}

fn judge_clean(reply: io::Result<Reply>) -> Step {
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) => {
            let found = format!("the answer broke off: {error}");
            return Step::failed(
                CLEAN,
                Hop::ProxyToIcap,
                found,
                "see Squid's cache.log and Baleen's log at this time",
            );
        }
    };
    if let Some(step) = judge_error(CLEAN, &reply) {
        return step;
    }
    let clean = sample::clean();
    match reply.status {
        200 if reply.body == clean => {
            Step::passed(CLEAN, format!("{} bytes arrived as they were", clean.len()))
        }
        200 => Step::failed(
            CLEAN,
            Hop::ProxyToIcap,
            format!(
                "clean body damaged: {} bytes of {} arrived, or others",
                reply.body.len(),
                clean.len()
            ),
            "does another ICAP or eCAP service change messages (adaptation_ lines in squid.conf)? Else see Baleen's log",
        ),
        403 => Step::failed(
            CLEAN,
            Hop::Scan,
            "a clean body is blocked",
            "look at BlockUnchecked and at MIME rules in the settings; is a database loaded (baleen db info)?",
        ),
        status => Step::failed(
            CLEAN,
            Hop::Proxy,
            format!("the answer is {status}"),
            "is this a forward proxy? --through wants the address that browsers use as their proxy",
        ),
    }
}

fn judge_virus(
    step: &'static str,
    reply: io::Result<Reply>,
    arrived: Arrived,
    direct: Direct,
) -> Step {
    let reply = match reply {
        Ok(reply) => reply,
        // A message that was broken off did not deliver the virus, but a page was expected.
        Err(error) => {
            let found = format!("the answer broke off without a page: {error}");
            return Step::failed(
                step,
                Hop::ProxyToIcap,
                found,
                "see Squid's cache.log and Baleen's log at this time",
            );
        }
    };
    if let Some(failed) = judge_error(step, &reply) {
        return failed;
    }
    let came_through = match step {
        UPLOAD => arrived == Arrived::Yes,
        _ => reply.body == sample::eicar(),
    };
    match (came_through, reply.status, direct) {
        (false, 403, _) => Step::passed(step, "blocked with a page"),
        (true, _, Direct::Blocks) => Step::failed(
            step,
            Hop::ProxyToIcap,
            "came through: the proxy does not use ICAP for this (Baleen blocks it when asked directly)",
            "baleen squid setup, then squid -k reconfigure; look for adaptation_access deny lines before ours",
        ),
        (true, _, Direct::Passes) => Step::failed(
            step,
            Hop::Scan,
            "came through: Baleen does not block it when asked directly either",
            "load signatures that know EICAR (baleen db info), and look at [ICAPD] Block… switches",
        ),
        (true, _, Direct::Unknown) => Step::failed(
            step,
            Hop::ProxyToIcap,
            "came through; whether the proxy asks Baleen cannot be told without Baleen's address",
            "say where Baleen listens: --icap HOST:PORT",
        ),
        (false, status, _) => Step::failed(
            step,
            Hop::Proxy,
            format!("did not come through, but the answer is {status} instead of a block page"),
            "see Squid's access.log: the reason is in its result code",
        ),
    }
}

const CLEAN: &str = "through the proxy, clean body";
const DOWNLOAD: &str = "through the proxy, test virus";
const UPLOAD: &str = "through the proxy, upload";

#[cfg(test)]
mod tests {
    use super::{Arrived, DOWNLOAD, Reply, UPLOAD, judge_clean, judge_virus, sample};
    use crate::cli::selftest::icap::Direct;
    use crate::cli::selftest::step::{Hop, Outcome, Step};

    fn reply(status: u16, squid_error: Option<&str>, body: &[u8]) -> std::io::Result<Reply> {
        Ok(Reply { status, squid_error: squid_error.map(str::to_owned), body: body.to_vec() })
    }

    #[track_caller]
    fn check(step: &Step, want: Option<Hop>, words: &str) {
        assert_eq!(step.hop, want, "{}", step.found);
        assert_eq!(step.result == Outcome::Passed, want.is_none());
        assert_eq!(step.remedy.is_some(), want.is_some(), "what failed has a remedy");
        assert!(step.found.contains(words), "{}", step.found);
    }

    #[test]
    fn every_way_to_fail_with_a_clean_body_names_its_hop() {
        let broken = || Err(std::io::ErrorKind::TimedOut.into());
        check(&judge_clean(reply(200, None, &sample::clean())), None, "as they were");
        check(
            &judge_clean(reply(200, None, b"short")),
            Some(Hop::ProxyToIcap),
            "clean body damaged: 5 bytes",
        );
        check(&judge_clean(reply(403, None, b"page")), Some(Hop::Scan), "clean body is blocked");
        check(&judge_clean(reply(404, None, b"")), Some(Hop::Proxy), "404");
        check(
            &judge_clean(reply(407, Some("ERR_CACHE_ACCESS_DENIED"), b"")),
            Some(Hop::Proxy),
            "password",
        );
        check(
            &judge_clean(reply(500, Some("ERR_ICAP_FAILURE"), b"")),
            Some(Hop::ProxyToIcap),
            "ICAP service down",
        );
        check(
            &judge_clean(reply(403, Some("ERR_ACCESS_DENIED"), b"")),
            Some(Hop::Proxy),
            "refuses",
        );
        check(
            &judge_clean(reply(503, Some("ERR_CONNECT_FAIL"), b"")),
            Some(Hop::Origin),
            "cannot reach",
        );
        check(&judge_clean(reply(500, Some("ERR_OTHER"), b"")), Some(Hop::Proxy), "ERR_OTHER");
        check(&judge_clean(broken()), Some(Hop::ProxyToIcap), "broke off");
    }

    #[test]
    fn a_virus_that_comes_through_is_somebodys_fault() {
        let virus = || reply(200, None, &sample::eicar());
        let judge = |direct| judge_virus(DOWNLOAD, virus(), Arrived::Yes, direct);
        check(&judge(Direct::Blocks), Some(Hop::ProxyToIcap), "does not use ICAP");
        check(&judge(Direct::Passes), Some(Hop::Scan), "does not block it");
        check(&judge(Direct::Unknown), Some(Hop::ProxyToIcap), "cannot be told");
    }

    #[test]
    fn blocked_means_a_page_of_ours() {
        let page = || reply(403, None, b"page");
        check(&judge_virus(DOWNLOAD, page(), Arrived::Yes, Direct::Blocks), None, "blocked");
        check(&judge_virus(UPLOAD, page(), Arrived::No, Direct::Unknown), None, "blocked");
        // The page came, but so did the virus: worse than no page.
        check(
            &judge_virus(UPLOAD, page(), Arrived::Yes, Direct::Blocks),
            Some(Hop::ProxyToIcap),
            "came through",
        );
        let squid = reply(403, Some("ERR_ACCESS_DENIED"), b"");
        check(
            &judge_virus(DOWNLOAD, squid, Arrived::No, Direct::Blocks),
            Some(Hop::Proxy),
            "refuses",
        );
        let other = reply(502, None, b"");
        check(&judge_virus(DOWNLOAD, other, Arrived::No, Direct::Blocks), Some(Hop::Proxy), "502");
    }
}
