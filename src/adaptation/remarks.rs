//! What answers say besides the verdict: marks in the head of the message, and where it goes next.
//!
//! A *mark* is a field that a response gets when it was scanned to its end and nothing was found, or when it
//! passed although it could not be checked. A mark that somebody else has put there is taken away, or
//! it would mark nothing. It changes a head and no body, so proxies that can are answered with a 206.
//!
//! *Next services* are `X-Next-Services`, by which a proxy is told which of its other services are to see a
//! message (Squid: `routing=on`). There is a plan for messages in order and one for those that could not be
//! checked, say a sandbox; a rule can have a plan of its own (`SET next_services`). What is blocked is seen by
//! nobody else.
//!
//! An answer that begins before its verdict has no mark, and no plan: it goes the proxy's usual way.

use super::decision::{Decision, Passed};
use super::range::RANGE_FIELDS;
use crate::icap::{Change, Extra, Method, Request};

/// What the administrator wants answers to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// `ScannedHeader`: the field of a response that was scanned to its end and is clean.
    pub scanned: Option<Mark>,
    /// `UncheckedHeader`: the field of a response that passes although it could not be checked.
    pub unchecked: Option<Mark>,
    /// `NextServices`: who sees a message next that is in order. `None`: nothing is said.
    pub next: Option<Vec<Box<str>>>,
    /// `NextServicesUnchecked`: who sees a message next that could not be checked.
    pub next_unchecked: Option<Vec<Box<str>>>,
    /// `SharedHeader`: the field by which a request tells its response, see [`super::bequest`].
    pub shared: Option<Box<str>>,
}

/// A field of ours in the head of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its name.
    pub name: Box<str>,
    /// Its value.
    pub value: Box<str>,
}

impl Remarks {
    /// How the head of a message changes with this decision. Nothing is allocated.
    #[must_use]
    pub fn change<'a>(&'a self, request: &Request, decision: &Decision) -> Change<'a> {
        let mut change = self.before_verdict(request);
        match decision {
            Decision::AskForAll => {
                for (slot, name) in change.without.iter_mut().zip(RANGE_FIELDS) {
                    *slot = *name;
                }
            }
            Decision::Unmodified(passed) if request.method() == Method::Respmod => {
                let mark = match passed {
                    Passed::Clean => &self.scanned,
                    Passed::Unchecked(_) => &self.unchecked,
                    Passed::NoBody
                    | Passed::Rule
                    | Passed::Unscanned
                    | Passed::Echo
                    | Passed::Tolerated(_) => &None,
                };
                change.with = mark.as_ref().map(|mark| (&*mark.name, &*mark.value));
            }
            Decision::Unmodified(_) | Decision::Block(_) | Decision::Abort(_) => {}
        }
        change
    }

    /// How it changes while the verdict is not known: foreign marks go.
    #[must_use]
    pub fn before_verdict<'a>(&'a self, request: &Request) -> Change<'a> {
        let mut change = Change::NONE;
        let response = request.http_response().filter(|_| request.method() == Method::Respmod);
        let Some(response) = response else { return change };
        let names = [&self.scanned, &self.unchecked].into_iter().flatten().map(|mark| &*mark.name);
        let forged = names.filter(|name| response.field(name).is_some());
        for (slot, name) in change.without.iter_mut().zip(forged) {
            *slot = name;
        }
        change
    }

    /// Adds `X-Next-Services` to the headers of an answer, where the administrator has plans. One that a rule has
    /// ([`crate::policy::Policy::next_services`]) takes the place of both of the settings'. What is blocked is seen
    /// by nobody else even then.
    pub fn route_by(&self, decision: &Decision, ruled: Option<&[Box<str>]>, extra: &mut Extra) {
        let has_plans = ruled.is_some() || self.next.is_some() || self.next_unchecked.is_some();
        let plan = match decision {
            Decision::Block(_) | Decision::Abort(_) => has_plans.then_some(&[][..]),
            Decision::Unmodified(_) | Decision::AskForAll if ruled.is_some() => ruled,
            Decision::Unmodified(Passed::Unchecked(_)) => self.next_unchecked.as_deref(),
            Decision::Unmodified(
                Passed::Clean
                | Passed::NoBody
                | Passed::Rule
                | Passed::Unscanned
                | Passed::Echo
                | Passed::Tolerated(_),
            )
            | Decision::AskForAll => self.next.as_deref(),
        };
        if let Some(plan) = plan {
            extra.next_services(plan);
        }
    }
}

const _: () = assert!(
    RANGE_FIELDS.len() <= Change::WITHOUT_MAX,
    "a request for a part becomes one for all in one step"
);
