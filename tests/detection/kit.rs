//! What the tests share: an engine from lines, coders, and feeding in every way.

use std::io::Write as _;
use std::sync::Arc;

use baleen::engine::database::builtin::{builtin_sources, eicar};
use baleen::engine::database::{BuildOptions, Image, Sources, build};
use baleen::engine::limits::Limits;
use baleen::engine::matcher::{self, GramCounts};
use baleen::engine::verdict::{Verdict, Why};
use baleen::engine::{ContentCodings, Engine, Object, Scan};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

/// The name under which the test file is reported.
pub(crate) const EICAR: &str = "Eicar-Test-Signature.UNOFFICIAL";

/// An engine that knows the test file only.
pub(crate) fn eicar_engine(limits: Limits) -> Arc<Engine> {
    eicar_engine_with(limits, |engine| engine)
}

/// The same, set up further.
pub(crate) fn eicar_engine_with(
    limits: Limits,
    set_up: impl FnOnce(Engine) -> Engine,
) -> Arc<Engine> {
    Arc::new(set_up(compiled(builtin_sources(BuildOptions::default()), limits)))
}

/// An engine over signature files, each a name and its lines.
pub(crate) fn engine(files: &[(&str, &str)], limits: Limits) -> Arc<Engine> {
    let mut sources = Sources::new(BuildOptions::default());
    for (name, lines) in files {
        sources.add_file(name, lines.as_bytes());
    }
    let totals = sources.report().totals();
    assert_eq!((totals.bad, totals.unsupported_count()), (0, 0), "{:?}", sources.report());
    Arc::new(compiled(sources, limits))
}

fn compiled(sources: Sources, limits: Limits) -> Engine {
    let built = build(sources, &|bodies| matcher::compile(bodies, &GramCounts::new()), &mut |_| {});
    let image = Image::open(Arc::new(built.image)).expect("just built");
    Engine::new(Arc::new(image), limits)
}

/// An object with a `Content-Encoding`.
pub(crate) fn coded(codings: &str) -> Object {
    Object {
        codings: ContentCodings::parse(codings.as_bytes()).expect("known codings"),
        ..Object::default()
    }
}

/// Feeds `bytes` in pieces of `piece_bytes`, and says how the scan ended.
pub(crate) fn scan(
    engine: &Arc<Engine>,
    object: &Object,
    bytes: &[u8],
    piece_bytes: usize,
) -> Verdict {
    let mut scan = engine.start(object.clone());
    for piece in bytes.chunks(piece_bytes) {
        if feed(&mut scan, piece) {
            break;
        }
    }
    scan.finish()
}

/// Feeds one piece; says whether the verdict is final.
pub(crate) fn feed(scan: &mut Scan, mut piece: &[u8]) -> bool {
    let mut idle = 0;
    while !piece.is_empty() {
        let fed = scan.feed(piece);
        if fed.decided {
            assert_eq!(fed.consumed, piece.len(), "a decided scan takes everything");
            return true;
        }
        idle = if fed.consumed == 0 { idle + 1 } else { 0 };
        assert!(idle < 1_000_000, "the scan takes no more bytes");
        piece = &piece[fed.consumed..];
    }
    false
}

/// The verdict, after checking that it is the same for every way of cutting the object and whether
/// or not its size is known.
#[track_caller]
pub(crate) fn verdict(engine: &Arc<Engine>, object: &Object, bytes: &[u8]) -> Verdict {
    let whole = scan(engine, object, bytes, usize::MAX);
    let small: &[usize] = if bytes.len() < 100_000 { &[1, 2, 3, 7] } else { &[] };
    let large = [61, 1_000, 1_023, 1_025, 4_096, 16_383, 16_384, 16_385, 65_536, 100_003];
    for &piece_bytes in small.iter().chain(&large) {
        let cut = scan(engine, object, bytes, piece_bytes);
        assert_eq!(cut, whole, "in pieces of {piece_bytes}");
    }
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..8 {
        let mut scan = engine.start(object.clone());
        let mut rest = bytes;
        while !rest.is_empty() {
            seed = random(seed);
            let count = usize::try_from(seed % 20_000).expect("small").min(rest.len());
            let (piece, after) = rest.split_at(count);
            if feed(&mut scan, piece) {
                break;
            }
            rest = after;
        }
        assert_eq!(scan.finish(), whole, "cut at random");
    }
    let sized = Object { size: u64::try_from(bytes.len()).ok(), ..object.clone() };
    for piece_bytes in [997, usize::MAX] {
        assert_eq!(scan(engine, &sized, bytes, piece_bytes), whole, "with its size");
    }
    whole
}

/// The next number of a repeatable sequence.
pub(crate) const fn random(seed: u64) -> u64 {
    let seed = seed ^ seed << 13;
    let seed = seed ^ seed >> 7;
    seed ^ seed << 17
}

/// Checks for a detection of `name` at a layer path.
#[track_caller]
pub(crate) fn check_infected(
    engine: &Arc<Engine>,
    object: &Object,
    bytes: &[u8],
    name: &str,
    path: &str,
) {
    match verdict(engine, object, bytes) {
        Verdict::Infected(found) => {
            assert_eq!((&*found.name, &*found.path), (name, path));
        }
        other @ (Verdict::Clean | Verdict::Unscanned(_)) => panic!("{other:?}, not {name}"),
    }
}

/// Checks for a clean verdict.
#[track_caller]
pub(crate) fn check_clean(engine: &Arc<Engine>, object: &Object, bytes: &[u8]) {
    assert_eq!(verdict(engine, object, bytes), Verdict::Clean);
}

/// Checks for an object that could not be scanned to its end.
#[track_caller]
pub(crate) fn check_unscanned(engine: &Arc<Engine>, object: &Object, bytes: &[u8], why: Why) {
    assert_eq!(verdict(engine, object, bytes), Verdict::Unscanned(why));
}

/// The test file.
pub(crate) fn test_file() -> Vec<u8> {
    eicar()
}

/// Bytes of no known type: text heuristics and magic numbers do not fit them. Five bits of chance in
/// each byte, so that a compressor codes them and does not store them as they are.
pub(crate) fn noise(length: usize, mut seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; length.min(12)];
    while bytes.len() < length {
        seed = random(seed);
        bytes.push(seed.to_be_bytes()[3] | 0xe0);
    }
    bytes
}

pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("to memory");
    encoder.finish().expect("to memory")
}

pub(crate) fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("to memory");
    encoder.finish().expect("to memory")
}

pub(crate) fn raw_deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("to memory");
    encoder.finish().expect("to memory")
}

pub(crate) fn zstd(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, 3).expect("to memory")
}

/// Stored meta-blocks (RFC 7932 section 9.2).
pub(crate) fn brotli(plain: &[u8]) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0, 1);
    for block in plain.chunks(1 << 16) {
        bits.put(0, 3);
        bits.put(u64::try_from(block.len() - 1).expect("small"), 16);
        bits.put(1, 1);
        bits.align();
        bits.bytes.extend_from_slice(block);
    }
    bits.put(0b11, 2);
    bits.align();
    bits.bytes
}

/// `blocks` times 16 MiB of zeros: a literal and one copy of distance 1 in each meta-block.
pub(crate) fn brotli_zeros(blocks: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // A window of 16 MiB.
    bits.put(0b1111, 4);
    for _ in 0..blocks {
        // Not last, six nibbles of length, compressed.
        bits.put(0, 1);
        bits.put(2, 2);
        bits.put((1 << 24) - 1, 24);
        bits.put(0, 1);
        // One block type of each kind, no direct distances, context mode 0, one tree of each kind.
        bits.put(0, 3 + 6 + 2 + 2);
        // Simple codes of one symbol: literal 0; insert 1 and copy with 24 extra bits; distance code 16.
        for (symbol, width) in [(0, 8), (399, 10), (16, 6)] {
            bits.put(1, 2);
            bits.put(0, 2);
            bits.put(symbol, width);
        }
        bits.put((1 << 24) - 1 - 2_118, 24);
        bits.put(0, 1);
    }
    bits.put(0b11, 2);
    bits.align();
    bits.bytes
}

/// Bits, the lowest of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u64, width: u32) {
        self.pending |= value << self.count;
        self.count += width;
        while self.count >= 8 {
            self.bytes.push(self.pending.to_le_bytes()[0]);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    fn align(&mut self) {
        if self.count > 0 {
            self.put(0, 8 - self.count);
        }
    }
}
