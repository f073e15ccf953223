//! Values of `Content-Encoding`.

use crate::engine::unpack::{Coding, ContentCodings, Unsupported};

fn parsed(value: &str) -> Result<Vec<Coding>, Unsupported> {
    ContentCodings::parse(value.as_bytes()).map(|codings| codings.iter().collect())
}

#[test]
fn codings_are_read_in_any_case_and_order() {
    use Coding::{Brotli, Deflate, Gzip, Zstd};
    assert_eq!(parsed(""), Ok(vec![]));
    assert_eq!(parsed("identity"), Ok(vec![]));
    assert_eq!(parsed("gzip"), Ok(vec![Gzip]));
    assert_eq!(parsed("X-GZip"), Ok(vec![Gzip]));
    assert_eq!(parsed("compress,x-compress"), Ok(vec![Coding::Compress; 2]));
    assert_eq!(parsed("br , zstd,\tdeflate"), Ok(vec![Brotli, Zstd, Deflate]));
    assert_eq!(parsed(",gzip,,identity,"), Ok(vec![Gzip]));
}

#[test]
fn codings_that_cannot_be_undone_are_refused() {
    for value in ["bzip2", "xz", "gzip;q=1", "aes128gcm", "gzip, pack200-gzip", "\u{e9}"] {
        assert_eq!(parsed(value), Err(Unsupported::Coding), "{value}");
    }
    assert_eq!(parsed("gzip,gzip,gzip,gzip,gzip"), Err(Unsupported::TooMany));
}

#[test]
fn the_outermost_coding_comes_off_first() {
    let mut codings = ContentCodings::parse(b"br, gzip").expect("known codings");
    assert!(!codings.is_empty());
    assert_eq!(codings.take_outermost(), Some(Coding::Gzip));
    assert_eq!(codings.take_outermost(), Some(Coding::Brotli));
    assert_eq!(codings.take_outermost(), None);
    assert!(codings.is_empty());
    assert!(!ContentCodings::UNREADABLE.is_empty());
}
