//! A bare echo on glommio, to compare the gateway with: it answers ICAP and looks at nothing.
//!
//! ```text
//! cargo bench --profile quick --bench bare -- 127.0.0.1:1344     # until it is ended
//! ```
//!
//! One executor, one thread. Of a request it reads the first line, `Encapsulated`, `Preview` and `Allow`; a body
//! ends where what was received ends with the last chunk, so requests may not be sent ahead (`icap-load` sends
//! none). Behind a preview, and where 204 is allowed, the answer is 204; else the encapsulated part goes back as it
//! comes, from the buffer it came into. So it is what receiving and sending cost here, and no server.
//!
//! `--test` starts it, asks it each way, and checks the answers.

#![expect(clippy::print_stdout, reason = "the address is what is asked for")]
#![expect(clippy::disallowed_methods, reason = "a thread beats, as that of the gateway does")]

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::time::Duration;

use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
use glommio::net::{TcpListener, TcpStream};
use glommio::{Latency, LocalExecutorBuilder, Placement, Shares};

/// As the gateway's.
const BUFFER_BYTES: usize = 64 << 10;
const RING_DEPTH: usize = 256;
const RING_MEMORY_BYTES: usize = 64 << 10;
const IO_LATENCY: Duration = Duration::from_millis(1);
const ROOT_LATENCY: Duration = Duration::from_secs(10);
const BEAT: Duration = Duration::from_millis(5);
/// Beats that wait.
const BEATS_MAX: usize = 1;
/// The end of a body, in a preview or not.
const ENDS: [&[u8]; 2] = [b"\r\n0\r\n\r\n", b"\r\n0; ieof\r\n\r\n"];
const END_BYTES_MAX: usize = 13;
const NO_CONTENT: &[u8] = b"ICAP/1.0 204 No Content\r\nISTag: \"bare\"\r\n\r\n";
const OPTIONS: &[u8] =
    b"ICAP/1.0 200 OK\r\nMethods: REQMOD, RESPMOD\r\nISTag: \"bare\"\r\nAllow: 204\r\nPreview: \
    65536\r\nEncapsulated: null-body=0\r\n\r\n";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.first().map(String::as_str) {
        Some(address) if !address.starts_with('-') => {
            let (listening, serving) = start(address.parse().expect("an address and a port"));
            println!("listening on {listening}");
            serving.join().expect("it serves until it is ended");
        }
        // With `--test`, and without words, as a test runner asks.
        _ => {
            let (listening, _serving) = start(SocketAddr::from(([127, 0, 0, 1], 0)));
            asked_each_way(listening);
        }
    }
}

/// Starts to serve; where it listens, and the thread that serves.
fn start(address: SocketAddr) -> (SocketAddr, std::thread::JoinHandle<()>) {
    let (tell, told) = std::sync::mpsc::channel();
    let serving = std::thread::spawn(move || {
        let (beat, beats) = async_channel::bounded::<()>(BEATS_MAX);
        std::thread::spawn(move || {
            while !beat.is_closed() {
                std::thread::sleep(BEAT);
                // One that waits is enough.
                let _full = beat.try_send(());
            }
        });
        let builder = LocalExecutorBuilder::new(Placement::Unbound)
            .io_memory(RING_MEMORY_BYTES)
            .ring_depth(RING_DEPTH)
            .preempt_timer(ROOT_LATENCY);
        let executor = builder.make().expect("io_uring is allowed");
        executor.run(async move {
            let latency = Latency::Matters(IO_LATENCY);
            let queue = glommio::executor().create_task_queue(Shares::Static(1000), latency, "io");
            let listener = TcpListener::bind(address).expect("the address is free");
            tell.send(listener.local_addr().expect("it is bound")).expect("somebody waits");
            let accepting = async move {
                while let Ok(stream) = listener.accept().await {
                    let task =
                        glommio::spawn_local_into(async move { drop(serve(stream).await) }, queue);
                    task.expect("the queue is there").detach();
                }
            };
            glommio::spawn_local_into(accepting, queue).expect("the queue is there").detach();
            while beats.recv().await.is_ok() {}
        });
    });
    (told.recv().expect("it listens"), serving)
}

/// How a request is answered.
enum Way {
    /// It asks what can be asked.
    Options,
    /// With a 204, behind its body.
    Unchanged,
    /// With what it carries.
    Echo,
}

/// What has to be known of a request.
struct Asked {
    way: Way,
    /// The connection ends behind the answer.
    closes: bool,
    has_body: bool,
    /// Bytes from the end of the ICAP head to what goes back, and to the body.
    back_at: usize,
    body_at: usize,
    /// `Encapsulated` of what goes back.
    encapsulated: String,
}

impl Asked {
    fn of(head: &[u8]) -> Self {
        let head = std::str::from_utf8(head).expect("a head is text");
        let field = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        let parts: Vec<(&str, usize)> = field("Encapsulated")
            .unwrap_or("null-body=0")
            .split(", ")
            .filter_map(|part| part.split_once('='))
            .filter_map(|(name, at)| Some((name, at.parse().ok()?)))
            .collect();
        let back = if head.starts_with("RESPMOD") { "res-" } else { "req-" };
        let kept = |name: &str| name.starts_with(back) || name == "null-body";
        let back_at = parts.iter().find(|(name, _)| kept(name)).map_or(0, |part| part.1);
        let body = parts.last().copied().unwrap_or(("null-body", 0));
        let told = parts.iter().filter(|(name, _)| kept(name));
        let told: Vec<String> = told.map(|(name, at)| format!("{name}={}", at - back_at)).collect();
        let is_spared = field("Allow").is_some_and(|allow| allow.contains("204"));
        let way = if head.starts_with("OPTIONS") {
            Way::Options
        } else if is_spared || field("Preview").is_some() {
            Way::Unchanged
        } else {
            Way::Echo
        };
        Self {
            way,
            closes: field("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close")),
            has_body: body.0 != "null-body",
            back_at,
            body_at: body.1,
            encapsulated: told.join(", "),
        }
    }

    fn ends(&self, received: &[u8]) -> bool {
        !self.has_body || ENDS.iter().any(|end| received.ends_with(end))
    }
}

async fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let mut have = 0;
        let head = loop {
            let end = buffer[..have].windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                break end + 4;
            }
            have += more(&mut stream, &mut buffer[have..]).await?;
        };
        let asked = Asked::of(&buffer[..head]);
        while have < head + asked.body_at {
            have += more(&mut stream, &mut buffer[have..]).await?;
        }
        match asked.way {
            Way::Options => stream.write_all(OPTIONS).await?,
            Way::Unchanged => {
                while !asked.ends(&buffer[..have]) {
                    have = make_room(&mut buffer, have);
                    have += more(&mut stream, &mut buffer[have..]).await?;
                }
                stream.write_all(NO_CONTENT).await?;
            }
            Way::Echo => echo(&mut stream, &mut buffer, &asked, head, have).await?,
        }
        if asked.closes {
            // Dropped, it is closed.
            return Ok(());
        }
    }
}

/// Sends what is encapsulated back as it comes.
async fn echo(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    asked: &Asked,
    head: usize,
    mut have: usize,
) -> io::Result<()> {
    let answer = format!(
        "ICAP/1.0 200 OK\r\nISTag: \"bare\"\r\nEncapsulated: {}\r\n\r\n",
        asked.encapsulated
    );
    // In front of what goes back lies the request's head, which is longer.
    let begin =
        (head + asked.back_at).checked_sub(answer.len()).ok_or(io::ErrorKind::InvalidData)?;
    buffer[begin..begin + answer.len()].copy_from_slice(answer.as_bytes());
    stream.write_all(&buffer[begin..have]).await?;
    while !asked.ends(&buffer[..have]) {
        have = make_room(buffer, have);
        let count = more(stream, &mut buffer[have..]).await?;
        stream.write_all(&buffer[have..have + count]).await?;
        have += count;
    }
    Ok(())
}

/// Keeps of a buffer only what the end of a body may begin in; gives what is left in it.
fn make_room(buffer: &mut [u8], have: usize) -> usize {
    let kept = have.min(END_BYTES_MAX);
    buffer.copy_within(have - kept..have, 0);
    kept
}

/// Receives; an end is an error here.
async fn more(stream: &mut TcpStream, room: &mut [u8]) -> io::Result<usize> {
    match stream.read(room).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => Ok(count),
    }
}

/// Asks each way and checks the answer.
fn asked_each_way(address: SocketAddr) {
    let mut stream = StdStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time");
    let request = "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let response = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
    let (at, body_at) = (request.len(), request.len() + response.len());
    let ask = |more: &str| {
        format!(
            "RESPMOD icap://127.0.0.1/echo ICAP/1.0\r\nHost: 127.0.0.1\r\n{more}Encapsulated: req-hdr=0, \
             res-hdr={at}, res-body={body_at}\r\n\r\n{request}{response}"
        )
    };
    let long = "x".repeat(3 * BUFFER_BYTES);
    let body = format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len());
    let encapsulated =
        format!("Encapsulated: res-hdr=0, res-body={}\r\n\r\n{response}", response.len());
    let echo = format!("ICAP/1.0 200 OK\r\nISTag: \"bare\"\r\n{encapsulated}{body}");
    let none = String::from_utf8_lossy(NO_CONTENT).into_owned();
    for (asked, answer) in [
        (ask("Preview: 4\r\n") + "4\r\nabcd\r\n0; ieof\r\n\r\n", none.clone()),
        (ask("Allow: 204\r\n") + &body, none),
        (ask("") + &body, echo),
        (
            "OPTIONS icap://127.0.0.1/echo ICAP/1.0\r\n\r\n".to_owned(),
            String::from_utf8_lossy(OPTIONS).into_owned(),
        ),
    ] {
        let mut sending = stream.try_clone().expect("a second handle");
        std::thread::scope(|scope| {
            scope.spawn(move || sending.write_all(asked.as_bytes()).expect("it takes all"));
            let mut back = vec![0; answer.len()];
            stream.read_exact(&mut back).expect("a whole answer");
            assert!(
                back == answer.as_bytes(),
                "{}",
                String::from_utf8_lossy(&back[..200.min(back.len())])
            );
        });
    }
}
