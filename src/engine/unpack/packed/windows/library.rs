//! The one library there is: headers and exports that a loader can read, and an address for every function
//! that a program may ask for.
//!
//! Behind each address are some bytes as functions of Windows begin, so that a loader that looks at them
//! or runs the first of them itself finds what it expects.

use std::collections::BTreeMap;

use super::calls::KNOWN;

/// Names and addresses.
#[derive(Debug)]
pub(super) struct Library {
    /// Of the functions behind those that are known.
    names: Vec<Box<[u8]>>,
    numbers: BTreeMap<Box<[u8]>, u32>,
}

/// What is at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// The program has returned to the system.
    Return,
    /// A handler of exceptions has.
    Handled,
    /// The handler of the system was called.
    Fault,
    /// A function of [`KNOWN`].
    Known(usize),
    /// Any other.
    Foreign,
}

impl Library {
    pub(super) fn new() -> Self {
        let numbers = KNOWN.iter().zip(FIRST_NUMBER..);
        let numbers = numbers.map(|(known, number)| (known.name.as_bytes().into(), number));
        Self { names: Vec::new(), numbers: numbers.collect() }
    }

    /// The address of a function. `None` when too many have one.
    pub(super) fn address_of(&mut self, name: &[u8]) -> Option<u32> {
        if let Some(number) = self.numbers.get(name) {
            return Some(address(*number));
        }
        let known = u32::try_from(KNOWN.len()).ok()?;
        let number =
            FIRST_NUMBER.checked_add(known)?.checked_add(self.names.len().try_into().ok()?)?;
        (number < NUMBERS).then_some(())?;
        self.names.push(name.into());
        self.numbers.insert(name.into(), number);
        Some(address(number))
    }

    /// Its bytes in memory: a page of headers, the table of exports, the functions.
    #[expect(clippy::unused_self, reason = "the bytes are those of this library")]
    pub(super) fn image(&self) -> Vec<u8> {
        let mut image = vec![0; BYTES as usize];
        put(&mut image, 0, b"MZ");
        put(&mut image, 0x3c, &0x80_u32.to_le_bytes());
        put(&mut image, 0x80, b"PE\0\0\x4c\x01\0\0");
        put(&mut image, 0x94, &0xe0_u32.to_le_bytes());
        put(&mut image, 0x98, &0x010b_u32.to_le_bytes());
        for (at, value) in
            [(0xb4, BASE), (0xd0, BYTES), (0xf4, 16), (0xf8, EXPORTS), (0xfc, 0x3000)]
        {
            put(&mut image, at, &value.to_le_bytes());
        }
        let mut sorted: Vec<_> = KNOWN.iter().zip(FIRST_NUMBER..).collect();
        sorted.sort_unstable_by_key(|(known, _)| known.name);
        let count = u32::try_from(sorted.len()).unwrap_or(0);
        let tables = EXPORTS.wrapping_add(0x40);
        let names = tables.wrapping_add(0x400);
        let ordinals = names.wrapping_add(0x400);
        let mut text = ordinals.wrapping_add(0x200);
        let fields = [text, 1, count, count, tables, names, ordinals];
        for (at, field) in (EXPORTS.wrapping_add(12)..).step_by(4).zip(fields) {
            put(&mut image, at as usize, &field.to_le_bytes());
        }
        put(&mut image, text as usize, b"KERNEL32.dll\0");
        text = text.wrapping_add(16);
        for ((known, number), index) in sorted.into_iter().zip(0_u32..) {
            let row = index.wrapping_mul(4);
            let from_base = address(number).wrapping_sub(BASE);
            put(&mut image, tables.wrapping_add(row) as usize, &from_base.to_le_bytes());
            put(&mut image, names.wrapping_add(row) as usize, &text.to_le_bytes());
            let [low, high, ..] = index.to_le_bytes();
            put(&mut image, ordinals.wrapping_add(row >> 1) as usize, &[low, high]);
            put(&mut image, text as usize, known.name.as_bytes());
            let length = u32::try_from(known.name.len()).unwrap_or(0);
            text = text.wrapping_add(length).wrapping_add(1);
        }
        for number in 0..NUMBERS {
            put(&mut image, address(number).wrapping_sub(BASE) as usize, FUNCTION);
        }
        image
    }
}

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(to) = image.get_mut(at..at.wrapping_add(bytes.len())) {
        to.copy_from_slice(bytes);
    }
}

/// Whether an address is that of a function.
pub(super) const fn is_inside(address: u32) -> bool {
    address.wrapping_sub(FUNCTIONS) < NUMBERS * FUNCTION_BYTES
}

/// What is at such an address, and how far behind the front of the function it is.
pub(super) fn at(address: u32) -> (Function, u32) {
    let offset = address.wrapping_sub(FUNCTIONS);
    let number = offset / FUNCTION_BYTES;
    let function = match number {
        0 => Function::Return,
        1 => Function::Handled,
        2 => Function::Fault,
        other => match usize::try_from(other.wrapping_sub(FIRST_NUMBER)) {
            Ok(index) if index < KNOWN.len() => Function::Known(index),
            Ok(_) | Err(_) => Function::Foreign,
        },
    };
    (function, offset % FUNCTION_BYTES)
}

const fn address(number: u32) -> u32 {
    FUNCTIONS.wrapping_add(number.wrapping_mul(FUNCTION_BYTES))
}

pub(super) const BASE: u32 = 0x7c80_0000;
pub(super) const BYTES: u32 = 0x0002_0000;
/// A library that is in the lists, and of which nothing is there.
pub(super) const LOWEST: u32 = 0x7c90_0000;
const EXPORTS: u32 = 0x1000;
const FUNCTIONS: u32 = BASE + 0x0001_0000;
const FUNCTION_BYTES: u32 = 16;
/// Functions that have an address.
const NUMBERS: u32 = 4_096;
const _: () = assert!(NUMBERS * FUNCTION_BYTES <= BYTES - 0x0001_0000);
/// Behind the three of the system.
const FIRST_NUMBER: u32 = 3;
pub(super) const RETURN: u32 = FUNCTIONS;
pub(super) const HANDLED: u32 = FUNCTIONS + FUNCTION_BYTES;
pub(super) const FAULT: u32 = FUNCTIONS + 2 * FUNCTION_BYTES;
/// How they begin: `mov edi, edi; push ebp; mov ebp, esp`, and some more.
const FUNCTION: &[u8] = b"\x8b\xff\x55\x8b\xec\x83\xec\x10\x53\x56\x57\x33\xdb\x90\x90\x90";
/// Behind so many of its bytes a function has pushed the frame of its caller.
pub(super) const FRAME_FROM: u32 = 3;
