//! The byte program: how a part is checked, from its anchor forwards and backwards.
//!
//! A program is a list of steps over a *set of positions*: each step maps the set to the positions
//! behind (before, when walking backwards) what it takes. A set instead of backtracking makes the cost a
//! product, steps times positions, whatever the input is: `(a|aa)(a|aa)…` over a run of `a` is the case
//! that kills a backtracking matcher.
//!
//! The encoding is one byte of operation, then its operands in little endian; a program for walking
//! backwards has its steps, nested ones too, in reverse order. A program that is not well formed
//! matches nothing: it is read from an image, so reading it must never panic.

#![forbid(unsafe_code)]

use super::boundary;
use crate::engine::database::signature::{Edge, EdgeKind, Unit};

/// Which way a program walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    Forwards,
    Backwards,
}

/// Writes the steps of `units` in the order of the walk.
pub(super) fn encode(units: &[Unit], walk: Walk, out: &mut Vec<u8>) {
    let mut at = 0;
    let pick = |index: usize| match walk {
        Walk::Forwards => units.get(index),
        Walk::Backwards => units.get(units.len().checked_sub(index + 1)?),
    };
    while let Some(unit) = pick(at) {
        at += match unit {
            Unit::Byte { mask: 0xFF, .. } => {
                let mut run: Vec<u8> =
                    (at..).map_while(|index| fixed_byte(pick(index)?)).take(RUN_MAX).collect();
                if walk == Walk::Backwards {
                    run.reverse();
                }
                out.push(RUN);
                push_u16(out, run.len());
                out.extend_from_slice(&run);
                run.len()
            }
            Unit::Byte { mask: 0, .. } => {
                let is_any =
                    |index: &usize| matches!(pick(*index), Some(Unit::Byte { mask: 0, .. }));
                let count = (at..).take_while(is_any).take(RUN_MAX).count();
                encode_skip(count, count, out);
                count
            }
            Unit::Byte { .. } => {
                let mut run: Vec<(u8, u8)> =
                    (at..).map_while(|index| masked_byte(pick(index)?)).take(RUN_MAX).collect();
                if walk == Walk::Backwards {
                    run.reverse();
                }
                out.push(MASKED);
                push_u16(out, run.len());
                out.extend(run.iter().map(|(value, mask)| value & mask));
                out.extend(run.iter().map(|(_, mask)| mask));
                run.len()
            }
            Unit::Skip { .. } => {
                let skip = |index: usize| match pick(index) {
                    Some(Unit::Skip { min, max }) => Some((usize::from(*min), usize::from(*max))),
                    _ => None,
                };
                let skips = (at..).map_while(skip).take(SKIPS_MAX);
                let sum = |sum: (usize, usize, usize), (min, max): (usize, usize)| {
                    (sum.0 + 1, sum.1 + min, sum.2 + max)
                };
                let (count, min, max) = skips.fold((0, 0, 0), sum);
                encode_skip(min, max, out);
                count
            }
            Unit::Boundary(edge) => {
                out.extend_from_slice(&[BOUNDARY, boundary::encode(Some(*edge))]);
                1
            }
            Unit::Choice { negated, choices } => {
                encode_choice(*negated, choices, walk, out);
                1
            }
        };
    }
}

/// Moves every position of the set over the whole program; positions that do not match fall out. `bytes`
/// ends where the layer ends or where nothing of this part can reach. Returns the work done.
pub(super) fn advance(program: &[u8], walk: Walk, bytes: &[u8], set: &mut Vec<usize>) -> u64 {
    let mut rest = program;
    let mut work = 0;
    while let (false, Some((&operation, operands))) = (set.is_empty(), rest.split_first()) {
        work += set.len() as u64;
        let next = match operation {
            RUN => step_run(operands, walk, bytes, set, &mut work),
            MASKED => step_masked(operands, walk, bytes, set, &mut work),
            SKIP => step_skip(operands, walk, bytes, set, &mut work),
            BOUNDARY => step_boundary(operands, walk, bytes, set),
            CHOICE => step_choice(operands, walk, bytes, set, &mut work),
            _ => None,
        };
        let Some(next) = next else {
            set.clear();
            break;
        };
        rest = next;
    }
    work
}

/// Whether the program can be read to its end. Nesting is at most as deep as the program is long.
pub(super) fn is_well_formed(program: &[u8]) -> bool {
    // Most programs are one run; nothing is allocated for them.
    if let Some((&RUN, operands)) = program.split_first()
        && let Some((count, after)) = read_u16(operands)
        && after.len() == count
    {
        return true;
    }
    if program.is_empty() {
        return true;
    }
    let mut open = vec![program];
    while let Some(mut rest) = open.pop() {
        while let Some((&operation, operands)) = rest.split_first() {
            let next = match operation {
                RUN => read_u16(operands)
                    .and_then(|(count, after)| after.split_at_checked(count))
                    .map(|(_, after)| after),
                MASKED => read_u16(operands)
                    .and_then(|(count, after)| after.split_at_checked(2 * count))
                    .map(|(_, after)| after),
                SKIP => operands.split_at_checked(4).map(|(_, after)| after),
                BOUNDARY => operands
                    .split_first()
                    .filter(|(code, _)| boundary::decode(**code).is_some())
                    .map(|(_, after)| after),
                CHOICE => Choice::read(operands).and_then(|(choice, mut body)| {
                    for _ in 0..choice.count {
                        let (one, after) = read_choice(body)?;
                        open.push(one);
                        body = after;
                    }
                    Some(body)
                }),
                _ => None,
            };
            match next {
                Some(after) => rest = after,
                None => return false,
            }
        }
    }
    true
}

/// The shortest and the longest that a run of units may take, in bytes.
pub(super) fn length(units: &[Unit]) -> Length {
    units.iter().fold(Length::default(), |sum, unit| {
        let one = unit_length(unit);
        Length { min: sum.min.saturating_add(one.min), max: sum.max.saturating_add(one.max) }
    })
}

/// From `min` to `max` bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Length {
    pub(super) min: u32,
    pub(super) max: u32,
}

impl Length {
    pub(super) const fn is_fixed(self) -> bool {
        self.min == self.max
    }
}

fn unit_length(unit: &Unit) -> Length {
    match unit {
        Unit::Byte { .. } => Length { min: 1, max: 1 },
        Unit::Skip { min, max } => Length { min: (*min).into(), max: (*max).into() },
        Unit::Boundary(Edge { kind: EdgeKind::Line, negated: false }) => Length { min: 1, max: 2 },
        Unit::Boundary(_) => Length { min: 1, max: 1 },
        Unit::Choice { negated: true, choices } => {
            let width = choices.first().map_or(0, |choice| length(choice).min);
            Length { min: width, max: width }
        }
        Unit::Choice { negated: false, choices } => {
            let lengths = || choices.iter().map(|choice| length(choice));
            let min = lengths().map(|one| one.min).min().unwrap_or(0);
            Length { min, max: lengths().map(|one| one.max).max().unwrap_or(0) }
        }
    }
}

/// Whether a unit looks at the byte behind what it takes (only a negated line end does, for a CR LF).
pub(super) fn looks_behind_itself(units: &[Unit]) -> bool {
    units.iter().any(|unit| match unit {
        Unit::Boundary(edge) => edge.negated && edge.kind == EdgeKind::Line,
        Unit::Choice { choices, .. } => choices.iter().any(|choice| looks_behind_itself(choice)),
        Unit::Byte { .. } | Unit::Skip { .. } => false,
    })
}

const fn fixed_byte(unit: &Unit) -> Option<u8> {
    match unit {
        Unit::Byte { value, mask: 0xFF } => Some(*value),
        Unit::Byte { .. } | Unit::Choice { .. } | Unit::Skip { .. } | Unit::Boundary(_) => None,
    }
}

/// A byte of a masked run. A wildcard ends it, as it is skipped for less.
const fn masked_byte(unit: &Unit) -> Option<(u8, u8)> {
    match unit {
        Unit::Byte { value, mask: mask @ 1.. } => Some((*value, *mask)),
        Unit::Byte { .. } | Unit::Choice { .. } | Unit::Skip { .. } | Unit::Boundary(_) => None,
    }
}

fn encode_skip(min: usize, max: usize, out: &mut Vec<u8>) {
    out.push(SKIP);
    push_u16(out, min);
    push_u16(out, max);
}

fn encode_choice(negated: bool, choices: &[Vec<Unit>], walk: Walk, out: &mut Vec<u8>) {
    let width = choices.first().map_or(0, |choice| length(choice).min);
    out.extend_from_slice(&[CHOICE, negated.into()]);
    push_u32(out, width as usize);
    push_u32(out, choices.len());
    for choice in choices {
        let length_at = out.len();
        push_u32(out, 0);
        encode(choice, walk, out);
        let count = u32::try_from(out.len() - length_at - 4).unwrap_or(u32::MAX);
        out[length_at..length_at + 4].copy_from_slice(&count.to_le_bytes());
    }
}

fn step_run<'p>(
    operands: &'p [u8],
    walk: Walk,
    bytes: &[u8],
    set: &mut Vec<usize>,
    work: &mut u64,
) -> Option<&'p [u8]> {
    let (count, after) = read_u16(operands)?;
    let (run, after) = after.split_at_checked(count)?;
    *work += (count as u64 / 8) * set.len() as u64;
    set.retain_mut(|at| {
        let Some(from) = stepped(*at, count, walk) else {
            return false;
        };
        let first = from.min(*at);
        *at = from;
        bytes.get(first..).is_some_and(|text| text.starts_with(run))
    });
    Some(after)
}

fn step_masked<'p>(
    operands: &'p [u8],
    walk: Walk,
    bytes: &[u8],
    set: &mut Vec<usize>,
    work: &mut u64,
) -> Option<&'p [u8]> {
    let (count, after) = read_u16(operands)?;
    let (values, after) = after.split_at_checked(count)?;
    let (masks, after) = after.split_at_checked(count)?;
    *work += (count as u64 / 8) * set.len() as u64;
    set.retain_mut(|at| {
        let Some(to) = stepped(*at, count, walk) else {
            return false;
        };
        let first = to.min(*at);
        *at = to;
        let text = bytes.get(first..).and_then(|rest| rest.get(..count));
        text.is_some_and(|text| {
            let masked = text.iter().zip(masks).map(|(byte, mask)| byte & mask);
            masked.eq(values.iter().copied())
        })
    });
    Some(after)
}

fn step_skip<'p>(
    operands: &'p [u8],
    walk: Walk,
    bytes: &[u8],
    set: &mut Vec<usize>,
    work: &mut u64,
) -> Option<&'p [u8]> {
    let (min, after) = read_u16(operands)?;
    let (max, after) = read_u16(after)?;
    let next = next_byte(after, walk);
    let from = std::mem::take(set);
    for at in from {
        // Positions from `low` to `high`; nothing is behind the end or before the start.
        let (low, high) = match walk {
            Walk::Forwards => (at.saturating_add(min), at.saturating_add(max).min(bytes.len())),
            Walk::Backwards if at < min => continue,
            Walk::Backwards => (at.saturating_sub(max), at - min),
        };
        *work += high.saturating_sub(low) as u64 / 8;
        match next {
            None => set.extend(low..=high),
            // The byte that the next step takes first lies at a position, or before it.
            Some((value, mask)) => {
                let behind = usize::from(walk == Walk::Backwards);
                let first = low.max(behind) - behind;
                let Some(text) = bytes.get(first..(high + 1 - behind).min(bytes.len())) else {
                    continue;
                };
                let place = |index: usize| first + index + behind;
                match mask {
                    0xFF => set.extend(memchr::memchr_iter(value, text).map(place)),
                    _ => {
                        let fits = |(_, byte): &(usize, &u8)| **byte & mask == value;
                        set.extend(text.iter().enumerate().filter(fits).map(|(at, _)| place(at)));
                    }
                }
            }
        }
    }
    settle(set);
    Some(after)
}

/// What the byte that a step takes first must be, where that is one byte: value and mask.
fn next_byte(program: &[u8], walk: Walk) -> Option<(u8, u8)> {
    let (operation, operands) = program.split_first()?;
    let (count, after) = read_u16(operands)?;
    let edge = |run: &[u8]| match walk {
        Walk::Forwards => run.first().copied(),
        Walk::Backwards => run.last().copied(),
    };
    match *operation {
        RUN => Some((edge(after.get(..count)?)?, 0xFF)),
        MASKED => Some((edge(after.get(..count)?)?, edge(after.get(count..2 * count)?)?)),
        _ => None,
    }
}

fn step_boundary<'p>(
    operands: &'p [u8],
    walk: Walk,
    bytes: &[u8],
    set: &mut Vec<usize>,
) -> Option<&'p [u8]> {
    let (&code, after) = operands.split_first()?;
    let edge = boundary::decode(code)?;
    let from = std::mem::take(set);
    for at in from {
        match walk {
            Walk::Forwards => {
                set.extend(boundary::taken_at(edge, bytes, at).map(|taken| at + taken));
            }
            Walk::Backwards => {
                let starts = [at.checked_sub(2), at.checked_sub(1)];
                let ends_here = |start: &usize| {
                    boundary::taken_at(edge, bytes, *start).is_some_and(|taken| start + taken == at)
                };
                set.extend(starts.into_iter().flatten().filter(ends_here));
            }
        }
    }
    settle(set);
    Some(after)
}

fn step_choice<'p>(
    operands: &'p [u8],
    walk: Walk,
    bytes: &[u8],
    set: &mut Vec<usize>,
    work: &mut u64,
) -> Option<&'p [u8]> {
    let (choice, mut body) = Choice::read(operands)?;
    let from = std::mem::take(set);
    let mut refused = Vec::new();
    for _ in 0..choice.count {
        let (one, after) = read_choice(body)?;
        body = after;
        if choice.negated {
            for &at in &from {
                let mut alone = vec![at];
                *work += advance(one, walk, bytes, &mut alone);
                if !alone.is_empty() {
                    refused.push(at);
                }
            }
        } else {
            let mut taken = from.clone();
            *work += advance(one, walk, bytes, &mut taken);
            set.append(&mut taken);
        }
    }
    if choice.negated {
        refused.sort_unstable();
        let fits = |at: &usize| refused.binary_search(at).is_err();
        let moved = |at: usize| stepped(at, choice.width, walk).filter(|to| *to <= bytes.len());
        set.extend(from.into_iter().filter(fits).filter_map(moved));
    }
    settle(set);
    Some(body)
}

/// The head of a choice; the bodies follow it.
struct Choice {
    negated: bool,
    /// Bytes that a negated choice takes.
    width: usize,
    count: usize,
}

impl Choice {
    fn read(operands: &[u8]) -> Option<(Self, &[u8])> {
        let (&negated, after) = operands.split_first()?;
        let (width, after) = read_u32(after)?;
        let (count, after) = read_u32(after)?;
        Some((Self { negated: negated != 0, width, count }, after))
    }
}

fn read_choice(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, after) = read_u32(body)?;
    after.split_at_checked(count)
}

fn stepped(at: usize, count: usize, walk: Walk) -> Option<usize> {
    match walk {
        Walk::Forwards => at.checked_add(count),
        Walk::Backwards => at.checked_sub(count),
    }
}

fn settle(set: &mut Vec<usize>) {
    set.sort_unstable();
    set.dedup();
}

fn push_u16(out: &mut Vec<u8>, value: usize) {
    out.extend_from_slice(&u16::try_from(value).unwrap_or(u16::MAX).to_le_bytes());
}

fn push_u32(out: &mut Vec<u8>, value: usize) {
    out.extend_from_slice(&u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
}

fn read_u16(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (value, after) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_le_bytes(*value).into(), after))
}

fn read_u32(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (value, after) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*value) as usize, after))
}

const RUN: u8 = 1;
const MASKED: u8 = 2;
const SKIP: u8 = 3;
const BOUNDARY: u8 = 4;
const CHOICE: u8 = 5;

/// Skips that make one step: their sum fits its operands.
const SKIPS_MAX: usize = 256;

/// The longest run of one step; longer ones take several.
const RUN_MAX: usize = u16::MAX as usize;
