//! Somebody asks why: a message that need not exist, decided with every step told.
//!
//! The same decision as for real messages, only in front of a [`Story`]. Counters of rules count it, too.

use std::net::IpAddr;

use super::decide::{Asking, Outcome};
use super::directory::Membership;
use super::explain::{Step, Story, Witness as _};
use super::facts::{Direction, Directory, Facts, Moment, Reputation, ThreatFact};
use super::threat::{ThreatKind, ThreatKinds};
use super::url::UrlParts;
use super::{Policy, UrlFault};

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The address: `http://example.com/`, or only `example.com`.
    pub url: String,
    /// The HTTP method.
    pub method: String,
    /// Which way the message goes.
    pub direction: Direction,
    /// The user; empty: nobody.
    pub user: String,
    /// What a directory says about the user; `None`: it was not asked.
    pub membership: Option<Membership>,
    /// The address of the user's machine.
    pub client: Option<IpAddr>,
    /// The address of the origin server.
    pub server: Option<IpAddr>,
    /// The local time.
    pub moment: Moment,
    /// `Content-Type`; empty: none.
    pub content_type: String,
    /// The size of the body in bytes.
    pub size: Option<u64>,
    /// What reputation services said.
    pub reputation: Reputation,
    /// The place of the question that was asked before; 0: none.
    pub counted: usize,
    /// The name of a threat that a scan found; empty: none.
    pub threat: String,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            url: String::new(),
            method: "GET".to_owned(),
            direction: Direction::Request,
            user: String::new(),
            membership: None,
            client: None,
            server: None,
            moment: Moment::START,
            content_type: String::new(),
            size: None,
            reputation: Reputation::Unasked,
            counted: 0,
            threat: String::new(),
        }
    }
}

/// The steps of a decision, and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Every step.
    pub story: Story,
    /// Whether the message is blocked; `None`: it depends on a question.
    pub blocked: Option<bool>,
    /// That question, and how far the decision came.
    pub asking: Option<Asking>,
}

impl Policy {
    /// Decides about what is asked and tells every step. `blocked_threats` are the kinds whose switch is on.
    ///
    /// # Errors
    ///
    /// [`UrlFault`] when the address cannot be read.
    pub fn tell(&self, asked: &Asked, blocked_threats: ThreatKinds) -> Result<Told, UrlFault> {
        let is_bare = !asked.url.contains("://") && asked.method != "CONNECT";
        let target = if is_bare { format!("http://{}", asked.url) } else { asked.url.clone() };
        let url = UrlParts::of(asked.method.as_bytes(), target.as_bytes(), None)?;
        let facts = Facts {
            direction: asked.direction,
            method: asked.method.as_bytes(),
            url: Some(&url),
            client: asked.client,
            server: asked.server,
            user: &asked.user,
            content_type: asked.content_type.as_bytes(),
            size: asked.size,
            moment: asked.moment,
            reputation: asked.reputation,
            directory: asked.membership.as_ref().map_or(Directory::Unasked, Membership::fact),
            counted: asked.counted,
        };
        let mut story = Story::default();
        if let Some(membership) = &asked.membership {
            story.see(|| Step::directory(&asked.user, membership));
        }
        let outcome = self.decide(&facts, &mut story);
        let (state, mut blocked) = match &outcome {
            Outcome::Go(way) => (Some(way.state), Some(false)),
            Outcome::Block(_) | Outcome::Unanswered(_) => (None, Some(true)),
            Outcome::Ask(_) => (None, None),
        };
        let asking = if let Outcome::Ask(asking) = outcome { Some(asking) } else { None };
        self.end_story(&outcome, &mut story);
        if let Some(state) = state.filter(|state| !asked.threat.is_empty() && !state.unscanned) {
            let kind = ThreatKind::of(&asked.threat);
            let threat = ThreatFact { kind, name: &asked.threat };
            let name = asked.threat.clone();
            story.see(|| Step::Threat { name, kind: kind.name() });
            let judgement = self.judge(&facts, state, threat, blocked_threats, &mut story);
            self.end_threat_story(&judgement, &mut story);
            blocked = Some(judgement.blocks);
        }
        Ok(Told { story, blocked, asking })
    }
}
