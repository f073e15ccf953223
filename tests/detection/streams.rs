//! Files packed by the real tools, with every option that changes the format: the test file is found in them,
//! and what is cut or damaged is never clean.

use baleen::engine::Object;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Verdict, Why};

use crate::containers::made;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, coded, eicar_engine, gzip, noise, scan,
    test_file,
};

/// A tool: what its layer is called, and the commands to try. They read `in` and write to standard output.
struct Tool {
    name: &'static str,
    commands: &'static [&'static str],
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "bzip2",
        commands: &[
            "bzip2 -1 -c in",
            "bzip2 -9 -c in",
            "head -c 30000 in | bzip2 -c; tail -c +30001 in | bzip2 -c",
            "bzip2 -c </dev/null; bzip2 -c in; head -c 100 /dev/zero",
        ],
    },
    Tool {
        name: "xz",
        commands: &[
            "xz -0 -c in",
            "xz -3 -c in",
            "xz -6 -c in",
            "xz -9e -c in",
            "xz -T2 --block-size=20000 -c in",
            "xz --check=none -1 -c in",
            "xz --check=crc32 -1 -c in",
            "xz --check=sha256 -1 -c in",
            "xz --x86 --lzma2=preset=1 -c in",
            "xz --delta=dist=4 --arm64 --lzma2=preset=1 -c in",
            "head -c 30000 in | xz -1 -c; head -c 8 /dev/zero; tail -c +30001 in | xz -c",
            "xz -c </dev/null; xz -c in; head -c 4 /dev/zero",
        ],
    },
    Tool {
        name: "lzma",
        commands: &[
            "xz --format=lzma -0 -c in",
            "xz --format=lzma -6 -c in",
            "xz --format=lzma -9e -c in",
            "xz --format=lzma --lzma1=lc=0,lp=2,pb=0,dict=96KiB -c in",
        ],
    },
    Tool {
        name: "lzip",
        commands: &[
            "lzip -0 -c in",
            "lzip -9 -c in",
            "head -c 30000 in | lzip -c; tail -c +30001 in | lzip -c",
        ],
    },
    Tool {
        name: "lz4",
        commands: &[
            "lz4 -1 -c in",
            "lz4 -9 -c in",
            "lz4 -B4 -BD -c in",
            "lz4 -B5 -BX --content-size -c in",
            "lz4 --no-frame-crc -B6 -c in",
            "lz4 -l -c in",
            "head -c 30000 in | lz4 -l -c; tail -c +30001 in | lz4 -c",
            "head -c 30000 in | lz4 -c; tail -c +30001 in | lz4 -l -c",
        ],
    },
    Tool {
        name: "compress",
        commands: &[
            "compress -c -b 10 in",
            "compress -c -b 12 in",
            "compress -c -b 14 in",
            "compress -c in",
        ],
    },
    Tool {
        name: "zstd",
        commands: &[
            "zstd -q --long=27 -c in",
            "zstd -q -19 -c in",
            "zstd -q --no-check -c in; zstd -q -c in",
        ],
    },
];

fn packed(plain: &[u8], command: &str) -> Vec<u8> {
    made(&[("in", plain)], &format!("({command}) > out"), "out")
}

/// A tar with noise and the test file in a gzip file behind it.
fn carrier() -> Vec<u8> {
    let members: [(&str, &[u8]); 2] = [("a", &noise(60_000, 4)), ("b.gz", &gzip(&test_file()))];
    made(&members, "tar -cf out.tar a b.gz", "out.tar")
}

#[test]
fn the_test_file_is_found_in_what_every_tool_packs() {
    let engine = eicar_engine(Limits::default());
    let carrier = carrier();
    for Tool { name, commands } in TOOLS {
        for command in *commands {
            let bytes = packed(&carrier, command);
            let path = format!("{name}>tar:b.gz>gzip");
            check_infected(&engine, &Object::default(), &bytes, EICAR, &path);
        }
        let clean = packed(&noise(60_000, 4), commands[0]);
        check_clean(&engine, &Object::default(), &clean);
        check_clean(&engine, &Object::default(), &gzip(&clean));
    }
}

#[test]
fn what_a_tool_packed_and_somebody_cut_is_never_clean() {
    let engine = eicar_engine(Limits::default());
    let plain = noise(60_000, 4);
    // A `.Z` file has no end: one that is cut between two codes is whole.
    for Tool { name, commands } in TOOLS.iter().filter(|tool| tool.name != "compress") {
        for command in &commands[..commands.len().min(3)] {
            let bytes = packed(&plain, command);
            for part in 1..40 {
                let cut = &bytes[..bytes.len() * part / 40];
                let said = scan(&engine, &Object::default(), cut, 4_096);
                let Verdict::Unscanned(Why::Broken(why)) = said else {
                    assert!(is_whole(name, command), "{command}, part {part}: {said:?}");
                    continue;
                };
                assert_eq!(why, format!("{name}: ends early"), "{command}, part {part}");
            }
        }
    }
}

/// Whether a file may be whole when it is cut: one of several streams, cut between them.
fn is_whole(name: &str, command: &str) -> bool {
    name != "lzma" && command.contains(';')
}

#[test]
fn what_a_tool_packed_and_chance_changed_ends_the_same_however_it_is_cut() {
    let engine = eicar_engine(Limits::default());
    let carrier = carrier();
    let mut seed = 0x1234_5678_9abc_def1_u64;
    for Tool { commands, .. } in TOOLS {
        for command in *commands {
            let good = packed(&carrier, command);
            for _ in 0..6 {
                seed = crate::kit::random(seed);
                let mut bytes = good.clone();
                let bit = usize::try_from(seed % 1_000_000_007).expect("small") % (8 * bytes.len());
                bytes[bit / 8] ^= 1 << (bit % 8);
                let whole = scan(&engine, &Object::default(), &bytes, usize::MAX);
                for piece_bytes in [61, 4_096] {
                    let cut = scan(&engine, &Object::default(), &bytes, piece_bytes);
                    assert_eq!(cut, whole, "{command}, bit {bit}, pieces of {piece_bytes}");
                }
            }
        }
    }
}

#[test]
fn what_comes_out_before_the_damage_is_scanned() {
    let engine = eicar_engine(Limits::default());
    let members: [(&str, &[u8]); 2] = [("b.gz", &gzip(&test_file())), ("z", &noise(900_000, 4))];
    let carrier = made(&members, "tar -cf out.tar b.gz z", "out.tar");
    for Tool { name, commands } in TOOLS {
        // bzip2 gives nothing of a block that is not whole: its blocks are of 100 kB here.
        let mut bytes = packed(&carrier, commands[0]);
        bytes.truncate(bytes.len() / 2);
        let path = format!("{name}>tar:b.gz>gzip");
        check_infected(&engine, &Object::default(), &bytes, EICAR, &path);
    }
}

#[test]
fn bytes_behind_a_packed_file_are_said() {
    let engine = eicar_engine(Limits::default());
    let plain = noise(20_000, 4);
    for (command, why) in [
        ("bzip2 -c in", "bzip2: bytes after the last stream"),
        ("xz -c in", "xz: bytes after the last stream"),
        ("xz --format=lzma -c in", "lzma: bytes after the end"),
        ("lzip -c in", "lzip: bytes after the last member"),
        ("lz4 -c in", "lz4: bytes after the last frame"),
    ] {
        let bytes = packed(&plain, &format!("{command}; echo and something more"));
        check_unscanned(&engine, &Object::default(), &bytes, Why::Broken(why));
    }
}

#[test]
fn compress_is_a_coding_of_http_and_bzip2_is_not() {
    let engine = eicar_engine(Limits::default());
    let bytes = packed(&test_file().repeat(3), "compress -c -f in");
    check_infected(&engine, &coded("compress"), &bytes, EICAR, "compress");
    check_infected(&engine, &coded("X-Compress"), &bytes, EICAR, "compress");
    check_infected(&engine, &coded("compress, gzip"), &gzip(&bytes), EICAR, "gzip>compress");
    let why = Why::Broken("compress: not a .Z file");
    check_unscanned(&engine, &coded("compress"), &noise(900, 3), why);
    for name in ["bzip2", "xz", "lzma", "lz4"] {
        assert!(baleen::engine::ContentCodings::parse(name.as_bytes()).is_err(), "{name}");
    }
}
