//! Facts and problems as text for people. `--json` has the same for programs.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::engine::database::container::{Sealed, Signed};
use crate::engine::database::{ContainerFacts, DatabaseFacts, FileReport, NotRead};

/// What an image or sources contain; `bytes` is the size of an image.
pub(super) fn write_facts(
    facts: &DatabaseFacts,
    bytes: Option<u64>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "version      {}", facts.version)?;
    writeln!(out, "content      {}", facts.content)?;
    if let Some(bytes) = bytes {
        writeln!(out, "built        {}", utc(facts.created_seconds))?;
        writeln!(out, "image        {bytes} bytes")?;
    }
    writeln!(out, "level        {}", facts.level)?;
    writeln!(out, "signatures   {}", facts.signatures())?;
    writeln!(out, "  patterns   {}", facts.bodies)?;
    writeln!(out, "  logical    {}", facts.logical)?;
    let digests = [
        ("detect", &facts.detected),
        ("trust", &facts.trusted),
        ("sections", &facts.sections),
        ("imports", &facts.imports),
    ];
    for (name, counts) in digests {
        let (md5, sha1, sha256) = (counts.md5, counts.sha1, counts.sha256);
        writeln!(out, "  {name:<10} MD5 {md5}, SHA-1 {sha1}, SHA-256 {sha256}")?;
    }
    let rules = &facts.rules;
    if rules.total() > 0 {
        writeln!(out, "  YARA       {} rules", rules.total())?;
        writeln!(out, "    {} where one of their strings is", rules.by_string)?;
        writeln!(out, "    {} by the head of a file", rules.by_head)?;
        writeln!(out, "    {} on every file (these cost)", rules.always)?;
    }
    let lines = &facts.lines;
    writeln!(out, "lines        {}", lines.lines)?;
    for (name, count) in [
        ("comments", lines.comments),
        ("ignored", lines.ignored),
        ("level", lines.by_level),
        ("off", lines.switched_off),
        ("bad", lines.bad),
    ] {
        if count > 0 {
            writeln!(out, "  {name:<10} {count}")?;
        }
    }
    if !lines.unsupported.is_empty() {
        writeln!(out, "not supported yet: {}", lines.unsupported_count())?;
    }
    for (reason, count) in &lines.unsupported {
        writeln!(out, "  {count:<10} {reason}")?;
    }
    writeln!(out, "formats      {}", formats(facts).len())?;
    for (format, count) in formats(facts) {
        writeln!(out, "  {format:<10} {count}")?;
    }
    if !facts.containers.is_empty() {
        writeln!(out, "containers   {}", facts.containers.len())?;
    }
    for container in &facts.containers {
        write_container(container, out)?;
    }
    writeln!(out, "sources      {}", facts.sources.len())?;
    for source in &facts.sources {
        let (sha256, bytes, name) = (source.sha256, source.bytes, &source.name);
        writeln!(out, "  {sha256} {bytes} bytes, {} loaded: {name}", source.loaded)?;
    }
    Ok(())
}

/// One line about a container: what it is, who made it, who signed it.
fn write_container(container: &ContainerFacts, out: &mut dyn Write) -> io::Result<()> {
    let ContainerFacts { name, version, date, builder, signatures, .. } = container;
    let signed = match container.signed {
        Signed::HeaderAndMembers => "signed: header and members",
        Signed::Members => "signed: members",
        Signed::Nobody => "not signed",
    };
    let sealed = match container.sealed {
        Sealed::Absent => "no external signature",
        Sealed::NoCertificates => "external signature not checked: no certificates",
        Sealed::Valid => "external signature good",
    };
    writeln!(
        out,
        "  {name}: version {version} of {date} by {builder}, {signatures} signatures; {signed}; {sealed}"
    )
}

/// Signatures loaded, by the extension of their file.
pub(super) fn formats(facts: &DatabaseFacts) -> BTreeMap<String, u64> {
    let mut formats = BTreeMap::new();
    for source in facts.sources.iter().filter(|source| source.loaded > 0) {
        let (_, extension) = source.name.rsplit_once('.').unwrap_or_default();
        *formats.entry(extension.to_ascii_lowercase()).or_insert(0) += source.loaded;
    }
    formats
}

/// Files that were not read, and bad lines with their places.
pub(super) fn write_problems(files: &[FileReport], out: &mut dyn Write) -> io::Result<()> {
    for file in files {
        match (file.not_read, &file.refused) {
            (Some(reason), Some(why)) => writeln!(out, "{}: {reason}: {why}", file.name)?,
            // It is told with its container.
            (None | Some(NotRead::Seal), _) => {}
            (Some(reason), None) => writeln!(out, "{}: {reason}", file.name)?,
        }
        for bad in &file.bad {
            writeln!(out, "{}: {bad}", file.name)?;
        }
        let more = file.totals.bad.saturating_sub(file.bad.len() as u64);
        if more > 0 {
            writeln!(out, "{}: {more} more bad lines", file.name)?;
        }
    }
    Ok(())
}

/// Seconds since 1970 as a date, in the proleptic Gregorian calendar: eras of 400 years that begin
/// in March, so that the day that some years do not have is the last of its year.
pub(in crate::cli) fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}
