//! Conversations as text, and the replay that cuts them anywhere.
//!
//! ```text
//! # a comment
//! = profile strict          an option, see `set_option`
//! = unmodified              what the owner decides, in order; `at request` or `after 100` says when; also
//!                           changed, ahead, `verdict WORD`, unscannable, continue, abort, hold, `block NAME`
//! > text                    a line of the client, CR LF added
//! >> text\r\n               the same without CR LF, with \r \n \t \0 \xHH
//! >* 1000 abc               a chunk of 1000 bytes that repeat `abc`
//! < text, << text, <* …     the same from us
//! <: 204                    an answer in short: 100, 204, `fault 400 Bad Request`, `closing 204`, `block NAME`
//! ~ 30 s                    time passes
//! ! client                  the client closes its side
//! ! server                  we close
//! ! retire                  the gateway is going down
//! ```
//!
//! In a field `Encapsulated` each `?` becomes the length of the heads so far. `{istag}` is the tag.

use std::time::Duration;

use baleen::icap::{
    Authentication, Fault, Host, NoContent, Options, PreviewNoContent, Profile, UriForm, Violations,
};

use super::shell::{Decision, Shell, What, When, extra, istag, page, page_head};

/// One conversation, ready to be replayed.
pub(crate) struct Script {
    options: Options,
    decisions: Vec<Decision>,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Client(Vec<u8>),
    Server(Vec<u8>),
    Wait(Duration),
    ClientEnds,
    ServerCloses,
    Retire,
}

/// Parses and replays: whole, cut at every place, and byte by byte.
#[track_caller]
pub(crate) fn converse(text: &str) {
    let script = Script::parse(text);
    script.replay(&mut |bytes| vec![bytes.len()], "whole");
    script.replay(&mut |bytes| vec![1; bytes.len()], "byte by byte");
    let total: usize = script.client_bytes();
    // Long bodies are cut at every place near their ends, and here and there between.
    let stride = |at: usize| {
        if total <= 2500 || at < 1200 || at + 300 > total { 1 } else { 997 }
    };
    let mut at = 1;
    while at < total {
        let mut seen = 0;
        let mut cut = |bytes: &[u8]| {
            let begin = seen;
            seen += bytes.len();
            if begin < at && at < seen { vec![at - begin, seen - at] } else { vec![bytes.len()] }
        };
        script.replay(&mut cut, &format!("cut at byte {at}"));
        at += stride(at);
    }
}

impl Script {
    #[track_caller]
    fn parse(text: &str) -> Self {
        let mut script =
            Self { options: Options::new(istag()), decisions: Vec::new(), steps: Vec::new() };
        for line in text
            .lines()
            .map(str::trim_start)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (mark, rest) = line.split_at(line.find(' ').unwrap_or(line.len()));
            script.parse_line(mark, rest.strip_prefix(' ').unwrap_or(rest));
        }
        for step in &mut script.steps {
            if let Step::Client(bytes) | Step::Server(bytes) = step {
                *bytes = fill_offsets(bytes);
            }
        }
        script
    }

    #[track_caller]
    fn parse_line(&mut self, mark: &str, rest: &str) {
        match mark {
            "=" => self.directive(rest),
            ">" => self.client(format!("{rest}\r\n").as_bytes()),
            ">>" => self.client(&unescape(rest)),
            ">*" => self.client(&chunk(rest)),
            "<" => {
                self.server(format!("{rest}\r\n").replace("{istag}", istag().as_str()).as_bytes());
            }
            "<<" => self.server(&unescape(rest)),
            "<*" => self.server(&chunk(rest)),
            "<:" => self.server(short(rest).as_bytes()),
            "~" => self.steps.push(Step::Wait(time(rest))),
            "!" => self.steps.push(match rest {
                "client" => Step::ClientEnds,
                "server" => Step::ServerCloses,
                "retire" => Step::Retire,
                _ => panic!("who breaks the connection? {rest}"),
            }),
            _ => panic!("unknown mark {mark}"),
        }
    }

    fn client(&mut self, bytes: &[u8]) {
        match self.steps.last_mut() {
            Some(Step::Client(open)) => open.extend_from_slice(bytes),
            _ => self.steps.push(Step::Client(bytes.to_vec())),
        }
    }

    fn server(&mut self, bytes: &[u8]) {
        match self.steps.last_mut() {
            Some(Step::Server(open)) => open.extend_from_slice(bytes),
            _ => self.steps.push(Step::Server(bytes.to_vec())),
        }
    }

    #[track_caller]
    fn directive(&mut self, rest: &str) {
        let words: Vec<&str> = rest.split_whitespace().collect();
        let (what, when) = match words.as_slice() {
            [what @ .., "at", "request"] => (what, When::AtRequest),
            [what @ .., "after", bytes] => {
                (what, When::After(bytes.parse().expect("a number of bytes")))
            }
            what => (what, When::AtEnd),
        };
        let what = match what {
            ["unmodified"] => What::Unmodified,
            ["changed"] => What::Changed,
            ["ahead"] => What::Ahead,
            ["verdict", word] => What::Verdict((*word).to_owned()),
            ["unscannable"] => What::Unscannable,
            ["continue"] => What::Continue,
            ["abort"] => What::Abort,
            ["hold"] => What::Hold,
            ["overloaded"] => What::Fault(Fault::Overloaded),
            ["failed"] => What::Fault(Fault::Internal),
            ["block", name] => What::Block((*name).to_owned()),
            [option, value] => return set_option(&mut self.options, option, value),
            _ => panic!("unknown directive {rest}"),
        };
        self.decisions.push(Decision { what, when });
    }

    fn client_bytes(&self) -> usize {
        let length = |step: &Step| {
            if let Step::Client(bytes) = step { bytes.len() } else { 0 }
        };
        self.steps.iter().map(length).sum()
    }

    #[track_caller]
    fn replay(&self, cut: &mut dyn FnMut(&[u8]) -> Vec<usize>, how: &str) {
        let mut shell = Shell::new(self.options.clone(), self.decisions.clone());
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                Step::Client(bytes) => {
                    let mut rest = bytes.as_slice();
                    for length in cut(bytes) {
                        let (piece, tail) = rest.split_at(length);
                        shell.receive(piece);
                        rest = tail;
                    }
                }
                Step::Server(expected) => {
                    let sent = std::mem::take(&mut shell.sent);
                    assert!(sent == *expected, "{}", difference(&sent, expected, how, index));
                }
                Step::Wait(time) => shell.wait(*time),
                Step::ClientEnds => shell.end(),
                Step::ServerCloses => {
                    assert!(shell.is_closed, "{how}, step {index}: we should have closed");
                }
                Step::Retire => shell.retire(),
            }
        }
        let rest = String::from_utf8_lossy(&shell.sent).into_owned();
        assert!(rest.is_empty(), "{how}: we sent more than expected:\n{rest}");
        let expects_close = self.steps.iter().any(|step| matches!(step, Step::ServerCloses));
        assert_eq!(shell.is_closed, expects_close, "{how}: closed");
        assert_eq!(shell.unused_decisions(), 0, "{how}: decisions left over");
    }
}

fn difference(sent: &[u8], expected: &[u8], how: &str, step: usize) -> String {
    let at = sent.iter().zip(expected).take_while(|(left, right)| left == right).count();
    let show = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(4000)]).into_owned();
    format!(
        "{how}, step {step}: differs at byte {at}\n--- sent\n{}\n--- expected\n{}\n",
        show(sent),
        show(expected)
    )
}

#[track_caller]
fn set_option(options: &mut Options, name: &str, value: &str) {
    let number = || value.parse::<u64>().expect("a number");
    let size = || value.parse::<usize>().expect("a size");
    match name {
        "profile" => options.profile = Profile::named(value).expect("a profile"),
        "preview_no_content" => {
            options.profile.preview_no_content = PreviewNoContent::WhenAllowed;
        }
        "host" => options.profile.host = Host::Optional,
        "uri" => options.profile.uri = UriForm::PathToo,
        "authentication" => options.authentication = Authentication::Basic,
        "violations" => options.profile.violations = Violations::Folded,
        "no_content" => options.advertised.no_content = NoContent::Withhold,
        "requests_max" => options.requests_max = std::num::NonZeroU64::new(number()),
        "drain_bytes_max" => options.limits.drain_bytes_max = number(),
        "icap_head_bytes_max" => options.limits.icap_head_bytes_max = size(),
        "icap_fields_max" => options.limits.icap_fields_max = size(),
        "http_head_bytes_max" => options.limits.http_head_bytes_max = size(),
        "http_fields_max" => options.limits.http_fields_max = size(),
        "chunk_extension_bytes_max" => options.limits.chunk_extension_bytes_max = size(),
        "trailer_bytes_max" => options.limits.trailer_bytes_max = size(),
        "body_progress_bytes" => options.deadlines.body_progress_bytes = number(),
        _ => panic!("unknown option {name}"),
    }
}

fn time(rest: &str) -> Duration {
    match rest.split_once(' ') {
        Some((number, "s")) => Duration::from_secs(number.parse().expect("seconds")),
        Some((number, "ms")) => Duration::from_millis(number.parse().expect("milliseconds")),
        _ => panic!("how long? {rest}"),
    }
}

/// `SIZE PATTERN` as one chunk.
fn chunk(rest: &str) -> Vec<u8> {
    let (size, pattern) = rest.split_once(' ').expect("a size and a pattern");
    let size: usize = size.parse().expect("a size");
    let mut bytes = format!("{size:x}\r\n").into_bytes();
    bytes.extend(unescape(pattern).into_iter().cycle().take(size));
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// An answer in short.
fn short(rest: &str) -> String {
    let (closing, rest) = match rest.strip_prefix("closing ") {
        Some(rest) => ("Connection: close\r\n", rest),
        None => ("", rest),
    };
    let head = |status: &str, fields: &str| {
        format!("ICAP/1.0 {status}\r\nISTag: {}\r\n{closing}{fields}", istag().as_str())
    };
    if rest == "100" {
        return "ICAP/1.0 100 Continue\r\n\r\n".to_owned();
    }
    if rest == "204" {
        return head("204 No Content", "Encapsulated: null-body=0\r\n\r\n");
    }
    if let Some(status) = rest.strip_prefix("fault ") {
        return head(status, "Encapsulated: null-body=0\r\n\r\n");
    }
    let threat = rest.strip_prefix("block ").expect("an answer in short");
    assert_ne!(extra(threat), baleen::icap::Extra::new(), "a block says what was found");
    let (page, found) = (page(threat), format!("Threat={threat};\r\nX-Virus-ID: {threat}"));
    let fields =
        format!("X-Infection-Found: Type=0; Resolution=2; {found}\r\nX-Response-Info: Blocked\r\n");
    let http = page_head(page.len());
    let parts = format!("Encapsulated: res-hdr=0, res-body={}\r\n\r\n", http.len());
    let body = format!("{:x}\r\n{page}\r\n0\r\n\r\n", page.len());
    [head("200 OK", &fields), parts, http, body].concat()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next().expect("an escape") {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'0' => 0,
            b'\\' => b'\\',
            b'x' => {
                let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
                let digits = std::str::from_utf8(&digits).expect("digits");
                u8::from_str_radix(digits, 16).expect("hex digits")
            }
            other => panic!("unknown escape {other}"),
        });
    }
    bytes
}

/// Replaces each `?` in an `Encapsulated` field by the length of the heads before that part.
fn fill_offsets(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some(start) = find(rest, b"Encapsulated: ") {
        let line_end = start + find(&rest[start..], b"\r\n").expect("a line end");
        let line = &rest[start..line_end];
        let mut heads = after_blank_line(&rest[line_end..]);
        let mut length = 0;
        out.extend_from_slice(&rest[..start]);
        for byte in line {
            if *byte == b'?' {
                let next = after_blank_line(heads);
                length += heads.len() - next.len();
                heads = next;
                out.extend_from_slice(length.to_string().as_bytes());
            } else {
                out.push(*byte);
            }
        }
        rest = &rest[line_end..];
    }
    out.extend_from_slice(rest);
    out
}

fn after_blank_line(bytes: &[u8]) -> &[u8] {
    find(bytes, b"\r\n\r\n").map_or(&[], |at| &bytes[at + 4..])
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
