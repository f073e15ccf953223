//! From loaded sources to the bytes of an image.

use super::facts::{DatabaseFacts, DigestCounts, Sha256, SourceFacts};
use super::image::{Contents, OffsetKind, PatternKind, Record, write};
use super::report::Report;
use super::signature::{BodySignature, NameId, Purpose};
use super::sources::{Loaded, Sources};
use crate::engine::digest::{Kind, Rows};

/// What the administrator chose. The first two take effect while files are added, so
/// [`Sources::new`] takes the same options as [`build`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildOptions {
    /// Whether `.hdu`, `.hsu` and `.ndu` are read.
    pub potentially_unwanted: bool,
    /// The functionality level that level windows are compared with (A1.3). 214 claims everything
    /// up to ClamAV 1.4.
    pub level: u32,
    /// The time to put into the facts, in seconds since 1970; the edge reads the clock.
    pub created_seconds: u64,
    /// The version to show; made from the content digest when there is none.
    pub version: Option<Box<str>>,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self { potentially_unwanted: false, level: 214, created_seconds: 0, version: None }
    }
}

/// How far a build is, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many YARA rules are being compiled.
    Rules(u64),
    /// The matcher is being compiled from so many body patterns.
    Matcher(usize),
    /// Digest tables are being written from so many digests.
    Digests(u64),
    /// The image is being put together.
    Image,
}

/// An image and the story of how it came about.
#[derive(Clone, Debug)]
pub struct Built {
    /// For [`Image::open`](super::Image::open).
    pub image: Vec<u8>,
    /// The facts inside the image.
    pub facts: DatabaseFacts,
    /// What became of every line.
    pub report: Report,
}

/// Compiles loaded sources into an image. `compile_matcher` makes the MATCHER section; a
/// signature's id is its index in the slice.
///
/// Memory: the image, its largest section, and the loaded signatures at once.
pub fn build(
    sources: Sources,
    compile_matcher: &dyn Fn(&[BodySignature]) -> Vec<u8>,
    progress: &mut dyn FnMut(Progress),
) -> Built {
    let loaded = sources.into_loaded();
    let mut facts = facts(&loaded);
    let Loaded {
        options: _,
        mut names,
        bodies,
        parts,
        mut atoms,
        magics,
        digests,
        yara,
        mut report,
    } = loaded;
    if facts.rules.total() > 0 {
        progress(Progress::Rules(facts.rules.total()));
    }
    let rules = yara.compile();
    atoms.extend(rules.atoms);
    for (file, rule) in rules.lost {
        report.lose(&file, &rule);
        facts.lines = report.totals();
    }
    // Every name was taken in when its line was read.
    let mut number = |body: &BodySignature| names.intern(&body.name).unwrap_or(NameId(0)).0;
    let mut records: Vec<Record> =
        bodies.iter().map(|body| record(number(body), body, PatternKind::Body)).collect();
    let mut patterns = bodies;
    for (kind, list) in
        [(PatternKind::Part, parts), (PatternKind::Atom, atoms), (PatternKind::Magic, magics)]
    {
        records.extend((0..).zip(&list).map(|(index, one)| record(index, one, kind)));
        patterns.extend(list);
    }
    progress(Progress::Matcher(patterns.len()));
    let matcher = compile_matcher(&patterns);
    drop(patterns);
    progress(Progress::Digests(facts.detected.total().saturating_add(facts.trusted.total())));
    let digests = digests.compile();
    progress(Progress::Image);
    let meta = serde_json::to_vec(&facts).unwrap_or_default();
    let image = write(Contents {
        meta,
        names,
        records,
        matcher,
        digests,
        logical: Vec::new(),
        yara: rules.section,
        links: Vec::new(),
        types: Vec::new(),
    });
    Built { image, facts, report }
}

fn record(number: u32, pattern: &BodySignature, kind: PatternKind) -> Record {
    let offset = OffsetKind::from(&pattern.offset.base);
    Record { number, target: pattern.target, offset, kind }
}

/// The facts that an image of these signatures would have.
pub(super) fn facts(loaded: &Loaded) -> DatabaseFacts {
    let Loaded { options, bodies, digests, yara, report, .. } = loaded;
    let sources: Vec<SourceFacts> = report
        .files
        .iter()
        .map(|file| SourceFacts {
            name: file.name.clone(),
            bytes: file.bytes,
            sha256: file.sha256,
            loaded: file.totals.loaded,
        })
        .collect();
    let content = content_digest(options, &sources);
    DatabaseFacts {
        version: options.version.clone().unwrap_or_else(|| short(&content)),
        created_seconds: options.created_seconds,
        content,
        level: options.level,
        potentially_unwanted: options.potentially_unwanted,
        bodies: bodies.len() as u64,
        detected: counts(digests, Purpose::Detect),
        trusted: counts(digests, Purpose::Trust),
        rules: yara.counts(),
        sources,
        lines: report.totals(),
    }
}

fn counts(digests: &Rows, purpose: Purpose) -> DigestCounts {
    let of = |kind| digests.count(kind, purpose) as u64;
    DigestCounts { md5: of(Kind::Md5), sha1: of(Kind::Sha1), sha256: of(Kind::Sha256) }
}

/// Over everything that decides what is detected: the loaders' own version, the options, and each
/// source's name and digest, in order. The time of building is not in it.
fn content_digest(options: &BuildOptions, sources: &[SourceFacts]) -> Sha256 {
    let mut text = format!(
        "baleen database {LOADERS_VERSION}\nlevel {}\npotentially unwanted {}\n",
        options.level, options.potentially_unwanted
    );
    for source in sources {
        text.push_str(&format!("{} {}\n", source.sha256, source.name));
    }
    Sha256::of(text.as_bytes())
}

fn short(content: &Sha256) -> Box<str> {
    let text = content.to_string();
    text.get(..VERSION_DIGITS).unwrap_or_default().into()
}

/// Grows when the same sources are read in another way than before.
const LOADERS_VERSION: u32 = 1;

/// 48 bits: enough to tell databases apart at a glance.
const VERSION_DIGITS: usize = 12;
