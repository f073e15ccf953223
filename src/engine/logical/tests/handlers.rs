//! `HandlerType`: a layer that is looked at again as another type. The answers are those of clamscan 1.4.6, which
//! is asked again where it is installed.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::Arc;

use super::kit::{engine, scan};
use crate::engine::database::{BuildOptions, Image, Sources, build};
use crate::engine::limits::Limits;
use crate::engine::matcher::{self, GramCounts};
use crate::engine::verdict::{Limit, Verdict, Why};
use crate::engine::{Engine, Object};

/// A line that asks for a type: its name, what it says of the layer besides, the type.
fn asks(name: &str, of: &str, handler: &str) -> String {
    format!("{name};Engine:81-255,HandlerType:CL_TYPE_{handler},{of};0;{}\n", hex("handlerpattern"))
}

/// A line that looks for something else.
fn other(name: &str, of: &str) -> String {
    format!("{name};Engine:81-255,{of};0;{}\n", hex("otherpattern"))
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn data() -> Vec<u8> {
    let noise: Vec<u8> = (0..12).map(|_| 0).chain(128..=255).collect();
    [&noise[..], b"handlerpattern", &noise.repeat(300), b"otherpattern", &noise].concat()
}

fn document() -> Vec<u8> {
    [b"%PDF-1.4\n", &data()[..]].concat()
}

fn text() -> Vec<u8> {
    b"some words handlerpattern and then otherpattern here\n".repeat(3)
}

fn loud_text() -> Vec<u8> {
    String::from_utf8_lossy(&text()).replace("handler", "HANDLER").into_bytes()
}

/// What is found by which lines in what.
fn table() -> Vec<(Vec<String>, Vec<u8>, &'static [&'static str])> {
    let any = |handler| asks("H", "Target:0", handler);
    let graphics = || other("G", "Target:5");
    let within = |kind: &str| other("C", &format!("Target:0,Container:CL_TYPE_{kind}"));
    let beside = |kind: &str| other("C", &format!("Target:0,Intermediates:CL_TYPE_{kind}"));
    let absent = format!(
        "H;Engine:81-255,HandlerType:CL_TYPE_GRAPHICS,Target:0;0&1=0;{};{}\n",
        hex("handlerpattern"),
        hex("nothere")
    );
    vec![
        (vec![graphics()], data(), &[]),
        // It is true of the layer that is looked at again, and found there.
        (vec![any("GRAPHICS")], data(), &["H"]),
        (vec![any("GRAPHICS"), graphics()], data(), &["G", "H"]),
        (vec![any("GRAPHICS"), graphics()], text(), &["G", "H"]),
        (vec![absent, graphics()], data(), &["G", "H"]),
        (vec![asks("H", "Target:10", "GRAPHICS")], document(), &[]),
        (vec![asks("H", "Target:10", "GRAPHICS"), graphics()], document(), &["G"]),
        (vec![asks("H", "Target:10", "PDF")], document(), &["H"]),
        // The layer as it was is the one around.
        (vec![any("GRAPHICS"), within("BINARY_DATA")], data(), &["C", "H"]),
        (vec![any("GRAPHICS"), beside("BINARY_DATA")], data(), &["C", "H"]),
        (vec![any("GRAPHICS"), within("GRAPHICS")], data(), &["H"]),
        (vec![any("BINARY_DATA"), within("BINARY_DATA")], data(), &["C", "H"]),
        (vec![any("ANY"), within("BINARY_DATA")], data(), &["C", "H"]),
        (
            vec![asks("H", "Target:0,Container:CL_TYPE_ANY", "GRAPHICS"), graphics()],
            document(),
            &["G"],
        ),
        // Once: what asks in there is found itself.
        (
            vec![any("GRAPHICS"), asks("I", "Target:5", "PDF"), other("P", "Target:10")],
            data(),
            &["H", "I"],
        ),
        // In a normal form it is found like any other.
        (vec![asks("H", "Target:7", "GRAPHICS"), graphics()], loud_text(), &["H"]),
    ]
}

fn names(found: &[String]) -> BTreeSet<&str> {
    found.iter().map(|name| name.split('@').next().unwrap_or_default()).collect()
}

#[test]
fn a_layer_is_looked_at_again_as_another_type() {
    for (lines, object, wanted) in table() {
        let (_, found) = scan(&engine(&lines.concat(), ""), b"", &object);
        assert_eq!(names(&found), BTreeSet::from_iter(wanted.iter().copied()), "{lines:?}");
    }
    let lines = [asks("H", "Target:14", "GRAPHICS"), other("G", "Target:5")].concat();
    let (verdict, found) = scan(&engine(&lines, ""), b"", &data());
    assert_eq!(found, ["G@as:CL_TYPE_GRAPHICS"]);
    assert!(matches!(verdict, Verdict::Infected(_)), "{verdict:?}");
}

#[test]
fn clamscan_looks_at_the_same_layers_again() {
    let version = Command::new("clamscan").arg("--version").output();
    if !version.is_ok_and(|output| output.stdout.starts_with(b"ClamAV 1.4.")) {
        println!("skipped: clamscan 1.4 is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let place = |name: &str| folder.path().join(name);
    for (lines, object, wanted) in table() {
        fs::write(place("t.ldb"), lines.concat()).expect("a writable folder");
        fs::write(place("sample"), object).expect("a writable folder");
        let output = Command::new("clamscan")
            .args(["--allmatch", "--no-summary", "-d"])
            .args([place("t.ldb"), place("sample")])
            .output()
            .expect("clamscan answered before");
        let said = String::from_utf8_lossy(&output.stdout);
        let found = said.lines().filter_map(|line| line.strip_suffix(".UNOFFICIAL FOUND"));
        let found: BTreeSet<&str> = found.filter_map(|line| line.rsplit(' ').next()).collect();
        assert_eq!(found, BTreeSet::from_iter(wanted.iter().copied()), "{lines:?}");
    }
}

/// All types that are asked for are looked at; clamscan looks at one only.
#[test]
fn several_types_may_be_asked_for() {
    let lines = [
        asks("H", "Target:14", "GRAPHICS"),
        asks("I", "Target:14", "JAVA"),
        other("G", "Target:5"),
        other("J", "Target:12"),
    ];
    let (_, found) = scan(&engine(&lines.concat(), ""), b"", &data());
    assert_eq!(found, ["G@as:CL_TYPE_GRAPHICS", "J@as:CL_TYPE_JAVA"]);
}

/// Where the bytes could not be kept, a layer is not clean.
#[test]
fn a_layer_that_was_not_kept_is_unscanned() {
    let limited = |lines: &str| {
        let mut sources = Sources::new(BuildOptions::default());
        sources.add_file("test.ldb", lines.as_bytes());
        let training = GramCounts::default();
        let built = build(sources, &|bodies| matcher::compile(bodies, &training), &mut |_| {});
        let image = Image::open(Arc::new(built.image)).expect("what was built opens");
        let limits = Limits { deferred_bytes_max: 1_000, ..Limits::default() };
        Arc::new(Engine::new(Arc::new(image), limits))
    };
    let verdict = |lines: &str, object: &[u8]| {
        let mut scan = limited(lines).start(Object::default());
        let mut done = 0;
        while done < object.len() {
            done += scan.feed(&object[done..]).consumed;
        }
        scan.finish()
    };
    let bound = asks("H", "Target:14", "GRAPHICS");
    let why = Why::Limit(Limit::MaxDeferredSize);
    assert_eq!(verdict(&bound, &data()), Verdict::Unscanned(why));
    assert_eq!(verdict(&bound, &data()[..200]), Verdict::Clean);
    // What is true of every type is found at once.
    let free = asks("H", "Target:0", "GRAPHICS");
    assert!(matches!(verdict(&free, &data()), Verdict::Infected(_)));
}
