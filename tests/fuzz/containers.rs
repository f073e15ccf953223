//! Containers, their seals and changes. What is behind a signature is reached with a test key of our own.

use std::io::Write as _;
use std::sync::LazyLock;

use baleen::engine::database::Alone;
use baleen::engine::database::container::patch::{Files, Patch};
use baleen::engine::database::container::{Limits, Trust, Unsigned, seal, verify};
use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

use super::harness::Target;

pub(crate) const ALL: [Target; 3] = [
    Target { name: "container", corpus: containers, words: CONTAINER_WORDS, run: container },
    Target { name: "seal", corpus: seals, words: SEAL_WORDS, run: a_seal },
    Target { name: "change", corpus: scripts, words: SCRIPT_WORDS, run: change },
];

const CONTAINER_WORDS: &[&[u8]] = &[
    b"ClamAV-VDB:",
    b":X:X:",
    b"DSIG:",
    b"ustar\0",
    b"test.info",
    b"../",
    b"\x1f\x8b\x08\0",
    b"00000000077\0",
    b"77777777777",
    b"\x80\xff\xff\xff\xff\xff\xff\xff",
];

const SEAL_WORDS: &[&[u8]] = &[b"#clamsign-1.0\n", b":pkcs7-pem:", b"MII", b"==", b"\n", b"231"];

const SCRIPT_WORDS: &[&[u8]] = &[
    b"OPEN a.ndb\n",
    b"CLOSE\n",
    b"ADD ",
    b"DEL 1 ",
    b"XCHG 2 b ",
    b"MOVE a.ndb b.ndb 1 a 2 b\n",
    b"UNLINK a.ndb\n",
    b"18446744073709551615",
    b"# ",
];

fn trust() -> &'static Trust {
    static TRUST: LazyLock<Trust> = LazyLock::new(|| {
        let mut trust = Trust::builtin(1_800_000_000);
        trust.add_keys(format!("patch {MODULUS} 65537\n").as_bytes()).expect("a key");
        trust.add_certificates(ROOT).expect("a certificate");
        trust.with_unsigned(Unsigned::Accept)
    });
    &TRUST
}

/// Whatever is believed hands out exactly the members of its list; nothing of it is signed, so only a
/// `.cud` is ever believed.
fn container(input: &[u8]) {
    let limits =
        Limits { total_bytes_max: 1 << 20, member_bytes_max: 1 << 18, ..Limits::default() };
    for name in ["a.cvd", "a.cld"] {
        assert!(verify(name, input, None, trust(), limits, &Alone).is_err(), "nobody signed it");
    }
    if let Ok(good) = verify("a.cud", input, None, trust(), limits, &Alone) {
        let mut seen = Vec::new();
        good.each_member(&|_| true, &mut |name, bytes| {
            assert!(bytes.len() <= 1 << 18 && !name.contains('/'), "{name}");
            seen.push(name.to_owned());
        })
        .expect("it was verified");
        seen.sort_unstable();
        assert!(seen.iter().map(String::as_str).eq(good.members().iter().map(|name| &**name)));
    }
    let mut other = Trust::builtin(0);
    let _either = (other.add_keys(input), other.add_certificates(input));
}

fn containers() -> Vec<Vec<u8>> {
    let line =
        |fields: &str| format!("ClamAV-VDB:21 Nov 2026 10-00 +0000:4:1:90:{fields}:me:1795255200");
    let member = b"A:0:*:616263\n";
    let digest: String = Sha256::digest(member).iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{}\na.ndb:{}:{digest}\nDSIG:abc\n", line("X:X"), member.len());
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in [("COPYING", &b"free"[..]), ("a.info", list.as_bytes()), ("a.ndb", member)]
    {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, name, bytes).expect("memory takes everything");
    }
    let tar = tar.into_inner().expect("memory takes everything");
    let head = format!("{:<512}", line("0:0"));
    let whole = |packed: &[u8]| [head.as_bytes(), packed].concat();
    let good = whole(&tar);
    assert!(verify("a.cud", &good, None, trust(), Limits::default(), &Alone).is_ok());
    vec![good, whole(&gzip(&tar)), head.into_bytes()]
}

/// A text that was changed may still be good, when only its levels are others; for another file none is.
fn a_seal(input: &[u8]) {
    let _either = seal::check(input, MESSAGE, trust());
    assert!(seal::check(input, b"another file", trust()).is_err());
}

fn seals() -> Vec<Vec<u8>> {
    assert_eq!(seal::check(PSS, MESSAGE, trust()), Ok(()));
    vec![PSS.to_vec(), BARE.to_vec()]
}

/// The input as a change, and as a signed script: the files stay as they were, because no list fits.
fn change(input: &[u8]) {
    assert!(Patch::open(input, trust()).is_err(), "nobody signed it");
    let patch = Patch::open(&signed(input), trust()).expect("it is signed");
    let mut files = Files::from([
        ("a.ndb".into(), b"a\nb\nc".to_vec()),
        ("b.ndb".into(), b"x\n".to_vec()),
        ("test.info".into(), b"ClamAV-VDB:\nDSIG:a\n".to_vec()),
    ]);
    let before = files.clone();
    assert!(patch.apply(&mut files, trust()).is_err(), "no list is signed");
    assert_eq!(files, before);
}

fn scripts() -> Vec<Vec<u8>> {
    vec![
        b"OPEN a.ndb\nDEL 1 a\nXCHG 2 b B\nADD d\nCLOSE\n".to_vec(),
        b"# note\nMOVE a.ndb b.ndb 1 a 2 b\nUNLINK a.ndb\n".to_vec(),
    ]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("memory takes everything");
    out.finish().expect("memory takes everything")
}

/// A change with this script (RFC 8017 9.1.1, a salt of zeros).
fn signed(script: &[u8]) -> Vec<u8> {
    static KEY: LazyLock<[BigUint; 2]> =
        LazyLock::new(|| [MODULUS, SECRET].map(|text| text.parse().expect("digits")));
    let [modulus, secret] = &*KEY;
    let mut bytes = format!("ClamAV-Diff:2:{}:", script.len()).into_bytes();
    bytes.extend(gzip(script));
    let bits = usize::try_from(modulus.bits()).expect("small") - 1;
    let length = bits.div_ceil(8);
    let inner = Sha256::digest([&[0; 8], &Sha256::digest(&bytes)[..], &[0; 32]].concat());
    let mut block = vec![0; length - 66];
    block.push(1);
    block.extend([0; 32]);
    let masks =
        (0_u32..).flat_map(|counter| Sha256::digest([&inner[..], &counter.to_be_bytes()].concat()));
    for (byte, mask) in block.iter_mut().zip(masks) {
        *byte ^= mask;
    }
    block[0] &= 0xff >> (8 * length - bits);
    block.extend(inner);
    block.push(0xbc);
    let digits = BigUint::from_bytes_be(&block).modpow(secret, modulus).to_radix_le(64);
    bytes.push(b':');
    let alphabet = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
    bytes.extend(digits.iter().map(|digit| alphabet[usize::from(*digit)]));
    bytes
}

const MESSAGE: &[u8] = include_bytes!("../../src/engine/database/container/tests/seals/message");
const ROOT: &[u8] = include_bytes!("../../src/engine/database/container/tests/seals/root.pem");
const PSS: &[u8] = include_bytes!("../../src/engine/database/container/tests/seals/pss.sign");
const BARE: &[u8] = include_bytes!("../../src/engine/database/container/tests/seals/bare.sign");

/// A key that nobody uses for anything else.
const MODULUS: &str = "972864302709329531875124026693905442730752833754431462910828103665207561604122443960\
     236255680945466756105740717689776483604813222605726709777199175251665657825236300180\
     034428064208675736057965933274285818638462223086161347945686068911282431181441490957\
     2174673283353917636062495087438667935523311986862336649609903";
const SECRET: &str = "904193624095212950181510895981696971514913497059923018102162909842553943342977282818\
     285099558754128592721009091890107502523044664878426226700016463429119533175129734561\
     895699841180730138515067258128131234860161654781126381570303428899255910087749803328\
     4288755402537263099940476890887664760126028412062900624657713";
