//! Walks a container in every way of cutting input and output, and says what came out.

use crate::engine::passwords::Passwords;
use crate::engine::spool::{Spool, SpoolBudget};
use crate::engine::unpack::{Container, Progress, Unpacker, Whole};
use crate::engine::verdict::Why;

/// What came out of a container.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::engine::unpack) struct Walked {
    pub(in crate::engine::unpack) members: Vec<Walk>,
    /// What could not be seen, in order.
    pub(in crate::engine::unpack) missed: Vec<Why>,
    /// What was told of members beside their beginning.
    pub(in crate::engine::unpack) listed: Vec<String>,
    /// How the container ended.
    pub(in crate::engine::unpack) end: Result<(), Why>,
}

/// A member that began.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::engine::unpack) struct Walk {
    pub(in crate::engine::unpack) label: String,
    pub(in crate::engine::unpack) bytes: Vec<u8>,
    /// `None` when the container ended before it.
    pub(in crate::engine::unpack) fate: Option<Result<(), Why>>,
}

impl Walk {
    /// A member that ended in order.
    pub(in crate::engine::unpack) fn whole(label: &str, bytes: &[u8]) -> Self {
        Self { label: label.to_owned(), bytes: bytes.to_vec(), fate: Some(Ok(())) }
    }
}

/// Walks `bytes` with pieces of at most `input_max` and windows of `room` bytes.
pub(in crate::engine::unpack) fn walk(
    container: Container,
    bytes: &[u8],
    input_max: usize,
    room: usize,
) -> Walked {
    take_out(Unpacker::of(container, &Passwords::default()), bytes, input_max, room)
}

fn take_out(mut unpacker: Unpacker, bytes: &[u8], input_max: usize, room: usize) -> Walked {
    let mut walked =
        Walked { members: Vec::new(), missed: Vec::new(), listed: Vec::new(), end: Ok(()) };
    let mut window = vec![0; room];
    let (mut is_inside, is_whole) = (false, matches!(unpacker, Unpacker::Whole(_)));
    let (mut rest, mut idle) = (bytes, 0);
    loop {
        let piece = &rest[..rest.len().min(input_max)];
        let out = if is_inside { &mut window[..] } else { &mut [] };
        let step = unpacker.step(piece, out);
        rest = &rest[step.used..];
        if let (true, Some(member)) = (is_inside, walked.members.last_mut()) {
            member.bytes.extend_from_slice(&window[..step.made]);
        }
        idle = if step.used + step.made > 0 { 0 } else { idle + 1 };
        assert!(idle < 1_000, "nothing moves: {:?}", step.progress);
        match step.progress {
            Progress::Stopped(why) => {
                walked.end = Err(why);
                return walked;
            }
            Progress::Hungry if rest.is_empty() && unpacker.end() => {}
            Progress::Hungry if rest.is_empty() => {
                walked.end = unpacker.finish();
                return walked;
            }
            Progress::Hungry => assert_eq!(step.used, piece.len(), "hungry, and did not eat"),
            Progress::Full if is_inside => {}
            Progress::Full => assert!(is_whole, "full, and nothing to fill"),
            Progress::Missed(why) => walked.missed.push(why),
            Progress::Listed => walked.listed.push(unpacker.member().label.to_string()),
            Progress::End(fate) => {
                assert!(std::mem::take(&mut is_inside), "the end of nothing");
                walked.members.last_mut().expect("one began").fate = Some(fate);
            }
            Progress::Begin => {
                assert!(!is_inside, "a member in a member");
                let member = unpacker.member();
                if let Some(why) = member.closed {
                    walked.missed.push(why);
                } else {
                    is_inside = true;
                    let label = member.label.to_string();
                    walked.members.push(Walk { label, bytes: Vec::new(), fate: None });
                }
            }
        }
    }
}

/// Walks `bytes` in many ways, checks that all agree, and says what came out.
#[track_caller]
pub(in crate::engine::unpack) fn check_walk(container: Container, bytes: &[u8]) -> Walked {
    let whole = walk(container, bytes, usize::MAX, 65_536);
    for input_max in [1, 2, 7, 511, 4_096, usize::MAX] {
        for room in [1, 3, 1_024, 65_536] {
            let walked = walk(container, bytes, input_max, room);
            assert!(walked == whole, "{input_max} in, {room} out:\n{walked:#?}\n{whole:#?}");
        }
    }
    whole
}

impl Walked {
    /// Opens `bytes` in one way only.
    pub(in crate::engine::unpack) fn of_opened(container: Whole, bytes: &[u8]) -> Self {
        opened(container, bytes, 65_536)
    }
}

fn opened(container: Whole, bytes: &[u8], room: usize) -> Walked {
    let mut spool = Spool::new(1 << 30, SpoolBudget::new(1 << 30));
    spool.push(bytes);
    take_out(Unpacker::open(container, spool, &Passwords::default()), &[], 0, room)
}

/// Opens `bytes` with windows of many sizes, checks that all agree, and says what came out.
#[track_caller]
pub(in crate::engine::unpack) fn check_opened(container: Whole, bytes: &[u8]) -> Walked {
    let whole = opened(container, bytes, 65_536);
    for room in [1, 3, 511, 1_024] {
        let walked = opened(container, bytes, room);
        assert!(walked == whole, "{room} out:\n{walked:#?}\n{whole:#?}");
    }
    whole
}
