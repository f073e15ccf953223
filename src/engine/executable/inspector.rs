//! Everything that is read out of one executable while it passes.
//!
//! The matcher needs places (entry point, sections, version information), the database asks for digests
//! of sections and of the list of imports. What nobody asks for is not read: sections whose size is in
//! no table are not hashed, and imports are kept only where there is a table of them.
//!
//! Verdicts do not depend on how the bytes were cut: each answer belongs to one byte of the file.

use std::sync::Arc;

use super::pe::Layout;
use super::resources::Resources;
use super::window::Window;
use super::{Format, Headers, Heads, imports};
use crate::engine::database::Image;
use crate::engine::database::signature::Subject;
use crate::engine::digest::{Entry, Running, Sections, Stretch};
use crate::engine::matcher::{Executable, ExecutableMap, VersionInformation};
use crate::engine::verdict::{Limit, Why};

/// Reads one layer.
#[derive(Debug)]
pub(in crate::engine) struct Inspector {
    image: Arc<Image>,
    /// Of the layer, where it is known before its end.
    size: Option<u64>,
    /// Bytes that passed.
    position: u64,
    stage: Stage,
    found: Found,
}

#[derive(Debug)]
enum Stage {
    Headers(Headers),
    Parts(Box<Parts>),
    Done,
}

/// What is still read of a PE whose headers are known.
#[derive(Debug)]
struct Parts {
    map: ExecutableMap,
    layout: Layout,
    sections: Option<Sections>,
    imports: Option<Window>,
    resources: Option<Resources>,
}

/// What was found besides places.
#[derive(Debug, Default)]
pub(in crate::engine) struct Found {
    /// Digests of sections and imports that are in the database.
    pub entries: Vec<Entry>,
    /// Why something was not looked at.
    pub missed: Option<Why>,
}

impl Inspector {
    pub(in crate::engine) fn new(format: Format, size: Option<u64>, image: Arc<Image>) -> Self {
        let stage = Stage::Headers(Headers::new(format));
        Self { image, size, position: 0, stage, found: Found::default() }
    }

    /// The next bytes of the layer: how many of them it read, and what is known of the executable then,
    /// if that is news. With news it reads no further: the rest comes in another call.
    pub(in crate::engine) fn feed(&mut self, bytes: &[u8]) -> (usize, Option<Executable>) {
        let (taken, news) = match &mut self.stage {
            Stage::Done => return (bytes.len(), None),
            Stage::Headers(headers) => headers.feed(bytes),
            Stage::Parts(parts) => {
                let taken = parts.until(self.position, bytes.len());
                let piece = bytes.get(..taken).unwrap_or_default();
                let information = parts.feed(&self.image, self.position, piece, &mut self.found);
                self.position = self.position.saturating_add(taken as u64);
                let news = information.map(|information| parts.known(information));
                if parts.is_done() {
                    self.stage = Stage::Done;
                }
                return (taken, news);
            }
        };
        self.position = self.position.saturating_add(taken as u64);
        let news = match news {
            Heads::Unknown => return (taken, None),
            Heads::Absent => {
                self.stage = Stage::Done;
                Executable::Absent
            }
            Heads::Known(known) => {
                let map = known.map;
                match known.layout {
                    Some(layout) => self.begin(map, layout),
                    None => {
                        self.stage = Stage::Done;
                        Executable::Known(without_version_information(map))
                    }
                }
            }
        };
        (taken, Some(news))
    }

    /// The layer ended after `size` bytes, and those were all: the last news.
    pub(in crate::engine) fn finish(&mut self, size: u64) -> Option<Executable> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Done => None,
            Stage::Headers(_) => Some(Executable::Absent),
            Stage::Parts(mut parts) => parts
                .finish(&self.image, size, &mut self.found)
                .map(|information| parts.known(information)),
        }
    }

    /// What was found since the last call.
    pub(in crate::engine) fn take_found(&mut self) -> Found {
        std::mem::take(&mut self.found)
    }

    /// The headers of a PE are known: what is to be read behind them, and what of it has passed.
    fn begin(&mut self, map: ExecutableMap, layout: Layout) -> Executable {
        let tables = self.image.digests();
        let stretches = layout.rows.iter().map(|row| Stretch {
            start: row.raw_start,
            size: row.raw_size,
            declared_size: row.declared_size,
        });
        let wants_imports = !tables.kinds(Subject::Imports, None).is_empty();
        let mut parts = Box::new(Parts {
            sections: Sections::new(stretches, self.size, &tables),
            imports: wants_imports.then(|| imports::window(&layout)).flatten(),
            resources: Resources::new(&layout),
            map,
            layout,
        });
        let stage = std::mem::replace(&mut self.stage, Stage::Done);
        let prefix = match stage {
            Stage::Headers(headers) => headers.prefix,
            Stage::Parts(_) | Stage::Done => Vec::new(),
        };
        let mut information = match parts.resources {
            None => Some(VersionInformation::none()),
            Some(_) => None,
        };
        // Sections may begin inside the headers. What lies there and was not kept is not looked at.
        information = parts.feed(&self.image, 0, &prefix, &mut self.found).or(information);
        if (prefix.len() as u64) < self.position {
            parts.skip(prefix.len() as u64, self.position, &mut self.found);
        }
        let known = match information {
            Some(information) => parts.known(information),
            None => Executable::Known(parts.map.clone()),
        };
        if !parts.is_done() {
            self.stage = Stage::Parts(parts);
        }
        known
    }
}

impl Parts {
    fn known(&mut self, information: VersionInformation) -> Executable {
        self.resources = None;
        self.map.version_information = information;
        Executable::Known(self.map.clone())
    }

    const fn is_done(&self) -> bool {
        self.sections.is_none() && self.imports.is_none() && self.resources.is_none()
    }

    /// How many of so many bytes may be read at once, so that news belong to their byte.
    fn until(&self, position: u64, length: usize) -> usize {
        let Some(resources) = &self.resources else { return length };
        match resources.until().checked_sub(position) {
            Some(before @ 1..) => length.min(usize::try_from(before).unwrap_or(usize::MAX)),
            Some(0) | None => length,
        }
    }

    /// Reads bytes that lie at `position`.
    fn feed(
        &mut self,
        image: &Image,
        position: u64,
        bytes: &[u8],
        found: &mut Found,
    ) -> Option<VersionInformation> {
        let tables = image.digests();
        if let Some(sections) = &mut self.sections {
            sections.feed(bytes);
            sections.take_entries(&tables, &mut found.entries);
            if sections.is_done() {
                self.end_sections(found);
            }
        }
        if let Some(window) = &mut self.imports {
            window.feed(position, bytes);
            if window.is_full() {
                self.end_imports(image, found);
            }
        }
        let resources = self.resources.as_mut()?;
        resources.feed(&self.layout, position, bytes)
    }

    /// Bytes from one place to another passed unseen.
    fn skip(&mut self, from: u64, to: u64, found: &mut Found) {
        let is_missed = self.sections.as_mut().is_some_and(|sections| sections.skip(to))
            || self
                .imports
                .as_ref()
                .is_some_and(|window| window.next() < to && window.end() > from);
        if is_missed {
            found.missed = Some(Why::Limit(Limit::MaxScanState));
        }
    }

    fn finish(
        &mut self,
        image: &Image,
        size: u64,
        found: &mut Found,
    ) -> Option<VersionInformation> {
        let tables = image.digests();
        if let Some(sections) = &mut self.sections {
            if sections.finish(size, &tables) {
                found.missed.get_or_insert(Why::Broken("PE: ends inside a section"));
            }
            sections.take_entries(&tables, &mut found.entries);
            self.end_sections(found);
        }
        self.end_imports(image, found);
        self.resources.take().map(|mut resources| resources.finish(&self.layout, size))
    }

    fn end_sections(&mut self, found: &mut Found) {
        if self.sections.take().is_some_and(|sections| sections.has_dropped()) {
            found.missed.get_or_insert(Why::Limit(Limit::MaxScanState));
        }
    }

    fn end_imports(&mut self, image: &Image, found: &mut Found) {
        let Some(window) = self.imports.take() else { return };
        match imports::list(&self.layout, &window) {
            imports::List::None => {}
            imports::List::OutOfReach => {
                found.missed.get_or_insert(Why::Limit(Limit::MaxScanState));
            }
            imports::List::Text(text) => {
                let (tables, size) = (image.digests(), text.len() as u64);
                let mut running = Running::new(tables.kinds(Subject::Imports, Some(size)));
                running.update(&text);
                let digests = running.finish();
                let entries = digests.iter();
                found.entries.extend(
                    entries.filter_map(|digest| tables.lookup(Subject::Imports, digest, size)),
                );
            }
        }
    }
}

fn without_version_information(map: ExecutableMap) -> ExecutableMap {
    ExecutableMap { version_information: VersionInformation::none(), ..map }
}
