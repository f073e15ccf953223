//! What a run counted, and how workers' counts are added up.
//!
//! Histograms are HDR with three digits, in nanoseconds up to an hour. Adding two of them loses
//! nothing: percentiles of the sum are percentiles of all requests, never averages of percentiles.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::clock::{Nanos, SECOND_NS};
use crate::judge::{Right, Wrong};

/// Counts of one worker, or of all.
#[derive(Clone, Debug)]
pub(crate) struct Stats {
    /// Right answers of each kind: 204, echo, blocked.
    pub(crate) no_content: u64,
    /// 200 with the message unmodified.
    pub(crate) echo: u64,
    /// Blocked as it should be.
    pub(crate) blocked: u64,
    /// `100 Continue` before the answer.
    pub(crate) continued: u64,
    /// The answer began before the last byte was sent.
    pub(crate) early: u64,
    /// Payload bytes that went out in requests that were answered right.
    pub(crate) sent_bytes: u64,
    /// Payload bytes that came back in echoes.
    pub(crate) returned_bytes: u64,
    /// Wrong answers by kind, of the warm-up, too: a wrong answer is never excused.
    pub(crate) wrong: BTreeMap<Wrong, u64>,
    /// Connections made anew because the server closed one.
    pub(crate) reconnects: u64,
    /// Open loop: requests that were due and not answered when the run ended.
    pub(crate) unanswered: u64,
    /// From the intended (open loop) or actual moment of sending to the end of the answer.
    pub(crate) whole: Histogram<u64>,
    /// From the last byte sent to the first byte of the final answer.
    pub(crate) verdict: Histogram<u64>,
    /// When the last measured request was complete.
    pub(crate) last: Nanos,
}

/// One measured request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Which right answer it was.
    pub(crate) right: Right,
    /// Payload of the message.
    pub(crate) payload_bytes: u64,
    /// Payload that had to be sent: less when the answer came behind the preview.
    pub(crate) sent_bytes: u64,
    /// `100 Continue` came.
    pub(crate) continued: bool,
    /// From the intended moment to the end.
    pub(crate) whole_ns: Nanos,
    /// From the last byte sent to the first of the answer; none when the answer came first.
    pub(crate) verdict_ns: Option<Nanos>,
    /// The end.
    pub(crate) end: Nanos,
}

impl Stats {
    /// Nothing counted.
    pub(crate) fn new() -> Self {
        Self {
            no_content: 0,
            echo: 0,
            blocked: 0,
            continued: 0,
            early: 0,
            sent_bytes: 0,
            returned_bytes: 0,
            wrong: BTreeMap::new(),
            reconnects: 0,
            unanswered: 0,
            whole: histogram(),
            verdict: histogram(),
            last: 0,
        }
    }

    /// Counts a right answer.
    pub(crate) fn record(&mut self, sample: &Sample) {
        match sample.right {
            Right::NoContent => self.no_content += 1,
            Right::Echo => {
                self.echo += 1;
                self.returned_bytes += sample.payload_bytes;
            }
            Right::Blocked => self.blocked += 1,
        }
        self.continued += u64::from(sample.continued);
        self.early += u64::from(sample.verdict_ns.is_none());
        self.sent_bytes += sample.sent_bytes;
        self.whole.saturating_record(sample.whole_ns);
        self.verdict.saturating_record(sample.verdict_ns.unwrap_or(0));
        self.last = self.last.max(sample.end);
    }

    /// Counts a wrong or missing answer.
    pub(crate) fn record_wrong(&mut self, wrong: Wrong) {
        *self.wrong.entry(wrong).or_insert(0) += 1;
    }

    /// Counts a request of the open loop that was due and never answered: it took at least this
    /// long, and leaving it out would flatter the server.
    pub(crate) fn record_unanswered(&mut self, waited_ns: Nanos) {
        self.unanswered += 1;
        self.whole.saturating_record(waited_ns);
    }

    /// Adds another worker's counts.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.no_content += other.no_content;
        self.echo += other.echo;
        self.blocked += other.blocked;
        self.continued += other.continued;
        self.early += other.early;
        self.sent_bytes += other.sent_bytes;
        self.returned_bytes += other.returned_bytes;
        for (wrong, count) in &other.wrong {
            *self.wrong.entry(*wrong).or_insert(0) += count;
        }
        self.reconnects += other.reconnects;
        self.unanswered += other.unanswered;
        // The bounds are the same, so adding cannot fail.
        for (sum, part) in [(&mut self.whole, &other.whole), (&mut self.verdict, &other.verdict)] {
            let added = sum.add(part);
            debug_assert!(added.is_ok(), "histograms of one shape");
        }
        self.last = self.last.max(other.last);
    }

    /// Right answers.
    pub(crate) const fn right(&self) -> u64 {
        self.no_content + self.echo + self.blocked
    }

    /// Wrong and missing answers.
    pub(crate) fn wrong_total(&self) -> u64 {
        self.wrong.values().sum()
    }
}

/// Three digits up to an hour; longer counts as an hour.
fn histogram() -> Histogram<u64> {
    let made = Histogram::new_with_bounds(LATENCY_UNIT_NS, LATENCY_MAX_NS, LATENCY_DIGITS);
    made.expect("the bounds are constants that hdrhistogram accepts; a test makes one")
}

/// Below this, differences are the clock's.
const LATENCY_UNIT_NS: Nanos = 128;

const LATENCY_MAX_NS: Nanos = 3_600 * SECOND_NS;

const LATENCY_DIGITS: u8 = 3;

#[cfg(test)]
mod tests {
    use super::{LATENCY_MAX_NS, Sample, Stats};
    use crate::judge::{Right, Wrong};

    fn sample(right: Right, whole_ns: u64) -> Sample {
        Sample {
            right,
            payload_bytes: 10,
            sent_bytes: 10,
            continued: false,
            whole_ns,
            verdict_ns: Some(whole_ns / 2),
            end: whole_ns,
        }
    }

    #[test]
    fn merging_is_the_same_as_counting_together() {
        let (mut together, mut first, mut second) = (Stats::new(), Stats::new(), Stats::new());
        for count in 1..=1_000 {
            let right = [Right::NoContent, Right::Echo, Right::Blocked][count % 3];
            let sample = sample(right, u64::try_from(count).unwrap() * 1_000_000);
            together.record(&sample);
            // One worker has the fast half, the other the slow one.
            let half = if count <= 500 { &mut first } else { &mut second };
            half.record(&sample);
        }
        first.record_wrong(Wrong::EchoBody);
        second.record_wrong(Wrong::EchoBody);
        second.record_wrong(Wrong::TimedOut);
        first.merge(&second);
        assert_eq!(first.right(), 1_000);
        assert_eq!(first.echo, together.echo);
        assert_eq!(first.returned_bytes, together.echo * 10);
        assert_eq!(first.wrong_total(), 3);
        assert_eq!(first.last, 1_000_000_000);
        for quantile in [0.5, 0.9, 0.99, 0.999, 1.0] {
            let of = |stats: &Stats| stats.whole.value_at_quantile(quantile);
            assert_eq!(of(&first), of(&together), "{quantile}");
        }
    }

    #[test]
    fn unanswered_requests_count_with_the_time_they_waited() {
        let mut stats = Stats::new();
        stats.record(&sample(Right::NoContent, 1_000));
        stats.record_unanswered(5_000_000_000);
        assert_eq!(stats.unanswered, 1);
        assert!(stats.whole.max() >= 4_990_000_000);
        assert_eq!(stats.right(), 1);
    }

    #[test]
    fn longer_than_an_hour_is_an_hour() {
        let mut stats = Stats::new();
        stats.record(&sample(Right::NoContent, u64::MAX));
        assert!(stats.whole.max() >= LATENCY_MAX_NS);
    }

    #[test]
    fn an_early_answer_has_no_wait() {
        let mut stats = Stats::new();
        stats.record(&Sample { verdict_ns: None, ..sample(Right::Blocked, 1_000) });
        assert_eq!((stats.early, stats.verdict.max()), (1, 0));
    }
}
