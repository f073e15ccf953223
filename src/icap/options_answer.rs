//! The answer to OPTIONS.
//!
//! RFC 3507 section 4.10.2, Dr.Web's scan status, and what Squid reads of it: `ServiceId` beside
//! `Service-ID`, no `Opt-body-type` (there is no opt-body), no `Date` (Squid adds the TTL to it).
//! `Allow` holds numbers only, because a strict client reads every token of it as one; 206 and trailers are
//! not offered.

use std::fmt::Write as _;

use super::Connection;
use super::extension::{SENT, Text, WANTED};
use super::head::push_text;
use super::{Advertised, Methods, NoContent, ScanStatus};

impl Connection {
    /// Answers an OPTIONS request for the service that was found.
    pub(super) fn write_options(&mut self) {
        self.write_head(200, "OK");
        let out = &mut self.outbox.bytes;
        write_service(out, &self.options.advertised, self.request.methods());
        write_transfer(out, &self.options.advertised);
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
    match advertised.no_content {
        NoContent::Offer => write_field(out, "Allow", "204"),
        NoContent::Withhold => {}
    }
    if let Some(bytes) = advertised.preview_bytes {
        write_number(out, "Preview", u64::from(bytes));
    }
}

fn write_transfer(out: &mut Vec<u8>, advertised: &Advertised) {
    for (name, list) in advertised.transfer.lists() {
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
