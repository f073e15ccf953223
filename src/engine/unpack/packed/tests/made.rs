//! Small programs made here byte by byte: what a loader may do, what it may not, and where it ends.

use super::super::{Packed, Suspect};
use crate::engine::file_type::HEAD_BYTES;
use crate::engine::unpack::tests::walk::{Walk, Walked, check_opened};
use crate::engine::unpack::{Progress, Whole};
use crate::engine::verdict::Why;

/// A program of two sections: one of 4 KiB at 0x1000 of which the file has nothing, and one at 0x2000 with
/// these bytes, where control begins. Functions of `KERNEL32` are bound from 0x2200 on, in order.
pub(in crate::engine::unpack::packed) fn program(
    names: [&[u8]; 2],
    code: &[u8],
    imports: &[&str],
) -> Vec<u8> {
    let mut file = vec![0; 0x400];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"MZ");
    put(0x3c, &[0x40]);
    put(0x40, b"PE\0\0\x4c\x01\x02\0");
    put(0x54, &[0xe0, 0, 0x02, 0x01, 0x0b, 0x01]);
    let directory = if imports.is_empty() { 0 } else { 0x2180_u32 };
    let fields =
        [(16, 0x2000_u32), (28, 0x40_0000), (32, 0x1000), (36, 0x200), (56, 0x3000), (60, 0x200)];
    for (at, value) in fields.into_iter().chain([(92, 16), (104, directory)]) {
        put(0x58 + at, &value.to_le_bytes());
    }
    for (row, name, address, size) in
        [(0x138, names[0], 0x1000_u32, 0_u32), (0x160, names[1], 0x2000, 0x600)]
    {
        put(row, name);
        for (at, value) in [(8, 0x1000), (12, address), (16, size), (20, 0x200), (36, 0xe000_0060)]
        {
            put(row + at, &value.to_le_bytes());
        }
    }
    file.resize(0x800, 0);
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    assert!(code.len() <= 0x180, "room for the imports");
    put(0x200, code);
    put(0x380 + 12, &0x2300_u32.to_le_bytes());
    put(0x380 + 16, &0x2200_u32.to_le_bytes());
    put(0x500, b"KERNEL32.dll");
    for (index, name) in imports.iter().enumerate() {
        let place = 0x2340 + 0x20 * u32::try_from(index).expect("few");
        put(0x400 + 4 * index, &place.to_le_bytes());
        put(0x542 + 0x20 * index, name.as_bytes());
    }
    file
}

const PLAIN: [&[u8]; 2] = [b"first", b"second"];

/// `mov esi, 0x402100; mov edi, 0x401000; mov ecx, 0x80; l: lodsb; xor al, 0x5a; stosb; loop l`.
const UNPACKING: &[u8] = b"\xbe\0\x21\x40\0\xbf\0\x10\x40\0\xb9\x80\0\0\0\xac\x34\x5a\xaa\xe2\xfa";
/// `mov eax, 0x401000; jmp eax`.
const THERE: &[u8] = b"\xb8\0\x10\x40\0\xff\xe0";

/// A loader, and behind it what it is to unpack: a program that does what `inner` says.
fn packing(loader: &[&[u8]], inner: &[u8]) -> Vec<u8> {
    let mut code = loader.concat();
    code.resize(0x100, 0x90);
    let mut inner = inner.to_vec();
    inner.resize(0x80, 0x11);
    code.extend(inner.iter().map(|byte| byte ^ 0x5a));
    code
}

#[track_caller]
fn opened(file: &[u8]) -> Walked {
    let suspect = Suspect::of(&file[..HEAD_BYTES]).expect("a suspect");
    check_opened(Whole::Packed(suspect), file)
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"))
}

/// The one member, which ended in order.
#[track_caller]
fn unpacked(file: &[u8]) -> Vec<u8> {
    let Walked { mut members, missed, end, .. } = opened(file);
    assert_eq!((members.len(), missed.len(), end), (1, 0, Ok(())));
    let Walk { label, bytes, fate } = members.remove(0);
    assert_eq!((label.as_str(), fate), ("unpacked", Some(Ok(()))));
    bytes
}

#[test]
fn what_a_loader_writes_and_runs_comes_out_as_a_program() {
    // call [0x402200]; "what was hidden"
    let inner = b"\xff\x15\0\x22\x40\0what was hidden";
    let code = packing(&[UNPACKING, THERE], inner);
    let bytes = unpacked(&program(PLAIN, &code, &["ExitProcess"]));
    // The entry point, its section in the file, and what is there.
    let header = usize::try_from(long(&bytes, 0x3c)).expect("small");
    assert_eq!(&bytes[header..header + 4], b"PE\0\0");
    assert_eq!(long(&bytes, header + 24 + 16), 0x1000);
    let rows = header + 24 + 0xe0;
    let place = |row: usize| usize::try_from(long(&bytes, rows + 40 * row + 20)).expect("small");
    assert_eq!(&bytes[place(0)..place(0) + 21], inner);
    assert_eq!(&bytes[place(1)..place(1) + 21], UNPACKING);
    assert_eq!([long(&bytes, rows + 16), long(&bytes, rows + 12)], [0x1000, 0x1000]);
    assert_eq!(bytes.len(), place(1) + 0x1000);
}

#[test]
fn a_handler_of_exceptions_may_send_control_on() {
    // push handler; push fs:[0]; mov fs:[0], esp; int3; handler: mov eax, [esp+12];
    // mov dword [eax+0xb8], go; xor eax, eax; ret; go: …
    let front = b"\x68\x14\x20\x40\0\x64\xff\x35\0\0\0\0\x64\x89\x25\0\0\0\0\xcc\
        \x8b\x44\x24\x0c\xc7\x80\xb8\0\0\0\x25\x20\x40\0\x33\xc0\xc3";
    for fault in [&b"\xcc"[..], b"\xf4"] {
        let mut front = front.to_vec();
        front[19] = fault[0];
        let code = packing(&[&front, UNPACKING, THERE], b"\xc3 behind an exception");
        let bytes = unpacked(&program(PLAIN, &code, &[]));
        assert!(memchr::memmem::find(&bytes, b"behind an exception").is_some());
    }
}

#[test]
fn addresses_and_memory_are_given() {
    // push 0x40; push 0x3000; push 0x1000; push 0; call [VirtualAlloc]; mov edi, eax; push edi;
    // mov esi, 0x402100; mov ecx, 0x80; l: lodsb; xor al, 0x5a; stosb; loop l; ret
    let front = b"\x6a\x40\x68\0\x30\0\0\x68\0\x10\0\0\x6a\0\xff\x15\0\x22\x40\0\x8b\xf8\x57\
        \xbe\0\x21\x40\0\xb9\x80\0\0\0\xac\x34\x5a\xaa\xe2\xfa\xc3";
    let code = packing(&[front], b"\xc3 in memory that was asked for");
    // Nothing of it is in a section, and it is no program by itself.
    let walked = opened(&program(PLAIN, &code, &["VirtualAlloc"]));
    assert_eq!(walked.members.len(), 1);
}

/// Runs a program, and says how many instructions that took.
fn steps(file: &[u8]) -> (u32, Option<Result<(), Why>>) {
    let suspect = Suspect::of(&file[..HEAD_BYTES]).expect("a suspect");
    let mut packed = Packed::new(suspect);
    let (mut steps, mut window) = (0, [0; 4096]);
    loop {
        steps += 1;
        match packed.step(file, &mut window).1 {
            Progress::End(fate) => return (steps, Some(fate)),
            Progress::Hungry => return (steps, None),
            Progress::Begin | Progress::Listed | Progress::Full => {}
            other @ (Progress::Missed(_) | Progress::Stopped(_)) => panic!("{other:?}"),
        }
    }
}

#[test]
fn nothing_runs_for_ever() {
    // push 1; push 0x3000; push 0x100000; push 0; call [VirtualAlloc]; jmp front
    let growing = b"\x6a\x01\x68\0\x30\0\0\x68\0\0\x10\0\x6a\0\xff\x15\0\x22\x40\0\xeb\xea";
    // push handler; push fs:[0]; mov fs:[0], esp; handler: int3
    let nested = b"\x68\x13\x20\x40\0\x64\xff\x35\0\0\0\0\x64\x89\x25\0\0\0\0\xcc";
    // front: call front
    let calling = b"\xe8\xfb\xff\xff\xff";
    // dec eax; mov [front], al; jmp front: code that changes itself
    let changing = b"\x90\x48\xa2\0\x20\x40\0\xeb\xf7";
    for (code, most) in [
        (&b"\xeb\xfe"[..], 20_000),
        (growing, 20_000),
        (changing, 20_000),
        (nested, 10),
        (calling, 20),
        (b"\xf3\xaa", 10),
        (b"\x0f\x58\xc0", 10),
        (b"\xc3", 10),
        (b"", 10),
    ] {
        let (steps, fate) = steps(&program(PLAIN, code, &["VirtualAlloc"]));
        assert!(steps <= most && fate == Some(Ok(())), "{code:x?}: {steps} steps, {fate:?}");
    }
}

#[test]
fn a_packer_whose_marks_are_there_must_come_out() {
    let names: [[&[u8]; 2]; 2] = [[b"UPX0", b"UPX1"], [b".adata", b".aspack"]];
    for (names, why) in names.into_iter().zip(["program packed by UPX", "program packed by ASPack"])
    {
        let why = Why::Unsupported(why);
        let walked = opened(&program(names, b"\xc3", &[]));
        let fates: Vec<_> = walked.members.iter().map(|member| member.fate).collect();
        assert_eq!(fates, [Some(Err(why))]);
        // One that cannot even be run says so without a member.
        let mut wide = program(names, b"\xc3", &[]);
        wide[0x44..0x46].copy_from_slice(&[0x64, 0x86]);
        let walked = opened(&wide);
        assert_eq!((walked.members.len(), walked.missed), (0, vec![why]));
        // What unpacks itself is seen whatever its sections are called.
        let code = packing(&[UNPACKING, THERE], b"\xc3");
        assert_eq!(opened(&program(names, &code, &[])).members[0].fate, Some(Ok(())));
    }
}

#[test]
fn ordinary_programs_are_not_suspected() {
    let mut ordinary = program([b".bss", b".text"], b"\xc3", &[]);
    assert!(Suspect::of(&ordinary[..HEAD_BYTES]).is_some_and(|suspect| !suspect.is_certain()));
    // Data that is not there and code that is not written to.
    ordinary[0x138 + 36..0x138 + 40].copy_from_slice(&0xc000_0080_u32.to_le_bytes());
    ordinary[0x160 + 36..0x160 + 40].copy_from_slice(&0x6000_0020_u32.to_le_bytes());
    assert_eq!(Suspect::of(&ordinary[..HEAD_BYTES]), None);
    for head in [&b"MZ"[..], b"\x7fELF", b"", b"MZ and text", &[0; 1024]] {
        assert_eq!(Suspect::of(head), None);
    }
}
