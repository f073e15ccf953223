//! Alerts: what could not be scanned, and macros, reported under ClamAV's names where the administrator asks for it.
//!
//! An alert is a detection like any other: it has a name and a place, it beats the reason for which something
//! was not scanned, and the policy for suspicious content decides about it. Without the switch the reason
//! stays a reason.
//!
//! | switch | name |
//! | --- | --- |
//! | `AlertEncryptedArchive` | `Heuristics.Encrypted.Zip`, `.7Zip`, `.RAR`, `.Archive` |
//! | `AlertEncryptedDoc` | `Heuristics.Encrypted.PDF`, `.OLE2` |
//! | `AlertExceedsMax` | `Heuristics.Limits.Exceeded.MaxFileSize` and so on, with the settings' names |
//! | `AlertBroken` | `Heuristics.Broken` |
//! | `AlertOLE2Macros` | `Heuristics.OLE2.ContainsMacros.VBA` |

use super::verdict::Why;

/// The switches; all are off by default, as in ClamAV.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "switches of the settings are booleans")]
pub struct Alerts {
    /// `AlertEncryptedArchive`: archives with a member that is encrypted.
    pub encrypted_archives: bool,
    /// `AlertEncryptedDoc`: documents that are.
    pub encrypted_documents: bool,
    /// `AlertExceedsMax`: objects that reach a limit.
    pub limits: bool,
    /// `AlertBroken`: containers that are damaged.
    pub broken: bool,
    /// `AlertOLE2Macros`: documents with macros.
    pub macros: bool,
}

impl Alerts {
    /// The name under which it is reported that something in a layer of this `CL_TYPE_*` was not looked at.
    pub(super) fn name(self, why: Why, layer_type: &str) -> Option<String> {
        match why {
            Why::Encrypted => {
                let (is_asked, what) = match layer_type {
                    "CL_TYPE_PDF" => (self.encrypted_documents, "PDF"),
                    "CL_TYPE_MSOLE2" => (self.encrypted_documents, "OLE2"),
                    "CL_TYPE_7Z" => (self.encrypted_archives, "7Zip"),
                    "CL_TYPE_RAR" => (self.encrypted_archives, "RAR"),
                    "CL_TYPE_ZIP" => (self.encrypted_archives, "Zip"),
                    _ => (self.encrypted_archives, "Archive"),
                };
                is_asked.then(|| format!("Heuristics.Encrypted.{what}"))
            }
            Why::Limit(_) | Why::Time => self.limits.then(|| why.heuristic()).flatten(),
            Why::Broken(_) => self.broken.then(|| why.heuristic()).flatten(),
            Why::Fragment | Why::Unsupported(_) | Why::EngineMissing | Why::Failed | Why::Busy => {
                None
            }
        }
    }

    /// The name under which a member is reported for what it is, by what it was taken out of.
    pub(super) fn of_member(self, what: &str) -> Option<&'static str> {
        (self.macros && what == "vba").then_some("Heuristics.OLE2.ContainsMacros.VBA")
    }
}
