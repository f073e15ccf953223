//! What the machine computes is what the processor does: each instruction over many operands against
//! digests of a real one, programs of a few instructions against what the manual says.

mod processor;
mod programs;

use super::*;

/// A machine with code at 0x1000, a stack below 0x3000, and data at 0x4000.
fn machine(code: &[u8]) -> Machine {
    let mut memory = Memory::default();
    let mut page = vec![0x90; 0x1000];
    page[..code.len()].copy_from_slice(code);
    memory.add(0x1000, page, true);
    memory.add(0x2000, vec![0; 0x1000], false);
    memory.add(0x4000, vec![0; 0x1000], true);
    let mut machine = Machine::new(memory);
    machine.next = 0x1000;
    machine.set_register(ESP, 0x3000);
    machine
}

/// Runs code up to its end.
fn run(machine: &mut Machine, length: usize) -> Result<(), Trap> {
    let code = 0x1000..;
    let end = code.zip(0..=length).last().map(|(address, _)| address);
    machine.run(1_000_000, |next| Some(next) == end)
}

/// Accumulators, counters, upper halves; each also with carry set.
fn operands() -> impl Iterator<Item = ([u32; 3], u32)> {
    const EDGES: [u32; 15] = [
        0,
        1,
        2,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0x8000,
        0xffff,
        0x1_0000,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0x1234_5678,
        0xdead_beef,
    ];
    const COUNTS: [u32; 13] = [3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33];
    let second = || EDGES.into_iter().chain(COUNTS);
    EDGES.into_iter().flat_map(move |first| {
        second().flat_map(move |second| {
            [0, 1, u32::MAX, 0x55]
                .into_iter()
                .flat_map(move |third| [0, 1].map(|carry| ([first, second, third], carry)))
        })
    })
}

#[test]
fn every_instruction_does_what_a_processor_did() {
    for (code, mask, wanted) in processor::ROWS {
        let mut digest = 0xcbf2_9ce4_8422_2325_u64;
        let mut machine = machine(code);
        let mut count = 0;
        for (values, carry) in operands() {
            for (number, value) in [EAX, ECX, EDX].into_iter().zip(values) {
                machine.set_register(number, value);
            }
            machine.set_register(EBX, 0x0102_0304);
            machine.flags.set_word(carry);
            machine.next = 0x1000;
            match run(&mut machine, code.len()) {
                Ok(()) => {}
                // The processor was not asked.
                Err(Trap::Divide) => continue,
                Err(trap) => panic!("{code:x?} with {values:x?}: {trap:?}"),
            }
            count += 1;
            let results = [EAX, ECX, EDX].map(|number| machine.register(number));
            for byte in results.into_iter().chain([machine.flags.word() & mask]) {
                for byte in byte.to_le_bytes() {
                    digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                }
            }
        }
        assert!(count > 500, "{code:x?}: only {count} sets of operands");
        assert_eq!(digest, *wanted, "{code:x?} differs");
    }
}
