//! Members of zips as PKZIP 0.9 and 1 packed them: shrunk and reduced, packed here.

use std::collections::BTreeMap;

use super::walk::{Walk, check_walk};
use super::zips::{Part, archive, check, stored};
use crate::engine::unpack::Container::Zip;
use crate::engine::verdict::Why;

/// Bits, the lowest of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, width: u32) {
        self.pending |= u64::from(value) << self.count;
        self.count += width;
        while self.count >= 8 {
            self.bytes.push(self.pending.to_le_bytes()[0]);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    fn end(mut self) -> Vec<u8> {
        self.put(0, 7);
        self.bytes
    }
}

const NONE: u32 = u32::MAX;

/// Packs with codes of up to `width` bits; forgets what is no part of others whenever all are given.
fn shrunk(plain: &[u8], width_max: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    let mut codes = vec![(NONE, 0_u8); 1 << width_max];
    let mut known: BTreeMap<(u32, u8), u32> = BTreeMap::new();
    let mut free: Vec<u32> = (257..1 << width_max).rev().collect();
    let (mut width, mut rest) = (9, plain.iter());
    let Some(mut code) = rest.next().map(|byte| u32::from(*byte)) else { return bits.end() };
    for byte in rest {
        if let Some(longer) = known.get(&(code, *byte)) {
            code = *longer;
            continue;
        }
        while code >= 1 << width {
            bits.put(256, width);
            bits.put(1, width);
            width += 1;
        }
        bits.put(code, width);
        if free.is_empty() {
            bits.put(256, width);
            bits.put(2, width);
            let is_part = |code: u32| codes.iter().any(|(before, _)| *before == code);
            let gone: Vec<u32> = (257..1 << width_max).filter(|code| !is_part(*code)).collect();
            for gone in &gone {
                codes[usize::try_from(*gone).expect("small")] = (NONE, 0);
            }
            known.retain(|_, code| !gone.contains(code));
            free = gone.into_iter().rev().collect();
        }
        if let Some(next) = free.pop() {
            codes[usize::try_from(next).expect("small")] = (code, *byte);
            // What begins with a code that is gone is nothing that can be asked for.
            let is_there = code < 256
                || (codes[usize::try_from(code).expect("small")].0 != NONE && code != next);
            if is_there {
                known.insert((code, *byte), next);
            }
        }
        code = u32::from(*byte);
    }
    while code >= 1 << width {
        bits.put(256, width);
        bits.put(1, width);
        width += 1;
    }
    bits.put(code, width);
    bits.end()
}

/// Packs literals, and one reference at the end: so many bytes from so far back.
fn reduced(method: u16, literals: &[u8], reference: Option<(u32, u32)>) -> Vec<u8> {
    let width = 9 - u32::from(method);
    let mask = (1 << width) - 1;
    let mut stream: Vec<u8> = Vec::new();
    for byte in literals {
        stream.push(*byte);
        if *byte == 144 {
            stream.push(0);
        }
    }
    if let Some((length, distance)) = reference {
        let (length, distance) = (length - 3, distance - 1);
        stream.push(144);
        let low = length.min(mask);
        stream.push((low | distance >> 8 << width).to_le_bytes()[0]);
        if low == mask {
            stream.push((length - mask).to_le_bytes()[0]);
        }
        stream.push(distance.to_le_bytes()[0]);
    }
    let mut followers = vec![Vec::new(); 256];
    let mut last = 0_u8;
    for (index, byte) in stream.iter().enumerate() {
        let all = &mut followers[usize::from(last)];
        // Some are left out.
        if all.len() < 32 && !all.contains(byte) && index % 5 != 4 {
            all.push(*byte);
        }
        last = *byte;
    }
    let mut bits = Bits::default();
    for all in followers.iter().rev() {
        bits.put(u32::try_from(all.len()).expect("few"), 6);
        all.iter().for_each(|byte| bits.put(u32::from(*byte), 8));
    }
    last = 0;
    for byte in stream {
        let all = &followers[usize::from(last)];
        let width = (1..6).find(|width| all.len() <= 1 << width).expect("32 at most");
        match all.iter().position(|other| *other == byte) {
            _ if all.is_empty() => bits.put(u32::from(byte), 8),
            None => {
                bits.put(1, 1);
                bits.put(u32::from(byte), 8);
            }
            Some(at) => {
                bits.put(0, 1);
                bits.put(u32::try_from(at).expect("few"), width);
            }
        }
        last = byte;
    }
    bits.end()
}

fn words(count: usize) -> Vec<u8> {
    let mut seed = 7_u64;
    let mut out = Vec::new();
    while out.len() < count {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        out.extend_from_slice(
            [&b"one "[..], b"two ", b"three\n", b"\x90\x90"]
                [usize::try_from(seed >> 62).expect("two bits")],
        );
        out.push(seed.to_be_bytes()[1] & 0x1f);
    }
    out
}

#[test]
fn shrunk_members_come_out_also_when_codes_are_given_again() {
    for plain in [
        b"x".to_vec(),
        b"aaaaaaaaaaaaaaaa".to_vec(),
        words(3_000),
        vec![b'z'; 70_000],
        words(60_000),
    ] {
        for width in [9, 10, 13] {
            if (plain.len() > 10_000) != (width == 13) {
                continue;
            }
            let part = Part { method: 1, packed: shrunk(&plain, width), ..stored("a", &plain) };
            let walked = check_walk(Zip, &archive(&[part, stored("b", b"two")]));
            check(&walked, &[Walk::whole("zip:a", &plain), Walk::whole("zip:b", b"two")], &[]);
        }
    }
}

#[test]
fn codes_that_stand_for_nothing_are_damage() {
    let damaged = Some(Err(Why::Broken("zip: not a shrunk member")));
    let early = Some(Err(Why::Broken("zip: a member ends early")));
    let fate = |codes: &[u32]| {
        let mut bits = Bits::default();
        codes.iter().for_each(|code| bits.put(*code, 9));
        let part = Part { method: 1, packed: bits.end(), plain: 100, ..stored("a", b"") };
        let walked = check_walk(Zip, &archive(&[part, stored("b", b"two")]));
        assert_eq!(walked.members[1], Walk::whole("zip:b", b"two"));
        walked.members[0].fate
    };
    assert_eq!(fate(&[300]), damaged, "a first code that is none");
    assert_eq!(fate(&[97, 258]), damaged, "one that is not given yet");
    assert_eq!(fate(&[97, 256, 3]), damaged, "an order that there is not");
    // 257 is made of itself: it was forgotten, and is given to what begins with it.
    assert_eq!(fate(&[97, 257, 256, 2, 98, 257]), damaged);
    assert_eq!(fate(&[97, 257, 256, 2, 98, 99]), early);
}

#[test]
fn reduced_members_come_out_with_references_of_every_length() {
    for method in 2..=5_u16 {
        let longest = (1 << (9 - u32::from(method))) - 1;
        for (literals, length, distance) in [
            (words(900), 4, 1),
            (words(900), 3 + longest, 256),
            (words(3_000), 200 + longest, 300),
            (b"ab".to_vec(), 9, 5),
        ] {
            let (length, distance) = (length, distance.min(1 << (method + 6)));
            let mut plain = literals.clone();
            for _ in 0..length {
                let from = plain.len().checked_sub(usize::try_from(distance).expect("small"));
                plain.push(from.map_or(0, |from| plain[from]));
            }
            let packed = reduced(method, &literals, Some((length, distance)));
            let part = Part { method, packed, ..stored("a", &plain) };
            let walked = check_walk(Zip, &archive(&[part, stored("b", b"two")]));
            check(&walked, &[Walk::whole("zip:a", &plain), Walk::whole("zip:b", b"two")], &[]);
        }
        let packed = reduced(method, b"some words", None);
        let part = Part { method, packed, plain: 90, ..stored("a", b"") };
        let walked = check_walk(Zip, &archive(&[part]));
        let fate = walked.members[0].fate;
        assert_eq!(fate, Some(Err(Why::Broken("zip: a member ends early"))));
    }
}
