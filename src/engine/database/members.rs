//! Loading containers: verified first, then member by member, as files under the container.

use std::sync::Arc;

use super::container::header::HEADER_BYTES;
use super::container::{ContainerFault, Limits, Signed, Unsigned, Verified, verify};
use super::facts::ContainerFacts;
use super::format::Format;
use super::report::{FileReport, NotRead, Unsupported};
use super::sources::{Origin, Sources, base_name};

impl Sources {
    /// Reads a container, with its external signature if it has one.
    ///
    /// All of it is verified before anything is loaded; one that is not good is reported with the reason
    /// and counts with the number of signatures that it says it has. Its ignore lists are read first;
    /// the other members come in the order of the container. They are reported under names like
    /// `daily.cvd/daily.ndb`.
    pub fn add_container(&mut self, name: &str, bytes: &[u8], seal: Option<&[u8]>) {
        let name = base_name(name);
        let mut report = FileReport::of(name, bytes);
        let unsigned = name.to_ascii_lowercase().ends_with(".cud");
        if unsigned && self.trust.unsigned() == Unsigned::Refuse {
            report.not_read = Some(NotRead::UnsignedContainer);
            report.totals.switched_off = announced(bytes);
            self.loaded.report.files.push(report);
            return;
        }
        let (trust, workers) = (Arc::clone(&self.trust), Arc::clone(&self.workers));
        match verify(name, bytes, seal, &trust, Limits::default(), &*workers) {
            Ok(container) => {
                let facts = facts(name, &container);
                report.container = Some(facts);
                self.loaded.report.files.push(report);
                self.origin = match container.signed() {
                    Signed::HeaderAndMembers | Signed::Members => Origin::Signed,
                    Signed::Nobody => Origin::Member,
                };
                if let Err(fault) = self.members(name, &container) {
                    // Only memory can be short here; the members that are in are good ones.
                    let last = self.loaded.report.files.iter_mut().rev();
                    let mut own = last.filter(|file| *file.name == *name);
                    if let Some(report) = own.next() {
                        refuse(report, &fault, announced(bytes));
                    }
                }
                self.origin = Origin::Loose;
            }
            Err(fault) => {
                refuse(&mut report, &fault, announced(bytes));
                self.loaded.report.files.push(report);
            }
        }
    }

    fn members(&mut self, name: &str, container: &Verified<'_>) -> Result<(), ContainerFault> {
        let is_list = |member: &str| matches!(Format::of(member), Some((Format::Ignore, _)));
        if container.members().iter().any(|member| is_list(member)) {
            container
                .each_member(&is_list, &mut |member, bytes| self.member(name, member, bytes))?;
        }
        let is_other = |member: &str| !is_list(member);
        container.each_member(&is_other, &mut |member, bytes| self.member(name, member, bytes))
    }

    fn member(&mut self, container: &str, member: &str, bytes: &[u8]) {
        let mut report = FileReport::of(&format!("{container}/{member}"), bytes);
        self.read(bytes, &mut report);
        self.loaded.report.files.push(report);
    }
}

fn refuse(report: &mut FileReport, fault: &ContainerFault, signatures: u64) {
    report.not_read = Some(NotRead::ContainerRefused);
    report.refused = Some(fault.to_string().into());
    report.totals.add_unsupported(Unsupported::Container, signatures);
}

/// The number of signatures that a container says it has, whatever else is wrong with its header; 1 when
/// it does not say.
fn announced(bytes: &[u8]) -> u64 {
    let header = bytes.get(..HEADER_BYTES).unwrap_or(bytes);
    let field = header.split(|byte| *byte == b':').nth(3);
    let text = field.and_then(|field| str::from_utf8(field).ok());
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(1)
}

fn facts(name: &str, container: &Verified<'_>) -> ContainerFacts {
    let header = container.header();
    ContainerFacts {
        name: name.into(),
        version: header.version,
        date: header.date.clone(),
        builder: header.builder.clone(),
        level: header.level,
        signatures: header.signatures,
        signed: container.signed(),
        sealed: container.sealed(),
    }
}
