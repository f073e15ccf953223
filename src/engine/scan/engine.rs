//! A database and the limits, ready to scan: what every shard shares.

use std::sync::Arc;

use super::Scan;
use crate::engine::alerts::Alerts;
use crate::engine::body::Spools;
use crate::engine::database::{DatabaseFacts, Image};
use crate::engine::findings::Mode;
use crate::engine::limits::Limits;
use crate::engine::object::Object;
use crate::engine::passwords::Passwords;
use crate::engine::spool::SpoolBudget;

/// A database and the limits, ready to scan. Immutable: shards share it.
#[derive(Debug)]
pub struct Engine {
    pub(super) image: Arc<Image>,
    pub(super) limits: Limits,
    pub(super) alerts: Alerts,
    pub(super) passwords: Passwords,
    /// Where the spools of layers come from. Their memory is shared by all scans.
    pub(super) spools: Spools,
}

impl Engine {
    /// An engine over a checked image.
    #[must_use]
    pub fn new(image: Arc<Image>, limits: Limits) -> Self {
        let spools = Spools {
            limit_bytes: limits.deferred_bytes_max,
            whole_bytes: limits.whole_bytes_max,
            targets: image.deferred_targets(),
            budget: SpoolBudget::new(limits.deferred_memory_max),
        };
        Self { image, limits, alerts: Alerts::default(), passwords: Passwords::default(), spools }
    }

    /// The same with these alerts.
    #[must_use]
    pub fn with_alerts(self, alerts: Alerts) -> Self {
        Self { alerts, ..self }
    }

    /// The same with passwords that are tried on encrypted members.
    #[must_use]
    pub fn with_passwords(self, passwords: Passwords) -> Self {
        Self { passwords, ..self }
    }

    /// Starts to scan an object.
    #[must_use]
    pub fn start(self: &Arc<Self>, object: Object) -> Scan {
        Scan::new(Arc::clone(self), object, Mode::First)
    }

    /// Starts a scan that goes on after a detection and keeps all of them ([`Scan::finish_all`]).
    #[must_use]
    pub fn start_all(self: &Arc<Self>, object: Object) -> Scan {
        Scan::new(Arc::clone(self), object, Mode::All)
    }

    /// What the database says about itself.
    #[must_use]
    pub fn database(&self) -> &DatabaseFacts {
        self.image.facts()
    }

    /// Bytes of bodies and of what was in them that scans have copied, because an expression, a rule or the table of an
    /// archive may have to see all of them at the end.
    #[must_use]
    pub fn kept_bytes(&self) -> u64 {
        self.spools.budget.kept()
    }

    /// The budgets of each scan.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The image, for tests that look at what was compiled.
    #[cfg(test)]
    pub(in crate::engine) fn image_of_tests(&self) -> &Image {
        &self.image
    }
}
