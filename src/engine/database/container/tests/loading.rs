//! Containers among the sources: names, order, reports.

use std::sync::Arc;

use super::signing::{KEY, STRANGER, container, trust};
use super::*;
use crate::engine::database::{BuildOptions, NotRead, Sources, Unsupported};

fn sources() -> Sources {
    Sources::new(BuildOptions::default()).trusting(Arc::new(trust()))
}

fn names(sources: &Sources) -> Vec<&str> {
    sources.bodies().iter().map(|body| &*body.name).collect()
}

#[test]
fn signed_names_have_no_mark() {
    let members: [(&str, &[u8]); 2] =
        [("daily.ndb", b"A:0:*:616263\nB.UNOFFICIAL:0:*:616264\n"), ("daily.txt", b"?")];
    let mut sources = sources();
    sources.add_file("folder/daily.cvd", &container(9, &members, &KEY));
    sources.add_file("local.ndb", b"A:0:*:616263\n");
    assert_eq!(names(&sources), ["A", "B.UNOFFICIAL", "A.UNOFFICIAL"]);
    let files = &sources.report().files;
    let reported: Vec<&str> = files.iter().map(|file| &*file.name).collect();
    assert_eq!(reported, ["daily.cvd", "daily.cvd/daily.ndb", "daily.cvd/daily.txt", "local.ndb"]);
    assert_eq!(files[2].not_read, Some(NotRead::UnknownExtension));
    let facts = sources.facts();
    let of = &facts.containers[0];
    assert_eq!(
        (&*of.name, of.version, &*of.builder, of.signed),
        ("daily.cvd", 9, "tester", Signed::HeaderAndMembers)
    );
}

/// The ignore list of daily is in force for daily and for what follows, wherever it lies in the tar.
#[test]
fn ignore_lists_of_containers_come_first() {
    let daily: [(&str, &[u8]); 2] =
        [("daily.ndb", b"A:0:*:616263\nB:0:*:616264\n"), ("daily.ign2", b"B\nD\n")];
    let main: [(&str, &[u8]); 2] =
        [("main.ndb", b"C:0:*:616265\nD:0:*:616266\nE:0:*:616267\n"), ("main.ign2", b"E\nA\n")];
    let mut sources = sources();
    sources.add_file("daily.cvd", &container(9, &daily, &KEY));
    sources.add_file("main.cvd", &container(9, &main, &KEY));
    assert_eq!(names(&sources), ["A", "C"]);
    assert_eq!(sources.report().totals().ignored, 3);
}

#[test]
fn a_refused_container_is_counted_with_its_reason() {
    let members: [(&str, &[u8]); 1] = [("main.ndb", b"A:0:*:616263\n")];
    let mut sources = sources();
    sources.add_file("main.cvd", &container(9, &members, &STRANGER));
    sources.add_file("x.cvd", b"no container");
    sources.add_file("local.cud", &container(9, &members, &KEY));
    sources.add_file("main.cvd.sign", b"#clamsign-1.0\n");
    assert!(names(&sources).is_empty());
    let files = &sources.report().files;
    let not_read: Vec<_> = files.iter().map(|file| file.not_read).collect();
    let refused = Some(NotRead::ContainerRefused);
    assert_eq!(not_read, [refused, refused, Some(NotRead::UnsignedContainer), Some(NotRead::Seal)]);
    assert_eq!(files[0].refused.as_deref(), Some("no known key made the signature in the header"));
    assert_eq!(files[0].totals.unsupported, [(Unsupported::Container, 3)]);
    assert_eq!(files[1].refused.as_deref(), Some("the header is not valid: field 1"));
    assert_eq!(files[2].totals.switched_off, 3);
}

#[test]
fn an_unsigned_container_on_request_is_of_unknown_origin() {
    let members: [(&str, &[u8]); 1] = [("local.ndb", b"A:0:*:616263\n")];
    let trust = Trust { unsigned: Unsigned::Accept, ..Trust::builtin(NOW) };
    let mut sources = Sources::new(BuildOptions::default()).trusting(Arc::new(trust));
    sources.add_file("local.cud", &container(9, &members, &STRANGER));
    assert_eq!(names(&sources), ["A.UNOFFICIAL"]);
}
