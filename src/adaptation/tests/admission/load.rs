//! A shard under load, from a seed: arrivals, one queue, one server, and the admission before it.
//!
//! Work arrives for a shard that does one thing at a time, in the order of arrival. What is ready waits in the
//! queue; at its turn it is asked about, then served, and its ticket comes back a while later, as a body takes
//! time to come. The gauges are those of the runtime: the smoothed delay, and the age of the oldest.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::{CALM, DELAY, address};
use crate::adaptation::admission::{
    Admission, Asked, CEILING_DELAYS, DEADLINE_DELAYS, Decision, Gauges, INTERVAL_DELAYS, Options,
    Share, Ticket, Why,
};

/// One kind of client.
#[derive(Clone, Copy)]
struct Crowd {
    /// How many of them.
    count: u32,
    /// Thousandths of the shard that each of them asks for.
    load: u64,
    /// When they begin and end, in microseconds.
    from_us: u64,
    to_us: u64,
}

/// What became of a client's requests.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
struct Tally {
    admitted: u64,
    refused: u64,
    worst_us: u64,
}

impl Tally {
    fn share(self) -> f64 {
        let all = self.admitted + self.refused;
        if all == 0 { 1.0 } else { self.admitted as f64 / all as f64 }
    }
}

struct Outcome {
    /// By client.
    clients: Vec<Tally>,
    by_why: [u64; Why::ALL.len()],
    /// Microseconds in which the shard scanned.
    busy_us: u64,
}

/// A small generator (splitmix64), so that a seed is the whole story.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Around `mean`: between nothing and twice of it.
    fn around(&mut self, mean: u64) -> u64 {
        self.next() % (2 * mean + 1)
    }
}

/// What a scan takes of the shard, on the average.
const SCAN_US: u64 = 5000;
/// What a refusal takes of it.
const REFUSAL_US: u64 = 50;
/// How long after its scan a ticket comes back.
const LINGER_US: u64 = 40_000;

/// All arrivals in order: when, and whose.
fn arrivals(crowds: &[Crowd], random: &mut Random) -> VecDeque<(u64, u32)> {
    let mut all = Vec::new();
    let mut who = 0;
    for crowd in crowds {
        for _member in 0..crowd.count {
            let gap = SCAN_US * 1000 / crowd.load;
            let mut at = crowd.from_us + random.around(gap);
            while at < crowd.to_us {
                all.push((at, who));
                at += random.around(gap);
            }
            who += 1;
        }
    }
    all.sort_unstable();
    all.into()
}

fn run(options: Options, crowds: &[Crowd], seed: u64) -> Outcome {
    let random = &mut Random(seed);
    let mut arrivals = arrivals(crowds, random);
    let count: u32 = crowds.iter().map(|crowd| crowd.count).sum();
    let mut outcome = Outcome {
        clients: vec![Tally::default(); count as usize],
        by_why: [0; Why::ALL.len()],
        busy_us: 0,
    };
    let mut admission = Admission::new(options, seed);
    let mut out: VecDeque<(u64, u64, Ticket)> = VecDeque::new();
    let (mut now, mut delay) = (0, 0);
    while let Some((at, who)) = arrivals.pop_front() {
        now = at.max(now);
        while out.front().is_some_and(|(due, ..)| *due <= now) {
            let Some((due, work, ticket)) = out.pop_front() else { break };
            admission.done(ticket, work, due);
        }
        let waited_us = now - at;
        delay = (delay * 15 + waited_us) / 16;
        let waiting = arrivals.front().map_or(0, |(next, _)| now.saturating_sub(*next));
        let gauges = Gauges {
            now_us: now,
            delay_us: delay,
            oldest_us: waiting,
            waited_us,
            scans: u32::try_from(out.len()).expect("a small number"),
            ..CALM
        };
        let tally = &mut outcome.clients[who as usize];
        match admission.begin(Asked::Scan, address(who + 1), &gauges) {
            Decision::Admit(ticket) => {
                let work = random.around(SCAN_US);
                now += work;
                outcome.busy_us += work;
                tally.admitted += 1;
                tally.worst_us = tally.worst_us.max(waited_us);
                out.push_back((now + LINGER_US, work, ticket));
            }
            Decision::Refuse(why) => {
                now += REFUSAL_US;
                tally.refused += 1;
                outcome.by_why[why as usize] += 1;
            }
        }
    }
    outcome
}

const SECOND: u64 = 1_000_000;

fn crowd(count: u32, load: u64) -> Crowd {
    Crowd { count, load, from_us: 0, to_us: 30 * SECOND }
}

fn refused(outcome: &Outcome) -> u64 {
    outcome.by_why.iter().sum()
}

/// The delay beyond which nothing is admitted, whatever the load: the ceiling, and what the gauge is behind.
const WORST_US: u64 = DELAY * (CEILING_DELAYS + DEADLINE_DELAYS);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Twice of what can be done, from one greedy and twenty light clients: the greedy one takes the cuts.
    #[test]
    fn at_twice_the_load_the_greedy_client_takes_the_cuts(seed: u64) {
        let outcome = run(Options::default(), &[crowd(1, 1400), crowd(20, 30)], seed);
        let greedy = outcome.clients[0];
        prop_assert!(greedy.share() < 0.5, "{greedy:?}");
        prop_assert!(greedy.share() > 0.1, "what the light ones leave is its own: {greedy:?}");
        for light in &outcome.clients[1..] {
            prop_assert!(light.share() >= 0.95, "{light:?}");
            prop_assert!(light.worst_us <= WORST_US, "{light:?}");
        }
        prop_assert!(greedy.worst_us <= WORST_US, "{greedy:?}");
        prop_assert!(outcome.busy_us > 27 * SECOND, "the shard works: {}", outcome.busy_us);
    }

    /// The same load from equal clients: all are cut alike, and who is served was not served late.
    #[test]
    fn equal_clients_are_cut_alike(seed: u64, fair: bool) {
        let share = if fair { Share::Fair } else { Share::Alike };
        let options = Options { share, ..Options::default() };
        let outcome = run(options, &[crowd(10, 200)], seed);
        for client in &outcome.clients {
            prop_assert!((0.35..0.75).contains(&client.share()), "{:?}", outcome.clients);
            prop_assert!(client.worst_us <= WORST_US, "{client:?}");
        }
        prop_assert!(outcome.busy_us > 27 * SECOND, "the shard works: {}", outcome.busy_us);
    }

    /// One client alone, with twice and ten times the load: only what waited too long is refused.
    #[test]
    fn one_client_alone_is_refused_by_age_only(seed: u64, load in 1500..10_000_u64) {
        let outcome = run(Options::default(), &[crowd(1, load)], seed);
        prop_assert_eq!(refused(&outcome), outcome.by_why[Why::Age as usize]);
        prop_assert!(outcome.clients[0].worst_us <= WORST_US, "{:?}", outcome.clients[0]);
        prop_assert!(outcome.busy_us > 25 * SECOND, "the shard works: {}", outcome.busy_us);
    }

    /// Less than can be done, however unequal the clients are: nobody is refused.
    #[test]
    fn without_overload_nobody_is_refused(seed: u64, greedy in 1..600_u64) {
        let outcome = run(Options::default(), &[crowd(1, greedy), crowd(20, 10)], seed);
        prop_assert_eq!(refused(&outcome), 0);
    }

    /// Ten times the load for 50 ms, on a shard that is busy to a tenth besides: nobody is refused.
    #[test]
    fn a_burst_refuses_nobody(seed: u64, greedy: bool) {
        let during = |count, load| Crowd { count, load, from_us: SECOND, to_us: SECOND + 50_000 };
        let burst = if greedy { during(1, 10_000) } else { during(50, 200) };
        let outcome = run(Options::default(), &[burst, crowd(10, 10)], seed);
        prop_assert_eq!(refused(&outcome), 0);
        prop_assert!(outcome.clients.iter().all(|one| one.worst_us < DELAY * INTERVAL_DELAYS));
    }

    /// A seed is the whole story.
    #[test]
    fn the_same_seed_gives_the_same_story(seed: u64) {
        let story = || run(Options::default(), &[crowd(2, 700), crowd(20, 30)], seed);
        let (one, two) = (story(), story());
        prop_assert_eq!((one.clients, one.by_why, one.busy_us), (two.clients, two.by_why, two.busy_us));
    }
}

#[test]
fn without_a_delay_to_keep_nobody_is_refused_and_the_wait_grows() {
    let options = Options { delay_us_max: None, ..Options::default() };
    let outcome = run(options, &[crowd(1, 1400), crowd(20, 30)], 1);
    assert_eq!(refused(&outcome), 0);
    assert!(outcome.clients[1].worst_us > 10 * SECOND, "this is what admission is for");
}
