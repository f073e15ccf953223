//! Every row of the table of answers.

use super::detection;
use crate::adaptation::decision::{Answer, Found, answer};
use crate::adaptation::{
    Cause, Decision, Options, Passed, Released, Threat, ThreatKind, ThreatKinds, Unchecked, decide,
};
use crate::engine::verdict::{Limit, Verdict, Why};

#[test]
fn every_row_of_the_table() {
    use Answer::{Abort, Page, Unmodified};
    use Found::{BlockedThreat, Nothing, ToleratedThreat, Unchecked as NotChecked};
    use Released::{Nothing as Held, Part};
    use Unchecked::{Block, Pass};
    let rows = [
        (Nothing, Held, Pass, Unmodified),
        (Nothing, Held, Block, Unmodified),
        (Nothing, Part, Pass, Unmodified),
        (Nothing, Part, Block, Unmodified),
        (ToleratedThreat, Held, Pass, Unmodified),
        (ToleratedThreat, Held, Block, Unmodified),
        (ToleratedThreat, Part, Pass, Unmodified),
        (ToleratedThreat, Part, Block, Unmodified),
        (BlockedThreat, Held, Pass, Page),
        (BlockedThreat, Held, Block, Page),
        (BlockedThreat, Part, Pass, Abort),
        (BlockedThreat, Part, Block, Abort),
        (NotChecked, Held, Pass, Unmodified),
        (NotChecked, Held, Block, Page),
        (NotChecked, Part, Pass, Unmodified),
        (NotChecked, Part, Block, Abort),
    ];
    for (found, released, unchecked, want) in rows {
        assert_eq!(
            answer(found, released, unchecked),
            want,
            "{found:?} {released:?} {unchecked:?}"
        );
    }
}

#[test]
fn every_reason_for_not_checking_is_blocked_or_said() {
    let reasons = [
        Why::Encrypted,
        Why::Broken("gzip"),
        Why::Limit(Limit::HoldLimit),
        Why::Fragment,
        Why::Unsupported("br"),
        Why::Time,
        Why::EngineMissing,
        Why::Failed,
        Why::Busy,
    ];
    let block = Options::default();
    let pass = Options { unchecked: Unchecked::Pass, fragments: Unchecked::Pass, ..block };
    for why in reasons {
        let verdict = || Verdict::Unscanned(why);
        let cause = || Box::new(Cause::Unchecked(why));
        assert_eq!(decide(verdict(), Released::Nothing, &block), Decision::Block(cause()));
        assert_eq!(decide(verdict(), Released::Part, &block), Decision::Abort(cause()));
        assert_eq!(
            decide(verdict(), Released::Nothing, &pass),
            Decision::Unmodified(Passed::Unchecked(why))
        );
    }
}

#[test]
fn fragments_have_a_switch_of_their_own() {
    let block = Options::default();
    let part = || Verdict::Unscanned(Why::Fragment);
    let other = || Verdict::Unscanned(Why::Encrypted);
    let parts_pass = Options { fragments: Unchecked::Pass, ..block };
    let passed = Decision::Unmodified(Passed::Unchecked(Why::Fragment));
    assert_eq!(decide(part(), Released::Nothing, &parts_pass), passed);
    assert!(matches!(decide(other(), Released::Nothing, &parts_pass), Decision::Block(_)));
    let parts_stay = Options { unchecked: Unchecked::Pass, ..block };
    assert!(matches!(decide(part(), Released::Nothing, &parts_stay), Decision::Block(_)));
}

#[test]
fn a_threat_is_blocked_by_its_kind() {
    let only_adware = Options {
        blocked_threats: ThreatKinds::NONE.with(ThreatKind::Adware),
        ..Options::default()
    };
    let found =
        |name| decide(Verdict::Infected(detection(name, "")), Released::Nothing, &only_adware);
    let adware = Threat { kind: ThreatKind::Adware, detection: detection("Win.Adware.A-1", "") };
    assert_eq!(found("Win.Adware.A-1"), Decision::Block(Box::new(Cause::Threat(adware))));
    let joke = Threat { kind: ThreatKind::Jokes, detection: detection("Win.Joke.A-1", "") };
    assert_eq!(found("Win.Joke.A-1"), Decision::Unmodified(Passed::Tolerated(Box::new(joke))));
}

#[test]
fn by_default_nothing_but_clean_goes_on() {
    let options = Options::default();
    assert_eq!(
        decide(Verdict::Clean, Released::Nothing, &options),
        Decision::Unmodified(Passed::Clean)
    );
    for kind in ThreatKind::ALL {
        assert!(options.blocked_threats.has(kind), "{}", kind.name());
    }
}

#[test]
fn the_digest_follows_every_option() {
    let default = Options::default();
    let mut digests =
        vec![default.digest(), Options { unchecked: Unchecked::Pass, ..default }.digest()];
    for kind in ThreatKind::ALL {
        digests.push(Options { blocked_threats: ThreatKinds::NONE.with(kind), ..default }.digest());
    }
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 2 + ThreatKind::ALL.len());
    assert_eq!(default.digest(), Options::default().digest());
}
