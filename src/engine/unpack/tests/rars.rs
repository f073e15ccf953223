//! RAR archives of a writer that is not ours, in every way of cutting them.

use rars::rar15_40::{FileEntry, Rar29Method, WriterOptions};
use rars::{ArchiveVersion, Builder, FeatureSet, FilterKind, FilterPolicy};

use super::walk::{Walk, check_walk};
use crate::engine::unpack::Container::Rar;
use crate::engine::verdict::Why;

fn text() -> Vec<u8> {
    let lines = (0..120_u32).map(|n| format!("{n}: what is said {} times is true\n", n * n % 97));
    lines.collect::<String>().into_bytes()
}

#[test]
fn members_of_solid_archives_refer_to_those_before() {
    let text = text();
    let (front, back) = text.split_at(1_700);
    for version in [ArchiveVersion::Rar29, ArchiveVersion::Rar50, ArchiveVersion::Rar70] {
        let mut builder = Builder::new(version).solid(true);
        for (name, bytes) in [("a", front), ("b\\c", back), ("d", &text[..])] {
            builder.add_bytes(name.into(), bytes.to_vec(), None, None).expect("a member");
        }
        let bytes = builder.to_bytes().expect("an archive");
        let walked = check_walk(Rar, &bytes);
        let wanted = [
            Walk::whole("rar:a", front),
            Walk::whole("rar:b/c", back),
            Walk::whole("rar:d", &text),
        ];
        assert_eq!(walked.members, wanted, "{version:?}");
        assert_eq!((walked.missed.as_slice(), walked.end), (&[][..], Ok(())));
        for kept in [5, 7, 9, 25, 300, bytes.len() / 2] {
            let cut = check_walk(Rar, &bytes[..kept]);
            assert!(matches!(cut.end, Err(Why::Broken(_))), "{version:?}, {kept}: {cut:?}");
        }
    }
}

#[test]
fn a_model_and_filters_stop_at_every_byte() {
    let text = text();
    for (method, filter) in [
        (Rar29Method::Ppmd, FilterPolicy::None),
        (Rar29Method::Ppmd, FilterPolicy::explicit(FilterKind::E8E9)),
        (Rar29Method::Lz, FilterPolicy::explicit(FilterKind::Delta { channels: 2 })),
        (Rar29Method::Lz, FilterPolicy::explicit(FilterKind::Audio { channels: 1 })),
    ] {
        let entry = FileEntry {
            name: b"a",
            data: &text,
            file_time: 0,
            file_attr: 32,
            host_os: 2,
            password: None,
            file_comment: None,
        };
        let options =
            WriterOptions::new(ArchiveVersion::Rar40, FeatureSet::default()).with_method(method);
        let bytes = rars::rar15_40::write_rar29_compressed_archive_with_filter_policy(
            &[entry],
            options,
            filter,
        );
        let walked = check_walk(Rar, &bytes.expect("an archive"));
        assert_eq!(walked.members, [Walk::whole("rar:a", &text)], "{method:?}");
    }
}

#[test]
fn headers_that_nobody_writes_stop_an_archive() {
    let end = |bytes: &[u8]| check_walk(Rar, bytes).end;
    let no_header = Err(Why::Broken("RAR: not a header"));
    assert_eq!(end(b"Rar!\x1a\x07\x02\0"), Err(Why::Broken("RAR: not an archive")));
    assert_eq!(end(b"Rar!\x1a\x07\0\0\0\x73\0\0\x03\0"), no_header);
    // A file in front of the header of the archive.
    assert_eq!(end(b"Rar!\x1a\x07\0\0\0\x7b\0\0\x07\0"), no_header);
    assert_eq!(end(b"Rar!\x1a\x07\0\0\0\x73\x80\0\x0d\0\0\0\0\0\0\0"), Err(Why::Encrypted));
    assert_eq!(end(b"Rar!\x1a\x07\x01\0\0\0\0\0\xff\xff\xff\x7f"), no_header);
    let early = Err(Why::Broken("RAR: ends early"));
    assert_eq!(end(b"Rar!\x1a\x07\x01\0\0\0\0\0\xff\xff\x7f\x01"), early);
    assert_eq!(end(b"Rar!\x1a\x07\x01\0\0\0\0\0\x03\x04\0\0"), Err(Why::Encrypted));
    assert_eq!(end(b"Rar!\x1a\x07\x01\0\0\0\0\0\x02\x01\0"), no_header);
}
