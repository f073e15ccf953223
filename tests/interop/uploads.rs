//! What goes up: the virus never leaves, everything else arrives as it was sent.

use std::io::Write as _;

use tempfile::NamedTempFile;

use crate::{Path, body};

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    file
}

fn argument(sign: &str, file: &NamedTempFile) -> String {
    format!("{sign}{}", file.path().display())
}

#[test]
fn the_test_virus_is_blocked_on_its_way_up_in_every_form() {
    let path = Path::open("");
    let virus = file(&body::eicar());
    let url = path.origin.url("/upload");
    let data = argument("@", &virus);
    path.curl().with(&["--data-binary", &data]).fetch(&url).must_be_blocked();
    path.curl().with(&["--upload-file", &argument("", &virus)]).fetch(&url).must_be_blocked();
    // Of unknown length: curl sends it in chunks.
    path.curl()
        .with(&["-H", "Transfer-Encoding: chunked", "--data-binary", &data])
        .fetch(&url)
        .must_be_blocked();
    assert_eq!(path.origin.uploads(), 0, "nothing of it may arrive");
    path.close_without_icap_errors();
}

#[test]
fn the_test_virus_inside_a_form_is_blocked() {
    let path = Path::open("");
    let virus = file(&body::eicar());
    let url = path.origin.url("/upload");
    path.curl().with(&["--form", &argument("file=@", &virus)]).fetch(&url).must_be_blocked();
    assert_eq!(path.origin.uploads(), 0, "nothing of it may arrive");
    path.close_without_icap_errors();
}

#[test]
fn uploads_of_every_size_around_the_seams_arrive_whole() {
    let path = Path::open("");
    let lengths = [1, 61_440, 65_535, 65_536, 65_537, 10 << 20];
    for length in lengths {
        let file = file(&body::bytes(length));
        let data = argument("@", &file);
        let arrived = format!("{length} {}\n", body::digest(length));
        let url = path.origin.url("/upload");
        let posted = path.curl().with(&["--data-binary", &data]).fetch(&url);
        assert_eq!((posted.status, posted.page()), (200, arrived.clone()), "POST of {length}");
        let put = path.curl().with(&["--upload-file", &argument("", &file)]).fetch(&url);
        assert_eq!((put.status, put.page()), (200, arrived.clone()), "PUT of {length}");
        let chunked = path
            .curl()
            .with(&["-H", "Transfer-Encoding: chunked", "--data-binary", &data])
            .fetch(&url);
        assert_eq!((chunked.status, chunked.page()), (200, arrived), "chunked POST of {length}");
    }
    assert_eq!(path.origin.uploads(), 18);
    path.close_without_icap_errors();
}

#[test]
fn an_empty_upload_arrives() {
    let path = Path::open("");
    let posted = path.curl().with(&["--data-binary", ""]).fetch(&path.origin.url("/upload"));
    assert_eq!((posted.status, posted.page()), (200, format!("0 {}\n", body::digest(0))));
    path.close_without_icap_errors();
}
