//! What UPX does to code before it compresses it: the targets of calls are made absolute, so that the same
//! target has the same bytes. Here they are made relative again.

/// Undoes a filter on code. One that is not known leaves the code as it is: then calls go elsewhere, and
/// everything else is as it was.
pub(super) fn undo(filter: u8, mark: u8, code: &mut [u8]) {
    match filter {
        0x14 => calls(code, |first| first == 0xe8),
        0x15 => calls(code, |first| first == 0xe9),
        0x16 => calls(code, |first| matches!(first, 0xe8 | 0xe9)),
        0x24 => marked(code, mark, |first, _| first == 0xe8),
        0x25 => marked(code, mark, |first, _| first == 0xe9),
        0x26 => marked(code, mark, |first, _| matches!(first, 0xe8 | 0xe9)),
        0x36 | 0x49 => marked(code, mark, |first, before| {
            matches!(first, 0xe8 | 0xe9) || before == 0x0f && matches!(first, 0x80..=0x8f)
        }),
        _ => {}
    }
}

/// Every call has the absolute target.
fn calls(code: &mut [u8], is_call: impl Fn(u8) -> bool) {
    let mut at = 0_usize;
    while let Some(&[first, a, b, c, d]) = chunk(code, at) {
        if is_call(first) {
            let target = u32::from_le_bytes([a, b, c, d]);
            put(code, at, target.wrapping_sub(behind_opcode(at)));
            at = at.saturating_add(4);
        }
        at = at.saturating_add(1);
    }
}

/// Calls within the code have a mark and the absolute target, its highest byte first.
fn marked(code: &mut [u8], mark: u8, is_call: impl Fn(u8, u8) -> bool) {
    let (mut at, mut before) = (0_usize, 0);
    while let Some(&[first, a, b, c, d]) = chunk(code, at) {
        if is_call(first, before) && a == mark {
            let target = u32::from_be_bytes([0, b, c, d]);
            put(code, at, target.wrapping_sub(behind_opcode(at)));
            at = at.saturating_add(4);
            before = 0;
        } else {
            before = first;
        }
        at = at.saturating_add(1);
    }
}

fn chunk(code: &[u8], at: usize) -> Option<&[u8; 5]> {
    code.get(at..)?.first_chunk()
}

fn put(code: &mut [u8], at: usize, target: u32) {
    let from = at.saturating_add(1);
    if let Some(place) = code.get_mut(from..from.saturating_add(4)) {
        place.copy_from_slice(&target.to_le_bytes());
    }
}

fn behind_opcode(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(0).wrapping_add(1)
}
