//! The answer to OPTIONS.
//!
//! RFC 3507 section 4.10.2, Dr.Web's scan status, and what Squid reads of it: `ServiceId` beside
//! `Service-ID`, no `Opt-body-type` (there is no opt-body), no `Date` (Squid adds the TTL to it).
//! `Allow` offers 206 and trailers only to a client that says it has them (both drafts want it so): a
//! strict client reads every token as a number and would stumble over the other.

use std::fmt::Write as _;

use super::Connection;
use super::extension::{SENT, Text, WANTED};
use super::head::push_text;
use super::{Advertised, Allow, Methods, NoContent, Offer, Profile, ScanStatus, Transfer};

impl Connection {
    /// Answers an OPTIONS request for the service that was found.
    pub(super) fn write_options(&mut self) {
        self.write_head(200, "OK");
        let out = &mut self.outbox.bytes;
        let (advertised, methods) = (&self.options.advertised, self.request.methods());
        write_service(out, advertised, methods);
        write_allow(out, advertised.no_content, &self.options.profile, self.request.allow());
        let wants_previews = self.options.profile.previews == Offer::Yes;
        if let Some(bytes) = advertised.preview_bytes.filter(|_| wants_previews) {
            write_number(out, "Preview", u64::from(bytes));
            write_transfer(out, advertised.transfer_of(methods));
        } else {
            write_transfer(out, &Transfer::complete_all());
        }
        write_field(out, "X-Include", WANTED);
        if self.request.wants_scan_status() {
            write_field(out, "X-Allow-Out", SENT);
            if let Some(status) = &self.options.scan_status {
                write_scan_status(out, status);
            }
        }
        out.extend_from_slice(b"Encapsulated: null-body=0\r\n\r\n");
        self.answer_written();
    }
}

fn write_service(out: &mut Vec<u8>, advertised: &Advertised, methods: Methods) {
    write_field(out, "Methods", methods.as_str());
    write_field(out, "Service", &advertised.service);
    if let Some(id) = &advertised.service_id {
        write_field(out, "Service-ID", id);
        write_field(out, "ServiceId", id);
    }
    if let Some(count) = advertised.connections_max {
        write_number(out, "Max-Connections", u64::from(count));
    }
    if let Some(seconds) = advertised.options_ttl_s {
        write_number(out, "Options-TTL", u64::from(seconds));
    }
}

fn write_allow(out: &mut Vec<u8>, no_content: NoContent, profile: &Profile, asked: Allow) {
    let tokens = [
        ("204", no_content == NoContent::Offer),
        ("206", profile.partial_content == Offer::Yes && asked.partial_content),
        ("trailers", profile.trailers == Offer::Yes && asked.trailers),
    ];
    let offered = tokens.iter().filter(|(_, is_offered)| *is_offered);
    for (index, (token, _)) in offered.clone().enumerate() {
        out.extend_from_slice(if index == 0 { b"Allow: " } else { b", " });
        out.extend_from_slice(token.as_bytes());
    }
    if offered.count() > 0 {
        out.extend_from_slice(b"\r\n");
    }
}

fn write_transfer(out: &mut Vec<u8>, transfer: &Transfer) {
    for (name, list) in transfer.lists() {
        out.extend_from_slice(name.as_bytes());
        for (index, item) in list.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b": " } else { b", " });
            out.extend_from_slice(item.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn write_scan_status(out: &mut Vec<u8>, status: &ScanStatus) {
    write_field(out, "DrWeb-Core-Engine", &status.core_engine);
    write_field(out, "DrWeb-Scan-Engine", &status.scan_engine);
    write_field(out, "DrWeb-Scan-Status", &status.status);
    write_field(out, "DrWeb-Database-Timestamp", &status.database_timestamp);
    write_number(out, "DrWeb-Virus-Records", status.virus_records);
}

fn write_field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    push_text(out, value);
    out.extend_from_slice(b"\r\n");
}

fn write_number(out: &mut Vec<u8>, name: &str, value: u64) {
    // Writing to memory cannot fail.
    let _ = write!(Text(out), "{name}: {value}\r\n");
}
