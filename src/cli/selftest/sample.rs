//! The two bodies that are sent: one that every scanner must find, one that nobody may touch.

/// The EICAR test string, put together here: a whole one in this file or in the program would be
/// found by every scanner that looks at them.
pub(super) fn eicar() -> Vec<u8> {
    [EICAR_FRONT, EICAR_BACK].concat().into_bytes()
}

/// A harmless body that is longer than Squid's 64 KiB buffer, so that it really takes the way through
/// the scan and back; no two kilobytes of it are the same, so that damage shows.
pub(super) fn clean() -> Vec<u8> {
    let line = |number: u32| {
        format!("line {number:05} of a harmless text that has to arrive as it was sent\n")
    };
    (0..CLEAN_LINES).map(line).collect::<String>().into_bytes()
}

const EICAR_FRONT: &str = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-";
const EICAR_BACK: &str = "ANTIVIRUS-TEST-FILE!$H+H*";
/// 64 bytes each: about 156 KiB.
const CLEAN_LINES: u32 = 2500;

#[cfg(test)]
mod tests {
    use super::{clean, eicar};

    #[test]
    fn the_test_string_is_whole() {
        let eicar = eicar();
        assert_eq!(eicar.len(), 68);
        // The sum of its bytes: cheap, and no scanner minds it.
        assert_eq!(eicar.iter().map(|byte| u32::from(*byte)).sum::<u32>(), EICAR_SUM);
    }

    #[test]
    fn the_clean_body_does_not_fit_into_the_replay_buffer_of_squid() {
        assert!(clean().len() > 2 * 65_536);
    }

    const EICAR_SUM: u32 = 4622;
}
