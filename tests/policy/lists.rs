//! The real lists: they load, each line is taken or counted with a reason, and the image is small.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use baleen::policy::Categories;
use baleen::policy::category::{Builder, Database, Format, ListReport, Mapped, Mapping};

/// Names and texts.
pub(crate) type TestLists<'t> = &'t [(&'t str, &'t str)];

/// What lists of tests are about.
pub(crate) const BLOCKED: Categories =
    Categories::NONE.with(baleen::policy::Category::InfectionSource);

pub(crate) fn database(lists: TestLists<'_>) -> Database {
    let mut builder = Builder::new();
    for (name, text) in lists {
        let format = Format::of(name.rsplit('/').next().expect("a name")).expect("a list");
        let report = add(&mut builder, name, BLOCKED, format, &mut text.as_bytes());
        assert_eq!(report.bad, 0, "{:?}", report.faults);
    }
    open(builder)
}

fn open(builder: Builder) -> Database {
    let mut image = Cursor::new(Vec::new());
    builder.write(0, &mut image).expect("memory can be written");
    Database::open(Arc::new(image.into_inner())).expect("what was built opens")
}

fn add(
    builder: &mut Builder,
    name: &str,
    categories: Categories,
    format: Format,
    text: &mut dyn BufRead,
) -> ListReport {
    let mut list = builder.list(name, categories, format).expect("a few lists");
    let mut line = Vec::new();
    while text.read_until(b'\n', &mut line).expect("a list can be read") > 0 {
        list.line(&line).expect("a few lines");
        line.clear();
    }
    list.finish()
}

/// A real list: its name, what it is about, its form, its text.
pub(crate) struct RealList {
    pub(crate) name: String,
    pub(crate) categories: Categories,
    pub(crate) format: Format,
    pub(crate) text: Vec<u8>,
}

/// The real lists that the built-in mapping uses; `None` when they are not there.
pub(crate) fn real_lists() -> Option<&'static [RealList]> {
    static LISTS: LazyLock<Option<Vec<RealList>>> = LazyLock::new(read_real_lists);
    if LISTS.is_none() {
        println!("skipped: the real lists are not there (set BALEEN_TEST_DATA)");
    }
    LISTS.as_deref()
}

fn read_real_lists() -> Option<Vec<RealList>> {
    let folder = std::env::var_os("BALEEN_TEST_DATA").map(PathBuf::from)?;
    let open = |name: &str| File::open(folder.join(name)).ok();
    let mapping = Mapping::builtin();
    let mut lists = Vec::new();
    let mut unknown = Vec::new();
    let mut take = |name: String, text: Vec<u8>| {
        let name = name.trim_start_matches("./").to_owned();
        let file = name.rsplit('/').next().expect("a name");
        match (Format::of(file), mapping.of(&name)) {
            (Some(format), Mapped::To(categories)) => {
                lists.push(RealList { name, categories, format, text });
            }
            (Some(_), Mapped::Unknown) => unknown.push(name),
            _ => {}
        }
    };
    for archive in ["ut1/ut1-blacklists.tar.xz", "maltrail/maltrail-static-sample.tar.xz"] {
        let file = open(archive)?;
        let mut archive = tar::Archive::new(liblzma::read::XzDecoder::new(file));
        for member in archive.entries().expect("an archive") {
            let mut member = member.expect("a member");
            if member.header().entry_type().is_file() {
                let name = member.path().expect("a path").to_string_lossy().into_owned();
                let mut text = Vec::new();
                member.read_to_end(&mut text).expect("a member");
                take(name, text);
            }
        }
    }
    let mut text = Vec::new();
    let file = open("blackbook/blackbook.csv.gz")?;
    flate2::read::GzDecoder::new(file).read_to_end(&mut text).expect("a compressed file");
    take("blackbook.csv".to_owned(), text);
    assert!(unknown.is_empty(), "the mapping has no row for {unknown:?}");
    lists.sort_by(|one, other| one.name.cmp(&other.name));
    Some(lists)
}

/// The database of the real lists, and what became of their lines.
pub(crate) fn real_database() -> Option<&'static (Database, Vec<ListReport>)> {
    static BUILT: LazyLock<Option<(Database, Vec<ListReport>)>> = LazyLock::new(|| {
        let lists = real_lists()?;
        let mut builder = Builder::new();
        let reports = lists.iter().map(|list| {
            let text = &mut BufReader::new(&*list.text);
            add(&mut builder, &list.name, list.categories, list.format, text)
        });
        let reports = reports.collect();
        Some((open(builder), reports))
    });
    BUILT.as_ref()
}

#[test]
fn the_real_lists_load_and_each_line_is_taken_or_has_a_reason() {
    let Some((database, reports)) = real_database() else { return };
    let mut lines = 0;
    let mut reasons = std::collections::BTreeMap::new();
    for report in reports {
        lines += report.lines;
        assert_eq!(report.lines, report.loaded + report.skipped + report.bad, "{}", report.name);
        for fault in &report.faults {
            *reasons.entry(fault.reason.clone()).or_insert(0) += 1;
        }
    }
    let bad: u64 = reports.iter().map(|report| report.bad).sum();
    let bytes = database.bytes_count() as u64;
    let total = database.counts().total();
    println!("{lines} lines, {bad} bad: {reasons:?}");
    println!("{:?}, {bytes} bytes, {:.2} an entry", database.counts(), bytes as f64 / total as f64);
    assert!(lines > 700_000 && total > 600_000, "{lines} lines, {total} entries");
    assert!(bad < lines / 500, "{bad} of {lines} lines are bad: {reasons:?}");
    assert!(bytes < 40 * total, "{bytes} bytes for {total} entries");
}
