//! What comes down: the virus never, everything else as it was sent.

use crate::Path;

#[test]
fn the_test_virus_is_blocked_plain_coded_and_chunked() {
    let path = Path::open("");
    for kind in ["/eicar", "/eicar/gzip", "/eicar/chunked"] {
        path.curl().fetch(&path.origin.url(kind)).must_be_blocked();
    }
    path.close_without_icap_errors();
}

/// A long download may have begun to flow when its end turns out to be infected: then it never arrives
/// whole, and never looks whole.
#[test]
fn the_test_virus_at_the_end_of_a_long_download_never_arrives() {
    let path = Path::open("");
    for length in [100_000, 300_000, 10 << 20] {
        let fetched = path.curl().fetch(&path.origin.url(&format!("/tail/{length}")));
        let is_page = fetched.status == 403 && fetched.code == 0;
        assert!(is_page || fetched.code != 0, "{length}: {}", fetched.heads);
        assert!(is_page || fetched.body.length < length, "{length}: {} came", fetched.body.length);
    }
    assert!(path.gateway.stop().success());
}

#[test]
fn bodies_of_every_size_around_the_seams_arrive_whole() {
    let path = Path::open("");
    // Squid holds 64 KiB, the gateway's buffers are as long, and its preview is somewhat shorter.
    let lengths = [0, 1, 4095, 4096, 61_440, 65_535, 65_536, 65_537, 131_072, 10 << 20];
    for length in lengths {
        path.curl().fetch(&path.origin.url(&format!("/size/{length}"))).must_be_whole(length);
        path.curl().fetch(&path.origin.url(&format!("/chunked/{length}"))).must_be_whole(length);
    }
    path.close_without_icap_errors();
}

#[test]
fn a_gibibyte_arrives_whole_and_memory_stays_inside_the_budget() {
    let path = Path::open("MemoryBudget = 64MB\nSpoolLimit = 2GB\nHoldLimit = 2GB");
    let length = 1 << 30;
    path.curl().fetch(&path.origin.url(&format!("/size/{length}"))).must_be_whole(length);
    let peak_bytes = path.gateway.memory_peak_bytes();
    let allowed = HELD_BYTES_MAX + BESIDE_BYTES_MAX;
    assert!(
        peak_bytes < allowed,
        "{} MiB at most, {} MiB allowed",
        peak_bytes >> 20,
        allowed >> 20
    );
    path.close_without_icap_errors();
}

/// `MemoryBudget` of the test.
const HELD_BYTES_MAX: u64 = 64 << 20;
/// Program, shards and their buffers, without bodies.
const BESIDE_BYTES_MAX: u64 = 192 << 20;
