//! The direct leg: what Baleen answers when it is asked over ICAP without a proxy in between.

use std::io::{self, BufReader, Write as _};
use std::time::Duration;

use super::sample;
use super::step::{Hop, Step};
use super::wire::{self, Head};

/// What the direct leg says about the scan, for judging the leg through the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direct {
    /// Baleen blocks the test virus when asked directly.
    Blocks,
    /// Baleen answers, but lets the test virus through.
    Passes,
    /// Nobody answers at the address.
    Unknown,
}

/// Where Baleen listens.
#[derive(Clone, Debug)]
pub(super) struct Service {
    /// Name or address.
    pub(super) host: String,
    /// Port.
    pub(super) port: u16,
    /// Time allowed for each connect, read and write.
    pub(super) patience: Duration,
}

/// An ICAP answer with the message inside.
#[derive(Debug)]
struct Answer {
    head: Head,
    /// The head of the HTTP response inside, if there is one.
    http: Option<Head>,
    body: Vec<u8>,
}

impl Service {
    /// Asks three things, and says what they mean together.
    pub(super) fn examine(&self) -> (Vec<Step>, Direct) {
        let options = self.options();
        if options.hop == Some(Hop::Icap) {
            let skipped = [CLEAN, INFECTED, UPLOAD]
                .map(|step| Step::skipped(step, "no answer at this address"));
            return (std::iter::once(options).chain(skipped).collect(), Direct::Unknown);
        }
        let (infected, direct) = judge_blocked(INFECTED, self.ask(&response(&sample::eicar())));
        let (upload, _) = judge_blocked(UPLOAD, self.ask(&request(&sample::eicar())));
        let clean = judge_clean(self.ask(&response(&sample::clean())));
        (vec![options, clean, infected, upload], direct)
    }

    fn options(&self) -> Step {
        let asked = self.ask(&Message {
            method: "OPTIONS",
            path: "respmod",
            encapsulated: Vec::new(),
            body: None,
        });
        match asked {
            Ok(answer) if answer.head.status == 200 => {
                let service = answer.head.field("service").unwrap_or("no name given");
                Step::passed(OPTIONS, format!("{}:{} is «{service}»", self.host, self.port))
            }
            Ok(answer) => Step::failed(
                OPTIONS,
                Hop::Icap,
                format!("answers «{}»", answer.head.first_line()),
                "is this Baleen's ICAP port? See [ICAPD] ListenAddress, and --icap HOST:PORT here",
            ),
            Err(error) => Step::failed(
                OPTIONS,
                Hop::Icap,
                format!("{}:{}: {error}", self.host, self.port),
                "start it (baleen serve, or systemctl start baleen), or say where it is: --icap HOST:PORT",
            ),
        }
    }

    fn ask(&self, message: &Message) -> io::Result<Answer> {
        let mut stream = wire::connect(&self.host, self.port, self.patience)?;
        let authority = format!("{}:{}", self.host, self.port);
        stream.write_all(&message.render(&authority))?;
        let mut from = BufReader::new(stream);
        let head = Head::read(&mut from)?;
        if !head.first_line().starts_with("ICAP/1.0 ") {
            return Err(wire::invalid("this is no ICAP answer"));
        }
        let parts = head.field("encapsulated").unwrap_or("null-body=0").to_owned();
        if head.status != 200 || parts.starts_with("null-body") || parts.starts_with("opt-body") {
            return Ok(Answer { head, http: None, body: Vec::new() });
        }
        if parts.contains("req-hdr") {
            wire::skip_head(&mut from)?;
        }
        let http = if parts.contains("res-hdr") { Some(Head::read(&mut from)?) } else { None };
        let body =
            if parts.contains("null-body") { Vec::new() } else { wire::read_chunked(&mut from)? };
        Ok(Answer { head, http, body })
    }
}

/// An ICAP request to be sent.
struct Message {
    method: &'static str,
    path: &'static str,
    /// Names and bytes of the encapsulated heads.
    encapsulated: Vec<(&'static str, String)>,
    /// Name and bytes of the body.
    body: Option<(&'static str, Vec<u8>)>,
}

/// A download with this body.
fn response(body: &[u8]) -> Message {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Message {
        method: "RESPMOD",
        path: "respmod",
        encapsulated: vec![
            ("req-hdr", format!("GET {URL} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")),
            ("res-hdr", answer),
        ],
        body: Some(("res-body", body.to_vec())),
    }
}

/// An upload with this body.
fn request(body: &[u8]) -> Message {
    let head =
        format!("POST {URL} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {}\r\n\r\n", body.len());
    Message {
        method: "REQMOD",
        path: "reqmod",
        encapsulated: vec![("req-hdr", head)],
        body: Some(("req-body", body.to_vec())),
    }
}

impl Message {
    fn render(&self, authority: &str) -> Vec<u8> {
        let mut parts = Vec::new();
        let mut offset = 0;
        for (name, head) in &self.encapsulated {
            parts.push(format!("{name}={offset}"));
            offset += head.len();
        }
        parts.extend(self.body.iter().map(|(name, _)| format!("{name}={offset}")));
        let mut text = format!(
            "{} icap://{authority}/{} ICAP/1.0\r\nHost: {authority}\r\n",
            self.method, self.path
        );
        if !parts.is_empty() {
            text.push_str(&format!("Encapsulated: {}\r\n", parts.join(", ")));
        }
        text.push_str("Connection: close\r\n\r\n");
        text.extend(self.encapsulated.iter().map(|(_, head)| head.as_str()));
        let mut bytes = text.into_bytes();
        if let Some((_, body)) = &self.body {
            bytes.extend_from_slice(format!("{:x}\r\n", body.len()).as_bytes());
            bytes.extend_from_slice(body);
            bytes.extend_from_slice(b"\r\n0\r\n\r\n");
        }
        bytes
    }
}

/// The test virus must come back as a 403.
fn judge_blocked(step: &'static str, asked: io::Result<Answer>) -> (Step, Direct) {
    match asked {
        Ok(answer) => match answer.http.as_ref().map(|http| http.status) {
            Some(403) => {
                let threat = answer
                    .head
                    .field("x-infection-found")
                    .or_else(|| answer.head.field("x-virus-id"));
                let found = format!("blocked: {}", threat.unwrap_or("no name given"));
                (Step::passed(step, found), Direct::Blocks)
            }
            _ if matches!(answer.head.status, 200 | 204) => {
                let remedy = "load signatures that know EICAR (baleen db info), and look at [ICAPD] Block… switches";
                (Step::failed(step, Hop::Scan, "scanned, but not blocked", remedy), Direct::Passes)
            }
            _ => {
                let found = format!("answers «{}»", answer.head.first_line());
                (
                    Step::failed(step, Hop::Scan, found, "see Baleen's log at this time"),
                    Direct::Passes,
                )
            }
        },
        Err(error) => (
            Step::failed(step, Hop::Scan, error.to_string(), "see Baleen's log at this time"),
            Direct::Passes,
        ),
    }
}

/// The clean body must come back as it was.
fn judge_clean(asked: io::Result<Answer>) -> Step {
    let remedy = "see Baleen's log at this time; please report it if the log says nothing";
    match asked {
        Ok(answer) if answer.head.status == 204 => Step::passed(CLEAN, "passed unmodified"),
        Ok(Answer { http: Some(http), body, .. }) if http.status == 200 => {
            if body == sample::clean() {
                Step::passed(CLEAN, format!("{} bytes came back as they were", body.len()))
            } else {
                let found = format!(
                    "the clean body is damaged: {} bytes of {} came back, or others",
                    body.len(),
                    sample::clean().len()
                );
                Step::failed(CLEAN, Hop::Scan, found, remedy)
            }
        }
        Ok(Answer { http: Some(http), .. }) if http.status == 403 => Step::failed(
            CLEAN,
            Hop::Scan,
            "a clean body is blocked",
            "look at BlockUnchecked and at MIME rules in the settings; is a database loaded (baleen db info)?",
        ),
        Ok(answer) => Step::failed(
            CLEAN,
            Hop::Scan,
            format!("answers «{}»", answer.head.first_line()),
            remedy,
        ),
        Err(error) => Step::failed(CLEAN, Hop::Scan, error.to_string(), remedy),
    }
}

const OPTIONS: &str = "ICAP OPTIONS";
const CLEAN: &str = "ICAP RESPMOD, clean body";
const INFECTED: &str = "ICAP RESPMOD, test virus";
const UPLOAD: &str = "ICAP REQMOD, test virus uploaded";
/// Reserved for documentation: no list of sites has it.
const HOST: &str = "selftest.example";
const URL: &str = "http://selftest.example/";

#[cfg(test)]
mod tests {
    use super::{Answer, Direct, Head, judge_blocked, judge_clean, request, sample};
    use crate::cli::selftest::step::{Hop, Outcome};

    fn answer(icap: &str, http: Option<&str>, body: &[u8]) -> Answer {
        let head = |text: &str| Head::read(&mut text.as_bytes()).expect("a head");
        Answer { head: head(icap), http: http.map(head), body: body.to_vec() }
    }

    const OK: &str = "ICAP/1.0 200 OK\r\nX-Virus-ID: Eicar\r\n\r\n";
    const NO_CONTENT: &str = "ICAP/1.0 204 No Content\r\n\r\n";

    #[test]
    fn offsets_count_from_the_first_encapsulated_head() {
        let text = String::from_utf8(request(b"abc").render("h:1")).expect("ASCII");
        let (icap, rest) = text.split_once("\r\n\r\n").expect("a head");
        let http = rest.split_once("\r\n\r\n").expect("a head").0.len() + 4;
        assert!(icap.contains(&format!("Encapsulated: req-hdr=0, req-body={http}\r\n")), "{icap}");
        assert!(text.ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
    }

    #[test]
    fn the_virus_has_to_be_blocked() {
        let check = |answer| {
            let (step, direct) = judge_blocked("x", answer);
            (step.result, direct)
        };
        let blocked = answer(OK, Some("HTTP/1.1 403 Forbidden\r\n\r\n"), b"page");
        assert_eq!(check(Ok(blocked)), (Outcome::Passed, Direct::Blocks));
        assert_eq!(check(Ok(answer(NO_CONTENT, None, b""))), (Outcome::Failed, Direct::Passes));
        let echoed = answer(OK, Some("HTTP/1.1 200 OK\r\n\r\n"), b"virus");
        assert_eq!(check(Ok(echoed)), (Outcome::Failed, Direct::Passes));
        let overloaded = answer("ICAP/1.0 503 Overloaded\r\n\r\n", None, b"");
        assert_eq!(check(Ok(overloaded)), (Outcome::Failed, Direct::Passes));
    }

    #[test]
    fn the_clean_body_has_to_come_back() {
        let check = |answer| judge_clean(Ok(answer)).result;
        let http = Some("HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(check(answer(NO_CONTENT, None, b"")), Outcome::Passed);
        assert_eq!(check(answer(OK, http, &sample::clean())), Outcome::Passed);
        assert_eq!(check(answer(OK, http, &sample::clean()[1..])), Outcome::Failed);
        assert_eq!(check(answer(OK, Some("HTTP/1.1 403 Forbidden\r\n\r\n"), b"")), Outcome::Failed);
        assert_eq!(judge_clean(Err(std::io::ErrorKind::TimedOut.into())).hop, Some(Hop::Scan));
    }
}
