//! Sending: a head, held bytes and a tail in as few calls as possible, without joining them first.

use std::io::{self, IoSlice};

use super::executor::{Stream, Weight, give_way};

/// Slices sent in one call.
pub(super) const SLICES_MAX: usize = 32;

/// Bytes of whole slices sent in one call: the kernel copies them in some hundred microseconds, in which nobody
/// else of the shard has a turn. Two megabytes took a millisecond.
const CALL_BYTES: usize = 512 << 10;

/// Sends all bytes of all slices.
///
/// # Errors
///
/// As the kernel says; `TimedOut` when the other end takes nothing; `WriteZero` when it is gone.
pub(super) async fn send_all(stream: &mut Stream, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    let mut left = slices;
    let bytes: usize = left.iter().map(|slice| slice.len()).sum();
    let weight = Weight::of_bytes(bytes as u64);
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        // A client that reads as fast as this writes leaves no other pause.
        give_way(weight).await;
        let sent = stream.send(&left[..fitting(left)]).await?;
        if sent == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        IoSlice::advance_slices(&mut left, sent);
    }
    Ok(())
}

/// How many slices go in one call: all that have [`CALL_BYTES`] together, and at least one.
fn fitting(slices: &[IoSlice<'_>]) -> usize {
    let mut bytes = 0_usize;
    let fits = |slice: &&IoSlice<'_>| {
        bytes = bytes.saturating_add(slice.len());
        bytes <= CALL_BYTES
    };
    slices.iter().take_while(fits).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_bounded_and_never_empty() {
        let (long, short) = (vec![0; CALL_BYTES + 1], vec![0; CALL_BYTES / 4]);
        let (long, short) = (IoSlice::new(&long), IoSlice::new(&short));
        assert_eq!(fitting(&[long, short]), 1, "one slice goes however long it is");
        assert_eq!(fitting(&[short; 6]), 4, "as many as fit");
        assert_eq!(fitting(&[short, long]), 1);
        assert_eq!(fitting(&[short; 3]), 3);
    }
}
