//! Each quirk of a known client, served by its profile, and refused by the strict one where that is the difference.
//!
//! The requests are what these clients send, byte for byte where their source is public.

use super::options::options_answer;
use super::{GET, converse, refused};
use baleen::icap::{
    Ahead, Connection, Event, HttpLength, IsTag, Options, Profile, Request, Unscannable,
};

/// A message as Nextcloud makes it up: HTTP/1.0, a dummy length, `Connection: close`.
const NEXTCLOUD: &str = "> RESPMOD icap://127.0.0.1/avscan ICAP/1.0
> Allow: 204
> Host: 127.0.0.1
> User-Agent: NC-ICAP-CLIENT/0.5.0
> Connection: close
> Encapsulated: req-hdr=0, res-hdr=?, res-body=?
>
> GET / HTTP/1.0
> Host: 127.0.0.1
>
> HTTP/1.0 200 OK
> Content-Length: 1
>
> 5
> abcde
> 0
>
";

/// A body and no message, as rspamd sends it.
const RSPAMD: &str = "> RESPMOD icap://127.0.0.1:1344/respmod ICAP/1.0
> Allow: 204
> Encapsulated: res-body=0
> Host: 127.0.0.1
>
> 5
> abcde
> 0
>
";

#[test]
fn every_profile_is_known_by_its_name_in_any_case() {
    for profile in Profile::ALL {
        assert_eq!(Profile::named(&profile.name.to_uppercase()), Some(profile));
    }
    assert_eq!(Profile::named("nobody"), None);
}

#[test]
fn every_profile_serves_what_is_in_order() {
    for profile in Profile::ALL {
        let closing = matches!(profile.name, "nextcloud" | "owncloud");
        let answer = if closing { "<: closing 204\n! server\n" } else { "<: 204\n" };
        converse(&format!("= profile {}\n= unmodified\n{GET}{answer}", profile.name));
        let body = "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n> Allow: 204\n\
            > Encapsulated: req-hdr=0, res-hdr=?, res-body=?\n>\n> GET / HTTP/1.1\n>\n> HTTP/1.1 200 OK\n>\n> 3\n> abc\n> 0\n>\n";
        converse(&format!("= profile {}\n= unmodified\n{body}{answer}", profile.name));
    }
}

#[test]
fn aliases_of_other_servers_take_their_arguments() {
    let request =
        GET.replace("/reqmod", "/virus_scan?allow204=on&force=on&sizelimit=off&mode=simple");
    converse(&format!("= unmodified\n{request}<: 204\n"));
    for path in ["avscan", "squidclamav", "srv_clamav", "echo", "avscan?x", "echo?allow204=on"] {
        let request = GET.replace("/reqmod", &format!("/{path}"));
        converse(&format!("= unmodified\n{request}<: 204\n"));
    }
}

#[test]
fn nextcloud_is_told_by_a_closed_connection_and_by_all_customary_names() {
    converse(&format!("= profile nextcloud\n= unmodified\n{NEXTCLOUD}<: closing 204\n! server\n"));
    let found = "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< Connection: close\n\
        < X-Infection-Found: Type=0; Resolution=2; Threat=Eicar;\n< X-Virus-ID: Eicar\n< X-Response-Info: Blocked\n\
        < X-Virus-Name: Eicar\n< Encapsulated: res-hdr=0, res-body=?\n<\n\
        < HTTP/1.1 403 Forbidden\n< Content-Type: text/html\n< Content-Length: 12\n<\n< c\n< <p>Eicar</p>\n< 0\n<\n! server\n";
    converse(&format!("= profile nextcloud\n= block Eicar\n{NEXTCLOUD}{found}"));
}

#[test]
fn nextcloud_has_a_word_for_what_cannot_be_checked() {
    let answer = "< ICAP/1.0 500 Server Error\n< ISTag: {istag}\n< Connection: close\n\
        < X-Error-Code: password_protected\n< Encapsulated: null-body=0\n<\n! server\n";
    converse(&format!("= profile nextcloud\n= unscannable\n{NEXTCLOUD}{answer}"));
    for profile in Profile::ALL {
        let is_nextcloud = profile.name == "nextcloud";
        assert_eq!(profile.unscannable == Unscannable::ServerError, is_nextcloud);
    }
}

#[test]
fn nextclouds_older_form_is_an_upload() {
    let request = "> REQMOD icap://127.0.0.1/avscan ICAP/1.0\n> Allow: 204\n> Host: 127.0.0.1\n> Connection: close\n\
        > Encapsulated: req-hdr=0, req-body=?\n>\n> PUT / HTTP/1.0\n> Host: 127.0.0.1\n>\n> 5\n> abcde\n> 0\n>\n";
    converse(&format!("= profile nextcloud\n= unmodified\n{request}<: closing 204\n! server\n"));
}

/// What a connection of this profile reads of a response.
fn read<T>(profile: Profile, what: impl Fn(&Request) -> T) -> T {
    let mut options = Options::new(IsTag::of(b"", b""));
    options.profile = profile;
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs an instant to count from; its value plays no part"
    )]
    let now = std::time::Instant::now();
    let mut core = Connection::new(std::sync::Arc::new(options), now);
    let request = "RESPMOD icap://g/avscan ICAP/1.0\r\nHost: g\r\nEncapsulated: res-hdr=0, res-body=38\r\n\r\n\
        HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n";
    assert_eq!(core.handle_bytes(request.as_bytes(), now).event, Some(Event::Request));
    what(core.request())
}

#[test]
fn the_dummy_length_of_file_shares_is_not_believed() {
    for profile in Profile::ALL {
        let is_share = matches!(profile.name, "nextcloud" | "owncloud");
        let want = if is_share { HttpLength::Dummy } else { HttpLength::Claim };
        assert_eq!(read(profile, Request::http_length), want, "{}", profile.name);
    }
}

#[test]
fn who_asks_for_a_verdict_gets_no_answer_before_it() {
    for profile in Profile::ALL {
        let is_no_proxy =
            matches!(profile.name, "nextcloud" | "owncloud" | "rspamd" | "c-icap-client");
        let want = if is_no_proxy { Ahead::Never } else { Ahead::May };
        assert_eq!(read(profile, Request::ahead), want, "{}", profile.name);
    }
}

#[test]
fn owncloud_miscounts_its_heads_and_sends_the_body_in_one_chunk() {
    let request = "> RESPMOD icap://gw/avscan ICAP/1.0\n> Host: gw\n> Allow: 204\n\
        > Encapsulated: req-hdr=0, res-hdr=7, res-body=9\n>\n\
        > GET / HTTP/1.1\n> Host: o\n>\n> HTTP/1.1 200 OK\n> Server: o\n>\n>* 100000 abc\n> 0\n>\n";
    converse(&format!("= profile owncloud\n= unmodified\n{request}<: closing 204\n! server\n"));
    let upload = "> REQMOD icap://gw/avscan ICAP/1.0\n> Host: gw\n> Allow: 204\n\
        > Encapsulated: req-hdr=0, req-body=1000\n>\n> PUT / HTTP/1.1\n> Host: o\n>\n> 3\n> abc\n> 0\n>\n";
    converse(&format!("= profile owncloud\n= unmodified\n{upload}<: closing 204\n! server\n"));
    let head = &upload[..upload.find("> PUT").unwrap()];
    converse(&format!(
        "= profile strict\n{head}{}~ 40 s\n<: closing fault 408 Request Timeout\n! server\n",
        "> PUT / HTTP/1.1\n> Host: o\n>\n"
    ));
}

#[test]
fn owncloud_heads_without_counted_ends_are_bounded_and_read_strictly() {
    let head = "> REQMOD icap://gw/avscan ICAP/1.0\n> Host: gw\n> Encapsulated: req-hdr=0, req-body=9\n>\n";
    let long = format!(
        "= profile owncloud\n= http_head_bytes_max 40\n{head}> PUT / HTTP/1.1\n> X: 12345678901234567890"
    );
    converse(&format!("{long}\n<: closing fault 413 Request Head Too Large\n! server\n"));
    refused("400 Bad Request", &format!("= profile owncloud\n{head}> PUT\n>"));
}

#[test]
fn owncloud_and_ocis_read_the_options_until_the_connection_closes() {
    let answer = options_answer("reqmod", "REQMOD")
        .replace("{istag}\n", "{istag}\n< Connection: close\n")
        .replace("< Preview: 4096\n< Transfer-Preview: *\n", "< Transfer-Complete: *\n");
    converse(&format!("= profile owncloud\n{answer}! server\n"));
}

#[test]
fn who_knows_no_100_is_asked_for_no_preview() {
    for profile in Profile::ALL {
        let answer = options_answer("respmod", "RESPMOD");
        let has_previews = !matches!(profile.name, "nextcloud" | "owncloud" | "rspamd");
        if has_previews {
            converse(&format!("= profile {}\n{answer}", profile.name));
        } else if profile.name == "rspamd" {
            let whole = answer
                .replace("< Preview: 4096\n< Transfer-Preview: *\n", "< Transfer-Complete: *\n");
            converse(&format!("= profile rspamd\n{whole}"));
        }
    }
}

#[test]
fn rspamd_asks_for_options_and_sends_a_body_alone_on_the_same_connection() {
    let options = options_answer("respmod", "RESPMOD")
        .replace(
            "> Host: gw.test\n",
            "> Host:gw.test\n> User-Agent: Rspamd\n> Encapsulated: null-body=0\n",
        )
        .replace("< Preview: 4096\n< Transfer-Preview: *\n", "< Transfer-Complete: *\n");
    converse(&format!("= profile rspamd\n= unmodified\n{options}{RSPAMD}<: 204\n"));
}

#[test]
fn rspamd_finds_the_threat_before_the_first_blank_line() {
    // It reads to the first blank line: the ICAP head has to say it.
    converse(&format!("= profile rspamd\n= block Eicar\n{RSPAMD}<: block Eicar\n"));
}

#[test]
fn c_icap_client_gets_no_206_although_it_asks() {
    let answer = options_answer("respmod", "RESPMOD")
        .replace("> Host: gw.test\n", "> Host: gw.test\n> Allow: 206\n");
    converse(&format!("= profile c-icap-client\n{answer}"));
}

#[test]
fn fortinet_gets_204_in_a_preview_only_where_it_allows_it() {
    let request = |allow: &str| {
        format!(
            "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n{allow}> Preview: 2\n\
             > Encapsulated: res-hdr=0, res-body=?\n>\n> HTTP/1.1 200 OK\n>\n> 3\n> abc\n> 0\n>\n"
        )
    };
    // The preview is longer than announced, too.
    converse(&format!("= profile fortinet\n= unmodified\n{}<: 204\n", request("> Allow: 204\n")));
    let echo = "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< Encapsulated: res-hdr=0, res-body=?\n<\n\
        < HTTP/1.1 200 OK\n<\n< 3\n< abc\n";
    converse(&format!(
        "= profile fortinet\n= unmodified\n{}<: 100\n{echo}> 1\n> d\n> 0\n>\n< 1\n< d\n< 0\n<\n",
        request("")
    ));
}

#[test]
fn fortinet_sends_file_transfers_as_uploads() {
    for target in ["ftp://files.test/dir/x.bin", "ssh://files.test/x.bin"] {
        let request = format!(
            "> REQMOD icap://gw.test/reqmod ICAP/1.0\n> Host: gw.test\n> Allow: 204\n> X-Scan-Progress-Interval: 10\n\
             > Encapsulated: req-hdr=0, req-body=?\n>\n> PUT {target} HTTP/1.1\n> Host: files.test\n>\n> 3\n> abc\n> 0\n>\n"
        );
        converse(&format!("= profile fortinet\n= unmodified\n{request}<: 204\n"));
    }
}

#[test]
fn legacy_reads_encapsulated_without_commas_no_host_and_a_path_alone() {
    let request = "> RESPMOD /respmod ICAP/1.0\n> Allow: 204\n> X-Note: folded\n>  over two lines\n\
        > Encapsulated: req-hdr=0 res-hdr=18 res-body=38\n>\n> GET / HTTP/1.1\n>\n> HTTP/1.1 200 OK\n>\n> 3\n> abc\n> 0\n>\n";
    converse(&format!("= profile legacy\n= unmodified\n{request}<: 204\n"));
    for (from, to) in [
        ("> Allow", "> Host: gw\n> Allow"),
        ("/respmod", "icap://gw/respmod"),
        ("> X-Note: folded\n>  over two lines\n", ""),
        ("res-hdr=18 res", "res-hdr=18, res"),
    ] {
        // One at a time put right, the others are still refused by the strict reader.
        let better = request.replace(from, to);
        let head = &better[..better.find("> GET").unwrap()];
        refused("400 Bad Request", &format!("= profile strict\n{}", head.trim_end()));
    }
}

#[test]
fn legacy_skips_empty_lines_between_requests_and_strict_does_not() {
    converse(&format!("= profile legacy\n= unmodified\n>\n>\n{GET}<: 204\n"));
    refused("400 Bad Request", "= profile strict\n>\n>");
}
