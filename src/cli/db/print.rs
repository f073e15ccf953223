//! Facts and problems as text for people. `--json` has the same for programs.

use std::io::{self, Write};

use crate::engine::database::{DatabaseFacts, FileReport};

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
    for (name, counts) in [("detect", &facts.detected), ("trust", &facts.trusted)] {
        let (md5, sha1, sha256) = (counts.md5, counts.sha1, counts.sha256);
        writeln!(out, "  {name:<10} MD5 {md5}, SHA-1 {sha1}, SHA-256 {sha256}")?;
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
    writeln!(out, "sources      {}", facts.sources.len())?;
    for source in &facts.sources {
        let (sha256, bytes, name) = (source.sha256, source.bytes, &source.name);
        writeln!(out, "  {sha256} {bytes} bytes, {} loaded: {name}", source.loaded)?;
    }
    Ok(())
}

/// Files that were not read, and bad lines with their places.
pub(super) fn write_problems(files: &[FileReport], out: &mut dyn Write) -> io::Result<()> {
    for file in files {
        if let Some(reason) = file.not_read {
            writeln!(out, "{}: {reason}", file.name)?;
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
pub(super) fn utc(seconds: u64) -> String {
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
