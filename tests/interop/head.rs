//! The head of an answer, read from a socket without a byte of what follows.

use std::io::Read as _;
use std::net::TcpStream;

/// Reads up to the first blank line. What is behind it stays.
#[track_caller]
pub(crate) fn read_head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a whole head");
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}
