//! Signature files while they load.

use crate::engine::digest::Rows;

use super::build::BuildOptions;
use super::names::Names;
use super::report::Report;
use super::signature::BodySignature;

/// Everything that was read so far.
#[derive(Debug)]
pub struct Sources {
    loaded: Loaded,
}

/// What the files gave.
#[derive(Debug)]
pub(super) struct Loaded {
    pub options: BuildOptions,
    pub names: Names,
    pub bodies: Vec<BodySignature>,
    pub digests: Rows,
    pub report: Report,
}

impl Sources {
    /// Nothing read yet.
    #[must_use]
    pub fn new(options: BuildOptions) -> Self {
        Self {
            loaded: Loaded {
                options,
                names: Names::new(),
                bodies: Vec::new(),
                digests: Rows::default(),
                report: Report::default(),
            },
        }
    }

    /// What became of the files so far.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.loaded.report
    }

    /// The body patterns so far, in the order of their ids.
    #[must_use]
    pub fn bodies(&self) -> &[BodySignature] {
        &self.loaded.bodies
    }

    pub(super) fn into_loaded(self) -> Loaded {
        self.loaded
    }
}
