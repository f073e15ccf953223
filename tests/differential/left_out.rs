//! Signatures that the engine says it cannot use yet: read from its own report, line by line, left
//! out of the comparison, and counted against a table. A piece that lands makes its row stale, and
//! the comparison tighter.

use std::collections::{BTreeMap, BTreeSet};

use baleen::engine::database::{BuildOptions, Sources};

/// Batches with all published sets.
const PUBLISHED: &[&str] = &["published", "planted", "benign"];

/// How many signatures of which file of which batches are not used, and why.
const LEFT_OUT: &[(&[&str], &str, &str, u64)] =
    &[(PUBLISHED, "main.ldb", "icon", 80), (&["pairs"], "pairs.ldb", "reference", 59)];

/// What one database leaves out.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeftOut {
    /// Names as in the lines.
    pub(crate) names: BTreeSet<String>,
    /// By file and reason.
    pub(crate) counts: BTreeMap<(String, String), u64>,
}

impl LeftOut {
    /// Adds what the engine does not use of one file.
    pub(crate) fn read(&mut self, file: &str, bytes: &[u8]) {
        let mut whole = Sources::new(BuildOptions::default());
        whole.add_file(file, bytes);
        let totals = whole.report().totals();
        if totals.unsupported_count() == 0 && totals.bad == 0 {
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let mut single = Sources::new(BuildOptions::default());
        for line in &lines {
            single.add_file(file, line.as_bytes());
        }
        for (line, report) in lines.iter().zip(&single.report().files) {
            let reason = match report.totals.unsupported.first() {
                Some((reason, _)) => serde_json::to_string(reason).expect("a word"),
                None if report.totals.bad > 0 => "bad".to_owned(),
                None => continue,
            };
            let reason = reason.trim_matches('"').to_owned();
            *self.counts.entry((file.to_owned(), reason)).or_insert(0) += 1;
            self.names.insert(name(file, line).to_owned());
        }
    }

    /// Adds what another database of the same batch leaves out.
    pub(crate) fn add(&mut self, other: Self) {
        self.names.extend(other.names);
        for (key, count) in other.counts {
            *self.counts.entry(key).or_insert(0) += count;
        }
    }

    /// Where this is not what the table says.
    pub(crate) fn complaints(&self, batch: &str) -> Vec<String> {
        let rows = LEFT_OUT.iter().filter(|row| row.0.contains(&batch));
        let wanted: BTreeMap<(String, String), u64> =
            rows.map(|row| ((row.1.to_owned(), row.2.to_owned()), row.3)).collect();
        if wanted == self.counts {
            return Vec::new();
        }
        vec![format!(
            "the table of what is left out of {batch} is stale: it says {wanted:?}, the report {:?}",
            self.counts
        )]
    }
}

/// The name of a line's signature.
pub(crate) fn name<'a>(file: &str, line: &'a str) -> &'a str {
    let (sign, field) = match file.rsplit_once('.').map(|(_, extension)| extension) {
        Some("ldb" | "ldu") => (';', 0),
        Some("ndb" | "ndu") => (':', 0),
        _ => (':', 2),
    };
    line.split(sign).nth(field).unwrap_or("")
}
