//! Links of mails and pages that pretend to lead elsewhere (`clamav.md` A6.5, A10.2).
//!
//! ```text
//!   mail or page ─▶ Watch ─▶ tokeniser ─▶ (target, what is shown) ─▶ Lists ─▶ finding
//! ```
//!
//! | list | line | meaning here |
//! | --- | --- | --- |
//! | `.pdb` | `H:host`, `R:real:display` | a domain that is imitated; a link that shows it and leads elsewhere is a finding |
//! | `.wdb` | `M:real:display`, `X:real:display`, `Y:real` | a pair, or a target, that is right as it is |
//! | `.gdb` | `S:F:`, `S1:F:`, `S2:F:` + SHA-256 | a target that is a finding whatever is shown |
//! | `.gdb` | `S:W:` + SHA-256 | a target that is none |
//! | `.gdb` | `S:P:` + 4 bytes | the first bytes of an `F` line; says nothing by itself |
//!
//! Asked of clamscan 1.4.6: links are looked at in mails only, so they are here, unless the database
//! was built for pages as well. A mail is read from the words `text/html` on, as it is: parts in
//! base64 and quoted-printable are not decoded yet, and a mail is `Unscanned` for that already.
//!
//! Pairs are those of clamscan: a link and its text, a link and an image in it, a form and each link or
//! image in it. Hosts are compared by their registered name, so `www.bank.example` may lead to
//! `login.bank.example`.
//!
//! Wider than clamscan: references in the text are decoded, ports and upper case do not hide a target,
//! and a host that is shown need not end in a name that clamscan knows.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod check;
mod ere;
mod table;
#[cfg(test)]
mod tests;
mod url;
mod watch;

pub(in crate::engine) use check::{Lists, Regexes};
pub(in crate::engine) use ere::{compile, compile_as_written};
pub use table::LinksFault;
pub(in crate::engine) use table::{Class, LinkRows, RegexUse};
pub(in crate::engine) use watch::Watch;

/// What was found out about a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum LinkFinding {
    /// It shows a domain of the list and leads to another one.
    SpoofedDomain,
    /// It shows `https` and leads to `http`.
    SslSpoof,
    /// Its target is written so that it is read wrongly.
    Cloaked,
    /// Its target is in a list.
    Listed(Class),
}

impl LinkFinding {
    /// The name under which it is reported: clamscan's.
    pub(in crate::engine) const fn name(self) -> &'static str {
        match self {
            Self::SpoofedDomain => "Heuristics.Phishing.Email.SpoofedDomain",
            Self::SslSpoof => "Heuristics.Phishing.Email.SSL-Spoof",
            Self::Cloaked => "Heuristics.Phishing.Email.Cloaked.Null",
            Self::Listed(Class::Malware | Class::Allowed) => {
                "Heuristics.Safebrowsing.Suspected-malware_safebrowsing.clamav.net"
            }
            Self::Listed(Class::Blocked) => "Heuristics.Phishing.URL.Blocked",
            Self::Listed(Class::Phishing) => {
                "Heuristics.Safebrowsing.Suspected-phishing_safebrowsing.clamav.net"
            }
        }
    }
}
