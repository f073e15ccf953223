//! Sets of IP addresses: `10.0.0.0/8`, `10.0.0.1-10.0.0.9`, `2001:db8::/32`, single addresses.
//!
//! An IPv4 address is the same as inside of IPv6 (`::ffff:10.0.0.1`). Ranges are sorted and merged, so an
//! address is found by one binary search.

use std::net::{IpAddr, Ipv6Addr};

/// Sorted ranges that do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Box<[Range]>);

/// First and last address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Range {
    first: u128,
    last: u128,
}

impl Networks {
    pub(super) fn new(mut ranges: Vec<Range>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(before) if range.first <= before.last.saturating_add(1) => {
                    before.last = before.last.max(range.last);
                }
                _ => merged.push(range),
            }
        }
        Self(merged.into())
    }

    /// First and last address of each range, in order; no two of them touch.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (u128, u128)> {
        self.0.iter().map(|range| (range.first, range.last))
    }

    /// Reads one address, network or range.
    ///
    /// # Errors
    ///
    /// What is expected instead.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        Range::parse(text).map(|range| Self::new(vec![range]))
    }

    /// Adds what is in another set.
    pub fn append(&mut self, more: &Self) {
        *self = Self::new(self.0.iter().chain(&more.0).copied().collect());
    }

    /// Whether it is the empty set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the address is in the set.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let wanted = number(address);
        let after = self.0.partition_point(|range| range.first <= wanted);
        let before = after.checked_sub(1).and_then(|at| self.0.get(at));
        before.is_some_and(|range| wanted <= range.last)
    }
}

impl Range {
    /// Reads an address, a network or a range.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some((address, bits)) = text.split_once('/') {
            let address = parse(address)?;
            let width: u32 = if address.is_ipv4() { 32 } else { 128 };
            let digits = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
            let bits = bits.parse().ok().filter(|bits| digits && *bits <= width);
            let bits: u32 = bits.ok_or("the number of bits is from 0 to 32, for IPv6 to 128")?;
            let free = width.saturating_sub(bits);
            let mask = u128::MAX.checked_shl(free).unwrap_or(0);
            let wanted = number(address);
            if wanted & !mask != 0 {
                return Err("the address has bits behind the network's: 10.1.0.0/8 is 10.0.0.0/8");
            }
            return Ok(Self { first: wanted, last: wanted | !mask });
        }
        if let Some((first, last)) = text.split_once('-') {
            let (first, last) = (parse(first.trim())?, parse(last.trim())?);
            if first.is_ipv4() != last.is_ipv4() {
                return Err("a range is of one kind of address");
            }
            let range = Self { first: number(first), last: number(last) };
            return if range.first <= range.last {
                Ok(range)
            } else {
                Err("the range ends before it begins")
            };
        }
        let address = number(parse(text)?);
        Ok(Self { first: address, last: address })
    }
}

fn parse(text: &str) -> Result<IpAddr, &'static str> {
    text.parse().map_err(
        |_| "expected an IP address, a network (10.0.0.0/8) or a range (10.0.0.1-10.0.0.9)",
    )
}

/// An address as a number; IPv4 as in IPv6.
pub(super) fn number(address: IpAddr) -> u128 {
    let address = match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    Ipv6Addr::to_bits(address)
}
