//! What a run sends, and when: everything that does not change once it has begun.

use std::sync::Arc;

use crate::clock::{Nanos, nanos};
use crate::content::Kind;
use crate::judge::Content;
use crate::message::{Body, Shape, Template};
use crate::options::{Options, PERCENT_ALL, Switch};
use crate::random::{Random, mix};
use crate::schedule::{Arrival, Schedule};
use crate::size::BodySize;
use crate::socket::Address;

/// A run, ready to begin.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Where the server is.
    pub(crate) address: Address,
    /// What messages have in common.
    pub(crate) shape: Shape,
    /// Messages, each with the sum of the weights up to it.
    templates: Vec<(u64, Template)>,
    /// Connections of all workers.
    pub(crate) connections: u32,
    /// Workers.
    pub(crate) threads: u32,
    /// Open loop: requests a second of all workers.
    pub(crate) rate: Option<f64>,
    arrival: Arrival,
    /// When measuring begins.
    pub(crate) measure_from: Nanos,
    /// When measuring ends.
    pub(crate) measure_until: Nanos,
    /// Measured requests of all workers at most.
    pub(crate) requests: Option<u64>,
    /// How long an answer may take.
    pub(crate) timeout_ns: Nanos,
    /// URLs and bodies are unique.
    pub(crate) unique: bool,
    seed: u64,
}

impl Plan {
    /// Makes bodies and renders messages.
    ///
    /// # Errors
    ///
    /// A sentence for the person who typed the options.
    pub(crate) fn new(options: &Options) -> Result<Self, String> {
        let load = &options.load;
        let shape = shape(options);
        if shape.chunk_bytes == 0 {
            return Err("a chunk holds at least one byte".to_owned());
        }
        let warmup_ns = nanos(load.warmup);
        let threads = load.threads.min(load.connections);
        let plan = Self {
            address: match &options.output.unix {
                Some(path) => Address::Unix(path.clone()),
                None => Address::Ip(options.target.address()?),
            },
            templates: templates(options, &shape)?,
            shape,
            connections: load.connections,
            threads,
            rate: load.rate,
            arrival: load.arrival,
            measure_from: warmup_ns,
            measure_until: warmup_ns.saturating_add(nanos(load.duration)),
            requests: load.requests,
            timeout_ns: nanos(load.timeout),
            unique: !options.shape.repeat,
            seed: options.shape.seed,
        };
        plan.schedule(0)?;
        Ok(plan)
    }

    /// A run of one message on one connection, without warm-up.
    pub(crate) fn single(&self, template: Template, requests: u64, time_ns: Nanos) -> Self {
        Self {
            address: self.address.clone(),
            shape: Shape { close: template.closes(), ..self.shape.clone() },
            templates: vec![(1, template)],
            connections: 1,
            threads: 1,
            rate: None,
            arrival: self.arrival,
            measure_from: 0,
            measure_until: time_ns,
            requests: Some(requests),
            timeout_ns: time_ns / 2,
            unique: self.unique,
            seed: self.seed,
        }
    }

    /// Draws a message.
    pub(crate) fn choose(&self, random: &mut Random) -> &Template {
        if let [(_, only)] = &self.templates[..] {
            return only;
        }
        let total = self.templates.last().map_or(1, |(sum, _)| *sum);
        let draw = random.below(total);
        let index = self.templates.partition_point(|(sum, _)| *sum <= draw);
        &self.templates[index].1
    }

    /// The numbers of a worker: its own stream, the same in every run.
    pub(crate) fn random(&self, worker: u32) -> Random {
        Random::new(mix(self.seed ^ (u64::from(worker) << 32)))
    }

    /// The intended moments of a worker in the open loop.
    ///
    /// # Errors
    ///
    /// The rate is out of range.
    pub(crate) fn schedule(&self, worker: u32) -> Result<Option<Schedule>, String> {
        let Some(rate) = self.rate else {
            return Ok(None);
        };
        let share = rate / f64::from(self.threads);
        // Workers begin in turn, so that together they are as even as one.
        let first = (1e9 / rate * f64::from(worker)).min(1e9);
        let first = nanos(std::time::Duration::from_nanos(1).mul_f64(first.max(0.0)));
        Schedule::new(self.arrival, share, first, self.random(worker + ARRIVALS)).map(Some)
    }

    /// Connections of one worker: as many as its neighbour's, or one more.
    pub(crate) const fn connections_of(&self, worker: u32) -> u32 {
        share(self.connections, self.threads, worker)
    }

    /// Measured requests of one worker.
    pub(crate) fn requests_of(&self, worker: u32) -> Option<u64> {
        let (threads, worker) = (u64::from(self.threads), u64::from(worker));
        self.requests.map(|all| all / threads + u64::from(worker < all % threads))
    }
}

fn shape(options: &Options) -> Shape {
    Shape {
        method: options.shape.method,
        uri: options.target.uri.clone(),
        host: options.target.host.clone(),
        preview: options.shape.preview.bytes(),
        allow_204: options.shape.allow_204 == Switch::On,
        close: options.load.new_connection,
        fields: options.shape.field.clone(),
        chunk_bytes: options.shape.chunk,
        hold_last: options.shape.hold_last,
        form: options.output.expect,
        block: options.output.block,
    }
}

/// Every combination of kind, size and content, with its weight.
fn templates(options: &Options, shape: &Shape) -> Result<Vec<(u64, Template)>, String> {
    let mut random = Random::new(options.shape.seed);
    let infected = options.shape.infected;
    let mut templates = Vec::new();
    let mut sum = 0;
    for kind in &options.shape.content.0 {
        for size in &options.shape.size.0 {
            let weight = u64::from(kind.weight) * u64::from(size.weight);
            let body = make_body(&kind.item, size.item, &mut random)?;
            for (share, body) in [(infected, body.infect()), (PERCENT_ALL - infected, body.clone())]
            {
                if share > 0 {
                    sum += weight * u64::from(share);
                    templates.push((sum, Template::new(shape, &body)));
                }
            }
        }
    }
    Ok(templates)
}

/// A clean body of this kind and size.
///
/// # Errors
///
/// The file cannot be read.
pub(crate) fn make_body(kind: &Kind, size: BodySize, random: &mut Random) -> Result<Body, String> {
    let payload = match size {
        BodySize::None => Vec::new(),
        BodySize::Bytes(bytes) => kind.make(bytes, random)?,
    };
    Ok(Body {
        size,
        payload: Arc::from(payload),
        content: Content::Clean,
        stamp_at: kind.stamp_at(),
        media_type: kind.media_type(),
    })
}

/// A fair share of `all` among `parts`.
const fn share(all: u32, parts: u32, index: u32) -> u32 {
    let more = if index < all % parts { 1 } else { 0 };
    all / parts + more
}

/// Streams of intended moments lie apart from those of choices.
const ARRIVALS: u32 = 1 << 16;

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Plan, share};
    use crate::judge::Content;
    use crate::options::Options;

    fn plan(words: &[&str]) -> Result<Plan, String> {
        let words = ["icap-load", "icap://127.0.0.1/s"].iter().chain(words);
        let options = Options::try_parse_from(words).map_err(|fault| fault.to_string())?;
        Plan::new(&options)
    }

    #[test]
    fn messages_are_drawn_by_weight() {
        let plan = plan(&["--size", "1KiB=3,2KiB=1", "--infected", "10"]).unwrap();
        let mut random = plan.random(0);
        let (mut small, mut infected) = (0, 0);
        for _ in 0..100_000 {
            let template = plan.choose(&mut random);
            small += u32::from(template.payload_bytes() == 1_024);
            infected += u32::from(template.expected.content == Content::Infected);
        }
        assert!((74_000..76_000).contains(&small), "{small}");
        assert!((9_500..10_500).contains(&infected), "{infected}");
    }

    #[test]
    fn workers_share_without_remainder() {
        for (all, parts) in [(1, 1), (8, 3), (7, 7), (100, 8)] {
            assert_eq!((0..parts).map(|index| share(all, parts, index)).sum::<u32>(), all);
        }
        let plan = plan(&["--requests", "10", "--threads", "3"]).unwrap();
        let each: Vec<_> = (0..3).filter_map(|worker| plan.requests_of(worker)).collect();
        assert_eq!(each, [4, 3, 3]);
    }

    #[test]
    fn impossible_runs_are_refused() {
        assert!(plan(&["--rate", "0"]).is_err());
        assert!(plan(&["--chunk", "0"]).is_err());
        assert!(plan(&["--content", "file:/does/not/exist"]).is_err());
    }

    #[test]
    fn there_are_no_more_workers_than_connections() {
        assert_eq!(plan(&["-c", "2", "-t", "4"]).unwrap().threads, 2);
    }
}
