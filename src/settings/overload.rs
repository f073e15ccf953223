//! Who is served, and who first: the options of admission, and where the passwords of clients are.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use super::Settings;
use super::table::icapd;
use crate::adaptation::admission::{self, OverloadAnswer, Share};

impl Settings {
    /// What becomes of requests when there is too much to do.
    #[must_use]
    pub fn admission_options(&self) -> admission::Options {
        let delay_ms = self.get(&icapd::OVERLOAD_DELAY);
        let scans_max = u32::try_from(self.get(&icapd::MAX_SCANS)).unwrap_or(u32::MAX);
        admission::Options {
            answer: match self.get(&icapd::OVERLOAD_ANSWER) {
                "Pass" => OverloadAnswer::Pass,
                _ => OverloadAnswer::Unavailable,
            },
            delay_us_max: delay_ms.and_then(|ms| NonZeroU64::new(ms.saturating_mul(1000))),
            scans_max: NonZeroU32::new(scans_max),
            share: if self.get(&icapd::FAIR_SHARE) { Share::Fair } else { Share::Alike },
        }
    }

    /// The file with the names and passwords of clients; `None`: nobody is asked for one.
    #[must_use]
    pub fn client_passwords(&self) -> Option<PathBuf> {
        self.get(&icapd::CLIENT_PASSWORDS)
    }
}
