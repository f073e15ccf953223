//! The test file behind every content coding, and codings that are not what they say.

use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Why};
use baleen::engine::{ContentCodings, Object};

use crate::kit::{
    EICAR, brotli, check_clean, check_infected, check_unscanned, coded, eicar_engine, gzip, noise,
    raw_deflate, test_file, zlib, zstd,
};

#[test]
fn the_test_file_is_found_behind_every_coding() {
    let engine = eicar_engine(Limits::default());
    let plain = test_file();
    check_infected(&engine, &Object::default(), &plain, EICAR, "");
    check_infected(&engine, &coded("identity"), &plain, EICAR, "");
    check_infected(&engine, &coded("gzip"), &gzip(&plain), EICAR, "gzip");
    check_infected(&engine, &coded("x-gzip"), &gzip(&plain), EICAR, "gzip");
    check_infected(&engine, &coded("deflate"), &zlib(&plain), EICAR, "deflate");
    check_infected(&engine, &coded("deflate"), &raw_deflate(&plain), EICAR, "deflate");
    check_infected(&engine, &coded("br"), &brotli(&plain), EICAR, "br");
    check_infected(&engine, &coded("zstd"), &zstd(&plain), EICAR, "zstd");
}

#[test]
fn codings_on_top_of_each_other_come_off_in_the_right_order() {
    let engine = eicar_engine(Limits::default());
    let plain = test_file();
    let both = gzip(&brotli(&plain));
    check_infected(&engine, &coded("br, gzip"), &both, EICAR, "gzip>br");
    let three = zstd(&zlib(&brotli(&plain)));
    check_infected(&engine, &coded("br, deflate, zstd"), &three, EICAR, "zstd>deflate>br");
    let twice = gzip(&gzip(&plain));
    check_infected(&engine, &coded("gzip, gzip"), &twice, EICAR, "gzip>gzip");
}

#[test]
fn a_gzip_file_is_a_layer_with_and_without_a_coding_around_it() {
    let engine = eicar_engine(Limits::default());
    let file = gzip(&test_file());
    check_infected(&engine, &Object::default(), &file, EICAR, "gzip");
    check_infected(&engine, &coded("gzip"), &gzip(&file), EICAR, "gzip>gzip");
    check_infected(&engine, &coded("br"), &brotli(&file), EICAR, "br>gzip");
    let halves = [gzip(&test_file()[..30]), gzip(&test_file()[30..])].concat();
    check_infected(&engine, &Object::default(), &halves, EICAR, "gzip");
}

#[test]
fn clean_bodies_are_clean_behind_every_coding() {
    let engine = eicar_engine(Limits::default());
    for length in [0, 1, 5, 6, 1_023, 1_024, 16_384, 70_000] {
        let plain = noise(length, 11);
        check_clean(&engine, &Object::default(), &plain);
        check_clean(&engine, &Object::default(), &gzip(&plain));
        check_clean(&engine, &coded("gzip"), &gzip(&plain));
        check_clean(&engine, &coded("deflate"), &zlib(&plain));
        check_clean(&engine, &coded("br"), &brotli(&plain));
        check_clean(&engine, &coded("zstd"), &zstd(&plain));
        check_clean(&engine, &coded("zstd, gzip"), &gzip(&zstd(&plain)));
    }
    // A body that was announced as coded and is empty: an answer to HEAD, a 304.
    check_clean(&engine, &coded("gzip"), b"");
    check_clean(&engine, &coded("br, gzip"), b"");
}

#[test]
fn a_wrong_label_is_never_clean_and_hides_nothing() {
    let engine = eicar_engine(Limits::default());
    let text = b"<html>this is not compressed at all, whatever the label says</html>";
    let cases = [
        ("gzip", "gzip: not a gzip stream"),
        ("deflate", "deflate: not a deflate stream"),
        ("br", "br: not a brotli stream"),
        ("zstd", "zstd: not a zstd stream"),
        ("br, gzip", "gzip: not a gzip stream"),
    ];
    for (label, why) in cases {
        check_unscanned(&engine, &coded(label), text, Why::Broken(why));
        check_infected(&engine, &coded(label), &test_file(), EICAR, "");
    }
    // Labelled as one coding, and gzip all the same.
    let why = Why::Broken("content coding: gzip, and another was announced");
    for label in ["br", "deflate", "zstd"] {
        check_unscanned(&engine, &coded(label), &gzip(text), why);
        check_infected(&engine, &coded(label), &gzip(&test_file()), EICAR, "gzip");
    }
    check_unscanned(&engine, &coded("gzip"), b"abc", Why::Broken("gzip: not a gzip stream"));
}

#[test]
fn a_coding_that_cannot_be_undone_is_unscanned_not_clean() {
    let engine = eicar_engine(Limits::default());
    let object = Object { codings: ContentCodings::UNREADABLE, ..Object::default() };
    check_unscanned(&engine, &object, &noise(900, 5), Why::Unsupported("content coding"));
    check_infected(&engine, &object, &test_file(), EICAR, "");
}

#[test]
fn a_broken_stream_is_scanned_as_far_as_it_goes_and_is_never_clean() {
    let engine = eicar_engine(Limits::default());
    let plain = noise(70_000, 3);
    let cut = |mut stream: Vec<u8>| {
        stream.truncate(stream.len() / 2);
        stream
    };
    let early = [
        ("gzip", cut(gzip(&plain)), "gzip: ends early"),
        ("deflate", cut(zlib(&plain)), "deflate: ends early"),
        ("br", cut(brotli(&plain)), "br: ends early"),
        ("zstd", cut(zstd(&plain)), "zstd: ends early"),
    ];
    for (label, stream, why) in early {
        check_unscanned(&engine, &coded(label), &stream, Why::Broken(why));
    }
    check_unscanned(
        &engine,
        &Object::default(),
        &[gzip(&plain), b"garbage".to_vec()].concat(),
        Why::Broken("gzip: bytes after the last member"),
    );
    check_clean(&engine, &Object::default(), &[gzip(&plain), vec![0; 512]].concat());
    // The test file comes out before the damage: a detection beats every reason.
    let mut damaged = gzip(&test_file());
    damaged.truncate(damaged.len() - 8);
    check_infected(&engine, &coded("gzip"), &damaged, EICAR, "gzip");
    let trailing = [zstd(&test_file()), b"garbage".to_vec()].concat();
    check_infected(&engine, &coded("zstd"), &trailing, EICAR, "zstd");
}

#[test]
fn a_window_that_is_too_large_is_a_limit() {
    let engine = eicar_engine(Limits::default());
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x09, 0x00, 0x00, b'x'];
    check_unscanned(&engine, &coded("zstd"), &frame, Why::Limit(Limit::MaxScanState));
}
