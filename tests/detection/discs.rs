//! Images of discs, made by the real tool: every file in them is a layer, whatever the image begins with.

use baleen::engine::Object;
use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Why};

use crate::containers::made;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, eicar_engine, engine, gzip, noise,
};

#[test]
fn packed_files_in_images_are_opened() {
    let engine = eicar_engine(Limits::default());
    let packed = gzip(&eicar());
    let members: [(&str, &[u8]); 2] =
        [("in/a/quiet.bin", &noise(70_000, 5)), ("in/sub folder/the long name.gz", &packed)];
    for (options, path) in [
        ("", "iso9660:SUB_FOLD/THE_LONG.GZ"),
        ("-J", "iso9660:sub folder/the long name.gz"),
        ("-R", "iso9660:sub folder/the long name.gz"),
        ("-R -J -udf", "iso9660:sub folder/the long name.gz"),
        ("-iso-level 3 -no-pad", "iso9660:SUB_FOLDER/THE_LONG_NAME.GZ"),
    ] {
        let command = format!("genisoimage -quiet {options} -o out.iso in");
        let image = made(&members, &command, "out.iso");
        let path = format!("{path}>gzip");
        check_infected(&engine, &Object::default(), &image, EICAR, &path);
        let outer = format!("gzip>{path}");
        check_infected(&engine, &Object::default(), &gzip(&image), EICAR, &outer);
        let clean = made(&members[..1], &command, "out.iso");
        check_clean(&engine, &Object::default(), &clean);
        // What the image begins with does not matter.
        for front in [&b"\x1f\x8b\x08"[..], b"%PDF-1.4\n", b"MZ", b"{\\rtf1 }", b"ustar"] {
            let mut other = image.clone();
            other[..front.len()].copy_from_slice(front);
            check_infected(&engine, &Object::default(), &other, EICAR, &path);
        }
    }
}

#[test]
fn an_image_that_is_too_large_is_not_clean() {
    let command = "genisoimage -quiet -o out.iso in";
    let image = made(&[("in/a", &noise(70_000, 5))], command, "out.iso");
    let limits = Limits { whole_bytes_max: 100_000, ..Limits::default() };
    let reason = Why::Limit(Limit::MaxWholeSize);
    check_unscanned(&eicar_engine(limits), &Object::default(), &image, reason);
    let limits = Limits { deferred_memory_max: 100_000, ..Limits::default() };
    let reason = Why::Limit(Limit::DeferredMemory);
    check_unscanned(&eicar_engine(limits), &Object::default(), &image, reason);
    let cut = &image[..60_000];
    let engine = eicar_engine(Limits::default());
    let reason = Why::Broken("disc image: a file ends early");
    check_unscanned(&engine, &Object::default(), cut, reason);
}

#[test]
fn conditions_name_the_image_as_a_container() {
    let command = "genisoimage -quiet -J -o out.iso in";
    let image = made(&[("in/a", b"some words of a file")], command, "out.iso");
    let line = "Words;Engine:81-255,Container:CL_TYPE_ISO9660,Target:0;0;736f6d6520776f726473\n";
    let engine = engine(&[("a.ldb", line)], Limits::default());
    check_infected(&engine, &Object::default(), &image, "Words.UNOFFICIAL", "iso9660:a");
}
