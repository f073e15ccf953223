//! Programs of a few instructions: strings, stack, control, faults, code that is written and run.

use super::{EAX, EBP, EBX, ECX, EDI, EDX, ESI, ESP, Instruction, Machine, Trap, machine, run};

/// Runs code up to its end with some registers, and gives the machine.
#[track_caller]
fn after(code: &[u8], registers: &[(u8, u32)]) -> Machine {
    let mut machine = machine(code);
    for (number, value) in registers {
        machine.set_register(*number, *value);
    }
    assert_eq!(run(&mut machine, code.len()), Ok(()), "{code:x?}");
    machine
}

/// Runs code and gives what interrupted it.
fn trap(code: &[u8], registers: &[(u8, u32)]) -> (Machine, Option<Trap>) {
    let mut machine = machine(code);
    for (number, value) in registers {
        machine.set_register(*number, *value);
    }
    let trap = run(&mut machine, code.len()).err();
    (machine, trap)
}

#[track_caller]
fn check_memory(machine: &Machine, address: u32, wanted: &[u8]) {
    assert_eq!(machine.memory.bytes(address, wanted.len()), wanted);
}

#[test]
fn strings_are_moved_filled_and_compared() {
    // mov dword [0x4000], "abcd"; rep movsb
    let code = b"\xc7\x05\0\x40\0\0abcd\xf3\xa4";
    let machine = after(code, &[(ESI, 0x4000), (EDI, 0x4001), (ECX, 6)]);
    check_memory(&machine, 0x4000, b"aaaaaaa\0");
    let end = [ESI, EDI, ECX].map(|number| machine.register(number));
    assert_eq!(end, [0x4006, 0x4007, 0]);
    // std; rep stosd; cld
    let machine = after(b"\xfd\xf3\xab\xfc", &[(EAX, 0x6465_6667), (EDI, 0x4010), (ECX, 2)]);
    check_memory(&machine, 0x400c, b"gfedgfed\0");
    assert_eq!(machine.register(EDI), 0x4008);
    // repne scasb finds a byte, and stops behind it.
    let code = b"\xc7\x05\0\x40\0\0abcd\xf2\xae";
    let machine = after(code, &[(EAX, b'c'.into()), (EDI, 0x4000), (ECX, 100)]);
    assert_eq!((machine.register(EDI), machine.register(ECX)), (0x4003, 97));
    assert!(machine.flags.is_zero());
    // repe cmpsw stops at the first difference.
    let code = b"\xc7\x05\x02\x40\0\0abcd\xf3\x66\xa7";
    let machine = after(code, &[(ESI, 0x4000), (EDI, 0x4008), (ECX, 9)]);
    assert_eq!((machine.register(ESI), machine.register(ECX)), (0x4004, 7));
    // lodsb with a segment, xlat.
    let mut machine = after(b"\x90", &[]);
    machine.thread = 0x4000;
    assert_eq!(machine.put(0x4005, b"\x07"), Ok(()));
    machine.set_register(ESI, 5);
    assert_eq!(machine.put(0x1001, b"\x64\xac"), Ok(()));
    assert_eq!(run(&mut machine, 3), Ok(()));
    assert_eq!(machine.register(EAX) & 0xff, 7);
}

#[test]
fn a_long_repetition_takes_its_turns_and_ends() {
    let machine = after(b"\xf3\xaa", &[(EAX, 9), (EDI, 0x4000), (ECX, 0x1000)]);
    check_memory(&machine, 0x4ffe, &[9, 9]);
    assert!(machine.executed >= 0x1000);
    // It counts, so that nothing runs for ever inside of one instruction.
    let mut machine = machine_with(b"\xf3\xac", &[(ESI, 0x4000), (ECX, u32::MAX)]);
    assert_eq!(machine.run(1_000, |_| false), Ok(()));
    assert!((1_000..2_000).contains(&machine.executed) && machine.register(ECX) > 0xffff_f000);
    assert_eq!(machine.next, 0x1000);
}

fn machine_with(code: &[u8], registers: &[(u8, u32)]) -> Machine {
    let mut machine = machine(code);
    for (number, value) in registers {
        machine.set_register(*number, *value);
    }
    machine
}

#[test]
fn the_stack_keeps_what_it_is_given() {
    // pusha; popa; pushf; popf; enter 8, 0; leave; push 5; pop ebx
    let code = b"\x60\x61\x9c\x9d\xc8\x08\0\0\xc9\x6a\x05\x5b";
    let machine = after(code, &[(EAX, 1), (ECX, 2), (EDX, 3), (EBP, 4), (ESI, 6), (EDI, 7)]);
    assert_eq!(machine.registers, [1, 2, 3, 5, 0x3000, 4, 6, 7]);
    check_memory(&machine, 0x2fe0, &[7, 0, 0, 0, 6, 0, 0, 0]);
    // push esp writes what it was; pop esp takes what is there; pop [esp] counts from after.
    let machine = after(b"\x54\x58", &[]);
    assert_eq!((machine.register(EAX), machine.register(ESP)), (0x3000, 0x3000));
    let machine = after(b"\x68\0\x2f\0\0\x5c", &[]);
    assert_eq!(machine.register(ESP), 0x2f00);
    let machine = after(b"\x6a\x01\x6a\x02\x8f\x04\x24", &[]);
    check_memory(&machine, 0x2ffc, &[2, 0, 0, 0]);
    // enter with two frames copies the pointer of the one around.
    let machine = after(b"\xc8\x04\0\x02", &[(EBP, 0x2ff0)]);
    assert_eq!((machine.register(EBP), machine.register(ESP)), (0x2ffc, 0x2ff0));
}

#[test]
fn control_goes_where_it_is_sent() {
    // call over three bytes; the callee pops its return address and returns by a jump.
    let machine = after(b"\xe8\x03\0\0\0\xcc\xcc\xcc\x58\x83\xc0\x09\xff\xe0\x90", &[]);
    assert_eq!(machine.register(EAX), 0x100e);
    // mov ecx, 5; l: inc eax; loop l
    let machine = after(b"\xb9\x05\0\0\0\x40\xe2\xfd", &[]);
    assert_eq!(machine.register(EAX), 5);
    // jecxz; ret 8
    let machine = after(b"\xe3\x01\xcc\x6a\0\x68\x0d\x10\0\0\xc2\x04\0", &[]);
    assert_eq!(machine.register(ESP), 0x3000);
}

#[test]
fn decimal_adjustments_are_those_of_the_manual() {
    // (code, ax before, carry and adjust before, ax after, carry after)
    let rows: [(&[u8], u32, u32, u32, u32); 10] = [
        (b"\x27", 0x2e, 0, 0x34, 0),
        (b"\x27", 0x9a, 0, 0x00, 1),
        (b"\x27", 0x11, 0x11, 0x77, 1),
        (b"\x2f", 0xee, 0, 0x88, 1),
        (b"\x2f", 0x0f, 0, 0x09, 0),
        (b"\x37", 0x000b, 0, 0x0101, 1),
        (b"\x37", 0x0005, 0, 0x0005, 0),
        (b"\x3f", 0x020c, 0, 0x0106, 1),
        (b"\xd4\x0a", 0x0043, 0, 0x0607, 0),
        (b"\xd5\x0a", 0x0607, 0, 0x0043, 0),
    ];
    for (code, before, flags, wanted, carry) in rows {
        let mut machine = machine(code);
        machine.set_register(EAX, before);
        machine.flags.set_word(flags);
        assert_eq!(run(&mut machine, code.len()), Ok(()));
        let found = (machine.register(EAX), machine.flags.word() & 1);
        assert_eq!(found, (wanted, carry), "{code:x?} of {before:x}");
    }
}

/// An instruction, the registers that matter, and the fault.
type Row = (&'static [u8], &'static [(u8, u32)], Option<Trap>);

#[test]
fn faults_leave_everything_as_it_was() {
    let missing = |address, is_write| Some(Trap::Access { address, is_write });
    // add [0], eax would set flags; push with the stack below its memory; xchg with nothing.
    let rows: [Row; 12] = [
        (b"\x01\x05\0\0\0\0", &[(EAX, 1)], missing(0, false)),
        (b"\x50", &[(ESP, 0x1002)], missing(0x0ffe, true)),
        (b"\x87\x03", &[(EBX, 0x9000)], missing(0x9000, false)),
        (b"\xff\xe0", &[(EAX, 0x8000)], missing(0x8000, false)),
        (b"\x60", &[(ESP, 0x1008)], missing(0x0ffc, true)),
        (b"\xf7\xf1", &[], Some(Trap::Divide)),
        (b"\xf7\xf9", &[(EAX, 1 << 31), (EDX, u32::MAX), (ECX, u32::MAX)], Some(Trap::Divide)),
        (b"\xcc", &[], Some(Trap::Breakpoint)),
        (b"\x0f\x0b", &[], Some(Trap::Invalid)),
        (b"\xf4", &[], Some(Trap::Privileged)),
        (b"\x0f\x58\xc0", &[], Some(Trap::Unsupported)),
        (b"\x62\x05\0\x40\0\0", &[(EAX, 5)], Some(Trap::Bounds)),
    ];
    for (code, registers, wanted) in rows {
        let before = machine_with(code, registers);
        let (machine, found) = trap(code, registers);
        assert_eq!(found, wanted, "{code:x?}");
        let at = if code == b"\xff\xe0" { 0x8000 } else { 0x1000 };
        assert_eq!((machine.registers, machine.next), (before.registers, at), "{code:x?}");
        assert_eq!(machine.flags.word(), before.flags.word(), "{code:x?}");
    }
    // The trap flag stops behind the next instruction; the flag itself is set by popf.
    let (machine, found) = trap(b"\x68\0\x01\0\0\x9d\x90\x40\x40", &[]);
    assert_eq!((found, machine.next), (Some(Trap::SingleStep), 0x1007));
}

#[test]
fn code_that_was_written_is_run_as_it_is_now() {
    // mov ecx, 2; l: inc eax; mov byte [l], 0x48 (dec eax); loop l
    let code = b"\xb9\x02\0\0\0\x40\xc6\x05\x05\x10\0\0\x48\xe2\xf6";
    let machine = after(code, &[(EAX, 10)]);
    assert_eq!(machine.register(EAX), 10);
    // What is written has a generation more than the one that wrote it.
    assert_eq!((machine.memory.generation(0x1005), machine.memory.generation(0x1006)), (1, 0));
}

#[test]
fn the_entry_of_what_was_unpacked_is_found() {
    // Writes `call 0x1020; nop; jmp +0` to 0x4000 and jumps there; 0x1020 returns.
    let mut code = b"\xc7\x05\0\x40\0\0\xe8\x1b\xd0\xff\xc7\x05\x04\x40\0\0\xff\x90\xeb\0".to_vec();
    code.extend(b"\xb8\0\x40\0\0\xff\xe0");
    code.resize(0x20, 0x90);
    code.push(0xc3);
    let mut machine = machine(&code);
    assert_eq!(machine.run(8, |_| false), Ok(()));
    // The way back from the call into old code is not taken for an entry.
    assert_eq!(machine.entry(), Some(0x4000));
    assert_eq!(machine.next, 0x4008);
}

#[test]
fn no_bytes_are_without_an_instruction_or_a_reason() {
    // Whatever two bytes begin with: it is decoded, or is said to be none.
    for first in 0..=255_u8 {
        for second in 0..=255_u8 {
            let mut code = [0; 16];
            (code[0], code[1]) = (first, second);
            if let Ok(it) = Instruction::decode(&code) {
                assert!((1..=15).contains(&it.length), "{first:x} {second:x}");
            }
        }
    }
    assert!(matches!(Instruction::decode(&[0x66; 16]), Err(Trap::Invalid)));
}

#[test]
fn the_float_unit_moves_numbers_and_says_where_it_was() {
    // fldz; fnstenv [esp-0xc]; pop eax
    let machine = after(b"\xd9\xee\xd9\x74\x24\xf4\x58", &[(ESP, 0x2f00)]);
    assert_eq!(machine.register(EAX), 0x1000);
    // fild qword [0x4000]; fistp qword [0x4010]
    let code = b"\xc7\x05\0\x40\0\0abcd\xdf\x2d\0\x40\0\0\xdf\x3d\x10\x40\0\0";
    check_memory(&after(code, &[]), 0x4010, b"abcd\0\0\0\0");
    assert_eq!(trap(b"\xd8\xc1", &[]).1, Some(Trap::Unsupported));
}
