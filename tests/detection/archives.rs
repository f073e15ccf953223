//! cpio, ar, Debian and rpm packages as the real tools make them: found at any depth and with the way to
//! them, and what is cut is never clean.

use baleen::engine::Object;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Verdict, Why};

use crate::containers::made;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, eicar_engine, gzip, noise, scan, test_file,
};

/// Checks that a file of `parts` is found at `path`, and that no part of it alone is clean.
#[track_caller]
fn check_whole_and_cut(bytes: &[u8], path: &str) {
    let engine = eicar_engine(Limits::default());
    check_infected(&engine, &Object::default(), bytes, EICAR, path);
    for part in 1..40 {
        let cut = &bytes[..bytes.len() * part / 40];
        let said = scan(&engine, &Object::default(), cut, 4_096);
        assert!(
            matches!(said, Verdict::Unscanned(Why::Broken(_)) | Verdict::Infected(_)),
            "part {part} of {}: {said:?}",
            bytes.len()
        );
    }
}

#[test]
fn every_dialect_of_cpio_is_read() {
    let engine = eicar_engine(Limits::default());
    let hidden = gzip(&test_file());
    for dialect in ["newc", "crc", "odc", "bin", "hpodc", "hpbin"] {
        let members: [(&str, &[u8]); 2] = [("a", &noise(40_001, 3)), ("b/c.gz", &hidden)];
        let command = format!("printf 'a\\nb\\nb/c.gz\\n' | cpio -o -H {dialect} > out");
        let bytes = made(&members, &command, "out");
        check_whole_and_cut(&bytes, "cpio:b/c.gz>gzip");
        let clean = made(&members[..1], &format!("echo a | cpio -o -H {dialect} > out"), "out");
        check_clean(&engine, &Object::default(), &clean);
    }
    // cpio writes the other order of bytes only by way of `dd`.
    let members: [(&str, &[u8]); 2] = [("a", &noise(4_000, 3)), ("c.gz", &hidden)];
    let little = made(&members, "printf 'a\\nc.gz\\n' | cpio -o -H bin > out", "out");
    let mut big = little.clone();
    let mut at = 0;
    while at < big.len() && big[at..at + 2] == [0xc7, 0x71] {
        let word = |at: usize| usize::from(u16::from_le_bytes([little[at], little[at + 1]]));
        let sizes = [word(at + 20), word(at + 22) << 16 | word(at + 24)];
        for pair in big[at..at + 26].chunks_mut(2) {
            pair.swap(0, 1);
        }
        at += 26 + sizes.iter().map(|size| size.next_multiple_of(2)).sum::<usize>();
    }
    check_infected(&engine, &Object::default(), &big, EICAR, "cpio:c.gz>gzip");
}

#[test]
fn the_first_file_system_of_linux_is_read_with_what_is_packed_behind_it() {
    let members: [(&str, &[u8]); 2] = [("a", &noise(5_000, 3)), ("c.gz", &gzip(&test_file()))];
    for (pack, name) in [("xz --check=crc32", "xz"), ("zstd -q", "zstd"), ("lz4 -l", "lz4")] {
        let command = format!(
            "echo a | cpio -o -H newc > out; head -c 512 /dev/zero >> out; \
             echo c.gz | cpio -o -H newc | {pack} -c >> out"
        );
        let bytes = made(&members, &command, "out");
        check_infected(
            &eicar_engine(Limits::default()),
            &Object::default(),
            &bytes,
            EICAR,
            &format!("cpio>{name}>cpio:c.gz>gzip"),
        );
    }
}

#[test]
fn libraries_are_read_whatever_their_names() {
    let engine = eicar_engine(Limits::default());
    let long = "a name of more than sixteen bytes.gz";
    let members: [(&str, &[u8]); 2] = [("a", &noise(40_001, 3)), (long, &gzip(&test_file()))];
    for options in ["rc", "rcS", "rcT"] {
        let bytes = made(&members, &format!("ar {options} out.a a '{long}'"), "out.a");
        if options == "rcT" {
            // A thin library has names only.
            check_clean(&engine, &Object::default(), &bytes);
            continue;
        }
        check_whole_and_cut(&bytes, &format!("ar:{long}>gzip"));
    }
    let clean = made(&members[..1], "ar rc out.a a", "out.a");
    check_clean(&engine, &Object::default(), &clean);
    let behind = [&clean[..], &[b'x'; 70]].concat();
    check_unscanned(&engine, &Object::default(), &behind, Why::Broken("ar: not a header"));
}

#[test]
fn packages_of_debian_are_read_however_they_are_packed() {
    let members: [(&str, &[u8]); 3] = [
        (
            "p/DEBIAN/control",
            b"Package: p\nVersion: 1\nArchitecture: all\nMaintainer: m\nDescription: d\n",
        ),
        ("p/a", &noise(40_001, 3)),
        ("p/c.gz", &gzip(&test_file())),
    ];
    for (coding, name) in [("gzip", "gz>gzip"), ("xz", "xz>xz"), ("zstd", "zst>zstd"), ("none", "")]
    {
        let command = format!("chmod -R u+rwX,go=rX p; dpkg-deb -Z{coding} -b p out.deb");
        let bytes = made(&members, &command, "out.deb");
        let path = match name.is_empty() {
            true => "ar:data.tar>tar:./c.gz>gzip".to_owned(),
            false => format!("ar:data.tar.{name}>tar:./c.gz>gzip"),
        };
        check_whole_and_cut(&bytes, &path);
    }
}

#[test]
fn packages_of_rpm_are_read_however_they_are_packed() {
    let spec = "Name: p\nVersion: 1\nRelease: 1\nSummary: s\nLicense: l\nBuildArch: noarch\n\
                %description\nd\n%install\nmkdir -p %{buildroot}/opt\n\
                cp %{_sourcedir}/a %{_sourcedir}/c.gz %{buildroot}/opt\n%files\n/opt\n";
    let members: [(&str, &[u8]); 3] =
        [("p.spec", spec.as_bytes()), ("a", &noise(40_001, 3)), ("c.gz", &gzip(&test_file()))];
    for (payload, name) in [
        ("w9.gzdio", "gzip>"),
        ("w9.bzdio", "bzip2>"),
        ("w6.xzdio", "xz>"),
        ("w6.lzdio", "lzma>"),
        ("w3.zstdio", "zstd>"),
        ("w.ufdio", ""),
    ] {
        let command = format!(
            "rpmbuild -bb --quiet --define '_topdir '$PWD/top --define '_sourcedir '$PWD \
             --define '_tmppath '$PWD --define '_binary_payload {payload}' p.spec >log 2>&1 \
             || {{ cat log >&2; exit 1; }}; cp top/RPMS/noarch/p-1-1.noarch.rpm out.rpm"
        );
        let bytes = made(&members, &command, "out.rpm");
        check_whole_and_cut(&bytes, &format!("rpm>{name}cpio:./opt/c.gz>gzip"));
    }
}
