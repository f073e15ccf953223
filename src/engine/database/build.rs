//! From loaded sources to the bytes of an image.

use std::io::{self, Cursor};

use super::facts::{DatabaseFacts, DigestCounts, Sha256, SourceFacts};
use super::image::{OffsetKind, PatternKind, Record, SectionKind, Sink, Writer, section_of};
use super::report::Report;
use super::signature::{BodySignature, NameId, Subject};
use super::sources::{Loaded, Sources};
use crate::engine::digest::{Kind, Rows};
use crate::engine::members::Members;

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
    /// Which links are looked at, and for what.
    pub links: LinkOptions,
}

/// Which links are looked at, and for what; all off, as with clamscan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "switches that do not depend on each other")]
pub struct LinkOptions {
    /// Links of pages, not only of mails. clamscan looks at mails only.
    pub in_pages: bool,
    /// `https` shown over `http` (`--alert-phishing-ssl`).
    pub ssl: bool,
    /// Targets with a zero byte in their host (`--alert-phishing-cloak`).
    pub cloaked: bool,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            potentially_unwanted: false,
            level: 214,
            created_seconds: 0,
            version: None,
            links: LinkOptions::default(),
        }
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

/// The story of an image that was written.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// The facts inside the image.
    pub facts: DatabaseFacts,
    /// What became of every line.
    pub report: Report,
    /// The size of the image in bytes.
    pub image_bytes: u64,
}

/// Compiles loaded sources into an image in memory. `compile_matcher` makes the MATCHER section; a
/// signature's id is its index in the slice.
///
/// Memory: the image, its largest section, and the loaded signatures at once; [`build_into`] needs only
/// the latter two.
pub fn build(
    sources: Sources,
    compile_matcher: &dyn Fn(&[BodySignature]) -> Vec<u8>,
    progress: &mut dyn FnMut(Progress),
) -> Built {
    let mut image = Cursor::new(Vec::new());
    let written = build_into(sources, compile_matcher, progress, &mut image);
    // Memory takes every write; were it not so, the image would be one that does not open.
    let Written { facts, report, .. } = written.unwrap_or_default();
    Built { image: image.into_inner(), facts, report }
}

/// Compiles loaded sources into an image that goes to `out` section by section. The workers are those
/// of the sources.
///
/// Memory: what is not written yet of the loaded signatures, and one section. The patterns are the last
/// of them.
///
/// # Errors
///
/// Those of `out`; what it holds then is no image.
pub fn build_into(
    sources: Sources,
    compile_matcher: &dyn Fn(&[BodySignature]) -> Vec<u8>,
    progress: &mut dyn FnMut(Progress),
    out: &mut dyn Sink,
) -> io::Result<Written> {
    let (loaded, workers) = sources.into_loaded();
    let mut facts = facts(&loaded);
    let Loaded {
        options,
        mut names,
        bodies,
        logical,
        mut atoms,
        magics,
        digests,
        types,
        members,
        mut links,
        yara,
        mut report,
    } = loaded;
    links.options = options.links;
    if facts.rules.total() > 0 {
        progress(Progress::Rules(facts.rules.total()));
    }
    let rules = yara.compile();
    atoms.extend(rules.atoms);
    for (file, rule) in rules.lost {
        report.lose(&file, &rule);
        facts.lines = report.totals();
    }
    let (parts, logical) = logical.finish();
    let mut image = Writer::new(out, &*workers)?;
    image.section(SectionKind::Meta, &serde_json::to_vec(&facts).unwrap_or_default())?;
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
    image.section(SectionKind::Names, &names.into_section())?;
    image.section(SectionKind::Signatures, &section_of(&records))?;
    drop(records);
    progress(Progress::Digests(digests.total()));
    image.section(SectionKind::Digests, &digests.compile(&*workers))?;
    image.section(SectionKind::Logical, &logical)?;
    drop(logical);
    image.section(SectionKind::Yara, &rules.section)?;
    drop(rules.section);
    image.section(SectionKind::Members, &Members::compile(&members))?;
    image.section(SectionKind::Links, &links.compile())?;
    image.section(SectionKind::Types, &types.compile())?;
    progress(Progress::Matcher(patterns.len()));
    let matcher = compile_matcher(&patterns);
    drop(patterns);
    progress(Progress::Image);
    image.section(SectionKind::Matcher, &matcher)?;
    drop(matcher);
    let image_bytes = image.finish()?;
    Ok(Written { facts, report, image_bytes })
}

fn record(number: u32, pattern: &BodySignature, kind: PatternKind) -> Record {
    let offset = OffsetKind::from(&pattern.offset.base);
    Record { number, target: pattern.target, offset, kind }
}

/// The facts that an image of these signatures would have.
pub(super) fn facts(loaded: &Loaded) -> DatabaseFacts {
    let Loaded { options, bodies, logical, digests, yara, report, .. } = loaded;
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
        logical: logical.count() as u64,
        rules: yara.counts(),
        detected: counts(digests, Subject::Bad),
        trusted: counts(digests, Subject::Trusted),
        sections: counts(digests, Subject::Section),
        imports: counts(digests, Subject::Imports),
        sources,
        containers: report.files.iter().filter_map(|file| file.container.clone()).collect(),
        lines: report.totals(),
    }
}

fn counts(digests: &Rows, subject: Subject) -> DigestCounts {
    let of = |kind| digests.count(kind, subject) as u64;
    DigestCounts { md5: of(Kind::Md5), sha1: of(Kind::Sha1), sha256: of(Kind::Sha256) }
}

/// Over everything that decides what is detected: the loaders' own version, the options, and each
/// source's name and digest, in order. The time of building is not in it.
fn content_digest(options: &BuildOptions, sources: &[SourceFacts]) -> Sha256 {
    let mut text = format!(
        "baleen database {LOADERS_VERSION}\nlevel {}\npotentially unwanted {}\n",
        options.level, options.potentially_unwanted
    );
    if options.links != LinkOptions::default() {
        text.push_str(&format!("{:?}\n", options.links));
    }
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
const LOADERS_VERSION: u32 = 3;

/// 48 bits: enough to tell databases apart at a glance.
const VERSION_DIGITS: usize = 12;
