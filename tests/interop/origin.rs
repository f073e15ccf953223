//! The web server behind the proxy: every kind of message that a test needs, made while it flows.
//!
//! | path | answer |
//! | --- | --- |
//! | `/size/N` | N bytes with `Content-Length` |
//! | `/chunked/N` | N bytes in chunks |
//! | `/eicar`, `/eicar/gzip`, `/eicar/chunked` | the test virus, plain, content-coded, in chunks |
//! | `/no-content` | 204 |
//! | `/etag` | 304 when the client has it, else 200 |
//! | `/parts/N` | as `/tail/N`, and the part that `Range` asks for |
//! | `/kept/N` | N bytes with an `ETag`, always the same |
//! | `/liar/N` | the same, but from the third time on they end with the test virus |
//! | `/forged/N` | N bytes with a mark as the gateway gives them |
//! | `/halves/N` | N bytes, the second half of them when [`Origin::go_on`] says so |
//! | `/events/clean`, `/events/eicar` | three events without an end, each when [`Origin::go_on`] says so; the second is clean or the test virus |
//! | `/short/N` | promises N bytes and hangs up after half of them |
//! | `/upload` | reads the body, answers with its length and digest |
//!
//! Connections are kept; each has its thread, at most [`CONNECTIONS_MAX`] at once.

use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::body;

/// A running web server. It ends with the test.
#[derive(Debug)]
pub(crate) struct Origin {
    address: SocketAddr,
    seen: Arc<Seen>,
}

/// What it remembers.
#[derive(Debug, Default)]
struct Seen {
    /// Requests to `/upload` whose body arrived whole.
    uploads: AtomicU32,
    open: AtomicU32,
    /// Requests to `/liar`.
    lies: AtomicU32,
    /// `/halves` and `/events` go on when a word comes through.
    gate: Gate,
}

/// One word for each body that waits.
#[derive(Debug)]
struct Gate {
    words: crossbeam_channel::Sender<()>,
    heard: crossbeam_channel::Receiver<()>,
}

impl Default for Gate {
    fn default() -> Self {
        let (words, heard) = crossbeam_channel::bounded(1);
        Self { words, heard }
    }
}

/// What matters of a request.
struct Request {
    method: String,
    path: String,
    body: Body,
    has_etag: bool,
    /// First and last byte.
    range: Option<(usize, usize)>,
    keeps: bool,
}

enum Body {
    Length(u64),
    Chunked,
}

impl Origin {
    /// Starts it on a port of its own.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("bound");
        let seen = Arc::new(Seen::default());
        let memory = Arc::clone(&seen);
        spawn("origin", move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if memory.open.fetch_add(1, Ordering::AcqRel) >= CONNECTIONS_MAX {
                    memory.open.fetch_sub(1, Ordering::AcqRel);
                    continue;
                }
                let memory = Arc::clone(&memory);
                spawn("origin-connection", move || {
                    // Whoever breaks a connection off knows it; the tests look at the other end.
                    drop(serve(&stream, &memory));
                    memory.open.fetch_sub(1, Ordering::AcqRel);
                });
            }
        });
        Self { address, seen }
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Lets `/halves` send the second half, `/events` the next event.
    pub(crate) fn go_on(&self) {
        self.seen.gate.words.send(()).expect("the other end is beside this one");
    }

    /// How many uploads arrived whole.
    pub(crate) fn uploads(&self) -> u32 {
        self.seen.uploads.load(Ordering::Acquire)
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    drop(thread::Builder::new().name(name.to_owned()).spawn(work).expect("a thread"));
}

fn serve(stream: &TcpStream, seen: &Seen) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut from = BufReader::new(stream);
    let mut to = BufWriter::new(stream);
    while let Some(request) = Request::read(&mut from)? {
        let keeps = answer(&request, &mut from, &mut to, seen)?;
        to.flush()?;
        if !keeps || !request.keeps {
            break;
        }
    }
    Ok(())
}

/// Answers one request; false when the connection may not go on.
fn answer(
    request: &Request,
    from: &mut impl BufRead,
    to: &mut impl Write,
    seen: &Seen,
) -> io::Result<bool> {
    let mut body = request.body(from)?;
    let mut parts = request.path.trim_start_matches('/').split('/');
    let (kind, detail) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let length = detail.parse().unwrap_or(0);
    let eicar = body::eicar();
    match (kind, detail) {
        ("size", _) => {
            head(to, "200 OK", &format!("Content-Length: {length}\r\n"))?;
            if request.method != "HEAD" {
                body::write(length, to)?;
            }
        }
        ("chunked", _) => {
            head(to, "200 OK", "Transfer-Encoding: chunked\r\n")?;
            chunks(&mut body::bytes(length).as_slice(), to)?;
        }
        ("tail", _) => {
            let whole = length + eicar.len() as u64;
            head(to, "200 OK", &format!("Content-Length: {whole}\r\n"))?;
            body::write(length, to)?;
            to.write_all(&eicar)?;
        }
        ("parts", _) => {
            let object = [body::bytes(length), eicar].concat();
            match request.range.map(|(first, last)| (first, last, object.get(first..=last))) {
                Some((first, last, Some(part))) => {
                    let all = object.len();
                    let fields = format!("Content-Range: bytes {first}-{last}/{all}\r\n");
                    let fields = format!("{fields}Content-Length: {}\r\n", part.len());
                    head(to, "206 Partial Content", &fields)?;
                    to.write_all(part)?;
                }
                Some((.., None)) | None => whole(to, "Accept-Ranges: bytes\r\n", &object)?,
            }
        }
        ("kept" | "liar", _) => whole(to, KEPT, &kept(kind, length, seen))?,
        ("forged", _) => {
            head(to, "200 OK", &format!("X-Scanned-By: me\r\nContent-Length: {length}\r\n"))?;
            body::write(length, to)?;
        }
        ("halves", _) => halves(to, length, seen)?,
        ("events", _) => events(to, if detail == "eicar" { &eicar } else { b"two" }, seen)?,
        ("short", _) => {
            head(to, "200 OK", &format!("Content-Length: {length}\r\n"))?;
            body::write(length / 2, to)?;
            return Ok(false);
        }
        ("eicar", "gzip") => {
            let mut coder = GzEncoder::new(Vec::new(), Compression::default());
            coder.write_all(&eicar)?;
            whole(to, "Content-Encoding: gzip\r\n", &coder.finish()?)?;
        }
        ("eicar", "chunked") => {
            head(to, "200 OK", "Transfer-Encoding: chunked\r\n")?;
            chunks(&mut eicar.as_slice(), to)?;
        }
        ("eicar", _) => whole(to, "", &eicar)?,
        ("no-content", _) => head(to, "204 No Content", "")?,
        ("etag", _) if request.has_etag => head(to, "304 Not Modified", "ETag: \"baleen\"\r\n")?,
        ("etag", _) => whole(to, "ETag: \"baleen\"\r\n", b"fresh\n")?,
        ("upload", _) => {
            let received = body::read(&mut body)?;
            seen.uploads.fetch_add(1, Ordering::AcqRel);
            whole(to, "", format!("{} {}\n", received.length, received.digest).as_bytes())?;
        }
        _ => head(to, "404 Not Found", "Content-Length: 0\r\n")?,
    }
    Ok(true)
}

/// What always has the same validator: with a liar something else from the third time on.
fn kept(kind: &str, length: u64, seen: &Seen) -> Vec<u8> {
    let (mut object, eicar) = (body::bytes(length), body::eicar());
    if kind == "liar" && seen.lies.fetch_add(1, Ordering::AcqRel) >= 2 {
        let place = object.len() - eicar.len();
        object[place..].copy_from_slice(&eicar);
    }
    object
}

/// A body whose second half waits until the test says so.
fn halves(to: &mut impl Write, length: u64, seen: &Seen) -> io::Result<()> {
    head(to, "200 OK", &format!("Content-Length: {length}\r\n"))?;
    let object = body::bytes(length);
    let (first, second) = object.split_at(object.len() / 2);
    to.write_all(first)?;
    to.flush()?;
    seen.gate.heard.recv().map_err(io::Error::other)?;
    to.write_all(second)
}

/// Events of which each waits until the test says so; the first does not.
fn events(to: &mut impl Write, second: &[u8], seen: &Seen) -> io::Result<()> {
    let fields = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n";
    write!(to, "HTTP/1.1 200 OK\r\nServer: origin.test\r\n{fields}\r\n")?;
    for (number, event) in [b"one", second, b"three"].into_iter().enumerate() {
        if number > 0 {
            seen.gate.heard.recv().map_err(io::Error::other)?;
        }
        let event = [b"data: ", event, b"\n\n"].concat();
        write!(to, "{:x}\r\n", event.len())?;
        to.write_all(&event)?;
        to.write_all(b"\r\n")?;
        to.flush()?;
    }
    to.write_all(b"0\r\n\r\n")
}

/// `bytes=0-99`
fn range(value: &str) -> Option<(usize, usize)> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn head(to: &mut impl Write, status: &str, fields: &str) -> io::Result<()> {
    write!(
        to,
        "HTTP/1.1 {status}\r\nServer: origin.test\r\nContent-Type: application/octet-stream\r\n{fields}\r\n"
    )
}

fn whole(to: &mut impl Write, fields: &str, body: &[u8]) -> io::Result<()> {
    head(to, "200 OK", &format!("{fields}Content-Length: {}\r\n", body.len()))?;
    to.write_all(body)
}

/// Chunks of odd sizes, so that they never fall together with anybody's buffers.
fn chunks(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    loop {
        let mut chunk = Vec::new();
        let count = from.take(CHUNK_BYTES).read_to_end(&mut chunk)?;
        if count == 0 {
            return to.write_all(b"0\r\n\r\n");
        }
        write!(to, "{count:x}\r\n")?;
        to.write_all(&chunk)?;
        to.write_all(b"\r\n")?;
    }
}

impl Request {
    fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut first = String::new();
        if from.take(HEAD_LINE_BYTES_MAX).read_line(&mut first)? == 0 {
            return Ok(None);
        }
        let mut words = first.split_whitespace().map(str::to_owned);
        let mut request = Self {
            method: words.next().unwrap_or_default(),
            path: words.next().unwrap_or_default(),
            body: Body::Length(0),
            has_etag: false,
            range: None,
            keeps: true,
        };
        loop {
            let mut line = String::new();
            from.take(HEAD_LINE_BYTES_MAX).read_line(&mut line)?;
            let line = line.trim().to_ascii_lowercase();
            let Some((name, value)) = line.split_once(':') else {
                return Ok(Some(request));
            };
            match (name, value.trim()) {
                ("content-length", value) => {
                    request.body = Body::Length(value.parse().unwrap_or(0));
                }
                ("transfer-encoding", "chunked") => request.body = Body::Chunked,
                ("if-none-match", "\"baleen\"") => request.has_etag = true,
                ("range", value) => request.range = range(value),
                ("connection", "close") => request.keeps = false,
                _ => {}
            }
        }
    }

    fn body(&self, from: &mut impl BufRead) -> io::Result<Box<dyn io::Read>> {
        // Only uploads have bodies, and the longest of them fits into memory.
        let mut body = Vec::new();
        match self.body {
            Body::Length(length) => {
                let count = from.take(length).read_to_end(&mut body)?;
                if u64::try_from(count).is_ok_and(|count| count < length) {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Body::Chunked => loop {
                let mut size = String::new();
                from.take(HEAD_LINE_BYTES_MAX).read_line(&mut size)?;
                let length =
                    u64::from_str_radix(size.trim(), 16).map_err(|_| io::ErrorKind::InvalidData)?;
                from.take(length).read_to_end(&mut body)?;
                from.take(HEAD_LINE_BYTES_MAX).read_line(&mut String::new())?;
                if length == 0 {
                    break;
                }
            },
        }
        Ok(Box::new(io::Cursor::new(body)))
    }
}

/// A strong validator.
const KEPT: &str = "ETag: \"the-same\"\r\n";
/// A proxy opens a few for each client.
const CONNECTIONS_MAX: u32 = 256;
/// A prime.
const CHUNK_BYTES: u64 = 4093;
const HEAD_LINE_BYTES_MAX: u64 = 64 << 10;
/// Reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(900);
