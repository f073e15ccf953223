//! What a scan says of the layers it met, compared with what the real tools say of the same files.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Verdict, Why};
use baleen::engine::{Ended, Engine, Layers, Object};

use crate::containers::made;
use crate::kit::{eicar_engine, feed, gzip, noise, test_file};

/// The end of a scan of `bytes`, in pieces of `piece_bytes`, at one millisecond each.
fn ended(engine: &Arc<Engine>, bytes: &[u8], piece_bytes: usize, full: bool) -> Ended {
    let mut scan = engine.start_all(Object::default());
    if full {
        scan.report_layers();
    }
    let mut now = Duration::ZERO;
    for piece in bytes.chunks(piece_bytes) {
        now += Duration::from_millis(1);
        scan.tell_time(now);
        feed(&mut scan, piece);
    }
    scan.conclude()
}

/// One line for each layer: path, type, bytes, whole or not, reason.
fn lines(layers: &Layers) -> Vec<String> {
    let line = |at: usize| {
        let way = layers.way_to(at);
        let path: Vec<String> = way.iter().skip(1).map(|row| row.label.clone()).collect();
        let row = &layers.rows[at];
        let reason = row.missed.map(|why| format!(" {why}")).unwrap_or_default();
        let file_type = row.file_type.unwrap_or("-");
        format!("{}|{file_type}|{}|{}{reason}", path.join(">"), row.bytes, row.is_whole)
    };
    (0..layers.rows.len()).map(line).collect()
}

/// By coreutils.
fn sha256sum(bytes: &[u8]) -> String {
    let mut child = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("coreutils are there");
    child.stdin.take().expect("a pipe").write_all(bytes).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).split(' ').next().unwrap_or_default().to_owned()
}

fn hex(sum: [u8; 32]) -> String {
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn nest() -> Vec<u8> {
    let packed = gzip(&test_file());
    let quiet = noise(70_000, 4);
    let members: [(&str, &[u8]); 4] =
        [("a.gz", &packed), ("b", &quiet), ("c", b"hidden words"), ("d", b"four")];
    let command = "zip -q out.zip a.gz b && zip -q -P pass out.zip c && zip -q out.zip d";
    made(&members, command, "out.zip")
}

#[test]
fn a_report_has_every_layer_with_its_digest() {
    let engine = eicar_engine(Limits::default());
    let bytes = nest();
    let whole = ended(&engine, &bytes, usize::MAX, true);
    let plain = test_file();
    let packed = gzip(&plain);
    let expected = [
        format!("|CL_TYPE_ZIP|{}|true", bytes.len()),
        format!("zip:a.gz|CL_TYPE_GZ|{}|true", packed.len()),
        format!("zip:a.gz>gzip|CL_TYPE_TEXT_ASCII|{}|true", plain.len()),
        "zip:b|CL_TYPE_BINARY_DATA|70000|true".to_owned(),
        "zip:c|-|0|false encrypted".to_owned(),
        "zip:d|-|4|true".to_owned(),
    ];
    assert_eq!(lines(&whole.layers), expected);
    let sums = whole.layers.rows.iter().map(|row| row.sha256.map(hex));
    let contents: [&[u8]; 4] = [&bytes, &packed, &plain, &noise(70_000, 4)];
    let known = contents.iter().map(|bytes| Some(sha256sum(bytes)));
    let known = known.chain([None, Some(sha256sum(b"four"))]);
    assert_eq!(sums.collect::<Vec<_>>(), known.collect::<Vec<_>>());
    let found = whole.layers.row_at("zip:a.gz>gzip");
    assert_eq!(found, Some(2));
    assert_eq!(whole.layers.row_at(&whole.detections[0].path), Some(2));
    for piece_bytes in [1, 7, 1_000, 16_384] {
        let cut = ended(&engine, &bytes, piece_bytes, true);
        assert_eq!(lines(&cut.layers), expected, "in pieces of {piece_bytes}");
    }
    // The time of a layer is that of what is inside of it, too.
    let slow = ended(&engine, &bytes, 1_000, true).layers;
    let last = u64::try_from(bytes.len().div_ceil(1_000)).expect("small");
    assert_eq!(slow.rows[0].time, Duration::from_millis(last));
    assert!(slow.rows[3].time > slow.rows[2].time && slow.rows[3].time < slow.rows[0].time);
}

#[test]
fn the_log_is_told_the_way() {
    let engine = eicar_engine(Limits::default());
    let bytes = nest();
    let Ended { verdict, layers, .. } = ended(&engine, &bytes, 1_000, false);
    assert_eq!(
        layers.story(&verdict),
        format!(
            "CL_TYPE_ZIP {} bytes > zip:a.gz CL_TYPE_GZ {} bytes > gzip CL_TYPE_TEXT_ASCII {} bytes",
            bytes.len(),
            gzip(&test_file()).len(),
            test_file().len()
        )
    );
    let locked = made(
        &[("d/c", b"hidden words")],
        "zip -qr -P pass in.zip d && zip -q out.zip in.zip",
        "out.zip",
    );
    let Ended { verdict, layers, .. } = ended(&engine, &locked, 1_000, false);
    assert_eq!(verdict, Verdict::Unscanned(Why::Encrypted));
    let story = layers.story(&verdict);
    assert!(story.ends_with("> zip:d/c not read"), "{story}");
    assert!(story.starts_with("CL_TYPE_ZIP ") && story.contains(" > zip:in.zip CL_TYPE_ZIP "));
    // Of a clean object nothing is kept.
    let clean =
        made(&[("a", &noise(9_000, 1)), ("b", b"bbbbbbbb")], "zip -q out.zip a b", "out.zip");
    let Ended { verdict, layers, .. } = ended(&engine, &clean, 1_000, false);
    assert_eq!((layers.story(&verdict), layers.rows.len()), (String::new(), 0));
}

#[test]
fn a_chart_is_no_longer_than_it_may_be() {
    let engine = eicar_engine(Limits { objects_max: 300_000, ..Limits::default() });
    // Each member is encrypted, says its header, and has no bytes.
    let member = b"PK\x03\x04\x14\0\x01\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0\x05\0\0\0\x01\0\0\0aWORDS";
    let bytes = member.repeat(20_000);
    for (full, rows_max) in [(false, 256), (true, 10_000)] {
        let Ended { verdict, layers, .. } = ended(&engine, &bytes, usize::MAX, full);
        assert_eq!(verdict, Verdict::Unscanned(Why::Encrypted));
        assert_eq!(layers.rows.len(), rows_max);
        assert_eq!(layers.unlisted, 20_001 - u64::try_from(rows_max).expect("small"));
    }
}

#[test]
fn what_met_a_limit_is_named() {
    let limits = Limits { object_bytes_max: 20_000, ..Limits::default() };
    let members: [(&str, &[u8]); 2] = [("long", &vec![b' '; 300_000]), ("short", b"some words")];
    let bytes = made(&members, "zip -q out.zip long short", "out.zip");
    let Ended { verdict, layers, .. } = ended(&eicar_engine(limits), &bytes, 997, true);
    assert_eq!(verdict, Verdict::Unscanned(Why::Limit(Limit::MaxFileSize)));
    let expected = [
        format!("|CL_TYPE_ZIP|{}|true", bytes.len()),
        "zip:long|CL_TYPE_TEXT_ASCII|20000|false limit: MaxFileSize".to_owned(),
        "zip:short|CL_TYPE_TEXT_ASCII|10|true".to_owned(),
    ];
    assert_eq!(lines(&layers), expected);
}
