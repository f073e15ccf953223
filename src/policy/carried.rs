//! What rules have changed, as a few numbers and back: for the response of a request.
//!
//! The numbers of rules, groups and plans mean something only to the policy that they are from. Whoever carries
//! them makes sure of that; what does not fit this policy all the same is refused, and never guessed.

use super::Policy;
use super::category::Categories;
use super::decide::{RuledRelease, State};
use super::release::Release;

impl State {
    /// How many numbers a state is.
    pub const WORDS: usize = 6;

    /// The state as numbers: below 2^3, 2^32, 2^32, 2^64, 2^18 and 2^17.
    #[must_use]
    pub fn words(&self) -> [u64; Self::WORDS] {
        let Self {
            // Found out again for the response.
            white_listed: _,
            unscanned,
            release,
            next_services,
            replaced,
            added,
            groups,
            groups_replaced,
        } = *self;
        let flags = u64::from(unscanned)
            | u64::from(groups_replaced) << 1
            | u64::from(replaced.is_some()) << 2;
        let replaced = replaced.map_or(0, |categories| u64::from(categories.bits()));
        let release = release.map_or(0, |RuledRelease { way, rule }| {
            let way = match way {
                Release::Hold => 1,
                Release::Tail => 2,
            };
            u64::from(rule) << 2 | way
        });
        let plan = next_services.map_or(0, |plan| u64::from(plan).saturating_add(1));
        [flags, replaced, u64::from(added.bits()), groups, release, plan]
    }
}

impl Policy {
    /// The state of these numbers. `None`: they are of no state under this policy.
    #[must_use]
    pub fn state_of(&self, words: [u64; State::WORDS]) -> Option<State> {
        let [flags, replaced, added, groups, release, plan] = words;
        let replaces = flags & 4 != 0;
        let release = match (release & 3, u16::try_from(release >> 2).ok()?) {
            (0, 0) => None,
            (1, rule) => Some(RuledRelease { way: Release::Hold, rule }),
            (2, rule) => Some(RuledRelease { way: Release::Tail, rule }),
            _ => return None,
        };
        let state = State {
            white_listed: false,
            unscanned: flags & 1 != 0,
            release,
            next_services: plan.checked_sub(1).map(u16::try_from).transpose().ok()?,
            replaced: if replaces { Some(categories(replaced)?) } else { None },
            added: categories(added)?,
            groups,
            groups_replaced: flags & 2 != 0,
        };
        let has_rule = |set: RuledRelease| self.rules.get(usize::from(set.rule)).is_some();
        let fits = state.words() == words
            && state.release.is_none_or(has_rule)
            && state.next_services.is_none_or(|plan| self.rules.plan(plan).is_some());
        fits.then_some(state)
    }
}

fn categories(bits: u64) -> Option<Categories> {
    u32::try_from(bits).ok().map(Categories::from_bits)
}
