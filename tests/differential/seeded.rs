//! Generated signatures over generated data: hits, near misses, shifts, seams, compressed.

use crate::corpus::{Random, data, gzip, planted};
use crate::generator::{Sample, hex};
use crate::oracle::{Batch, is_installed};

/// Signatures of the first batch. Each comes with three files: it fits, one byte is broken, and a
/// second draw of places.
const SIGNATURES: usize = 800;

#[test]
fn patterns_of_the_whole_language_anywhere_in_data() {
    if !is_installed() {
        return;
    }
    let mut random = Random::new(0x5eed_0001);
    let mut batch = Batch::new();
    let mut lines = String::new();
    for number in 0..SIGNATURES {
        let sample = Sample::draw(&mut random);
        let target = *random.pick(&["0", "0", "0", "14", "*"]);
        let before = random.between(12, 300);
        let offset = offset(&mut random, &sample, before);
        lines.push_str(&format!("D{number}:{target}:{}:{}\n", offset.text, sample.pattern));
        let fits = offset.file(&mut random, &sample.whole());
        if random.one_in(4) {
            batch.add_file(&format!("{number}-fits.gz"), &gzip(&fits));
        }
        batch.add_file(&format!("{number}-fits"), &fits);
        let broken = sample.broken(&mut random);
        batch.add_file(&format!("{number}-broken"), &offset.file(&mut random, &broken));
        let moved = random.between(0, 4);
        let shifted = planted(&mut random, before + moved, &sample.whole(), offset.after + moved);
        batch.add_file(&format!("{number}-shifted"), &shifted);
    }
    batch.add_database("seeded.ndb", lines.as_bytes());
    let shared = batch.compare("seeded");
    assert!(shared > SIGNATURES, "only {shared} findings: the generator misses its own patterns");
}

/// An offset that a file can be made to fit, or to miss by a little.
struct Offset {
    text: String,
    before: usize,
    after: usize,
}

impl Offset {
    fn file(&self, random: &mut Random, middle: &[u8]) -> Vec<u8> {
        planted(random, self.before, middle, self.after)
    }
}

fn offset(random: &mut Random, sample: &Sample, before: usize) -> Offset {
    let after = random.between(0, 200);
    let start = before + usize::from(sample.before.is_some());
    let length = sample.instance.len() + usize::from(sample.after.is_some());
    let from_end = length + after;
    let shift = random.between(0, 20);
    let text = match random.between(0, 9) {
        0 => format!("{start}"),
        1 => format!("{},{shift}", start.saturating_sub(shift)),
        2 => format!("{},{shift}", start.saturating_sub(shift + 1)),
        3 => format!("EOF-{from_end}"),
        4 => format!("EOF-{},{shift}", from_end + shift),
        5 => format!("EOF-{},{shift}", from_end + shift + 1),
        _ => "*".to_owned(),
    };
    Offset { text, before, after }
}

#[test]
fn patterns_across_the_seams_of_either_program() {
    if !is_installed() {
        return;
    }
    let mut random = Random::new(0x5eed_0002);
    let mut batch = Batch::new();
    let mut lines = String::new();
    for number in 0..60 {
        let sample = Sample::draw(&mut random);
        lines.push_str(&format!("S{number}:0:*:{}\n", sample.pattern));
        let whole = sample.whole();
        for seam in [16 << 10, 64 << 10, 128 << 10] {
            let into = random.between(0, whole.len());
            for shift in [0, 1, 2] {
                let before = seam + shift - 1 - into.min(seam - 20);
                let file = planted(&mut random, before, &whole, 1_000);
                batch.add_file(&format!("{number}-{seam}-{shift}"), &file);
            }
        }
        let file = planted(&mut random, (128 << 10) - whole.len() / 2, &whole, 1_000);
        batch.add_file(&format!("{number}-seam.gz"), &gzip(&file));
        let broken = sample.broken(&mut random);
        let file = planted(&mut random, (64 << 10) - whole.len() / 2, &broken, 1_000);
        batch.add_file(&format!("{number}-broken"), &file);
    }
    batch.add_database("seams.ndb", lines.as_bytes());
    let shared = batch.compare("seams");
    assert!(shared > 400, "only {shared} findings");
}

#[test]
fn text_and_its_normal_form() {
    if !is_installed() {
        return;
    }
    let mut random = Random::new(0x5eed_0003);
    let mut batch = Batch::new();
    let mut lines = String::new();
    for number in 0..200 {
        let word = |random: &mut Random| -> String {
            let letters = random.between(4, 9);
            (0..letters).map(|_| char::from(*random.pick(b"bcdfghjklmnpqrstvwxz"))).collect()
        };
        let (one, two) = (word(&mut random), word(&mut random));
        let target = *random.pick(&["7", "7", "0"]);
        lines.push_str(&format!(
            "T{number}:{target}:*:{}\n",
            hex(format!("{one} {two}").as_bytes())
        ));
        let space = *random.pick(&[" ", "  ", "\t", "\r\n", " \n\t", "_", ""]);
        let (one, two) = if random.one_in(2) { (one.to_uppercase(), two) } else { (one, two) };
        let fill = word(&mut random);
        let text = format!("{fill} {fill}; {one}{space}{two} {fill}\n");
        batch.add_file(&format!("{number}.txt"), text.as_bytes());
        if random.one_in(3) {
            let marked = format!("\u{feff}{text}");
            let wide: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
            batch.add_file(&format!("{number}-wide.txt"), &wide);
            batch.add_file(&format!("{number}.txt.gz"), &gzip(text.as_bytes()));
        }
    }
    batch.add_database("text.ndb", lines.as_bytes());
    let shared = batch.compare("text");
    assert!(shared > 100, "only {shared} findings");
}

#[test]
fn digests_by_size_for_any_size_and_trusted() {
    if !is_installed() {
        return;
    }
    use md5::Digest as _;
    let mut random = Random::new(0x5eed_0004);
    let mut batch = Batch::new();
    let (mut bad, mut trusted, mut bodies) = (String::new(), String::new(), String::new());
    for number in 0..120 {
        let length = random.between(20, 3_000);
        let file = data(&mut random, length);
        let digest = match random.between(0, 2) {
            0 => hex(&md5::Md5::digest(&file)),
            1 => hex(&sha1::Sha1::digest(&file)),
            _ => hex(&sha2::Sha256::digest(&file)),
        };
        let size = match random.between(0, 3) {
            0 => "*".to_owned(),
            1 => (file.len() + 1).to_string(),
            _ => file.len().to_string(),
        };
        bad.push_str(&format!("{digest}:{size}:H{number}:73\n"));
        bodies.push_str(&format!("B{number}:0:*:{}\n", hex(&file[14..20])));
        let stored = gzip(&file);
        match random.between(0, 5) {
            0 => trusted.push_str(&format!("{digest}:{}:t\n", file.len())),
            1 => {
                let digest = hex(&md5::Md5::digest(&stored));
                trusted.push_str(&format!("{digest}:{}:t\n", stored.len()));
            }
            _ => {}
        }
        batch.add_file(&format!("{number}"), &file);
        batch.add_file(&format!("{number}.gz"), &stored);
    }
    batch.add_database("digests.hsb", bad.as_bytes());
    batch.add_database("bodies.ndb", bodies.as_bytes());
    batch.add_database("trusted.sfp", trusted.as_bytes());
    let shared = batch.compare("digests");
    assert!(shared > 200, "only {shared} findings");
}
