//! Numbers at places in a header, in either byte order; a place outside is `None`.

/// The byte order of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

pub(super) fn u16_at(bytes: &[u8], at: usize, order: Order) -> Option<u16> {
    let raw = array_at::<2>(bytes, at)?;
    Some(match order {
        Order::Little => u16::from_le_bytes(raw),
        Order::Big => u16::from_be_bytes(raw),
    })
}

pub(super) fn u32_at(bytes: &[u8], at: usize, order: Order) -> Option<u32> {
    let raw = array_at::<4>(bytes, at)?;
    Some(match order {
        Order::Little => u32::from_le_bytes(raw),
        Order::Big => u32::from_be_bytes(raw),
    })
}

pub(super) fn u64_at(bytes: &[u8], at: usize, order: Order) -> Option<u64> {
    let raw = array_at::<8>(bytes, at)?;
    Some(match order {
        Order::Little => u64::from_le_bytes(raw),
        Order::Big => u64::from_be_bytes(raw),
    })
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.first_chunk().copied()
}
