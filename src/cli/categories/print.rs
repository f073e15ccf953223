//! Databases and builds as text for people. `--json` has the same for programs.

use std::io::{self, Write};

use crate::cli::db::utc;
use crate::policy::category::{Counts, Database, Hex, SourceFacts};
use crate::runtime::categories::Built;

/// What was built, and what became of the lines.
pub(super) fn write_built(built: &Built, out: &mut dyn Write) -> io::Result<()> {
    let written = &built.written;
    write_head(&written.counts, written.image_bytes, &written.digest, out)?;
    write_lists(&written.sources, out)?;
    if !built.unknown.is_empty() {
        writeln!(out, "without a row in the mapping, not used: {}", built.unknown.join(", "))?;
    }
    for list in built.lists.iter().filter(|list| list.bad > 0) {
        for fault in &list.faults {
            writeln!(out, "{}:{}:{}: {}", list.name, fault.line, fault.column, fault.reason)?;
        }
        let more = list.bad.saturating_sub(list.faults.len() as u64);
        if more > 0 {
            writeln!(out, "{}: {more} more bad lines", list.name)?;
        }
    }
    Ok(())
}

/// What is in a database.
pub(super) fn write_database(database: &Database, out: &mut dyn Write) -> io::Result<()> {
    write_head(&database.counts(), database.bytes_count() as u64, &database.digest(), out)?;
    if database.created_seconds() > 0 {
        writeln!(out, "built        {}", utc(database.created_seconds()))?;
    }
    write_lists(database.sources(), out)
}

fn write_head(
    counts: &Counts,
    bytes: u64,
    digest: &[u8; 32],
    out: &mut dyn Write,
) -> io::Result<()> {
    let total = counts.total();
    writeln!(out, "content      {}", Hex(digest))?;
    writeln!(out, "entries      {total}")?;
    for (name, count) in [
        ("hosts", counts.hosts),
        ("addresses", counts.addresses),
        ("ports", counts.ports),
        ("paths", counts.paths),
        ("paths of all hosts", counts.paths_anywhere),
        ("expressions", counts.expressions),
    ] {
        if count > 0 {
            writeln!(out, "  {count:<10} {name}")?;
        }
    }
    let tenths = bytes.saturating_mul(10).checked_div(total).unwrap_or(0);
    writeln!(out, "image        {bytes} bytes, {}.{} an entry", tenths / 10, tenths % 10)
}

fn write_lists(sources: &[SourceFacts], out: &mut dyn Write) -> io::Result<()> {
    let used = sources.iter().filter(|source| !source.categories.is_empty());
    writeln!(out, "lists        {}", used.clone().count())?;
    for source in used {
        let SourceFacts { name, categories, loaded, bad, .. } = source;
        let bad = if *bad == 0 { String::new() } else { format!(", {bad} bad lines") };
        writeln!(out, "  {name}: {loaded} entries{bad}: {categories}")?;
    }
    let left_out: Vec<&str> = sources
        .iter()
        .filter(|source| source.categories.is_empty())
        .map(|source| &*source.name)
        .collect();
    if !left_out.is_empty() {
        writeln!(out, "left out by the mapping: {}", left_out.join(", "))?;
    }
    Ok(())
}
