//! What was found in a layer, made into findings.
//!
//! A body stands for a layer, or for an object in the middle of one. Both are settled and ended alike:
//! hits of body signatures are detections, hits of parts go to the logical signatures, hits of atoms
//! select YARA rules, digests of the parts of an executable were looked up. What only the whole of a
//! form can tell becomes a [`Task`]. Digests and links are those of a layer.
//!
//! Absent on purpose: trust and budgets, which belong to the scan.

use std::sync::Arc;

use super::body::Body;
use super::database::Image;
use super::database::image::PatternKind;
use super::database::signature::{NameId, Purpose};
use super::deferred::{Task, Undecided};
use super::digest::Computed;
use super::file_type::Kind;
use super::findings::Findings;
use super::forms::Place;
use super::links::LinkFinding;
use super::logical::{Finding, LayerType, State};
use super::verdict::{Detection, Limit, Why};

/// Where a body stands in the scan.
pub(super) struct Spot<'a> {
    pub(super) image: &'a Arc<Image>,
    /// The layer whose trust drops its findings, counted from the outer object.
    pub(super) layer: usize,
    /// The way to it, as in a detection; made when something was found.
    pub(super) way: &'a dyn Fn() -> String,
    /// The types of the layers around it, the outermost first.
    pub(super) around: &'a [LayerType],
}

impl Spot<'_> {
    /// Takes over what was found since the last time. Says how many units of work that was.
    pub(super) fn settle(&self, body: &mut Body, findings: &mut Findings) -> u64 {
        let mut parts = Vec::new();
        let mut atoms = Vec::new();
        for (place, hit) in body.take_hits() {
            match self.image.pattern(hit.signature) {
                Some((PatternKind::Body, name)) => {
                    self.detect(findings, NameId(name), place, hit.offset);
                }
                Some((PatternKind::Part, part)) => parts.push((place, part, hit.offset)),
                Some((PatternKind::Atom, atom)) => atoms.push((place, atom)),
                Some((PatternKind::Magic, _)) | None => {}
            }
        }
        atoms.into_iter().for_each(|(place, atom)| body.mark(place, atom));
        let inside = body.take_found();
        for entry in inside.entries {
            self.detect(findings, entry.name, Place::Raw, 0);
        }
        if let Some(why) = inside.missed {
            findings.miss(why);
        }
        let Some(logical) = self.image.logical() else { return 0 };
        let mut found = Vec::new();
        let work = body.decide(&logical, self.around, &parts, &mut found);
        self.take(body, &found, findings);
        work
    }

    /// The body ended whole: takes over the logical signatures that only its end decides.
    pub(super) fn conclude(&self, body: &mut Body, findings: &mut Findings) {
        let Some(logical) = self.image.logical() else { return };
        let mut found = Vec::new();
        if body.conclude(&logical, self.around, &mut found) {
            findings.miss(Why::Limit(Limit::MaxScanState));
        }
        self.take(body, &found, findings);
    }

    /// Looks the digests of the layer up, which ended after `size` bytes. Says whether one of them is
    /// trusted.
    pub(super) fn look_up(&self, digests: &Computed, size: u64, findings: &mut Findings) -> bool {
        let tables = self.image.digests();
        let mut is_trusted = false;
        for digest in digests.iter() {
            if let Some(entry) = tables.lookup(Purpose::Detect, digest, size) {
                self.detect(findings, entry.name, Place::Raw, 0);
            }
            is_trusted |= tables.lookup(Purpose::Trust, digest, size).is_some();
        }
        is_trusted
    }

    /// Takes over what is wrong with a link of the layer.
    pub(super) fn link(&self, found: LinkFinding, findings: &mut Findings) {
        self.report(findings, || found.name().into(), Place::Raw, 0);
    }

    /// Adds what has to look at the whole of a form of the body, which has ended.
    pub(super) fn defer(&self, body: &mut Body, findings: &mut Findings, tasks: &mut Vec<Task>) {
        for (place, form) in body.forms() {
            let rules = self.image.yara();
            let selection = rules.map(|rules| rules.select(form.atoms.as_ref(), form.fed_bytes));
            let selection = selection.filter(|selection| !selection.is_empty());
            let undecided = form.is_waiting.then(|| Undecided {
                state: std::mem::replace(&mut form.logical, State::new(None)),
                facts: form.facts.clone(),
                around: self.around.into(),
            });
            if selection.is_none() && undecided.is_none() {
                continue;
            }
            match form.spool.take().map(|spool| (spool.bytes().map(|_| ()), spool)) {
                Some((Ok(()), spool)) => {
                    let path = self.path(place);
                    tasks.push(Task { path, selection, undecided, spool });
                }
                Some((Err(full), _)) => findings.miss(Why::Limit(full.limit())),
                None => findings.miss(Why::Limit(Limit::MaxDeferredSize)),
            }
        }
    }

    fn take(&self, body: &mut Body, found: &[(Place, Finding)], findings: &mut Findings) {
        let Some(logical) = self.image.logical().filter(|_| !found.is_empty()) else { return };
        for (place, Finding { signature, offset }) in found {
            let handler = logical.handler(*signature);
            if let (Some(handler), Place::Raw, false) = (handler, place, body.is_again) {
                match Kind::from_number(handler.layer_type.0).filter(|_| body.may_ask) {
                    Some(kind) => body.ask(kind, handler.repeats),
                    None if handler.repeats => {}
                    None => findings.miss(Why::Unsupported("another type of an embedded object")),
                }
                // What is true of it whatever its type is reported at once: it would be, from there.
                if !handler.repeats {
                    continue;
                }
            }
            if let Some(name) = logical.name(*signature) {
                self.detect(findings, name, *place, *offset);
            }
        }
    }

    fn detect(&self, findings: &mut Findings, name: NameId, place: Place, offset: u64) {
        self.report(findings, || self.image.name(name).into(), place, offset);
    }

    fn report(
        &self,
        findings: &mut Findings,
        name: impl FnOnce() -> Box<str>,
        place: Place,
        offset: u64,
    ) {
        let path = || self.path(place);
        findings.detect(self.layer, || Detection { name: name(), path: path(), offset });
    }

    fn path(&self, place: Place) -> Box<str> {
        join(&(self.way)(), place.name()).into()
    }
}

/// A path and one step more, if there is one.
pub(super) fn join(path: &str, step: Option<&str>) -> String {
    match step {
        None => path.to_owned(),
        Some(step) if path.is_empty() => step.to_owned(),
        Some(step) => format!("{path}>{step}"),
    }
}
