//! Images: what goes in comes out, and nothing that was changed is believed.

use std::borrow::Cow;
use std::sync::Arc;

use crate::engine::database::image::{SectionKind, resealed};
use crate::engine::database::signature::{
    BodySignature, Digest, NameId, Purpose, SignatureId, Target,
};
use crate::engine::database::{
    BuildOptions, Built, Image, ImageFault, OffsetKind, SignatureView, Sources, build,
    builtin_sources,
};
use crate::engine::digest::{Kind, Kinds, Running};

fn files() -> Vec<(&'static str, String)> {
    let mut digests = String::new();
    for index in 0..500_u32 {
        digests.push_str(&format!(
            "{:032x}:{}:Name.{}\n",
            index * 7919,
            index % 50 + 1,
            index % 60
        ));
    }
    digests.push_str("3395856ce81f2b7382dee72602f798b642f14140:*:Sha1:73\n");
    vec![
        ("a.hdb", digests),
        ("b.fp", "44d88612fea8a8f36de82e1278abb02f:68:Trusted\n".to_owned()),
        (
            "c.ndb",
            "Anywhere:0:*:616263\nStart:7:5:616263\nName.3:1:EP+1:616263\nEnd:10:EOF-9:616263\n"
                .to_owned(),
        ),
    ]
}

fn built(options: BuildOptions) -> Built {
    let mut sources = Sources::new(options);
    for (name, text) in files() {
        sources.add_file(name, text.as_bytes());
    }
    build(sources, &matcher, &mut |_| {})
}

/// The matcher's own compiler: an image with other bytes in its section is refused.
fn matcher(bodies: &[BodySignature]) -> Vec<u8> {
    crate::engine::matcher::compile(bodies, &crate::engine::matcher::GramCounts::new())
}

fn open(bytes: Vec<u8>) -> Result<Image, ImageFault> {
    Image::open(Arc::new(bytes))
}

#[test]
fn what_goes_in_comes_out() {
    let built = built(BuildOptions::default());
    let image = open(built.image).expect("an image that was just built");
    let view = |id| image.signature(SignatureId(id));
    let want = |name, target, offset| Some(SignatureView { name: Cow::from(name), target, offset });
    assert_eq!(view(0), want("Anywhere.UNOFFICIAL", Target::Any, OffsetKind::Anywhere));
    assert_eq!(view(1), want("Start.UNOFFICIAL", Target::Text, OffsetKind::Start));
    assert_eq!(view(2), want("Name.3.UNOFFICIAL", Target::Pe, OffsetKind::Executable));
    assert_eq!(view(3), want("End.UNOFFICIAL", Target::Pdf, OffsetKind::End));
    assert_eq!(view(4), None);
    assert_eq!(image.pattern_count(), 4);
    let patterns = image.matcher().expect("it was built with patterns");
    assert_eq!(patterns.facts().signatures_count, 4);
    let tables = image.digests();
    assert_eq!(tables.count(Kind::Md5, Purpose::Detect), 500);
    assert_eq!(tables.count(Kind::Md5, Purpose::Trust), 1);
    for index in 0..500_u128 {
        let digest = Digest::Md5((index * 7919).to_be_bytes());
        let size = u64::try_from(index % 50 + 1).expect("small");
        let entry = tables.lookup(Purpose::Detect, &digest, size).expect("it was added");
        assert_eq!(image.name(entry.name), format!("Name.{}.UNOFFICIAL", index % 60));
        assert_eq!(tables.lookup(Purpose::Detect, &digest, size + 50), None);
        assert_eq!(tables.lookup(Purpose::Trust, &digest, size), None);
    }
    assert_eq!(image.name(NameId(u32::MAX)), "");
}

#[test]
fn facts_say_what_is_inside() {
    let options = BuildOptions { created_seconds: 1_700_000_000, ..BuildOptions::default() };
    let built = built(options);
    let image = open(built.image).expect("an image that was just built");
    let facts = image.facts();
    assert_eq!(*facts, built.facts);
    assert_eq!((facts.bodies, facts.detected.md5, facts.detected.sha1), (4, 500, 1));
    assert_eq!((facts.trusted.total(), facts.signatures()), (1, 505));
    assert_eq!(facts.created_seconds, 1_700_000_000);
    let sources: Vec<_> =
        facts.sources.iter().map(|source| (&*source.name, source.loaded)).collect();
    assert_eq!(sources, [("a.hdb", 501), ("b.fp", 1), ("c.ndb", 4)]);
    assert_eq!(facts.version.len(), 12);
    assert!(facts.content.to_string().starts_with(&*facts.version));
}

#[test]
fn the_content_digest_changes_with_what_is_detected_only() {
    let of = |options: BuildOptions| built(options).facts.content;
    let plain = of(BuildOptions::default());
    let later = BuildOptions {
        created_seconds: 9,
        version: Some("named".into()),
        ..BuildOptions::default()
    };
    assert_eq!(of(later), plain);
    let level = BuildOptions { level: 100, ..BuildOptions::default() };
    assert_ne!(of(level), plain);
    let wanted = BuildOptions { potentially_unwanted: true, ..BuildOptions::default() };
    assert_ne!(of(wanted), plain);
    let mut sources = Sources::new(BuildOptions::default());
    for (name, text) in files().into_iter().rev() {
        sources.add_file(name, text.as_bytes());
    }
    assert_ne!(build(sources, &matcher, &mut |_| {}).facts.content, plain);
    assert_eq!(
        built(BuildOptions::default()).image,
        built(BuildOptions::default()).image,
        "the same sources and time make the same bytes"
    );
}

#[test]
fn progress_is_told() {
    let mut steps = Vec::new();
    build(builtin_sources(BuildOptions::default()), &matcher, &mut |step| {
        steps.push(format!("{step:?}"));
    });
    assert_eq!(steps, ["Digests(1)", "Matcher(1)", "Image"]);
}

#[test]
fn the_embedded_digest_hits_the_test_file() {
    let built = build(builtin_sources(BuildOptions::default()), &matcher, &mut |_| {});
    let image = open(built.image).expect("an image that was just built");
    let eicar = crate::engine::database::builtin::eicar();
    assert_eq!(image.digests().needs(Some(68)).detect, Kinds::NONE.with(Kind::Md5));
    let mut running = Running::new(image.digests().needs(None).all());
    running.update(&eicar);
    let computed = running.finish();
    let digest = computed.get(Kind::Md5).expect("it was needed");
    let entry = image.digests().lookup(Purpose::Detect, digest, 68).expect("the test file");
    assert_eq!(image.name(entry.name), "Eicar-Test-Signature.UNOFFICIAL");
}

#[test]
fn an_image_cut_anywhere_is_refused() {
    let image = built(BuildOptions::default()).image;
    for length in 0..image.len() {
        assert!(open(image[..length].to_vec()).is_err(), "cut at {length}");
    }
    let longer = [image, vec![0]].concat();
    assert!(matches!(open(longer), Err(ImageFault::Length { .. })));
}

/// Every bit of header and directory, and of the sections a bit of every 31st byte: every place in a
/// stripe of the sum, and every bit, comes up many times in each section.
#[test]
fn every_flipped_bit_is_refused() {
    let image = built(BuildOptions::default()).image;
    let head = 64 + SectionKind::ALL.len() * 24;
    let bits = (0..head).flat_map(|at| (0..8).map(move |bit| (at, bit)));
    let rest = (head..image.len()).step_by(31).chain([image.len() - 1]).map(|at| (at, at % 8));
    let mut changed = image;
    for (at, bit) in bits.chain(rest) {
        changed[at] ^= 1 << bit;
        let fault = open(changed.clone()).map(drop);
        changed[at] ^= 1 << bit;
        // Before the sum come only the fields that say whether there is one.
        match at {
            0..32 => assert!(fault.is_err(), "byte {at}, bit {bit}"),
            _ => assert_eq!(fault, Err(ImageFault::Digest), "byte {at}, bit {bit}"),
        }
    }
    assert!(open(changed).is_ok(), "and nothing else is wrong with it");
}

/// Uses everything an image gives.
fn exercise(image: &Image) -> u64 {
    let mut sum = 0_u64;
    let count = u32::try_from(image.pattern_count()).expect("a small image");
    for id in (0..count.saturating_add(2)).chain([u32::MAX]) {
        let name = image.signature(SignatureId(id)).map(|view| view.name.len());
        sum += name.unwrap_or_default() as u64;
        sum += image.name(NameId(id)).len() as u64;
    }
    let tables = image.digests();
    for size in [None, Some(0), Some(5), Some(u64::MAX)] {
        sum += u64::from(!tables.needs(size).all().is_empty());
    }
    for head in 0..=255_u8 {
        for purpose in [Purpose::Detect, Purpose::Trust] {
            for digest in
                [Digest::Md5([head; 16]), Digest::Sha1([head; 20]), Digest::Sha256([head; 32])]
            {
                sum += u64::from(tables.lookup(purpose, &digest, 5).is_some());
            }
        }
    }
    sum + image.facts().signatures()
}

/// A small generator of fixed seed (xorshift), so that a failure names the mutation.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }
}

#[test]
fn a_hostile_image_is_a_fault_or_harmless() {
    let image = built(BuildOptions::default()).image;
    let mut faults = 0_u32;
    for seed in 1..=4_000_u64 {
        let mut seeded = Seeded(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut changed = image.clone();
        // The tables are the larger part; the directory is where a change does most harm.
        for _ in 0..=seeded.below(3) {
            let end = if seeded.next().is_multiple_of(2) { 256 } else { changed.len() };
            let at = 64 + seeded.below(end - 64);
            changed[at] = match seeded.next() % 3 {
                0 => 0,
                1 => 0xff,
                _ => changed[at] ^ (1 << seeded.below(8)),
            };
        }
        if seeded.next().is_multiple_of(8) {
            changed.truncate(64 + seeded.below(changed.len() - 64));
        }
        match open(resealed(changed)) {
            Ok(image) => drop(exercise(&image)),
            Err(fault) => faults += u32::from(!fault.to_string().is_empty()),
        }
    }
    assert!(faults > 1_000, "the changes do not reach the checks: {faults} faults");
}

/// An image, sealed again after a change of some bytes, is refused with this text.
#[track_caller]
fn refused(image: &[u8], at: usize, byte: u8, want: &str) {
    let mut changed = image.to_vec();
    changed[at] = byte;
    let fault = open(resealed(changed)).expect_err("a changed image");
    assert_eq!(fault.to_string(), want);
}

/// Where a section begins, by its place in the directory.
fn start(image: &[u8], section: usize) -> usize {
    let at = 64 + section * 24 + 8;
    let bytes = image[at..at + 8].try_into().expect("eight bytes");
    usize::try_from(u64::from_le_bytes(bytes)).expect("a small image")
}

#[test]
fn faults_name_the_place_in_header_and_directory() {
    let image = built(BuildOptions::default()).image;
    refused(&image, 0, 0, "byte 0: not a compiled database");
    let version = "byte 8: layout version 9, this program reads 7: build it again";
    refused(&image, 8, 9, version);
    refused(&image, 12, 1, "byte 12: the header is not that of an image");
    refused(&image, 16, 6, "byte 12: the header is not that of an image");
    refused(&image[..50], 0, 0, "50 bytes are too few for an image");
    refused(&image[..100], 99, 0, "100 bytes are too few for an image");
    refused(&image, 64, 9, "section META: not inside the image");
    refused(&image, 64 + 24 + 8, 1, "section NAMES: not inside the image");
    refused(&image, 64 + 3 * 24 + 16 + 7, 1, "section DIGESTS: not inside the image");
    let mut longer = image.clone();
    longer.push(0);
    let length = image.len();
    let want = format!("byte 24: {length} bytes were written, {} are there", length + 1);
    assert_eq!(open(longer).expect_err("a longer image").to_string(), want);
    let mut changed = image;
    changed[length - 1] ^= 1;
    let fault = open(changed).expect_err("a changed image");
    assert_eq!(fault.to_string(), "byte 32: the sum does not fit the content");
}

#[test]
fn faults_name_the_place_in_sections() {
    let image = built(BuildOptions::default()).image;
    let [meta, names, records, digests] = [0, 1, 2, 3].map(|section| start(&image, section));
    let json = "section META: expected `,` or `]` at line 1 column 11";
    refused(&image, meta, b'[', json);
    let no_names = "section NAMES: not a table of names";
    refused(&image, names + 5, 1, no_names);
    refused(&image, names + 8 + 5, 1, no_names);
    refused(&image, names + 16 + 2, 1, no_names);
    refused(&image, records + 3, 1, "section SIGNATURES: record 0 is not valid");
    refused(&image, records + 12, 8, "section SIGNATURES: record 1 is not valid");
    let lines = "section DIGESTS: the index of digests does not lead to them";
    refused(&image, digests + 16, 0, lines);
    let short = "section DIGESTS: a table ends beyond its section";
    refused(&image, digests + 8 + 6, 1, short);
    let first = u64::from_le_bytes(image[digests + 24..][..8].try_into().expect("eight bytes"));
    let first = digests + usize::try_from(first).expect("a small image");
    refused(&image, first, 1, lines);
    refused(&image, first + 4, 1, lines);
}
