//! RAR archives of every version that is unpacked, made by a writer that is not ours: each way of packing and each
//! filter, solid or not, locked, in volumes, damaged.

use baleen::engine::Object;
use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Verdict, Why};
use rars::rar15_40::{FileEntry, Rar29Method, WriterOptions};
use rars::rar50::{ArchiveEntry, ArchiveExtras, write_streaming_archive_to};
use rars::{
    ArchiveVersion, Builder, EntrySource, FeatureSet, FilterKind, FilterPolicy, WriterResources,
};

use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, coded, eicar_engine, engine, gzip, noise,
    scan, verdict,
};
use crate::seven_zips::{code, digest_line};

const VERSIONS: [ArchiveVersion; 5] = [
    ArchiveVersion::Rar29,
    ArchiveVersion::Rar30,
    ArchiveVersion::Rar40,
    ArchiveVersion::Rar50,
    ArchiveVersion::Rar70,
];

/// An archive of one of the versions.
fn archive(builder: Builder, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = builder;
    for (name, bytes) in members {
        builder.add_bytes(name.as_bytes().to_vec(), bytes.to_vec(), None, None).expect("a member");
    }
    builder.to_bytes().expect("an archive")
}

/// With what only RAR 2.9 to 4 has.
fn old_archive(members: &[(&str, &[u8])], method: Rar29Method, filter: FilterPolicy) -> Vec<u8> {
    let entries: Vec<FileEntry<'_>> = members
        .iter()
        .map(|(name, data)| FileEntry {
            name: name.as_bytes(),
            data,
            file_time: 0,
            file_attr: 32,
            host_os: 2,
            password: None,
            file_comment: None,
        })
        .collect();
    let options = WriterOptions::new(ArchiveVersion::Rar40, FeatureSet::default())
        .with_method(method)
        .with_compression_level(3);
    rars::rar15_40::write_rar29_compressed_archive_with_filter_policy(&entries, options, filter)
        .expect("an archive")
}

/// With a filter of RAR 5.
fn new_archive(bytes: &[u8], filter: FilterPolicy) -> Vec<u8> {
    let entries = [ArchiveEntry::new("code", EntrySource::from_bytes(bytes))];
    let features = FeatureSet::default();
    let options = rars::rar50::WriterOptions::new(ArchiveVersion::Rar50, features);
    let extras = ArchiveExtras::default().with_filter_policy(filter);
    let mut out = Vec::new();
    write_streaming_archive_to(&entries, options, extras, &WriterResources::default(), &mut out)
        .expect("an archive");
    out
}

/// The member `code` comes out as it was.
#[track_caller]
fn check_code(bytes: &[u8], code: &[u8], what: &str) {
    let engine = engine(&[("a.hdb", &digest_line(code))], Limits::default());
    let found = verdict(&engine, &Object::default(), bytes);
    let Verdict::Infected(found) = found else { panic!("{what}: {found:?}") };
    assert_eq!((&*found.name, &*found.path), ("Code.UNOFFICIAL", "rar:code"), "{what}");
}

#[test]
fn members_of_every_version_are_unpacked() {
    let (code, first) = (code(150_000), noise(9_000, 4));
    let members: [(&str, &[u8]); 3] = [("first", &first), ("empty", b""), ("code", &code)];
    for version in VERSIONS {
        for level in [1, 5] {
            for solid in [false, true] {
                let builder = Builder::new(version).compression_level(Some(level)).solid(solid);
                let what = format!("{version:?}, level {level}, solid: {solid}");
                check_code(&archive(builder, &members), &code, &what);
            }
        }
        check_code(&archive(Builder::new(version).store(true), &members), &code, "stored");
    }
}

#[test]
fn filters_and_models_of_rar_3_are_undone() {
    let text = b"What is said twice is said again, and again. ".repeat(900);
    let code = code(60_000);
    for (bytes, method) in
        [(&text, Rar29Method::Ppmd), (&code, Rar29Method::Ppmd), (&text, Rar29Method::Lz)]
    {
        let packed = old_archive(&[("code", bytes)], method, FilterPolicy::None);
        check_code(&packed, bytes, &format!("{method:?}"));
    }
    let kinds = [
        FilterKind::E8,
        FilterKind::E8E9,
        FilterKind::Delta { channels: 3 },
        FilterKind::Itanium,
        FilterKind::Rgb { width: 300, pos_r: 0 },
        FilterKind::Audio { channels: 2 },
    ];
    for kind in kinds {
        let filter = FilterPolicy::explicit(kind);
        let packed = old_archive(&[("code", &code)], Rar29Method::Lz, filter);
        check_code(&packed, &code, &format!("{kind:?}"));
    }
    let filter = FilterPolicy::explicit(FilterKind::E8);
    check_code(&old_archive(&[("code", &code)], Rar29Method::Ppmd, filter), &code, "E8 in PPMd");
}

#[test]
fn filters_of_rar_5_are_undone() {
    let code = code(150_000);
    for kind in
        [FilterKind::E8, FilterKind::E8E9, FilterKind::Arm, FilterKind::Delta { channels: 4 }]
    {
        check_code(&new_archive(&code, FilterPolicy::explicit(kind)), &code, &format!("{kind:?}"));
    }
}

#[test]
fn members_are_found_at_any_depth() {
    let engine = eicar_engine(Limits::default());
    for version in VERSIONS {
        let packed = gzip(&eicar());
        let mut inner = archive(Builder::new(version), &[("a", &noise(30_000, 2)), ("e", &packed)]);
        check_infected(&engine, &Object::default(), &inner, EICAR, "rar:e>gzip");
        check_infected(&engine, &coded("gzip"), &gzip(&inner), EICAR, "gzip>rar:e>gzip");
        for _ in 1..15 {
            inner = archive(Builder::new(version), &[("0", &inner)]);
        }
        let path = format!("{}rar:e>gzip", "rar:0>".repeat(14));
        // Each layer has its window.
        let deep = Limits { state_bytes_max: 1 << 30, ..Limits::default() };
        let whole = scan(&eicar_engine(deep), &Object::default(), &inner, usize::MAX);
        let Verdict::Infected(found) = whole else { panic!("{version:?}: {whole:?}") };
        assert_eq!(&*found.path, path);
        let limits = Limits { layers_max: 16, ..deep };
        let limited = scan(&eicar_engine(limits), &Object::default(), &inner, usize::MAX);
        assert_eq!(limited, Verdict::Unscanned(Why::Limit(Limit::MaxRecursion)));
    }
}

#[test]
fn what_is_locked_cut_off_or_in_another_volume_is_not_clean() {
    let engine = eicar_engine(Limits::default());
    let quiet = noise(60_000, 8);
    let members: [(&str, &[u8]); 2] = [("a", &quiet), ("b", &quiet[..30_000])];
    for version in VERSIONS {
        for headers in [false, true] {
            if headers && version == ArchiveVersion::Rar29 {
                // The writer of this version has no such headers.
                continue;
            }
            let builder = Builder::new(version).password(Some(b"word".to_vec()));
            let locked = archive(builder.header_encryption(headers), &members);
            check_unscanned(&engine, &Object::default(), &locked, Why::Encrypted);
        }
        let clean = archive(Builder::new(version), &members);
        check_clean(&engine, &Object::default(), &clean);
        for kept in [10, 30, clean.len() / 2] {
            let cut = verdict(&engine, &Object::default(), &clean[..kept]);
            assert!(matches!(cut, Verdict::Unscanned(Why::Broken(_))), "{version:?}: {cut:?}");
        }
        for at in (7..clean.len()).step_by(clean.len() / 60).chain(7..120) {
            let mut damaged = clean.clone();
            damaged[at] ^= 0x41;
            let whole = scan(&engine, &Object::default(), &damaged, usize::MAX);
            for piece in [997, 13] {
                let cut = scan(&engine, &Object::default(), &damaged, piece);
                assert_eq!(whole, cut, "{version:?} at {at}");
            }
            assert_ne!(whole, Verdict::Unscanned(Why::Failed), "{version:?} at {at}");
        }
        let mut builder = Builder::new(version).volume_size(Some(20_000));
        builder.add_bytes(b"a".to_vec(), noise(90_000, 77), None, None).expect("a member");
        let volumes = builder.build_volumes(None).expect("volumes");
        let reason = Why::Unsupported("RAR: a member that ends in another volume");
        check_unscanned(&engine, &Object::default(), &volumes[0], reason);
        let reason = Why::Unsupported("RAR: a member that began in another volume");
        check_unscanned(&engine, &Object::default(), &volumes[1], reason);
    }
}

#[test]
fn bombs_and_windows_meet_the_limit_that_is_meant_for_them() {
    let zeros = vec![0; 24 << 20];
    for version in [ArchiveVersion::Rar40, ArchiveVersion::Rar50] {
        let bomb = archive(Builder::new(version).compression_level(Some(1)), &[("z", &zeros)]);
        let limits = Limits { ratio_max: 50, ..Limits::default() };
        let reason = Why::Limit(Limit::MaxCompressionRatio);
        let found = scan(&eicar_engine(limits), &Object::default(), &bomb, usize::MAX);
        assert_eq!(found, Verdict::Unscanned(reason));
    }
    let quiet = noise(5 << 18, 3);
    let limits = Limits { state_bytes_max: 1 << 20, ..Limits::default() };
    for version in VERSIONS {
        let bytes = archive(Builder::new(version), &[("a", &quiet)]);
        let reason = Verdict::Unscanned(Why::Limit(Limit::MaxScanState));
        assert_eq!(scan(&eicar_engine(limits), &Object::default(), &bytes, 4_096), reason);
    }
}
