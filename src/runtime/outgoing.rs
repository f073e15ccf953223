//! Sending: a head, held bytes and a tail in as few calls as possible, without joining them first.

use std::io::{self, IoSlice};

use super::executor::{Stream, yield_if_needed};

/// Slices sent in one call: two megabytes of full buffers.
pub(super) const SLICES_MAX: usize = 32;

/// Sends all bytes of all slices.
///
/// # Errors
///
/// As the kernel says; `TimedOut` when the other end takes nothing; `WriteZero` when it is gone.
pub(super) async fn send_all(stream: &mut Stream, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    let mut left = slices;
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        // A client that reads as fast as this writes leaves no other pause.
        yield_if_needed().await;
        let sent = stream.send(left).await?;
        if sent == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        IoSlice::advance_slices(&mut left, sent);
    }
    Ok(())
}
