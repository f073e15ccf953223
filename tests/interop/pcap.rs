//! Writes an exchange of bytes as a capture file, so that tshark can read it without having the right
//! to listen on the network.
//!
//! Classic pcap, link type «raw IPv4»: a file header, then for each packet a record header, an IPv4
//! header and a TCP header without options. Checksums are left at 0; readers do not check them unless
//! they are asked to.

use std::net::{Ipv4Addr, SocketAddrV4};

/// A capture of one TCP connection that is being written.
#[derive(Debug)]
pub(crate) struct Capture {
    bytes: Vec<u8>,
    client: End,
    server: End,
    packets: u32,
}

/// One side of the connection, and how far it has spoken.
#[derive(Clone, Copy, Debug)]
struct End {
    address: SocketAddrV4,
    sequence: u32,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    Client,
    Server,
}

impl Capture {
    /// A connection to a server on this port, already shaken hands.
    pub(crate) fn new(server_port: u16) -> Self {
        let mut bytes = Vec::new();
        // Magic with microseconds, version 2.4, no time zone, whole packets, link type 228 (raw IPv4).
        for number in [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 1 << 18, 228] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        let end = |last, port| End {
            address: SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, last), port),
            sequence: 1000,
        };
        let mut capture =
            Self { bytes, client: end(1, 40_000), server: end(2, server_port), packets: 0 };
        capture.packet(Speaker::Client, SYN, &[]);
        capture.client.sequence += 1;
        capture.packet(Speaker::Server, SYN | ACK, &[]);
        capture.server.sequence += 1;
        capture.packet(Speaker::Client, ACK, &[]);
        capture
    }

    /// Somebody says something.
    pub(crate) fn say(&mut self, speaker: Speaker, bytes: &[u8]) {
        for segment in bytes.chunks(SEGMENT_BYTES_MAX) {
            self.packet(speaker, ACK | PUSH, segment);
            let spoken = u32::try_from(segment.len()).expect("a segment");
            match speaker {
                Speaker::Client => self.client.sequence += spoken,
                Speaker::Server => self.server.sequence += spoken,
            }
        }
    }

    /// The file.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn packet(&mut self, speaker: Speaker, flags: u8, payload: &[u8]) {
        let (from, to) = match speaker {
            Speaker::Client => (self.client, self.server),
            Speaker::Server => (self.server, self.client),
        };
        let mut packet = Vec::new();
        let length = u16::try_from(40 + payload.len()).expect("a segment");
        // Version 4, header of five words; no service; length; no fragments; 64 hops; TCP; no checksum.
        packet.extend_from_slice(&[0x45, 0]);
        packet.extend_from_slice(&length.to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0x40, 0, 64, 6, 0, 0]);
        packet.extend_from_slice(&from.address.ip().octets());
        packet.extend_from_slice(&to.address.ip().octets());
        packet.extend_from_slice(&from.address.port().to_be_bytes());
        packet.extend_from_slice(&to.address.port().to_be_bytes());
        packet.extend_from_slice(&from.sequence.to_be_bytes());
        packet.extend_from_slice(&to.sequence.to_be_bytes());
        // Header of five words, flags, window, no checksum, nothing urgent.
        packet.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend_from_slice(payload);
        let length = u32::from(length);
        // A second later each time: nothing here depends on real time.
        for number in [1_700_000_000 + self.packets, 0, length, length] {
            self.bytes.extend_from_slice(&number.to_be_bytes());
        }
        self.bytes.extend_from_slice(&packet);
        self.packets += 1;
    }
}

const SYN: u8 = 0x02;
const PUSH: u8 = 0x08;
const ACK: u8 = 0x10;
/// As on loopback: whole messages in one packet, because tshark does not join the parts of ICAP bodies.
const SEGMENT_BYTES_MAX: usize = 32 << 10;
